//! What a suite's run left behind, and the reading of it: how it ended, and what its test report tells.
//!
//! Nothing here says PASS or FAIL, and nothing here starts a process: a runner brings the evidence, the judge weighs it.

mod adapters;
mod ecmascript;
pub mod excerpt;
mod file;
mod filter;
#[cfg(test)]
mod fixtures;
mod focus;
#[cfg(test)]
mod fuzz;
mod noticed;
mod recipe;
mod report;
mod said;
mod store;
mod text;
mod undone;
mod usage;
mod warnings;

pub use adapters::{FilterOptions, Retries, filter_options, parse_report, recipe, retries, unseen};
pub use file::{MAX_REPORT_BYTES, read_report};
pub use filter::{Filter, UnreadableFilter};
pub use focus::{Focus, focused};
pub use noticed::{ANYTHING, Noticed};
pub use recipe::{NODE_PRELOAD, Recipe, ReportFrom, fill_in};
pub use report::{Outcome, ReportEvidence, SuiteError, TestCase, TestReport};
pub use said::heard;
pub use store::{Fate, KeptFile, Listed, Store, Swept};
pub use text::short;
pub use undone::undone;
pub use usage::lost_filter;
pub use warnings::{Listener, OwnWords, WARNINGS_FILE, WarningLists};

/// How a suite's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// By the gate, because the deadline had passed.
    TimedOut,
}

/// All that the judge is told about the run of one suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteEvidence {
    /// How its process ended.
    pub ended: Ended,
    /// What its report tells.
    pub report: ReportEvidence,
    /// What was noticed around it.
    pub noticed: Vec<Noticed>,
}

impl SuiteEvidence {
    /// A run around which nothing was noticed.
    pub fn new(ended: Ended, report: ReportEvidence) -> Self {
        SuiteEvidence { ended, report, noticed: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use crate::judge::judge_file;
    use crate::policy::{ADAPTERS, Adapter, Report};

    #[test]
    fn no_adapter_takes_an_object_without_keys_for_a_report() {
        for name in ADAPTERS.iter().filter(|name| **name != Adapter::ExitCode.as_str()) {
            let adapter: Adapter = serde_json::from_value((*name).into()).expect("it is the name of an adapter");
            let judged = judge_file(b"{}", Report { adapter, flavor: None }, 0);
            assert_eq!(judged.verdict.findings()[0].code, crate::judge::Code::ReportMalformed, "{adapter:?}");
        }
    }
}

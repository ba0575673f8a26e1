//! What a suite asks of its evidence: the part of the policy that the judge reads.

use regex::Regex;

use crate::evidence::{self, Filter, Retries, UnreadableFilter};
use crate::policy::{Adapter, AllowLeftover, AllowSkipped, Suite};

/// The version of the rules below. It stands in every record and goes up whenever the same evidence could be judged
/// more strictly than before, so that a gate can ask for proofs that were judged by rules as strict as its own.
///
/// 3: skipped tests, tests beside the filter, cached results, unknown options and retries that nobody can see are findings.
pub const RULES_VERSION: u32 = 3;

/// What a suite asks of its evidence.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Fewer executed tests are a finding. None at all are one whatever stands here.
    pub min_tests: u64,
    /// What may be left running: it is ended, and noted.
    pub allow_leftover: Vec<AllowLeftover>,
    /// Tests that may be skipped: they are noted.
    pub allow_skipped: Vec<AllowSkipped>,
    /// The tests that the suite's command asks for; all of them where it names none.
    pub filter: Result<Option<Filter>, UnreadableFilter>,
    /// How a command that lost its filter is to be written, where that can be told.
    pub filter_hint: Option<String>,
    /// Whether a flaky test would show.
    pub flaky: Flaky,
}

/// Whether a test that passed only after a failed attempt would show in a suite's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaky {
    /// It would.
    Seen,
    /// It would not, and the suite accepts that.
    Accepted,
    /// It would not, and nobody has accepted that.
    Unseen,
}

impl Default for Rules {
    /// Those of a suite that says nothing about it.
    fn default() -> Self {
        Rules {
            min_tests: 1,
            allow_leftover: Vec::new(),
            allow_skipped: Vec::new(),
            filter: Ok(None),
            filter_hint: None,
            flaky: Flaky::Seen,
        }
    }
}

impl Rules {
    /// The rules of a suite of the policy.
    pub fn of(suite: &Suite) -> Self {
        let flaky = match (evidence::retries(suite.report), suite.flaky_unobservable) {
            // Who chooses the exit code alone by its name knows that it shows no test at all.
            _ if suite.report.adapter == Adapter::ExitCode => Flaky::Seen,
            (Retries::Seen, _) => Flaky::Seen,
            (Retries::Unseen, true) => Flaky::Accepted,
            (Retries::Unseen, false) => Flaky::Unseen,
        };
        Rules {
            min_tests: suite.min_tests,
            allow_leftover: suite.allow_leftover.clone(),
            allow_skipped: suite.allow_skipped.clone(),
            filter: Filter::of(suite.report.adapter, &suite.run),
            filter_hint: evidence::lost_filter(suite.report.adapter, &suite.run),
            flaky,
        }
    }

    /// The reason for which a test may be skipped, where there is one.
    pub(super) fn why_skipped(&self, title: &str) -> Option<&str> {
        let matches = |allow: &&AllowSkipped| Regex::new(&allow.test).is_ok_and(|pattern| pattern.is_match(title));
        self.allow_skipped.iter().find(matches).map(|allow| allow.reason.as_str())
    }
}

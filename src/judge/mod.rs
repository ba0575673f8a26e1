//! Findings and verdicts. Pure: no disk, no process, no clock, no environment.

mod chosen;
mod finding;
mod judging;
#[cfg(test)]
mod properties;
mod repeats;
mod rules;
#[cfg(test)]
mod tests;
mod verdict;

pub use finding::{Code, Finding};
pub use judging::{Allowance, Judged, judge, judge_file};
pub use repeats::{Run, differences, first_failed_run};
pub use rules::{Flaky, RULES_VERSION, Rules};
pub use verdict::{Counts, MAX_FINDINGS, Verdict, Word};

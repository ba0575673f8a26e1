//! Findings and verdicts. Pure: no disk, no process, no clock, no environment.

mod finding;
mod judging;
mod repeats;
#[cfg(test)]
mod tests;
mod verdict;

pub use finding::{Code, Finding};
pub use judging::{Judged, RULES_VERSION, Rules, judge, judge_file};
pub use repeats::{Run, differences, first_failed_run};
pub use verdict::{Counts, MAX_FINDINGS, Verdict, Word};

//! Findings and verdicts. Pure: no disk, no process, no clock, no environment.

mod finding;
mod verdict;

pub use finding::{Code, Finding};
pub use verdict::{Counts, Verdict, Word};

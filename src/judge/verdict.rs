//! PASS or FAIL. Nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Finding;

/// The judgement of evidence. A `Fail` without a finding cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No finding.
    Pass,
    /// At least one finding.
    Fail {
        /// The headline.
        first: Finding,
        /// The others.
        rest: Vec<Finding>,
    },
}

impl Verdict {
    /// PASS where there is no finding, FAIL with all of them otherwise.
    pub fn of(findings: Vec<Finding>) -> Self {
        let mut findings = findings.into_iter();
        match findings.next() {
            None => Verdict::Pass,
            Some(first) => Verdict::Fail { first, rest: findings.collect() },
        }
    }

    /// The word alone.
    pub fn word(&self) -> Word {
        match self {
            Verdict::Pass => Word::Pass,
            Verdict::Fail { .. } => Word::Fail,
        }
    }

    /// Every finding, the headline first.
    pub fn findings(&self) -> Vec<&Finding> {
        match self {
            Verdict::Pass => Vec::new(),
            Verdict::Fail { first, rest } => std::iter::once(first).chain(rest).collect(),
        }
    }
}

/// A verdict's word, as stored and printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Word {
    /// No finding.
    Pass,
    /// At least one finding.
    Fail,
}

impl Word {
    /// `PASS` or `FAIL`.
    pub fn as_str(self) -> &'static str {
        match self {
            Word::Pass => "PASS",
            Word::Fail => "FAIL",
        }
    }
}

/// How many tests a report tells of. A test counts once, under the worst that happened to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Executed and passed at the first attempt.
    pub passed: u64,
    /// Executed and failed, or not understood.
    pub failed: u64,
    /// Executed and passed after a failed attempt.
    pub flaky: u64,
    /// Not executed.
    pub skipped: u64,
}

impl Counts {
    /// Tests that were executed.
    pub fn executed(&self) -> u64 {
        self.passed + self.failed + self.flaky
    }
}

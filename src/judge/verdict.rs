//! PASS or FAIL. Nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::{Code, Finding};

/// A verdict made from evidence keeps this many findings, and at least one of each code.
pub const MAX_FINDINGS: usize = 200;

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

    /// The same for findings in the order of their discovery: the most telling first, the rest bounded, and where some
    /// are left out a last one that says how many.
    pub fn of_unsorted(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.code.rank());
        let total = findings.len();
        if total > MAX_FINDINGS {
            let mut room = MAX_FINDINGS - findings.chunk_by(|a, b| a.code == b.code).count();
            let mut last: Option<Code> = None;
            let mut left_out = None;
            findings.retain(|finding| {
                let first_of_its_code = last.replace(finding.code) != Some(finding.code);
                let kept = first_of_its_code || room > 0;
                if !first_of_its_code && kept {
                    room -= 1;
                }
                left_out = left_out.or((!kept).then_some(finding.code));
                kept
            });
            if let Some(code) = left_out {
                let detail = format!("and {} more findings, not listed", total - findings.len());
                findings.push(Finding { code, test: None, detail });
            }
        }
        Verdict::of(findings)
    }

    /// The word alone.
    pub fn word(&self) -> Word {
        match self {
            Verdict::Pass => Word::Pass,
            Verdict::Fail { .. } => Word::Fail,
        }
    }

    /// Every finding, the headline first, out of the verdict.
    pub fn into_findings(self) -> Vec<Finding> {
        match self {
            Verdict::Pass => Vec::new(),
            Verdict::Fail { first, rest } => std::iter::once(first).chain(rest).collect(),
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

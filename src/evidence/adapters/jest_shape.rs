//! The shape of jest's `json` reports, which vitest's have too: files with their tests, and a summary of both.
//!
//! What a test's status means, and what shows that it was retried, is each runner's own.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Malformed;
use crate::evidence::report::{Outcome, SuiteError, TestCase, TestReport};
use crate::evidence::text::{bounded, headline};

/// `serde` refuses a key that stands twice, and `from_slice` anything after the object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    pub num_total_tests: u64,
    pub num_passed_tests: u64,
    pub num_failed_tests: u64,
    num_pending_tests: u64,
    num_todo_tests: u64,
    /// Files; with vitest groups too.
    pub num_total_test_suites: u64,
    num_failed_test_suites: u64,
    /// jest's alone, as the next two.
    pub num_runtime_error_test_suites: Option<u64>,
    pub was_interrupted: Option<bool>,
    pub open_handles: Option<Vec<IgnoredAny>>,
    success: bool,
    /// Absent before vitest 2.
    snapshot: Option<Snapshot>,
    pub test_results: Vec<TestFile>,
}

#[derive(Deserialize)]
struct Snapshot {
    #[serde(default)]
    unmatched: u64,
    #[serde(default)]
    unchecked: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TestFile {
    pub name: String,
    pub status: String,
    /// What went wrong in it: all its failures, or why it did not load.
    pub message: String,
    pub assertion_results: Vec<Assertion>,
}

/// A test.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assertion {
    pub full_name: String,
    pub status: String,
    /// `null` where there are none, but never absent: vitest has no other sign of a failed attempt.
    #[serde(deserialize_with = "Option::deserialize")]
    pub failure_messages: Option<Vec<String>>,
    /// jest's alone: how often it was tried.
    pub invocations: Option<u64>,
    /// jest's alone: what went wrong in the attempts before the last.
    pub retry_reasons: Option<Vec<String>>,
}

/// What a runner's words say about a test.
pub(super) enum Told {
    Came(Outcome, Option<String>),
    /// It is focused (`.only`), and was not run for that reason.
    Focused(String),
}

impl Assertion {
    /// The first line of what went wrong, if anything did.
    pub fn failure(&self) -> Option<String> {
        self.failure_messages.iter().flatten().map(|message| headline(message)).next()
    }

    /// A failure, whatever the status says.
    pub fn failed(&self) -> Told {
        let why = self.failure().filter(|why| !why.is_empty());
        Told::Came(Outcome::Failed, why.or_else(|| Some("the report does not say why".to_owned())))
    }

    /// A test that was left out, unless something went wrong in it all the same.
    pub fn left_out(&self, outcome: Outcome, why: Option<&str>) -> Told {
        if self.failure().is_some() { self.failed() } else { Told::Came(outcome, why.map(str::to_owned)) }
    }

    /// A status that nobody knows.
    pub fn unknown(&self) -> Told {
        Told::Came(Outcome::Failed, Some(headline(&format!("its status is '{}'", self.status))))
    }
}

/// Reads the shape.
pub(super) fn document(bytes: &[u8], runner: &str) -> Result<Document, Malformed> {
    serde_json::from_slice(bytes).map_err(|error| Malformed::new(format!("not a report of {runner}: {error}")))
}

/// The report's tests, and what failed outside of them. `good` are the states of a file in which nothing failed.
pub(super) fn report(document: &Document, good: &[&str], told: impl Fn(&Assertion) -> Told) -> TestReport {
    let mut report = TestReport::default();
    let mut failed = 0;
    for (number, file) in document.test_results.iter().enumerate() {
        let failed_before = failed;
        for (index, assertion) in file.assertion_results.iter().enumerate() {
            failed += u64::from(assertion.status == "failed");
            let title = bounded(assertion.full_name.trim_start());
            let (outcome, detail) = match told(assertion) {
                Told::Came(outcome, detail) => (outcome, detail),
                // No test was skipped where the focus itself was refused.
                Told::Focused(why) => {
                    report.focused.push(format!("{title}: {why} ({})", bounded(&file.name)));
                    continue;
                }
            };
            report.cases.push(TestCase {
                title,
                // Neither runner lists an attempt twice: what has the same title is another row of a table.
                identity: TestCase::identity_of((number, index)),
                file: Some(bounded(&file.name)),
                outcome,
                detail,
            });
        }
        let explained = file.status == "failed" && failed > failed_before;
        let fine = good.contains(&file.status.as_str()) && file.message.trim().is_empty();
        if !explained && !fine {
            let detail = why_it_failed(file);
            report.errors.push(SuiteError { title: None, file: Some(bounded(&file.name)), detail });
        }
    }
    check_summary(document, failed, &mut report);
    report
}

/// The summary against what is listed. It may know of failures that stand nowhere else: a hook of a group, snapshots.
fn check_summary(document: &Document, failed: u64, report: &mut TestReport) {
    let listed = (report.cases.len() + report.focused.len()) as u64;
    let counts =
        [("numTotalTests", document.num_total_tests, listed), ("numFailedTests", document.num_failed_tests, failed)];
    for (name, stated, listed) in counts {
        if stated != listed {
            report.contradictions.push(format!("`{name}` is {stated}, the report lists {listed}"));
        }
    }
    let left_out = document.num_pending_tests.saturating_add(document.num_todo_tests);
    let assertions = document.test_results.iter().flat_map(|file| &file.assertion_results);
    let shown = assertions.filter(|assertion| !matches!(assertion.status.as_str(), "passed" | "failed")).count() as u64;
    if left_out > shown {
        report
            .contradictions
            .push(format!("`numPendingTests` and `numTodoTests` are {left_out}, the report lists {shown}"));
    }
    if failed > 0 || !report.errors.is_empty() {
        return;
    }
    let groups = document.num_failed_test_suites.max(document.num_runtime_error_test_suites.unwrap_or(0));
    let snapshots = document.snapshot.as_ref().filter(|snapshot| snapshot.unmatched > 0 || snapshot.unchecked > 0);
    if groups > 0 {
        let detail = format!("{groups} files or groups failed outside of tests, and the report does not say which");
        report.errors.push(SuiteError { title: None, file: None, detail });
    } else if document.success || report.cases.is_empty() {
        // That nothing ran is a finding by itself.
    } else if let Some(Snapshot { unmatched, unchecked }) = snapshots {
        let detail = format!("the snapshots do not fit: {unmatched} unmatched, {unchecked} obsolete");
        report.errors.push(SuiteError { title: None, file: None, detail });
    } else {
        report.contradictions.push("`success` is false, and nothing in the report failed".to_owned());
    }
}

/// jest writes a heading above the reason.
fn why_it_failed(file: &TestFile) -> String {
    let lines = file.message.lines().map(headline).filter(|line| !line.is_empty());
    let reason = lines.into_iter().find(|line| !line.ends_with("Test suite failed to run"));
    reason.unwrap_or_else(|| headline(&format!("the file is '{}', and the report does not say why", file.status)))
}

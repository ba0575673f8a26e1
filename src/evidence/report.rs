//! The one shape that every adapter brings its report into.
//!
//! No dialect leaks through it: what a report says in its own words has become an outcome, an error or a contradiction.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::Path;

use crate::judge::Code;

/// What is known from a suite's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportEvidence {
    /// The adapter reads no report.
    NotAsked,
    /// There is none, or it cannot be believed.
    Unusable {
        /// One of the `REPORT_*` codes.
        code: Code,
        /// Why, in one line.
        detail: String,
    },
    /// It was read to its end.
    Read(TestReport),
}

impl ReportEvidence {
    /// Of a run that did not come as far as to have one.
    pub fn not_read() -> Self {
        ReportEvidence::Unusable { code: Code::ReportMissing, detail: "the suite wrote no report".to_owned() }
    }

    /// A report that is not what its adapter expects.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        ReportEvidence::Unusable { code: Code::ReportMalformed, detail: detail.into() }
    }

    /// The same with paths below `folder` made relative to it, so that one commit judged in two workspaces reads the same.
    pub fn relative_to(mut self, folder: &Path) -> Self {
        let Some(folder) = folder.to_str().filter(|folder| !folder.trim_matches('/').is_empty()) else {
            return self;
        };
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        if let ReportEvidence::Read(report) = &mut self {
            let of_cases = report.cases.iter_mut().flat_map(|case| {
                std::iter::once(&mut case.title).chain(case.file.as_mut()).chain(case.detail.as_mut())
            });
            let of_errors = report.errors.iter_mut().flat_map(|error| {
                error.title.as_mut().into_iter().chain(error.file.as_mut()).chain(std::iter::once(&mut error.detail))
            });
            let lists =
                [&mut report.files_as_tests, &mut report.contradictions, &mut report.focused, &mut report.cached];
            for text in of_cases.chain(of_errors).chain(lists.into_iter().flatten()) {
                if text.contains(&prefix) {
                    *text = text.replace(&prefix, "");
                }
            }
        }
        self
    }
}

/// What a test report tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestReport {
    /// Every test, in the report's order, once for each time that it stands there.
    pub cases: Vec<TestCase>,
    /// What failed outside of any test: hooks, files that do not load, the collection of tests.
    pub errors: Vec<SuiteError>,
    /// What shows that a focused test (`.only`) hides others.
    pub focused: Vec<String>,
    /// What the runner did not run because it had an older result.
    pub cached: Vec<String>,
    /// Files that a runner counted as a passed or skipped test because they hold none.
    pub files_as_tests: Vec<String>,
    /// Where the report says two things that cannot both be true.
    pub contradictions: Vec<String>,
}

/// One test of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// Its full title: the groups that it stands in, then its own name.
    pub title: String,
    /// Equal for two entries of one and the same test; see [`TestCase::identity_of`].
    pub identity: u64,
    /// The file that it stands in, where the report says so.
    pub file: Option<String>,
    /// What happened to it.
    pub outcome: Outcome,
    /// The first line of what went wrong, or of why it was skipped.
    pub detail: Option<String>,
}

impl TestCase {
    /// The identity of a test by everything that names it (title, file, suites, host), which may be longer than what is
    /// kept of them. Only compared within one report, never stored.
    pub fn identity_of(names: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        names.hash(&mut hasher);
        hasher.finish()
    }
}

/// What happened to a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed at its first attempt, as far as the report can say.
    Passed,
    /// It failed, or has a mark or a status that the adapter does not know.
    Failed,
    /// It passed after a failed attempt.
    Flaky,
    /// It was not executed, as its source or the command asked for.
    Skipped,
    /// It was declared and never executed, and nothing asked for that.
    NotRun,
}

/// What failed outside of any test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteError {
    /// The hook, group or file.
    pub title: Option<String>,
    /// The file that it stands in, where the report says so.
    pub file: Option<String>,
    /// The first line of what went wrong.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_workspaces_leave_the_same_words() {
        let report = |folder: &str| {
            let case = TestCase {
                title: "charges".into(),
                identity: 0,
                file: Some(format!("{folder}/test/payment.js")),
                outcome: Outcome::Failed,
                detail: Some(format!("cannot find {folder}/src/card.js")),
            };
            let report = TestReport { cases: vec![case], ..TestReport::default() };
            ReportEvidence::Read(report).relative_to(Path::new(folder))
        };
        assert_eq!(report("/var/work/a1"), report("/var/work/b2"));
        let ReportEvidence::Read(read) = report("/var/work/a1") else { panic!("it was read") };
        assert_eq!(read.cases[0].file.as_deref(), Some("test/payment.js"));
    }
}

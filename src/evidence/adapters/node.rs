//! What runners on node share: the variables that make node say what it would swallow, and files that pass for tests.

use super::junit_xml::is_source;
use crate::evidence::report::{Outcome, SuiteError, TestCase, TestReport};

/// mocha lets a rejection that nobody handles pass without a word, and others only print it.
pub(super) fn strict() -> (String, String) {
    ("NODE_OPTIONS".to_owned(), "--unhandled-rejections=strict".to_owned())
}

/// A file that holds no test is written as a test, by its path: as passed when it ended well, as failed when it did not load.
pub(super) fn split_off_files(report: &mut TestReport) {
    let is_file = |case: &mut TestCase| {
        is_source(&case.title) && case.title.contains(['/', '\\']) && !case.title.contains(char::is_whitespace)
    };
    for case in report.cases.extract_if(.., is_file) {
        match case.outcome {
            Outcome::Failed | Outcome::Flaky => report.errors.push(SuiteError {
                title: Some(case.title),
                file: None,
                detail: case.detail.unwrap_or_else(|| "the file failed".to_owned()),
            }),
            Outcome::Passed | Outcome::Skipped | Outcome::NotRun => report.files_as_tests.push(case.title),
        }
    }
}

//! The words of JUnit XML's dialects: elements, attributes and status words that are known.
//!
//! The lists are closed on purpose: a word that does not stand here counts as a failure, never as nothing.

use roxmltree::Node;

/// What an element inside of a test case says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The test failed.
    Failed,
    /// An attempt failed. Beside no [`Mark::Failed`], a later one passed.
    AttemptFailed,
    /// The test was not executed.
    Skipped,
    /// Nothing about the outcome.
    Nothing,
    /// Something that nobody told this reader.
    Unknown,
}

impl Mark {
    /// The meaning of an element's name.
    pub(super) fn of(element: &str) -> Self {
        match element {
            "failure" | "error" => Mark::Failed,
            "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError" => Mark::AttemptFailed,
            "skipped" | "ignored" | "disabled" => Mark::Skipped,
            "properties" | "system-out" | "system-err" | "attachments" | "traits" | "categories" | "description"
            | "measurement" | "metrics" | "stackTrace" => Mark::Nothing,
            _ => Mark::Unknown,
        }
    }
}

/// An element within one that says nothing of the outcome, where only a reader that looks away would miss it.
pub(super) fn hidden_in<'a>(element: Node<'a, '_>) -> Option<&'a str> {
    let names = element.descendants().skip(1).filter(Node::is_element).map(|node| node.tag_name().name());
    names.into_iter().find(|name| {
        matches!(*name, "testcase" | "testsuite" | "testsuites")
            || matches!(Mark::of(name), Mark::Failed | Mark::AttemptFailed)
    })
}

/// What a `status` or `result` attribute says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The test was run; marks say how it went.
    Ran,
    /// It was not.
    NotRun,
    /// It failed, or nobody knows.
    Other,
}

impl Status {
    /// The meaning of a status word, in upper or lower case.
    pub(super) fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "" | "run" | "completed" | "complete" | "done" | "passed" | "pass" | "ok" | "success" | "successful" => {
                Status::Ran
            }
            "notrun" | "not_run" | "skipped" | "skip" | "disabled" | "ignored" | "pending" | "suppressed" | "todo" => {
                Status::NotRun
            }
            _ => Status::Other,
        }
    }
}

/// Whether a word is the name of a JavaScript or TypeScript file.
pub(in crate::evidence::adapters) fn is_source(word: &str) -> bool {
    [".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx"].iter().any(|end| word.ends_with(end))
}

/// Whether a name is a file of tests rather than a test: an absolute path, or the file that the test is said to be in.
pub(super) fn is_file_of_tests(name: &str, file: Option<&str>) -> bool {
    let is_absolute = name.starts_with('/') || name.get(1..).is_some_and(|rest| rest.starts_with(":\\"));
    is_source(name) && (is_absolute || file == Some(name))
}

//! What a test case says about its outcome, by elements inside of it and by attributes.
//!
//! The worst word counts: a failure stays one beside `<skipped/>`, `status="passed"` or `disabled="1"`.

use roxmltree::Node;

use super::words::{Mark, Status, hidden_in};
use crate::evidence::report::Outcome;
use crate::evidence::text::headline;

/// All marks of one case.
#[derive(Default)]
pub(super) struct Marks {
    /// Marks of failure, and of what is not known.
    pub(super) failures: u64,
    /// Marks of a failed attempt.
    failed_attempts: u64,
    /// Whether any mark says that it was not run.
    pub(super) skipped: bool,
    /// The first line of the most telling mark.
    pub(super) detail: String,
}

impl Marks {
    pub(super) fn of(case: Node<'_, '_>) -> Self {
        let mut marks = Marks::default();
        let mut reason = String::new();
        let title = case.attribute("name").unwrap_or_default();
        for child in case.children().filter(Node::is_element) {
            let name = child.tag_name().name();
            match Mark::of(name) {
                Mark::Failed => marks.failed(what_it_says(child, title)),
                Mark::AttemptFailed => {
                    marks.failed_attempts += 1;
                    marks.says(what_it_says(child, title));
                }
                Mark::Skipped => {
                    marks.skipped = true;
                    reason = what_it_says(child, title);
                }
                Mark::Nothing => {
                    if let Some(hidden) = hidden_in(child) {
                        marks.failed(format!("<{hidden}> in <{name}>"));
                    }
                }
                Mark::Unknown => marks.failed(format!("unknown <{name}> {}", what_it_says(child, title))),
            }
        }
        marks.read_attributes(case);
        if marks.failures == 0 && marks.failed_attempts == 0 {
            marks.detail = reason;
        } else if marks.failures == 0 && marks.failed_attempts > 0 {
            let detail = format!("passed on attempt {}: {}", marks.failed_attempts + 1, marks.detail);
            detail.trim_end_matches([':', ' ']).clone_into(&mut marks.detail);
        }
        marks
    }

    fn read_attributes(&mut self, case: Node<'_, '_>) {
        for name in ["status", "result"] {
            let word = case.attribute(name).unwrap_or_default();
            match Status::of(word) {
                Status::Ran => {}
                Status::NotRun => self.skipped = true,
                Status::Other if self.failures > 0 => {}
                Status::Other => self.failed(format!("{name}=\"{word}\"")),
            }
        }
        if case.attribute("disabled").is_some_and(|value| !is_no(value) && !value.is_empty()) {
            self.skipped = true;
        }
        if let Some(word) = case.attribute("success").filter(|word| is_no(word) && self.failures == 0) {
            self.failed(format!("success=\"{word}\""));
        }
        // node's runner writes what went wrong into an attribute too.
        for name in ["failure", "error"] {
            if let Some(text) = case.attribute(name).filter(|_| self.failures == 0) {
                self.failed(headline(text));
            }
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        if self.failures > 0 {
            Outcome::Failed
        } else if self.failed_attempts > 0 {
            Outcome::Flaky
        } else if self.skipped {
            Outcome::Skipped
        } else {
            Outcome::Passed
        }
    }

    fn failed(&mut self, detail: String) {
        if self.failures == 0 {
            self.detail.clear();
        }
        self.failures += 1;
        self.says(detail);
    }

    fn says(&mut self, detail: String) {
        if self.detail.is_empty() {
            self.detail = detail;
        }
    }
}

fn is_no(value: &str) -> bool {
    value == "0" || value.eq_ignore_ascii_case("false")
}

/// The first line of a mark: its message, else its text, else its type. PHPUnit's text begins with the test's name again.
pub(super) fn what_it_says(mark: Node<'_, '_>, title: &str) -> String {
    let line = |text: Option<&str>| text.map(headline).filter(|line| !line.is_empty());
    let text = mark.text().map(|text| match text.trim_start().split_once('\n') {
        Some((first, rest)) if !title.is_empty() && first.trim_end().ends_with(&format!("::{title}")) => rest,
        Some(_) | None => text,
    });
    line(mark.attribute("message")).or_else(|| line(text)).or_else(|| line(mark.attribute("type"))).unwrap_or_default()
}

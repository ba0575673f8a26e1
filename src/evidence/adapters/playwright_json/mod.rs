//! Playwright's `json` reporter.
//!
//! It lists each attempt of each test, what the test printed, and the errors outside of tests. It does not list what a filter or
//! `.only` left out.

use std::path::Path;

use data_encoding::BASE64;
use serde::Deserialize;

use super::{FilterOptions, Format, Hear, Malformed, Parsed, Retries, node};
use crate::evidence::recipe::Recipe;
use crate::evidence::report::{Outcome, SuiteError, TestCase, TestReport};
use crate::evidence::text::{bounded, headline};

#[cfg(test)]
mod tests;

pub(super) const FORMAT: Format = Format {
    parse: |bytes, _, hear| parse(bytes, hear),
    recipe,
    filter: FilterOptions {
        pattern: &["--grep", "-g"],
        text: &[],
        without: &["--grep-invert", "-G", "-gv"],
        invert: &[],
    },
    retries: |_| Retries::Seen,
    unseen: Some("what a test left open: the runner ends it with the process of the test"),
};

/// The file comes by the environment, through any script runner; which reporter writes it can only be said on the command line,
/// where the last `--reporter` wins. Before 1.42 the variable's name ends in `_NAME`.
fn recipe(argv: &[String], report_file: &Path) -> Recipe {
    let file = report_file.display().to_string();
    Recipe {
        variables: vec![
            ("PLAYWRIGHT_JSON_OUTPUT_FILE".to_owned(), file.clone()),
            ("PLAYWRIGHT_JSON_OUTPUT_NAME".to_owned(), file),
            node::strict(),
        ],
        ..node::appended(argv, &["--reporter=json,line", "--forbid-only"])
    }
}

/// The report's shape. `serde` refuses a key that stands twice, and `from_slice` anything after the object.
#[derive(Deserialize)]
struct Document {
    suites: Vec<Suite>,
    errors: Vec<Failure>,
    stats: Stats,
}

#[derive(Deserialize)]
struct Stats {
    expected: u64,
    unexpected: u64,
    flaky: u64,
    skipped: u64,
}

/// A file, or a `describe` in it. Tests of one place in several projects share one spec.
#[derive(Deserialize)]
struct Suite {
    title: String,
    #[serde(default)]
    suites: Vec<Suite>,
    specs: Vec<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    title: String,
    ok: bool,
    #[serde(default)]
    tags: Vec<String>,
    tests: Vec<Test>,
    file: String,
    line: u64,
    column: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    expected_status: String,
    project_name: String,
    results: Vec<Attempt>,
    status: String,
}

#[derive(Deserialize)]
struct Attempt {
    /// Absent where the attempt never came to an end.
    status: Option<String>,
    error: Option<Failure>,
    errors: Vec<Failure>,
    retry: u64,
    stdout: Vec<Printed>,
    stderr: Vec<Printed>,
}

/// What was thrown: an `Error` has a message, anything else a value.
#[derive(Deserialize)]
struct Failure {
    message: Option<String>,
    value: Option<String>,
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Location {
    file: String,
}

#[derive(Deserialize)]
struct Printed {
    text: Option<String>,
    /// In base64, where what was printed was no text to node.
    buffer: Option<String>,
}

impl Failure {
    fn what(&self) -> String {
        let what = self.message.as_deref().or(self.value.as_deref()).map(headline);
        what.filter(|what| !what.is_empty()).unwrap_or_else(|| "the report does not say why".to_owned())
    }

    /// Playwright has no code for it, only words: those of the option, or of its key in the configuration.
    fn is_of_a_focused_test(&self) -> bool {
        let what = self.what();
        what.contains("focused") && (what.contains("forbid-only") || what.contains("forbidOnly"))
    }
}

/// All that was printed to one stream. Playwright notes it in the pieces that it came in, which may end anywhere in a line.
fn joined(pieces: &[Printed]) -> Vec<u8> {
    let mut all = Vec::new();
    for Printed { text, buffer } in pieces {
        all.extend(text.iter().flat_map(|text| text.bytes()));
        all.extend(buffer.iter().filter_map(|buffer| BASE64.decode(buffer.as_bytes()).ok()).flatten());
    }
    all
}

/// What one attempt came to.
enum Ran {
    AsExpected,
    Unexpectedly(String),
    LeftOut,
    NotRun(&'static str),
}

impl Attempt {
    fn ran(&self, expected: &str) -> Ran {
        let wrong = self.errors.first().or(self.error.as_ref());
        match (self.status.as_deref(), expected, wrong) {
            (Some("passed"), "passed", None) | (Some("failed"), "failed", _) => Ran::AsExpected,
            (Some("skipped"), "skipped", None) => Ran::LeftOut,
            (Some("skipped"), _, None) => Ran::NotRun("it did not run"),
            (Some("interrupted"), _, None) => Ran::NotRun("it was interrupted"),
            (_, _, Some(failure)) => Ran::Unexpectedly(failure.what()),
            (Some("passed"), "failed", None) => Ran::Unexpectedly("it was expected to fail, and passed".to_owned()),
            (Some("timedOut"), _, None) => Ran::Unexpectedly("it timed out".to_owned()),
            (Some(status), expected, None) => {
                Ran::Unexpectedly(headline(&format!("its status is '{status}', expected was '{expected}'")))
            }
            (None, _, None) => Ran::Unexpectedly("it has no status".to_owned()),
        }
    }
}

impl Test {
    /// What its attempts came to, and why.
    fn ran(&self) -> (Outcome, Option<String>) {
        let (mut passed, mut failure, mut not_run) = (false, None, None);
        for attempt in &self.results {
            match attempt.ran(&self.expected_status) {
                Ran::AsExpected => passed = true,
                Ran::Unexpectedly(why) => (passed, failure) = (false, failure.or(Some(why))),
                Ran::NotRun(why) => not_run = Some(why),
                Ran::LeftOut => {}
            }
        }
        match (passed, failure, not_run) {
            (true, None, _) => (Outcome::Passed, None),
            (true, Some(_), _) => (Outcome::Flaky, Some(format!("passed on attempt {}", self.results.len()))),
            (false, Some(why), _) => (Outcome::Failed, Some(why)),
            (false, None, Some(why)) => (Outcome::NotRun, Some(why.to_owned())),
            (false, None, None) if self.expected_status == "skipped" => (Outcome::Skipped, None),
            (false, None, None) => (Outcome::NotRun, Some("it never ran".to_owned())),
        }
    }

    /// Whether it was run again. In a serial group that is so for every test when one of them fails.
    fn was_run_again(&self) -> bool {
        self.results.len() > 1 || self.results.iter().any(|attempt| attempt.retry > 0)
    }
}

fn parse(bytes: &[u8], hear: Hear<'_>) -> Parsed {
    let document: Document = serde_json::from_slice(bytes)
        .map_err(|error| Malformed::new(format!("not a report of Playwright: {error}")))?;
    let mut walk = Walk { report: TestReport::default(), again: Vec::new(), stated: [0; 4], hear };
    for suite in &document.suites {
        walk.suite(suite, &mut Vec::new());
    }
    let Walk { mut report, again, stated, .. } = walk;
    let nothing_failed = !report.cases.iter().any(|case| matches!(case.outcome, Outcome::Failed | Outcome::Flaky));
    if nothing_failed {
        for index in again {
            report.cases[index].outcome = Outcome::Flaky;
            report.cases[index].detail = Some("it was run again, and the report does not say why".to_owned());
        }
    }
    let Stats { expected, unexpected, flaky, skipped } = document.stats;
    let counted = [("expected", expected), ("unexpected", unexpected), ("flaky", flaky), ("skipped", skipped)];
    for ((name, counted), stated) in counted.into_iter().zip(stated) {
        if counted != stated {
            report.contradictions.push(format!("`stats` counts {counted} {name}, the report lists {stated}"));
        }
    }
    for error in &document.errors {
        if error.is_of_a_focused_test() {
            report.focused.push(error.what());
        } else if !(report.cases.is_empty() && error.what().starts_with("Error: No tests found")) {
            // That no test was found says no more than the empty list of tests does.
            let file = error.location.as_ref().map(|location| bounded(&location.file));
            report.errors.push(SuiteError { title: None, file, detail: error.what() });
        }
    }
    Ok(report)
}

/// The way through the report's tree.
struct Walk<'a> {
    report: TestReport,
    /// The cases that were run again though no attempt failed.
    again: Vec<usize>,
    /// How many tests have which status: expected, unexpected, flaky, skipped.
    stated: [u64; 4],
    hear: Hear<'a>,
}

impl Walk<'_> {
    fn suite<'d>(&mut self, suite: &'d Suite, path: &mut Vec<&'d str>) {
        path.push(&suite.title);
        for spec in &suite.specs {
            let first = self.report.cases.len();
            spec.tests.iter().for_each(|test| self.test(test, spec, path));
            if !spec.ok && self.report.cases[first..].iter().all(|case| case.outcome != Outcome::Failed) {
                let title = bounded(&spec.title);
                self.report.contradictions.push(format!("a test is not `ok`, and none of its runs failed: {title}"));
            }
        }
        for inner in &suite.suites {
            self.suite(inner, path);
        }
        path.pop();
    }

    fn test(&mut self, test: &Test, spec: &Spec, path: &[&str]) {
        for attempt in &test.results {
            for stream in [&attempt.stdout, &attempt.stderr] {
                (self.hear)(&String::from_utf8_lossy(&joined(stream)));
            }
        }
        let title = title(test, spec, path);
        let (outcome, detail) = self.against_its_status(test, &title, test.ran());
        if outcome == Outcome::Passed && test.was_run_again() {
            self.again.push(self.report.cases.len());
        }
        self.report.cases.push(TestCase {
            title: bounded(&title),
            // `--repeat-each` lists the same test several times.
            identity: TestCase::identity_of((&title, &spec.file, spec.line, spec.column)),
            file: Some(bounded(&spec.file)),
            outcome,
            detail,
        });
    }

    /// The worse of what the attempts came to and what the test's status says.
    fn against_its_status(
        &mut self,
        test: &Test,
        title: &str,
        ran: (Outcome, Option<String>),
    ) -> (Outcome, Option<String>) {
        let known = ["expected", "unexpected", "flaky", "skipped"].iter().position(|known| *known == test.status);
        if let Some(index) = known {
            self.stated[index] += 1;
        }
        let says = || Some(headline(&format!("the report says '{}'", test.status)));
        match (test.status.as_str(), ran.0) {
            (_, Outcome::Failed) => ran,
            ("unexpected", _) => (Outcome::Failed, says()),
            (_, Outcome::Flaky) if known.is_some() => ran,
            ("flaky", _) => (Outcome::Flaky, says()),
            ("expected", Outcome::Passed) | ("skipped", Outcome::Skipped | Outcome::NotRun) => ran,
            ("expected" | "skipped", _) => {
                let title = bounded(title);
                self.report.contradictions.push(format!("a test is '{}', its attempts are not: {title}", test.status));
                ran
            }
            _ => (Outcome::Failed, says()),
        }
    }
}

/// The title as `--grep` sees it: project, file, groups, the test's own title and its tags, with blanks between.
fn title(test: &Test, spec: &Spec, path: &[&str]) -> String {
    let parts = std::iter::once(test.project_name.as_str()).chain(path.iter().copied()).chain([spec.title.as_str()]);
    let mut title = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    for tag in &spec.tags {
        let tag = format!("@{tag}");
        if !title.split_whitespace().any(|word| word == tag) {
            title = format!("{title} {tag}");
        }
    }
    title
}

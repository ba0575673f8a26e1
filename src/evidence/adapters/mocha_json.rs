//! mocha's `json` reporter.
//!
//! It lists each test in `tests` and again, in the same words, in `passes`, `failures` or `pending`; a failed hook stands in `failures`
//! alone. A dry run lists all tests as passed; only their durations are missing.
//! It does not say which tests a filter or `.only` left out, and nothing of what was printed.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{FilterOptions, Format, Hear, Malformed, Parsed, Retries, node};
use crate::evidence::recipe::Recipe;
use crate::evidence::report::{Outcome, SuiteError, TestCase, TestReport};
use crate::evidence::text::{bounded, headline};

pub(super) const FORMAT: Format = Format {
    parse: |bytes, _, hear| parse(bytes, hear),
    recipe,
    filter: FilterOptions {
        pattern: &["--grep", "-g"],
        text: &["--fgrep", "-f"],
        without: &[],
        invert: &["--invert", "-i"],
    },
    retries: |_| Retries::Seen,
    unseen: None,
};

/// mocha reads `MOCHA_OPTIONS` before its configuration files and after its command line, through any script runner.
/// A reporter that the command line names wins over it, so there the flags follow on the command line, where the last wins.
fn recipe(argv: &[String], report_file: &Path) -> Recipe {
    let output = format!("output={}", report_file.display());
    let options = format!("--reporter json --reporter-option {} --forbid-only --fail-zero", quoted(&output));
    let flags: &[&str] = match argv.iter().any(|argument| names_a_reporter(argument)) {
        true => &["--reporter", "json", "--reporter-option", &output],
        false => &[],
    };
    let variables = vec![("MOCHA_OPTIONS".to_owned(), options), node::strict()];
    if flags.is_empty() {
        return Recipe { variables, ..Recipe::default() };
    }
    Recipe { variables, ..node::appended(argv, flags) }
}

fn names_a_reporter(argument: &str) -> bool {
    argument == "--reporter" || argument.starts_with("--reporter=") || argument.starts_with("-R")
}

/// mocha splits `MOCHA_OPTIONS` at blanks, but for what stands in double quotes.
fn quoted(word: &str) -> String {
    if word.contains(char::is_whitespace) { format!("\"{word}\"") } else { word.to_owned() }
}

/// The report's shape. `serde` refuses a key that stands twice, and `from_slice` anything after the object.
#[derive(Deserialize)]
struct Document {
    stats: Stats,
    tests: Vec<Entry>,
    pending: Vec<Entry>,
    failures: Vec<Entry>,
    passes: Vec<Entry>,
}

#[derive(Deserialize)]
struct Stats {
    tests: u64,
    passes: u64,
    pending: u64,
    failures: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    full_title: String,
    file: Option<String>,
    /// Absent only where a reporter of another make wrote the file: then retries would stay unseen.
    current_retry: u64,
    /// Absent where the test was not executed.
    duration: Option<IgnoredAny>,
    /// `{}` where nothing went wrong.
    err: Value,
}

/// A test, as far as the report can tell it from another one, with what went wrong in it: both lists have to say the same of that.
type Key = (String, Option<String>, u64, String);

impl Entry {
    fn key(&self) -> Key {
        (self.full_title.clone(), self.file.clone(), self.current_retry, self.err.to_string())
    }

    fn went_wrong(&self) -> bool {
        match &self.err {
            Value::Null => false,
            Value::Object(fields) => !fields.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => true,
        }
    }

    fn what_went_wrong(&self) -> String {
        let text = |field: &str| self.err.get(field).and_then(Value::as_str).map(headline);
        text("message")
            .filter(|message| !message.is_empty())
            .or_else(|| text("stack"))
            .or_else(|| self.err.as_str().map(headline))
            .unwrap_or_else(|| "the report does not say why".to_owned())
    }

    fn case(&self, outcome: Outcome, detail: Option<String>) -> TestCase {
        TestCase {
            title: bounded(&self.full_title),
            identity: TestCase::identity_of((&self.full_title, &self.file)),
            file: self.file.as_deref().map(bounded),
            outcome,
            detail,
        }
    }
}

/// mocha's report holds nothing of what was printed.
fn parse(bytes: &[u8], _: Hear<'_>) -> Parsed {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| Malformed::new(format!("not a report of mocha: {error}")))?;
    let mut report = TestReport { contradictions: miscounts(&document), ..TestReport::default() };
    let mut open = Tally::of(&document.tests);
    let mut failed = Tally::default();
    for entry in &document.failures {
        if open.take(entry) {
            failed.add(entry);
            report.cases.push(entry.case(Outcome::Failed, Some(entry.what_went_wrong())));
        } else {
            // A hook is no test; neither is the second failure of one and the same test.
            report.errors.push(SuiteError {
                title: Some(bounded(&entry.full_title)),
                file: entry.file.as_deref().map(bounded),
                detail: entry.what_went_wrong(),
            });
        }
    }
    for entry in &document.passes {
        if open.take(entry) {
            report.cases.push(passed(entry));
        } else if !failed.take(entry) {
            // What failed after it had passed (`done()` twice) stands in both lists, and counts as failed.
            report
                .contradictions
                .push(format!("a test passed that is not among the tests: {}", bounded(&entry.full_title)));
        }
    }
    for entry in &document.pending {
        if open.take(entry) && !entry.went_wrong() {
            report.cases.push(entry.case(Outcome::Skipped, None));
        } else {
            report.contradictions.push(format!("a test is pending and something else: {}", bounded(&entry.full_title)));
        }
    }
    report.contradictions.extend(
        open.left().map(|title| format!("a test neither passed nor failed nor is pending: {}", bounded(title))),
    );
    Ok(report)
}

fn passed(entry: &Entry) -> TestCase {
    if entry.went_wrong() {
        entry.case(Outcome::Failed, Some(entry.what_went_wrong()))
    } else if entry.current_retry > 0 {
        entry.case(Outcome::Flaky, Some(format!("passed on attempt {}", entry.current_retry.saturating_add(1))))
    } else if entry.duration.is_none() {
        entry.case(Outcome::NotRun, Some("it has no duration: with --dry-run mocha executes no test".to_owned()))
    } else {
        entry.case(Outcome::Passed, None)
    }
}

/// Where `stats` counts something else than the lists hold.
fn miscounts(document: &Document) -> Vec<String> {
    let Document { stats, tests, pending, failures, passes } = document;
    [
        ("tests", stats.tests, tests),
        ("passes", stats.passes, passes),
        ("pending", stats.pending, pending),
        ("failures", stats.failures, failures),
    ]
    .into_iter()
    .filter(|(_, stated, listed)| *stated != listed.len() as u64)
    .map(|(name, stated, listed)| format!("`stats` counts {stated} {name}, the report lists {}", listed.len()))
    .collect()
}

/// How many entries of each test are not yet accounted for.
#[derive(Default)]
struct Tally(HashMap<Key, u64>);

impl Tally {
    fn of(entries: &[Entry]) -> Self {
        let mut tally = Tally::default();
        entries.iter().for_each(|entry| tally.add(entry));
        tally
    }

    fn add(&mut self, entry: &Entry) {
        *self.0.entry(entry.key()).or_default() += 1;
    }

    fn take(&mut self, entry: &Entry) -> bool {
        match self.0.get_mut(&entry.key()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// The titles that are left, sorted, so that the same report always gives the same words.
    fn left(&self) -> impl Iterator<Item = &str> {
        let mut left: Vec<&str> =
            self.0.iter().filter(|(_, count)| **count > 0).map(|((title, ..), _)| title.as_str()).collect();
        left.sort_unstable();
        left.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(title: &str, retry: u64, message: Option<&str>) -> Value {
        let err = message.map_or_else(|| json!({}), |message| json!({ "message": message }));
        json!({ "title": title, "fullTitle": title, "file": "test/a.js", "duration": 0, "currentRetry": retry, "err": err })
    }

    /// A report of these tests, passes, failures and pending tests, with `stats` that agree.
    fn report(tests: &[Value], passes: &[Value], failures: &[Value], pending: &[Value]) -> Value {
        json!({
            "stats": { "tests": tests.len(), "passes": passes.len(), "failures": failures.len(), "pending": pending.len() },
            "tests": tests, "passes": passes, "failures": failures, "pending": pending,
        })
    }

    fn read(report: &Value) -> TestReport {
        parse(report.to_string().as_bytes(), &mut |_| {}).unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
    }

    fn refusal(text: &str) -> String {
        parse(text.as_bytes(), &mut |_| {}).err().map(|Malformed(detail)| detail).expect("it is refused")
    }

    #[test]
    fn a_pass_after_a_retry_is_flaky() {
        let report = read(&report(&[entry("a", 2, None)], &[entry("a", 2, None)], &[], &[]));
        assert_eq!(report.cases[0].outcome, Outcome::Flaky);
        assert_eq!(report.cases[0].detail.as_deref(), Some("passed on attempt 3"));
    }

    #[test]
    fn a_failure_that_is_no_test_is_a_failed_hook() {
        let hook = entry("\"before all\" hook", 0, Some("db down"));
        let report = read(&report(&[], &[], &[hook], &[]));
        assert!(report.cases.is_empty());
        assert_eq!(report.errors[0].detail, "db down");
    }

    #[test]
    fn a_pass_with_an_error_is_a_failure() {
        let passed = entry("a", 0, Some("late"));
        let report = read(&report(std::slice::from_ref(&passed), std::slice::from_ref(&passed), &[], &[]));
        assert_eq!(report.cases[0].outcome, Outcome::Failed);
    }

    #[test]
    fn what_one_list_says_of_a_test_the_other_has_to_say_too() {
        let fine = [entry("a", 0, None)];
        for other in [entry("a", 1, None), entry("a", 0, Some("late"))] {
            let other = [other];
            assert_eq!(read(&report(&other, &fine, &[], &[])).contradictions.len(), 2);
            assert!(!read(&report(&fine, &other, &[], &[])).contradictions.is_empty());
        }
    }

    #[test]
    fn a_pass_without_a_duration_is_of_a_dry_run() {
        let mut dry = entry("a", 0, None);
        dry.as_object_mut().unwrap().remove("duration");
        let report = read(&report(std::slice::from_ref(&dry), std::slice::from_ref(&dry), &[], &[]));
        assert_eq!(report.cases[0].outcome, Outcome::NotRun);
    }

    #[test]
    fn stats_that_count_something_else_are_a_contradiction() {
        for name in ["tests", "passes", "failures", "pending"] {
            let mut report = report(&[entry("a", 0, None)], &[entry("a", 0, None)], &[], &[]);
            report["stats"][name] = json!(7);
            assert_eq!(read(&report).contradictions.len(), 1, "{name}");
        }
    }

    #[test]
    fn lists_that_do_not_fit_together_are_a_contradiction() {
        let a = [entry("a", 0, None)];
        assert_eq!(read(&report(&a, &[], &[], &[])).contradictions.len(), 1, "a test without an outcome");
        assert_eq!(read(&report(&[], &a, &[], &[])).contradictions.len(), 1, "a pass without a test");
        assert_eq!(read(&report(&[], &[], &[], &a)).contradictions.len(), 1, "a pending test without a test");
        assert_eq!(read(&report(&a, &a, &[], &a)).contradictions.len(), 1, "passed and pending");
    }

    #[test]
    fn two_tests_may_have_the_same_title() {
        let twice = [entry("a", 0, None), entry("a", 0, None)];
        let report = read(&report(&twice, &twice, &[], &[]));
        assert_eq!((report.cases.len(), report.contradictions.len()), (2, 0));
    }

    #[test]
    fn what_is_not_mocha_s_shape_is_refused() {
        assert!(refusal("[]").contains("not a report of mocha"));
        assert!(refusal(r#"{"stats":{"tests":0,"passes":0,"failures":0,"pending":0}}"#).contains("tests"));
        let whole = report(&[], &[], &[], &[]).to_string();
        assert!(refusal(&whole.replacen('{', r#"{"failures":[],"#, 1)).contains("duplicate"));
        assert!(refusal(&format!("> test\n{whole}")).contains("not a report"));
        assert!(refusal(&format!("{}1", "[".repeat(100_000))).contains("not a report"));
        let without_retry = report(&[entry("a", 0, None)], &[], &[], &[]).to_string().replace("currentRetry", "retry");
        assert!(refusal(&without_retry).contains("currentRetry"));
    }

    fn argv(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn mocha_is_told_by_its_environment_whatever_starts_it() {
        let recipe = recipe(&argv("pnpm run test --grep payment"), Path::new("/run/report"));
        let options = "--reporter json --reporter-option output=/run/report --forbid-only --fail-zero";
        assert_eq!(recipe.variables[0], ("MOCHA_OPTIONS".to_owned(), options.to_owned()));
        assert_eq!(recipe.variables[1].1, "--unhandled-rejections=strict");
        assert!(recipe.args.is_empty());
    }

    #[test]
    fn a_reporter_named_in_the_command_is_overruled_there() {
        for words in ["npx mocha --reporter dot", "npx mocha --reporter=dot", "npx mocha -R dot", "npx mocha -Rdot"] {
            let recipe = recipe(&argv(words), Path::new("/run/report"));
            assert_eq!(recipe.args, argv("--reporter json --reporter-option output=/run/report"), "{words}");
        }
    }

    #[test]
    fn a_blank_in_the_report_s_path_stays_in_one_word() {
        let recipe = recipe(&argv("npx mocha"), Path::new("/my run/report"));
        assert!(recipe.variables[0].1.contains(r#"--reporter-option "output=/my run/report" --forbid-only"#));
    }
}

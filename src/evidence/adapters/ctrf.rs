//! CTRF, the common test report format, which reporters for many runners write.
//!
//! Whose report it is shows in `tool`, and is not looked at: the format's own words have to be enough. The steps of a test are not
//! either, since a step may fail in a test that expects it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{FilterOptions, Format, Hear, Malformed, Parsed, Retries, by_argv};
use crate::evidence::report::{Outcome, TestCase, TestReport};
use crate::evidence::text::{bounded, headline};

pub(super) const FORMAT: Format = Format {
    parse: |bytes, _, hear| parse(bytes, hear),
    recipe: by_argv,
    // Whose report it is does not show.
    filter: FilterOptions { pattern: &[], text: &[], without: &[], invert: &[] },
    retries: |_| Retries::Seen,
    unseen: None,
};

/// The report's shape. `serde` refuses a key that stands twice, and `from_slice` anything after the object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    /// Absent before the format had versions.
    report_format: Option<String>,
    results: Results,
}

#[derive(Deserialize)]
struct Results {
    #[serde(rename = "tool")]
    _tool: IgnoredAny,
    summary: Summary,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Summary {
    tests: u64,
    passed: u64,
    failed: u64,
    pending: u64,
    skipped: u64,
    other: u64,
    flaky: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    name: String,
    status: String,
    raw_status: Option<String>,
    suite: Option<Suite>,
    file_path: Option<String>,
    message: Option<String>,
    /// Early reporters say `retry` and `flake`.
    #[serde(alias = "retry")]
    retries: Option<u64>,
    #[serde(alias = "flake")]
    flaky: Option<bool>,
    #[serde(default)]
    retry_attempts: Vec<Attempt>,
    #[serde(default)]
    stdout: Vec<String>,
    #[serde(default)]
    stderr: Vec<String>,
}

/// A list since version 1.
#[derive(Deserialize)]
#[serde(untagged)]
enum Suite {
    Path(Vec<String>),
    Name(String),
}

/// One attempt of several, the last one with them.
#[derive(Deserialize)]
struct Attempt {
    status: String,
    #[serde(default)]
    stdout: Vec<String>,
    #[serde(default)]
    stderr: Vec<String>,
}

impl Test {
    fn title(&self) -> String {
        let suite = match &self.suite {
            None => return self.name.clone(),
            Some(Suite::Path(names)) => names.join(" "),
            Some(Suite::Name(name)) => name.clone(),
        };
        // Some reporters write the full title for a name.
        if suite.is_empty() || self.name.starts_with(&suite) {
            self.name.clone()
        } else {
            format!("{suite} {}", self.name)
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.status.as_str(), self.raw_status.as_deref()) {
            ("passed", _) if self.was_retried() => Outcome::Flaky,
            ("passed", _) => Outcome::Passed,
            ("skipped" | "pending", _) if self.attempts_failed() => Outcome::Failed,
            ("skipped" | "pending", _) | ("other", Some("todo" | "disabled")) => Outcome::Skipped,
            _ => Outcome::Failed,
        }
    }

    fn was_retried(&self) -> bool {
        let says_so = self.flaky == Some(true) || self.retries.is_some_and(|retries| retries > 0);
        says_so || self.retry_attempts.len() > 1 || self.attempts_failed()
    }

    fn attempts_failed(&self) -> bool {
        self.retry_attempts.iter().any(|attempt| !matches!(attempt.status.as_str(), "passed" | "skipped" | "pending"))
    }

    fn detail(&self, outcome: Outcome) -> Option<String> {
        let message = self.message.as_deref().map(headline).filter(|message| !message.is_empty());
        match outcome {
            Outcome::Passed => None,
            Outcome::Flaky => Some(self.attempts().map_or_else(
                || "it is marked as flaky".to_owned(),
                |attempts| format!("passed on attempt {attempts}"),
            )),
            Outcome::Skipped | Outcome::NotRun => message,
            Outcome::Failed => Some(message.unwrap_or_else(|| match &self.raw_status {
                Some(raw) => headline(&format!("its status is '{}' ('{raw}')", self.status)),
                None => headline(&format!("its status is '{}'", self.status)),
            })),
        }
    }

    /// How many attempts it took, where that is told.
    fn attempts(&self) -> Option<u64> {
        let listed = self.retry_attempts.len() as u64;
        let counted = self.retries.filter(|retries| *retries > 0).map(|retries| retries.saturating_add(1));
        counted.or_else(|| (listed > 1).then_some(listed))
    }

    fn tell(&self, hear: Hear<'_>) {
        let of_attempts = self.retry_attempts.iter().flat_map(|attempt| attempt.stdout.iter().chain(&attempt.stderr));
        for line in self.stdout.iter().chain(&self.stderr).chain(of_attempts) {
            hear(&format!("{line}\n"));
        }
    }
}

fn parse(bytes: &[u8], hear: Hear<'_>) -> Parsed {
    let Document { report_format, results: Results { summary, tests, .. } } =
        serde_json::from_slice(bytes).map_err(|error| Malformed::new(format!("not a CTRF report: {error}")))?;
    if let Some(format) = report_format.filter(|format| format != "CTRF") {
        return Err(Malformed::new(format!("not a CTRF report: its format is '{format}'")));
    }
    let mut report = TestReport::default();
    for test in &tests {
        test.tell(hear);
        let (title, outcome) = (test.title(), test.outcome());
        report.cases.push(TestCase {
            title: bounded(&title),
            identity: TestCase::identity_of((&title, &test.file_path)),
            file: test.file_path.as_deref().map(bounded),
            outcome,
            detail: test.detail(outcome),
        });
    }
    report.contradictions = miscounts(&summary, &tests, &report.cases);
    Ok(report)
}

/// Where the summary counts something else than the list holds.
fn miscounts(summary: &Summary, tests: &[Test], cases: &[TestCase]) -> Vec<String> {
    let with = |status: &str| tests.iter().filter(|test| test.status == status).count() as u64;
    let counts = [
        ("tests", summary.tests, tests.len() as u64),
        ("passed", summary.passed, with("passed")),
        ("failed", summary.failed, with("failed")),
        ("pending", summary.pending, with("pending")),
        ("skipped", summary.skipped, with("skipped")),
        ("other", summary.other, with("other")),
    ];
    let different = counts.into_iter().filter(|(_, stated, listed)| stated != listed);
    let flaky = cases.iter().filter(|case| case.outcome == Outcome::Flaky).count() as u64;
    // Fewer is a reporter that counts only what it marks.
    let more_flaky = summary.flaky.filter(|stated| *stated > flaky).map(|stated| ("flaky", stated, flaky));
    let different = different.chain(more_flaky);
    different
        .map(|(name, stated, listed)| format!("`summary` counts {stated} {name}, the report lists {listed}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A report of these tests, with a summary that agrees.
    fn report(tests: &[Value]) -> Value {
        let with = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
        json!({
            "reportFormat": "CTRF", "specVersion": "1.0.0",
            "results": {
                "tool": { "name": "cypress" },
                "summary": { "tests": tests.len(), "passed": with("passed"), "failed": with("failed"),
                    "pending": with("pending"), "skipped": with("skipped"), "other": with("other"), "start": 0, "stop": 1 },
                "tests": tests,
            },
        })
    }

    fn read(report: &Value) -> TestReport {
        parse(report.to_string().as_bytes(), &mut |_| {}).unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
    }

    /// A test with these keys besides its name and duration.
    fn test(keys: Value) -> Value {
        let mut test = json!({ "name": "charges", "duration": 1 });
        let Value::Object(keys) = keys else { panic!("an object") };
        test.as_object_mut().unwrap().extend(keys);
        test
    }

    #[test]
    fn a_status_is_what_the_format_means_by_it() {
        let attempts =
            |words: &[&str]| words.iter().map(|status| json!({ "attempt": 1, "status": status })).collect::<Value>();
        for (keys, outcome) in [
            (json!({ "status": "passed" }), Outcome::Passed),
            (json!({ "status": "passed", "flaky": false, "retries": 0, "retryAttempts": [] }), Outcome::Passed),
            (json!({ "status": "passed", "retryAttempts": attempts(&["passed"]) }), Outcome::Passed),
            (json!({ "status": "passed", "flaky": true }), Outcome::Flaky),
            (json!({ "status": "passed", "retries": 1 }), Outcome::Flaky),
            (json!({ "status": "passed", "retry": 1, "flake": true }), Outcome::Flaky),
            (json!({ "status": "passed", "retryAttempts": attempts(&["failed"]) }), Outcome::Flaky),
            (json!({ "status": "passed", "retryAttempts": attempts(&["passed", "passed"]) }), Outcome::Flaky),
            (json!({ "status": "failed", "flaky": true }), Outcome::Failed),
            (json!({ "status": "skipped" }), Outcome::Skipped),
            (json!({ "status": "skipped", "retryAttempts": attempts(&["failed"]) }), Outcome::Failed),
            (json!({ "status": "pending" }), Outcome::Skipped),
            (json!({ "status": "other", "rawStatus": "todo" }), Outcome::Skipped),
            (json!({ "status": "other", "rawStatus": "interrupted" }), Outcome::Failed),
            (json!({ "status": "other" }), Outcome::Failed),
            (json!({ "status": "fine" }), Outcome::Failed),
        ] {
            let report = read(&report(&[test(keys.clone())]));
            assert_eq!(report.cases[0].outcome, outcome, "{keys}");
            assert!(report.contradictions.is_empty(), "{keys}: {:?}", report.contradictions);
        }
    }

    #[test]
    fn a_title_says_its_suites_once() {
        for (keys, title) in [
            (json!({ "status": "passed", "suite": ["payment", "card"] }), "payment card charges"),
            (json!({ "status": "passed", "suite": "payment > card" }), "payment > card charges"),
            (json!({ "status": "passed", "suite": ["payment"], "name": "payment charges" }), "payment charges"),
            (json!({ "status": "passed", "suite": "" }), "charges"),
        ] {
            assert_eq!(read(&report(&[test(keys)])).cases[0].title, title);
        }
    }

    #[test]
    fn a_reason_is_the_message_or_the_status() {
        let detail = |keys: Value| read(&report(&[test(keys)])).cases[0].detail.clone();
        let failed = json!({ "status": "failed", "message": "\nAssertionError: declined\n  at x" });
        assert_eq!(detail(failed).as_deref(), Some("AssertionError: declined"));
        let other = json!({ "status": "other", "rawStatus": "interrupted" });
        assert_eq!(detail(other).as_deref(), Some("its status is 'other' ('interrupted')"));
        assert_eq!(detail(json!({ "status": "passed", "retries": 2 })).as_deref(), Some("passed on attempt 3"));
        assert_eq!(detail(json!({ "status": "passed", "flaky": true })).as_deref(), Some("it is marked as flaky"));
    }

    #[test]
    fn a_summary_that_counts_something_else_is_a_contradiction() {
        for name in ["tests", "passed", "failed", "pending", "skipped", "other", "flaky"] {
            let mut report = report(&[test(json!({ "status": "passed" }))]);
            report["results"]["summary"][name] = json!(7);
            assert_eq!(read(&report).contradictions.len(), 1, "{name}");
        }
    }

    #[test]
    fn what_tests_printed_is_heard_of_every_attempt() {
        let attempt = json!({ "attempt": 1, "status": "failed", "stdout": ["two"], "stderr": ["three"] });
        let printing = json!({ "status": "passed", "stdout": ["one"], "retryAttempts": [attempt] });
        let mut heard = String::new();
        let report = report(&[test(printing)]).to_string();
        parse(report.as_bytes(), &mut |text| heard.push_str(text)).expect("it is a report");
        assert_eq!(heard, "one\ntwo\nthree\n");
    }

    #[test]
    fn what_is_not_ctrf_is_refused() {
        let whole = report(&[test(json!({ "status": "passed" }))]).to_string();
        for key in ["results", "tool", "summary", "tests", "name", "status", "other"] {
            assert!(parse(whole.replace(&format!("\"{key}\":"), "\"x\":").as_bytes(), &mut |_| {}).is_err(), "{key}");
        }
        for text in ["[]", "{}", &format!("{whole}{whole}"), &whole.replace("CTRF", "JUNIT")] {
            assert!(parse(text.as_bytes(), &mut |_| {}).is_err(), "{text:.40}");
        }
    }
}

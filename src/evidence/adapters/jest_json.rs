//! jest's `json` report.
//!
//! It lists the tests that a filter or `.only` left out as pending, and says `focused` of a file in which any test was left out, so
//! that word shows nothing. Nothing of what was printed stands there.

use std::path::Path;

use super::jest_shape::{self, Assertion, Document, Told};
use super::{FilterOptions, Format, Hear, Malformed, Parsed, Retries, node};
use crate::evidence::recipe::Recipe;
use crate::evidence::report::{Outcome, SuiteError, TestCase, TestReport};

pub(super) const FORMAT: Format = Format {
    parse: |bytes, _, hear| parse(bytes, hear),
    recipe,
    filter: FilterOptions {
        pattern: &["-t", "--testNamePattern", "--test-name-pattern"],
        text: &[],
        without: &[],
        invert: &[],
    },
    retries: |_| Retries::Seen,
    unseen: None,
};

/// jest takes these from the command line only. With `--ci` a snapshot that does not exist is not written but fails.
fn recipe(argv: &[String], report_file: &Path) -> Recipe {
    let output = format!("--outputFile={}", report_file.display());
    Recipe { variables: vec![node::strict()], ..node::appended(argv, &["--json", &output, "--ci"]) }
}

fn parse(bytes: &[u8], hear: Hear<'_>) -> Parsed {
    let document = jest_shape::document(bytes, "jest")?;
    let run = Run::of(&document)?;
    check_that_retries_show(&document)?;
    let mut report = jest_shape::report(&document, &["passed", "focused", "skipped"], told);
    let passed = document.test_results.iter().flat_map(|file| &file.assertion_results);
    let passed = passed.filter(|assertion| assertion.status == "passed").count() as u64;
    if document.num_passed_tests != passed {
        let stated = document.num_passed_tests;
        report.contradictions.push(format!("`numPassedTests` is {stated}, the report lists {passed}"));
    }
    check_that_all_files_ran(&document, &run, &mut report);
    if run.open_handles > 0 {
        // In jest's own words, which it prints only where somebody reads them.
        let handles = if run.open_handles == 1 { "handle" } else { "handles" };
        let what = format!("the following {} open {handles}", run.open_handles);
        hear(&format!("Jest has detected {what} potentially keeping Jest from exiting:"));
    }
    Ok(report)
}

/// What only jest says of a run. vitest's reports lack it, and what lacks it cannot be believed.
struct Run {
    was_interrupted: bool,
    open_handles: usize,
}

impl Run {
    fn of(document: &Document) -> Result<Self, Malformed> {
        match (document.was_interrupted, &document.open_handles, document.num_runtime_error_test_suites) {
            (Some(was_interrupted), Some(handles), Some(_)) => Ok(Run { was_interrupted, open_handles: handles.len() }),
            _ => Err(Malformed::new(
                "not a report of jest: 'wasInterrupted', 'openHandles' or 'numRuntimeErrorTestSuites' is missing",
            )),
        }
    }
}

/// A report that does not say how often a test was tried would make each flaky test a passed one.
fn check_that_retries_show(document: &Document) -> Result<(), Malformed> {
    let mut tests = document.test_results.iter().flat_map(|file| &file.assertion_results);
    if tests.any(|assertion| assertion.status == "passed" && assertion.invocations.is_none()) {
        return Err(Malformed::new(
            "a test has no 'invocations', so retries do not show: jest writes them since 29.2 with its own runner, jest-circus; \
             before that, take a JUnit reporter and junit-xml with flaky = \"unobservable\"",
        ));
    }
    Ok(())
}

/// With `--bail` the files that jest did not come to are only counted.
fn check_that_all_files_ran(document: &Document, run: &Run, report: &mut TestReport) {
    let (all, listed) = (document.num_total_test_suites, document.test_results.len() as u64);
    if all > listed {
        report.cases.push(TestCase {
            title: format!("{} of {all} test files", all - listed),
            identity: TestCase::identity_of("the files that were not run"),
            file: None,
            outcome: Outcome::NotRun,
            detail: Some("jest stopped before it ran them".to_owned()),
        });
    } else if run.was_interrupted && report.cases.iter().all(|case| case.outcome != Outcome::Failed) {
        let detail = "the run was interrupted".to_owned();
        report.errors.push(SuiteError { title: None, file: None, detail });
    }
}

fn told(assertion: &Assertion) -> Told {
    let retried = assertion.retry_reasons.iter().flatten().next().is_some();
    match (assertion.status.as_str(), assertion.failure(), assertion.invocations) {
        ("passed", Some(_), _) | ("failed", _, _) => assertion.failed(),
        ("passed", None, Some(0)) => {
            Told::Came(Outcome::NotRun, Some("it is said to have passed, and was never started".to_owned()))
        }
        ("passed", None, Some(1)) if !retried => Told::Came(Outcome::Passed, None),
        ("passed", None, Some(1) | None) => {
            Told::Came(Outcome::Flaky, Some("passed after a failed attempt".to_owned()))
        }
        ("passed", None, Some(tries)) => Told::Came(Outcome::Flaky, Some(format!("passed on attempt {tries}"))),
        ("pending" | "skipped" | "disabled", _, _) => assertion.left_out(Outcome::Skipped, None),
        ("todo", _, _) => assertion.left_out(Outcome::Skipped, Some("todo")),
        _ => assertion.unknown(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::evidence::{Noticed, WarningLists};

    fn test(status: &str, invocations: u64) -> Value {
        json!({ "fullName": "payment charges", "status": status, "failureMessages": [], "invocations": invocations,
            "retryReasons": [] })
    }

    /// A report of one file with these tests, and a summary that agrees.
    fn report(tests: &[Value]) -> Value {
        let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
        let (failed, todo) = (count("failed"), count("todo"));
        json!({
            "numTotalTests": tests.len(), "numPassedTests": count("passed"), "numFailedTests": failed,
            "numPendingTests": count("pending") + count("skipped") + count("disabled"), "numTodoTests": todo,
            "numTotalTestSuites": 1, "numFailedTestSuites": u8::from(failed > 0), "numRuntimeErrorTestSuites": 0,
            "success": failed == 0, "wasInterrupted": false, "openHandles": [],
            "testResults": [{
                "name": "/w/pay.test.js", "status": if failed > 0 { "failed" } else { "passed" }, "message": "",
                "assertionResults": tests,
            }],
        })
    }

    fn parsed(report: &Value) -> Parsed {
        parse(report.to_string().as_bytes(), &mut |_| {})
    }

    fn read(report: &Value) -> TestReport {
        parsed(report).unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
    }

    #[test]
    fn a_status_is_what_jest_means_by_it() {
        for (status, invocations, outcome) in [
            ("passed", 1, Outcome::Passed),
            ("passed", 2, Outcome::Flaky),
            ("passed", 0, Outcome::NotRun),
            ("failed", 3, Outcome::Failed),
            ("pending", 1, Outcome::Skipped),
            ("skipped", 1, Outcome::Skipped),
            ("disabled", 1, Outcome::Skipped),
            ("todo", 1, Outcome::Skipped),
            ("fine", 1, Outcome::Failed),
        ] {
            let report = read(&report(&[test(status, invocations)]));
            assert_eq!(report.cases[0].outcome, outcome, "{status} after {invocations}");
            assert!(report.contradictions.is_empty() && report.errors.is_empty(), "{status}: {report:?}");
        }
    }

    #[test]
    fn a_reason_to_retry_and_a_message_of_a_passed_test_count() {
        let mut retried = test("passed", 1);
        retried["retryReasons"] = json!(["Error: declined"]);
        assert_eq!(read(&report(&[retried])).cases[0].outcome, Outcome::Flaky);
        for status in ["passed", "pending", "todo"] {
            let mut wrong = test(status, 1);
            wrong["failureMessages"] = json!(["Error: late"]);
            let report = read(&report(&[wrong]));
            assert_eq!(report.cases[0].outcome, Outcome::Failed, "{status}");
            assert_eq!(report.cases[0].detail.as_deref(), Some("Error: late"));
        }
    }

    #[test]
    fn a_report_in_which_retries_do_not_show_is_refused_with_a_way_on() {
        let mut early = report(&[test("passed", 1)]);
        early["testResults"][0]["assertionResults"][0].as_object_mut().unwrap().remove("invocations");
        let refusal = parsed(&early).err().map(|Malformed(detail)| detail).expect("it is refused");
        assert!(refusal.contains("since 29.2") && refusal.ends_with("flaky = \"unobservable\""), "{refusal}");
    }

    #[test]
    fn a_report_of_vitest_is_none_of_jest() {
        for name in ["wasInterrupted", "openHandles", "numRuntimeErrorTestSuites"] {
            let mut other = report(&[test("passed", 1)]);
            other.as_object_mut().unwrap().remove(name);
            assert!(parsed(&other).is_err(), "{name}");
        }
    }

    #[test]
    fn a_file_that_does_not_load_is_an_error_with_its_reason() {
        let mut report = report(&[]);
        report["testResults"][0]["status"] = json!("failed");
        report["testResults"][0]["message"] =
            json!("  ● Test suite failed to run\n\n    Cannot find module 'x'\n\n at");
        assert_eq!(read(&report).errors[0].detail, "Cannot find module 'x'");
    }

    #[test]
    fn files_that_jest_did_not_come_to_were_not_run() {
        let mut bailed = report(&[test("failed", 1)]);
        bailed["numTotalTestSuites"] = json!(3);
        let case = read(&bailed).cases.pop().expect("there are cases");
        assert_eq!((case.title.as_str(), case.outcome), ("2 of 3 test files", Outcome::NotRun));
        let mut interrupted = report(&[test("passed", 1)]);
        interrupted["wasInterrupted"] = json!(true);
        assert_eq!(read(&interrupted).errors[0].detail, "the run was interrupted");
    }

    #[test]
    fn a_summary_that_knows_more_than_the_list_is_believed() {
        for name in ["numTotalTests", "numPassedTests", "numFailedTests", "numPendingTests", "numTodoTests"] {
            let mut report = report(&[test("passed", 1)]);
            report[name] = json!(7);
            assert_eq!(read(&report).contradictions.len(), 1, "{name}");
        }
        for name in ["numFailedTestSuites", "numRuntimeErrorTestSuites"] {
            let mut report = report(&[test("passed", 1)]);
            report[name] = json!(1);
            assert_eq!(read(&report).errors.len(), 1, "{name}");
        }
    }

    #[test]
    fn open_handles_are_heard_in_jest_s_words() {
        let mut report = report(&[test("passed", 1)]);
        for (handles, expected) in [(json!([{}]), "1 open handle"), (json!([{}, {}]), "2 open handles")] {
            report["openHandles"] = handles;
            let mut heard = WarningLists::default().listen();
            parse(report.to_string().as_bytes(), &mut |text| heard.report(text)).expect("it is a report");
            let line = format!("Jest has detected the following {expected} potentially keeping Jest from exiting:");
            let noticed = heard.finish(Path::new(""), crate::evidence::OwnWords::default());
            assert!(matches!(&*noticed, [Noticed::Warning { line: said, .. }] if *said == line), "{noticed:?}");
        }
    }

    #[test]
    fn jest_is_told_on_its_command_line() {
        let argv = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let flags = ["--json", "--outputFile=/my run/r", "--ci"];
        assert_eq!(recipe(&argv("yarn test -t payment"), Path::new("/my run/r")).args, flags);
        assert_eq!(recipe(&argv("npm run test -- -t payment"), Path::new("/my run/r")).args, flags);
    }
}

//! vitest's `json` reporter.
//!
//! It lists the tests that a filter left out as skipped. It does not tell of errors that no test caught, which only the exit code
//! shows, nor of anything that was printed.

use std::path::Path;

use super::jest_shape::{self, Assertion, Told};
use super::{FilterOptions, Format, Parsed, Retries, node};
use crate::evidence::recipe::Recipe;
use crate::evidence::report::Outcome;

pub(super) const FORMAT: Format = Format {
    parse: |bytes, _, _| parse(bytes),
    recipe,
    filter: FilterOptions {
        pattern: &["-t", "--testNamePattern", "--test-name-pattern"],
        text: &[],
        without: &[],
        invert: &[],
    },
    retries: |_| Retries::Seen,
    unseen: Some("what a test left open: the runner ends it with the process of the test"),
};

/// vitest takes its reporters from the command line only. The reporter for people stays, so that the log tells what happened.
fn recipe(argv: &[String], report_file: &Path) -> Recipe {
    let output = format!("--outputFile.json={}", report_file.display());
    let flags = ["--reporter=default", "--reporter=json", &output, "--allowOnly=false"];
    Recipe { variables: vec![node::strict()], ..node::appended(argv, &flags) }
}

fn parse(bytes: &[u8]) -> Parsed {
    let document = jest_shape::document(bytes, "vitest")?;
    let mut report = jest_shape::report(&document, &["passed"], told);
    let passed = document.test_results.iter().flat_map(|file| &file.assertion_results);
    let passed = passed.filter(|assertion| assertion.status == "passed").count() as u64;
    // Before vitest 2 everything that did not fail was counted as passed.
    let not_failed = document.num_total_tests.saturating_sub(document.num_failed_tests);
    if document.num_passed_tests != passed && document.num_passed_tests != not_failed {
        let stated = document.num_passed_tests;
        report.contradictions.push(format!("`numPassedTests` is {stated}, the report lists {passed}"));
    }
    Ok(report)
}

fn told(assertion: &Assertion) -> Told {
    match (assertion.status.as_str(), assertion.failure()) {
        ("passed", None) => Told::Came(Outcome::Passed, None),
        ("passed", Some(why)) => Told::Came(Outcome::Flaky, Some(format!("passed after a failed attempt: {why}"))),
        ("failed", Some(why)) if why.contains("[Vitest] Unexpected .only modifier") => {
            Told::Focused("it is marked with `.only`".to_owned())
        }
        ("failed", _) => assertion.failed(),
        ("skipped" | "disabled", _) => assertion.left_out(Outcome::Skipped, None),
        ("todo", _) => assertion.left_out(Outcome::Skipped, Some("todo")),
        ("pending", _) => assertion.left_out(Outcome::NotRun, Some("it never came to an end")),
        _ => assertion.unknown(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::evidence::adapters::Malformed;
    use crate::evidence::report::TestReport;

    fn test(status: &str, messages: &[&str]) -> Value {
        json!({ "fullName": "payment charges", "status": status, "failureMessages": messages })
    }

    /// A report of one file with these tests, and a summary that agrees.
    fn report(tests: &[Value]) -> Value {
        let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
        let (failed, todo) = (count("failed"), count("todo"));
        json!({
            "numTotalTests": tests.len(), "numPassedTests": count("passed"), "numFailedTests": failed,
            "numPendingTests": count("skipped") + count("pending"), "numTodoTests": todo,
            "numTotalTestSuites": 1, "numFailedTestSuites": u8::from(failed > 0), "success": failed == 0,
            "testResults": [{
                "name": "/w/pay.test.js", "status": if failed > 0 { "failed" } else { "passed" }, "message": "",
                "assertionResults": tests,
            }],
        })
    }

    fn read(report: &Value) -> TestReport {
        parse(report.to_string().as_bytes()).unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
    }

    #[test]
    fn a_status_is_what_vitest_means_by_it() {
        let cases: &[(&str, &[&str], Outcome)] = &[
            ("passed", &[], Outcome::Passed),
            ("passed", &["AssertionError: 1"], Outcome::Flaky),
            ("failed", &["AssertionError: 1"], Outcome::Failed),
            ("failed", &[], Outcome::Failed),
            ("skipped", &[], Outcome::Skipped),
            ("skipped", &["AssertionError: 1"], Outcome::Failed),
            ("todo", &[], Outcome::Skipped),
            ("pending", &[], Outcome::NotRun),
            ("fine", &[], Outcome::Failed),
        ];
        for (status, messages, outcome) in cases {
            let report = read(&report(&[test(status, messages)]));
            assert_eq!(report.cases[0].outcome, *outcome, "{status} {messages:?}");
            assert!(report.contradictions.is_empty() && report.errors.is_empty(), "{status}: {report:?}");
        }
    }

    #[test]
    fn a_test_marked_with_only_is_focused_and_no_failure() {
        let error = "Error: [Vitest] Unexpected .only modifier. Remove it or pass --allowOnly argument";
        let report = read(&report(&[test("failed", &[error]), test("skipped", &[])]));
        assert_eq!(report.focused, ["payment charges: it is marked with `.only` (/w/pay.test.js)"]);
        assert!(report.errors.is_empty() && report.contradictions.is_empty());
        assert_eq!(report.cases.iter().map(|case| case.outcome).collect::<Vec<_>>(), [Outcome::Skipped]);
    }

    #[test]
    fn a_failed_hook_of_a_group_shows_in_the_file_s_status_or_the_summary() {
        let mut by_status = report(&[test("skipped", &[])]);
        by_status["testResults"][0]["status"] = json!("failed");
        assert!(read(&by_status).errors[0].detail.contains("does not say why"));
        let mut by_summary = report(&[test("skipped", &[])]);
        by_summary["numFailedTestSuites"] = json!(1);
        assert!(read(&by_summary).errors[0].detail.contains("does not say which"));
    }

    #[test]
    fn a_message_of_a_file_is_an_error_whatever_its_status() {
        let mut report = report(&[test("passed", &[])]);
        report["testResults"][0]["message"] = json!("db down\n  at setup");
        assert_eq!(read(&report).errors[0].detail, "db down");
    }

    #[test]
    fn a_summary_that_counts_something_else_is_a_contradiction() {
        for name in ["numTotalTests", "numPassedTests", "numFailedTests", "numPendingTests", "numTodoTests"] {
            let mut report = report(&[test("passed", &[]), test("skipped", &[])]);
            report[name] = json!(7);
            assert!(!read(&report).contradictions.is_empty(), "{name}");
        }
        let mut early = report(&[test("passed", &[]), test("skipped", &[])]);
        early["numPassedTests"] = json!(2);
        assert!(read(&early).contradictions.is_empty(), "before vitest 2");
    }

    #[test]
    fn no_success_without_a_failure_is_a_contradiction_or_the_snapshots() {
        let mut report = report(&[test("passed", &[])]);
        report["success"] = json!(false);
        assert_eq!(read(&report).contradictions.len(), 1);
        report["snapshot"] = json!({ "unmatched": 1, "unchecked": 0 });
        assert_eq!(read(&report).errors[0].detail, "the snapshots do not fit: 1 unmatched, 0 obsolete");
        report["success"] = json!(true);
        assert!(read(&report).errors.is_empty(), "an obsolete snapshot alone fails nothing");
    }

    #[test]
    fn what_is_not_vitest_s_shape_is_refused() {
        let whole = report(&[test("passed", &[])]).to_string();
        for key in [
            "numTotalTests",
            "numPendingTests",
            "success",
            "testResults",
            "assertionResults",
            "fullName",
            "status",
            "message",
        ] {
            assert!(parse(whole.replace(&format!("\"{key}\":"), "\"other\":").as_bytes()).is_err(), "{key}");
        }
        for text in ["[]", "{}", &format!("{whole}{whole}"), &whole.replacen('{', "{\"success\":true,", 1)] {
            assert!(parse(text.as_bytes()).is_err(), "{text:.40}");
        }
    }

    #[test]
    fn vitest_is_told_on_its_command_line() {
        let argv = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let flags = ["--reporter=default", "--reporter=json", "--outputFile.json=/r", "--allowOnly=false"];
        assert_eq!(recipe(&argv("pnpm run test -t payment"), Path::new("/r")).args, flags);
        assert_eq!(recipe(&argv("npm test"), Path::new("/r")).args[0], "--");
    }
}

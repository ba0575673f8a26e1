//! Tests of the reader of Playwright's reports, on reports that no run here has written.

use serde_json::{Value, json};

use super::*;

/// One test of a project, by its expected status, the status of each attempt, and the status that the report gives it.
fn test(expected: &str, attempts: &[&str], status: &str) -> Value {
    let attempt = |(retry, status): (usize, &&str)| {
        let errors =
            if matches!(*status, "failed" | "timedOut") { json!([{ "message": "Error: no" }]) } else { json!([]) };
        json!({ "status": status, "retry": retry, "errors": errors, "stdout": [], "stderr": [] })
    };
    let results: Vec<Value> = attempts.iter().enumerate().map(attempt).collect();
    json!({ "expectedStatus": expected, "projectName": "chromium", "results": results, "status": status })
}

/// A report of these tests, each in a spec of its own, with `ok` and `stats` that agree.
fn report(tests: &[Value]) -> Value {
    let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
    let spec = |(line, test): (usize, &Value)| {
        json!({ "title": "charges", "ok": test["status"] != "unexpected", "tags": [], "tests": [test],
            "file": "pay.spec.js", "line": line, "column": 1 })
    };
    let specs: Vec<Value> = tests.iter().enumerate().map(spec).collect();
    json!({
        "suites": [{ "title": "pay.spec.js", "specs": [], "suites": [{ "title": "payment", "specs": specs }] }],
        "errors": [],
        "stats": { "expected": count("expected"), "unexpected": count("unexpected"), "flaky": count("flaky"),
            "skipped": count("skipped") },
    })
}

fn read(report: &Value) -> TestReport {
    parse(report.to_string().as_bytes(), &mut |_| {}).unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
}

fn outcome(expected: &str, attempts: &[&str], status: &str) -> Outcome {
    let report = read(&report(&[test(expected, attempts, status)]));
    assert!(report.contradictions.is_empty(), "{:?}", report.contradictions);
    report.cases[0].outcome
}

#[test]
fn attempts_decide_what_a_test_came_to() {
    let cases: &[(&str, &[&str], &str, Outcome)] = &[
        ("passed", &["passed"], "expected", Outcome::Passed),
        ("failed", &["failed"], "expected", Outcome::Passed),
        ("passed", &["failed", "passed"], "flaky", Outcome::Flaky),
        ("passed", &["timedOut", "failed", "passed"], "flaky", Outcome::Flaky),
        ("passed", &["failed", "failed"], "unexpected", Outcome::Failed),
        ("passed", &["timedOut"], "unexpected", Outcome::Failed),
        ("failed", &["passed"], "unexpected", Outcome::Failed),
        ("passed", &["passed", "failed"], "flaky", Outcome::Failed),
        ("skipped", &["failed", "skipped"], "flaky", Outcome::Failed),
        ("skipped", &["skipped"], "skipped", Outcome::Skipped),
        ("passed", &["skipped"], "skipped", Outcome::NotRun),
        ("passed", &["interrupted"], "skipped", Outcome::NotRun),
        ("passed", &[], "skipped", Outcome::NotRun),
        ("passed", &["paused"], "unexpected", Outcome::Failed),
        ("paused", &["paused"], "expected", Outcome::Failed),
    ];
    for (expected, attempts, status, came_to) in cases {
        assert_eq!(outcome(expected, attempts, status), *came_to, "expected {expected}, ran {attempts:?}");
    }
}

#[test]
fn a_status_that_is_worse_than_the_attempts_counts() {
    assert_eq!(outcome("passed", &["passed"], "unexpected"), Outcome::Failed);
    assert_eq!(outcome("passed", &["passed"], "flaky"), Outcome::Flaky);
    assert_eq!(outcome("passed", &["failed", "passed"], "expected"), Outcome::Flaky);
    assert_eq!(outcome("passed", &["passed"], "fine"), Outcome::Failed);
}

#[test]
fn a_status_that_its_attempts_do_not_bear_out_is_a_contradiction() {
    for (attempts, status) in [(&["passed"][..], "skipped"), (&["skipped"][..], "expected"), (&[][..], "expected")] {
        let report = read(&report(&[test("passed", attempts, status)]));
        assert_eq!(report.contradictions.len(), 1, "{attempts:?} is {status}");
    }
}

#[test]
fn a_passed_attempt_with_an_error_is_a_failure() {
    let mut report = report(&[test("passed", &["passed"], "expected")]);
    report["suites"][0]["suites"][0]["specs"][0]["tests"][0]["results"][0]["errors"] = json!([{ "value": "'late'" }]);
    let read = read(&report);
    assert_eq!((read.cases[0].outcome, read.cases[0].detail.as_deref()), (Outcome::Failed, Some("'late'")));
}

#[test]
fn what_a_serial_group_ran_again_is_flaky_only_where_nothing_failed() {
    let again = || test("passed", &["passed", "passed"], "expected");
    let group = read(&report(&[again(), test("passed", &["failed", "passed"], "flaky")]));
    assert_eq!(group.cases[0].outcome, Outcome::Passed);
    assert_eq!(read(&report(&[again()])).cases[0].outcome, Outcome::Flaky);
    let mut only_the_last = report(&[test("passed", &["passed"], "expected")]);
    only_the_last["suites"][0]["suites"][0]["specs"][0]["tests"][0]["results"][0]["retry"] = json!(1);
    assert_eq!(read(&only_the_last).cases[0].outcome, Outcome::Flaky);
}

#[test]
fn numbers_and_marks_that_do_not_fit_the_tests_are_a_contradiction() {
    for name in ["expected", "unexpected", "flaky", "skipped"] {
        let mut report = report(&[test("passed", &["passed"], "expected")]);
        report["stats"][name] = json!(7);
        assert_eq!(read(&report).contradictions.len(), 1, "{name}");
    }
    let mut report = report(&[test("passed", &["passed"], "expected")]);
    report["suites"][0]["suites"][0]["specs"][0]["ok"] = json!(false);
    assert_eq!(read(&report).contradictions.len(), 1);
}

#[test]
fn a_title_is_what_grep_matches() {
    let mut report = report(&[test("passed", &["passed"], "expected")]);
    let spec = &mut report["suites"][0]["suites"][0]["specs"][0];
    spec["title"] = json!("charges @fast");
    spec["tags"] = json!(["fast", "slow"]);
    assert_eq!(read(&report).cases[0].title, "chromium pay.spec.js payment charges @fast @slow");
}

#[test]
fn the_same_test_in_two_projects_is_two_tests_and_repeated_it_is_one() {
    let mut report = report(&[test("passed", &["passed"], "expected")]);
    let tests = report["suites"][0]["suites"][0]["specs"][0]["tests"].as_array_mut().unwrap();
    let (mut other, again) = (tests[0].clone(), tests[0].clone());
    other["projectName"] = json!("firefox");
    tests.extend([other, again]);
    let identities: Vec<u64> = read(&report).cases.iter().map(|case| case.identity).collect();
    assert_ne!(identities[0], identities[1]);
    assert_eq!(identities[0], identities[2]);
}

#[test]
fn an_error_outside_of_tests_is_an_error_and_a_focused_test_is_one_finding() {
    let mut report = report(&[test("passed", &["passed"], "expected")]);
    let flag = "Error: item focused with '.only' is not allowed due to the '--forbid-only' CLI flag: \"a\"";
    let key = "Error: item focused with '.only' is not allowed due to the 'forbidOnly' option in 'a.config.ts': \"a\"";
    let early = "Error: focused item found in the --forbid-only mode: \"a\"";
    let located = json!({ "message": "Error: db down", "location": { "file": "setup.ts", "line": 1, "column": 1 } });
    report["errors"] =
        json!([{ "message": flag }, { "message": key }, { "message": early }, located, { "value": "1" }]);
    let read = read(&report);
    assert_eq!(read.focused.len(), 3);
    let errors: Vec<_> = read.errors.iter().map(|error| (error.detail.as_str(), error.file.as_deref())).collect();
    assert_eq!(errors, [("Error: db down", Some("setup.ts")), ("1", None)]);
}

#[test]
fn that_no_test_was_found_is_an_error_only_beside_tests() {
    let nothing = json!([{ "message": "Error: No tests found.\nMake sure that …" }]);
    let mut empty = report(&[]);
    empty["errors"] = nothing.clone();
    assert!(read(&empty).errors.is_empty());
    let mut one = report(&[test("passed", &["passed"], "expected")]);
    one["errors"] = nothing;
    assert_eq!(read(&one).errors.len(), 1);
}

#[test]
fn what_tests_printed_is_heard_as_text_and_as_bytes() {
    let mut report = report(&[test("passed", &["passed"], "expected")]);
    let result = &mut report["suites"][0]["suites"][0]["specs"][0]["tests"][0]["results"][0];
    result["stdout"] = json!([{ "text": "one\nand" }, { "buffer": "dHdvCg==" }, { "buffer": "?" }]);
    result["stderr"] = json!([{ "text": "three\n" }]);
    let mut heard = Vec::new();
    parse(report.to_string().as_bytes(), &mut |text| heard.push(text.to_owned())).expect("it is a report");
    assert_eq!(heard, ["one\nandtwo\n", "three\n"]);
}

#[test]
fn what_is_not_playwright_s_shape_is_refused() {
    let whole = report(&[test("passed", &["passed"], "expected")]).to_string();
    for key in ["suites", "errors", "stats", "results", "retry", "expectedStatus", "projectName", "ok"] {
        let without = whole.replace(&format!("\"{key}\":"), "\"other\":");
        let refusal = parse(without.as_bytes(), &mut |_| {}).err().map(|Malformed(detail)| detail);
        // Groups may hold no groups; files must.
        assert!(key == "suites" || refusal.is_some_and(|why| why.contains(key) || why.contains("duplicate")), "{key}");
    }
    for text in ["[]", "{}", &format!("{whole}{whole}"), &format!("> test\n{whole}"), &"[".repeat(100_000)] {
        assert!(parse(text.as_bytes(), &mut |_| {}).is_err(), "{:.40}", text);
    }
}

#[test]
fn the_reporter_is_named_on_the_command_line_and_the_file_in_the_environment() {
    let argv = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let pnpm = recipe(&argv("pnpm run test:e2e"), Path::new("/my run/report"));
    assert_eq!(pnpm.args, ["--reporter=json,line", "--forbid-only"]);
    assert_eq!(pnpm.variables[0], ("PLAYWRIGHT_JSON_OUTPUT_FILE".to_owned(), "/my run/report".to_owned()));
    assert_eq!(recipe(&argv("npm run test:e2e"), Path::new("/r")).args[0], "--");
}

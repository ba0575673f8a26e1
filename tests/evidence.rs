//! What a suite left behind, and the code that each way to go wrong is called by: on screen and in the documents.

use serde_json::Value;

use crate::support::{Fingerprint, SHOP_POLICY, Sandbox};

const STATS: &str = r#""stats":{"tests":1,"passes":1,"pending":0,"failures":0}"#;
const TEST: &str = r#"{"title":"works","fullTitle":"pay works","file":"a.js","duration":1,"currentRetry":0,"err":{}}"#;

/// A whole mocha report of one passed test.
fn green() -> String {
    format!(r#"{{{STATS},"tests":[{TEST}],"pending":[],"failures":[],"passes":[{TEST}]}}"#)
}

/// A shop whose payment suite is this script.
fn shop_with(script: &str, policy: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(policy);
    sandbox.write("green.json", green());
    sandbox.write("suite.sh", format!("#!/bin/sh\n{script}\n"));
    sandbox.commit("Test otherwise");
    sandbox
}

/// The suite's findings, which must be the same on screen, in `run --json` and in the record.
#[track_caller]
fn findings(sandbox: &Sandbox) -> Vec<String> {
    let before = Fingerprint::of(sandbox);
    let ran = sandbox.proof_gate(&["run", "--suite", "payment", "--json"]).ends_with(1);
    assert_eq!(Fingerprint::of(sandbox), before);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let codes = |findings: &Value| -> Vec<String> {
        findings.as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    };
    let found = codes(&document["suites"][0]["findings"]);
    let shown: Value = serde_json::from_str(&sandbox.proof_gate(&["show", "--json"]).ends_with(0).stdout).unwrap();
    let suites =
        shown.pointer("/statement/predicate/verdict/suites").and_then(Value::as_array).expect("a verdict has suites");
    assert_eq!(codes(&suites[0]["findings"]), found);
    for code in &found {
        assert!(ran.stderr.contains(code.as_str()), "{code} is not on screen:\n{}", ran.stderr);
    }
    found
}

#[track_caller]
fn check(script: &str, codes: &[&str]) {
    assert_eq!(findings(&shop_with(script, SHOP_POLICY)), codes);
}

#[test]
fn a_report_without_a_test_is_zero_tests() {
    let empty = r#"{"stats":{"tests":0,"passes":0,"pending":0,"failures":0},"tests":[],"pending":[],"failures":[],"passes":[]}"#;
    check(&format!("echo '{empty}' >\"$PROOF_REPORT\""), &["ZERO_TESTS"]);
}

#[test]
fn no_report_is_report_missing() {
    check("exit 0", &["REPORT_MISSING"]);
}

#[test]
fn a_blank_report_is_report_empty() {
    check("echo >\"$PROOF_REPORT\"", &["REPORT_EMPTY"]);
}

#[test]
fn a_truncated_report_is_report_malformed() {
    check("head -c 100 green.json >\"$PROOF_REPORT\"", &["REPORT_MALFORMED"]);
}

#[test]
fn a_report_from_before_the_run_is_report_stale() {
    check("cp green.json \"$PROOF_REPORT\"; touch -d '1 hour ago' \"$PROOF_REPORT\"", &["REPORT_STALE"]);
}

#[test]
fn a_failure_in_the_report_of_a_suite_that_ends_with_0_is_both_named() {
    let failed = green().replace("\"err\":{}", "\"err\":{\"message\":\"no\"}");
    check(&format!("echo '{failed}' >\"$PROOF_REPORT\""), &["TEST_FAILED", "REPORT_DISAGREES"]);
}

#[test]
fn a_failure_in_a_skipped_case_is_a_failure() {
    let report = r#"<testsuite tests="2" skipped="1"><testcase name="a"/><testcase name="b"><skipped/><failure/></testcase></testsuite>"#;
    let policy = SHOP_POLICY.replace("mocha-json", "junit-xml");
    let found = findings(&shop_with(&format!("echo '{report}' >\"$PROOF_REPORT\""), &policy));
    assert_eq!(found[0], "TEST_FAILED", "{found:?}");
}

#[test]
fn another_exit_code_than_0_beside_a_green_report_is_exit_nonzero() {
    check("cp green.json \"$PROOF_REPORT\"; exit 3", &["EXIT_NONZERO"]);
}

#[test]
fn fewer_tests_than_the_policy_asks_for_are_too_few_tests() {
    let policy = SHOP_POLICY.replace("[suites.payment]", "[suites.payment]\nmin_tests = 2");
    assert_eq!(findings(&shop_with("cp green.json \"$PROOF_REPORT\"", &policy)), ["TOO_FEW_TESTS"]);
}

#[test]
fn a_suite_that_a_signal_ends_is_killed_whatever_it_reported() {
    check("cp green.json \"$PROOF_REPORT\"; kill -KILL $$", &["KILLED"]);
    check("kill -TERM $$", &["KILLED"]);
}

#[test]
fn a_suite_whose_time_is_over_is_timed_out() {
    let policy = SHOP_POLICY.replace("\"30s\"", "\"1s\"");
    assert_eq!(findings(&shop_with("cp green.json \"$PROOF_REPORT\"; sleep 60", &policy)), ["TIMED_OUT"]);
}

/// The shop's policy with a payment suite whose report is of this adapter.
fn reporting_by(adapter: &str) -> String {
    let (before, suite) = SHOP_POLICY.split_once("[suites.payment]").expect("the shop has a payment suite");
    let report = format!("report = \"{adapter}\"\nflaky = \"unobservable\"");
    format!("{before}[suites.payment]{}", suite.replacen("report = \"mocha-json\"", &report, 1))
}

#[test]
fn what_a_suite_prints_is_its_report_where_the_format_is_printed() {
    let passes = |script: &str, adapter: &str| {
        let sandbox = shop_with(script, &reporting_by(adapter));
        let before = Fingerprint::of(&sandbox);
        sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(0);
        assert_eq!(Fingerprint::of(&sandbox), before);
    };
    passes("echo 'TAP version 14'; echo aside >&2; echo 'ok 1 - charges'; echo '1..1'", "tap");
    let event = r#"{"Action":"ACTION","Package":"pay","Test":"TestA"}"#;
    let events = ["run", "pass"].map(|action| format!("echo '{}';", event.replace("ACTION", action))).concat();
    let end =
        r#"echo '{"Action":"output","Package":"pay","Output":"PASS\\n"}'; echo '{"Action":"pass","Package":"pay"}'"#;
    passes(&format!("{events} {end}"), "go-json");
}

#[test]
fn what_a_suite_prints_is_judged_whatever_it_writes_elsewhere() {
    let printed = |script: &str| findings(&shop_with(script, &reporting_by("tap")));
    let green = "printf 'ok 1 - a\\n1..1\\n'";
    assert_eq!(
        printed(&format!("{green} >\"$PROOF_REPORT\"; echo 'not ok 1 - b'; echo 1..1")),
        ["TEST_FAILED", "REPORT_DISAGREES"]
    );
    assert_eq!(printed(&format!("{green} >\"$PROOF_REPORT\"")), ["REPORT_EMPTY"]);
    assert_eq!(printed(&format!("{green} >&2")), ["REPORT_EMPTY"]);
    assert_eq!(printed("echo 1..2; echo ok 1"), ["REPORT_MALFORMED"]);
    assert_eq!(printed("yes '# much' | head -c 70000000; echo ok 1; echo 1..1"), ["REPORT_MALFORMED"]);
}

#[test]
fn a_draft_sees_uncommitted_work_and_records_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("src/payments/refund.js", "BUG\n");
    let before = Fingerprint::of(&sandbox);
    sandbox.proof_gate(&["run", "--draft"]).ends_with(1).says("nothing is recorded");
    assert_eq!(Fingerprint::of(&sandbox), before);
    assert_eq!(sandbox.git_ok(&["for-each-ref", "refs/proof/"]), "");
    sandbox.remove("src/payments/refund.js");
    sandbox.proof_gate(&["run", "--draft"]).ends_with(0);
    assert_eq!(sandbox.git_ok(&["for-each-ref", "refs/proof/"]), "");
}

#[test]
fn the_value_of_a_passed_variable_stands_in_no_record_nor_on_screen() {
    let failing = r#"<testsuite tests="1" failures="1"><testcase name="knows '$MYPASS'"><failure message="got $MYPASS of a&amp;b"/></testcase></testsuite>"#;
    let policy = SHOP_POLICY.replace("mocha-json", "junit-xml");
    let policy = policy.replace("[suites.payment]", "[suites.payment]\nenv = { pass = [\"MYPASS\"] }");
    let script = format!("cat >\"$PROOF_REPORT\" <<END\n{failing}\nEND\nexit 1");
    let sandbox = shop_with(&script, &policy);
    let ran = sandbox.sh("MYPASS='correct-horse-9' proof-gate run --suite payment --json").ends_with(1);
    let shown = sandbox
        .sh("proof-gate show --json; proof-gate show; git log -p --all; cat \
                            \"$(git rev-parse --git-common-dir)\"/proof-gate/evidence/*/payment/report")
        .ends_with(0);
    for text in [&ran.stdout, &ran.stderr, &shown.stdout, &shown.stderr] {
        assert!(!text.contains("correct-horse-9"), "{text}");
    }
    assert!(ran.stderr.contains("knows '[secret]'") && shown.stdout.contains("got [secret] of a&b"), "{}", ran.stderr);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["suites"][0]["findings"][0]["detail"], "got [secret] of a&b");
}

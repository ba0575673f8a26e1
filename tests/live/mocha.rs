//! pnpm and npm with mocha, from `init` to a proven tag, and what mocha lets pass and the gate does not.
//!
//! Deliberately absent: what a report says in every dialect; the fixtures beside the adapter hold that.

use crate::cases::{Cases, Comes, check};
use crate::support::{Fingerprint, Ran, Sandbox};
use crate::tools::{sandbox, tool, with_project};

const CHARGE: &str = "module.exports = (prices) => prices.reduce((sum, price) => sum + price, 0);\n";
const CHARGE_WITH_A_BUG: &str = "module.exports = (prices) => prices[0];\n";

/// A spec of one area, with one test whose body is `body`.
fn spec(area: &str, title: &str, body: &str) -> String {
    format!(
        "const assert = require('node:assert');\ndescribe('{area}', () => {{\n  it('{title}', function () {{\n    {body}\n  }});\n}});\n"
    )
}

/// A shop of three areas with a spec each.
fn shop(project: &str) -> Sandbox {
    let sandbox = sandbox();
    with_project(&sandbox, project);
    sandbox.write("src/payments/charge.js", CHARGE);
    let charges = "assert.equal(require('../src/payments/charge')([3, 4]), 7);";
    sandbox.write("test/payments.spec.js", spec("payment", "charges the whole basket", charges));
    sandbox.write("test/bookings.spec.js", spec("booking", "takes a free room", "assert.ok(true);"));
    sandbox.write("test/guardrails.spec.js", spec("guardrail", "stops a sale without a price", "assert.ok(true);"));
    sandbox.commit("Test the shop");
    sandbox
}

/// What a user does on the first day: init, a look at a draft, commit, install.
fn set_up(sandbox: &Sandbox) {
    sandbox.proof_gate(&["init"]).ends_with(0);
    sandbox.commit("Ask for proofs");
    sandbox.install();
}

#[track_caller]
fn refused(ran: Ran, code: &str) -> Ran {
    ran.ends_with(1).says("push refused").says(code)
}

#[test]
fn the_first_day_with_pnpm_from_init_to_a_proven_tag() {
    first_day("pnpm-mocha", "mocha by pnpm", r#"["pnpm", "run", "test", "--grep", "payment"]"#);
}

#[test]
fn the_first_day_with_npm_from_init_to_a_proven_tag() {
    first_day("npm-mocha", "mocha by npm", r#"["npm", "run", "test", "--", "--grep", "payment"]"#);
}

fn first_day(project: &str, found: &str, payment: &str) {
    let sandbox = shop(project);
    sandbox.proof_gate(&["init"]).ends_with(0).says(found);
    let policy = std::fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    assert!(policy.contains(payment), "{policy}");
    sandbox.proof_gate_in_terminal(&["run", "--draft"]).ends_with(0).says("nothing is recorded");
    sandbox.commit("Ask for proofs");
    sandbox.install();

    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0).says("booking full guardrail payment");
    let proven = sandbox.remote_ref("refs/heads/main").unwrap();

    sandbox.write("src/payments/charge.js", CHARGE_WITH_A_BUG);
    sandbox.commit("Charge quickly");
    let untouched = Fingerprint::of(&sandbox);
    let ran = refused(sandbox.push_in_terminal(&["origin", "main"]), "TEST_FAILED").says("charges the whole basket");
    assert!(!ran.stdout.contains("booking"), "only payments changed:\n{}", ran.stdout);
    assert_eq!(Fingerprint::of(&sandbox), untouched);
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(proven));

    sandbox.write("src/payments/charge.js", CHARGE.replace("price, 0", "price, 0.0"));
    let mended = sandbox.commit("Charge everything again");
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0);
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(mended.clone()));

    sandbox.git_ok(&["tag", "v1.0.0"]);
    sandbox.push_in_terminal(&["origin", "v1.0.0"]).ends_with(0).says("PASS");
    assert_eq!(sandbox.remote_ref("refs/tags/v1.0.0"), Some(mended));
    let status = sandbox.proof_gate(&["status"]).ends_with(0).stdout;
    let tag = status.lines().find(|line| line.contains("v1.0.0")).unwrap();
    assert!(tag.contains("PASS"), "{status}");
}

/// Pushes the shop with one more spec, with which mocha by itself ends well, and expects a refusal in these words.
fn check_spec(text: &str, words: &[&str]) {
    let sandbox = shop("pnpm-mocha");
    sandbox.write("test/more.spec.js", text);
    tool(&sandbox, "pnpm", &["install", "--frozen-lockfile", "--prefer-offline"]);
    tool(&sandbox, "pnpm", &["run", "test"]);
    set_up(&sandbox);
    let untouched = Fingerprint::of(&sandbox);
    let mut ran = sandbox.push_in_terminal(&["origin", "main"]).ends_with(1).says("push refused");
    for words in words {
        ran = ran.says(words);
    }
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    assert_eq!(Fingerprint::of(&sandbox), untouched);
}

#[test]
fn a_test_that_passes_on_its_second_attempt_is_flaky() {
    let body = "this.retries(2); global.attempt = (global.attempt ?? 0) + 1; assert.equal(global.attempt, 2);";
    check_spec(&spec("refund", "is idempotent", body), &["TEST_FLAKY", "refund is idempotent", "passed on attempt 2"]);
}

#[test]
fn a_test_that_ends_the_process_with_0_leaves_no_report() {
    check_spec(&spec("refund", "ends it all", "process.exit(0);"), &["REPORT_MISSING"]);
}

#[test]
fn a_test_left_with_only_is_refused() {
    let text = spec("refund", "is alone", "assert.ok(true);").replace("it(", "it.only(");
    check_spec(&text, &["booking", "EXIT_NONZERO"]);
}

#[test]
fn a_rejection_that_nobody_handles_fails_the_test_that_left_it() {
    let body = "Promise.reject(new Error('the bank is closed'));";
    check_spec(&spec("refund", "asks the bank", body), &["TEST_FAILED", "refund asks the bank", "the bank is closed"]);
}

#[test]
fn a_rejection_after_the_last_test_is_no_pass() {
    let body = "setTimeout(() => Promise.reject(new Error('the bank is closed')), 300);";
    check_spec(&spec("refund", "asks the bank", body), &["EXIT_NONZERO"]);
}

#[test]
fn a_filter_that_matches_no_test_is_no_pass() {
    let sandbox = shop("pnpm-mocha");
    sandbox.proof_gate(&["init"]).ends_with(0);
    let policy = std::fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    let nothing = "\n[suites.refund]\nrun = [\"pnpm\", \"run\", \"test\", \"--grep\", \"no such title\"]\nreport = \"mocha-json\"\npaths = [\"src/**\"]\n";
    sandbox.with_policy(&(policy + nothing));
    sandbox.commit("Ask for proofs");
    sandbox.install();
    refused(sandbox.push_in_terminal(&["origin", "main"]), "ZERO_TESTS").says("no test was executed");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
}

#[test]
fn a_configuration_file_of_mocha_does_not_take_the_report_away() {
    let sandbox = shop("pnpm-mocha");
    let config =
        r#"{ "reporter": "dot", "reporter-option": ["output=elsewhere.json"], "forbid-only": false, "spec": "test" }"#;
    sandbox.write(".mocharc.json", config);
    set_up(&sandbox);
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0).says("PASS");
    sandbox.write("src/payments/charge.js", CHARGE_WITH_A_BUG);
    sandbox.commit("Charge quickly");
    refused(sandbox.push_in_terminal(&["origin", "main"]), "charges the whole basket");
}

#[test]
fn every_case_of_mocha_comes_to_what_it_is() {
    check(&Cases {
        folder: "mocha",
        name: "mocha",
        is_installed: true,
        cases: &[
            ("pass", Comes::ToPass),
            ("fail", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("flaky", Comes::ToFail("TEST_FLAKY")),
            ("focused", Comes::ToFail("FOCUSED EXIT_NONZERO REPORT_MISSING")),
            ("unhandled", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("exit", Comes::ToFail("REPORT_MISSING")),
            ("hang", Comes::ToFail("TIMED_OUT")),
            ("skipped", Comes::ToFail("SKIPPED_TESTS")),
            ("warning", Comes::ToFail("WARNING")),
            ("no-match", Comes::ToFail("ZERO_TESTS EXIT_NONZERO")),
            ("pass-by-ctrf", Comes::ToPass),
            ("fail-by-ctrf", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("flaky-by-ctrf", Comes::ToFail("TEST_FLAKY")),
        ],
    });
}

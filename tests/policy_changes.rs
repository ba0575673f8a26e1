//! A policy gets weaker only by an approved, recorded change; until then the one before it judges.

use crate::support::{Refusal, SHOP_POLICY, Sandbox};

const ALL: [&str; 4] = ["booking", "full", "guardrail", "payment"];

/// The shop's policy with payment's suite replaced by a command that proves nothing.
fn without_payment() -> String {
    let run = "run = [\"sh\", \"suite.sh\", \"payment\", \"src/payments\"]\nreport = \"mocha-json\"";
    assert!(SHOP_POLICY.contains(run));
    SHOP_POLICY.replace(run, "run = [\"true\"]\nreport = \"exit-code\"\nflaky = \"unobservable\"")
}

/// Commits this policy, and demands that a push of it is refused for what got weaker, before anything is run.
#[track_caller]
fn is_weaker(sandbox: &Sandbox, policy: &str, key: &str) -> Refusal {
    sandbox.with_policy(policy);
    sandbox.commit("Change the policy");
    let refusal = sandbox.is_refused(&["origin", "HEAD:main"], &[]);
    refusal.says("weaker policy, not approved").says(key).says("next:    proof-gate approve-policy ")
}

#[test]
fn a_suite_replaced_beside_bad_code_is_refused() {
    let sandbox = Sandbox::proven();
    sandbox.write("src/payments/charge.js", "BUG\n");
    is_weaker(&sandbox, &without_payment(), "suites.payment.run");
}

#[test]
fn a_suite_replaced_first_and_bad_code_pushed_second_are_refused_both() {
    let sandbox = Sandbox::proven();
    is_weaker(&sandbox, &without_payment(), "suites.payment.run");
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.is_refused(&["origin", "main"], &[]).says("suites.payment.run");
}

#[test]
fn a_weaker_policy_that_got_onto_the_remote_unproven_judges_nothing() {
    let sandbox = Sandbox::proven();
    sandbox.with_policy(&without_payment());
    sandbox.commit("Replace a suite");
    sandbox.push(&["--no-verify", "origin", "main"]).ends_with(0);
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.is_refused(&["origin", "main"], &[]).says("suites.payment.run");
    // Not even where the suites that are left are proven by hand.
    sandbox.proof_gate(&["run"]).ends_with(0).says("approve-policy");
    sandbox.is_refused(&["origin", "main"], &[]).says("suites.payment.run");
    // Put back, it needs no approval, and the bad code is owed.
    sandbox.with_policy(SHOP_POLICY);
    sandbox.write("src/payments/charge.js", "BUG\n");
    sandbox.commit("Put the suite back");
    sandbox.is_refused(&["origin", "main"], &ALL).says("payment  TEST_FAILED");
}

#[test]
fn a_deleted_policy_leaves_the_default_branches_in_force() {
    let sandbox = Sandbox::proven();
    sandbox.remove(".proofrc.toml");
    sandbox.write("src/payments/charge.js", "BUG\n");
    sandbox.commit("No policy, no proof");
    sandbox.is_refused(&["origin", "main"], &ALL).says("payment  TEST_FAILED");
    sandbox.proof_gate(&["explain", "HEAD"]).ends_with(0).says("the policy of the remote's default branch");
}

#[test]
fn a_policy_taken_out_and_put_back_weaker_is_refused() {
    let sandbox = Sandbox::proven();
    sandbox.remove(".proofrc.toml");
    sandbox.commit("No policy for now");
    sandbox.pushes(&["origin", "main"], &ALL);
    is_weaker(&sandbox, &without_payment(), "suites.payment.run");
}

#[test]
fn an_orphan_with_a_policy_of_its_own_is_held_against_the_default_branches() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["checkout", "--quiet", "--orphan", "fresh"]);
    sandbox.write("src/payments/charge.js", "BUG\n");
    sandbox.with_policy(&without_payment());
    sandbox.commit("A fresh start");
    sandbox.is_refused(&["--force", "origin", "HEAD:main"], &[]).says("suites.payment.run");
    sandbox.is_refused(&["origin", "HEAD:release/z"], &[]).says("suites.payment.run");
    // With the team's own policy an orphan owes everything.
    sandbox.with_policy(SHOP_POLICY);
    sandbox.commit("Take the team's policy");
    sandbox.is_refused(&["origin", "HEAD:release/z"], &ALL).says("payment  TEST_FAILED");
}

#[test]
fn a_commit_older_than_the_policy_is_judged_by_the_default_branches() {
    let sandbox = Sandbox::new();
    sandbox.remove(".proofrc.toml");
    let ancient = sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.write("src/payments/charge.js", "charge\n");
    let old = sandbox.commit("Charge");
    sandbox.with_policy(SHOP_POLICY);
    sandbox.commit("Gate it");
    sandbox.install_and_prove();
    let refusal = sandbox.is_refused(&["origin", &format!("{ancient}:refs/heads/release/0")], &ALL);
    refusal.says("payment  TEST_FAILED");
    sandbox.pushes(&["origin", &format!("{old}:refs/heads/release/0")], &ALL);
}

#[test]
fn without_any_policy_a_push_is_refused_and_told_how_to_get_one() {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.sh("rm ../shop/.git/proof-gate/seen-policy.toml").ends_with(0);
    sandbox.remove(".proofrc.toml");
    sandbox.commit("No policy");
    sandbox.hook_with(&sandbox.line("HEAD", "refs/heads/main")).ends_with(2).says("no policy").says("proof-gate init");
}

#[test]
fn a_policy_that_gates_nothing_is_gated_itself() {
    let nothing = SHOP_POLICY.replace("[\"main\", \"release/*\"]", "[]").replace("[\"v*\"]", "[]");
    let sandbox = Sandbox::proven();
    sandbox.write("src/payments/charge.js", "BUG\n");
    let refusal = is_weaker(&sandbox, &nothing, "gate.branches: lost 'main'");
    refusal.says("gate.tags: lost 'v*'");
    sandbox.is_refused(&["origin", "HEAD:release/x"], &[]).says("gate.branches");
    sandbox.is_refused(&["origin", "HEAD:refs/tags/v1"], &[]).says("gate.tags");
}

#[test]
fn an_approval_is_the_way_through_and_stays_in_sight() {
    let sandbox = Sandbox::proven();
    let refusal = is_weaker(&sandbox, &without_payment(), "suites.payment.run");
    refusal.run_next(&sandbox).ends_with(0).says("approval recorded as ").says(": WHY");
    let suites = ["booking", "full", "guardrail"];
    sandbox.pushes(&["origin", "main"], &suites).says("PASS  booking full guardrail payment");
    sandbox.proof_gate(&["status"]).ends_with(0).says("approved policy changes").says("WHY  by ana@example.org");
    let status = sandbox.proof_gate(&["status", "--json"]).ends_with(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let [approval] = status["approvals"].as_array().unwrap().as_slice() else { panic!("{status:#}") };
    assert_eq!(approval["why"], "WHY");
    assert_eq!(approval["commit"], sandbox.id("HEAD"));
    sandbox.proof_gate(&["explain", "HEAD"]).ends_with(0).says("suites.payment.run").says("approved");
    let explained = sandbox.proof_gate(&["explain", "HEAD", "--json"]).ends_with(0);
    let explained: serde_json::Value = serde_json::from_str(&explained.stdout).unwrap();
    assert_eq!(explained["plan"]["approvals"][0]["approved"], true, "{explained:#}");
    // From then on it judges by itself.
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.pushes(&["origin", "main"], &[]).says("PASS  payment");
    sandbox.proof_gate(&["approve-policy", "HEAD", "-m", "Again"]).ends_with(0).says("nothing to approve");
}

#[test]
fn an_approval_needs_a_reason() {
    let sandbox = Sandbox::proven();
    is_weaker(&sandbox, &without_payment(), "suites.payment.run");
    sandbox.proof_gate(&["approve-policy", "HEAD", "-m", "  "]).ends_with(64).says("the reason is blank");
    sandbox.proof_gate(&["approve-policy", "HEAD"]).ends_with(64);
    sandbox.is_refused(&["origin", "main"], &[]).says("not approved");
}

#[test]
fn an_approval_is_of_one_change_only() {
    let sandbox = Sandbox::proven();
    let refusal = is_weaker(&sandbox, &without_payment(), "suites.payment.run");
    refusal.run_next(&sandbox).ends_with(0);
    let more = without_payment().replace("\"src/bookings\"", "\"nowhere\"");
    is_weaker(&sandbox, &more, "suites.booking.run");
}

#[test]
fn a_stronger_policy_needs_no_approval_and_owes_every_suite() {
    let stronger = [
        SHOP_POLICY.replace("timeout = \"30s\"", "timeout = \"20s\""),
        SHOP_POLICY.replace("\"release/*\"]", "\"release/*\", \"hotfix/*\"]"),
        SHOP_POLICY.replace("paths = [\"src/payments/**\"]", "paths = [\"src/payments/**\"]\nmin_tests = 1"),
        SHOP_POLICY.replace("default = true", "default = true\npaths = [\"docs/**\"]"),
    ];
    for policy in stronger {
        assert_ne!(policy, SHOP_POLICY);
        let sandbox = Sandbox::proven();
        sandbox.with_policy(&policy);
        sandbox.commit("Tighten the policy");
        let (ran, _) = sandbox.suites_of(|| sandbox.push(&["origin", "main"]));
        ran.ends_with(0).says("PASS  booking full guardrail payment");
    }
}

/// The shop's policy with one suite more.
fn with_calendar(calls_for_it: &str) -> String {
    let run = "run = [\"sh\", \"suite.sh\", \"calendar\", \"src/calendar\"]\nreport = \"mocha-json\"";
    format!("{SHOP_POLICY}\n[suites.calendar]\n{run}\n{calls_for_it}\n")
}

#[test]
fn a_new_default_suite_needs_no_approval() {
    let sandbox = Sandbox::proven();
    sandbox.with_policy(&with_calendar("default = true"));
    sandbox.commit("Prove the calendar");
    sandbox.pushes(&["origin", "main"], &["booking", "calendar", "full", "guardrail", "payment"]);
}

#[test]
fn a_new_suite_that_takes_paths_from_the_default_suites_needs_an_approval() {
    let sandbox = Sandbox::proven();
    let refusal = is_weaker(&sandbox, &with_calendar("paths = [\"src/calendar/**\"]"), "suites.calendar.paths");
    refusal.says("may take changes away from the default suites").run_next(&sandbox).ends_with(0);
    sandbox.pushes(&["origin", "main"], &["booking", "calendar", "full", "guardrail", "payment"]);
}

#[test]
fn an_unreadable_policy_refuses_with_line_and_column() {
    let sandbox = Sandbox::proven();
    sandbox.with_policy(&SHOP_POLICY.replace("branches =", "branchs ="));
    sandbox.commit("Mistype");
    let before = sandbox.remote_refs();
    let ran = sandbox.hook_with(&sandbox.line("HEAD", "refs/heads/main")).ends_with(2);
    let ran = ran.says("cannot read .proofrc.toml of ").says("line 7").says("column 1").says("branches");
    assert!(ran.stderr.lines().any(|line| line.starts_with("hint: ")), "{}", ran.stderr);
    sandbox.push(&["origin", "main"]).ends_with(1).says("line 7");
    assert_eq!(sandbox.remote_refs(), before);
    assert!(sandbox.suites_run().is_empty());
    // The command in the hint shows the place in the work tree.
    sandbox.proof_gate(&["config", "check"]).ends_with(2).says("branchs");
}

#[test]
fn after_an_unreadable_policy_the_one_before_it_is_compared_and_every_suite_owed() {
    let sandbox = Sandbox::proven();
    sandbox.with_policy("version = 1\nnonsense\n");
    sandbox.commit("Break the policy");
    sandbox.push(&["--no-verify", "origin", "main"]).ends_with(0);
    is_weaker(&sandbox, &without_payment(), "suites.payment.run");
    sandbox.with_policy(SHOP_POLICY);
    sandbox.commit("Mend the policy");
    sandbox.pushes(&["origin", "main"], &[]).says("PASS  booking full guardrail payment");
}

#[test]
fn a_base_whose_policy_cannot_be_read_is_compared_by_its_nearest_readable_ancestors() {
    let sandbox = Sandbox::new();
    sandbox.with_policy("version = 1\nnonsense\n");
    let broken = sandbox.commit("Break the policy");
    sandbox.push(&["origin", "main"]).ends_with(0);
    sandbox.with_policy(&without_payment());
    sandbox.commit("Mend the policy, nearly");
    sandbox.proof_gate(&["plan", "HEAD", "--base", &broken]).ends_with(0).says("suites.payment.run");
    let planned = sandbox.proof_gate(&["plan", "HEAD", "--base", &broken, "--json"]).ends_with(0);
    let planned: serde_json::Value = serde_json::from_str(&planned.stdout).unwrap();
    let suites = planned["suites"].as_array().unwrap();
    assert_eq!(suites.iter().map(|suite| suite["name"].as_str().unwrap()).collect::<Vec<_>>(), ALL);
    assert!(suites.iter().all(|suite| suite["reasons"][0]["why"] == "policy-changed"), "{planned:#}");
}

#[test]
fn installing_again_is_no_way_to_a_weaker_policy() {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.write("src/payments/charge.js", "BUG\n");
    is_weaker(&sandbox, &SHOP_POLICY.replace("branches = [\"main\", \"release/*\"]", "branches = []"), "gate.branches");
    sandbox.proof_gate(&["install"]).ends_with(0);
    sandbox.is_refused(&["origin", "main"], &[]).says("gate.branches");
}

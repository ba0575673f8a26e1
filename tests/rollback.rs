//! Going back: a rollback owes the default suites, proven as a rollback of what stands over there now.

use crate::support::{SHOP_POLICY, Sandbox};

/// A proven shop, and a second proven commit on top that changed the payments. Gives back both ids.
fn two_deployed() -> (Sandbox, String, String) {
    let sandbox = Sandbox::proven();
    let first = sandbox.id("HEAD");
    let second = sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "main"], &["payment"]);
    (sandbox, first, second)
}

/// The scenario of the newest record of a revision.
fn scenario_of(sandbox: &Sandbox, revision: &str) -> String {
    let shown = sandbox.proof_gate(&["show", revision, "--json"]).ends_with(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let scenario = &shown["statement"]["predicate"]["verdict"]["scenario"];
    scenario["name"].as_str().unwrap_or_else(|| panic!("{shown:#}")).to_owned()
}

#[test]
fn a_forced_push_back_owes_the_default_suites_proven_as_a_rollback() {
    let (sandbox, first, _) = two_deployed();
    // The deploy PASS that the commit has for every suite does not do.
    sandbox.pushes(&["--force", "origin", &format!("{first}:main")], &["full"]).says("PASS  full");
    assert_eq!(sandbox.remote_ref("refs/heads/main").as_ref(), Some(&first));
    assert_eq!(scenario_of(&sandbox, &first), "rollback");
}

#[test]
fn a_rollback_proven_by_the_command_that_the_refusal_names_may_go() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("[gate]\n", "[gate]\non_missing = \"refuse\"\n"));
    let first = sandbox.commit("Prove by hand");
    sandbox.install();
    sandbox.proof_gate(&["run"]).ends_with(0);
    sandbox.pushes(&["origin", "main"], &[]);
    let second = sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.proof_gate(&["run"]).ends_with(0);
    sandbox.pushes(&["origin", "main"], &[]);
    let back = ["--force", "origin", &format!("{first}:main")];
    let refusal = sandbox.is_refused(&back, &[]).says("no proof  full");
    let refusal = refusal.says(&format!("--scenario rollback --replacing {}", &second[..7]));
    let (ran, suites) = sandbox.suites_of(|| refusal.run_next(&sandbox));
    ran.ends_with(0);
    // By hand all that the commit owes is proven afresh, not only what the rollback does.
    assert_eq!(suites, ["booking", "full", "guardrail", "payment"]);
    sandbox.pushes(&back, &[]).says("PASS  full");
}

#[test]
fn a_rollback_proof_counts_only_if_it_was_made_after_what_it_replaces() {
    let (sandbox, first, second) = two_deployed();
    let back = ["--force", "origin", &format!("{first}:main")];
    sandbox.pushes(&back, &["full"]);
    // Forward again is a fast-forward to a proven commit.
    sandbox.pushes(&["origin", "main"], &[]);
    // `second` was not proven anew, so the rollback proof is still newer than it.
    sandbox.pushes(&back, &[]);
    sandbox.pushes(&["origin", "main"], &[]);
    sandbox.proof_gate(&["run", &second]).ends_with(0);
    sandbox.pushes(&back, &["full"]);
}

#[test]
fn a_rollback_that_fails_is_refused() {
    let sandbox = Sandbox::proven();
    // Unproven, but over there.
    let broken = sandbox.commit_file("src/bookings/book.js", "BUG\n");
    sandbox.write("src/bookings/book.js", "book better\n");
    sandbox.commit("Book better");
    sandbox.pushes(&["origin", "main"], &["booking"]);
    let refusal = sandbox.is_refused(&["--force", "origin", &format!("{broken}:main")], &["booking", "full"]);
    refusal.says("FAIL  booking full").run_next(&sandbox).ends_with(0).says("rollback");
}

#[test]
fn amending_only_a_message_is_no_rollback() {
    let (sandbox, _, _) = two_deployed();
    sandbox.git_ok(&["commit", "--quiet", "--amend", "-m", "Charge better than before"]);
    sandbox.pushes(&["--force", "origin", "main"], &[]);
}

#[test]
fn dropping_a_commit_and_adding_another_one_is_a_rollback() {
    let (sandbox, first, _) = two_deployed();
    sandbox.git_ok(&["reset", "--quiet", "--hard", &first]);
    let other = sandbox.commit_file("src/bookings/book.js", "book better\n");
    sandbox.pushes(&["--force", "origin", "main"], &["booking", "full"]);
    assert_eq!(scenario_of(&sandbox, &other), "rollback");
}

#[test]
fn dropping_a_tip_that_is_not_here_is_a_rollback() {
    let sandbox = Sandbox::proven();
    let clone = sandbox.root().join("clone");
    sandbox.git_in(sandbox.root(), &["clone", "--quiet", "remote.git", "clone"]).ends_with(0);
    sandbox.git_in(&clone, &["commit", "--quiet", "--allow-empty", "-m", "From elsewhere"]).ends_with(0);
    sandbox.git_in(&clone, &["push", "--quiet", "origin", "main"]).ends_with(0);
    let here = sandbox.id("main");
    sandbox.pushes(&["--force", "origin", "main"], &["full"]);
    assert_eq!(scenario_of(&sandbox, &here), "rollback");
}

#[test]
fn a_revert_back_to_an_older_proven_tree_is_a_rollback() {
    let (sandbox, first, _) = two_deployed();
    sandbox.git_ok(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(sandbox.id("HEAD^{tree}"), sandbox.id(&format!("{first}^{{tree}}")));
    sandbox.pushes(&["origin", "main"], &["full"]);
    assert_eq!(scenario_of(&sandbox, "HEAD"), "rollback");
    // What comes after it is a deployment again.
    sandbox.commit_file("src/bookings/book.js", "book better\n");
    sandbox.pushes(&["origin", "main"], &["booking"]);
    assert_eq!(scenario_of(&sandbox, "HEAD"), "deploy");
}

#[test]
fn a_rollback_owes_all_suites_where_none_is_a_default_one() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("default = true\n", "paths = [\"README.md\"]\n"));
    sandbox.commit("No suite is a default one");
    sandbox.install_and_prove();
    let first = sandbox.id("HEAD");
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "main"], &["payment"]);
    sandbox.pushes(&["--force", "origin", &format!("{first}:main")], &["booking", "full", "guardrail", "payment"]);
}

/// A shop whose first policy lets a suite take ten minutes and whose second one, proven too, only five.
fn a_stronger_policy_deployed() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let with_timeout = |minutes: &str| {
        SHOP_POLICY.replacen("[suites.payment]\n", &format!("[suites.payment]\ntimeout = \"{minutes}\"\n"), 1)
    };
    sandbox.with_policy(&with_timeout("10m"));
    let weak = sandbox.commit("Give payment ten minutes");
    sandbox.install_and_prove();
    sandbox.with_policy(&with_timeout("5m"));
    sandbox.commit("Give payment five minutes");
    sandbox.push(&["origin", "main"]).ends_with(0);
    (sandbox, weak)
}

#[test]
fn a_revert_is_no_way_back_to_a_weaker_policy() {
    let (sandbox, _) = a_stronger_policy_deployed();
    sandbox.git_ok(&["revert", "--no-edit", "HEAD"]);
    let refusal = sandbox.is_refused(&["origin", "main"], &[]);
    refusal.says("suites.payment.timeout").run_next(&sandbox).ends_with(0);
    sandbox.pushes(&["origin", "main"], &["full"]);
}

#[test]
fn a_forced_push_is_no_way_back_to_a_weaker_policy() {
    let (sandbox, weak) = a_stronger_policy_deployed();
    let back = ["--force", "origin", &format!("{weak}:main")];
    let refusal = sandbox.is_refused(&back, &[]);
    refusal.says("suites.payment.timeout").says("--replacing").run_next(&sandbox).ends_with(0);
    sandbox.pushes(&back, &["full"]);
}

//! The gate over whole pushes: what is refused, how it is said, and that the way on which it names leads on.

use crate::support::{Sandbox, policy_with_gate};

// What is pushed is proven, not what is checked out.

#[test]
fn a_branch_pushed_from_another_one_is_proven_itself() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["checkout", "--quiet", "-b", "other-branch"]);
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.git_ok(&["checkout", "--quiet", "main"]);
    let refusal = sandbox.is_refused(&["origin", "other-branch:release/x"], &["payment"]);
    let refusal = refusal.says("FAIL  payment").says("TEST_FAILED").says("found a BUG");
    refusal.run_next(&sandbox).ends_with(0).says("TEST_FAILED");
    // The answer is looked up from now on, and is the same.
    sandbox.is_refused(&["origin", "other-branch:release/x"], &[]).says("FAIL  payment");
}

#[test]
fn a_failure_is_mended_by_a_commit_on_top() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.is_refused(&["origin", "main"], &["payment"]);
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "main"], &["payment"]).says("PASS  payment");
}

#[test]
fn what_is_in_the_work_tree_and_the_index_plays_no_part() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.write("src/payments/charge.js", "charge\n");
    sandbox.git_ok(&["add", "--all"]);
    sandbox.write("src/payments/charge.js", "charge again\n");
    sandbox.is_refused(&["origin", "main"], &["payment"]).says("TEST_FAILED");
}

#[test]
fn push_of_two_refs_is_refused_when_the_second_fails() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["checkout", "--quiet", "-b", "harmless"]);
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.git_ok(&["checkout", "--quiet", "-b", "broken", "main"]);
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    let both = ["origin", "harmless:main", "broken:release/y"];
    let refusal = sandbox.is_refused(&both, &["full", "payment"]);
    refusal
        .says("push refused (1 of 2 refs)")
        .says("  ok       refs/heads/main")
        .says("  refused  refs/heads/release/y");
    sandbox.pushes(&["origin", "harmless:main"], &[]);
}

#[test]
fn a_failure_from_outside_is_resolved_by_the_command_that_the_refusal_names() {
    let sandbox = Sandbox::new();
    let suite = std::fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    sandbox.write(
        "suite.sh",
        suite.replace("[ -f suite-sleep ]", "[ -e \"$SUITE_RUNS.outage\" ] && exit 7\n[ -f suite-sleep ]"),
    );
    sandbox.commit("Depend on what lies outside");
    sandbox.install_and_prove();
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    let outage = sandbox.root().join("suite-runs.outage");
    std::fs::write(&outage, "").unwrap();
    sandbox.is_refused(&["origin", "main"], &["payment"]).says("EXIT_NONZERO");
    std::fs::remove_file(&outage).unwrap();
    sandbox.is_refused(&["origin", "main"], &[]).says("FAIL  payment");
    // Run again until it is green: not enough.
    sandbox.proof_gate(&["run"]).ends_with(0);
    let refusal = sandbox.is_refused(&["origin", "main"], &[]).says("FLAKY_HISTORY");
    refusal.run_after("resolve it: ", &sandbox).ends_with(0);
    let refusal = sandbox.is_refused(&["origin", "main"], &[]).says("the FAIL is explained; a fresh proof ends it");
    let (ran, suites) = sandbox.suites_of(|| refusal.run_next(&sandbox));
    ran.ends_with(0);
    assert_eq!(suites, ["payment", "payment", "payment"]);
    sandbox.pushes(&["origin", "main"], &[]).says("PASS  payment");
}

#[test]
fn a_flaky_test_is_a_failure() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "FLAKY\n");
    sandbox.is_refused(&["origin", "main"], &["payment"]).says("TEST_FLAKY");
}

// Standard input.

#[test]
fn a_line_that_cannot_be_read_refuses_the_push_also_after_a_good_one() {
    let sandbox = Sandbox::proven();
    let good = sandbox.line("main", "refs/heads/main");
    for bad in ["nonsense\n", "refs/heads/main 12 refs/heads/main 12\n", "\n", "refs/heads/main"] {
        sandbox.hook_with(bad).ends_with(2).says("cannot read line 1 of what git pushes").says("hint:");
        sandbox.hook_with(&format!("{good}{bad}")).ends_with(2).says("cannot read line 2");
    }
    sandbox.hook_with(good.trim_end()).ends_with(2).says("it is cut short");
    assert!(sandbox.suites_run().is_empty());
}

#[test]
fn nothing_to_push_is_allowed() {
    let sandbox = Sandbox::proven();
    let ran = sandbox.hook_with("").ends_with(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    sandbox.pushes(&["origin", "main"], &[]).says("Everything up-to-date");
}

#[test]
fn an_ungated_branch_passes_without_a_word_or_a_run() {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    let ran = sandbox.hook_with(&sandbox.line("main", "refs/heads/scratch")).ends_with(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let ran = sandbox.pushes(&["origin", "main:scratch"], &[]);
    assert!(!ran.stderr.contains("proof-gate"), "{}", ran.stderr);
    assert!(sandbox.remote_ref("refs/heads/scratch").is_some());
}

#[test]
fn a_push_to_a_url_is_gated_as_one_to_the_remote() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.is_refused(&["../remote.git", "main"], &["payment"]).says("TEST_FAILED");
}

#[test]
fn a_push_of_everything_is_refused_for_the_one_that_fails() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["branch", "scratch"]);
    sandbox.git_ok(&["tag", "v1"]);
    sandbox.git_ok(&["checkout", "--quiet", "-b", "release/bad"]);
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.is_refused(&["--all", "origin"], &["payment"]).says("1 of 1 ref");
    sandbox.is_refused(&["--mirror", "origin"], &[]).says("refused  refs/heads/release/bad");
}

#[test]
fn a_dry_run_gets_the_same_answer() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.is_refused(&["--dry-run", "origin", "main"], &["payment"]).says("TEST_FAILED");
}

// Deleting and moving.

#[test]
fn a_gated_ref_cannot_be_deleted() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["tag", "v1"]);
    sandbox.pushes(&["origin", "main:release/x", "v1"], &[]);
    for name in ["refs/heads/release/x", "refs/tags/v1"] {
        let refusal = sandbox.is_refused(&["origin", &format!(":{name}")], &[]);
        refusal.says("it would be deleted, and it is gated").says("allow_delete");
    }
    // One deletion among harmless updates refuses them all.
    sandbox.is_refused(&["origin", "main:release/z", ":refs/tags/v1"], &[]).says("1 of 2 refs");
}

#[test]
fn a_gated_tag_cannot_be_moved() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["tag", "v1"]);
    sandbox.pushes(&["origin", "v1"], &[]);
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.git_ok(&["tag", "--force", "v1"]);
    let refusal = sandbox.is_refused(&["--force", "origin", "v1"], &[]);
    refusal.says("the tag would be moved, and it is gated").says("allow_move");
    // The way on that it names.
    sandbox.git_ok(&["tag", "v2"]);
    sandbox.pushes(&["origin", "v2"], &["full"]);
}

#[test]
fn the_anchors_policy_names_what_may_be_deleted_and_moved() {
    let sandbox = Sandbox::proven_with_gate("allow_delete = [\"release/*\"]\nallow_move = [\"v-nightly\"]");
    sandbox.git_ok(&["tag", "v-nightly"]);
    sandbox.pushes(&["origin", "main:release/x", "v-nightly"], &[]);
    sandbox.pushes(&["origin", ":release/x"], &[]).says("named by the policy's allow list");
    assert_eq!(sandbox.remote_ref("refs/heads/release/x"), None);
    sandbox.is_refused(&["origin", ":refs/tags/v-nightly"], &[]);
    let moved = sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.git_ok(&["tag", "--force", "v-nightly"]);
    // It may move, and owes its proof as every tag.
    sandbox.pushes(&["--force", "origin", "v-nightly"], &["full"]).says("PASS  full");
    assert_eq!(sandbox.remote_ref("refs/tags/v-nightly"), Some(moved));
}

#[test]
fn the_pushed_commits_own_policy_cannot_allow_its_move_or_a_deletion() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["tag", "v1"]);
    sandbox.pushes(&["origin", "v1", "main:release/x"], &[]);
    sandbox.with_policy(&policy_with_gate("allow_delete = [\"*\", \"release/*\"]\nallow_move = [\"v*\"]"));
    sandbox.commit("Allow myself everything");
    sandbox.git_ok(&["tag", "--force", "v1"]);
    sandbox.is_refused(&["--force", "origin", "v1"], &[]).says("the tag would be moved");
    sandbox.is_refused(&["origin", ":release/x"], &[]).says("it would be deleted");
    // Nor on the default branch over there, as long as the policy that install saw does not say it too.
    sandbox.push(&["--no-verify", "origin", "main"]).ends_with(0);
    sandbox.is_refused(&["--force", "origin", "v1"], &[]).says("the tag would be moved");
    sandbox.is_refused(&["origin", ":release/x"], &[]).says("it would be deleted");
}

// since

#[test]
fn a_tag_from_before_the_gate_may_be_pushed_and_shows_as_before() {
    let sandbox = Sandbox::new();
    sandbox.git_ok(&["tag", "v0.1"]);
    let since = sandbox.commit_file("README.md", "A shop that is open.\n");
    sandbox.git_ok(&["tag", "--annotate", "-m", "The second", "v0.2"]);
    sandbox.with_policy(&policy_with_gate(&format!("since = \"{since}\"")));
    sandbox.commit("Gate what comes from now on");
    sandbox.git_ok(&["tag", "v1"]);
    sandbox.install_and_prove();
    let ran = sandbox.pushes(&["origin", "v0.1", "v0.2"], &[]);
    assert_eq!(ran.stderr.matches("BEFORE  from before [gate] since").count(), 2, "{}", ran.stderr);
    let status = sandbox.proof_gate(&["status"]).ends_with(0);
    for tag in ["v0.1", "v0.2"] {
        assert!(status.stdout.lines().any(|line| line.contains(tag) && line.contains("BEFORE")), "{}", status.stdout);
    }
    // What came after it owes its proof.
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.git_ok(&["tag", "v2"]);
    sandbox.pushes(&["origin", "v1"], &[]).says("PASS  full");
    sandbox.pushes(&["origin", "v2"], &["full", "payment"]).says("PASS  full payment");
}

#[test]
fn a_branch_update_to_a_commit_from_before_the_gate_is_judged_as_any_other() {
    let sandbox = Sandbox::new();
    let since = sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.write("src/payments/charge.js", "charge\n");
    sandbox.with_policy(&policy_with_gate(&format!("since = \"{since}\"")));
    sandbox.commit("Gate what comes from now on");
    sandbox.install_and_prove();
    let all = ["booking", "full", "guardrail", "payment"];
    sandbox.is_refused(&["origin", &format!("{since}:refs/heads/release/old")], &all).says("TEST_FAILED");
    sandbox.pushes(&["origin", &format!("{since}:refs/tags/v0")], &[]).says("BEFORE");
}

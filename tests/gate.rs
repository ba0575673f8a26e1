//! The gate over whole pushes: what is refused, how it is said, and that the way on which it names leads on.

use std::thread::sleep;
use std::time::Duration;

use crate::support::{Fingerprint, Refusal, SHOP_POLICY, Sandbox};

/// The shop's policy with a line more in `[gate]`.
fn policy_with_gate(line: &str) -> String {
    SHOP_POLICY.replace("[gate]\n", &format!("[gate]\n{line}\n"))
}

/// A proven shop whose policy has a line more in `[gate]`.
fn proven_with_gate(line: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&policy_with_gate(line));
    sandbox.commit("Change the gate");
    sandbox.install_and_prove();
    sandbox
}

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
    let sandbox = proven_with_gate("allow_delete = [\"release/*\"]\nallow_move = [\"v-nightly\"]");
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

// on_missing, max_age, hold

#[test]
fn on_missing_refuse_names_the_command_and_runs_nothing() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&policy_with_gate("on_missing = \"refuse\""));
    sandbox.commit("Prove by hand");
    sandbox.install();
    let refusal = sandbox.is_refused(&["origin", "main"], &[]);
    let refusal = refusal.says("no proof  booking full guardrail payment").says("next:    proof-gate run ");
    refusal.run_next(&sandbox).ends_with(0);
    sandbox.pushes(&["origin", "main"], &[]).says("PASS  booking full guardrail payment");
}

/// A shop that proves nothing in the hook, with a proven `main` and an unproven payment change on top.
fn with_something_to_prove_by_hand() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&policy_with_gate("on_missing = \"refuse\""));
    sandbox.commit("Prove by hand");
    sandbox.install();
    sandbox.proof_gate(&["run"]).ends_with(0);
    sandbox.pushes(&["origin", "main"], &[]);
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox
}

#[test]
fn the_command_for_a_tag_proves_what_the_tag_owes() {
    let sandbox = with_something_to_prove_by_hand();
    sandbox.git_ok(&["tag", "--annotate", "-m", "The first", "v1"]);
    let refusal = sandbox.is_refused(&["origin", "v1"], &[]).says("no proof  full payment");
    let refusal = refusal.says("next:    proof-gate run v1").says("why:     proof-gate explain v1 ");
    refusal.run_next(&sandbox).ends_with(0);
    sandbox.pushes(&["origin", "v1"], &[]).says("PASS  full payment");
}

#[test]
fn the_command_for_a_tag_that_is_not_here_proves_what_it_owes_too() {
    let sandbox = with_something_to_prove_by_hand();
    let short = &sandbox.id("HEAD")[..7];
    // A tag of that name on another commit is not the one that is pushed.
    sandbox.git_ok(&["tag", "v2", "HEAD^"]);
    for name in ["v1", "v2", "v3&&true"] {
        let refusal = sandbox.is_refused(&["origin", &format!("HEAD:refs/tags/{name}")], &[]);
        refusal.says(&format!("run {short} --suite full --suite payment")).says(&format!("explain {short} "));
    }
    let push = ["origin", "HEAD:refs/tags/v1"];
    sandbox.is_refused(&push, &[]).run_next(&sandbox).ends_with(0);
    sandbox.pushes(&push, &[]).says("PASS  full payment");
    // What the commit owed is proven with it.
    sandbox.pushes(&["origin", "main"], &[]);
}

#[test]
fn a_pass_older_than_max_age_counts_no_more_for_what_is_pushed() {
    let sandbox = proven_with_gate("max_age = \"3s\"");
    sleep(Duration::from_millis(3100));
    // Everything that the commit owes is proven afresh.
    sandbox.pushes(&["origin", "main:release/a"], &["booking", "full", "guardrail", "payment"]);
}

#[test]
fn a_base_does_not_grow_too_old() {
    let sandbox = proven_with_gate("max_age = \"3s\"");
    sleep(Duration::from_millis(3100));
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "main"], &["payment"]);
}

#[test]
fn a_proof_that_outlasts_the_ssh_connection_is_recorded_and_the_next_push_goes() {
    let mut sandbox = Sandbox::new();
    sandbox.write("suite-sleep", "0.5");
    sandbox.with_policy(&policy_with_gate("hold = \"1s\""));
    sandbox.commit("Take some time");
    sandbox.install();
    // ssh as git calls it, with this machine as the one over there: the last argument is the command.
    sandbox.write_executable("fake-ssh", "#!/bin/sh\nfor command; do :; done\nexec sh -c \"$command\"\n");
    sandbox.set("GIT_SSH_COMMAND", sandbox.root().join("fake-ssh").to_str().unwrap());
    sandbox.set("GIT_SSH_VARIANT", "simple");
    let url = format!("ssh://shop.example.org{}", sandbox.root().join("remote.git").to_str().unwrap());
    sandbox.git_ok(&["remote", "set-url", "origin", &url]);
    let (ran, suites) = sandbox.suites_of(|| sandbox.push(&["origin", "main"]));
    ran.ends_with(1).says("proof recorded: PASS. Push again");
    assert_eq!(suites, ["booking", "full", "guardrail", "payment"]);
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    sandbox.pushes(&["origin", "main"], &[]);
    assert!(sandbox.remote_ref("refs/heads/main").is_some());
}

#[test]
fn a_slow_proof_over_a_local_url_goes_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("suite-sleep", "0.5");
    sandbox.with_policy(&policy_with_gate("hold = \"1s\""));
    sandbox.commit("Take some time");
    sandbox.install_and_prove();
    assert!(sandbox.remote_ref("refs/heads/main").is_some());
}

// A proof is run by hand.

/// A shop with proofs that need a terminal, its hook installed.
fn with_terminal_required() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_terminal_required();
    sandbox.commit("Prove by hand");
    sandbox.install();
    sandbox
}

#[test]
fn without_a_terminal_nothing_is_proven_and_the_command_for_one_is_named() {
    let sandbox = with_terminal_required();
    let before = Fingerprint::of(&sandbox);
    sandbox.write_executable("lines", sandbox.line("main", "refs/heads/main"));
    // In a session of its own there is no terminal, wherever the tests are run from.
    let ran = sandbox.sh("setsid --wait proof-gate hook pre-push origin ../remote.git <../lines").ends_with(2);
    let short = &sandbox.id("main")[..7];
    ran.says("there is no terminal").says(&format!("in a terminal: proof-gate run {short}"));
    sandbox.sh("setsid --wait git push origin main").ends_with(1).says("proof-gate run");
    assert!(sandbox.suites_run().is_empty());
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    assert_eq!(Fingerprint::of(&sandbox), before);
    // The way on.
    sandbox.proof_gate_in_terminal(&["run", short]).ends_with(0);
    sandbox.sh("setsid --wait git push origin main").ends_with(0);
}

#[test]
fn the_command_for_a_terminal_proves_what_a_tag_or_a_rollback_owes() {
    let sandbox = with_terminal_required();
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0);
    let first = sandbox.id("HEAD");
    let second = sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0);
    sandbox.git_ok(&["tag", "v1"]);
    sandbox.sh("setsid --wait git push origin v1").ends_with(1).says("in a terminal: proof-gate run v1\n");
    sandbox.proof_gate_in_terminal(&["run", "v1"]).ends_with(0);
    sandbox.sh("setsid --wait git push origin v1").ends_with(0);
    let back = format!("setsid --wait git push --force origin {first}:main");
    let (from, to) = (&second[..7], &first[..7]);
    let command = format!("in a terminal: proof-gate run {to} --scenario rollback --replacing {from}\n");
    sandbox.sh(&back).ends_with(1).says(&command);
    sandbox.proof_gate_in_terminal(&["run", to, "--scenario", "rollback", "--replacing", from]).ends_with(0);
    sandbox.sh(&back).ends_with(0);
}

#[test]
fn ci_proves_nothing_even_in_a_terminal() {
    let mut sandbox = with_terminal_required();
    sandbox.set("CI", "1");
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(1).says("CI is set").says("proof-gate run");
    assert!(sandbox.suites_run().is_empty());
    sandbox.unset("CI");
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0).says("PASS");
    let status = sandbox.proof_gate(&["status"]).ends_with(0);
    assert!(status.stdout.contains("PASS") && !status.stdout.contains("not human-run"), "{}", status.stdout);
}

#[test]
fn a_proof_that_nobody_ran_by_hand_says_so() {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.sh("setsid --wait git push origin main").ends_with(0).says("(not human-run)");
    sandbox.proof_gate(&["status"]).ends_with(0).says("(not human-run)");
    sandbox.proof_gate(&["status", "--json"]).ends_with(0).says("\"human_run\": false");
}

#[test]
fn a_refusal_in_a_terminal_has_the_same_form() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    let ran = sandbox.push_in_terminal(&["origin", "main"]).ends_with(1).says("TEST_FAILED");
    assert!(ran.stdout.contains("\u{1b}["), "colour on a terminal");
    let mut plain = sandbox;
    plain.set("NO_COLOR", "1");
    Refusal::read(plain.push_in_terminal(&["origin", "main"]).ends_with(1)).says("TEST_FAILED");
}

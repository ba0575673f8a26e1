//! When a proof is made, and by whom: in the hook or by the command it names, before a connection drops, from a terminal.

use std::thread::sleep;
use std::time::Duration;

use crate::support::{Fingerprint, Refusal, SHOP_POLICY, Sandbox, policy_with_gate};

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
    let sandbox = Sandbox::proven_with_gate("max_age = \"3s\"");
    sleep(Duration::from_millis(3100));
    // Everything that the commit owes is proven afresh.
    sandbox.pushes(&["origin", "main:release/a"], &["booking", "full", "guardrail", "payment"]);
}

#[test]
fn a_base_does_not_grow_too_old() {
    let sandbox = Sandbox::proven_with_gate("max_age = \"3s\"");
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

#[test]
fn a_hook_whose_input_is_a_terminal_refuses_and_does_not_wait_for_somebody_to_type() {
    let sandbox = Sandbox::new();
    sandbox.install();
    let ran = sandbox.proof_gate_in_terminal(&["hook", "pre-push", "origin", "../remote.git"]).ends_with(2);
    ran.says("standard input is a terminal").says("use_stdin: true");
}

#[test]
fn a_suite_that_is_not_executable_is_named_as_what_it_is() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("\"sh\", \"suite.sh\"", "\"./suite.sh\""));
    sandbox.commit("Call the suite by its path");
    sandbox.proof_gate(&["run", "--suite", "booking"]).ends_with(2).says("it is not executable").says("chmod=+x");
}

#[test]
fn what_is_not_there_is_named_with_a_next_step() {
    let sandbox = Sandbox::new();
    for args in [
        &["run", "--onto", "nonesuch"][..],
        &["plan", "--base", "nonesuch"],
        &["judge", "nonesuch", "--adapter", "junit-xml"],
    ] {
        sandbox.proof_gate(args).ends_with(2).says("nonesuch").says("hint: ");
    }
}

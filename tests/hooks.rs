//! The hooks as a user meets them: install, a push, uninstall.

mod server;

use std::fs;

use crate::support::{Fingerprint, Layout, Sandbox};

#[test]
fn install_changes_nothing_of_the_users_and_uninstall_leaves_no_hook() {
    for layout in [Layout::Plain, Layout::Sha256, Layout::Reftable, Layout::Linked] {
        let sandbox = Sandbox::with(layout);
        let before = Fingerprint::of(&sandbox);
        sandbox.install();
        assert!(sandbox.hook().exists(), "{layout:?}");
        sandbox.install();
        assert_eq!(Fingerprint::of(&sandbox).without(".git/hooks/pre-push"), before, "{layout:?}");
        sandbox.proof_gate(&["uninstall"]).ends_with(0);
        assert!(!sandbox.hook().exists(), "{layout:?}");
        assert_eq!(Fingerprint::of(&sandbox), before, "{layout:?}");
    }
}

#[test]
fn a_dry_run_writes_no_hook() {
    let sandbox = Sandbox::new();
    sandbox.proof_gate(&["install", "--dry-run"]).ends_with(0);
    assert!(!sandbox.hook().exists());
}

#[test]
fn a_push_without_the_program_is_refused_and_the_mend_is_named() {
    let mut sandbox = Sandbox::new();
    sandbox.install();
    let hook = fs::read_to_string(sandbox.hook()).unwrap();
    fs::write(sandbox.hook(), hook.replace(env!("CARGO_BIN_EXE_proof-gate"), "/nowhere/proof-gate")).unwrap();
    sandbox.set("PATH", "/usr/bin:/bin");
    sandbox.push(&["origin", "main"]).ends_with(1).says("hint: install proof-gate again");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
}

#[test]
fn a_hook_that_stood_there_runs_first_and_its_refusal_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write_executable(sandbox.hook(), "#!/bin/sh\ncat >../seen\nexit 9\n");
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(1).says("pre-push.before-proof-gate");
    assert!(fs::read_to_string(sandbox.root().join("seen")).unwrap().starts_with("refs/heads/main "));
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    assert!(sandbox.suites_run().is_empty());
}

#[test]
fn a_hooks_path_of_the_user_is_a_conflict_until_it_is_named() {
    let sandbox = Sandbox::new();
    let outside = sandbox.root().join("outside");
    let outside = outside.to_str().unwrap();
    sandbox.git_ok(&["config", "--global", "core.hooksPath", outside]);
    sandbox.proof_gate(&["install"]).ends_with(3).says("--hooks-dir");
    sandbox.proof_gate(&["install", "--hooks-dir", outside]).ends_with(0);
    sandbox.proof_gate(&["uninstall"]).ends_with(0);
}

#[test]
fn a_self_test_by_hand_lets_nothing_through() {
    let sandbox = Sandbox::new();
    sandbox.proof_gate(&["hook", "pre-push", "--self-test", "abc"]).ends_with(2).says("self-test abc");
}

#[test]
fn a_linked_hook_that_asks_for_its_own_name_is_a_conflict_and_stays_in_force() {
    let sandbox = Sandbox::new();
    let script = "#!/bin/sh\ncase ${0##*/} in pre-push) echo 'the team says no' >&2; exit 1;; esac\n";
    let hooks = sandbox.git_dir().join("hooks");
    sandbox.write_executable(hooks.join("_dispatch"), script);
    std::os::unix::fs::symlink("_dispatch", hooks.join("pre-push")).unwrap();
    sandbox.push(&["origin", "main:topic"]).ends_with(1).says("the team says no");
    sandbox.proof_gate(&["install"]).ends_with(3).says("asks by which name it is called");
    sandbox.push(&["origin", "main:topic"]).ends_with(1).says("the team says no");
}

#[test]
fn a_copied_clone_has_a_hook_of_its_own_and_leaves_the_originals_alone() {
    check_copy("git config --unset core.hooksPath; true", ".git/hooks/pre-push");
    check_copy("mkdir .githooks && git config core.hooksPath .githooks", ".githooks/pre-push");
}

fn check_copy(set_up: &str, hook: &str) {
    let mut sandbox = Sandbox::new();
    sandbox.sh(set_up).ends_with(0);
    sandbox.install();
    let original = sandbox.shop().join(hook);
    let written = fs::read(&original).unwrap();
    sandbox.sh("cp -r ../shop ../copy").ends_with(0);
    sandbox.work_in("copy");
    let status = sandbox.proof_gate(&["status"]).ends_with(0);
    assert!(!status.stderr.contains("not gated"), "{}", status.stderr);
    sandbox.proof_gate(&["install"]).ends_with(0);
    sandbox.proof_gate(&["uninstall"]).ends_with(0);
    assert!(!sandbox.shop().join(hook).exists(), "its own is taken out");
    assert_eq!(fs::read(&original).unwrap(), written, "the original still stands");
}

//! What keeps a proof from being made, and repositories of other kinds in which nothing is wrong.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::{as_read, is_noted, is_told, mended, mends, shop};
use crate::support::{Fingerprint, Layout, SHOP_POLICY, Sandbox};

#[test]
fn a_program_that_the_policy_names_and_nobody_has() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("timeout = ", "ready = [[\"pg-is-ready-at-all\"]]\ntimeout = "));
    sandbox.commit("Wait for the database");
    sandbox.install();
    is_told(&sandbox, &["no proof 'pg-is-ready-at-all', named by proof.ready, is not found"]);
    sandbox.push(&["origin", "main"]).ends_with(1).says("pg-is-ready-at-all");
}

#[test]
fn nobody_who_records() {
    let sandbox = shop();
    fs::write(sandbox.root().join("home/.gitconfig"), "[user]\nuseConfigOnly = true\n").unwrap();
    let ran = is_told(&sandbox, &["no proof cannot tell who records"]);
    mended(&sandbox, &mends(&ran));
}

#[test]
fn no_home() {
    let mut sandbox = shop();
    sandbox.unset("HOME");
    is_told(&sandbox, &["no proof HOME is not set"]);
}

#[test]
fn no_place_for_workspaces_that_is_not_part_of_a_project_is_told_in_the_words_of_a_proof() {
    let mut sandbox = shop();
    sandbox.write("../cache/package.json", "{}");
    // The shared places stand in; the doctor and a proof agree.
    sandbox.proof_gate(&["doctor"]).ends_with(0);
    sandbox.set("XDG_CACHE_HOME", "relative");
    sandbox.proof_gate(&["doctor"]).ends_with(0);
}

#[test]
fn a_workspace_that_a_killed_gate_left_is_a_note() {
    let sandbox = shop();
    fs::create_dir_all(sandbox.root().join("cache/proof-gate/work/proof-left")).unwrap();
    is_noted(&sandbox, "a gate that was killed left");
}

#[test]
fn a_file_in_the_place_of_the_gates_own_folder() {
    let sandbox = shop();
    fs::remove_dir_all(sandbox.git_dir().join("proof-gate")).unwrap();
    fs::write(sandbox.git_dir().join("proof-gate"), "").unwrap();
    let ran = is_told(&sandbox, &["no proof", "proof-gate is no folder"]);
    sandbox.proof_gate(&["install"]).ends_with(2).says("hint:  mend its owner, mode or disk");
    mended(&sandbox, &mends(&ran));
}

#[test]
fn a_note_that_was_damaged_is_told_once_and_status_goes_on() {
    let sandbox = shop();
    let note = sandbox.git_dir().join("proof-gate/installed.json");
    fs::write(&note, "{").unwrap();
    let ran = is_told(&sandbox, &["no proof cannot read", "do: remove that file, then: proof-gate install"]);
    assert_eq!(ran.stdout.matches("no proof  ").count(), 1, "{}", ran.stdout);
    sandbox.push(&["origin", "main"]).ends_with(1).says("installed.json");
    sandbox.proof_gate(&["status"]).ends_with(0).says("perhaps not gated: cannot read");
    fs::remove_file(note).unwrap();
    mended(&sandbox, &["proof-gate install".to_owned()]);
}

#[test]
fn a_git_directory_elsewhere_that_the_environment_names() {
    let mut sandbox = shop();
    fs::rename(sandbox.shop().join(".git"), sandbox.root().join("elsewhere.git")).unwrap();
    sandbox.set("GIT_DIR", sandbox.root().join("elsewhere.git").to_str().unwrap());
    sandbox.set("GIT_WORK_TREE", sandbox.shop().to_str().unwrap());
    // What was noted lies where the git directory was.
    fs::remove_file(sandbox.root().join("elsewhere.git/proof-gate/installed.json")).unwrap();
    sandbox.install();
    sandbox.proof_gate(&["doctor", "--fire"]).ends_with(0).says("nothing is wrong");
}

#[test]
fn a_lock_that_a_killed_git_left() {
    let sandbox = Sandbox::proven();
    let log = fs::read_dir(sandbox.git_dir().join("refs/proof/log")).unwrap().next().unwrap().unwrap().path();
    let lock = log.with_extension("lock");
    let file = File::create(&lock).unwrap();
    // One that is being held just now is nobody's business.
    sandbox.proof_gate(&["doctor"]).ends_with(0);
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    let ran = is_told(&sandbox, &["no proof", ".lock was left by a git that was killed"]);
    sandbox.push(&["origin", "main"]).ends_with(1);
    mended(&sandbox, &mends(&ran));
}

#[test]
fn another_proof_that_is_being_made_is_a_note() {
    let sandbox = Sandbox::proven();
    let lock = File::open(sandbox.git_dir().join("proof-gate/proof.lock")).unwrap();
    lock.lock().unwrap();
    is_noted(&sandbox, "another proof-gate is making a proof in this repository");
    drop(lock);
    sandbox.proof_gate(&["doctor"]).ends_with(0).says("nothing is wrong");
}

#[test]
fn a_git_that_is_too_old_or_new_enough_for_hooks_in_its_configuration() {
    let mut sandbox = shop();
    let git = sandbox.sh("command -v git").stdout;
    let path = sandbox.sh("printf %s \"$PATH\"").stdout;
    sandbox.set("PATH", &format!("{}:{path}", sandbox.root().join("bin").display()));
    let of_version = |version: &str| {
        let script = "for word; do [ \"$word\" = --version ] && echo 'git version VERSION' && exit; done";
        let script = script.replace("VERSION", version);
        sandbox.write_executable("bin/git", format!("#!/bin/sh\n{script}\nexec {} \"$@\"\n", git.trim()));
    };
    of_version("2.38.5 (Apple Git-1)");
    is_told(&sandbox, &["no proof git is older than 2.39"]);
    of_version("2.54.0");
    sandbox.proof_gate(&["doctor"]).ends_with(0).says("nothing is wrong");
    sandbox.git_ok(&["config", "hook.lint.event", "pre-push"]);
    is_noted(&sandbox, "hook.lint.event is pre-push");
}

#[test]
fn records_that_cannot_count_are_a_note() {
    let sandbox = Sandbox::proven();
    let record = sandbox.git_ok(&["for-each-ref", "--format=%(refname)", "refs/proof/log"]);
    sandbox.git_ok(&["update-ref", record.trim(), "HEAD"]);
    is_noted(&sandbox, "ignored: ");
}

#[test]
fn without_a_terminal_that_a_proof_needs_is_a_note() {
    let mut sandbox = Sandbox::new();
    sandbox.with_terminal_required();
    sandbox.commit("By hand");
    sandbox.install();
    let ran = sandbox.sh("setsid --wait proof-gate doctor").ends_with(0);
    assert!(as_read(&ran).contains("note there is no terminal here"), "{}", ran.stdout);
    sandbox.proof_gate_in_terminal(&["doctor"]).ends_with(0).says("nothing is wrong");
    sandbox.set("CI", "1");
    is_noted(&sandbox, "CI is set");
}

#[test]
fn nothing_is_wrong_in_repositories_of_every_kind_and_nothing_changes() {
    for layout in [Layout::Plain, Layout::Sha256, Layout::Reftable, Layout::Linked] {
        let sandbox = Sandbox::with(layout);
        sandbox.install();
        let before = Fingerprint::of(&sandbox);
        sandbox.proof_gate(&["doctor", "--fire"]).ends_with(0).says("nothing is wrong");
        assert_eq!(Fingerprint::of(&sandbox), before, "{layout:?}");
        assert!(sandbox.suites_run().is_empty());
    }
}

#[test]
fn nothing_is_wrong_in_a_bare_repository_without_a_work_tree() {
    let mut sandbox = Sandbox::new();
    sandbox.git_in(sandbox.root(), &["clone", "--quiet", "--bare", "shop", "bare.git"]).ends_with(0);
    sandbox.work_in("bare.git");
    sandbox.install();
    sandbox.proof_gate(&["doctor", "--fire"]).ends_with(0).says("nothing is wrong");
}

#[test]
fn hostile_names_are_escaped_and_their_mends_work() {
    let mut sandbox = shop();
    let name = "it's \u{1b}[2J\u{202e}a\nshop $(touch ran)";
    fs::rename(sandbox.shop(), sandbox.root().join(name)).unwrap();
    sandbox.work_in(name);
    // What install noted lies elsewhere now.
    sandbox.proof_gate(&["uninstall"]);
    fs::remove_file(sandbox.git_dir().join("proof-gate/installed.json")).ok();
    sandbox.install();
    sandbox.git_ok(&["config", "core.hooksPath", "no\u{1b}where"]);
    let ran = is_told(&sandbox, &["open git looks for hooks elsewhere", "\\e[2J\\u{202e}a\\nshop"]);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\u{202e}'));
    mended(&sandbox, &mends(&ran));
    fs::remove_file(sandbox.hook()).unwrap();
    fs::create_dir(sandbox.hook()).unwrap();
    let ran = is_told(&sandbox, &["no proof what stands in the hook's place is no file"]);
    mended(&sandbox, &mends(&ran));
    assert!(!sandbox.shop().join("ran").exists());
}

#[test]
fn outside_of_a_repository_the_doctor_says_so() {
    let mut sandbox = Sandbox::new();
    sandbox.work_in("home");
    sandbox.proof_gate(&["doctor"]).ends_with(2).says("not a git repository");
}

//! `doctor --fire`: a push to a throw-away remote, through the hook that stands.

use std::fs;
use std::time::{Duration, Instant};

use super::{as_read, shop};
use crate::support::{Fingerprint, Sandbox};

/// What `--fire` leaves in the temporary folder: nothing.
#[track_caller]
fn nothing_is_left(sandbox: &Sandbox) {
    let left: Vec<_> = fs::read_dir(sandbox.root().join("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_closed_gate_refuses_from_every_work_tree_and_nothing_changes() {
    let sandbox = shop();
    sandbox.git_ok(&["worktree", "add", "--quiet", "../second"]);
    let before = (Fingerprint::of(&sandbox), sandbox.remote_refs(), sandbox.records());
    let ran = sandbox.proof_gate(&["doctor", "--fire", "--json"]).ends_with(0);
    assert_eq!((Fingerprint::of(&sandbox), sandbox.remote_refs(), sandbox.records()), before);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let fired = document["fired"].as_array().unwrap();
    assert_eq!(fired.len(), 2, "{document:#}");
    for fired in fired {
        assert_eq!((&fired["result"], &fired["gated_ref"]), (&"refused".into(), &"refs/heads/main".into()));
    }
    assert!(sandbox.suites_run().is_empty());
    nothing_is_left(&sandbox);
}

#[test]
fn a_hook_of_a_linked_work_tree_alone_is_fired_too() {
    let sandbox = shop();
    sandbox.git_ok(&["worktree", "add", "--quiet", "../second"]);
    sandbox.git_ok(&["config", "extensions.worktreeConfig", "true"]);
    sandbox.git_ok(&["-C", "../second", "config", "--worktree", "core.hooksPath", "/nowhere"]);
    let ran = sandbox.proof_gate(&["doctor", "--fire"]).ends_with(1);
    let read = as_read(&ran);
    assert!(read.contains("second: the deletion of refs/heads/main, which is gated, went through"), "{}", ran.stdout);
    nothing_is_left(&sandbox);
}

#[test]
fn a_refusal_by_somebody_else_is_no_refusal_by_the_gate() {
    let sandbox = shop();
    sandbox.write_executable(sandbox.hook(), "#!/bin/sh\necho 'fatal: the house is closed' >&2\nexit 1\n");
    let ran = sandbox.proof_gate(&["doctor", "--fire"]).ends_with(1);
    assert!(as_read(&ran).contains("refused, and not by proof-gate: fatal: the house is closed"), "{}", ran.stdout);
    nothing_is_left(&sandbox);
}

#[test]
fn a_kept_hook_that_refuses_first_is_a_note() {
    let sandbox = Sandbox::new();
    sandbox.write_executable(sandbox.hook(), "#!/bin/sh\nexit 1\n");
    sandbox.install();
    let ran = sandbox.proof_gate(&["doctor", "--fire"]).ends_with(0);
    assert!(as_read(&ran).contains("note pushed from"), "{}", ran.stdout);
}

#[test]
fn a_hook_that_calls_the_gate_in_its_own_way_is_proven_by_firing() {
    let sandbox = shop();
    sandbox.write_executable(sandbox.hook(), "#!/bin/sh\nproof-gate hook pre-push \"$@\"\n");
    let ran = sandbox.proof_gate(&["doctor", "--fire", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["fired"][0]["result"], "refused");
    assert_eq!(ran.code, 0, "{document:#}");
}

#[test]
fn a_push_that_hangs_is_killed_with_all_that_it_started() {
    let sandbox = shop();
    sandbox.write_executable(sandbox.hook(), "#!/bin/sh\nsleep 300 & echo $! >../sleeper\nwait\n");
    let begun = Instant::now();
    let ran = sandbox.proof_gate(&["doctor", "--fire", "--timeout", "2"]).ends_with(1);
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(as_read(&ran).contains("the push did not end and was killed"), "{}", ran.stdout);
    let sleeper = fs::read_to_string(sandbox.root().join("sleeper")).unwrap();
    assert!(!fs::read_to_string(format!("/proc/{}/cmdline", sleeper.trim())).unwrap_or_default().contains("sleep"));
    nothing_is_left(&sandbox);
}

#[test]
fn ctrl_c_ends_the_push_and_removes_the_remote() {
    let sandbox = shop();
    sandbox.write_executable(sandbox.hook(), "#!/bin/sh\n: >../begun\nexec sleep 300\n");
    let mut doctor = sandbox.command(env!("CARGO_BIN_EXE_proof-gate")).args(["doctor", "--fire"]).spawn().unwrap();
    for _ in 0..600 {
        if sandbox.root().join("begun").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let pid = rustix::process::Pid::from_child(&doctor);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(doctor.wait().unwrap().code(), Some(2));
    nothing_is_left(&sandbox);
}

#[test]
fn settings_of_the_user_neither_answer_for_the_gate_nor_send_more() {
    let sandbox = shop();
    for (name, value) in [
        ("receive.denyDeletes", "true"),
        ("push.gpgSign", "true"),
        ("push.followTags", "true"),
        ("push.pushOption", "ci.skip"),
        ("push.recurseSubmodules", "check"),
        ("push.default", "nothing"),
    ] {
        sandbox.git_ok(&["config", "--global", name, value]);
    }
    sandbox.proof_gate(&["doctor", "--fire"]).ends_with(0).says("nothing is wrong");
}

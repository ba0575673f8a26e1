//! kill -9 at system calls all over a record's append, an install and an uninstall: what stands afterwards is the old or the new, whole.
//!
//! The calls are those that write, or that make others see what was written. Deliberately absent: every single one of them; a sample of
//! them, spread evenly, is taken each time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Fingerprint, Ran, Sandbox};

/// Calls that a command is killed at. Those with a question mark do not exist on every machine.
const CALLS: &str = "?write,?pwrite64,?writev,?openat,?rename,?renameat,?renameat2,?link,?linkat,?unlink,?unlinkat,?mkdir,?mkdirat,\
                     ?rmdir,?fsync,?fdatasync,?ftruncate,?fchmod,?chmod,?fchmodat,?symlink,?symlinkat,?flock,?fcntl,?clone,?clone3,\
                     ?vfork,?execve,?wait4,?waitid";

/// How many of its calls each command is killed at.
const POINTS: usize = 40;

/// The program below strace, with one more option for it.
fn traced(sandbox: &Sandbox, option: &str, args: &str) -> Ran {
    let ran =
        sandbox.sh(&format!("exec strace -qq -o ../trace -e signal=none -e trace={CALLS} {option} proof-gate {args}"));
    assert_ne!(ran.code, 127, "these tests need strace: {}", ran.stderr);
    ran
}

/// A call to be killed at: its name, and the how-manieth of this name it is, as strace counts.
type Point = (String, usize);

/// Calls to be killed at: of those that the command made just now, from the last one back, because ends differ most.
fn points(sandbox: &Sandbox) -> Vec<Point> {
    let trace = fs::read_to_string(sandbox.root().join("trace")).unwrap();
    let mut counts = BTreeMap::new();
    let mut calls = Vec::new();
    for name in trace.lines().filter_map(|line| line.split_once('(')).map(|(name, _)| name) {
        let count = counts.entry(name).and_modify(|count| *count += 1).or_insert(1);
        calls.push((name.to_owned(), *count));
    }
    assert!(calls.len() > 20, "only {} calls were seen", calls.len());
    let points = POINTS.min(calls.len());
    (0..points).map(|point| calls[calls.len() - 1 - point * calls.len() / points].clone()).collect()
}

/// Runs the command and kills it at a call. `false`: it made fewer than the last time, and ended by itself.
#[track_caller]
fn kill_at(sandbox: &Sandbox, (name, count): &Point, args: &str) -> bool {
    let ran = traced(sandbox, &format!("-e inject={name}:signal=KILL:when={count}"), args);
    // strace ends as the program did.
    assert!(matches!(ran.code, -1 | 0), "{name} {count}: {ran:?}");
    let status = sandbox.proof_gate(&["status"]).ends_with(0);
    assert!(
        !status.stderr.contains("ignored") && !status.stderr.contains("error"),
        "{name} {count}: {}",
        status.stderr
    );
    ran.code == -1
}

/// Demands that nearly all of them were kills.
#[track_caller]
fn were_killed(killed: usize, points: usize) {
    assert!(killed * 10 >= points * 9, "only {killed} of {points} were killed");
}

#[test]
fn an_append_that_is_killed_anywhere_leaves_a_whole_record_or_none() {
    let sandbox = Sandbox::new();
    sandbox.write("src/bookings/book.js", "BUG\n");
    sandbox.commit("Book twice");
    sandbox.proof_gate(&["run", "--suite", "booking"]).ends_with(1);
    let resolve = format!("resolve {} --suite booking --cause disk", sandbox.records().split(' ').next().unwrap());
    traced(&sandbox, "", &resolve).ends_with(0);
    let before = Fingerprint::of(&sandbox);
    let points = points(&sandbox);
    let mut kills = 0;
    for call in &points {
        let records = sandbox.records();
        kills += usize::from(kill_at(&sandbox, call, &resolve));
        let killed = sandbox.records();
        assert!(
            killed.ends_with(&records) && killed.lines().count() <= records.lines().count() + 1,
            "{call:?}: {killed}"
        );
        sandbox.sh(&format!("proof-gate {resolve}")).ends_with(0);
        let after = sandbox.records();
        let unfinished = sandbox.sh("ls -A .git/proof-gate | grep -e ^.tmp -e ^.proof-gate- -e ^pack-").stdout;
        assert_eq!(unfinished, "", "{call:?}");
        assert!(after.ends_with(&killed) && after.lines().count() == killed.lines().count() + 1, "{call:?}: {after}");
    }
    were_killed(kills, points.len());
    assert_eq!(Fingerprint::of(&sandbox), before);
    sandbox.git_ok(&["fsck", "--no-dangling"]);
}

/// A shop with a hook of its own, and that hook's bytes.
fn shop_with_a_hook() -> (Sandbox, Vec<u8>) {
    let sandbox = Sandbox::new();
    sandbox.write_executable("shop/.git/hooks/pre-push", "#!/bin/sh\n# A hook that stood there.\nexit 0\n");
    let bytes = fs::read(sandbox.hook()).unwrap();
    (sandbox, bytes)
}

#[track_caller]
fn hook(sandbox: &Sandbox) -> Vec<u8> {
    let mode = fs::metadata(sandbox.hook()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    fs::read(sandbox.hook()).unwrap()
}

#[test]
fn an_install_that_is_killed_anywhere_leaves_the_old_hook_or_the_new_one() {
    let (sandbox, old) = shop_with_a_hook();
    let before = Fingerprint::of(&sandbox);
    // The first one makes some calls more.
    sandbox.install();
    sandbox.proof_gate(&["uninstall"]).ends_with(0);
    traced(&sandbox, "", "install").ends_with(0);
    let (new, installed) = (hook(&sandbox), Fingerprint::of(&sandbox));
    let points = points(&sandbox);
    sandbox.proof_gate(&["uninstall"]).ends_with(0);
    let mut kills = 0;
    for call in &points {
        kills += usize::from(kill_at(&sandbox, call, "install"));
        let stands = hook(&sandbox);
        assert!(stands == old || stands == new, "{call:?}: {}", String::from_utf8_lossy(&stands));
        sandbox.install();
        assert_eq!(Fingerprint::of(&sandbox), installed, "{call:?}");
        sandbox.proof_gate(&["uninstall"]).ends_with(0);
        assert_eq!(Fingerprint::of(&sandbox), before, "{call:?}");
    }
    were_killed(kills, points.len());
}

#[test]
fn an_uninstall_that_is_killed_anywhere_leaves_the_old_hook_or_the_new_one() {
    let (sandbox, old) = shop_with_a_hook();
    let before = Fingerprint::of(&sandbox);
    sandbox.install();
    let new = hook(&sandbox);
    traced(&sandbox, "", "uninstall").ends_with(0);
    let points = points(&sandbox);
    let mut kills = 0;
    for call in &points {
        sandbox.install();
        kills += usize::from(kill_at(&sandbox, call, "uninstall"));
        let stands = hook(&sandbox);
        assert!(stands == old || stands == new, "{call:?}: {}", String::from_utf8_lossy(&stands));
        let again = sandbox.proof_gate(&["uninstall"]);
        assert!(again.code == 0 || stands == old, "{call:?}: {again:?}");
        assert_eq!(Fingerprint::of(&sandbox), before, "{call:?}");
    }
    were_killed(kills, points.len());
}

//! However a proof ends: nothing runs on, nothing is left, and nothing is called a PASS that was not one.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Fingerprint, Sandbox};

const GATE: &str = env!("CARGO_BIN_EXE_proof-gate");

/// Waits for something that has to happen soon.
#[track_caller]
fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A shop whose payment suite hangs while `hang` lies outside of it, and leaves the id of its process in `pid`.
fn hanging_shop() -> Sandbox {
    let sandbox = Sandbox::new();
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    let hang = "outside=${SUITE_RUNS%/*}\n\
                if [ \"$1\" = payment ] && [ -f \"$outside/hang\" ]; then echo $$ >\"$outside/pid\"; sleep 300 & wait; fi\n";
    sandbox.write("suite.sh", suite.replacen("passes=1", &format!("{hang}passes=1"), 1));
    sandbox.commit("Hang on demand");
    fs::write(sandbox.root().join("hang"), "").unwrap();
    sandbox
}

fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    sandbox.command(GATE).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The process id of the suite, once it hangs.
fn suite_that_hangs(sandbox: &Sandbox) -> String {
    let file = sandbox.root().join("pid");
    wait_for("the suite", || fs::read_to_string(&file).is_ok_and(|pid| pid.ends_with('\n')));
    fs::read_to_string(file).unwrap().trim().to_owned()
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap().success());
}

/// The processes of a suite, ended with the value: nobody tells the suite of a gate that was killed.
struct Leftover(String);

impl Drop for Leftover {
    fn drop(&mut self) {
        // The suite leads a group of its own, in which its children are too.
        drop(Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0)]).status());
    }
}

fn is_alive(pid: &str) -> bool {
    // A dead process whose parent has not looked yet is dead.
    fs::read_to_string(Path::new("/proc").join(pid).join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn workspaces(sandbox: &Sandbox) -> usize {
    let folders = fs::read_dir(sandbox.root().join("cache/proof-gate/work")).into_iter().flatten().flatten();
    folders.filter(|entry| entry.path().is_dir()).count()
}

fn records(sandbox: &Sandbox) -> String {
    sandbox.git_ok(&["log", "--format=%s", "--glob=refs/proof/log/*"])
}

#[track_caller]
fn check(name: &str) {
    let sandbox = hanging_shop();
    let before = Fingerprint::of(&sandbox);
    let mut gate = start(&sandbox, &["run", "--suite", "payment"]);
    let suite = suite_that_hangs(&sandbox);
    assert_eq!(workspaces(&sandbox), 1);
    signal(gate.id(), name);
    assert_eq!(gate.wait().unwrap().code(), Some(2));
    assert!(!is_alive(&suite));
    assert_eq!((workspaces(&sandbox), records(&sandbox).as_str()), (0, ""));
    assert_eq!(Fingerprint::of(&sandbox), before);

    fs::remove_file(sandbox.root().join("hang")).unwrap();
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert!(sandbox.remote_ref("refs/heads/main").is_some());
}

#[test]
fn an_interrupt_from_the_keyboard_leaves_nothing_and_the_next_push_works() {
    check("INT");
}

#[test]
fn a_wish_to_terminate_leaves_nothing_and_the_next_push_works() {
    check("TERM");
}

#[test]
fn a_terminal_that_goes_away_leaves_nothing_and_the_next_push_works() {
    check("HUP");
}

#[test]
fn a_suite_that_had_failed_before_the_interrupt_is_recorded() {
    let sandbox = hanging_shop();
    sandbox.write("src/bookings/book.js", "BUG\n");
    sandbox.commit("Book twice");
    let mut gate = start(&sandbox, &["run", "--suite", "booking", "--suite", "payment"]);
    suite_that_hangs(&sandbox);
    signal(gate.id(), "INT");
    assert_eq!(gate.wait().unwrap().code(), Some(2));
    assert!(records(&sandbox).starts_with("FAIL booking "), "{}", records(&sandbox));
}

#[test]
fn what_a_killed_gate_leaves_is_no_pass_and_the_next_run_removes_it() {
    let sandbox = hanging_shop();
    let mut gate = start(&sandbox, &["run", "--suite", "payment"]);
    let _suite = Leftover(suite_that_hangs(&sandbox));
    signal(gate.id(), "KILL");
    gate.wait().unwrap();
    assert_eq!(records(&sandbox), "");
    fs::remove_file(sandbox.root().join("hang")).unwrap();
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(0);
    assert_eq!(workspaces(&sandbox), 0);
}

#[test]
fn two_pushes_of_one_commit_at_once_run_its_suites_once_and_decide_alike() {
    let sandbox = Sandbox::new();
    sandbox.write("suite-sleep", "0.3");
    sandbox.commit("Take some time");
    sandbox.install();
    let push = |to: &str| {
        let mut git = sandbox.command("git");
        git.args(["push", "origin", to]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
    };
    let mut pushes = [push("main:main"), push("main:release/1")];
    assert!(pushes.iter_mut().all(|push| push.wait().unwrap().success()));
    let mut runs = sandbox.suites_run();
    runs.sort();
    assert_eq!(runs, ["booking", "full", "guardrail", "payment"]);
}

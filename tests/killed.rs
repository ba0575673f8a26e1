//! A proof that is killed leaves a trace: what had failed is recorded before the next answer, and what had not is told.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::faults::workspaces;
use crate::support::{Fingerprint, Sandbox};

const GATE: &str = env!("CARGO_BIN_EXE_proof-gate");

/// A shop whose payment suite, the last one, waits while `hang` lies outside of it.
fn shop(bug: bool) -> Sandbox {
    let sandbox = Sandbox::new();
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    let hang = "if [ \"$1\" = payment ]; then while [ -f \"${SUITE_RUNS%/*}/hang\" ]; do sleep 0.05; done; fi\n";
    sandbox.write("suite.sh", suite.replacen("passes=1", &format!("{hang}passes=1"), 1));
    if bug {
        sandbox.write("src/bookings/book.js", "BUG\n");
    }
    sandbox.commit("Wait on demand");
    fs::write(sandbox.root().join("hang"), "").unwrap();
    sandbox
}

fn kill_while_payment_runs(sandbox: &Sandbox) {
    kill(gate_while_payment_runs(sandbox));
    fs::remove_file(sandbox.root().join("hang")).unwrap();
}

fn gate_while_payment_runs(sandbox: &Sandbox) -> Child {
    let args = ["run", "--suite", "booking", "--suite", "payment"];
    let gate = sandbox.command(GATE).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while sandbox.suites_run().last().map(String::as_str) != Some("payment") {
        assert!(began.elapsed() < Duration::from_secs(20), "payment was not started");
        std::thread::sleep(Duration::from_millis(10));
    }
    gate
}

/// The processes whose environment or command line holds these words.
fn processes_with(file: &str, words: &str) -> Vec<String> {
    let holds = |id: &String| {
        fs::read(format!("/proc/{id}/{file}")).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(words))
    };
    let entries = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    entries.filter(|name| name.starts_with(|first: char| first.is_ascii_digit())).filter(holds).collect()
}

fn kill(mut gate: Child) {
    assert!(Command::new("kill").args(["-KILL", &gate.id().to_string()]).status().unwrap().success());
    gate.wait().unwrap();
}

fn records(sandbox: &Sandbox) -> Vec<String> {
    let subjects = sandbox.git_ok(&["log", "--format=%s", "--glob=refs/proof/log/*"]);
    subjects.lines().map(str::to_owned).collect()
}

fn newest_killed(sandbox: &Sandbox) -> serde_json::Value {
    let shown = sandbox.proof_gate(&["show", "HEAD", "--json"]).ends_with(0).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    shown["statement"]["predicate"]["verdict"]["killed"].clone()
}

#[test]
fn a_failure_that_a_killed_proof_had_seen_refuses_the_next_push() {
    let sandbox = shop(true);
    sandbox.install();
    let before = Fingerprint::of(&sandbox);
    kill_while_payment_runs(&sandbox);
    assert_eq!(records(&sandbox), [""; 0]);
    let run = sandbox.suites_run().len();
    let push = sandbox.push(&["origin", "main"]).ends_with(1);
    push.says("was killed: booking payment").says("booking  TEST_FAILED");
    assert!(records(&sandbox)[0].starts_with("FAIL booking"), "{:?}", records(&sandbox));
    assert_eq!(sandbox.suites_run().len(), run, "what failed is not run again");
    assert_eq!(newest_killed(&sandbox)[0]["suites"], serde_json::json!(["booking", "payment"]));
    assert_eq!(Fingerprint::of(&sandbox), before);
    // It is recorded once, and no more spoken of.
    assert!(!sandbox.push(&["origin", "main"]).ends_with(1).stderr.contains("was killed"));
    assert_eq!(records(&sandbox).len(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_killed_gate_and_supervisor_left_goes_with_a_push_that_proves_nothing() {
    let sandbox = shop(true);
    sandbox.install();
    let mut gate = gate_while_payment_runs(&sandbox);
    let id = gate.id().to_string();
    let supervisors = processes_with("status", &format!("\nPPid:\t{id}\n"));
    assert!(!supervisors.is_empty());
    assert!(Command::new("kill").args(["-KILL", &id]).args(&supervisors).status().unwrap().success());
    gate.wait().unwrap();
    let places = sandbox.root().join("cache/proof-gate/work");
    let running = || processes_with("environ", &format!("HOME={}/proof-", places.display()));
    assert!(!running().is_empty(), "the test has to leave a suite running");
    let doctor = sandbox.proof_gate(&["doctor"]);
    assert!(doctor.stdout.contains("left a process running: "), "{}", doctor.stdout);
    let run = sandbox.suites_run().len();
    sandbox.push(&["origin", "main"]).ends_with(1).says("booking  TEST_FAILED");
    assert_eq!(sandbox.suites_run().len(), run, "nothing is proven");
    assert_eq!((running(), workspaces(&sandbox)), (vec![], 0));
}

#[test]
fn a_killed_proof_without_a_failure_stands_in_the_next_record() {
    let sandbox = shop(false);
    sandbox.install();
    kill_while_payment_runs(&sandbox);
    sandbox.push(&["origin", "main"]).ends_with(0).says("was killed");
    assert_eq!(newest_killed(&sandbox)[0]["commit"], sandbox.git_ok(&["rev-parse", "HEAD"]).trim());
    sandbox.proof_gate(&["show", "HEAD"]).ends_with(0).says("killed");
    sandbox.proof_gate(&["run", "--suite", "booking"]).ends_with(0);
    assert_eq!(newest_killed(&sandbox), serde_json::Value::Null);
}

#[test]
fn two_killed_proofs_and_one_that_could_not_be_made_lose_nothing() {
    let sandbox = shop(false);
    kill_while_payment_runs(&sandbox);
    fs::write(sandbox.root().join("hang"), "").unwrap();
    fs::remove_file(sandbox.root().join("suite-runs")).unwrap();
    kill_while_payment_runs(&sandbox);
    sandbox.write(
        ".proofrc.toml",
        fs::read_to_string(sandbox.shop().join(".proofrc.toml"))
            .unwrap()
            .replace("[proof]\n", "[proof]\nprepare = [[\"false\"]]\n"),
    );
    sandbox.commit("Cannot be prepared");
    sandbox.proof_gate(&["run", "--suite", "booking"]).ends_with(2);
    sandbox.proof_gate(&["run", "HEAD~1", "--suite", "booking"]).ends_with(0);
    let shown = sandbox.proof_gate(&["show", "HEAD~1", "--json"]).ends_with(0).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["statement"]["predicate"]["verdict"]["killed"].as_array().unwrap().len(), 2);
}

#[test]
fn a_journal_that_cannot_be_read_refuses_and_says_which_file() {
    let sandbox = shop(false);
    fs::remove_file(sandbox.root().join("hang")).unwrap();
    sandbox.proof_gate(&["run", "--suite", "booking"]).ends_with(0);
    let journal = sandbox.shop().join(".git/proof-gate/journal.json");
    assert!(!journal.exists());
    fs::write(&journal, "{").unwrap();
    let ran = sandbox.proof_gate(&["run", "--suite", "booking"]).ends_with(2);
    ran.says("journal.json").says("move it away");
}

//! Many writers of one log, and what else works in the object store meanwhile.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Fingerprint, Sandbox};

/// A shop with a FAIL of the payment suite; gives back its record.
fn failed_shop() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.write("src/payments/charge.js", "BUG\n");
    sandbox.commit("Charge twice");
    let ran = sandbox.proof_gate(&["run", "--suite", "payment", "--json"]).ends_with(1);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    (sandbox, document["record"].as_str().unwrap().to_owned())
}

/// Every record on the one chain of the one log, newest first, as `show` reads it.
fn chain(sandbox: &Sandbox) -> Vec<Value> {
    let logs = sandbox.git_ok(&["for-each-ref", "--format=%(refname)", "refs/proof/log/"]);
    let [log] = logs.lines().collect::<Vec<_>>()[..] else { panic!("not one log but:\n{logs}") };
    let ids = sandbox.git_ok(&["rev-list", "--first-parent", log]);
    let all = sandbox.git_ok(&["rev-list", "--count", log]);
    assert_eq!(all.trim_end(), ids.lines().count().to_string(), "the log is one chain");
    ids.lines()
        .map(|id| serde_json::from_str(&sandbox.proof_gate(&["show", id, "--json"]).ends_with(0).stdout).unwrap())
        .collect()
}

fn causes(chain: &[Value]) -> BTreeSet<String> {
    let cause = |record: &Value| record.pointer("/statement/predicate/resolve/cause").map(|cause| cause.to_string());
    chain.iter().filter_map(cause).collect()
}

#[test]
fn fifty_processes_that_record_at_once_leave_fifty_records_in_one_chain() {
    let (sandbox, failed) = failed_shop();
    let before = Fingerprint::of(&sandbox);
    let start = |number| {
        let mut command = sandbox.command(env!("CARGO_BIN_EXE_proof-gate"));
        command
            .args(["resolve", &failed, "--cause", &format!("outage {number}")])
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<Child> = (0..50).map(start).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let chain = chain(&sandbox);
    assert_eq!((chain.len(), causes(&chain).len()), (51, 50));
    assert_eq!(Fingerprint::of(&sandbox), before);
}

#[test]
fn records_appended_beside_a_loop_of_prunes_are_all_there_at_the_end() {
    let (sandbox, failed) = failed_shop();
    let stop = sandbox.root().join("stop");
    let began = Instant::now();
    let mut prunes = sandbox
        .command("sh")
        // Also ends when a failed test has removed the sandbox.
        .args(["-c", "while [ -d .git ] && ! [ -e ../stop ]; do git prune --expire=now; done"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for number in 0..15 {
        sandbox.proof_gate(&["resolve", &failed, "--cause", &format!("outage {number}")]).ends_with(0);
    }
    fs::write(stop, "").unwrap();
    prunes.wait().unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let chain = chain(&sandbox);
    assert_eq!((chain.len(), causes(&chain).len()), (16, 15));
    sandbox.git(&["fsck", "--strict"]).ends_with(0);
}

#[test]
fn a_resolve_needs_a_fail_that_is_there_and_a_cause() {
    let (sandbox, failed) = failed_shop();
    sandbox.proof_gate(&["resolve", &failed, "--cause", " \t "]).ends_with(64).says("the cause is blank");
    sandbox.proof_gate(&["resolve", "0123456789", "--cause", "outage"]).ends_with(64).says("0123456789");
    sandbox.proof_gate(&["resolve", &failed, "--suite", "booking", "--cause", "outage"]).ends_with(64).says("booking");
    sandbox.write("src/payments/charge.js", "charge\n");
    sandbox.commit("Charge once");
    let ran = sandbox.proof_gate(&["run", "--json"]).ends_with(0);
    let passed: Value = serde_json::from_str(&ran.stdout).unwrap();
    sandbox
        .proof_gate(&["resolve", passed["record"].as_str().unwrap(), "--cause", "outage"])
        .ends_with(64)
        .says("PASS");
    assert_eq!(chain(&sandbox).len(), 2, "nothing of that was recorded");
}

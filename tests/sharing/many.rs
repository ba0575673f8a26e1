//! Many at once.

use std::process::Stdio;

use crate::support::Sandbox;

/// Clones, and records that each of them makes and shares at the same time as all others.
const CLONES: usize = 6;
const RECORDS: usize = 50;

#[test]
fn what_many_clones_record_and_share_at_once_all_arrives_with_one_push_each() {
    let mut sandbox = Sandbox::proven();
    let failed = sandbox.fail();
    sandbox.pushes(&["origin", "main:topic"], &[]);
    sandbox.sync(0);
    for number in 0..CLONES {
        let name = format!("clone{number}");
        sandbox.git_in(sandbox.root(), &["clone", "--quiet", "--template=", "remote.git", &name]).ends_with(0);
        sandbox.work_in(&name);
        sandbox.sync(0);
    }
    sandbox.note_pushes();
    let gate = format!("'{}'", env!("CARGO_BIN_EXE_proof-gate"));
    let main = sandbox.id("origin/main");
    let zero = "0".repeat(40);
    let mut children = Vec::new();
    for clone in 0..CLONES {
        sandbox.work_in(format!("clone{clone}"));
        // As git calls the hook for a push that is proven.
        let script = format!(
            "for number in $(seq {RECORDS}); do\n\
             {gate} resolve {failed} --cause \"outage {clone}.$number\" || exit 1\n\
             echo 'main {main} refs/heads/release/1 {zero}' | {gate} hook pre-push origin ../remote.git || exit 1\n\
             done"
        );
        let mut child = sandbox.command("sh");
        children.push(child.args(["-c", &script]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    }
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let expected = |clone| (1..=RECORDS).map(move |number| format!("outage {clone}.{number}"));
    let mut expected: Vec<String> = (0..CLONES).flat_map(expected).collect();
    expected.sort();
    assert_eq!(sandbox.causes_in("remote.git"), expected);
    assert_eq!(sandbox.pushes_noted().len(), CLONES * RECORDS);
    assert_eq!(sandbox.logs_in("remote.git").len(), CLONES + 1);
}

#[test]
fn twenty_hooks_of_one_clone_at_once_share_one_log() {
    let sandbox = Sandbox::proven();
    let failed = sandbox.fail();
    sandbox.note_pushes();
    let gate = format!("'{}'", env!("CARGO_BIN_EXE_proof-gate"));
    let line = sandbox.line("origin/main", "refs/heads/release/1").trim_end().to_owned();
    let mut children = Vec::new();
    for number in 0..20 {
        let script = format!(
            "{gate} resolve {failed} --cause 'outage {number}' && echo '{line}' | {gate} hook pre-push origin ../remote.git 2>&1"
        );
        let mut child = sandbox.command("sh");
        children.push(child.args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    }
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !said.contains("note"), "{said}");
    }
    assert_eq!(sandbox.causes_in("remote.git").len(), 20);
    assert_eq!(sandbox.logs_in("remote.git"), sandbox.logs_in("shop"));
    assert!(sandbox.pushes_noted().len() <= 20);
}

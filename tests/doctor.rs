//! The doctor: for every damage what it says, that the damage is real, and that the mend, as it is printed, mends.

mod fire;
mod hook;
mod policy;
mod proofs;
mod server;
mod settings;

use crate::support::{Fingerprint, Ran, Sandbox};

/// Whether a broken commit goes out once the damage is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Push {
    /// It does, and `--fire` sees it.
    GoesOut,
    /// It is refused, or hangs, or the damage is of another kind.
    NotTried,
}

/// A shop whose hook is installed and whose `main` must not go out: its payments are broken.
fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox
}

/// Does the damage, then [`is_found_and_mended`].
#[track_caller]
fn check(damage: impl FnOnce(&mut Sandbox), push: Push, says: &[&str]) {
    let mut sandbox = shop();
    damage(&mut sandbox);
    is_found_and_mended(&sandbox, push, says);
}

/// Shows that the damage is real, has it told, runs the mend as it is printed, and shows that a broken commit is refused again.
#[track_caller]
fn is_found_and_mended(sandbox: &Sandbox, push: Push, says: &[&str]) {
    if push == Push::GoesOut {
        sandbox.push(&["origin", "main:release/broken"]).ends_with(0);
        assert!(sandbox.remote_ref("refs/heads/release/broken").is_some());
        sandbox.proof_gate(&["doctor", "--fire"]).ends_with(1).says("went through");
    }
    let ran = is_told(sandbox, says);
    mended(sandbox, &mends(&ran));
    assert!(push == Push::NotTried || sandbox.suites_run().contains(&"payment".to_owned()), "the gate made no proof");
}

/// The doctor says these words, ends with 1, and changes nothing.
#[track_caller]
fn is_told(sandbox: &Sandbox, says: &[&str]) -> Ran {
    let before = (Fingerprint::of(sandbox), sandbox.remote_refs());
    let ran = sandbox.proof_gate(&["doctor"]).ends_with(1);
    assert_eq!((Fingerprint::of(sandbox), sandbox.remote_refs()), before);
    let read = as_read(&ran);
    for words in says {
        assert!(read.contains(words), "nobody says '{words}':\n{}", ran.stdout);
    }
    ran
}

/// Runs the commands in one shell, where a broken commit is then refused and the doctor finds nothing.
#[track_caller]
fn mended(sandbox: &Sandbox, commands: &[String]) {
    assert!(!commands.is_empty(), "no mend is printed");
    let then = "proof-gate doctor --fire || exit 90\ngit push origin main:release/still && exit 91\nexit 0";
    let ran = sandbox.sh(&format!("set -e\n{}\n{then}", commands.join("\n"))).ends_with(0).says("push refused");
    assert!(ran.stdout.contains("nothing is wrong"), "{}", ran.stdout);
    assert_eq!(sandbox.remote_ref("refs/heads/release/still"), None);
}

/// The commands of every finding, in order, each once.
fn mends(ran: &Ran) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut is_mend = false;
    for line in ran.stdout.lines() {
        let label = line.get(..10).unwrap_or(line);
        is_mend = label == "  mend:   " || (is_mend && label.trim().is_empty() && !line.is_empty());
        let command = line.get(10..).filter(|_| is_mend);
        commands.extend(command.map(str::to_owned).filter(|command| !commands.contains(command)));
    }
    commands
}

/// The words without the line breaks between them.
fn as_read(ran: &Ran) -> String {
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A note: told, and no reason to end with 1.
#[track_caller]
fn is_noted(sandbox: &Sandbox, words: &str) {
    let ran = sandbox.proof_gate(&["doctor"]).ends_with(0);
    assert!(as_read(&ran).contains(words), "nobody says '{words}':\n{}", ran.stdout);
    assert!(ran.stdout.contains("\nnote      "), "{}", ran.stdout);
}

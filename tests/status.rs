//! `status` over many refs: the same with the rows that it kept, without them, and with damaged ones.

use std::fs;

use crate::support::{Sandbox, policy_with_gate};

/// A proven shop with sixty tags on its last commits, some of them on what nobody proved.
fn with_many_tags(gate: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&policy_with_gate(gate));
    sandbox.commit("Gate it");
    sandbox.install_and_prove();
    sandbox.pushes(&["origin", "main"], &[]);
    let proven = sandbox.id("HEAD");
    let unproven = sandbox.commit_file("src/payments/charge.js", "charge better\n");
    for tag in 0..60 {
        sandbox.git_ok(&["tag", &format!("v{tag}"), if tag % 3 == 0 { &unproven } else { &proven }]);
    }
    sandbox
}

fn status(sandbox: &Sandbox) -> String {
    sandbox.proof_gate(&["status", "--json"]).ends_with(0).stdout
}

/// What it says must be what it says without anything kept.
fn check(sandbox: &Sandbox) -> String {
    let kept = sandbox.git_dir().join("proof-gate/status");
    let (with, again) = (status(sandbox), status(sandbox));
    let file = fs::read(&kept).unwrap_or_default();
    fs::remove_file(&kept).ok();
    let without = status(sandbox);
    assert_eq!((&with, &again), (&without, &without));
    if !file.is_empty() {
        fs::write(&kept, file).unwrap();
    }
    without
}

#[test]
fn status_says_the_same_with_the_rows_that_it_kept_and_without() {
    let sandbox = with_many_tags("");
    let first = check(&sandbox);
    assert_eq!((first.matches("\"PASS\"").count(), first.matches("\"NONE\"").count()), (40, 20));
    let kept = sandbox.git_dir().join("proof-gate/status");
    let whole = fs::read(&kept).unwrap();
    // A tag that moves, one that goes, one that comes.
    sandbox.git_ok(&["tag", "--force", "v0", "v1"]);
    sandbox.git_ok(&["tag", "--delete", "v3"]);
    sandbox.git_ok(&["tag", "v99", "v1"]);
    let moved = check(&sandbox);
    assert_eq!((moved.matches("\"PASS\"").count(), moved.matches("\"NONE\"").count()), (42, 18));
    // A record that ends what was missing.
    sandbox.proof_gate(&["run", "v6"]).ends_with(0);
    assert!(check(&sandbox).matches("\"NONE\"").count() < 18);
    // Damage, and the file of another time.
    for at in (0..whole.len()).step_by(whole.len() / 8) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        for damaged in [&flipped[..], &whole[..at], &whole] {
            fs::write(&kept, damaged).unwrap();
            check(&sandbox);
        }
    }
}

#[test]
fn under_an_age_limit_no_row_is_kept() {
    let sandbox = with_many_tags("max_age = \"30d\"");
    check(&sandbox);
    assert!(!sandbox.git_dir().join("proof-gate/status").exists());
}

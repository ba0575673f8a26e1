//! What suites see of history, and what holds the objects of a proof while others tidy up.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::support::{Fingerprint, Sandbox};

const HISTORY: &str = "git = \"history\"\n";

/// What a script sees of its commit.
const LOOK: &str = "git rev-parse HEAD >\"$SEEN\"; git rev-list --count HEAD >>\"$SEEN\"; git tag >>\"$SEEN\"
git describe --always >>\"$SEEN\"; git status --porcelain >>\"$SEEN\"; git remote >>\"$SEEN\"; git fsck --no-dangling >&2";

/// A shop of three commits, of which the second has tags of both kinds and the third is on a side branch.
fn tagged(proof: &str) -> Sandbox {
    let sandbox = Sandbox::looking(proof, LOOK);
    sandbox.commit("Look");
    sandbox.git_ok(&["tag", "-m", "First", "v1"]);
    sandbox.git_ok(&["tag", "light"]);
    sandbox.git_ok(&["checkout", "--quiet", "-b", "side"]);
    sandbox.commit_file("README.md", "Aside.\n");
    sandbox.git_ok(&["tag", "elsewhere"]);
    sandbox.git_ok(&["checkout", "--quiet", "main"]);
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox
}

#[test]
fn suites_see_one_commit_and_no_tag_unless_the_policy_says_otherwise() {
    let sandbox = tagged("");
    let seen = sandbox.looked();
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[1], "1");
    assert_eq!(lines.len(), 3, "{seen}");
    assert_ne!(lines[0], sandbox.id("HEAD"));
}

#[test]
fn suites_see_the_real_commit_and_the_tags_that_lead_to_it_where_the_policy_says_so() {
    let sandbox = tagged(HISTORY);
    let before = Fingerprint::of(&sandbox);
    let head = sandbox.id("HEAD");
    assert_eq!(sandbox.looked(), format!("{head}\n3\nlight\nv1\nv1-1-g{}\n", &head[..7]));
    assert_eq!(Fingerprint::of(&sandbox), before);
}

#[test]
fn a_pass_of_the_same_tree_under_another_commit_counts_only_where_suites_see_no_history() {
    for (proof, allowed) in [("", 0), (HISTORY, 1)] {
        let sandbox = tagged(&format!("{proof}teardown = []\n"));
        let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
        sandbox.with_policy(&policy.replace("[gate]\n", "[gate]\non_missing = \"refuse\"\n"));
        sandbox.commit("Refuse what is not proven");
        sandbox.install();
        sandbox.proof_gate(&["run"]).ends_with(0);
        sandbox.git_ok(&["commit", "--quiet", "--amend", "-m", "Say it better"]);
        sandbox.push(&["origin", "main"]).ends_with(allowed);
        sandbox.proof_gate(&["run"]).ends_with(0);
        sandbox.push(&["origin", "main"]).ends_with(0);
    }
}

#[test]
fn history_ends_in_the_workspace_where_it_ends_in_a_shallow_clone() {
    let mut sandbox = tagged(HISTORY);
    sandbox.push(&["origin", "main", "v1", "light"]).ends_with(0);
    let remote = format!("file://{}", sandbox.root().join("remote.git").display());
    sandbox.git_in(sandbox.root(), &["clone", "--quiet", "--depth", "2", &remote, "clone"]).ends_with(0);
    sandbox.work_in("clone");
    let head = sandbox.id("HEAD");
    let seen = sandbox.looked();
    assert!(seen.starts_with(&format!("{head}\n2\n")), "{seen}");
}

#[test]
fn a_draft_stands_above_the_real_commit_where_the_policy_asks_for_history() {
    let sandbox = tagged(HISTORY);
    sandbox.write("suite.sh", "git rev-parse HEAD~1 >\"$SEEN\"; git tag >>\"$SEEN\"; cat README.md >>\"$SEEN\"\n");
    sandbox.write("README.md", "A draft.\n");
    sandbox.proof_gate(&["run", "--draft"]).ends_with(0);
    let seen = fs::read_to_string(sandbox.root().join("seen")).unwrap();
    assert_eq!(seen, format!("{}\nlight\nv1\nA draft.\n", sandbox.id("HEAD")));
}

// What is held against a clean-up.

fn pins(sandbox: &Sandbox) -> String {
    sandbox.git_ok(&["for-each-ref", "--format=%(refname)", "refs/proof/pins/"])
}

#[test]
fn tidying_up_in_a_loop_does_not_change_the_verdict_of_what_nothing_else_leads_to() {
    for proof in ["", HISTORY] {
        // The suite reads every object and looks again after the others have tidied up some times.
        let wait = "touch \"$SEEN.begun\"; i=0; while [ ! -e \"$SEEN.tidied\" ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done";
        let script =
            format!("{wait}\n[ -e \"$SEEN.tidied\" ]\ngit fsck --full --no-dangling >&2\ngit archive HEAD >\"$SEEN\"");
        let sandbox = Sandbox::looking(proof, &script);
        sandbox.commit("Wait");
        sandbox.install();
        sandbox.git_ok(&["checkout", "--quiet", "-b", "fleeting"]);
        sandbox.commit_file("src/payments/charge.js", "charge better\n");
        sandbox.git_ok(&["checkout", "--quiet", "main"]);
        sandbox.git_ok(&["reflog", "expire", "--expire=now", "--all"]);
        let mut push = sandbox.command("git");
        let push = push.args(["push", "origin", "fleeting:main"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut push = push.spawn().unwrap();
        let (begun, tidied) = (sandbox.root().join("seen.begun"), sandbox.root().join("seen.tidied"));
        while !begun.exists() && push.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(20));
        }
        sandbox.git(&["branch", "--quiet", "-D", "fleeting"]).ends_with(0);
        for _ in 0..3 {
            sandbox.git(&["reflog", "expire", "--expire=now", "--all"]);
            sandbox.git(&["gc", "--quiet", "--prune=now"]);
            sandbox.git(&["repack", "-a", "-d", "-k", "--quiet"]);
            sandbox.git(&["prune", "--expire=now"]);
            sandbox.git(&["worktree", "prune"]);
        }
        fs::write(&tidied, "").unwrap();
        let output = push.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("PASS"), "{said}");
        assert_eq!(pins(&sandbox), "", "{said}");
    }
}

#[test]
fn a_pin_is_there_while_a_suite_runs_and_what_a_dead_gate_left_is_removed_by_the_next() {
    let sandbox = Sandbox::looking("", "for i in 1 2 3; do [ -e \"$SEEN.go\" ] || sleep 0.2; done; touch \"$SEEN\"");
    sandbox.commit("Take some time");
    sandbox.git_ok(&["update-ref", "refs/proof/pins/00000000deadbeef", "HEAD^{tree}"]);
    let mut run = sandbox.command("proof-gate");
    let mut run = run.arg("run").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut seen = String::new();
    for _ in 0..500 {
        seen = pins(&sandbox);
        if !seen.is_empty() && !seen.contains("deadbeef") {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    // Killed, it leaves a pin; the next proof removes it.
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(seen.lines().count(), 1, "{seen}");
    assert!(!seen.contains("deadbeef"), "{seen}");
    assert_eq!(pins(&sandbox), seen);
    fs::write(sandbox.root().join("seen.go"), "").unwrap();
    sandbox.proof_gate(&["run"]).ends_with(0);
    assert_eq!(pins(&sandbox), "");
}

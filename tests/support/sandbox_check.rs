//! The sandbox keeps what it promises, so that topics may rely on it.

use super::{Fingerprint, Layout, Sandbox};

#[test]
fn every_layout_commits_and_pushes_with_git_alone() {
    for layout in [Layout::Plain, Layout::Sha256, Layout::Reftable, Layout::Linked] {
        let sandbox = Sandbox::with(layout);
        sandbox.write("src/payments/charge.js", "charge twice\n");
        let commit = sandbox.commit("Charge twice");
        assert_eq!(sandbox.remote_ref("refs/heads/main"), None, "{layout:?}");
        sandbox.push(&["origin", "main"]).ends_with(0);
        assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(commit), "{layout:?}");
        assert!(sandbox.suites_run().is_empty());
    }
}

#[test]
fn ids_are_the_same_every_time() {
    let commit = || Sandbox::new().commit("Next");
    assert_eq!(commit(), commit());
}

#[test]
fn a_fingerprint_sees_work_trees_index_config_hooks_and_refs_but_not_the_records() {
    check(true, |sandbox| sandbox.write("new.txt", "new\n"));
    check(true, |sandbox| drop(sandbox.git_ok(&["rm", "--quiet", "--cached", "README.md"])));
    check(true, |sandbox| drop(sandbox.git_ok(&["config", "core.hooksPath", "/nowhere"])));
    check(true, |sandbox| drop(sandbox.git_ok(&["config", "--worktree", "core.hooksPath", "/nowhere"])));
    check(true, |sandbox| drop(sandbox.git_ok(&["tag", "v1"])));
    check(true, |sandbox| drop(sandbox.git_ok(&["update-index", "--assume-unchanged", "README.md"])));
    check(true, |sandbox| drop(sandbox.git_ok(&["symbolic-ref", "HEAD", "refs/heads/other"])));
    check(true, |sandbox| sandbox.write(".git/hooks/post-checkout", "exit 1\n"));
    check(true, |sandbox| sandbox.write(".git/info/attributes", "* filter=x\n"));
    check(true, |sandbox| sandbox.write(".git/objects/info/alternates", "/nowhere\n"));
    check(false, |sandbox| drop(sandbox.git_ok(&["update-ref", "refs/proof/log/0123456789abcdef", "HEAD"])));

    fn check(is_seen: bool, change: impl FnOnce(&Sandbox)) {
        let sandbox = Sandbox::new();
        let before = Fingerprint::of(&sandbox);
        change(&sandbox);
        assert_eq!(Fingerprint::of(&sandbox) != before, is_seen);
    }
}

#[test]
fn a_fingerprint_sees_the_other_work_trees_too() {
    let sandbox = Sandbox::new();
    sandbox.git_ok(&["worktree", "add", "--quiet", "../linked"]);
    let seen = |change: &dyn Fn(&std::path::Path)| {
        let before = Fingerprint::of(&sandbox);
        change(&sandbox.root().join("linked"));
        Fingerprint::of(&sandbox) != before
    };
    assert!(!seen(&|_| {}));
    assert!(seen(&|linked| std::fs::write(linked.join("new.txt"), "").unwrap()));
    assert!(seen(&|linked| drop(sandbox.git_in(linked, &["add", "new.txt"]).ends_with(0))));
    assert!(seen(&|linked| drop(sandbox.git_in(linked, &["checkout", "--quiet", "--detach"]).ends_with(0))));
}

#[test]
fn the_runner_reports_what_the_tree_holds_and_leaves_a_mark_outside() {
    check("charge\n", 0, "\"currentRetry\":0");
    check("BUG\n", 1, "\"failures\": 1");
    check("FLAKY\n", 0, "\"currentRetry\":1");

    fn check(charge: &str, code: i32, reported: &str) {
        let mut sandbox = Sandbox::new();
        sandbox.write("src/payments/charge.js", charge);
        let report = sandbox.root().join("report.json");
        sandbox.set("PROOF_REPORT", report.to_str().unwrap());
        sandbox.git(&["-c", "alias.suite=!sh suite.sh payment src/payments", "suite"]).ends_with(code);
        let text = std::fs::read_to_string(report).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).expect("the report is JSON");
        assert!(text.contains(reported), "{text}");
        assert_eq!(sandbox.suites_run(), ["payment"]);
    }
}

#[test]
fn only_a_terminal_has_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write_executable("shop/.git/hooks/pre-push", "#!/bin/sh\n: </dev/tty && echo has a terminal >&2\nexit 1\n");
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(1).says("has a terminal");
}

//! `run --onto`: the tree that a merge on a forge would give is proven before somebody merges there.

use std::fs;

use crate::support::{Fingerprint, Sandbox};

/// A shop whose main was pushed, then went on, and a topic beside it.
fn shop(on_main: &str, on_topic: (&str, &str)) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(0);
    sandbox.git_ok(&["checkout", "--quiet", "-b", "topic"]);
    sandbox.write(on_topic.0, on_topic.1);
    sandbox.commit("On the topic");
    sandbox.git_ok(&["checkout", "--quiet", "main"]);
    sandbox.write("src/bookings/book.js", on_main);
    sandbox.commit("On main");
    sandbox.push(&["origin", "main"]).ends_with(0);
    fs::remove_file(sandbox.root().join("suite-runs")).unwrap();
    sandbox
}

#[test]
fn the_record_of_the_merges_tree_serves_the_merge_commit_that_somebody_else_makes() {
    let sandbox = shop("book once\n", ("src/payments/charge.js", "charge once\n"));
    let before = Fingerprint::of(&sandbox);
    sandbox.proof_gate(&["run", "--onto", "main", "topic"]).ends_with(0).says("rests on this record");
    assert_eq!(Fingerprint::of(&sandbox), before);
    assert_eq!(sandbox.suites_run(), ["payment"]);
    sandbox.git_ok(&["merge", "--quiet", "--no-ff", "-m", "Merged on the forge", "topic"]);
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert_eq!(sandbox.suites_run(), ["payment"], "the push rests on the record");
}

#[test]
fn a_topic_that_is_good_by_itself_and_bad_on_main_is_a_fail() {
    let sandbox = shop("book once\n", ("src/payments/charge.js", "charge once\n"));
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    let both = "grep -qs 'book once' src/bookings/* && grep -qs 'charge once' src/payments/* && failures=1 passes=0\n";
    sandbox.write("suite.sh", suite.replacen("grep -rqs FLAKY", &format!("{both}grep -rqs FLAKY"), 1));
    sandbox.commit("Both at once do not work");
    sandbox.git_ok(&["checkout", "--quiet", "topic"]);
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(0);
    sandbox.proof_gate(&["run", "--onto", "main", "--suite", "payment"]).ends_with(1).says("FAIL");
}

#[test]
fn what_cannot_be_merged_is_no_proof_and_says_why() {
    let sandbox = shop("book once\n", ("src/bookings/book.js", "book twice\n"));
    let ran = sandbox.proof_gate(&["run", "--onto", "main", "topic"]).ends_with(2);
    ran.says("topic conflicts with main in src/bookings/book.js").says("merge main into topic");
    sandbox.proof_gate(&["run", "--onto", "main", "main~1"]).ends_with(2).says("it is in there already");
    sandbox.proof_gate(&["run", "--onto", "nowhere", "topic"]).ends_with(2).says("nowhere");
    assert!(sandbox.suites_run().is_empty());
}

/// The topic gets onto main in one of the other ways that forges have, after its merge was proven.
fn check_other_way(onto_main: &[&[&str]]) {
    let sandbox = shop("book once\n", ("src/payments/charge.js", "charge once\n"));
    sandbox.git_ok(&["checkout", "--quiet", "topic"]);
    sandbox.commit_file("src/payments/refund.js", "refund once\n");
    sandbox.proof_gate(&["run", "--onto", "main", "topic"]).ends_with(0);
    assert_eq!(sandbox.suites_run(), ["payment"]);
    for git in onto_main {
        sandbox.git_ok(git);
    }
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert_eq!(sandbox.suites_run(), ["payment"], "the push rests on the record");
}

#[test]
fn the_record_serves_a_topic_that_is_squashed_into_one_commit() {
    let main: &[&str] = &["checkout", "--quiet", "main"];
    check_other_way(&[main, &["merge", "--quiet", "--squash", "topic"], &["commit", "--quiet", "-m", "Squashed"]]);
}

#[test]
fn the_record_serves_a_topic_that_is_rebased() {
    let main: &[&str] = &["checkout", "--quiet", "main"];
    check_other_way(&[&["rebase", "--quiet", "main"], main, &["merge", "--quiet", "--ff-only", "topic"]]);
}

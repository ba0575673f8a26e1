//! Several suites at once: a lane each, the longest first, and those that want to be alone by themselves.

use std::fs;

use crate::support::{Fingerprint, SHOP_POLICY, Sandbox};

/// What a suite does between its beginning and its end.
const A_MOMENT: &str = "sleep 0.4";
/// The same until two suites have begun, or in vain.
const UNTIL_TWO_RUN: &str =
    "tries=0; until [ \"$(grep -c begin \"$log\")\" -ge 2 ] || [ $((tries += 1)) -gt 100 ]; do sleep 0.1; done";

/// A shop whose suites note when they begin and end, and take their time.
fn shop(policy: &str, meanwhile: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    let begin = format!(
        "log=${{SUITE_RUNS%/*}}/log\necho \"begin $1 $PROOF_LANE $PWD\" >>\"$log\"\n{meanwhile}\necho \"end $1 $PROOF_LANE\" >>\"$log\"\n"
    );
    sandbox.write("suite.sh", suite.replacen("passes=1", &format!("{begin}passes=1"), 1));
    sandbox.with_policy(policy);
    sandbox.commit("Take a moment");
    sandbox
}

fn log(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let log = fs::read_to_string(sandbox.root().join("log")).unwrap();
    log.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn two_lanes_run_suites_beside_each_other_each_in_a_workspace_of_its_own() {
    let sandbox = shop(
        &SHOP_POLICY.replace("[proof]\n", "[proof]\njobs = 2\nprepare = [[\"touch\", \"prepared\"]]\n"),
        UNTIL_TWO_RUN,
    );
    let before = Fingerprint::of(&sandbox);
    sandbox.proof_gate(&["run"]).ends_with(0).says("booking full guardrail payment");
    assert_eq!(Fingerprint::of(&sandbox), before);
    let log = log(&sandbox);
    assert_eq!((log[0][0].as_str(), log[1][0].as_str()), ("begin", "begin"), "{log:?}");
    assert_ne!(log[0][2], log[1][2], "{log:?}");
    assert_ne!(log[0][3], log[1][3], "{log:?}");
    let mut suites: Vec<&str> = log.iter().filter(|line| line[0] == "begin").map(|line| line[1].as_str()).collect();
    suites.sort_unstable();
    assert_eq!(suites, ["booking", "full", "guardrail", "payment"]);
}

#[test]
fn a_suite_that_is_exclusive_runs_alone() {
    let policy = SHOP_POLICY.replace("[proof]\n", "[proof]\njobs = 3\n");
    let sandbox = shop(&policy.replace("[suites.full]\n", "[suites.full]\nexclusive = true\n"), A_MOMENT);
    sandbox.proof_gate(&["run"]).ends_with(0);
    let log = log(&sandbox);
    let begin = log.iter().position(|line| line[..2] == ["begin", "full"]).unwrap();
    assert_eq!(log[begin + 1][..2], ["end", "full"], "{log:?}");
    let before = &log[..begin];
    let running = |word: &str| before.iter().filter(|line| line[0] == word).count();
    assert_eq!(running("begin"), running("end"), "{log:?}");
}

#[test]
fn what_failed_in_one_lane_is_recorded_with_the_others() {
    let sandbox = shop(&SHOP_POLICY.replace("[proof]\n", "[proof]\njobs = 4\n"), A_MOMENT);
    sandbox.write("src/bookings/book.js", "BUG\n");
    sandbox.commit("Book twice");
    sandbox.proof_gate(&["run", "--suite", "booking", "--suite", "guardrail"]).ends_with(1).says("FAIL");
    let subject = sandbox.git_ok(&["log", "-1", "--format=%s", "--glob=refs/proof/log/*"]);
    assert!(subject.starts_with("FAIL booking guardrail"), "{subject}");
}

#[test]
fn the_longest_suite_of_the_last_time_begins_first() {
    let sandbox = shop(SHOP_POLICY, A_MOMENT);
    let slow = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    sandbox.write("suite.sh", slow.replace("sleep 0.4", "[ \"$1\" != payment ] || sleep 1"));
    sandbox.commit("Payment takes longest");
    sandbox.proof_gate(&["run"]).ends_with(0);
    fs::remove_file(sandbox.root().join("log")).unwrap();
    sandbox.proof_gate(&["run"]).ends_with(0);
    assert_eq!(log(&sandbox)[0][1], "payment");
}

//! `audit`: what got round the gate is found on any clone, and named with who did it as far as that can be known.

use std::fs;

use serde_json::Value;

use crate::support::{Fingerprint, Sandbox};

impl Sandbox {
    /// git in the remote.
    fn at_remote(&self, args: &[&str]) -> String {
        self.git_in(&self.root().join("remote.git"), args).ends_with(0).stdout
    }

    /// An audit that finds nothing, or exactly these refs.
    #[track_caller]
    fn audits(&self, expected: &[&str]) -> String {
        let before = Fingerprint::of(self);
        let ran = self.proof_gate(&["audit", "--json"]).ends_with(i32::from(!expected.is_empty()));
        assert_eq!(Fingerprint::of(self), before, "an audit moves no ref of the user's");
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        let refs = document["refs"].as_array().unwrap().iter().filter(|found| !found["finding"].is_null());
        let mut found: Vec<&str> = refs.map(|found| found["ref"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{document:#}");
        self.proof_gate(&["audit"]).ends_with(i32::from(!expected.is_empty())).stdout
    }
}

#[test]
fn what_was_proven_is_no_finding_and_what_went_round_the_gate_is_one_on_every_clone() {
    let mut sandbox = Sandbox::proven();
    let said = sandbox.audits(&[]);
    assert!(said.contains("nothing went round the gate"), "{said}");
    sandbox.commit_file("src/payments/charge.js", "unproven\n");
    sandbox.git_ok(&["tag", "-a", "-m", "One", "v1"]);
    sandbox.git_ok(&["push", "--quiet", "--no-verify", "origin", "main", "v1"]);
    let said = sandbox.audits(&["refs/heads/main", "refs/tags/v1"]);
    assert!(said.contains("tagged by Ana Example <ana@example.org>; who pushed it is not known here"), "{said}");
    assert!(said.contains("next:    proof-gate run "), "{said}");
    // Another clone, which has neither the tag nor the log yet, finds the same.
    sandbox
        .git_in(sandbox.root(), &["clone", "--quiet", "--no-tags", "--single-branch", "remote.git", "other"])
        .ends_with(0);
    sandbox.work_in("other");
    sandbox.audits(&["refs/heads/main", "refs/tags/v1"]);
    assert_eq!(sandbox.git_ok(&["tag"]), "", "no tag came");
    sandbox.git(&["rev-parse", "--verify", "--quiet", "FETCH_HEAD"]).ends_with(1);
}

#[test]
fn a_tag_that_was_moved_over_there_is_found_and_one_that_a_proof_serves_is_not() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["tag", "v1"]);
    sandbox.proof_gate(&["run", "v1"]).ends_with(0);
    sandbox.push(&["origin", "v1"]).ends_with(0);
    sandbox.audits(&[]);
    let moved = sandbox.commit_file("README.md", "Another shop.\n");
    sandbox.git_ok(&["push", "--quiet", "--no-verify", "--force", "origin", &format!("{moved}:refs/tags/v1")]);
    let said = sandbox.audits(&["refs/tags/v1"]);
    assert!(said.contains("STALE"), "{said}");
}

#[test]
fn a_log_that_went_away_or_back_over_there_is_a_finding() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "better\n");
    sandbox.push(&["origin", "main"]).ends_with(0);
    sandbox.audits(&[]);
    let log = sandbox.at_remote(&["for-each-ref", "--format=%(refname)", "refs/proof/log/"]);
    let log = log.trim();
    sandbox.at_remote(&["update-ref", log, &format!("{log}~1")]);
    sandbox.proof_gate(&["audit"]).ends_with(1).says("it ends earlier there than it did");
    sandbox.at_remote(&["update-ref", "-d", log]);
    sandbox.proof_gate(&["audit"]).ends_with(1).says("it is not there any more, and it was").says("findings: 1");
    sandbox.proof_gate(&["sync"]).ends_with(0);
    sandbox.proof_gate(&["audit"]).ends_with(0);
}

#[test]
fn what_a_record_claims_of_its_tree_is_worked_out_again() {
    let sandbox = Sandbox::proven();
    sandbox.write("src/bookings/book.js", "better\n");
    sandbox.commit_file("src/payments/charge.js", "unproven\n");
    let ran: Value =
        serde_json::from_str(&sandbox.proof_gate(&["run", "--suite", "booking", "--json"]).ends_with(0).stdout)
            .unwrap();
    let honest = ran["record"].as_str().unwrap();
    sandbox.audits(&[]);
    // A record by hand, on top of the honest one: it claims that nothing but the booking suite was owed.
    let mut record: Value = serde_json::from_str(&sandbox.git_ok(&["show", &format!("{honest}:record.json")])).unwrap();
    let predicate = &mut record["predicate"];
    predicate["previous"] = honest.into();
    let booking = predicate["verdict"]["suites"][0]["key"].clone();
    predicate["verdict"]["established"] = serde_json::json!({
        "approvals": [], "bases": [], "obligations": [{ "key": booking, "reasons": [], "suite": "booking" }],
    });
    sandbox.write_executable("record.json", format!("{record}\n"));
    let script = "set -e; log=$(git for-each-ref --format='%(refname)' refs/proof/log/); \
                  blob=$(git hash-object -w ../record.json); \
                  tree=$(printf '100644 blob %s\\trecord.json\\n' $blob | git mktree); \
                  git update-ref $log $(git commit-tree -m forged -p $log $tree)";
    sandbox.sh(script).ends_with(0);
    sandbox.proof_gate(&["verify"]).ends_with(0);
    sandbox.push(&["origin", "main"]).ends_with(0);
    let said = sandbox.audits(&["refs/heads/main"]);
    assert!(said.contains("does not hold: worked out again, payment is owed too"), "{said}");
}

#[test]
fn a_remote_that_cannot_be_reached_is_no_clean_audit() {
    let sandbox = Sandbox::proven();
    fs::rename(sandbox.root().join("remote.git"), sandbox.root().join("gone.git")).unwrap();
    sandbox.proof_gate(&["audit"]).ends_with(2).says("cannot audit origin").says("hint:");
    sandbox.proof_gate(&["audit", "nowhere"]).ends_with(2).says("cannot find the remote 'nowhere'");
}

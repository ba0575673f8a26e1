use std::fs;

use super::super::sandbox::{
    COMMIT, REPOSITORY, Sandbox, environment, failing, failing_with, key_of, obligation, oid, passing, verdict,
};
use super::super::statement::{Approval, Established, PolicyApproval, Resolution, VerdictBody};
use super::*;
use crate::digest::Digest;
use crate::judge::Code;
use crate::records::Seen;

const TREE: &str = super::super::sandbox::TREE;

fn question(suite: &str) -> Question {
    Question {
        key: key_of(suite),
        scenario: Scenario::Deploy,
        after: Vec::new(),
        now: "2026-03-05T00:00:00Z".parse().unwrap(),
        max_age: None,
        demands: Demands::default(),
    }
}

/// The answer in words, and the record it rests on.
fn answer(sandbox: &Sandbox, suite: &str) -> (&'static str, Option<Oid>) {
    let repository = sandbox.open();
    match Records::load(&repository).unwrap().answer(&question(suite)).unwrap() {
        Answer::Pass { recorded, .. } => ("pass", Some(recorded.id())),
        Answer::Fail { recorded, why: Standing::Unended, .. } => ("fail", Some(recorded.id())),
        Answer::Fail { recorded, why: Standing::FlakyHistory { .. }, .. } => ("flaky", Some(recorded.id())),
        Answer::Nothing => ("nothing", None),
    }
}

fn is_established(sandbox: &Sandbox) -> bool {
    let repository = sandbox.open();
    Records::load(&repository)
        .unwrap()
        .established(REPOSITORY, Seen::Tree(oid(TREE)), Demands::default(), &|_| Ok(true))
        .unwrap()
        .is_some()
}

fn establishing(suite: &str) -> VerdictBody {
    let mut body = verdict(vec![passing(suite)]);
    body.established =
        Some(Established { bases: Vec::new(), obligations: vec![obligation(suite)], approvals: Vec::new() });
    body
}

fn append(sandbox: &Sandbox, body: VerdictBody) -> Recorded {
    sandbox.append(Body::Verdict(Box::new(body)))
}

fn approve(sandbox: &Sandbox, from: &[u8], to: &[u8]) {
    let (from, to) = (Digest::of(from), Digest::of(to));
    sandbox.append(Body::Policy(PolicyApproval { from, to, why: "the runner was renamed".to_owned() }));
}

#[test]
fn each_suite_of_a_record_answers_for_itself() {
    let sandbox = Sandbox::new(&[]);
    assert_eq!(answer(&sandbox, "payment"), ("nothing", None));
    assert!(!sandbox.path().join(".git/proof-gate").exists(), "asking an empty log writes nothing");
    let record = sandbox.record(vec![passing("payment"), failing("booking")]).id();
    assert_eq!(answer(&sandbox, "payment"), ("pass", Some(record)));
    assert_eq!(answer(&sandbox, "booking"), ("fail", Some(record)));
    assert_eq!(answer(&sandbox, "full"), ("nothing", None));
}

#[test]
fn a_resolved_fail_is_ended_by_three_runs_after_its_cause() {
    let sandbox = Sandbox::new(&[]);
    let fail = sandbox.record(vec![failing("payment")]).id();
    sandbox.record(vec![passing("payment")]);
    assert_eq!(answer(&sandbox, "payment"), ("flaky", Some(fail)));
    let cause = "the test database's disk was full".to_owned();
    sandbox.append(Body::Resolve(Resolution { record: fail, suite: "payment".to_owned(), cause }));
    assert_eq!(answer(&sandbox, "payment"), ("fail", Some(fail)));
    let repository = sandbox.open();
    assert!(Records::load(&repository).unwrap().unended_resolved(key_of("payment"), Demands::default()).unwrap());
    let pass = sandbox.record(vec![SuiteEntry { runs: 3, ..passing("payment") }]).id();
    assert_eq!(answer(&sandbox, "payment"), ("pass", Some(pass)));
    assert!(!Records::load(&repository).unwrap().unended_resolved(key_of("payment"), Demands::default()).unwrap());
}

#[test]
fn a_pass_on_other_inputs_ends_a_fail() {
    let sandbox = Sandbox::new(&[]);
    sandbox.record(vec![failing("payment")]);
    let mut body = verdict(vec![passing("payment")]);
    body.environment = environment(24);
    assert_eq!(answer(&sandbox, "payment").0, "fail");
    append(&sandbox, body);
    assert_eq!(answer(&sandbox, "payment").0, "pass");
}

#[test]
fn the_answer_is_the_same_without_the_index_with_a_damaged_and_with_an_old_one() {
    let sandbox = Sandbox::new(&[]);
    let index = sandbox.path().join(".git/proof-gate/index");
    sandbox.record(vec![failing_with("payment", Code::TimedOut)]);
    answer(&sandbox, "payment");
    let old = fs::read(&index).unwrap();
    let pass = sandbox.record(vec![passing("payment")]).id();
    let expected = ("pass", Some(pass));
    assert_eq!(answer(&sandbox, "payment"), expected);
    let whole = fs::read(&index).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let other_version = [b"proof-gate-index 9\n", &whole[b"proof-gate-index 2\n".len()..]].concat();
    // As the first version of the index was: one line for the version, one for the digest, then JSON.
    let json = br#"{"tips":{},"nodes":{}}"#;
    let in_json = [format!("proof-gate-index 1\n{}\n", Digest::of(json)).as_bytes(), json].concat();
    for bytes in [&old, &whole[..whole.len() / 2].to_vec(), &flipped, &other_version, &in_json, &Vec::new()] {
        fs::write(&index, bytes).unwrap();
        assert_eq!(answer(&sandbox, "payment"), expected);
        assert_eq!(fs::read(&index).unwrap().len(), whole.len(), "and it is mended");
    }
    fs::remove_file(&index).unwrap();
    assert_eq!(answer(&sandbox, "payment"), expected);
    fs::remove_file(&index).unwrap();
    fs::create_dir(&index).unwrap();
    assert_eq!(answer(&sandbox, "payment"), expected);
}

#[test]
fn an_answer_reads_the_record_again_and_not_the_index() {
    let sandbox = Sandbox::new(&[]);
    sandbox.record(vec![passing("payment")]);
    assert_eq!(answer(&sandbox, "payment").0, "pass");
    let blob = sandbox.git(&["for-each-ref", "--format=%(objectname)", "refs/proof"]);
    let blob = sandbox.git(&["rev-parse", &format!("{blob}:record.json")]);
    sandbox.unpack();
    fs::remove_file(sandbox.path().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let repository = sandbox.open();
    if let Ok(answer) = Records::load(&repository).unwrap().answer(&question("payment")) {
        assert_eq!(answer, Answer::Nothing, "a record that is gone is no PASS");
    }
}

#[test]
fn a_tree_is_established_only_while_everything_it_owed_still_passes() {
    let sandbox = Sandbox::new(&[]);
    sandbox.record(vec![passing("payment")]);
    assert!(!is_established(&sandbox), "nobody says so");
    append(&sandbox, establishing("payment"));
    assert!(is_established(&sandbox));
    sandbox.record(vec![failing("booking")]);
    assert!(!is_established(&sandbox), "another suite of this tree failed");
}

#[test]
fn a_claim_counts_neither_beyond_its_repository_nor_without_what_it_names() {
    let sandbox = Sandbox::new(&[]);
    let mut body = establishing("payment");
    body.established.as_mut().unwrap().obligations.push(obligation("booking"));
    append(&sandbox, body);
    assert!(!is_established(&sandbox), "one obligation holds no PASS");
    append(&sandbox, establishing("payment"));
    let repository = sandbox.open();
    let records = Records::load(&repository).unwrap();
    assert!(
        records.established(REPOSITORY, Seen::Tree(oid(TREE)), Demands::default(), &|_| Ok(true)).unwrap().is_some()
    );
    assert!(
        records.established("another", Seen::Tree(oid(TREE)), Demands::default(), &|_| Ok(true)).unwrap().is_none()
    );
    assert!(
        records.established(REPOSITORY, Seen::Tree(oid(COMMIT)), Demands::default(), &|_| Ok(true)).unwrap().is_none()
    );
    assert!(
        records
            .established(REPOSITORY, Seen::Tree(oid(TREE)), Demands { min_rules: 2, ..Demands::default() }, &|_| Ok(
                true
            ))
            .unwrap()
            .is_none(),
        "judged by older rules"
    );
}

#[test]
fn a_claim_that_needs_an_approval_waits_for_it() {
    let sandbox = Sandbox::new(&[]);
    let mut body = establishing("payment");
    let approval = Approval { from: Digest::of(b"a"), to: Digest::of(b"c") };
    body.established.as_mut().unwrap().approvals.push(approval);
    append(&sandbox, body);
    assert!(!is_established(&sandbox));
    approve(&sandbox, b"a", b"b");
    assert!(!is_established(&sandbox));
    approve(&sandbox, b"b", b"c");
    assert!(is_established(&sandbox));
}

#[test]
fn approvals_lead_on_but_not_back_and_not_beyond_their_repository() {
    let sandbox = Sandbox::new(&[]);
    approve(&sandbox, b"a", b"b");
    approve(&sandbox, b"b", b"a");
    approve(&sandbox, b"b", b"c");
    let repository = sandbox.open();
    let records = Records::load(&repository).unwrap();
    let approved = |id: &str, from: &[u8], to: &[u8]| {
        records.approved(id, Digest::of(from), Digest::of(to), Signatures::Any).unwrap()
    };
    assert!(approved(REPOSITORY, b"a", b"c") && approved(REPOSITORY, b"x", b"x"));
    assert!(!approved(REPOSITORY, b"c", b"a") && !approved(REPOSITORY, b"a", b"x") && !approved("another", b"a", b"b"));
}

#[test]
fn a_record_is_found_by_commit_tree_and_the_beginning_of_its_id() {
    let sandbox = Sandbox::new(&[]);
    let old = sandbox.record(vec![failing("payment")]).id();
    let new = sandbox.record(vec![passing("booking")]);
    let repository = sandbox.open();
    let records = Records::load(&repository).unwrap();
    assert_eq!(records.of_commit(oid(COMMIT)), [new.id(), old]);
    assert_eq!(records.newest_for(oid(TREE)).unwrap(), Some(new.clone()));
    assert_eq!(records.newest_for(oid(COMMIT)).unwrap(), None);
    assert_eq!(records.by_prefix(&new.id().to_string()[..12]).unwrap(), new);
    for wrong in ["", "abc", "main", "refs/heads/main", "00000000"] {
        assert_eq!(records.by_prefix(wrong).unwrap_err().exit, Exit::Usage, "{wrong}");
    }
}

#[test]
fn only_what_failed_can_be_resolved() {
    let sandbox = Sandbox::new(&[]);
    let mixed = sandbox.record(vec![passing("payment"), failing("booking")]).id();
    let pass = sandbox.record(vec![passing("full")]).id();
    let repository = sandbox.open();
    let records = Records::load(&repository).unwrap();
    assert_eq!(records.resolvable(mixed, None).unwrap(), ["booking"]);
    assert_eq!(records.resolvable(mixed, Some("booking")).unwrap(), ["booking"]);
    assert!(records.resolvable(mixed, Some("payment")).unwrap_err().hints[0].contains("booking"));
    assert!(records.resolvable(pass, None).unwrap_err().message.contains("PASS"));
}

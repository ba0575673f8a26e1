//! The checklist, asked with facts: what ticks a point, and what takes the tick away.

use super::*;
use crate::digest::Digest;
use crate::judge::Code;
use crate::records::{EvidenceFile, Statement, SuiteEntry, failing_with, passing, statement};

fn file(suite: &str, name: &str, media_type: &str) -> EvidenceFile {
    let name = format!("evidence/1-2-3/{suite}/{name}");
    EvidenceFile { sha256: Digest::of(name.as_bytes()), name, size: 1, media_type: media_type.to_owned() }
}

/// A suite with all that can be kept of it.
fn whole_suite() -> SuiteEntry {
    let evidence = [
        file("login", "log", "text/plain"),
        file("login", "report", "application/json"),
        file("login", "artifacts.json", "application/json"),
        file("login", "logs/server.txt", "text/plain"),
        file("login", "shots/card.png", "image/png"),
    ];
    SuiteEntry { evidence: evidence.into(), ..passing("login") }
}

fn owed(entry: &SuiteEntry) -> Owed {
    let entry = Some((entry.clone(), "here".to_owned()));
    Owed { suite: "login".to_owned(), held: Held::Pass("8c01d7e".to_owned()), entry }
}

/// Everything of it in order; `change` takes something away.
fn check(entry: SuiteEntry, change: fn(&mut Facts<'_>)) -> Vec<String> {
    let statement: Statement = statement(vec![entry]);
    let verdict = statement.verdict().unwrap();
    let mut facts = Facts {
        record: "8c01d7e".to_owned(),
        commit: "3f2a91c".to_owned(),
        is_of_commit: true,
        predicate: statement.predicate(),
        verdict,
        kinds: None,
        owed: vec![owed(&verdict.suites[0])],
        approvals: Vec::new(),
        resets: 1,
        asks_for_terminal: true,
        configured: vec![(
            "login".to_owned(),
            Configured { logs: Asked::Always, pictures: Asked::Always, ..Configured::default() },
        )],
        evidence: verdict.suites[0].evidence.iter().map(|file| (file.clone(), Standing::Intact)).collect(),
    };
    change(&mut facts);
    let items = items(&facts);
    let missing: Vec<String> = items
        .iter()
        .filter(|item| item.state == State::Missing)
        .map(|item| format!("{}: {} -> {}", item.about.as_str(), item.what, item.next.as_deref().unwrap_or("nothing")))
        .collect();
    assert_eq!(is_whole(&items), missing.is_empty());
    assert!(items.iter().all(|item| item.about.as_str().len() <= 12));
    missing
}

/// What is different about the facts.
type Change = fn(&mut Facts<'_>);

#[test]
fn a_proof_with_all_that_the_runbook_asks_for_is_whole() {
    assert_eq!(check(whole_suite(), |_| {}), [""; 0]);
}

#[test]
fn what_is_missing_is_named_with_what_to_do_about_it() {
    let cases: &[(Change, &str)] = &[
        (
            |facts| facts.owed.clear(),
            "suites: none: the commit owes no suite, and that cannot be right -> proof-gate plan 3f2a91c",
        ),
        (
            |facts| facts.owed[0].held = Held::Nothing,
            "verdict: nothing is recorded that counts -> proof-gate run 3f2a91c --suite login",
        ),
        (
            |facts| facts.owed[0].held = Held::Fail("0000001".to_owned(), Code::TestFailed),
            "verdict: FAIL TEST_FAILED -> proof-gate show 0000001",
        ),
        (
            |facts| facts.owed[0].held = Held::Contradicted("0000001".to_owned()),
            "verdict: FLAKY_HISTORY: PASS and FAIL on the same inputs -> proof-gate resolve 0000001 --suite login --cause TEXT",
        ),
        (
            |facts| facts.approvals = vec![true, false],
            "approval: the policy got weaker, and nobody approved that -> proof-gate approve-policy 3f2a91c -m WHY",
        ),
        (
            |facts| facts.evidence[0].1 = Standing::Gone,
            "log: is not here: removed, or only on here, where it was made -> proof-gate run 3f2a91c --suite login",
        ),
        (
            |facts| facts.evidence[1].1 = Standing::Altered,
            "report: is no longer what was recorded -> proof-gate run 3f2a91c --suite login",
        ),
        (
            |facts| facts.evidence[3].1 = Standing::Gone,
            "trace logs: is not here: removed, or only on here, where it was made -> proof-gate run 3f2a91c --suite login",
        ),
        (|facts| facts.evidence.truncate(4), "pictures: none was kept -> proof-gate run 3f2a91c --suite login"),
        (
            |facts| facts.configured.clear(),
            "trace logs: not configured -> add artifacts = [{ paths = \"logs/*.log\" }] to [suites.login]",
        ),
        (
            |facts| facts.configured[0].1 = Configured { artifacts: true, ..Configured::default() },
            "trace logs: not configured -> add { paths = \"logs/*.log\" } to the artifacts of [suites.login]",
        ),
    ];
    for (change, missing) in cases {
        assert_eq!(check(whole_suite(), *change), [*missing]);
    }
}

#[test]
fn findings_take_their_points_away() {
    for (code, point) in
        [(Code::TestFlaky, "flaky tests"), (Code::FlakyUnobservable, "flaky tests"), (Code::Warning, "warnings")]
    {
        let entry = SuiteEntry { evidence: whole_suite().evidence, ..failing_with("login", code) };
        assert_eq!(check(entry, |_| {}), [format!("{point}: in login -> proof-gate show 8c01d7e")]);
    }
}

#[test]
fn what_cannot_be_seen_is_neither_ticked_nor_missing() {
    let mut entry = whole_suite();
    entry.adapter = "exit-code".to_owned();
    entry.evidence.remove(1);
    let statement = statement(vec![entry.clone()]);
    let owed = owed(&entry);
    let facts = Facts {
        record: String::new(),
        commit: String::new(),
        is_of_commit: false,
        predicate: statement.predicate(),
        verdict: statement.verdict().unwrap(),
        kinds: None,
        owed: vec![owed],
        approvals: Vec::new(),
        resets: 0,
        asks_for_terminal: false,
        configured: vec![("login".to_owned(), Configured { hides_retries: true, ..Configured::default() })],
        evidence: Vec::new(),
    };
    let states: Vec<(About, State)> = items(&facts).iter().map(|item| (item.about, item.state)).collect();
    for about in [About::Flaky, About::Report, About::Database, About::Pictures] {
        let of: Vec<State> = states.iter().filter(|(known, _)| *known == about).map(|(_, state)| *state).collect();
        assert_eq!(of, [State::NotAsked], "{about:?}");
    }
    assert!(states.contains(&(About::Changelog, State::NotLooked)));
    assert_eq!(check(entry, |_| {}), [""; 0]);
}

#[test]
fn a_list_stands_for_artifacts_that_are_too_many_to_be_named() {
    let mut entry = whole_suite();
    entry.evidence.truncate(3);
    let listed: Change = |facts| {
        let files = whole_suite().evidence.into_iter().skip(3);
        facts.evidence.extend(files.map(|file| (file, Standing::Intact)));
    };
    assert_eq!(check(entry.clone(), listed), [""; 0]);
    let altered: Change = |facts| {
        let files = whole_suite().evidence.into_iter().skip(3);
        facts.evidence.extend(files.map(|file| (file, Standing::Altered)));
    };
    assert_eq!(check(entry.clone(), altered).len(), 2);
    let missing = check(entry, |facts| facts.evidence[2].1 = Standing::Altered);
    assert_eq!(missing.len(), 2, "{missing:?}");
}

#[test]
fn what_a_suite_may_leave_is_not_missing_but_for_logs_and_an_empty_file_is_none() {
    let mut entry = whole_suite();
    entry.evidence.truncate(3);
    let at_will: Change = |facts| {
        let asked = Asked::AtWill;
        facts.configured[0].1 = Configured { artifacts: true, logs: asked, pictures: asked, hides_retries: false };
    };
    let ask = "let [suites.login] leave one, and ask for it with at_least = 1";
    assert_eq!(check(entry, at_will), [format!("trace logs: none was kept -> {ask}")]);
    assert_eq!(check(whole_suite(), at_will), [""; 0]);
    let missing = check(whole_suite(), |facts| facts.evidence[3].0.size = 0);
    assert_eq!(missing, ["trace logs: none was kept -> proof-gate run 3f2a91c --suite login"]);
}

#[test]
fn globs_are_told_apart_by_what_they_hold_and_a_suite_by_the_name_of_login_has_no_log_by_that() {
    let with = |glob: &str, has_baseline| {
        let Configured { artifacts, logs, pictures, .. } =
            Configured::of([Declared { glob, has_baseline, at_least: 1 }]);
        assert!(artifacts);
        (logs == Asked::Always, pictures == Asked::Always)
    };
    let of = |glob: &str| with(glob, false);
    assert_eq!(of("logs/*.txt"), (true, false));
    assert_eq!(of("test-results/**/trace.zip"), (true, false));
    assert_eq!(of("test-results/**/*.png"), (false, true));
    assert_eq!(of("coverage/lcov.info"), (false, false));
    assert_eq!(with("out/**", true), (false, true), "only pictures have a baseline");
    assert_eq!(with("trace/**", true), (false, true));
    assert!(!Configured::of([]).artifacts);
    let mut entry = whole_suite();
    entry.evidence.remove(3);
    assert_eq!(check(entry, |_| {}).len(), 1);
}

//! The judge, asked by its own types: what fails, what passes, and in which order it says why.

use proptest::prelude::*;

use super::{Code, Counts, Finding, Judged, MAX_FINDINGS, Rules, Verdict, Word, judge};
use crate::evidence::{Ended, Noticed, Outcome, ReportEvidence, SuiteError, SuiteEvidence, TestCase, TestReport};
use crate::policy::{AllowLeftover, AllowSkipped};

fn case(title: &str, outcome: Outcome) -> TestCase {
    TestCase { title: title.to_owned(), identity: TestCase::identity_of(title), file: None, outcome, detail: None }
}

fn report(outcomes: &[Outcome]) -> TestReport {
    let cases = outcomes.iter().enumerate().map(|(n, outcome)| case(&format!("test {n}"), *outcome)).collect();
    TestReport { cases, ..TestReport::default() }
}

fn judged(ended: Ended, report: TestReport) -> Judged {
    judge(&SuiteEvidence::new(ended, ReportEvidence::Read(report)), &Rules::default())
}

fn codes(judged: &Judged) -> Vec<Code> {
    judged.verdict.findings().iter().map(|finding| finding.code).collect()
}

#[test]
fn all_tests_passed_and_exit_0_is_a_pass() {
    let judged = judged(Ended::Exited(0), report(&[Outcome::Passed, Outcome::Passed]));
    assert_eq!(judged.verdict, Verdict::Pass);
    assert_eq!(judged.counts, Counts { passed: 2, ..Counts::default() });
}

#[test]
fn no_other_end_than_exit_0_is_a_pass_whatever_the_report_says() {
    for (ended, code) in [
        (Ended::Exited(1), Code::ExitNonzero),
        (Ended::Exited(-1), Code::ExitNonzero),
        (Ended::Signalled(9), Code::Killed),
        (Ended::TimedOut, Code::TimedOut),
    ] {
        assert_eq!(codes(&judged(ended, report(&[Outcome::Passed]))), [code]);
        let no_report = SuiteEvidence::new(ended, ReportEvidence::NotAsked);
        assert_eq!(codes(&judge(&no_report, &Rules::default())), [code]);
    }
}

#[test]
fn a_suite_without_a_report_is_judged_by_its_exit_code_alone() {
    let evidence = SuiteEvidence::new(Ended::Exited(0), ReportEvidence::NotAsked);
    assert_eq!(judge(&evidence, &Rules { min_tests: 5, ..Rules::default() }).verdict, Verdict::Pass);
}

#[test]
fn a_focus_that_the_sources_show_is_not_said_again_by_the_report() {
    let report = TestReport { focused: vec!["pays (a.js)".to_owned(), "books (b.js)".to_owned()], ..report(&[]) };
    let noticed = vec![Noticed::Focused { place: "a.js:3 it.only".to_owned() }];
    let evidence = SuiteEvidence { noticed, ..SuiteEvidence::new(Ended::Exited(1), ReportEvidence::Read(report)) };
    let judged = judge(&evidence, &Rules::default());
    let focused = judged.verdict.findings().into_iter().filter(|finding| finding.code == Code::Focused);
    assert_eq!(focused.map(|finding| finding.detail.as_str()).collect::<Vec<_>>(), ["books (b.js)", "a.js:3 it.only"]);
}

#[test]
fn a_report_that_cannot_be_used_is_a_fail_at_exit_0() {
    for code in [Code::ReportMissing, Code::ReportEmpty, Code::ReportMalformed, Code::ReportStale] {
        let report = ReportEvidence::Unusable { code, detail: "why".to_owned() };
        let evidence = SuiteEvidence::new(Ended::Exited(0), report);
        assert_eq!(codes(&judge(&evidence, &Rules::default())), [code]);
    }
}

#[test]
fn skipped_tests_are_not_executed() {
    let any_skipped = || vec![AllowSkipped { test: String::new(), reason: "they may".to_owned() }];
    let of = |outcomes: &[Outcome], min_tests| {
        let rules = Rules { min_tests, allow_skipped: any_skipped(), ..Rules::default() };
        codes(&judge(&SuiteEvidence::new(Ended::Exited(0), ReportEvidence::Read(report(outcomes))), &rules))
    };
    assert_eq!(of(&[Outcome::Skipped], 1), [Code::ZeroTests]);
    assert_eq!(of(&[], 1), [Code::ZeroTests]);
    assert_eq!(of(&[Outcome::Passed, Outcome::Skipped], 2), [Code::TooFewTests]);
    assert_eq!(of(&[Outcome::Passed, Outcome::Skipped], 0), []);
    assert_eq!(of(&[], 0), [Code::ZeroTests]);
}

#[test]
fn a_test_that_passed_and_failed_is_flaky_and_one_that_passed_twice_is_not() {
    let twice = |second| TestReport {
        cases: vec![case("charges", Outcome::Passed), case("charges", second)],
        ..TestReport::default()
    };
    assert_eq!(codes(&judged(Ended::Exited(1), twice(Outcome::Failed)))[..2], [Code::TestFailed, Code::TestFlaky]);
    assert_eq!(judged(Ended::Exited(0), twice(Outcome::Passed)).verdict, Verdict::Pass);
}

#[test]
fn the_headline_is_what_explains_most() {
    let mut report = report(&[Outcome::Flaky, Outcome::Failed]);
    report.errors.push(SuiteError { title: None, file: None, detail: "the hook failed".to_owned() });
    let expected = [Code::TestFailed, Code::SuiteError, Code::TestFlaky, Code::ExitNonzero];
    assert_eq!(codes(&judged(Ended::Exited(2), report)), expected);
}

#[test]
fn failures_at_exit_0_contradict_it() {
    let judged = judged(Ended::Exited(0), report(&[Outcome::Passed, Outcome::Failed]));
    assert_eq!(codes(&judged), [Code::TestFailed, Code::ReportDisagrees]);
}

#[test]
fn many_findings_are_bounded_and_every_code_stays() {
    let judged = judged(Ended::Exited(1), report(&[[Outcome::Failed; 500], [Outcome::Flaky; 500]].concat()));
    let findings = judged.verdict.findings();
    assert_eq!(findings.len(), MAX_FINDINGS + 1);
    assert!(codes(&judged).contains(&Code::TestFlaky) && codes(&judged).contains(&Code::ExitNonzero));
    assert_eq!(findings[MAX_FINDINGS].detail, "and 801 more findings, not listed");
    assert_eq!(judged.counts.failed, 500);
}

fn any_code() -> impl Strategy<Value = Code> {
    prop::sample::select(vec![
        Code::ExitNonzero,
        Code::LeftoverProcesses,
        Code::ReportMissing,
        Code::TestFailed,
        Code::TestFlaky,
        Code::Warning,
        Code::ArtifactMissing,
        Code::TreeChanged,
    ])
}

fn any_evidence() -> impl Strategy<Value = SuiteEvidence> {
    let outcome = prop::sample::select(vec![Outcome::Passed, Outcome::Failed, Outcome::Flaky, Outcome::Skipped]);
    let ended = prop_oneof![
        any::<i32>().prop_map(Ended::Exited),
        Just(Ended::Exited(0)),
        Just(Ended::Signalled(9)),
        Just(Ended::TimedOut)
    ];
    (ended, prop::collection::vec(outcome, 0..6))
        .prop_map(|(ended, outcomes)| SuiteEvidence::new(ended, ReportEvidence::Read(report(&outcomes))))
}

#[test]
fn a_suite_that_was_cut_off_owes_no_report_but_a_stale_one_is_named() {
    for (ended, cut_off) in [(Ended::Signalled(9), Code::Killed), (Ended::TimedOut, Code::TimedOut)] {
        let of = |code| {
            let report = ReportEvidence::Unusable { code, detail: "why".to_owned() };
            codes(&judge(&SuiteEvidence::new(ended, report), &Rules::default()))
        };
        for code in [Code::ReportMissing, Code::ReportEmpty, Code::ReportMalformed] {
            assert_eq!(of(code), [cut_off]);
        }
        assert!(of(Code::ReportStale).contains(&Code::ReportStale) && of(Code::ReportStale).contains(&cut_off));
    }
}

proptest! {
    #[test]
    fn a_finding_never_turns_a_fail_into_a_pass(
        evidence in any_evidence(), more in prop::collection::vec(any_code(), 0..4), min_tests in 0_u64..8,
    ) {
        let before = judge(&evidence, &Rules { min_tests, ..Rules::default() });
        let after = before.clone().with(more.iter().map(|code| Finding { code: *code, test: None, detail: String::new() }));
        let fails = before.verdict.word() == Word::Fail || !more.is_empty();
        prop_assert_eq!(after.verdict.word() == Word::Fail, fails);
        prop_assert!(before.verdict.findings().iter().all(|finding| after.verdict.findings().contains(finding)));
    }

    #[test]
    fn one_more_bad_test_never_turns_a_fail_into_a_pass(evidence in any_evidence(), min_tests in 0_u64..8) {
        let ReportEvidence::Read(mut report) = evidence.report.clone() else { panic!("it was read") };
        for outcome in [Outcome::Failed, Outcome::Flaky] {
            report.cases.push(case("one more", outcome));
            let worse = SuiteEvidence::new(evidence.ended, ReportEvidence::Read(report.clone()));
            prop_assert_eq!(judge(&worse, &Rules { min_tests, ..Rules::default() }).verdict.word(), Word::Fail);
        }
    }

    #[test]
    fn a_pass_has_exit_0_and_enough_tests_that_all_passed_at_once(evidence in any_evidence(), min_tests in 0_u64..8) {
        let judged = judge(&evidence, &Rules { min_tests, ..Rules::default() });
        if judged.verdict == Verdict::Pass {
            prop_assert_eq!(evidence.ended, Ended::Exited(0));
            prop_assert_eq!((judged.counts.failed, judged.counts.flaky), (0, 0));
            prop_assert!(judged.counts.passed >= min_tests.max(1));
        }
    }
}

/// What becomes of one process that was left running, by a suite that allows `allowed`.
#[track_caller]
fn check_leftover(program: &str, command: &str, allowed: &str, expected: &[Code]) {
    let allow = AllowLeftover { program: allowed.to_owned(), reason: "it stays".to_owned() };
    let allow_leftover = if allowed.is_empty() { vec![] } else { vec![allow] };
    let mut evidence = SuiteEvidence::new(Ended::Exited(0), ReportEvidence::NotAsked);
    evidence.noticed = vec![Noticed::Leftover { program: program.to_owned(), command: command.to_owned() }];
    let judged = judge(&evidence, &Rules { allow_leftover, ..Rules::default() });
    assert_eq!(codes(&judged), expected, "{program}: {command}");
    let said = judged.notes.iter().any(|note| note.contains(command));
    assert_eq!(said, expected.is_empty(), "{:?}", judged.notes);
}

#[test]
fn a_process_that_was_left_running_is_a_finding_unless_the_suite_allows_it() {
    let finding = [Code::LeftoverProcesses];
    check_leftover("node", "node server.js", "", &finding);
    check_leftover("node", "node server.js", "^server", &finding);
    check_leftover("node", "node server.js", "server\\.js$", &[]);
    check_leftover("postgres", "postgres: writer", "^postgres$", &[]);
    check_leftover("node", "node server.js", "(", &finding);
}

#[test]
fn daemons_of_build_tools_are_noted_and_what_only_sounds_like_one_is_a_finding() {
    check_leftover("esbuild", "/x/esbuild --service=0.25.0 --ping", "", &[]);
    check_leftover("watchman", "watchman --foreground", "", &[]);
    check_leftover("turbo", "/x/turbo --skip-infer daemon", "", &[]);
    check_leftover("node", "node /x/node_modules/nx/src/daemon/server/start.js", "", &[]);
    check_leftover("java", "java -cp x org.gradle.launcher.daemon.bootstrap.GradleDaemon 8.5", "", &[]);
    check_leftover("turbo", "/x/turbo run serve", "", &[Code::LeftoverProcesses]);
    check_leftover("node", "node esbuild-server.js", "", &[Code::LeftoverProcesses]);
}

//! What holds of the judge whatever the evidence is: bad news stays bad, good news less makes nothing better, an exception takes away only
//! what it is about.

use proptest::prelude::*;
use proptest::sample::Index;

use super::{Code, Flaky, Judged, Rules, Word, judge};
use crate::evidence::{
    Ended, Filter, Noticed, Outcome, ReportEvidence, SuiteError, SuiteEvidence, TestCase, TestReport,
};
use crate::policy::{Adapter, AllowLeftover, AllowSkipped};

const TITLES: &[&str] = &["payment charges", "payment refunds", "booking books", "stop"];
const PROGRAMS: &[&str] = &["node", "postgres"];

fn case((title, outcome): (&str, Outcome)) -> TestCase {
    TestCase { title: title.to_owned(), identity: TestCase::identity_of(title), file: None, outcome, detail: None }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop::sample::select(vec![
        Outcome::Passed,
        Outcome::Passed,
        Outcome::Passed,
        Outcome::Skipped,
        Outcome::Failed,
        Outcome::Flaky,
        Outcome::NotRun,
    ])
}

fn cases() -> impl Strategy<Value = TestCase> {
    (prop::sample::select(TITLES), outcomes()).prop_map(case)
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(Just("x".to_owned()), 0..2)
}

fn noticed() -> impl Strategy<Value = Noticed> {
    let program = prop::sample::select(PROGRAMS).prop_map(str::to_owned);
    prop_oneof![
        program.prop_map(|program| Noticed::Leftover { command: program.clone(), program }),
        Just(Noticed::Cached { line: "test: cache hit".to_owned() }),
        Just(Noticed::Focused { place: "a.js:1 it.only".to_owned() }),
        Just(Noticed::Usage { detail: "unknown option".to_owned() }),
        Just(Noticed::Warning {
            place: "log:1".to_owned(),
            line: "did not exit".to_owned(),
            like: Some("did not exit".to_owned())
        }),
        Just(Noticed::Note("nothing".to_owned())),
    ]
}

fn reports() -> impl Strategy<Value = TestReport> {
    let lists = (words(), words(), words(), words());
    (prop::collection::vec(cases(), 0..6), lists, 0_usize..2).prop_map(
        |(cases, (focused, cached, files_as_tests, contradictions), errors)| {
            let error = SuiteError { title: None, file: None, detail: "the hook failed".to_owned() };
            TestReport { cases, errors: vec![error; errors / 2], focused, cached, files_as_tests, contradictions }
        },
    )
}

prop_compose! {
    fn evidence()(
        // Most of it green, so that what is changed decides.
        ended in prop_oneof![4 => Just(Ended::Exited(0)), 1 => Just(Ended::Exited(1)), 1 => Just(Ended::TimedOut)],
        report in prop_oneof![
            3 => reports(),
            3 => prop::collection::vec((prop::sample::select(TITLES), Just(Outcome::Passed)).prop_map(case), 1..5)
                .prop_map(|cases| TestReport { cases, ..TestReport::default() }),
        ],
        noticed in prop::collection::vec(noticed(), 0..2),
    ) -> SuiteEvidence {
        SuiteEvidence { ended, report: ReportEvidence::Read(report), noticed }
    }
}

prop_compose! {
    fn rules()(
        min_tests in 0_u64..4,
        filter in prop::sample::select(vec![None, Some("payment"), Some("nothing"), Some("("), Some("")]),
        skipped in prop::sample::subsequence(vec!["payment", "books$", "("], 0..3),
        leftover in prop::sample::subsequence(PROGRAMS.to_vec(), 0..2),
        flaky in prop::sample::select(vec![Flaky::Seen, Flaky::Seen, Flaky::Accepted, Flaky::Unseen]),
    ) -> Rules {
        let filter = filter.map(|pattern| ["mocha", "--grep", pattern].map(str::to_owned));
        let reason = || "they may".to_owned();
        Rules {
            min_tests,
            allow_leftover: leftover.iter().map(|name| AllowLeftover { program: (*name).to_owned(), reason: reason() }).collect(),
            allow_skipped: skipped.iter().map(|test| AllowSkipped { test: (*test).to_owned(), reason: reason() }).collect(),
            filter: filter.map_or(Ok(None), |argv| Filter::of(Adapter::MochaJson, &argv)),
            filter_hint: None,
            flaky,
        }
    }
}

fn word(judged: &Judged) -> Word {
    judged.verdict.word()
}

fn read(evidence: &SuiteEvidence) -> &TestReport {
    let ReportEvidence::Read(report) = &evidence.report else { panic!("it was read") };
    report
}

fn with(evidence: &SuiteEvidence, report: TestReport) -> SuiteEvidence {
    SuiteEvidence { report: ReportEvidence::Read(report), ..evidence.clone() }
}

/// One more fact that forbids PASS whatever the rules are.
fn worsened(evidence: &SuiteEvidence, fact: usize) -> SuiteEvidence {
    let mut evidence = evidence.clone();
    let mut report = read(&evidence).clone();
    match fact {
        0 => report.cases.push(case(("payment fails", Outcome::Failed))),
        1 => report.cases.push(case(("payment flaps", Outcome::Flaky))),
        2 => report.cases.push(case(("payment waits", Outcome::NotRun))),
        3 => report.focused.push("a test".to_owned()),
        4 => report.cached.push("a package".to_owned()),
        5 => report.files_as_tests.push("a.js".to_owned()),
        6 => report.contradictions.push("it counts more".to_owned()),
        7 => report.errors.push(SuiteError { title: None, file: None, detail: "the hook failed".to_owned() }),
        8 => evidence.noticed.push(Noticed::Cached { line: "test: cache hit".to_owned() }),
        9 => evidence.noticed.push(Noticed::Focused { place: "a.js:1".to_owned() }),
        10 => evidence.noticed.push(Noticed::Usage { detail: "unknown option".to_owned() }),
        _ => evidence.ended = Ended::Exited(3),
    }
    evidence.report = ReportEvidence::Read(report);
    evidence
}

proptest! {
    #[test]
    fn one_more_bad_fact_is_a_fail_whatever_else_there_is(evidence in evidence(), rules in rules(), fact in 0_usize..12) {
        prop_assert_eq!(word(&judge(&worsened(&evidence, fact), &rules)), Word::Fail);
    }

    #[test]
    fn one_more_test_that_was_skipped_or_ran_beside_the_filter_never_turns_a_fail_into_a_pass(
        evidence in evidence(), rules in rules(), title in prop::sample::select(TITLES), skipped in any::<bool>(),
    ) {
        let before = judge(&evidence, &rules);
        let mut report = read(&evidence).clone();
        let one_more = case((title, if skipped { Outcome::Skipped } else { Outcome::Passed }));
        let is_chosen = match &rules.filter {
            Ok(Some(filter)) => filter.chooses(&one_more).unwrap_or(false),
            Ok(None) => true,
            Err(_) => false,
        };
        report.cases.push(one_more);
        let after = judge(&with(&evidence, report), &rules);
        if skipped {
            prop_assert!(word(&before) == Word::Pass || word(&after) == Word::Fail);
        } else if !is_chosen {
            prop_assert_eq!(word(&after), Word::Fail);
        }
    }

    #[test]
    fn good_news_less_never_turns_a_fail_into_a_pass(evidence in evidence(), rules in rules(), which in any::<Index>()) {
        let mut report = read(&evidence).clone();
        let filter = rules.filter.as_ref().ok().and_then(Option::as_ref);
        let is_good = |case: &TestCase| {
            case.outcome == Outcome::Passed && filter.is_none_or(|filter| filter.chooses(case).unwrap_or(false))
        };
        let good: Vec<usize> = (0..report.cases.len()).filter(|at| is_good(&report.cases[*at])).collect();
        prop_assume!(!good.is_empty());
        let before = judge(&evidence, &rules);
        let removed = report.cases.remove(good[which.index(good.len())]);
        // That a test passed as well as failed is a fact about it, and goes with either.
        prop_assume!(!report.cases.iter().any(|case| case.identity == removed.identity && case.outcome == Outcome::Failed));
        let after = judge(&with(&evidence, report), &rules);
        prop_assert!(word(&before) == Word::Pass || word(&after) == Word::Fail);
    }

    #[test]
    fn the_order_of_tests_changes_no_verdict(evidence in evidence(), rules in rules(), turn in any::<Index>()) {
        let mut report = read(&evidence).clone();
        let length = report.cases.len().max(1);
        report.cases.rotate_left(turn.index(length));
        let codes = |judged: &Judged| {
            let mut codes: Vec<Code> = judged.verdict.findings().iter().map(|finding| finding.code).collect();
            codes.sort();
            codes
        };
        let turned = judge(&with(&evidence, report), &rules);
        prop_assert_eq!(codes(&judge(&evidence, &rules)), codes(&turned));
    }

    #[test]
    fn an_exception_more_never_adds_a_finding(evidence in evidence(), rules in rules(), pattern in prop::sample::select(vec!["payment", "", "(", "node"])) {
        let reason = "they may".to_owned();
        let mut more = rules.clone();
        more.allow_skipped.push(AllowSkipped { test: pattern.to_owned(), reason: reason.clone() });
        more.allow_leftover.push(AllowLeftover { program: pattern.to_owned(), reason });
        let (before, after) = (judge(&evidence, &rules), judge(&evidence, &more));
        for finding in after.verdict.findings() {
            prop_assert!(before.verdict.findings().contains(&finding), "{:?}", finding);
        }
        for gone in before.verdict.findings().into_iter().filter(|finding| !after.verdict.findings().contains(finding)) {
            prop_assert!(matches!(gone.code, Code::SkippedTests | Code::LeftoverProcesses), "{:?}", gone);
        }
    }

    #[test]
    fn what_could_be_allowed_is_given_for_every_finding_that_an_exception_takes_away(evidence in evidence(), rules in rules()) {
        let judged = judge(&evidence, &rules);
        let asks = |code| judged.verdict.findings().iter().any(|finding| finding.code == code);
        let allowable = [Code::SkippedTests, Code::LeftoverProcesses, Code::Warning, Code::FlakyUnobservable];
        prop_assert_eq!(!judged.allowances.is_empty(), allowable.into_iter().any(asks));
    }
}

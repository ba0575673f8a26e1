//! From evidence to a verdict. The one place that decides what a test report is worth.

use std::collections::BTreeMap;

use super::finding::{Code, Finding};
use super::verdict::{Counts, Verdict};
use crate::evidence::{Ended, Outcome, ReportEvidence, SuiteError, SuiteEvidence, TestCase, TestReport};
use crate::policy::Suite;

/// The version of the rules below. It stands in every record and goes up whenever the same evidence could be judged
/// more strictly than before, so that a gate can ask for proofs that were judged by rules as strict as its own.
pub const RULES_VERSION: u32 = 1;

/// What a suite asks of its evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Fewer executed tests are a finding. None at all are one whatever stands here.
    pub min_tests: u64,
}

impl Rules {
    /// The rules of a suite of the policy.
    pub fn of(suite: &Suite) -> Self {
        Rules { min_tests: suite.min_tests }
    }
}

/// A verdict, and the tests that it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// PASS or FAIL.
    pub verdict: Verdict,
    /// The tests of the report; all 0 where there is none.
    pub counts: Counts,
}

impl Judged {
    /// The same with more findings, which the run showed outside of the report: processes left over, warnings, artifacts.
    ///
    /// All of them are kept, so who brings them bounds them.
    pub fn with(self, more: impl IntoIterator<Item = Finding>) -> Self {
        let mut findings = self.verdict.into_findings();
        findings.extend(more);
        findings.sort_by_key(|finding| finding.code.rank());
        Judged { verdict: Verdict::of(findings), counts: self.counts }
    }
}

/// Judges the evidence of one suite.
pub fn judge(evidence: &SuiteEvidence, rules: &Rules) -> Judged {
    let mut findings = Vec::new();
    let mut counts = Counts::default();
    match evidence.ended {
        Ended::Exited(0) => {}
        Ended::Exited(code) => findings.push(finding(Code::ExitNonzero, format!("exit code {code}"))),
        Ended::Signalled(signal) => findings.push(finding(Code::Killed, format!("ended by signal {signal}"))),
        Ended::TimedOut => findings.push(finding(Code::TimedOut, "the suite's time was over".to_owned())),
    }
    match &evidence.report {
        ReportEvidence::NotAsked => {}
        ReportEvidence::Unusable { code, detail } => findings.push(finding(*code, detail.clone())),
        ReportEvidence::Read(report) => {
            counts = count(report);
            findings.extend(failures_of(report));
            findings.extend(contradictions_of(report, evidence.ended, counts));
            findings.extend(too_few(counts, rules));
        }
    }
    Judged { verdict: Verdict::of_unsorted(findings), counts }
}

fn count(report: &TestReport) -> Counts {
    let mut counts = Counts::default();
    for case in &report.cases {
        match case.outcome {
            Outcome::Passed => counts.passed += 1,
            Outcome::Failed => counts.failed += 1,
            Outcome::Flaky => counts.flaky += 1,
            Outcome::Skipped => counts.skipped += 1,
        }
    }
    counts
}

fn failures_of(report: &TestReport) -> impl Iterator<Item = Finding> + '_ {
    let cases = report.cases.iter().filter_map(|case| {
        let code = match case.outcome {
            Outcome::Failed => Code::TestFailed,
            Outcome::Flaky => Code::TestFlaky,
            Outcome::Passed | Outcome::Skipped => return None,
        };
        let detail = in_file(case.detail.as_deref().unwrap_or_default(), case.file.as_deref());
        Some(Finding { code, test: Some(case.title.clone()), detail })
    });
    let errors = report.errors.iter().map(|SuiteError { title, file, detail }| Finding {
        code: Code::SuiteError,
        test: title.clone(),
        detail: in_file(detail, file.as_deref()),
    });
    let files = report.files_as_tests.iter().map(|file| Finding {
        code: Code::FileAsTest,
        test: Some(file.clone()),
        detail: "the file holds no test and was counted as one".to_owned(),
    });
    cases.chain(errors).chain(files).chain(unsteady(&report.cases))
}

/// Tests that the report holds more than once, passed and failed.
fn unsteady(cases: &[TestCase]) -> Vec<Finding> {
    let mut seen: BTreeMap<(&str, &str, Option<&str>), (bool, bool)> = BTreeMap::new();
    for case in cases {
        let (passed, failed) = seen.entry((&case.title, &case.place, case.file.as_deref())).or_default();
        match case.outcome {
            Outcome::Passed => *passed = true,
            Outcome::Failed => *failed = true,
            Outcome::Flaky | Outcome::Skipped => {}
        }
    }
    seen.into_iter()
        .filter(|(_, outcomes)| *outcomes == (true, true))
        .map(|((title, _, file), _)| Finding {
            code: Code::TestFlaky,
            test: Some(title.to_owned()),
            detail: in_file("the report holds it more than once, passed and failed", file),
        })
        .collect()
}

fn contradictions_of(report: &TestReport, ended: Ended, counts: Counts) -> Vec<Finding> {
    let failures = counts.failed + report.errors.len() as u64;
    let against_exit = (failures > 0 && ended == Ended::Exited(0))
        .then(|| format!("the suite ended with 0, its report shows {failures} failed"));
    let stated = report.contradictions.iter().cloned();
    stated.chain(against_exit).map(|detail| finding(Code::ReportDisagrees, detail)).collect()
}

fn too_few(counts: Counts, rules: &Rules) -> Option<Finding> {
    match counts.executed() {
        0 if counts.skipped > 0 => {
            Some(finding(Code::ZeroTests, format!("no test was executed, {} skipped", counts.skipped)))
        }
        0 => Some(finding(Code::ZeroTests, "no test was executed".to_owned())),
        executed if executed < rules.min_tests => {
            let detail = format!("{executed} executed, min_tests is {}", rules.min_tests);
            Some(finding(Code::TooFewTests, detail))
        }
        _ => None,
    }
}

fn finding(code: Code, detail: String) -> Finding {
    Finding { code, test: None, detail }
}

fn in_file(detail: &str, file: Option<&str>) -> String {
    match file {
        None => detail.to_owned(),
        Some(file) if detail.contains(file) => detail.to_owned(),
        Some(file) if detail.is_empty() => file.to_owned(),
        Some(file) => format!("{detail} ({file})"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::verdict::{MAX_FINDINGS, Word};
    use super::*;

    fn case(title: &str, outcome: Outcome) -> TestCase {
        TestCase { title: title.to_owned(), place: String::new(), file: None, outcome, detail: None }
    }

    fn report(outcomes: &[Outcome]) -> TestReport {
        let cases = outcomes.iter().enumerate().map(|(n, outcome)| case(&format!("test {n}"), *outcome)).collect();
        TestReport { cases, ..TestReport::default() }
    }

    fn judged(ended: Ended, report: TestReport) -> Judged {
        judge(&SuiteEvidence { ended, report: ReportEvidence::Read(report) }, &Rules { min_tests: 1 })
    }

    fn codes(judged: &Judged) -> Vec<Code> {
        judged.verdict.findings().iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn all_tests_passed_and_exit_0_is_a_pass() {
        let judged = judged(Ended::Exited(0), report(&[Outcome::Passed, Outcome::Skipped]));
        assert_eq!(judged.verdict, Verdict::Pass);
        assert_eq!(judged.counts, Counts { passed: 1, skipped: 1, ..Counts::default() });
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
            let no_report = SuiteEvidence { ended, report: ReportEvidence::NotAsked };
            assert_eq!(codes(&judge(&no_report, &Rules { min_tests: 1 })), [code]);
        }
    }

    #[test]
    fn a_suite_without_a_report_is_judged_by_its_exit_code_alone() {
        let evidence = SuiteEvidence { ended: Ended::Exited(0), report: ReportEvidence::NotAsked };
        assert_eq!(judge(&evidence, &Rules { min_tests: 5 }).verdict, Verdict::Pass);
    }

    #[test]
    fn a_report_that_cannot_be_used_is_a_fail_at_exit_0() {
        for code in [Code::ReportMissing, Code::ReportEmpty, Code::ReportMalformed, Code::ReportStale] {
            let report = ReportEvidence::Unusable { code, detail: "why".to_owned() };
            let evidence = SuiteEvidence { ended: Ended::Exited(0), report };
            assert_eq!(codes(&judge(&evidence, &Rules { min_tests: 1 })), [code]);
        }
    }

    #[test]
    fn skipped_tests_are_not_executed() {
        assert_eq!(codes(&judged(Ended::Exited(0), report(&[Outcome::Skipped]))), [Code::ZeroTests]);
        assert_eq!(codes(&judged(Ended::Exited(0), report(&[]))), [Code::ZeroTests]);
        let evidence = SuiteEvidence {
            ended: Ended::Exited(0),
            report: ReportEvidence::Read(report(&[Outcome::Passed, Outcome::Skipped])),
        };
        assert_eq!(codes(&judge(&evidence, &Rules { min_tests: 2 })), [Code::TooFewTests]);
        assert_eq!(codes(&judge(&evidence, &Rules { min_tests: 0 })), []);
        let none = SuiteEvidence { ended: Ended::Exited(0), report: ReportEvidence::Read(report(&[])) };
        assert_eq!(codes(&judge(&none, &Rules { min_tests: 0 })), [Code::ZeroTests]);
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
            .prop_map(|(ended, outcomes)| SuiteEvidence { ended, report: ReportEvidence::Read(report(&outcomes)) })
    }

    proptest! {
        #[test]
        fn a_finding_never_turns_a_fail_into_a_pass(
            evidence in any_evidence(), more in prop::collection::vec(any_code(), 0..4), min_tests in 0_u64..8,
        ) {
            let before = judge(&evidence, &Rules { min_tests });
            let after = before.clone().with(more.iter().map(|code| finding(*code, String::new())));
            let fails = before.verdict.word() == Word::Fail || !more.is_empty();
            prop_assert_eq!(after.verdict.word() == Word::Fail, fails);
            prop_assert!(before.verdict.findings().iter().all(|finding| after.verdict.findings().contains(finding)));
        }

        #[test]
        fn one_more_bad_test_never_turns_a_fail_into_a_pass(evidence in any_evidence(), min_tests in 0_u64..8) {
            let ReportEvidence::Read(mut report) = evidence.report.clone() else { panic!("it was read") };
            for outcome in [Outcome::Failed, Outcome::Flaky] {
                report.cases.push(case("one more", outcome));
                let worse = SuiteEvidence { ended: evidence.ended, report: ReportEvidence::Read(report.clone()) };
                prop_assert_eq!(judge(&worse, &Rules { min_tests }).verdict.word(), Word::Fail);
            }
        }

        #[test]
        fn a_pass_has_exit_0_and_enough_tests_that_all_passed_at_once(evidence in any_evidence(), min_tests in 0_u64..8) {
            let judged = judge(&evidence, &Rules { min_tests });
            if judged.verdict == Verdict::Pass {
                prop_assert_eq!(evidence.ended, Ended::Exited(0));
                prop_assert_eq!((judged.counts.failed, judged.counts.flaky), (0, 0));
                prop_assert!(judged.counts.passed >= min_tests.max(1));
            }
        }
    }
}

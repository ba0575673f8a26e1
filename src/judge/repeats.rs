//! What several runs of one suite differ in, although their inputs are the same.
//!
//! Deliberately absent: what each run showed by itself; [`judge`](super::judge) has weighed that.

use std::collections::{BTreeMap, HashMap};

use super::finding::{Code, Finding};
use super::verdict::Word;
use crate::evidence::{Outcome, ReportEvidence, TestCase};

/// Tests named as differing, at most; the rest is counted.
const MAX_TESTS: usize = 50;
/// Runs named for one outcome, at most; the rest is counted.
const MAX_RUNS: usize = 3;

/// One of several runs of a suite.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Its verdict by itself.
    pub verdict: Word,
    /// What its report told.
    pub report: &'a ReportEvidence,
    /// What was varied in it; `None` where nothing is varied in any run.
    pub under: Option<String>,
}

/// What happened to a test in one run, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Failed,
    Flaky,
    NotRun,
    Skipped,
    Absent,
    Passed,
}

/// The runs that list a test: what happened to it there, and how often it stands there.
type Entries = BTreeMap<usize, (Seen, usize)>;

impl Seen {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Seen::Passed,
            Outcome::Failed => Seen::Failed,
            Outcome::Flaky => Seen::Flaky,
            Outcome::Skipped => Seen::Skipped,
            Outcome::NotRun => Seen::NotRun,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Seen::Failed => "failed in",
            Seen::Flaky => "passed at a second attempt in",
            Seen::NotRun => "did not run in",
            Seen::Skipped => "was skipped in",
            Seen::Absent => "is not in the report of",
            Seen::Passed => "passed in",
        }
    }
}

/// One `TEST_FLAKY` for each test with more than one outcome, and one for the suite where its verdicts differ and no test shows why.
///
/// Tests are told apart by title and file. That a test is absent counts between runs that passed only: what follows a failure may
/// never be reached.
pub fn differences(runs: &[Run<'_>]) -> Vec<Finding> {
    let mut tests: Vec<(&str, Option<&str>)> = Vec::new();
    let mut seen: HashMap<(&str, Option<&str>), Entries> = HashMap::new();
    for (number, run) in runs.iter().enumerate() {
        for case in cases_of(run) {
            let test = (case.title.as_str(), case.file.as_deref());
            let outcomes = seen.entry(test).or_insert_with(|| {
                tests.push(test);
                Entries::new()
            });
            let (outcome, times) = outcomes.entry(number).or_insert((Seen::Passed, 0));
            *outcome = (*outcome).min(Seen::of(case.outcome));
            *times += 1;
        }
    }
    let must_have = |run: &Run<'_>| run.verdict == Word::Pass && matches!(run.report, ReportEvidence::Read(_));
    let must_have: Vec<usize> = (0..runs.len()).filter(|number| must_have(&runs[*number])).collect();
    let mut findings = Vec::new();
    let (mut left_out, mut some_failed) = (0, false);
    for test in tests {
        let mut outcomes = seen.remove(&test).expect("every test was seen");
        for number in &must_have {
            outcomes.entry(*number).or_insert((Seen::Absent, 0));
        }
        let seen = outcomes.iter().map(|(number, (seen, _))| (*number, *seen)).collect();
        let times = must_have.iter().map(|number| (*number, outcomes[number].1)).collect();
        let Some(detail) = difference(runs, &seen).or_else(|| other_number(runs, &times)) else { continue };
        some_failed |= seen.values().any(|seen| *seen == Seen::Failed);
        if findings.len() < MAX_TESTS {
            findings.push(Finding { code: Code::TestFlaky, test: Some(test.0.to_owned()), detail });
        } else {
            left_out += 1;
        }
    }
    let of_suite = |detail| Finding { code: Code::TestFlaky, test: None, detail };
    if left_out > 0 {
        findings.push(of_suite(format!("and {left_out} more tests whose runs differ")));
    }
    let number_of = |word| (0..runs.len()).filter(|number| runs[*number].verdict == word).collect::<Vec<_>>();
    let (fails, passes) = (number_of(Word::Fail), number_of(Word::Pass));
    if !fails.is_empty() && !passes.is_empty() && !some_failed {
        let (fails, passes) = (named(runs, &fails, true), named(runs, &passes, false));
        findings.insert(0, of_suite(format!("runs of the same inputs differ: FAIL in {fails}; PASS in {passes}")));
    }
    findings
}

fn cases_of<'a>(run: &Run<'a>) -> &'a [TestCase] {
    match run.report {
        ReportEvidence::Read(report) => &report.cases,
        ReportEvidence::NotAsked | ReportEvidence::Unusable { .. } => &[],
    }
}

/// `failed in run 2 (TZ=Pacific/Kiritimati); passed in runs 1 and 3`; nothing where there is one outcome.
fn difference(runs: &[Run<'_>], outcomes: &BTreeMap<usize, Seen>) -> Option<String> {
    let mut groups: BTreeMap<Seen, Vec<usize>> = BTreeMap::new();
    for (number, seen) in outcomes {
        groups.entry(*seen).or_default().push(*number);
    }
    if groups.len() < 2 {
        return None;
    }
    let words = groups.iter().map(|(seen, numbers)| {
        let explained = *seen != Seen::Passed;
        format!("{} {}", seen.words(), named(runs, numbers, explained))
    });
    Some(words.collect::<Vec<_>>().join("; "))
}

/// `1 of this title in run 2; 2 of this title in run 1`; nothing where a title stands in every report as often.
fn other_number(runs: &[Run<'_>], times: &BTreeMap<usize, usize>) -> Option<String> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, times) in times {
        groups.entry(*times).or_default().push(*number);
    }
    if groups.len() < 2 {
        return None;
    }
    let words =
        groups.iter().map(|(times, numbers)| format!("{times} of this title in {}", named(runs, numbers, true)));
    Some(words.collect::<Vec<_>>().join("; "))
}

/// `run 2 (TZ=…), run 3 (TZ=…) and 4 more`; without `explained` only that the first run was plain is said.
fn named(runs: &[Run<'_>], numbers: &[usize], explained: bool) -> String {
    let name = |number: &usize| {
        let under = runs[*number].under.as_ref().filter(|_| explained || *number == 0);
        under.map_or(format!("run {}", number + 1), |under| format!("run {} ({under})", number + 1))
    };
    let mut words = numbers.iter().take(MAX_RUNS).map(name).collect::<Vec<_>>().join(", ");
    if numbers.len() > MAX_RUNS {
        words.push_str(&format!(" and {} more", numbers.len() - MAX_RUNS));
    }
    words
}

/// The run that a difference's detail names first as failed, from 1: for who looks for its log.
pub fn first_failed_run(detail: &str) -> Option<u32> {
    let starts = [Seen::Failed.words(), "FAIL in"];
    let rest = starts.iter().find_map(|words| detail.split_once(words)).map(|(_, rest)| rest)?;
    let number = rest.strip_prefix(" run ")?;
    number.split(|end: char| !end.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use Outcome::{Failed, Passed, Skipped};

    use super::*;
    use crate::evidence::TestReport;

    fn report(cases: &[(&str, Outcome)]) -> ReportEvidence {
        let case = |(title, outcome): &(&str, Outcome)| TestCase {
            title: (*title).to_owned(),
            identity: 0,
            file: None,
            outcome: *outcome,
            detail: None,
        };
        ReportEvidence::Read(TestReport { cases: cases.iter().map(case).collect(), ..TestReport::default() })
    }

    /// The differences of runs that pass where none of their tests failed.
    fn told(reports: &[ReportEvidence], under: &[&str]) -> Vec<String> {
        let run = |(number, report): (usize, &'_ ReportEvidence)| {
            let fails = match report {
                ReportEvidence::Read(read) => read.cases.iter().any(|case| case.outcome == Failed),
                ReportEvidence::NotAsked | ReportEvidence::Unusable { .. } => true,
            };
            let verdict = if fails { Word::Fail } else { Word::Pass };
            (verdict, under.get(number).map(|under| (*under).to_owned()))
        };
        let parts: Vec<_> = reports.iter().enumerate().map(run).collect();
        let runs: Vec<Run<'_>> =
            reports.iter().zip(parts).map(|(report, (verdict, under))| Run { verdict, report, under }).collect();
        let told = differences(&runs);
        assert!(told.iter().all(|finding| finding.code == Code::TestFlaky));
        told.into_iter().map(|finding| format!("{}: {}", finding.test.unwrap_or_default(), finding.detail)).collect()
    }

    #[test]
    fn a_test_that_failed_in_one_run_is_named_with_what_was_varied() {
        let runs = [report(&[("a", Passed), ("b", Passed)]), report(&[("a", Passed), ("b", Failed)])];
        assert_eq!(told(&runs, &[]), ["b: failed in run 2; passed in run 1"]);
        assert_eq!(
            told(&runs, &["plain", "TZ=Pacific/Kiritimati, umask 077"]),
            ["b: failed in run 2 (TZ=Pacific/Kiritimati, umask 077); passed in run 1 (plain)"]
        );
    }

    #[test]
    fn runs_that_agree_differ_in_nothing() {
        let same = [report(&[("a", Passed), ("b", Skipped)]), report(&[("b", Skipped), ("a", Passed)])];
        assert_eq!(told(&same, &[]), [""; 0]);
        let both_fail = [report(&[("a", Failed)]), report(&[("a", Failed)])];
        assert_eq!(told(&both_fail, &[]), [""; 0]);
        assert_eq!(told(&[], &[]), [""; 0]);
    }

    #[test]
    fn a_test_that_is_skipped_or_absent_in_a_passing_run_differs() {
        let runs = [report(&[("a", Passed), ("b", Passed)]), report(&[("a", Skipped)])];
        assert_eq!(
            told(&runs, &[]),
            ["a: was skipped in run 2; passed in run 1", "b: is not in the report of run 2; passed in run 1"]
        );
    }

    #[test]
    fn a_title_that_stands_in_one_report_more_often_differs() {
        let runs = [report(&[("a", Passed), ("a", Passed)]), report(&[("a", Passed)]), report(&[("a", Passed); 2])];
        assert_eq!(told(&runs, &[]), ["a: 1 of this title in run 2; 2 of this title in run 1, run 3"]);
        let runs = [report(&[("a", Passed); 2]), report(&[("a", Passed), ("b", Failed)])];
        assert_eq!(told(&runs, &[]), ["b: failed in run 2; is not in the report of run 1"]);
    }

    #[test]
    fn what_a_failure_kept_from_being_reached_is_no_difference() {
        let runs = [report(&[("a", Passed), ("b", Passed)]), report(&[("a", Failed)])];
        assert_eq!(told(&runs, &[]), ["a: failed in run 2; passed in run 1"]);
    }

    #[test]
    fn verdicts_that_differ_where_no_test_shows_why_are_named_for_the_suite() {
        let missing = ReportEvidence::not_read();
        let passed = report(&[("a", Passed)]);
        let runs = [passed.clone(), missing.clone(), passed.clone(), missing.clone(), missing.clone(), missing];
        assert_eq!(
            told(&runs, &[]),
            [": runs of the same inputs differ: FAIL in run 2, run 4, run 5 and 1 more; PASS in run 1, run 3"]
        );
    }

    #[test]
    fn many_tests_are_counted_and_not_all_named() {
        let titles: Vec<String> = (0..70).map(|number| format!("t{number}")).collect();
        let all = |outcome| titles.iter().map(|title| (title.as_str(), outcome)).collect::<Vec<_>>();
        let told = told(&[report(&all(Passed)), report(&all(Failed))], &[]);
        assert_eq!((told.len(), told[50].as_str()), (51, ": and 20 more tests whose runs differ"));
    }

    #[test]
    fn the_run_that_failed_is_read_back_from_what_was_said() {
        let (passed, failed) = (report(&[("a", Passed)]), report(&[("a", Failed)]));
        let run_of = |told: &[String]| first_failed_run(&told[0]);
        assert_eq!(run_of(&told(&[passed.clone(), passed.clone(), failed.clone()], &[])), Some(3));
        assert_eq!(run_of(&told(&[passed.clone(), failed], &["plain", "TZ=x"])), Some(2));
        assert_eq!(run_of(&told(&[passed, ReportEvidence::not_read()], &[])), Some(2));
        assert_eq!(first_failed_run("expected 1 to equal 2"), None);
    }

    proptest! {
        /// Verdicts that differ are never without a word of it.
        #[test]
        fn a_fail_beside_a_pass_is_always_a_difference(outcomes in prop::collection::vec(prop::collection::vec(0usize..3, 0..4), 2..6)) {
            let kinds = [Passed, Failed, Skipped];
            let names = ["a", "b", "c", "d"];
            let reports: Vec<ReportEvidence> = outcomes
                .iter()
                .map(|cases| report(&cases.iter().enumerate().map(|(at, kind)| (names[at], kinds[*kind])).collect::<Vec<_>>()))
                .collect();
            let fails = outcomes.iter().filter(|cases| cases.contains(&1)).count();
            if fails > 0 && fails < outcomes.len() {
                prop_assert!(!told(&reports, &[]).is_empty());
            }
        }
    }
}

//! What several runs of one suite differ in, although their inputs are the same.
//!
//! Deliberately absent: what each run showed by itself; [`judge`](super::judge) has weighed that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::finding::{Code, Finding};
use super::verdict::Word;
use crate::evidence::{self, Outcome, ReportEvidence, TestCase};

/// Tests named as differing, at most; the rest is counted.
const MAX_TESTS: usize = 50;
/// Runs named for one outcome, at most; the rest is counted.
const MAX_RUNS: usize = 3;
/// Tests named that runs did not come to, at most; the rest is counted.
const MAX_TITLES: usize = 10;

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

    /// What is said of some among several tests of one title.
    fn word(self) -> &'static str {
        match self {
            Seen::Failed => "failed",
            Seen::Flaky => "passed at a second attempt",
            Seen::NotRun => "not run",
            Seen::Skipped => "skipped",
            Seen::Absent => "missing",
            Seen::Passed => "passed",
        }
    }
}

/// What happened to all tests of one title and file in one run: of each outcome how many.
type Tally = BTreeMap<Seen, u64>;

/// One `TEST_FLAKY` for each test with more than one outcome, and one for the suite where its verdicts differ and no test shows why.
///
/// Tests are told apart by title and file. Where several have both in common, it is compared how many of them came to what. That a
/// test is absent makes runs differ that passed: what follows a failure may never be reached. Where runs differ, what a run that
/// failed does not tell of is named in one finding more.
pub fn differences(runs: &[Run<'_>]) -> Vec<Finding> {
    let mut tests: Vec<(&str, Option<&str>)> = Vec::new();
    let mut seen: HashMap<(&str, Option<&str>), BTreeMap<usize, Tally>> = HashMap::new();
    for (number, run) in runs.iter().enumerate() {
        for case in cases_of(run) {
            let test = (case.title.as_str(), case.file.as_deref());
            let tallies = seen.entry(test).or_insert_with(|| {
                tests.push(test);
                BTreeMap::new()
            });
            *tallies.entry(number).or_default().entry(Seen::of(case.outcome)).or_default() += 1;
        }
    }
    let mut findings = Vec::new();
    let (mut left_out, mut some_failed) = (0, false);
    let mut unreached: BTreeMap<Vec<usize>, Vec<&str>> = BTreeMap::new();
    for test in tests {
        let mut tallies = seen.remove(&test).expect("every test was seen");
        let most = tallies.values().map(|tally| tally.values().sum()).max().unwrap_or(0);
        let short = fill_up(runs, &mut tallies, most);
        let detail = difference(runs, &tallies, &short, most);
        if !short.is_empty() {
            unreached.entry(short).or_default().push(test.0);
        }
        let Some(detail) = detail else { continue };
        some_failed |= tallies.values().any(|tally| tally.contains_key(&Seen::Failed));
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
    if !findings.is_empty() {
        let of_runs = |(short, titles): (Vec<usize>, Vec<&str>)| of_suite(unreached_words(runs, &short, &titles));
        findings.extend(unreached.into_iter().take(MAX_TESTS).map(of_runs));
    }
    findings
}

/// Counts as absent what a run that passed has less of a test than another run; the runs that failed and have less, which may never
/// have come to it.
fn fill_up(runs: &[Run<'_>], tallies: &mut BTreeMap<usize, Tally>, most: u64) -> Vec<usize> {
    let mut short = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        let ReportEvidence::Read(_) = run.report else { continue };
        let missing = most - tallies.get(&number).map_or(0, |tally| tally.values().sum());
        match run.verdict {
            _ if missing == 0 => {}
            Word::Pass => {
                tallies.entry(number).or_default().insert(Seen::Absent, missing);
            }
            Word::Fail => short.push(number),
        }
    }
    short
}

fn cases_of<'a>(run: &Run<'a>) -> &'a [TestCase] {
    match run.report {
        ReportEvidence::Read(report) => &report.cases,
        ReportEvidence::NotAsked | ReportEvidence::Unusable { .. } => &[],
    }
}

/// `failed in run 2 (TZ=Pacific/Kiritimati); passed in runs 1 and 3`; nothing where there is one outcome. Of runs that have less of a
/// test the worst outcome is compared.
fn difference(runs: &[Run<'_>], tallies: &BTreeMap<usize, Tally>, short: &[usize], most: u64) -> Option<String> {
    let worst = |tally: &Tally| tally.keys().next().copied();
    let whole: BTreeSet<&Tally> =
        tallies.iter().filter(|(number, _)| !short.contains(number)).map(|(_, tally)| tally).collect();
    let all: BTreeSet<Option<Seen>> = tallies.values().map(worst).collect();
    if whole.len() < 2 && all.len() < 2 {
        return None;
    }
    let mut groups: BTreeMap<(Option<Seen>, &Tally), Vec<usize>> = BTreeMap::new();
    for (number, tally) in tallies {
        groups.entry((worst(tally), tally)).or_default().push(*number);
    }
    let words = groups.iter().map(|((worst, tally), numbers)| {
        let explained = *worst != Some(Seen::Passed);
        format!("{} {}", words_of(tally, most), named(runs, numbers, explained))
    });
    Some(words.collect::<Vec<_>>().join("; "))
}

/// `failed in`, or where several tests have one title `49 passed, 1 failed in`: the worst stands last, as [`first_failed_run`] reads it.
fn words_of(tally: &Tally, most: u64) -> String {
    match tally.first_key_value() {
        Some((seen, count)) if *count == most && (most == 1 || *seen == Seen::Absent) => seen.words().to_owned(),
        _ => {
            let told = tally.iter().rev().map(|(seen, count)| format!("{count} {}", seen.word()));
            format!("{} in", told.collect::<Vec<_>>().join(", "))
        }
    }
}

/// `missing, or fewer, in run 2, where others failed: a · b · c`.
fn unreached_words(runs: &[Run<'_>], short: &[usize], titles: &[&str]) -> String {
    let mut words: Vec<String> = titles.iter().take(MAX_TITLES).map(|title| evidence::short(title)).collect();
    if titles.len() > MAX_TITLES {
        words.push(format!("and {} more", titles.len() - MAX_TITLES));
    }
    format!("missing, or fewer, in {}, where others failed: {}", named(runs, short, true), words.join(" · "))
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
    fn what_a_failure_kept_from_being_reached_is_named_beside_the_difference() {
        let runs = [report(&[("a", Passed), ("b", Passed)]), report(&[("a", Failed)])];
        let missing = ": missing, or fewer, in run 2, where others failed: b";
        assert_eq!(told(&runs, &[]), ["a: failed in run 2; passed in run 1", missing]);
        let both_fail = [report(&[("a", Failed), ("b", Passed)]), report(&[("a", Failed)])];
        assert_eq!(told(&both_fail, &[]), [""; 0], "a cut-off run is no flaky test");
        let titles: Vec<String> = (0..12).map(|number| format!("t{number}")).collect();
        let many: Vec<_> = titles.iter().map(|title| (title.as_str(), Passed)).chain([("a", Passed)]).collect();
        let told = told(&[report(&many), report(&[("a", Failed)])], &[]);
        assert!(told[1].ends_with("t8 · t9 · and 2 more"), "{told:?}");
    }

    #[test]
    fn of_tests_with_one_title_it_is_compared_how_many_came_to_what() {
        let (one, two) = (report(&[("a", Passed)]), report(&[("a", Passed), ("a", Passed)]));
        assert_eq!(
            told(&[two.clone(), one.clone(), two.clone()], &[]),
            ["a: 1 passed, 1 missing in run 2; 2 passed in run 1, run 3"]
        );
        assert_eq!(told(&[two.clone(), two.clone()], &[]), [""; 0]);
        let skipped = report(&[("a", Skipped), ("a", Passed)]);
        assert_eq!(told(&[skipped.clone(), report(&[("a", Passed), ("a", Skipped)])], &[]), [""; 0]);
        let both = report(&[("a", Skipped), ("a", Skipped)]);
        assert_eq!(told(&[skipped, both], &[]), ["a: 1 passed, 1 skipped in run 1; 2 skipped in run 2"]);
        assert_eq!(
            told(&[two.clone(), report(&[("b", Passed)])], &[])[0],
            "a: is not in the report of run 2; 2 passed in run 1"
        );
        let failed = told(&[two.clone(), report(&[("a", Failed), ("a", Passed)])], &[]);
        assert_eq!(failed, ["a: 1 passed, 1 failed in run 2; 2 passed in run 1"]);
        assert_eq!(first_failed_run(&failed[0]), Some(2));
        let elsewhere =
            [report(&[("a", Passed), ("a", Passed), ("b", Passed)]), report(&[("a", Passed), ("b", Failed)])];
        assert_eq!(
            told(&elsewhere, &[]),
            ["b: failed in run 2; passed in run 1", ": missing, or fewer, in run 2, where others failed: a"]
        );
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

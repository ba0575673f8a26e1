//! Several runs of one suite: how often, under what, and how they become one verdict.
//!
//! Deliberately absent: what a difference is; that is the judge's.

use super::judging::SuiteVerdict;
use crate::judge::{self, Finding, Verdict, Word};
use crate::prove::SuiteRun;

/// Runs of one suite whose evidence stands in the record, at most: the first, then those that failed, then the others. A record has
/// room for 256 KiB.
const MAX_RUNS_LISTED: usize = 10;

/// How often each suite of a proof is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once, or as often as the records ask for.
    Once,
    /// So often, every time in the same way.
    Same(u32),
    /// So often, the first run plainly and every other under something else.
    Varied(u32),
}

impl Repeat {
    /// What `--repeat` and `--vary` ask for.
    pub fn of(args: &crate::cli::Run) -> Self {
        match args.repeat {
            None => Repeat::Once,
            Some(times) if args.vary => Repeat::Varied(times),
            Some(times) => Repeat::Same(times),
        }
    }

    /// How often at least.
    pub fn times(self) -> u32 {
        match self {
            Repeat::Once => 1,
            Repeat::Same(times) | Repeat::Varied(times) => times,
        }
    }
}

/// The name of one of several runs of a suite, counted from 0. `~` cannot stand in a suite's name.
pub(super) fn run_name(suite: &str, run: u32) -> String {
    if run == 0 { suite.to_owned() } else { format!("{suite}~{}", run + 1) }
}

/// The same as people read it: `payment`, or `payment, run 2 of 5`.
pub(super) fn shown_name(name: &str, runs: &[(String, u32)]) -> String {
    let (suite, run) = name.split_once('~').unwrap_or((name, "1"));
    match runs.iter().find(|(known, _)| known == suite) {
        Some((_, often)) if *often > 1 => format!("{suite}, run {run} of {often}"),
        Some(_) | None => suite.to_owned(),
    }
}

/// Several runs of one suite as one: every finding of each, and in front of them what the runs differ in.
pub(super) fn merge(judged: Vec<(SuiteVerdict, &SuiteRun)>) -> Option<SuiteVerdict> {
    let is_varied = judged.iter().any(|(_, run)| !run.variation.is_plain());
    let runs: Vec<judge::Run<'_>> = judged
        .iter()
        .map(|(suite, run)| judge::Run {
            verdict: suite.verdict.word(),
            report: &run.told,
            under: is_varied.then(|| run.variation.to_string()),
        })
        .collect();
    let mut differences = judge::differences(&runs);
    for finding in &mut differences {
        judged.iter().for_each(|(_, run)| *finding = super::judging::hidden(finding.clone(), run));
    }
    let listed = listed(&judged);
    let mut notes = varied_notes(&judged);
    let findings = with_runs(&judged);
    let mut judged = judged.into_iter().enumerate();
    let (_, (mut whole, _)) = judged.next()?;
    for (number, (run, _)) in judged {
        if whole.verdict.word() == Word::Pass && run.verdict.word() == Word::Fail {
            // How the first run that failed ended says more than how the first run did.
            (whole.verdict, whole.ended, whole.counts) = (run.verdict, run.ended, run.counts);
        }
        whole.duration += run.duration;
        whole.runs += 1;
        if listed.contains(&number) {
            whole.files.extend(run.files);
            whole.artifacts.extend(run.artifacts);
        }
        whole.allowances.extend(run.allowances);
        for note in run.notes {
            if !whole.notes.contains(&note) {
                whole.notes.push(note);
            }
        }
    }
    differences.extend(Verdict::of_unsorted(findings).into_findings());
    whole.verdict = Verdict::of(differences);
    notes.append(&mut whole.notes);
    whole.notes = notes;
    Some(whole)
}

/// Every finding once, and where not all runs had it, with the runs that had it.
fn with_runs(judged: &[(SuiteVerdict, &SuiteRun)]) -> Vec<Finding> {
    let mut all: Vec<(Finding, Vec<usize>)> = Vec::new();
    for (number, (run, _)) in judged.iter().enumerate() {
        for finding in run.verdict.findings() {
            // The same failure is seldom told in the same words twice: it holds times and addresses.
            let is_known = |known: &Finding| {
                known == finding || (known.code == finding.code && known.test.is_some() && known.test == finding.test)
            };
            match all.iter_mut().find(|(known, _)| is_known(known)) {
                Some((_, runs)) => runs.push(number + 1),
                None => all.push((finding.clone(), vec![number + 1])),
            }
        }
    }
    let told = |(finding, mut runs): (Finding, Vec<usize>)| {
        runs.dedup();
        let is_everywhere = runs.len() == judged.len();
        let detail = if is_everywhere { finding.detail } else { placed(&finding.detail, &runs) };
        Finding { detail, ..finding }
    };
    all.into_iter().map(told).collect()
}

/// `a leak (log:2, run 3)`: beside what stands in brackets at the end, which says where.
fn placed(detail: &str, runs: &[usize]) -> String {
    let (first, others) = (runs[0], runs.len() - 1);
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    match detail.strip_suffix(')').filter(|detail| detail.contains(" (")) {
        Some(start) => format!("{start}, run {first}{more})"),
        None => format!("{detail} (run {first}{more})"),
    }
}

/// The runs whose evidence the record names.
fn listed(judged: &[(SuiteVerdict, &SuiteRun)]) -> Vec<usize> {
    let failed = |number: &usize| judged[*number].0.verdict.word() == Word::Fail;
    let mut order: Vec<usize> = (0..judged.len()).collect();
    order.sort_by_key(|number| (*number != 0, !failed(number)));
    order.truncate(MAX_RUNS_LISTED);
    order
}

/// One line for each way in which runs were varied.
fn varied_notes(judged: &[(SuiteVerdict, &SuiteRun)]) -> Vec<String> {
    let mut ways: Vec<(String, Vec<String>)> = Vec::new();
    for (number, (_, run)) in judged.iter().enumerate().filter(|(_, (_, run))| !run.variation.is_plain()) {
        let (way, number) = (run.variation.to_string(), (number + 1).to_string());
        match ways.iter_mut().find(|(known, _)| *known == way) {
            Some((_, numbers)) => numbers.push(number),
            None => ways.push((way, vec![number])),
        }
    }
    let note = |(way, numbers): (String, Vec<String>)| {
        let runs = if numbers.len() == 1 { "run" } else { "runs" };
        format!("{runs} {}: {way}", numbers.join(", "))
    };
    ways.into_iter().map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_for_people_only_where_there_are_several() {
        let runs = [("payment".to_owned(), 3), ("booking".to_owned(), 1)];
        assert_eq!(shown_name(&run_name("payment", 0), &runs), "payment, run 1 of 3");
        assert_eq!(shown_name(&run_name("payment", 1), &runs), "payment, run 2 of 3");
        assert_eq!(shown_name("booking", &runs), "booking");
    }

    #[test]
    fn the_run_of_a_finding_stands_beside_its_place() {
        assert_eq!(placed("a leak (log:2)", &[2]), "a leak (log:2, run 2)");
        assert_eq!(placed("exit code 1", &[2]), "exit code 1 (run 2)");
        assert_eq!(placed("it() failed (a.js)", &[2, 3, 5]), "it() failed (a.js, run 2 and 2 more)");
    }
}

//! Tests against the command's filter: what ran beside it, and what was skipped inside it.

use std::collections::BTreeMap;

use super::finding::{Code, Finding};
use super::judging::{Allowance, in_file};
use super::rules::Rules;
use crate::evidence::{Filter, Outcome, TestCase, TestReport};

/// Tests that are named by one finding each; the rest is counted.
const NAMED: usize = 20;

/// What the filter makes of a report.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) findings: Vec<Finding>,
    pub(super) notes: Vec<String>,
    /// What a policy would have to say for this to be no finding.
    pub(super) allowances: Vec<Allowance>,
    /// Tests that were not executed because the filter does not ask for them.
    pub(super) left_out: u64,
}

/// Weighs the tests of a report against the filter and the list of what may be skipped.
pub(super) fn weigh(report: &TestReport, rules: &Rules) -> Chosen {
    let mut chosen = Chosen::default();
    let filter = match &rules.filter {
        Ok(filter) => filter.as_ref(),
        // Fail closed: what cannot be read cannot be held against the tests.
        Err(error) => {
            chosen.findings.push(Finding { code: Code::FilterNotApplied, test: None, detail: error.to_string() });
            None
        }
    };
    let mut beside = Vec::new();
    let mut skipped = Vec::new();
    let mut allowed: BTreeMap<&str, u64> = BTreeMap::new();
    for case in &report.cases {
        let is_chosen = match filter.map_or(Ok(true), |filter| filter.chooses(case)) {
            Ok(is_chosen) => is_chosen,
            Err(error) => {
                chosen.findings.push(Finding { code: Code::FilterNotApplied, test: None, detail: error.to_string() });
                return chosen;
            }
        };
        match (case.outcome, is_chosen) {
            (Outcome::Passed | Outcome::Failed | Outcome::Flaky, false) => beside.push(case),
            (Outcome::Skipped, false) => chosen.left_out += 1,
            (Outcome::Skipped, true) => match rules.why_skipped(&case.title) {
                Some(why) => *allowed.entry(why).or_default() += 1,
                None => skipped.push(case),
            },
            (Outcome::Passed | Outcome::Failed | Outcome::Flaky | Outcome::NotRun, true) | (Outcome::NotRun, false) => {
            }
        }
    }
    if let Some(filter) = filter {
        chosen.findings.extend(not_applied(filter, &beside, rules.filter_hint.as_deref()));
    }
    chosen.findings.extend(named(Code::SkippedTests, &skipped, |case| {
        let detail = case.detail.as_deref().filter(|detail| !detail.is_empty());
        in_file(detail.unwrap_or("skipped, and not on allow_skipped"), case.file.as_deref())
    }));
    chosen.allowances.extend(skipped.iter().map(|case| Allowance::Skipped(case.title.clone())));
    chosen.notes.extend(allowed.into_iter().map(|(why, count)| format!("{count} skipped as allowed: {why}")));
    chosen
}

fn not_applied(filter: &Filter, beside: &[&TestCase], hint: Option<&str>) -> Vec<Finding> {
    let mut findings = named(Code::FilterNotApplied, beside, |case| {
        in_file(&format!("does not match {filter}"), case.file.as_deref())
    });
    if let (Some(first), Some(hint)) = (findings.first_mut(), hint) {
        first.detail = format!("{}: {hint}", first.detail);
    }
    findings
}

/// One finding for each of the first tests, and one that counts the rest.
fn named(code: Code, cases: &[&TestCase], detail: impl Fn(&TestCase) -> String) -> Vec<Finding> {
    let of = |case: &&TestCase| Finding { code, test: Some(case.title.clone()), detail: detail(case) };
    let more = cases.len().saturating_sub(NAMED);
    let rest = (more > 0).then(|| Finding { code, test: None, detail: format!("and {more} more tests") });
    cases.iter().take(NAMED).map(of).chain(rest).collect()
}

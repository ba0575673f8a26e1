//! From what the suites left to a verdict for each: several runs of one suite are judged as one.

use std::time::Duration;

use super::known::Known;
use super::repeats::{merge, run_name};
use crate::evidence::{self, Ended, KeptFile, Noticed, SuiteEvidence};
use crate::judge::{self, Allowance, Counts, Finding, Rules, Verdict};
use crate::policy::Policy;
use crate::prove::log::first_and_last_lines_of;
use crate::prove::{Outcome, SuiteRun};
use crate::reporter::{Line, Tone, span};

/// Notes and findings of one suite that are said, at most; the record has all.
const MAX_NOTES: usize = 5;
const MAX_FINDINGS: usize = 10;

/// One suite as it was judged.
pub struct SuiteVerdict {
    /// Its name.
    pub name: String,
    /// What it ran.
    pub argv: Vec<String>,
    /// How it ended.
    pub ended: Ended,
    /// The judgement.
    pub verdict: Verdict,
    /// The tests it told of.
    pub counts: Counts,
    /// What forbids nothing and is worth a line.
    pub notes: Vec<String>,
    /// What the policy would have to say so that findings were none.
    pub allowances: Vec<Allowance>,
    /// How long it took, all runs together.
    pub duration: Duration,
    /// How often it ran.
    pub runs: u32,
    /// Its logs and reports, and the lists of its artifacts.
    pub files: Vec<KeptFile>,
    /// Its artifacts.
    pub artifacts: Vec<KeptFile>,
}

/// What a proof came to.
pub(super) struct AllJudged {
    /// The verdicts of the suites that ran to their end.
    pub(super) verdicts: Vec<SuiteVerdict>,
    /// Why there is no whole proof.
    pub(super) broken: Option<(String, Option<String>)>,
}

/// Judges every suite that ran to its end.
pub(super) fn judge_all(policy: &Policy, known: &Known, runs: &[(String, u32)], suites: &[SuiteRun]) -> AllJudged {
    let mut judged = AllJudged { verdicts: Vec::new(), broken: None };
    for (name, often) in runs {
        let mut of_suite = Vec::new();
        for run in 0..*often {
            let Some(found) = suites.iter().find(|suite| suite.name == run_name(name, run)) else { continue };
            match judge_one(policy, known, name, found) {
                Ok(verdict) => of_suite.push((verdict, found)),
                Err(why) => judged.broken = judged.broken.or(Some(why)),
            }
        }
        if of_suite.len() < *often as usize && judged.broken.is_none() {
            judged.broken = Some((format!("the suite {name} was not run to its end"), None));
        }
        judged.verdicts.extend(merge(of_suite));
    }
    judged
}

fn judge_one(
    policy: &Policy,
    known: &Known,
    name: &str,
    run: &SuiteRun,
) -> Result<SuiteVerdict, (String, Option<String>)> {
    let suite = &policy.suites[name];
    let ended = match &run.outcome {
        Outcome::Exited { code } => Ended::Exited(*code),
        Outcome::Signalled { signal } => Ended::Signalled(*signal),
        Outcome::TimedOut => Ended::TimedOut,
        Outcome::Cancelled => return Err(("interrupted".to_owned(), None)),
        Outcome::Infra { cause, hint } => return Err((cause.clone(), hint.clone())),
    };
    let mut noticed = run.noticed.clone();
    noticed.extend(known.noticed(name));
    let is_focused = |noticed: &Noticed| matches!(noticed, Noticed::Focused { .. });
    let named_by_sources = noticed.iter().any(is_focused);
    let said = evidence::heard(&suite.run, ended, &run.told, &first_and_last_lines_of(&run.log));
    // The runner's refusal of what the sources show says no more than its place.
    noticed.extend(said.into_iter().filter(|said| !(named_by_sources && is_focused(said))));
    let evidence = SuiteEvidence { ended, report: run.told.clone(), noticed };
    let mut judged = judge::judge(&evidence, &Rules::of(suite));
    judged.notes.extend(known.drop_note(name, &judged.counts));
    // Only now: what was judged is what the suite left, and what is said and recorded of it holds no secret.
    let findings = judged.verdict.into_findings().into_iter().map(|finding| hidden(finding, run));
    Ok(SuiteVerdict {
        name: name.to_owned(),
        argv: suite.run.clone(),
        ended,
        verdict: Verdict::of(findings.collect()),
        counts: judged.counts,
        notes: judged.notes.iter().map(|note| run.masks.hide(note).into_owned()).collect(),
        allowances: judged.allowances.into_iter().map(|allowance| without_secrets(allowance, run)).collect(),
        duration: run.duration,
        runs: 1,
        files: run.kept.clone(),
        artifacts: run.artifacts.clone(),
    })
}

/// A finding without the secrets of a run.
pub(super) fn hidden(finding: Finding, run: &SuiteRun) -> Finding {
    let hide = |text: &String| run.masks.hide(text).into_owned();
    Finding { test: finding.test.as_ref().map(hide), detail: hide(&finding.detail), ..finding }
}

fn without_secrets(allowance: Allowance, run: &SuiteRun) -> Allowance {
    let hide = |text: &String| run.masks.hide(text).into_owned();
    match allowance {
        Allowance::Skipped(title) => Allowance::Skipped(hide(&title)),
        Allowance::Leftover(program) => Allowance::Leftover(hide(&program)),
        Allowance::Warning(line) => Allowance::Warning(hide(&line)),
        Allowance::Flaky => Allowance::Flaky,
    }
}

/// One line for a suite, and one for each of its first notes.
pub fn suite_lines(suite: &SuiteVerdict) -> Vec<Line> {
    let line = Line::new().text("  ");
    let line = match suite.verdict {
        Verdict::Pass => line.tone(Tone::Good, "PASS"),
        Verdict::Fail { .. } => line.tone(Tone::Bad, "FAIL"),
    };
    let line = line.to(11).data(&suite.name).text("  ").data(span(suite.duration));
    let line = if suite.runs > 1 { line.text("  ").data(suite.runs.to_string()).text(" runs") } else { line };
    let mut lines = vec![line.text("  ").data(count_words(&suite.counts))];
    lines.extend(suite.notes.iter().take(MAX_NOTES).map(|note| Line::new().text("  note").to(11).data(note)));
    lines.extend(and_more(suite.notes.len(), MAX_NOTES));
    lines
}

/// One line for each of a suite's first findings.
pub fn finding_lines(suite: &SuiteVerdict) -> Vec<Line> {
    let findings = suite.verdict.findings();
    let line = |finding| super::refusal::finding_line(Line::new().text("           "), finding);
    let mut lines: Vec<Line> = findings.iter().take(MAX_FINDINGS).map(|finding| line(finding)).collect();
    lines.extend(and_more(findings.len(), MAX_FINDINGS));
    lines
}

fn and_more(all: usize, shown: usize) -> Option<Line> {
    let more = all.checked_sub(shown).filter(|more| *more > 0)?;
    Some(Line::new().text("           and ").data(more.to_string()).text(" more"))
}

/// `12 passed, 1 failed`, leaving out what is zero; empty where no test was told of.
pub fn count_words(counts: &Counts) -> String {
    let told =
        [(counts.passed, "passed"), (counts.failed, "failed"), (counts.flaky, "flaky"), (counts.skipped, "skipped")];
    let told: Vec<String> =
        told.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    told.join(", ")
}

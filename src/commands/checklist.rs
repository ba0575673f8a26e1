//! `checklist`: the runbook's points, ticked from a record and its evidence.

use std::collections::BTreeMap;

use super::assess::{Standing as Counting, Wanted};
use super::evidence_files;
use super::ground::Ground;
use super::output::{ChecklistItem, ChecklistOutput};
use super::show::{self, FoundVerdict};
use super::statement;
use crate::caller::Caller;
use crate::cli;
use crate::error::{Error, Exit, Result};
use crate::evidence::{self, Retries};
use crate::gate;
use crate::git::Repository;
use crate::policy::ChangeKind;
use crate::records::{Answer, Scenario, Standing, VerdictBody};
use crate::reporter::{Line, Reporter, Tone};
use crate::runbook::{self, Configured, Declared, Facts, Held, Item, Owed, State};

/// Ticks the points of a record, or of the newest verdict of a revision. Ends with 1 where something is missing.
pub fn checklist(caller: &Caller, repository: &Repository, args: &cli::Checklist, reporter: &Reporter) -> Result<Exit> {
    let ground = Ground::read(caller, repository)?;
    let Some(found) = show::find_verdict(&ground, &args.what)? else {
        return nothing_recorded(args, reporter);
    };
    let Some(verdict) = found.recorded.statement().verdict() else {
        return Err(Error::new(format!("cannot check {}: it is no verdict", found.recorded.id().short()))
            .hint("name the record of a verdict, a commit or a tag; 'proof-gate show' shows any record"));
    };
    let items = items(&ground, &found, verdict)?;
    let is_whole = runbook::is_whole(&items);
    if args.json {
        reporter.json(&ChecklistOutput {
            format: "proof-gate.checklist/1",
            record: Some(found.recorded.id().to_string()),
            commit: Some(found.recorded.statement().subject().digest.git_commit.to_string()),
            verdict: Some(verdict.verdict),
            whole: is_whole,
            items: items.into_iter().map(document).collect(),
        })?;
    } else {
        reporter.data(&lines(&items))?;
    }
    Ok(if is_whole { Exit::Allowed } else { Exit::Refused })
}

fn nothing_recorded(args: &cli::Checklist, reporter: &Reporter) -> Result<Exit> {
    if args.json {
        reporter.json(&ChecklistOutput {
            format: "proof-gate.checklist/1",
            record: None,
            commit: None,
            verdict: None,
            whole: false,
            items: Vec::new(),
        })?;
    } else {
        let line = Line::new().tone(Tone::Doubt, "NONE").text("  no verdict is recorded of ").data(&args.what);
        reporter.data(&[line])?;
        reporter.say(&Line::new().text("  next:    ").whole(format!("proof-gate run {}", args.what)));
    }
    Ok(Exit::Refused)
}

/// Looks at everything that the points rest on.
fn items(ground: &Ground<'_>, found: &FoundVerdict, verdict: &VerdictBody) -> Result<Vec<Item>> {
    let FoundVerdict { recorded, subject, is_tag } = found;
    let replaced = match &verdict.scenario {
        Scenario::Rollback { .. } => ground.default_branch()?,
        Scenario::Deploy | Scenario::Migration { .. } | Scenario::Policy { .. } => None,
    };
    let wanted = |standing| Wanted {
        is_tag: *is_tag,
        scenario: verdict.scenario.clone(),
        replaced: replaced.clone(),
        standing,
        from: None,
        standing_there: Vec::new(),
    };
    let assessment = ground.assess(subject.clone(), wanted(Counting::Counts))?;
    let planned = ground.assess(subject.clone(), wanted(Counting::Ignored))?;
    let policy = &assessment.policy.policy;
    let declared = |name: &String| {
        let rules = policy.suites.get(name).into_iter().flat_map(|suite| &suite.artifacts);
        let rules = rules.map(|artifact| Declared {
            glob: &artifact.paths,
            has_baseline: artifact.baseline.is_some(),
            at_least: artifact.at_least,
        });
        let hides_retries = policy.suites.get(name).is_some_and(|suite| match evidence::retries(suite.report) {
            Retries::Unseen => true,
            Retries::Seen => false,
        });
        Configured { hides_retries, ..Configured::of(rules) }
    };
    let mut owed: Vec<Owed> = assessment.owed.iter().map(owed).collect();
    owed.sort_by(|one, other| one.suite.cmp(&other.suite));
    let mut files = BTreeMap::new();
    for file in owed.iter().filter_map(|owed| owed.entry.as_ref()).flat_map(|(entry, _)| &entry.evidence) {
        let listed = evidence_files::listed(ground, file).into_iter();
        files.extend(listed.chain([file.clone()]).map(|file| (file.name.clone(), file)));
    }
    let evidence = files.into_values().map(|file| (file.clone(), evidence_files::standing(ground, &file))).collect();
    let statement = recorded.statement();
    let of_record = statement.subject().digest.git_commit;
    Ok(runbook::items(&Facts {
        record: recorded.id().short(),
        commit: subject.commit.id.short(),
        is_of_commit: of_record == subject.commit.id,
        predicate: statement.predicate(),
        verdict,
        kinds: (statement::changes(&planned) == verdict.changes).then(|| kinds(&planned)),
        approvals: assessment.approvals.iter().map(|(_, approved)| *approved).collect(),
        resets: policy.proof.reset.len(),
        asks_for_terminal: policy.proof.require_terminal,
        configured: owed.iter().map(|owed| (owed.suite.clone(), declared(&owed.suite))).collect(),
        owed,
        evidence,
    }))
}

fn kinds(planned: &super::assess::Assessment) -> Vec<(&'static str, usize)> {
    let changes = planned.plan.as_ref().map(|plan| plan.changes.as_slice()).unwrap_or_default();
    [ChangeKind::Code, ChangeKind::Config, ChangeKind::Schema, ChangeKind::Policy]
        .into_iter()
        .map(|kind| (kind.as_str(), changes.iter().filter(|change| change.kind == kind).count()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn owed(owed: &gate::Owed) -> Owed {
    let entry = match &owed.answer {
        Answer::Pass { recorded, entry } | Answer::Fail { recorded, entry, .. } => {
            Some((entry.as_ref().clone(), recorded.statement().predicate().host.clone()))
        }
        Answer::Nothing => None,
    };
    let held = match &owed.answer {
        Answer::Pass { recorded, .. } => Held::Pass(recorded.id().short()),
        Answer::Fail { recorded, why: Standing::FlakyHistory { .. }, .. } => Held::Contradicted(recorded.id().short()),
        Answer::Fail { recorded, entry, .. } => match entry.findings.first() {
            Some(headline) => Held::Fail(recorded.id().short(), headline.code),
            None => Held::Nothing,
        },
        Answer::Nothing => Held::Nothing,
    };
    Owed { suite: owed.suite.clone(), held, entry }
}

fn document(item: Item) -> ChecklistItem {
    let Item { about, suite, state, what, next } = item;
    ChecklistItem { item: about, suite, state, what, next }
}

/// One line a point, with what to do below what is missing, and a last one that counts.
fn lines(items: &[Item]) -> Vec<Line> {
    let mut lines = Vec::new();
    for item in items {
        let line = Line::new();
        let line = match item.state {
            State::Done => line.tone(Tone::Good, "[x] "),
            State::Missing => line.tone(Tone::Bad, "[ ] "),
            State::NotAsked | State::NotLooked => line.tone(Tone::Dim, "[-] "),
        };
        let line = line.text(item.about.as_str()).to(16);
        let line = match &item.suite {
            Some(suite) => line.data_in(Tone::Strong, suite).text(": "),
            None => line,
        };
        lines.push(line.data(&item.what));
        if let Some(next) = &item.next {
            lines.push(Line::new().text("    next").to(16).whole(next));
        }
    }
    let missing = items.iter().filter(|item| item.state == State::Missing).count();
    lines.push(match missing {
        0 => Line::new().tone(Tone::Good, "whole").text(": nothing that the runbook asks for is missing"),
        missing => {
            let line = Line::new().tone(Tone::Bad, "not whole").text(": ").data(missing.to_string());
            line.text(" of ").data(items.len().to_string()).text(" points missing")
        }
    });
    lines
}

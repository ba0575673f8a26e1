//! `plan`: what changed, which suites it calls for, and why. Runs nothing.

use bstr::ByteSlice as _;

use super::assess::{Assessment, Standing, Wanted};
use super::ground::Ground;
use super::output::{ApprovalOutput, BaseOutput, ChangeOutput, PlanOutput, PlannedSuite, ReasonOutput, SubjectOutput};
use super::way_on::approve_command;
use crate::caller::Caller;
use crate::cli::{PlanArgs, ScenarioArgs, ScenarioName};
use crate::error::{Exit, Result};
use crate::gate::Owed;
use crate::git::Repository;
use crate::policy::ChangeKind;
use crate::records::{Answer, Body, Scenario};
use crate::reporter::{Line, Reporter, Tone, text};
use crate::select::Reason;

/// Reasons named for one suite, at most; the rest is counted.
const MAX_REASONS: usize = 3;
/// Paths named for one kind, at most.
const MAX_PATHS: usize = 10;

/// Shows the plan of a revision.
pub fn plan(caller: &Caller, repository: &Repository, args: &PlanArgs, reporter: &Reporter) -> Result<Exit> {
    let ground = Ground::read(caller, repository)?;
    let (subject, is_tag) = ground.find(&args.rev)?;
    let mut wanted = wanted(&ground, &args.scenario, &subject.commit.id.to_string(), is_tag)?;
    if let Some(base) = &args.base {
        wanted.from = Some(ground.find(base)?.0.commit);
    }
    let assessment = ground.assess(subject, wanted)?;
    if args.json {
        reporter.json(&document(&assessment))?;
    } else {
        reporter.data(&lines(&ground, &assessment)?)?;
    }
    Ok(Exit::Allowed)
}

/// What the scenario's arguments ask of a subject, worked out from its base.
pub(super) fn wanted(ground: &Ground<'_>, args: &ScenarioArgs, commit: &str, is_tag: bool) -> Result<Wanted> {
    let id = || args.id.clone().unwrap_or_default();
    let mut wanted = Wanted::deploy(is_tag, Standing::Ignored);
    wanted.scenario = match args.scenario {
        ScenarioName::Deploy => Scenario::Deploy,
        ScenarioName::Migration => Scenario::Migration { id: id() },
        ScenarioName::Policy => Scenario::Policy { id: id() },
        ScenarioName::Rollback => Scenario::Rollback { id: commit.to_owned() },
    };
    if args.scenario == ScenarioName::Rollback {
        wanted.replaced = match &args.replacing {
            Some(revision) => Some(ground.find(revision)?.0.commit),
            None => ground.default_branch()?,
        };
    }
    Ok(wanted)
}

/// The scenario's name.
pub(super) fn scenario_name(scenario: &Scenario) -> &'static str {
    match scenario {
        Scenario::Deploy => "deploy",
        Scenario::Migration { .. } => "migration",
        Scenario::Policy { .. } => "policy",
        Scenario::Rollback { .. } => "rollback",
    }
}

/// `PASS`, `FAIL` or `NONE`.
pub(super) fn state(answer: &Answer) -> (&'static str, Tone) {
    match answer {
        Answer::Pass { .. } => ("PASS", Tone::Good),
        Answer::Fail { .. } => ("FAIL", Tone::Bad),
        Answer::Nothing => ("NONE", Tone::Doubt),
    }
}

pub(super) fn document(assessment: &Assessment) -> PlanOutput {
    let commit = &assessment.subject.commit;
    let plan = assessment.plan.as_ref();
    PlanOutput {
        format: "proof-gate.plan/1",
        subject: SubjectOutput {
            commit: commit.id.to_string(),
            tree: commit.tree.to_string(),
            tag: assessment.subject.tag.map(|tag| tag.to_string()),
        },
        scenario: scenario_name(&assessment.wanted.scenario),
        bases: assessment
            .base
            .iter()
            .flat_map(|base| &base.commits)
            .map(|base| BaseOutput { commit: base.id.to_string(), why: why_base(assessment) })
            .collect(),
        changes: plan
            .iter()
            .flat_map(|plan| &plan.changes)
            .map(|change| ChangeOutput {
                path: text(&change.path),
                status: change.status.letter(),
                kind: change.kind.as_str(),
                id: None,
            })
            .collect(),
        suites: assessment
            .owed
            .iter()
            .map(|owed| PlannedSuite {
                name: owed.suite.clone(),
                state: state(&owed.answer).0,
                reasons: owed
                    .reasons
                    .iter()
                    .map(|reason| ReasonOutput {
                        why: reason.word(),
                        path: reason.path().map(|path| text(path)),
                        glob: reason.glob().map(str::to_owned),
                    })
                    .collect(),
            })
            .collect(),
        approvals: assessment
            .approvals
            .iter()
            .map(|(needed, approved)| ApprovalOutput {
                from: needed.from.to_string(),
                to: needed.to.to_string(),
                weaker: needed
                    .weakenings
                    .iter()
                    .map(|weakening| format!("{}: {}", weakening.key, weakening.why))
                    .collect(),
                approved: *approved,
            })
            .collect(),
    }
}

fn why_base(assessment: &Assessment) -> &'static str {
    if assessment.wanted.from.is_some() { "given" } else { "established" }
}

fn lines(ground: &Ground<'_>, assessment: &Assessment) -> Result<Vec<Line>> {
    let mut lines = head(assessment);
    lines.extend(changes(assessment));
    lines.push(Line::new().text("suites"));
    for owed in &assessment.owed {
        lines.extend(suite(owed));
    }
    lines.extend(approvals(ground, assessment)?);
    Ok(lines)
}

/// Subject, scenario, policy and base.
pub(super) fn head(assessment: &Assessment) -> Vec<Line> {
    let commit = &assessment.subject.commit;
    let line = Line::new().text("subject").to(11).data(commit.id.short()).text("  tree ").data(commit.tree.short());
    let line = match assessment.subject.tag {
        Some(tag) => line.text("  tag object ").data(tag.short()),
        None => line,
    };
    let mut lines = vec![line, Line::new().text("scenario").to(11).text(scenario_name(&assessment.wanted.scenario))];
    if let Some(replaced) = &assessment.wanted.replaced {
        lines.push(Line::new().text("replaces").to(11).data(replaced.id.short()));
    }
    lines.push(Line::new().text("policy").to(11).text(assessment.origin.as_str()));
    let Some(base) = &assessment.base else {
        lines.push(Line::new().text("base").to(11).text("the tree itself is established: it owes nothing new"));
        return lines;
    };
    if base.commits.is_empty() {
        let none = if base.cut {
            "none: the clone is shallow, and no earlier commit in it is established"
        } else {
            "none: no earlier commit is established, so every suite is owed"
        };
        lines.push(Line::new().text("base").to(11).text(none));
    }
    for commit in &base.commits {
        let line = Line::new().text("base").to(11).data(commit.id.short()).text("  ");
        lines.push(line.text(why_base(assessment)));
    }
    if !base.between.is_empty() && !base.commits.is_empty() {
        let count = base.between.len() + 1;
        lines.push(Line::new().text("commits").to(11).data(count.to_string()).text(" since the base"));
    }
    lines
}

fn changes(assessment: &Assessment) -> Vec<Line> {
    let changes = assessment.plan.as_ref().map(|plan| plan.changes.as_slice()).unwrap_or_default();
    let mut lines = Vec::new();
    for kind in [ChangeKind::Code, ChangeKind::Config, ChangeKind::Schema, ChangeKind::Policy] {
        let of_kind: Vec<_> = changes.iter().filter(|change| change.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        let count = of_kind.len();
        lines.push(
            Line::new().text(kind.as_str()).to(11).data(format!("{count} path{}", if count == 1 { "" } else { "s" })),
        );
        for change in of_kind.iter().take(MAX_PATHS) {
            lines.push(Line::new().text("  ").text(change.status.letter()).text("  ").data(&change.path));
        }
        if count > MAX_PATHS {
            lines.push(
                Line::new().text("     and ").data((count - MAX_PATHS).to_string()).text(" more (--json lists all)"),
            );
        }
    }
    lines
}

/// A suite with its state and its first reasons.
pub(super) fn suite(owed: &Owed) -> Vec<Line> {
    let (word, tone) = state(&owed.answer);
    let mut lines = vec![Line::new().text("  ").tone(tone, word).to(8).data_in(Tone::Strong, &owed.suite)];
    for reason in owed.reasons.iter().take(MAX_REASONS) {
        lines.push(Line::new().text("        ").data(sentence(reason)));
    }
    if owed.reasons.len() > MAX_REASONS {
        lines.push(
            Line::new().text("        and ").data((owed.reasons.len() - MAX_REASONS).to_string()).text(" more reasons"),
        );
    }
    if owed.reasons.is_empty() {
        lines.push(Line::new().text("        owed when the tree was established"));
    }
    lines
}

/// The reason's sentence, its path shown byte for byte.
fn sentence(reason: &Reason) -> Vec<u8> {
    match reason.path() {
        // The lossy path of the sentence is replaced by the true one, so that the reporter can escape it.
        Some(path) => reason.sentence().as_bytes().replace(path.to_str_lossy().as_bytes(), path),
        None => reason.sentence().into_bytes(),
    }
}

/// The approvals that a weaker policy needs, and who gave those that are there.
pub(super) fn approvals(ground: &Ground<'_>, assessment: &Assessment) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (needed, approved) in &assessment.approvals {
        let line = Line::new().text("policy change  ");
        lines.push(if *approved {
            line.tone(Tone::Good, "approved")
        } else {
            line.tone(Tone::Bad, "needs approval").text("  ").data(approve_command(assessment))
        });
        for weakening in &needed.weakenings {
            lines.push(Line::new().text("        ").data(&weakening.key).text(": ").data(&weakening.why));
        }
        for recorded in ground.approvals_of(assessment, needed)? {
            let predicate = recorded.statement().predicate();
            if let Body::Policy(approval) = &predicate.body {
                let line = Line::new().text("        by ").data(ground.author(&recorded)).text(" in ");
                lines.push(line.data(recorded.id().short()).text(": ").data(&approval.why));
            }
        }
    }
    Ok(lines)
}

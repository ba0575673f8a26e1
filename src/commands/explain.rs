//! `explain`: the way from a ref to its verdict: base, paths, rules, suites, records.

use super::assess::{Standing, Wanted};
use super::ground::Ground;
use super::output::{AnswerOutput, ExplainOutput};
use super::plan;
use super::refusal::{explanations, finding_line};
use crate::caller::Caller;
use crate::cli::Explain;
use crate::error::{Exit, Result};
use crate::gate::Owed;
use crate::git::Repository;
use crate::judge::Finding;
use crate::records::{Answer, Recorded, Standing as Stands};
use crate::reporter::{Line, Reporter, Tone, clock, time_zone};

/// Explains a revision.
pub fn explain(caller: &Caller, repository: &Repository, args: &Explain, reporter: &Reporter) -> Result<Exit> {
    let ground = Ground::read(caller, repository)?;
    let (subject, is_tag) = ground.find(&args.rev)?;
    let assessment = ground.assess(subject.clone(), Wanted::deploy(is_tag, Standing::Ignored))?;
    let established = ground.is_established(&assessment.policy, &subject.commit)?;
    let problems: Vec<String> = ground.records.problems().iter().map(ToString::to_string).collect();
    if args.json {
        reporter.json(&ExplainOutput {
            format: "proof-gate.explain/1",
            plan: plan::document(&assessment),
            policy: assessment.origin.as_str(),
            policy_digest: assessment.policy.digest.to_string(),
            established,
            answers: assessment.owed.iter().map(answer_document).collect(),
            problems,
        })?;
        return Ok(Exit::Allowed);
    }
    let mut lines = plan::head(&assessment);
    lines.push(Line::new().text("tree").to(11).text(if established {
        "established: later commits count their changes from here"
    } else {
        "not established: what it changed is owed by what comes after it too"
    }));
    lines.push(Line::new().text("suites"));
    for owed in &assessment.owed {
        lines.extend(plan::suite(owed));
        lines.extend(answer(&ground, owed)?);
    }
    lines.extend(plan::approvals(&ground, &assessment)?);
    for problem in problems {
        lines.push(Line::new().tone(Tone::Doubt, "ignored").to(11).data(problem));
    }
    reporter.data(&lines)?;
    Ok(Exit::Allowed)
}

/// The record that answers, and what it found.
fn answer(ground: &Ground<'_>, owed: &Owed) -> Result<Vec<Line>> {
    let from = |recorded: &Recorded| {
        let predicate = recorded.statement().predicate();
        Line::new()
            .text("        record ")
            .data(recorded.id().short())
            .text("  ")
            .data(clock(predicate.finished, ground.now, &time_zone(ground.caller)))
            .text("  ")
            .data(ground.author(recorded))
    };
    Ok(match &owed.answer {
        Answer::Nothing => vec![Line::new().text("        no record of this suite on this tree counts")],
        Answer::Pass { recorded, .. } => vec![from(recorded)],
        Answer::Fail { recorded, entry, why } => {
            let mut lines = vec![from(recorded)];
            if let Stands::FlakyHistory { pass, fail } = why {
                let line =
                    Line::new().text("        ").tone(Tone::Bad, "FLAKY_HISTORY").text("  PASS in ").data(pass.short());
                lines.push(line.text(", FAIL in ").data(fail.short()).text(", on the same inputs"));
            }
            lines.extend(
                entry.findings.iter().take(5).map(|finding| finding_line(Line::new().text("        "), finding)),
            );
            lines.extend(explanations(ground, recorded, &owed.suite)?);
            lines
        }
    })
}

fn answer_document(owed: &Owed) -> AnswerOutput {
    let (record, findings): (Option<&Recorded>, &[Finding]) = match &owed.answer {
        Answer::Nothing => (None, &[]),
        Answer::Pass { recorded, entry } | Answer::Fail { recorded, entry, .. } => (Some(recorded), &entry.findings),
    };
    AnswerOutput {
        suite: owed.suite.clone(),
        key: owed.key.to_string(),
        state: plan::state(&owed.answer).0,
        record: record.map(|recorded| recorded.id().to_string()),
        findings: findings.to_vec(),
    }
}

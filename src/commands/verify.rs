//! `verify`: whether a revision holds a recorded PASS for all that it owes, and whose records say so. Runs nothing.

use super::assess::{Assessment, Standing, Wanted};
use super::ground::{Ground, Judgement};
use super::output_trust::{DiscountedOutput, VerifiedSuite, VerifyOutput};
use super::plan;
use super::refusal;
use super::way_on::{approve_command, run_command};
use crate::caller::Caller;
use crate::cli;
use crate::error::{Exit, Result};
use crate::gate::{self, Case, GatedUpdate, Outcome, Owed};
use crate::git::{NotSigned, Repository, Signed};
use crate::records::{Answer, Recorded, Signatures, Standing as Stands};
use crate::reporter::{Line, Reporter, Tone, clock, time_zone};

/// Verifies a revision. Ends with 1 where it holds no PASS.
pub fn verify(caller: &Caller, repository: &Repository, args: &cli::Verify, reporter: &Reporter) -> Result<Exit> {
    let mut judgement = Judgement::of(repository)?;
    if args.signed {
        judgement.least_signatures = Signatures::Required;
    }
    let ground = Ground::read_as(caller, repository, judgement)?;
    let (subject, is_tag) = ground.find(&args.rev)?;
    let commit = subject.commit.id;
    let worked_out = plan::wanted(&ground, &args.scenario, &commit.to_string(), is_tag)?;
    let wanted = Wanted { standing: Standing::Counts, ..worked_out };
    let before = is_tag && ground.is_before(&subject.commit)?;
    let assessment = ground.assess(subject, wanted)?;
    let case = Case::Owes { suites: &assessment.owed, approvals: &assessment.approvals };
    let update = GatedUpdate { remote_ref: args.rev.as_str().into(), commit: Some(commit), case };
    let outcome = gate::decide(std::slice::from_ref(&update)).outcome();
    let verdict = verdict(&assessment, outcome);
    if args.json {
        reporter.json(&document(&ground, &assessment, verdict, before)?)?;
    } else {
        reporter.data(&lines(&ground, args, &assessment, verdict, before)?)?;
        if verdict != "PASS" {
            reporter.say_all(&way_on(&ground, args, &assessment, before));
        }
    }
    for problem in ground.records.problems() {
        reporter.say(&Line::new().text("  ").tone(Tone::Doubt, "ignored").to(11).data(problem.to_string()));
    }
    Ok(if verdict == "PASS" { Exit::Allowed } else { Exit::Refused })
}

/// `PASS`, `FAIL` where a FAIL stands, `NONE` where something is missing.
fn verdict(assessment: &Assessment, outcome: Outcome) -> &'static str {
    let fails = assessment.owed.iter().any(|owed| matches!(owed.answer, Answer::Fail { .. }));
    match outcome {
        Outcome::Allowed => "PASS",
        Outcome::Refused | Outcome::Missing if fails => "FAIL",
        Outcome::Refused | Outcome::Missing => "NONE",
    }
}

fn lines(
    ground: &Ground<'_>,
    args: &cli::Verify,
    assessment: &Assessment,
    verdict: &'static str,
    before: bool,
) -> Result<Vec<Line>> {
    let tone = match verdict {
        "PASS" => Tone::Good,
        "FAIL" => Tone::Bad,
        _ => Tone::Doubt,
    };
    let head = Line::new().tone(tone, verdict).text("  ").data(&args.rev).text("  ");
    let head = head.data(assessment.subject.commit.id.short()).text("  ");
    let mut lines = vec![head.text(plan::scenario_name(&assessment.wanted.scenario))];
    for owed in &assessment.owed {
        lines.extend(suite(ground, assessment, owed)?);
    }
    lines.extend(plan::approvals(ground, assessment)?);
    if before {
        lines.push(Line::new().text("  from before [gate] since: no PASS is asked of it at a push, and it holds none"));
    }
    Ok(lines)
}

fn suite(ground: &Ground<'_>, assessment: &Assessment, owed: &Owed) -> Result<Vec<Line>> {
    let (word, tone) = plan::state(&owed.answer);
    let line = Line::new().text("  ").tone(tone, word).to(8).data_in(Tone::Strong, &owed.suite);
    Ok(match &owed.answer {
        Answer::Pass { recorded, .. } => vec![line, record_line(ground, recorded)?],
        Answer::Fail { recorded, entry, why } => {
            let mut lines = vec![line, record_line(ground, recorded)?];
            if let Stands::FlakyHistory { pass, fail } = why {
                let line = Line::new().text("        ").tone(Tone::Bad, "FLAKY_HISTORY").text("  PASS in ");
                lines.push(line.data(pass.short()).text(", FAIL in ").data(fail.short()).text(", on the same inputs"));
            }
            let findings = entry.findings.iter().take(3);
            lines.extend(findings.map(|finding| refusal::finding_line(Line::new().text("        "), finding)));
            lines.extend(refusal::explanations(ground, recorded, &owed.suite)?);
            lines
        }
        Answer::Nothing => {
            let signatures = ground.demands(&assessment.policy.policy).signatures;
            let discounted = ground.records.discounted(owed.key, signatures)?;
            let mut lines = vec![line.text("  no record of it counts")];
            lines.extend(discounted.iter().map(|(recorded, why)| {
                let line = Line::new().text("        record ").data(recorded.id().short());
                line.text(" counts for nothing: ").data(why.to_string())
            }));
            lines
        }
    })
}

/// `record 8c01d7e  14:02  ana@example.org  signed by ana@example.org`
fn record_line(ground: &Ground<'_>, recorded: &Recorded) -> Result<Line> {
    let predicate = recorded.statement().predicate();
    let at = clock(predicate.finished, ground.now, &time_zone(ground.caller));
    let line = Line::new().text("        record ").data(recorded.id().short()).text("  ").data(at).text("  ");
    let line = match ground.records.signed(recorded)? {
        Some(Signed::By { principal }) => line.text("signed by ").data(principal),
        Some(Signed::Not(NotSigned::Missing)) => line.text("unsigned, by ").data(&predicate.who.email),
        Some(Signed::Not(why)) => {
            line.text("by ").data(&predicate.who.email).text(", not verified: ").data(why.to_string())
        }
        None => line.text("by ").data(&predicate.who.email).text(", signed, and no list says whose signature counts"),
    };
    Ok(if predicate.terminal { line } else { line.text(" (not human-run)") })
}

fn way_on(ground: &Ground<'_>, args: &cli::Verify, assessment: &Assessment, before: bool) -> Vec<Line> {
    let next = |command: String| Line::new().text("  next:    ").whole(command);
    let mut lines = Vec::new();
    let none = assessment.owed.iter().filter(|owed| matches!(owed.answer, Answer::Nothing));
    let missing: Vec<&str> = none.map(|owed| owed.suite.as_str()).collect();
    if !missing.is_empty() && !before {
        lines.push(next("proof-gate sync".to_owned()).to(44).text(" what others recorded may not be here yet"));
        lines.push(next(run_command(ground, assessment, None, &missing)).to(44).text(" proves it"));
    }
    if assessment.approvals.iter().any(|(_, approved)| !approved) {
        lines.push(next(approve_command(assessment)));
    }
    let failed = assessment.owed.iter().find_map(|owed| match &owed.answer {
        Answer::Fail { recorded, .. } => Some(recorded),
        Answer::Pass { .. } | Answer::Nothing => None,
    });
    if let Some(recorded) = failed {
        lines.push(next(format!("proof-gate show {}", recorded.id().short())));
    }
    lines.push(Line::new().text("  why:     ").whole(format!("proof-gate explain {}", args.rev)));
    lines
}

fn document(ground: &Ground<'_>, assessment: &Assessment, verdict: &'static str, before: bool) -> Result<VerifyOutput> {
    let signatures = ground.demands(&assessment.policy.policy).signatures;
    let mut suites = Vec::new();
    for owed in &assessment.owed {
        let (recorded, findings) = match &owed.answer {
            Answer::Pass { recorded, entry } | Answer::Fail { recorded, entry, .. } => {
                (Some(recorded), entry.findings.clone())
            }
            Answer::Nothing => (None, Vec::new()),
        };
        let signed = recorded.map(|recorded| ground.records.signed(recorded)).transpose()?.flatten();
        let discounted = match &owed.answer {
            Answer::Nothing => ground.records.discounted(owed.key, signatures)?,
            Answer::Pass { .. } | Answer::Fail { .. } => Vec::new(),
        };
        suites.push(VerifiedSuite {
            name: owed.suite.clone(),
            key: owed.key.to_string(),
            state: plan::state(&owed.answer).0,
            record: recorded.map(|recorded| recorded.id().to_string()),
            by: recorded.map(|recorded| recorded.statement().predicate().who.email.clone()),
            finished: recorded.map(|recorded| recorded.statement().predicate().finished.to_string()),
            signer: signed.and_then(|signed| signed.principal().map(str::to_owned)),
            findings,
            flaky_history: matches!(owed.answer, Answer::Fail { why: Stands::FlakyHistory { .. }, .. }),
            discounted: discounted
                .into_iter()
                .map(|(recorded, why)| DiscountedOutput { record: recorded.id().to_string(), why: why.to_string() })
                .collect(),
        });
    }
    let planned = plan::document(assessment);
    Ok(VerifyOutput {
        format: "proof-gate.verify/1",
        subject: planned.subject,
        scenario: planned.scenario,
        verdict,
        before,
        signatures_required: signatures == Signatures::Required,
        suites,
        approvals: planned.approvals,
        problems: ground.records.problems().iter().map(ToString::to_string).collect(),
    })
}

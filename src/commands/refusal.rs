//! What the gate says of a push: one line a ref that may go, and for each that may not what, why, and the next command.

use bstr::ByteSlice as _;

use super::assess::Assessment;
use super::ground::Ground;
use super::way_on::{NameHere, approve_command, run_command};
use super::weighing::{Weighed, Weight};
use crate::error::Result;
use crate::gate::{Decision, Obstacle, RefDecision};
use crate::git::Oid;
use crate::judge::Finding;
use crate::records::{Answer, Body, Recorded, Signatures, Standing};
use crate::reporter::{Line, Reporter, Tone, clock, time_zone};

/// Findings named for one ref, at most; the rest is counted.
const MAX_FINDINGS: usize = 6;

/// Causes named for one ref, at most.
const MAX_EXPLAINED: usize = 2;

/// Columns of the usual terminal. The same everywhere, so that the same push says the same.
const WIDTH: usize = 80;

/// Records named as not counting, at most; the rest is counted.
const MAX_PROBLEMS: usize = 3;

/// Says which records are there and cannot count: one that is gone or was altered may have been a FAIL.
pub(super) fn ignored_records(reporter: &Reporter, ground: &Ground<'_>) {
    let problems = ground.records.problems();
    for problem in problems.iter().take(MAX_PROBLEMS) {
        reporter.say(&Line::new().text("  ").tone(Tone::Doubt, "ignored").to(11).data(problem.to_string()));
    }
    if problems.len() > MAX_PROBLEMS {
        let more = (problems.len() - MAX_PROBLEMS).to_string();
        reporter.say(&Line::new().text("           and ").data(more).text(" more records: proof-gate status"));
    }
}

/// Says that every update may go.
pub(super) fn allowed(reporter: &Reporter, ground: &Ground<'_>, weighed: &[Weighed]) {
    let width = ref_width(weighed);
    for weighed in weighed {
        reporter.say_all(&ok_lines(ground, weighed, width));
    }
}

/// Says that the push is refused.
pub(super) fn refused(reporter: &Reporter, ground: &Ground<'_>, weighed: &[Weighed], decision: &Decision<'_>) {
    let count = decision.refs.iter().filter(|decision| **decision != RefDecision::Allowed).count();
    let head = Line::new()
        .text("proof-gate: ")
        .tone(Tone::Bad, "push refused")
        .text(" (")
        .data(count.to_string())
        .text(" of ");
    let refs = if weighed.len() == 1 { " ref)" } else { " refs)" };
    reporter.say(&head.data(weighed.len().to_string()).text(refs));
    let width = ref_width(weighed);
    for (weighed, decision) in weighed.iter().zip(&decision.refs) {
        match decision {
            RefDecision::Allowed => reporter.say_all(&ok_lines(ground, weighed, width)),
            RefDecision::Refused(obstacles) => refused_ref(reporter, ground, weighed, obstacles, width),
        }
    }
}

/// Says that the proof is recorded but the connection is given up.
pub(super) fn held(reporter: &Reporter) {
    reporter.say(
        &Line::new()
            .text("proof-gate: proof recorded: ")
            .tone(Tone::Good, "PASS")
            .text(". Push again; it takes no time now."),
    );
    reporter.say(&Line::new().text("  why:     the ssh connection has been idle for longer than [gate] hold"));
}

fn ref_width(weighed: &[Weighed]) -> usize {
    let names = weighed.iter().map(|weighed| Line::new().data(&weighed.update.remote_ref).width());
    names.max().unwrap_or(0).min(40)
}

fn start(word: Tone, text: &'static str, weighed: &Weighed, width: usize) -> Line {
    let line = Line::new().text("  ").tone(word, text).to(11).data(&weighed.update.remote_ref).to(11 + width + 1);
    match weighed.commit {
        Some(commit) => line.text(" ").data(commit.short()).text("  "),
        None => line.text(" "),
    }
}

/// One line, or two where they would be wider than a terminal.
fn ok_lines(ground: &Ground<'_>, weighed: &Weighed, width: usize) -> Vec<Line> {
    let line = start(Tone::Good, "ok", weighed, width);
    let assessment = match &weighed.weight {
        Weight::Owes(assessment) => assessment,
        Weight::Before => return vec![line.tone(Tone::Doubt, "BEFORE").text("  from before [gate] since")],
        Weight::Named => return vec![line.text("named by the policy's allow list")],
        Weight::Forbidden { .. } => return vec![line],
    };
    let suites: Vec<&str> = assessment.owed.iter().map(|owed| owed.suite.as_str()).collect();
    let line = line.tone(Tone::Good, "PASS").text("  ").data(suites.join(" "));
    let Some(recorded) = newest(assessment) else { return vec![line] };
    let predicate = recorded.statement().predicate();
    let from = Line::new().text("recorded ").data(clock(predicate.finished, ground.now, &time_zone(ground.caller)));
    let from = match signer(ground, assessment, recorded) {
        Some(signer) => from.text(" signed by ").data(signer),
        None => from.text(" by ").data(ground.author(recorded)),
    };
    let from = if predicate.terminal { from } else { from.text(" (not human-run)") };
    if line.width() + 3 + from.width() <= WIDTH {
        vec![line.text("   ").then(from)]
    } else {
        vec![line, Line::new().to(11).then(from)]
    }
}

/// Who signed a record, where that was asked of it: a push that needs no signature waits for nobody who checks one.
fn signer(ground: &Ground<'_>, assessment: &Assessment, recorded: &Recorded) -> Option<String> {
    match ground.demands(&assessment.policy.policy).signatures {
        Signatures::Any => None,
        Signatures::Required => ground.records.signed(recorded).ok()??.principal().map(str::to_owned),
    }
}

/// The newest record that an assessment's PASSes rest on.
fn newest(assessment: &Assessment) -> Option<&Recorded> {
    let passes = assessment.owed.iter().filter_map(|owed| match &owed.answer {
        Answer::Pass { recorded, .. } => Some(recorded),
        Answer::Fail { .. } | Answer::Nothing => None,
    });
    passes.max_by_key(|recorded| recorded.statement().predicate().finished)
}

fn refused_ref(reporter: &Reporter, ground: &Ground<'_>, weighed: &Weighed, obstacles: &[Obstacle<'_>], width: usize) {
    let assessment = match &weighed.weight {
        Weight::Owes(assessment) => assessment,
        Weight::Forbidden { why, hint } => {
            reporter.say(&start(Tone::Bad, "refused", weighed, width).data(why));
            reporter.say(&Line::new().text("  next:    ").data(hint));
            return;
        }
        Weight::Before | Weight::Named => return,
    };
    let failed: Vec<&str> =
        obstacles.iter().filter_map(|o| if let Obstacle::Failed(suite) = o { Some(*suite) } else { None }).collect();
    let missing: Vec<&str> =
        obstacles.iter().filter_map(|o| if let Obstacle::Missing(suite) = o { Some(*suite) } else { None }).collect();
    let line = start(Tone::Bad, "refused", weighed, width);
    let gated_ref = Some(weighed.update.remote_ref.as_bstr());
    let name = NameHere::of(ground, assessment, gated_ref);
    let commit = weighed.commit.map(|commit: Oid| commit.short()).unwrap_or_default();
    if !failed.is_empty() {
        reporter.say(&line.tone(Tone::Bad, "FAIL").text("  ").data(failed.join(" ")));
        let record = failures(reporter, ground, assessment);
        let next = Line::new().text("  next:    ");
        reporter.say(&if are_explained(ground, assessment) {
            // Looking at the findings again would lead nowhere: what is left is the fresh proof.
            let command = run_command(ground, assessment, gated_ref, &failed);
            next.whole(command).to(44).text("  the FAIL is explained; a fresh proof ends it")
        } else {
            let shown = record.map(|id| id.short()).unwrap_or_else(|| commit.clone());
            next.whole(format!("proof-gate show {shown}")).to(44).text(" findings, logs, report")
        });
    } else if obstacles.contains(&Obstacle::NotApproved) {
        reporter.say(&line.text("weaker policy, not approved"));
        let weakenings =
            assessment.approvals.iter().filter(|(_, approved)| !approved).flat_map(|(needed, _)| &needed.weakenings);
        for weakening in weakenings.clone().take(MAX_FINDINGS) {
            reporter.say(&Line::new().text("           ").data(&weakening.key).text(": ").data(&weakening.why));
        }
        let more = weakenings.count().saturating_sub(MAX_FINDINGS);
        if more > 0 {
            reporter.say(&Line::new().text("           and ").data(more.to_string()).text(" more"));
        }
        reporter.say(&Line::new().text("  next:    ").whole(approve_command(assessment)));
    } else if obstacles.contains(&Obstacle::NothingOwed) {
        reporter.say(&line.text("it owes no suite, and that cannot be right"));
        reporter.say(&Line::new().text("  next:    give .proofrc.toml a suite with 'default = true'"));
    } else {
        reporter.say(&line.tone(Tone::Doubt, "no proof").text("  ").data(missing.join(" ")));
        reporter.say_all(&discounted(ground, assessment));
        reporter.say(&Line::new().text("  next:    ").whole(run_command(ground, assessment, gated_ref, &missing)));
    }
    let why = Line::new().text("  why:     ").whole(format!("proof-gate explain {}", name.as_str()));
    reporter.say(&why.to(44).text(" ").data(in_short(assessment)));
}

/// Records that would answer and count for nothing because of their signature: each with the reason.
pub(super) fn discounted(ground: &Ground<'_>, assessment: &Assessment) -> Vec<Line> {
    let signatures = ground.demands(&assessment.policy.policy).signatures;
    let mut lines = Vec::new();
    for owed in assessment.owed.iter().filter(|owed| matches!(owed.answer, Answer::Nothing)) {
        for (recorded, why) in ground.records.discounted(owed.key, signatures).unwrap_or_default() {
            let line = Line::new().text("           ").data(&owed.suite).text("  record ").data(recorded.id().short());
            lines.push(line.text(" counts for nothing: ").data(why.to_string()));
        }
    }
    let more = lines.len().saturating_sub(MAX_FINDINGS);
    lines.truncate(MAX_FINDINGS);
    if more > 0 {
        lines.push(Line::new().text("           and ").data(more.to_string()).text(" more"));
    }
    lines
}

/// Who gave which cause for a suite's FAIL.
pub(super) fn explanations(ground: &Ground<'_>, failed: &Recorded, suite: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for recorded in ground.records.resolves_of_record(failed.id())? {
        let predicate = recorded.statement().predicate();
        if let Body::Resolve(resolution) = &predicate.body
            && resolution.suite == suite
        {
            let line = Line::new().text("        resolved by ").data(ground.author(&recorded)).text(" in ");
            lines.push(line.data(recorded.id().short()).text(": ").data(&resolution.cause));
        }
    }
    Ok(lines)
}

/// Whether every FAIL that stands was resolved, and only waits for the proof that ends it.
fn are_explained(ground: &Ground<'_>, assessment: &Assessment) -> bool {
    let demands = ground.demands(&assessment.policy.policy);
    let mut failed = assessment.owed.iter().filter(|owed| matches!(owed.answer, Answer::Fail { .. }));
    failed.all(|owed| ground.records.unended_resolved(owed.key, demands).unwrap_or(false))
}

/// `base 3f2a91c, 14 paths, 3 suites`
fn in_short(assessment: &Assessment) -> String {
    let suites = assessment.owed.len();
    let suites = format!("{suites} suite{}", if suites == 1 { "" } else { "s" });
    let (Some(base), Some(plan)) = (&assessment.base, &assessment.plan) else {
        return suites;
    };
    let bases: Vec<String> = base.commits.iter().map(|commit| commit.id.short()).collect();
    if bases.is_empty() {
        return format!("no base, {suites}");
    }
    let base = format!("base {}", bases.join(" "));
    let paths = plan.changes.len();
    format!("{base}, {paths} path{}, {suites}", if paths == 1 { "" } else { "s" })
}

/// The findings behind an assessment's FAILs; gives back the record of the first.
fn failures(reporter: &Reporter, ground: &Ground<'_>, assessment: &Assessment) -> Option<Oid> {
    let mut first = None;
    let (mut lines, mut explained) = (Vec::new(), Vec::new());
    for owed in &assessment.owed {
        let Answer::Fail { recorded, entry, why } = &owed.answer else { continue };
        first.get_or_insert(recorded.id());
        let start = || Line::new().text("           ").data(&owed.suite).text("  ");
        if let Standing::FlakyHistory { .. } = why {
            lines.push(start().tone(Tone::Bad, "FLAKY_HISTORY").text("  PASS and FAIL on the same inputs"));
            let command = format!("proof-gate resolve {} --cause TEXT", recorded.id().short());
            lines.push(Line::new().text("           resolve it: ").whole(command));
        }
        lines.extend(entry.findings.iter().map(|finding| finding_line(start(), finding)));
        // What cannot be read is no reason to say less of the FAIL.
        explained.extend(explanations(ground, recorded, &owed.suite).unwrap_or_default());
    }
    let more = lines.len().saturating_sub(MAX_FINDINGS);
    // Folded too, a refusal is short: the record has every finding in full.
    let rows = if lines.len() <= MAX_FINDINGS / 2 { 2 } else { 1 };
    for line in lines.into_iter().take(MAX_FINDINGS) {
        reporter.say(&line.at_most(rows));
    }
    if more > 0 {
        reporter.say(&Line::new().text("           and ").data(more.to_string()).text(" more"));
    }
    for line in explained.into_iter().take(MAX_EXPLAINED) {
        reporter.say(&Line::new().text("   ").then(line).at_most(1));
    }
    first
}

/// `TEST_FAILED   charges a card twice on retry  (expected 1)`
pub(super) fn finding_line(start: Line, finding: &Finding) -> Line {
    let line = start.tone(Tone::Bad, finding.code.as_str()).text("  ");
    match &finding.test {
        Some(test) => line.data(test).text("  ").data_in(Tone::Dim, &finding.detail),
        None => line.data(&finding.detail),
    }
}

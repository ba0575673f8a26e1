//! What is said around a proof: what begins, what it came to, and the commands that run for the first time.
//!
//! Deliberately absent: what is said while suites run.

use super::ground::Ground;
use super::judging::SuiteVerdict;
use super::proving::Order;
use super::repeats::Repeat;
use crate::error::Result;
use crate::git::{Oid, write_durably};
use crate::judge::Word;
use crate::records::Recorded;
use crate::reporter::{Line, Reporter, Tone};

/// `proof-gate: proving 3f2a91c for refs/heads/main: payment`
pub(super) fn opening(order: &Order<'_>, commit: Oid) -> Line {
    let line = Line::new().text("proof-gate: proving ").data(commit.short());
    let line = match &order.gated_ref {
        Some(name) => line.text(" for ").data(name),
        None => line,
    };
    let line = line.text(": ").data(order.suites.join(" "));
    match order.repeat {
        Repeat::Once => line,
        Repeat::Same(times) => line.text("  (").data(times.to_string()).text(" times each)"),
        Repeat::Varied(times) => line.text("  (").data(times.to_string()).text(" times each, varied)"),
    }
}

/// `proof-gate: PASS  recorded as 3f2a91c`
pub(super) fn closing(recorded: &Recorded, verdicts: &[SuiteVerdict]) -> Line {
    let line = Line::new().text("proof-gate: ");
    let failed = verdicts.iter().any(|suite| suite.verdict.word() == Word::Fail);
    let line = if failed { line.tone(Tone::Bad, "FAIL") } else { line.tone(Tone::Good, "PASS") };
    line.text("  recorded as ").data(recorded.id().short())
}

/// The first proof under a policy that this clone has not run before shows what will be run.
pub(super) fn show_commands_once(ground: &Ground<'_>, reporter: &Reporter, order: &Order<'_>) -> Result<()> {
    let file = ground.repository.own_dir().join("ran-policies");
    let digest = order.assessment.policy.digest.to_string();
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    if known.lines().any(|line| line == digest) {
        return Ok(());
    }
    let policy = &order.assessment.policy.policy;
    let proof = &policy.proof;
    let suites = order.suites.iter().filter_map(|name| policy.suites.get(name)).map(|suite| &suite.run);
    let steps = [&proof.identity, &proof.prepare, &proof.reset, &proof.ready, &proof.teardown].into_iter().flatten();
    reporter.say(&Line::new().text("  the first run under this policy; it runs:"));
    for argv in steps.chain(suites) {
        reporter.say(&Line::new().text("           ").data(argv.join(" ")));
    }
    write_durably(&file, format!("{known}{digest}\n").as_bytes())
}

//! What a proof that was killed left behind: recorded before anything rests on the records.

use super::ground::{Ground, signing};
use crate::caller::Caller;
use crate::error::Result;
use crate::prove::{self, Turn};
use crate::records::{Journal, Killed, KilledRun, Log, Signing};
use crate::reporter::{Line, Reporter};

/// Records that are looked through for the one that a killed proof had still made.
const LOOKED_THROUGH: usize = 50;

/// Records what a killed proof had found, and gives back the killed proofs that the next record has to carry.
pub(super) fn record(
    ground: &mut Ground<'_>,
    reporter: &Reporter,
    log: &Log<'_>,
    _turn: &Turn,
) -> Result<Vec<KilledRun>> {
    let Some(killed) = Journal::left(ground.repository)? else { return Ok(Vec::new()) };
    if was_recorded(ground, &killed) {
        killed.forget(ground.repository)?;
        return Ok(Vec::new());
    }
    let runs = killed.runs();
    if let Some(last) = runs.last() {
        let line = Line::new().text("  note     a proof of ").data(last.commit.short()).text(" was killed: ");
        reporter.say(&line.data(last.suites.join(" ")));
    }
    let Some(draft) = killed.draft() else { return Ok(runs) };
    let recorded = log.append(draft)?;
    killed.forget(ground.repository)?;
    let line = Line::new().text("           what had failed by then is recorded: proof-gate show ");
    reporter.say(&line.data(recorded.id().short()));
    ground.refresh()?;
    Ok(Vec::new())
}

/// The same before a look-up: an answer must not leave out what a killed proof had found. A proof that is alive is left alone.
///
/// What else it left is removed, where a look shows that there is something: the push may be one for which nothing is proven anew.
pub(super) fn record_before_look_up(ground: &mut Ground<'_>, reporter: &Reporter) -> Result<()> {
    ground.repository.sweep_pins();
    sweep_workspaces(ground.caller, reporter);
    if !Journal::is_there(ground.repository) {
        return Ok(());
    }
    let Some(turn) = prove::try_turn(ground.repository)? else { return Ok(()) };
    match Journal::left(ground.repository)? {
        Some(killed) if was_recorded(ground, &killed) => killed.forget(ground.repository)?,
        Some(killed) if killed.draft().is_some() => {
            let anchor = ground.anchors.anchor();
            let signing = anchor.map_or(Signing::WhereSetUp, |(file, _)| signing(&file.policy));
            record(ground, reporter, &Log::open(ground.repository, signing)?, &turn)?;
        }
        // A trace without a failure changes no answer: the next record carries it.
        Some(_) | None => {}
    }
    Ok(())
}

/// Removes workspaces that were left, and says what keeps one from being removed.
pub(super) fn sweep_workspaces(caller: &Caller, reporter: &Reporter) {
    for mount in prove::sweep_workspaces(caller) {
        let line =
            Line::new().text("  note     a workspace cannot be removed: a suite left a file system mounted in it");
        reporter.say(&line);
        reporter.say(
            &Line::new()
                .text("           the next run tries again after: umount ")
                .data(mount.as_os_str().as_encoded_bytes()),
        );
    }
}

/// Whether the proof was killed only after its record stood.
fn was_recorded(ground: &Ground<'_>, killed: &Killed) -> bool {
    let Some((digest, started)) = killed.last() else { return false };
    ground.records.newest(LOOKED_THROUGH).into_iter().filter_map(|id| ground.records.get(id).ok()).any(|recorded| {
        let statement = recorded.statement();
        statement.subject().digest == *digest && statement.predicate().started == started
    })
}

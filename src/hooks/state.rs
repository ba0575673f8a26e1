//! Whether the hook would fire, from a look at the files: cheap enough for every status line.
//!
//! Deliberately absent: a run of the hook. `install` does it once, `doctor --fire` whenever asked.

use std::path::PathBuf;

use super::installed::Note;
use super::manager::Manager;
use super::shim;
use super::snapshot::{Snapshot, is_runnable};
use crate::error::Result;
use crate::git::Repository;

/// What a look at the hook shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookState {
    /// git finds the hook, may execute it, and it is the one that was written.
    Fires,
    /// A manager is configured to call the gate.
    CalledBy(Manager),
    /// Where git looks there is no hook.
    Missing,
    /// Where git looks there is a hook of somebody else, or ours was changed.
    Replaced,
    /// The hook is there and git ignores it.
    NotExecutable,
    /// The hook that was written lies here, where git does not look.
    Elsewhere(PathBuf),
}

/// Looks at the hook.
pub fn state(repository: &Repository) -> Result<HookState> {
    let note = Note::read(repository)?;
    let folder = repository.hooks_folder()?.path;
    let hook = folder.join("pre-push");
    if let Some(written) = note.as_ref().map(Note::hook).filter(|written| *written != hook) {
        return Ok(HookState::Elsewhere(written));
    }
    let standing = Snapshot::take(&hook)?;
    let is_ours = |standing: &Snapshot| match &note {
        Some(note) => standing.digest() == note.sha256,
        None => shim::is_ours(standing.bytes()),
    };
    let Some(standing) = standing else { return Ok(HookState::Missing) };
    if !is_ours(&standing) {
        let manager = Manager::of(&folder, Some(&standing));
        let calling = manager.filter(|manager| manager.calling_file(&folder, repository.work_tree()).is_some());
        return Ok(calling.map_or(HookState::Replaced, HookState::CalledBy));
    }
    Ok(if is_runnable(&hook) { HookState::Fires } else { HookState::NotExecutable })
}

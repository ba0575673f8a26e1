//! Everything that one install writes, what it says of it, and how it is taken back.
//!
//! Deliberately absent: what may be written where; that is settled before the first byte.

use std::fs;
use std::path::PathBuf;

use super::added::Addition;
use super::hook::Hook;
use super::installed::{Kept, Note, NotedHook};
use super::shim;
use super::snapshot::{self, Snapshot, is_runnable};
use super::uninstall::remove_kept;
use crate::error::{Context as _, Result};
use crate::git::Repository;

/// What is to be written, and what stands there.
pub struct Change<'a> {
    pub repository: &'a Repository,
    pub note: Note,
    pub hooks: Vec<HookChange>,
    pub additions: Vec<Addition>,
}

/// The same of one hook.
pub struct HookChange {
    pub hook: Hook,
    /// Where it goes.
    pub path: PathBuf,
    pub shim: Snapshot,
    pub standing: Option<Snapshot>,
    /// What is kept from before, and whether this install keeps it.
    pub before: Option<Kept>,
    pub kept_is_new: bool,
    pub made_folder: bool,
}

impl Change<'_> {
    /// What is written, one line each.
    pub fn lines(&self) -> Vec<String> {
        let hooks = self.hooks.iter().flat_map(HookChange::lines);
        hooks.chain(self.additions.iter().map(Addition::line)).collect()
    }

    /// The note first, then the settings, and for each hook the copy and then the hook: cut short anywhere, the hook that stood there
    /// still stands.
    pub fn make(&self) -> Result<()> {
        let mut note = self.note.clone();
        for change in &self.hooks {
            let HookChange { hook, path, shim, before, made_folder, .. } = change;
            note.put(NotedHook::new(*hook, path, shim, before.clone(), *made_folder));
        }
        for addition in &self.additions {
            addition.note(&mut note);
        }
        for change in &self.hooks {
            let folder = change.path.parent().expect("a hook lies in a folder");
            fs::create_dir_all(folder).context(format!("cannot make {}", folder.display()))?;
        }
        note.write(self.repository)?;
        for addition in &self.additions {
            addition.make(self.repository)?;
        }
        self.hooks.iter().try_for_each(HookChange::make)
    }

    /// Everything as it was, whatever of it was written.
    pub fn undo(&self) -> Result<()> {
        for change in self.hooks.iter().rev() {
            change.undo()?;
        }
        for addition in self.additions.iter().rev() {
            addition.undo(self.repository)?;
        }
        self.note.write(self.repository)?;
        for change in self.hooks.iter().filter(|change| change.made_folder && self.note.of(change.hook).is_none()) {
            // Somebody may have put a hook there meanwhile; then the folder stays.
            drop(change.path.parent().map(fs::remove_dir));
        }
        Ok(())
    }
}

impl HookChange {
    fn lines(&self) -> Vec<String> {
        let path = self.path.display();
        let mut lines = vec![match &self.standing {
            Some(standing) if *standing == self.shim => format!("{path} stands as it should"),
            Some(standing) if shim::is_ours(self.hook, standing.bytes()) => format!("replaced an older {path}"),
            Some(_) | None => format!("wrote {path}"),
        }];
        if let Some(kept) = &self.before {
            let place = kept.path();
            let runs = if is_runnable(if self.kept_is_new { &self.path } else { &place }) {
                "it runs first"
            } else {
                "it is not executable, git did not run it and it stays so"
            };
            lines.push(format!("kept the hook that stood there as {}: {runs}", place.display()));
        }
        lines
    }

    fn make(&self) -> Result<()> {
        if let Some(kept) = self.before.as_ref().filter(|_| self.kept_is_new) {
            let path = kept.path();
            let place = path.parent().expect("a kept hook lies in a folder");
            fs::create_dir_all(place).context(format!("cannot make {}", place.display()))?;
            kept.snapshot.put(&path)?;
        }
        if self.standing.as_ref() == Some(&self.shim) { Ok(()) } else { self.shim.put(&self.path) }
    }

    fn undo(&self) -> Result<()> {
        match &self.standing {
            Some(standing) => standing.put(&self.path)?,
            None => snapshot::remove(&self.path)?,
        }
        if let Some(kept) = self.before.as_ref().filter(|_| self.kept_is_new) {
            remove_kept(&self.path, &kept.path())?;
        }
        Ok(())
    }
}

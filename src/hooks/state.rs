//! Whether the hook would fire, from a look at the files: cheap enough for every status line.
//!
//! Deliberately absent: a run of the hook. `install` does it, and may be repeated.

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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::hooks::testing::Shop;
    use crate::hooks::{Options, install};

    #[test]
    fn what_install_wrote_fires() {
        check(|_| (), &HookState::Fires);
    }

    #[test]
    fn every_way_to_fail_open_shows() {
        check(|shop| fs::remove_file(shop.hook()).unwrap(), &HookState::Missing);
        check(|shop| shop.git(&["config", "core.hooksPath", "nowhere"]), &HookState::Elsewhere(PathBuf::new()));
        check(|shop| fs::write(shop.hook(), "").unwrap(), &HookState::Replaced);
        check(|shop| fs::write(shop.hook(), [0; 512]).unwrap(), &HookState::Replaced);
        check(|shop| fs::write(shop.hook(), "#!/bin/sh\nexit 0\n").unwrap(), &HookState::Replaced);
        check(
            |shop| {
                let whole = fs::read(shop.hook()).unwrap();
                fs::write(shop.hook(), &whole[..whole.len() / 2]).unwrap();
            },
            &HookState::Replaced,
        );
        check(
            |shop| fs::set_permissions(shop.hook(), fs::Permissions::from_mode(0o644)).unwrap(),
            &HookState::NotExecutable,
        );
        check(
            |shop| {
                fs::remove_file(shop.hook()).unwrap();
                symlink("pre-push", shop.hook()).unwrap();
            },
            &HookState::Replaced,
        );
    }

    fn check(damage: impl FnOnce(&Shop), expected: &HookState) {
        let shop = Shop::new();
        install(&shop.open(), &shop.caller, &Options::default()).unwrap();
        damage(&shop);
        let expected = match expected {
            HookState::Elsewhere(_) => HookState::Elsewhere(shop.hook()),
            other => other.clone(),
        };
        assert_eq!(state(&shop.open()).unwrap(), expected);
    }
}

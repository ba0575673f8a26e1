//! Takes the hooks out again and puts back what stood there, byte for byte.
//!
//! Deliberately absent: guessing. Only recorded paths are touched, and a hook that somebody else wrote meanwhile is left alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::added;
use super::installed::{Note, NotedHook};
use super::kept::ENDING;
use super::shim;
use super::snapshot::{self, Snapshot};
use crate::error::{Context as _, Error, Exit, Result};
use crate::git::Repository;

/// What was done.
#[derive(Clone, Debug)]
pub struct Uninstalled {
    /// Where a hook that stood there before stands again.
    pub restored: Vec<PathBuf>,
    /// What was written, in plain words, one line each.
    pub lines: Vec<String>,
}

/// Takes every hook out, and the settings that came with them; records and the policy that was seen stay.
pub fn uninstall(repository: &Repository) -> Result<Uninstalled> {
    let note = Note::read(repository)?;
    if note.hooks.is_empty() && note.settings.is_empty() {
        return Err(Error::new("cannot uninstall: proof-gate noted no hook in this repository").ending(Exit::Conflict));
    }
    note.hooks.iter().try_for_each(check)?;
    let mut done = Uninstalled { restored: Vec::new(), lines: Vec::new() };
    // The last one first, so that no push meets what notes without what refuses.
    for noted in note.hooks.iter().rev() {
        done.lines.push(take_out(noted)?);
        done.restored.extend(noted.before.as_ref().map(|_| noted.path()));
    }
    for noted in note.settings.iter().rev() {
        done.lines.push(added::take_out(repository, noted)?);
    }
    for noted in note.hooks.iter().filter(|noted| noted.made_folder) {
        // A folder that holds something by now stays.
        drop(noted.path().parent().map(fs::remove_dir));
    }
    Note::default().write(repository)?;
    Ok(done)
}

/// What stands there is ours, or back already, or nothing.
fn check(noted: &NotedHook) -> Result<()> {
    let path = noted.path();
    let Some(standing) = Snapshot::take(&path)? else { return Ok(()) };
    let is_ours = standing.digest() == noted.sha256 || shim::is_ours(noted.hook, standing.bytes());
    // Cut short, an earlier uninstall has put back the hook and not yet removed the note.
    let is_back = noted.before.as_ref().is_some_and(|kept| kept.snapshot == standing);
    if is_ours || is_back {
        return Ok(());
    }
    let names_us = standing.bytes().windows(10).any(|word| word == b"proof-gate");
    let error = Error::new(format!("cannot uninstall: {} was replaced by somebody else", path.display()))
        .ending(Exit::Conflict)
        .hint("it is left as it is; move it away, then: proof-gate uninstall");
    Err(if names_us { error.hint("it names proof-gate: take that out too") } else { error })
}

/// Takes out one hook, and says what stands there now.
fn take_out(noted: &NotedHook) -> Result<String> {
    let path = noted.path();
    match &noted.before {
        Some(kept) => {
            let place = kept.path();
            let now = Snapshot::take(&place)?;
            let changed = now.as_ref().is_some_and(|now| *now != kept.snapshot);
            now.as_ref().unwrap_or(&kept.snapshot).put(&path)?;
            remove_kept(&path, &place)?;
            let how = if changed { "with the changes made to it since" } else { "byte for byte" };
            Ok(format!("put back {}, {how}", path.display()))
        }
        None => {
            let standing = Snapshot::take(&path)?;
            snapshot::remove(&path)?;
            let changed = standing.is_some_and(|standing| standing.digest() != noted.sha256);
            let how = if changed { ", which had been changed since it was written" } else { "" };
            Ok(format!("removed {}{how}", path.display()))
        }
    }
}

/// Takes the hook out, if there is one, and with it every record and all of proof-gate's own files.
pub fn purge(repository: &Repository) -> Result<Vec<String>> {
    let note = Note::read(repository)?;
    let is_installed = !note.hooks.is_empty() || !note.settings.is_empty();
    let mut lines = if is_installed { uninstall(repository)?.lines } else { Vec::new() };
    let mut commands = Vec::new();
    let refs = repository.list_refs("refs/proof/")?;
    for (name, id) in &refs {
        commands.extend_from_slice(b"delete ");
        commands.extend_from_slice(name);
        commands.extend_from_slice(format!(" {id}\n").as_bytes());
    }
    repository.command().args(["update-ref", "--stdin"]).stdin(commands).run()?;
    let noun = if refs.len() == 1 { "ref" } else { "refs" };
    lines.push(format!("removed {} {noun} below refs/proof/", refs.len()));
    let own = repository.own_dir();
    match fs::remove_dir_all(&own) {
        Ok(()) => lines.push(format!("removed {}", own.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).context(format!("cannot remove {}", own.display())),
    }
    Ok(lines)
}

/// Removes a kept file, and the folder that was made for it.
pub(super) fn remove_kept(hook: &Path, place: &Path) -> Result<()> {
    snapshot::remove(place)?;
    if let Some(folder) =
        place.parent().filter(|folder| Some(*folder) == hook.parent().map(|own| own.join(ENDING)).as_deref())
    {
        drop(fs::remove_dir(folder));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::snapshot::Text;
    use crate::hooks::testing::{Shop, executable};
    use crate::hooks::{Hook, Options, install};

    #[test]
    fn what_stood_there_stands_there_again_byte_for_byte() {
        check(None);
        check(Some(Snapshot::executable(b"#!/bin/sh\nexit 0\n".to_vec())));
        check(Some(Snapshot::File { mode: 0o640, bytes: Text(b"not \xff executable\r\n".to_vec()) }));
        check(Some(Snapshot::executable(b"#!/bin/sh\n. \"/opt/$(basename \"$0\").d/all\"\n".to_vec())));
        check(Some(Snapshot::Link { target: Text(b"../../scripts/nowhere".to_vec()) }));
    }

    #[test]
    fn changes_made_to_the_kept_hook_are_not_lost() {
        let shop = Shop::new().with_hook(b"#!/bin/sh\nexit 0\n");
        let chained =
            install(&shop.open(), &shop.caller, &Options::default()).unwrap().hooks[0].chained.clone().unwrap();
        executable(&chained, b"#!/bin/sh\nexit 3\n");
        uninstall(&shop.open()).unwrap();
        assert_eq!(fs::read(shop.hook()).unwrap(), b"#!/bin/sh\nexit 3\n");
    }

    #[test]
    fn a_kept_hook_that_was_lost_comes_back_from_the_note() {
        let shop = Shop::new().with_hook(b"#!/bin/sh\nexit 4\n");
        let chained =
            install(&shop.open(), &shop.caller, &Options::default()).unwrap().hooks[0].chained.clone().unwrap();
        fs::remove_file(chained).unwrap();
        uninstall(&shop.open()).unwrap();
        assert_eq!(fs::read(shop.hook()).unwrap(), b"#!/bin/sh\nexit 4\n");
    }

    #[test]
    fn a_hook_that_somebody_else_wrote_meanwhile_is_left_alone() {
        let shop = Shop::new();
        install(&shop.open(), &shop.caller, &Options::default()).unwrap();
        executable(&shop.hook(), b"#!/bin/sh\nexit 0\n");
        let error = uninstall(&shop.open()).unwrap_err();
        assert_eq!(error.exit, Exit::Conflict);
        assert_eq!(fs::read(shop.hook()).unwrap(), b"#!/bin/sh\nexit 0\n");
    }

    #[test]
    fn without_an_installation_nothing_is_taken_out() {
        let shop = Shop::new().with_hook(b"#!/bin/sh\n");
        assert_eq!(uninstall(&shop.open()).unwrap_err().exit, Exit::Conflict);
        assert!(shop.hook().exists());
    }

    #[test]
    fn purge_takes_the_records_and_nothing_else() {
        let shop = Shop::new();
        shop.git(&["commit", "--quiet", "--allow-empty", "-m", "one"]);
        shop.git(&["update-ref", "refs/proof/log/0123456789abcdef", "HEAD"]);
        install(&shop.open(), &shop.caller, &Options::default()).unwrap();
        purge(&shop.open()).unwrap();
        let repository = shop.open();
        assert!(repository.list_refs("refs/proof/").unwrap().is_empty());
        assert_eq!(repository.list_refs("refs/heads/").unwrap().len(), 1);
        assert!(!repository.own_dir().exists());
        assert!(!shop.hook().exists());
    }

    /// Installs twice over what stands there, takes it out, and looks.
    fn check(before: Option<Snapshot>) {
        let shop = Shop::new();
        if let Some(before) = &before {
            fs::create_dir_all(shop.hook().parent().unwrap()).unwrap();
            before.put(&shop.hook()).unwrap();
        }
        for _ in 0..2 {
            install(&shop.open(), &shop.caller, &Options::default()).unwrap();
            assert!(shim::is_ours(Hook::PrePush, &fs::read(shop.hook()).unwrap()));
        }
        let done = uninstall(&shop.open()).unwrap();
        assert_eq!(done.restored.len(), usize::from(before.is_some()));
        assert_eq!(Snapshot::take(&shop.hook()).unwrap(), before);
        let left = fs::read_dir(shop.hook().parent().unwrap()).map_or(0, Iterator::count);
        assert_eq!(left, usize::from(before.is_some()), "something was left over");
    }
}

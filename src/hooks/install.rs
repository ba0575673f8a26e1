//! Writes the hooks, keeps what stood there, and proves by a run that each fires; if one does not, everything is as before.
//!
//! Deliberately absent: changing the user's git configuration, but for what is asked to be added to a server's. Where else it has to
//! change, the command is printed.

use std::fs;
use std::path::{Path, PathBuf};

use super::added::{Added, Addition};
use super::change::{Change, HookChange};
use super::folder::folder;
use super::hook::{Hook, Side};
use super::installed::{Kept, Note, NotedHook};
use super::kept::{orphan_of, place_for};
use super::manager::Manager;
use super::seen_policy::SeenPolicy;
use super::snapshot::{self, Snapshot};
use super::{self_test, shim};
use crate::caller::Caller;
use crate::error::{Error, Exit, Result};
use crate::git::Repository;

/// What `install` was asked.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whose hooks.
    pub side: Side,
    /// The folder git looks in, named by the user because it lies outside the repository.
    pub hooks_dir: Option<PathBuf>,
    /// Chain a hook even of a manager that will write it anew.
    pub force: bool,
    /// Only say what would be done.
    pub dry_run: bool,
    /// The policy file as it stands; what is seen first stays the anchor until a gated update is allowed.
    pub policy: Option<Vec<u8>>,
    /// Settings that the repository's own configuration gets.
    pub settings: Vec<Added>,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The hooks that git starts.
    pub hooks: Vec<Placed>,
    /// The manager that calls the gate by itself; then nothing was written to the hooks folder.
    pub called_by: Option<Manager>,
    /// What was written, in plain words, one line each.
    pub lines: Vec<String>,
}

/// A hook where git starts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The hook.
    pub path: PathBuf,
    /// The hook that stood there, where it is now.
    pub chained: Option<PathBuf>,
}

/// Installs the hooks. See [`Options`]; a standing obstacle ends with [`Exit::Conflict`] and the ways on, before anything is written.
pub fn install(repository: &Repository, caller: &Caller, options: &Options) -> Result<Installed> {
    let folder = folder(repository, caller, options)?;
    let note = Note::read(repository)?;
    if let Some((manager, mut lines)) = called_by_manager(repository, &folder, &note, options)? {
        see_policy(repository, options, &mut lines)?;
        return Ok(Installed { hooks: Vec::new(), called_by: Some(manager), lines });
    }
    let hooks = options.side.hooks().iter().map(|hook| HookChange::plan(*hook, &folder, &note, caller));
    let hooks = hooks.collect::<Result<Vec<_>>>()?;
    let additions = options.settings.iter().map(|added| Addition::plan(repository, &note, added));
    let additions = additions.collect::<Result<Vec<_>>>()?;
    let change = Change { repository, note, hooks, additions };
    let mut lines = change.lines();
    if !options.dry_run {
        let fire = || change.hooks.iter().try_for_each(|hook| self_test::fire(repository, hook.hook));
        if let Err(error) = change.make().and_then(|()| fire()) {
            return Err(match change.undo() {
                Ok(()) => error.hint("nothing was changed"),
                Err(undoing) => error.hint(format!("and putting back failed: {undoing}")),
            });
        }
        lines.push(
            match options.side {
                Side::Client => "proved by a run: the hook fires and refuses",
                Side::Server => "proved by a run: each hook fires, and the one that can refuse does",
            }
            .to_owned(),
        );
        for hook in &change.hooks {
            lines.extend(remove_echo(hook)?);
        }
    }
    see_policy(repository, options, &mut lines)?;
    let placed = |change: HookChange| Placed { chained: change.before.as_ref().map(Kept::path), path: change.path };
    Ok(Installed { hooks: change.hooks.into_iter().map(placed).collect(), called_by: None, lines })
}

/// Where a manager rules the folder and calls the gate, nothing is written; where it does not, that is a conflict. On a server there is
/// none: they live in work trees.
fn called_by_manager(
    repository: &Repository,
    folder: &Path,
    note: &Note,
    options: &Options,
) -> Result<Option<(Manager, Vec<String>)>> {
    let hook = match options.side {
        Side::Client => Hook::PrePush,
        Side::Server => return Ok(None),
    };
    let path = folder.join(hook.name());
    let noted = note.of(hook);
    check_place(hook, &path, noted)?;
    let standing = Snapshot::take(&path)?;
    if options.force || standing.as_ref().is_some_and(|standing| stands_for_ours(hook, &path, standing, noted)) {
        return Ok(None);
    }
    let Some(manager) = Manager::of(folder, standing.as_ref()) else { return Ok(None) };
    let Some(file) = manager.calling_file(folder, repository.work_tree()) else {
        return Err(manager.conflict(repository.work_tree()));
    };
    manager.check_hook(folder, standing.as_ref(), &file)?;
    let lines = vec![
        format!("nothing written: {} calls the gate", file.display()),
        "  whether it is really asked, only a push shows: proof-gate doctor --fire".to_owned(),
    ];
    Ok(Some((manager, lines)))
}

/// One of each hook in a repository.
fn check_place(hook: Hook, path: &Path, noted: Option<&NotedHook>) -> Result<()> {
    match noted.map(NotedHook::path).filter(|noted| noted != path) {
        None => Ok(()),
        Some(elsewhere) => {
            Err(Error::new(format!("cannot install at {}: it is installed at {}", path.display(), elsewhere.display()))
                .ending(Exit::Conflict)
                .hint(format!("take that one out first: proof-gate uninstall, then: {}", hook.side().install())))
        }
    }
}

impl HookChange {
    /// Settles what one hook's install will write.
    fn plan(hook: Hook, folder: &Path, note: &Note, caller: &Caller) -> Result<Self> {
        let path = folder.join(hook.name());
        let noted = note.of(hook);
        check_place(hook, &path, noted)?;
        let standing = Snapshot::take(&path)?;
        let before = match &standing {
            Some(theirs) if !stands_for_ours(hook, &path, theirs, noted) => Some(keep(hook, &path, theirs)?),
            // Ours stands there, or nothing does: what was kept by an earlier install stays kept.
            Some(_) | None => match noted.and_then(|noted| noted.before.clone()) {
                Some(kept) => Some(kept),
                None => adopt(&path)?,
            },
        };
        Ok(HookChange {
            hook,
            shim: Snapshot::executable(shim::render(hook, &caller.program)),
            kept_is_new: before.as_ref().is_some_and(|kept| kept.path().symlink_metadata().is_err()),
            standing,
            before,
            made_folder: noted.is_some_and(|noted| noted.made_folder) || !folder.exists(),
            path,
        })
    }
}

/// Whether what stands there is ours, or what is left of ours.
fn stands_for_ours(hook: Hook, path: &Path, standing: &Snapshot, noted: Option<&NotedHook>) -> bool {
    shim::is_ours(hook, standing.bytes()) || is_debris(hook, path, standing, noted.is_some())
}

/// Keeps a hook of somebody else, at a place where nothing else is kept.
fn keep(which: Hook, hook: &Path, theirs: &Snapshot) -> Result<Kept> {
    let install = which.side().install();
    let place = place_for(hook, theirs.bytes());
    // A link keeps its target only where it stands, and there it is called by another name.
    let script = fs::read(hook).unwrap_or_default();
    if matches!(theirs, Snapshot::Link { .. }) && place_for(hook, &script) != place {
        return Err(Error::new(format!(
            "cannot chain {}: it is a link, and its script asks by which name it is called",
            hook.display()
        ))
        .ending(Exit::Conflict)
        .hint(format!("put a script there that calls what the link leads to, then: {install}")));
    }
    for occupied in orphan_of(hook).into_iter().chain([place.clone()]) {
        // The very same hook is there if an earlier install was cut short.
        if Snapshot::take(&occupied)?.is_some_and(|kept| kept != *theirs) {
            let (hook, occupied) = (hook.display(), occupied.display());
            return Err(Error::new(format!("cannot keep {hook}: {occupied} holds another hook that was kept before"))
                .ending(Exit::Conflict)
                .hint(format!("another program took {hook} back; move one of the two away, then: {install}")));
        }
    }
    Ok(Kept::new(&place, theirs.clone()))
}

/// What is left of a hook of ours after a crash or a full disk, where one was installed: nothing, nothing but NUL bytes, or its
/// beginning. A link in a circle is never a hook, and kept under another name it would lead to ours.
fn is_debris(which: Hook, hook: &Path, standing: &Snapshot, is_installed: bool) -> bool {
    match standing {
        Snapshot::File { bytes, .. } => {
            is_installed
                && (bytes.0.iter().all(|byte| *byte == 0) || shim::compare(which, &bytes.0) == shim::Text::CutShort)
        }
        Snapshot::Link { .. } => {
            fs::metadata(hook).is_err_and(|error| error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()))
        }
    }
}

/// Takes in a kept hook whose note was lost.
fn adopt(hook: &Path) -> Result<Option<Kept>> {
    let Some(place) = orphan_of(hook) else { return Ok(None) };
    Ok(Snapshot::take(&place)?.map(|snapshot| Kept::new(&place, snapshot)))
}

/// Removes our own hook from where pre-commit and prek put it when they take the place back: they would start it from within the kept hook.
fn remove_echo(change: &HookChange) -> Result<Option<String>> {
    let legacy = change.path.with_extension("legacy");
    let is_ours = Snapshot::take(&legacy)?.is_some_and(|standing| shim::is_ours(change.hook, standing.bytes()));
    if !is_ours {
        return Ok(None);
    }
    snapshot::remove(&legacy)?;
    Ok(Some(format!("removed {}, an earlier hook of ours that a hook manager had put there", legacy.display())))
}

/// Notes the policy, unless one was seen before: to install again must not make a weaker one the anchor.
fn see_policy(repository: &Repository, options: &Options, lines: &mut Vec<String>) -> Result<()> {
    let Some(policy) = &options.policy else { return Ok(()) };
    match SeenPolicy::read(repository)? {
        Some((_, seen)) if seen == *policy => {}
        Some((id, _)) => lines.push(format!("the policy seen first stays the anchor ({})", id.short())),
        None => {
            lines.push(format!("noted the policy file as the anchor ({})", repository.blob_id(policy)?.short()));
            if !options.dry_run {
                SeenPolicy::write(repository, policy)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

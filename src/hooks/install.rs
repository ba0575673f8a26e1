//! Writes the hook, keeps what stood there, and proves by a run that it fires; if it does not, everything is as before.
//!
//! Deliberately absent: changing the user's git configuration. Where that has to change, the command is printed.

use std::fs;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

use super::installed::{Kept, Note};
use super::kept::{orphan_of, place_for};
use super::manager::Manager;
use super::seen_policy::SeenPolicy;
use super::snapshot::{self, Snapshot, is_runnable};
use super::{self_test, shim};
use crate::caller::Caller;
use crate::error::{Context as _, Error, Exit, Result};
use crate::git::{HooksFolder, Repository, Scope};

/// What `install` was asked.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The folder git looks in, named by the user because it lies outside the repository.
    pub hooks_dir: Option<PathBuf>,
    /// Chain a hook even of a manager that will write it anew.
    pub force: bool,
    /// Only say what would be done.
    pub dry_run: bool,
    /// The policy file as it stands; what is seen first stays the anchor until a gated update is allowed.
    pub policy: Option<Vec<u8>>,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The hook that git starts.
    pub hook: PathBuf,
    /// The hook that stood there, where it is now.
    pub chained: Option<PathBuf>,
    /// The manager that calls the gate by itself; then nothing was written to the hooks folder.
    pub called_by: Option<Manager>,
    /// What was written, in plain words, one line each.
    pub lines: Vec<String>,
}

/// Installs the hook pre-push. See [`Options`]; a standing obstacle ends with [`Exit::Conflict`] and the ways on.
pub fn install(repository: &Repository, caller: &Caller, options: &Options) -> Result<Installed> {
    let folder = folder(repository, caller, options)?;
    let hook = folder.join("pre-push");
    let note = Note::read(repository)?;
    if let Some(elsewhere) = note.as_ref().map(Note::hook).filter(|noted| *noted != hook) {
        return Err(Error::new(format!(
            "cannot install at {}: it is installed at {}",
            hook.display(),
            elsewhere.display()
        ))
        .ending(Exit::Conflict)
        .hint("take that one out first: proof-gate uninstall, then: proof-gate install"));
    }
    let standing = Snapshot::take(&hook)?;
    let standing_is_ours = standing
        .as_ref()
        .is_some_and(|standing| shim::is_ours(standing.bytes()) || is_debris(&hook, standing, note.is_some()));
    let manager = Manager::of(&folder, standing.as_ref()).filter(|_| !standing_is_ours && !options.force);
    if let Some(manager) = manager {
        let Some(file) = manager.calling_file(&folder, repository.work_tree()) else {
            return Err(manager.conflict(repository.work_tree()));
        };
        manager.check_hook(&folder, standing.as_ref(), &file)?;
        let mut lines = vec![
            format!("nothing written: {} calls the gate", file.display()),
            "  whether it is really asked, only a push shows: proof-gate doctor --fire".to_owned(),
        ];
        see_policy(repository, options, &mut lines)?;
        return Ok(Installed { hook, chained: None, called_by: Some(manager), lines });
    }
    let before = match &standing {
        Some(theirs) if !standing_is_ours => Some(keep(&hook, theirs)?),
        // Ours stands there, or nothing does: what was kept by an earlier install stays kept.
        Some(_) | None => match note.as_ref().and_then(|note| note.before.clone()) {
            Some(kept) => Some(kept),
            None => adopt(&hook)?,
        },
    };
    let made_folder = note.as_ref().is_some_and(|note| note.made_folder) || !folder.exists();
    let change = Change {
        repository,
        shim: Snapshot::executable(shim::render(&caller.program)),
        kept_is_new: before.as_ref().is_some_and(|kept| kept.path().symlink_metadata().is_err()),
        note,
        standing,
        before,
        made_folder,
        hook,
    };
    let mut lines = change.lines();
    if !options.dry_run {
        if let Err(error) = change.make().and_then(|()| self_test::fire(repository)) {
            return Err(match change.undo() {
                Ok(()) => error.hint("nothing was changed"),
                Err(undoing) => error.hint(format!("and putting back failed: {undoing}")),
            });
        }
        lines.push("proved by a run: the hook fires and refuses".to_owned());
        lines.extend(remove_echo(&change.hook)?);
    }
    see_policy(repository, options, &mut lines)?;
    let chained = change.before.as_ref().map(Kept::path);
    Ok(Installed { hook: change.hook, chained, called_by: None, lines })
}

/// The folder to install in: where git looks, if that is this repository's own or was named by the user.
fn folder(repository: &Repository, caller: &Caller, options: &Options) -> Result<PathBuf> {
    let HooksFolder { path, setting } = repository.hooks_folder()?;
    if let Some(named) = &options.hooks_dir {
        let named = caller.directory.join(named);
        if resolved(&named) == resolved(&path) {
            return Ok(path);
        }
        let (named, path) = (named.display(), path.display());
        return Err(Error::new(format!("cannot install in {named}: git looks for hooks in {path}"))
            .ending(Exit::Conflict)
            .hint(format!("let git look there: git config --local core.hooksPath '{named}'")));
    }
    let own = match setting.as_ref().map(|setting| setting.scope) {
        None | Some(Scope::Local | Scope::Worktree) => is_inside(repository, &path),
        Some(Scope::Global | Scope::System) => false,
    };
    if own {
        return Ok(path);
    }
    if let Some(empty) = setting.as_ref().filter(|setting| setting.value.is_empty()) {
        let scope = empty.scope.as_str();
        return Err(Error::new(format!("cannot install: core.hooksPath is empty in the {scope} configuration"))
            .ending(Exit::Conflict)
            .hint(format!("git finds no hook that way; take it out: git config --{scope} --unset-all core.hooksPath"))
            .hint("then: proof-gate install"));
    }
    let why = match &setting {
        Some(setting) => {
            let scope = setting.scope.as_str();
            format!("core.hooksPath is '{}' in the {scope} configuration", setting.value.as_bstr())
        }
        None => "the hooks folder is a link to it".to_owned(),
    };
    let default = repository.common_dir().join("hooks");
    let mut error = Error::new(format!("cannot install in {}, outside this repository: {why}", path.display()))
        .ending(Exit::Conflict)
        .hint(format!(
            "install there, for every repository that uses it: proof-gate install --hooks-dir '{}'",
            path.display()
        ));
    if setting.is_some() {
        error = error.hint(format!(
            "or let this repository have its own: git config --local core.hooksPath '{}'",
            default.display()
        ));
    }
    Err(error)
}

/// Whether a folder lies in the repository's git directory or work tree, links followed.
fn is_inside(repository: &Repository, folder: &Path) -> bool {
    let folder = resolved(folder);
    [Some(repository.common_dir()), repository.work_tree()]
        .into_iter()
        .flatten()
        .any(|own| folder != resolved(own) && folder.starts_with(resolved(own)))
}

/// The path with all links followed, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    match (fs::canonicalize(path), path.parent(), path.file_name()) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => resolved(parent).join(name),
        (Err(_), ..) => path.to_owned(),
    }
}

/// Keeps a hook of somebody else, at a place where nothing else is kept.
fn keep(hook: &Path, theirs: &Snapshot) -> Result<Kept> {
    let place = place_for(hook, theirs.bytes());
    // A link keeps its target only where it stands, and there it is called by another name.
    let script = fs::read(hook).unwrap_or_default();
    if matches!(theirs, Snapshot::Link { .. }) && place_for(hook, &script) != place {
        return Err(Error::new(format!(
            "cannot chain {}: it is a link, and its script asks by which name it is called",
            hook.display()
        ))
        .ending(Exit::Conflict)
        .hint("put a script there that calls what the link leads to, then: proof-gate install"));
    }
    for occupied in orphan_of(hook).into_iter().chain([place.clone()]) {
        // The very same hook is there if an earlier install was cut short.
        if Snapshot::take(&occupied)?.is_some_and(|kept| kept != *theirs) {
            let (hook, occupied) = (hook.display(), occupied.display());
            return Err(Error::new(format!("cannot keep {hook}: {occupied} holds another hook that was kept before"))
                .ending(Exit::Conflict)
                .hint(format!(
                    "another program took {hook} back; move one of the two away, then: proof-gate install"
                )));
        }
    }
    Ok(Kept::new(&place, theirs.clone()))
}

/// What is left of a hook of ours after a crash or a full disk, where one was installed: nothing, nothing but NUL bytes, or its
/// beginning. A link in a circle is never a hook, and kept under another name it would lead to ours.
fn is_debris(hook: &Path, standing: &Snapshot, is_installed: bool) -> bool {
    match standing {
        Snapshot::File { bytes, .. } => {
            is_installed && (bytes.0.iter().all(|byte| *byte == 0) || shim::compare(&bytes.0) == shim::Text::CutShort)
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
fn remove_echo(hook: &Path) -> Result<Option<String>> {
    let legacy = hook.with_extension("legacy");
    let is_ours = Snapshot::take(&legacy)?.is_some_and(|standing| shim::is_ours(standing.bytes()));
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

/// Everything that one install writes, and what it needs to take it back.
struct Change<'a> {
    repository: &'a Repository,
    hook: PathBuf,
    shim: Snapshot,
    standing: Option<Snapshot>,
    before: Option<Kept>,
    kept_is_new: bool,
    note: Option<Note>,
    made_folder: bool,
}

impl Change<'_> {
    fn lines(&self) -> Vec<String> {
        let hook = self.hook.display();
        let mut lines = vec![match &self.standing {
            Some(standing) if *standing == self.shim => format!("{hook} stands as it should"),
            Some(standing) if shim::is_ours(standing.bytes()) => format!("replaced an older {hook}"),
            Some(_) | None => format!("wrote {hook}"),
        }];
        if let Some(kept) = &self.before {
            let path = kept.path();
            let runs = if is_runnable(if self.kept_is_new { &self.hook } else { &path }) {
                "it runs first"
            } else {
                "it is not executable, git did not run it and it stays so"
            };
            lines.push(format!("kept the hook that stood there as {}: {runs}", path.display()));
        }
        lines
    }

    /// The note first, then the copy, then the hook: cut short anywhere, the hook that stood there still stands.
    fn make(&self) -> Result<()> {
        let folder = self.hook.parent().expect("a hook lies in a folder");
        fs::create_dir_all(folder).context(format!("cannot make {}", folder.display()))?;
        Note::new(&self.hook, &self.shim, self.before.clone(), self.made_folder).write(self.repository)?;
        if let Some(kept) = self.before.as_ref().filter(|_| self.kept_is_new) {
            let path = kept.path();
            let place = path.parent().expect("a kept hook lies in a folder");
            fs::create_dir_all(place).context(format!("cannot make {}", place.display()))?;
            kept.snapshot.put(&path)?;
        }
        if self.standing.as_ref() == Some(&self.shim) { Ok(()) } else { self.shim.put(&self.hook) }
    }

    fn undo(&self) -> Result<()> {
        match &self.standing {
            Some(standing) => standing.put(&self.hook)?,
            None => snapshot::remove(&self.hook)?,
        }
        if let Some(kept) = self.before.as_ref().filter(|_| self.kept_is_new) {
            super::uninstall::remove_kept(&self.hook, &kept.path())?;
        }
        match &self.note {
            Some(note) => note.write(self.repository)?,
            None => Note::remove(self.repository)?,
        }
        if self.made_folder && self.note.is_none() {
            // Somebody may have put a hook there meanwhile; then the folder stays.
            drop(self.hook.parent().map(fs::remove_dir));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

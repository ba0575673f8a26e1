//! The user's repository as suites must leave it: hooks, configuration, refs. What changed there while a suite ran.
//!
//! Deliberately absent: who changed it. The user may work there meanwhile; so only what stays forbidden whoever does it, and what bears the
//! mark of the workspace, is a finding.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice as _};

use super::workspace_refs::WorkspaceRefs;
use crate::error::{Context as _, Result};
use crate::evidence::Noticed;
use crate::git::{Begun, Oid, Repository};

/// Refs that are named in one line; the others are counted.
const NAMED: usize = 3;

/// Files of a hooks folder that are looked at, with those below it.
const MAX_HOOKS: usize = 1000;

/// A larger file is told by its size and time.
const MAX_READ: u64 = 1 << 20;

/// Watches a repository from before the first child on.
pub(super) struct UserRepository<'a> {
    repository: &'a Repository,
    hooks_folders: BTreeSet<PathBuf>,
    seen: Snapshot,
}

/// What git was asked, and answers while something else is done.
pub(super) struct Asked {
    configuration: Result<Begun>,
    refs: Result<Begun>,
}

#[derive(Clone, PartialEq, Eq)]
struct Snapshot {
    /// The files of the hooks folders.
    hooks: BTreeMap<PathBuf, Content>,
    /// The files that git reads for its configuration, those that are included too.
    config: BTreeMap<PathBuf, Content>,
    /// Every ref but the gate's own, and every worktree's `HEAD`, as text.
    refs: BTreeMap<BString, BString>,
}

/// A file, as far as it matters whether it is another one.
#[derive(Clone, PartialEq, Eq)]
enum Content {
    Absent,
    File {
        mode: u32,
        bytes: Vec<u8>,
    },
    Link(PathBuf, Box<Content>),
    /// Not read: a folder, a pipe, or too large.
    Other {
        mode: u32,
        size: u64,
        modified: Option<std::time::SystemTime>,
    },
}

impl<'a> UserRepository<'a> {
    /// Begins to ask git about it.
    pub(super) fn ask(repository: &Repository) -> Asked {
        // Broken refs are git's to warn of; they must keep nobody from a proof.
        let refs = repository.command().args(["for-each-ref", "--format=%(refname) %(objectname)"]).begin();
        Asked { configuration: repository.ask_configuration(), refs }
    }

    /// Notes how it stands.
    pub(super) fn watch(repository: &'a Repository, asked: Asked) -> Result<Self> {
        let configuration = repository.configuration(asked.configuration?)?;
        let hooks_folder = repository.hooks_folder_by(configuration.hooks_path)?.path;
        let hooks_folders = BTreeSet::from([hooks_folder, repository.common_dir().join("hooks")]);
        let seen = Snapshot {
            hooks: hooks_in(&hooks_folders),
            config: config_in(repository, configuration.files),
            refs: refs(repository, asked.refs)?,
        };
        Ok(UserRepository { repository, hooks_folders, seen })
    }

    /// What changed since it was last looked at.
    pub(super) fn changes(&mut self, asked: Asked, workspace: &WorkspaceRefs) -> Vec<Noticed> {
        // Where git cannot read the repository any more, a change of the files that it could read before says why.
        let known = self.seen.config.keys().cloned();
        let listed = asked.configuration.and_then(|asked| self.repository.configuration(asked)).unwrap_or_default();
        let config = listed.files.into_iter().chain(known).collect();
        let (refs, unread) = match refs(self.repository, asked.refs) {
            Ok(refs) => (refs, None),
            Err(error) => (self.seen.refs.clone(), Some(error)),
        };
        let now = Snapshot { hooks: hooks_in(&self.hooks_folders), config: config_in(self.repository, config), refs };
        let mut noticed = differences(&self.seen, &now, workspace);
        // What nobody can read may hold anything.
        noticed.extend(unread.map(|error| Noticed::RepositoryTouched {
            what: format!("after the suite its refs could not be read: {}", error.message),
        }));
        self.seen = now;
        noticed
    }
}

fn hooks_in(folders: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Content> {
    let mut hooks = BTreeMap::new();
    for folder in folders {
        hooks.insert(folder.clone(), Content::of_folder(folder));
        list(folder, &mut hooks);
    }
    hooks
}

fn config_in(repository: &Repository, named: BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Content> {
    // Those of the other worktrees too: one line there takes the hook from whoever pushes there.
    let worktrees = fs::read_dir(repository.common_dir().join("worktrees")).into_iter().flatten().flatten();
    let folders = worktrees.map(|entry| entry.path());
    let folders = folders.chain([repository.common_dir().to_owned(), repository.git_dir().to_owned()]);
    let own = folders.flat_map(|folder| [folder.join("config"), folder.join("config.worktree")]);
    own.chain(named).map(|file| (file.clone(), Content::of(&file))).collect()
}

impl Content {
    fn of(path: &Path) -> Self {
        let Ok(found) = fs::symlink_metadata(path) else { return Content::Absent };
        if found.is_symlink() {
            let target = fs::read_link(path).unwrap_or_default();
            // What it leads to counts as well, once: git follows it.
            let behind = fs::canonicalize(path).map_or(Content::Absent, |real| Content::of(&real));
            return Content::Link(target, Box::new(behind));
        }
        let mode = found.permissions().mode();
        if found.is_file()
            && found.len() <= MAX_READ
            && let Ok(bytes) = fs::read(path)
        {
            return Content::File { mode, bytes };
        }
        Content::Other { mode, size: found.len(), modified: found.modified().ok() }
    }

    /// A folder itself: whether it is one, or a link to one.
    fn of_folder(path: &Path) -> Self {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => Content::Other { mode: found.permissions().mode(), size: 0, modified: None },
            Ok(found) if found.is_symlink() => {
                Content::Link(fs::read_link(path).unwrap_or_default(), Box::new(Content::Absent))
            }
            Ok(_) | Err(_) => Content::Absent,
        }
    }
}

/// The files of a folder and those of folders in it, which a manager's hooks may read.
fn list(folder: &Path, found: &mut BTreeMap<PathBuf, Content>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if found.len() >= MAX_HOOKS {
            return;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            list(&entry.path(), found);
        } else {
            found.insert(entry.path(), Content::of(&entry.path()));
        }
    }
}

/// Every ref with what it points at, and each worktree's `HEAD` as its file has it.
fn refs(repository: &Repository, asked: Result<Begun>) -> Result<BTreeMap<BString, BString>> {
    let listed = asked.and_then(Begun::run).context("cannot list the refs of the repository")?;
    let mut refs: BTreeMap<BString, BString> = BTreeMap::new();
    for line in listed.lines() {
        let (name, id) = line.split_once_str(" ").context("cannot read git's list of refs")?;
        if !name.starts_with(b"refs/proof/") {
            refs.insert(name.into(), id.into());
        }
    }
    let worktrees = fs::read_dir(repository.common_dir().join("worktrees")).into_iter().flatten().flatten();
    let heads = worktrees.map(|entry| entry.path()).chain([repository.common_dir().to_owned()]);
    for folder in heads {
        let Content::File { bytes, .. } = Content::of(&folder.join("HEAD")) else { continue };
        let name = match folder.strip_prefix(repository.common_dir().join("worktrees")) {
            Ok(name) => format!("HEAD of {}", name.display()),
            Err(_) => "HEAD".to_owned(),
        };
        refs.insert(name.into(), bytes.trim_ascii().into());
    }
    Ok(refs)
}

fn differences(before: &Snapshot, now: &Snapshot, workspace: &WorkspaceRefs) -> Vec<Noticed> {
    let mut noticed = Vec::new();
    for (what, before, now) in
        [("the hook", &before.hooks, &now.hooks), ("the configuration", &before.config, &now.config)]
    {
        let absent = Content::Absent;
        let paths: BTreeSet<&PathBuf> = before.keys().chain(now.keys()).collect();
        for path in paths {
            let (was, is) = (before.get(path).unwrap_or(&absent), now.get(path).unwrap_or(&absent));
            let how = match (was, is) {
                _ if was == is => continue,
                (Content::Absent, _) => "appeared",
                (_, Content::Absent) => "was removed",
                _ => "changed",
            };
            let what = format!("{what} {} {how} while the suite ran", path.display());
            noticed.push(Noticed::RepositoryTouched { what });
        }
    }
    let mut others = Vec::new();
    let names: BTreeSet<&BString> = before.refs.keys().chain(now.refs.keys()).collect();
    for name in names {
        let (was, is) = (before.refs.get(name), now.refs.get(name));
        if was == is {
            continue;
        }
        if let Some(is) = is
            && workspace.has(name.as_bstr(), Oid::from_hex(is))
        {
            let how = if was.is_some() { "moved" } else { "appeared" };
            let what = format!("{name} {how} while the suite ran, as it did in the workspace");
            noticed.push(Noticed::RepositoryTouched { what });
        } else {
            others.push(name.to_string());
        }
    }
    if !others.is_empty() {
        let more = others.len().saturating_sub(NAMED);
        let mut words = others[..others.len() - more].join(", ");
        if more > 0 {
            words.push_str(&format!(" and {more} more"));
        }
        noticed.push(Noticed::Note(format!("changed in the repository while the suite ran: {words}")));
    }
    noticed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;

    #[test]
    fn refs_that_cannot_be_read_after_a_suite_are_a_finding() {
        let root = tempfile::tempdir().unwrap();
        let directory = fs::canonicalize(root.path()).unwrap();
        let variables = ["PATH", "HOME"].map(|name| (name.into(), std::env::var_os(name).unwrap_or_default()));
        let caller =
            Caller { variables: variables.into(), directory: directory.clone(), program: "/bin/proof-gate".into() };
        crate::git::Program::find(&caller).unwrap().command(&directory).args(["init", "-q"]).run().unwrap();
        let repository = Repository::open(&caller).unwrap();
        let mut user = UserRepository::watch(&repository, UserRepository::ask(&repository)).unwrap();
        let workspace = WorkspaceRefs::default();
        assert_eq!(user.changes(UserRepository::ask(&repository), &workspace), []);
        fs::write(repository.common_dir().join("packed-refs"), "nonsense\n").unwrap();
        let noticed = user.changes(UserRepository::ask(&repository), &workspace);
        assert!(
            matches!(&noticed[..], [Noticed::RepositoryTouched { what }] if what.contains("its refs could not be read")),
            "{noticed:?}"
        );
    }
}

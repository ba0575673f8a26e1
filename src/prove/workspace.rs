//! The clean folder a proof runs in: a checkout with a repository of its own, and folders for everything that suites write elsewhere.
//!
//! ```text
//! proof-XXXXXX/   0700, gone with the value
//!   gate.git/     the gate's own git directory and index
//!   tree/         the files; its .git belongs to the suites
//!   reports/      a fresh folder per suite
//!   home/ tmp/ config/ cache/ data/ state/ run/
//! ```

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice as _};

use super::place::{Place, Scratch};
use super::{Source, tree_check};
use crate::error::{Context as _, Error, Result};
use crate::git::{Checkout, Entry, Oid, Repository};

/// The folders that stand for the user's own.
pub(super) struct Folders(PathBuf);

impl Folders {
    const ALL: &'static [(&'static str, &'static str)] = &[
        ("HOME", "home"),
        ("TMPDIR", "tmp"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_RUNTIME_DIR", "run"),
    ];

    /// Those of a workspace at `root`.
    pub(super) fn below(root: &Path) -> Self {
        Folders(root.into())
    }

    /// Where the one that a variable names lies.
    pub(super) fn folder(&self, variable: &str) -> PathBuf {
        let found = self.variables().find(|(name, _)| *name == variable);
        found.expect("every folder that is asked for stands in the table").1
    }

    /// The variable that names each, and where it lies.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        Self::ALL.iter().map(|(variable, name)| (*variable, self.0.join(name)))
    }
}

/// A workspace. Leaving scope removes it.
pub(super) struct Workspace {
    checkout: Checkout,
    files: Vec<(BString, Entry)>,
    scratch: Scratch,
}

impl Workspace {
    /// Makes one that holds the source's files and nothing else.
    pub(super) fn make(repository: &Repository, place: &Place, source: &Source) -> Result<Self> {
        // What cannot be checked out is said before anything is written.
        let known = match source {
            Source::Tree(tree) => Some((*tree, repository.checkable_files(*tree)?)),
            Source::WorkTree(_) => None,
        };
        let scratch = place.scratch()?;
        let root = scratch.path();
        let private = |name: &str| fs::DirBuilder::new().mode(0o700).create(root.join(name));
        let mut names = ["tree", "reports"].into_iter().chain(Folders::ALL.iter().map(|(_, name)| *name));
        names.try_for_each(private).context("cannot make a workspace")?;
        let (git_dir, tree) = (root.join("gate.git"), root.join("tree"));
        let (checkout, files) = match (source, known) {
            (Source::WorkTree(work_tree), _) => {
                copy_draft(repository, work_tree, &tree)?;
                let checkout = repository.take_in(&git_dir, &tree)?;
                let files = checkout.index()?;
                (checkout, files)
            }
            (Source::Tree(_), known) => {
                let (id, files) = known.expect("the files of a tree were listed");
                let checkout = repository.check_out(id, &git_dir, &tree)?;
                if checkout.index()? != files {
                    return Err(Error::new(format!(
                        "cannot check out the tree {id}: git reads another list of files in it"
                    ))
                    .hint("'git fsck' names what is wrong with it"));
                }
                tree_check::check_whole(repository, &checkout, &files)?;
                (checkout, files)
            }
        };
        repository.init_isolated(&checkout)?;
        Ok(Workspace { checkout, files, scratch })
    }

    /// The tree it holds.
    pub(super) fn tree_id(&self) -> Oid {
        self.checkout.tree()
    }

    /// The folder that suites start in.
    pub(super) fn folder(&self) -> &Path {
        self.checkout.folder()
    }

    /// The folders that stand for the user's own.
    pub(super) fn folders(&self) -> Folders {
        Folders::below(self.scratch.path())
    }

    /// A fresh, empty folder for a report, at a place nobody can know before.
    pub(super) fn report_folder(&self) -> Result<PathBuf> {
        let made = tempfile::Builder::new()
            .prefix("report-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(self.scratch.path().join("reports"))
            .context("cannot make a folder for the report")?;
        Ok(made.keep())
    }

    /// The folder that holds all of it.
    pub(super) fn root(&self) -> &Path {
        self.scratch.path()
    }

    /// The tree's files: path, and what the tree says of each.
    pub(super) fn files(&self) -> &[(BString, Entry)] {
        &self.files
    }

    /// Has git write the tracked files that differ. Whether they are then those of the tree, `Tracked` says. What `prepare` added stays.
    pub(super) fn restore(&self) -> Result<()> {
        self.checkout.restore()
    }
}

/// Copies the work tree's files as they are. One that is listed and not there was deleted.
fn copy_draft(repository: &Repository, work_tree: &Path, to: &Path) -> Result<()> {
    for path in repository.draft_paths(work_tree)? {
        let relative = Path::new(OsStr::from_bytes(&path));
        let (from, to) = (work_tree.join(relative), to.join(relative));
        let what = || format!("cannot copy {path}");
        let found = match fs::symlink_metadata(&from) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::new(format!("{}: {error}", what()))),
        };
        if found.is_dir() {
            // git lists a repository inside the work tree with a slash at its end, a submodule without.
            if path.ends_with_str("/") {
                continue;
            }
            return Err(Error::new(format!("{}: submodules are not filled yet", what())));
        }
        fs::create_dir_all(to.parent().expect("a file lies in a folder")).context(what())?;
        if found.is_symlink() {
            let target = fs::read_link(&from).context(what())?;
            std::os::unix::fs::symlink(target, &to).context(what())?;
        } else if found.is_file() {
            fs::copy(&from, &to).context(what())?;
        }
    }
    Ok(())
}

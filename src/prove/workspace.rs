//! The clean folder a proof runs in: a checkout with a repository of its own, and folders for everything that suites write elsewhere.
//!
//! ```text
//! proof-XXXXXX/   0700, gone with the value
//!   gate.git/     the gate's own git directory and index
//!   tree/         the files; its .git belongs to the suites
//!   reports/      a fresh folder per suite
//!   home/ tmp/ config/ cache/ data/ state/ run/
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bstr::BString;

use super::place::{Place, Scratch};
use super::tracked::Tracked;
use super::{Source, tree_check};
use crate::error::{Context as _, Result};
use crate::evidence::Noticed;
use crate::git::{Checkout, Head, Oid, Remark, Repository, Wanted};
use crate::policy::{self, GitView};

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
    /// Goes first: until the files are gone, what they borrow is held.
    scratch: Scratch,
    checkout: Checkout,
    noticed: Vec<Noticed>,
}

impl Workspace {
    /// Makes one that holds the source's files and nothing else, and notes how these lie there.
    pub(super) fn make(
        repository: &Repository,
        place: &Place,
        source: &Source,
        proof: &policy::Proof,
    ) -> Result<(Self, Tracked)> {
        let scratch = place.scratch()?;
        let root = scratch.path();
        let private = |name: &str| fs::DirBuilder::new().mode(0o700).create(root.join(name));
        let mut names = ["tree", "reports"].into_iter().chain(Folders::ALL.iter().map(|(_, name)| *name));
        names.try_for_each(private).context("cannot make a workspace")?;
        let (git_dir, folder) = (root.join("gate.git"), root.join("tree"));
        let checked = |tree, head| {
            let checkout = repository.check_out(&Wanted { tree, head, filters: &proof.filters }, &git_dir, &folder)?;
            let stamps = tree_check::check_whole(&checkout)?;
            Ok((checkout, stamps))
        };
        let (checkout, stamps) = match source {
            Source::Tree(tree) => checked(*tree, Head::Parentless)?,
            Source::History(commit) => checked(repository.commit(*commit)?.tree, Head::History(*commit))?,
            Source::WorkTree(work_tree) => {
                // Before the first commit there is no history to show.
                let above = match proof.git {
                    GitView::Tree => None,
                    GitView::History => repository.resolve("HEAD").ok(),
                };
                let head = above.map_or(Head::Parentless, Head::Above);
                let checkout = repository.draft(work_tree, head, &git_dir, &folder)?;
                let stamps = tree_check::check_tracked(&checkout)?;
                (checkout, stamps)
            }
        };
        checkout.isolate()?;
        let tracked = Tracked::note(&folder, repository.object_format(), checkout.files(), stamps)?;
        let noticed = noticed(checkout.remarks());
        Ok((Workspace { scratch, checkout, noticed }, tracked))
    }

    /// Removes the files, and gives back what holds the objects that they borrowed.
    pub(super) fn remove(self) -> Checkout {
        let Workspace { scratch, checkout, noticed: _ } = self;
        drop(scratch);
        checkout
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

    /// What every suite's evidence has to say about these files.
    pub(super) fn noticed(&self) -> &[Noticed] {
        &self.noticed
    }

    /// The folder that holds all of it.
    pub(super) fn root(&self) -> &Path {
        self.scratch.path()
    }

    /// Brings tracked files back. Whether they are then those of the tree, `Tracked` says. What `prepare` added stays.
    pub(super) fn restore(&self) -> Result<()> {
        self.checkout.restore()
    }
}

/// What the judge has to weigh: each pointer by itself, filters that were left by their names.
fn noticed(remarks: &[Remark]) -> Vec<Noticed> {
    let mut noticed = Vec::new();
    let mut left: BTreeMap<&str, Vec<&BString>> = BTreeMap::new();
    for remark in remarks {
        match remark {
            Remark::PointerLeft { path } => noticed.push(Noticed::PointerLeft { path: path.to_string() }),
            Remark::PointerWithoutAttribute { path } => {
                noticed.push(Noticed::Note(format!("{path} is an LFS pointer that no attribute gives to LFS")));
            }
            Remark::FilterLeft { driver, path } => left.entry(driver).or_default().push(path),
        }
    }
    for (driver, paths) in left {
        let more = if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() };
        noticed.push(Noticed::Note(format!("{}{more}: the filter '{driver}' was not run", paths[0])));
    }
    noticed
}

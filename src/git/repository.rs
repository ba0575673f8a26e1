//! The user's repository: found by git itself, so that git's own refusals (ownership, unknown extensions) stand, then read with gix.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice as _, ByteVec as _};

use super::program::{GitCommand, Program};
use super::quarantine::Quarantine;
use super::{Oid, refs};
use crate::caller::Caller;
use crate::error::{Context as _, Error, Result};

/// The hash that names a repository's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectFormat {
    /// 20-byte ids.
    Sha1,
    /// 32-byte ids.
    Sha256,
}

impl ObjectFormat {
    /// The name git uses for it: `sha1` or `sha256`.
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectFormat::Sha1 => "sha1",
            ObjectFormat::Sha256 => "sha256",
        }
    }

    pub(super) fn as_gix(self) -> gix::hash::Kind {
        match self {
            ObjectFormat::Sha1 => gix::hash::Kind::Sha1,
            ObjectFormat::Sha256 => gix::hash::Kind::Sha256,
        }
    }
}

/// Room for packs that come while the repository is open: each record is one until git's next repack.
const PACK_SLOTS: gix::odb::store::init::Slots =
    gix::odb::store::init::Slots::AsNeededByDiskState { multiplier: 1.1, minimum: 1024 };

/// Bytes of objects that a thread which reads many keeps, because others are deltas of them.
const DELTA_BASES: usize = 16 << 20;

/// An opened repository. Reading it never writes.
pub struct Repository {
    program: Program,
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_tree: Option<PathBuf>,
    object_format: ObjectFormat,
    shallow: HashSet<Oid>,
    /// What a push brings, where this is a server that has not accepted it yet.
    pub(super) quarantine: Option<Quarantine>,
    pub(super) objects: gix::odb::Handle,
    pub(super) refs: refs::Store,
}

/// Where a repository is, so that another thread can open it: one object store serves one thread.
pub struct Elsewhere {
    program: Program,
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_tree: Option<PathBuf>,
    object_format: ObjectFormat,
}

impl Elsewhere {
    /// Opens it, for reading many objects: what their deltas rest on is kept.
    pub fn open(&self) -> Result<Repository> {
        let (git_dir, common_dir) = (self.git_dir.clone(), self.common_dir.clone());
        let mut repository =
            Repository::at(self.program.clone(), git_dir, common_dir, self.work_tree.clone(), self.object_format)?;
        repository
            .objects
            .set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(DELTA_BASES)));
        Ok(repository)
    }
}

impl Repository {
    /// What another thread opens this repository by.
    pub fn elsewhere(&self) -> Elsewhere {
        Elsewhere {
            program: self.program.clone(),
            git_dir: self.git_dir.clone(),
            common_dir: self.common_dir.clone(),
            work_tree: self.work_tree.clone(),
            object_format: self.object_format,
        }
    }

    /// Opens the repository that the caller stands in or names by `GIT_DIR`.
    pub fn open(caller: &Caller) -> Result<Self> {
        Self::open_as_git_sees_it(caller).map_err(|error| {
            if error.message.contains("dubious ownership") {
                return error.hint("it belongs to somebody else: run it as the owner; or, where you trust it, 'git status' says which safe.directory to set");
            }
            let hint = "'git status' must work here, with git 2.39 or later ('git --version')";
            if error.hints.is_empty() { error.hint(hint) } else { error }
        })
    }

    fn open_as_git_sees_it(caller: &Caller) -> Result<Self> {
        let program = Program::find(caller)?;
        // One child answers it all: each costs the hook as much as everything that it does itself. The work tree's top is asked
        // for last, because git gives up there where there is none; what it said before holds all the same.
        let asked = program
            .discovery(caller)
            .args(["rev-parse", "--path-format=absolute", "--show-object-format", "--is-inside-work-tree"])
            .args(["--git-dir", "--git-common-dir", "--show-toplevel"])
            .output()?;
        let mut lines = asked.stdout.lines();
        let (format, inside) = (lines.next(), lines.next());
        let inside_work_tree = inside == Some(b"true".as_slice());
        if !asked.status.success() && (inside_work_tree || inside.is_none()) {
            return Err(Error::new(format!("cannot open the repository: {}", asked.complaint())));
        }
        let object_format = match format.context("cannot open the repository: git's answer is cut short")? {
            b"sha1" => ObjectFormat::Sha1,
            b"sha256" => ObjectFormat::Sha256,
            other => {
                let other = other.as_bstr();
                return Err(Error::new(format!("cannot read the repository: unknown object format '{other}'")));
            }
        };
        // A path may hold a newline; then the lines no longer tell where it ends, and each path is asked for by itself.
        let ask = |what: &str| ask_path(&program, caller, what);
        let (git_dir, common_dir, top) = match (&lines.collect::<Vec<_>>()[..], inside_work_tree) {
            ([git_dir, common_dir, top], true) => (git_dir.to_vec(), common_dir.to_vec(), Some(top.to_vec())),
            ([git_dir, common_dir], false) => (git_dir.to_vec(), common_dir.to_vec(), None),
            (_, true) => (ask("--git-dir")?, ask("--git-common-dir")?, Some(ask("--show-toplevel")?)),
            (_, false) => (ask("--git-dir")?, ask("--git-common-dir")?, None),
        };
        let git_dir = git_dir.into_path_buf().context("cannot read the path of the git directory")?;
        let common_dir = common_dir.into_path_buf().context("cannot read the path of the git directory")?;
        let work_tree =
            top.map(|top| top.into_path_buf().context("cannot read the path of the work tree")).transpose()?;
        Self::at(program, git_dir, common_dir, work_tree, object_format)
    }

    /// Opens the repository of a submodule by its git directory, or by the file in its work tree that names it.
    ///
    /// Its work tree need not be there, and is not told: what is read are its objects and refs.
    pub(super) fn open_submodule(&self, git_dir: &Path) -> Result<Self> {
        let ask = |what: &[&str]| -> Result<BString> {
            let folder = git_dir.parent().unwrap_or(git_dir);
            // `core.worktree` of a submodule may lead to a folder that is gone, and git would give up.
            let git = self.program.command(folder).env("GIT_DIR", git_dir).env("GIT_WORK_TREE", folder);
            let mut answer = git.args(["rev-parse", "--path-format=absolute"]).args(what).run()?;
            if answer.last() == Some(&b'\n') {
                answer.pop();
            }
            Ok(answer)
        };
        if ask(&["--show-object-format"])? != self.object_format.as_str() {
            return Err(Error::new(format!("cannot read {}: its object format is another", git_dir.display())));
        }
        let path =
            |answer: BString| Vec::from(answer).into_path_buf().context("cannot read the path of the git directory");
        let (own, common) = (path(ask(&["--git-dir"])?)?, path(ask(&["--git-common-dir"])?)?);
        Self::at(self.program.clone(), own, common, None, self.object_format)
    }

    fn at(
        program: Program,
        git_dir: PathBuf,
        common_dir: PathBuf,
        work_tree: Option<PathBuf>,
        object_format: ObjectFormat,
    ) -> Result<Self> {
        let objects = open_objects(&common_dir, object_format)?;
        Ok(Repository {
            refs: refs::Store::open(&common_dir, object_format),
            shallow: read_shallow(&common_dir)?,
            program,
            git_dir,
            common_dir,
            work_tree,
            object_format,
            quarantine: None,
            objects,
        })
    }

    /// From now on git children get this variable too.
    pub(super) fn keep_variable(&mut self, name: &str, value: &std::ffi::OsStr) {
        self.program.keep_variable(name, value);
    }

    /// The folder whose `objects` are read.
    pub(super) fn objects_root(&self) -> &Path {
        self.quarantine.as_ref().map_or(self.common_dir.as_path(), Quarantine::path)
    }

    /// This worktree's own git directory, absolute.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that all worktrees share, absolute.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// proof-gate's own folder in the common git directory. It may not exist yet.
    pub fn own_dir(&self) -> PathBuf {
        self.common_dir.join("proof-gate")
    }

    /// The top of the work tree the caller stands in, if any.
    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// Whether the repository has no work tree of its own, whichever linked one the caller stands in.
    pub fn is_bare(&self) -> Result<bool> {
        // With `GIT_COMMON_DIR` set, git takes every repository for a linked work tree.
        let git = self.program.command(&self.common_dir).env("GIT_DIR", &self.common_dir);
        Ok(git.args(["rev-parse", "--is-bare-repository"]).run()?.trim_ascii() == b"true")
    }

    /// The hash of this repository's objects.
    pub fn object_format(&self) -> ObjectFormat {
        self.object_format
    }

    /// Whether history ends at this commit because the clone is shallow.
    pub fn is_shallow_boundary(&self, commit: Oid) -> bool {
        self.shallow.contains(&commit)
    }

    /// Whether this clone is shallow.
    pub fn is_shallow(&self) -> bool {
        !self.shallow.is_empty()
    }

    /// The git program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// A hardened git command on this repository, started in its common git directory.
    pub fn command(&self) -> GitCommand {
        self.program.command(&self.common_dir).env("GIT_DIR", &self.git_dir).env("GIT_COMMON_DIR", &self.common_dir)
    }

    /// A git command on this repository as if typed by hand in its work tree (or bare folder): its configuration and hooks hold.
    pub fn by_hand(&self) -> GitCommand {
        let folder = self.work_tree.as_deref().unwrap_or(&self.git_dir);
        let git = self.program.by_hand(folder).env("GIT_DIR", &self.git_dir);
        match &self.work_tree {
            Some(work_tree) => git.env("GIT_WORK_TREE", work_tree),
            None => git,
        }
    }

    /// One setting of the user's configuration, `None` where it is not set.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        let output = self.command().args(["config", "--null", "--get", name]).output()?;
        match output.status.code() {
            Some(0) => Ok(Some(output.stdout.trim_end_with(|c| c == '\0').to_str_lossy().into_owned())),
            Some(1) => Ok(None),
            _ => Err(Error::new(format!("cannot read the setting {name}: {}", output.complaint()))),
        }
    }

    /// The object that a revision names, as git reads it (tags are not peeled).
    pub fn resolve(&self, revision: &str) -> Result<Oid> {
        if let Some(id) = (revision == "HEAD").then(|| self.head()).flatten() {
            return Ok(id);
        }
        let output =
            self.command().args(["rev-parse", "--verify", "--quiet", "--end-of-options", revision]).output()?;
        let id = output.stdout.trim_ascii();
        let id = output.status.success().then(|| Oid::from_hex(id)).flatten();
        id.ok_or_else(|| {
            Error::new(format!("cannot find '{revision}': git knows no such revision"))
                .hint("'git branch --all' and 'git tag' list what there is; 'git fetch' brings what is elsewhere")
        })
    }
}

impl Repository {
    /// What `HEAD` of this worktree leads to where that is plain: a commit, or a branch that is there. Else git is asked.
    fn head(&self) -> Option<Oid> {
        let text = fs::read(self.git_dir.join("HEAD")).ok()?;
        let text = text.trim_ascii();
        match text.strip_prefix(b"ref:") {
            None => Oid::from_hex(text),
            Some(name) => {
                let name = name.trim_ascii().to_str().ok()?;
                // Refs of other kinds may be this worktree's own.
                let is_branch = name.starts_with("refs/heads/");
                is_branch.then(|| self.find_ref(name).ok().flatten()).flatten()
            }
        }
    }
}

/// Opens the object store. Threads do not share one.
pub(super) fn open_objects(common_dir: &Path, format: ObjectFormat) -> Result<gix::odb::Handle> {
    let options = gix::odb::store::init::Options { slots: PACK_SLOTS, ..Default::default() };
    let objects = gix::odb::at_opts(common_dir.join("objects"), format.as_gix(), [], options);
    objects.context("cannot open the object store")
}

/// Asks git for one path that may hold any byte.
fn ask_path(program: &Program, caller: &Caller, what: &str) -> Result<Vec<u8>> {
    let mut path: Vec<u8> = program.discovery(caller).args(["rev-parse", "--path-format=absolute", what]).run()?.into();
    if path.last() == Some(&b'\n') {
        path.pop();
    }
    Ok(path)
}

/// The commits at which a shallow clone's history ends.
fn read_shallow(common_dir: &Path) -> Result<HashSet<Oid>> {
    match fs::read(common_dir.join("shallow")) {
        Ok(text) => text
            .lines()
            .map(|line| Oid::from_hex(line.trim_ascii()).context("cannot read the list of shallow commits"))
            .collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(error) => Err(error).context("cannot read the list of shallow commits"),
    }
}

#[cfg(test)]
mod tests;

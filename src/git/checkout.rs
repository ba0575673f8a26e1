//! Writing a tree's files into a folder through a git directory of the gate's own, away from the user's settings, index and hooks.
//!
//! Deliberately absent: `git archive` (drops `export-ignore` files), `git worktree add` (shares configuration, refs and hooks), and
//! filter drivers.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice as _};

use super::{Entry, GitCommand, ObjectFormat, Oid, Program, Repository};
use crate::error::{Context as _, Error, Result};

/// What a checkout reads from no configuration but this: the same bytes on every machine.
const PINNED: &[&str] = &[
    "core.autocrlf=false",
    "core.eol=lf",
    "core.safecrlf=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.symlinks=true",
    "core.fileMode=true",
    "core.ignoreCase=false",
    "core.precomposeUnicode=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.sparseCheckout=false",
    "core.splitIndex=false",
];

/// The one commit of a workspace's own repository: always the same author, date and message.
const IDENTITY: &[(&str, &str)] = &[
    ("GIT_AUTHOR_NAME", "proof-gate"),
    ("GIT_AUTHOR_EMAIL", "proof-gate@localhost"),
    ("GIT_AUTHOR_DATE", "@946684800 +0000"),
    ("GIT_COMMITTER_NAME", "proof-gate"),
    ("GIT_COMMITTER_EMAIL", "proof-gate@localhost"),
    ("GIT_COMMITTER_DATE", "@946684800 +0000"),
];

/// A mode that stands for a submodule.
const GITLINK: u16 = 0o160_000;

/// A git directory of the gate's own beside a folder that holds a tree's files.
#[derive(Debug)]
pub struct Checkout {
    program: Program,
    git_dir: PathBuf,
    folder: PathBuf,
    tree: Oid,
}

impl Repository {
    /// Every file of a tree, all of them here and none of them a submodule; an error that names the first that is not.
    pub fn checkable_files(&self, tree: Oid) -> Result<Vec<(BString, Entry)>> {
        let mut files = self.files_of(tree)?;
        for (path, entry) in &mut files {
            if entry.is_file() {
                // git knows two kinds of files; old trees say it in other words, `100664`.
                entry.mode = if entry.mode & 0o100 == 0 { 0o100_644 } else { 0o100_755 };
            }
            if entry.mode == GITLINK {
                return Err(Error::new(format!(
                    "cannot check out the submodule {path}: submodules are not filled yet"
                ))
                .hint("keep its files in the repository itself, or prove without it"));
            }
            if !self.has_object(entry.id) {
                return Err(Error::new(format!("cannot check out {path}: its content {} is not here", entry.id))
                    .hint("a partial or damaged clone: 'git fetch --refetch --no-filter' brings what is missing"));
            }
        }
        Ok(files)
    }

    /// Writes the files of `tree` into the empty `folder`, with `git_dir` as the gate's own git directory.
    pub fn check_out(&self, tree: Oid, git_dir: &Path, folder: &Path) -> Result<Checkout> {
        let checkout = self.init_checkout(tree, git_dir, folder)?;
        checkout.command().args(["read-tree", &tree.to_string()]).run()?;
        checkout.restore()?;
        Ok(checkout)
    }

    /// Takes what lies in `folder` for the tree: for files that are in no tree yet.
    pub fn take_in(&self, git_dir: &Path, folder: &Path) -> Result<Checkout> {
        let empty = self.command().args(["hash-object", "-t", "tree", "--stdin"]).run()?;
        let empty = Oid::from_hex(empty.trim_ascii()).context("cannot name the empty tree")?;
        let mut checkout = self.init_checkout(empty, git_dir, folder)?;
        checkout.command().args(["add", "--all", "--force", "."]).run()?;
        let tree = checkout.command().arg("write-tree").run()?;
        checkout.tree = Oid::from_hex(tree.trim_ascii()).context("cannot read the draft's tree")?;
        Ok(checkout)
    }

    fn init_checkout(&self, tree: Oid, git_dir: &Path, folder: &Path) -> Result<Checkout> {
        init(self.program(), self.object_format(), folder, &["--bare".as_ref()], git_dir)?;
        borrow_objects(git_dir, &[&self.common_dir().join("objects")])?;
        Ok(Checkout { program: self.program().clone(), git_dir: git_dir.into(), folder: folder.into(), tree })
    }

    /// Gives a checkout a repository of its own, `.git` in its folder: one parentless commit of the tree, no remote, no hooks.
    ///
    /// It belongs to whatever runs there afterwards; the gate never runs git on it again.
    pub fn init_isolated(&self, checkout: &Checkout) -> Result<()> {
        let git_dir = checkout.folder.join(".git");
        init(
            self.program(),
            self.object_format(),
            &checkout.folder,
            &["--initial-branch=proof".as_ref()],
            &checkout.folder,
        )?;
        borrow_objects(&git_dir, &[&checkout.git_dir.join("objects"), &self.common_dir().join("objects")])?;
        let git = || isolated(self.program(), &checkout.folder).env("GIT_DIR", &git_dir);
        let mut commit = git().args(["commit-tree", "-m", "proof-gate: the tree that is proven"]);
        for (name, value) in IDENTITY {
            commit = commit.env(name, value);
        }
        let commit = commit.arg(checkout.tree.to_string()).run()?;
        git().args([b"update-ref".as_bstr(), b"HEAD".as_bstr(), commit.trim_ascii().as_bstr()].map(os)).run()?;
        fs::copy(checkout.git_dir.join("index"), git_dir.join("index"))
            .context("cannot write the workspace's index")?;
        Ok(())
    }

    /// The paths of a work tree's files as they are, tracked or not, but for what is ignored. Nothing is written.
    pub fn draft_paths(&self, work_tree: &Path) -> Result<Vec<BString>> {
        let listed = self
            .program()
            .command(work_tree)
            .env("GIT_DIR", self.git_dir())
            .env("GIT_WORK_TREE", work_tree)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .run()?;
        let mut paths: Vec<BString> =
            listed.split_str("\0").filter(|path| !path.is_empty()).map(BString::from).collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }
}

impl Checkout {
    /// The tree that was checked out.
    pub fn tree(&self) -> Oid {
        self.tree
    }

    /// The folder that holds its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Brings every tracked file that differs back to what the tree holds. Files that are not in the tree stay.
    pub fn restore(&self) -> Result<()> {
        self.command().args(["checkout-index", "--all", "--force", "--index"]).run()?;
        Ok(())
    }

    /// What the index says: path, mode and id of every file.
    pub fn index(&self) -> Result<Vec<(BString, Entry)>> {
        let listed = self.command().args(["ls-files", "--stage", "-z"]).run()?;
        let mut files = Vec::new();
        for line in listed.split_str("\0").filter(|line| !line.is_empty()) {
            files.push(index_entry(line).context("cannot read the index of the checkout")?);
        }
        files.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(files)
    }

    /// The bytes that a blob has on disk at a path, by the tree's own attributes (line ends and the like).
    pub fn on_disk(&self, path: &BStr, id: Oid) -> Result<BString> {
        let mut option = OsString::from("--path=");
        option.push(os(path));
        // An empty work tree: attributes come from the index, never from what a suite left behind.
        let empty = self.git_dir.join("objects/info");
        self.command()
            .env("GIT_WORK_TREE", empty)
            .args(["cat-file".as_ref(), "--filters".as_ref(), option.as_os_str(), id.to_string().as_ref()])
            .run()
    }

    fn command(&self) -> GitCommand {
        isolated(&self.program, &self.folder)
            .env("GIT_DIR", &self.git_dir)
            .env("GIT_WORK_TREE", &self.folder)
            // From git 2.41 on the tree's own attributes count whatever lies on disk; an older git does not know the variable.
            .env("GIT_ATTR_SOURCE", self.tree.to_string())
    }
}

fn index_entry(line: &[u8]) -> Option<(BString, Entry)> {
    let (what, path) = line.split_once_str("\t")?;
    let mut fields = what.fields();
    let mode = u16::from_str_radix(fields.next()?.to_str().ok()?, 8).ok()?;
    let id = Oid::from_hex(fields.next()?)?;
    (fields.next()? == b"0").then(|| (path.into(), Entry { mode, id }))
}

/// A git that reads no configuration of the user or the system.
fn isolated(program: &Program, folder: &Path) -> GitCommand {
    let mut git = program
        .command(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for setting in PINNED {
        git = git.args(["-c", setting]);
    }
    git
}

fn init(program: &Program, format: ObjectFormat, cwd: &Path, options: &[&OsStr], at: &Path) -> Result<()> {
    isolated(program, cwd)
        .args(["init", "--quiet", "--template=", &format!("--object-format={}", format.as_str())])
        .args(options)
        .arg(at)
        .run()?;
    Ok(())
}

fn borrow_objects(git_dir: &Path, stores: &[&Path]) -> Result<()> {
    let mut text = Vec::new();
    for store in stores {
        text.extend_from_slice(&quoted(store.as_os_str().as_bytes()));
        text.push(b'\n');
    }
    let info = git_dir.join("objects/info");
    fs::create_dir_all(&info).and_then(|()| fs::write(info.join("alternates"), text)).context("cannot borrow objects")
}

/// A path as `objects/info/alternates` has it: in C quotes, because it may hold a newline or begin with `#`.
fn quoted(path: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for byte in path {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            b'\n' => text.extend(b"\\n"),
            other => text.push(*other),
        }
    }
    text.push(b'"');
    text
}

fn os(bytes: &BStr) -> &OsStr {
    OsStr::from_bytes(bytes)
}

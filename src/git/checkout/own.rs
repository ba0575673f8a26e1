//! A repository of the workspace's own, written as files: an empty one, one commit, one branch. git reads what comes of it and is not
//! started for it, which would take longer than all the writing.
//!
//! Formats: gitrepository-layout(5); a reflog's line as `git reflog` reads it. `git fsck` finds nothing in it, says a test.
//!
//! Deliberately absent: locks and flushes. Nobody knows the folder yet, and a power cut ends the proof with it.

use std::fs;
use std::io;
use std::path::Path;

use gix::objs::Write as _;

use crate::error::{Context as _, Result};
use crate::git::{ObjectFormat, Oid};

/// The author, committer and date of the one commit, and of the reflog's lines: always the same.
const PERSON: &str = "proof-gate <proof-gate@localhost> 946684800 +0000";

/// The branch that a workspace is on.
const BRANCH: &str = "refs/heads/proof";

/// Whether files lie beside the git directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its own files, above it.
    WorkTree,
    /// None that it knows of.
    Bare,
}

/// Makes an empty repository; no template, no hooks. `settings` stand in its configuration, as text.
pub(super) fn make(git_dir: &Path, format: ObjectFormat, kind: Kind, settings: &str) -> Result<()> {
    let write = || -> io::Result<()> {
        fs::create_dir(git_dir)?;
        for name in ["objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags"] {
            fs::create_dir(git_dir.join(name))?;
        }
        fs::write(git_dir.join("HEAD"), format!("ref: {BRANCH}\n"))?;
        let (version, extension) = match format {
            ObjectFormat::Sha1 => (0, ""),
            ObjectFormat::Sha256 => (1, "[extensions]\n\tobjectformat = sha256\n"),
        };
        let config = git_dir.join("config");
        let bare = kind == Kind::Bare;
        let text = format!("[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = {bare}\n");
        fs::write(&config, format!("{text}{extension}{settings}"))?;
        // As git asks it: where the file has another name too, names that differ in case only are one.
        if git_dir.join("CoNfIg").symlink_metadata().is_ok() {
            fs::write(&config, format!("{text}\tignorecase = true\n{extension}{settings}"))?;
        }
        Ok(())
    };
    write().context(format!("cannot make the repository {}", git_dir.display()))
}

/// Writes a commit of a tree.
pub(super) fn commit(git_dir: &Path, format: ObjectFormat, tree: Oid, parent: Option<Oid>) -> Result<Oid> {
    let parent = parent.map(|parent| format!("parent {parent}\n")).unwrap_or_default();
    let text =
        format!("tree {tree}\n{parent}author {PERSON}\ncommitter {PERSON}\n\nproof-gate: the tree that is proven\n");
    let what = "cannot write the workspace's commit";
    let store = gix::odb::loose::Store::at(git_dir.join("objects"), format.as_gix());
    let id = store.write_buf(gix::objs::Kind::Commit, text.as_bytes()).map_err(io::Error::other).context(what)?;
    Oid::from_gix(id).context(what)
}

/// Puts the branch, and with it `HEAD`, at a commit, with a reflog for both.
pub(super) fn begin_branch(git_dir: &Path, commit: Oid) -> Result<()> {
    let id = commit.to_string();
    let log = format!("{} {id} {PERSON}\n", "0".repeat(id.len()));
    let write = || {
        fs::create_dir_all(git_dir.join("logs/refs/heads"))?;
        fs::write(git_dir.join("logs/HEAD"), &log)?;
        fs::write(git_dir.join("logs").join(BRANCH), &log)?;
        fs::write(git_dir.join(BRANCH), format!("{id}\n"))
    };
    write().context("cannot write the workspace's branch")
}

/// Puts `HEAD` at a commit, on no branch.
pub(super) fn detach(git_dir: &Path, commit: Oid) -> Result<()> {
    fs::write(git_dir.join("HEAD"), format!("{commit}\n")).context("cannot write the workspace's HEAD")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::caller::Caller;
    use crate::git::{GitCommand, Program};

    #[test]
    fn git_reads_it_as_one_of_its_own_and_would_make_the_same_commit() {
        for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
            let folder = tempfile::tempdir().unwrap();
            let variables = BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())]);
            let caller = Caller { variables, directory: folder.path().into(), program: "/bin/proof-gate".into() };
            let program = Program::find(&caller).unwrap();
            let git_dir = folder.path().join(".git");
            make(&git_dir, format, Kind::WorkTree, "[gc]\n\tauto = 0\n").unwrap();
            let git = |args: &[&str]| program.command(folder.path()).args(args);
            let said = |git: GitCommand| git.run().unwrap().to_string().trim_end().to_owned();
            fs::write(folder.path().join("file"), "content").unwrap();
            said(git(&["add", "file"]));
            let tree: Oid = said(git(&["write-tree"])).parse().unwrap();
            let first = commit(&git_dir, format, tree, None).unwrap();
            let second = commit(&git_dir, format, tree, Some(first)).unwrap();
            begin_branch(&git_dir, second).unwrap();

            let by_git = git(&["commit-tree", "-m", "proof-gate: the tree that is proven", &tree.to_string()]);
            let by_git = ["AUTHOR", "COMMITTER"].iter().fold(by_git, |git, who| {
                git.env(format!("GIT_{who}_NAME"), "proof-gate")
                    .env(format!("GIT_{who}_EMAIL"), "proof-gate@localhost")
                    .env(format!("GIT_{who}_DATE"), "@946684800 +0000")
            });
            assert_eq!(said(by_git), first.to_string());
            assert_eq!(said(git(&["fsck", "--strict", "--no-dangling"])), "");
            assert_eq!(
                said(git(&["status", "--porcelain=2", "--branch"])),
                format!("# branch.oid {second}\n# branch.head proof")
            );
            assert_eq!(
                said(git(&["rev-parse", "--show-object-format", "HEAD@{0}"])),
                format!("{}\n{second}", format.as_str())
            );
            assert_eq!(said(git(&["config", "gc.auto"])), "0");
            detach(&git_dir, first).unwrap();
            assert_eq!(
                said(git(&["status", "--porcelain=2", "--branch"])),
                format!("# branch.oid {first}\n# branch.head (detached)")
            );
        }
    }
}

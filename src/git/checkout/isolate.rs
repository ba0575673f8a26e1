//! The repository that suites see: a `.git` of the workspace's own with one commit or the real history, no remote and no hooks.
//!
//! It belongs to whatever runs there afterwards; the gate never runs git on it again.

use std::fs;
use std::io::ErrorKind;

use bstr::{BString, ByteSlice as _};

use super::own::{self, Kind};
use super::part::{Head, Part, borrow_objects};
use super::settings::{isolated, of_workspace};
use crate::error::{Context as _, Result};
use crate::git::{Oid, Repository};

/// The tags that lead to a commit or to what is behind it.
pub(super) fn tags_of(repository: &Repository, commit: Oid) -> Result<Vec<(BString, Oid, Option<Oid>)>> {
    let listed = repository
        .command()
        .env("GIT_NO_LAZY_FETCH", "1")
        .args(["for-each-ref", "--format=%(refname) %(objectname) %(*objectname)"])
        .args([&format!("--merged={commit}"), "refs/tags"])
        .run()?;
    let mut tags = Vec::new();
    for line in listed.lines() {
        let mut fields = line.splitn_str(3, " ");
        let (name, id, peeled) = (fields.next(), fields.next(), fields.next());
        let id = id.and_then(Oid::from_hex).context("cannot read git's list of tags")?;
        tags.push((name.unwrap_or_default().into(), id, peeled.and_then(Oid::from_hex)));
    }
    Ok(tags)
}

impl Part {
    /// Gives the part its repository.
    pub(super) fn isolate(&self) -> Result<()> {
        let git_dir = self.folder.join(".git");
        own::make(&git_dir, self.format, Kind::WorkTree, &of_workspace())?;
        borrow_objects(&git_dir, &[&self.git_dir.join("objects"), &self.common_dir.join("objects")])?;
        let commit_tree = |parent| own::commit(&git_dir, self.format, self.tree, parent);
        match &self.head {
            Head::Parentless => own::begin_branch(&git_dir, commit_tree(None)?)?,
            Head::Above(parent) => own::begin_branch(&git_dir, commit_tree(Some(*parent))?)?,
            Head::History(commit) => own::begin_branch(&git_dir, *commit)?,
            Head::Detached(commit) => own::detach(&git_dir, *commit)?,
        }
        match &self.head {
            Head::Parentless => {}
            // Where the user's history ends, that of the workspace does.
            Head::Above(_) | Head::History(_) | Head::Detached(_) => {
                match fs::copy(self.common_dir.join("shallow"), git_dir.join("shallow")) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error).context("cannot copy the list of shallow commits"),
                }
            }
        }
        self.write_tags(&git_dir)?;
        fs::copy(self.git_dir.join("index"), git_dir.join("index")).context("cannot write the workspace's index")?;
        Ok(())
    }

    /// Writes the tags as packed refs, and their objects as a pack: the user may delete a tag while the proof runs.
    fn write_tags(&self, git_dir: &std::path::Path) -> Result<()> {
        if self.tags.is_empty() {
            return Ok(());
        }
        let mut refs = String::from("# pack-refs with: peeled fully-peeled \n");
        let mut objects = String::new();
        for (name, id, peeled) in &self.tags {
            refs.push_str(&format!("{id} {name}\n"));
            if let Some(peeled) = peeled {
                refs.push_str(&format!("^{peeled}\n"));
                objects.push_str(&format!("{id}\n"));
            }
        }
        fs::write(git_dir.join("packed-refs"), refs).context("cannot write the workspace's tags")?;
        if objects.is_empty() {
            return Ok(());
        }
        let packs = git_dir.join("objects/pack");
        fs::create_dir_all(&packs).context("cannot write the workspace's tags")?;
        let git = isolated(&self.program, &self.folder).env("GIT_DIR", git_dir);
        git.args(["pack-objects", "--quiet"]).arg(packs.join("pack")).stdin(objects).run()?;
        Ok(())
    }
}

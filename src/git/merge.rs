//! The commit that a merge would give, made without a work tree, an index or a ref.
//!
//! Deliberately absent: merge drivers, attributes and the user's merge settings. A forge knows none of them, and where its merge
//! gives another tree, that tree is not the one that was proven.

use bstr::{BString, ByteSlice as _};

use super::{Oid, Repository};
use crate::error::{Context as _, Error, Result};

/// What merging gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merge {
    /// A commit with both as its parents. No ref leads to it.
    Commit(Oid),
    /// Nothing: what was to be merged is in there already.
    AlreadyIn,
    /// Conflicts in these paths.
    Conflicts(Vec<BString>),
}

/// The exit code of `git merge-tree` where there are conflicts.
const CONFLICTS: i32 = 1;

/// Who makes the commit. The same two parents always give the same commit.
const NAME: &str = "proof-gate";
const EMAIL: &str = "proof-gate@localhost";

impl Repository {
    /// Merges `topic` into `onto`.
    pub fn merge(&self, onto: Oid, topic: Oid) -> Result<Merge> {
        let [onto_name, topic_name] = [onto, topic].map(|id| id.to_string());
        let asked = self.command().args(["merge-base", "--is-ancestor", &topic_name, &onto_name]).output()?;
        match asked.status.code() {
            Some(0) => return Ok(Merge::AlreadyIn),
            Some(1) => {}
            _ => return Err(Error::new(format!("cannot tell whether a merge is needed: {}", asked.complaint()))),
        }
        let merged = self
            .command()
            .args(["-c", "core.attributesFile=/dev/null", "-c", "merge.renames=true", "-c", "merge.renormalize=false"])
            .args(["-c", "merge.directoryRenames=conflict", "-c", "diff.renameLimit=7000"])
            .args(["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", &onto_name, &topic_name])
            .output()?;
        let mut fields = merged.stdout.split_str(b"\0").filter(|field| !field.is_empty());
        match merged.status.code() {
            Some(0) => {}
            Some(CONFLICTS) => return Ok(Merge::Conflicts(fields.skip(1).map(BString::from).collect())),
            _ => {
                return Err(Error::new(format!("cannot merge {topic} into {onto}: {}", merged.complaint()))
                    .hint("this needs git 2.38 or later, and histories that have a commit in common"));
            }
        }
        let tree = fields.next().and_then(Oid::from_hex).context("cannot read what git merge-tree printed")?;
        self.commit_of_merge(tree, [&onto_name, &topic_name]).map(Merge::Commit)
    }

    /// Its time is the later one of its parents', so that a walk by time meets it first.
    fn commit_of_merge(&self, tree: Oid, parents: [&str; 2]) -> Result<Oid> {
        let times = self.command().args(["show", "--no-patch", "--format=%ct"]).args(parents).run()?;
        let times = times.lines().filter_map(|line| line.to_str().ok()?.trim().parse::<i64>().ok());
        let time = format!("@{} +0000", times.max().context("cannot read the times of the commits to be merged")?);
        let mut commit = self.command();
        for (role, date) in [("AUTHOR", &time), ("COMMITTER", &time)] {
            commit = commit
                .env(format!("GIT_{role}_NAME"), NAME)
                .env(format!("GIT_{role}_EMAIL"), EMAIL)
                .env(format!("GIT_{role}_DATE"), date);
        }
        let [onto, topic] = parents;
        let message = "The merge that proof-gate proved before it was made";
        let made = commit.args(["commit-tree", "-p", onto, "-p", topic, "-m", message, &tree.to_string()]).run()?;
        Oid::from_hex(made.trim_ascii()).context("cannot read what git commit-tree printed")
    }
}

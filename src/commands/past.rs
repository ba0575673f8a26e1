//! How a push stands to what was before: from before the gate, or back to an earlier state.

use super::ground::Ground;
use crate::error::{Error, Result};
use crate::git::{Commit, Oid, Peeled};
use crate::select::base::{self, Step};
use crate::select::{PolicyFile, Subject};

impl Ground<'_> {
    /// Whether the subject is from before the gate: reachable from the `since` of the anchor's policy.
    pub fn is_before(&self, subject: &Commit) -> Result<bool> {
        let Some(since) = self.anchors.anchor().and_then(|(file, _)| file.policy.gate.since.clone()) else {
            return Ok(false);
        };
        let Some(id) = Oid::from_hex(since.as_bytes()) else {
            return Err(Error::new(format!("cannot read [gate] since: '{since}' is no full commit id")));
        };
        if !self.repository.has_object(id) {
            return Ok(false);
        }
        match self.repository.peel(id)? {
            Peeled::Commit { commit, .. } => base::is_ancestor(self.repository, subject, &commit),
            Peeled::Other(_) => Ok(false),
        }
    }

    /// Whether an update of a gated branch is a rollback: it drops commits and changes the tree, its old tip is not here, or its
    /// tree is that of an established ancestor other than a base.
    pub fn is_rollback(&self, policy: &PolicyFile, subject: &Subject, old: Option<Oid>) -> Result<bool> {
        if let Some(old) = old {
            if !self.repository.has_object(old) {
                return Ok(true);
            }
            if let Peeled::Commit { commit: old, .. } = self.repository.peel(old)?
                && old.tree != subject.commit.tree
                && !base::is_ancestor(self.repository, &old, &subject.commit)?
            {
                return Ok(true);
            }
        }
        self.returns_to_an_ancestor(policy, subject)
    }

    /// Whether the subject's tree is that of an established ancestor other than its base.
    ///
    /// An ancestor was established by a record of its own. Where every record of this tree is the subject's, there is none, and
    /// history need not be walked: the usual case of a look-up.
    fn returns_to_an_ancestor(&self, policy: &PolicyFile, subject: &Subject) -> Result<bool> {
        let tree = subject.commit.tree;
        let proven = self.records.commits_established_as(tree)?;
        if proven.iter().all(|commit| *commit == subject.commit.id)
            || self.established(policy, &subject.commit)?.is_none()
        {
            return Ok(false);
        }
        let base = self.base(policy, &subject.commit)?;
        if base.commits.iter().any(|commit| commit.tree == tree) {
            return Ok(false);
        }
        let mut found = false;
        base::walk(self.repository, &subject.commit, &mut |commit| {
            found |= commit.id != subject.commit.id && commit.tree == tree;
            if found { Step::Stop } else { Step::On }
        })?;
        Ok(found)
    }

    /// The commit that a rollback replaces where no push says so: the remote's default branch as last fetched.
    pub fn default_branch(&self) -> Result<Option<Commit>> {
        self.anchors.default_branch_commit(self.repository)
    }
}

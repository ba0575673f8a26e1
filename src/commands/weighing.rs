//! From gated ref updates to what each of them owes.
//!
//! Deliberately absent: proving, and the decision.

use bstr::{BString, ByteSlice as _};

use super::assess::{Assessment, Standing, Wanted};
use super::ground::{Ground, is_tag_ref};
use crate::error::Result;
use crate::gate::{self, Case, GatedUpdate};
use crate::git::{Commit, Oid, Peeled};
use crate::policy::Policy;
use crate::records::Scenario;
use crate::select::base::is_ancestor;
use crate::select::{self, Action, PolicyFile, RefUpdate, Subject};

/// A gated update with what it owes.
pub(super) struct Weighed {
    pub(super) update: RefUpdate,
    pub(super) commit: Option<Oid>,
    pub(super) weight: Weight,
}

/// What a gated update turned out to be.
pub(super) enum Weight {
    Owes(Box<Assessment>),
    Before,
    Named,
    Forbidden { why: String, hint: String },
}

impl Weighed {
    pub(super) fn gated(&self) -> GatedUpdate<'_> {
        let case = match &self.weight {
            Weight::Owes(assessment) => Case::Owes { suites: &assessment.owed, approvals: &assessment.approvals },
            Weight::Before => Case::Before,
            Weight::Named => Case::Named,
            Weight::Forbidden { why, hint } => Case::Forbidden { why: why.clone(), hint: hint.clone() },
        };
        GatedUpdate { remote_ref: self.update.remote_ref.clone(), commit: self.commit, case }
    }
}

impl Ground<'_> {
    /// Works out what each update owes, and what the records say of it.
    pub(super) fn weigh(&self, updates: &[RefUpdate]) -> Result<Vec<Weighed>> {
        updates.iter().map(|update| self.weigh_one(update)).collect()
    }

    fn weigh_one(&self, update: &RefUpdate) -> Result<Weighed> {
        let name = update.remote_ref.as_bstr();
        let is_tag = is_tag_ref(name);
        let weighed = |commit, weight| Ok(Weighed { update: update.clone(), commit, weight });
        let id = match update.action {
            Action::Delete if self.all_anchors(|policy| policy.allows_delete(name)) => {
                return weighed(None, Weight::Named);
            }
            Action::Delete => {
                let why = gate::WOULD_BE_DELETED.to_owned();
                let hint =
                    "[gate] allow_delete in the policy of the default branch names what may be deleted".to_owned();
                return weighed(None, Weight::Forbidden { why, hint });
            }
            Action::Set(id) => id,
        };
        let subject = select::find_subject(self.repository, id, name)?;
        let commit = Some(subject.commit.id);
        if is_tag && update.old.is_some_and(|old| old != id) && !self.all_anchors(|policy| policy.allows_move(name)) {
            let why = "the tag would be moved, and it is gated".to_owned();
            let hint = "make a new tag; [gate] allow_move in the policy of the default branch names tags that may move"
                .to_owned();
            return weighed(commit, Weight::Forbidden { why, hint });
        }
        if is_tag && self.is_before(&subject.commit)? {
            return weighed(commit, Weight::Before);
        }
        let wanted = self.wanted(&subject, update, is_tag)?;
        let assessment = self.assess(subject, wanted)?;
        weighed(commit, Weight::Owes(Box::new(assessment)))
    }

    fn wanted(&self, subject: &Subject, update: &RefUpdate, is_tag: bool) -> Result<Wanted> {
        let mut wanted = Wanted::deploy(is_tag, Standing::Counts);
        let (policy, _) = select::judging(&self.reader, &subject.commit, &self.anchors)?;
        if !is_tag && self.is_rollback(&policy, subject, update.old)? {
            wanted.scenario = Scenario::Rollback { id: subject.commit.id.to_string() };
            if let Some(old) = update.old.filter(|old| self.repository.has_object(*old)) {
                wanted.replaced = Some(select::find_subject(self.repository, old, update.remote_ref.as_bstr())?.commit);
            }
        }
        wanted.standing_there = self.standing_there(&policy, subject, update)?;
        Ok(wanted)
    }

    /// What a pushed policy is held against beside the subject's base, which somebody may have made to suit: the ref's old tip; for a new
    /// ref the default branch, unless the commit is on a gated line already and so has passed here.
    fn standing_there(&self, policy: &PolicyFile, subject: &Subject, update: &RefUpdate) -> Result<Vec<Commit>> {
        let there = match update.old.filter(|old| self.repository.has_object(*old)) {
            Some(old) => match self.repository.peel(old)? {
                Peeled::Commit { commit, .. } => Some(commit),
                Peeled::Other(_) => None,
            },
            None => self.default_branch()?,
        };
        let Some(there) = there else { return Ok(Vec::new()) };
        let Some(file) = self.reader.nearest_readable(&there)? else { return Ok(Vec::new()) };
        // What got there unproven is nothing to be held against; what it was built on is.
        let proven = if self.is_established(&file, &there)? { vec![there] } else { self.base(&file, &there)?.commits };
        let mut stronger = Vec::new();
        for commit in proven {
            let file = self.reader.nearest_readable(&commit)?;
            if !select::needed_approvals(policy, file.as_slice()).is_empty() {
                stronger.push(commit);
            }
        }
        if update.old.is_none() && !stronger.is_empty() {
            for tip in self.anchors.gated_tips(self.repository)? {
                if is_ancestor(self.repository, &subject.commit, &tip)? {
                    return Ok(Vec::new());
                }
            }
        }
        Ok(stronger)
    }

    /// Whether the policy that stands apart from the pushed commit says so: every anchor there is, and there is one.
    fn all_anchors(&self, says: impl Fn(&Policy) -> bool) -> bool {
        let anchors = [&self.anchors.default_branch, &self.anchors.installed];
        let mut known = anchors.into_iter().flatten().peekable();
        known.peek().is_some() && known.all(|file| says(&file.policy))
    }
}

/// The updates that owe suites.
pub(super) fn owing(weighed: &[Weighed]) -> impl Iterator<Item = (&BString, &Assessment)> {
    weighed.iter().filter_map(|weighed| match &weighed.weight {
        Weight::Owes(assessment) => Some((&weighed.update.remote_ref, &**assessment)),
        Weight::Before | Weight::Named | Weight::Forbidden { .. } => None,
    })
}

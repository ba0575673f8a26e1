//! Questions about what was recorded when, beside the answer for an obligation.

use super::index::Says;
use super::lookup::Records;
use super::read::Recorded;
use super::statement::{Body, Scenario};
use super::trust::Signatures;
use crate::error::Result;
use crate::git::Oid;

impl Records<'_> {
    /// Whether any record claims that its tree is established.
    pub fn establishes_anything(&self) -> bool {
        !self.establishing(|_| true).is_empty()
    }

    /// The commits whose records claim that this tree is established.
    pub fn commits_established_as(&self, tree: Oid) -> Vec<Oid> {
        let claims = self.establishing(|of| of == tree);
        claims.into_iter().filter_map(|id| self.graph.record(id).map(|summary| summary.commit)).collect()
    }

    fn establishing(&self, of_tree: impl Fn(Oid) -> bool) -> Vec<Oid> {
        self.ids(|id| {
            self.graph.record(id).is_some_and(|summary| {
                matches!(summary.says, Says::Verdict { establishes: true, .. }) && of_tree(summary.tree)
            })
        })
    }

    /// The newest `deploy` verdict of a tree, where there is one: what a rollback of it must be proven after.
    pub fn newest_deploy(&self, tree: Oid, signatures: Signatures) -> Result<Option<Oid>> {
        for id in self.verdicts_of(tree) {
            let recorded = self.get(id)?;
            let is_deploy = recorded.statement().verdict().is_some_and(|verdict| verdict.scenario == Scenario::Deploy);
            if is_deploy && self.counts(&recorded, signatures)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The approvals of policy changes, newest first.
    pub fn approvals(&self) -> Vec<Oid> {
        self.ids(|id| self.graph.record(id).is_some_and(|summary| summary.says == Says::Policy))
    }

    /// The records that explain a FAIL, newest first.
    pub fn resolves_of_record(&self, fail: Oid) -> Result<Vec<Recorded>> {
        let ids = self.ids(|id| self.graph.record(id).is_some_and(|summary| summary.says == Says::Resolve(fail)));
        let recorded = ids.into_iter().map(|id| self.get(id)).collect::<Result<Vec<_>>>()?;
        Ok(recorded
            .into_iter()
            .filter(|recorded| matches!(recorded.statement().predicate().body, Body::Resolve(_)))
            .collect())
    }
}

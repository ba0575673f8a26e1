//! Questions about what was recorded when, beside the answer for an obligation.

use super::index::By;
use super::lookup::Records;
use super::read::Recorded;
use super::statement::{Body, Scenario};
use super::trust::Signatures;
use crate::digest::Digest;
use crate::error::Result;
use crate::git::Oid;

impl Records<'_> {
    /// Whether any record claims that its tree is established.
    pub fn establishes_anything(&self) -> bool {
        self.graph.claims_anything()
    }

    /// The commits whose records claim that this tree is established.
    pub fn commits_established_as(&self, tree: Oid) -> Result<Vec<Oid>> {
        let claims = self.graph.find(By::Tree(tree)).into_iter().filter(|node| node.establishes);
        claims.map(|node| Ok(self.get(node.id)?.statement().subject().digest.git_commit)).collect()
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

    /// Changes whenever anything changes that an answer depends on: where the logs end, or what is wrong with them.
    pub fn digest(&self) -> Digest {
        let problems = self.problems().into_iter().map(|problem| problem.to_string());
        let logs = self.graph.logs().into_iter().flat_map(|(name, _, tip)| [name, tip.to_string()]);
        let fields: Vec<String> = logs.chain(problems).collect();
        Digest::of_fields(fields.iter().map(String::as_bytes))
    }

    /// The approvals of policy changes, newest first.
    pub fn approvals(&self) -> Vec<Oid> {
        self.ids(By::Approval)
    }

    /// The records that explain a FAIL, newest first.
    pub fn resolves_of_record(&self, fail: Oid) -> Result<Vec<Recorded>> {
        let ids = self.ids(By::Resolved(fail));
        let recorded = ids.into_iter().map(|id| self.get(id)).collect::<Result<Vec<_>>>()?;
        Ok(recorded
            .into_iter()
            .filter(|recorded| matches!(recorded.statement().predicate().body, Body::Resolve(_)))
            .collect())
    }
}

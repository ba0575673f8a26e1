//! Whether a tree held a PASS for all that it owed, and still does: what makes it a base.
//!
//! Deliberately absent: working out what a tree owes; its record claims that, and the claim is checked.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use super::index::By;
use super::key::{Key, Seen};
use super::lookup::{Answer, Question, Records};
use super::read::Recorded;
use super::statement::{Body, Established, Scenario};
use super::trust::{Demands, Signatures};
use crate::digest::Digest;
use crate::error::Result;
use crate::git::Oid;
use crate::judge::Word;

impl Records<'_> {
    /// The record that established a tree, where its claim still holds in this repository: everything that it names holds a PASS now,
    /// every approval stands, and no suite of the tree has a standing FAIL. Where suites see history, a record of another commit with
    /// the same tree establishes nothing. `is_of_tree` says whether a claim speaks of what this tree owes, and of no other's keys.
    pub fn established(
        &self,
        repository: &str,
        seen: Seen,
        demands: Demands,
        is_of_tree: &dyn Fn(&Established) -> Result<bool>,
    ) -> Result<Option<Recorded>> {
        let (tree, commit) = match seen {
            Seen::Tree(tree) => (tree, None),
            Seen::History { tree, commit } => (tree, Some(commit)),
        };
        let verdicts = self.graph.find(By::Tree(tree));
        let claims: Vec<Oid> = verdicts.iter().filter(|node| node.establishes).map(|node| node.id).collect();
        if claims.is_empty() {
            return Ok(None);
        }
        let mut keys = BTreeSet::new();
        for node in &verdicts {
            let recorded = self.get(node.id)?;
            keys.extend(
                recorded.statement().verdict().iter().flat_map(|verdict| &verdict.suites).map(|entry| entry.key),
            );
        }
        let word_of = |key: Key| self.word_of(key, demands);
        for key in keys {
            if word_of(key)? == Some(Word::Fail) {
                return Ok(None);
            }
        }
        for id in claims {
            let recorded = self.get(id)?;
            let statement = recorded.statement();
            let claim = statement.verdict().and_then(|verdict| verdict.established.as_ref());
            if let Some(claim) = claim
                && commit.is_none_or(|commit| statement.subject().digest.git_commit == commit)
                && statement.predicate.repository == repository
                && self.counts(&recorded, demands.signatures)?
                && is_of_tree(claim)?
                && self.claim_holds(claim, repository, demands.signatures, &word_of)?
            {
                return Ok(Some(recorded));
            }
        }
        Ok(None)
    }

    fn claim_holds(
        &self,
        claim: &Established,
        repository: &str,
        signatures: Signatures,
        word_of: &impl Fn(Key) -> Result<Option<Word>>,
    ) -> Result<bool> {
        for obligation in &claim.obligations {
            if word_of(obligation.key)? != Some(Word::Pass) {
                return Ok(false);
            }
        }
        for approval in &claim.approvals {
            if !self.approved(repository, approval.from, approval.to, signatures)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The answer's word for a base: any scenario, any age.
    fn word_of(&self, key: Key, demands: Demands) -> Result<Option<Word>> {
        let question = Question {
            key,
            scenario: Scenario::Deploy,
            after: Vec::new(),
            now: Timestamp::UNIX_EPOCH,
            max_age: None,
            demands,
        };
        Ok(match self.answer(&question)? {
            Answer::Pass { .. } => Some(Word::Pass),
            Answer::Fail { .. } => Some(Word::Fail),
            Answer::Nothing => None,
        })
    }

    /// Whether approvals lead from one policy file to another. A policy needs none to stay what it is.
    pub fn approved(&self, repository: &str, from: Digest, to: Digest, signatures: Signatures) -> Result<bool> {
        Ok(self.approvals_between(repository, from, to, signatures)?.is_some())
    }

    /// The approvals that lead from one policy file to another, in their order; `None` where none do.
    pub fn approvals_between(
        &self,
        repository: &str,
        from: Digest,
        to: Digest,
        signatures: Signatures,
    ) -> Result<Option<Vec<Recorded>>> {
        let mut steps: HashMap<Digest, Vec<(Digest, Recorded)>> = HashMap::new();
        for id in self.ids(By::Approval) {
            let recorded = self.get(id)?;
            let predicate = recorded.statement().predicate();
            if let Body::Policy(approval) = &predicate.body
                && predicate.repository == repository
                && self.counts(&recorded, signatures)?
            {
                let (from, to) = (approval.from, approval.to);
                steps.entry(from).or_default().push((to, recorded));
            }
        }
        let mut open = VecDeque::from([(from, Vec::new())]);
        let mut seen = HashSet::from([from]);
        while let Some((policy, path)) = open.pop_front() {
            if policy == to {
                return Ok(Some(path));
            }
            for (next, recorded) in steps.get(&policy).into_iter().flatten() {
                if seen.insert(*next) {
                    let path: Vec<Recorded> = path.iter().cloned().chain([recorded.clone()]).collect();
                    open.push_back((*next, path));
                }
            }
        }
        Ok(None)
    }
}

//! The decision over a push: every obligation of every ref update holds a recorded PASS, or the push is refused. Pure.
//!
//! It is driven by obligations and takes nothing but what the log made for a PASS, so an empty list of results allows nothing.

use bstr::BString;

use crate::git::Oid;
use crate::records::{Answer, Key};
use crate::select::{NeededApproval, Reason};

/// One suite that a subject owes, and what the records answer.
#[derive(Debug)]
pub struct Owed {
    /// The suite's name.
    pub suite: String,
    /// Its key on this subject.
    pub key: Key,
    /// Why it is owed; empty where the record that established the subject says it.
    pub reasons: Vec<Reason>,
    /// What the records say.
    pub answer: Answer,
}

/// What a gated update is.
#[derive(Debug)]
pub enum Case<'a> {
    /// It owes suites and approvals.
    Owes {
        /// The suites; an empty list is refused.
        suites: &'a [Owed],
        /// The approvals, and whether each is recorded.
        approvals: &'a [(NeededApproval, bool)],
    },
    /// A tag on a commit from before the gate.
    Before,
    /// A deletion or move that the policy names as allowed.
    Named,
    /// Something that no proof can mend.
    Forbidden {
        /// Why, a fragment.
        why: String,
        /// The way on.
        hint: String,
    },
}

/// A gated ref update on its way to a decision.
#[derive(Debug)]
pub struct GatedUpdate<'a> {
    /// The ref over there.
    pub remote_ref: BString,
    /// The commit, where there is one.
    pub commit: Option<Oid>,
    /// What it is.
    pub case: Case<'a>,
}

/// What stands against an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle<'a> {
    /// A suite's answer is FAIL.
    Failed(&'a str),
    /// Nothing is recorded for a suite.
    Missing(&'a str),
    /// A weaker policy that nobody approved.
    NotApproved,
    /// Something that no proof can mend.
    Forbidden,
    /// Nothing is owed, which cannot be.
    NothingOwed,
}

/// The decision over one update.
#[derive(Debug, PartialEq, Eq)]
pub enum RefDecision<'a> {
    /// It may go.
    Allowed,
    /// It may not, and why; never empty.
    Refused(Vec<Obstacle<'a>>),
}

/// The decision over the whole push.
#[derive(Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// One for each gated update, in their order.
    pub refs: Vec<RefDecision<'a>>,
}

/// What a decision comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every update may go.
    Allowed,
    /// At least one may not, and nothing that could be proven would change that.
    Refused,
    /// All that stands in the way is that nothing is recorded yet.
    Missing,
}

impl Decision<'_> {
    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        let obstacles = || self.refs.iter().flat_map(RefDecision::obstacles);
        if obstacles().next().is_none() {
            Outcome::Allowed
        } else if obstacles().all(|obstacle| matches!(obstacle, Obstacle::Missing(_))) {
            Outcome::Missing
        } else {
            Outcome::Refused
        }
    }
}

impl<'a> RefDecision<'a> {
    /// What stands in the way; empty where it is allowed.
    pub fn obstacles(&self) -> &[Obstacle<'a>] {
        match self {
            RefDecision::Allowed => &[],
            RefDecision::Refused(obstacles) => obstacles,
        }
    }
}

/// Decides. Called in one place.
pub fn decide<'a>(updates: &'a [GatedUpdate<'a>]) -> Decision<'a> {
    Decision { refs: updates.iter().map(|update| decide_one(&update.case)).collect() }
}

fn decide_one<'a>(case: &'a Case<'a>) -> RefDecision<'a> {
    let (suites, approvals) = match case {
        Case::Before | Case::Named => return RefDecision::Allowed,
        Case::Forbidden { .. } => return RefDecision::Refused(vec![Obstacle::Forbidden]),
        Case::Owes { suites, approvals } => (suites, approvals),
    };
    let mut obstacles = Vec::new();
    if suites.is_empty() {
        obstacles.push(Obstacle::NothingOwed);
    }
    for owed in *suites {
        match &owed.answer {
            Answer::Pass { .. } => {}
            Answer::Fail { .. } => obstacles.push(Obstacle::Failed(&owed.suite)),
            Answer::Nothing => obstacles.push(Obstacle::Missing(&owed.suite)),
        }
    }
    if approvals.iter().any(|(_, approved)| !approved) {
        obstacles.push(Obstacle::NotApproved);
    }
    if obstacles.is_empty() { RefDecision::Allowed } else { RefDecision::Refused(obstacles) }
}

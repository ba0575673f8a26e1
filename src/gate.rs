//! The decision over a push: every obligation of every ref update holds a recorded PASS, or the push is refused. Pure.
//!
//! It is driven by obligations and takes nothing but what the log made for a PASS, so an empty list of results allows nothing.

use bstr::BString;

use crate::git::Oid;
use crate::records::{Answer, Key};
use crate::select::{NeededApproval, Reason};

/// Why a gated ref may not be deleted. `doctor --fire` knows the gate by these words.
pub const WOULD_BE_DELETED: &str = "it would be deleted, and it is gated";

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

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use proptest::prelude::*;

    use super::*;
    use crate::digest::Digest;
    use crate::records::pass_and_fail;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Says {
        Pass,
        Fail,
        Nothing,
    }

    /// A case without borrowed parts.
    #[derive(Clone, Debug)]
    enum Drawn {
        Owes { says: Vec<Says>, approved: Vec<bool> },
        Before,
        Named,
        Forbidden,
    }

    fn owed(says: Says) -> Owed {
        static ANSWERS: OnceLock<(Answer, Answer)> = OnceLock::new();
        let (pass, fail) = ANSWERS.get_or_init(pass_and_fail);
        let Answer::Pass { entry, .. } = pass else { panic!("the first is a PASS") };
        let answer = match says {
            Says::Pass => pass.clone(),
            Says::Fail => fail.clone(),
            Says::Nothing => Answer::Nothing,
        };
        Owed { suite: "payment".to_owned(), key: entry.key, reasons: Vec::new(), answer }
    }

    fn approval(approved: bool) -> (NeededApproval, bool) {
        let (from, to) = (Digest::of(b"before"), Digest::of(b"after"));
        (NeededApproval { from, to, weakenings: Vec::new() }, approved)
    }

    type Parts = (Vec<Owed>, Vec<(NeededApproval, bool)>);

    /// Decides over drawn cases, and looks at the decision.
    fn decided<T>(drawn: &[Drawn], look: impl FnOnce(&Decision<'_>) -> T) -> T {
        let parts: Vec<Parts> = drawn
            .iter()
            .map(|case| match case {
                Drawn::Owes { says, approved } => {
                    (says.iter().copied().map(owed).collect(), approved.iter().copied().map(approval).collect())
                }
                Drawn::Before | Drawn::Named | Drawn::Forbidden => (Vec::new(), Vec::new()),
            })
            .collect();
        let updates: Vec<GatedUpdate<'_>> = drawn
            .iter()
            .zip(&parts)
            .map(|(case, (suites, approvals))| GatedUpdate {
                remote_ref: "refs/heads/main".into(),
                commit: None,
                case: match case {
                    Drawn::Owes { .. } => Case::Owes { suites, approvals },
                    Drawn::Before => Case::Before,
                    Drawn::Named => Case::Named,
                    Drawn::Forbidden => Case::Forbidden { why: "it is".to_owned(), hint: "none".to_owned() },
                },
            })
            .collect();
        look(&decide(&updates))
    }

    fn check(says: &[Says], approved: &[bool], expected: Outcome) {
        let case = Drawn::Owes { says: says.to_vec(), approved: approved.to_vec() };
        assert_eq!(decided(std::slice::from_ref(&case), |decision| decision.outcome()), expected, "{case:?}");
        // Beside one that may go it comes to the same.
        assert_eq!(
            decided(&[Drawn::Before, case.clone(), Drawn::Named], |decision| decision.outcome()),
            expected,
            "{case:?}"
        );
    }

    #[test]
    fn only_a_pass_of_every_suite_and_every_approval_allows() {
        check(&[Says::Pass], &[], Outcome::Allowed);
        check(&[Says::Pass, Says::Pass], &[true, true], Outcome::Allowed);
        check(&[Says::Pass, Says::Fail], &[], Outcome::Refused);
        check(&[Says::Pass], &[true, false], Outcome::Refused);
    }

    #[test]
    fn only_what_a_proof_can_change_is_missing() {
        check(&[Says::Pass, Says::Nothing], &[], Outcome::Missing);
        check(&[Says::Fail, Says::Nothing], &[], Outcome::Refused);
        check(&[Says::Nothing], &[false], Outcome::Refused);
    }

    #[test]
    fn owing_nothing_is_refused() {
        check(&[], &[], Outcome::Refused);
        check(&[], &[true], Outcome::Refused);
    }

    #[test]
    fn what_no_proof_can_mend_is_refused_beside_whatever_may_go() {
        let drawn = [Drawn::Named, Drawn::Forbidden, Drawn::Before];
        assert_eq!(decided(&drawn, |decision| decision.outcome()), Outcome::Refused);
    }

    fn cases() -> impl Strategy<Value = Vec<Drawn>> {
        let says = prop_oneof![4 => Just(Says::Pass), 1 => Just(Says::Fail), 1 => Just(Says::Nothing)];
        let approved = prop_oneof![4 => Just(true), 1 => Just(false)];
        let owes = (prop::collection::vec(says, 0..4), prop::collection::vec(approved, 0..3))
            .prop_map(|(says, approved)| Drawn::Owes { says, approved });
        let case =
            prop_oneof![8 => owes, 1 => Just(Drawn::Before), 1 => Just(Drawn::Named), 1 => Just(Drawn::Forbidden)];
        prop::collection::vec(case, 0..4)
    }

    proptest! {
        #[test]
        fn a_push_that_is_allowed_holds_a_pass_for_every_obligation(drawn in cases()) {
            let may_go = |case: &Drawn| match case {
                Drawn::Owes { says, approved } => {
                    !says.is_empty() && says.iter().all(|says| *says == Says::Pass) && approved.iter().all(|is| *is)
                }
                Drawn::Before | Drawn::Named => true,
                Drawn::Forbidden => false,
            };
            decided(&drawn, |decision| {
                prop_assert_eq!(decision.outcome() == Outcome::Allowed, drawn.iter().all(may_go));
                for (case, decision) in drawn.iter().zip(&decision.refs) {
                    prop_assert_eq!(*decision == RefDecision::Allowed, may_go(case));
                    prop_assert_ne!(decision, &RefDecision::Refused(Vec::new()));
                }
                Ok(())
            })?;
        }
    }
}

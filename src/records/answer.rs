//! The gate's answer for an obligation: one rule over all suite entries of its key.
//!
//! Pure. Deliberately absent: where entries come from, and which obligations there are.

use jiff::{SignedDuration, Timestamp};

use super::environment::{EnvironmentIdentity, Sameness, same_inputs};
use super::statement::{RESOLVED_RUNS, Scenario};
use crate::git::Oid;
use crate::judge::{Code, Word};

/// A record may be this far ahead of the clock before its age counts as unknown.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_hours(24);

/// What the rule needs to know of one suite in one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub record: Oid,
    /// The suite's name in it.
    pub suite: String,
    /// Its verdict.
    pub word: Word,
    /// The codes of its findings.
    pub codes: Vec<Code>,
    /// Where it ran.
    pub environment: EnvironmentIdentity,
    /// What it was proven for.
    pub scenario: Scenario,
    /// When the proof ended.
    pub finished: Timestamp,
    /// The version of the rules that judged it.
    pub rules: u32,
    /// How often it was run in that proof.
    pub runs: u32,
}

/// A record that explains a FAIL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The record that explains.
    pub record: Oid,
    /// The record of the FAIL.
    pub fail: Oid,
    /// The suite that failed.
    pub suite: String,
}

/// On what terms a PASS counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What it must have been made for; for `deploy` any will do.
    pub scenario: Scenario,
    /// For a rollback: records that it must have been made after.
    pub after: Vec<Oid>,
    /// The present.
    pub now: Timestamp,
    /// A PASS that ended longer ago is none.
    pub max_age: Option<SignedDuration>,
    /// Entries judged by older rules are none, PASS or FAIL.
    pub min_rules: u32,
}

/// The answer, by positions in the list of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// This PASS holds.
    Pass(usize),
    /// This FAIL stands.
    Fail(usize, Why),
    /// Nothing is known.
    Nothing,
}

/// Why a FAIL stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No later PASS ended it.
    Standing,
    /// The PASS at this position was on the same inputs.
    FlakyHistory(usize),
}

/// The rule. `entries` are all of one key; the first that fits is named, so they should come newest first.
///
/// Age, scenario and ancestry of `terms` narrow only which PASS may be the answer: an old PASS, or one for another scenario, ends
/// and contradicts FAILs as any other.
pub fn rule(entries: &[Entry], resolves: &[Resolve], terms: &Terms, is_ancestor: impl Fn(Oid, Oid) -> bool) -> Ruling {
    let counting = || entries.iter().enumerate().filter(|(_, entry)| entry.rules >= terms.min_rules);
    let passes = || counting().filter(|(_, entry)| entry.word == Word::Pass);
    let fails = || counting().filter(|(_, entry)| entry.word == Word::Fail);
    for (at, fail) in fails().filter(|(_, fail)| !all_outside(fail) && !is_resolved(fail, resolves)) {
        let contradiction =
            passes().find(|(_, pass)| same_inputs(&pass.environment, &fail.environment) == Sameness::Same);
        if let Some((pass, _)) = contradiction {
            return Ruling::Fail(at, Why::FlakyHistory(pass));
        }
    }
    let standing = fails().find(|(_, fail)| !passes().any(|(_, pass)| ends(pass, fail, resolves, &is_ancestor)));
    if let Some((at, _)) = standing {
        return Ruling::Fail(at, Why::Standing);
    }
    match passes().find(|(_, pass)| fits(pass, terms, &is_ancestor)) {
        Some((at, _)) => Ruling::Pass(at),
        None => Ruling::Nothing,
    }
}

/// Whether a FAIL was explained and waits for the fresh proof that ends it: that proof runs the suite three times.
pub fn needs_repeats(
    entries: &[Entry],
    resolves: &[Resolve],
    min_rules: u32,
    is_ancestor: impl Fn(Oid, Oid) -> bool,
) -> bool {
    let counting = || entries.iter().filter(|entry| entry.rules >= min_rules);
    counting()
        .filter(|fail| fail.word == Word::Fail && is_resolved(fail, resolves))
        .any(|fail| !counting().any(|pass| pass.word == Word::Pass && ends(pass, fail, resolves, &is_ancestor)))
}

/// Whether all that was found can come from the machine rather than from the tree.
fn all_outside(fail: &Entry) -> bool {
    fail.codes.iter().all(|code| code.may_be_outside())
}

fn is_resolved(fail: &Entry, resolves: &[Resolve]) -> bool {
    resolves.iter().any(|resolve| explains(resolve, fail))
}

fn explains(resolve: &Resolve, fail: &Entry) -> bool {
    resolve.fail == fail.record && resolve.suite == fail.suite
}

fn ends(pass: &Entry, fail: &Entry, resolves: &[Resolve], is_ancestor: &impl Fn(Oid, Oid) -> bool) -> bool {
    if !is_ancestor(fail.record, pass.record) {
        return false;
    }
    let explained = || {
        let after_cause = |resolve: &Resolve| explains(resolve, fail) && is_ancestor(resolve.record, pass.record);
        pass.runs >= RESOLVED_RUNS && resolves.iter().any(after_cause)
    };
    let (there, here) = (&pass.environment, &fail.environment);
    let by_inputs = match same_inputs(there, here) {
        Sameness::Same => all_outside(fail),
        Sameness::Differs(_) => there.system == here.system && there.architecture == here.architecture,
    };
    by_inputs || explained()
}

fn fits(pass: &Entry, terms: &Terms, is_ancestor: &impl Fn(Oid, Oid) -> bool) -> bool {
    let for_it = match &terms.scenario {
        Scenario::Deploy => true,
        Scenario::Migration { .. } | Scenario::Policy { .. } | Scenario::Rollback { .. } => {
            pass.scenario == terms.scenario
        }
    };
    let age = terms.now.duration_since(pass.finished);
    let young = terms.max_age.is_none_or(|max_age| age <= max_age && age >= -CLOCK_SKEW);
    for_it && young && terms.after.iter().all(|record| is_ancestor(*record, pass.record))
}

#[cfg(test)]
mod tests;

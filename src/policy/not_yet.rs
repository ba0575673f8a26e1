//! Keys that are read and checked while what they ask for is not there yet.
//!
//! Only those that would change a verdict, let a push through, or say where evidence lies: under them a proof is refused, never made
//! without them.

use super::types::{Policy, WorkspaceMode};

/// A key whose demand this version cannot meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotYet {
    /// The key as the file has it.
    pub key: &'static str,
    /// What is not there yet.
    pub why: &'static str,
}

/// A key's name, whether a policy asks for what is not there, and what that is.
type Missing = (&'static str, fn(&Policy) -> bool, &'static str);

/// All such keys. None of a suite is among them.
const MISSING: &[Missing] = &[
    ("proof.workspace", |policy| policy.proof.workspace == WorkspaceMode::Reuse, "every proof has a new workspace"),
    // A folder in the work tree is the user's: what is written there shows in git's status and can be committed.
    ("evidence.folder", |policy| policy.evidence.folder.is_some(), "evidence is kept in the git directory"),
    ("changelog.require", |policy| policy.changelog.require, "the Operations Changelog is not checked at a push"),
];

impl Policy {
    /// What the policy asks for and this version cannot do, though it would change a verdict. Not empty: no proof.
    pub fn not_yet(&self) -> Vec<NotYet> {
        let asked = MISSING.iter().filter(|(_, asks, _)| asks(self));
        asked.map(|(key, _, why)| NotYet { key, why }).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::parse;

    fn keys(text: &str) -> Vec<&'static str> {
        let policy = parse(format!("version = 1\n{text}").as_bytes()).expect("the policy is good");
        policy.not_yet().into_iter().map(|not_yet| not_yet.key).collect()
    }

    #[test]
    fn a_policy_within_what_works_asks_for_nothing_more() {
        let text = "[suites.a]\nrun = ['a']\nreport = 'mocha-json'\nallow_skipped = [{ test = 'x', reason = 'y' }]\nartifacts = [{ paths = 'x' }]\nsources = ['x']\n\
                    [warnings]\nfail = ['x']\nallow = [{ pattern = 'x', reason = 'y' }]\n[evidence]\nkeep = '1d'\n[proof]\ngit = 'history'\nfilters = ['lfs']\n\
                    [records]\nshare = 'required'\n";
        assert!(keys(text).is_empty());
    }

    #[test]
    fn every_key_whose_work_comes_later_is_named() {
        let text = "[proof]\nworkspace = 'reuse'\n[evidence]\nfolder = 'proofs'\n[changelog]\nrequire = true\n\
                    [suites.a]\nrun = ['a']\nreport = 'ctrf'\n";
        assert_eq!(keys(text), ["proof.workspace", "evidence.folder", "changelog.require"]);
    }
}

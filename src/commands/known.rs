//! What is known of suites before they run: focused tests in their sources, and how many tests ran at the base.
//!
//! Read from git's objects, which no suite can change while it runs; for a draft from the work tree, before the first suite starts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use bstr::{BStr, ByteSlice as _};

use super::assess::Assessment;
use super::ground::Ground;
use crate::error::{Context as _, Result};
use crate::evidence::{self, Noticed};
use crate::git::{Oid, Repository};
use crate::judge::{Counts, Word};
use crate::policy::Policy;

/// A larger file of a work tree is not read whole, in bytes.
const MAX_SOURCE: u64 = 16 << 20;

/// Focused tests of one suite that are named; the rest is counted.
const NAMED: usize = 20;

/// What is known of suites before they run.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By suite: what is noticed in its sources.
    noticed: BTreeMap<String, Vec<Noticed>>,
    /// By suite: how many tests were executed at the base, and the record that says so.
    at_base: BTreeMap<String, (u64, Oid)>,
}

impl Known {
    /// Of the suites that prove a commit.
    pub(super) fn of_commit(ground: &Ground<'_>, assessment: &Assessment) -> Result<Self> {
        let policy = &assessment.policy.policy;
        let mut sources = Sources::default();
        if Sources::are_asked_for(policy) {
            for (path, entry) in ground.repository.files_of(assessment.subject.commit.tree)? {
                if entry.is_file() && !policy.sources_of(path.as_bstr()).is_empty() {
                    sources.search(policy, path.as_bstr(), &ground.repository.blob(entry.id)?);
                }
            }
        }
        Ok(Known { noticed: sources.noticed(policy), at_base: at_base(ground, assessment)? })
    }

    /// Of a draft's suites.
    pub(super) fn of_draft(repository: &Repository, work_tree: &Path, policy: &Policy) -> Result<Self> {
        let mut sources = Sources::default();
        if Sources::are_asked_for(policy) {
            for path in repository.draft_paths(work_tree)? {
                if policy.sources_of(path.as_bstr()).is_empty() {
                    continue;
                }
                let file = work_tree.join(path.to_path_lossy());
                // What is listed and not there was deleted; a link's target is searched where it lies.
                if file.symlink_metadata().is_ok_and(|found| found.is_file()) {
                    let mut source = Vec::new();
                    let opened = File::open(&file).context(format!("cannot read {path}"))?;
                    opened.take(MAX_SOURCE).read_to_end(&mut source).context(format!("cannot read {path}"))?;
                    sources.search(policy, path.as_bstr(), &source);
                }
            }
        }
        Ok(Known { noticed: sources.noticed(policy), at_base: BTreeMap::new() })
    }

    /// What was noticed in a suite's sources.
    pub(super) fn noticed(&self, suite: &str) -> impl Iterator<Item = Noticed> {
        self.noticed.get(suite).into_iter().flatten().cloned()
    }

    /// What is to be said where fewer tests ran than at the base.
    pub(super) fn drop_note(&self, suite: &str, counts: &Counts) -> Option<String> {
        let (before, record) = self.at_base.get(suite)?;
        let now = counts.executed();
        (now < *before).then(|| format!("{now} tests executed, {before} at the base (record {})", record.short()))
    }
}

/// The search for focused tests.
#[derive(Default)]
struct Sources {
    focused: BTreeMap<String, Vec<String>>,
    searched: BTreeMap<String, u64>,
}

impl Sources {
    fn are_asked_for(policy: &Policy) -> bool {
        policy.suites.values().any(|suite| !suite.sources.is_empty())
    }

    fn search(&mut self, policy: &Policy, path: &BStr, source: &[u8]) {
        let found = evidence::focused(source);
        let mut suites: Vec<&str> = policy.sources_of(path).into_iter().map(|claim| claim.suite.as_str()).collect();
        suites.dedup();
        for suite in suites {
            *self.searched.entry(suite.to_owned()).or_default() += 1;
            let places = found.iter().map(|focus| format!("{path}:{} {}", focus.line, focus.what));
            self.focused.entry(suite.to_owned()).or_default().extend(places);
        }
    }

    fn noticed(mut self, policy: &Policy) -> BTreeMap<String, Vec<Noticed>> {
        let asking = policy.suites.iter().filter(|(_, suite)| !suite.sources.is_empty());
        let of_suite = |(name, _): (&String, _)| {
            let places = self.focused.remove(name).unwrap_or_default();
            let more = places.len().saturating_sub(NAMED);
            let mut noticed: Vec<Noticed> =
                places.into_iter().take(NAMED).map(|place| Noticed::Focused { place }).collect();
            noticed.extend((more > 0).then(|| Noticed::Focused { place: format!("and {more} more") }));
            if !self.searched.contains_key(name) {
                noticed.push(Noticed::Note("sources: no file of the tree matches them".to_owned()));
            }
            (name.clone(), noticed)
        };
        asking.map(of_suite).collect()
    }
}

/// The newest PASS of each suite at a base that told of tests.
fn at_base(ground: &Ground<'_>, assessment: &Assessment) -> Result<BTreeMap<String, (u64, Oid)>> {
    let mut counts = BTreeMap::new();
    for base in assessment.base.iter().flat_map(|base| &base.commits) {
        for id in ground.records.of_commit(base.id) {
            let recorded = ground.records.get(id)?;
            for suite in recorded.statement().verdict().map(|verdict| verdict.suites.as_slice()).unwrap_or_default() {
                if suite.verdict == Word::Pass && suite.counts.executed() > 0 {
                    counts.entry(suite.name.clone()).or_insert((suite.counts.executed(), id));
                }
            }
        }
    }
    Ok(counts)
}

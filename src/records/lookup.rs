//! Asking the logs: every answer reads the record objects that it relies on again.
//!
//! Deliberately absent: the rule itself, see `answer`; and deciding over a push.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::answer::{Entry, Resolve, Ruling, Terms, Why, needs_repeats, rule};
use super::graph::Graph;
use super::index::By;
use super::key::Key;
use super::logs::Logs;
use super::problem::Problem;
use super::read::{Fault, Recorded, read};
use super::statement::{Body, Scenario, SuiteEntry};
use super::trust::{Demands, Place, Role, Signatures, Trust};
use crate::error::{Error, Exit, Result};
use crate::git::{NotSigned, Oid, Repository, Signed};
use crate::judge::Word;

/// Fewer digits name no record.
const MIN_PREFIX: usize = 4;

/// Records that are kept once they were read back: a push asks for the same few several times.
const KEPT: usize = 64;

/// All records of this clone's logs and of those fetched, as they stood when they were loaded.
pub struct Records<'a> {
    repository: &'a Repository,
    pub(super) graph: Graph<'a>,
    all: OnceCell<Vec<Oid>>,
    read: RefCell<HashMap<Oid, Recorded>>,
    trust: Trust<'a>,
}

/// What is asked for an obligation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The obligation's key.
    pub key: Key,
    /// What the PASS must be made for.
    pub scenario: Scenario,
    /// For a rollback: records that it must be made after.
    pub after: Vec<Oid>,
    /// The present.
    pub now: Timestamp,
    /// An older PASS is none. Never set for a base.
    pub max_age: Option<SignedDuration>,
    /// What is asked of the records.
    pub demands: Demands,
}

/// What the records answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The obligation holds a recorded PASS.
    Pass {
        /// The record.
        recorded: Recorded,
        /// The suite in it.
        entry: Box<SuiteEntry>,
    },
    /// A FAIL stands.
    Fail {
        /// The record of the FAIL.
        recorded: Recorded,
        /// The suite in it.
        entry: Box<SuiteEntry>,
        /// Why it stands.
        why: Standing,
    },
    /// Nothing is recorded that counts.
    Nothing,
}

/// Why a FAIL stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No later PASS ended it.
    Unended,
    /// The same inputs gave PASS and FAIL: these two records.
    FlakyHistory {
        /// The PASS.
        pass: Oid,
        /// The FAIL.
        fail: Oid,
    },
}

impl<'a> Records<'a> {
    /// Reads all logs. Records that cannot count are left out and stand in [`Records::problems`].
    pub fn load(repository: &'a Repository) -> Result<Self> {
        Records::load_from(repository, &Logs::here(), Place::Clone)
    }

    /// The same of these logs, and judged as that place does.
    pub fn load_from(repository: &'a Repository, logs: &Logs, place: Place) -> Result<Self> {
        let graph = Graph::load(repository, logs)?;
        let trust = Trust::new(repository, place);
        Ok(Records { repository, graph, all: OnceCell::new(), read: RefCell::default(), trust })
    }

    /// What is wrong with the logs.
    pub fn problems(&self) -> Vec<Problem> {
        self.graph.problems()
    }

    /// The ids of all records: none before one that has it in its ancestry, else the later finished first.
    pub fn all(&self) -> &[Oid] {
        self.all.get_or_init(|| self.graph.newest(usize::MAX))
    }

    /// As many ids of the newest, in the same order.
    pub fn newest(&self, most: usize) -> Vec<Oid> {
        self.graph.newest(most)
    }

    /// Whether `ancestor` was in the log when `record` was written.
    pub fn is_ancestor(&self, ancestor: Oid, record: Oid) -> bool {
        self.graph.is_ancestor(ancestor, record)
    }

    /// Reads a record back, from its objects the first time.
    pub fn get(&self, id: Oid) -> Result<Recorded> {
        if let Some(recorded) = self.read.borrow().get(&id) {
            return Ok(recorded.clone());
        }
        let recorded = self.read_back(id)?;
        let mut read = self.read.borrow_mut();
        if read.len() == KEPT {
            read.clear();
        }
        read.insert(id, recorded.clone());
        Ok(recorded)
    }

    fn read_back(&self, id: Oid) -> Result<Recorded> {
        if !self.graph.counts(id) {
            return Err(Error::new(format!("cannot read the record {id}: it is not in the logs")));
        }
        let complaint = match read(self.repository, id) {
            Ok(Ok(statement)) => return Ok(Recorded::new(id, statement)),
            Ok(Err(unreadable)) => unreadable.to_string(),
            Err(Fault::Unreadable(why) | Fault::NoRecord(why)) => why,
        };
        Err(Error::new(format!("cannot read the record {id}: {complaint}"))
            .hint("'git fsck' names what is damaged; another clone that holds the log can give it back by 'git fetch'")
            .hint(format!(
                "if it is lost for good, delete {}: then it stays reported, counts no more, and a new proof can be made",
                self.repository.own_dir().join("index").display()
            )))
    }

    /// The one record whose id begins like this.
    pub fn by_prefix(&self, prefix: &str) -> Result<Recorded> {
        let wrong = |why: &str| Error::new(format!("cannot find the record '{prefix}': {why}")).ending(Exit::Usage);
        if prefix.len() < MIN_PREFIX || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong("it is no beginning of a record's id").hint("give at least 4 digits of it"));
        }
        let prefix = prefix.to_ascii_lowercase();
        let bytes = data_encoding::HEXLOWER.decode(&prefix.as_bytes()[..prefix.len() / 2 * 2]);
        let found = self.graph.ids_beginning_with(&bytes.unwrap_or_default());
        let mut found = found.into_iter().filter(|id| id.to_string().starts_with(&prefix));
        match (found.next(), found.next()) {
            (Some(id), None) => self.get(id),
            (Some(_), Some(_)) => Err(wrong("several begin like that").hint("give more digits")),
            (None, _) => Err(wrong("no record begins like that")
                .hint("'proof-gate status' names those of each ref; 'git log --glob=refs/proof/log' lists all")),
        }
    }

    /// The records about a commit, newest first.
    pub fn of_commit(&self, commit: Oid) -> Vec<Oid> {
        self.ids(By::Commit(commit))
    }

    /// The newest verdict about a tree.
    pub fn newest_for(&self, tree: Oid) -> Result<Option<Recorded>> {
        self.verdicts_of(tree).first().map(|id| self.get(*id)).transpose()
    }

    /// Every entry of a key with its record, newest first.
    pub fn entries(&self, key: Key) -> Result<Vec<(Recorded, SuiteEntry)>> {
        let mut entries = Vec::new();
        for id in self.ids(By::Key(key)) {
            let recorded = self.get(id)?;
            let verdict = recorded.statement().verdict();
            let of_key: Vec<SuiteEntry> =
                verdict.iter().flat_map(|verdict| &verdict.suites).filter(|entry| entry.key == key).cloned().collect();
            entries.extend(of_key.into_iter().map(|entry| (recorded.clone(), entry)));
        }
        Ok(entries)
    }

    /// Those of them that count.
    fn counting_entries(&self, key: Key, signatures: Signatures) -> Result<Vec<(Recorded, SuiteEntry)>> {
        let mut entries = self.entries(key)?;
        let mut counting = HashMap::new();
        for (recorded, _) in &entries {
            counting.insert(recorded.id(), self.counts(recorded, signatures)?);
        }
        entries.retain(|(recorded, _)| counting[&recorded.id()]);
        Ok(entries)
    }

    /// The records with an entry of a key that count for nothing because of their signature, and why.
    pub fn discounted(&self, key: Key, signatures: Signatures) -> Result<Vec<(Recorded, NotSigned)>> {
        let mut discounted: Vec<(Recorded, NotSigned)> = Vec::new();
        if signatures == Signatures::Any {
            return Ok(discounted);
        }
        for (recorded, _) in self.entries(key)? {
            let is_new = discounted.iter().all(|(known, _)| known.id() != recorded.id());
            if let Signed::Not(why) = self.trust.signed(recorded.id(), Role::of(recorded.statement()))?
                && is_new
            {
                discounted.push((recorded, why));
            }
        }
        Ok(discounted)
    }

    /// Whether a record counts where signatures are asked for.
    pub fn counts(&self, recorded: &Recorded, signatures: Signatures) -> Result<bool> {
        self.trust.counts(recorded.id(), Role::of(recorded.statement()), signatures)
    }

    /// Who signed a record, for showing; `None` where it bears a signature and no list says whose count.
    pub fn signed(&self, recorded: &Recorded) -> Result<Option<Signed>> {
        self.trust.look(recorded.id(), Role::of(recorded.statement()))
    }

    /// Whose records count.
    pub fn trust(&self) -> &Trust<'a> {
        &self.trust
    }

    /// The answer for an obligation.
    pub fn answer(&self, question: &Question) -> Result<Answer> {
        let found = self.counting_entries(question.key, question.demands.signatures)?;
        let terms = Terms {
            scenario: question.scenario.clone(),
            after: question.after.clone(),
            now: question.now,
            max_age: question.max_age,
            min_rules: question.demands.min_rules,
        };
        let entries = in_short(&found);
        let resolves = self.resolves_of(&entries, question.demands.signatures)?;
        let of = |at: usize| (found[at].0.clone(), Box::new(found[at].1.clone()));
        Ok(match rule(&entries, &resolves, &terms, |a, b| self.is_ancestor(a, b)) {
            Ruling::Nothing => Answer::Nothing,
            Ruling::Pass(at) => {
                let (recorded, entry) = of(at);
                Answer::Pass { recorded, entry }
            }
            Ruling::Fail(at, why) => {
                let (recorded, entry) = of(at);
                let why = match why {
                    Why::Standing => Standing::Unended,
                    Why::FlakyHistory(pass) => {
                        Standing::FlakyHistory { pass: entries[pass].record, fail: entries[at].record }
                    }
                };
                Answer::Fail { recorded, entry, why }
            }
        })
    }

    /// Whether a FAIL of this key was resolved and is not ended yet: the next proof runs the suite three times.
    pub fn unended_resolved(&self, key: Key, demands: Demands) -> Result<bool> {
        let entries = in_short(&self.counting_entries(key, demands.signatures)?);
        let resolves = self.resolves_of(&entries, demands.signatures)?;
        Ok(needs_repeats(&entries, &resolves, demands.min_rules, |a, b| self.is_ancestor(a, b)))
    }

    /// The suites of a record that a cause can be given for: those that failed, or the one that is named.
    pub fn resolvable(&self, record: Oid, suite: Option<&str>) -> Result<Vec<String>> {
        let recorded = self.get(record)?;
        let wrong = |why: String| Error::new(format!("cannot resolve {record}: {why}")).ending(Exit::Usage);
        let Some(verdict) = recorded.statement().verdict() else {
            return Err(wrong("it is no verdict".to_owned()).hint("name the record of a FAIL"));
        };
        let failed: Vec<String> =
            verdict.suites.iter().filter(|entry| entry.verdict == Word::Fail).map(|entry| entry.name.clone()).collect();
        match suite {
            _ if failed.is_empty() => Err(wrong("it is a PASS".to_owned()).hint("only a FAIL can be resolved")),
            None => Ok(failed),
            Some(suite) if failed.iter().any(|name| name == suite) => Ok(vec![suite.to_owned()]),
            Some(suite) => {
                Err(wrong(format!("'{suite}' did not fail in it")).hint(format!("what failed: {}", failed.join(", "))))
            }
        }
    }

    /// The explanations of these entries' FAILs.
    fn resolves_of(&self, entries: &[Entry], signatures: Signatures) -> Result<Vec<Resolve>> {
        let fails: BTreeSet<Oid> =
            entries.iter().filter(|entry| entry.word == Word::Fail).map(|entry| entry.record).collect();
        let mut resolves = Vec::new();
        for id in fails.into_iter().flat_map(|fail| self.ids(By::Resolved(fail))) {
            let recorded = self.get(id)?;
            if let Body::Resolve(resolution) = &recorded.statement().predicate().body
                && self.counts(&recorded, signatures)?
            {
                resolves.push(Resolve { record: id, fail: resolution.record, suite: resolution.suite.clone() });
            }
        }
        Ok(resolves)
    }

    /// The verdicts that were made for a ref, newest first.
    pub fn for_ref(&self, name: &str) -> Vec<Oid> {
        self.ids(By::Ref(name))
    }

    /// The verdicts about a tree, newest first.
    pub(super) fn verdicts_of(&self, tree: Oid) -> Vec<Oid> {
        self.ids(By::Tree(tree))
    }

    /// The records that are asked for, newest first.
    pub(super) fn ids(&self, by: By<'_>) -> Vec<Oid> {
        self.graph.find(by).into_iter().map(|node| node.id).collect()
    }
}

/// The entries as the rule takes them.
fn in_short(found: &[(Recorded, SuiteEntry)]) -> Vec<Entry> {
    let short = |(recorded, entry): &(Recorded, SuiteEntry)| {
        let verdict = recorded.statement().verdict()?;
        Some(Entry {
            record: recorded.id(),
            suite: entry.name.clone(),
            word: entry.verdict,
            codes: entry.codes(),
            environment: verdict.environment.narrowed(&entry.tools, &entry.variables),
            scenario: verdict.scenario.clone(),
            finished: recorded.statement().predicate().finished,
            rules: entry.rules,
            runs: entry.runs,
        })
    };
    found.iter().map(|pair| short(pair).expect("an entry comes from a verdict")).collect()
}

#[cfg(test)]
mod tests;

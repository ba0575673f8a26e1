//! All commits that the logs lead to, as a graph: brought up to where the logs end now, and what is wrong with them.
//!
//! Deliberately absent: what the records mean.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::index::{By, Damaged, Growing, Index, Nature, Node, Place, Rank, Stored};
use super::logs::{Logs, Writes, writer_named};
use super::problem::{Problem, ProblemKind};
use super::walk::{complaint, walk, writer_of};
use super::writer::WriterId;
use crate::error::Result;
use crate::git::{Oid, Repository};

type Answered<T> = std::result::Result<T, Damaged>;

/// Everything the logs lead to.
pub(super) struct Graph<'a> {
    repository: &'a Repository,
    writes: Writes,
    refs: Vec<(String, Oid)>,
    index: RefCell<Index>,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Graph<'a> {
    /// Reads all logs, with the help of the index where it is good.
    pub(super) fn load(repository: &'a Repository, logs: &Logs) -> Result<Self> {
        let refs = logs.list(repository)?;
        let stored = Stored::read(repository);
        let empty = || RefCell::new(Index::empty(repository.object_format()));
        let mut graph = Graph { repository, writes: logs.writes, refs, index: empty(), problems: RefCell::default() };
        if graph.refs.is_empty() && stored.seen.is_empty() {
            return Ok(graph);
        }
        let still = stored.index.clone().filter(|index| is_still_unreadable(repository, index));
        let index = match still {
            Some(index) if index.state.refs == graph.refs => {
                graph.index = RefCell::new(index);
                graph.tell_problems();
                return Ok(graph);
            }
            // What could not be read may be behind nothing any more.
            Some(index) if index.state.unreadable.is_empty() => bring_up(repository, &graph.refs, index).ok().flatten(),
            Some(_) | None => None,
        };
        graph.take(index, &stored);
        Ok(graph)
    }

    /// Takes an index, or makes it anew, and writes it down.
    fn take(&self, index: Option<Index>, stored: &Stored) {
        let index = index.unwrap_or_else(|| {
            let mut empty = Index::empty(self.repository.object_format());
            empty.state.seen.clone_from(&stored.seen);
            let anew = bring_up(self.repository, &self.refs, empty).ok().flatten();
            anew.expect("an index in memory is whole, and the first has no log to lose")
        });
        if self.writes == Writes::Index {
            // A cache that cannot be written costs time; the logs were read all the same.
            drop(stored.replace(self.repository, &index));
        }
        *self.index.borrow_mut() = index;
        self.tell_problems();
    }

    fn tell_problems(&self) {
        let state = &self.index.borrow().state;
        let mut problems = [&state.of_commits[..], &state.of_logs].concat();
        for id in &state.unreadable {
            let why = complaint(self.repository, *id).unwrap_or_else(|| "it could not be read".to_owned());
            problems.push(Problem::of_record(ProblemKind::Unreadable, *id, why));
        }
        problems.sort();
        problems.dedup();
        *self.problems.borrow_mut() = problems;
    }

    /// Asks the index; where that turns out to be damaged, it is made anew and asked again.
    fn ask<T>(&self, question: impl Fn(&Index) -> Answered<T>) -> T {
        let answer = question(&self.index.borrow());
        answer.unwrap_or_else(|Damaged| {
            let stored = Stored::read(self.repository);
            self.take(None, &stored);
            question(&self.index.borrow()).expect("an index in memory is whole")
        })
    }

    /// What is wrong.
    pub(super) fn problems(&self) -> Vec<Problem> {
        self.problems.borrow().clone()
    }

    /// Every ref that is a log, with the writer it names and where it ends.
    pub(super) fn logs(&self) -> Vec<(String, WriterId, Oid)> {
        logs_of(&self.index.borrow().state.tips)
    }

    /// What a commit of the logs is, where it could be read.
    pub(super) fn node(&self, id: Oid) -> Option<Node> {
        self.ask(|index| index.node_of(id))
    }

    /// Whether it is a record that counts.
    pub(super) fn counts(&self, id: Oid) -> bool {
        self.node(id).is_some_and(|node| node.nature == Nature::Record)
    }

    /// The records that count and are asked for, the newest first.
    pub(super) fn find(&self, by: By<'_>) -> Vec<Node> {
        self.ask(|index| index.find(by))
    }

    /// The newest records that count: none before one that has it in its ancestry, the later finished first, then by id.
    pub(super) fn newest(&self, most: usize) -> Vec<Oid> {
        self.ask(|index| index.newest(most))
    }

    /// The records that count and whose ids begin like this.
    pub(super) fn ids_beginning_with(&self, bytes: &[u8]) -> Vec<Oid> {
        self.ask(|index| index.ids_beginning_with(bytes))
    }

    /// Whether any record that counts claims its tree to be established.
    pub(super) fn claims_anything(&self) -> bool {
        self.index.borrow().state.claims > 0
    }

    /// Whether `ancestor` was in the log when `record` was written. No record is its own ancestor.
    pub(super) fn is_ancestor(&self, ancestor: Oid, record: Oid) -> bool {
        self.ask(|index| is_ancestor(index, ancestor, record))
    }

    /// The records that count and that these ends lead to, the ends among them.
    pub(super) fn reach(&self, ends: &[Oid]) -> HashSet<Oid> {
        let leads = |id: &Oid| ends.iter().any(|end| end == id || self.is_ancestor(*id, *end));
        self.newest(usize::MAX).into_iter().filter(leads).collect()
    }

    /// Whether every record of a writer that counts is this one, or in its ancestry.
    pub(super) fn leads_to_all_of(&self, tip: Option<Oid>, writer: WriterId) -> bool {
        self.ask(|index| {
            let tip = tip.map(|tip| index.node_of(tip)).transpose()?.flatten();
            for (_, chain, position) in index.state.owners.iter().filter(|(owner, ..)| *owner == writer) {
                let last = Place { chain: *chain, position: *position };
                let leads = match &tip {
                    Some(tip) => tip.place == last || index.leads_to(tip.place, last, Rank::LEAST)?,
                    None => false,
                };
                if !leads {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }
}

fn logs_of(tips: &BTreeMap<String, Oid>) -> Vec<(String, WriterId, Oid)> {
    tips.iter().filter_map(|(name, tip)| Some((name.clone(), writer_named(name)?, *tip))).collect()
}

fn is_ancestor(index: &Index, ancestor: Oid, record: Oid) -> Answered<bool> {
    match (index.node_of(ancestor)?, index.node_of(record)?) {
        (Some(ancestor), Some(record)) => index.leads_to(record.place, ancestor.place, ancestor.rank),
        (None, _) | (_, None) => Ok(false),
    }
}

/// Whether what could not be read still cannot.
fn is_still_unreadable(repository: &Repository, index: &Index) -> bool {
    index.state.unreadable.iter().all(|id| complaint(repository, *id).is_some())
}

/// Brings an index up to these refs. `None` where a log no longer leads to where it ended: what only it led to must go.
fn bring_up(repository: &Repository, refs: &[(String, Oid)], index: Index) -> Answered<Option<Index>> {
    let mut of_logs = Vec::new();
    let tips = find_tips(repository, &index, refs, &mut of_logs)?;
    let ends: Vec<Oid> = tips.values().copied().collect();
    let walked = walk(repository, &ends, |id| Ok(index.node_of(id)?.is_some()))?;
    let mut growing = Growing::new(&index);
    for commit in &walked.commits {
        growing.add(commit)?;
    }
    let grown = growing.end_with();
    let mut index = index.grown(grown);
    for (name, end) in std::mem::take(&mut index.state.tips) {
        let leads = |tip: &Oid| Ok(*tip == end || is_ancestor(&index, end, *tip)?);
        let by_itself = tips.get(&name).map(leads).transpose()? == Some(true);
        if !by_itself && index.node_of(end)?.is_some() && !any(ends.iter(), leads)? {
            return Ok(None);
        }
    }
    let mut seen = tips.clone();
    for (name, tip) in &index.state.seen {
        if index.node_of(*tip)?.is_none() && tips.get(name) != Some(tip) {
            let detail = format!("it no longer leads to {tip}, where it ended before");
            of_logs.push(Problem::of_log(ProblemKind::Removed, name, detail));
            seen.insert(name.clone(), *tip);
        }
    }
    judge_ends(&index, &logs_of(&tips), &mut of_logs)?;
    let state = &mut index.state;
    state.unreadable = walked.unreadable.into_iter().map(|(id, _)| id).collect();
    (state.refs, state.tips, state.seen, state.of_logs) = (refs.to_vec(), tips, seen, of_logs);
    Ok(Some(index))
}

fn any<'a>(mut tips: impl Iterator<Item = &'a Oid>, leads: impl Fn(&Oid) -> Answered<bool>) -> Answered<bool> {
    tips.try_fold(false, |found, tip| Ok(found || leads(tip)?))
}

/// The refs that are logs. A log must be what its name says before anything is read through it.
fn find_tips(
    repository: &Repository,
    index: &Index,
    refs: &[(String, Oid)],
    problems: &mut Vec<Problem>,
) -> Answered<BTreeMap<String, Oid>> {
    let mut tips = BTreeMap::new();
    for (name, tip) in refs {
        let Some(writer) = writer_named(name) else {
            let detail = "its name is no writer's; it is not read";
            problems.push(Problem::of_log(ProblemKind::Misplaced, name, detail));
            continue;
        };
        let found = if index.state.tips.get(name) == Some(tip) {
            None
        } else {
            match index.node_of(*tip)? {
                Some(node) => node.writer,
                None => writer_of(repository, *tip),
            }
        };
        match found {
            Some(other) if other != writer => {
                let detail = format!("it holds the log of {other}; it is not read");
                problems.push(Problem::of_log(ProblemKind::Misplaced, name, detail));
            }
            Some(_) | None => drop(tips.insert(name.clone(), *tip)),
        }
    }
    Ok(tips)
}

/// A log must end where its ref says, and nowhere else.
fn judge_ends(index: &Index, logs: &[(String, WriterId, Oid)], problems: &mut Vec<Problem>) -> Answered<()> {
    let mut ends: BTreeMap<WriterId, BTreeSet<Oid>> = BTreeMap::new();
    for (end, writer) in &index.state.ends {
        ends.entry(*writer).or_default().insert(*end);
    }
    let mut tips: BTreeMap<WriterId, Vec<Oid>> = BTreeMap::new();
    for (_, writer, tip) in logs {
        tips.entry(*writer).or_default().push(*tip);
    }
    for (writer, ends) in ends {
        if ends.len() > 1 {
            let detail = format!("it has {} ends: somebody wrote it anew, or two places write it", ends.len());
            problems.push(Problem::of_log(ProblemKind::Forked, writer, detail));
        }
        let tips = tips.get(&writer).map(Vec::as_slice).unwrap_or_default();
        for end in ends {
            if !any(tips.iter(), |tip| Ok(*tip == end || is_ancestor(index, end, *tip)?))? {
                let detail = format!("no ref leads to its record {end} any more; other logs still do");
                problems.push(Problem::of_log(ProblemKind::Removed, writer, detail));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

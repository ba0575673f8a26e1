//! All commits that the logs lead to, as a graph: who stands behind whom, and what is wrong between neighbours.
//!
//! Deliberately absent: what the records mean.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};

use super::index::{Found, Index, Node, Summary};
use super::problem::{Problem, ProblemKind};
use super::read::{Fault, read};
use super::writer::WriterId;
use crate::error::Result;
use crate::git::{Oid, Repository};

/// Where this clone's logs lie.
pub(super) const LOGS: &str = "refs/proof/log/";
/// Where fetched logs lie, below their remote's name.
pub(super) const REMOTES: &str = "refs/proof/remotes/";

/// Everything the logs lead to.
#[derive(Debug)]
pub(super) struct Graph {
    /// Every ref that is a log, with the writer it names and where it ends.
    pub logs: Vec<(String, WriterId, Oid)>,
    /// Every commit that could be read.
    pub nodes: HashMap<Oid, Node>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    depths: HashMap<Oid, u64>,
}

impl Graph {
    /// Reads all logs, with the help of the index where it is good.
    pub(super) fn load(repository: &Repository) -> Result<Self> {
        let mut problems = Vec::new();
        let known = Index::read(repository);
        let logs = find_logs(repository, &known, &mut problems)?;
        let tips: BTreeMap<String, Oid> = logs.iter().map(|(name, _, tip)| (name.clone(), *tip)).collect();
        if logs.is_empty() && known.tips.is_empty() {
            return Ok(Graph { logs, nodes: HashMap::new(), problems, depths: HashMap::new() });
        }
        let nodes = walk(repository, tips.values().copied(), &known.nodes, &mut problems);
        let mut seen = tips.clone();
        for (name, tip) in &known.tips {
            if !nodes.contains_key(tip) {
                let detail = format!("it no longer leads to {tip}, where it ended before");
                problems.push(Problem::of_log(ProblemKind::Removed, name, detail));
                seen.insert(name.clone(), *tip);
            }
        }
        let index = Index { tips: seen, nodes };
        if index != known {
            // A cache that cannot be written costs time; the logs were read all the same.
            drop(index.write(repository));
        }
        let depths = depths_of(&index.nodes);
        let mut graph = Graph { logs, nodes: index.nodes, problems, depths };
        graph.judge_neighbours();
        graph.judge_ends();
        graph.problems.sort();
        graph.problems.dedup();
        Ok(graph)
    }

    /// A record that counts.
    pub(super) fn record(&self, id: Oid) -> Option<&Summary> {
        match &self.nodes.get(&id)?.found {
            Found::Record(summary) => Some(summary),
            Found::Newer(_) | Found::Malformed(_) | Found::NoRecord(_) => None,
        }
    }

    /// Whether `ancestor` was in the log when `record` was written. No record is its own ancestor.
    pub(super) fn is_ancestor(&self, ancestor: Oid, record: Oid) -> bool {
        let depth = |id: Oid| self.depths.get(&id).copied();
        let Some(goal) = depth(ancestor) else { return false };
        let mut open = vec![record];
        let mut seen = HashSet::new();
        while let Some(id) = open.pop() {
            let parents = self.nodes.get(&id).map_or(&[][..], |node| &node.parents);
            for parent in parents {
                if *parent == ancestor {
                    return true;
                }
                if depth(*parent).is_some_and(|depth| depth > goal) && seen.insert(*parent) {
                    open.push(*parent);
                }
            }
        }
        false
    }

    /// The commit and everything that was in the log when it was written.
    pub(super) fn reach(&self, tip: Oid) -> HashSet<Oid> {
        let mut reached = HashSet::new();
        let mut open = vec![tip];
        while let Some(id) = open.pop() {
            if reached.insert(id) {
                open.extend(self.nodes.get(&id).into_iter().flat_map(|node| &node.parents));
            }
        }
        reached
    }

    /// All records, newest first: none before one that has it in its ancestry, the later finished first, then by id.
    pub(super) fn newest_first(&self) -> Vec<Oid> {
        let mut children: HashMap<Oid, usize> = self.nodes.keys().map(|id| (*id, 0)).collect();
        for parent in self.nodes.values().flat_map(|node| &node.parents) {
            if let Some(count) = children.get_mut(parent) {
                *count += 1;
            }
        }
        let order = |id: Oid| (self.record(id).map(|summary| summary.finished), id);
        let mut ready: BinaryHeap<_> =
            children.iter().filter(|(_, count)| **count == 0).map(|(id, _)| order(*id)).collect();
        let mut sorted = Vec::with_capacity(children.len());
        while let Some((finished, id)) = ready.pop() {
            if finished.is_some() {
                sorted.push(id);
            }
            for parent in &self.nodes[&id].parents {
                if let Some(count) = children.get_mut(parent) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(order(*parent));
                    }
                }
            }
        }
        sorted
    }

    /// A record's first parent must be of its writer, its other parents records of others; else it counts for nothing.
    fn judge_neighbours(&mut self) {
        let mut refused = Vec::new();
        for (id, node) in &self.nodes {
            match &node.found {
                Found::Record(summary) => {
                    if let Some(why) = self.neighbour_fault(summary, &node.parents) {
                        refused.push((*id, why.to_owned()));
                    }
                }
                Found::Newer(format) => self.problems.push(Problem::of_record(
                    ProblemKind::Newer,
                    *id,
                    format!(
                        "a newer proof-gate wrote it (format {format}); it counts here once this program is updated"
                    ),
                )),
                Found::Malformed(why) | Found::NoRecord(why) => {
                    self.problems.push(Problem::of_record(ProblemKind::Malformed, *id, why.clone()));
                }
            }
        }
        for (id, why) in refused {
            self.problems.push(Problem::of_record(ProblemKind::Malformed, id, why.clone()));
            if let Some(node) = self.nodes.get_mut(&id) {
                node.found = Found::Malformed(why);
            }
        }
    }

    fn neighbour_fault(&self, summary: &Summary, parents: &[Oid]) -> Option<&'static str> {
        for (at, parent) in parents.iter().enumerate() {
            let follows = at == 0 && summary.previous.is_some();
            match self.nodes.get(parent).map(|node| &node.found) {
                Some(Found::Record(other)) if follows && other.writer != summary.writer => {
                    return Some("the record before it is in another writer's log");
                }
                Some(Found::Record(other)) if !follows && other.writer == summary.writer => {
                    return Some("a record of its own log stands behind it without being the one before");
                }
                Some(Found::NoRecord(_)) => return Some("a commit that is no record stands behind it"),
                // What is missing, damaged or newer is a problem of its own and no fault of this record.
                Some(Found::Record(_) | Found::Newer(_) | Found::Malformed(_)) | None => {}
            }
        }
        None
    }

    /// A log must end where its ref says, and nowhere else.
    fn judge_ends(&mut self) {
        let followed: HashSet<Oid> = self.nodes.values().filter_map(previous_of).collect();
        let mut ends: BTreeMap<WriterId, BTreeSet<Oid>> = BTreeMap::new();
        for (id, node) in &self.nodes {
            if let Found::Record(summary) = &node.found
                && !followed.contains(id)
            {
                ends.entry(summary.writer).or_default().insert(*id);
            }
        }
        for (writer, ends) in ends {
            let tips: Vec<Oid> = self.logs.iter().filter(|(_, named, _)| *named == writer).map(|log| log.2).collect();
            if ends.len() > 1 {
                let detail = format!("it has {} ends: somebody wrote it anew, or two places write it", ends.len());
                self.problems.push(Problem::of_log(ProblemKind::Forked, writer, detail));
            }
            for end in ends {
                if !tips.iter().any(|tip| *tip == end || self.is_ancestor(end, *tip)) {
                    let detail = format!("no ref leads to its record {end} any more; other logs still do");
                    self.problems.push(Problem::of_log(ProblemKind::Removed, writer, detail));
                }
            }
        }
    }
}

/// The record that this one follows. A newer record's or a malformed one's is taken to be its first parent.
fn previous_of(node: &Node) -> Option<Oid> {
    match &node.found {
        Found::Record(summary) => summary.previous,
        Found::Newer(_) | Found::Malformed(_) => node.parents.first().copied(),
        Found::NoRecord(_) => None,
    }
}

fn find_logs(
    repository: &Repository,
    known: &Index,
    problems: &mut Vec<Problem>,
) -> Result<Vec<(String, WriterId, Oid)>> {
    let mut refs = repository.list_refs(LOGS)?;
    refs.extend(repository.list_refs(REMOTES)?);
    let mut logs = Vec::new();
    for (name, tip) in refs {
        let name = name.to_string();
        let (folder, writer) = name.rsplit_once('/').unwrap_or_default();
        if name.starts_with(REMOTES) && !folder.ends_with("/log") {
            continue;
        }
        let depth_is_right = name.starts_with(REMOTES) || folder.len() + 1 == LOGS.len();
        match WriterId::parse(writer).filter(|_| depth_is_right) {
            Some(writer) => logs.push((name, writer, tip)),
            None => {
                problems.push(Problem::of_log(
                    ProblemKind::Misplaced,
                    &name,
                    "its name is no writer's; it is not read",
                ));
            }
        }
    }
    // A log must be what its name says before anything is read through it.
    logs.retain(|(name, writer, tip)| match writer_of(repository, known, *tip) {
        Some(other) if other != *writer => {
            let detail = format!("it holds the log of {other}; it is not read");
            problems.push(Problem::of_log(ProblemKind::Misplaced, name, detail));
            false
        }
        Some(_) | None => true,
    });
    Ok(logs)
}

/// Whose record it is, if it is one. As in [`walk`], what is known is not read again.
fn writer_of(repository: &Repository, known: &Index, id: Oid) -> Option<WriterId> {
    match known.nodes.get(&id).map(|node| &node.found) {
        Some(Found::Record(summary)) => Some(summary.writer),
        Some(Found::Newer(_) | Found::Malformed(_) | Found::NoRecord(_)) => None,
        None => Some(read(repository, id).ok()?.content.ok()?.predicate.writer),
    }
}

/// Reads every commit from the tips back. What is known is not read again: a commit's id vouches for its content.
fn walk(
    repository: &Repository,
    tips: impl Iterator<Item = Oid>,
    known: &HashMap<Oid, Node>,
    problems: &mut Vec<Problem>,
) -> HashMap<Oid, Node> {
    let mut nodes = HashMap::new();
    let mut tried = HashSet::new();
    let mut open: Vec<Oid> = tips.collect();
    while let Some(id) = open.pop() {
        if !tried.insert(id) {
            continue;
        }
        let node = match known.get(&id) {
            Some(node) => node.clone(),
            None => match read(repository, id) {
                Ok(framed) => Node {
                    parents: framed.parents,
                    found: match framed.content {
                        Ok(statement) => Found::Record(Box::new(Summary::from(&statement))),
                        Err(super::canonical::Unreadable::Newer(format)) => Found::Newer(format),
                        Err(super::canonical::Unreadable::Malformed(why)) => Found::Malformed(why),
                    },
                },
                Err(Fault::NoRecord(why)) => Node { parents: Vec::new(), found: Found::NoRecord(why) },
                Err(Fault::Unreadable(why)) => {
                    problems.push(Problem::of_record(ProblemKind::Unreadable, id, why));
                    continue;
                }
            },
        };
        open.extend(&node.parents);
        nodes.insert(id, node);
    }
    nodes
}

/// For each commit the length of the longest way back, so that a search knows where to stop.
fn depths_of(nodes: &HashMap<Oid, Node>) -> HashMap<Oid, u64> {
    let mut depths: HashMap<Oid, u64> = HashMap::with_capacity(nodes.len());
    for start in nodes.keys() {
        let mut open = vec![*start];
        while let Some(id) = open.last().copied() {
            let parents = || nodes[&id].parents.iter().filter(|parent| nodes.contains_key(*parent));
            let waiting: Vec<Oid> = parents().filter(|parent| !depths.contains_key(*parent)).copied().collect();
            if depths.contains_key(&id) || waiting.is_empty() {
                let deepest = parents().filter_map(|parent| depths.get(parent)).max();
                depths.insert(id, deepest.map_or(0, |deepest| deepest + 1));
                open.pop();
            } else {
                open.extend(waiting);
            }
        }
    }
    depths
}

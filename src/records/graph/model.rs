//! The graph as slowly as can be: every question walks all commits anew, and nothing is kept but where logs were seen to end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::found::{Commit, Found, Summary};
use super::super::logs::writer_named;
use super::super::problem::ProblemKind;
use super::super::writer::WriterId;
use crate::git::Oid;

pub(super) struct Model {
    logs: Vec<(WriterId, Oid)>,
    nodes: HashMap<Oid, Commit>,
    /// Records by themselves whose neighbours refuse them.
    refused: HashSet<Oid>,
    /// What is wrong, by sort and place.
    pub problems: BTreeSet<(ProblemKind, String)>,
}

impl Model {
    /// Reads all logs; `commits` are those that can be read.
    pub(super) fn load(
        commits: &HashMap<Oid, Commit>,
        refs: &BTreeMap<String, Oid>,
        seen: &mut BTreeMap<String, Oid>,
    ) -> Self {
        let (nodes, refused) = (HashMap::new(), HashSet::new());
        let mut model = Model { logs: Vec::new(), nodes, refused, problems: BTreeSet::new() };
        let mut tips = BTreeMap::new();
        for (name, tip) in refs {
            let other = match commits.get(tip).map(|commit| &commit.found) {
                Some(Found::Record(summary)) => Some(summary.writer),
                _ => None,
            };
            match writer_named(name) {
                Some(writer) if other.is_none_or(|other| other == writer) => {
                    model.logs.push((writer, *tip));
                    tips.insert(name.clone(), *tip);
                }
                _ => drop(model.problems.insert((ProblemKind::Misplaced, format!("log {name}")))),
            }
        }
        let mut open: Vec<Oid> = tips.values().copied().collect();
        while let Some(id) = open.pop() {
            match commits.get(&id) {
                Some(commit) if model.nodes.insert(id, commit.clone()).is_none() => open.extend(&commit.parents),
                Some(_) => {}
                None => drop(model.problems.insert((ProblemKind::Unreadable, format!("record {id}")))),
            }
        }
        let gone = |(name, tip): &(&String, &Oid)| !model.nodes.contains_key(*tip) && tips.get(*name) != Some(*tip);
        let gone: Vec<_> = seen.iter().filter(gone).map(|(name, tip)| (name.clone(), *tip)).collect();
        *seen = tips;
        for (name, tip) in gone {
            model.problems.insert((ProblemKind::Removed, format!("log {name}")));
            seen.insert(name, tip);
        }
        model.judge_neighbours();
        model.judge_ends();
        model
    }

    /// A record that counts.
    pub(super) fn record(&self, id: Oid) -> Option<&Summary> {
        match &self.nodes.get(&id)?.found {
            Found::Record(summary) if !self.refused.contains(&id) => Some(summary),
            _ => None,
        }
    }

    pub(super) fn is_ancestor(&self, ancestor: Oid, record: Oid) -> bool {
        let mut open = self.nodes.get(&record).map_or(Vec::new(), |node| node.parents.clone());
        let mut reached = HashSet::new();
        while let Some(id) = open.pop() {
            if let Some(node) = self.nodes.get(&id)
                && reached.insert(id)
            {
                open.extend(&node.parents);
            }
        }
        reached.contains(&ancestor)
    }

    pub(super) fn newest_first(&self) -> Vec<Oid> {
        let mut all: Vec<Oid> = self.nodes.keys().copied().filter(|id| self.record(*id).is_some()).collect();
        all.sort_by_key(|id| std::cmp::Reverse((self.rank(*id), *id)));
        all
    }

    fn rank(&self, id: Oid) -> i128 {
        let Some(node) = self.nodes.get(&id) else { return i128::MIN };
        let finished = match &node.found {
            Found::Record(summary) => summary.finished.as_nanosecond(),
            _ => i128::MIN,
        };
        let known = node.parents.iter().filter(|parent| self.nodes.contains_key(*parent));
        known.map(|parent| self.rank(*parent) + 1).max().map_or(finished, |above| above.max(finished))
    }

    fn judge_neighbours(&mut self) {
        let mut refused = HashSet::new();
        for (id, node) in &self.nodes {
            let kind = match &node.found {
                Found::Record(summary) if self.fits(summary, &node.parents) => continue,
                Found::Record(_) => {
                    refused.insert(*id);
                    ProblemKind::Malformed
                }
                Found::Newer(_) => ProblemKind::Newer,
                Found::Malformed(_) | Found::NoRecord(_) => ProblemKind::Malformed,
            };
            self.problems.insert((kind, format!("record {id}")));
        }
        self.refused = refused;
    }

    fn fits(&self, summary: &Summary, parents: &[Oid]) -> bool {
        parents.iter().enumerate().all(|(at, parent)| {
            let follows = at == 0 && summary.previous.is_some();
            match self.nodes.get(parent).map(|node| &node.found) {
                Some(Found::Record(other)) => (other.writer == summary.writer) == follows,
                Some(Found::NoRecord(_)) => false,
                Some(Found::Newer(_) | Found::Malformed(_)) | None => true,
            }
        })
    }

    fn judge_ends(&mut self) {
        let previous = |node: &Commit| match (&node.found, self.record(node.id)) {
            (Found::NoRecord(_), _) => None,
            (_, Some(summary)) => summary.previous,
            (_, None) => node.parents.first().copied(),
        };
        let followed: HashSet<Oid> = self.nodes.values().filter_map(previous).collect();
        let mut ends: BTreeMap<WriterId, Vec<Oid>> = BTreeMap::new();
        for id in self.nodes.keys().filter(|id| !followed.contains(id)) {
            if let Some(summary) = self.record(*id) {
                ends.entry(summary.writer).or_default().push(*id);
            }
        }
        for (writer, ends) in ends {
            if ends.len() > 1 {
                self.problems.insert((ProblemKind::Forked, format!("log {writer}")));
            }
            let tips: Vec<Oid> = self.logs.iter().filter(|(named, _)| *named == writer).map(|log| log.1).collect();
            let led_to = |end: &Oid| tips.iter().any(|tip| tip == end || self.is_ancestor(*end, *tip));
            if !ends.iter().all(led_to) {
                self.problems.insert((ProblemKind::Removed, format!("log {writer}")));
            }
        }
    }
}

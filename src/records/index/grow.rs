//! Adding commits to the index, each after all that stand behind it: its place, its rank, and what is wrong between neighbours.
//!
//! Deliberately absent: looking at anything but the commit and its parents. So a commit costs what it is, however many there are.

use std::collections::{BTreeMap, HashMap};

use super::node::{Nature, Node, Place, Rank};
use super::state::State;
use super::table::{BEGINNING, Damaged, TABLES, Table};
use super::{Index, beginning_of};
use crate::git::Oid;
use crate::records::found::{Commit, Found, Says, Summary};
use crate::records::problem::{Problem, ProblemKind};
use crate::records::writer::WriterId;

/// An index with commits that are being added.
pub(in crate::records) struct Growing<'a> {
    index: &'a Index,
    state: State,
    rows: [Vec<u8>; TABLES],
    next: u32,
    nodes: HashMap<Oid, Node>,
    owners: BTreeMap<(WriterId, u32), u32>,
    /// How far a chain is known to lead into another.
    crossed: HashMap<(u32, u32), u32>,
}

impl<'a> Growing<'a> {
    pub(in crate::records) fn new(index: &'a Index) -> Self {
        let mut state = index.state.clone();
        let owners = std::mem::take(&mut state.owners).into_iter();
        Growing {
            next: index.count(),
            index,
            state,
            rows: Default::default(),
            nodes: HashMap::new(),
            owners: owners.map(|(writer, chain, position)| ((writer, chain), position)).collect(),
            crossed: HashMap::new(),
        }
    }

    /// Adds a commit; those of its parents that can be read were added before.
    pub(in crate::records) fn add(&mut self, commit: &Commit) -> Result<(), Damaged> {
        let mut parents = Vec::with_capacity(commit.parents.len());
        for parent in &commit.parents {
            let known = match self.nodes.get(parent) {
                Some(node) => Some(node.clone()),
                None => self.index.node_of(*parent)?,
            };
            parents.push((*parent, known));
        }
        let nature = self.nature_of(commit, &parents);
        let behind: Vec<&Node> = parents.iter().filter_map(|(_, node)| node.as_ref()).collect();
        let (writer, finished) = match &commit.found {
            Found::Record(summary) => (Some(summary.writer), Rank(summary.finished.as_nanosecond())),
            Found::Newer(_) | Found::Malformed(_) | Found::NoRecord(_) => (None, Rank::LEAST),
        };
        let above = behind.iter().map(|node| Rank(node.rank.0 + 1)).max();
        let node = Node {
            nature,
            establishes: nature == Nature::Record && commit.establishes(),
            place: self.place(&behind),
            rank: above.map_or(finished, |above| above.max(finished)),
            writer,
            id: commit.id,
        };
        for parent in behind {
            self.cross(node.place, parent)?;
        }
        self.end(commit, &node);
        let number = self.next;
        self.next += 1;
        self.rows[Table::Nodes as usize].extend(node.to_row());
        self.row(Table::Ids, commit.id.as_bytes(), number);
        if let (Nature::Record, Found::Record(summary)) = (nature, &commit.found) {
            self.rows[Table::Order as usize].extend(node.rank.to_bytes());
            self.rows[Table::Order as usize].extend(commit.id.as_bytes());
            self.list(summary, number);
        }
        self.nodes.insert(commit.id, node);
        Ok(())
    }

    /// What was added, and the state after it.
    pub(in crate::records) fn end_with(self) -> (State, [Vec<u8>; TABLES]) {
        let owners = self.owners.into_iter().map(|((writer, chain), position)| (writer, chain, position));
        (State { owners: owners.collect(), ..self.state }, self.rows)
    }

    fn row(&mut self, table: Table, column: &[u8], number: u32) {
        self.rows[table as usize].extend_from_slice(column);
        self.rows[table as usize].extend(number.to_be_bytes());
    }

    /// Lists a record under all that it can be asked for by.
    fn list(&mut self, summary: &Summary, number: u32) {
        self.row(Table::Commits, summary.commit.as_bytes(), number);
        match &summary.says {
            Says::Verdict { keys, establishes, gated_ref } => {
                for key in keys {
                    self.row(Table::Keys, &key.as_bytes()[..BEGINNING], number);
                }
                self.row(Table::Trees, summary.tree.as_bytes(), number);
                self.state.claims += u64::from(*establishes);
                if let Some(name) = gated_ref {
                    self.row(Table::Refs, &beginning_of(name), number);
                }
            }
            Says::Resolve(fail) => self.row(Table::Resolves, fail.as_bytes(), number),
            Says::Policy => self.row(Table::Approvals, &[], number),
        }
    }

    fn nature_of(&mut self, commit: &Commit, parents: &[(Oid, Option<Node>)]) -> Nature {
        let (nature, kind, why) = match &commit.found {
            Found::Record(summary) => match neighbour_fault(summary, parents) {
                None => return Nature::Record,
                Some(why) => (Nature::Refused, ProblemKind::Malformed, why.to_owned()),
            },
            Found::Newer(format) => {
                let why = format!(
                    "a newer proof-gate wrote it (format {format}); it counts here once this program is updated"
                );
                (Nature::Newer, ProblemKind::Newer, why)
            }
            Found::Malformed(why) => (Nature::Malformed, ProblemKind::Malformed, why.clone()),
            Found::NoRecord(why) => (Nature::NoRecord, ProblemKind::Malformed, why.clone()),
        };
        self.state.of_commits.push(Problem::of_record(kind, commit.id, why));
        nature
    }

    /// Behind its first parent where that is the end of its chain, else at the beginning of a new one.
    fn place(&mut self, parents: &[&Node]) -> Place {
        if let Some(first) = parents.first().map(|node| node.place) {
            let length = &mut self.state.chains[first.chain as usize];
            if *length == first.position + 1 {
                *length += 1;
                return Place { chain: first.chain, position: first.position + 1 };
            }
        }
        self.state.chains.push(1);
        let chain = u32::try_from(self.state.chains.len() - 1).expect("there are fewer chains than commits");
        Place { chain, position: 0 }
    }

    /// Notes that the chain leads to this parent from here on, unless it leads further there already.
    fn cross(&mut self, from: Place, to: &Node) -> Result<(), Damaged> {
        let (chain, position) = (to.place.chain, to.place.position);
        if chain == from.chain {
            return Ok(());
        }
        let known = match self.crossed.get(&(from.chain, chain)) {
            Some(known) => Some(*known),
            None => self.index.crossing(from, chain)?.map(|crossing| crossing.to.position),
        };
        self.crossed.insert((from.chain, chain), known.unwrap_or(0).max(position));
        if known.is_none_or(|known| known < position) {
            let row = &mut self.rows[Table::Crossings as usize];
            for number in [from.chain, chain, from.position, position] {
                row.extend(number.to_be_bytes());
            }
            row.extend(to.rank.to_bytes());
        }
        Ok(())
    }

    /// Keeps account of where each writer's records end.
    fn end(&mut self, commit: &Commit, node: &Node) {
        // The record that this one follows; a newer record's or a malformed one's is taken to be its first parent.
        let previous = match (&commit.found, node.nature) {
            (Found::Record(summary), Nature::Record) => summary.previous,
            (Found::NoRecord(_), _) => None,
            _ => commit.parents.first().copied(),
        };
        if let Some(previous) = previous {
            self.state.ends.remove(&previous);
        }
        if let (Nature::Record, Some(writer)) = (node.nature, node.writer) {
            self.state.ends.insert(commit.id, writer);
            self.owners.insert((writer, node.place.chain), node.place.position);
        }
    }
}

/// A record's first parent must be of its writer, its other parents records of others; else it counts for nothing.
fn neighbour_fault(summary: &Summary, parents: &[(Oid, Option<Node>)]) -> Option<&'static str> {
    for (at, (_, parent)) in parents.iter().enumerate() {
        // What is missing is a problem of its own and no fault of this record.
        let Some(parent) = parent else { continue };
        let follows = at == 0 && summary.previous.is_some();
        match parent.nature {
            Nature::Record | Nature::Refused if follows && parent.writer != Some(summary.writer) => {
                return Some("the record before it is in another writer's log");
            }
            Nature::Record | Nature::Refused if !follows && parent.writer == Some(summary.writer) => {
                return Some("a record of its own log stands behind it without being the one before");
            }
            Nature::NoRecord => return Some("a commit that is no record stands behind it"),
            // What is damaged or newer is a problem of its own as well.
            Nature::Record | Nature::Refused | Nature::Newer | Nature::Malformed => {}
        }
    }
    None
}

//! The cache that makes look-ups fast: what each commit of the logs was found to be, and where it stands among the others.
//!
//! It has two parts: a large file of pages that never changes, and a small one with what came since, which is read whole. Numbers are
//! given in the order in which commits were added, and never change.
//!
//! Deliberately absent: anything that is not read from the logs as well. Deleting it costs time and nothing else.

mod ancestry;
mod grow;
mod head;
mod node;
mod pages;
mod state;
mod store;
mod table;

use std::cmp::Reverse;
use std::rc::Rc;

pub(super) use grow::Growing;
pub(super) use node::{Nature, Node, Place, Rank};
use pages::Pages;
pub(super) use state::State;
pub(super) use store::Stored;
pub(super) use table::Damaged;
use table::{BEGINNING, InMemory, Row, Rows, TABLES, Table};

use super::key::Key;
use crate::digest::Digest;
use crate::git::{ObjectFormat, Oid};

/// An index, as it stands in memory and on the disk.
#[derive(Clone)]
pub(super) struct Index {
    id: usize,
    pub state: State,
    rows: InMemory,
    pages: Option<Rc<Pages>>,
}

/// By what records are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum By<'a> {
    /// A verdict over this key.
    Key(Key),
    /// A verdict about this tree.
    Tree(Oid),
    /// A record about this commit.
    Commit(Oid),
    /// A verdict that was made for this ref.
    Ref(&'a str),
    /// What explains the FAIL of this record.
    Resolved(Oid),
    /// What approves a policy.
    Approval,
}

impl Index {
    /// One of no commit.
    pub(super) fn empty(format: ObjectFormat) -> Self {
        let id = match format {
            ObjectFormat::Sha1 => 20,
            ObjectFormat::Sha256 => 32,
        };
        Index { id, state: State::default(), rows: InMemory::empty(id), pages: None }
    }

    /// With what was added to it.
    pub(super) fn grown(&self, (state, rows): (State, [Vec<u8>; TABLES])) -> Self {
        Index { id: self.id, state, rows: self.rows.with(&rows), pages: self.pages.clone() }
    }

    /// The number of commits.
    pub(super) fn count(&self) -> u32 {
        let count = self.in_pages(Table::Nodes) + self.rows.count(Table::Nodes);
        u32::try_from(count).expect("commits are numbered with four bytes")
    }

    fn in_pages(&self, table: Table) -> usize {
        self.pages.as_ref().map_or(0, |pages| pages.count(table))
    }

    fn node(&self, number: u32) -> Result<Node, Damaged> {
        let (at, in_pages) = (number as usize, self.in_pages(Table::Nodes));
        let row = match &self.pages {
            Some(pages) if at < in_pages => pages.row(Table::Nodes, at)?,
            Some(_) | None => self.rows.row(Table::Nodes, at - in_pages)?,
        };
        Node::read(&row)
    }

    /// What is known of a commit.
    pub(super) fn node_of(&self, id: Oid) -> Result<Option<Node>, Damaged> {
        let row = self.first_not_before(Table::Ids, id.as_bytes())?.filter(|row| row.starts_with(id.as_bytes()));
        row.map(|row| self.node(row.number())).transpose()
    }

    /// The records that count and are asked for, the newest first.
    pub(super) fn find(&self, by: By<'_>) -> Result<Vec<Node>, Damaged> {
        let rows = match by {
            By::Key(key) => self.beginning_with(Table::Keys, &key.as_bytes()[..BEGINNING])?,
            By::Tree(tree) => self.beginning_with(Table::Trees, tree.as_bytes())?,
            By::Commit(commit) => self.beginning_with(Table::Commits, commit.as_bytes())?,
            By::Ref(name) => self.beginning_with(Table::Refs, &beginning_of(name))?,
            By::Resolved(fail) => self.beginning_with(Table::Resolves, fail.as_bytes())?,
            By::Approval => self.beginning_with(Table::Approvals, &[])?,
        };
        let mut found = rows.iter().map(|row| self.node(row.number())).collect::<Result<Vec<_>, _>>()?;
        found.sort_by_key(|node| Reverse((node.rank, node.id)));
        // Two suites of a record may have one key.
        found.dedup_by_key(|node| node.id);
        Ok(found)
    }

    /// The ids of records that count and begin with these bytes.
    pub(super) fn ids_beginning_with(&self, bytes: &[u8]) -> Result<Vec<Oid>, Damaged> {
        let mut ids = Vec::new();
        for row in self.beginning_with(Table::Ids, bytes)? {
            let node = self.node(row.number())?;
            if node.nature == Nature::Record {
                ids.push(node.id);
            }
        }
        Ok(ids)
    }

    /// The newest records that count, as many as are asked for where there are that many.
    pub(super) fn newest(&self, most: usize) -> Result<Vec<Oid>, Damaged> {
        let pages = self.pages.as_deref();
        let (mut older, mut newer) = (self.in_pages(Table::Order), self.rows.count(Table::Order));
        let mut newest = Vec::new();
        while newest.len() < most {
            let in_pages = older.checked_sub(1).map(|at| pages.ok_or(Damaged)?.row(Table::Order, at)).transpose()?;
            let in_memory = newer.checked_sub(1).map(|at| self.rows.row(Table::Order, at)).transpose()?;
            let row = match (in_pages, in_memory) {
                (Some(in_pages), Some(in_memory)) if *in_pages > *in_memory => {
                    older -= 1;
                    in_pages
                }
                (_, Some(in_memory)) => {
                    newer -= 1;
                    in_memory
                }
                (Some(in_pages), None) => {
                    older -= 1;
                    in_pages
                }
                (None, None) => break,
            };
            newest.push(Oid::from_bytes(&row[16..]).ok_or(Damaged)?);
        }
        Ok(newest)
    }

    fn beginning_with(&self, table: Table, bytes: &[u8]) -> Result<Vec<Row>, Damaged> {
        let mut found = Vec::new();
        if let Some(pages) = &self.pages {
            collect(&**pages, table, bytes, &mut found)?;
        }
        collect(&self.rows, table, bytes, &mut found)?;
        Ok(found)
    }

    /// The first row of both parts that is not before these bytes.
    fn first_not_before(&self, table: Table, bytes: &[u8]) -> Result<Option<Row>, Damaged> {
        let in_pages =
            self.pages.as_ref().map(|pages| at(&**pages, table, pages.place_of(table, bytes)?)).transpose()?;
        let in_memory = at(&self.rows, table, self.rows.place_of(table, bytes)?)?;
        Ok(match (in_pages.flatten(), in_memory) {
            (Some(one), Some(other)) => Some(if *one < *other { one } else { other }),
            (one, other) => one.or(other),
        })
    }

    /// The last row of both parts that is before these bytes.
    fn last_before(&self, table: Table, bytes: &[u8]) -> Result<Option<Row>, Damaged> {
        let before = |place: usize| place.checked_sub(1);
        let in_pages = match &self.pages {
            Some(pages) => before(pages.place_of(table, bytes)?).map(|at| pages.row(table, at)).transpose()?,
            None => None,
        };
        let in_memory = before(self.rows.place_of(table, bytes)?).map(|at| self.rows.row(table, at)).transpose()?;
        Ok(match (in_pages, in_memory) {
            (Some(one), Some(other)) => Some(if *one > *other { one } else { other }),
            (one, other) => one.or(other),
        })
    }
}

fn at(rows: &impl Rows, table: Table, at: usize) -> Result<Option<Row>, Damaged> {
    (at < rows.count(table)).then(|| rows.row(table, at)).transpose()
}

fn collect(rows: &impl Rows, table: Table, bytes: &[u8], found: &mut Vec<Row>) -> Result<(), Damaged> {
    for at in rows.place_of(table, bytes)?..rows.count(table) {
        let row = rows.row(table, at)?;
        if !row.starts_with(bytes) {
            break;
        }
        found.push(row);
    }
    Ok(())
}

/// What stands of a ref's name in the index.
fn beginning_of(name: &str) -> [u8; BEGINNING] {
    let mut beginning = [0; BEGINNING];
    beginning.copy_from_slice(&Digest::of(name.as_bytes()).as_bytes()[..BEGINNING]);
    beginning
}

//! The tables of the index: rows of one width, in the order of their bytes, wherever they lie.
//!
//! Deliberately absent: what the columns mean, see `node` and `grow`; and where rows lie, see `pages` and `head`.

use std::ops::Deref;
use std::rc::Rc;

/// What was read is not what was written: the index is as none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::records) struct Damaged;

/// The tables, each sorted by its columns; `id` is an object id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Every commit of the logs, by its number: see `node`.
    Nodes,
    /// id of the commit, its number.
    Ids,
    /// Of each record that counts: rank, id.
    Order,
    /// Beginning of a key, number of a verdict over it.
    Keys,
    /// id of a tree, number of a verdict about it.
    Trees,
    /// id of a commit, number of a record about it.
    Commits,
    /// Beginning of the digest of a ref's name, number of a verdict for it.
    Refs,
    /// id of a FAIL's record, number of a record that explains it.
    Resolves,
    /// Number of a record that approves a policy.
    Approvals,
    /// Chain, other chain, position, position in the other, rank there: see `ancestry`.
    Crossings,
}

/// How many tables there are.
pub(super) const TABLES: usize = 10;
/// How much of a digest stands in a row: the record itself is read before it counts.
pub(super) const BEGINNING: usize = 16;

impl Table {
    pub(super) const ALL: [Table; TABLES] = [
        Table::Nodes,
        Table::Ids,
        Table::Order,
        Table::Keys,
        Table::Trees,
        Table::Commits,
        Table::Refs,
        Table::Resolves,
        Table::Approvals,
        Table::Crossings,
    ];

    /// The length of a row where an object id has this many bytes.
    pub(super) fn width(self, id: usize) -> usize {
        match self {
            Table::Nodes => 33 + id,
            Table::Ids | Table::Trees | Table::Commits | Table::Resolves => id + 4,
            Table::Order => 16 + id,
            Table::Keys | Table::Refs => BEGINNING + 4,
            Table::Approvals => 4,
            Table::Crossings => 32,
        }
    }
}

/// One row; it holds what it lies in.
pub(super) struct Row {
    bytes: Rc<[u8]>,
    from: usize,
    to: usize,
}

impl Row {
    pub(super) fn new(bytes: Rc<[u8]>, from: usize, width: usize) -> Self {
        Row { bytes, from, to: from + width }
    }

    /// The number at the end of the row.
    pub(super) fn number(&self) -> u32 {
        number_at(self, self.len() - 4)
    }
}

impl Deref for Row {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.from..self.to]
    }
}

/// The four bytes from here, as a number.
pub(super) fn number_at(row: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]])
}

/// Rows that can be asked for by their place.
pub(super) trait Rows {
    fn count(&self, table: Table) -> usize;
    fn row(&self, table: Table, at: usize) -> Result<Row, Damaged>;

    /// The place of the first row that is not before these bytes.
    fn place_of(&self, table: Table, bound: &[u8]) -> Result<usize, Damaged> {
        let (mut from, mut to) = (0, self.count(table));
        while from < to {
            let middle = from + (to - from) / 2;
            if *self.row(table, middle)? < *bound {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        Ok(from)
    }
}

/// Tables in memory.
#[derive(Clone)]
pub(super) struct InMemory {
    id: usize,
    tables: Vec<Rc<[u8]>>,
}

impl InMemory {
    pub(super) fn empty(id: usize) -> Self {
        InMemory { id, tables: vec![Rc::from([]); TABLES] }
    }

    /// `None` where a table does not end with a row.
    pub(super) fn new(id: usize, tables: Vec<Vec<u8>>) -> Option<Self> {
        let whole = |(table, rows): (Table, &Vec<u8>)| rows.len() % table.width(id) == 0;
        let fits = tables.len() == TABLES && Table::ALL.into_iter().zip(&tables).all(whole);
        fits.then(|| InMemory { id, tables: tables.into_iter().map(Rc::from).collect() })
    }

    /// These rows among the others, each table sorted anew but for the first, which has them in the order of their numbers.
    pub(super) fn with(&self, more: &[Vec<u8>; TABLES]) -> Self {
        let merged = |table: Table| {
            let rows = [&self.tables[table as usize], &more[table as usize][..]].concat();
            if table == Table::Nodes {
                return rows.into();
            }
            let mut sorted: Vec<&[u8]> = rows.chunks_exact(table.width(self.id)).collect();
            sorted.sort_unstable();
            sorted.dedup();
            sorted.concat().into()
        };
        InMemory { id: self.id, tables: Table::ALL.map(merged).into() }
    }

    /// All rows of a table.
    pub(super) fn bytes(&self, table: Table) -> &[u8] {
        &self.tables[table as usize]
    }
}

impl Rows for InMemory {
    fn count(&self, table: Table) -> usize {
        self.tables[table as usize].len() / table.width(self.id)
    }

    fn row(&self, table: Table, at: usize) -> Result<Row, Damaged> {
        let (rows, width) = (&self.tables[table as usize], table.width(self.id));
        if (at + 1) * width > rows.len() { Err(Damaged) } else { Ok(Row::new(Rc::clone(rows), at * width, width)) }
    }
}

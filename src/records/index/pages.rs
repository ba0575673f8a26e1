//! The large part of the index: a file that never changes, read by position, where each page has a checksum of its own.
//!
//! Deliberately absent: reading more than what is asked for. A page vouches for its file and its place in it, so what is read is
//! what was written there, or [`Damaged`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::rc::Rc;

use super::table::{Damaged, InMemory, Row, Rows, TABLES, Table};
use crate::digest::Digest;

/// The first bytes of the first page.
const MAGIC: &[u8; 8] = b"pgindex2";
/// The length of a page, in bytes: what a disk reads at once.
#[cfg(not(test))]
const PAGE: usize = 4096;
#[cfg(test)]
const PAGE: usize = 512;
/// The part of it that is the checksum.
const CHECKSUM: usize = 16;
const ROOM: usize = PAGE - CHECKSUM;
/// Pages that are kept once they were read: 4 MiB.
const KEPT: usize = 1024;

/// The name of one such file, by which its pages know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(pub [u8; 16]);

impl Name {
    pub(super) fn hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    pub(super) fn parse(hex: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?;
        bytes.try_into().ok().map(Name)
    }
}

/// An opened file.
pub(super) struct Pages {
    file: File,
    name: Name,
    id: usize,
    /// Of each table the first page and the number of rows.
    places: [(u64, usize); TABLES],
    read: RefCell<HashMap<u64, Rc<[u8]>>>,
}

impl Pages {
    /// Opens it; only its first page is read.
    pub(super) fn open(path: &Path, name: Name, id: usize) -> Result<Self, Damaged> {
        let file = File::open(path).map_err(|_| Damaged)?;
        let length = file.metadata().map_err(|_| Damaged)?.len();
        let mut pages = Pages { file, name, id, places: [(0, 0); TABLES], read: RefCell::default() };
        let first = pages.page(0)?;
        let (magic, rest) = first.split_at(MAGIC.len());
        if magic != MAGIC || rest[0] as usize != id {
            return Err(Damaged);
        }
        let mut next = 1;
        for (table, count) in Table::ALL.into_iter().zip(rest[1..].chunks_exact(4)) {
            let count = u32::from_be_bytes([count[0], count[1], count[2], count[3]]) as usize;
            pages.places[table as usize] = (next, count);
            next += count.div_ceil(ROOM / table.width(id)) as u64;
        }
        if length == next * PAGE as u64 { Ok(pages) } else { Err(Damaged) }
    }

    pub(super) fn name(&self) -> Name {
        self.name
    }

    fn page(&self, at: u64) -> Result<Rc<[u8]>, Damaged> {
        if let Some(page) = self.read.borrow().get(&at) {
            return Ok(Rc::clone(page));
        }
        let mut bytes = vec![0; PAGE];
        self.file.read_exact_at(&mut bytes, at * PAGE as u64).map_err(|_| Damaged)?;
        let (checksum, page) = bytes.split_at(CHECKSUM);
        if checksum != &checksum_of(self.name, at, page)[..] {
            return Err(Damaged);
        }
        let page: Rc<[u8]> = page.into();
        let mut read = self.read.borrow_mut();
        if read.len() == KEPT {
            read.clear();
        }
        read.insert(at, Rc::clone(&page));
        Ok(page)
    }
}

impl Rows for Pages {
    fn count(&self, table: Table) -> usize {
        self.places[table as usize].1
    }

    fn row(&self, table: Table, at: usize) -> Result<Row, Damaged> {
        let (first, count) = self.places[table as usize];
        if at >= count {
            return Err(Damaged);
        }
        let width = table.width(self.id);
        let a_page = ROOM / width;
        let page = self.page(first + (at / a_page) as u64)?;
        Ok(Row::new(page, at % a_page * width, width))
    }
}

/// Writes the rows of both as one file. They have no row in common; the second's numbers follow on the first's.
pub(super) fn write(to: &mut impl Write, name: Name, id: usize, old: Option<&Pages>, new: &InMemory) -> Option<()> {
    let count = |table| old.map_or(0, |old| old.count(table)) + new.count(table);
    let mut first = MAGIC.to_vec();
    first.push(u8::try_from(id).ok()?);
    for table in Table::ALL {
        first.extend(u32::try_from(count(table)).ok()?.to_be_bytes());
    }
    let mut out = Out { to, name, next: 0 };
    out.page(first)?;
    for table in Table::ALL {
        let width = table.width(id);
        let mut page = Vec::with_capacity(PAGE);
        let (mut left, mut right) = (0, 0);
        loop {
            let next_old = old.filter(|old| left < old.count(table)).map(|old| old.row(table, left));
            let next_new = (right < new.count(table)).then(|| new.row(table, right));
            let (next_old, next_new) = (next_old.transpose().ok()?, next_new.transpose().ok()?);
            let row = match (next_old, next_new) {
                (Some(old), Some(new)) if table != Table::Nodes && *new < *old => {
                    right += 1;
                    new
                }
                (Some(old), _) => {
                    left += 1;
                    old
                }
                (None, Some(new)) => {
                    right += 1;
                    new
                }
                (None, None) => break,
            };
            page.extend_from_slice(&row);
            if page.len() + width > ROOM {
                out.page(std::mem::take(&mut page))?;
            }
        }
        if !page.is_empty() {
            out.page(page)?;
        }
    }
    Some(())
}

struct Out<'a, W> {
    to: &'a mut W,
    name: Name,
    next: u64,
}

impl<W: Write> Out<'_, W> {
    fn page(&mut self, mut page: Vec<u8>) -> Option<()> {
        page.resize(ROOM, 0);
        let checksum = checksum_of(self.name, self.next, &page);
        self.next += 1;
        self.to.write_all(&checksum).and_then(|()| self.to.write_all(&page)).ok()
    }
}

fn checksum_of(name: Name, at: u64, page: &[u8]) -> [u8; CHECKSUM] {
    let digest = Digest::of_fields([&name.0[..], &at.to_be_bytes(), page]);
    let mut checksum = [0; CHECKSUM];
    checksum.copy_from_slice(&digest.as_bytes()[..CHECKSUM]);
    checksum
}

//! One commit of the logs as the index keeps it: what it is, where it stands, who wrote it.
//!
//! Deliberately absent: what a record says; that is read from the record.

use super::table::{Damaged, number_at};
use crate::git::Oid;
use crate::records::writer::WriterId;

/// What a commit of the logs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::records) enum Nature {
    /// A record that counts.
    Record,
    /// A record by itself, but not behind those that it stands behind.
    Refused,
    /// A record of a newer format.
    Newer,
    /// It has a record's shape, and counts for nothing.
    Malformed,
    /// It is no record at all.
    NoRecord,
}

const NATURES: [Nature; 5] = [Nature::Record, Nature::Refused, Nature::Newer, Nature::Malformed, Nature::NoRecord];

/// A place in the logs: every commit stands in one chain, behind all that stand before it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::records) struct Place {
    pub chain: u32,
    pub position: u32,
}

/// A commit of the logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::records) struct Node {
    pub nature: Nature,
    /// Whether it is a verdict that claims its tree to be established.
    pub establishes: bool,
    pub place: Place,
    pub rank: Rank,
    /// Whose record it is, where it is one, whether it counts or not.
    pub writer: Option<WriterId>,
    pub id: Oid,
}

/// Where a commit stands in the order of all: when it was finished, in nanoseconds since 1970, or right after the last of its
/// ancestors where that is later. So it is above all of them whatever the clocks said, and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::records) struct Rank(pub i128);

impl Rank {
    /// Below every other.
    pub(in crate::records) const LEAST: Rank = Rank(i128::MIN);

    /// Bytes in the same order.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        (self.0 ^ i128::MIN).to_be_bytes()
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Some(Rank(i128::from_be_bytes(bytes.try_into().ok()?) ^ i128::MIN))
    }
}

const ESTABLISHES: u8 = 0x80;

impl Node {
    pub(super) fn to_row(&self) -> Vec<u8> {
        let nature = NATURES.iter().position(|nature| *nature == self.nature).expect("every nature is listed");
        let nature = u8::try_from(nature).expect("there are five");
        let mut row = vec![nature | if self.establishes { ESTABLISHES } else { 0 }];
        row.extend(self.place.chain.to_be_bytes());
        row.extend(self.place.position.to_be_bytes());
        row.extend(self.rank.to_bytes());
        row.extend(self.writer.map_or(0, WriterId::number).to_be_bytes());
        row.extend(self.id.as_bytes());
        row
    }

    pub(super) fn read(row: &[u8]) -> Result<Self, Damaged> {
        let read = || {
            let nature = *NATURES.get(usize::from(row[0] & !ESTABLISHES))?;
            let writer = WriterId::from_number(u64::from_be_bytes(row[25..33].try_into().ok()?));
            Some(Node {
                nature,
                establishes: row[0] & ESTABLISHES != 0,
                place: Place { chain: number_at(row, 1), position: number_at(row, 5) },
                rank: Rank::read(&row[9..25])?,
                writer: matches!(nature, Nature::Record | Nature::Refused).then_some(writer),
                id: Oid::from_bytes(&row[33..])?,
            })
        };
        read().ok_or(Damaged)
    }
}

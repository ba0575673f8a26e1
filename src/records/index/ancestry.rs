//! Who stands behind whom: a search over chains, not over commits.
//!
//! Every commit of a chain stands behind all that come after it there; so a place leads to everything before it in its chain, and what
//! leads from one chain into another is a list, of which the last that is not above a place says how far that place leads. Chains are
//! about as many as writers, however long each is.
//!
//! Deliberately absent: reading commits.

use std::collections::{BinaryHeap, HashMap};

use super::Index;
use super::node::{Place, Rank};
use super::table::{Damaged, Row, Table, number_at};

/// A chain leads to a place of another chain.
pub(super) struct Crossing {
    pub to: Place,
    rank: Rank,
}

impl Index {
    /// Whether one place is among all that stand behind another. No place stands behind itself. Nothing whose rank is not above
    /// `floor`, the rank of what is looked for, is searched.
    pub(in crate::records) fn leads_to(&self, from: Place, to: Place, floor: Rank) -> Result<bool, Damaged> {
        if from.chain == to.chain {
            return Ok(to.position < from.position);
        }
        let mut reached = HashMap::from([(from.chain, from.position)]);
        let mut open = BinaryHeap::from([(Rank(i128::MAX), from.chain, from.position)]);
        while let Some((_, chain, position)) = open.pop() {
            if reached[&chain] > position {
                continue;
            }
            let at = Place { chain, position };
            if self.crossing(at, to.chain)?.is_some_and(|crossing| crossing.to.position >= to.position) {
                return Ok(true);
            }
            let mut least = 0;
            while let Some(other) = self.chain_crossed(chain, least)? {
                least = other + 1;
                if other == to.chain {
                    continue;
                }
                let Some(crossing) = self.crossing(at, other)? else { continue };
                let further = reached.get(&other).is_none_or(|known| *known < crossing.to.position);
                if further && crossing.rank > floor {
                    reached.insert(other, crossing.to.position);
                    open.push((crossing.rank, other, crossing.to.position));
                }
            }
        }
        Ok(false)
    }

    /// How far a place leads into another chain, by a parent of its own or of one before it in its chain.
    pub(super) fn crossing(&self, from: Place, chain: u32) -> Result<Option<Crossing>, Damaged> {
        let pair = columns([from.chain, chain]);
        // The first that is above the place, and the one before it.
        let above = from.position.checked_add(1).map(|above| [&pair[..], &above.to_be_bytes()].concat());
        let bound = above.unwrap_or_else(|| [&pair[..], &[0xff; 24]].concat());
        let row = self.last_before(Table::Crossings, &bound)?.filter(|row| row.starts_with(&pair));
        row.map(|row| read(&row)).transpose()
    }

    /// The first chain, not below this number, that a chain leads into.
    fn chain_crossed(&self, chain: u32, least: u32) -> Result<Option<u32>, Damaged> {
        let row = self.first_not_before(Table::Crossings, &columns([chain, least]))?;
        Ok(row.filter(|row| number_at(row, 0) == chain).map(|row| number_at(&row, 4)))
    }
}

fn columns(numbers: [u32; 2]) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_be_bytes).collect()
}

fn read(row: &Row) -> Result<Crossing, Damaged> {
    let to = Place { chain: number_at(row, 4), position: number_at(row, 12) };
    Ok(Crossing { to, rank: Rank::read(&row[16..]).ok_or(Damaged)? })
}

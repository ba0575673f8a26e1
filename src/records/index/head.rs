//! The small part of the index: one file with a checksum, which is read and written whole. It holds the state, the newest rows, and the
//! name of the file with all others.
//!
//! Deliberately absent: flushing. What a crash leaves of a cache is noticed and made anew.

use serde::{Deserialize, Serialize};

use super::pages::Name;
use super::state::State;
use super::table::{InMemory, TABLES, Table};
use crate::digest::Digest;

/// Goes up whenever a stored fact changes its meaning; an index of any other version is as none.
const VERSION: &str = "proof-gate-index 2";

/// What the file holds.
pub(super) struct Head {
    pub state: State,
    pub rows: InMemory,
    pub pages: Option<Name>,
}

/// As it stands in front of the rows.
#[derive(Serialize, Deserialize)]
struct Front {
    state: State,
    id: usize,
    pages: Option<String>,
    rows: Vec<usize>,
}

/// The bytes of the file.
pub(super) fn render(state: &State, rows: &InMemory, id: usize, pages: Option<Name>) -> Vec<u8> {
    let lengths = Table::ALL.map(|table| rows.bytes(table).len()).to_vec();
    let front = Front { state: state.clone(), id, pages: pages.map(Name::hex), rows: lengths };
    let mut body = serde_json::to_vec(&front).expect("a state has only string keys");
    body.push(b'\n');
    for table in Table::ALL {
        body.extend_from_slice(rows.bytes(table));
    }
    let mut bytes = format!("{VERSION}\n{}\n", Digest::of(&body)).into_bytes();
    bytes.extend(body);
    bytes
}

/// Reads the file of a repository whose object ids have this many bytes; `None` where it is damaged or of another version.
pub(super) fn parse(bytes: &[u8], id: usize) -> Option<Head> {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let (version, checksum, body) = (parts.next()?, parts.next()?, parts.next()?);
    if version != VERSION.as_bytes() || checksum != Digest::of(body).to_string().as_bytes() {
        return None;
    }
    let (front, mut rest) = body.split_at(body.iter().position(|byte| *byte == b'\n')?);
    let front: Front = serde_json::from_slice(front).ok()?;
    rest = &rest[1..];
    if front.id != id || front.rows.len() != TABLES {
        return None;
    }
    let mut tables = Vec::with_capacity(TABLES);
    for length in front.rows {
        let (rows, after) = rest.split_at_checked(length)?;
        tables.push(rows.to_vec());
        rest = after;
    }
    let pages = match front.pages {
        Some(name) => Some(Name::parse(&name)?),
        None => None,
    };
    Some(Head { state: front.state, rows: InMemory::new(id, tables)?, pages })
}

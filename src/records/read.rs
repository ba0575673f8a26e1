//! Reading one commit of a log: its exact shape, its bytes against its id, its place behind the record before it.
//!
//! Deliberately absent: what a commit's neighbours are, see `graph`.

use super::canonical::{MAX_BYTES, Unreadable, decode};
use super::statement::Statement;
use crate::git::{Kind, Oid, Repository};

/// The name of the one file of a record's tree.
pub(super) const FILE: &str = "record.json";
/// Other writers' tips in one record, at most.
pub(super) const MAX_OTHER_PARENTS: usize = 64;
/// No commit of a log is longer, in bytes: room for parents and a signature.
const MAX_COMMIT: u64 = 64 * 1024;

/// A record that is in the log. Only the log makes one: by appending durably, or by reading back and checking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    id: Oid,
    statement: Statement,
}

impl Recorded {
    pub(super) fn new(id: Oid, statement: Statement) -> Self {
        Recorded { id, statement }
    }

    /// The record's id: its commit in the log.
    pub fn id(&self) -> Oid {
        self.id
    }

    /// What it says.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }
}

/// A commit that has the shape of a record.
#[derive(Debug)]
pub(super) struct Framed {
    /// Its parents, the record before it first.
    pub parents: Vec<Oid>,
    /// What it says, or why that counts for nothing.
    pub content: Result<Statement, Unreadable>,
}

/// Why a commit has not even the shape of a record.
#[derive(Debug)]
pub(super) enum Fault {
    /// An object is missing or damaged: it may be there again tomorrow.
    Unreadable(String),
    /// It is something else, such as a commit of code. It will never be a record.
    NoRecord(String),
}

/// The bytes of the tree that holds one record.
pub(super) fn tree_of(blob: Oid) -> Vec<u8> {
    let mut bytes = format!("100644 {FILE}\0").into_bytes();
    bytes.extend_from_slice(blob.as_bytes());
    bytes
}

/// Reads a commit of a log.
pub(super) fn read(repository: &Repository, id: Oid) -> Result<Framed, Fault> {
    let size = |id: Oid| repository.object_size(id).map_err(|error| Fault::Unreadable(error.message));
    let object = |id: Oid| repository.checked_object(id).map_err(|error| Fault::Unreadable(error.message));
    if size(id)? > MAX_COMMIT {
        return Err(Fault::NoRecord("it is longer than any record's commit".to_owned()));
    }
    let (kind, commit) = object(id)?;
    if kind != Kind::Commit {
        return Err(Fault::NoRecord(format!("it is a {}", kind.as_str())));
    }
    let (tree_id, parents) = repository.commit_links(id, &commit).map_err(|error| Fault::NoRecord(error.message))?;
    let other_tree = || Fault::NoRecord(format!("its tree holds something else than one file {FILE}"));
    let expected = tree_of(tree_id).len();
    if size(tree_id)? != expected as u64 {
        return Err(other_tree());
    }
    let (_, tree) = object(tree_id)?;
    let blob = oid_of(&tree[expected - tree_id.as_bytes().len()..]).filter(|blob| tree == tree_of(*blob));
    let blob = blob.ok_or_else(other_tree)?;
    if parents.len() > MAX_OTHER_PARENTS + 1 {
        return Err(Fault::NoRecord(format!("it has {} parents", parents.len())));
    }
    if size(blob)? > MAX_BYTES as u64 {
        let content = Err(Unreadable::Malformed(format!("its {FILE} has more than {MAX_BYTES} bytes")));
        return Ok(Framed { parents, content });
    }
    let content = match object(blob)? {
        (Kind::Blob, bytes) => decode(&bytes),
        (other, _) => Err(Unreadable::Malformed(format!("its {FILE} is a {}", other.as_str()))),
    };
    let content = content.and_then(|statement| check_previous(&statement, &parents).map(|()| statement));
    Ok(Framed { parents, content })
}

/// The record before it must be the first parent, and no commit stands twice among the parents.
fn check_previous(statement: &Statement, parents: &[Oid]) -> Result<(), Unreadable> {
    if let Some(previous) = statement.predicate.previous
        && parents.first() != Some(&previous)
    {
        return Err(Unreadable::Malformed("the record that it names as the one before is not its first parent".into()));
    }
    let mut sorted = parents.to_vec();
    sorted.sort();
    sorted.dedup();
    if sorted.len() != parents.len() {
        return Err(Unreadable::Malformed("one of its parents stands twice".into()));
    }
    Ok(())
}

fn oid_of(bytes: &[u8]) -> Option<Oid> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Oid::from_hex(hex.as_bytes())
}

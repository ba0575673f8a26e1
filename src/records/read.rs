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

/// A commit that has the shape of a record, before the record itself is read.
#[derive(Debug)]
pub(super) struct Frame {
    /// Its parents, the record before it first.
    pub parents: Vec<Oid>,
    blob: Oid,
}

/// Reads a record: what it says, or why that counts for nothing.
pub(super) fn read(repository: &Repository, id: Oid) -> Result<Result<Statement, Unreadable>, Fault> {
    content(repository, &frame(repository, id)?)
}

/// Reads a commit and its tree.
pub(super) fn frame(repository: &Repository, id: Oid) -> Result<Frame, Fault> {
    if size(repository, id)? > MAX_COMMIT {
        return Err(Fault::NoRecord("it is longer than any record's commit".to_owned()));
    }
    let (kind, commit) = object(repository, id)?;
    if kind != Kind::Commit {
        return Err(Fault::NoRecord(format!("it is a {}", kind.as_str())));
    }
    let (tree_id, parents) = repository.commit_links(id, &commit).map_err(|error| Fault::NoRecord(error.message))?;
    let other_tree = || Fault::NoRecord(format!("its tree holds something else than one file {FILE}"));
    let expected = tree_of(tree_id).len();
    if size(repository, tree_id)? != expected as u64 {
        return Err(other_tree());
    }
    let (_, tree) = object(repository, tree_id)?;
    let blob = Oid::from_bytes(&tree[expected - tree_id.as_bytes().len()..]).filter(|blob| tree == tree_of(*blob));
    let blob = blob.ok_or_else(other_tree)?;
    if parents.len() > MAX_OTHER_PARENTS + 1 {
        return Err(Fault::NoRecord(format!("it has {} parents", parents.len())));
    }
    Ok(Frame { parents, blob })
}

/// Reads what stands in the frame, or why that counts for nothing.
pub(super) fn content(repository: &Repository, frame: &Frame) -> Result<Result<Statement, Unreadable>, Fault> {
    if size(repository, frame.blob)? > MAX_BYTES as u64 {
        return Ok(Err(Unreadable::Malformed(format!("its {FILE} has more than {MAX_BYTES} bytes"))));
    }
    let content = match object(repository, frame.blob)? {
        (Kind::Blob, bytes) => decode(&bytes),
        (other, _) => Err(Unreadable::Malformed(format!("its {FILE} is a {}", other.as_str()))),
    };
    Ok(content.and_then(|statement| check_previous(&statement, &frame.parents).map(|()| statement)))
}

fn size(repository: &Repository, id: Oid) -> Result<u64, Fault> {
    repository.object_size(id).map_err(|error| Fault::Unreadable(error.message))
}

fn object(repository: &Repository, id: Oid) -> Result<(Kind, Vec<u8>), Fault> {
    repository.checked_object(id).map_err(|error| Fault::Unreadable(error.message))
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

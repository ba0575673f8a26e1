//! What a commit of the logs was found to be by itself, without its neighbours.
//!
//! Deliberately absent: reading it, see `read`; and where it stands, see `index`.

use jiff::Timestamp;

use super::canonical::Unreadable;
use super::key::Key;
use super::statement::{Body, Statement};
use super::writer::WriterId;
use crate::git::Oid;

/// A commit of the logs, once read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub id: Oid,
    /// Its parents; none where it has not the shape of a record.
    pub parents: Vec<Oid>,
    pub found: Found,
}

/// What a commit of a log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A record.
    Record(Box<Summary>),
    /// A record of this newer format.
    Newer(u64),
    /// It has a record's shape, and counts for nothing because of this.
    Malformed(String),
    /// It is no record at all, because of this.
    NoRecord(String),
}

/// As much of a record as finding it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub writer: WriterId,
    pub previous: Option<Oid>,
    pub finished: Timestamp,
    pub commit: Oid,
    pub tree: Oid,
    pub says: Says,
}

/// What a record says, for finding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Verdicts over these keys; whether it claims its tree to be established; the ref that it was made for.
    Verdict { keys: Vec<Key>, establishes: bool, gated_ref: Option<String> },
    /// It explains the FAIL of this record.
    Resolve(Oid),
    /// It approves a policy.
    Policy,
}

impl Commit {
    /// Whether it claims its tree to be established.
    pub(super) fn establishes(&self) -> bool {
        match &self.found {
            Found::Record(summary) => matches!(summary.says, Says::Verdict { establishes: true, .. }),
            Found::Newer(_) | Found::Malformed(_) | Found::NoRecord(_) => false,
        }
    }
}

impl From<Result<Statement, Unreadable>> for Found {
    fn from(content: Result<Statement, Unreadable>) -> Self {
        match content {
            Ok(statement) => Found::Record(Box::new(Summary::from(&statement))),
            Err(Unreadable::Newer(format)) => Found::Newer(format),
            Err(Unreadable::Malformed(why)) => Found::Malformed(why),
        }
    }
}

impl From<&Statement> for Summary {
    fn from(statement: &Statement) -> Self {
        let predicate = &statement.predicate;
        let digest = &statement.subject().digest;
        let says = match &predicate.body {
            Body::Verdict(verdict) => Says::Verdict {
                keys: verdict.suites.iter().map(|entry| entry.key).collect(),
                establishes: verdict.established.is_some(),
                gated_ref: verdict.gated_ref.clone(),
            },
            Body::Resolve(resolution) => Says::Resolve(resolution.record),
            Body::Policy(_) => Says::Policy,
        };
        Summary {
            writer: predicate.writer,
            previous: predicate.previous,
            finished: predicate.finished,
            commit: digest.git_commit,
            tree: digest.git_tree,
            says,
        }
    }
}

//! What is wrong with the logs: found while reading, reported, and never counted.
//!
//! Deliberately absent: deciding what follows from it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::git::Oid;

/// One thing that is wrong with the logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// What sort of thing.
    pub kind: ProblemKind,
    /// The log's ref or writer, or the commit.
    pub place: String,
    /// What was seen, a fragment.
    pub detail: String,
}

/// The sorts of thing that can be wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ProblemKind {
    /// A commit in a log is no record, or one that contradicts itself or its place.
    Malformed,
    /// An object is missing or damaged.
    Unreadable,
    /// A newer program wrote the record.
    Newer,
    /// A ref among the logs is none.
    Misplaced,
    /// Records are there that the log they stand in no longer leads to.
    Removed,
    /// A writer's log has two ends.
    Forked,
}

impl Problem {
    pub(super) fn of_record(kind: ProblemKind, id: Oid, detail: impl Into<String>) -> Self {
        Problem { kind, place: format!("record {id}"), detail: detail.into() }
    }

    pub(super) fn of_log(kind: ProblemKind, log: impl fmt::Display, detail: impl Into<String>) -> Self {
        Problem { kind, place: format!("log {log}"), detail: detail.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.detail)
    }
}

//! The cache that makes look-ups fast: what each commit of the logs was found to be, in one file with a checksum.
//!
//! Deliberately absent: anything that is not read from the log as well. Deleting it costs time and nothing else.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::statement::{Body, Statement};
use super::wire::rfc3339;
use super::writer::WriterId;
use crate::digest::Digest;
use crate::error::Result;
use crate::git::{Oid, Repository, make_own_dir, write_durably};

/// Goes up whenever a stored fact changes its meaning; an index of any other version is as none.
const VERSION: &str = "proof-gate-index 1";

/// A commit of a log as it was found by itself, without its neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Node {
    /// Its parents; none where it has not the shape of a record.
    pub parents: Vec<Oid>,
    /// What it is.
    pub found: Found,
}

/// What a commit of a log is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub writer: WriterId,
    pub previous: Option<Oid>,
    #[serde(with = "rfc3339")]
    pub finished: Timestamp,
    pub commit: Oid,
    pub tree: Oid,
    pub says: Says,
}

/// What a record says, for finding it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Says {
    /// Verdicts over these keys; whether it claims its tree to be established.
    Verdict { keys: Vec<Key>, establishes: bool },
    /// It explains the FAIL of this record.
    Resolve(Oid),
    /// It approves a policy.
    Policy,
}

impl From<&Statement> for Summary {
    fn from(statement: &Statement) -> Self {
        let predicate = &statement.predicate;
        let digest = &statement.subject().digest;
        let says = match &predicate.body {
            Body::Verdict(verdict) => Says::Verdict {
                keys: verdict.suites.iter().map(|entry| entry.key).collect(),
                establishes: verdict.established.is_some(),
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

/// The file's content.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    /// Where each log ended when it was last read; one that went away since stays, so that it is noticed.
    pub tips: BTreeMap<String, Oid>,
    /// Every commit that was read.
    pub nodes: HashMap<Oid, Node>,
}

impl Index {
    /// The index as it stands on the disk; an empty one where it is missing, damaged or of another version.
    pub(super) fn read(repository: &Repository) -> Self {
        fs::read(path_of(repository)).ok().and_then(|bytes| Self::parse(&bytes)).unwrap_or_default()
    }

    /// Writes it.
    pub(super) fn write(&self, repository: &Repository) -> Result<()> {
        let path = path_of(repository);
        make_own_dir(path.parent().unwrap_or(Path::new("/")))?;
        write_durably(&path, &self.render())
    }

    fn render(&self) -> Vec<u8> {
        let body = serde_json::to_vec(self).expect("an index has only string keys");
        let mut bytes = format!("{VERSION}\n{}\n", Digest::of(&body)).into_bytes();
        bytes.extend(body);
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
        let (version, checksum, body) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = version == VERSION.as_bytes() && checksum == Digest::of(body).to_string().as_bytes();
        if whole { serde_json::from_slice(body).ok() } else { None }
    }
}

fn path_of(repository: &Repository) -> PathBuf {
    repository.own_dir().join("index")
}

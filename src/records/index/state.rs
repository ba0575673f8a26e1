//! What the index knows beside its tables: where the logs ended, what is wrong with them, and which chains there are.
//!
//! Deliberately absent: anything that grows with the number of records, but for the problems of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::git::Oid;
use crate::records::problem::Problem;
use crate::records::writer::WriterId;

/// The state of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::records) struct State {
    /// Every ref among the logs, as they were listed.
    pub refs: Vec<(String, Oid)>,
    /// Where each log that was read ended.
    pub tips: BTreeMap<String, Oid>,
    /// Where each log ended when it was last read; one that went away since stays, so that it is noticed.
    pub seen: BTreeMap<String, Oid>,
    /// Commits that could not be read. They are tried again each time.
    pub unreadable: Vec<Oid>,
    /// What is wrong with commits.
    pub of_commits: Vec<Problem>,
    /// What is wrong with logs.
    pub of_logs: Vec<Problem>,
    /// The length of each chain.
    pub chains: Vec<u32>,
    /// The last record that counts of a writer in a chain: its place.
    pub owners: Vec<(WriterId, u32, u32)>,
    /// Records that count and that no other follows, each with its writer.
    pub ends: BTreeMap<Oid, WriterId>,
    /// Records that claim their tree to be established.
    pub claims: u64,
}

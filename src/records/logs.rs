//! Which refs are logs, and where each ends: as the repository has them, or as they would be after a push.
//!
//! Deliberately absent: reading what they lead to.

use std::collections::BTreeMap;

use super::writer::WriterId;
use crate::error::Result;
use crate::git::{Oid, Repository};

/// Where this clone's logs lie.
pub const LOGS: &str = "refs/proof/log/";
/// Where fetched logs lie, below their remote's name.
pub(super) const REMOTES: &str = "refs/proof/remotes/";

/// Which logs are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    /// Refs that are taken to end here, whatever the repository says; `None` for one that is taken not to be there.
    pub instead: BTreeMap<String, Option<Oid>>,
    /// What may be written.
    pub writes: Writes,
}

/// What reading the logs may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// The index.
    Index,
    /// Nothing.
    Nothing,
}

impl Logs {
    /// Those of the repository as they stand.
    pub fn here() -> Self {
        Logs { instead: BTreeMap::new(), writes: Writes::Index }
    }

    /// Those of the repository with others in their place. What is found is not written down: it may never come to stand.
    pub fn with(instead: BTreeMap<String, Option<Oid>>) -> Self {
        Logs { instead, writes: Writes::Nothing }
    }

    /// The refs, sorted by name.
    pub(super) fn list(&self, repository: &Repository) -> Result<Vec<(String, Oid)>> {
        let mut refs = BTreeMap::new();
        for folder in [LOGS, REMOTES] {
            refs.extend(repository.list_refs(folder)?.into_iter().map(|(name, tip)| (name.to_string(), tip)));
        }
        for (name, tip) in &self.instead {
            match tip {
                Some(tip) => drop(refs.insert(name.clone(), *tip)),
                None => drop(refs.remove(name)),
            }
        }
        refs.retain(|name, _| is_among_logs(name));
        Ok(refs.into_iter().collect())
    }
}

/// Whether a ref lies where logs lie. Below a remote's name there may be other things.
fn is_among_logs(name: &str) -> bool {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    name.starts_with(LOGS) || (name.starts_with(REMOTES) && folder.ends_with("/log"))
}

/// The writer that a log's name says; `None` where it says none.
pub(super) fn writer_named(name: &str) -> Option<WriterId> {
    let (folder, writer) = name.rsplit_once('/')?;
    let depth_is_right = name.starts_with(REMOTES) || folder.len() + 1 == LOGS.len();
    WriterId::parse(writer).filter(|_| depth_is_right)
}

//! Which logs are read: those of the repository as they stand, or with others in their place.

use std::collections::BTreeMap;

use crate::git::Oid;

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
}

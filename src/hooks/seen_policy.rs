//! The policy that `install` saw: what is gated stays gated, whatever policy a pushed commit brings along.
//!
//! Deliberately absent: any judgement whether a newer policy is stronger. Whoever allowed a gated update moves this one on.

use super::installed::write_own;
use super::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::git::{Oid, Repository};

const NAME: &str = "seen-policy.toml";

/// The copy of the policy file in the git directory.
#[derive(Clone, Copy, Debug)]
pub struct SeenPolicy;

impl SeenPolicy {
    /// The blob id and the bytes; `None` where no policy was seen yet.
    pub fn read(repository: &Repository) -> Result<Option<(Oid, Vec<u8>)>> {
        let path = repository.own_dir().join(NAME);
        match Snapshot::take(&path)? {
            None => Ok(None),
            Some(Snapshot::File { bytes, .. }) => Ok(Some((repository.blob_id(&bytes.0)?, bytes.0))),
            Some(Snapshot::Link { .. }) => Err(Error::new(format!("cannot read {}: it is a link", path.display()))
                .hint("remove it, then: proof-gate install")),
        }
    }

    /// From now on this is the policy that was seen. Durable when it returns.
    pub fn write(repository: &Repository, bytes: &[u8]) -> Result<()> {
        write_own(repository, NAME, bytes.to_vec())
    }
}

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

    /// From now on this is the policy that was seen. Durable when it returns. What stands there already is not written again: an
    /// allowed push, of which there are many, waits for no disk.
    pub fn write(repository: &Repository, bytes: &[u8]) -> Result<()> {
        if Self::read(repository)?.is_some_and(|(_, standing)| standing == bytes) {
            return Ok(());
        }
        write_own(repository, NAME, bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;
    use crate::hooks::testing::Shop;

    #[test]
    fn a_policy_that_was_seen_is_not_written_again_and_a_new_one_is() {
        let shop = Shop::new();
        let repository = shop.open();
        // Every write is a file of its own that takes the place.
        let write = |bytes: &[u8]| {
            SeenPolicy::write(&repository, bytes).unwrap();
            assert_eq!(SeenPolicy::read(&repository).unwrap().unwrap().1, bytes);
            std::fs::metadata(repository.own_dir().join(NAME)).unwrap().ino()
        };
        let first = write(b"version = 1\n");
        assert_eq!(write(b"version = 1\n"), first);
        assert_ne!(write(b"version = 1\n\n"), first);
    }
}

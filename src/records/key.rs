//! What a verdict is about: one number over repository, tree and suite definition.
//!
//! Deliberately absent: time, author, base and environment; and the commit, so that amending a message keeps a proof. Only where
//! suites see the commit and its history (`[proof] git = "history"`) is it part of what a verdict is about.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::git::{ObjectFormat, Oid};

/// Tells keys from every other digest that the program makes.
const DOMAIN: &[u8] = b"proof-gate key 1";

/// The key of an obligation. Equal keys: the same suite on the same tree of the same repository.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Debug, JsonSchema)]
#[serde(transparent)]
pub struct Key(Digest);

impl Key {
    /// The 32 bytes.
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a suite sees of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The tree with the rendered changelog lines left out.
    Tree(Oid),
    /// That tree, and the commit with all that is behind it.
    History {
        /// The tree.
        tree: Oid,
        /// The commit.
        commit: Oid,
    },
}

/// The key of an obligation; `definition` is the suite's effective definition.
pub fn key(repository_id: &str, format: ObjectFormat, seen: Seen, definition: &[u8]) -> Key {
    let (tree, commit) = match seen {
        Seen::Tree(tree) => (tree.to_string(), None),
        Seen::History { tree, commit } => (tree.to_string(), Some(commit.to_string())),
    };
    let common = [DOMAIN, repository_id.as_bytes(), format.as_str().as_bytes(), tree.as_bytes(), definition];
    Key(match commit {
        None => Digest::of_fields(common),
        Some(commit) => Digest::of_fields(common.into_iter().chain([commit.as_bytes()])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn key_of(repository: &str, tree: &str, definition: &str) -> Key {
        key(repository, ObjectFormat::Sha1, Seen::Tree(tree.parse().unwrap()), definition.as_bytes())
    }

    #[test]
    fn the_key_of_a_documented_example_stays_what_it_is() {
        assert_eq!(
            key_of("b1946ac92492d234", TREE, "{}").to_string(),
            "008992668ba8efbbd5ee9c84509ac5da773e37e74a2428364b1e0fca1ee84376"
        );
    }

    #[test]
    fn moving_bytes_from_one_field_to_the_next_gives_another_key() {
        let other = "5b825dc642cb6eb9a060e54bf8d69288fbee4904";
        let keys = [key_of("ab", TREE, "c"), key_of("a", TREE, "bc"), key_of("ab", other, "c"), key_of("ab", TREE, "")];
        for (at, one) in keys.iter().enumerate() {
            assert!(keys[at + 1..].iter().all(|other| other != one));
        }
        assert_ne!(key("a", ObjectFormat::Sha256, Seen::Tree(TREE.parse().unwrap()), b""), key_of("a", TREE, ""));
    }

    #[test]
    fn a_commit_that_suites_see_is_part_of_the_key() {
        let tree: Oid = TREE.parse().unwrap();
        let [one, other] = ["5b825dc642cb6eb9a060e54bf8d69288fbee4904", "6b825dc642cb6eb9a060e54bf8d69288fbee4904"]
            .map(|commit| Seen::History { tree, commit: commit.parse().unwrap() });
        let [one, other, tree] = [one, other, Seen::Tree(tree)].map(|seen| key("a", ObjectFormat::Sha1, seen, b"{}"));
        assert!(one != other && one != tree && other != tree);
    }

    #[test]
    fn a_digest_is_read_in_one_form_only() {
        let digest = Digest::of(b"x");
        assert_eq!(Digest::try_from(digest.to_string()), Ok(digest));
        let hex = digest.to_string();
        for wrong in [&hex[1..], &hex.to_uppercase(), &format!("{hex}0"), "", &format!("+{}", &hex[1..])] {
            assert!(Digest::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}

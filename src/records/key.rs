//! What a verdict is about: one number over repository, tree and suite definition.
//!
//! Deliberately absent: commit, time, author, base and environment, so that amending a message keeps a proof.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::git::{ObjectFormat, Oid};

/// Tells keys from every other digest that the program makes.
const DOMAIN: &[u8] = b"proof-gate key 1";

/// A SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// The key of an obligation. Equal keys: the same suite on the same tree of the same repository.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(transparent)]
pub struct Key(Digest);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Digest(Sha256::digest(bytes).into())
    }

    /// The digest of fields, each with its length in front: no two lists of fields give the same bytes.
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for field in fields {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        Digest(hasher.finalize().into())
    }

    /// A digest that was computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(hex: String) -> Result<Self, String> {
        let no_digest = || format!("'{hex}' is no SHA-256");
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(no_digest()),
        };
        let digits = hex.as_bytes();
        if digits.len() != 64 {
            return Err(no_digest());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Digest(bytes))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key of an obligation. `tree` is the tree with the rendered changelog lines left out, `definition` the suite's effective definition.
pub fn key(repository_id: &str, format: ObjectFormat, tree: Oid, definition: &[u8]) -> Key {
    Key(Digest::of_fields([
        DOMAIN,
        repository_id.as_bytes(),
        format.as_str().as_bytes(),
        tree.to_string().as_bytes(),
        definition,
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn key_of(repository: &str, tree: &str, definition: &str) -> Key {
        key(repository, ObjectFormat::Sha1, tree.parse().unwrap(), definition.as_bytes())
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
        assert_ne!(key("a", ObjectFormat::Sha256, TREE.parse().unwrap(), b""), key_of("a", TREE, ""));
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

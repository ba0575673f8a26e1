//! What the suites ran in, as plain data for the record: system, programs, identity, keyed hashes of passed values. No value is kept.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::handed::Handed;
use crate::caller::Caller;
use crate::error::{Context as _, Error, Result};

/// SHA-256's block, in bytes (RFC 2104).
const BLOCK: usize = 64;

/// What the suites ran in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentReport {
    /// The operating system, as in `linux`.
    pub system: String,
    /// The processor's architecture, as in `x86_64`.
    pub arch: String,
    /// The programs that the policy names, sorted by name.
    pub tools: Vec<Tool>,
    /// What the `identity` commands printed, in the policy's order.
    pub identity: Vec<IdentityOutput>,
    /// Passed variables: a keyed hash of each value in hex, nothing for one that is not set.
    pub passed: BTreeMap<String, Option<String>>,
    /// Files of `home` and `copy`: a keyed hash of each content, nothing for one that is not there.
    pub files: BTreeMap<String, Option<String>>,
    /// Which secret the hashes are keyed with. Hashes under different secrets say nothing about each other.
    pub secret_id: Option<String>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// As the policy has it.
    pub name: String,
    /// The file that was started.
    pub path: String,
    /// The first line that its `identity` command printed, if there is one.
    pub version: Option<String>,
}

/// What an `identity` command printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityOutput {
    /// The command.
    pub argv: Vec<String>,
    /// SHA-256 of all it printed, in hex.
    pub sha256: String,
    /// The first line.
    pub first_line: String,
}

/// 32 random bytes that only this clone knows.
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// Reads the clone's secret, or makes it. `own_dir` is the gate's folder in the common git directory.
    pub(super) fn of_clone(own_dir: &Path) -> Result<Self> {
        let path = own_dir.join("secret");
        let what = || format!("cannot read the clone's secret {}", path.display());
        match fs::read(&path) {
            Ok(bytes) => {
                let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| {
                    Error::new(format!("{}: it is not 32 bytes long", what()))
                        .hint("remove the file; a new one is made")
                })?;
                return Ok(Secret(bytes));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::new(format!("{}: {error}", what()))),
        }
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("cannot make the clone's secret")?;
        let make = || -> std::io::Result<bool> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(own_dir)?;
            // A temporary file of `tempfile` is 0600 from the start.
            let mut file = tempfile::NamedTempFile::new_in(own_dir)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(&path) {
                Ok(_) => Ok(true),
                Err(refused) if refused.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
                Err(refused) => Err(refused.error),
            }
        };
        if make().context("cannot make the clone's secret")? {
            return Ok(Secret(bytes));
        }
        // Another gate was faster; its secret counts.
        Secret::of_clone(own_dir)
    }

    /// A short name of the secret that does not give it away.
    pub(super) fn id(&self) -> String {
        self.hash(b"proof-gate secret id")[..16].to_owned()
    }

    /// HMAC-SHA256 in hex.
    pub(super) fn hash(&self, message: &[u8]) -> String {
        let pad = |with: u8| {
            let mut block = [with; BLOCK];
            block.iter_mut().zip(self.0).for_each(|(byte, secret)| *byte ^= secret);
            block
        };
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
        hex(&Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
    }
}

/// Keyed hashes of what suites see of the user's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hashed {
    pub(super) passed: BTreeMap<String, Option<String>>,
    pub(super) files: BTreeMap<String, Option<String>>,
    pub(super) secret_id: Option<String>,
}

/// Hashes the variables that are passed and the files that are handed on. The secret is made only where there is something to hash.
pub(super) fn hash<'a>(
    names: impl Iterator<Item = &'a String>,
    files: &[Handed],
    caller: &Caller,
    own_dir: &Path,
) -> Result<Hashed> {
    let names: Vec<&String> = names.collect();
    if names.is_empty() && files.is_empty() {
        return Ok(Hashed::default());
    }
    let secret = Secret::of_clone(own_dir)?;
    // The name is part of it: two variables of one value do not show that they are equal.
    let hash = |name: &str, value: &[u8]| secret.hash(&[name.as_bytes(), b"=", value].concat());
    let variable = |name: &String| caller.variables.get(OsStr::new(name)).map(|value| hash(name, value.as_bytes()));
    let passed = names.into_iter().map(|name| (name.clone(), variable(name))).collect();
    // No variable's name holds a NUL.
    let file = |file: &Handed| file.content().map(|content| hash(&format!("file\0{}\0", file.name()), content));
    let files = files.iter().map(|handed| (handed.name(), file(handed))).collect();
    Ok(Hashed { passed, files, secret_id: Some(secret.id()) })
}

/// SHA-256 in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_hash_is_hmac_sha256() {
        // RFC 4231, test case 1: the key is 20 bytes 0x0b, here followed by zeros, which is the same key.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(Secret(key).hash(b"Hi There"), expected);
    }

    #[test]
    fn a_clone_keeps_its_secret_and_nobody_else_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let own_dir = folder.path().join("proof-gate");
        let first = Secret::of_clone(&own_dir).unwrap();
        assert_eq!(first.id(), Secret::of_clone(&own_dir).unwrap().id());
        let mode = fs::metadata(own_dir.join("secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(own_dir.join("secret"), "short").unwrap();
        assert!(Secret::of_clone(&own_dir).is_err());
    }

    #[test]
    fn a_changed_value_shows_and_no_value_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let report = |value: &str| {
            let variables = [("TOKEN".into(), value.into())].into();
            let caller = Caller { variables, directory: "/".into(), program: "/".into() };
            hash([&"TOKEN".to_owned(), &"ABSENT".to_owned()].into_iter(), &[], &caller, folder.path()).unwrap()
        };
        assert_eq!(report("one"), report("one"));
        assert_ne!(report("one"), report("two"));
        assert!(!format!("{:?}", report("hunter2")).contains("hunter2"));
        assert_eq!(report("one").passed["ABSENT"], None);
    }
}

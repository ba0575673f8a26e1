//! Everything of a user's repository that gate, proofs and look-ups must leave alone (invariant I5).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Sandbox;

/// Work tree, index, configuration, `HEAD` and all refs but those below `refs/proof/`, each with a digest, so that a difference names itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// Takes it of the shop as it stands.
    pub fn of(sandbox: &Sandbox) -> Self {
        let mut parts = BTreeMap::new();
        walk(&sandbox.shop(), Path::new(""), &mut parts);
        for name in ["index", "config", "HEAD"] {
            let path = sandbox.git_dir().join(name);
            parts.insert(format!(".git/{name}"), fs::read(path).map_or_else(|error| error.to_string(), digest));
        }
        for line in sandbox.git_ok(&["for-each-ref", "--format=%(refname) %(objectname) %(symref)"]).lines() {
            let (name, rest) = line.split_once(' ').unwrap();
            if !name.starts_with("refs/proof/") {
                parts.insert(name.to_owned(), rest.to_owned());
            }
        }
        Fingerprint(parts)
    }

    /// The same without one part: what git itself changes in a push.
    pub fn without(mut self, part: &str) -> Self {
        self.0.remove(part);
        self
    }
}

fn walk(top: &Path, below: &Path, parts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(top.join(below)).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == ".git" {
            continue;
        }
        let path = below.join(entry.file_name());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            walk(top, &path, parts);
            continue;
        }
        let held = if metadata.is_symlink() {
            format!("-> {}", fs::read_link(top.join(&path)).unwrap().display())
        } else {
            digest(fs::read(top.join(&path)).unwrap())
        };
        parts.insert(path.display().to_string(), format!("{:o} {held}", metadata.permissions().mode()));
    }
}

fn digest(bytes: Vec<u8>) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

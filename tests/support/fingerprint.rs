//! Everything of a user's repository that gate, proofs and look-ups must leave alone (invariant I5).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Sandbox;

/// Every file of every work tree, and every file of the git directory that all of them share but objects, the gate's own folder and
/// `refs/proof/`: index, configuration, hooks, `HEAD`, `info`, and the same of each linked work tree. Each with a digest, so that
/// a difference names itself; refs once more as git lists them.
///
/// The alternates are told from the objects: they are a setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// Takes it of the shop as it stands.
    pub fn of(sandbox: &Sandbox) -> Self {
        let mut parts = BTreeMap::new();
        walk(&sandbox.shop(), "", &mut parts, &|path| path == Path::new(".git"));
        let common = sandbox.common_dir();
        walk(&common, ".git/", &mut parts, &is_told_otherwise);
        for name in ["packed-refs", "objects/info/alternates"] {
            let bytes = fs::read(common.join(name)).unwrap_or_default();
            parts.insert(format!(".git/{name}"), digest(without_records(bytes)));
        }
        for (number, folder) in other_work_trees(&common, &sandbox.shop()).iter().enumerate() {
            walk(folder, &format!("work tree {}: ", number + 1), &mut parts, &|path| {
                path == Path::new(".git") && folder.join(path).is_dir()
            });
        }
        for line in sandbox.git_ok(&["for-each-ref", "--format=%(refname) %(objectname) %(symref)"]).lines() {
            let (name, rest) = line.split_once(' ').unwrap();
            if !name.starts_with("refs/proof/") {
                parts.insert(name.to_owned(), rest.to_owned());
            }
        }
        Fingerprint(parts)
    }

    /// The same but for what lies below a prefix.
    pub fn without(mut self, prefix: &str) -> Self {
        self.0.retain(|name, _| !name.starts_with(prefix));
        self
    }
}

/// Below a git directory, that of a submodule too: what the gate may write, what the user's git moves and tidies up by itself (a `gc`
/// in the background expires reflogs), and what is read in another way.
fn is_told_otherwise(path: &Path) -> bool {
    let is = |name: &str| path.ends_with(name);
    is("objects") || is("proof-gate") || is("reftable") || is("packed-refs") || is("refs") || is("logs") || is("gc.pid")
}

fn walk(top: &Path, prefix: &str, parts: &mut BTreeMap<String, String>, is_left_out: &dyn Fn(&Path) -> bool) {
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(top.join(&below)).unwrap() {
            let path = below.join(entry.unwrap().file_name());
            if is_left_out(&path) {
                continue;
            }
            let metadata = fs::symlink_metadata(top.join(&path)).unwrap();
            if metadata.is_dir() {
                folders.push(path);
                continue;
            }
            let held = if metadata.is_symlink() {
                format!("-> {}", fs::read_link(top.join(&path)).unwrap().display())
            } else {
                digest(fs::read(top.join(&path)).unwrap())
            };
            parts.insert(format!("{prefix}{}", path.display()), format!("{:o} {held}", metadata.permissions().mode()));
        }
    }
}

/// The work trees beside the shop: the main one, where the git directory lies in it, and the linked ones.
fn other_work_trees(common: &Path, shop: &Path) -> Vec<PathBuf> {
    let main = common.ends_with(".git").then(|| common.parent().unwrap().to_owned());
    let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
    let linked = linked.filter_map(|entry| fs::read_to_string(entry.path().join("gitdir")).ok());
    let linked = linked.filter_map(|file| Path::new(file.trim_end()).parent().map(Path::to_owned));
    let mut all: Vec<PathBuf> =
        main.into_iter().chain(linked).filter(|folder| folder != shop && folder.is_dir()).collect();
    all.sort();
    all
}

/// Packed refs without those of the gate.
fn without_records(packed: Vec<u8>) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = packed.split_inclusive(|byte| *byte == b'\n').collect();
    lines.retain(|line| !line.windows(12).any(|window| window == b" refs/proof/"));
    lines.concat()
}

fn digest(bytes: Vec<u8>) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

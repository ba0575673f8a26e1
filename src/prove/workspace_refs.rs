//! The refs of a workspace's own repository, read as files: git is not run there, and nothing is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use bstr::{BStr, BString, ByteSlice as _};

use crate::git::Oid;

/// Refs that are read, at most. More are no work of a suite's that anybody has to find.
const MAX_REFS: usize = 10_000;

/// How deep names nest, at most.
const MAX_DEPTH: usize = 16;

/// Bytes of a ref's file that are read, and of a file of packed refs.
const MAX_REF: u64 = 4 << 10;
const MAX_PACKED: u64 = 16 << 20;

/// Refs of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WorkspaceRefs {
    ids: BTreeMap<BString, Oid>,
    /// Ids that the user's repository may have by itself.
    shared: BTreeSet<Oid>,
}

impl WorkspaceRefs {
    /// Reads the repository in a workspace's folder.
    pub(super) fn read(folder: &Path) -> Self {
        let git_dir = folder.join(".git");
        let mut refs = WorkspaceRefs::default();
        for line in read(&git_dir.join("packed-refs"), MAX_PACKED).lines().take(MAX_REFS) {
            let Some((id, name)) = line.split_once_str(" ") else { continue };
            if let Some(id) = Oid::from_hex(id) {
                refs.ids.insert(name.into(), id);
            }
        }
        refs.read_folder(&git_dir, "refs".into(), 0);
        if let Some(id) = Oid::from_hex(read(&git_dir.join("HEAD"), MAX_REF).trim_ascii()) {
            refs.ids.insert("HEAD".into(), id);
        }
        refs
    }

    fn read_folder(&mut self, git_dir: &Path, name: BString, depth: usize) {
        let folder = git_dir.join(OsStr::from_bytes(&name));
        // A folder that is a link leads to somebody else's refs.
        if depth > MAX_DEPTH || !fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir()) {
            return;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if self.ids.len() >= MAX_REFS {
                return;
            }
            let mut name = name.clone();
            name.push(b'/');
            name.extend_from_slice(entry.file_name().as_bytes());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.read_folder(git_dir, name, depth + 1);
            } else if let Some(id) = Oid::from_hex(read(&entry.path(), MAX_REF).trim_ascii()) {
                self.ids.insert(name, id);
            }
        }
    }

    /// The same, but what these had already says nothing: they were made from the user's own refs.
    pub(super) fn beside(mut self, before: &WorkspaceRefs) -> Self {
        self.ids.retain(|name, id| before.ids.get(name) != Some(id));
        self.shared = before.ids.values().copied().collect();
        self
    }

    /// Whether the workspace has a ref of this name, or one that points at this object.
    pub(super) fn has(&self, name: &BStr, id: Option<Oid>) -> bool {
        let at_it = |id: &Oid| !self.shared.contains(id) && self.ids.values().any(|other| other == id);
        (name != "HEAD" && self.ids.contains_key(name)) || id.as_ref().is_some_and(at_it)
    }
}

/// The start of a regular file; nothing of anything else.
fn read(path: &Path, limit: u64) -> Vec<u8> {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let mut bytes = Vec::new();
    if let Ok(file) = File::options().read(true).custom_flags(flags).open(path)
        && file.metadata().is_ok_and(|found| found.is_file())
    {
        drop(file.take(limit).read_to_end(&mut bytes));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(".git").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn id(hex: &str) -> Option<Oid> {
        Oid::from_hex(hex.as_bytes())
    }

    #[test]
    fn loose_and_packed_refs_are_found_by_name_and_by_object() {
        let packed = format!("# pack-refs with: peeled\n{ONE} refs/tags/packed\n^{TWO}\n");
        let folder =
            workspace(&[("packed-refs", &packed), ("refs/heads/a/b", &format!("{TWO}\n")), ("refs/heads/x", "?")]);
        let refs = WorkspaceRefs::read(folder.path());
        assert!(refs.has("refs/tags/packed".into(), None) && refs.has("refs/heads/a/b".into(), None));
        assert!(refs.has("refs/heads/other".into(), id(TWO)));
        assert!(!refs.has("refs/heads/x".into(), None) && !refs.has("refs/heads/other".into(), None));
    }

    #[test]
    fn what_the_workspace_got_from_the_users_refs_says_nothing() {
        let before = workspace(&[("refs/tags/v1", ONE)]);
        let after = workspace(&[("refs/tags/v1", ONE), ("refs/tags/v2", ONE), ("refs/tags/v3", TWO)]);
        let refs = WorkspaceRefs::read(after.path()).beside(&WorkspaceRefs::read(before.path()));
        assert!(!refs.has("refs/tags/v1".into(), id(ONE)));
        assert!(!refs.has("refs/heads/main".into(), id(ONE)));
        assert!(refs.has("refs/tags/v2".into(), id(ONE)) && refs.has("refs/heads/main".into(), id(TWO)));
    }

    #[test]
    fn links_and_pipes_are_not_followed_and_nothing_hangs() {
        let elsewhere = workspace(&[("refs/heads/main", ONE)]);
        let folder = workspace(&[("HEAD", "ref: refs/heads/proof\n")]);
        let git_dir = folder.path().join(".git");
        std::os::unix::fs::symlink(elsewhere.path().join(".git/refs"), git_dir.join("refs")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            git_dir.join("packed-refs"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        assert_eq!(WorkspaceRefs::read(folder.path()), WorkspaceRefs::default());
    }
}

//! A lane's state after `prepare`: every path with what a look at it shows, and what is needed to bring it back.
//!
//! Deliberately absent: the tree's files, see `tracked`; they come back from git.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::removal::remove;
use super::stamp::{Kind, Stamp};
use crate::error::{Context as _, Result};
use crate::threads::share_out;

/// Files outside of the tree up to this size are kept to be brought back: what tools note in a home folder, not what they install.
const SMALL: u64 = 64 << 10;

/// A file of a git directory up to this size is kept. Objects are borrowed, so the largest is the index.
const OF_GIT: u64 = 32 << 20;

/// All that is kept of a lane, at most, in bytes.
const ALL_KEPT: u64 = 64 << 20;

/// What lay in a lane's folder, by path below it.
pub(super) struct State {
    root: PathBuf,
    before: BTreeMap<PathBuf, Before>,
}

/// A path as it was.
struct Before {
    stamp: Stamp,
    kept: Kept,
}

/// What a path comes back from.
enum Kept {
    /// Nothing: a folder comes back by itself, another path only with a lane that is made anew.
    Nothing,
    Bytes(Vec<u8>),
    Target(PathBuf),
}

/// What bringing a lane back came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Back {
    /// It is as it was.
    Whole,
    /// This path is not, and nothing is there to bring it back from.
    Lost(PathBuf),
}

/// Whose files are looked after by somebody else: those of the tree.
pub(super) type IsTracked<'a> = &'a dyn Fn(&Path) -> bool;

impl State {
    /// Takes the state of a folder. Nothing may run in it meanwhile.
    pub(super) fn take(root: &Path, is_tracked: IsTracked<'_>) -> Result<Self> {
        let what = || "cannot take the state of the workspace".to_owned();
        let mut room = ALL_KEPT;
        let mut before = BTreeMap::new();
        for (path, stamp) in walk(root).context(what())? {
            let kept = match stamp.kind() {
                Kind::Link => Kept::Target(fs::read_link(root.join(&path)).context(what())?),
                Kind::File if !is_tracked(&path) && is_kept(&path, stamp.size()) && stamp.size() <= room => {
                    room -= stamp.size();
                    Kept::Bytes(fs::read(root.join(&path)).context(what())?)
                }
                Kind::File | Kind::Folder | Kind::Other => Kept::Nothing,
            };
            before.insert(path, Before { stamp, kept });
        }
        Ok(State { root: root.into(), before })
    }

    /// Brings everything but the tree's files back: removes what was added, writes what is kept. An error means that something is in
    /// the way, as does [`Back::Lost`]: then only a new lane helps.
    pub(super) fn bring_back(&mut self, is_tracked: IsTracked<'_>) -> io::Result<Back> {
        let now: BTreeMap<PathBuf, Stamp> = walk(&self.root)?.into_iter().collect();
        self.give_folders_their_permissions(&now)?;
        self.remove_what_was_added(&now)?;
        for (path, before) in &mut self.before {
            let is = now.get(path);
            if is.is_some_and(|is| is.is_as_before(&before.stamp)) {
                continue;
            }
            let place = self.root.join(path);
            let same_kind = is.is_some_and(|is| is.kind() == before.stamp.kind());
            if is_tracked(path) {
                // Its content comes back from git; what else lies at its place, or what it allows, does not.
                if !same_kind {
                    remove(&place)?;
                } else if before.stamp.kind() == Kind::File {
                    fs::set_permissions(&place, fs::Permissions::from_mode(before.stamp.permissions()))?;
                }
                continue;
            }
            let permissions = fs::Permissions::from_mode(before.stamp.permissions());
            match (&before.kept, before.stamp.kind()) {
                (_, Kind::Folder) if same_kind => {}
                (_, Kind::Folder) => {
                    remove(&place)?;
                    fs::DirBuilder::new().mode(0o700).create(&place)?;
                    fs::set_permissions(&place, permissions)?;
                }
                (Kept::Bytes(bytes), _) => {
                    remove(&place)?;
                    write(&place, bytes, &before.stamp)?;
                }
                (Kept::Target(target), _) => {
                    remove(&place)?;
                    std::os::unix::fs::symlink(target, &place)?;
                }
                (Kept::Nothing, Kind::File | Kind::Link | Kind::Other) => return Ok(Back::Lost(path.clone())),
            }
            before.stamp = Stamp::of(&fs::symlink_metadata(&place)?);
        }
        Ok(Back::Whole)
    }

    fn give_folders_their_permissions(&self, now: &BTreeMap<PathBuf, Stamp>) -> io::Result<()> {
        for (path, is) in now {
            let Some(before) = self.before.get(path) else { continue };
            let both = is.kind() == Kind::Folder && before.stamp.kind() == Kind::Folder;
            if both && is.permissions() != before.stamp.permissions() {
                fs::set_permissions(self.root.join(path), fs::Permissions::from_mode(before.stamp.permissions()))?;
            }
        }
        Ok(())
    }

    fn remove_what_was_added(&self, now: &BTreeMap<PathBuf, Stamp>) -> io::Result<()> {
        let mut removed: Option<&Path> = None;
        for path in now.keys().filter(|path| !self.before.contains_key(*path)) {
            if removed.is_some_and(|removed| path.starts_with(removed)) {
                continue;
            }
            remove(&self.root.join(path))?;
            removed = Some(path);
        }
        Ok(())
    }
}

fn write(place: &Path, bytes: &[u8], stamp: &Stamp) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(place)?;
    io::Write::write_all(&mut file, bytes)?;
    file.set_modified(stamp.modified())?;
    file.set_permissions(fs::Permissions::from_mode(stamp.permissions()))
}

/// Whether a file's content is kept, its size allowing: the git directories but for the objects of the gate's own, and what tools note
/// outside of the tree.
fn is_kept(path: &Path, size: u64) -> bool {
    if path.starts_with("gate.git/objects") && !path.starts_with("gate.git/objects/info") {
        return false;
    }
    let of_git = path.starts_with("gate.git") || path.components().any(|part| part.as_os_str() == ".git");
    size <= if of_git { OF_GIT } else { SMALL } && (of_git || !path.starts_with("tree"))
}

/// Every path below a folder, none of them followed.
fn walk(root: &Path) -> io::Result<Vec<(PathBuf, Stamp)>> {
    let mut opened = Vec::new();
    let found = walk_opening(root, &mut opened);
    // The innermost first: a closed folder is reached only through open ones.
    for (folder, permissions) in opened.iter().rev() {
        fs::set_permissions(root.join(folder), fs::Permissions::from_mode(*permissions))?;
    }
    found
}

/// The same, but folders that their owner may not read are opened and noted.
fn walk_opening(root: &Path, opened: &mut Vec<(PathBuf, u32)>) -> io::Result<Vec<(PathBuf, Stamp)>> {
    let mut all = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while !folders.is_empty() {
        let mut next = Vec::new();
        let listed = share_out(&folders, || Ok(()), |(), folder| Ok(list(root, folder)));
        for listed in listed.map_err(|error| io::Error::other(error.message))? {
            for (path, stamp) in listed? {
                if stamp.kind() == Kind::Folder {
                    if stamp.permissions() & 0o500 != 0o500 {
                        fs::set_permissions(root.join(&path), fs::Permissions::from_mode(0o700))?;
                        opened.push((path.clone(), stamp.permissions()));
                    }
                    next.push(path.clone());
                }
                all.push((path, stamp));
            }
        }
        folders = next;
    }
    Ok(all)
}

fn list(root: &Path, folder: &Path) -> io::Result<Vec<(PathBuf, Stamp)>> {
    let entries = fs::read_dir(root.join(folder))?;
    let look = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((folder.join(entry.file_name()), Stamp::of(&entry.metadata()?)))
    };
    entries.map(look).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::super::stamp::Clock;
    use super::*;

    /// A lane with a tracked file, what `prepare` installed, git directories and a home.
    struct Lane {
        folder: tempfile::TempDir,
        state: State,
    }

    fn is_tracked(path: &Path) -> bool {
        path == Path::new("tree/src/tracked")
    }

    impl Lane {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            for name in ["tree/src", "tree/node_modules/lib", "tree/.git", "gate.git", "home", "tmp/empty"] {
                fs::create_dir_all(root.join(name)).unwrap();
            }
            for name in [
                "tree/src/tracked",
                "tree/node_modules/lib/index.js",
                "tree/.git/config",
                "gate.git/index",
                "home/.npmrc",
            ] {
                fs::write(root.join(name), name).unwrap();
            }
            std::os::unix::fs::symlink("lib", root.join("tree/node_modules/link")).unwrap();
            fs::set_permissions(root.join("tmp/empty"), fs::Permissions::from_mode(0o300)).unwrap();
            let state = State::take(root, &is_tracked).unwrap();
            Clock::of(root).unwrap().step().unwrap();
            Lane { folder, state }
        }

        fn sh(&self, script: &str) {
            let ended = Command::new("sh").arg("-ec").arg(script).current_dir(self.folder.path()).status().unwrap();
            assert!(ended.success());
        }

        /// Everything but times and inodes, as text.
        fn listing(&self) -> String {
            let output = Command::new("find")
                .args([".", "-printf", "%p %y %m %l\n", "-type", "f", "-exec", "cat", "{}", "+"])
                .current_dir(self.folder.path())
                .output()
                .unwrap();
            let mut lines: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
            lines.sort();
            lines.join("\n")
        }
    }

    #[test]
    fn what_was_added_is_removed_and_what_is_kept_comes_back() {
        for script in [
            "",
            "echo x >tree/new; mkdir -p tree/a/b/c; echo y >tree/a/b/c/d; mkfifo home/pipe; ln -s /etc tmp/etc",
            "mkdir tree/locked; echo x >tree/locked/x; chmod 0 tree/locked",
            "rm -rf home tmp; mkdir tmp; chmod 0755 tmp",
            "echo evil >>tree/.git/config; mkdir tree/.git/hooks; echo exit >tree/.git/hooks/pre-push; rm gate.git/index",
            "rm -rf tree/.git; ln -s /nowhere tree/.git",
            "rm tree/node_modules/link; ln -s /etc tree/node_modules/link",
            "rm home/.npmrc; mkdir home/.npmrc; echo x >home/.npmrc/x",
            "chmod 0500 tree tree/node_modules; chmod 0777 home",
            "echo hello >home/.npmrc; touch -d 2001-01-01 home/.npmrc",
            "touch tree/node_modules/lib",
            "cat home/.npmrc tree/node_modules/lib/index.js >/dev/null",
        ] {
            let mut lane = Lane::new();
            let before = lane.listing();
            lane.sh(script);
            assert_eq!(lane.state.bring_back(&is_tracked).unwrap(), Back::Whole, "{script}");
            assert_eq!(lane.listing(), before, "{script}");
            assert_eq!(lane.state.bring_back(&is_tracked).unwrap(), Back::Whole, "{script}, and then nothing");
            assert_eq!(lane.listing(), before, "{script}, and then nothing");
        }
    }

    #[test]
    fn a_socket_that_was_added_is_removed() {
        let mut lane = Lane::new();
        let before = lane.listing();
        UnixListener::bind(lane.folder.path().join("home/socket")).unwrap();
        assert_eq!(lane.state.bring_back(&is_tracked).unwrap(), Back::Whole);
        assert_eq!(lane.listing(), before);
    }

    #[test]
    fn what_prepare_installed_and_a_suite_changed_is_lost_and_named() {
        for script in [
            "echo evil >tree/node_modules/lib/index.js",
            "rm tree/node_modules/lib/index.js",
            "rm -rf tree/node_modules",
            "chmod +x tree/node_modules/lib/index.js",
            "cd tree/node_modules/lib; touch -r index.js ../../../tmp/t; tr a-z A-Z <index.js >../x; cat ../x >index.js; touch -r ../../../tmp/t index.js",
        ] {
            let mut lane = Lane::new();
            lane.sh(script);
            let lost = Back::Lost("tree/node_modules/lib/index.js".into());
            assert_eq!(lane.state.bring_back(&is_tracked).unwrap(), lost, "{script}");
        }
    }

    #[test]
    fn what_lies_at_a_tracked_files_place_is_cleared_for_git() {
        let mut lane = Lane::new();
        lane.sh("rm tree/src/tracked; mkdir tree/src/tracked; echo x >tree/src/tracked/x");
        assert_eq!(lane.state.bring_back(&is_tracked).unwrap(), Back::Whole);
        assert!(!lane.folder.path().join("tree/src/tracked").exists());
        lane.sh("rm -r tree/src; ln -s /etc tree/src");
        assert_eq!(lane.state.bring_back(&is_tracked).unwrap(), Back::Whole);
        assert!(lane.folder.path().join("tree/src").symlink_metadata().unwrap().is_dir());
    }
}

//! Looking for files below a folder and opening them, part by part from an open folder on: nothing is followed, wherever a link stands.
//!
//! Deliberately absent: reading them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use bstr::{BStr, BString, ByteSlice as _};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, statat};
use rustix::io::Errno;

use crate::policy::PathGlob;

/// Folders in folders that are looked into. Every one is reached from the top, so that none can be swapped on the way.
const DEEPEST: usize = 100;

/// Entries that are looked at for one glob.
const MOST: usize = 1_000_000;

/// What lies below a folder and is meant by a glob.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Everything but folders.
    pub(super) found: BTreeMap<BString, Mark>,
    /// Folders that were not looked into, and why.
    pub(super) closed: BTreeSet<(BString, String)>,
}

/// What a look at a file shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) kind: Kind,
    /// In bytes.
    pub(super) size: u64,
    /// Device, inode, mode, and when its content was last changed.
    same: [i128; 5],
    /// When anything about it was last changed: no program can set that.
    changed: [i128; 2],
    links: i128,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Pipe,
    Socket,
    Device,
}

impl Mark {
    fn of(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            FileType::Fifo => Kind::Pipe,
            FileType::Socket => Kind::Socket,
            FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => Kind::Device,
        };
        Mark {
            kind,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            same: [
                i128::from(stat.st_dev),
                i128::from(stat.st_ino),
                i128::from(stat.st_mode),
                i128::from(stat.st_mtime),
                i128::from(stat.st_mtime_nsec),
            ],
            changed: [i128::from(stat.st_ctime), i128::from(stat.st_ctime_nsec)],
            links: i128::from(stat.st_nlink),
        }
    }

    /// Whether it has other names beside this one.
    pub(super) fn has_other_names(&self) -> bool {
        self.links > 1
    }

    /// Whether a file was left alone since it was marked. One with several names may be a package store's, where other projects give it
    /// names and take them away: there only what its content shows counts.
    pub(super) fn is_as_before(&self, before: &Mark) -> bool {
        let shared = self.has_other_names() || before.has_other_names();
        let content = (self.kind, self.size, self.same) == (before.kind, before.size, before.same);
        content && (shared || self.changed == before.changed)
    }
}

/// A folder that is held open, and with it all paths below it.
pub(super) struct Top(OwnedFd);

impl Top {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Top(open(folder, folder_flags(), Mode::empty())?))
    }

    /// Everything that a glob means. The repository of the suites' own is left out.
    pub(super) fn walk(&self, glob: &PathGlob) -> Walked {
        let mut walked = Walked::default();
        let mut folders = vec![BString::from(glob.folder())];
        let mut looked_at = 0;
        while let Some(folder) = folders.pop() {
            let entries = self.folder(folder.as_bstr()).and_then(|opened| list(&opened));
            let entries = match entries {
                Ok(entries) => entries,
                Err(Errno::NOENT) => continue,
                Err(error) => {
                    walked.closed.insert((folder, why_closed(error)));
                    continue;
                }
            };
            for (name, mark) in entries {
                looked_at += 1;
                if looked_at > MOST {
                    walked.closed.insert((folder, format!("more than {MOST} files lie below {}", shown(glob))));
                    return walked;
                }
                let path = join(folder.as_bstr(), name.as_bstr());
                match mark.kind {
                    Kind::Folder if path == ".git" => {}
                    Kind::Folder if path.find_iter("/").count() + 1 >= DEEPEST => {
                        walked.closed.insert((path, format!("more than {DEEPEST} folders lie in each other")));
                    }
                    Kind::Folder => folders.push(path),
                    Kind::File | Kind::Link | Kind::Pipe | Kind::Socket | Kind::Device => {
                        if glob.is_match(path.as_bstr()) {
                            walked.found.insert(path, mark);
                        }
                    }
                }
            }
        }
        walked
    }

    /// Opens a file without waiting for a pipe's other end, and looks at what was opened.
    pub(super) fn file(&self, path: &BStr) -> io::Result<(File, Mark)> {
        let (folder, name) = path.rsplit_once_str("/").unwrap_or((b"", path));
        let folder = self.folder(folder.as_bstr())?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(&folder, name, flags, Mode::empty())?;
        let mark = Mark::of(&fstat(&opened)?);
        Ok((opened.into(), mark))
    }

    fn folder(&self, path: &BStr) -> Result<OwnedFd, Errno> {
        let mut folder = openat(&self.0, ".", folder_flags(), Mode::empty())?;
        for part in path.split_str("/").filter(|part| !part.is_empty()) {
            folder = openat(&folder, part, folder_flags(), Mode::empty())?;
        }
        Ok(folder)
    }
}

/// What a file that is open shows now.
pub(super) fn look_at(file: &File) -> io::Result<Mark> {
    Ok(Mark::of(&fstat(file)?))
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// The entries of a folder; one that goes away meanwhile is none.
fn list(folder: &OwnedFd) -> Result<Vec<(BString, Mark)>, Errno> {
    let mut entries = Vec::new();
    // One more than is looked at, so that the limit shows; the two that stand for folders are no files.
    for entry in Dir::read_from(folder)?.take(MOST + 3) {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => entries.push((name.into(), Mark::of(&stat))),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(entries)
}

fn why_closed(error: Errno) -> String {
    match error {
        Errno::NOTDIR | Errno::LOOP => "it is a link or no folder, and nothing is followed".to_owned(),
        other => format!("it cannot be looked into: {}", io::Error::from(other)),
    }
}

fn shown(glob: &PathGlob) -> &str {
    match glob.folder() {
        "" => "the workspace",
        folder => folder,
    }
}

fn join(folder: &BStr, name: &BStr) -> BString {
    let mut path = folder.to_owned();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn found(folder: &Path, glob: &str) -> Vec<(String, Kind)> {
        let walked = Top::open(folder).unwrap().walk(&PathGlob::new(glob));
        walked.found.into_iter().map(|(path, mark)| (path.to_string(), mark.kind)).collect()
    }

    #[test]
    fn links_pipes_and_files_are_told_apart_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("logs/deep")).unwrap();
        fs::create_dir(at(".git")).unwrap();
        for name in ["logs/a.log", "logs/deep/b.log", ".git/c.log"] {
            fs::write(at(name), "x").unwrap();
        }
        symlink("/etc/passwd", at("logs/l.log")).unwrap();
        symlink("deep", at("logs/folder")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("logs/p.log")).status().unwrap().success());
        let all = [
            ("logs/a.log", Kind::File),
            ("logs/deep/b.log", Kind::File),
            ("logs/l.log", Kind::Link),
            ("logs/p.log", Kind::Pipe),
        ];
        let all: Vec<(String, Kind)> = all.map(|(path, kind)| (path.to_owned(), kind)).into();
        assert_eq!(found(folder.path(), "*.log"), all);
        assert_eq!(found(folder.path(), "logs/**/*.log"), all);
        assert_eq!(found(folder.path(), "logs/folder/*.log"), []);
        let top = Top::open(folder.path()).unwrap();
        assert!(top.file("logs/l.log".into()).is_err() && top.file("logs/folder/b.log".into()).is_err());
        assert_eq!(top.file("logs/p.log".into()).unwrap().1.kind, Kind::Pipe);
        let walked = top.walk(&PathGlob::new("logs/folder/*.log"));
        assert_eq!(walked.closed.len(), 1, "the folder that a glob names is a link, and that is said");
        assert!(top.walk(&PathGlob::new("none/*.log")).closed.is_empty());
    }

    #[test]
    fn a_path_of_4000_bytes_is_reached_and_one_too_deep_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let top = Top::open(folder.path()).unwrap();
        let mut at = top.folder("".into()).unwrap();
        let long = "d".repeat(250);
        for _ in 0..DEEPEST {
            rustix::fs::mkdirat(&at, &long[..40], Mode::RWXU).unwrap();
            at = openat(&at, &long[..40], folder_flags(), Mode::empty()).unwrap();
            openat(&at, "a.log", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).unwrap();
        }
        let walked = top.walk(&PathGlob::new("*.log"));
        assert_eq!(walked.found.len(), DEEPEST - 1);
        assert_eq!(walked.closed.len(), 1);
        let longest = walked.found.keys().max_by_key(|path| path.len()).unwrap();
        assert!(longest.len() > 4000, "{}", longest.len());
        assert!(top.file(longest.as_bstr()).is_ok());
    }

    #[test]
    fn a_file_of_a_shared_store_may_get_other_names_and_a_changed_one_shows() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "x").unwrap();
        let top = Top::open(folder.path()).unwrap();
        let before = top.file("a".into()).unwrap().1;
        fs::hard_link(at("a"), at("b")).unwrap();
        let after = top.file("a".into()).unwrap().1;
        assert!(after.has_other_names() && after.is_as_before(&before));
        fs::write(at("a"), "longer").unwrap();
        assert!(!top.file("a".into()).unwrap().1.is_as_before(&before));
    }
}

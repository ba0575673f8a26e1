//! Whether a file system has room: bytes and files. Asked before a checkout, and after a suite that did not end well.

use std::path::Path;

use rustix::fs::{StatVfs, StatVfsMountFlags, statvfs};

use crate::error::{Context as _, Error, Result};

/// What a proof needs beside the tree's files: git's index, logs, reports, a little of everything. In bytes.
const BESIDE: u64 = 64 << 20;

/// The same in files.
const FILES_BESIDE: u64 = 1000;

/// With more than this left no tree is measured: a proof would spend more time on that than on hashing its files, and whose tree is larger
/// still meets the full disk while it is written. In bytes, and in files.
const PLENTY: u64 = 16 << 30;
const PLENTY_OF_FILES: u64 = 10_000_000;

/// With less than this left, whatever failed may have failed for it. In bytes, and in files.
const NOTHING: u64 = 1 << 20;
const NO_FILES: u64 = 16;

/// What a file system has left for this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// In bytes.
    bytes: u64,
    /// `None` where it makes room for files as they come.
    files: Option<u64>,
    block: u64,
    flags: StatVfsMountFlags,
}

impl Room {
    /// Of the file system that a path lies on.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let found = statvfs(path).context(format!("cannot tell how much room there is at {}", path.display()))?;
        Ok(Self::of(&found))
    }

    fn of(found: &StatVfs) -> Self {
        Room {
            bytes: found.f_bavail.saturating_mul(found.f_frsize),
            files: (found.f_files > 0).then_some(found.f_favail),
            block: found.f_frsize.max(1),
            flags: found.f_flag,
        }
    }

    /// Why no workspace may lie here, whatever the tree.
    pub(super) fn refusal(&self) -> Option<String> {
        if self.flags.contains(StatVfsMountFlags::RDONLY) {
            return Some("it is read-only".to_owned());
        }
        if self.flags.contains(StatVfsMountFlags::NOEXEC) {
            return Some("no program may be run there (it is mounted noexec)".to_owned());
        }
        self.lacks(&[]).map(|why| format!("it has no room: {why}"))
    }

    /// What is missing for files of these sizes and for what a proof writes beside them.
    pub(super) fn lacks(&self, sizes: &[u64]) -> Option<String> {
        let blocks: u64 = sizes.iter().map(|size| size.div_ceil(self.block).max(1)).sum();
        let bytes = blocks.saturating_mul(self.block).saturating_add(BESIDE);
        if self.bytes < bytes {
            return Some(format!("{} are free and {} are needed", megabytes(self.bytes), megabytes(bytes)));
        }
        let files = (sizes.len() as u64).saturating_add(FILES_BESIDE);
        let free = self.files.filter(|free| *free < files)?;
        Some(format!("{free} more files can be made and {files} are needed"))
    }

    /// Whether there is room for any tree that anybody has: sizes need not be asked for.
    pub(super) fn is_plenty(&self) -> bool {
        self.bytes >= PLENTY && self.files.is_none_or(|files| files >= PLENTY_OF_FILES)
    }

    /// Whether next to nothing is left.
    fn is_full(&self) -> bool {
        self.bytes < NOTHING || self.files.is_some_and(|files| files < NO_FILES)
    }
}

/// A place that a proof writes to, and what makes room there.
#[derive(Clone, Copy, Debug)]
pub enum Written<'a> {
    /// A workspace.
    Workspace(&'a Path),
    /// The git directory.
    GitDirectory {
        /// What lies in it, or itself.
        at: &'a Path,
        /// Where the evidence of all proofs lies.
        evidence: &'a Path,
    },
}

impl Written<'_> {
    fn path(&self) -> &Path {
        match self {
            Written::Workspace(path) | Written::GitDirectory { at: path, .. } => path,
        }
    }

    fn hint(&self) -> String {
        match self {
            Written::Workspace(_) => {
                "make room there, or set XDG_CACHE_HOME to a folder on another disk, and run it again".to_owned()
            }
            Written::GitDirectory { evidence, .. } => {
                let evidence = evidence.display();
                format!("make room there and run it again; logs of old proofs may be removed: {evidence}")
            }
        }
    }
}

/// An error where the file system of one of these places is full: then a failure says nothing about what failed.
pub fn check_not_full(places: &[Written<'_>]) -> Result<()> {
    for place in places {
        let path = place.path();
        // A folder that is gone is another failure's cause.
        let Ok(room) = Room::at(path) else { continue };
        if room.is_full() {
            let left = match room.files {
                Some(files) if files < NO_FILES => format!("{files} more files can be made"),
                Some(_) | None => format!("{} are free", megabytes(room.bytes)),
            };
            return Err(Error::new(format!("the disk is full: {left} at {}", path.display())).hint(place.hint()));
        }
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(bytes: u64, files: Option<u64>, flags: StatVfsMountFlags) -> Room {
        Room { bytes, files, block: 4096, flags }
    }

    #[test]
    fn a_file_system_that_no_proof_can_use_says_why() {
        check(room(1 << 40, Some(1 << 20), StatVfsMountFlags::empty()), None);
        check(room(1 << 40, None, StatVfsMountFlags::NOSUID), None);
        check(room(1 << 40, None, StatVfsMountFlags::RDONLY), Some("it is read-only"));
        check(room(1 << 40, None, StatVfsMountFlags::NOEXEC), Some("noexec"));
        check(room(1 << 20, None, StatVfsMountFlags::empty()), Some("1 MiB are free and 64 MiB are needed"));
        check(room(1 << 40, Some(7), StatVfsMountFlags::empty()), Some("7 more files can be made and 1000 are needed"));

        fn check(room: Room, expected: Option<&str>) {
            let refusal = room.refusal();
            assert_eq!(refusal.is_some(), expected.is_some(), "{refusal:?}");
            assert!(refusal.unwrap_or_default().contains(expected.unwrap_or_default()));
        }
    }

    #[test]
    fn small_files_need_a_block_each() {
        let left = room(BESIDE + 4096 * 10, None, StatVfsMountFlags::empty());
        assert_eq!(left.lacks(&[1; 10]), None);
        assert!(left.lacks(&[1; 11]).is_some() && left.lacks(&[40961]).is_some());
    }
}

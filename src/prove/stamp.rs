//! What a look at a file shows without reading it, and when such a look is enough to say that the file did not change.
//!
//! Deliberately absent: contents.

use std::fs::{File, Metadata};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Context as _, Result};

/// The bits of a mode that say what kind of file it is.
const KIND: u32 = 0o170_000;

/// The longest that a file system's clock is waited for. The coarsest one known, FAT's, counts in two seconds.
const COARSEST: Duration = Duration::from_secs(3);

/// What a look at a file shows. Symbolic links are not followed.
///
/// Two equal stamps mean an unchanged file: whatever writes to it moves the time of its last change of state (ctime), which no program
/// can set. That holds from the clock's next step on; see [`Clock::step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    mode: u32,
    size: u64,
    links: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The kinds of files that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, a socket or a device.
    Other,
}

impl Stamp {
    pub(super) fn of(found: &Metadata) -> Self {
        Stamp {
            device: found.dev(),
            inode: found.ino(),
            mode: found.mode(),
            size: found.size(),
            links: found.nlink(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.mode & KIND {
            0o100_000 => Kind::File,
            0o040_000 => Kind::Folder,
            0o120_000 => Kind::Link,
            _ => Kind::Other,
        }
    }

    /// The permissions, without the kind.
    pub(super) fn permissions(&self) -> u32 {
        self.mode & !KIND
    }

    pub(super) fn is_executable(&self) -> bool {
        self.mode & 0o100 != 0
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// When its content was last written, as far as that was not set by hand.
    pub(super) fn modified(&self) -> std::time::SystemTime {
        let (seconds, nanoseconds) = self.modified;
        let fraction = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
        match u64::try_from(seconds) {
            Ok(seconds) => std::time::UNIX_EPOCH + Duration::from_secs(seconds) + fraction,
            Err(_) => std::time::UNIX_EPOCH - Duration::from_secs(seconds.unsigned_abs()) + fraction,
        }
    }

    /// Whether it is the very same folder, whatever came into it.
    pub(super) fn is_same_folder(&self, other: &Stamp) -> bool {
        let is_folder = self.kind() == Kind::Folder && other.kind() == Kind::Folder;
        is_folder && (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether a file that is nothing of the tree's is as it was.
    ///
    /// Of a folder only what it allows counts: its times tell of its entries, which are looked at one by one. A file with several names
    /// is one of a package store that the user's other projects share (pnpm and uv link theirs): its ctime moves whenever any of them
    /// is installed or removed, so there the time of the content has to do.
    pub(super) fn is_as_before(&self, before: &Stamp) -> bool {
        let same = (self.device, self.mode) == (before.device, before.mode);
        let content = (self.inode, self.size, self.modified) == (before.inode, before.size, before.modified);
        match self.kind() {
            Kind::Folder => same,
            Kind::Other => same && self.inode == before.inode,
            Kind::File if self.links > 1 || before.links > 1 => same && content,
            Kind::File | Kind::Link => same && content && self.changed == before.changed,
        }
    }
}

/// The clock that a file system stamps files by. It moves in steps of some milliseconds: two changes within one step look alike.
#[derive(Debug)]
pub(super) struct Clock(File);

impl Clock {
    /// The clock of the file system that a folder lies on.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        Ok(Clock(tempfile::tempfile_in(folder).context("cannot make a file in the workspace")?))
    }

    /// Waits for the clock's next step. Whatever changes a file from now on leaves another stamp than the one it has.
    pub(super) fn step(&mut self) -> Result<()> {
        let first = self.now()?;
        let begun = Instant::now();
        while self.now()? == first && begun.elapsed() < COARSEST {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn now(&mut self) -> Result<(i64, i64)> {
        let what = "cannot read the clock of the workspace";
        self.0.write_all(b".").context(what)?;
        let found = self.0.metadata().context(what)?;
        Ok((found.ctime(), found.ctime_nsec()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn stamp(path: &Path) -> Stamp {
        Stamp::of(&fs::symlink_metadata(path).unwrap())
    }

    #[test]
    fn a_change_that_keeps_size_and_times_shows_after_the_clocks_next_step() {
        let folder = tempfile::tempdir().unwrap();
        let mut clock = Clock::of(folder.path()).unwrap();
        for round in 0..50 {
            let file = folder.path().join(format!("file-{round}"));
            fs::write(&file, "good").unwrap();
            let before = stamp(&file);
            clock.step().unwrap();
            fs::write(&file, "evil").unwrap();
            File::options().write(true).open(&file).unwrap().set_modified(before.modified()).unwrap();
            assert!(!stamp(&file).is_as_before(&before), "{before:?}");
        }
    }

    #[test]
    fn a_file_of_a_shared_store_may_get_and_lose_names_but_no_other_content() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("file"), folder.path().join("other"));
        fs::write(&file, "good").unwrap();
        fs::hard_link(&file, &other).unwrap();
        let before = stamp(&file);
        Clock::of(folder.path()).unwrap().step().unwrap();
        fs::remove_file(&other).unwrap();
        assert!(stamp(&file).is_as_before(&before));
        fs::write(&file, "evil").unwrap();
        assert!(!stamp(&file).is_as_before(&before));
    }
}

//! Removing evidence whose time is over: the folders of runs, then the contents that no run has a name for.
//!
//! Deliberately absent: when its time is over, which the caller knows from the records.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{BY_DIGEST, Store, UNFINISHED};
use crate::error::{Context as _, Result};

/// Seconds after which a name that was to be renamed at once never will be.
const AT_ONCE: u64 = 60 * 60;

/// What becomes of a run's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Stays,
    /// It goes.
    Goes,
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// The folders of runs, by name, in order.
    pub runs: Vec<String>,
    /// The bytes that the disk got back: a content that another run still has a name for does not count.
    pub bytes: u64,
}

/// A file of a run that goes: how many names it has, how many of them go, its size.
struct Going {
    names: u64,
    go: u64,
    size: u64,
}

impl Store {
    /// Asks for the fate of every run's folder, by its name and the time of its last change, and removes those that go, unless this is
    /// to be tried only. A run that is being written to must stay.
    pub fn sweep(&self, fate: &dyn Fn(&str, SystemTime) -> Fate, only_try: bool) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut going: BTreeMap<(u64, u64), Going> = BTreeMap::new();
        for folder in folders(&self.root).context(format!("cannot look into {}", self.root.display()))? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let what = || format!("cannot remove {}", folder.display());
            let changed = fs::symlink_metadata(&folder).and_then(|found| found.modified()).context(what())?;
            if name == BY_DIGEST || fate(&name, changed) == Fate::Stays {
                continue;
            }
            note_files(&folder, &mut going).context(what())?;
            if !only_try {
                fs::remove_dir_all(&folder).context(what())?;
            }
            swept.runs.push(name);
        }
        swept.runs.sort();
        // The name that is left is the one under its digest.
        swept.bytes = going.values().filter(|file| file.names <= file.go + 1).map(|file| file.size).sum();
        swept.bytes +=
            self.sweep_contents(&going, only_try).context(format!("cannot remove from {}", self.root.display()))?;
        Ok(swept)
    }

    /// Removes contents that only their digest names. Gives back the bytes of those that were nobody's before.
    fn sweep_contents(&self, going: &BTreeMap<(u64, u64), Going>, only_try: bool) -> io::Result<u64> {
        let mut bytes = 0;
        for folder in folders(&self.root.join(BY_DIGEST))? {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let found = match entry.metadata() {
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    found => found?,
                };
                if is_half_made(&entry.file_name(), &found) && !only_try {
                    fs::remove_file(entry.path())?;
                    continue;
                }
                if !found.is_file() || found.nlink() > 1 {
                    continue;
                }
                if !going.contains_key(&(found.dev(), found.ino())) {
                    bytes += found.len();
                }
                if !only_try {
                    fs::remove_file(entry.path())?;
                }
            }
            if !only_try {
                // Only one that is empty is let go of.
                drop(fs::remove_dir(&folder));
            }
        }
        Ok(bytes)
    }
}

/// Whether a name was to be renamed at once by a process that is dead by now.
fn is_half_made(name: &OsStr, found: &Metadata) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let changed = u64::try_from(found.ctime()).unwrap_or(0);
    name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) && now.saturating_sub(changed) > AT_ONCE
}

/// The folders in a folder; none where it is not there.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn note_files(folder: &Path, going: &mut BTreeMap<(u64, u64), Going>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() {
            note_files(&entry.path(), going)?;
        } else {
            let fresh = Going { names: found.nlink(), go: 0, size: found.len() };
            going.entry((found.dev(), found.ino())).or_insert(fresh).go += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::names_of;
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn a_content_goes_with_the_last_run_that_has_it_and_trying_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("evidence"));
        let keep = |run: &str, name: &str, bytes: &[u8]| {
            let suite = folder.path().join("evidence").join(run).join("suite/artifacts");
            fs::create_dir_all(&suite).unwrap();
            fs::write(suite.join(name), bytes).unwrap();
            fs::set_permissions(suite.join(name), fs::Permissions::from_mode(0o600)).unwrap();
            store.take_in(&suite.join(name)).unwrap()
        };
        let shared = keep("old", "a.txt", b"shared");
        let alone = keep("old", "b.txt", b"alone");
        keep("old", "c.txt", b"alone");
        let kept = keep("new", "a.txt", b"shared");
        let fate = |name: &str, _| if name == "old" { Fate::Goes } else { Fate::Stays };
        let tried = store.sweep(&fate, true).unwrap();
        assert_eq!(tried, Swept { runs: vec!["old".to_owned()], bytes: 5 });
        assert!(shared.path.exists() && alone.path.exists());
        assert_eq!(store.sweep(&fate, false).unwrap(), tried);
        assert!(kept.path.exists() && !shared.path.exists());
        assert_eq!(names_of(&store.object(Digest::of(b"alone"))), 0);
        assert_eq!(names_of(&store.object(Digest::of(b"shared"))), 2);
        assert_eq!(store.sweep(&fate, false).unwrap(), Swept::default());
    }

    #[test]
    fn a_content_that_nobody_has_a_name_for_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("evidence"));
        assert_eq!(store.sweep(&|_, _| Fate::Goes, false).unwrap(), Swept::default());
        let object = store.object(Digest::of(b"lost"));
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        fs::write(&object, b"lost").unwrap();
        assert_eq!(store.sweep(&|_, _| Fate::Stays, false).unwrap().bytes, 4);
        assert!(!object.exists());
    }
}

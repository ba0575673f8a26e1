//! Where evidence is kept: every content once, under its SHA-256, and under names that people can read in a folder for each run.
//!
//! ```text
//! evidence/
//!   sha256/ab/cdef…     0600, one file a content
//!   <run>/<suite>/log   0600, another name (a hard link) of such a file
//! ```
//!
//! A file gets its readable name first and is linked into `sha256/` when it is whole, so whatever stands there has a run that it belongs
//! to; what has only that one name left is nobody's any more. Where a file system knows no hard links, the readable name is all there is.
//!
//! Deliberately absent: what is evidence, and of which run a record tells.

mod media;
mod sweep;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Context as _, Result};

pub use sweep::{Fate, Swept};

/// What names begin with that are to be renamed at once.
const UNFINISHED: &str = ".link-";

/// The folder of the contents.
const BY_DIGEST: &str = "sha256";

/// A file of the evidence, as it was when it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// Where it lies, under a name that people can read.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// What it is, as in `image/png`: by its first bytes, else by its name.
    pub media_type: &'static str,
}

/// What the list of a suite's artifacts is called in its first line.
const LIST: &str = "proof-gate.artifacts/1";

/// The list of a suite's artifacts.
#[derive(Serialize, Deserialize)]
struct List {
    format: String,
    files: Vec<Listed>,
}

/// An artifact as the list has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its path below the suite's folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// What it is.
    pub media_type: String,
}

impl Listed {
    /// What a list's bytes hold. Nothing where they are no list.
    pub fn read(bytes: &[u8]) -> Option<Vec<Self>> {
        let list: List = serde_json::from_slice(bytes).ok()?;
        (list.format == LIST).then_some(list.files)
    }
}

/// The evidence of one clone.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The one at this folder, which need not be there yet.
    pub fn at(root: &Path) -> Self {
        Store { root: root.into() }
    }

    /// Takes in a file that was written whole and lies in a run's folder: flushes it, and gives its content a name of its own.
    ///
    /// An error means that the disk could not do it.
    pub fn take_in(&self, path: &Path) -> Result<KeptFile> {
        let what = || format!("cannot keep the evidence {}", path.display());
        let mut file = open(path).context(what())?;
        let mut first = Vec::new();
        (&file).take(media::LOOKED_AT).read_to_end(&mut first).context(what())?;
        file.rewind().context(what())?;
        let sha256 = Digest::of_reader(&file).context(what())?;
        file.sync_all().context(what())?;
        let size = file.metadata().context(what())?.len();
        self.link(path, sha256).context(what())?;
        Ok(KeptFile { path: path.into(), size, sha256, media_type: media::type_of(path, &first) })
    }

    /// The file in a suite's folder that lists its artifacts.
    pub const MANIFEST: &str = "artifacts.json";

    /// Writes the list of a suite's artifacts beside them, for a record has no room for a thousand, and takes it in.
    pub fn list(&self, suite: &Path, artifacts: &[KeptFile]) -> Result<KeptFile> {
        let path = suite.join(Self::MANIFEST);
        let what = || format!("cannot write {}", path.display());
        let files: Vec<Listed> = artifacts
            .iter()
            .map(|file| Listed {
                name: file.path.strip_prefix(suite).unwrap_or(&file.path).to_string_lossy().into_owned(),
                size: file.size,
                sha256: file.sha256,
                media_type: file.media_type.to_owned(),
            })
            .collect();
        let list = List { format: LIST.to_owned(), files };
        let text = serde_json::to_string_pretty(&list).context(what())? + "\n";
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path).context(what())?;
        io::Write::write_all(&mut file, text.as_bytes()).context(what())?;
        self.take_in(&path)
    }

    /// Flushes the folders that these files stand in, each once.
    pub fn flush<'f>(&self, files: impl Iterator<Item = &'f KeptFile>) -> Result<()> {
        let both = |file: &KeptFile| [file.path.clone(), self.object(file.sha256)];
        let folders = files.flat_map(both).filter_map(|file| file.parent().map(Path::to_owned));
        for folder in folders.collect::<BTreeSet<_>>() {
            match File::open(&folder).and_then(|folder| folder.sync_all()) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).context(format!("cannot flush {} to the disk", folder.display()));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Where a content lies under its digest.
    pub fn object(&self, sha256: Digest) -> PathBuf {
        let hex = sha256.to_string();
        let (folder, name) = hex.split_at(2);
        self.root.join(BY_DIGEST).join(folder).join(name)
    }

    fn link(&self, path: &Path, sha256: Digest) -> io::Result<()> {
        let object = self.object(sha256);
        let folder = object.parent().expect("an object lies in a folder");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        match fs::hard_link(path, &object) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) if knows_no_links(&error) => return Ok(()),
            other => return other,
        }
        let same = |path: &Path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()));
        if same(path)? == same(&object)? {
            return Ok(());
        }
        // What stands there is believed only after it was read: a name is no proof of a content. One that others may read is left to
        // the runs that it is a name of.
        let is_private = fs::symlink_metadata(&object)?.mode() & 0o077 == 0;
        let (from, to) = if is_private && holds(&object, sha256) { (&*object, path) } else { (path, &*object) };
        let beside = to.parent().expect("evidence lies in a folder");
        let linked = tempfile::Builder::new().prefix(UNFINISHED).make_in(beside, |name| fs::hard_link(from, name));
        match linked {
            Ok(linked) => linked.into_temp_path().persist(to).map_err(|error| error.error),
            Err(error) if knows_no_links(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether a file holds what its digest says. It is read whole.
fn holds(path: &Path, sha256: Digest) -> bool {
    open(path).and_then(Digest::of_reader).is_ok_and(|found| found == sha256)
}

/// Opens a regular file. Nothing is followed and nothing waits for a pipe's other end.
fn open(path: &Path) -> io::Result<File> {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

/// Whether a hard link was refused because the file system has none, or no more for this file.
fn knows_no_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unsupported | ErrorKind::PermissionDenied | ErrorKind::TooManyLinks | ErrorKind::CrossesDevices
    )
}

/// How many names a file has; 0 where it is not there.
#[cfg(test)]
fn names_of(path: &Path) -> u64 {
    fs::symlink_metadata(path).map_or(0, |found| found.nlink())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A store with a folder for a run in it.
    fn store() -> (tempfile::TempDir, Store, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("evidence"));
        let run = folder.path().join("evidence/run/suite");
        fs::create_dir_all(&run).unwrap();
        (folder, store, run)
    }

    fn write(path: &Path, bytes: &[u8]) -> PathBuf {
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_owned()
    }

    #[test]
    fn equal_contents_are_kept_once_and_each_name_opens() {
        let (_folder, store, run) = store();
        let first = store.take_in(&write(&run.join("a.txt"), b"same")).unwrap();
        let second = store.take_in(&write(&run.join("b.txt"), b"same")).unwrap();
        assert_eq!((first.sha256, first.size), (Digest::of(b"same"), 4));
        assert_eq!(names_of(&store.object(first.sha256)), 3);
        for file in [&first, &second] {
            assert!(holds(&file.path, file.sha256));
            assert_eq!(fs::metadata(&file.path).unwrap().mode() & 0o777, 0o600);
        }
        store.take_in(&first.path).unwrap();
        assert_eq!(names_of(&store.object(first.sha256)), 3, "a file that is taken in again gets no other name");
    }

    #[test]
    fn a_content_that_was_altered_is_never_taken_for_a_new_one() {
        let (_folder, store, run) = store();
        let first = store.take_in(&write(&run.join("a.txt"), b"good")).unwrap();
        fs::write(&first.path, b"evil").unwrap();
        assert!(!holds(&first.path, first.sha256));
        let second = store.take_in(&write(&run.join("b.txt"), b"good")).unwrap();
        assert!(holds(&second.path, second.sha256));
        assert!(holds(&store.object(second.sha256), second.sha256));
    }

    #[test]
    fn a_content_that_others_may_read_by_now_is_kept_anew_for_its_owner() {
        let (_folder, store, run) = store();
        let first = store.take_in(&write(&run.join("a.txt"), b"same")).unwrap();
        fs::set_permissions(&first.path, fs::Permissions::from_mode(0o666)).unwrap();
        let second = store.take_in(&write(&run.join("b.txt"), b"same")).unwrap();
        for file in [&second.path, &store.object(second.sha256)] {
            assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
        }
        assert!(holds(&first.path, first.sha256));
    }

    #[test]
    fn the_list_of_a_suites_artifacts_says_of_each_what_it_is() {
        let (_folder, store, run) = store();
        let artifact = store.take_in(&write(&run.join("a.json"), b"{}")).unwrap();
        let list = store.list(&run, std::slice::from_ref(&artifact)).unwrap();
        assert_eq!(list.media_type, "application/json");
        let list: serde_json::Value = serde_json::from_slice(&fs::read(list.path).unwrap()).unwrap();
        let file = serde_json::json!({"name": "a.json", "size": 2, "sha256": artifact.sha256, "media_type": "application/json"});
        assert_eq!(list, serde_json::json!({"format": LIST, "files": [file]}));
    }

    #[test]
    fn a_link_in_place_of_evidence_is_not_followed() {
        let (_folder, store, run) = store();
        std::os::unix::fs::symlink("/etc/passwd", run.join("link")).unwrap();
        assert!(store.take_in(&run.join("link")).is_err());
    }
}

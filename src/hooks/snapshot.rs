//! One file or symbolic link as it stands, byte for byte, and how to put it back whole or not at all.
//!
//! Deliberately absent: owner and times. Git does not look at them.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Context as _, Error, Exit, Result};
use crate::git::{remove_unfinished, unfinished_file, unfinished_link};

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Snapshot {
    /// A regular file.
    File {
        /// Its permission bits.
        mode: u32,
        /// What it holds.
        bytes: Text,
    },
    /// A symbolic link, whether or not it leads anywhere.
    Link {
        /// What it says.
        target: Text,
    },
}

/// Bytes in JSON: as text where they are text, as numbers where not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Encoded", into = "Encoded")]
pub struct Text(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Encoded {
    Utf8(String),
    Raw { bytes: Vec<u8> },
}

impl From<Encoded> for Text {
    fn from(encoded: Encoded) -> Self {
        match encoded {
            Encoded::Utf8(text) => Text(text.into_bytes()),
            Encoded::Raw { bytes } => Text(bytes),
        }
    }
}

impl From<Text> for Encoded {
    fn from(text: Text) -> Self {
        String::from_utf8(text.0).map_or_else(|error| Encoded::Raw { bytes: error.into_bytes() }, Encoded::Utf8)
    }
}

impl Text {
    /// A path's bytes.
    pub fn of_path(path: &Path) -> Self {
        Text(path.as_os_str().as_bytes().to_vec())
    }

    /// The bytes as a path.
    pub fn to_path(&self) -> PathBuf {
        PathBuf::from(std::ffi::OsString::from_vec(self.0.clone()))
    }
}

impl Snapshot {
    /// An executable file.
    pub fn executable(bytes: Vec<u8>) -> Self {
        Snapshot::File { mode: 0o755, bytes: Text(bytes) }
    }

    /// What stands at `path`; `None` where nothing does. A folder, device or pipe is a conflict.
    pub fn take(path: &Path) -> Result<Option<Self>> {
        let what = || format!("cannot read {}", path.display());
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(error).context(what()),
        };
        let kind = metadata.file_type();
        if kind.is_symlink() {
            return Ok(Some(Snapshot::Link { target: Text::of_path(&fs::read_link(path).context(what())?) }));
        }
        if !kind.is_file() {
            return Err(Error::new(format!("cannot keep {}: it is neither a file nor a link", path.display()))
                .ending(Exit::Conflict)
                .hint("move it away, then install again"));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        Ok(Some(Snapshot::File { mode, bytes: Text(fs::read(path).context(what())?) }))
    }

    /// Puts it at `path`: there is at every moment either what stood there before or all of this, also after a power cut.
    pub fn put(&self, path: &Path) -> Result<()> {
        let what = || format!("cannot write {}", path.display());
        let folder = path.parent().context(what())?;
        match self {
            Snapshot::File { mode, bytes } => {
                let mut file = unfinished_file(folder).context(what())?;
                file.write_all(&bytes.0).context(what())?;
                file.as_file().set_permissions(Permissions::from_mode(*mode)).context(what())?;
                file.as_file().sync_all().context(what())?;
                file.persist(path).map_err(|error| error.error).context(what())?;
            }
            Snapshot::Link { target } => {
                let link = unfinished_link(folder, &target.to_path()).context(what())?;
                link.persist(path).map_err(|error| error.error).context(what())?;
            }
        }
        sync_folder(folder)
    }

    /// The SHA-256 of the bytes or of the link's text, in hexadecimal digits.
    pub fn digest(&self) -> String {
        let (Snapshot::File { bytes, .. } | Snapshot::Link { target: bytes }) = self;
        Sha256::digest(&bytes.0).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether anybody might execute it: a file with such a bit. Of a link that is not known.
    pub fn may_run(&self) -> bool {
        matches!(self, Snapshot::File { mode, .. } if mode & 0o111 != 0)
    }

    /// What the file holds; a link holds nothing of its own.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Snapshot::File { bytes, .. } => &bytes.0,
            Snapshot::Link { .. } => &[],
        }
    }
}

/// Makes renames and removals in a folder durable.
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|file| file.sync_all()).context(format!("cannot sync {}", folder.display()))
}

/// Removes a file durably; one that is not there is no error.
pub fn remove(path: &Path) -> Result<()> {
    path.parent().map(remove_unfinished);
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
        Err(error) => Err(error).context(format!("cannot remove {}", path.display())),
    }
}

/// Whether git would start what stands here: a file, reached through links or not, that this user may execute.
pub fn is_runnable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
        && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_with_its_bytes_and_mode() {
        check(&Snapshot::File { mode: 0o4751, bytes: Text(b"\xff\0bytes\r\n".to_vec()) });
        check(&Snapshot::File { mode: 0o600, bytes: Text(Vec::new()) });
    }

    #[test]
    fn a_link_comes_back_even_when_it_leads_nowhere() {
        check(&Snapshot::Link { target: Text(b"../nowhere/\xfe".to_vec()) });
    }

    #[test]
    fn a_folder_is_a_conflict() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Snapshot::take(folder.path()).unwrap_err().exit, Exit::Conflict);
    }

    /// Writes it over something else, reads it back, and takes it through JSON.
    fn check(snapshot: &Snapshot) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pre-push");
        assert_eq!(Snapshot::take(&path).unwrap(), None);
        fs::write(&path, "before").unwrap();
        snapshot.put(&path).unwrap();
        assert_eq!(Snapshot::take(&path).unwrap().as_ref(), Some(snapshot));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a temporary file was left");
        let json = serde_json::to_string(snapshot).unwrap();
        assert_eq!(&serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
    }
}

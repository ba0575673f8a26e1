//! Whether a file on disk is what it has to be: read back and hashed, of the right kind, with the right executable bit.
//!
//! Deliberately absent: sizes, times and any index. A file that cannot be told from the tree's own by its bytes alone is not trusted.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use crate::error::{Context as _, Result};
use crate::git::{Entry, ObjectFormat, Oid};

/// What is read of a file at once.
const BUFFER: usize = 64 * 1024;

/// A thread's own buffer for reading files.
pub(super) fn buffer() -> Vec<u8> {
    vec![0; BUFFER]
}

/// How the file differs from the entry; `None` where it does not. Links are not followed and nothing but files is opened.
pub(super) fn difference(
    format: ObjectFormat,
    file: &Path,
    entry: &Entry,
    buffer: &mut [u8],
) -> Result<Option<&'static str>> {
    let what = || format!("cannot read {}", file.display());
    let found = match file.symlink_metadata() {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Some("it is gone"));
        }
        Err(error) => return Err(error).context(what()),
    };
    let id = match entry.mode {
        0o120_000 if found.is_symlink() => {
            let target = file.read_link().context(what())?.into_os_string().into_encoded_bytes();
            format.blob_id(&target)?
        }
        0o100_644 | 0o100_755 if found.is_file() => {
            let wanted = entry.mode & 0o100 != 0;
            if wanted != (found.permissions().mode() & 0o100 != 0) {
                return Ok(Some("its executable bit differs"));
            }
            match id_on_disk(format, file, buffer) {
                Ok(id) => id,
                // Without permission to read, or no longer a file: it was met with, and what it holds does not matter.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(Some("it cannot be read")),
                Err(error) => return Err(error).context(what()),
            }
        }
        _ => return Ok(Some("it is of another kind")),
    };
    Ok((id != entry.id).then_some("its content differs"))
}

/// The id that a regular file's bytes have as a blob, read piece by piece.
pub(super) fn id_on_disk(format: ObjectFormat, file: &Path, buffer: &mut [u8]) -> io::Result<Oid> {
    // What became a FIFO meanwhile must not make us wait, and a link must not lead us away.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(file)?;
    let size = file.metadata()?.size();
    let mut hasher = BlobHasher::new(format, size);
    let mut left = size;
    while left > 0 {
        let read = file.read(buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        left = left.saturating_sub(read as u64);
    }
    hasher.finish()
}

/// The id of a blob whose bytes come piece by piece.
pub(super) struct BlobHasher(gix::hash::Hasher);

impl BlobHasher {
    /// Of a blob of this length in bytes.
    pub(super) fn new(format: ObjectFormat, length: u64) -> Self {
        let mut hasher = gix::hash::hasher(format.as_gix());
        hasher.update(format!("blob {length}\0").as_bytes());
        BlobHasher(hasher)
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> io::Result<Oid> {
        let id = self.0.try_finalize().map_err(io::Error::other)?;
        Oid::from_gix(id).ok_or_else(|| io::Error::other("its hash is zero"))
    }
}

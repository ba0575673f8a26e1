//! Whether a file on disk is what it has to be: read back and hashed, of the right kind, with the right executable bit.
//!
//! Deliberately absent: sizes and times as a reason to believe anything, and any index. A file that cannot be told from the tree's own by its bytes alone is not trusted.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::error::{Context as _, Result};
use crate::git::{Entry, ObjectFormat, Oid};

/// What is read of a file at once.
const BUFFER: usize = 64 * 1024;

const OTHER_KIND: &str = "it is of another kind";
const OTHER_CONTENT: &str = "its content differs";

/// A thread's own buffer for reading files.
pub(super) fn buffer() -> Vec<u8> {
    vec![0; BUFFER]
}

/// What reading a file back shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBack<T> {
    /// It is as it has to be; with what was noted of it before its bytes were read, so that whatever changes it later shows.
    Same(T),
    /// It is not, and how.
    Differs(&'static str),
}

/// Reads a file back. Links are not followed and nothing but files is opened.
pub(super) fn read_back(
    format: ObjectFormat,
    file: &Path,
    entry: &Entry,
    buffer: &mut [u8],
) -> Result<ReadBack<Metadata>> {
    let looked = match entry.mode {
        0o120_000 => read_link_back(format, file, entry),
        0o100_644 | 0o100_755 => read_file_back(format, file, entry, buffer),
        _ => return Ok(ReadBack::Differs(OTHER_KIND)),
    };
    match looked {
        Ok(found) => Ok(found),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(ReadBack::Differs("it is gone"))
        }
        Err(error) => Err(error).context(format!("cannot read {}", file.display())),
    }
}

fn read_link_back(format: ObjectFormat, file: &Path, entry: &Entry) -> io::Result<ReadBack<Metadata>> {
    let found = file.symlink_metadata()?;
    if !found.is_symlink() {
        return Ok(ReadBack::Differs(OTHER_KIND));
    }
    let target = file.read_link()?.into_os_string().into_encoded_bytes();
    let id = format.blob_id(&target).map_err(io::Error::other)?;
    Ok(if id == entry.id { ReadBack::Same(found) } else { ReadBack::Differs(OTHER_CONTENT) })
}

/// Opened at once, and looked at afterwards: one call less for each file, and nothing can change in between.
fn read_file_back(
    format: ObjectFormat,
    file: &Path,
    entry: &Entry,
    buffer: &mut [u8],
) -> io::Result<ReadBack<Metadata>> {
    let open = match open(file) {
        Ok(open) => open,
        // Without permission to read it was met with, and what it holds does not matter.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Ok(ReadBack::Differs("it cannot be read"));
        }
        // A link, a socket.
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::LOOP | Errno::NXIO)) => {
            return Ok(ReadBack::Differs(OTHER_KIND));
        }
        Err(error) => return Err(error),
    };
    let found = open.metadata()?;
    if !found.is_file() {
        return Ok(ReadBack::Differs(OTHER_KIND));
    }
    if (entry.mode & 0o100 != 0) != (found.permissions().mode() & 0o100 != 0) {
        return Ok(ReadBack::Differs("its executable bit differs"));
    }
    let id = id_of(format, &open, found.size(), buffer)?;
    Ok(if id == entry.id { ReadBack::Same(found) } else { ReadBack::Differs(OTHER_CONTENT) })
}

/// What became a FIFO must not make us wait, and a link must not lead us away.
fn open(file: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(file)
}

/// The id that a regular file's bytes have as a blob, read piece by piece.
pub(super) fn id_on_disk(format: ObjectFormat, file: &Path, buffer: &mut [u8]) -> io::Result<Oid> {
    let open = open(file)?;
    let size = open.metadata()?.size();
    id_of(format, &open, size, buffer)
}

fn id_of(format: ObjectFormat, mut file: &File, size: u64, buffer: &mut [u8]) -> io::Result<Oid> {
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

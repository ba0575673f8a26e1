//! Large files that a repository stores elsewhere: the pointer in the tree, and its content in the user's own LFS storage.
//!
//! The format is that of `docs/spec.md` of git-lfs. Content is taken from the storage as a file: its name there is its SHA-256, which
//! is checked, so that the program `git-lfs` is not needed and nothing is downloaded behind the user's back.
//!
//! Deliberately absent: extensions of pointers, and any network.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use bstr::{BStr, ByteSlice as _};
use sha2::{Digest as _, Sha256};

use super::{compare, write};
use crate::error::{Context as _, Error, Result};
use crate::git::{Entry, ObjectFormat, Repository};

/// The first line of a pointer.
const VERSION: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// A pointer is smaller than this.
const MAX_LENGTH: usize = 1024;

/// What a pointer says of the content that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    /// The content's SHA-256, 64 hexadecimal digits.
    pub(super) sha256: String,
    /// Its length in bytes.
    pub(super) size: u64,
}

impl Pointer {
    /// Reads a well-formed pointer; `None` for anything else. One with extensions is a pointer too.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() >= MAX_LENGTH {
            return None;
        }
        let rest = bytes.strip_prefix(VERSION)?;
        let (mut sha256, mut size) = (None, None);
        for line in rest.lines() {
            match line.split_once_str(" ")? {
                (b"oid", value) => sha256 = Some(digest(value.strip_prefix(b"sha256:")?)?),
                (b"size", value) => size = Some(value.to_str().ok()?.parse().ok()?),
                (key, _) => key.starts_with(b"ext-").then_some(())?,
            }
        }
        Some(Pointer { sha256: sha256?, size: size? })
    }
}

fn digest(hex: &[u8]) -> Option<String> {
    let is_hex = hex.len() == 64 && hex.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| hex.to_str_lossy().into_owned())
}

/// The folder that holds the content of large files.
#[derive(Clone, Debug)]
pub(super) struct Storage(PathBuf);

impl Storage {
    /// The repository's: where `lfs.storage` says, else `lfs` in its git directory.
    pub(super) fn of(repository: &Repository) -> Result<Self> {
        let common = repository.common_dir();
        Ok(Storage(match repository.setting("lfs.storage")? {
            Some(folder) if !folder.is_empty() => common.join(folder),
            Some(_) | None => common.join("lfs"),
        }))
    }

    /// Where content lies.
    pub(super) fn path_of(&self, pointer: &Pointer) -> PathBuf {
        let name = &pointer.sha256;
        self.0.join("objects").join(&name[..2]).join(&name[2..4]).join(name)
    }

    /// Writes a pointer's content to `file`, where nothing lies yet, and gives back the entry that the file has on disk.
    pub(super) fn fill(
        &self,
        format: ObjectFormat,
        pointer: &Pointer,
        path: &BStr,
        mode: u16,
        file: &Path,
    ) -> Result<Entry> {
        let what = || format!("cannot check out {path}");
        let Ok(mut content) = File::open(self.path_of(pointer)) else {
            return Err(Error::new(format!("{}: its content is in LFS and not here (oid {})", what(), pointer.sha256))
                .hint("git lfs fetch")
                .hint(
                    "then run again; content is taken from the repository's own LFS storage, never downloaded here",
                ));
        };
        let mut to = write::create(file, mode).context(what())?;
        // Both at once: by the one it is the pointer's content, by the other the file is known again later.
        let (mut sha256, mut blob) = (Sha256::new(), compare::BlobHasher::new(format, pointer.size));
        let (mut buffer, mut length) = (compare::buffer(), 0);
        loop {
            let read = content.read(&mut buffer).context(what())?;
            if read == 0 {
                break;
            }
            sha256.update(&buffer[..read]);
            blob.update(&buffer[..read]);
            to.write_all(&buffer[..read]).context(what())?;
            length += read as u64;
        }
        let found: String = sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if found != pointer.sha256 || length != pointer.size {
            return Err(Error::new(format!("{}: its content in LFS is damaged (oid {})", what(), pointer.sha256))
                .hint("'git lfs fsck' names what is wrong; 'git lfs fetch' brings it again"));
        }
        Ok(Entry { mode, id: blob.finish().context(what())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OID: &str = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

    #[test]
    fn a_pointer_is_known_by_its_whole_form_only() {
        let good = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n");
        assert_eq!(Pointer::read(good.as_bytes()), Some(Pointer { sha256: OID.to_owned(), size: 12345 }));
        let extended = good.replace("oid ", &format!("ext-0-mend sha256:{OID}\noid "));
        assert!(Pointer::read(extended.as_bytes()).is_some());
        let no_size = good.split("size").next().unwrap();
        for other in [
            &good[1..],
            no_size,
            &good.replace("sha256:4", "sha256:Z"),
            &good.replace("12345", "-1"),
            &good.replace("size", "length"),
            &format!("{good}{}", " ".repeat(MAX_LENGTH)),
            &format!("{good}and so on\n"),
            "",
        ] {
            assert_eq!(Pointer::read(other.as_bytes()), None, "{other}");
        }
    }
}

//! Writing many blobs as files: by as many threads as there are cores, each with an object store of its own.
//!
//! Deliberately absent: attributes. Only files whose bytes no attribute changes come here; the others go through git.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice as _};
use gix::index::entry::Stat;
use gix::objs::Find as _;
use rustix::fs::OFlags;

use super::lfs;
use crate::error::{Context as _, Error, Result};
use crate::git::objects::{DAMAGED, MISSING};
use crate::git::{Entry, ObjectFormat, Oid};
use crate::threads;

/// What each thread keeps of decoded objects, in bytes: objects of a pack are told as differences from others.
const PACK_CACHE: usize = 16 * 1024 * 1024;

/// Where blobs come from: a folder of objects, opened once by each thread.
#[derive(Clone, Debug)]
pub(super) struct Blobs {
    pub(super) objects: PathBuf,
    pub(super) format: ObjectFormat,
}

/// An open store and the buffer that objects are read into.
pub(super) struct OpenBlobs {
    store: gix::odb::Handle,
    buffer: Vec<u8>,
}

/// What was seen of a file while it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Its own content.
    Content,
    /// A pointer to content that is stored elsewhere.
    Pointer,
}

impl Blobs {
    pub(super) fn open(&self) -> Result<OpenBlobs> {
        let mut store = gix::odb::at_opts(
            self.objects.clone(),
            self.format.as_gix(),
            [],
            gix::odb::store::init::Options::default(),
        )
        .context("cannot open the object store")?;
        store.set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(PACK_CACHE)));
        Ok(OpenBlobs { store, buffer: Vec::new() })
    }
}

impl OpenBlobs {
    /// A blob's bytes. The path is for the error only.
    pub(super) fn read(&mut self, path: &BStr, id: Oid) -> Result<&[u8]> {
        let what = || format!("cannot check out {path}");
        self.buffer.clear();
        let found =
            self.store.try_find(id.as_gix(), &mut self.buffer).context(what()).map_err(|error| error.hint(DAMAGED))?;
        match found {
            Some(found) if found.kind == gix::objs::Kind::Blob => Ok(&self.buffer),
            Some(_) => Err(Error::new(format!("{}: its content {id} is no blob", what()))),
            None => Err(Error::new(format!("{}: its content {id} is not here", what())).hint(MISSING)),
        }
    }
}

/// Makes the folders that hold the paths, which come sorted. They are made before any file, so that none of them can be a link.
pub(super) fn make_folders<'a>(top: &Path, paths: impl Iterator<Item = &'a BStr>) -> Result<()> {
    let mut last = BString::default();
    for path in paths {
        let folder = &path[..path.rfind_byte(b'/').unwrap_or(0)];
        if folder == last.as_slice() {
            continue;
        }
        let shared = last.iter().zip(folder.iter()).take_while(|(a, b)| a == b).count();
        for end in folder.find_iter("/").chain([folder.len()]).filter(|end| *end >= shared && *end > 0) {
            make_folder(top, folder[..end].as_bstr())?;
        }
        last = folder.into();
    }
    Ok(())
}

/// One that stands there already is fine: paths are sorted by bytes, so that `a-b` comes between `a` and `a/c`.
pub(super) fn make_folder(top: &Path, folder: &BStr) -> Result<()> {
    match fs::create_dir(top.join(OsStr::from_bytes(folder))) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error).context(format!("cannot make the folder {folder}")),
    }
}

/// Writes the files of a part below `top`, whose folders stand. Gives back how each lies there, in order.
pub(super) fn write_all(blobs: &Blobs, top: &Path, files: &[&(BString, Entry)]) -> Result<Vec<(Stat, Holds)>> {
    threads::share_out(files, || blobs.open(), |open, (path, entry)| write_one(open, top, path.as_bstr(), entry))
}

/// Writes one file, where nothing lies yet.
pub(super) fn write_one(blobs: &mut OpenBlobs, top: &Path, path: &BStr, entry: &Entry) -> Result<(Stat, Holds)> {
    let bytes = blobs.read(path, entry.id)?;
    let file = top.join(OsStr::from_bytes(path));
    let what = || format!("cannot write {path}");
    if entry.mode == 0o120_000 {
        symlink(OsStr::from_bytes(bytes), &file).context(what())?;
        return Ok((stat_of(&file).context(what())?, Holds::Content));
    }
    let mut open = create(&file, entry.mode).context(what())?;
    open.write_all(bytes).context(what())?;
    let found = gix::index::fs::Metadata::from_file(&open).context(what())?;
    let holds = if lfs::Pointer::read(bytes).is_some() { Holds::Pointer } else { Holds::Content };
    Ok((Stat::from_fs(&found).context(what())?, holds))
}

/// Makes a file where nothing lies yet, with the permissions that a tree's mode stands for.
pub(super) fn create(file: &Path, mode: u16) -> io::Result<fs::File> {
    let permissions = if mode & 0o100 == 0 { 0o666 } else { 0o777 };
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(permissions)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(file)
}

/// How a file lies on disk, as an index has it.
pub(super) fn stat_of(file: &Path) -> io::Result<Stat> {
    let found = gix::index::fs::Metadata::from_path_no_follow(file)?;
    Stat::from_fs(&found).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_is_made_once_whatever_sorts_between_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a/b/c/file", "a/b-c/file", "a/b/d", "a.b/file", "file"].map(BString::from);
        let mut sorted = paths.clone();
        sorted.sort();
        make_folders(folder.path(), sorted.iter().map(|path| path.as_bstr())).unwrap();
        for path in &paths {
            fs::write(folder.path().join(OsStr::from_bytes(path)), "x").unwrap();
        }
    }

    #[test]
    fn a_file_is_never_written_through_a_link_nor_over_another() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("there"), "old").unwrap();
        symlink("there", folder.path().join("link")).unwrap();
        for name in ["there", "link"] {
            assert!(create(&folder.path().join(name), 0o100_644).is_err());
        }
        assert_eq!(fs::read(folder.path().join("there")).unwrap(), b"old");
    }
}

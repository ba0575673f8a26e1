//! The index on the disk: read where it is whole, written by one program at a time, each file renamed into its place.
//!
//! Deliberately absent: waiting. Who finds another program writing goes without; the other wrote what was to be written.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::pages::{self, Name, Pages};
use super::table::{InMemory, Rows as _, Table};
use super::{Index, head};
use crate::digest::Digest;
use crate::error::{Context as _, Error, Result};
use crate::git::{Oid, Repository, make_own_dir, unfinished_file};

/// Commits in the small file, at most: it is read at each start, and written at each append.
#[cfg(not(test))]
const IN_HEAD: usize = 512;
#[cfg(test)]
const IN_HEAD: usize = 8;
/// How often the files are looked at anew because another program wrote them meanwhile.
const ATTEMPTS: usize = 5;

/// What the disk holds of an index.
pub(in crate::records) struct Stored {
    /// The index, where it is whole as far as it was read.
    pub index: Option<Index>,
    /// Where each log ended, even where the rest is damaged.
    pub seen: BTreeMap<String, Oid>,
    /// The digest of the small file, where that is whole.
    head: Option<Digest>,
}

impl Stored {
    /// Reads what is there.
    pub(in crate::records) fn read(repository: &Repository) -> Self {
        let empty = Index::empty(repository.object_format());
        let mut stored = Stored { index: None, seen: BTreeMap::new(), head: None };
        for _ in 0..ATTEMPTS {
            let Some((digest, head)) = read_head(repository, empty.id) else { break };
            // The large file is gone where another program has written a new one since; then the small file is another too.
            if stored.head == Some(digest) {
                break;
            }
            (stored.head, stored.seen) = (Some(digest), head.state.seen.clone());
            let pages = head.pages.map(|name| Pages::open(&path_of_pages(repository, name), name, empty.id));
            if let Ok(pages) = pages.transpose() {
                stored.index =
                    Some(Index { id: empty.id, state: head.state, rows: head.rows, pages: pages.map(Rc::new) });
                break;
            }
        }
        stored
    }

    /// Writes an index in the place of this one, unless another program wrote meanwhile.
    pub(in crate::records) fn replace(&self, repository: &Repository, index: &Index) -> Result<()> {
        make_own_dir(&repository.own_dir())?;
        let Some(_lock) = lock(repository)? else { return Ok(()) };
        if read_head(repository, index.id).map(|(digest, _)| digest) != self.head {
            return Ok(());
        }
        let path = path_of(repository);
        let old = index.pages.as_deref().map(Pages::name);
        if index.rows.count(Table::Nodes) <= IN_HEAD {
            write(&path, &head::render(&index.state, &index.rows, index.id, old))?;
            return remove_others(repository, old);
        }
        let name = new_name()?;
        let large = path_of_pages(repository, name);
        write_pages(&large, name, index)?;
        let no_rows = InMemory::empty(index.id);
        if let Err(error) = write(&path, &head::render(&index.state, &no_rows, index.id, Some(name))) {
            drop(fs::remove_file(large));
            return Err(error);
        }
        remove_others(repository, Some(name))
    }
}

fn path_of(repository: &Repository) -> PathBuf {
    repository.own_dir().join("index")
}

fn path_of_pages(repository: &Repository, name: Name) -> PathBuf {
    repository.own_dir().join(format!("index.{}", name.hex()))
}

fn read_head(repository: &Repository, id: usize) -> Option<(Digest, head::Head)> {
    let bytes = fs::read(path_of(repository)).ok()?;
    let head = head::parse(&bytes, id)?;
    Some((Digest::of(&bytes), head))
}

/// `None` where another program is writing. The lock dies with its process.
fn lock(repository: &Repository) -> Result<Option<File>> {
    let path = repository.own_dir().join("index.lock");
    let what = || format!("cannot lock {}", path.display());
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).context(what())?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error).context(what()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    let mut file = unfinished_file(path.parent().context(what())?).context(what())?;
    file.write_all(bytes).context(what())?;
    file.persist(path).map_err(|error| error.error).context(what())?;
    Ok(())
}

fn write_pages(path: &Path, name: Name, index: &Index) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    let file = unfinished_file(path.parent().context(what())?).context(what())?;
    let mut buffered = BufWriter::with_capacity(1 << 20, file);
    pages::write(&mut buffered, name, index.id, index.pages.as_deref(), &index.rows)
        .ok_or_else(|| Error::new(what()))?;
    let file = buffered.into_inner().map_err(std::io::IntoInnerError::into_error).context(what())?;
    file.persist(path).map_err(|error| error.error).context(what())?;
    Ok(())
}

fn new_name() -> Result<Name> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("cannot get random bytes from the system")?;
    Ok(Name(bytes))
}

/// Removes large files that no small one names: older ones, and those of programs that were killed.
fn remove_others(repository: &Repository, but: Option<Name>) -> Result<()> {
    for entry in fs::read_dir(repository.own_dir()).context("cannot list the gate's own folder")?.flatten() {
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| Name::parse(name.strip_prefix("index.")?));
        if name.is_some() && name != but {
            drop(fs::remove_file(entry.path()));
        }
    }
    Ok(())
}

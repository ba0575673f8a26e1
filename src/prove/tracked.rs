//! The tree's files in a workspace: what each must hold, and which of them a suite changed.
//!
//! Deliberately absent: git. What a suite may have done to any repository's index, attributes or filters plays no part: every file's
//! bytes were noted before the first child was started.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice as _};

use super::stamp::{Clock, Kind, Stamp};
use crate::error::{Context as _, Error, Result};
use crate::evidence::Noticed;
use crate::git::{Entry, ObjectFormat, Oid};
use crate::threads::share_out;

/// Paths that are named; what differs beside them is counted.
const NAMED: usize = 20;

/// The folder of a lane that holds the tree.
const TREE: &str = "tree";

/// The tree's files as they lie in a folder.
pub(super) struct Tracked {
    folder: PathBuf,
    format: ObjectFormat,
    top: Stamp,
    files: Vec<TrackedFile>,
    clock: Clock,
}

struct TrackedFile {
    path: BString,
    /// The id that its bytes on disk have as a blob: another one than the tree's where attributes ask for other line ends.
    on_disk: Oid,
    stamp: Stamp,
}

/// A file of the tree that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) path: BString,
    pub(super) how: String,
}

impl Tracked {
    /// Notes a checkout that was just found to be the tree's; `files` gives each the id that its bytes on disk have, and `stamps` how each
    /// lay there before it was read. No child of the proof may have been started yet.
    pub(super) fn note(
        folder: &Path,
        format: ObjectFormat,
        files: &[(BString, Entry)],
        stamps: Vec<Stamp>,
    ) -> Result<Self> {
        debug_assert_eq!(files.len(), stamps.len(), "every file has its stamp");
        let tracked = |((path, entry), stamp): (&(BString, Entry), _)| TrackedFile {
            path: path.clone(),
            on_disk: entry.id,
            stamp,
        };
        let files = files.iter().zip(stamps).map(tracked).collect();
        let top = fs::symlink_metadata(folder).context(format!("cannot read {}", folder.display()))?;
        let (top, mut clock) = (Stamp::of(&top), Clock::of(folder)?);
        clock.step()?;
        Ok(Tracked { folder: folder.into(), format, top, files, clock })
    }

    /// Whether a path below the folder is one of the tree's files.
    pub(super) fn contains(&self, path: &BStr) -> bool {
        self.files.binary_search_by(|file| file.path.as_bstr().cmp(path)).is_ok()
    }

    /// The same for a path below the folder that holds the whole lane.
    pub(super) fn contains_path(&self, path: &Path) -> bool {
        path.strip_prefix(TREE).is_ok_and(|path| self.contains(path.as_os_str().as_bytes().as_bstr()))
    }

    /// The tree's files below a folder, by their paths in the tree.
    pub(super) fn below(&self, folder: &str) -> impl Iterator<Item = &BStr> {
        let folder = format!("{}/", folder.trim_end_matches('/'));
        self.files.iter().map(|file| file.path.as_bstr()).filter(move |path| path.starts_with(folder.as_bytes()))
    }

    /// The bytes of one of the tree's files, at most so many. They are read from the workspace and believed only if they hash to what
    /// the tree says, so they are those of the commit, whatever a suite did; that way files that are stored elsewhere can be had too.
    pub(super) fn read(&self, path: &BStr, at_most: u64) -> Result<Vec<u8>, String> {
        let found = self.files.binary_search_by(|file| file.path.as_bstr().cmp(path));
        let file = found.map(|at| &self.files[at]).map_err(|_| "it is no file of the tree".to_owned())?;
        if file.stamp.kind() != Kind::File || file.stamp.size() > at_most {
            return Err(format!("it is no regular file of at most {at_most} bytes"));
        }
        let place = self.folder.join(OsStr::from_bytes(path));
        let bytes = read_plain(&place, file.stamp.size()).map_err(|error| error.to_string())?;
        match self.format.blob_id(&bytes) {
            Ok(id) if id == file.on_disk => Ok(bytes),
            Ok(_) => Err("it was changed in the workspace".to_owned()),
            Err(error) => Err(error.message),
        }
    }

    /// Waits until whatever changes from now on shows.
    pub(super) fn clock_step(&mut self) -> Result<()> {
        self.clock.step()
    }

    /// Every file that is not what it was, in the tree's order.
    ///
    /// A file whose stamp is the one that it was hashed under is not read again: no child ran between the look and the clock's next
    /// step, so whatever wrote to it since then left another ctime, which no program can set back.
    pub(super) fn differences(&mut self) -> Result<Vec<Difference>> {
        let top = fs::symlink_metadata(&self.folder).map(|found| Stamp::of(&found));
        if !top.is_ok_and(|top| top.is_same_folder(&self.top)) {
            return Ok(vec![Difference {
                path: ".".into(),
                how: "the folder itself was replaced or removed".to_owned(),
            }]);
        }
        let real = self.real_folders();
        let found = share_out(&self.files, || Ok(()), |(), file| Ok(self.look_at(file, &real)))?;
        let mut differences = Vec::new();
        let mut touched = false;
        for (file, found) in self.files.iter_mut().zip(found) {
            match found {
                Found::AsBefore => {}
                Found::Touched(stamp) => {
                    touched = true;
                    file.stamp = stamp;
                }
                Found::Differs(how) => differences.push(Difference { path: file.path.clone(), how }),
            }
        }
        if touched {
            self.clock.step()?;
        }
        Ok(differences)
    }

    /// The folders above files of the tree that are folders and not links to some.
    fn real_folders(&self) -> HashSet<&BStr> {
        let mut real = HashSet::from([b"".as_bstr()]);
        let mut seen = HashSet::new();
        for file in &self.files {
            for end in file.path.find_iter("/") {
                let folder = file.path[..end].as_bstr();
                if !seen.insert(folder) {
                    continue;
                }
                let is_folder =
                    fs::symlink_metadata(self.folder.join(OsStr::from_bytes(folder))).is_ok_and(|found| found.is_dir());
                if is_folder && real.contains(parent(folder)) {
                    real.insert(folder);
                }
            }
        }
        real
    }

    fn look_at(&self, file: &TrackedFile, real: &HashSet<&BStr>) -> Found {
        let differs = |how: &str| Found::Differs(how.to_owned());
        if !real.contains(parent(file.path.as_bstr())) {
            return differs("its folder is gone, or a link to another place");
        }
        let path = self.folder.join(OsStr::from_bytes(&file.path));
        let stamp = match fs::symlink_metadata(&path) {
            Ok(found) => Stamp::of(&found),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return differs("it is gone"),
            Err(error) => return Found::Differs(format!("it cannot be looked at: {error}")),
        };
        if stamp == file.stamp {
            return Found::AsBefore;
        }
        if stamp.kind() != file.stamp.kind() {
            return differs("it is of another kind");
        }
        if stamp.is_executable() != file.stamp.is_executable() {
            return differs("its executable bit differs");
        }
        if stamp.size() != file.stamp.size() {
            return Found::Differs(format!("{} bytes in place of {}", stamp.size(), file.stamp.size()));
        }
        match content_id(&path, &stamp, self.format) {
            Ok(Some(id)) if id == file.on_disk => Found::Touched(stamp),
            Ok(_) => differs("its content differs"),
            Err(error) => Found::Differs(format!("it cannot be read: {error}")),
        }
    }

    /// Removes whatever stands in the way of files that differ, so that a checkout writes them anew.
    pub(super) fn clear(&self, differences: &[Difference]) -> std::io::Result<()> {
        for difference in differences {
            let path = self.folder.join(OsStr::from_bytes(&difference.path));
            super::removal::remove(&path)?;
        }
        Ok(())
    }
}

/// What a look at a file of the tree shows.
enum Found {
    AsBefore,
    /// Written again with the same bytes.
    Touched(Stamp),
    Differs(String),
}

/// What the judge hears of differences: some by name, the rest counted.
pub(super) fn noticed(differences: &[Difference]) -> Vec<Noticed> {
    let (named, counted) = differences.split_at(differences.len().min(NAMED));
    let mut noticed: Vec<Noticed> = named
        .iter()
        .map(|difference| Noticed::TreeChanged { path: difference.path.to_string(), how: difference.how.clone() })
        .collect();
    if !counted.is_empty() {
        let path = format!("and {} more", counted.len());
        noticed.push(Noticed::TreeChanged { path, how: "they differ too".to_owned() });
    }
    noticed
}

fn parent(path: &BStr) -> &BStr {
    path.rfind_byte(b'/').map_or(b"".as_bstr(), |end| path[..end].as_bstr())
}

/// The id of a file's bytes or a link's target as a blob; `None` where it is neither, or changed its kind since it was looked at.
fn content_id(path: &Path, stamp: &Stamp, format: ObjectFormat) -> Result<Option<Oid>> {
    let bytes = match stamp.kind() {
        Kind::Link => fs::read_link(path).map(|target| target.into_os_string().into_encoded_bytes()),
        Kind::File => read_plain(path, stamp.size()),
        Kind::Folder | Kind::Other => return Ok(None),
    };
    let bytes = bytes.map_err(|error| Error::new(error.to_string()))?;
    format.blob_id(&bytes).map(Some)
}

/// A regular file's bytes, one more than `size` at most. Nothing is followed and nothing waits for a pipe's other end.
fn read_plain(path: &Path, size: u64) -> std::io::Result<Vec<u8>> {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(size + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_differences_some_are_named_and_the_others_counted() {
        let difference =
            |number: usize| Difference { path: format!("file-{number}").into(), how: "it is gone".to_owned() };
        let noticed = |count: usize| noticed(&(0..count).map(difference).collect::<Vec<_>>());
        assert_eq!(noticed(0), []);
        assert_eq!(noticed(NAMED).len(), NAMED);
        let many = noticed(50_000);
        assert_eq!(many.len(), NAMED + 1);
        let counted = Noticed::TreeChanged { path: "and 49980 more".to_owned(), how: "they differ too".to_owned() };
        assert_eq!(many.last(), Some(&counted));
    }
}

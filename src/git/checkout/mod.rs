//! Writing a tree's files into a folder through git directories of the gate's own, away from the user's settings, index and hooks.
//!
//! Files whose bytes no attribute can change are written by the gate itself, as many at once as there are cores; the others by git.
//!
//! Deliberately absent: `git archive` (drops `export-ignore` files), `git worktree add` (shares configuration, refs and hooks),
//! `git submodule` (writes into the user's repository), and filter drivers that the policy does not name.

mod compare;
mod conversion;
mod draft;
mod isolate;
mod lfs;
mod own;
mod part;
mod remark;
mod settings;
mod submodules;
mod write;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice as _};

use super::{Entry, Oid, Pin, Repository};
use crate::error::{Context as _, Error, Result};
use crate::threads;

pub use compare::ReadBack;
pub use part::Head;
use part::{Part, absolute};
pub use remark::Remark;
use write::Blobs;

/// A mode that stands for a submodule.
const GITLINK: u16 = 0o160_000;

/// Submodules of one tree with all of theirs, at most.
const MAX_PARTS: usize = 1000;

/// What is to be checked out.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The tree.
    pub tree: Oid,
    /// What `HEAD` will be in the repository that suites see.
    pub head: Head,
    /// The filter drivers that may run, by name.
    pub filters: &'a [String],
}

/// A folder that holds a tree's files, with the gate's own git directories elsewhere.
#[derive(Debug)]
pub struct Checkout {
    folder: PathBuf,
    /// The tree's own part first, then its submodules', each behind the part that names it.
    parts: Vec<Part>,
    files: Vec<(BString, Entry)>,
    /// Where the bytes of those files are kept that are not their blobs'.
    kept: BTreeMap<BString, PathBuf>,
    remarks: Vec<Remark>,
    /// What is borrowed from, for as long as this lives.
    pins: Vec<Pin>,
}

impl Repository {
    /// Writes the files of a tree, and those of its submodules, into the empty `folder`, with `git_dir` as the gate's own git directory.
    ///
    /// An error names what is not here: a file's content, a submodule's commit, a filter's commands.
    pub fn check_out(&self, wanted: &Wanted<'_>, git_dir: &Path, folder: &Path) -> Result<Checkout> {
        // Before anything is read: from here on no 'git gc' takes what the proof needs.
        let pinned = match &wanted.head {
            Head::Parentless => wanted.tree,
            Head::History(commit) | Head::Above(commit) | Head::Detached(commit) => *commit,
        };
        let pins = vec![self.pin(pinned)?];
        let part = Part::make(self, git_dir, folder, BString::default(), wanted.tree, wanted.head.clone())?;
        let mut checkout = Checkout {
            folder: folder.into(),
            parts: Vec::new(),
            files: Vec::new(),
            kept: BTreeMap::new(),
            remarks: Vec::new(),
            pins,
        };
        checkout.add(self, part, self.work_tree(), wanted.filters)?;
        checkout.files.sort_by(|a, b| a.0.cmp(&b.0));
        checkout.remarks.sort();
        Ok(checkout)
    }
}

impl Checkout {
    /// Writes a part and, below it, its submodules.
    fn add(&mut self, repository: &Repository, part: Part, top: Option<&Path>, filters: &[String]) -> Result<()> {
        if self.parts.len() >= MAX_PARTS {
            return Err(Error::new(format!("cannot check out submodules: there are more than {MAX_PARTS}")));
        }
        let files = part.read_tree(repository)?;
        let modules = submodules::submodules(repository, &files, part.below.as_bstr(), top)?;
        let written = part.write(repository, &files, filters, &mut self.remarks)?;
        self.files.extend(written.files);
        self.kept.extend(written.kept);
        let (folder, below) = (part.folder.clone(), part.below.clone());
        self.parts.push(part);
        for module in modules {
            let path = module.path.as_bstr();
            self.pins.push(module.repository.pin(module.commit)?);
            let git_dir = self.parts[0].git_dir.join(format!("part-{}", self.parts.len()));
            let below: BString = [below.as_slice(), path, b"/"].concat().into();
            let folder = absolute(&folder, path);
            let head = Head::Detached(module.commit);
            let part = Part::make(&module.repository, &git_dir, &folder, below, module.tree, head)?;
            self.add(&module.repository, part, submodules::work_tree_of(top, path).as_deref(), filters)?;
        }
        Ok(())
    }

    /// The tree that was checked out.
    pub fn tree(&self) -> Oid {
        self.parts[0].tree
    }

    /// The folder that holds its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every file that has to lie in the folder, sorted by path: its mode, and the id that its bytes on disk have as a blob.
    ///
    /// That is the blob of the tree but where an attribute or a filter changes bytes. Submodules are here with their files.
    pub fn files(&self) -> &[(BString, Entry)] {
        &self.files
    }

    /// The paths in the folder at which a repository of the suites' own lies: empty for the top, else a submodule's.
    pub fn repositories(&self) -> impl Iterator<Item = &BStr> {
        self.parts.iter().map(|part| part.below.strip_suffix(b"/").unwrap_or_default().as_bstr())
    }

    /// What was left as it is, and is worth a word.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Gives the folder, and that of each submodule, a repository of its own: no remote, no hooks, objects borrowed.
    ///
    /// It belongs to whatever runs there afterwards; the gate never runs git on it again.
    pub fn isolate(&self) -> Result<()> {
        self.parts.iter().try_for_each(Part::isolate)
    }

    /// Reads every file back from the disk and hashes it. Gives back what was found, in the order of [`files`](Checkout::files);
    /// `note` says what is kept of a look at a file that is as it has to be.
    pub fn read_back<T: Send>(&self, note: impl Fn(&fs::Metadata) -> T + Sync) -> Result<Vec<ReadBack<T>>> {
        self.read_these_back(&self.files, note)
    }

    fn read_these_back<T: Send>(
        &self,
        files: &[(BString, Entry)],
        note: impl Fn(&fs::Metadata) -> T + Sync,
    ) -> Result<Vec<ReadBack<T>>> {
        let format = self.parts[0].format;
        threads::share_out(
            files,
            || Ok(compare::buffer()),
            |buffer, (path, entry)| {
                let file = absolute(&self.folder, path.as_bstr());
                Ok(match compare::read_back(format, &file, entry, buffer)? {
                    ReadBack::Same(found) => ReadBack::Same(note(&found)),
                    ReadBack::Differs(how) => ReadBack::Differs(how),
                })
            },
        )
    }

    /// The files among these that are not as they have to be, each with what is different.
    fn differences<'a>(&self, files: &'a [(BString, Entry)]) -> Result<Vec<(&'a (BString, Entry), &'static str)>> {
        let found = self.read_these_back(files, |_| ())?;
        let differences = files.iter().zip(found).filter_map(|(file, found)| match found {
            ReadBack::Same(()) => None,
            ReadBack::Differs(how) => Some((file, how)),
        });
        Ok(differences.collect())
    }

    /// Brings every file that differs back to what it has to be, whatever lies in its way, and reads it back.
    /// Files that are not in the tree stay.
    pub fn restore(&self) -> Result<()> {
        let mut restored = Vec::new();
        for (file, _) in self.differences(&self.files)? {
            self.rewrite(file)?;
            restored.push(file.clone());
        }
        match self.differences(&restored)?.first() {
            None => Ok(()),
            Some(((path, _), how)) => {
                Err(Error::new(format!("cannot bring {path} back to what the commit holds: {how}"))
                    .hint("a full disk, or a program that writes there; run again"))
            }
        }
    }

    fn rewrite(&self, file: &(BString, Entry)) -> Result<()> {
        let (path, entry) = file;
        let to = absolute(&self.folder, path.as_bstr());
        make_way(&self.folder, path.as_bstr()).context(format!("cannot make way for {path}"))?;
        if let Some(kept) = self.kept.get(path) {
            let what = || format!("cannot bring {path} back");
            let mut from = fs::File::open(kept).context(what())?;
            let mut to = write::create(&to, entry.mode).context(what())?;
            std::io::copy(&mut from, &mut to).context(what())?;
            return Ok(());
        }
        let part = self.parts.iter().filter(|part| path.starts_with(&part.below)).max_by_key(|part| part.below.len());
        let part = part.expect("the first part holds every path");
        let blobs = Blobs { objects: part.objects.clone(), format: part.format };
        write::write_one(&mut blobs.open()?, &self.folder, path.as_bstr(), entry).map(drop)
    }
}

/// Makes the folders above a path, in place of whatever is none, and takes away what lies at it. Links are not followed.
fn make_way(top: &Path, path: &BStr) -> std::io::Result<()> {
    let mut at = top.to_owned();
    let mut components = path.split_str("/").peekable();
    while let Some(component) = components.next() {
        let found = fs::symlink_metadata(&at)?;
        if found.permissions().mode() & 0o700 != 0o700 {
            fs::set_permissions(&at, fs::Permissions::from_mode(0o700))?;
        }
        at.push(os(component.as_bstr()));
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() && components.peek().is_some() => continue,
            Ok(found) if found.is_dir() => remove_folder(&at)?,
            Ok(_) => fs::remove_file(&at)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if components.peek().is_some() {
            fs::create_dir(&at)?;
        }
    }
    Ok(())
}

/// Removes a folder with all in it, unwritable folders too.
fn remove_folder(folder: &Path) -> std::io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_folder(&entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

fn os(bytes: &BStr) -> &OsStr {
    OsStr::from_bytes(bytes)
}

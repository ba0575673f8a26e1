//! One repository's share of a checkout: the tree's own files, or those of a submodule, with a git directory of the gate's own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice as _};
use gix::index::entry::Stat;

use super::conversion::{Conversion, Driver, conversions, write_by_git};
use super::lfs::{Pointer, Storage};
use super::own;
use super::settings::{isolated, quoted};
use super::write::{self, Blobs, Holds};
use super::{GITLINK, Remark};
use crate::error::{Context as _, Error, Result};
use crate::git::{Entry, GitCommand, ObjectFormat, Oid, Program, Repository};
use crate::threads;

/// What `HEAD` of a part's own repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A parentless commit of the tree.
    Parentless,
    /// The real commit, on a branch, with the tags that lead to it or to what is behind it.
    History(Oid),
    /// A commit of the tree that has the real one as its parent.
    Above(Oid),
    /// The real commit, on no branch: a submodule's.
    Detached(Oid),
}

/// One repository's share of a checkout.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) program: Program,
    pub(super) format: ObjectFormat,
    /// The gate's own git directory: an index, and objects that are borrowed.
    pub(super) git_dir: PathBuf,
    /// Where its files lie.
    pub(super) folder: PathBuf,
    /// Its place in the whole: empty, or a path that ends in a slash.
    pub(super) below: BString,
    pub(super) tree: Oid,
    pub(super) head: Head,
    /// The git directory that objects are borrowed from.
    pub(super) common_dir: PathBuf,
    /// Where the blobs of its files are.
    pub(super) objects: PathBuf,
    /// Tags that its own repository gets: name, id, and what an annotated one leads to.
    pub(super) tags: Vec<(BString, Oid, Option<Oid>)>,
}

/// How a part's files came to lie on disk.
pub(super) struct Written {
    /// The entry that each file has on disk, in the order of the part's files.
    pub(super) files: Vec<(BString, Entry)>,
    /// Where the bytes of those are kept that are not their blobs'.
    pub(super) kept: BTreeMap<BString, PathBuf>,
}

impl Part {
    /// A part with an empty index.
    pub(super) fn make(
        repository: &Repository,
        git_dir: &Path,
        folder: &Path,
        below: BString,
        tree: Oid,
        head: Head,
    ) -> Result<Self> {
        own::make(git_dir, repository.object_format(), own::Kind::Bare, "")?;
        let common_dir = repository.common_dir().to_owned();
        Ok(Part {
            program: repository.program().clone(),
            format: repository.object_format(),
            git_dir: git_dir.into(),
            folder: folder.into(),
            below,
            tree,
            tags: match &head {
                Head::History(commit) | Head::Above(commit) => super::isolate::tags_of(repository, *commit)?,
                Head::Parentless | Head::Detached(_) => Vec::new(),
            },
            head,
            objects: common_dir.join("objects"),
            common_dir,
        })
    }

    /// Reads the tree into the index, and lists its files and submodules as gix reads them. The two have to agree: git refuses paths
    /// that lead out of the folder or into `.git`.
    pub(super) fn read_tree(&self, repository: &Repository) -> Result<Vec<(BString, Entry)>> {
        borrow_objects(&self.git_dir, &[&self.objects])?;
        let by_git = || {
            self.git().args(["read-tree", &self.tree.to_string()]).run()?;
            self.index()
        };
        let (mut files, index) = threads::both(|| repository.files_of(self.tree), by_git)?;
        for (_, entry) in &mut files {
            if entry.is_file() {
                // git knows two kinds of files; old trees say it in other words, `100664`.
                entry.mode = if entry.mode & 0o100 == 0 { 0o100_644 } else { 0o100_755 };
            }
        }
        let same = index.entries().len() == files.len()
            && index.entries().iter().zip(&files).all(|(listed, (path, entry))| {
                listed.path(&index) == path
                    && *listed.id == *entry.id.as_gix()
                    && listed.mode.bits() == u32::from(entry.mode)
                    && listed.stage_raw() == 0
            });
        if !same {
            let message = format!("cannot check out the tree {}: git reads another list of files in it", self.tree);
            return Err(Error::new(message).hint("'git fsck' names what is wrong with it"));
        }
        Ok(files)
    }

    /// Writes the part's files and its index. Submodules get an empty folder.
    pub(super) fn write(
        &self,
        repository: &Repository,
        files: &[(BString, Entry)],
        filters: &[String],
        remarks: &mut Vec<Remark>,
    ) -> Result<Written> {
        let blobs = Blobs { objects: self.objects.clone(), format: self.format };
        let mut open = blobs.open()?;
        let conversions = conversions(self, &mut open, files)?;
        let none = Conversion::default();
        let conversion = |path: &BString| conversions.get(path).unwrap_or(&none);
        let is_named = |name: &str| filters.iter().any(|filter| filter == name);

        write::make_folders(&self.folder, files.iter().map(|(path, _)| path.as_bstr()))?;
        let (mut plain, mut by_git, mut large) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            let (path, entry) = file;
            if entry.mode == GITLINK {
                write::make_folder(&self.folder, path.as_bstr())?;
                continue;
            }
            let Conversion { filter, changes_bytes } = conversion(path);
            match filter.as_deref().filter(|name| is_named(name)) {
                Some("lfs") => large.push(file),
                Some(_) => by_git.push(file),
                None if *changes_bytes => by_git.push(file),
                None => plain.push(file),
            }
        }

        let mut on_disk: BTreeMap<&BStr, Entry> = BTreeMap::new();
        let mut kept = BTreeMap::new();
        let mut stats: BTreeMap<&BStr, Stat> = BTreeMap::new();
        let mut left = |path: &BStr, holds: Holds| {
            let whole = self.path_of(path);
            match (holds, &conversion(&path.to_owned()).filter) {
                (Holds::Pointer, _) if !is_named("lfs") => remarks.push(Remark::PointerLeft { path: whole }),
                (Holds::Pointer, _) => remarks.push(Remark::PointerWithoutAttribute { path: whole }),
                (Holds::Content, Some(driver)) if !is_named(driver) => {
                    remarks.push(Remark::FilterLeft { driver: driver.clone(), path: whole });
                }
                (Holds::Content, _) => {}
            }
        };
        if let Some(storage) = (!large.is_empty()).then(|| Storage::of(repository)).transpose()? {
            for file in large {
                let (path, entry) = file;
                // Content that was committed as it is, before the attribute: git-lfs leaves it alone too.
                let Some(pointer) = Pointer::read(open.read(path.as_bstr(), entry.id)?) else {
                    plain.push(file);
                    continue;
                };
                let to = absolute(&self.folder, path.as_bstr());
                let filled =
                    storage.fill(self.format, &pointer, self.path_of(path.as_bstr()).as_bstr(), entry.mode, &to)?;
                stats.insert(path.as_bstr(), write::stat_of(&to).context(format!("cannot read {path}"))?);
                on_disk.insert(path.as_bstr(), filled);
                kept.insert(path.clone(), storage.path_of(&pointer));
            }
        }
        for (file, (stat, holds)) in plain.iter().zip(write::write_all(&blobs, &self.folder, &plain)?) {
            stats.insert(file.0.as_bstr(), stat);
            left(file.0.as_bstr(), holds);
        }
        if !by_git.is_empty() {
            let mut drivers: Vec<Driver> = Vec::new();
            for (path, entry) in &by_git {
                let holds = match Pointer::read(open.read(path.as_bstr(), entry.id)?) {
                    Some(_) => Holds::Pointer,
                    None => Holds::Content,
                };
                left(path.as_bstr(), holds);
                let named = conversion(path).filter.as_deref().filter(|name| is_named(name));
                if let Some(name) = named.filter(|name| drivers.iter().all(|driver| driver.name != **name)) {
                    drivers.push(Driver::find(repository, name, self.path_of(path.as_bstr()).as_bstr())?);
                }
            }
            let listed: Vec<(&BStr, &Entry)> = by_git.iter().map(|(path, entry)| (path.as_bstr(), entry)).collect();
            let copies = self.git_dir.join("kept");
            fs::create_dir_all(&copies).context("cannot make a folder")?;
            for ((path, _), entry) in listed.iter().zip(write_by_git(self, &drivers, &listed)?) {
                let (file, copy) = (absolute(&self.folder, path), copies.join(kept.len().to_string()));
                fs::copy(&file, &copy).context(format!("cannot keep a copy of {path}"))?;
                stats.insert(path, write::stat_of(&file).context(format!("cannot read {path}"))?);
                on_disk.insert(path, entry);
                kept.insert((*path).to_owned(), copy);
            }
        }
        self.write_index(&stats)?;
        let files = files.iter().filter(|(_, entry)| entry.mode != GITLINK);
        let files = files
            .map(|(path, entry)| (self.path_of(path.as_bstr()), on_disk.get(path.as_bstr()).unwrap_or(entry).clone()));
        let files = files.collect();
        let kept = kept.into_iter().map(|(path, kept)| (self.path_of(path.as_bstr()), kept)).collect();
        Ok(Written { files, kept })
    }

    /// The path in the whole.
    pub(super) fn path_of(&self, path: &BStr) -> BString {
        [self.below.as_slice(), path].concat().into()
    }

    /// The gate's own index of the part.
    pub(super) fn index(&self) -> Result<gix::index::File> {
        gix::index::File::at(
            self.git_dir.join("index"),
            self.format.as_gix(),
            false,
            gix::index::decode::Options::default(),
        )
        .context("cannot read the index of the checkout")
    }

    /// Gives the index the times and sizes of the files, so that git need not read them all again.
    fn write_index(&self, stats: &BTreeMap<&BStr, Stat>) -> Result<()> {
        let mut index = self.index()?;
        for (entry, path) in index.entries_mut_with_paths() {
            if let Some(stat) = stats.get(path) {
                entry.stat = *stat;
            }
        }
        index.write(gix::index::write::Options::default()).context("cannot write the index of the checkout")
    }

    /// A git command on the gate's own git directory, which reads no configuration of the user.
    pub(super) fn git(&self) -> GitCommand {
        isolated(&self.program, &self.folder)
            .env("GIT_DIR", &self.git_dir)
            .env("GIT_WORK_TREE", &self.folder)
            // From git 2.41 on the tree's own attributes count whatever lies on disk; an older git does not know the variable.
            .env("GIT_ATTR_SOURCE", self.tree.to_string())
    }
}

/// A path of a tree as a path on disk.
pub(super) fn absolute(folder: &Path, path: &BStr) -> PathBuf {
    folder.join(OsStr::from_bytes(path))
}

/// Lets a git directory read the objects of others.
pub(super) fn borrow_objects(git_dir: &Path, stores: &[&Path]) -> Result<()> {
    let mut text = Vec::new();
    for store in stores {
        text.extend_from_slice(&quoted(store.as_os_str().as_bytes()));
        text.push(b'\n');
    }
    let info = git_dir.join("objects/info");
    fs::create_dir_all(&info).and_then(|()| fs::write(info.join("alternates"), text)).context("cannot borrow objects")
}

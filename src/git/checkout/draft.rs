//! Taking the work tree as it is for a tree: for files that are in no tree yet.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use bstr::{BString, ByteSlice as _};

use super::part::{Head, Part, absolute};
use super::{Checkout, GITLINK, compare, os, submodules};
use crate::error::{Context as _, Error, Result};
use crate::git::{Entry, Oid, Repository};
use crate::threads;

impl Repository {
    /// Copies the files of a work tree as they are into the empty `folder`: tracked or not, but for what is ignored, and those of
    /// submodules that are filled. Nothing is written to the work tree.
    pub fn draft(&self, work_tree: &Path, head: Head, git_dir: &Path, folder: &Path) -> Result<Checkout> {
        let pins = match &head {
            Head::Parentless => Vec::new(),
            Head::History(commit) | Head::Above(commit) | Head::Detached(commit) => vec![self.pin(*commit)?],
        };
        self.copy_work_tree(work_tree, folder)?;
        let empty = self.command().args(["hash-object", "-t", "tree", "--stdin"]).run()?;
        let empty = Oid::from_hex(empty.trim_ascii()).context("cannot name the empty tree")?;
        // Its objects are its own: nothing of the user's holds on to them.
        let mut part = Part::make(self, git_dir, folder, BString::default(), empty, head)?;
        part.objects = git_dir.join("objects");
        part.git().args(["add", "--all", "--force", "."]).run()?;
        let tree = part.git().arg("write-tree").run()?;
        part.tree = Oid::from_hex(tree.trim_ascii()).context("cannot read the draft's tree")?;
        let index = part.index()?;
        let mut files = Vec::new();
        for entry in index.entries() {
            let id = Oid::from_gix(entry.id).context("cannot read the index of the draft")?;
            let mode = u16::try_from(entry.mode.bits()).context("cannot read the index of the draft")?;
            files.push((entry.path(&index).to_owned(), Entry { mode, id }));
        }
        let kept = keep_what_git_changed(&part, &mut files)?;
        Ok(Checkout { folder: folder.into(), parts: vec![part], files, kept, remarks: Vec::new(), pins })
    }

    /// Copies what git lists. What is listed and not there was deleted.
    fn copy_work_tree(&self, work_tree: &Path, to: &Path) -> Result<()> {
        for path in self.draft_paths(work_tree)? {
            let what = || format!("cannot copy {path}");
            let (from, to) = (work_tree.join(os(path.as_bstr())), to.join(os(path.as_bstr())));
            let found = match fs::symlink_metadata(&from) {
                Ok(found) => found,
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
                Err(error) => return Err(Error::new(format!("{}: {error}", what()))),
            };
            if found.is_dir() {
                // git lists a repository inside the work tree with a slash at its end, a submodule without.
                if path.ends_with_str("/") {
                    continue;
                }
                fs::create_dir_all(&to).context(what())?;
                if submodules::work_tree_of(Some(work_tree), path.as_bstr()).is_some() {
                    self.open_submodule(&from.join(".git"))?.copy_work_tree(&from, &to)?;
                }
                continue;
            }
            fs::create_dir_all(to.parent().expect("a file lies in a folder")).context(what())?;
            if found.is_symlink() {
                let target = fs::read_link(&from).context(what())?;
                std::os::unix::fs::symlink(target, &to).context(what())?;
            } else if found.is_file() {
                fs::copy(&from, &to).context(what())?;
            }
        }
        Ok(())
    }

    /// The paths of a work tree's files as they are, tracked or not, but for what is ignored. Nothing is written.
    pub fn draft_paths(&self, work_tree: &Path) -> Result<Vec<BString>> {
        let listed = self
            .program()
            .command(work_tree)
            .env("GIT_DIR", self.git_dir())
            .env("GIT_WORK_TREE", work_tree)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .run()?;
        let mut paths: Vec<BString> =
            listed.split_str("\0").filter(|path| !path.is_empty()).map(BString::from).collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }
}

/// Gives each file the id that it has on disk, and keeps a copy of those whose line ends git changed for the tree.
fn keep_what_git_changed(part: &Part, files: &mut [(BString, Entry)]) -> Result<BTreeMap<BString, std::path::PathBuf>> {
    let mut kept = BTreeMap::new();
    let on_disk = threads::share_out(
        files,
        || Ok(compare::buffer()),
        |buffer, (path, entry)| {
            if !entry.is_file() {
                return Ok(entry.id);
            }
            let file = absolute(&part.folder, path.as_bstr());
            compare::id_on_disk(part.format, &file, buffer).context(format!("cannot read {path}"))
        },
    )?;
    let copies = part.git_dir.join("kept");
    for ((path, entry), id) in files.iter_mut().zip(on_disk) {
        debug_assert_ne!(entry.mode, GITLINK, "submodules were copied as files");
        if id != entry.id {
            entry.id = id;
            let copy = copies.join(kept.len().to_string());
            fs::create_dir_all(&copies).context("cannot make a folder")?;
            fs::copy(absolute(&part.folder, path.as_bstr()), &copy).context(format!("cannot keep a copy of {path}"))?;
            kept.insert(path.clone(), copy);
        }
    }
    Ok(kept)
}

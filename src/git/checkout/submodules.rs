//! Where the commit of a submodule is found: in the user's own repositories, never over the network.
//!
//! Deliberately absent: `git submodule`, which would write into the user's repository and ask a remote.

use std::fs;
use std::path::{Component, Path, PathBuf};

use bstr::{BStr, BString, ByteSlice as _};

use super::{GITLINK, os};
use crate::error::{Context as _, Error, Result};
use crate::git::{Entry, Oid, Repository};

/// A submodule of a tree, with the local repository that holds its commit.
pub(super) struct Submodule {
    /// Its path in the tree.
    pub(super) path: BString,
    /// The commit that the tree names.
    pub(super) commit: Oid,
    /// That commit's tree.
    pub(super) tree: Oid,
    /// The repository.
    pub(super) repository: Repository,
}

/// A line of `.gitmodules`: a submodule's name and path.
struct Named {
    name: BString,
    path: BString,
}

/// The submodules among a tree's files. `top` is the folder of the user's work tree that belongs to the tree, if there is one.
pub(super) fn submodules(
    repository: &Repository,
    files: &[(BString, Entry)],
    below: &BStr,
    top: Option<&Path>,
) -> Result<Vec<Submodule>> {
    let links: Vec<_> = files.iter().filter(|(_, entry)| entry.mode == GITLINK).collect();
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let listed = files.iter().find(|(path, _)| path.as_slice() == b".gitmodules");
    let named = match listed {
        Some((_, entry)) if entry.is_file() => read_gitmodules(repository, entry.id)?,
        Some(_) => return Err(Error::new("cannot check out submodules: .gitmodules is no regular file")),
        None => Vec::new(),
    };
    let mut found = Vec::new();
    for (path, entry) in links {
        let whole: BString = [below.as_bytes(), path].concat().into();
        let named: Vec<&Named> = named.iter().filter(|named| named.path == *path).collect();
        let module = candidates(repository, path.as_bstr(), &named, top).into_iter().find_map(|git_dir| {
            let module = repository.open_submodule(&git_dir).ok()?;
            let tree = module.commit(entry.id).ok()?.tree;
            Some(Submodule { path: path.clone(), commit: entry.id, tree, repository: module })
        });
        found.push(module.ok_or_else(|| missing(whole.as_bstr(), entry.id, below, !named.is_empty()))?);
    }
    Ok(found)
}

fn missing(path: &BStr, commit: Oid, below: &BStr, is_named: bool) -> Error {
    let error = Error::new(format!("cannot check out the submodule {path}: its commit {commit} is not here"));
    match (is_named, below.is_empty()) {
        (true, true) => error.hint(format!("git submodule update --init {path}")),
        (true, false) => error.hint(format!("git submodule update --init --recursive {below}")),
        (false, _) => {
            error.hint(format!("no entry of .gitmodules has the path {path}: add one, or take the submodule out"))
        }
    }
}

/// Git directories that may hold a submodule, the most likely first.
fn candidates(repository: &Repository, path: &BStr, named: &[&Named], top: Option<&Path>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for named in named {
        for git_dir in [repository.git_dir(), repository.common_dir()] {
            found.push(git_dir.join("modules").join(os(named.name.as_bstr())));
        }
    }
    if let Some(top) = top.filter(|top| is_reached_without_links(top, path)) {
        found.push(top.join(os(path)).join(".git"));
    }
    found.dedup();
    found.retain(|git_dir| git_dir.symlink_metadata().is_ok());
    found
}

/// Whether every folder on the way is one.
pub(super) fn is_reached_without_links(top: &Path, path: &BStr) -> bool {
    let mut folder = top.to_owned();
    path.split_str("/").all(|component| {
        folder.push(os(component.as_bstr()));
        folder.symlink_metadata().is_ok_and(|found| found.is_dir())
    })
}

/// Reads a tree's `.gitmodules` as git does. Names and paths that lead out of their folder are refused, used or not.
fn read_gitmodules(repository: &Repository, blob: Oid) -> Result<Vec<Named>> {
    let what = "cannot read .gitmodules";
    let output = repository
        .command()
        .args(["config", "--null", "--no-includes", "--blob", &blob.to_string()])
        .args(["--get-regexp", r"^submodule\..*\.path$"])
        .output()?;
    match output.status.code() {
        Some(0) => {}
        Some(1) => return Ok(Vec::new()),
        _ => return Err(Error::new(format!("{what}: {}", output.complaint()))),
    }
    let mut named = Vec::new();
    for line in output.stdout.split_str("\0").filter(|line| !line.is_empty()) {
        let (key, path) = line.split_once_str("\n").unwrap_or((line, b""));
        let name = key.strip_prefix(b"submodule.").and_then(|key| key.strip_suffix(b".path")).context(what)?;
        for (kind, text) in [("name", name), ("path", path)] {
            if !is_harmless(text) {
                let text = text.as_bstr();
                return Err(Error::new(format!("{what}: '{text}' is no {kind} for a submodule"))
                    .hint("it has to lie below the repository, and may not begin with '-'"));
            }
        }
        named.push(Named { name: name.into(), path: path.into() });
    }
    Ok(named)
}

/// Whether a name or path stays below where it is put, and is no option.
fn is_harmless(text: &[u8]) -> bool {
    let path = Path::new(os(text.as_bstr()));
    let stays = path.components().all(|component| matches!(component, Component::Normal(_)));
    // A backslash parts folders elsewhere, and `.git` is never anybody's own folder.
    let plain = text.split_str("/").all(|component| {
        !component.is_empty() && component != b"." && component != b".." && !component.eq_ignore_ascii_case(b".git")
    });
    stays && plain && !text.starts_with(b"-") && !text.contains(&b'\\') && !text.contains(&0)
}

/// The folder of the user's work tree that belongs to a submodule, if it is there.
pub(super) fn work_tree_of(top: Option<&Path>, path: &BStr) -> Option<PathBuf> {
    let top = top.filter(|top| is_reached_without_links(top, path))?;
    let folder = top.join(os(path));
    fs::symlink_metadata(folder.join(".git")).is_ok().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_no_names() {
        for good in ["lib", "vendor/lib", "a.b", "..lib", "sub-module"] {
            assert!(is_harmless(good.as_bytes()), "{good}");
        }
        for bad in
            ["", "..", "../x", "a/../b", "/etc", "-x", "a//b", "./a", "a/.", "a\\..\\b", "a/.git/b", ".GIT", "a/"]
        {
            assert!(!is_harmless(bad.as_bytes()), "{bad}");
        }
    }
}

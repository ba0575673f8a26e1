//! Whether the files on disk are those of the tree: the promise that a PASS rests on.
//!
//! Files are read and hashed, not asked of git's own index, which trusts sizes and times.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use bstr::{BStr, BString, ByteSlice as _};

use super::stamp::Stamp;
use crate::error::{Context as _, Error, Result};
use crate::git::{Checkout, ReadBack};

/// Checks that every file of the tree is on disk as the tree has it, and gives back how each lies there, in the checkout's order.
/// What lies there beside them is not looked at.
pub(super) fn check_tracked(checkout: &Checkout) -> Result<Vec<Stamp>> {
    let found = checkout.read_back(Stamp::of)?;
    let stamps = checkout.files().iter().zip(found).map(|((path, _), found)| match found {
        ReadBack::Same(stamp) => Ok(stamp),
        ReadBack::Differs(how) => {
            Err(Error::new(format!("cannot trust the workspace: {path} is not what the commit holds: {how}"))
                .hint("a full disk, or a program that writes there; run again"))
        }
    });
    stamps.collect()
}

/// Checks that the folder holds the files of the tree and no other, but for what the `.git` of a repository there holds. Gives back
/// what [`check_tracked`] does.
pub(super) fn check_whole(checkout: &Checkout) -> Result<Vec<Stamp>> {
    let stamps = check_tracked(checkout)?;
    let repositories: BTreeSet<&BStr> = checkout.repositories().collect();
    let mut found = Vec::with_capacity(checkout.files().len());
    list(checkout.folder(), &mut BString::default(), &repositories, &mut found).context("cannot list the workspace")?;
    found.sort();
    // All that are wanted are there, so that the first that is not wanted stands where the lists part.
    let wanted = checkout.files().iter().map(|(path, _)| path).map(Some).chain(std::iter::repeat(None));
    match found.iter().zip(wanted).find(|(found, wanted)| Some(*found) != *wanted) {
        None => Ok(stamps),
        Some((extra, _)) => Err(Error::new(format!("cannot trust the workspace: {extra} is not in the commit"))),
    }
}

fn list(
    folder: &Path,
    path: &mut BString,
    repositories: &BTreeSet<&BStr>,
    found: &mut Vec<BString>,
) -> std::io::Result<()> {
    let is_repository = repositories.contains(path.strip_suffix(b"/").unwrap_or(path).as_bstr());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_repository && name == ".git" {
            continue;
        }
        let length = path.len();
        path.extend_from_slice(name.as_bytes());
        if entry.file_type()?.is_dir() {
            path.push(b'/');
            list(&entry.path(), path, repositories, found)?;
        } else {
            found.push(path.clone());
        }
        path.truncate(length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::caller::Caller;
    use crate::git::{Head, Repository, Wanted};

    #[test]
    fn files_that_differ_from_the_tree_are_not_trusted() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let user = root.path().join("repository");
        fs::create_dir(&user).unwrap();
        let variables = ["PATH", "HOME"].map(|name| (name.into(), std::env::var_os(name).unwrap_or_default()));
        let caller = Caller { variables: variables.into(), directory: user.clone(), program: "/bin/proof-gate".into() };
        let program = crate::git::Program::find(&caller).unwrap();
        let git = |args: &[&str]| program.command(&user).args(args).run().unwrap().to_string();
        git(&["init", "-q"]);
        for name in ["changed", "mode", "kind", "gone"] {
            fs::write(user.join(name), "content").unwrap();
        }
        git(&["add", "--all"]);
        let tree = git(&["write-tree"]).trim().parse().unwrap();
        let repository = Repository::open(&caller).unwrap();
        let wanted = Wanted { tree, head: Head::Parentless, filters: &[] };
        let check = |name: &str, meddle: &dyn Fn(&Path)| {
            let folder = path(name);
            fs::create_dir(&folder).unwrap();
            let checkout = repository.check_out(&wanted, &path(&format!("{name}.git")), &folder).unwrap();
            check_whole(&checkout).unwrap();
            meddle(&folder.join(name));
            let error = check_whole(&checkout).unwrap_err();
            assert!(error.message.contains(name), "{error}");
        };
        check("changed", &|file| fs::write(file, "CONTENT").unwrap());
        check("mode", &|file| fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap());
        check("gone", &|file| fs::remove_file(file).unwrap());
        check("added", &|file| fs::write(file, "").unwrap());
        check("kind", &|file| {
            fs::remove_file(file).unwrap();
            std::os::unix::fs::symlink("content", file).unwrap();
        });
    }
}

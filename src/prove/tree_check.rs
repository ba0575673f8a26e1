//! Whether the files on disk are those of the tree: the promise that a PASS rests on.
//!
//! Files are read and hashed here, not by git's own index, which trusts sizes and times.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bstr::{BStr, BString, ByteSlice as _};

use crate::error::{Context as _, Error, Result};
use crate::git::{Checkout, Entry, Repository};

/// Checks that every file of the tree is on disk as the tree has it. What lies there beside them is not looked at.
pub(super) fn check_tracked(repository: &Repository, checkout: &Checkout, files: &[(BString, Entry)]) -> Result<()> {
    for (path, entry) in files {
        if let Some(why) = difference(repository, checkout, path.as_bstr(), entry)? {
            return Err(Error::new(format!("cannot trust the workspace: {path} is not what the commit holds: {why}"))
                .hint("a full disk, or a program that writes there; run again"));
        }
    }
    Ok(())
}

/// Checks that the folder holds the files of the tree and no other, but for what `.git` at the top holds.
pub(super) fn check_whole(repository: &Repository, checkout: &Checkout, files: &[(BString, Entry)]) -> Result<()> {
    check_tracked(repository, checkout, files)?;
    let mut found = BTreeSet::new();
    list(checkout.folder(), b"".as_bstr(), &mut found).context("cannot list the workspace")?;
    let wanted: BTreeSet<&BStr> = files.iter().map(|(path, _)| path.as_bstr()).collect();
    if let Some(extra) = found.iter().find(|path| !wanted.contains(path.as_bstr())) {
        return Err(Error::new(format!("cannot trust the workspace: {extra} is not in the commit")));
    }
    Ok(())
}

fn difference(repository: &Repository, checkout: &Checkout, path: &BStr, entry: &Entry) -> Result<Option<String>> {
    let file = checkout.folder().join(OsStr::from_bytes(path));
    let what = || format!("cannot read {path} in the workspace");
    let found = match fs::symlink_metadata(&file) {
        Ok(found) => found,
        Err(error) => return Ok(Some(error.to_string())),
    };
    let (bytes, convertible) = match entry.mode {
        0o120_000 if found.is_symlink() => {
            (fs::read_link(&file).context(what())?.into_os_string().into_encoded_bytes(), false)
        }
        0o100_644 | 0o100_755 if found.is_file() => {
            let wanted = entry.mode & 0o100 != 0;
            let executable = found.permissions().mode() & 0o100 != 0;
            if wanted != executable {
                return Ok(Some("its executable bit differs".to_owned()));
            }
            (fs::read(&file).context(what())?, true)
        }
        _ => return Ok(Some("it is of another kind".to_owned())),
    };
    if repository.blob_id(&bytes)? == entry.id || (convertible && checkout.on_disk(path, entry.id)? == bytes) {
        return Ok(None);
    }
    Ok(Some("its content differs".to_owned()))
}

fn list(folder: &Path, prefix: &BStr, found: &mut BTreeSet<BString>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if prefix.is_empty() && name == ".git" {
            continue;
        }
        let mut path = BString::from(prefix);
        path.extend_from_slice(name.as_bytes());
        if entry.file_type()?.is_dir() {
            path.push(b'/');
            list(&entry.path(), path.as_bstr(), found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::caller::Caller;

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
        let files = repository.checkable_files(tree).unwrap();
        let check = |name: &str, meddle: &dyn Fn(&Path)| {
            let folder = path(name);
            fs::create_dir(&folder).unwrap();
            let checkout = repository.check_out(tree, &path(&format!("{name}.git")), &folder).unwrap();
            check_whole(&repository, &checkout, &files).unwrap();
            meddle(&folder.join(name));
            let error = check_whole(&repository, &checkout, &files).unwrap_err();
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

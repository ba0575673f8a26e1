//! Removing whatever a suite may have left: folders that nobody may write to, sockets, pipes, links.
//!
//! Nothing is followed.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::mounts;

/// Removes a path with all below it. One that is not there is removed already. An error where a file system is mounted below it: that
/// may be anything of the user's, and nothing in it is removed.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match try_remove(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => with_writable_parent(path),
        other => other,
    }
}

fn try_remove(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if found.is_dir() {
        if let Some(mount) = mounts::below(path).first() {
            let why = format!("a file system is mounted at {}", mount.display());
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
        }
        // Most folders give everything away, and a walk through all of them beforehand would cost as much as removing them.
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                make_removable(path);
                fs::remove_dir_all(path)
            }
            removed => removed,
        }
    } else {
        fs::remove_file(path)
    }
}

/// A folder gives its entries away only where it may be written to.
fn with_writable_parent(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else { return try_remove(path) };
    let before = fs::symlink_metadata(parent)?.permissions();
    fs::set_permissions(parent, fs::Permissions::from_mode(before.mode() | 0o700))?;
    let removed = try_remove(path);
    fs::set_permissions(parent, before)?;
    removed
}

/// Gives folders back the permissions that removing needs. Symbolic links are not followed.
pub(super) fn make_removable(folder: &Path) {
    let Ok(found) = fs::symlink_metadata(folder) else { return };
    if !found.is_dir() {
        return;
    }
    if found.permissions().mode() & 0o700 != 0o700 {
        drop(fs::set_permissions(folder, fs::Permissions::from_mode(0o700)));
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_removable(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_folders_are_opened_for_removal_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        fs::create_dir_all(folder.path().join("in/locked")).unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink("../out", folder.path().join("in/link")).unwrap();
        for name in ["in/locked", "out"] {
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o500)).unwrap();
        }
        make_removable(&folder.path().join("in"));
        assert_eq!((mode("in/locked"), mode("out")), (0o700, 0o500));
    }

    #[test]
    fn a_locked_folders_entry_is_removed_and_the_folder_stays_locked() {
        let folder = tempfile::tempdir().unwrap();
        let locked = folder.path().join("locked");
        fs::create_dir_all(locked.join("in")).unwrap();
        std::os::unix::net::UnixListener::bind(locked.join("in/socket")).unwrap();
        std::os::unix::fs::symlink("/nowhere", locked.join("in/link")).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
        remove(&locked.join("in")).unwrap();
        remove(&locked.join("in")).unwrap();
        assert_eq!(fs::read_dir(&locked).unwrap().count(), 0);
        assert_eq!(fs::metadata(&locked).unwrap().permissions().mode() & 0o777, 0o500);
    }
}

//! Files and folders that are being made under another name: locked meanwhile, so that what a killed program left can be told from them.
//!
//! Deliberately absent: knowing what they are to become.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempDir, TempPath};

/// What their names begin with.
const UNFINISHED: &str = ".proof-gate-";

/// A file in a folder, readable by its owner only, to be renamed when it is whole.
pub fn unfinished_file(folder: &Path) -> io::Result<NamedTempFile> {
    remove_unfinished(folder);
    loop {
        let file = Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        file.as_file().lock()?;
        // Between its making and its lock another process may have taken it for a dead one's.
        if file.as_file().metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// A symbolic link in a folder, to be renamed at once.
pub fn unfinished_link(folder: &Path, target: &Path) -> io::Result<TempPath> {
    remove_unfinished(folder);
    let link = Builder::new().prefix(UNFINISHED).make_in(folder, |path| symlink(target, path))?;
    Ok(link.into_temp_path())
}

/// A folder in a folder, readable by its owner only, with its lock.
pub(super) fn unfinished_folder(folder: &Path) -> io::Result<(TempDir, File)> {
    remove_unfinished(folder);
    loop {
        let made = Builder::new().prefix(UNFINISHED).permissions(Permissions::from_mode(0o700)).tempdir_in(folder)?;
        // As with a file: between its making and its lock another process may have taken it for a dead one's.
        let held = match File::open(made.path()) {
            Ok(held) => held,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        held.lock()?;
        if made.path().is_dir() {
            return Ok((made, held));
        }
    }
}

/// Removes those of a folder that nobody holds a lock on: who made them is dead. What cannot be removed does no harm; nobody reads it.
pub fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().as_bytes().starts_with(UNFINISHED.as_bytes()) {
            remove(&entry.path());
        }
    }
}

fn remove(path: &Path) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    // Held until it is removed, so that its maker, who locks it too, sees that.
    let held = (found.is_file() || found.is_dir()).then(|| File::open(path).ok()).flatten();
    // A link cannot be locked; it is renamed as soon as it is made.
    let is_abandoned = found.is_symlink() || held.as_ref().is_some_and(|held| held.try_lock().is_ok());
    if is_abandoned {
        drop(if found.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_removed_and_what_is_being_made_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in [".proof-gate-dead", ".proof-gate-alive", "index"] {
            fs::write(place(name), "half").unwrap();
        }
        for name in [".proof-gate-dead-folder", ".proof-gate-live-folder"] {
            fs::create_dir(place(name)).unwrap();
            fs::write(place(name).join("file"), "half").unwrap();
        }
        symlink("nowhere", place(".proof-gate-link")).unwrap();
        let held = [".proof-gate-alive", ".proof-gate-live-folder"].map(|name| File::open(place(name)).unwrap());
        held.iter().for_each(|held| held.lock().unwrap());
        drop(unfinished_file(folder.path()).unwrap());
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".proof-gate-alive", ".proof-gate-live-folder", "index"]);
    }

    #[test]
    fn many_at_once_take_nothing_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for number in 0..4 {
                let folder = folder.path();
                scope.spawn(move || {
                    for _ in 0..200 {
                        unfinished_file(folder).unwrap().persist(folder.join(format!("done-{number}"))).unwrap();
                        let (made, _held) = unfinished_folder(folder).unwrap();
                        fs::write(made.path().join("file"), "x").unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}

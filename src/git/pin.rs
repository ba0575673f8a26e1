//! Objects that a proof borrows, held against `git gc` and `git prune` for as long as the proof lasts.
//!
//! A pin is a ref `refs/proof/pins/<name>` and a file of that name in the gate's own folder, locked by the process that set it.
//! The lock dies with the process, so that whoever comes next can tell what a killed one left, and removes it.
//!
//! Deliberately absent: durability. A pin that a power cut takes was of no use any more.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;
use rustix::fs::OFlags;

use super::{GitCommand, Oid, Program, Repository, make_own_dir};
use crate::error::{Context as _, Result};

/// Where pins lie.
const PINS: &str = "refs/proof/pins/";

/// Settings for the writing of a pin: no reflog, and patient with a `git gc` that holds a lock.
const SETTINGS: &[&str] =
    &["core.logAllRefUpdates=false", "core.filesRefLockTimeout=10000", "core.packedRefsTimeout=10000"];

/// An object of a repository, and all that it leads to, kept there. Leaving scope lets go of it.
#[derive(Debug)]
#[must_use]
pub struct Pin {
    place: Place,
    name: String,
    /// Its lock says that the owner is alive.
    _owner: File,
}

/// A repository's pins.
#[derive(Debug)]
struct Place {
    program: Program,
    git_dir: PathBuf,
    common_dir: PathBuf,
    folder: PathBuf,
}

impl Repository {
    /// Pins an object, and removes the pins of processes that are gone.
    pub fn pin(&self, id: Oid) -> Result<Pin> {
        let what = "cannot hold the commit against 'git gc'";
        let place = self.pins();
        // Held until the ref stands, so that nobody sees a pin between its making and its lock.
        make_own_dir(&self.own_dir())?;
        let _all = place.lock().context(what)?;
        make_own_dir(&place.folder)?;
        place.sweep(self)?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).context(what)?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let owner = open(&place.folder.join(&name)).context(what)?;
        owner.lock().context(what)?;
        if let Err(error) = place.git().args(["update-ref", &format!("{PINS}{name}"), &id.to_string()]).run() {
            // Not by the guard: it would wait for the lock that is held here.
            place.remove(&name);
            return Err(error.while_doing(what));
        }
        Ok(Pin { place, name, _owner: owner })
    }

    /// Removes the pins of processes that are gone. Cheap where there are none; what cannot be removed now, the next proof sweeps.
    pub fn sweep_pins(&self) {
        let place = self.pins();
        if place.folder.is_dir()
            && let Ok(_all) = place.lock()
        {
            place.sweep(self).ok();
            // Only the last one is let go of with its folder.
            drop(fs::remove_dir(&place.folder));
        }
    }

    fn pins(&self) -> Place {
        Place {
            program: self.program().clone(),
            git_dir: self.git_dir().to_owned(),
            common_dir: self.common_dir().to_owned(),
            folder: self.own_dir().join("pins"),
        }
    }
}

impl Place {
    /// Keeps other processes from setting and removing pins.
    fn lock(&self) -> std::io::Result<File> {
        let own_dir = File::open(self.folder.parent().expect("pins lie in the gate's own folder"))?;
        own_dir.lock()?;
        Ok(own_dir)
    }

    /// Removes what dead processes left: their refs, and their files.
    fn sweep(&self, repository: &Repository) -> Result<()> {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in repository.list_refs(PINS)? {
            names.extend(name.strip_prefix(PINS.as_bytes()).and_then(|name| name.to_str().ok()).map(str::to_owned));
        }
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            names.extend(entry.file_name().into_string().ok());
        }
        names.sort();
        names.dedup();
        for name in names {
            let is_dead = match File::open(self.folder.join(&name)) {
                Ok(file) => file.try_lock().is_ok(),
                Err(_) => true,
            };
            if is_dead {
                self.remove(&name);
            }
        }
        Ok(())
    }

    /// What cannot be removed now, the next proof sweeps: the file goes last, and with it the claim.
    fn remove(&self, name: &str) {
        let removed = self.git().args(["update-ref", "-d", &format!("{PINS}{name}")]).output();
        if removed.is_ok_and(|output| output.status.success()) {
            drop(fs::remove_file(self.folder.join(name)));
        }
    }

    fn git(&self) -> GitCommand {
        let git = self.program.command(&self.common_dir).undisturbed();
        let git = SETTINGS.iter().fold(git, |git, setting| git.args(["-c", setting]));
        // A submodule's work tree may be gone, which its configuration does not know.
        git.env("GIT_DIR", &self.git_dir)
            .env("GIT_COMMON_DIR", &self.common_dir)
            .env("GIT_WORK_TREE", &self.common_dir)
            // What is missing in a partial clone is named, not fetched.
            .env("GIT_NO_LAZY_FETCH", "1")
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let _all = self.place.lock();
        self.place.remove(&self.name);
        // Only the last one is let go of with its folder.
        drop(fs::remove_dir(&self.place.folder));
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).custom_flags(flags).open(path)
}

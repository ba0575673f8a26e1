//! Where a proof writes: workspaces, the git directory, and the locks in it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{StatVfs, StatVfsMountFlags};

use super::{Finding, Outcome, Patient, shell};
use crate::error::{Context as _, Result};

/// Less than this free, and a checkout or a record is likely to fail.
const TOO_FULL: u64 = 64 << 20;
/// Less than this free, and it may.
const NEARLY_FULL: u64 = 1 << 30;
/// Fewer free inodes than this, and a checkout is likely to fail.
const FEW_INODES: u64 = 5_000;

/// Processes that were left running, of which so many are named.
const TOLD: usize = 5;

/// A lock of git's that is older than this was left by a git that was killed.
const STALE: Duration = Duration::from_secs(600);

/// Whether workspaces have a place where programs can be run.
pub fn workspaces(patient: &Patient<'_>) -> Result<Outcome> {
    let (place, left) = patient.place()?;
    let mut found = Vec::new();
    let disk = disk_of(place)?;
    if disk.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        let what = format!("the disk of {} is mounted noexec", place.display());
        let why = "Suites run in a checkout there, and nothing in it can be started.";
        found.push(Finding::no_proof(what, why).advise("set XDG_CACHE_HOME to a folder on another disk"));
    }
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        let what = format!("the disk of {} is mounted read-only", place.display());
        found.push(
            Finding::no_proof(what, "No checkout can be made.")
                .advise("set XDG_CACHE_HOME to a folder on another disk"),
        );
    }
    if let Some(first) = left.first() {
        let what = format!("a gate that was killed left {} behind", first.folder.display());
        let more = if left.len() > 1 { format!("{} of them. ", left.len()) } else { String::new() };
        found.push(Finding::note(what, format!("{more}The next gated push or proof removes it.")));
    }
    for mount in left.iter().flat_map(|left| &left.mounts).take(TOLD) {
        let what = format!("a suite left a file system mounted at {}", mount.display());
        let why = "The workspace around it cannot be removed; the next gated push or proof tries again.";
        found.push(Finding::note(what, why).mend(format!("umount {}", shell::path(mount))));
    }
    for running in left.iter().flat_map(|left| &left.processes).take(TOLD) {
        let what = format!("a gate that was killed left a process running: {running}");
        found.push(Finding::note(what, "The next gated push or proof ends it."));
    }
    Ok(found.into())
}

/// Whether there is room for a checkout and a record.
pub fn room(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    let common = patient.repository.common_dir().to_path_buf();
    for folder in patient.place().ok().map(|(place, _)| place.clone()).into_iter().chain([common]) {
        let disk = disk_of(&folder)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        // Some file systems count no inodes.
        let few_inodes = disk.f_files > 0 && disk.f_favail < FEW_INODES;
        if free < TOO_FULL || few_inodes {
            let what = format!(
                "the disk of {} is full: {} MiB and {} files free",
                folder.display(),
                free >> 20,
                disk.f_favail
            );
            found.push(Finding::no_proof(what, "A checkout or a record cannot be written.").advise("make room there"));
        } else if free < NEARLY_FULL {
            let what = format!("the disk of {} is nearly full: {} MiB free", folder.display(), free >> 20);
            found.push(Finding::note(what, "A checkout with its dependencies may not fit.").advise("make room there"));
        }
    }
    Ok(found.into())
}

fn disk_of(folder: &Path) -> Result<StatVfs> {
    rustix::fs::statvfs(folder).context(format!("cannot ask for the room at {}", folder.display()))
}

/// Whether records and notes can be written.
pub fn git_directory(patient: &Patient<'_>) -> Result<Outcome> {
    let common = patient.repository.common_dir();
    let own = patient.repository.own_dir();
    let mut found = Vec::new();
    for folder in [common.to_path_buf(), common.join("objects"), common.join("refs"), own.clone()] {
        let Ok(metadata) = fs::metadata(&folder) else { continue };
        let is_writable = rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK).is_ok();
        if !metadata.is_dir() {
            let aside = shell::path(&folder.with_file_name("proof-gate.broken"));
            let what = format!("{} is no folder", folder.display());
            let finding = Finding::no_proof(what, "Neither notes nor locks can be written.");
            found.push(finding.mend(format!("mv {} {aside}", shell::path(&folder))).mend("proof-gate install"));
        } else if !is_writable {
            let what = format!("{} cannot be written", folder.display());
            let why = "No record can be made, so no push that needs one goes out.";
            found.push(
                Finding::no_proof(what, why)
                    .advise(format!("look at its owner, mode and disk: ls -ld {}", shell::path(&folder))),
            );
        }
    }
    Ok(found.into())
}

/// Locks that keep a record from being written.
pub fn locks(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    let own = patient.repository.own_dir();
    for (name, who) in [("proof.lock", "is making a proof"), ("log.lock", "is writing a record")] {
        if let Ok(file) = File::open(own.join(name))
            && let Err(TryLockError::WouldBlock) = file.try_lock()
        {
            let what = format!("another proof-gate {who} in this repository");
            found.push(Finding::note(what, "A proof waits for it. The lock ends with its process."));
        }
    }
    for lock in left_locks(patient.repository.common_dir()) {
        let what = format!("{} was left by a git that was killed", lock.display());
        let why = "git refuses to write what it guards: a record, or the push itself.";
        found.push(
            Finding::no_proof(what, why)
                .advise("make sure that no git is running")
                .mend(format!("rm {}", shell::path(&lock))),
        );
    }
    Ok(found.into())
}

/// Lock files of git's, old enough to be nobody's, where a record or a push needs to write.
fn left_locks(common: &Path) -> Vec<PathBuf> {
    let logs = fs::read_dir(common.join("refs/proof/log")).into_iter().flatten().flatten().map(|entry| entry.path());
    let fixed = ["packed-refs.lock", "config.lock"].map(|name| common.join(name));
    let is_old = |path: &PathBuf| {
        let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > STALE))
    };
    logs.filter(|path| path.extension().is_some_and(|ending| ending == "lock")).chain(fixed).filter(is_old).collect()
}

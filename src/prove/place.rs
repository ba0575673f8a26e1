//! Where workspaces lie: a private folder below nothing that a test runner would take for its own project.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::mounts;
use super::removal::remove;
use super::room::Room;
use crate::caller::Caller;
use crate::error::{Context as _, Error, Result};

/// Names that make a folder and all below it part of some project.
const MARKS: &[&str] = &[
    ".git",
    "node_modules",
    "package.json",
    "pnpm-workspace.yaml",
    "Cargo.toml",
    "go.mod",
    "pyproject.toml",
    "pom.xml",
    "build.gradle",
    "settings.gradle",
    "Gemfile",
    "composer.json",
    "deno.json",
    "tsconfig.json",
];

/// What workspace folders are called.
const PREFIX: &str = "proof-";

/// The file in a workspace folder whose lock says that its gate is alive.
const OWNER: &str = "owner.lock";

/// The file in a place that is locked while a workspace folder is made.
const LOCK: &str = "place.lock";

/// A private folder that holds workspaces.
#[derive(Clone, Debug)]
pub(super) struct Place(PathBuf);

/// A folder that its owner holds. Leaving scope removes it and all in it.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    owner: File,
}

/// A workspace whose gate is dead: the next gated push or proof removes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftWorkspace {
    /// Its folder.
    pub folder: PathBuf,
    /// The processes that still run in it, each as its id and its command line.
    pub processes: Vec<String>,
    /// File systems that are mounted in it. As long as they are it cannot be removed.
    pub mounts: Vec<PathBuf>,
}

/// Where workspaces would lie, made if it is not there, and those in it whose gate is dead.
pub fn work_place(caller: &Caller) -> Result<(PathBuf, Vec<LeftWorkspace>)> {
    let place = Place::find(caller)?;
    let dead = place.dead().context(format!("cannot look into {}", place.0.display()))?;
    let left = dead.into_iter().map(|(folder, _)| LeftWorkspace {
        processes: still_running(&folder),
        mounts: mounts::below(&folder),
        folder,
    });
    Ok((place.0, left.collect()))
}

/// Ends what dead gates left running and removes their workspaces, wherever one may lie. Cheap where there is nothing; what cannot be
/// removed now, the next one sweeps. Gives back the file systems that are in its way.
pub fn sweep_workspaces(caller: &Caller) -> Vec<PathBuf> {
    let mut in_the_way = Vec::new();
    for candidate in Place::candidates(caller) {
        if let Ok(real) = fs::canonicalize(&candidate)
            && is_private(&candidate)
        {
            in_the_way.extend(Place(real).sweep().unwrap_or_default());
        }
    }
    in_the_way
}

#[cfg(target_os = "linux")]
fn still_running(folder: &Path) -> Vec<String> {
    super::orphans::describe(folder)
}

#[cfg(not(target_os = "linux"))]
fn still_running(_folder: &Path) -> Vec<String> {
    Vec::new()
}

impl Place {
    /// The first usable place, made if it is not there.
    pub(super) fn find(caller: &Caller) -> Result<Self> {
        Self::first_of(Self::candidates(caller))
    }

    fn candidates(caller: &Caller) -> impl Iterator<Item = PathBuf> {
        let uid = rustix::process::geteuid().as_raw();
        let cache = caller.variable("XDG_CACHE_HOME").map(|cache| Path::new(cache).join("proof-gate/work"));
        let shared = ["/var/tmp", "/tmp"].map(|folder| PathBuf::from(format!("{folder}/proof-gate-{uid}")));
        cache.into_iter().filter(|cache| cache.is_absolute()).chain(shared)
    }

    fn first_of(candidates: impl IntoIterator<Item = PathBuf>) -> Result<Self> {
        let mut refused = Vec::new();
        for candidate in candidates {
            match usable(&candidate) {
                Ok(path) => return Ok(Place(path)),
                Err(why) => refused.push(format!("{}: {why}", candidate.display())),
            }
        }
        Err(Error::new(format!("cannot make a workspace: {}", refused.join("; ")))
            .hint("set XDG_CACHE_HOME to a folder that is part of no project"))
    }

    /// An error where there is no room for files of these sizes. They are worked out only where room is scarce.
    pub(super) fn check_room(&self, sizes: impl FnOnce() -> Result<Vec<u64>>) -> Result<()> {
        let room = Room::at(&self.0)?;
        if room.is_plenty() {
            return Ok(());
        }
        match room.lacks(&sizes()?) {
            None => Ok(()),
            Some(why) => Err(Error::new(format!("no proof: no room for a workspace at {}: {why}", self.0.display()))
                .hint("make room, or set XDG_CACHE_HOME to a folder on another disk")),
        }
    }

    /// Makes a folder that this process owns, and removes those whose owners are gone.
    pub(super) fn scratch(&self) -> Result<Scratch> {
        let (scratch, dead) = self.claim().context(format!("cannot make a workspace below {}", self.0.display()))?;
        end_all(dead);
        Ok(scratch)
    }

    /// Removes the folders whose owners are gone. Gives back the file systems that are in its way.
    fn sweep(&self) -> io::Result<Vec<PathBuf>> {
        if !fs::read_dir(&self.0)?.flatten().any(|entry| is_ours(&entry)) {
            return Ok(Vec::new());
        }
        let place = open_lock(&self.0.join(LOCK))?;
        // Who holds it is making a workspace, and sweeps himself.
        if place.try_lock().is_err() {
            return Ok(Vec::new());
        }
        let dead = self.dead()?;
        drop(place);
        let in_the_way = dead.iter().flat_map(|(folder, _)| mounts::below(folder)).collect();
        end_all(dead);
        Ok(in_the_way)
    }

    /// The place is locked meanwhile, so that no folder is seen between its making and its lock.
    fn claim(&self) -> io::Result<(Scratch, Vec<(PathBuf, File)>)> {
        let place = open_lock(&self.0.join(LOCK))?;
        place.lock()?;
        let dead = self.dead()?;
        let mode = fs::Permissions::from_mode(0o700);
        let path = tempfile::Builder::new().prefix(PREFIX).permissions(mode).tempdir_in(&self.0)?.keep();
        let owner = match open_lock(&path.join(OWNER)) {
            Ok(owner) => owner,
            Err(error) => {
                fs::remove_dir_all(&path)?;
                return Err(error);
            }
        };
        let scratch = Scratch { path, owner };
        scratch.owner.lock()?;
        Ok((scratch, dead))
    }

    /// The folders whose owners are gone, held from now on.
    fn dead(&self) -> io::Result<Vec<(PathBuf, File)>> {
        let mut dead = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if is_ours(&entry)
                && let Ok(owner) = open_lock(&entry.path().join(OWNER))
                && owner.try_lock().is_ok()
            {
                dead.push((entry.path(), owner));
            }
        }
        Ok(dead)
    }
}

impl Scratch {
    /// The folder, absolute and without symbolic links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A process that is just being killed may still add a file; what cannot be removed now, the next proof sweeps.
        for _ in 0..5 {
            if remove(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

fn is_ours(entry: &fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.file_type().is_ok_and(|kind| kind.is_dir())
}

/// Whether a place is a folder of this user's that nobody else can write to.
fn is_private(place: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(place).is_ok_and(|found| found.is_dir() && found.uid() == own && found.mode() & 0o077 == 0)
}

/// Ends what still runs in folders whose owners are gone, and removes them.
fn end_all(dead: Vec<(PathBuf, File)>) {
    for (path, owner) in dead {
        #[cfg(target_os = "linux")]
        super::orphans::end(&path);
        drop(Scratch { path, owner });
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).custom_flags(flags).open(path)
}

/// The candidate's real path if workspaces may lie there, or why not. Nothing is made below a project.
fn usable(candidate: &Path) -> Result<PathBuf, String> {
    let standing = candidate.ancestors().find(|folder| folder.exists()).ok_or("no folder above it is there")?;
    let rest = candidate.strip_prefix(standing).expect("an ancestor is a prefix");
    let real = fs::canonicalize(standing).map_err(|error| error.to_string())?.join(rest);
    for folder in real.ancestors() {
        if let Some(mark) = MARKS.iter().map(|mark| folder.join(mark)).find(|mark| mark.symlink_metadata().is_ok()) {
            return Err(format!("it lies below {}", mark.display()));
        }
    }
    // Where anybody may write, and the folder is not sticky as `/tmp` is, anybody could put another one in this one's place.
    for folder in real.ancestors().skip(1) {
        let is_open = |found: &fs::Metadata| found.mode() & 0o002 != 0 && found.mode() & 0o1000 == 0;
        if fs::symlink_metadata(folder).is_ok_and(|found| is_open(&found)) {
            return Err(format!("anybody may change what lies in {}", folder.display()));
        }
    }
    // Asked before anything is made, of the folder that is there.
    let room = Room::at(standing).map_err(|error| error.message)?;
    if let Some(why) = room.refusal() {
        return Err(why);
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&real).map_err(|error| error.to_string())?;
    let found = fs::symlink_metadata(candidate).map_err(|error| error.to_string())?;
    if !found.is_dir() {
        return Err("it is no folder".to_owned());
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to somebody else".to_owned());
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(&real, fs::Permissions::from_mode(0o700)).map_err(|error| error.to_string())?;
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(place: &Path) -> Vec<String> {
        let names = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(PREFIX)).collect()
    }

    #[test]
    fn a_place_below_a_project_is_passed_over_and_nothing_is_made_there() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir(&project).unwrap();
        fs::write(project.join("package.json"), "{}").unwrap();
        let good = folder.path().join("good/work");
        let place = Place::first_of([project.join("cache/work"), good.clone()]).unwrap();
        assert_eq!(place.0, fs::canonicalize(&good).unwrap());
        assert!(!project.join("cache").exists());
        let error = Place::first_of([project.join("cache/work")]).unwrap_err();
        assert!(error.message.contains("project/package.json"), "{error}");
    }

    #[test]
    fn a_symbolic_link_is_no_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", folder.path().join("link")).unwrap();
        assert!(Place::first_of([folder.path().join("link")]).is_err());
    }

    #[test]
    fn a_folder_that_anybody_may_write_to_is_no_way_to_a_place_unless_it_is_sticky() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
        let error = Place::first_of([shared.join("work")]).unwrap_err();
        assert!(error.message.contains("anybody may change what lies in"), "{error}");
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
        Place::first_of([shared.join("work")]).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_passed_over_with_its_reason_and_all_reasons_are_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let error = Place::first_of([folder.path().join("file"), folder.path().join("file/work"), "/proc/work".into()])
            .unwrap_err();
        for reason in ["/file: ", "/file/work: ", "/proc/work: it has no room"] {
            assert!(error.message.contains(reason), "{error}");
        }
        assert!(error.hints[0].contains("XDG_CACHE_HOME"));
    }

    #[test]
    fn what_a_killed_gate_left_is_removed_by_the_next_and_a_living_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::first_of([folder.path().join("work")]).unwrap();
        let alive = place.scratch().unwrap();
        let left = place.0.join("proof-left");
        fs::create_dir_all(left.join("tree/locked")).unwrap();
        fs::set_permissions(left.join("tree/locked"), fs::Permissions::from_mode(0o500)).unwrap();
        let next = place.scratch().unwrap();
        assert!(!left.exists() && alive.path().is_dir() && next.path().is_dir());
        drop((alive, next));
        assert_eq!(names(&place.0), Vec::<String>::new());
    }

    #[test]
    fn a_panic_removes_the_folder_with_read_only_folders_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::first_of([folder.path().join("work")]).unwrap();
        let outcome = std::panic::catch_unwind(|| {
            let scratch = place.scratch().unwrap();
            fs::create_dir_all(scratch.path().join("a/b")).unwrap();
            fs::write(scratch.path().join("a/b/file"), "").unwrap();
            fs::set_permissions(scratch.path().join("a/b"), fs::Permissions::from_mode(0o555)).unwrap();
            fs::set_permissions(scratch.path().join("a"), fs::Permissions::from_mode(0o000)).unwrap();
            panic!("a test");
        });
        assert!(outcome.is_err());
        assert_eq!(names(&place.0), Vec::<String>::new());
    }
}

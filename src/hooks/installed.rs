//! What `install` noted about itself, `installed.json`: enough to know each hook again and to put back what stood there.
//!
//! Deliberately absent: the policy that install saw. It moves on by itself and has a file of its own.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::hook::{Hook, Side};
use super::snapshot::{self, Snapshot, Text};
use crate::error::{Context as _, Error, Result};
use crate::git::{Repository, make_own_dir};

const FORMAT: &str = "proof-gate.installed/2";

/// The format of when there was one hook.
const FIRST_FORMAT: &str = "proof-gate.installed/1";

/// The note, in the format of this version. One of nothing is no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    format: String,
    /// The hooks that were written, one of each at most, in the order of their writing.
    pub hooks: Vec<NotedHook>,
    /// The settings that were added to the repository's configuration.
    pub settings: Vec<NotedSetting>,
}

/// A hook that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedHook {
    /// Which one.
    pub hook: Hook,
    path: Text,
    /// SHA-256 of the hook that was written.
    pub sha256: String,
    /// What stood there before, if anything.
    pub before: Option<Kept>,
    /// The hooks folder was not there either.
    pub made_folder: bool,
}

/// A setting that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedSetting {
    /// `receive.fsckObjects`
    pub name: String,
    /// The value that was added.
    pub value: Text,
    /// The values of this name that stood in the repository's own configuration before; they were left there.
    pub before: Vec<Text>,
}

/// A hook that stood there and is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    path: Text,
    /// SHA-256 of what was kept.
    pub sha256: String,
    /// What it was, should the kept file be lost.
    pub snapshot: Snapshot,
}

impl Kept {
    /// What stood there, and where it is kept from now on.
    pub fn new(path: &Path, snapshot: Snapshot) -> Self {
        Kept { path: Text::of_path(path), sha256: snapshot.digest(), snapshot }
    }

    /// Where it is kept.
    pub fn path(&self) -> PathBuf {
        self.path.to_path()
    }
}

impl NotedHook {
    /// A hook at `path` that is `shim`.
    pub fn new(hook: Hook, path: &Path, shim: &Snapshot, before: Option<Kept>, made_folder: bool) -> Self {
        NotedHook { hook, path: Text::of_path(path), sha256: shim.digest(), before, made_folder }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.path.to_path()
    }
}

impl Default for Note {
    fn default() -> Self {
        Note { format: FORMAT.to_owned(), hooks: Vec::new(), settings: Vec::new() }
    }
}

impl Note {
    /// What was noted of a hook; `None` where it is not installed.
    pub fn of(&self, hook: Hook) -> Option<&NotedHook> {
        self.hooks.iter().find(|noted| noted.hook == hook)
    }

    /// Whether a hook of this side is installed.
    pub fn has(&self, side: Side) -> bool {
        side.hooks().iter().any(|hook| self.of(*hook).is_some())
    }

    /// Notes a hook, in the place of what was noted of it before.
    pub fn put(&mut self, noted: NotedHook) {
        match self.hooks.iter_mut().find(|other| other.hook == noted.hook) {
            Some(other) => *other = noted,
            None => self.hooks.push(noted),
        }
    }

    /// The note of this repository, which may hold nothing. A newer or damaged one is an error.
    pub fn read(repository: &Repository) -> Result<Self> {
        #[derive(Deserialize)]
        struct Format {
            format: String,
        }
        let path = path(repository);
        let Some(snapshot) = Snapshot::take(&path)? else { return Ok(Note::default()) };
        let damaged = || format!("cannot read {}", path.display());
        let mend = |error: Error| {
            error.hint("remove that file, then: proof-gate install (on a server: proof-gate install --server)")
        };
        let format: Format = serde_json::from_slice(snapshot.bytes()).context(damaged()).map_err(mend)?;
        let note: Note = match format.format.as_str() {
            FORMAT => serde_json::from_slice(snapshot.bytes()).context(damaged()).map_err(mend)?,
            FIRST_FORMAT => {
                let first: First = serde_json::from_slice(snapshot.bytes()).context(damaged()).map_err(mend)?;
                first.into()
            }
            other => {
                return Err(Error::new(format!("cannot read {}: its format is '{other}'", path.display()))
                    .hint("a newer proof-gate wrote it: use that version"));
            }
        };
        Ok(note.with_paths(|path| from_clone(repository, path)))
    }

    /// Writes the note durably. What lies in the clone is named from there: a clone that is moved or copied takes its hook along.
    pub fn write(&self, repository: &Repository) -> Result<()> {
        if self.hooks.is_empty() && self.settings.is_empty() {
            return snapshot::remove(&path(repository));
        }
        let note = self.clone().with_paths(|path| in_clone(repository, path));
        let mut json = serde_json::to_vec_pretty(&note).context("cannot write down what was installed")?;
        json.push(b'\n');
        write_own(repository, "installed.json", json)
    }

    fn with_paths(mut self, change: impl Fn(&Path) -> PathBuf) -> Self {
        for noted in &mut self.hooks {
            for path in [&mut noted.path].into_iter().chain(noted.before.as_mut().map(|kept| &mut kept.path)) {
                *path = Text::of_path(&change(&path.to_path()));
            }
        }
        self
    }
}

/// The note as it was when pre-push was the only hook.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    #[serde(rename = "format")]
    _format: String,
    hook: Text,
    sha256: String,
    before: Option<Kept>,
    made_folder: bool,
}

impl From<First> for Note {
    fn from(first: First) -> Self {
        let First { hook: path, sha256, before, made_folder, .. } = first;
        let noted = NotedHook { hook: Hook::PrePush, path, sha256, before, made_folder };
        Note { hooks: vec![noted], ..Note::default() }
    }
}

/// Writes one of proof-gate's own files, which nobody else may read, durably.
pub fn write_own(repository: &Repository, name: &str, bytes: Vec<u8>) -> Result<()> {
    let folder = repository.own_dir();
    let hint = |error: Error| error.hint(format!("mend its owner, mode or disk: ls -ld '{}'", folder.display()));
    make_own_dir(&folder).map_err(hint)?;
    Snapshot::File { mode: 0o600, bytes: Text(bytes) }.put(&folder.join(name)).map_err(hint)
}

fn path(repository: &Repository) -> PathBuf {
    repository.own_dir().join("installed.json")
}

/// The path from the git directory on, where it lies there or, as `../…`, in the work tree around it. Any other stays as it is.
fn in_clone(repository: &Repository, path: &Path) -> PathBuf {
    let git_dir = repository.common_dir();
    let around = git_dir.parent().filter(|_| git_dir.ends_with(".git"));
    match (path.strip_prefix(git_dir), around.map(|around| path.strip_prefix(around))) {
        (Ok(below), _) => below.to_owned(),
        (Err(_), Some(Ok(beside))) => Path::new("..").join(beside),
        (Err(_), Some(Err(_)) | None) => path.to_owned(),
    }
}

/// What [`in_clone`] made, as it is here and now.
fn from_clone(repository: &Repository, path: &Path) -> PathBuf {
    let git_dir = repository.common_dir();
    match (path.strip_prefix(".."), git_dir.parent()) {
        (Ok(beside), Some(around)) => around.join(beside),
        (Ok(_), None) | (Err(_), _) => git_dir.join(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::testing::Shop;

    #[test]
    fn a_note_of_a_newer_version_is_explained_and_never_guessed() {
        check(r#"{"format": "proof-gate.installed/3", "wonders": []}"#, "its format is 'proof-gate.installed/3'");
    }

    #[test]
    fn a_damaged_note_is_an_error_with_its_mend() {
        check("", "cannot read");
        check("\0\0\0\0", "cannot read");
        check(r#"{"format": "proof-gate.installed/1"}"#, "missing field");
        check(r#"{"format": "proof-gate.installed/2"}"#, "missing field");
        check(r#"{"format": "proof-gate.installed/2", "hooks": [], "settings": [], "more": 1}"#, "unknown field");
    }

    #[test]
    fn a_note_of_when_there_was_one_hook_is_read_as_one_of_it() {
        let shop = Shop::new();
        let repository = shop.open();
        let first = r#"{"format": "proof-gate.installed/1", "hook": "hooks/pre-push", "sha256": "0a",
            "before": {"path": "hooks/pre-push.before-proof-gate", "sha256": "0b", "snapshot": {"link": {"target": "x"}}},
            "made_folder": true}"#;
        write_own(&repository, "installed.json", first.into()).unwrap();
        let note = Note::read(&repository).unwrap();
        let noted = note.of(Hook::PrePush).unwrap();
        assert_eq!((noted.path(), noted.sha256.as_str(), noted.made_folder), (shop.hook(), "0a", true));
        assert_eq!(noted.before.as_ref().unwrap().path(), shop.hook().with_extension("before-proof-gate"));
        assert!(!note.has(Side::Server));
        note.write(&repository).unwrap();
        assert_eq!(Note::read(&repository).unwrap(), note);
    }

    fn check(note: &str, expected: &str) {
        let shop = Shop::new();
        let repository = shop.open();
        write_own(&repository, "installed.json", note.into()).unwrap();
        let error = Note::read(&repository).unwrap_err();
        assert!(error.message.contains(expected), "{error}");
        assert_eq!(error.hints.len(), 1);
    }
}

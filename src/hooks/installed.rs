//! What `install` noted about itself, `installed.json`: enough to know the hook again and to put back what stood there.
//!
//! Deliberately absent: the policy that install saw. It moves on by itself and has a file of its own.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::snapshot::{self, Snapshot, Text};
use crate::error::{Context as _, Error, Result};
use crate::git::{Repository, make_own_dir};

const FORMAT: &str = "proof-gate.installed/1";

/// The note, in the format of this version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    format: String,
    hook: Text,
    /// SHA-256 of the hook that was written.
    pub sha256: String,
    /// What stood there before, if anything.
    pub before: Option<Kept>,
    /// The hooks folder was not there either.
    pub made_folder: bool,
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

impl Note {
    /// The note of a hook at `hook` that is `shim`.
    pub fn new(hook: &Path, shim: &Snapshot, before: Option<Kept>, made_folder: bool) -> Self {
        Note { format: FORMAT.to_owned(), hook: Text::of_path(hook), sha256: shim.digest(), before, made_folder }
    }

    /// Where the hook is.
    pub fn hook(&self) -> PathBuf {
        self.hook.to_path()
    }

    /// The note of this repository; `None` where proof-gate is not installed. A newer or damaged one is an error.
    pub fn read(repository: &Repository) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Format {
            format: String,
        }
        let path = path(repository);
        let Some(snapshot) = Snapshot::take(&path)? else { return Ok(None) };
        let damaged = || format!("cannot read {}", path.display());
        let mend = |error: Error| error.hint("remove that file, then: proof-gate install");
        let format: Format = serde_json::from_slice(snapshot.bytes()).context(damaged()).map_err(mend)?;
        if format.format != FORMAT {
            return Err(Error::new(format!("cannot read {}: its format is '{}'", path.display(), format.format))
                .hint("a newer proof-gate wrote it: use that version"));
        }
        let note: Note = serde_json::from_slice(snapshot.bytes()).context(damaged()).map_err(mend)?;
        Ok(Some(note.with_paths(|path| from_clone(repository, path))))
    }

    /// Writes the note durably. What lies in the clone is named from there: a clone that is moved or copied takes its hook along.
    pub fn write(&self, repository: &Repository) -> Result<()> {
        let note = self.clone().with_paths(|path| in_clone(repository, path));
        let mut json = serde_json::to_vec_pretty(&note).context("cannot write down what was installed")?;
        json.push(b'\n');
        write_own(repository, "installed.json", json)
    }

    fn with_paths(mut self, change: impl Fn(&Path) -> PathBuf) -> Self {
        for path in [&mut self.hook].into_iter().chain(self.before.as_mut().map(|kept| &mut kept.path)) {
            *path = Text::of_path(&change(&path.to_path()));
        }
        self
    }

    /// Takes the note away.
    pub fn remove(repository: &Repository) -> Result<()> {
        snapshot::remove(&path(repository))
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
        check(r#"{"format": "proof-gate.installed/2", "wonders": []}"#, "its format is 'proof-gate.installed/2'");
    }

    #[test]
    fn a_damaged_note_is_an_error_with_its_mend() {
        check("", "cannot read");
        check("\0\0\0\0", "cannot read");
        check(r#"{"format": "proof-gate.installed/1"}"#, "missing field");
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

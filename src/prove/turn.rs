//! One proof at a time in a clone: two pushes of one commit run its suites once.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use crate::error::{Context as _, Result};
use crate::git::{Repository, make_own_dir};

/// The turn to prove; held until it is dropped. A kernel lock, so it ends with its process, however that ends.
#[must_use]
pub struct Turn {
    _file: File,
}

/// Takes the turn if nobody has it.
pub fn try_turn(repository: &Repository) -> Result<Option<Turn>> {
    let (file, path) = open(repository)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Turn { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).context(format!("cannot lock {}", path.display())),
    }
}

/// Waits until no other process of this clone is proving. `waiting` is called once where there is something to wait for.
pub fn take_turn(repository: &Repository, waiting: &mut dyn FnMut()) -> Result<Turn> {
    if let Some(turn) = try_turn(repository)? {
        return Ok(turn);
    }
    waiting();
    let (file, path) = open(repository)?;
    file.lock().context(format!("cannot lock {}", path.display()))?;
    Ok(Turn { _file: file })
}

fn open(repository: &Repository) -> Result<(File, PathBuf)> {
    let folder = repository.own_dir();
    make_own_dir(&folder)?;
    let path = folder.join("proof.lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    Ok((opened.context(format!("cannot lock {}", path.display()))?, path))
}

/// Whether this process has a controlling terminal: a person may be there.
pub fn has_terminal() -> bool {
    OpenOptions::new().read(true).write(true).open("/dev/tty").is_ok()
}

//! One proof at a time in a clone: two pushes of one commit run its suites once.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;

use crate::error::{Context as _, Error, Result};
use crate::git::{Repository, make_own_dir};

/// The turn to prove; held until it is dropped. A kernel lock, so it ends with its process, however that ends.
#[must_use]
pub struct Turn {
    _file: File,
}

/// Waits until no other process of this clone is proving. `waiting` is called once where there is something to wait for.
pub fn take_turn(repository: &Repository, waiting: &mut dyn FnMut()) -> Result<Turn> {
    let folder = repository.own_dir();
    make_own_dir(&folder)?;
    let path = folder.join("proof.lock");
    let what = || format!("cannot lock {}", path.display());
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path).context(what())?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            waiting();
            file.lock().context(what())?;
        }
        Err(TryLockError::Error(error)) => return Err(Error::new(format!("{}: {error}", what()))),
    }
    Ok(Turn { _file: file })
}

/// Whether this process has a controlling terminal: a person may be there.
pub fn has_terminal() -> bool {
    OpenOptions::new().read(true).write(true).open("/dev/tty").is_ok()
}

//! Kernel locks of this clone in files of the gate's own: they end with their process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Context as _, Error, Result};
use crate::git::{Repository, make_own_dir};

/// Takes a lock. `what` is locked, for messages; somebody else may hold it for so long, and it is waited for while `goes_on` says so.
pub(super) fn take(
    repository: &Repository,
    (file, what): (&str, &str),
    patience: Duration,
    goes_on: &dyn Fn(Duration) -> bool,
) -> Result<File> {
    let folder = repository.own_dir();
    make_own_dir(&folder)?;
    let path = folder.join(file);
    let what = || format!("cannot lock {what} with {}", path.display());
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).context(what())?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if !goes_on(began.elapsed()) => return Err(Error::new("interrupted")),
            Err(TryLockError::WouldBlock) if began.elapsed() < patience => sleep(Duration::from_millis(5)),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(format!("{}: another proof-gate holds it", what()))
                    .hint("end that process; the lock goes with it"));
            }
            Err(TryLockError::Error(error)) => return Err(error).context(what()),
        }
    }
}

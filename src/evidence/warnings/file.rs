//! The file that node's processes write their warnings to: opened without following links, read in pieces, to a bounded length.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// As much is read. Whoever warns more often is told so.
const MOST: u64 = 1 << 30;

/// Gives the file to `take`, piece by piece. None is no warning; one that cannot be read to its end is an error that says why.
pub(super) fn read(file: &Path, take: &mut dyn FnMut(&[u8])) -> Result<(), String> {
    let cannot = |why: &dyn std::fmt::Display| format!("the file of node's warnings cannot be read: {why}");
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(file, flags, Mode::empty()).map(File::from) {
        Ok(file) => file,
        // The suite may have removed its report folder; that is a missing report.
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        Err(Errno::LOOP) => return Err(cannot(&"it is a symbolic link")),
        Err(errno) => return Err(cannot(&errno)),
    };
    if !file.metadata().map_err(|error| cannot(&error))?.is_file() {
        return Err(cannot(&"it is no regular file"));
    }
    let mut file = file.take(MOST + 1);
    let mut piece = vec![0; 64 << 10];
    let mut all = 0;
    loop {
        let count = file.read(&mut piece).map_err(|error| cannot(&error))?;
        if count == 0 {
            return Ok(());
        }
        all += count as u64;
        if all > MOST {
            return Err(cannot(&"it is larger than 1 GiB"));
        }
        take(&piece[..count]);
    }
}

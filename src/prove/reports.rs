//! Taking reports out of the workspace before it is gone, with secrets masked.
//!
//! Deliberately absent: reading them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::artifacts::{ARTIFACTS, DIFFERENCES};
use super::log::Masks;
use super::masked_report::masked;
use crate::evidence::{NODE_PRELOAD, Store};

/// A longer report is not kept: cut, some formats would still look whole. The judge reads none that is longer.
const MAX_REPORT: u64 = 64 << 20;

/// Files of a report folder that are kept.
const MAX_REPORT_FILES: usize = 256;

/// Names that other evidence has beside the report, and what the gate itself laid there.
const TAKEN: &[&str] = &["log", NODE_PRELOAD, ARTIFACTS, DIFFERENCES, Store::MANIFEST];

/// Whether a report was changed, or put in its place, after that time. A file of a future time says nothing: its clock is another one.
pub(super) fn was_written_after(report: &Path, time: SystemTime) -> bool {
    let Ok(found) = fs::symlink_metadata(report) else { return false };
    let changed = u64::try_from(found.ctime()).ok().zip(u32::try_from(found.ctime_nsec()).ok());
    let changed = changed.map(|(seconds, rest)| SystemTime::UNIX_EPOCH + Duration::new(seconds, rest));
    let is_after = |at: SystemTime| at > time && at <= SystemTime::now();
    found.modified().ok().into_iter().chain(changed).any(is_after)
}

/// Writes what has to lie in a report folder before a suite starts.
pub(super) fn lay_beside(folder: &Path, files: &[(&str, &str)]) -> io::Result<()> {
    files.iter().try_for_each(|(name, content)| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
        file.write_all(content.as_bytes())
    })
}

/// Copies the regular files of a report folder; links, pipes, devices and what cannot be read are left behind, as if they had not been
/// written. Times are kept: they tell an old report. An error means that the copy failed, not the suite.
pub(super) fn keep(from: &Path, to: &Path, masks: &Masks) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(from) else {
        // The suite removed its own report folder.
        return Ok(());
    };
    let is_taken = |entry: &fs::DirEntry| TAKEN.iter().any(|taken| entry.file_name() == *taken);
    for entry in entries.flatten().take(MAX_REPORT_FILES).filter(|entry| !is_taken(entry)) {
        // Opened without waiting for a pipe's other end, and looked at afterwards, so that nothing can change in between.
        let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
        let Ok(source) = File::options().read(true).custom_flags(flags).open(entry.path()) else { continue };
        let found = source.metadata()?;
        if !found.is_file() || found.len() > MAX_REPORT {
            continue;
        }
        let path = to.join(entry.file_name());
        let mut kept = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut report = Vec::new();
        source.take(MAX_REPORT).read_to_end(&mut report)?;
        kept.write_all(&masked(masks, &report))?;
        kept.set_modified(found.modified()?)?;
    }
    Ok(())
}

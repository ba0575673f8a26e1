//! The report file: opened without following links, of a bounded size, made during the run.
//!
//! What stands in it is the adapters' affair.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags};

use super::adapters::parse_report;
use super::report::ReportEvidence;
use crate::judge::Code;
use crate::policy::{Adapter, Report};

/// A larger report is not read: real ones of a hundred thousand tests stay below it.
pub const MAX_REPORT_BYTES: u64 = 64 * 1024 * 1024;

/// File systems keep times as coarsely as two seconds (FAT); a report is old only if it is older than that.
const TIME_GRAIN: Duration = Duration::from_secs(2);

/// Reads the report that a suite was asked to write to `file`, in a run that began at `run_started`, and gives
/// what the report holds of the tests' output to `hear`.
pub fn read_report(report: Report, file: &Path, run_started: SystemTime, hear: &mut dyn FnMut(&str)) -> ReportEvidence {
    if report.adapter == Adapter::ExitCode {
        return ReportEvidence::NotAsked;
    }
    match bytes_of(file, run_started) {
        Ok(bytes) => parse_report(report, &bytes, hear),
        Err(Unusable { code, detail }) => ReportEvidence::Unusable { code, detail },
    }
}

/// Why there is no report to read.
struct Unusable {
    code: Code,
    detail: String,
}

fn bytes_of(file: &Path, run_started: SystemTime) -> Result<Vec<u8>, Unusable> {
    // Without NONBLOCK, opening a FIFO that nobody writes to would wait for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(file, flags, Mode::empty()).map(File::from).map_err(|errno| match errno {
        rustix::io::Errno::NOENT => unusable(Code::ReportMissing, "the suite wrote no report"),
        rustix::io::Errno::LOOP => unusable(Code::ReportMalformed, "the report is a symbolic link"),
        errno => unreadable(&errno.into()),
    })?;
    let metadata = opened.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(unusable(Code::ReportMalformed, "the report is not a regular file"));
    }
    // It could be a file of the tree, which would say whatever the commit wants.
    if metadata.nlink() > 1 {
        return Err(unusable(Code::ReportMalformed, "the report is another name of a file (a hard link)"));
    }
    let modified = metadata.modified().map_err(|error| unreadable(&error))?;
    if modified.checked_add(TIME_GRAIN).is_some_and(|modified| modified < run_started) {
        return Err(unusable(Code::ReportStale, "the report is older than the run"));
    }
    // The size is what is read, not what the metadata says: a file may grow meanwhile.
    let mut bytes = Vec::new();
    opened.take(MAX_REPORT_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_REPORT_BYTES {
        let detail = format!("the report is larger than {} MiB", MAX_REPORT_BYTES / 1024 / 1024);
        return Err(unusable(Code::ReportMalformed, &detail));
    }
    Ok(bytes)
}

fn unusable(code: Code, detail: &str) -> Unusable {
    Unusable { code, detail: detail.to_owned() }
}

fn unreadable(error: &std::io::Error) -> Unusable {
    match error.kind() {
        ErrorKind::NotADirectory => unusable(Code::ReportMissing, "the report's folder is gone"),
        _ => unusable(Code::ReportMalformed, &format!("the report cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOCHA: Report = Report { adapter: Adapter::MochaJson, flavor: None };

    fn code_of(file: &Path, run_started: SystemTime) -> Option<Code> {
        match read_report(MOCHA, file, run_started, &mut |_| {}) {
            ReportEvidence::Unusable { code, .. } => Some(code),
            ReportEvidence::NotAsked | ReportEvidence::Read(_) => None,
        }
    }

    fn folder_with_report(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report");
        std::fs::write(&file, text).unwrap();
        (folder, file)
    }

    const EMPTY_RUN: &str = r#"{"stats":{"tests":0,"passes":0,"pending":0,"failures":0},
        "tests":[],"pending":[],"failures":[],"passes":[]}"#;

    #[test]
    fn a_report_of_this_run_is_read() {
        let (_folder, file) = folder_with_report(EMPTY_RUN);
        assert_eq!(code_of(&file, SystemTime::now()), None);
    }

    #[test]
    fn no_report_is_missing_and_a_blank_one_is_empty() {
        let (folder, file) = folder_with_report(" \n\t\n");
        assert_eq!(code_of(&file, SystemTime::now()), Some(Code::ReportEmpty));
        assert_eq!(code_of(&folder.path().join("other"), SystemTime::now()), Some(Code::ReportMissing));
        assert_eq!(code_of(&file.join("below"), SystemTime::now()), Some(Code::ReportMissing));
    }

    #[test]
    fn a_report_from_before_the_run_is_stale() {
        let (_folder, file) = folder_with_report(EMPTY_RUN);
        let now = SystemTime::now();
        File::options().write(true).open(&file).unwrap().set_modified(now - Duration::from_secs(10)).unwrap();
        assert_eq!(code_of(&file, now), Some(Code::ReportStale));
        assert_eq!(code_of(&file, now - Duration::from_secs(11)), None);
        assert_eq!(code_of(&file, now - Duration::from_secs(9)), None, "one second may be the file system's rounding");
    }

    #[test]
    fn another_name_of_a_file_is_no_report() {
        let (folder, file) = folder_with_report(EMPTY_RUN);
        std::fs::hard_link(&file, folder.path().join("other")).unwrap();
        assert_eq!(code_of(&file, SystemTime::now()), Some(Code::ReportMalformed));
    }

    #[test]
    fn a_link_a_folder_and_a_fifo_are_no_reports() {
        let (folder, file) = folder_with_report(EMPTY_RUN);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(code_of(&link, SystemTime::now()), Some(Code::ReportMalformed));
        assert_eq!(code_of(folder.path(), SystemTime::now()), Some(Code::ReportMalformed));
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(code_of(&fifo, SystemTime::now()), Some(Code::ReportMalformed));
    }

    #[test]
    fn a_sparse_giant_is_refused_without_being_read_whole() {
        let (_folder, file) = folder_with_report("");
        File::options().write(true).open(&file).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(code_of(&file, SystemTime::now()), Some(Code::ReportMalformed));
    }
}

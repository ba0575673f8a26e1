//! The log of a program that runs: its argv, then what it prints.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Bytes of a log's end that are read for its last line.
const TAIL_BYTES: u64 = 4096;

/// What must not stand in a log.
#[derive(Debug, Default)]
pub struct Masks(());

/// A log that is being written.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    last_line: String,
}

impl LogWriter {
    /// Makes the file, which must not exist, with a first line.
    pub fn create(path: &Path, first_line: &[u8], _masks: &Masks) -> io::Result<Self> {
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(first_line)?;
        file.write_all(b"\n")?;
        Ok(LogWriter { file, last_line: String::new() })
    }

    /// Adds what was printed.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        if let Some(line) = text.lines().rev().find(|line| !line.trim().is_empty()) {
            self.last_line = line.trim_end().to_owned();
        }
        self.file.write_all(bytes)
    }

    /// The end.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// The last line that is not blank.
    pub fn last_line(&self) -> &str {
        &self.last_line
    }
}

/// The last line of a log that is not blank. Bytes that are no text are replaced; nothing is escaped.
pub fn last_line_of(log: &Path) -> String {
    last_lines_of(log, 1).pop().unwrap_or_default()
}

/// The last lines of a log that are not blank, without its first line, the argv.
pub fn last_lines_of(log: &Path, count: usize) -> Vec<String> {
    let tail = read_tail(log).unwrap_or_default();
    let lines: Vec<&str> = tail.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).trim_end().to_owned()).collect()
}

fn read_tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // The first line is the argv, or cut in two.
    Ok(text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or(if length > TAIL_BYTES {
        text
    } else {
        String::new()
    }))
}

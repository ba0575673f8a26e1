//! Reading the start and the end of a log, while it is written and afterwards.
//!
//! Deliberately absent: reading it whole.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bstr::ByteSlice as _;
use regex::Regex;

/// Bytes of a log's end that are read.
const END: u64 = 16 << 10;

/// The last line of a log that is not blank, or nothing. Bytes that are no text are replaced; nothing is escaped.
pub fn last_line_of(log: &Path) -> String {
    last_lines_of(log, 1).pop().unwrap_or_default()
}

/// The last lines of a log that are not blank, in their order, without its first line, the argv: as many as stand in its last 16 KiB.
/// Of a log that a killed gate left behind, these are those of its tail.
pub fn last_lines_of(log: &Path, count: usize) -> Vec<String> {
    let end = match newest_piece(log) {
        Some(piece) => read_end(&piece, Whole::NoFirstLine),
        None => read_end(log, Whole::WithFirstLine),
    };
    let end = end.unwrap_or_default();
    let lines: Vec<&[u8]> = end.lines().filter(|line| !line.trim_ascii().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(count)..];
    last.iter().map(|line| String::from_utf8_lossy(line.trim_ascii_end()).into_owned()).collect()
}

/// The lines of a log's first and last 16 KiB without the argv, each once. Of a line that is cut there the rest is given as a line.
pub fn first_and_last_lines_of(log: &Path) -> Vec<String> {
    read_start_and_end(log).map(|bytes| text_lines(&bytes)).unwrap_or_default()
}

fn text_lines(bytes: &[u8]) -> Vec<String> {
    bytes.lines().skip(1).map(|line| String::from_utf8_lossy(line.trim_ascii_end()).into_owned()).collect()
}

/// A short log whole; of a longer one the start and the end, on lines of their own.
fn read_start_and_end(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(END.min(length)).read_to_end(&mut bytes)?;
    if length > END {
        if length > 2 * END {
            bytes.push(b'\n');
            file.seek(SeekFrom::Start(length - END))?;
        }
        file.take(END).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The first lines at the end of a log that say what went wrong; where none does, the last lines.
pub fn telling_lines_of(log: &Path, count: usize) -> Vec<String> {
    let lines = last_lines_of(log, usize::MAX);
    let telling: Vec<String> = lines.iter().filter(|line| is_telling(line)).take(count).cloned().collect();
    if telling.is_empty() { lines[lines.len().saturating_sub(count)..].to_vec() } else { telling }
}

/// Whether a line has a word of failure. Package managers put one in front of every line, and end with lines that tell nothing.
fn is_telling(line: &str) -> bool {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        let words = r"(?i)\b(error|fatal|fail(ed|ure|s)?|cannot|can't|could not|unable|denied|refused|not found|no such|missing|unknown|invalid|expected|exception|panicked)\b";
        Regex::new(words).expect("the words are constant")
    });
    static IDLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^npm (err!|error|warn)( (code|errno|syscall|path)\b.*| a complete log.*| deprecated.*|)$|^npm warn|^\S+:\d+$|^warning\b")
            .expect("the words are constant")
    });
    WORDS.is_match(line) && !IDLE.is_match(line.trim())
}

/// Whether a file that is read whole starts with the argv.
#[derive(PartialEq, Eq)]
enum Whole {
    WithFirstLine,
    NoFirstLine,
}

/// The end of a file, from the start of a line on where there is one.
fn read_end(path: &Path, whole: Whole) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    if length > END || whole == Whole::WithFirstLine {
        match bytes.find_byte(b'\n') {
            Some(end) => drop(bytes.drain(..=end)),
            None if length > END => {}
            None => bytes.clear(),
        }
    }
    Ok(bytes)
}

/// The last piece of a tail that was not put behind its head yet. Their numbers have a fixed width, so that names sort as they do.
fn newest_piece(log: &Path) -> Option<PathBuf> {
    let name = log.file_name()?.as_encoded_bytes();
    let files = log.parent()?.read_dir().ok()?.filter_map(Result::ok);
    let pieces = files.map(|file| file.path()).filter(|path| {
        let file = path.file_name().map(|file| file.as_encoded_bytes()).unwrap_or_default();
        file.strip_prefix(name).is_some_and(|rest| rest.starts_with(b".tail-"))
    });
    pieces.max()
}

//! Warnings in what a suite prints: lines that mean failure although nothing failed.
//!
//! Deliberately absent: what such a line is worth, which is the judge's to say, and where output comes from.

mod built_in;
mod file;
mod heard;
mod lists;
mod plain;
mod scanner;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::heard::Place;
use self::scanner::Scanner;
use super::noticed::Noticed;
pub use lists::WarningLists;

/// The name of the file beside the report that node's processes write their warnings to.
pub const WARNINGS_FILE: &str = "warnings";

/// The first line of what a suite prints, as its log numbers them: before it stands the argv.
const FIRST_LINE: u64 = 2;

/// Listens to one run of a suite: its output, its report, and the file of node's warnings. Memory is a few windows, whatever comes.
#[derive(Debug)]
pub struct Listener {
    lists: WarningLists,
    output: Scanner,
    warnings: Scanner,
    report: Scanner,
    /// Why the warnings file could not be read to its end.
    unread: Option<String>,
}

impl WarningLists {
    /// Begins to listen to a run.
    pub fn listen(&self) -> Listener {
        Listener {
            lists: self.clone(),
            output: Scanner::new(self, FIRST_LINE),
            warnings: Scanner::new(self, 1),
            report: Scanner::new(self, 1),
            unread: None,
        }
    }
}

impl Listener {
    /// Takes the next bytes of standard output and error, cut anywhere.
    pub fn output(&mut self, bytes: &[u8]) {
        self.output.push(bytes);
    }

    /// Takes what tests printed, as far as the report holds it: whole lines.
    pub fn report(&mut self, lines: &str) {
        self.report.push(lines.as_bytes());
        self.report.end_line();
    }

    /// Reads the file of node's warnings, if there is one.
    pub fn read_warnings(&mut self, file: &Path) {
        self.unread = file::read(file, &mut |bytes| self.warnings.push(bytes)).err();
    }

    /// What was heard, in the order of output, warnings file and report. A line that stands in several of them is told once. Paths below
    /// `folder`, where the suite ran, are made relative to it.
    pub fn finish(self, folder: &Path) -> Vec<Noticed> {
        let Listener { lists, output, warnings, report, unread } = self;
        let mut noticed: Vec<Noticed> = Vec::new();
        for (place, scanner) in [(Place::Log, output), (Place::WarningsFile, warnings), (Place::Report, report)] {
            let more = scanner.finish().noticed(&lists, place, folder);
            let before = noticed.len();
            noticed.extend(more);
            let (told, new) = noticed.split_at(before);
            let is_told = |line: &str| {
                told.iter().any(|told| matches!(told, Noticed::Warning { line: told, .. } if told == line))
            };
            let keep: Vec<bool> =
                new.iter().map(|new| !matches!(new, Noticed::Warning { line, .. } if is_told(line))).collect();
            let mut keep = std::iter::repeat_n(true, before).chain(keep);
            noticed.retain(|_| keep.next().unwrap_or(true));
        }
        noticed.extend(unread.map(|why| Noticed::Warning { place: "warnings file".to_owned(), line: why }));
        noticed
    }
}

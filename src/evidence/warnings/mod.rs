//! Warnings in what a suite prints: lines that mean failure although nothing failed, and those of
//! tools that show an older result.
//!
//! Deliberately absent: what such a line is worth, which is the judge's to say, and where output comes from.

mod built_in;
mod cached;
mod file;
mod heard;
mod lists;
mod own_words;
mod plain;
mod scanner;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::heard::Place;
use self::scanner::Scanner;
use super::noticed::{ANYTHING, Noticed};
pub use lists::WarningLists;
pub use own_words::OwnWords;

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

    /// What was heard, in the order of output, warnings file and report. What stands in several of them is told once. Paths below
    /// `folder`, where the suite ran, are made relative to it. A line of the output that is the suite's `own` words is none of the
    /// built-in warnings.
    pub fn finish(self, folder: &Path, own: OwnWords<'_>) -> Vec<Noticed> {
        let Listener { lists, output, warnings, report, unread } = self;
        let mut noticed: Vec<Noticed> = Vec::new();
        for (place, scanner) in [(Place::Log, output), (Place::WarningsFile, warnings), (Place::Report, report)] {
            let mut more = scanner.finish().noticed(&lists, place, folder, own);
            // Where standard output is the report, a line of the log holds one of the tests' in the report's spelling.
            noticed.retain(|told| match more.iter_mut().find(|new| is_spelt_out(told, new)) {
                Some(new) => {
                    cover(new, told);
                    false
                }
                None => true,
            });
            let before = noticed.len();
            for new in more {
                match noticed[..before].iter_mut().find(|told| is_said_by(&new, told)) {
                    Some(told) => cover(told, &new),
                    None => noticed.push(new),
                }
            }
        }
        noticed.extend(unread.map(|why| Noticed::Warning {
            place: Place::WarningsFile.without_number().to_owned(),
            line: why,
            like: None,
        }));
        noticed
    }
}

/// The line of a warning.
fn line_of(noticed: &Noticed) -> Option<&str> {
    match noticed {
        Noticed::Warning { line, .. } => Some(line),
        _ => None,
    }
}

/// Whether one warning's line is JSON that holds the other's.
fn is_spelt_out(told: &Noticed, new: &Noticed) -> bool {
    let lines = line_of(told).zip(line_of(new));
    lines.is_some_and(|(told, new)| told.starts_with('{') && told.len() > new.len() && told.contains(new))
}

/// Characters that a runner sets before a line where it prints it again.
const SET_BEFORE: usize = 40;

/// Whether something says no more than what was told of another place: the same note, or a line of which the other is made.
fn is_said_by(new: &Noticed, told: &Noticed) -> bool {
    match (new, told) {
        (Noticed::Warning { line: new, .. }, Noticed::Warning { line: told, .. }) => {
            let (said, kept) = (new.trim_matches('…'), told.trim_matches('…'));
            let goes_on = || kept.char_indices().take(SET_BEFORE).any(|(start, _)| said.starts_with(&kept[start..]));
            kept.contains(said) || (told.ends_with('…') && goes_on())
        }
        (Noticed::Note(new), Noticed::Note(told)) => {
            let without_place = |note: &str| note.rsplit_once(" (").map(|(note, _)| note.to_owned());
            without_place(new) == without_place(told)
        }
        _ => false,
    }
}

/// Has what `kept` is like cover the line that is not said too: what allows the one has to allow the other.
fn cover(kept: &mut Noticed, other: &Noticed) {
    let Noticed::Warning { line, like: Some(like), .. } = kept else { return };
    let Noticed::Warning { line: other_line, like: Some(other), .. } = other else { return };
    if line != other_line {
        let shorter = if other.len() < like.len() { other.trim() } else { like.trim() };
        *like = format!("{ANYTHING}{shorter}{ANYTHING}");
    }
}

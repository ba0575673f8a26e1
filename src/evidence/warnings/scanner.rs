//! Searches a stream that comes in pieces of any size for warnings, with bounded memory; what is found depends on the bytes alone.
//!
//! A line is looked at when its end is there. One that is longer than the window is looked at in steps that count from its start and
//! overlap, so that what is no longer than the overlap is found wherever it stands. In such a line `^` and `$` also match where a step
//! begins and ends.

use bstr::ByteSlice as _;

use super::heard::Heard;
use super::lists::{Kind, WarningLists};
use super::plain::{is_plain, plain};

/// Bytes of an unfinished line that are held, at most.
const WINDOW: usize = 64 << 10;

/// By how much two steps through a longer line overlap.
const OVERLAP: usize = 16 << 10;

/// What ends a line. A carriage return starts it anew on a screen, and so it does here; only a line feed counts.
const ENDS: &[u8] = b"\r\n";

/// A stream that is searched.
#[derive(Debug)]
pub(super) struct Scanner {
    lists: WarningLists,
    /// Bytes that were not looked at yet: an unfinished line, or the end of a long one.
    pending: Vec<u8>,
    /// The number of the line in which they begin.
    line: u64,
    /// Whether that line began before them.
    is_within: bool,
    heard: Heard,
    /// A line as it is on a screen; kept for its room.
    plain: String,
}

impl Scanner {
    /// A stream whose first line has this number.
    pub(super) fn new(lists: &WarningLists, first_line: u64) -> Self {
        Scanner {
            lists: lists.clone(),
            pending: Vec::new(),
            line: first_line,
            is_within: false,
            heard: Heard::default(),
            plain: String::new(),
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let before = self.pending.len();
            let (now, later) = bytes.split_at(bytes.len().min(WINDOW - before));
            self.pending.extend_from_slice(now);
            bytes = later;
            // What waited before holds no end of a line: it would have been looked at.
            match now.rfind_byteset(ENDS) {
                Some(end) => self.look(before + end + 1, before + end + 1),
                None if self.pending.len() == WINDOW => self.look(WINDOW, WINDOW - OVERLAP),
                None => {}
            }
        }
    }

    /// Ends the line that is under way.
    pub(super) fn end_line(&mut self) {
        let all = self.pending.len();
        if all > 0 {
            self.look(all, all);
            self.is_within = false;
            self.line += 1;
        }
    }

    /// All that was heard.
    pub(super) fn finish(mut self) -> Heard {
        self.end_line();
        self.heard
    }

    /// Looks at the first `seen` bytes that wait, and lets go of the first `done` of them.
    fn look(&mut self, seen: usize, done: usize) {
        let pending = std::mem::take(&mut self.pending);
        let block = &pending[..seen];
        let mut number = self.line;
        if !self.lists.has_own() && is_plain(block) {
            self.look_at_many(block, &mut number);
        } else {
            self.look_at_each(block, &mut number);
        }
        self.line += line_feeds(&block[..done]);
        self.is_within = done < seen || (self.is_within && !block[..done].iter().any(|byte| ENDS.contains(byte)));
        self.pending = pending;
        self.pending.drain(..done);
    }

    /// Jumps from one line that could be something to the next.
    fn look_at_many(&mut self, block: &[u8], number: &mut u64) {
        let mut at = 0;
        while let Some(found) = self.lists.next(block, at) {
            let start = block[..found].rfind_byteset(ENDS).map_or(0, |end| end + 1);
            let end = block[found..].find_byteset(ENDS).map_or(block.len(), |end| found + end);
            *number += line_feeds(&block[at..start.max(at)]);
            self.weigh(&block[start..end], *number, start == 0);
            // A pattern that begins with a line's start may be found again behind its end, and there is one step at least.
            at = (end + 1).min(block.len());
            *number += line_feeds(&block[end..at]);
            if at == block.len() {
                break;
            }
        }
    }

    /// Looks at every line: as it came and as it is on a screen.
    fn look_at_each(&mut self, block: &[u8], number: &mut u64) {
        let mut at = 0;
        while at < block.len() {
            let end = block[at..].find_byteset(ENDS).map_or(block.len(), |end| at + end);
            let line = &block[at..end];
            if is_plain(line) {
                self.weigh(line, *number, at == 0);
            } else {
                self.weigh_as_shown(line, *number, at == 0);
            }
            *number += u64::from(block.get(end) == Some(&b'\n'));
            at = end + 1;
        }
    }

    /// Notes what a line is.
    fn weigh(&mut self, line: &[u8], number: u64, is_first: bool) {
        if let Some(kind) = self.kind(line) {
            self.note(kind, line, number, is_first);
        }
    }

    /// The same of a line with codes in it: as it is on a screen, and where it forbids nothing there, also as it came.
    fn weigh_as_shown(&mut self, line: &[u8], number: u64, is_first: bool) {
        let mut text = std::mem::take(&mut self.plain);
        plain(line, &mut text);
        match (self.kind(text.as_bytes()), self.kind(line)) {
            (
                Some(Kind::Counted(_)) | None,
                Some(kind @ (Kind::Cached | Kind::BuiltIn(_) | Kind::Own(_) | Kind::Allowed(_))),
            ) => {
                self.note(kind, line, number, is_first);
            }
            (Some(kind), _) => self.note(kind, text.as_bytes(), number, is_first),
            (None, Some(Kind::Counted(_)) | None) => {}
        }
        self.plain = text;
    }

    fn kind(&self, line: &[u8]) -> Option<Kind> {
        let may_be = self.lists.next(line, 0).is_some() || (self.lists.has_own() && self.lists.is_own(line));
        if may_be { self.lists.kind(line) } else { None }
    }

    fn note(&mut self, kind: Kind, line: &[u8], number: u64, is_first: bool) {
        let is_more_of_a_line = is_first && self.is_within;
        let lists = &self.lists;
        self.heard.note(kind, number, is_more_of_a_line, || (line, lists.place(line, kind)));
    }
}

fn line_feeds(bytes: &[u8]) -> u64 {
    bytes.find_iter(b"\n").count() as u64
}

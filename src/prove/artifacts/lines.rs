//! What the lines of an artifact must and must not hold: each line once, in linear time, with one line in memory.
//!
//! A line is matched as the warnings are: without colour codes, and bytes that are no text stand for one unknown character each. What is
//! forbidden is looked for in the line as it came, too.
//!
//! Deliberately absent: an encoding but UTF-8. A text in another one is not searched, and that is said.

use std::borrow::Cow;

use bstr::ByteSlice as _;
use regex::Regex;

use crate::error::{Context as _, Result};

/// A longer line is not searched, and that is said.
const LONGEST_LINE: usize = 1 << 20;

/// Bytes of a file's beginning that show its encoding: four characters of UTF-16.
const LOOKED_AT: usize = 8;

/// Characters of a line that are shown.
const SHOWN: usize = 200;

/// A pattern of the policy.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    wants: Wants,
}

/// What a pattern is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Some line must match.
    Some,
    /// No line may match.
    None,
}

impl Pattern {
    /// Compiles a pattern that the policy file was found to hold.
    pub(super) fn new(text: &str, wants: Wants) -> Result<Self> {
        let regex = Regex::new(text).context(format!("cannot read the pattern '{text}'"))?;
        Ok(Pattern { regex, wants })
    }

    /// What it is for.
    pub(super) fn wants(&self) -> Wants {
        self.wants
    }
}

/// The search of one file.
pub(super) struct Lines<'a> {
    searches: Vec<Search<'a>>,
    /// The first bytes of the file.
    start: Vec<u8>,
    line: Vec<u8>,
    number: u64,
    /// Why it is not searched to its end.
    given_up: Option<String>,
}

struct Search<'a> {
    pattern: &'a Pattern,
    matches: u64,
    /// The first line that matches: its number and its words.
    first: Option<(u64, String)>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(patterns: impl Iterator<Item = &'a Pattern>) -> Self {
        let searches = patterns.map(|pattern| Search { pattern, matches: 0, first: None }).collect();
        Lines { searches, start: Vec::new(), line: Vec::new(), number: 0, given_up: None }
    }

    /// Goes on with these bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        self.start.extend(bytes.iter().take(LOOKED_AT - self.start.len()));
        while !bytes.is_empty() && !self.searches.is_empty() && self.given_up.is_none() {
            let end = bytes.find_byte(b'\n');
            let (now, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            if self.line.len() + now.len() > LONGEST_LINE {
                let number = self.number + 1;
                self.given_up =
                    Some(format!("line {number} is longer than {LONGEST_LINE} bytes and cannot be searched"));
                return;
            }
            self.line.extend_from_slice(now);
            if end.is_some() {
                self.end_of_line();
            }
            bytes = rest;
        }
    }

    fn end_of_line(&mut self) {
        self.number += 1;
        let mut line = self.line.as_slice();
        if self.number == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let raw = line.strip_suffix(b"\r").unwrap_or(line).to_str_lossy();
        let plain =
            if raw.contains(['\x1b', '\u{9b}']) { console::strip_ansi_codes(&raw) } else { Cow::Borrowed(&*raw) };
        for search in &mut self.searches {
            let Pattern { regex, wants } = search.pattern;
            let found = match wants {
                Wants::Some if search.matches > 0 => false,
                Wants::Some => regex.is_match(&plain),
                Wants::None => regex.is_match(&plain) || (plain.len() < raw.len() && regex.is_match(&raw)),
            };
            if found {
                search.matches += 1;
                search.first.get_or_insert_with(|| (self.number, plain.trim().chars().take(SHOWN).collect()));
            }
        }
        self.line.clear();
    }

    /// What is wrong with the file, a sentence each.
    pub(super) fn end(mut self) -> Vec<String> {
        if !self.line.is_empty() && self.given_up.is_none() {
            self.end_of_line();
        }
        if !self.searches.is_empty() && is_wide(&self.start) {
            self.given_up = Some("it is UTF-16 or UTF-32, and only UTF-8 can be searched".to_owned());
        }
        let found = self.searches.iter().filter_map(|search| {
            let pattern = search.pattern.regex.as_str();
            match (search.pattern.wants, &search.first) {
                (Wants::None, Some((number, line))) => {
                    let more =
                        if search.matches > 1 { format!(", {} lines in all", search.matches) } else { String::new() };
                    Some(format!("line {number} matches '{pattern}', which is forbidden{more}: {line}"))
                }
                (Wants::Some, None) if self.given_up.is_none() => Some(format!("no line matches '{pattern}'")),
                (Wants::None, None) | (Wants::Some, _) => None,
            }
        });
        let found: Vec<String> = found.collect();
        found.into_iter().chain(self.given_up).collect()
    }
}

/// Whether a file that begins so is a text of wide characters: by its mark, or by zeros in every other byte and text in between.
fn is_wide(start: &[u8]) -> bool {
    let marks: [&[u8]; 3] = [b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"];
    let is_text = |byte: &u8| *byte >= b' ' || b"\t\n\r".contains(byte);
    let is_pairs = |zero: usize| {
        let mut pairs = start.chunks_exact(2);
        start.len() >= 4 && pairs.all(|pair| pair[zero] == 0 && is_text(&pair[1 - zero]))
    };
    marks.iter().any(|mark| start.starts_with(mark)) || is_pairs(0) || is_pairs(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(require: &[&str], forbid: &[&str], text: &[u8]) -> Vec<String> {
        let pattern = |wants| move |text: &&str| Pattern::new(text, wants).unwrap();
        let patterns: Vec<Pattern> =
            require.iter().map(pattern(Wants::Some)).chain(forbid.iter().map(pattern(Wants::None))).collect();
        let mut whole = Lines::new(patterns.iter());
        whole.push(text);
        let whole = whole.end();
        for at in [1, 3, 7] {
            let mut pieces = Lines::new(patterns.iter());
            text.chunks(at).for_each(|piece| pieces.push(piece));
            assert_eq!(pieces.end(), whole, "in pieces of {at} bytes");
        }
        whole
    }

    #[test]
    fn a_forbidden_line_is_told_with_its_number_and_the_others_are_counted() {
        let found = check(&[], &["\\bERROR\\b"], b"all good\n  ERROR one\r\nfine\nERROR two");
        assert_eq!(found, ["line 2 matches '\\bERROR\\b', which is forbidden, 2 lines in all: ERROR one"]);
        assert_eq!(check(&[], &["ERROR"], b"no error\n"), Vec::<String>::new());
    }

    #[test]
    fn neither_colour_nor_broken_text_hides_a_line() {
        assert_eq!(check(&[], &["\\bERROR\\b"], b"\x1b[31mERROR\x1b[0m x\n").len(), 1);
        assert_eq!(check(&[], &["ERR.*fatal"], b"ERR\xff\xfe fatal\n").len(), 1);
        assert_eq!(check(&[], &["^ERROR"], b"\xef\xbb\xbfERROR\n").len(), 1);
        assert_eq!(check(&[], &["ERROR"], b"\0\0ERROR\0\n").len(), 1);
    }

    #[test]
    fn what_is_required_must_stand_in_a_line() {
        assert_eq!(check(&["^started$", "done"], &[], b"started\r\n"), ["no line matches 'done'"]);
        assert_eq!(check(&["a\\sb"], &[], b"a\nb\n"), ["no line matches 'a\\sb'"]);
        assert_eq!(check(&["x"], &[], b""), ["no line matches 'x'"]);
    }

    #[test]
    fn what_cannot_be_searched_is_said() {
        let texts: [&[u8]; 6] = [
            b"\xff\xfeE\0",
            b"\xfe\xff\0E",
            b"\0\0\xfe\xff\0\0\0E",
            b"E\0R\0R\0O\0R\0\n\0",
            b"\0E\0R",
            b"\r\0\n\0E\0R\0",
        ];
        for text in texts {
            let said = "it is UTF-16 or UTF-32, and only UTF-8 can be searched";
            assert_eq!(check(&["x"], &["x"], text), [said], "{text:?}");
            assert_eq!(check(&[], &[], text), [""; 0]);
        }
        // Numbers, and the beginning of a film.
        for bytes in [b"\x01\0\x02\0\x03\0\x04\0", b"\0\0\0\x18ftyp"] {
            assert_eq!(check(&[], &["x"], bytes), [""; 0]);
        }
        let long = [b"ok\n".as_slice(), &vec![b'y'; LONGEST_LINE + 1], b"x\n"].concat();
        assert!(check(&["x"], &["x"], &long)[0].starts_with("line 2 is longer"));
    }
}

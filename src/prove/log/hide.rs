//! Masks a text that is whole: the words of a finding, a value of a report.
//!
//! Deliberately absent: streams, see `stream`; what a secret looks like.

use std::borrow::Cow;
use std::ops::Range;

use super::masks::{Found, MASK, Masks, SHORTEST};
use super::stream::swallow;

/// What stands at the end of words that were cut.
const CUT: &str = "…";

impl Masks {
    /// The text without its secrets, and without the beginning of a known value that was cut with an ellipsis.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut ranges = self.secrets(text.as_bytes());
        for (cut, _) in text.match_indices(CUT) {
            let start = cut - self.begun(&text.as_bytes()[..cut]);
            if start < cut && ranges.iter().all(|range| range.end <= start || cut <= range.start) {
                ranges.push(start..cut);
            }
        }
        if ranges.is_empty() {
            return Cow::Borrowed(text);
        }
        ranges.sort_by_key(|range| range.start);
        Cow::Owned(String::from_utf8_lossy(&without(text.as_bytes(), ranges)).into_owned())
    }

    /// Where secrets stand in a text, from left to right. No two overlap.
    pub(in crate::prove) fn secrets(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut scan = self.scan(text);
        let mut secrets = Vec::new();
        let mut at = 0;
        while let Some(found) = scan.next(at) {
            let start = found.start().max(at);
            at = match found {
                Found::Secret(range) => range.end,
                Found::KeyBlock(range) => {
                    let rest = &text[range.end..];
                    let swallowed = swallow(rest, 0).length();
                    // What follows the key starts a line, and still does.
                    let line_end = swallowed < rest.len() && rest[..swallowed].ends_with(b"\n");
                    range.end + swallowed - usize::from(line_end)
                }
            };
            secrets.push(start..at);
        }
        secrets
    }

    /// Where secrets stand in a text that keep to one line: all but private keys.
    pub(in crate::prove) fn secrets_on_a_line(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut scan = self.scan(text);
        let mut secrets = Vec::new();
        let mut at = 0;
        while let Some(found) = scan.next(at) {
            at = found.end();
            if let Found::Secret(range) = found {
                secrets.push(range);
            }
        }
        secrets
    }

    /// How many bytes at the end of a text are the beginning of a known value.
    fn begun(&self, text: &[u8]) -> usize {
        let of = |spelling: &Vec<u8>| {
            let lengths = SHORTEST..=spelling.len().min(text.len());
            lengths.rev().find(|length| text.ends_with(&spelling[..*length]))
        };
        self.spellings().iter().filter_map(of).max().unwrap_or(0)
    }
}

/// A text with the mask in place of these ranges, which are sorted.
pub(in crate::prove) fn without(text: &[u8], ranges: impl IntoIterator<Item = Range<usize>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        out.extend_from_slice(&text[at..range.start.max(at)]);
        out.extend_from_slice(MASK.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_hidden_as_a_log_is() {
        let masks = Masks::of([b"correct horse battery".to_vec()].into_iter());
        for (text, expected) in [
            ("nothing to hide", "nothing to hide"),
            ("got correct horse battery, é", "got [secret], é"),
            ("password=hunter2 failed", "password=[secret] failed"),
            ("got correct horse bat… (a.js)", "got [secret]… (a.js)"),
            ("a corre… short start", "a corre… short start"),
            ("key -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nb", "key [secret]\nb"),
        ] {
            assert_eq!(masks.hide(text), expected);
        }
    }
}

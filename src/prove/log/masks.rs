//! Which bytes of a log are secret: values that are known, in the spellings they are printed in, and what has the shape of a secret.
//!
//! Deliberately absent: where known values come from; how a stream is cut.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

use super::shapes;

/// What stands in place of a secret.
pub const MASK: &str = "[secret]";

/// A known value below this length is not masked: it would be found all over a log.
pub(super) const SHORTEST: usize = 6;

/// Longer values are looked for in parts of this length, so that none outgrows the window of a stream.
const PART: usize = 4096;

/// What is masked in a log. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    known: Option<Arc<Spellings>>,
}

/// The known values in every spelling, the longest first.
#[derive(Debug)]
struct Spellings {
    any: Regex,
    all: Vec<Vec<u8>>,
}

impl Masks {
    /// Masks these values beside everything that has the shape of a secret. Each line of a value counts by itself; lines shorter than
    /// 6 bytes do not count. Values are also found percent-encoded, escaped as in JSON, and in base64, standing alone or inside more.
    pub fn of(values: impl Iterator<Item = Vec<u8>>) -> Self {
        let mut spellings = BTreeSet::new();
        for value in values {
            let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            for line in lines.filter(|line| line.len() >= SHORTEST) {
                spell(line, &mut spellings);
            }
        }
        // The longest first: of two that start at one place the regex takes the first it is given.
        let mut spellings: Vec<Vec<u8>> = spellings.into_iter().collect();
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        let known = (!spellings.is_empty()).then(|| Arc::new(Spellings { any: any_of(&spellings), all: spellings }));
        Masks { known }
    }

    /// Looks for secrets from the start of `text` on.
    pub(super) fn scan<'t>(&'t self, text: &'t [u8]) -> Scan<'t> {
        let known = self.known.as_deref().map(|known| Known { regex: &known.any, text, next: None, done: 0 });
        Scan { known, shapes: shapes::Shapes::of(text) }
    }

    /// The known values in every spelling.
    pub(super) fn spellings(&self) -> &[Vec<u8>] {
        self.known.as_deref().map_or(&[], |known| &known.all)
    }
}

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// All of it.
    Secret(Range<usize>),
    /// The first line of a private key; the key follows.
    KeyBlock(Range<usize>),
}

impl Found {
    pub(super) fn start(&self) -> usize {
        self.range().start
    }

    pub(super) fn end(&self) -> usize {
        self.range().end
    }

    fn range(&self) -> &Range<usize> {
        match self {
            Found::Secret(range) | Found::KeyBlock(range) => range,
        }
    }
}

/// The secrets of a text, from left to right. Where two overlap they are one.
pub(super) struct Scan<'t> {
    known: Option<Known<'t>>,
    shapes: shapes::Shapes<'t>,
}

impl Scan<'_> {
    /// The first secret of which something stands at or behind `at`. `at` never goes back.
    pub(super) fn next(&mut self, at: usize) -> Option<Found> {
        let known = self.known.as_mut().and_then(|known| known.next(at));
        let shape = self.shapes.next(at);
        let mut found = match (known, shape) {
            (Some(known), Some(shape)) if known.start < shape.start() => Found::Secret(known),
            (_, Some(shape)) => shape,
            (Some(known), None) => Found::Secret(known),
            (None, None) => return None,
        };
        if let Found::Secret(range) = &mut found {
            range.start = range.start.max(at);
            while let Some(more) = self.overlapping(range) {
                range.end = more;
            }
        }
        Some(found)
    }

    /// Where a secret ends that starts in `range` and goes on behind it.
    fn overlapping(&mut self, range: &Range<usize>) -> Option<usize> {
        let known = self.known.as_mut().and_then(|known| known.next(range.end));
        let shape = self.shapes.next(range.end).filter(|found| matches!(found, Found::Secret(_)));
        let ends = known.into_iter().chain(shape.map(|found| found.range().clone()));
        ends.filter(|more| more.start < range.end).map(|more| more.end).max()
    }
}

/// The known values in a text.
struct Known<'t> {
    regex: &'t Regex,
    text: &'t [u8],
    next: Option<Range<usize>>,
    /// Up to here it has been looked for them.
    done: usize,
}

impl Known<'_> {
    /// The first that ends behind `at`.
    fn next(&mut self, at: usize) -> Option<Range<usize>> {
        while self.next.as_ref().is_none_or(|next| next.end <= at) && self.done < self.text.len() {
            self.next = self.regex.find_at(self.text, self.done).map(|found| found.range());
            self.done = self.next.as_ref().map_or(self.text.len(), |next| next.end);
        }
        self.next.clone().filter(|next| next.end > at)
    }
}

/// The ways in which a value is printed.
fn spell(value: &[u8], spellings: &mut BTreeSet<Vec<u8>>) {
    let json = serde_json::to_string(&String::from_utf8_lossy(value)).unwrap_or_default();
    let mut whole = vec![value.to_vec(), json.trim_matches('"').as_bytes().to_vec()];
    whole.extend([percent(value, b"%20", true), percent(value, b"%20", false), percent(value, b"+", true)]);
    whole.extend((0..3).flat_map(|shift| base64(value, shift)));
    spellings.extend(whole.into_iter().filter(|spelling| spelling.len() >= SHORTEST).flat_map(parts));
}

fn parts(spelling: Vec<u8>) -> Vec<Vec<u8>> {
    if spelling.len() <= PART {
        return vec![spelling];
    }
    let last = spelling[spelling.len() - PART..].to_vec();
    spelling.chunks_exact(PART).map(<[u8]>::to_vec).chain([last]).collect()
}

/// RFC 3986: everything but its unreserved characters is encoded.
fn percent(value: &[u8], blank: &[u8], upper: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(*byte),
            b' ' => out.extend_from_slice(blank),
            other if upper => out.extend_from_slice(format!("%{other:02X}").as_bytes()),
            other => out.extend_from_slice(format!("%{other:02x}").as_bytes()),
        }
    }
    out
}

/// The characters of base64 (RFC 4648, both alphabets) that depend on nothing but the value, when `shift` bytes stand before it.
fn base64(value: &[u8], shift: usize) -> [Vec<u8>; 2] {
    let spell = |last_two: &[u8; 2]| {
        let mut bits = 0_u32;
        let mut held = 0;
        let mut out = Vec::new();
        // The first character that holds bits of the value alone.
        let skipped = [0, 4, 2][shift];
        for (index, byte) in value.iter().enumerate() {
            bits = bits << 8 | u32::from(*byte);
            held += 8;
            if index == 0 {
                held -= skipped;
            }
            while held >= 6 {
                held -= 6;
                out.push(match (bits >> held & 63) as u8 {
                    letter @ 0..26 => b'A' + letter,
                    letter @ 26..52 => b'a' + letter - 26,
                    digit @ 52..62 => b'0' + digit - 52,
                    other => last_two[usize::from(other - 62)],
                });
            }
            bits &= 63;
        }
        out
    };
    [spell(b"+/"), spell(b"-_")]
}

fn any_of(spellings: &[Vec<u8>]) -> Regex {
    let literal = |spelling: &Vec<u8>| spelling.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let pattern = format!("(?-u){}", spellings.iter().map(literal).collect::<Vec<_>>().join("|"));
    let built = RegexBuilder::new(&pattern).unicode(false).size_limit(usize::MAX).dfa_size_limit(16 << 20).build();
    built.expect("an alternation of literals is a regex")
}

//! Masks secrets in a report file, so that what was a JSON or XML document still is one: only inside of its values is anything replaced.
//!
//! Deliberately absent: what a secret looks like, see `log`; reading a report.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::log::{Masks, without};

/// The report without its secrets. All but them stays as it was, byte for byte.
pub(super) fn masked(masks: &Masks, bytes: &[u8]) -> Vec<u8> {
    let values = values_of(bytes);
    let mut ranges: Vec<Range<usize>> = values.iter().flat_map(|value| value.secrets(masks, bytes)).collect();
    // What a key or the name of an attribute tells of its value shows in the document only, not in the value.
    let mut rest = &values[..];
    for found in masks.secrets_on_a_line(bytes) {
        rest = &rest[rest.partition_point(|value| value.place.end <= found.start)..];
        if let Some(value) = rest.first().filter(|value| value.place.start <= found.start) {
            ranges.push(value.whole_escapes(bytes, found));
        }
    }
    ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            Some(_) | None => apart.push(range),
        }
    }
    without(bytes, apart)
}

/// A part of a document that may be replaced.
struct Value {
    place: Range<usize>,
    spelling: Spelling,
}

/// How characters are escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Json,
    Xml,
    /// In XML too, but nothing is an escape.
    Verbatim,
    /// No document that is known.
    Plain,
}

fn values_of(bytes: &[u8]) -> Vec<Value> {
    let mut documents = serde_json::Deserializer::from_slice(bytes).into_iter::<serde::de::IgnoredAny>();
    if documents.all(|document| document.is_ok()) {
        return strings_of(bytes);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if text.starts_with(b"<") {
        return texts_of(bytes);
    }
    vec![Value { place: 0..bytes.len(), spelling: Spelling::Plain }]
}

/// The strings of a JSON document. A name stays where it consists of letters: all that a format knows do.
fn strings_of(bytes: &[u8]) -> Vec<Value> {
    static STRING: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?s-u)"((?:[^"\\]|\\.)*)"(?:([ \t\r\n]*:)|)"#));
    let strings = STRING.captures_iter(bytes).filter_map(|string| {
        let inside = string.get(1)?;
        let is_known = string.get(2).is_some() && inside.as_bytes().iter().all(u8::is_ascii_alphabetic);
        (!is_known).then(|| Value { place: inside.range(), spelling: Spelling::Json })
    });
    strings.collect()
}

/// The texts and attributes of an XML document. Numbers of tests and times stay. What is not closed reaches to the end: looking for
/// its end from every start would take quadratic time.
fn texts_of(bytes: &[u8]) -> Vec<Value> {
    static MARKUP: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r#"(?sx-u) <!\[CDATA\[ (.*?) (?:\]\]>|\z) | <!-- (.*?) (?:-->|\z) | <\?xml\s[^<>]*\?>
               | (</?[A-Za-z_:][\w:.-]*(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*/?>)"#,
        )
    });
    static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?s-u)([\w:.-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')"#));
    let mut values = Vec::new();
    let mut at = 0;
    for markup in MARKUP.captures_iter(bytes) {
        let whole = markup.get(0).expect("it is the match").range();
        values.push(Value { place: at..whole.start, spelling: Spelling::Xml });
        at = whole.end;
        if let Some(inside) = markup.get(1).or_else(|| markup.get(2)) {
            values.push(Value { place: inside.range(), spelling: Spelling::Verbatim });
        }
        let Some(tag) = markup.get(3) else { continue };
        for attribute in ATTRIBUTE.captures_iter(tag.as_bytes()) {
            let Some(value) = attribute.get(2).or_else(|| attribute.get(3)) else { continue };
            if !is_a_figure(&attribute[1], value.as_bytes()) {
                let place = tag.start() + value.start()..tag.start() + value.end();
                values.push(Value { place, spelling: Spelling::Xml });
            }
        }
    }
    values.push(Value { place: at..bytes.len(), spelling: Spelling::Xml });
    values
}

fn is_a_figure(name: &[u8], value: &[u8]) -> bool {
    const NAMES: &[&[u8]] =
        &[b"tests", b"failures", b"errors", b"skipped", b"ignored", b"disabled", b"flakes", b"time", b"timestamp"];
    NAMES.contains(&name) && value.iter().all(|byte| byte.is_ascii_digit() || b".:TZ+-".contains(byte))
}

impl Value {
    /// Where its secrets stand in the document.
    fn secrets(&self, masks: &Masks, document: &[u8]) -> Vec<Range<usize>> {
        let read = Read::of(&document[self.place.clone()], self.spelling);
        let secrets = masks.secrets(&read.text).into_iter().map(|found| {
            let place = read.written(&found);
            self.whole_escapes(document, self.place.start + place.start..self.place.start + place.end)
        });
        secrets.collect()
    }

    /// A range within it, widened so that the mask neither cuts an escape nor makes one, and cut at its end.
    fn whole_escapes(&self, document: &[u8], mut range: Range<usize>) -> Range<usize> {
        range.end = range.end.min(self.place.end);
        match self.spelling {
            Spelling::Json => {
                let backslashes = |text: &[u8]| text.iter().rev().take_while(|byte| **byte == b'\\').count();
                range.start -= backslashes(&document[self.place.start..range.start]) % 2;
                range.end += backslashes(&document[range.clone()]) % 2;
                range.end = range.end.min(self.place.end);
            }
            // With the mask's own bracket it would be the end of a CDATA section.
            Spelling::Xml | Spelling::Verbatim if document[range.end..self.place.end].starts_with(b"]>") => {
                range.end += 1;
            }
            Spelling::Xml | Spelling::Verbatim | Spelling::Plain => {}
        }
        range
    }
}

/// A value without its escapes.
struct Read {
    text: Vec<u8>,
    /// Runs and escapes in turns: where each starts in the text, and where in what is written. The last is the end.
    pieces: Vec<Piece>,
}

struct Piece {
    read: usize,
    written: usize,
    is_escape: bool,
}

impl Read {
    fn of(written: &[u8], spelling: Spelling) -> Self {
        static JSON: LazyLock<Regex> = LazyLock::new(|| {
            regex(r"(?s-u)\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")
        });
        static XML: LazyLock<Regex> =
            LazyLock::new(|| regex(r"(?-u)&(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});"));
        let escapes = match spelling {
            Spelling::Json => Some(&*JSON),
            Spelling::Xml => Some(&*XML),
            Spelling::Verbatim | Spelling::Plain => None,
        };
        let mut read = Read { text: Vec::with_capacity(written.len()), pieces: Vec::new() };
        let mut at = 0;
        for escape in escapes.into_iter().flat_map(|escapes| escapes.find_iter(written)) {
            read.piece(at, false, &written[at..escape.start()]);
            read.piece(escape.start(), true, meaning(escape.as_bytes()).encode_utf8(&mut [0; 4]).as_bytes());
            at = escape.end();
        }
        read.piece(at, false, &written[at..]);
        read.piece(written.len(), false, b"");
        read
    }

    fn piece(&mut self, written: usize, is_escape: bool, text: &[u8]) {
        self.pieces.push(Piece { read: self.text.len(), written, is_escape });
        self.text.extend_from_slice(text);
    }

    /// Where a part of the text, which is not empty, is written.
    fn written(&self, part: &Range<usize>) -> Range<usize> {
        let holding = |at: usize| self.pieces.partition_point(|piece| piece.read <= at) - 1;
        let first = &self.pieces[holding(part.start)];
        let start = if first.is_escape { first.written } else { first.written + part.start - first.read };
        let index = holding(part.end.max(part.start + 1) - 1);
        let last = &self.pieces[index];
        let end = if last.is_escape { self.pieces[index + 1].written } else { last.written + part.end - last.read };
        start..end
    }
}

/// The character that an escape of JSON or XML stands for.
fn meaning(escape: &[u8]) -> char {
    let text = String::from_utf8_lossy(escape);
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let found = match &*text {
        "&lt;" => Some('<'),
        "&gt;" => Some('>'),
        "&amp;" => Some('&'),
        "&quot;" => Some('"'),
        "&apos;" => Some('\''),
        text => match text.strip_prefix("&#x") {
            Some(digits) => number(digits.trim_end_matches(';'), 16),
            None => match text.strip_prefix("&#") {
                Some(digits) => number(digits.trim_end_matches(';'), 10),
                None => {
                    serde_json::from_str::<String>(&format!("\"{text}\"")).ok().and_then(|text| text.chars().next())
                }
            },
        },
    };
    found.unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is constant")
}

#[cfg(test)]
mod tests {
    use bstr::ByteSlice as _;
    use proptest::prelude::*;

    use super::*;
    use crate::evidence::{ReportEvidence, parse_report};
    use crate::policy::{Adapter, Report};

    fn masks(value: &str) -> Masks {
        Masks::of([value.as_bytes().to_vec()].into_iter())
    }

    #[track_caller]
    fn check(value: &str, report: &str, expected: &str) {
        assert_eq!(masked(&masks(value), report.as_bytes()).as_bstr(), expected);
    }

    #[test]
    fn values_are_masked_in_every_spelling_and_the_document_stays_whole() {
        check(
            "p&ss<w>\"d",
            r#"<a b="p&amp;ss&lt;w>&quot;d" c='1'>p&#38;ss&#x3c;w&gt;"d!</a>"#,
            r#"<a b="[secret]" c='1'>[secret]!</a>"#,
        );
        check(
            "p&ss<w>\"d",
            "<a><![CDATA[p&ss<w>\"d]]></a><!-- p&ss<w>\"d -->",
            "<a><![CDATA[[secret]]]></a><!-- [secret] -->",
        );
        check("hunter2222", "<a><![CDATA[hunter2222]>x]]></a>", "<a><![CDATA[[secret]>x]]></a>");
        check("p\"ss\\wörd", r#"{"a":"p\"ss\\w\u00f6rd","p\"ss\\wörd":1}"#, r#"{"a":"[secret]","[secret]":1}"#);
        check("nhunter22", r#"{"a":"\nhunter22"}"#, r#"{"a":"[secret]"}"#);
        check(
            "none-here",
            r#"{"password":"hunter2","x":"token=abc12345"}"#,
            r#"{"password":"[secret]","x":"token=[secret]"}"#,
        );
        check("none-here", "<failure>password=hunter2</failure>", "<failure>password=[secret]</failure>");
        check("none-here", r#"<a password="hunter2"/>"#, r#"<a password="[secret]"/>"#);
        check("hunter2222", "ok hunter2222\n<not a tag hunter2222>", "ok [secret]\n<not a tag [secret]>");
        check("hunter2222", "<junk hunter2222 ></x", "<junk [secret] ></x");
    }

    #[test]
    fn names_and_figures_of_a_format_stay() {
        check("failures", r#"{"failures":["failures"]}"#, r#"{"failures":["[secret]"]}"#);
        check(
            "123456",
            r#"<testsuite tests="123456" name="123456"/>"#,
            r#"<testsuite tests="123456" name="[secret]"/>"#,
        );
    }

    /// How many of each the report holds, where it can be read.
    fn shape(adapter: Adapter, report: &[u8]) -> Option<[usize; 3]> {
        match parse_report(Report { adapter, flavor: None }, report, &mut |_| {}) {
            ReportEvidence::Read(report) => {
                Some([report.cases.len(), report.errors.len(), report.contradictions.len()])
            }
            ReportEvidence::NotAsked | ReportEvidence::Unusable { .. } => None,
        }
    }

    proptest! {
        #[test]
        fn whatever_the_secret_a_report_is_read_as_before_and_does_not_hold_it(
            secret in "[a-zA-Z<>&\"'\\\\;\\[\\]{}:,=/ \n\u{e9}-]{0,3}[A-Z]{6}[a-z<>&\"'\\\\;\\[\\]{}:,=/ -]{0,6}[a-z]",
            before in "\\PC{0,12}",
            after in "[\\]>\\-&;\"\\\\]{0,4}",
        ) {
            let text = format!("{before}{secret}{after}");
            let entry = serde_json::json!({ "fullTitle": "a", "currentRetry": 0, "err": { "message": text } });
            let json = serde_json::json!({
                "stats": { "tests": 1, "passes": 0, "pending": 0, "failures": 1 },
                "tests": [entry], "passes": [], "pending": [], "failures": [entry],
            }).to_string();
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            let verbatim = text.replace("]]>", "");
            let xml = format!(
                "<testsuite tests=\"1\" failures=\"1\"><testcase name=\"a\"><failure message=\"{escaped}\">{escaped}</failure>\
                 <system-out><![CDATA[{verbatim}]]></system-out></testcase></testsuite>"
            );
            for (adapter, report) in [(Adapter::MochaJson, json), (Adapter::JunitXml, xml)] {
                let out = masked(&masks(&secret), report.as_bytes());
                prop_assert_eq!(shape(adapter, report.as_bytes()), shape(adapter, &out), "{}", out.as_bstr());
                for line in secret.lines().map(str::trim).filter(|line| line.len() >= 6) {
                    prop_assert!(out.find(line).is_none(), "{}", out.as_bstr());
                }
            }
        }
    }
}

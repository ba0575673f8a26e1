//! A line as somebody reads it on a screen: without colour codes, and with every byte that is no text replaced.
//!
//! Whoever searches looks at a line as it came too: then nothing that stands in a line is lost by taking something for a code.

use bstr::ByteSlice as _;

/// The longest code that is taken for one. Real ones are below 30 bytes; the link of a hyperlink may be longer.
const LONGEST_CODE: usize = 2048;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// Whether [`plain`] would change anything.
pub(super) fn is_plain(text: &[u8]) -> bool {
    text.find_byte(ESC).is_none() && text.is_utf8()
}

/// Writes the text to `out` without its codes: those that ECMA-48 calls control sequences (`ESC [`), operating system commands
/// (`ESC ]`), and the two-byte ones. What only begins like one stays.
pub(super) fn plain(text: &[u8], out: &mut String) {
    out.clear();
    let mut rest = text;
    while let Some(start) = rest.find_byte(ESC) {
        push(&rest[..start], out);
        rest = &rest[start..];
        let length = code(rest);
        rest = &rest[length.max(1)..];
    }
    push(rest, out);
}

/// Bytes that are no text become one replacement character each run, as `.` of a pattern matches.
fn push(text: &[u8], out: &mut String) {
    text.to_str_lossy_into(out);
}

/// How many bytes the code takes that the text begins with; 0 where it is none.
fn code(text: &[u8]) -> usize {
    let text = &text[..text.len().min(LONGEST_CODE)];
    match text.get(1) {
        // Parameters and what stands between, then one final byte.
        Some(b'[') => {
            let inside = text[2..].iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
            let is_ended = text.get(2 + inside).is_some_and(|byte| matches!(byte, 0x40..=0x7e));
            if is_ended { 3 + inside } else { 0 }
        }
        Some(b']') => {
            let end = text[2..].iter().position(|byte| matches!(*byte, BEL | ESC));
            match end.map(|end| 2 + end) {
                Some(end) if text[end] == BEL => end + 1,
                Some(end) if text.get(end + 1) == Some(&b'\\') => end + 2,
                Some(_) | None => 0,
            }
        }
        // Which letters a terminal shows.
        Some(b'(' | b')') => text.len().min(3),
        Some(0x30..=0x7e) => 2,
        Some(_) | None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_and_what_only_begins_like_one_stays() {
        for (text, expected) in [
            (&b"plain"[..], "plain"),
            (b"\x1b[31mred\x1b[0m", "red"),
            (b"a\x1b[38;2;1;2;3mb\x1b[?25lc\x1b(Bd", "abcd"),
            (b"\x1b]8;;file:///shop\x1b\\link\x1b]8;;\x07!", "link!"),
            (b"\x1b]0;never ended, and read on", "]0;never ended, and read on"),
            (b"\x1b[31\nm", "[31\nm"),
            (b"end \x1b", "end "),
            (b"end \x1b[", "end ["),
            (b"\xffa\x1b7b\xc3\xa9", "\u{fffd}abé"),
        ] {
            let mut out = String::new();
            plain(text, &mut out);
            assert_eq!(out, expected);
            assert_eq!(is_plain(text), text == expected.as_bytes());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_strange(text: Vec<u8>) {
            let mut out = String::new();
            plain(&text, &mut out);
            proptest::prop_assert!(out.len() <= 3 * text.len());
        }
    }
}

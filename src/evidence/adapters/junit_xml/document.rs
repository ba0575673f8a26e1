//! From bytes to a well-formed XML document of bounded size, in whatever encoding it declares.
//!
//! No meaning of JUnit stands here.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use roxmltree::{Document, ParsingOptions};

use crate::evidence::adapters::Malformed;

/// Elements, texts and comments of one report.
const MAX_NODES: u32 = 4_000_000;
/// Elements inside of elements; real reports stay below ten.
const MAX_DEPTH: usize = 100;
/// Attributes of one tag; the XML reader compares every attribute of a tag with every other one.
const MAX_ATTRIBUTES: usize = 256;
/// `xmlns` in one report; the XML reader copies the inherited ones for each element that declares its own.
const MAX_NAMESPACES: usize = 1_000;

/// The report's text.
pub(in crate::evidence::adapters) fn decode(bytes: &[u8]) -> Result<String, Malformed> {
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, &bytes[mark..]),
        None => (declared_encoding(bytes)?, bytes),
    };
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(|text| text.into_owned())
        .ok_or_else(|| Malformed::new(format!("the report is not valid {}", encoding.name())))
}

/// What the XML declaration says, UTF-8 where it says nothing.
fn declared_encoding(bytes: &[u8]) -> Result<&'static Encoding, Malformed> {
    if bytes.starts_with(b"<\0") {
        return Ok(UTF_16LE);
    }
    if bytes.starts_with(b"\0<") {
        return Ok(UTF_16BE);
    }
    let Some(declaration) = bytes.strip_prefix(b"<?xml").and_then(|rest| rest.split(|byte| *byte == b'>').next())
    else {
        return Ok(UTF_8);
    };
    let declaration = String::from_utf8_lossy(declaration);
    let Some((_, value)) = declaration.split_once("encoding") else {
        return Ok(UTF_8);
    };
    let label = value.trim_start().trim_start_matches('=').trim_start();
    let label = label.get(1..).and_then(|label| label.split(['"', '\'']).next()).unwrap_or_default();
    Encoding::for_label_no_replacement(label.as_bytes())
        .ok_or_else(|| Malformed::new(format!("the report's encoding is not known: {label}")))
}

/// The document in `text`.
pub(in crate::evidence::adapters) fn document(text: &str) -> Result<Document<'_>, Malformed> {
    refuse_what_takes_too_long(text)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| Malformed::new(format!("not well-formed XML: {error}")))
}

/// A look over the tags for what would keep the XML reader, or the walk over its result, busy for hours.
fn refuse_what_takes_too_long(text: &str) -> Result<(), Malformed> {
    let too_many = |what: &str, most: usize| Err(Malformed::new(format!("more than {most} {what}")));
    let mut depth = 0_usize;
    let mut namespaces = 0;
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let Some(markup) = Markup::at_start_of(rest) else {
            return Err(Malformed::new(
                "not well-formed XML: the report ends within a tag, a comment or a CDATA section",
            ));
        };
        match markup.kind {
            Kind::Opening => depth += 1,
            Kind::Closing => depth = depth.saturating_sub(1),
            Kind::Empty | Kind::Text => {}
            Kind::Dtd => return Err(Malformed::new("a report has no document type definition")),
        }
        if markup.kind != Kind::Text {
            namespaces += rest[..markup.length].matches("xmlns").count();
        }
        if depth > MAX_DEPTH {
            return too_many("elements inside of each other", MAX_DEPTH);
        }
        if namespaces > MAX_NAMESPACES {
            return too_many("namespaces", MAX_NAMESPACES);
        }
        if markup.attributes > MAX_ATTRIBUTES {
            return too_many("attributes in one tag", MAX_ATTRIBUTES);
        }
        rest = &rest[markup.length..];
    }
    Ok(())
}

/// One piece of markup: where it ends and what it is.
struct Markup {
    kind: Kind,
    length: usize,
    attributes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Opening,
    Closing,
    Empty,
    /// A comment, a CDATA section or a processing instruction.
    Text,
    Dtd,
}

impl Markup {
    /// The markup that `text` begins with, `None` where it does not end.
    fn at_start_of(text: &str) -> Option<Self> {
        for (begin, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
            if let Some(inner) = text.strip_prefix(begin) {
                let length = begin.len() + inner.find(end)? + end.len();
                return Some(Markup { kind: Kind::Text, length, attributes: 0 });
            }
        }
        if text.starts_with("<!") {
            return Some(Markup { kind: Kind::Dtd, length: 2, attributes: 0 });
        }
        let bytes = text.as_bytes();
        let mut attributes = 0;
        let mut at = 1;
        loop {
            match bytes.get(at)? {
                b'>' => break,
                quote @ (b'"' | b'\'') => {
                    attributes += 1;
                    at += 2 + bytes[at + 1..].iter().position(|byte| byte == quote)?;
                }
                _ => at += 1,
            }
        }
        let kind = match (bytes[1], bytes[at - 1]) {
            (b'/', _) => Kind::Closing,
            (_, b'/') => Kind::Empty,
            _ => Kind::Opening,
        };
        Some(Markup { kind, length: at + 1, attributes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        document(text).err().map(|Malformed(detail)| detail).expect("it is refused")
    }

    #[test]
    fn encodings_are_read_as_they_are_declared() {
        let text = |encoding: &str| format!("<?xml version='1.0' encoding='{encoding}'?><testsuites name='\u{fc}'/>");
        let latin = text("ISO-8859-1").chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect::<Vec<u8>>();
        assert!(decode(&latin).is_ok_and(|decoded| decoded.contains('\u{fc}')));
        let wide: Vec<u8> = text("UTF-16").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(decode(&wide).is_ok_and(|decoded| decoded.contains('\u{fc}')));
        assert!(decode(&[&[0xff, 0xfe][..], &wide].concat()).is_ok_and(|decoded| decoded.contains('\u{fc}')));
        assert!(decode(text("utf-8").as_bytes()).is_ok());
        assert!(decode(text("klingon").as_bytes()).is_err());
        assert!(decode(b"<testsuites name='\xfc'/>").is_err(), "not UTF-8, and nothing else is declared");
    }

    #[test]
    fn a_dtd_is_refused_and_a_web_page_in_the_output_is_not() {
        assert!(refusal("<!DOCTYPE a [<!ENTITY b 'c'>]><testsuites/>").contains("document type"));
        assert!(refusal("<!DOCTYPE testsuites><testsuites/>").contains("document type"));
        assert!(document("<testsuites><![CDATA[<!DOCTYPE html><p>it's]]></testsuites>").is_ok());
    }

    #[test]
    fn what_would_take_hours_is_refused_at_once() {
        assert!(refusal(&"<a>".repeat(1_000_000)).contains("inside of each other"));
        let attributes: String = (0..400_000).map(|n| format!(" a{n}=\"\"")).collect();
        assert!(refusal(&format!("<testsuites{attributes}/>")).contains("attributes"));
        assert!(refusal(&format!("<testsuites><![CDATA[']]><testsuite{attributes}/>")).contains("attributes"));
        let namespaces = "<testsuite xmlns:a='b'/>".repeat(2_000);
        assert!(refusal(&format!("<testsuites>{namespaces}</testsuites>")).contains("namespaces"));
    }

    #[test]
    fn quotes_and_brackets_in_printed_text_are_no_attributes() {
        let printed = r#"expected "a" > "b" to be 'c'"#.repeat(1_000);
        assert!(document(&format!("<testsuites><system-out>{printed}</system-out></testsuites>")).is_ok());
        assert!(document(&format!("<testsuites><![CDATA[{printed} xmlns=]]></testsuites>")).is_ok());
        assert!(document(&format!("<testsuites><!-- {printed} --></testsuites>")).is_ok());
    }
}

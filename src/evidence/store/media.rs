//! What a file is: by its first bytes, else by its name.
//!
//! Deliberately absent: believing a name against the bytes.

use std::path::Path;

/// How many first bytes are enough.
pub(super) const LOOKED_AT: u64 = 512;

/// First bytes (at an offset) that say what a file is, from the formats' own specifications.
const MAGIC: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x1f\x8b", "application/gzip"),
];

/// Names of texts.
const NAMES: &[(&str, &str)] = &[
    ("json", "application/json"),
    ("har", "application/json"),
    ("xml", "application/xml"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("svg", "image/svg+xml"),
    ("csv", "text/csv"),
    ("md", "text/markdown"),
];

/// The media type of a file whose first bytes these are.
pub(super) fn type_of(path: &Path, first: &[u8]) -> &'static str {
    let is_there =
        |(at, magic, _): &&(usize, &[u8], &str)| first.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    if let Some((_, _, media_type)) = MAGIC.iter().find(is_there) {
        return media_type;
    }
    if first.contains(&0) {
        return "application/octet-stream";
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension {
        Some(extension) => NAMES.iter().find(|(name, _)| *name == extension).map_or("text/plain", |(_, found)| found),
        // A report has no extension: its adapter is named in the record.
        None => match first.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => "application/json",
            Some(b'<') => "application/xml",
            Some(_) | None => "text/plain",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_more_than_names() {
        for (name, first, expected) in [
            ("a.png", &b"\x89PNG\r\n\x1a\n\0\0"[..], "image/png"),
            ("a.png", b"not a picture", "text/plain"),
            ("trace.zip", b"PK\x03\x04\x14\0", "application/zip"),
            ("video.webm", b"\x1a\x45\xdf\xa3\x01\0", "video/webm"),
            ("video.mp4", b"\0\0\0\x18ftypmp42", "video/mp4"),
            ("a.webp", b"RIFF\x01\0\0\0WEBPVP8 ", "image/webp"),
            ("core", b"\x7fELF\0\0", "application/octet-stream"),
            ("report", b" \n{\"stats\":1}", "application/json"),
            ("report", b"<?xml version='1.0'?>", "application/xml"),
            ("log", b"[\"sh\",\"suite.sh\"]\n{", "text/plain"),
            ("network.HAR", b"{}", "application/json"),
            ("empty", b"", "text/plain"),
        ] {
            assert_eq!(type_of(Path::new(name), first), expected, "{name}");
        }
    }
}

//! Copies one artifact out of the workspace: searched as it is, kept with its secrets masked where it is a text.
//!
//! Deliberately absent: what has to stand in it, and where it comes to lie.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use bstr::BStr;

use super::super::log::{Masks, Stream};
use super::lines::Lines;
use super::walk::{Mark, look_at};
use crate::digest::Digest;
use crate::error::{Context as _, Result};

/// What becomes of an artifact.
pub(super) enum Kept {
    /// It is kept; so many bytes were read.
    Whole(u64),
    /// It is not, and why.
    Not(String),
}

/// Copies an open file to a new one, 0600. `mark` is what it showed when it was opened: what it shows at the end has to be the same.
/// An error means that the copy cannot be written.
pub(super) fn keep(source: &File, mark: &Mark, to: &Path, masks: &Masks, lines: &mut Lines<'_>) -> Result<Kept> {
    let what = || format!("cannot keep the artifact as {}", to.display());
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).context(what())?;
    let mut masked: Option<Stream> = None;
    let mut buffer = vec![0; 64 << 10];
    let mut read = 0;
    let why_not = loop {
        let count = match (&*source).read(&mut buffer) {
            Ok(0) => break None,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Some(format!("it cannot be read: {error}")),
        };
        let bytes = &buffer[..count];
        // What has no zero byte at its start is a text, as git sees it.
        if read == 0 && !bytes.contains(&0) {
            masked = Some(Stream::new(masks));
        }
        read += count as u64;
        if read > mark.size {
            break Some("it grew while it was read".to_owned());
        }
        lines.push(bytes);
        match &mut masked {
            Some(stream) => stream.push(bytes, &mut |decided| copy.write_all(decided)),
            None => copy.write_all(bytes),
        }
        .context(what())?;
    };
    let is_same = || look_at(source).is_ok_and(|now| now == *mark) && read == mark.size;
    let why_not = why_not.or_else(|| (!is_same()).then(|| "it was changed while it was read".to_owned()));
    if let Some(why) = why_not {
        fs::remove_file(to).context(what())?;
        return Ok(Kept::Not(why));
    }
    if let Some(mut stream) = masked {
        stream.end(&mut |decided| copy.write_all(decided)).context(what())?;
    }
    Ok(Kept::Whole(read))
}

/// The longest name of a folder or file in evidence, in bytes: below the 255 that file systems allow, with room for an ending.
const LONGEST_PART: usize = 200;

/// The longest path, in bytes: most systems allow 4,096 in all.
const LONGEST_PATH: usize = 1000;

/// The folder of those whose own names are too long.
const LONG_NAMES: &str = "long-names/";

/// Whether an artifact is kept under another name than its own.
pub(super) fn is_long(kept_name: &str) -> bool {
    kept_name.starts_with(LONG_NAMES)
}

/// The name that an artifact is kept under: its own, with `%XX` for `%` and for bytes that are no plain text, and without secrets. One
/// that is too long is named by its digest.
pub(super) fn kept_name(path: &BStr, masks: &Masks) -> String {
    let mut name = String::new();
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || character == '%' {
                let mut bytes = [0; 4];
                escape(character.encode_utf8(&mut bytes).as_bytes(), &mut name);
            } else {
                name.push(character);
            }
        }
        escape(chunk.invalid(), &mut name);
    }
    let is_short = name.len() <= LONGEST_PATH && name.split('/').all(|part| part.len() <= LONGEST_PART);
    if is_short { masks.hide(&name).into_owned() } else { format!("{LONG_NAMES}{}", Digest::of(path)) }
}

fn escape(bytes: &[u8], into: &mut String) {
    into.extend(bytes.iter().map(|byte| format!("%{byte:02X}")));
}

#[cfg(test)]
mod tests {
    use bstr::ByteSlice as _;

    use super::*;

    fn name(path: &[u8]) -> String {
        kept_name(path.as_bstr(), &Masks::of([b"correct-horse".to_vec()].into_iter()))
    }

    /// Keeps a file of these bytes that is looked at first; `meanwhile` is done to it in between.
    fn kept(bytes: &[u8], meanwhile: impl FnOnce(&Path)) -> (Kept, Option<Vec<u8>>) {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("artifact"), folder.path().join("copy"));
        fs::write(&path, bytes).unwrap();
        let source = File::open(&path).unwrap();
        let mark = look_at(&source).unwrap();
        meanwhile(&path);
        let masks = Masks::of([b"correct-horse".to_vec()].into_iter());
        let kept = keep(&source, &mark, &copy, &masks, &mut Lines::new([].into_iter())).unwrap();
        (kept, fs::read(copy).ok())
    }

    #[test]
    fn what_changes_while_it_is_read_is_not_kept() {
        let append = |path: &Path| {
            let mut file = OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(b"more").unwrap();
        };
        let ways: [&dyn Fn(&Path); 3] =
            [&append, &|path| fs::write(path, "x").unwrap(), &|path| fs::remove_file(path).unwrap()];
        for way in ways {
            let (kept, copy) = kept(b"some words", way);
            assert!(matches!(kept, Kept::Not(_)) && copy.is_none());
        }
    }

    #[test]
    fn texts_are_masked_and_other_bytes_are_kept_as_they_are() {
        let (_, copy) = kept(b"a correct-horse b", |_| {});
        assert_eq!(copy.unwrap(), b"a [secret] b");
        let (kept, copy) = kept(b"\0a correct-horse b", |_| {});
        assert!(matches!(kept, Kept::Whole(18)), "the size that was read");
        assert_eq!(copy.unwrap(), b"\0a correct-horse b");
    }

    #[test]
    fn names_are_readable_and_no_two_paths_share_one() {
        assert_eq!(name(b"test-results/a b/\xc3\xbc.png"), "test-results/a b/\u{fc}.png");
        assert_eq!(name(b"a\nb/100%"), "a%0Ab/100%25");
        assert_eq!(name(b"a/\xff\x1b[31m.log"), "a/%FF%1B[31m.log");
        assert_ne!(name(b"a%0Ab"), name(b"a\nb"));
        assert_eq!(name(b"logs/correct-horse.log"), "logs/[secret].log");
        let long = [b"d/".repeat(1000), b"x".to_vec()].concat();
        assert_eq!(name(&long).len(), "long-names/".len() + 64);
        assert_ne!(name(&long), name(&[&long[..], b"y"].concat()));
        assert!(name(&b"x".repeat(201)).starts_with("long-names/"));
    }
}

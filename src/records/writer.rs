//! The name of this clone's log, bound to the place where the clone lies, so that a copy takes a name of its own.
//!
//! Deliberately absent: knowing what stands in the log.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Context as _, Error, Result};
use crate::git::{Repository, make_own_dir, write_durably};

/// The first word of the file; a number after it gives its format.
const HEADER: &str = "proof-gate-writer";

/// The newest format that is known. Format 1 had no line about signing: nothing was signed then.
const FORMAT: u64 = 2;

/// 16 lower-case hexadecimal digits: whose log it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WriterId(u64);

impl WriterId {
    /// Reads 16 digits; `None` for anything else.
    pub fn parse(hex: &str) -> Option<Self> {
        let digits = hex.len() == 16 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        digits.then(|| u64::from_str_radix(hex, 16).ok().map(WriterId)).flatten()
    }

    /// The number that the digits spell.
    pub(super) fn number(self) -> u64 {
        self.0
    }

    /// The writer of that number.
    pub(super) fn from_number(number: u64) -> Self {
        WriterId(number)
    }

    /// A new one.
    pub(super) fn random() -> Result<Self> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).context("cannot get random bytes from the system")?;
        Ok(WriterId(u64::from_be_bytes(bytes)))
    }
}

impl JsonSchema for WriterId {
    fn schema_name() -> Cow<'static, str> {
        "WriterId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A log's writer", "type": "string", "pattern": "^[0-9a-f]{16}$" })
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriterId({self})")
    }
}

impl From<WriterId> for String {
    fn from(writer: WriterId) -> String {
        writer.to_string()
    }
}

impl TryFrom<String> for WriterId {
    type Error = String;

    fn try_from(hex: String) -> Result<Self, String> {
        WriterId::parse(&hex).ok_or_else(|| format!("'{hex}' is no writer's id"))
    }
}

/// Where a clone lies. A copy has another inode; a moved clone keeps it; a device may be numbered anew at each start.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    device: u64,
    inode: u64,
    path: Digest,
}

impl Place {
    fn of(folder: &Path) -> Result<Self> {
        let what = || format!("cannot tell where {} lies", folder.display());
        let metadata = fs::metadata(folder).context(what())?;
        let path = folder.canonicalize().context(what())?;
        Ok(Place { device: metadata.dev(), inode: metadata.ino(), path: Digest::of(path.as_os_str().as_bytes()) })
    }

    fn is_same(&self, other: &Place) -> bool {
        self.inode == other.inode && (self.device == other.device || self.path == other.path)
    }
}

/// With what a clone signs its records. One writer has one: whoever verifies a log need not guess where another begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedAs(Digest);

impl SignedAs {
    /// Nothing is signed.
    pub fn nothing() -> Self {
        SignedAs::with(b"unsigned")
    }

    /// What tells one signing set-up from another: the format and the key, say.
    pub fn with(identity: &[u8]) -> Self {
        SignedAs(Digest::of(identity))
    }
}

/// What the writer file says.
enum Stored {
    Nothing,
    Writer(WriterId, Place, SignedAs),
}

/// This clone's writer, if it has one that belongs to this place and signs like this.
pub(super) fn current(repository: &Repository, signing: SignedAs) -> Result<Option<WriterId>> {
    Ok(of_place(repository)?.filter(|(_, with)| *with == signing).map(|(writer, _)| writer))
}

/// The writer whose log this clone wrote last, if it belongs to this place.
pub(super) fn last(repository: &Repository) -> Result<Option<WriterId>> {
    Ok(of_place(repository)?.map(|(writer, _)| writer))
}

fn of_place(repository: &Repository) -> Result<Option<(WriterId, SignedAs)>> {
    match read(&repository.own_dir().join("writer"))? {
        Stored::Writer(writer, place, signing) if place.is_same(&Place::of(repository.common_dir())?) => {
            Ok(Some((writer, signing)))
        }
        Stored::Writer(..) | Stored::Nothing => Ok(None),
    }
}

/// Gives this clone a new writer, durably. The caller holds the log's lock.
pub(super) fn renew(repository: &Repository, signing: SignedAs) -> Result<WriterId> {
    let writer = WriterId::random()?;
    let Place { device, inode, path } = Place::of(repository.common_dir())?;
    let text = format!("{HEADER} 2\n{writer}\n{device}\n{inode}\n{path}\n{}\n", signing.0);
    make_own_dir(&repository.own_dir())?;
    write_durably(&repository.own_dir().join("writer"), text.as_bytes())?;
    Ok(writer)
}

/// A damaged file is as none: a new name is always right. One of a newer format is left alone.
fn read(path: &Path) -> Result<Stored> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Stored::Nothing),
        Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    if let Some((HEADER, format)) = lines.first().and_then(|line| line.split_once(' '))
        && format.parse::<u64>().is_ok_and(|format| format > FORMAT)
    {
        return Err(Error::new(format!("cannot read {}: a newer proof-gate wrote it", path.display()))
            .hint("use that newer proof-gate in this clone"));
    }
    let stored = || {
        let (header, rest) = lines.split_first()?;
        let (four, signing) = match (header.strip_prefix(HEADER)?, rest) {
            (" 1", four) => (four, SignedAs::nothing()),
            (" 2", [four @ .., signing]) => (four, SignedAs(Digest::try_from((*signing).to_owned()).ok()?)),
            _ => return None,
        };
        let [writer, device, inode, path] = four else { return None };
        let place = Place {
            device: device.parse().ok()?,
            inode: inode.parse().ok()?,
            path: Digest::try_from((*path).to_owned()).ok()?,
        };
        Some(Stored::Writer(WriterId::parse(writer)?, place, signing))
    };
    Ok(stored().unwrap_or(Stored::Nothing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_16_lower_case_digits_and_nothing_else() {
        assert_eq!(WriterId::parse("00000000000000ff").unwrap().to_string(), "00000000000000ff");
        for wrong in ["", "ff", "00000000000000FF", "+0000000000000ff", "00000000000000ff0", "../../../etc/pass"] {
            assert_eq!(WriterId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_moved_clone_stays_itself_and_a_copied_one_does_not() {
        let place = |device, inode, path: &str| Place { device, inode, path: Digest::of(path.as_bytes()) };
        let here = place(1, 2, "here");
        assert!(here.is_same(&place(1, 2, "there")), "moved on one disk");
        assert!(here.is_same(&place(9, 2, "here")), "the disk is numbered anew");
        assert!(!here.is_same(&place(1, 3, "here")), "restored from a backup");
        assert!(!here.is_same(&place(9, 2, "there")), "copied to another disk");
    }

    #[test]
    fn a_damaged_file_is_as_none_and_a_newer_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writer");
        let six = format!("\n00000000000000ff\n1\n1\n{0}\n{0}\n", Digest::of(b""));
        let of_no_format = ["proof-gate-writer 1", "proof-gate-writer 0"].map(|header| format!("{header}{six}"));
        let cut =
            ["", "\0\0\0", "proof-gate-writer 1\n", "proof-gate-writer 1\nff\n1\n1\nx\n", "proof-gate-writer 2\n"];
        for damaged in cut.into_iter().chain(of_no_format.iter().map(String::as_str)) {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(read(&path), Ok(Stored::Nothing)), "{damaged:?}");
        }
        fs::write(&path, "proof-gate-writer 3\nsomething else\n").unwrap();
        assert!(read(&path).err().unwrap().message.contains("newer"));
    }

    #[test]
    fn a_file_of_the_first_format_says_that_nothing_is_signed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writer");
        let five = format!("00000000000000ff\n1\n1\n{}\n", Digest::of(b""));
        let signed = SignedAs::with(b"ssh key");
        for (text, signing) in [
            (format!("proof-gate-writer 1\n{five}"), SignedAs::nothing()),
            (format!("proof-gate-writer 2\n{five}{}\n", SignedAs::nothing().0), SignedAs::nothing()),
            (format!("proof-gate-writer 2\n{five}{}\n", signed.0), signed),
        ] {
            fs::write(&path, &text).unwrap();
            let Ok(Stored::Writer(writer, _, with)) = read(&path) else { panic!("{text}") };
            assert_eq!((writer.to_string().as_str(), with), ("00000000000000ff", signing));
        }
    }
}

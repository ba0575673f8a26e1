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

/// What the writer file says.
enum Stored {
    Nothing,
    Writer(WriterId, Place),
}

/// This clone's writer, if it has one that belongs to this place.
pub(super) fn current(repository: &Repository) -> Result<Option<WriterId>> {
    match read(&repository.own_dir().join("writer"))? {
        Stored::Writer(writer, place) if place.is_same(&Place::of(repository.common_dir())?) => Ok(Some(writer)),
        Stored::Writer(..) | Stored::Nothing => Ok(None),
    }
}

/// Gives this clone a new writer, durably. The caller holds the log's lock.
pub(super) fn renew(repository: &Repository) -> Result<WriterId> {
    let writer = WriterId::random()?;
    let place = Place::of(repository.common_dir())?;
    let text = format!("{HEADER} 1\n{writer}\n{}\n{}\n{}\n", place.device, place.inode, place.path);
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
        && format.parse::<u64>().is_ok_and(|format| format > 1)
    {
        return Err(Error::new(format!("cannot read {}: a newer proof-gate wrote it", path.display()))
            .hint("use that newer proof-gate in this clone"));
    }
    let stored = || {
        let [header, writer, device, inode, place] = lines[..] else { return None };
        let place = Place {
            device: device.parse().ok()?,
            inode: inode.parse().ok()?,
            path: Digest::try_from(place.to_owned()).ok()?,
        };
        (header == format!("{HEADER} 1")).then_some(Stored::Writer(WriterId::parse(writer)?, place))
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
        for damaged in ["", "\0\0\0", "proof-gate-writer 1\n", "proof-gate-writer 1\nff\n1\n1\nx\n"] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(read(&path), Ok(Stored::Nothing)), "{damaged:?}");
        }
        fs::write(&path, "proof-gate-writer 2\nsomething else\n").unwrap();
        assert!(read(&path).err().unwrap().message.contains("newer"));
    }
}

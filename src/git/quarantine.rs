//! What a push brings to a server, as long as it is not accepted: objects in a folder of their own, which git names in the
//! environment of its receiving hooks (`git help receive-pack`, "Quarantine environment").
//!
//! Deliberately absent: writing into it. What is laid there would be moved into the repository with what was pushed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::repository::open_objects;
use super::unfinished::unfinished_folder;
use super::{Repository, make_own_dir};
use crate::caller::Caller;
use crate::error::{Context as _, Error, Result};

/// Says that there is a quarantine, and where.
const QUARANTINE: &str = "GIT_QUARANTINE_PATH";
/// Where git puts the objects that are pushed.
const OBJECTS: &str = "GIT_OBJECT_DIRECTORY";
/// Where the repository's own are.
const OTHERS: &str = "GIT_ALTERNATE_OBJECT_DIRECTORIES";

/// A folder without objects whose alternates are the quarantine and the repository. Gone with this.
pub(super) struct Quarantine {
    folder: TempDir,
    _held: File,
}

impl Repository {
    /// Opens the repository that a receiving hook stands in, with what is being pushed to it.
    pub fn open_receiving(caller: &Caller) -> Result<Self> {
        let mut repository = Repository::open(caller)?;
        // A push that only deletes brings nothing, and has no quarantine.
        if caller.variable(QUARANTINE).is_none() {
            return Ok(repository);
        }
        let what = "cannot read what is pushed";
        let mut places = Vec::new();
        places.extend(caller.variable(OBJECTS).map(|path| caller.directory.join(path)));
        places.extend(caller.variable(OTHERS).map(split).transpose()?.into_iter().flatten());
        if places.is_empty() {
            return Err(Error::new(format!("{what}: git does not say where it is")).hint("git 2.39 or later says it"));
        }
        make_own_dir(&repository.own_dir())?;
        let (folder, held) = unfinished_folder(&repository.own_dir()).context(what)?;
        let info = folder.path().join("objects/info");
        fs::create_dir_all(&info).context(what)?;
        let lines: Vec<u8> = places.iter().flat_map(|place| [quoted(place).as_bytes(), b"\n"].concat()).collect();
        fs::write(info.join("alternates"), lines).context(what)?;
        repository.objects = open_objects(folder.path(), repository.object_format())?;
        for name in [QUARANTINE, OBJECTS, OTHERS] {
            if let Some(value) = caller.variable(name) {
                repository.keep_variable(name, value);
            }
        }
        repository.quarantine = Some(Quarantine { folder, _held: held });
        Ok(repository)
    }
}

impl Quarantine {
    /// The folder that has `objects` in it.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A path as git reads it in a list of object folders, where a colon ends it unless it is quoted as in C.
pub(super) fn quoted(path: &Path) -> OsString {
    let mut quoted = b"\"".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', *byte]),
            b'\n' => quoted.extend(b"\\n"),
            _ => quoted.push(*byte),
        }
    }
    quoted.push(b'"');
    OsString::from_vec(quoted)
}

/// The paths of such a list.
fn split(list: &OsStr) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let mut rest = list.as_bytes();
    while !rest.is_empty() {
        let mut path = Vec::new();
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let mut bytes = quoted.iter();
            loop {
                match bytes.next() {
                    Some(b'"') => break,
                    Some(b'\\') => path.push(unescaped(&mut bytes)?),
                    Some(byte) => path.push(*byte),
                    None => return Err(Error::new("cannot read what is pushed: a quoted path has no end")),
                }
            }
            rest = bytes.as_slice();
            rest = rest.strip_prefix(b":").unwrap_or(rest);
        } else {
            let end = rest.iter().position(|byte| *byte == b':').unwrap_or(rest.len());
            path.extend_from_slice(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        if !path.is_empty() {
            paths.push(PathBuf::from(OsString::from_vec(path)));
        }
    }
    Ok(paths)
}

/// What stands behind a backslash: a letter, or three octal digits.
fn unescaped(bytes: &mut std::slice::Iter<'_, u8>) -> Result<u8> {
    let unreadable = || Error::new("cannot read what is pushed: a quoted path cannot be read");
    let letter = *bytes.next().ok_or_else(unreadable)?;
    Ok(match letter {
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b'"' | b'\\' => letter,
        b'0'..=b'3' => {
            let mut value = letter - b'0';
            for _ in 0..2 {
                let digit = *bytes.next().filter(|digit| matches!(digit, b'0'..=b'7')).ok_or_else(unreadable)?;
                value = value * 8 + (digit - b'0');
            }
            value
        }
        _ => return Err(unreadable()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_git_writes_them() {
        check("/a", &["/a"]);
        check("/a:/b c", &["/a", "/b c"]);
        check("\"/a:b\\\"c\\n\\303\\244\":/d", &["/a:b\"c\nä", "/d"]);
        check("", &[]);
        for wrong in ["\"/a", "\"/a\\", "\"/a\\9\"", "\"/a\\1z1\""] {
            assert!(split(OsStr::new(wrong)).is_err(), "{wrong}");
        }
        let strange = Path::new("/x:\"y\\z\nä");
        assert_eq!(split(&quoted(strange)).unwrap(), [strange]);

        fn check(list: &str, expected: &[&str]) {
            assert_eq!(split(OsStr::new(list)).unwrap(), expected.iter().map(PathBuf::from).collect::<Vec<_>>());
        }
    }
}

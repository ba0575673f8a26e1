//! File systems that a suite mounted in its workspace and left there: what lies in them is not the workspace's to remove.
//!
//! Format: `/proc/self/mountinfo`, proc_pid_mountinfo(5). Where there is none every answer is empty.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

/// Where file systems are mounted below a folder, those deepest down first: the order in which they can be taken away.
pub(super) fn below(folder: &Path) -> Vec<PathBuf> {
    let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let places = table.lines().filter_map(|line| line.fields().nth(4)).map(plain);
    let mut found: Vec<PathBuf> = places.filter(|place| place.starts_with(folder)).collect();
    found.reverse();
    found
}

/// A path without the escapes of the table: blanks, line ends and backslashes stand there as three octal digits.
fn plain(escaped: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..3).filter(|_| *first == b'\\').and_then(|digits| digits.to_str().ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                path.push(byte);
                rest = &behind[3..];
            }
            None => {
                path.push(*first);
                rest = behind;
            }
        }
    }
    OsString::from_vec(path).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_the_table_are_undone() {
        assert_eq!(plain(br"/a\040b\134c\012"), Path::new("/a b\\c\n"));
        assert_eq!(plain(br"/a\9"), Path::new(r"/a\9"));
    }
}

//! Words of sh for commands that are printed, copied and run.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::reporter::shown;

/// A word that sh reads as exactly these bytes, and that a screen shows as it is: what would have to be escaped stands in octal.
pub fn word(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./:@%+=,-".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    if shown(bytes).as_bytes() == bytes {
        return format!("'{}'", String::from_utf8_lossy(bytes).replace('\'', r"'\''"));
    }
    let octal = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b' ' => char::from(*byte).to_string(),
        byte => format!("\\{byte:03o}"),
    };
    // A newline at the very end is lost that way; no path that matters here ends in one.
    let text: String = bytes.iter().map(octal).collect();
    format!("\"$(printf '{text}')\"")
}

/// The same for a path.
pub fn path(path: &Path) -> String {
    word(path.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Program;

    #[test]
    fn sh_reads_back_every_word_as_it_was_and_a_screen_shows_it_as_it_is() {
        for bytes in [
            &b"plain/path-1.2"[..],
            b"",
            b"two words",
            b"it's \"a\" $(exit 9) `x` \\ &|;*",
            b"two\nlines",
            b"\x1b[2Jclear",
            b"not \xff utf-8 100%",
            "caf\u{e9} \u{202e}left".as_bytes(),
        ] {
            let word = word(bytes);
            assert_eq!(shown(&word), word);
            assert_eq!(read_by_sh(&word), bytes, "{word}");
        }
    }

    /// What sh makes of a word, asked through an alias of git: programs are started by one door.
    fn read_by_sh(word: &str) -> Vec<u8> {
        let variables = [("PATH".into(), "/usr/bin:/bin".into())].into();
        let caller = crate::caller::Caller { variables, directory: "/".into(), program: "/nowhere".into() };
        let alias = format!("alias.say=!printf %s {}", word);
        let git = Program::find(&caller).unwrap().command(Path::new("/")).args(["-c", &alias, "say"]);
        git.run().unwrap().into()
    }
}

//! Bytes from a repository or a test, made harmless for a screen.

use std::fmt;

use bstr::ByteSlice as _;

/// Shows bytes of a stranger: control characters, bidirectional and invisible characters and bytes that are no UTF-8 appear as
/// escapes (`\n`, `\u{202e}`, `\xff`); everything else as it is. Never more than one line.
pub struct Shown<'a>(&'a [u8]);

impl<'a> Shown<'a> {
    /// Wraps what is to be shown.
    pub fn new(bytes: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Shown(bytes.as_ref())
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    '\u{1b}' => f.write_str("\\e")?,
                    character if is_hostile(character) => write!(f, "\\u{{{:x}}}", u32::from(character))?,
                    character => f.write_char(character)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Characters that move the cursor, reorder what is shown, or are not seen at all.
fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// The same as a string.
pub fn shown(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    match bytes.to_str() {
        // Nearly everything, and long lists of it.
        Ok(text) if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) => text.to_owned(),
        Ok(_) | Err(_) => Shown::new(bytes).to_string(),
    }
}

/// A path or other bytes as JSON holds them: as they are where they are UTF-8, else with each other byte as `\xNN`.
pub fn text(bytes: &[u8]) -> String {
    match bytes.to_str() {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let mut out = String::new();
            for chunk in bytes.utf8_chunks() {
                out.push_str(chunk.valid());
                for byte in chunk.invalid() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_move_the_cursor_or_hide_is_escaped() {
        assert_eq!(shown(b"a\x1b[2Jb\nc\rd\te\x07"), "a\\e[2Jb\\nc\\rd\\te\\u{7}");
        assert_eq!(shown("x\u{202e}y\u{200b}z\u{9b}31m"), "x\\u{202e}y\\u{200b}z\\u{9b}31m");
        assert_eq!(shown(b"caf\xe9 caf\xc3\xa9"), "caf\\xe9 café");
    }

    proptest::proptest! {
        #[test]
        fn nothing_hostile_is_left(bytes: Vec<u8>) {
            proptest::prop_assert!(!shown(&bytes).chars().any(is_hostile));
        }
    }
}

//! The user part of a URL, which may hold a password or a token: cut wherever the gate repeats a URL.
//!
//! Deliberately absent: parsing the rest of a URL, and masking other secrets, see `prove::log`.

use std::borrow::Cow;

/// What ends a URL's authority, or the URL in a message.
const ENDS: &[char] = &['/', '?', '#', '"', '\'', '<', '>', '`', '\\'];

/// The text with the user part cut out of every `scheme://user:password@host` in it, and out of `https://token@host`.
/// A name alone, as in `ssh://git@host`, is no secret and stays.
pub fn without_user_info(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|character: char| ENDS.contains(&character) || character.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        out.push_str(before);
        out.push_str("://");
        rest = match authority.rsplit_once('@') {
            Some((user, _)) if is_secret(before.as_bytes(), user.as_bytes()) => &after[user.len() + 1..],
            Some(_) | None => after,
        };
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether the user part of a URL may be a secret. `before`: what stands before its `://`, the scheme last.
pub fn is_secret(before: &[u8], user: &[u8]) -> bool {
    // Over HTTP a token stands in place of the name.
    user.contains(&b':') || before.ends_with(b"http") || before.ends_with(b"https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_are_cut_and_names_stay() {
        for (text, expected) in [
            (
                "fatal: unable to access 'https://ana:hunter2@example.org/x.git/'",
                "fatal: unable to access 'https://example.org/x.git/'",
            ),
            (
                "https://0123abcd@example.org and postgres://a:p@ss@[::1]:5432/x",
                "https://example.org and postgres://[::1]:5432/x",
            ),
            ("ssh://git@example.org/x.git", "ssh://git@example.org/x.git"),
            ("https://example.org/@scope/a:b@1.0", "https://example.org/@scope/a:b@1.0"),
            ("see ://@ and a://", "see ://@ and a://"),
            ("git@example.org:x.git", "git@example.org:x.git"),
        ] {
            assert_eq!(without_user_info(text), expected);
        }
    }
}

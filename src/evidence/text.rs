//! Words of a stranger's report, cut to one bounded line.
//!
//! Nothing is escaped here: that is the reporter's duty when it prints.

use crate::url::without_user_info;

/// The longest title or detail that is kept, in characters.
const MAX_CHARS: usize = 300;

/// The first line that says something, without colour codes and outer blanks, cut where it is long.
pub(super) fn headline(text: &str) -> String {
    text.lines()
        .map(|line| {
            // Colour codes take room too, but never thirty times that of the words.
            let line: String = line.chars().take(30 * MAX_CHARS).collect();
            bounded(console::strip_ansi_codes(&line).trim())
        })
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// The same text, cut with an ellipsis where it is long, without passwords in URLs: findings are recorded, and records are shared.
pub(super) fn bounded(text: &str) -> String {
    let text = &*without_user_info(text);
    match text.char_indices().nth(MAX_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_says_something_is_kept() {
        assert_eq!(headline("\n\n  \u{1b}[31mError: declined\u{1b}[0m\n   at charge (card.js:4)"), "Error: declined");
        assert_eq!(headline(" \n\t"), "");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let cut = headline(&"é".repeat(100_000));
        assert_eq!(cut.chars().count(), MAX_CHARS + 1);
        assert!(cut.ends_with('…'));
    }
}

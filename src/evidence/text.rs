//! Words of a stranger's report, cut to one bounded line.
//!
//! Nothing is escaped here: that is the reporter's duty when it prints. The judge cuts again what it says: a title is kept as long as
//! filters need it, and said as long as a reader can take.

use crate::url::without_user_info;

/// The longest line that is kept of what went wrong, in characters.
const MAX_CHARS: usize = 300;

/// The longest title that is kept, in characters: long enough for any filter that somebody wrote by hand.
const MAX_TITLE: usize = 1024;

/// The first line that says something, without colour codes and outer blanks, cut where it is long.
pub(super) fn headline(text: &str) -> String {
    text.lines()
        .map(|line| {
            // Colour codes take room too, but never thirty times that of the words.
            let line: String = line.chars().take(30 * MAX_CHARS).collect();
            cut(&without_user_info(console::strip_ansi_codes(&line).trim()), MAX_CHARS)
        })
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// A title, cut with an ellipsis where it is longer than any filter needs, without passwords in URLs: findings are recorded, and
/// records are shared.
pub(super) fn bounded(text: &str) -> String {
    cut(&without_user_info(text), MAX_TITLE)
}

/// Whether a title is one that [`bounded`] has cut.
pub(super) fn is_cut(title: &str) -> bool {
    title.ends_with('…') && title.chars().count() > MAX_TITLE
}

/// The same text as it is said and recorded: cut to a length that a reader can take.
pub fn short(text: &str) -> String {
    cut(text, MAX_CHARS)
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
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

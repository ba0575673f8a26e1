//! Patterns as JavaScript reads them, for an engine that does bounded work.
//!
//! Deliberately absent: an engine of our own, and the corners of the language that no filter of tests uses (`v` flag, `[a--b]`).

use fancy_regex::RegexBuilder;

/// Steps that a search may take. A pattern that needs more on a title is one that its author would wait for, too.
const MAX_STEPS: usize = 100_000;
/// Bytes that a compiled pattern may take.
const MAX_SIZE: usize = 1 << 20;
/// The longest pattern that is read, in bytes.
const MAX_LENGTH: usize = 4096;

/// What `\w` is without the `u` flag.
const WORD: &str = "0-9A-Za-z_";

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern(fancy_regex::Regex);

/// Whether upper and lower case are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Kept,
    Ignored,
}

impl Pattern {
    /// Reads a pattern in the syntax of ECMAScript. An error says why it cannot be read.
    pub(super) fn ecmascript(pattern: &str, case: Case) -> Result<Self, String> {
        Self::native(&translated(pattern), case)
    }

    /// Reads a pattern in the syntax of RE2, which is also that of the crate `regex`.
    pub(super) fn native(pattern: &str, case: Case) -> Result<Self, String> {
        if pattern.len() > 16 * MAX_LENGTH {
            return Err(format!("it is longer than {MAX_LENGTH} bytes"));
        }
        let built = RegexBuilder::new(pattern)
            .case_insensitive(case == Case::Ignored)
            .backtrack_limit(MAX_STEPS)
            .delegate_size_limit(MAX_SIZE)
            .delegate_dfa_size_limit(MAX_SIZE)
            .build();
        built.map(Pattern).map_err(|error| super::text::headline(&error.to_string()))
    }

    /// Whether it matches anywhere in a text; an error where that takes too many steps.
    pub(super) fn is_in(&self, text: &str) -> Result<bool, String> {
        self.0.is_match(text).map_err(|_| "it takes too many steps".to_owned())
    }
}

/// The same pattern in the engine's syntax: classes by ASCII, and literal what JavaScript takes for itself.
fn translated(pattern: &str) -> String {
    let mut letters = pattern.chars().peekable();
    let mut out = String::with_capacity(pattern.len());
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => escape(letters.next(), &mut letters, in_class, &mut out),
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '[' | '&' | '~' if in_class => out.extend(['\\', letter]),
            '[' => in_class = class(&mut letters, &mut out),
            ']' | '}' => out.extend(['\\', letter]),
            '{' if !in_class => match quantifier(letters.clone()) {
                Some(counts) => {
                    letters.nth(counts.len() - 1);
                    out.push('{');
                    out.push_str(&counts);
                }
                None => out.push_str("\\{"),
            },
            _ => out.push(letter),
        }
    }
    out
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// What follows a `[`; gives whether the class goes on. `[]` matches nothing and `[^]` everything.
fn class(letters: &mut Letters<'_>, out: &mut String) -> bool {
    let negated = letters.next_if_eq(&'^').is_some();
    if letters.next_if_eq(&']').is_some() {
        out.push_str(if negated { "(?s:.)" } else { "(?!)" });
        return false;
    }
    out.push_str(if negated { "[^" } else { "[" });
    true
}

/// `2,5}` behind a `{`, where that is what follows.
fn quantifier(letters: Letters<'_>) -> Option<String> {
    let counts: String = letters.take(24).collect();
    let counts = &counts[..=counts.find('}')?];
    let (least, most) = counts[..counts.len() - 1].split_once(',').unwrap_or((&counts[..counts.len() - 1], ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!least.is_empty() && is_number(least) && is_number(most)).then(|| counts.to_owned())
}

fn escape(letter: Option<char>, letters: &mut Letters<'_>, in_class: bool, out: &mut String) {
    let Some(letter) = letter else { return out.push('\\') };
    match (letter, in_class) {
        ('d', true) => out.push_str("0-9"),
        ('d', false) => out.push_str("[0-9]"),
        ('D', false) => out.push_str("[^0-9]"),
        ('w', true) => out.push_str(WORD),
        ('w', false) => out.push_str(&format!("[{WORD}]")),
        ('W', false) => out.push_str(&format!("[^{WORD}]")),
        ('b', true) => out.push_str("\\x08"),
        ('b', false) => out.push_str(&format!("(?:(?<=[{WORD}])(?![{WORD}])|(?<![{WORD}])(?=[{WORD}]))")),
        ('B', false) => out.push_str(&format!("(?:(?<=[{WORD}])(?=[{WORD}])|(?<![{WORD}])(?![{WORD}]))")),
        ('0', _) => out.push_str("\\x00"),
        ('c', _) => match letters.next_if(char::is_ascii_alphabetic) {
            Some(control) => out.push_str(&format!("\\x{:02x}", u32::from(control) % 32)),
            None => out.push_str("\\\\c"),
        },
        ('D' | 'W' | 's' | 'S' | 'n' | 'r' | 't' | 'f' | 'v' | 'x' | 'u' | 'p' | 'P' | 'k' | '1'..='9', _) => {
            out.extend(['\\', letter]);
        }
        // What else is escaped is meant as it stands; the engine has meanings of its own for some letters, `<` and `>`.
        (_, _) if letter.is_ascii_punctuation() && !matches!(letter, '<' | '>' | '_' | '/') => {
            out.extend(['\\', letter]);
        }
        (_, _) => out.push(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], other: &[&str]) {
        let pattern = Pattern::ecmascript(pattern, Case::Kept).expect("the pattern can be read");
        for text in matching {
            assert_eq!(pattern.is_in(text), Ok(true), "{text:?} by {pattern:?}");
        }
        for text in other {
            assert_eq!(pattern.is_in(text), Ok(false), "{text:?} by {pattern:?}");
        }
    }

    #[test]
    fn what_stands_in_real_filters_means_the_same_as_in_javascript() {
        check("payment", &["a payment b"], &["Payment"]);
        check("guardrail|kill.*switch", &["the kill big switch"], &["switch kill"]);
        check("^(?!.*@slow).*pay", &["pay now"], &["pay @slow"]);
        check("(?<=#)42", &["#42"], &["42"]);
        check(r"(a)\1", &["aa"], &["ab"]);
        check(r"\bpay\b", &["to pay: now", "pay"], &["repay", "pays"]);
        check(r"caf\b", &["café"], &["cafe"]);
        check(r"^\d+$", &["42"], &["٤٢"]);
        check(r"a\/b", &["a/b"], &["a b"]);
        check(r"{x} ${y}", &[], &["{x} "]);
        check(r"{x}", &["a {x}"], &["x"]);
        check(r"a{2,3}$", &["aaa"], &["a", "a{2,3}"]);
        check(r"[[\]]+$", &["[]"], &["x"]);
        check(r"[^]", &["\n"], &[""]);
        check(r"[]", &[], &["", "a"]);
        check(r"[a&&b]", &["&"], &["c"]);
        check(r"\<\e\>\_\@\'", &["<e>_@'"], &["x"]);
        check(r"[\w-]+ü", &["a-ü"], &["ü"]);
        check(r"\u00e9\x41\cJ", &["éA\n"], &["e"]);
    }

    #[test]
    fn what_cannot_be_read_says_why_and_what_takes_too_long_is_given_up() {
        for pattern in ["(", "[a", "a**b(", "(?<x"] {
            assert!(Pattern::ecmascript(pattern, Case::Kept).is_err(), "{pattern}");
        }
        let slow = Pattern::ecmascript(r"^((?=a)a+)+b", Case::Kept).expect("it can be read");
        assert!(slow.is_in(&"a".repeat(4000)).is_err());
        assert!(Pattern::ecmascript(&"(a{99}){99}{99}".repeat(9), Case::Kept).is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic_and_letters_match_themselves(pattern in ".{0,40}", word in "[a-z ]{1,20}") {
            if let Ok(pattern) = Pattern::ecmascript(&pattern, Case::Ignored) {
                let _ = pattern.is_in(&word);
            }
            let itself = Pattern::ecmascript(&word, Case::Kept).expect("letters are a pattern");
            proptest::prop_assert_eq!(itself.is_in(&word), Ok(true));
        }
    }
}

//! What secrets look like: tokens with a mark of their own, key blocks, headers, assignments, and the user part of a URL.
//!
//! Prefixes and lengths are those that the services document for secret scanning. No shape spans lines, and each is found by one regex
//! in one pass, in linear time.
//!
//! Deliberately absent: guessing by entropy. It hits digests and ids, which a log of tests is full of.

use std::ops::Range;
use std::sync::LazyLock;

use bstr::ByteSlice as _;
use regex::bytes::Regex;

use super::masks::Found;
use crate::url;

/// What is masked where a shape matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The match.
    Token,
    /// The match, which is the first line of a private key, and the key behind it.
    KeyBlock,
    /// The group, which is what a password is said to be.
    Password,
    /// The group, which is what a token or the like is said to be, if it looks made by a machine.
    Value,
    /// The group, which is what a password, a token or the like is said to be, if it is no word.
    Chosen,
    /// The group, which is the user part of a URL, if it holds more than a name.
    UserInfo,
}

/// `Token` and `KeyBlock` have no group, the others have one.
const SHAPES: &[(Kind, &str)] = &[
    (Kind::KeyBlock, r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"),
    // Access key ids of AWS; tokens of GitHub, GitLab, npm, PyPI.
    (Kind::Token, r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    (Kind::Token, r"\bgh[opusr]_[A-Za-z0-9]{36,}"),
    (Kind::Token, r"\bgithub_pat_[A-Za-z0-9_]{22,}"),
    (Kind::Token, r"\bgl(?:pat|ptt|dt|rt|cbt|agent|soat|ft|imt)-[A-Za-z0-9_.-]{20,}"),
    (Kind::Token, r"\bnpm_[A-Za-z0-9]{36}\b"),
    (Kind::Token, r"\bpypi-[A-Za-z0-9_-]{50,}"),
    // Stripe, Slack, Google, SendGrid, and keys of the language model services.
    (Kind::Token, r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    (Kind::Token, r"\bwhsec_[A-Za-z0-9+/=]{16,}"),
    (Kind::Token, r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    (Kind::Token, r"\bxapp-[0-9]-[A-Za-z0-9-]{10,}"),
    (Kind::Token, r"\bhooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
    (Kind::Token, r"\bAIza[A-Za-z0-9_-]{35}"),
    (Kind::Token, r"\bGOCSPX-[A-Za-z0-9_-]{28}"),
    (Kind::Token, r"\bya29\.[A-Za-z0-9_-]{20,}"),
    (Kind::Token, r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    (Kind::Token, r"\bsk-(?:proj-|ant-)[A-Za-z0-9_-]{32,}"),
    // Hugging Face, DigitalOcean, and bots of Telegram, whose id stands in front.
    (Kind::Token, r"\bhf_[A-Za-z0-9]{20,}"),
    (Kind::Token, r"\bdo[opr]_v1_[a-f0-9]{32,}"),
    (Kind::Token, r"[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}"),
    // JSON Web Tokens: two parts that start as base64 of `{"` does, and a third.
    (Kind::Token, r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    (Kind::UserInfo, r#"://([^\s/?#"'<>`\\]+)@"#),
    // What a header, a JSON text, an assignment or an option says. A quote may be escaped, where JSON stands within JSON.
    (Kind::Value, r#"(?i:authorization)\\?["']?[:=][ \t]*\\?["']?(?:[A-Za-z]+ )?([^\s"',\\]{6,})"#),
    // Of a cookie that is set the value; of those that are sent the first value and what follows.
    (Kind::Value, r#"(?i:\bset-cookie)\\?["']?[:=][ \t]*\[?\\?["']?[A-Za-z0-9_.-]+=([^\s"',;\\]{6,})"#),
    (Kind::Value, r#"(?i:\bcookie)\\?["']?[:=][ \t]*\\?["']?[A-Za-z0-9_.-]+=([^\r\n"'\\]{6,})"#),
    (Kind::Value, r#"\b(?i:x-[a-z-]*(?:key|token|secret))\\?["']?[:=][ \t]*\\?["']?([^\s"',;\\]{6,})"#),
    (Kind::Value, r"\b(?i:bearer) ([A-Za-z0-9._~+/=-]{16,})"),
    (Kind::Password, r#"(?i:password|passwd|passphrase)(?:=|\\?["'][ \t]*:[ \t]*)\\?["']?([^\s"'&,;\\]{4,})"#),
    (Kind::Password, r#"--(?i:password|passwd|passphrase) ([^\s"'&,;\\-][^\s"'&,;\\]{3,})"#),
    (
        Kind::Value,
        r#"(?i:secret|token|(?:api|access|private|secret)[_-]?key)(?:=|\\?["'][ \t]*:[ \t]*)\\?["']?([^\s"'&,;\\]{8,})"#,
    ),
    // The same as YAML, an INI file or source code say it, where words of a sentence may stand as well.
    (Kind::Chosen, r#"(?i:password|passwd|passphrase)\\?["']?[ \t]*(?::=|=>|[=:])[ \t]*\\?["']?([^\s"'&,;\\]{4,})"#),
    (
        Kind::Chosen,
        r#"(?i:secret|token|(?:api|access|private|secret)[_-]?key)\\?["']?[ \t]*(?::=|=>|[=:])[ \t]*\\?["']?([^\s"'&,;\\]{8,})"#,
    ),
    // The user of a request, as curl takes it. Other programs take a user and a group.
    (Kind::Password, r#"\bcurl(?: -[A-Za-z]+)* (?:-u|--user)[ =]?["']?[^\s:"']+:([^\s"'\\]{4,})"#),
    (Kind::Chosen, r#"(?:[ \t]-u|--user)[ =]["']?[A-Za-z0-9_.@+-]+:([^\s"'\\]{4,})"#),
];

/// All shapes as one regex with a group for each, numbered as in the table.
static ANY: LazyLock<Regex> = LazyLock::new(|| {
    let shapes = SHAPES.iter().map(|(kind, shape)| match kind {
        Kind::Token | Kind::KeyBlock => format!("({shape})"),
        Kind::Password | Kind::Value | Kind::Chosen | Kind::UserInfo => (*shape).to_owned(),
    });
    Regex::new(&format!("(?-u){}", shapes.collect::<Vec<_>>().join("|"))).expect("the shapes are constant")
});

/// The secrets that a text shows by their shape.
pub(super) struct Shapes<'t> {
    text: &'t [u8],
    next: Option<Found>,
    /// Up to here it has been looked for them.
    done: usize,
}

impl<'t> Shapes<'t> {
    pub(super) fn of(text: &'t [u8]) -> Self {
        Shapes { text, next: None, done: 0 }
    }

    /// The first that ends behind `at`.
    pub(super) fn next(&mut self, at: usize) -> Option<Found> {
        while self.next.as_ref().is_none_or(|next| next.end() <= at) && self.done < self.text.len() {
            self.done = self.done.max(at);
            self.next = self.look();
        }
        self.next.clone().filter(|next| next.end() > at)
    }

    fn look(&mut self) -> Option<Found> {
        while let Some(groups) = ANY.captures_at(self.text, self.done) {
            let group = groups.iter().skip(1).position(|group| group.is_some());
            let index = group.expect("every shape has a group");
            let range = groups.get(index + 1).expect("it is the one that was found").range();
            let (kind, _) = SHAPES[index];
            if self.is_secret(kind, &range) {
                self.done = range.end;
                return Some(if kind == Kind::KeyBlock { Found::KeyBlock(range) } else { Found::Secret(range) });
            }
            self.done = range.start;
        }
        self.done = self.text.len();
        None
    }

    fn is_secret(&self, kind: Kind, range: &Range<usize>) -> bool {
        let value = &self.text[range.clone()];
        match kind {
            Kind::Token | Kind::KeyBlock => true,
            Kind::Password => !is_placeholder(value),
            Kind::Value => !is_placeholder(value) && looks_made(value),
            Kind::Chosen => !is_placeholder(value) && is_no_word(value),
            Kind::UserInfo => {
                url::is_secret(self.text[..range.start].trim_end_with(|end| matches!(end, ':' | '/')), value)
            }
        }
    }
}

/// What stands in source code and messages where a secret would stand.
fn is_placeholder(value: &[u8]) -> bool {
    let word = value.to_ascii_lowercase();
    let is_word = ["true", "false", "null", "none", "undefined", "string"].iter().any(|known| word == known.as_bytes());
    is_word || value.starts_with(b"process.env") || value.contains(&b'(') || b"$<[{*%".contains(&value[0])
}

/// Letters and digits, or letters of both cases, or very long.
fn looks_made(value: &[u8]) -> bool {
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let (digit, lower, upper) = (has(u8::is_ascii_digit), has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    (digit && (lower || upper)) || (lower && upper) || value.len() >= 32
}

/// Letters with digits or with signs between them, or six digits. Not `required!`, nor the numbers of a position.
fn is_no_word(value: &[u8]) -> bool {
    let value = value.trim_end_with(|end| "!?.:)}]>".contains(end));
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let is_place = value.contains(&b':') || value.contains(&b'(');
    match (has(u8::is_ascii_alphabetic), has(u8::is_ascii_digit), has(|byte| b"!@#$%^*+~?".contains(byte))) {
        (true, true, _) | (true, _, true) => !is_place,
        (false, ..) | (true, false, false) => is_number && value.len() >= 6,
    }
}

//! One line of TAP, without the blanks in front.

use crate::evidence::adapters::Malformed;

/// What a line says.
pub(super) enum Line<'a> {
    Version,
    Pragma,
    /// How many tests there are. `1..0` says that all were skipped.
    Plan(u64),
    Point(Point),
    /// Nothing after it is run, for this reason.
    BailOut(&'a str),
    Comment,
    /// How many tests failed, by the runner's own count.
    Failed(u64),
    Other,
}

/// A test's line.
pub(super) struct Point {
    pub(super) is_ok: bool,
    pub(super) number: Option<u64>,
    pub(super) title: String,
    pub(super) directive: Option<Directive>,
    /// Why, where a directive says so.
    pub(super) reason: String,
    /// Whether it ends in a brace, as vitest writes before the tests of a group.
    pub(super) opens_a_brace: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Directive {
    Skip,
    Todo,
}

impl<'a> Line<'a> {
    pub(super) fn of(words: &'a str) -> Result<Self, Malformed> {
        if words.starts_with('#') {
            return Ok(failed(words).map_or(Line::Comment, Line::Failed));
        }
        if let Some(version) = words.strip_prefix("TAP version ") {
            return match version {
                "12" | "13" | "14" => Ok(Line::Version),
                version => Err(Malformed::new(format!("TAP version {version} is not known"))),
            };
        }
        if words.starts_with("pragma ") {
            return Ok(Line::Pragma);
        }
        if words.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("bail out!")) {
            return Ok(Line::BailOut(words[9..].trim()));
        }
        if let Some(point) = Point::of(words) {
            return Ok(Line::Point(point));
        }
        Ok(plan(words).map_or(Line::Other, Line::Plan))
    }
}

/// `# fail 1`, as mocha, node and tape end their reports. A test that is cancelled failed.
fn failed(words: &str) -> Option<u64> {
    let words = words.strip_prefix("# ")?;
    let count = words.strip_prefix("fail ").or_else(|| words.strip_prefix("cancelled "))?;
    count.trim().parse().ok()
}

fn plan(words: &str) -> Option<u64> {
    let rest = words.strip_prefix("1..")?;
    let (number, rest) = rest.split_once(|char: char| !char.is_ascii_digit()).unwrap_or((rest, ""));
    let is_whole = rest.trim().is_empty() || rest.trim_start().starts_with('#');
    is_whole.then(|| number.parse::<u32>().ok().map(u64::from))?
}

impl Point {
    fn of(words: &str) -> Option<Self> {
        let (is_ok, rest) = match words.strip_prefix("not ok") {
            Some(rest) => (false, rest),
            None => (true, words.strip_prefix("ok")?),
        };
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return None;
        }
        let rest = rest.trim();
        let (rest, opens_a_brace) = match rest.strip_suffix(" {") {
            Some(before) => (before.trim_end(), true),
            None => (rest, false),
        };
        let digits = rest.len() - rest.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        let is_number = digits > 0 && !rest[digits..].starts_with(|char: char| !char.is_whitespace());
        // A number too large to be one is out of order, as any wrong one is.
        let number = is_number.then(|| rest[..digits].parse().unwrap_or(u64::MAX));
        let rest = if is_number { rest[digits..].trim_start() } else { rest };
        let rest = rest.strip_prefix("- ").or(rest.strip_prefix('-').filter(|rest| rest.is_empty())).unwrap_or(rest);
        let (title, comment) = split_at_comment(rest);
        let (directive, reason) = directive(comment);
        let title = match (unescaped(title.trim()), number) {
            (title, Some(number)) if title.is_empty() => format!("test {number}"),
            (title, None) if title.is_empty() => "a test without a name".to_owned(),
            (title, _) => title,
        };
        Some(Point { is_ok, number, title, directive, reason: reason.trim().to_owned(), opens_a_brace })
    }

    /// The same where the brace turned out to belong to its name.
    pub(super) fn with_brace(mut self) -> Self {
        self.title.push_str(" {");
        self
    }
}

/// The description, and what stands behind the first `#` that is not escaped and has a blank in front.
fn split_at_comment(text: &str) -> (&str, &str) {
    let mut is_escaped = false;
    let mut before = ' ';
    for (at, char) in text.char_indices() {
        if char == '#' && !is_escaped && before.is_whitespace() {
            return (&text[..at], &text[at + 1..]);
        }
        is_escaped = char == '\\' && !is_escaped;
        before = char;
    }
    (text, "")
}

/// The directive in a comment. `# time=2ms` is none; `# skipped: no bank` is one.
fn directive(comment: &str) -> (Option<Directive>, &str) {
    let comment = comment.trim();
    let (word, reason) = comment.split_once(char::is_whitespace).unwrap_or((comment, ""));
    let skip = word.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("skip"));
    let todo =
        word.split(|char: char| !char.is_alphanumeric()).next().is_some_and(|word| word.eq_ignore_ascii_case("todo"));
    match (skip, todo) {
        (true, _) => (Some(Directive::Skip), reason),
        (false, true) => (Some(Directive::Todo), reason),
        (false, false) => (None, ""),
    }
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match chars.peek() {
            Some(next @ ('#' | '\\')) if char == '\\' => {
                plain.push(*next);
                chars.next();
            }
            Some(_) | None => plain.push(char),
        }
    }
    plain
}

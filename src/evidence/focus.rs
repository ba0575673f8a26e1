//! Focused tests in sources of JavaScript and TypeScript: `.only`, `fdescribe`, `fit`, and node's `{ only: true }`.
//!
//! A light lexer, no parser: it knows comments, strings, templates, regular expressions and brackets. What it cannot tell: a focus that is
//! made under another name (`const run = it.only`, `it['only']`), one that never runs, and text between JSX tags that looks like code.

/// A file is searched up to here, in bytes. Nobody writes tests by hand in a longer one.
const MAX_BYTES: usize = 4 << 20;
/// Places that are given of one file, at most.
const MAX_PLACES: usize = 20;
/// Brackets that are followed into each other.
const MAX_DEPTH: usize = 1000;

/// The functions that declare tests and groups of them.
const DECLARING: &[&[u8]] =
    &[b"describe", b"it", b"test", b"context", b"specify", b"suite", b"bench", b"feature", b"scenario"];
/// Those that declare a focused one.
const FOCUSING: &[&[u8]] = &[b"fdescribe", b"fit", b"fcontext", b"fspecify"];

/// A focused test in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Focus {
    /// The line, from 1.
    pub line: usize,
    /// What stands there, such as `describe.only`.
    pub what: String,
}

/// The focused tests of a source. Never panics, whatever the bytes are.
pub fn focused(source: &[u8]) -> Vec<Focus> {
    let source = &source[..source.len().min(MAX_BYTES)];
    let mut lexer = Lexer { source, at: 0, line: 1, open: Vec::new(), before: Before::Start };
    let mut found = Vec::new();
    while found.len() < MAX_PLACES
        && let Some(more) = lexer.step()
    {
        found.extend(more);
    }
    found
}

/// What stood before the place, as far as the meaning of `/` and of a name depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Start,
    /// A value ends here: what follows is an operator, so `/` divides.
    Value,
    /// An operator, an opening bracket, or a keyword: what follows is a value.
    Operator,
    Dot,
    /// `function` or `class`: a name is declared.
    Declares,
}

/// A bracket that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bracket {
    /// `${` in a template: its end goes on with the template.
    Template,
    /// The arguments of a test's declaration.
    OfTest,
    Other,
}

struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    line: usize,
    open: Vec<Bracket>,
    before: Before,
}

impl Lexer<'_> {
    /// Goes on by one token; nothing at the end. The inner option is a focused test.
    fn step(&mut self) -> Option<Option<Focus>> {
        let byte = *self.source.get(self.at)?;
        match byte {
            b'\n' => {
                self.line += 1;
                self.at += 1;
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'/' if self.rest().starts_with(b"//") => self.until(|rest| rest.starts_with(b"\n"), 0),
            b'/' if self.rest().starts_with(b"/*") => {
                self.at += 2;
                self.until(|rest| rest.starts_with(b"*/"), 2);
            }
            b'#' if self.at == 0 => self.until(|rest| rest.starts_with(b"\n"), 0),
            b'/' if self.before != Before::Value => self.regular_expression(),
            b'\'' | b'"' => self.string(byte),
            b'`' => {
                self.at += 1;
                self.template();
            }
            b'(' | b'[' | b'{' => self.opens(Bracket::Other),
            b')' | b']' | b'}' => self.closes(),
            b'.' => {
                self.at += 1;
                self.before = Before::Dot;
            }
            byte if is_name(byte) => return Some(self.name()),
            _ => {
                self.at += 1;
                self.before = Before::Operator;
            }
        }
        Some(None)
    }

    fn rest(&self) -> &[u8] {
        &self.source[self.at..]
    }

    /// Goes on until `is_end` holds, and behind that by `beyond`, counting lines.
    fn until(&mut self, is_end: impl Fn(&[u8]) -> bool, beyond: usize) {
        while self.at < self.source.len() && !is_end(self.rest()) {
            self.line += usize::from(self.source[self.at] == b'\n');
            self.at += 1;
        }
        self.at = (self.at + beyond).min(self.source.len());
    }

    fn opens(&mut self, bracket: Bracket) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(bracket);
        }
        self.at += 1;
        self.before = Before::Operator;
    }

    fn closes(&mut self) {
        let closed = self.open.pop();
        self.at += 1;
        match closed {
            Some(Bracket::Template) => self.template(),
            Some(Bracket::OfTest | Bracket::Other) | None => self.before = Before::Value,
        }
    }

    /// A string ends at the line's end at the latest, so that a quote in a text between tags hides one line at most.
    fn string(&mut self, quote: u8) {
        self.at += 1;
        while let Some(byte) = self.source.get(self.at) {
            match byte {
                b'\\' => {
                    self.line += usize::from(self.source.get(self.at + 1) == Some(&b'\n'));
                    self.at += 2;
                }
                b'\n' => break,
                byte => {
                    self.at += 1;
                    if *byte == quote {
                        break;
                    }
                }
            }
        }
        self.at = self.at.min(self.source.len());
        self.before = Before::Value;
    }

    /// A template from behind its start or from behind a `}` in it, to its end or the next `${`.
    fn template(&mut self) {
        while let Some(byte) = self.source.get(self.at) {
            match byte {
                b'\\' => {
                    self.line += usize::from(self.source.get(self.at + 1) == Some(&b'\n'));
                    self.at += 2;
                }
                b'`' => {
                    self.at += 1;
                    break;
                }
                b'$' if self.source.get(self.at + 1) == Some(&b'{') => {
                    self.at += 1;
                    return self.opens(Bracket::Template);
                }
                byte => {
                    self.line += usize::from(*byte == b'\n');
                    self.at += 1;
                }
            }
        }
        self.at = self.at.min(self.source.len());
        self.before = Before::Value;
    }

    fn regular_expression(&mut self) {
        self.at += 1;
        let mut in_class = false;
        while let Some(byte) = self.source.get(self.at) {
            match byte {
                b'\n' => break,
                b'\\' => self.at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.at += 1;
                    break;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.source.len());
        self.before = Before::Value;
    }

    fn word(&mut self) -> (usize, usize) {
        let start = self.at;
        while self.source.get(self.at).is_some_and(|byte| is_name(*byte)) {
            self.at += 1;
        }
        (start, self.at)
    }

    fn name(&mut self) -> Option<Focus> {
        let before = self.before;
        let line = self.line;
        let (start, end) = self.word();
        let source = self.source;
        let name = &source[start..end];
        self.before = match name {
            b"function" | b"class" | b"get" | b"set" | b"new" if before != Before::Dot => Before::Declares,
            b"return" | b"typeof" | b"case" | b"in" | b"of" | b"do" | b"else" | b"void" | b"delete" | b"await"
            | b"yield" | b"throw" | b"instanceof"
                if before != Before::Dot =>
            {
                Before::Operator
            }
            _ => Before::Value,
        };
        let is_free = !matches!(before, Before::Dot | Before::Declares);
        if FOCUSING.contains(&name) && is_free && self.calls_with_a_title() {
            return Some(Focus { line, what: text(name) });
        }
        if DECLARING.contains(&name) && before != Before::Declares {
            return self.chain(start, line);
        }
        let is_option = matches!(self.open.as_slice(), [.., Bracket::OfTest, Bracket::Other]);
        if name == b"only" && is_option && before == Before::Operator && self.is_true() {
            return Some(Focus { line, what: "only: true".to_owned() });
        }
        None
    }

    /// What follows the name of a declaring function: `.concurrent.only(`, `.only.each`, or its arguments.
    fn chain(&mut self, start: usize, line: usize) -> Option<Focus> {
        let mut end = self.at;
        let mut is_focused = false;
        while self.next_is(b'.') {
            self.at += 1;
            self.blanks();
            let (from, to) = self.word();
            end = to;
            is_focused = is_focused || &self.source[from..to] == b"only";
            if from == to {
                break;
            }
        }
        let is_used = [b'(', b'`', b'<'].into_iter().any(|byte| self.next_is(byte));
        if self.next_is(b'(') {
            self.opens(Bracket::OfTest);
        }
        let what: Vec<u8> =
            self.source[start..end].iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        (is_focused && is_used).then(|| Focus { line, what: text(&what) })
    }

    /// Whether the next token begins with this byte, going over blanks.
    fn next_is(&mut self, byte: u8) -> bool {
        let (at, line) = (self.at, self.line);
        self.blanks();
        let is_next = self.source.get(self.at) == Some(&byte);
        if !is_next {
            (self.at, self.line) = (at, line);
        }
        is_next
    }

    fn blanks(&mut self) {
        self.until(|rest| rest.first().is_none_or(|byte| !byte.is_ascii_whitespace()), 0);
    }

    /// `fit('title'`: a call of another `fit` has something else for its first argument.
    fn calls_with_a_title(&self) -> bool {
        let rest = self.rest().trim_ascii_start();
        let Some(arguments) = rest.strip_prefix(b"(") else { return rest.starts_with(b".each") };
        arguments.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'\'' | b'"' | b'`'))
    }

    /// `: true` behind `only`.
    fn is_true(&self) -> bool {
        let value = self.rest().trim_ascii_start().strip_prefix(b":").unwrap_or_default().trim_ascii_start();
        value.strip_prefix(b"true").is_some_and(|rest| !rest.first().is_some_and(|byte| is_name(*byte)))
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[(usize, &str)]) {
        let found = focused(source.as_bytes());
        let found: Vec<(usize, &str)> = found.iter().map(|focus| (focus.line, focus.what.as_str())).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn every_way_to_focus_is_found_with_its_line() {
        check("it('a', x);\ndescribe.only('b', () => {});", &[(2, "describe.only")]);
        for source in ["it.only(", "test.only (", "context.only(", "specify.only(", "suite.only(", "test.only`"] {
            assert_eq!(focused(source.as_bytes()).len(), 1, "{source}");
        }
        check("test.describe.only('a', f)", &[(1, "test.describe.only")]);
        check("test.describe.serial.only('a', f)", &[(1, "test.describe.serial.only")]);
        check("it.concurrent.only('a', f)", &[(1, "it.concurrent.only")]);
        check("it.only.each([1])('a', f)", &[(1, "it.only.each")]);
        check("it\n  .only('a', f)", &[(1, "it.only")]);
        check("fit('a', f); fdescribe(`b`, f)", &[(1, "fit"), (1, "fdescribe")]);
        check("test('a', { only: true }, f)", &[(1, "only: true")]);
        check("describe('a', () => { it('b', { timeout: 5, only : true }, f) })", &[(1, "only: true")]);
        check("mocha.it.only('a', f)", &[(1, "it.only")]);
        check("describe('a', () => {\n  const s = `${it.only('b', f)}`;\n});", &[(2, "it.only")]);
        check("if (a / b) { it.only('c', d / e) }", &[(1, "it.only")]);
    }

    #[test]
    fn what_only_looks_like_it_is_left_alone() {
        for source in [
            "// it.only('a')",
            "/* it.only('a')\n it.only('b') */",
            "const s = \"it.only('a')\"; const t = 'fit(';",
            "const s = `it.only('a')\nfit('b')`",
            "const r = /it.only(/; it('a', f)",
            "const r = [/[/]it.only(/]",
            "model.fit('data')",
            "function fit(a) {}",
            "fit(element, box)",
            "const only = it.only;",
            "readonly.only('a')",
            "query({ only: true })",
            "it('a', () => { query({ only: true }) })",
            "it('a', { only: trueish }, f)",
            "permit.only('a')",
            "it('says it.only(x)', f)",
            "",
        ] {
            check(source, &[]);
        }
    }

    #[test]
    fn lines_are_counted_through_strings_templates_and_comments() {
        check("/*\n\n*/ const a = `\n${b}\n`; 'x\\\ny';\nit.only('c')", &[(7, "it.only")]);
        check("<p>Don't</p>\nit.only('c')", &[(2, "it.only")]);
    }

    #[test]
    fn the_work_is_bounded() {
        assert_eq!(focused("it.only('a');".repeat(1000).as_bytes()).len(), MAX_PLACES);
        let deep = "(".repeat(1 << 20) + &"`${".repeat(1 << 18) + "it.only('a')";
        assert_eq!(focused(deep.as_bytes()).len(), 1);
        let long = " ".repeat(MAX_BYTES) + "it.only('a')";
        assert_eq!(focused(long.as_bytes()), []);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(source in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            focused(&source);
        }

        #[test]
        fn no_pieces_of_code_make_it_panic(pieces in proptest::collection::vec(proptest::sample::select(vec![
            "it", ".", "only", "(", ")", "{", "}", "`", "${", "'", "\"", "/", "*", "//", "/*", "*/", "\n", " ", "\\", "[", "]", "é", "fit", ":", "true",
        ]), 0..60)) {
            focused(pieces.concat().as_bytes());
        }
    }
}

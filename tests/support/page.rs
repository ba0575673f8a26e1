//! A page of the documentation as somebody follows it: what stands in its `console` blocks is typed into one shell in a terminal,
//! and what that shell prints is compared with the page.
//!
//! Deliberately absent: blocks in other languages. They show files and words, not what was run.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use regex::{Captures, Regex};

use super::Sandbox;

/// A line of output that stands for any lines.
const LEFT_OUT: &str = "...";

/// One command and what the page says that it prints.
#[derive(Debug)]
struct Typed {
    command: String,
    /// `None` for what others do meanwhile: a comment of the page, `<!-- sh: command -->`.
    output: Option<String>,
}

/// A page below the top of the repository.
pub struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    /// Reads it.
    pub fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let text = fs::read_to_string(&path).unwrap();
        Page { path, text }
    }

    /// Its `console` blocks, as they stand.
    pub fn blocks(&self) -> Vec<&str> {
        let parts = self.text.split("\n```");
        parts.filter_map(|part| part.strip_prefix("console\n")).collect()
    }

    /// Types everything in a folder of the sandbox that is called `~` in the page, and compares what is printed.
    #[track_caller]
    pub fn follow(&self, sandbox: &Sandbox, home: &Path, start: &Path) {
        let typed = commands(&self.text);
        assert!(!typed.is_empty(), "{}: no command", self.path.display());
        let printed = type_in(sandbox, home, start, &typed);
        let mut faults = String::new();
        for (Typed { command, output }, printed) in typed.iter().zip(&printed) {
            if let Some(output) = output
                && !is_like(output, printed)
            {
                write!(faults, "\n$ {command}\n---- the page says\n{output}---- it printed\n{printed}").unwrap();
            }
        }
        assert!(faults.is_empty(), "{}:{faults}", self.path.display());
    }

    /// Types everything, and writes into the page what was printed wherever it says something else.
    pub fn rewrite(&self, sandbox: &Sandbox, home: &Path, start: &Path) {
        let mut text = self.text.clone();
        let typed = commands(&text);
        let mut from = 0;
        for (Typed { command, output }, printed) in typed.iter().zip(type_in(sandbox, home, start, &typed)) {
            let Some(output) = output else { continue };
            let command = format!("$ {}\n", command.replace('\n', "\n> "));
            from += text[from..].find(&command).expect("the page holds its commands in their order") + command.len();
            if !is_like(output, &printed) {
                text.replace_range(from..from + output.len(), &printed);
            }
        }
        fs::write(&self.path, text).unwrap();
    }
}

/// In a `console` block `$ ` begins a command and `> ` goes on with it; the rest is what it prints.
fn commands(page: &str) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    let (mut block, mut follows) = (false, false);
    for line in page.lines() {
        if line.starts_with("```") {
            block = line == "```console";
            follows = false;
        } else if !block {
            let hidden = line.strip_prefix("<!-- sh: ").and_then(|line| line.strip_suffix(" -->"));
            all.extend(hidden.map(|command| Typed { command: command.to_owned(), output: None }));
        } else if let Some(command) = line.strip_prefix("$ ") {
            all.push(Typed { command: command.to_owned(), output: Some(String::new()) });
            follows = true;
        } else {
            let last = all.last_mut().filter(|_| follows).unwrap_or_else(|| panic!("no command printed this: {line}"));
            let output = last.output.as_mut().expect("it stands in a block");
            match line.strip_prefix("> ") {
                Some(more) if output.is_empty() => last.command.extend(["\n", more]),
                Some(_) | None => output.extend([line, "\n"]),
            }
        }
    }
    all
}

/// What each command printed on both of its outputs.
fn type_in(sandbox: &Sandbox, home: &Path, start: &Path, typed: &[Typed]) -> Vec<String> {
    let printed = sandbox.root().join("printed");
    let mark = "\u{1}";
    let mut script = format!("exec >'{}' 2>&1\ncd '{}'\n", printed.display(), start.display());
    for Typed { command, .. } in typed {
        // A shell ends where a line of it cannot be read; `eval` reads each by itself.
        write!(script, "printf '{mark}'\neval '{}'\n", command.replace('\'', r"'\''")).unwrap();
    }
    sandbox.write_executable("typed", script);
    sandbox.in_terminal("sh", &["../typed"]);
    let said = String::from_utf8_lossy(&fs::read(&printed).unwrap()).replace(&*home.to_string_lossy(), "~");
    let parts: Vec<String> = said.split(mark).skip(1).map(str::to_owned).collect();
    assert_eq!(parts.len(), typed.len(), "the shell did not get to the end:\n{said}");
    parts
}

/// Whether a page's output is what was printed, but for ids, times, and what was left out.
fn is_like(page: &str, printed: &str) -> bool {
    fn is_like(page: &[String], printed: &[String]) -> bool {
        match page {
            [] => printed.is_empty(),
            [first, rest @ ..] if first == LEFT_OUT => {
                (0..=printed.len()).any(|skipped| is_like(rest, &printed[skipped..]))
            }
            [first, rest @ ..] => printed.first() == Some(first) && is_like(rest, &printed[1..]),
        }
    }
    let lines = |text: &str| text.lines().map(lasting).collect::<Vec<String>>();
    is_like(&lines(page), &lines(printed))
}

/// A line without what is another every time.
fn lasting(line: &str) -> String {
    let changing = [
        (r"\b[0-9]{13}-[0-9a-f]{7}-[0-9]+\b", "[run]"),
        (r"\b[0-9a-f]{7,64}\b", "[id]"),
        (r"\b([0-9]+m)?[0-9]+(ms|s)\b", "[time]"),
        (r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b", "[day]"),
        (r"\b[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?\b", "[clock]"),
        (r"\b(just now|[0-9]+ (second|minute)s? ago)\b", "[ago]"),
        (r" {2,}", "  "),
    ];
    let mut line = line.trim_end().to_owned();
    for (pattern, name) in changing {
        let pattern = Regex::new(pattern).unwrap();
        line = pattern.replace_all(&line, |_: &Captures<'_>| name).into_owned();
    }
    line
}

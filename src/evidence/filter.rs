//! The tests that a suite's command asks for: its `--grep` or `-t`, read as its runner reads it.
//!
//! Deliberately absent: filters that stand in a script or a configuration file, which are part of the tree; choosing tests by file,
//! tag or expression (pytest's `-k`), which a report does not show.

use std::fmt;

use super::ecmascript::{Case, Pattern};
use super::text::is_cut;
use super::{FilterOptions, TestCase, filter_options};
use crate::policy::Adapter;

/// Words of a title up to which every run of them is taken for a name of its own.
const MAX_WORDS: usize = 24;

/// Which tests a command asks for.
#[derive(Clone, Debug)]
pub struct Filter {
    adapter: Adapter,
    asked: Vec<Condition>,
    unwanted: Vec<Condition>,
    is_inverted: bool,
    /// The options, as the command has them.
    shown: String,
}

/// Why a command's filter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the filter {filter} cannot be read: {why}")]
pub struct UnreadableFilter {
    /// The option and its value.
    pub filter: String,
    /// Why.
    pub why: String,
}

/// What a title has to do to be chosen.
#[derive(Clone, Debug)]
enum Condition {
    Matches(Pattern),
    Holds(String),
    /// Go's alternatives, each a pattern a level; a level without one takes every name.
    Levels(Vec<Vec<Option<Pattern>>>),
}

/// What a runner may hold its patterns against.
struct Seen {
    /// The full title, in the ways in which groups are joined.
    titles: Vec<String>,
    /// Parts of it that may be the name of the test or of a group around it.
    names: Vec<String>,
}

/// A filter's option in a command.
struct Asked<'a> {
    option: &'static str,
    value: Option<&'a str>,
}

impl Filter {
    /// The filter of a command whose report this adapter reads; none where it asks for all tests.
    pub fn of(adapter: Adapter, argv: &[String]) -> Result<Option<Self>, UnreadableFilter> {
        let known = filter_options(adapter);
        let FilterOptions { pattern, text, without, invert } = known;
        let (mut asked, mut unwanted, mut shown) = (Vec::new(), Vec::new(), Vec::new());
        for option in options(argv, &known, pattern) {
            asked.push(condition(adapter, &option)?);
            shown.push(option.to_string());
        }
        for option in options(argv, &known, text) {
            asked.push(Condition::Holds(option.value.unwrap_or_default().to_owned()));
            shown.push(option.to_string());
        }
        for option in options(argv, &known, without) {
            unwanted.push(condition(adapter, &option)?);
            shown.push(option.to_string());
        }
        let is_inverted = invert.iter().any(|option| switches(argv, option));
        if is_inverted && !asked.is_empty() {
            shown.extend(invert.first().map(|option| (*option).to_owned()));
        }
        let is_filter = !asked.is_empty() || !unwanted.is_empty();
        Ok(is_filter.then(|| Filter { adapter, asked, unwanted, is_inverted, shown: shown.join(" ") }))
    }

    /// Whether the command asks for a test. Where a title is too long to be known whole, what is not known is taken to match.
    /// An error says why nobody can tell.
    pub fn chooses(&self, case: &TestCase) -> Result<bool, UnreadableFilter> {
        if is_cut(&case.title) {
            return Ok(true);
        }
        let Seen { titles, names } = self.seen_of(case);
        let is_asked = match self.asked.as_slice() {
            [] => true,
            asked => self.any(asked, titles.iter().chain(&names))? != self.is_inverted,
        };
        // A part of a title that might be a name is enough to ask for a test, and not to refuse it.
        Ok(is_asked && !self.any(&self.unwanted, titles.iter())?)
    }

    fn any<'a>(
        &self,
        conditions: &[Condition],
        mut texts: impl Iterator<Item = &'a String>,
    ) -> Result<bool, UnreadableFilter> {
        let unreadable = |why| UnreadableFilter { filter: self.shown.clone(), why };
        texts.try_fold(false, |any, text| {
            conditions.iter().try_fold(any, |any, condition| Ok(any || condition.is_met_by(text).map_err(unreadable)?))
        })
    }

    /// What the runner may hold its patterns against.
    fn seen_of(&self, case: &TestCase) -> Seen {
        let title = &case.title;
        let joined = title.replace(" > ", " ").replace(" › ", " ");
        match self.adapter {
            // The name alone or that of a group around it, and a title does not show where one ends.
            Adapter::NodeTest => {
                let words: Vec<&str> = joined.split(' ').collect();
                let ends = |from: usize| if words.len() <= MAX_WORDS { from + 1 } else { words.len() };
                let parts = (0..words.len()).flat_map(|from| (ends(from)..=words.len()).map(move |to| (from, to)));
                let names = parts.map(|(from, to)| words[from..to].join(" ")).collect();
                Seen { titles: vec![joined], names }
            }
            // A title may begin with the package; a test's name has no blanks.
            Adapter::GoJson => {
                Seen { titles: vec![joined.rsplit(' ').next().unwrap_or_default().to_owned()], names: Vec::new() }
            }
            // Playwright's titles begin with project and file, as its filter sees them.
            Adapter::PlaywrightJson
            | Adapter::MochaJson
            | Adapter::VitestJson
            | Adapter::JestJson
            | Adapter::JunitXml
            | Adapter::Ctrf
            | Adapter::Tap
            | Adapter::ExitCode => {
                let titles = if joined == *title { vec![joined] } else { vec![joined, title.clone()] };
                Seen { titles, names: Vec::new() }
            }
        }
    }
}

impl fmt::Display for Filter {
    /// The options as the command has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{} '{value}'", self.option),
            None => f.write_str(self.option),
        }
    }
}

impl Condition {
    fn is_met_by(&self, text: &str) -> Result<bool, String> {
        match self {
            Condition::Matches(pattern) => pattern.is_in(text),
            Condition::Holds(part) => Ok(text.contains(part.as_str())),
            Condition::Levels(alternatives) => {
                for levels in alternatives {
                    let mut all = true;
                    for (pattern, name) in levels.iter().zip(text.split('/')) {
                        all = all && pattern.as_ref().map_or(Ok(true), |pattern| pattern.is_in(name))?;
                    }
                    if all {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

/// A pattern as the runner behind the adapter reads it.
fn condition(adapter: Adapter, asked: &Asked<'_>) -> Result<Condition, UnreadableFilter> {
    let value = asked.value.unwrap_or_default();
    let read = match adapter {
        // `/pattern/flags`, or a pattern. In mocha's `Mocha.prototype.grep`, and in node's `convertStringToRegExp`.
        Adapter::MochaJson | Adapter::NodeTest => slashed(value, "gimsuyd", Case::Kept),
        // `forceRegExp` of Playwright: without slashes, case is ignored.
        Adapter::PlaywrightJson => slashed(value, "gi", Case::Ignored),
        // jest makes `new RegExp(pattern, 'i')` of it, vitest `new RegExp(pattern)`.
        Adapter::JestJson => Pattern::ecmascript(value, Case::Ignored).map(Condition::Matches),
        Adapter::GoJson => levels(value).map(Condition::Levels),
        Adapter::VitestJson | Adapter::JunitXml | Adapter::Ctrf | Adapter::Tap | Adapter::ExitCode => {
            Pattern::ecmascript(value, Case::Kept).map(Condition::Matches)
        }
    };
    read.map_err(|why| UnreadableFilter { filter: asked.to_string(), why })
}

fn slashed(value: &str, flags: &str, otherwise: Case) -> Result<Condition, String> {
    let parts = value.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let parts = parts.filter(|(_, given)| given.chars().all(|flag| flags.contains(flag)));
    let (pattern, case) = match parts {
        Some((pattern, given)) => (pattern, if given.contains('i') { Case::Ignored } else { Case::Kept }),
        None => (value, otherwise),
    };
    Pattern::ecmascript(pattern, case).map(Condition::Matches)
}

/// `go test -run`: alternatives by `|`, levels by `/`, both outside of brackets. See `splitRegexp` in Go's `testing/match.go`.
fn levels(value: &str) -> Result<Vec<Vec<Option<Pattern>>>, String> {
    let mut alternatives = vec![vec![String::new()]];
    let (mut brackets, mut parentheses) = (0_u32, 0_u32);
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        let levels = alternatives.last_mut().expect("there is an alternative from the start");
        match letter {
            '/' if brackets == 0 && parentheses == 0 => levels.push(String::new()),
            '|' if brackets == 0 && parentheses == 0 => alternatives.push(vec![String::new()]),
            _ => {
                match letter {
                    '[' => brackets += 1,
                    ']' => brackets = brackets.saturating_sub(1),
                    '(' if brackets == 0 => parentheses += 1,
                    ')' if brackets == 0 => parentheses = parentheses.saturating_sub(1),
                    _ => {}
                }
                let level = levels.last_mut().expect("there is a level from the start");
                level.push(letter);
                if letter == '\\' {
                    level.extend(letters.next());
                }
            }
        }
    }
    let read = |level: String| -> Result<Option<Pattern>, String> {
        // Go writes blanks of a subtest's name as underscores, in a pattern too.
        let level = level.replace(' ', "_");
        if level.is_empty() { Ok(None) } else { Pattern::native(&level, Case::Kept).map(Some) }
    };
    alternatives.into_iter().map(|levels| levels.into_iter().map(read).collect()).collect()
}

/// The places of a command at which one of these options stands.
fn options<'a>(argv: &'a [String], known: &FilterOptions, names: &[&'static str]) -> Vec<Asked<'a>> {
    let FilterOptions { pattern, text, without, invert } = known;
    // `-gv` is an option of its own before it is `-g` with a value.
    let is_an_option = |argument: &String| {
        [pattern, text, without, invert].into_iter().any(|names| names.contains(&argument.as_str()))
    };
    let mut found = Vec::new();
    let mut arguments = argv.iter().enumerate().skip(1);
    while let Some((at, argument)) = arguments.next() {
        for option in names.iter().filter(|option| !is_short(option) || is_the_runner_s(argv, at)) {
            if argument == option {
                let value = arguments.next().map(|(_, value)| value.as_str());
                found.push(Asked { option, value });
                break;
            }
            let joined = argument.strip_prefix(option).filter(|_| !is_an_option(argument)).and_then(|rest| {
                match is_short(option) {
                    true => Some(rest.strip_prefix('=').unwrap_or(rest)),
                    false => rest.strip_prefix('='),
                }
            });
            if let Some(value) = joined {
                found.push(Asked { option, value: Some(value) });
                break;
            }
        }
    }
    found
}

/// Whether an option without a value stands in a command.
fn switches(argv: &[String], option: &str) -> bool {
    let mut arguments = argv.iter().enumerate().skip(1);
    arguments.any(|(at, argument)| argument == option && (!is_short(option) || is_the_runner_s(argv, at)))
}

fn is_short(option: &str) -> bool {
    option.len() == 2
}

/// Whether an option of one letter can be meant for the runner: `make -f` and `pnpm -F` mean something else. It is where the runner
/// stands before it, or a package manager and the script that it has to run.
fn is_the_runner_s(argv: &[String], at: usize) -> bool {
    let name = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
    let before = &argv[..at];
    let is_runner = |word: &String| {
        matches!(name(word).as_str(), "mocha" | "_mocha" | "playwright" | "vitest" | "jest" | "node" | "go" | "tsx")
    };
    let is_manager = matches!(
        before.first().map(name).as_deref(),
        Some("npm" | "pnpm" | "yarn" | "bun" | "npx" | "bunx" | "pnpx" | "deno")
    );
    before.iter().any(is_runner) || (is_manager && before[1..].iter().any(|word| !word.starts_with('-')))
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;

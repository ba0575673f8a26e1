//! What runners on node share: variables that make node say what it would swallow, how options come to a runner that a package
//! manager starts, and files that pass for tests.
//!
//! No script is opened: whether what a script starts hands its arguments on does not show here.

use std::path::Path;

use super::junit_xml::is_source;
use crate::evidence::recipe::{NODE_PRELOAD, Recipe};
use crate::evidence::report::{Outcome, SuiteError, TestCase, TestReport};

/// The variable that reaches every process of node, through any script.
pub(super) const OPTIONS: &str = "NODE_OPTIONS";

/// mocha lets a rejection that nobody handles pass without a word, and others only print it.
pub(super) fn strict() -> (String, String) {
    (OPTIONS.to_owned(), "--unhandled-rejections=strict".to_owned())
}

/// What node loads first. It writes to the end of the file, at once, and leaves node to say the warning as well.
const NOTE_WARNINGS: &str = r#"'use strict';
const { appendFileSync } = require('fs');
const file = require('path').join(__dirname, 'warnings');
process.on('warning', ({ code, name, message }) => {
  try {
    appendFileSync(file, `(node:${process.pid}) ${code ? `[${code}] ` : ''}${name}: ${message}\n`);
  } catch {
    // It stands on standard error.
  }
});
"#;

/// Has every process of node write its warnings to a file as well: a runner may swallow what its processes say, as `node --test` does.
///
/// node's own `--redirect-warnings` takes them from standard error, writes nothing under `--no-warnings`, and loses what is on its way
/// when `process.exit` comes: with node 20 that was so in 17 of 40 runs.
pub(super) fn note_warnings(recipe: &mut Recipe, report_file: &Path) {
    let file = report_file.with_file_name(NODE_PRELOAD);
    // node would end at once where it cannot name the file.
    if let Some(file) = file.to_str() {
        recipe.variables.push((OPTIONS.to_owned(), quoted(&format!("--require={file}"))));
        recipe.beside.push((NODE_PRELOAD, NOTE_WARNINGS));
    }
}

/// node splits `NODE_OPTIONS` at blanks, but for what stands in double quotes, where a backslash escapes.
pub(super) fn quoted(word: &str) -> String {
    if word.contains([' ', '"']) {
        format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        word.to_owned()
    }
}

/// `flags` where they have to stand in `argv` to come to the runner behind it as options: at its end, or in front of a `--` that comes
/// to the runner, because behind that it takes every word for the name of a file.
///
/// npm takes options for its own unless they stand behind `--`, and keeps the first of those. pnpm and bun hand on what follows the
/// script's name, and `npx` and its like what follows the program's, a `--` too. yarn 1 takes what stands before a `--` for its own.
pub(super) fn appended(argv: &[String], flags: &[&str]) -> Recipe {
    let separators = || (0..argv.len()).filter(|&at| argv[at] == "--");
    let manager = (0..).zip(argv).find_map(|(at, word)| Some((at, Manager::of(word)?)));
    let (separator, at) = match manager {
        Some((_, Manager::Npm)) => (separators().next().is_none().then_some("--"), separators().nth(1)),
        Some((_, Manager::Yarn)) => (None, None),
        Some((manager, Manager::HandsOn)) => (None, separators().find(|&at| names_a_program(&argv[manager + 1..at]))),
        None => (None, separators().find(|&at| argv[..at].iter().any(|word| is_runner(word)))),
    };
    let args = separator.into_iter().chain(flags.iter().copied()).map(str::to_owned).collect();
    Recipe { args, at, ..Recipe::default() }
}

/// What starts the runner.
enum Manager {
    Npm,
    Yarn,
    HandsOn,
}

impl Manager {
    fn of(word: &str) -> Option<Self> {
        match Path::new(word).file_name()?.to_str()? {
            "npm" => Some(Manager::Npm),
            "yarn" | "yarnpkg" => Some(Manager::Yarn),
            "pnpm" | "pnpx" | "bun" | "bunx" | "npx" => Some(Manager::HandsOn),
            _ => None,
        }
    }
}

/// Whether the words behind a package manager's name hold that of a script or a program, beside options of the manager and their values.
fn names_a_program(words: &[String]) -> bool {
    const WITH_VALUE: [&str; 9] = ["-p", "--package", "-w", "--workspace", "-C", "--dir", "-F", "--filter", "--prefix"];
    const COMMANDS: [&str; 6] = ["run", "run-script", "exec", "dlx", "x", "--"];
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(&word) {
            words.next();
        } else if !word.starts_with('-') && !COMMANDS.contains(&word) {
            return true;
        }
    }
    false
}

/// Whether a word names one of the runners themselves, as `node_modules/.bin/jest` and `jest.js` do.
fn is_runner(word: &str) -> bool {
    let name = Path::new(word).file_stem().and_then(|name| name.to_str());
    matches!(name, Some("jest" | "vitest" | "playwright" | "mocha"))
}

/// A file that holds no test is written as a test, by its path: as passed when it ended well, as failed when it did not load.
pub(super) fn split_off_files(report: &mut TestReport) {
    let is_file = |case: &mut TestCase| {
        is_source(&case.title) && case.title.contains(['/', '\\']) && !case.title.contains(char::is_whitespace)
    };
    for case in report.cases.extract_if(.., is_file) {
        match case.outcome {
            Outcome::Failed | Outcome::Flaky => report.errors.push(SuiteError {
                title: Some(case.title),
                file: None,
                detail: case.detail.unwrap_or_else(|| "the file failed".to_owned()),
            }),
            Outcome::Passed | Outcome::Skipped | Outcome::NotRun => report.files_as_tests.push(case.title),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &str) -> String {
        let argv: Vec<String> = words.split(' ').map(str::to_owned).collect();
        appended(&argv, &["--ci"]).complete(&argv).join(" ")
    }

    #[test]
    fn npm_needs_a_separator_and_gets_one_only() {
        for words in ["npm run test", "npm test", "/usr/bin/npm run e2e --grep payment", "corepack npm exec jest"] {
            assert_eq!(run(words), format!("{words} -- --ci"));
        }
        assert_eq!(run("npm run test -- --grep payment"), "npm run test -- --grep payment --ci");
    }

    #[test]
    fn node_loads_what_notes_its_warnings_from_a_folder_with_blanks_too() {
        let mut recipe = Recipe::default();
        note_warnings(&mut recipe, Path::new("/run/a b/report"));
        assert_eq!(recipe.variables, [(OPTIONS.to_owned(), "\"--require=/run/a b/warnings.cjs\"".to_owned())]);
        assert_eq!(recipe.beside[0].0, "warnings.cjs");
    }

    #[test]
    fn whoever_hands_options_on_gets_no_separator() {
        let handing_on =
            ["pnpm run test --grep payment", "pnpm exec jest", "yarn test", "bun run test", "bunx jest", "npx jest"];
        for words in handing_on.into_iter().chain(["node_modules/.bin/jest", "xvfb-run pnpm run npm"]) {
            assert_eq!(run(words), format!("{words} --ci"));
        }
    }

    #[test]
    fn options_stand_in_front_of_a_separator_that_comes_to_the_runner() {
        for (words, complete) in [
            ("pnpm run test -- a.js", "pnpm run test --ci -- a.js"),
            ("pnpm --filter web run test -- a.js", "pnpm --filter web run test --ci -- a.js"),
            ("npx jest -- a.js", "npx jest --ci -- a.js"),
            ("npx -p jest jest -- a.js", "npx -p jest jest --ci -- a.js"),
            ("bun run test -- a.js", "bun run test --ci -- a.js"),
            ("node_modules/.bin/jest -- a.js", "node_modules/.bin/jest --ci -- a.js"),
            ("node node_modules/jest/bin/jest.js -- a.js", "node node_modules/jest/bin/jest.js --ci -- a.js"),
            ("npm run test -- -- a.js", "npm run test -- --ci -- a.js"),
            ("npm exec -- jest -- a.js", "npm exec -- jest --ci -- a.js"),
        ] {
            assert_eq!(run(words), complete);
        }
    }

    #[test]
    fn a_separator_of_whoever_starts_the_runner_stays_in_front() {
        for words in [
            "npm run test -- a.js",
            "npm exec jest -- a.js",
            "npx -- jest a.js",
            "npx -p jest -- jest a.js",
            "pnpm exec -- jest a.js",
            "yarn test -- a.js",
            "xvfb-run -- jest a.js",
        ] {
            assert_eq!(run(words), format!("{words} --ci"));
        }
    }
}

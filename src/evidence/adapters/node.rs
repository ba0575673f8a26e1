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

/// `flags` as they have to stand at the end of `argv` to come to the runner behind it.
///
/// npm takes options for its own unless they stand behind `--`. pnpm, yarn and bun hand on what follows the script's name, and `npx` and
/// its like what follows the program's; pnpm hands on a `--` too, behind which a runner takes options for names of files.
pub(super) fn appended(argv: &[String], flags: &[&str]) -> Vec<String> {
    let manager = argv.iter().find_map(|word| Manager::of(word));
    let separator = match manager {
        Some(Manager::Npm) if !argv.iter().any(|word| word == "--") => Some("--"),
        Some(Manager::Npm | Manager::HandsOn) | None => None,
    };
    separator.into_iter().chain(flags.iter().copied()).map(str::to_owned).collect()
}

/// What starts the runner.
enum Manager {
    Npm,
    HandsOn,
}

impl Manager {
    fn of(word: &str) -> Option<Self> {
        match Path::new(word).file_name()?.to_str()? {
            "npm" => Some(Manager::Npm),
            "pnpm" | "pnpx" | "yarn" | "yarnpkg" | "bun" | "bunx" | "npx" => Some(Manager::HandsOn),
            _ => None,
        }
    }
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
        appended(&argv, &["--ci"]).join(" ")
    }

    #[test]
    fn npm_needs_a_separator_and_gets_one_only() {
        for words in ["npm run test", "npm test", "/usr/bin/npm run e2e --grep payment", "corepack npm exec jest"] {
            assert_eq!(run(words), "-- --ci", "{words}");
        }
        assert_eq!(run("npm run test -- --grep payment"), "--ci");
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
            assert_eq!(run(words), "--ci", "{words}");
        }
    }
}

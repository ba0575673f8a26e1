//! What runners, package managers and shells say of an option, a script, a program or files that they do not know, and what mends it.
//!
//! Deliberately absent: any guess. A line counts only in the very words of its tool; they were taken from the tools themselves: npm 11,
//! pnpm 9 and 10, yarn 1 and 4, bun 1, mocha 12, jest 30, vitest 4, Playwright 1.65, node 20, go 1.24, pytest 9, dash, bash, busybox, zsh.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::filter_options;
use crate::policy::Adapter;

/// What a tool says, and what is said of that.
struct Complaint {
    line: Regex,
    hint: Hint,
}

/// What is said to a complaint: from the command, and from what the pattern caught.
type Hint = fn(&[String], &Captures<'_>) -> String;

static COMPLAINTS: LazyLock<Vec<Complaint>> = LazyLock::new(|| {
    let table: [(&str, Hint); 17] = [
        (r"^\s*ERROR\s+Unknown options?: (?<what>'.*')", of_pnpm),
        (r#"Missing script:? "?(?<what>[^"]+)"?$"#, no_script),
        (r#"^error Command "(?<what>[^"]+)" not found\.$"#, no_script),
        (r#"Couldn't find a script named "(?<what>[^"]+)""#, no_script),
        (r#"^error: Script not found "(?<what>[^"]+)"$"#, no_script),
        (r#"^npm warn Unknown cli config "(?<what>[^"]+)""#, of_npm),
        (r#"^\s*Unrecognized option "(?<what>[^"]+)""#, of_jest),
        (r"Unknown option `(?<what>[^`]+)`", of_vitest),
        (r"^error: unknown option '(?<what>[^']+)'", unknown_option),
        (r"^flag provided but not defined: (?<what>\S+)", unknown_option),
        (r"error: unrecognized arguments: (?<what>.+)$", unknown_option),
        (r"^\S*node(\.exe)?: bad option: (?<what>\S+)", unknown_option),
        (r"^(\S*/)?(ba|da|k|z)?sh: (line )?(\d+: )?(?<what>[^\s:]+): (command )?not found$", no_program),
        (r"^zsh: command not found: (?<what>\S+)$", no_program),
        (r#"Error: Expected a single value for option "(?<what>-[^" ]+)[^"]*", received \["#, given_twice),
        (r"^(\S+ )?(Error: )?No tests? (files )?found(\.$|$|: |, exiting with code 1$)", no_files),
        (r"^Could not find '(?<what>[^']+)'$", no_files),
    ];
    let read = |line| Regex::new(line).expect("the words are constant");
    table.into_iter().map(|(line, hint)| Complaint { line: read(line), hint }).collect()
});

/// Why a command ended before it ran any test, where one of its last lines says so. The lines have no colour codes.
pub(super) fn usage<'a>(argv: &[String], mut lines: impl Iterator<Item = &'a str>) -> Option<String> {
    lines.find_map(|line| {
        COMPLAINTS.iter().find_map(|Complaint { line: words, hint }| {
            let caught = words.captures(line)?;
            Some(format!("{}: {}", line.trim(), hint(argv, &caught)))
        })
    })
}

/// How a command is to be written so that its filter comes to the runner, where the package manager is known to keep it.
pub fn lost_filter(adapter: Adapter, argv: &[String]) -> Option<String> {
    let options = filter_options(adapter);
    let is_filter = |word: &String| {
        let mut names = options.pattern.iter().chain(options.text).chain(options.without);
        names.any(|name| word == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
    };
    let at = argv.iter().position(is_filter)?;
    let separator = argv[..at].iter().position(|word| word == "--");
    match (manager(argv)?, separator) {
        ("npm", None) => {
            let mended = [&argv[..at], &["--".to_owned()], &argv[at..]].concat();
            Some(format!("npm keeps '{}' to itself: write {}", argv[at], mended.join(" ")))
        }
        ("pnpm", Some(separator)) => {
            let mended = [&argv[..separator], &argv[separator + 1..]].concat();
            Some(format!("pnpm 10 hands '--' on, and the runner takes the rest for files: write {}", mended.join(" ")))
        }
        _ => None,
    }
}

/// The package manager that a command starts.
fn manager(argv: &[String]) -> Option<&str> {
    let name = argv.first()?.rsplit('/').next()?;
    ["npm", "pnpm", "yarn", "bun"].into_iter().find(|known| *known == name)
}

fn of_pnpm(argv: &[String], _: &Captures<'_>) -> String {
    match argv {
        [pnpm, script, ..] if manager(argv) == Some("pnpm") && script != "run" && !script.starts_with('-') => {
            format!("pnpm hands options on only behind 'run': write {pnpm} run {}", argv[1..].join(" "))
        }
        _ => "pnpm takes options in front of the script's name for its own: put them behind it".to_owned(),
    }
}

/// npm says so of what it keeps, with two dashes even where one was written.
fn of_npm(argv: &[String], caught: &Captures<'_>) -> String {
    let what = &caught["what"];
    let name = what.trim_start_matches('-');
    let is_it = |word: &String| {
        let rest = word.trim_start_matches('-').strip_prefix(name);
        word.starts_with('-') && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    match argv.iter().position(is_it) {
        Some(at) if manager(argv) == Some("npm") => {
            let mended = [&argv[..at], &["--".to_owned()], &argv[at..]].concat();
            format!("npm keeps '{}' to itself: write {}", argv[at], mended.join(" "))
        }
        Some(_) | None => format!("npm keeps '{what}' to itself: put '--' in front of it"),
    }
}

fn of_jest(_: &[String], caught: &Captures<'_>) -> String {
    match &caught["what"] {
        "grep" | "g" => "jest chooses tests by -t".to_owned(),
        what => format!("jest has no option '{what}'"),
    }
}

fn of_vitest(_: &[String], caught: &Captures<'_>) -> String {
    match &caught["what"] {
        "--grep" | "-g" => "vitest chooses tests by -t".to_owned(),
        what => format!("the runner has no option '{what}'"),
    }
}

fn unknown_option(argv: &[String], caught: &Captures<'_>) -> String {
    let what = caught["what"].trim();
    if argv.iter().any(|word| word == what) {
        format!("take '{what}' out of the suite's 'run'")
    } else {
        format!("'{what}' stands in the script that the suite runs, or a package manager handed it on")
    }
}

fn no_script(_: &[String], caught: &Captures<'_>) -> String {
    format!("package.json of this commit has no script '{}'", caught["what"].trim())
}

fn given_twice(_: &[String], caught: &Captures<'_>) -> String {
    format!(
        "the gate gives '{0}' itself: take '{0}' out of the suite's 'run', or of the script that it runs",
        &caught["what"]
    )
}

fn no_files(argv: &[String], _: &Captures<'_>) -> String {
    // npm hands on the value of an option that it keeps, and the runner takes that for a file. Which runner it is does not matter.
    let runners = [Adapter::MochaJson, Adapter::PlaywrightJson, Adapter::VitestJson, Adapter::NodeTest];
    runners.into_iter().find_map(|runner| lost_filter(runner, argv)).unwrap_or_else(|| {
        "the files that 'run', its script or the runner's configuration name are not in this commit".to_owned()
    })
}

fn no_program(_: &[String], caught: &Captures<'_>) -> String {
    format!("'{}' is not there: does '[proof] prepare' install the dependencies?", &caught["what"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(command: &str, line: &str, hint: &str) {
        let said = ["> shop@1.0.0 test", line, "another line"];
        let usage = usage(&argv(command), said.into_iter()).unwrap_or_else(|| panic!("nothing is said of '{line}'"));
        assert!(usage.starts_with(line.trim()) && usage.contains(hint), "{usage}");
    }

    #[test]
    fn each_tool_s_complaint_has_its_mend() {
        check("pnpm test --grep pay", " ERROR  Unknown option: 'grep'", "write pnpm run test --grep pay");
        check("sh test.sh", " ERROR  Unknown option: 'grep'", "put them behind it");
        check("npm run nope", "npm error Missing script: \"nope\"", "no script 'nope'");
        let npm = "npm warn Unknown cli config \"--grep\". This will stop working in the next major version of npm.";
        check("npm run test --grep pay", npm, "write npm run test -- --grep pay");
        check("sh test.sh", npm, "put '--' in front");
        check("npm test -t pay", &npm.replace("grep", "t"), "write npm test -- -t pay");
        check("pnpm run nope", " ERR_PNPM_NO_SCRIPT  Missing script: nope", "no script 'nope'");
        check("yarn nope", "error Command \"nope\" not found.", "no script 'nope'");
        check("yarn run nope", "Usage Error: Couldn't find a script named \"nope\".", "no script 'nope'");
        check("bun run nope", "error: Script not found \"nope\"", "no script 'nope'");
        check("npx jest --grep x", "  Unrecognized option \"grep\". Did you mean \"help\"?", "by -t");
        check("npx jest --nope", "  Unrecognized option \"nope\".", "no option 'nope'");
        check("npx vitest --grep x", "CACError: Unknown option `--grep`", "by -t");
        check("npx playwright test --nope", "error: unknown option '--nope'", "take '--nope' out");
        check("pnpm run test", "error: unknown option '--nope'", "in the script");
        check("go test -nope ./...", "flag provided but not defined: -nope", "take '-nope' out");
        check("pytest --nope", "__main__.py: error: unrecognized arguments: --nope", "take '--nope' out");
        check("node --nope", "node: bad option: --nope", "take '--nope' out");
        check(
            "npx vitest run",
            r#"Error: Expected a single value for option "--allowOnly", received [true, false]"#,
            "take '--allowOnly' out",
        );
        check(
            "npx vitest run",
            r#"Error: Expected a single value for option "--reporter <name>", received ["#,
            "take '--reporter' out",
        );
        check("pnpm run test", "sh: 1: mocha: not found", "'mocha' is not there");
        check("pnpm run test", "/bin/sh: 1: mocha: not found", "prepare");
        check("pnpm run test", "bash: line 1: mocha: command not found", "prepare");
        check("pnpm run test", "sh: mocha: not found", "prepare");
        check("pnpm run test", "zsh: command not found: mocha", "prepare");
    }

    #[test]
    fn where_no_file_is_found_a_word_that_npm_left_over_is_told() {
        for line in [
            "Error: No test files found: \"pay\"",
            "No tests found, exiting with code 1",
            "No test files found, exiting with code 1",
            "Error: No tests found",
            "Error: No tests found.",
            "Could not find '/var/shop/pay'",
        ] {
            check("npm run test --grep pay", line, "write npm run test -- --grep pay");
            check("pnpm run test pay", line, "are not in this commit");
        }
    }

    #[test]
    fn what_a_test_prints_about_options_is_no_complaint() {
        for line in [
            "GET /pay 404 not found",
            "test: unknown option is refused",
            "Error: card: not found",
            "No tests found in the list",
            "",
        ] {
            assert_eq!(usage(&argv("npx mocha"), std::iter::once(line)), None, "{line}");
        }
    }

    #[test]
    fn a_filter_that_npm_keeps_to_itself_is_told_with_the_command_that_works() {
        let hint = |words: &str| lost_filter(Adapter::MochaJson, &argv(words)).unwrap_or_default();
        assert!(hint("npm run test --grep pay").ends_with("write npm run test -- --grep pay"));
        assert!(hint("npm test --grep=pay").ends_with("write npm test -- --grep=pay"));
        assert!(hint("pnpm run test -- --grep pay").ends_with("write pnpm run test --grep pay"));
        for words in ["npm run test -- --grep pay", "pnpm run test --grep pay", "npx mocha --grep pay", "npm test"] {
            assert_eq!(hint(words), "");
        }
    }
}

//! How each adapter's runner is made to write its report to the file that the gate reads.
//!
//! Nothing is run here, and no script is opened: a recipe is variables and arguments, made from the suite's argv alone.

use std::path::Path;

use crate::policy::{Adapter, Report};

/// What is added to a suite's command so that it writes the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// Environment variables. One that is set already is kept in front, with a blank between.
    pub variables: Vec<(String, String)>,
    /// Arguments to put at the end of argv.
    pub args: Vec<String>,
}

/// What makes the runner behind `argv` write `report` to `report_file`.
pub fn recipe(report: Report, argv: &[String], report_file: &Path) -> Recipe {
    match report.adapter {
        Adapter::MochaJson => mocha(argv, report_file),
        // These runners get the path by `{report}` in argv or by `PROOF_REPORT`.
        Adapter::PlaywrightJson
        | Adapter::VitestJson
        | Adapter::JestJson
        | Adapter::JunitXml
        | Adapter::Ctrf
        | Adapter::GoJson
        | Adapter::NodeTest
        | Adapter::Tap
        | Adapter::ExitCode => Recipe::default(),
    }
}

/// `argv` with `{report}` replaced by the report's path, wherever it stands.
pub fn fill_in(argv: &[String], report_file: &Path) -> Vec<String> {
    argv.iter().map(|argument| argument.replace("{report}", &report_file.to_string_lossy())).collect()
}

/// mocha reads `MOCHA_OPTIONS` before its configuration files and after its command line, through any script runner.
/// A reporter that the command line names wins over it, so there the flags follow on the command line, where the last wins.
fn mocha(argv: &[String], report_file: &Path) -> Recipe {
    let output = format!("output={}", report_file.display());
    let options = format!("--reporter json --reporter-option {} --forbid-only --fail-zero", quoted(&output));
    let mut recipe = Recipe {
        variables: vec![
            ("MOCHA_OPTIONS".to_owned(), options),
            // mocha lets a rejection that nobody handles pass without a word.
            ("NODE_OPTIONS".to_owned(), "--unhandled-rejections=strict".to_owned()),
        ],
        args: Vec::new(),
    };
    if argv.iter().any(|argument| names_a_reporter(argument)) {
        recipe.args = ["--reporter", "json", "--reporter-option", &output].map(str::to_owned).to_vec();
    }
    recipe
}

fn names_a_reporter(argument: &str) -> bool {
    argument == "--reporter" || argument.starts_with("--reporter=") || argument.starts_with("-R")
}

/// mocha splits `MOCHA_OPTIONS` at blanks, but for what stands in double quotes.
fn quoted(word: &str) -> String {
    if word.contains(char::is_whitespace) { format!("\"{word}\"") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    fn recipe_of(adapter: Adapter, words: &str, file: &str) -> Recipe {
        recipe(Report { adapter, flavor: None }, &argv(words), Path::new(file))
    }

    #[test]
    fn mocha_is_told_by_its_environment_whatever_starts_it() {
        let recipe = recipe_of(Adapter::MochaJson, "pnpm run test --grep payment", "/run/report");
        let options = "--reporter json --reporter-option output=/run/report --forbid-only --fail-zero";
        assert_eq!(recipe.variables[0], ("MOCHA_OPTIONS".to_owned(), options.to_owned()));
        assert_eq!(recipe.variables[1].1, "--unhandled-rejections=strict");
        assert!(recipe.args.is_empty());
    }

    #[test]
    fn a_reporter_named_in_the_command_is_overruled_there() {
        for words in ["npx mocha --reporter dot", "npx mocha --reporter=dot", "npx mocha -R dot", "npx mocha -Rdot"] {
            let recipe = recipe_of(Adapter::MochaJson, words, "/run/report");
            assert_eq!(recipe.args, argv("--reporter json --reporter-option output=/run/report"), "{words}");
        }
    }

    #[test]
    fn a_blank_in_the_report_s_path_stays_in_one_word() {
        let recipe = recipe_of(Adapter::MochaJson, "npx mocha", "/my run/report");
        assert!(recipe.variables[0].1.contains(r#"--reporter-option "output=/my run/report" --forbid-only"#));
    }

    #[test]
    fn the_report_s_path_is_filled_in_wherever_it_is_asked_for() {
        let filled = fill_in(&argv("pytest --junitxml={report} {report}"), Path::new("/run/report"));
        assert_eq!(filled, argv("pytest --junitxml=/run/report /run/report"));
        assert_eq!(recipe_of(Adapter::JunitXml, "pytest", "/run/report"), Recipe::default());
    }
}

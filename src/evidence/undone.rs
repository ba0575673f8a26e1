//! Options of a suite's command that switch off what the gate asks of the runner, and so what the gate promises to notice.
//!
//! Deliberately absent: options in a script or a configuration file, which nobody opens; options whose effect shows in the report.

use crate::policy::Adapter;

/// The first word of a command that switches off what the gate asks of the runner behind this adapter.
pub fn undone(adapter: Adapter, argv: &[String]) -> Option<&str> {
    let (options, switched_off): (&[&str], &[&str]) = match adapter {
        // A dry run's report tells of tests that passed, and none was executed.
        Adapter::MochaJson => (
            &["--no-forbid-only", "--no-forbidOnly", "--no-fail-zero", "--no-failZero", "--dry-run", "--dryRun"],
            &["--forbid-only", "--forbidOnly", "--fail-zero", "--failZero"],
        ),
        Adapter::VitestJson => (&["--allowOnly", "--allow-only"], &[]),
        Adapter::PlaywrightJson | Adapter::JestJson | Adapter::NodeTest => (&[], &[]),
        // What runs behind these is asked for nothing that could be undone.
        Adapter::JunitXml | Adapter::Ctrf | Adapter::GoJson | Adapter::Tap | Adapter::ExitCode => return None,
    };
    let undoes = |word: &str| {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        match value {
            None | Some("true") if options.contains(&name) => true,
            Some("false") if switched_off.contains(&name) => true,
            _ => name == "--unhandled-rejections" && value != Some("strict"),
        }
    };
    argv.iter().map(String::as_str).find(|word| undoes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone_by(adapter: Adapter, words: &str) -> Option<String> {
        let argv: Vec<String> = words.split(' ').map(str::to_owned).collect();
        undone(adapter, &argv).map(str::to_owned)
    }

    #[test]
    fn an_option_that_switches_off_what_the_gate_asks_is_named() {
        for (adapter, words, option) in [
            (Adapter::MochaJson, "npx mocha --no-forbid-only test/only.js", "--no-forbid-only"),
            (Adapter::MochaJson, "npm run test -- --forbid-only=false", "--forbid-only=false"),
            (Adapter::MochaJson, "npx mocha --dry-run", "--dry-run"),
            (Adapter::VitestJson, "npx vitest run --allowOnly", "--allowOnly"),
            (Adapter::VitestJson, "npx vitest run --allowOnly=true", "--allowOnly=true"),
            (Adapter::NodeTest, "node --unhandled-rejections=warn --test", "--unhandled-rejections=warn"),
        ] {
            assert_eq!(undone_by(adapter, words).as_deref(), Some(option), "{words}");
        }
    }

    #[test]
    fn options_that_ask_for_the_same_or_for_something_else_are_none_of_them() {
        for (adapter, words) in [
            (Adapter::MochaJson, "npx mocha --forbid-only --fail-zero --dry-run=false"),
            (Adapter::MochaJson, "npx mocha --grep dry-run --unhandled-rejections=strict"),
            (Adapter::VitestJson, "npx vitest run --allowOnly=false"),
            (Adapter::Tap, "./run --dry-run"),
        ] {
            assert_eq!(undone_by(adapter, words), None, "{words}");
        }
    }
}

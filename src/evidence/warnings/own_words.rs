//! What a suite prints in its own words: the titles of its tests that passed, as runners list them, and its arguments, as package
//! managers repeat them. A line that is nothing else warns of nothing, whatever words stand in it.
//!
//! Deliberately absent: groups, which are listed without a mark; a runner's heading could look the same.

use std::sync::LazyLock;

use regex::Regex;

use crate::evidence::{Outcome, ReportEvidence, TestCase};

/// What is known of a suite when it has run.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnWords<'a> {
    argv: &'a [String],
    cases: &'a [TestCase],
}

impl<'a> OwnWords<'a> {
    /// Of a suite with these arguments and this report.
    pub fn new(argv: &'a [String], report: &'a ReportEvidence) -> Self {
        let cases = match report {
            ReportEvidence::Read(report) => &report.cases[..],
            ReportEvidence::NotAsked | ReportEvidence::Unusable { .. } => &[],
        };
        OwnWords { argv, cases }
    }

    /// Whether a line, without blanks around it, is nothing but a title or the arguments. `warns` says whether words are a warning.
    pub(super) fn are(self, line: &str, warns: impl Fn(&str) -> bool) -> bool {
        self.is_passed_test(line) || self.is_command(line, warns)
    }

    /// A mark that says "passed", a test's title or the end of it that stands below its groups, and how long it took.
    fn is_passed_test(self, line: &str) -> bool {
        static MARK: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^(?:[✓✔√✅]|ok \d+ -) +").expect("the pattern is constant"));
        static TIME: LazyLock<Regex> = LazyLock::new(|| {
            let time = r"(?:\d+(?:\.\d+)? ?(?:ms|s|m)\b ?)+";
            Regex::new(&format!(r" +(?:\({time}\)|{time})$")).expect("the pattern is constant")
        });
        let Some(mark) = MARK.find(line) else { return false };
        let listed = &line[mark.end()..];
        let timeless = TIME.replace(listed, "");
        let mut passed = self.cases.iter().filter(|case| case.outcome == Outcome::Passed);
        passed.any(|case| [listed, &*timeless].iter().any(|listed| ends_with_words(&case.title, listed)))
    }

    /// `$ mocha --grep 'card fails'` for `pnpm run test --grep "card fails"`: a script of any words that are no warning, and behind it
    /// the last arguments.
    fn is_command(self, line: &str, warns: impl Fn(&str) -> bool) -> bool {
        let Some(command) = ["$ ", "> "].iter().find_map(|prompt| line.strip_prefix(prompt)) else { return false };
        let command = unquoted(command);
        (1..self.argv.len()).any(|from| {
            let arguments = unquoted(&self.argv[from..].join(" "));
            let script = command.strip_suffix(&arguments).filter(|script| script.ends_with(' '));
            script.is_some_and(|script| !warns(script))
        })
    }
}

fn ends_with_words(title: &str, end: &str) -> bool {
    let start = title.trim_end().strip_suffix(end).filter(|_| !end.is_empty());
    start.is_some_and(|start| start.is_empty() || start.ends_with(' '))
}

/// Without what shells need around words.
fn unquoted(words: &str) -> String {
    words.chars().filter(|character| !matches!(character, '\'' | '"' | '\\')).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Listener, WarningLists};
    use super::*;
    use crate::evidence::{Noticed, TestReport};
    use crate::policy::Warnings;

    fn report(cases: &[(&str, Outcome)]) -> ReportEvidence {
        let case = |(title, outcome): &(&str, Outcome)| TestCase {
            title: (*title).to_owned(),
            identity: 0,
            file: None,
            outcome: *outcome,
            detail: None,
        };
        ReportEvidence::Read(TestReport { cases: cases.iter().map(case).collect(), ..TestReport::default() })
    }

    fn warns(lists: &WarningLists, line: &str) -> bool {
        let report = report(&[
            ("api tells of an Unhandled Rejection", Outcome::Passed),
            ("Unhandled Rejection", Outcome::Passed),
            ("fails on SIGSEGV", Outcome::Failed),
        ]);
        let argv = ["pnpm", "run", "test", "--grep", "Unhandled Rejection"].map(str::to_owned);
        let mut listener: Listener = lists.listen();
        listener.output(line.as_bytes());
        let noticed = listener.finish("/nowhere".as_ref(), OwnWords::new(&argv, &report));
        noticed.iter().any(|noticed| matches!(noticed, Noticed::Warning { .. }))
    }

    #[test]
    fn a_passed_test_as_its_runner_lists_it_warns_of_nothing() {
        for line in [
            "✔ api tells of an Unhandled Rejection (3.229797ms)",
            "    \u{1b}[32m✓\u{1b}[0m tells of an Unhandled Rejection",
            "  ✓ tells of an Unhandled Rejection (12 ms)",
            "  √ tells of an Unhandled Rejection 1m 2s",
            "ok 12 - tells of an Unhandled Rejection",
        ] {
            assert!(!warns(&WarningLists::default(), line), "{line}");
        }
    }

    #[test]
    fn everything_else_that_holds_a_title_still_warns() {
        for line in [
            "⎯⎯⎯⎯ Unhandled Rejection ⎯⎯⎯⎯",
            "Unhandled Rejection",
            "api tells of an Unhandled Rejection (3ms)",
            "✔ api tells of an Unhandled Rejection (3ms) Unhandled Rejection at: pay",
            "✔ pays Unhandled Rejection tells of an Unhandled Rejection",
            "not ok 12 - tells of an Unhandled Rejection",
            "✔ fails on SIGSEGV (3ms)",
            "✔ another Unhandled Rejection",
        ] {
            assert!(warns(&WarningLists::default(), line), "{line}");
        }
    }

    #[test]
    fn a_package_manager_s_echo_of_the_arguments_warns_of_nothing() {
        for line in [
            "$ mocha --grep 'Unhandled Rejection'",
            "> mocha --reporter spec --grep Unhandled Rejection",
            "> mocha \"--grep\" \"Unhandled Rejection\"",
        ] {
            assert!(!warns(&WarningLists::default(), line), "{line}");
        }
        for line in [
            "> Unhandled Rejection at: pay --grep Unhandled Rejection",
            "$ mocha --grep 'Unhandled Rejection' Unhandled Rejection at: pay",
            "mocha --grep 'Unhandled Rejection'",
        ] {
            assert!(warns(&WarningLists::default(), line), "{line}");
        }
    }

    #[test]
    fn a_pattern_of_the_policy_means_every_line() {
        let own = Warnings { fail: vec!["Rejection \\(\\d+ms\\)$".to_owned()], allow: Vec::new() };
        assert!(warns(&WarningLists::of(&own), "✔ api tells of an Unhandled Rejection (3000ms)"));
    }
}

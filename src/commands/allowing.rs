//! What a policy would have to allow for the findings of a draft to be none, as TOML that can be pasted.
//!
//! Deliberately absent: writing it. Whether a test may be skipped is for people to say, and why is theirs to write.

use super::judging::SuiteVerdict;
use crate::judge::{Allowance, Code, Verdict};
use crate::policy::Policy;
use crate::reporter::Line;

/// Exceptions of one kind that are printed; more of them are better written by hand, as one pattern.
const MAX: usize = 20;

/// One line each, nothing where nothing can be allowed.
pub(super) fn lines(policy: &Policy, verdicts: &[SuiteVerdict]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut warnings = Vec::new();
    for suite in verdicts {
        let of_suite = of_suite(policy, suite);
        if !of_suite.is_empty() {
            lines.push(format!("[suites.{}]", key(&suite.name)));
            lines.extend(of_suite);
        }
        warnings.extend(suite.allowances.iter().filter_map(|allowance| match allowance {
            Allowance::Warning(line) => Some(exception("pattern", line)),
            Allowance::Skipped(_) | Allowance::Leftover(_) | Allowance::Flaky => None,
        }));
    }
    if !warnings.is_empty() {
        lines.push("[warnings]".to_owned());
        lines.extend(list("allow", warnings));
    }
    if lines.is_empty() {
        return Vec::new();
    }
    let heading = Line::new().text("  to allow this, each with its reason, put into .proofrc.toml:");
    std::iter::once(heading).chain(lines.into_iter().map(|line| Line::new().text("    ").whole(line))).collect()
}

fn of_suite(policy: &Policy, suite: &SuiteVerdict) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut skipped, mut leftover) = (Vec::new(), Vec::new());
    // What a focused test hides is to be run, not to be allowed.
    let is_focused = suite.verdict.findings().iter().any(|finding| finding.code == Code::Focused);
    for allowance in &suite.allowances {
        match allowance {
            Allowance::Skipped(_) if is_focused => {}
            Allowance::Skipped(title) => skipped.push(exception("test", title)),
            Allowance::Leftover(program) => leftover.push(exception("program", program)),
            Allowance::Flaky => lines.push("flaky = \"unobservable\"".to_owned()),
            Allowance::Warning(_) => {}
        }
    }
    if !skipped.is_empty() {
        lines.extend(list("allow_skipped", skipped));
    }
    if !leftover.is_empty() {
        lines.extend(list("allow_leftover", leftover));
    }
    let asked = policy.suites.get(&suite.name).map_or(0, |policy| policy.min_tests);
    let executed = suite.counts.executed();
    let is_good_but_for_these = match &suite.verdict {
        Verdict::Pass => true,
        Verdict::Fail { .. } => !suite.allowances.is_empty() && !is_focused,
    };
    if is_good_but_for_these && executed > asked && asked <= 1 {
        lines.push(format!("min_tests = {executed}"));
    }
    lines
}

/// `name = [` with an entry a line.
fn list(name: &str, mut entries: Vec<String>) -> Vec<String> {
    entries.sort();
    entries.dedup();
    let more = entries.len().saturating_sub(MAX);
    entries.truncate(MAX);
    let rest = (more > 0).then(|| format!("  # and {more} more"));
    let entries = entries.into_iter().map(|entry| format!("  {entry},"));
    std::iter::once(format!("{name} = [")).chain(entries).chain(rest).chain(["]".to_owned()]).collect()
}

fn exception(key: &str, text: &str) -> String {
    format!("{{ {key} = {}, reason = \"\" }}", quoted(&pattern(text)))
}

/// A pattern that matches this text and no other. What was cut is matched by its beginning.
fn pattern(text: &str) -> String {
    match text.strip_suffix('…') {
        Some(beginning) => format!("^{}", regex::escape(beginning)),
        None => format!("^{}$", regex::escape(text)),
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A suite's name as a key: a dot in it would open a table.
fn key(name: &str) -> String {
    if name.contains('.') { quoted(name) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::evidence::Ended;
    use crate::judge::{Counts, Finding};

    #[test]
    fn what_is_printed_matches_the_text_it_was_made_of_and_nothing_longer() {
        for text in ["pays (twice) \"now\"", "a'b\\d", "ünïcode > 'x'", "tab\tand\u{1b}[31m"] {
            let line = list("allow_skipped", vec![exception("test", text)]).join("\n");
            let line = line.replace("reason = \"\"", "reason = \"r\"");
            let file = format!("version = 1\n[suites.a]\nrun = ['x']\nreport = 'mocha-json'\n{line}\n");
            let policy = crate::policy::parse(file.as_bytes()).unwrap_or_else(|error| panic!("{file}\n{error:?}"));
            let read = regex::Regex::new(&policy.suites["a"].allow_skipped[0].test).expect("it is a pattern");
            assert!(read.is_match(text) && !read.is_match(&format!("{text}s")), "{line}");
        }
        assert_eq!(pattern("a.b…"), "^a\\.b");
    }

    #[test]
    fn what_a_focused_test_hides_is_not_offered() {
        let file = "version = 1\n[suites.a]\nrun = ['x']\nreport = 'mocha-json'\n";
        let policy = crate::policy::parse(file.as_bytes()).expect("it is a policy");
        let told = |code| {
            let finding = Finding { code, test: None, detail: String::new() };
            of_suite(
                &policy,
                &SuiteVerdict {
                    name: "a".to_owned(),
                    argv: Vec::new(),
                    ended: Ended::Exited(0),
                    verdict: Verdict::of(vec![finding]),
                    counts: Counts { passed: 3, skipped: 1, ..Counts::default() },
                    notes: Vec::new(),
                    allowances: vec![Allowance::Skipped("b".to_owned())],
                    duration: Duration::ZERO,
                    runs: 1,
                    files: Vec::new(),
                    artifacts: Vec::new(),
                },
            )
        };
        assert!(told(Code::SkippedTests).contains(&"min_tests = 3".to_owned()));
        assert_eq!(told(Code::Focused), Vec::<String>::new());
    }

    #[test]
    fn an_exception_without_a_reason_is_refused_until_somebody_writes_one() {
        let file = format!(
            "version = 1\n[suites.a]\nrun = ['x']\nreport = 'mocha-json'\nallow_skipped = [{}]\n",
            exception("test", "x")
        );
        assert!(crate::policy::parse(file.as_bytes()).is_err());
    }
}

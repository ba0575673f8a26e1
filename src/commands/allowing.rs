//! What a policy would have to allow for the findings of a draft to be none, as TOML that can be pasted.
//!
//! Deliberately absent: writing it. Whether a test may be skipped is for people to say, and why is theirs to write.

use std::sync::LazyLock;

use regex::Regex;

use super::judging::SuiteVerdict;
use crate::evidence::ANYTHING;
use crate::judge::{Allowance, Code, Verdict};
use crate::policy::Policy;
use crate::prove::log::MASK;
use crate::reporter::{Line, shown};

/// Exceptions of one kind that are printed; more of them are better written by hand, as one pattern.
const MAX: usize = 20;

/// Characters of a line that a pattern matches.
const MAX_PATTERN: usize = 200;

/// One line each, nothing where nothing can be allowed and nothing is worth to be asked for.
pub(super) fn lines(policy: &Policy, verdicts: &[SuiteVerdict]) -> Vec<Line> {
    let (mut allow, mut ask) = (Vec::new(), Vec::new());
    let mut warnings = Vec::new();
    for suite in verdicts {
        let header = format!("[suites.{}]", key(&suite.name));
        let of_suite = of_suite(suite);
        if !of_suite.is_empty() {
            allow.push(header.clone());
            allow.extend(of_suite);
        }
        if let Some(min_tests) = min_tests(policy, suite) {
            ask.extend([header, format!("min_tests = {min_tests}")]);
        }
        warnings.extend(suite.allowances.iter().filter_map(|allowance| match allowance {
            Allowance::Warning(like) => like_pattern(like).map(|pattern| exception("pattern", &pattern)),
            Allowance::Skipped(_) | Allowance::Leftover(_) | Allowance::Flaky => None,
        }));
    }
    if !warnings.is_empty() {
        allow.push("[warnings]".to_owned());
        allow.extend(list("allow", warnings));
    }
    let allow = under("  to allow this, each with its reason, put into .proofrc.toml:", allow);
    allow.chain(under("  to be told when tests go missing, put into .proofrc.toml:", ask)).collect()
}

/// Lines under their heading; nothing where there are none.
fn under(heading: &'static str, lines: Vec<String>) -> impl Iterator<Item = Line> {
    let heading = (!lines.is_empty()).then(|| Line::new().text(heading));
    heading.into_iter().chain(lines.into_iter().map(|line| Line::new().text("    ").whole(line)))
}

fn of_suite(suite: &SuiteVerdict) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut skipped, mut leftover) = (Vec::new(), Vec::new());
    for allowance in &suite.allowances {
        match allowance {
            Allowance::Skipped(_) if is_focused(suite) => {}
            Allowance::Skipped(title) => skipped.push(exception("test", &pattern(title))),
            Allowance::Leftover(program) => leftover.push(exception("program", &pattern(program))),
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
    lines
}

/// Whether a focused test hides others, which are to be run then and not to be allowed.
fn is_focused(suite: &SuiteVerdict) -> bool {
    suite.verdict.findings().iter().any(|finding| finding.code == Code::Focused)
}

/// As many tests as there were, where the policy asks for none in particular and they can be believed.
fn min_tests(policy: &Policy, suite: &SuiteVerdict) -> Option<u64> {
    let asked = policy.suites.get(&suite.name).map_or(0, |policy| policy.min_tests);
    let executed = suite.counts.executed();
    let is_good_but_for_what_can_be_allowed = match &suite.verdict {
        Verdict::Pass => true,
        Verdict::Fail { .. } => !suite.allowances.is_empty() && !is_focused(suite),
    };
    (is_good_but_for_what_can_be_allowed && executed > asked && asked <= 1).then_some(executed)
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

fn exception(key: &str, pattern: &str) -> String {
    format!("{{ {key} = {}, reason = \"\" }}", quoted(pattern))
}

/// A pattern that matches this text and no other. What was cut is matched by its beginning, and a secret by anything.
fn pattern(text: &str) -> String {
    let (text, end) = match text.strip_suffix('…') {
        Some(beginning) => (beginning, ""),
        None => (text, "$"),
    };
    format!("^{}{end}", text.split(MASK).map(literal).collect::<Vec<_>>().join(".*"))
}

/// A pattern that matches a line wherever it is printed again: with other numbers, and with anything where something else may stand.
/// None where nothing is left that could be matched.
fn like_pattern(like: &str) -> Option<String> {
    let like = like.replace(MASK, &ANYTHING.to_string());
    let line = like.trim();
    let length = line.char_indices().nth(MAX_PATTERN).map_or(line.len(), |(end, _)| end);
    let (kept, cut) = line.split_at(length);
    if !kept.chars().any(char::is_alphanumeric) {
        return None;
    }
    let middle = kept.trim_matches(ANYTHING).split(ANYTHING).map(with_other_numbers).collect::<Vec<_>>().join(".*");
    let start = match like.starts_with(char::is_whitespace) {
        _ if kept.starts_with(ANYTHING) => "",
        true => r"^\s*",
        false => "^",
    };
    let end = match like.ends_with(char::is_whitespace) {
        _ if !cut.is_empty() || kept.ends_with(ANYTHING) => "",
        true => r"\s*$",
        false => "$",
    };
    Some(format!("{start}{middle}{end}"))
}

/// Matches a text, also with other numbers in it: of lines, processes and times.
fn with_other_numbers(text: &str) -> String {
    static NUMBERS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(\d+(?:\.\d+)*)(?:ms|s)?\b").expect("the pattern is constant"));
    let (mut out, mut done) = (String::new(), 0);
    for number in NUMBERS.captures_iter(text).filter_map(|found| found.get(1)) {
        out.push_str(&literal(&text[done..number.start()]));
        out.push_str(if number.as_str().contains('.') { r"[\d.]+" } else { r"\d+" });
        done = number.end();
    }
    out + &literal(&text[done..])
}

/// Matches a text, and has no character that a screen would show as another.
fn literal(text: &str) -> String {
    let is_shown = |character: char| shown(character.to_string()) == character.to_string();
    let mut out = String::new();
    for character in regex::escape(text).chars() {
        match character {
            character if is_shown(character) => out.push(character),
            character => out.push_str(&format!("\\x{{{:x}}}", u32::from(character))),
        }
    }
    out
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
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::evidence::{Ended, Noticed, WarningLists};
    use crate::judge::{Counts, Finding};

    #[test]
    fn what_is_printed_matches_the_text_it_was_made_of_and_nothing_longer() {
        for text in ["pays (twice) \"now\"", "a'b\\d", "ünïcode > 'x'", "tab\tand\u{1b}[31m"] {
            let line = list("allow_skipped", vec![exception("test", &pattern(text))]).join("\n");
            let line = line.replace("reason = \"\"", "reason = \"r\"");
            let file = format!("version = 1\n[suites.a]\nrun = ['x']\nreport = 'mocha-json'\n{line}\n");
            let policy = crate::policy::parse(file.as_bytes()).unwrap_or_else(|error| panic!("{file}\n{error:?}"));
            let read = Regex::new(&policy.suites["a"].allow_skipped[0].test).expect("it is a pattern");
            assert!(read.is_match(text) && !read.is_match(&format!("{text}s")), "{line}");
        }
        assert_eq!(pattern("a.b…"), "^a\\.b");
        assert_eq!(pattern("pays with [secret]"), "^pays with .*$");
    }

    /// The patterns that a line's warnings would be allowed by.
    fn proposed(lists: &WarningLists, output: &str) -> Vec<String> {
        let mut listener = lists.listen();
        listener.output(output.as_bytes());
        let noticed = listener.finish(Path::new("/var/work/proof-7PKW49/tree"));
        let like = noticed.into_iter().filter_map(|noticed| match noticed {
            Noticed::Warning { like, .. } => like,
            _ => None,
        });
        like.map(|like| like_pattern(&like.replace("hunter2", MASK)).expect("there are words in it")).collect()
    }

    #[test]
    fn what_is_printed_for_a_warning_allows_its_line_in_every_run() {
        for (line, expected) in [
            ("(node:17) MaxListenersExceededWarning: 11 x", r"^\(node:.*\) MaxListenersExceededWarning: \d+ x$"),
            ("  \tUnhandled Rejection \t", r"^\s*Unhandled Rejection\s*$"),
            ("Unhandled Rejection: pass=hunter2 (a)", r"^Unhandled Rejection: pass=.* \(a\)$"),
            ("Unhandled Rejection: https://ana:x@a.org/", r"^Unhandled Rejection: https://.*a\.org/$"),
            ("Unhandled Rejection at /var/work/proof-7PKW49/tree/x.js", r"^Unhandled Rejection at .*/tree/x\.js$"),
            ("Unhandled Rejection at /var/work/proof-7PKW49/tmp/a", r"^Unhandled Rejection at .*/tmp/a$"),
            ("\0Unhandled Rejection: \u{202e}evil 'x'", r"^\x{0}Unhandled Rejection: \x{202e}evil 'x'$"),
            ("✔ an Unhandled Rejection (3.2297ms) 17ms", r"^✔ an Unhandled Rejection \([\d.]+ms\) \d+ms$"),
            ("\u{1b}[31mUnhandled Rejection\u{1b}[0m 0x7f", "^Unhandled Rejection 0x7f$"),
        ] {
            let patterns = proposed(&WarningLists::default(), line);
            assert_eq!(patterns, [expected]);
            let entry = list("allow", vec![exception("pattern", expected)]).join("\n");
            assert_eq!(shown(entry.replace('\n', "")), entry.replace('\n', ""), "a screen shows it as it is");
            let file = format!(
                "version = 1\n[suites.a]\nrun = ['x']\nreport = 'exit-code'\n[warnings]\n{}\n",
                entry.replace("reason = \"\"", "reason = \"r\"")
            );
            let policy = crate::policy::parse(file.as_bytes()).unwrap_or_else(|error| panic!("{file}\n{error:?}"));
            let again = line.replace("17", "4711").replace("7PKW49", "aaaaaa").replace("hunter2", "else");
            assert!(proposed(&WarningLists::of(&policy.warnings), &again).is_empty(), "{again}: {entry}");
        }
    }

    #[test]
    fn a_long_line_is_allowed_by_what_is_kept_of_it_and_a_count_of_lines_by_nothing() {
        let long = format!("{}Unhandled Rejection{}", "x".repeat(5_000), "y".repeat(5_000));
        let patterns = proposed(&WarningLists::default(), &long);
        assert!(patterns.len() == 1 && Regex::new(&patterns[0]).unwrap().is_match(&long), "{patterns:?}");
        assert!(patterns[0].starts_with("Unhandled Rejectiony") && patterns[0].len() < 300, "{patterns:?}");
        assert_eq!(proposed(&WarningLists::default(), &"Unhandled Rejection\n".repeat(60)).len(), 20);
        assert_eq!(like_pattern("[secret]"), None);
    }

    #[test]
    fn what_a_focused_test_hides_is_not_offered() {
        let file = "version = 1\n[suites.a]\nrun = ['x']\nreport = 'mocha-json'\n";
        let policy = crate::policy::parse(file.as_bytes()).expect("it is a policy");
        let told = |code| {
            let finding = Finding { code, test: None, detail: String::new() };
            let suite = SuiteVerdict {
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
            };
            (of_suite(&suite).is_empty(), min_tests(&policy, &suite))
        };
        assert_eq!(told(Code::SkippedTests), (false, Some(3)));
        assert_eq!(told(Code::Focused), (true, None));
    }

    #[test]
    fn an_exception_without_a_reason_is_refused_until_somebody_writes_one() {
        let file = format!(
            "version = 1\n[suites.a]\nrun = ['x']\nreport = 'mocha-json'\nallow_skipped = [{}]\n",
            exception("test", &pattern("x"))
        );
        assert!(crate::policy::parse(file.as_bytes()).is_err());
    }
}

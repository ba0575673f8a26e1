//! What a suite's log says about the run itself: unknown options, forbidden `.only`, results from a cache.
//!
//! Deliberately absent: reading the log. Who calls gives its first and last lines; tools say these things at their start or in the
//! summary at their end. Warnings, which may stand anywhere, are searched for elsewhere.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::usage::usage;
use super::{Ended, Noticed, ReportEvidence, text};

/// Cached results that are named; more of them say nothing new.
const NAMED: usize = 20;

/// What some lines of a suite's log tell, beside its report.
pub fn heard(argv: &[String], ended: Ended, report: &ReportEvidence, lines: &[String]) -> Vec<Noticed> {
    let lines: Vec<String> = lines.iter().map(|line| console::strip_ansi_codes(line).into_owned()).collect();
    let mut noticed = Vec::new();
    let failed = match ended {
        Ended::Exited(code) => code != 0,
        Ended::Signalled(_) | Ended::TimedOut => false,
    };
    let has_report = match report {
        ReportEvidence::Read(_) => true,
        ReportEvidence::NotAsked | ReportEvidence::Unusable { .. } => false,
    };
    let names_focused = match report {
        ReportEvidence::Read(report) => !report.focused.is_empty(),
        ReportEvidence::NotAsked | ReportEvidence::Unusable { .. } => false,
    };
    if failed && !names_focused {
        noticed.extend(focused(&lines));
    }
    if failed && !has_report {
        noticed.extend(usage(argv, lines.iter().map(String::as_str)).map(|detail| Noticed::Usage { detail }));
    }
    noticed.extend(
        lines
            .iter()
            .filter(|line| is_cached(line))
            .take(NAMED)
            .map(|line| Noticed::Cached { line: text::headline(line) }),
    );
    noticed
}

/// Runners that are told to refuse `.only` say so on their way out, most of them without a report.
fn focused(lines: &[String]) -> Option<Noticed> {
    // mocha's `--forbid-only`, Playwright's, vitest's `--allowOnly=false`.
    static REFUSED: LazyLock<RegexSet> = LazyLock::new(|| {
        let words = [
            r"`\.only` (is )?forbidden by --forbid-only",
            r"focused with '\.only' is not allowed",
            r"Unexpected \.only modifier",
        ];
        RegexSet::new(words).expect("the words are constant")
    });
    let line = lines.iter().find(|line| REFUSED.is_match(line))?;
    Some(Noticed::Focused { place: text::headline(line) })
}

/// Whether a line says that a task of tests was not run, because an older result of it was at hand. That a build came from a cache is
/// no matter.
fn is_cached(line: &str) -> bool {
    // A task is one of tests by its name: `test`, `test:e2e`, `e2e`, `integrationTest`; `testClasses` and `compileTestJava` build them.
    static LINES: LazyLock<[Regex; 4]> = LazyLock::new(|| {
        [
            // turbo: `web:test:e2e: cache hit, replaying logs 0a1b`; https://turborepo.dev/docs/crafting-your-repository/caching
            r"^(?<task>[^\s#]*[:#]\S+): cache hit\b",
            // nx: `✔  nx run web:test  [local cache]`, `[existing outputs match the cache, left as is]`; https://nx.dev/concepts/how-caching-works
            r"nx run (?<task>\S+)\s+\[(local cache|remote cache|existing outputs match the cache)",
            // Gradle: `> Task :web:test UP-TO-DATE`; https://docs.gradle.org/current/userguide/controlling_task_execution.html
            r"^> Task (?<task>\S+) (UP-TO-DATE|FROM-CACHE)$",
            // bazel: `//web:pay_test   (cached) PASSED in 0.3s`; https://bazel.build/docs/user-manual
            r"^(?<task>//\S+)\s+\(cached\) PASSED",
        ]
        .map(|line| Regex::new(line).expect("the words are constant"))
    });
    static OF_TESTS: LazyLock<Regex> = LazyLock::new(|| {
        let name = r"(^|[:#/_.-])(?i:tests?|e2e|specs?)($|[:_.-])|Test$";
        Regex::new(name).expect("the words are constant")
    });
    let [.., bazel] = &*LINES;
    // bazel prints that line of tests alone.
    bazel.is_match(line)
        || LINES.iter().any(|words| words.captures(line).is_some_and(|caught| OF_TESTS.is_match(&caught["task"])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::TestReport;

    fn told(ended: Ended, report: &ReportEvidence, line: &str) -> Vec<Noticed> {
        heard(&["pnpm".to_owned(), "run".to_owned(), "test".to_owned()], ended, report, &[line.to_owned()])
    }

    #[test]
    fn a_result_from_a_cache_is_one_of_tests_and_not_of_builds() {
        for line in [
            "web:test: cache hit, replaying logs 0a1b2c",
            "web:test:e2e: cache hit, suppressing logs 0a1b2c",
            "\u{1b}[36m@shop/web#test:unit: cache hit (outputs already on disk), replaying logs 1\u{1b}[0m",
            "   ✔  nx run web:test  [local cache]",
            "   ✔  nx run web:e2e:ci  [existing outputs match the cache, left as is]",
            "> Task :test UP-TO-DATE",
            "> Task :web:integrationTest FROM-CACHE",
            "//pay:charge_test      (cached) PASSED in 0.1s",
        ] {
            let noticed = told(Ended::Exited(0), &ReportEvidence::NotAsked, line);
            assert!(matches!(noticed.as_slice(), [Noticed::Cached { .. }]), "{line}: {noticed:?}");
        }
        for line in [
            "web:build: cache hit, replaying logs 0a1b2c",
            "web:test: cache miss, executing 0a1b2c",
            "   ✔  nx run web:build  [local cache]",
            "> Task :compileTestJava UP-TO-DATE",
            "> Task :testClasses UP-TO-DATE",
            "> Task :test",
            "//pay:charge_test      PASSED in 0.1s",
            "the test: cache hit is counted",
        ] {
            assert_eq!(told(Ended::Exited(0), &ReportEvidence::NotAsked, line), [], "{line}");
        }
    }

    #[test]
    fn a_refused_only_is_named_where_the_run_failed() {
        for line in [
            "Error: `.only` forbidden by --forbid-only",
            "Error: item focused with '.only' is not allowed due to the '--forbid-only' CLI flag: \"pay.spec.ts charges\"",
            "Error: [Vitest] Unexpected .only modifier. Remove it or pass --allowOnly argument to bypass this error",
        ] {
            let noticed = told(Ended::Exited(1), &ReportEvidence::not_read(), line);
            assert!(matches!(noticed.as_slice(), [Noticed::Focused { .. }]), "{line}: {noticed:?}");
            assert_eq!(told(Ended::Exited(0), &ReportEvidence::NotAsked, line), []);
            let named = TestReport { focused: vec!["pays".to_owned()], ..TestReport::default() };
            assert_eq!(told(Ended::Exited(1), &ReportEvidence::Read(named), line), [], "the report has named it");
        }
    }

    #[test]
    fn an_unknown_option_counts_only_where_the_run_failed_and_left_no_report() {
        let line = "error: unknown option '--grep'";
        assert!(matches!(
            told(Ended::Exited(1), &ReportEvidence::not_read(), line).as_slice(),
            [Noticed::Usage { .. }]
        ));
        let read = ReportEvidence::Read(TestReport::default());
        for (ended, report) in [
            (Ended::Exited(0), &ReportEvidence::not_read()),
            (Ended::TimedOut, &ReportEvidence::not_read()),
            (Ended::Exited(1), &read),
        ] {
            assert_eq!(told(ended, report, line), []);
        }
    }
}

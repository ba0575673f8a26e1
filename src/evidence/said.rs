//! What a suite's log says about the run itself: unknown options, forbidden `.only`.
//!
//! Deliberately absent: reading the log. Who calls gives its first and last lines; tools say these things at their start or in the
//! summary at their end. Warnings and results from a cache, which may stand anywhere, are searched for elsewhere.

use std::sync::LazyLock;

use regex::RegexSet;

use super::usage::usage;
use super::{Ended, Noticed, ReportEvidence, text};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::TestReport;

    fn told(ended: Ended, report: &ReportEvidence, line: &str) -> Vec<Noticed> {
        heard(&["pnpm".to_owned(), "run".to_owned(), "test".to_owned()], ended, report, &[line.to_owned()])
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

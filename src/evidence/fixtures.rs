//! Every report file of `tests/fixtures/reports`, read and judged: which findings it gives, in which order.
//!
//! A file's name says what happened in the run; each PASS stands in a list that says why it is one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Ended, Filter, ReportEvidence, SuiteEvidence, TestReport, parse_report};
use crate::judge::{Counts, Judged, Rules, Word, judge, judge_file};
use crate::policy::{Adapter, Flavor, Report};

/// What each real report comes to with the exit code of its run. All that pass are in one of the next two lists.
const FAILING: &[(&str, &str)] = &[
    ("mocha/booking-json.json", "TEST_FAILED EXIT_NONZERO"),
    ("mocha/done-twice-json.json", "TEST_FAILED EXIT_NONZERO"),
    ("mocha/emptydesc-json.json", "ZERO_TESTS"),
    ("mocha/flaky-json.json", "TEST_FLAKY"),
    ("mocha/flaky.file.json", "TEST_FLAKY"),
    ("mocha/grep-nomatch-json.json", "ZERO_TESTS"),
    ("mocha/hang-json.json", "TIMED_OUT"),
    ("mocha/hook-each-json.json", "SUITE_ERROR EXIT_NONZERO"),
    ("mocha/hook-json.json", "SUITE_ERROR EXIT_NONZERO"),
    ("mocha/retries-used-up-json.json", "TEST_FAILED EXIT_NONZERO"),
    ("mocha/skip-json.json", "SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("mocha/unhandled-strict-json.json", "TEST_FAILED EXIT_NONZERO"),
    ("playwright/allskipped.json", "ZERO_TESTS SKIPPED_TESTS"),
    ("playwright/allskipped.junit.xml", "ZERO_TESTS SKIPPED_TESTS"),
    ("playwright/booking.json", "TEST_FAILED EXIT_NONZERO"),
    ("playwright/booking.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("playwright/booking.retries.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("playwright/flaky-fail.json", "TEST_FLAKY EXIT_NONZERO"),
    ("playwright/flaky-fail.junit.xml", "EXIT_NONZERO"),
    ("playwright/flaky.json", "TEST_FLAKY"),
    ("playwright/flaky.retries.junit.xml", "TEST_FLAKY"),
    ("playwright/grep-nomatch-pass.json", "ZERO_TESTS"),
    ("playwright/grep-nomatch-pass.junit.xml", "ZERO_TESTS"),
    ("playwright/grep-nomatch.json", "ZERO_TESTS EXIT_NONZERO"),
    ("playwright/grep-nomatch.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("playwright/load.json", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("playwright/load.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("playwright/nofile.json", "ZERO_TESTS EXIT_NONZERO"),
    ("playwright/nofile.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("playwright/only-forbid.json", "FOCUSED ZERO_TESTS EXIT_NONZERO"),
    ("playwright/only-forbid.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("playwright/skip.json", "SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("playwright/skip.junit.xml", "SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("playwright/timeout.json", "TEST_FAILED EXIT_NONZERO"),
    ("playwright/timeout.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("playwright/unhandled.json", "TEST_FAILED EXIT_NONZERO"),
    ("playwright/unhandled.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("vitest/allowonly.json", "FOCUSED ZERO_TESTS SKIPPED_TESTS EXIT_NONZERO"),
    ("vitest/allowonly.junit.xml", "TEST_FAILED SKIPPED_TESTS EXIT_NONZERO"),
    ("vitest/booking.json", "TEST_FAILED EXIT_NONZERO"),
    ("vitest/booking.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("vitest/empty.json", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("vitest/empty.junit.xml", "TEST_FAILED SUITE_ERROR EXIT_NONZERO"),
    ("vitest/exit.json", "TEST_FAILED EXIT_NONZERO"),
    ("vitest/exit.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("vitest/flaky.json", "TEST_FLAKY"),
    ("vitest/grep-nomatch.json", "ZERO_TESTS"),
    ("vitest/grep-nomatch.junit.xml", "ZERO_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("vitest/load.json", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("vitest/load.junit.xml", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("vitest/nofile.json", "ZERO_TESTS EXIT_NONZERO"),
    ("vitest/nofile.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("vitest/only.json", "SKIPPED_TESTS"),
    ("vitest/only.junit.xml", "SKIPPED_TESTS"),
    ("vitest/skip.json", "SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("vitest/skip.junit.xml", "SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("vitest/unhandled.json", "EXIT_NONZERO"),
    ("vitest/unhandled.junit.xml", "EXIT_NONZERO"),
    ("jest/bail.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("jest/booking.json", "TEST_FAILED EXIT_NONZERO"),
    ("jest/booking.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("jest/empty.json", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("jest/empty.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("jest/flaky.json", "TEST_FLAKY"),
    ("jest/flakyquiet.json", "TEST_FLAKY"),
    ("jest/grep-nomatch.json", "ZERO_TESTS"),
    ("jest/grep-nomatch.junit.xml", "ZERO_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("jest/hang.json", "EXIT_NONZERO"),
    ("jest/hang.junit.xml", "EXIT_NONZERO"),
    ("jest/hook.json", "TEST_FAILED TEST_FAILED EXIT_NONZERO"),
    ("jest/hook.junit.xml", "TEST_FAILED TEST_FAILED EXIT_NONZERO"),
    ("jest/load.json", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("jest/load.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("jest/nofile-pass.json", "ZERO_TESTS"),
    ("jest/nofile-pass.junit.xml", "ZERO_TESTS"),
    ("jest/nofile.json", "ZERO_TESTS EXIT_NONZERO"),
    ("jest/nofile.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("jest/only.json", "SKIPPED_TESTS"),
    ("jest/only.junit.xml", "SKIPPED_TESTS"),
    ("jest/unhandled.json", "TEST_FAILED EXIT_NONZERO"),
    ("jest/unhandled.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("nodetest/booking.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("nodetest/empty.junit.xml", "FILE_AS_TEST ZERO_TESTS"),
    ("nodetest/exit.junit.xml", "FILE_AS_TEST ZERO_TESTS"),
    ("nodetest/after.junit.xml", "EXIT_NONZERO"),
    ("nodetest/late-direct.junit.xml", "EXIT_NONZERO"),
    ("nodetest/parent.junit.xml", "EXIT_NONZERO"),
    ("nodetest/root-after-direct.junit.xml", "SUITE_ERROR EXIT_NONZERO"),
    ("nodetest/root-after.junit.xml", "SUITE_ERROR EXIT_NONZERO"),
    ("nodetest/grep-nomatch.junit.xml", "ZERO_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("nodetest/hook.junit.xml", "TEST_FAILED TEST_FAILED EXIT_NONZERO"),
    ("nodetest/load.junit.xml", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("nodetest/only.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("nodetest/skip.junit.xml", "TEST_FAILED SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS REPORT_DISAGREES"),
    ("nodetest/unhandled.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("pytest/booking.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("pytest/flaky.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("pytest/flakyfail.junit.xml", "REPORT_DISAGREES EXIT_NONZERO"),
    ("pytest/load.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("pytest/nofile.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("pytest/nomatch.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("pytest/skip.junit.xml", "TEST_FAILED SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS EXIT_NONZERO"),
    ("pytest/strictwarn.junit.xml", "TEST_FAILED TEST_FAILED TEST_FAILED TEST_FAILED TEST_FAILED EXIT_NONZERO"),
    ("pytest/warn.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("nextest/bad.junit.xml", "TEST_FAILED TEST_FAILED EXIT_NONZERO"),
    ("nextest/flaky-fail.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("nextest/flaky.junit.xml", "TEST_FLAKY"),
    ("nextest/nomatch.junit.xml", "ZERO_TESTS EXIT_NONZERO"),
    ("go/bench.json", "ZERO_TESTS"),
    ("go/booking.json", "TEST_FAILED TEST_FAILED TEST_FAILED EXIT_NONZERO"),
    ("go/build-alone.json", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("go/build.json", "SUITE_ERROR EXIT_NONZERO"),
    ("go/cached-in-part.json", "TEST_FAILED TEST_FAILED TEST_FAILED CACHED_RESULT EXIT_NONZERO"),
    ("go/cached.json", "CACHED_RESULT"),
    ("go/example.json", "TEST_FAILED REPORT_DISAGREES"),
    ("go/exit-syscall.json", "TEST_FAILED REPORT_DISAGREES"),
    ("go/exit.json", "TEST_FAILED EXIT_NONZERO"),
    ("go/flaky.json", "TEST_FAILED TEST_FLAKY EXIT_NONZERO"),
    ("go/goroutine-panic.json", "TEST_FAILED EXIT_NONZERO"),
    ("go/grep-nomatch.json", "ZERO_TESTS"),
    ("go/init-panic.json", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("go/main-exit.json", "SUITE_ERROR ZERO_TESTS REPORT_DISAGREES"),
    ("go/main-swallows.json", "TEST_FAILED REPORT_DISAGREES"),
    ("go/nofiles.json", "ZERO_TESTS"),
    ("go/panic.json", "TEST_FAILED EXIT_NONZERO"),
    ("go/parallel.json", "TEST_FAILED EXIT_NONZERO"),
    ("go/shuffled.json", "TEST_FAILED EXIT_NONZERO"),
    ("go/skip.json", "SKIPPED_TESTS SKIPPED_TESTS"),
    ("go/timeout.json", "TEST_FAILED EXIT_NONZERO"),
    ("tap/mocha-bail.tap", "TEST_FAILED EXIT_NONZERO"),
    ("tap/mocha-booking.tap", "TEST_FAILED EXIT_NONZERO"),
    ("tap/mocha-exit.tap", "REPORT_MALFORMED"),
    ("tap/mocha-grep-nomatch.tap", "ZERO_TESTS"),
    ("tap/mocha-hook.tap", "TEST_FAILED EXIT_NONZERO"),
    ("tap/mocha-skip.tap", "SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("tap/mocha-talk.tap", "TEST_FAILED SUITE_ERROR REPORT_DISAGREES REPORT_DISAGREES REPORT_DISAGREES"),
    ("tap/mocha-tap13.tap", "TEST_FAILED EXIT_NONZERO"),
    ("tap/node-booking.tap", "TEST_FAILED EXIT_NONZERO"),
    ("tap/node-empty.tap", "FILE_AS_TEST ZERO_TESTS"),
    ("tap/node-exit.tap", "FILE_AS_TEST ZERO_TESTS"),
    ("tap/node-grep-nomatch.tap", "ZERO_TESTS SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("tap/node-hook.tap", "TEST_FAILED EXIT_NONZERO"),
    ("tap/node-load.tap", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("tap/node-skip.tap", "TEST_FAILED SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS REPORT_DISAGREES"),
    ("tap/node-two.tap", "TEST_FAILED EXIT_NONZERO"),
    ("tap/node-unhandled.tap", "SUITE_ERROR REPORT_DISAGREES EXIT_NONZERO"),
    ("tap/perl-bail-out.tap", "SUITE_ERROR EXIT_NONZERO"),
    ("tap/perl-fail-and-too-few.tap", "EXIT_NONZERO REPORT_MALFORMED"),
    ("tap/perl-skip-all.tap", "ZERO_TESTS"),
    ("tap/perl.tap", "TEST_FAILED SKIPPED_TESTS REPORT_DISAGREES"),
    ("tap/sh-bail-out.tap", "SUITE_ERROR EXIT_NONZERO"),
    ("tap/sh-plan-missing.tap", "REPORT_MALFORMED"),
    ("tap/sh-plan-too-few.tap", "REPORT_MALFORMED"),
    ("tap/sh-plan-too-many.tap", "REPORT_DISAGREES"),
    ("tap/sh-todo.tap", "TEST_FAILED SKIPPED_TESTS REPORT_DISAGREES"),
    ("tap/vitest-booking.tap", "TEST_FAILED EXIT_NONZERO"),
    ("tap/vitest-flat.tap", "TEST_FAILED EXIT_NONZERO"),
    ("tap/vitest-grep-nomatch.tap", "ZERO_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("tap/vitest-load.tap", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("tap/vitest-only.tap", "SKIPPED_TESTS"),
    ("tap/vitest-skip.tap", "SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("tap/vitest-unhandled.tap", "EXIT_NONZERO"),
    ("ctrf/jest-booking.json", "TEST_FAILED EXIT_NONZERO"),
    ("ctrf/jest-flaky.json", "TEST_FLAKY"),
    ("ctrf/jest-grep-nomatch.json", "ZERO_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("ctrf/jest-load.json", "ZERO_TESTS EXIT_NONZERO"),
    ("ctrf/mocha-booking.json", "TEST_FAILED EXIT_NONZERO"),
    ("ctrf/mocha-flaky.json", "TEST_FLAKY"),
    ("ctrf/mocha-grep-nomatch.json", "ZERO_TESTS"),
    ("ctrf/mocha-hook.json", "TEST_FAILED EXIT_NONZERO"),
    ("ctrf/playwright-booking.json", "TEST_FAILED EXIT_NONZERO"),
    ("ctrf/playwright-flaky.json", "TEST_FLAKY"),
    ("ctrf/playwright-grep-nomatch.json", "ZERO_TESTS"),
    ("ctrf/playwright-timeout.json", "TEST_FAILED EXIT_NONZERO"),
    ("ctrf/pytest-nomatch.json", "ZERO_TESTS EXIT_NONZERO"),
    ("ctrf/pytest-shop.json", "TEST_FAILED SKIPPED_TESTS SKIPPED_TESTS EXIT_NONZERO"),
    // Its reporter counts a test that is expected to fail among the failed, and lists it as passed.
    ("ctrf/playwright-skip.json", "SKIPPED_TESTS SKIPPED_TESTS REPORT_DISAGREES REPORT_DISAGREES"),
    ("nodetest/test-only.junit.xml", "SKIPPED_TESTS SKIPPED_TESTS"),
    ("nodetest/groups.junit.xml", "SKIPPED_TESTS"),
    ("ctrf/jest-only.json", "SKIPPED_TESTS"),
    ("ctrf/jest-skip.json", "SKIPPED_TESTS SKIPPED_TESTS"),
    ("ctrf/mocha-skip.json", "SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS"),
    ("nodetest/nested.junit.xml", "SKIPPED_TESTS"),
];

/// Runs in which all went well.
const PASSING: &[&str] = &[
    "mocha/payment-json.json",
    "playwright/env.json",
    "playwright/payment.json",
    "playwright/payment.junit.xml",
    "playwright/repeat.json",
    "playwright/repeat.junit.xml",
    "vitest/payment.json",
    "vitest/payment.junit.xml",
    "jest/payment.json",
    "jest/payment.junit.xml",
    "nodetest/direct.junit.xml",
    "nodetest/payment.junit.xml",
    "pytest/payment.junit.xml",
    "go/nofiles-and-payment.json",
    "go/payment.json",
    "go/repeat.json",
    "tap/mocha-payment.tap",
    "tap/node-payment.tap",
    "tap/vitest-payment.tap",
    "ctrf/jest-payment.json",
    "ctrf/mocha-payment.json",
    "ctrf/playwright-payment.json",
];

/// Runs in which something was wrong that the form of the report hides, so that the report alone reads as a PASS.
const HIDDEN_BY_THE_REPORT: &[(&str, &str)] = &[
    ("mocha/only-json.json", "tests that `.only` left out"),
    ("mocha/unhandled-json.json", "a rejection that mocha swallows, unless node is told to end on it"),
    ("mocha/warn-json.json", "what was only printed"),
    ("playwright/flaky.junit.xml", "a failed attempt that this form of the report leaves out"),
    ("playwright/only.json", "tests that `.only` left out"),
    ("playwright/only.junit.xml", "tests that `.only` left out"),
    ("playwright/warn.json", "what was only printed"),
    ("playwright/warn.junit.xml", "what was only printed"),
    ("vitest/flaky.junit.xml", "a failed attempt that this form of the report leaves out"),
    ("vitest/hang.json", "what was only printed"),
    ("vitest/hang.junit.xml", "what was only printed"),
    ("vitest/warn.json", "what was only printed"),
    ("vitest/warn.junit.xml", "what was only printed"),
    ("jest/detect.json", "open handles, which are searched for like what was printed"),
    ("jest/detect.junit.xml", "what was only printed"),
    ("jest/flaky.junit.xml", "a failed attempt that this form of the report leaves out"),
    ("jest/flakyquiet.junit.xml", "a failed attempt that this form of the report leaves out"),
    ("jest/warn.json", "what was only printed"),
    ("jest/warn.junit.xml", "what was only printed"),
    ("nodetest/warn.junit.xml", "what was only printed"),
    ("nodetest/exit-late.junit.xml", "tests that `process.exit(0)` cut off after the first results were sent"),
    ("go/warn.json", "what was only printed"),
    ("tap/mocha-flaky.tap", "a failed attempt that this form of the report leaves out"),
    ("tap/vitest-flaky.tap", "a failed attempt that this form of the report leaves out"),
    ("ctrf/mocha-only.json", "tests that `.only` left out"),
    ("ctrf/mocha-unhandled.json", "a rejection that mocha swallows, unless node is told to end on it"),
];

/// What the reports of node's runner come to when they are read as such, and not as any JUnit XML.
const OF_NODE: &[(&str, &str)] = &[
    ("nodetest/after.junit.xml", "EXIT_NONZERO"),
    ("nodetest/booking.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("nodetest/direct.junit.xml", ""),
    ("nodetest/empty.junit.xml", "FILE_AS_TEST ZERO_TESTS"),
    ("nodetest/exit-late.junit.xml", ""),
    ("nodetest/exit.junit.xml", "FILE_AS_TEST ZERO_TESTS"),
    ("nodetest/grep-nomatch.junit.xml", "ZERO_TESTS"),
    ("nodetest/groups.junit.xml", "SKIPPED_TESTS REPORT_DISAGREES"),
    ("nodetest/hook.junit.xml", "TEST_FAILED TEST_FAILED EXIT_NONZERO"),
    ("nodetest/late-direct.junit.xml", "SUITE_ERROR EXIT_NONZERO"),
    ("nodetest/load.junit.xml", "SUITE_ERROR ZERO_TESTS EXIT_NONZERO"),
    ("nodetest/nested.junit.xml", "SKIPPED_TESTS"),
    ("nodetest/only.junit.xml", "TEST_FAILED FOCUSED EXIT_NONZERO"),
    ("nodetest/parent.junit.xml", "REPORT_DISAGREES EXIT_NONZERO"),
    ("nodetest/payment.junit.xml", ""),
    ("nodetest/root-after-direct.junit.xml", "SUITE_ERROR EXIT_NONZERO"),
    ("nodetest/root-after.junit.xml", "SUITE_ERROR EXIT_NONZERO"),
    ("nodetest/skip.junit.xml", "TEST_FAILED SKIPPED_TESTS SKIPPED_TESTS SKIPPED_TESTS REPORT_DISAGREES"),
    ("nodetest/test-only.junit.xml", "FOCUSED SKIPPED_TESTS SKIPPED_TESTS"),
    ("nodetest/unhandled.junit.xml", "TEST_FAILED EXIT_NONZERO"),
    ("nodetest/warn.junit.xml", ""),
];

/// Hand-written reports in the shape of other tools, judged with the exit code that such a run ends with.
const DIALECTS: &[(&str, i32, &str, [u64; 4])] = &[
    ("cases-at-the-root.xml", 0, "", [2, 0, 0, 0]),
    ("counts-hide-a-failure.xml", 0, "REPORT_DISAGREES REPORT_DISAGREES", [2, 0, 0, 0]),
    ("ctrf-counts-hide-a-failure.json", 0, "REPORT_DISAGREES REPORT_DISAGREES", [1, 0, 0, 0]),
    ("ctrf-cypress.json", 0, "SKIPPED_TESTS", [2, 0, 0, 1]),
    ("ctrf-early-flake.json", 1, "TEST_FAILED TEST_FLAKY EXIT_NONZERO", [0, 1, 1, 0]),
    ("ctrf-flaky.json", 0, "TEST_FLAKY TEST_FLAKY", [1, 0, 2, 0]),
    ("ctrf-other.json", 0, "TEST_FAILED SKIPPED_TESTS REPORT_DISAGREES", [1, 1, 0, 1]),
    ("disabled-failure.xml", 0, "TEST_FAILED REPORT_DISAGREES", [1, 1, 0, 0]),
    ("dotnet.xml", 1, "TEST_FAILED SKIPPED_TESTS EXIT_NONZERO", [1, 1, 0, 1]),
    ("googletest.xml", 0, "SKIPPED_TESTS", [2, 0, 0, 1]),
    ("gradle.xml", 0, "SKIPPED_TESTS", [2, 0, 0, 1]),
    ("latin-1.xml", 0, "", [1, 0, 0, 0]),
    ("mocha-xunit.xml", 1, "TEST_FAILED SKIPPED_TESTS EXIT_NONZERO", [1, 1, 0, 1]),
    ("phpunit-nested.xml", 1, "TEST_FAILED EXIT_NONZERO", [3, 1, 0, 0]),
    ("phpunit-warning.xml", 1, "TEST_FAILED EXIT_NONZERO", [0, 1, 0, 0]),
    ("rspec-load-error.xml", 1, "ZERO_TESTS REPORT_DISAGREES EXIT_NONZERO", [0, 0, 0, 0]),
    ("rspec.xml", 0, "SKIPPED_TESTS", [2, 0, 0, 1]),
    ("suite-error.xml", 0, "SUITE_ERROR REPORT_DISAGREES", [1, 0, 0, 0]),
    ("surefire-flaky.xml", 0, "TEST_FLAKY", [1, 0, 1, 0]),
    ("surefire-rerun.xml", 1, "TEST_FAILED EXIT_NONZERO", [1, 1, 0, 0]),
    ("surefire-skipped-failure.xml", 0, "TEST_FAILED REPORT_DISAGREES", [1, 1, 0, 0]),
    ("surefire-twice.xml", 1, "TEST_FAILED TEST_FLAKY EXIT_NONZERO", [1, 1, 0, 0]),
    ("unknown-status.xml", 0, "TEST_FAILED REPORT_DISAGREES", [1, 1, 0, 0]),
    ("utf-16.xml", 0, "", [1, 0, 0, 0]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports")
}

/// Every fixture of a real run: its name, its bytes, how its runner ended.
fn fixtures() -> Vec<(String, Vec<u8>, Ended)> {
    let index = std::fs::read_to_string(folder().join("INDEX.tsv")).unwrap();
    let fixture = |line: &str| {
        let mut columns = line.split('\t');
        let name = columns.next().unwrap().to_owned();
        let ended = match columns.next().unwrap() {
            "timeout" => Ended::TimedOut,
            code => Ended::Exited(code.parse().unwrap()),
        };
        let bytes = std::fs::read(folder().join(&name)).unwrap();
        (name, bytes, ended)
    };
    index.lines().skip(1).map(fixture).collect()
}

/// The command of every run.
fn commands() -> BTreeMap<String, Vec<String>> {
    let index = std::fs::read_to_string(folder().join("INDEX.tsv")).unwrap();
    let command = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        (columns[0].to_owned(), columns[2].split(' ').map(str::to_owned).collect())
    };
    index.lines().skip(1).map(command).collect()
}

/// Every report of the fixtures, with what reads it.
pub(super) fn corpus() -> Vec<(Report, Vec<u8>)> {
    let of_node =
        |name: &str| name.starts_with("nodetest/").then_some(Report { adapter: Adapter::NodeTest, flavor: None });
    let real = fixtures().into_iter().flat_map(|(name, bytes, _)| {
        let readers = std::iter::once(adapter_of(&name)).chain(of_node(&name));
        readers.map(|report| (report, bytes.clone())).collect::<Vec<_>>()
    });
    real.chain(DIALECTS.iter().map(|(name, ..)| (adapter_of(&format!("dialects/{name}")), dialect(name)))).collect()
}

fn adapter_of(name: &str) -> Report {
    let adapter = match name.split_once('/').unwrap_or(("dialects", name)) {
        (_, file) if file.ends_with(".xml") => Adapter::JunitXml,
        ("mocha", _) => Adapter::MochaJson,
        ("playwright", _) => Adapter::PlaywrightJson,
        ("vitest", _) => Adapter::VitestJson,
        ("jest", _) => Adapter::JestJson,
        ("ctrf" | "dialects", _) => Adapter::Ctrf,
        ("go", _) => Adapter::GoJson,
        ("tap", _) => Adapter::Tap,
        (runner, _) => panic!("no adapter is known for the reports of {runner}"),
    };
    Report { adapter, flavor: None }
}

fn codes(judged: &Judged) -> String {
    let codes: Vec<&str> = judged.verdict.findings().iter().map(|finding| finding.code.as_str()).collect();
    codes.join(" ")
}

const JUNIT: Report = Report { adapter: Adapter::JunitXml, flavor: None };
const MOCHA: Report = Report { adapter: Adapter::MochaJson, flavor: None };

#[test]
fn every_report_of_a_real_run_comes_to_the_findings_that_its_name_calls_for() {
    let mut expected: BTreeMap<&str, &str> = FAILING.iter().copied().collect();
    expected.extend(PASSING.iter().map(|name| (*name, "")));
    expected.extend(HIDDEN_BY_THE_REPORT.iter().map(|(name, _)| (*name, "")));
    let commands = commands();
    let mut wrong = Vec::new();
    for (name, bytes, ended) in fixtures() {
        let report = parse_report(adapter_of(&name), &bytes, &mut |_| {});
        let filter = Filter::of(adapter_of(&name).adapter, &commands[&name]);
        let judged = judge(&SuiteEvidence::new(ended, report), &Rules { filter, ..Rules::default() });
        match expected.remove(name.as_str()) {
            Some(expected) if codes(&judged) == expected => {}
            expected => wrong.push(format!("{name}: {:?}, expected {expected:?}", codes(&judged))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(expected.is_empty(), "no such reports: {expected:?}");
}

#[test]
fn node_s_own_reader_sees_more_than_that_of_any_junit_xml() {
    let node = Report { adapter: Adapter::NodeTest, flavor: None };
    let commands = commands();
    let mut expected: BTreeMap<&str, &str> = OF_NODE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, bytes, ended) in fixtures().into_iter().filter(|(name, ..)| name.starts_with("nodetest/")) {
        let report = parse_report(node, &bytes, &mut |_| {});
        let filter = Filter::of(node.adapter, &commands[&name]);
        let judged = judge(&SuiteEvidence::new(ended, report), &Rules { filter, ..Rules::default() });
        let due = expected.remove(name.as_str());
        if due != Some(codes(&judged).as_str()) {
            wrong.push(format!("{name}: {:?}, expected {due:?}", codes(&judged)));
        }
        for end in 1..bytes.trim_ascii_end().len() {
            let cut = parse_report(node, &bytes[..end], &mut |_| {});
            assert!(matches!(cut, ReportEvidence::Unusable { .. }), "{name} cut at {end} is believed");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(expected.is_empty(), "no such reports: {expected:?}");
}

#[test]
fn a_byte_order_mark_in_front_changes_nothing() {
    for (name, bytes, ended) in fixtures() {
        let read = |bytes: &[u8]| {
            let report = parse_report(adapter_of(&name), bytes, &mut |_| {});
            judge(&SuiteEvidence::new(ended, report), &Rules::default())
        };
        assert_eq!(read(&[b"\xef\xbb\xbf", &bytes[..]].concat()), read(&bytes), "{name}");
    }
}

#[test]
fn handles_that_jest_found_open_are_a_warning() {
    let bytes = std::fs::read(folder().join("jest/detect.json")).unwrap();
    let judged = judge_file(&bytes, adapter_of("jest/detect.json"), 0);
    assert_eq!(codes(&judged), "WARNING");
}

#[test]
fn the_index_names_every_report_that_lies_there() {
    let indexed: BTreeSet<String> = fixtures().into_iter().map(|(name, _, _)| name).collect();
    let runners = ["mocha", "playwright", "vitest", "jest", "nodetest", "pytest", "nextest", "ctrf", "go", "tap"];
    let present =
        runners.iter().flat_map(|runner| names_in(runner).into_iter().map(move |file| format!("{runner}/{file}")));
    assert_eq!(indexed, present.collect());
    assert_eq!(names_in("dialects"), DIALECTS.iter().map(|(name, ..)| (*name).to_owned()).collect());
}

#[test]
fn every_dialect_is_understood() {
    for (name, exit, expected, [passed, failed, flaky, skipped]) in DIALECTS {
        let judged = judge_file(&dialect(name), adapter_of(&format!("dialects/{name}")), *exit);
        assert_eq!(codes(&judged), *expected, "{name}");
        assert_eq!(
            judged.counts,
            Counts { passed: *passed, failed: *failed, flaky: *flaky, skipped: *skipped },
            "{name}"
        );
    }
}

#[test]
fn pytest_runs_a_test_twice_only_because_it_failed() {
    let bytes = std::fs::read(folder().join("pytest/flakyfail.junit.xml")).unwrap();
    let pytest = Report { adapter: Adapter::JunitXml, flavor: Some(Flavor::Pytest) };
    assert!(codes(&judge_file(&bytes, pytest, 0)).starts_with("TEST_FLAKY"));
}

#[test]
fn no_report_that_is_cut_short_is_believed() {
    let dialects = DIALECTS.iter().map(|(name, ..)| (format!("dialects/{name}"), dialect(name)));
    let real = fixtures().into_iter().map(|(name, bytes, _)| (name, bytes));
    for (name, bytes) in real.chain(dialects) {
        // What lacks nothing but the last line's end lacks nothing.
        let whole = bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n' | b' ' | 0)).unwrap() + 1;
        // Its plan says that it is whole before its end.
        if name == "tap/sh-plan-too-many.tap" {
            continue;
        }
        let sample = (0..whole).filter(|end| end % 7 == 0 || whole - end <= 200);
        for end in sample {
            let parsed = parse_report(adapter_of(&name), &bytes[..end], &mut |_| {});
            let is_refused = match &parsed {
                // Its last lines may say nothing of a test, or its first ones that all is lost.
                ReportEvidence::Read(cut) if name.starts_with("tap/") => tells_as_bad_news(cut, &bytes),
                ReportEvidence::Read(_) | ReportEvidence::NotAsked => false,
                ReportEvidence::Unusable { .. } => true,
            };
            assert!(is_refused, "{name} cut at {end} of {whole} is believed");
        }
    }
}

/// Whether what is left of a report in TAP tells the same of every test as the whole does, or fails.
fn tells_as_bad_news(cut: &TestReport, whole: &[u8]) -> bool {
    let told =
        |report: &TestReport| report.cases.iter().map(|case| (case.title.clone(), case.outcome)).collect::<Vec<_>>();
    let judged = judge(&SuiteEvidence::new(Ended::Exited(0), ReportEvidence::Read(cut.clone())), &Rules::default());
    let whole = parse_report(Report { adapter: Adapter::Tap, flavor: None }, whole, &mut |_| {});
    judged.verdict.word() == Word::Fail || matches!(whole, ReportEvidence::Read(whole) if told(&whole) == told(cut))
}

#[test]
fn nothing_may_follow_a_report() {
    for (name, bytes, _) in fixtures() {
        let is_printed = ["go/", "tap/"].iter().any(|runner| name.starts_with(runner));
        // Whoever calls the runner prints too, so words may follow what is printed.
        for more in [&b"\0"[..], b"{}", b"x", b"<testsuites/>"].iter().take(if is_printed { 1 } else { 4 }) {
            let parsed = parse_report(adapter_of(&name), &[&bytes[..], *more].concat(), &mut |_| {});
            assert!(matches!(parsed, ReportEvidence::Unusable { .. }), "{name} with {more:?} behind it is believed");
        }
    }
}

#[test]
fn no_single_wrong_byte_turns_a_failure_into_a_pass() {
    for name in [
        "mocha/booking-json.json",
        "vitest/booking.junit.xml",
        "nextest/flaky.junit.xml",
        "mocha/hook-json.json",
        "vitest/flaky.json",
        "vitest/load.json",
        "jest/flakyquiet.json",
        "jest/booking.json",
    ] {
        let bytes = std::fs::read(folder().join(name)).unwrap();
        for at in 0..bytes.len() {
            for wrong in [b' ', b'0', b'"', b'<', b'/', b'x', 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = wrong;
                let judged = judge_file(&bytes, adapter_of(name), 0);
                assert_eq!(judged.verdict.word(), Word::Fail, "{name} with {wrong:#x} at {at}");
            }
        }
    }
}

fn names_in(place: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder().join(place)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn dialect(name: &str) -> Vec<u8> {
    std::fs::read(folder().join("dialects").join(name)).unwrap()
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), exit in any::<i32>()) {
        for report in [JUNIT, MOCHA] {
            let judged = judge_file(&bytes, report, exit);
            prop_assert_eq!(judged.verdict.word(), Word::Fail);
        }
    }

    #[test]
    fn no_piece_of_a_report_in_a_wrong_place_makes_a_reader_panic(
        which in any::<prop::sample::Index>(), from in any::<prop::sample::Index>(),
        length in 0_usize..200, to in any::<prop::sample::Index>(),
    ) {
        let fixtures = fixtures();
        let (name, bytes, _) = &fixtures[which.index(fixtures.len())];
        let from = from.index(bytes.len());
        let piece = &bytes[from..bytes.len().min(from + length)];
        let to = to.index(bytes.len());
        let spliced = [&bytes[..to], piece, &bytes[to..]].concat();
        let judged = judge_file(&spliced, adapter_of(name), 0);
        prop_assert_eq!(judged.verdict.findings().is_empty(), judged.verdict.word() == Word::Pass);
    }
}

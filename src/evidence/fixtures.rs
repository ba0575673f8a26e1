//! Every report file of `tests/fixtures/reports`, read and judged: which findings it gives, in which order.
//!
//! A file's name says what happened in the run; each PASS stands in a list that says why it is one.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use self::table::{DIALECTS, FAILING, HIDDEN_BY_THE_REPORT, OF_NODE, PASSING};
use super::{Ended, Filter, ReportEvidence, SuiteEvidence, TestReport, parse_report};
use crate::judge::{Counts, Judged, Rules, Word, judge, judge_file};
use crate::policy::{Adapter, Flavor, Report};

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

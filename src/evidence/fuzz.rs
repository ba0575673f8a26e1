//! What must hold of every reader whatever bytes it is given, tried on mutations of the fixtures.
//!
//! `FUZZ_RUNS=1000000 cargo test --lib fuzz -- --ignored --nocapture` tries a million for each adapter; `FUZZ_ADAPTER` takes one of
//! them, `FUZZ_SEED` other mutations. What breaks an invariant is kept in `tests/fixtures/fuzz/<adapter>/`, and replayed by every
//! `cargo test`. Deliberately absent: a guide to code that was not reached yet, which needs another compiler.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::adapters::MAX_CASES;
use super::{Ended, Outcome, ReportEvidence, SuiteEvidence, TestReport, fixtures, parse_report};
use crate::judge::{Rules, Word, judge};
use crate::policy::Report;

/// As many as every `cargo test` tries.
const FEW: u64 = 500;

/// Reads and judges `bytes`, and panics where an invariant of readers or of the judge is broken. Gives the verdict at exit code 0.
pub fn check(report: Report, bytes: &[u8]) -> Word {
    let mut heard = 0;
    let evidence = parse_report(report, bytes, &mut |text| heard += text.len());
    // A byte that is no text becomes three.
    assert!(heard <= 3 * bytes.len() + 100, "{heard} bytes were heard of {}", bytes.len());
    if let ReportEvidence::Read(read) = &evidence {
        assert_eq!(parse_report(report, bytes, &mut |_| {}), evidence, "read again, the report is another one");
        check_report(read, bytes.len());
    }
    let good = judge(&SuiteEvidence::new(Ended::Exited(0), evidence.clone()), &Rules::default());
    let word = good.verdict.word();
    assert_eq!(word == Word::Pass, good.verdict.findings().is_empty());
    match &evidence {
        ReportEvidence::Read(read) => {
            let counts = good.counts;
            assert_eq!(counts.executed() + counts.skipped, read.cases.len() as u64, "a test counts once");
            assert!(word == Word::Fail || is_spotless(read), "a fact that forbids PASS was lost: {read:?}");
        }
        ReportEvidence::NotAsked | ReportEvidence::Unusable { .. } => assert_eq!(word, Word::Fail),
    }
    let bad = judge(&SuiteEvidence::new(Ended::Exited(1), evidence), &Rules::default());
    assert_eq!(bad.verdict.word(), Word::Fail, "no report makes up for an exit code");
    word
}

/// What is read of a report is bounded by its size, in number and in length.
fn check_report(report: &TestReport, size: usize) {
    let TestReport { cases, errors, focused, cached, files_as_tests, contradictions } = report;
    assert!(cases.len() <= MAX_CASES);
    let said = errors.len() + focused.len() + cached.len() + files_as_tests.len() + contradictions.len();
    assert!(cases.len() + said <= size + 20, "{size} bytes hold {} tests and {said} other facts", cases.len());
    let titles = cases.iter().map(|case| &case.title).chain(errors.iter().filter_map(|error| error.title.as_ref()));
    let details = cases.iter().filter_map(|case| case.detail.as_ref()).chain(errors.iter().map(|error| &error.detail));
    let files = cases.iter().filter_map(|case| case.file.as_ref());
    let lists = focused.iter().chain(cached).chain(files_as_tests).chain(contradictions);
    for text in titles.chain(details).chain(files).chain(lists) {
        assert!(text.len() < 5_000, "a text of {} bytes was kept", text.len());
    }
}

fn is_spotless(report: &TestReport) -> bool {
    let TestReport { cases, errors, focused, cached, files_as_tests, contradictions } = report;
    let is_fine = |outcome: Outcome| matches!(outcome, Outcome::Passed | Outcome::Skipped);
    cases.iter().all(|case| is_fine(case.outcome))
        && cases.iter().any(|case| case.outcome == Outcome::Passed)
        && [errors.len(), focused.len(), cached.len(), files_as_tests.len(), contradictions.len()] == [0; 5]
}

/// Words that mean something to some format, and bytes that break some encoding.
const WORDS: &[&[u8]] = &[
    b"passed",
    b"failed",
    b"skipped",
    b"flaky",
    b"expected",
    b"unexpected",
    b"timedOut",
    b"interrupted",
    b"pending",
    b"todo",
    b"other",
    b"focused",
    b"error",
    b"fail",
    b"pass",
    b"skip",
    b"run",
    b"true",
    b"false",
    b"null",
    b"0",
    b"1",
    b"2",
    b"-1",
    b"1e9",
    b"0.5",
    b"18446744073709551615",
    b"99999999999999999999",
    b"\"",
    b"\"\"",
    b"{}",
    b"[]",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"\\",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"<",
    b">",
    b"/>",
    b"</",
    b"&",
    b"&lt;",
    b"&#0;",
    b"]]>",
    b"<!--",
    b"-->",
    b"<failure/>",
    b"<skipped/>",
    b"<testsuite>",
    b"</testsuite>",
    b"<testcase name='a'/>",
    b"ok 1 - a",
    b"not ok 1 - a",
    b"ok ",
    b"not ",
    b"1..1",
    b"1..0",
    b"Bail out!",
    b"# SKIP",
    b"# Todo",
    b"    ",
    b"---",
    b"...",
    b"Action",
    b"Output",
    b"Test",
    b"Package",
    b"(cached)",
];

/// Numbers that look random and are the same every time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`; 0 where that is 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("it is below a usize")
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// One of the seeds, changed in one to four places.
fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + random.below(60)).min(bytes.len());
        match random.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = u8::try_from(random.below(256)).expect("it is below 256"),
            2 => drop(bytes.splice(at..at, random.of(WORDS).iter().copied())),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, piece));
            }
            5 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                let piece = &other[from..(from + random.below(300)).min(other.len())];
                drop(bytes.splice(at..end, piece.iter().copied()));
            }
            6 if random.below(10) == 0 => bytes.truncate(at),
            // What stands for one thing is made to stand for another: most of these are still well formed.
            _ => {
                let word = random.of(WORDS);
                if let Some(found) = bytes[at..].windows(word.len()).position(|window| window == word) {
                    let found = at + found;
                    drop(bytes.splice(found..found + word.len(), random.of(WORDS).iter().copied()));
                }
            }
        }
    }
    bytes
}

/// The seeds of each adapter that has a reader: its fixtures.
fn seeds() -> BTreeMap<&'static str, (Report, Vec<Vec<u8>>)> {
    let mut seeds: BTreeMap<&'static str, (Report, Vec<Vec<u8>>)> = BTreeMap::new();
    for (report, bytes) in fixtures::corpus() {
        seeds.entry(report.adapter.as_str()).or_insert_with(|| (report, Vec::new())).1.push(bytes);
    }
    seeds
}

fn findings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fuzz")
}

/// Tries `runs` mutations on each adapter, or on the one that is asked for; tells what it did.
#[expect(clippy::print_stdout, reason = "who asks for a million wants to know what became of them")]
fn try_mutations(runs: u64, seed: u64, only: Option<&str>) {
    for (name, (report, seeds)) in seeds() {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        let (begun, mut random, mut read, mut passed) = (Instant::now(), Random(seed), 0_u64, 0_u64);
        for run in 0..runs {
            let bytes = mutate(&seeds, &mut random);
            match catch_unwind(AssertUnwindSafe(|| check(report, &bytes))) {
                Ok(word) => passed += u64::from(word == Word::Pass),
                Err(panic) => {
                    let folder = findings().join(name);
                    std::fs::create_dir_all(&folder).unwrap();
                    std::fs::write(folder.join(format!("{seed}-{run}")), &bytes).unwrap();
                    std::panic::resume_unwind(panic);
                }
            }
            if run % 16 == 0 {
                read += u64::from(matches!(parse_report(report, &bytes, &mut |_| {}), ReportEvidence::Read(_)));
            }
        }
        let (seconds, read) = (begun.elapsed().as_secs(), read * 16);
        println!(
            "{name}: {runs} mutations of {} reports in {seconds} s, about {read} read, {passed} PASS",
            seeds.len()
        );
    }
}

#[test]
fn no_mutation_of_a_report_breaks_an_invariant() {
    try_mutations(FEW, 1, None);
}

#[test]
#[ignore = "takes minutes; says how many in FUZZ_RUNS"]
fn no_mutation_of_very_many_breaks_an_invariant() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |text| text.parse().expect("the variable holds a number"))
    };
    let only = std::env::var("FUZZ_ADAPTER").ok();
    try_mutations(number("FUZZ_RUNS", 1_000_000), number("FUZZ_SEED", 2), only.as_deref());
}

#[test]
fn what_once_broke_an_invariant_does_so_no_more() {
    for (name, (report, _)) in seeds() {
        let Ok(entries) = std::fs::read_dir(findings().join(name)) else { continue };
        for entry in entries {
            check(report, &std::fs::read(entry.unwrap().path()).unwrap());
        }
    }
}

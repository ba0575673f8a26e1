//! The search as a whole: the same whatever the pieces, and nothing is missed.

use std::path::Path;

use proptest::prelude::*;

use super::built_in::{COUNTED, FAILING};
use super::*;
use crate::policy::{AllowWarning, Warnings};

const LEAK: &str = "(node:7) MaxListenersExceededWarning: Possible EventEmitter memory leak detected. 11 x listeners";

fn lists(fail: &[&str], allow: &[(&str, &str)]) -> WarningLists {
    let allow =
        allow.iter().map(|(pattern, reason)| AllowWarning { pattern: (*pattern).into(), reason: (*reason).into() });
    WarningLists::of(&Warnings { fail: fail.iter().map(|pattern| (*pattern).into()).collect(), allow: allow.collect() })
}

/// What is noticed in an output, each as one line.
fn heard<'b>(lists: &WarningLists, pieces: impl IntoIterator<Item = &'b [u8]>) -> Vec<String> {
    let mut listener = lists.listen();
    pieces.into_iter().for_each(|piece| listener.output(piece));
    words(listener)
}

fn words(listener: Listener) -> Vec<String> {
    let noticed = listener.finish(Path::new("/var/work/a1/tree"));
    let words = noticed.into_iter().map(|noticed| match noticed {
        Noticed::Warning { place, line, .. } => format!("{place} {line}"),
        Noticed::Note(note) => format!("note {note}"),
        other => panic!("{other:?}"),
    });
    words.collect()
}

#[track_caller]
fn check(output: &[u8], expected: &[&str]) {
    assert_eq!(heard(&WarningLists::default(), [output]), expected);
    let by_bytes = output.chunks(1);
    assert_eq!(heard(&WarningLists::default(), by_bytes), expected);
    // A pattern of the policy's own takes another way.
    assert_eq!(heard(&lists(&["matches nothing"], &[]), [output]), expected);
}

#[test]
fn a_warning_is_found_whatever_stands_around_it() {
    let line = "log:3 (node) MaxListenersExceededWarning: leak";
    check(b"fine\n(node:7) MaxListenersExceededWarning: leak\nfine\n", &[line]);
    check(b"fine\r\n(node:7) MaxListenersExceededWarning: leak\r\nfine\r\n", &[line]);
    check(b"fine\n(node:7) MaxListenersExceededWarning: leak", &[line]);
    check(b"fine\n 10%\r 20%\r(node:7) MaxListenersExceededWarning: leak\r 30%\n", &[line]);
    check(b"fine\n(node:7) \x1b[33mMaxListeners\x1b[1mExceeded\x1b[0mWarning: leak\x1b[0m\n", &[line]);
    check(b"\0\0\n\0MaxListenersExceededWarning\0\n", &["log:3 \0MaxListenersExceededWarning\0"]);
    check(
        b"\xff\xfe\n(node:7) MaxListenersExceededWarning: \xff\n",
        &["log:3 (node) MaxListenersExceededWarning: \u{fffd}"],
    );
    check(
        b"fine\n\x1b]0;(node:7) MaxListenersExceededWarning: leak\n",
        &["log:3 ]0;(node) MaxListenersExceededWarning: leak"],
    );
    check(b"", &[]);
    check(b"\n\r\n\r", &[]);
}

#[test]
fn what_a_title_of_the_terminal_hides_is_found_too() {
    let hidden = heard(&WarningLists::default(), [&b"\x1b]0;MaxListenersExceededWarning\x07fine\n"[..]]);
    assert_eq!(hidden, ["log:2 \u{1b}]0;MaxListenersExceededWarning\u{7}fine"]);
}

#[test]
fn a_phrase_is_found_at_every_place_of_a_line_without_an_end() {
    let phrase = b"Unhandled Rejection at: pay";
    for place in (0..200_000).step_by(10_007).chain((65_500..65_600).step_by(7)).chain((49_100..49_200).step_by(7)) {
        let mut line = vec![b'x'; 200_000];
        line.splice(place..place, phrase.iter().copied());
        let found = heard(&WarningLists::default(), line.chunks(40_000));
        assert_eq!(found.len(), 1, "at {place}: {found:?}");
        assert!(found[0].starts_with("log:2 ") && found[0].contains("Unhandled Rejection"), "{found:?}");
    }
}

#[test]
fn a_line_without_an_end_counts_once_and_the_lines_behind_it_go_on() {
    let mut output = [b"Segmentation fault".as_slice(), &b"x".repeat(100)].concat().repeat(5_000);
    output.extend_from_slice(b"\nSegmentation fault\n");
    let found = heard(&WarningLists::default(), [&output[..]]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1], "log:3 Segmentation fault");
}

#[test]
fn of_many_lines_the_first_are_kept_and_the_others_counted() {
    let output: String = (0..1000).map(|number| format!("panic: {number}\n")).collect();
    let found = heard(&WarningLists::default(), [output.as_bytes()]);
    assert_eq!((found.len(), &*found[0], &*found[19]), (21, "log:2 panic: 0", "log:21 panic: 19"));
    assert_eq!(found[20], "log and 980 more lines of the same kind: panic");
}

#[test]
fn the_policy_s_own_patterns_are_held_against_one_line_each() {
    let own = lists(&["^slow query", r"took \d+ s$", r"a[^b]*c", "\\Aonly"], &[]);
    let output = "slow query: 3\nnot a slow query\nit took 12 s\r\nit took 12 s or so\na\nc\nonly\nnot only\n";
    assert_eq!(heard(&own, [output.as_bytes()]), ["log:2 slow query: 3", "log:4 it took 12 s", "log:8 only"]);
}

#[test]
fn an_allowed_warning_is_a_note_with_its_reason_and_only_what_matches_is_allowed() {
    let allow =
        lists(&["slow"], &[("MaxListenersExceededWarning.*Socket", "twelve on purpose"), ("slow start", "cold cache")]);
    let output =
        "MaxListenersExceededWarning: [Socket]\nMaxListenersExceededWarning: [Bus]\nslow start\nslow\nslow start\n";
    let expected = [
        "log:3 MaxListenersExceededWarning: [Bus]",
        "log:5 slow",
        "note allowed warning (twelve on purpose): MaxListenersExceededWarning: [Socket] (log:2)",
        "note allowed warning (cold cache), 2 times, the first: slow start (log:4)",
    ];
    assert_eq!(heard(&allow, [output.as_bytes()]), expected);
}

#[test]
fn what_only_counts_is_a_note_for_each_kind() {
    let output = "npm warn deprecated a\n(node:7) ExperimentalWarning: x\nnpm warn deprecated b\n";
    let expected = [
        "note experimental warning: (node) ExperimentalWarning: x (log:3)",
        "note warning of a package manager, 2 times, the first: npm warn deprecated a (log:2)",
    ];
    assert_eq!(heard(&WarningLists::default(), [output.as_bytes()]), expected);
}

#[test]
fn one_line_in_log_report_and_warnings_file_is_told_once_without_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("warnings");
    std::fs::write(&file, format!("{}\nSegmentation fault\n", LEAK.replace(":7", ":8"))).unwrap();
    let mut listener = WarningLists::default().listen();
    listener.output(LEAK.as_bytes());
    listener.read_warnings(&file);
    listener.report(LEAK);
    listener.report("fine\npanic: at /var/work/a1/tree/pay.go");
    listener.report("not the panic: of before");
    let line = LEAK.replace("node:7", "node");
    let log = format!("log:2 {line}");
    assert_eq!(words(listener), [&*log, "warnings file Segmentation fault", "report panic: at pay.go"]);
}

#[test]
fn a_line_that_a_runner_prints_with_something_before_it_is_told_once_and_allowed_by_one_pattern() {
    let line = |why: &str| format!("Error: Test \"pays\" generated asynchronous activity after the test ended. {why}");
    let lines = [line("Unhandled Rejection"), line(&"x".repeat(400))];
    let listen = |lists: &WarningLists| {
        let mut listener = lists.listen();
        lines.iter().for_each(|line| listener.output(format!("ℹ {line}\n").as_bytes()));
        lines.iter().for_each(|line| listener.report(line));
        listener.report("Error: Segmentation fault");
        listener.finish(Path::new(""))
    };
    let noticed = listen(&WarningLists::default());
    let of = |noticed: &Noticed| match noticed {
        Noticed::Warning { place, like, .. } => (place.clone(), like.clone().expect("it is a line")),
        other => panic!("{other:?}"),
    };
    let places: Vec<(String, String)> = noticed.iter().map(of).collect();
    let expected: Vec<String> = lines.iter().map(|line| format!("\u{fffc}{line}\u{fffc}")).collect();
    assert_eq!(places.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), ["log:2", "log:3", "report"]);
    assert_eq!(places[..2].iter().map(|(_, like)| like).collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
}

#[test]
fn what_is_allowed_in_one_place_is_not_so_in_another() {
    let mut listener = lists(&[], &[("^ℹ", "known")]).listen();
    listener.output("ℹ Segmentation fault\n".as_bytes());
    listener.report("Segmentation fault");
    assert_eq!(
        words(listener),
        ["note allowed warning (known): ℹ Segmentation fault (log:2)", "report Segmentation fault"]
    );
}

#[test]
fn a_note_on_the_log_and_the_warnings_file_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("warnings");
    std::fs::write(&file, "(node:8) DeprecationWarning: old\n").unwrap();
    let mut listener = WarningLists::default().listen();
    listener.output(b"(node:7) DeprecationWarning: old\n");
    listener.read_warnings(&file);
    assert_eq!(words(listener), ["note deprecation warning: (node) DeprecationWarning: old (log:2)"]);
}

#[test]
fn where_standard_output_is_the_report_a_test_s_line_is_told_as_it_was_printed() {
    let mut listener = WarningLists::default().listen();
    listener.output(b"{\"Action\":\"output\",\"Output\":\"testing: warning: no tests to run\\n\"}\n");
    listener.report("testing: warning: no tests to run\n");
    assert_eq!(words(listener), ["report testing: warning: no tests to run"]);
}

#[test]
fn a_warnings_file_that_cannot_be_read_is_a_warning_and_one_that_is_not_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("elsewhere", path("link")).unwrap();
    std::fs::create_dir(path("folder")).unwrap();
    for (name, found) in [("link", "it is a symbolic link"), ("folder", "it is no regular file")] {
        let mut listener = WarningLists::default().listen();
        listener.read_warnings(&path(name));
        assert_eq!(words(listener), [format!("warnings file the file of node's warnings cannot be read: {found}")]);
    }
    let mut listener = WarningLists::default().listen();
    listener.read_warnings(&path("absent"));
    assert!(words(listener).is_empty());
}

#[test]
fn a_long_line_is_shown_from_what_was_found() {
    let output = format!("secret={} panicked: Segmentation fault {}", "x".repeat(5_000), "y".repeat(5_000));
    let found = heard(&WarningLists::default(), [output.as_bytes()]);
    assert!(found[0].starts_with("log:2 …Segmentation fault y") && found[0].len() < 400, "{found:?}");
}

/// Lines of programs, noise, and bytes that are neither.
fn outputs() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<&str> = FAILING
        .iter()
        .flat_map(|entry| entry.seen)
        .chain(COUNTED.iter().flat_map(|entry| entry.seen))
        .copied()
        .collect();
    let seen = prop::sample::select(lines).prop_map(|line| line.as_bytes().to_vec());
    let noise = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\x1b[31m".to_vec()),
        Just(b"panic: ".to_vec()),
        Just(b"own thing".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
        (0..40_000_usize).prop_map(|length| vec![b' '; length]),
    ];
    prop::collection::vec(prop_oneof![seen, noise], 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_found_does_not_depend_on_how_the_output_was_cut(output in outputs(), size in 1..50_000_usize) {
        let lists = lists(&["own"], &[]);
        prop_assert_eq!(heard(&lists, [&output[..]]), heard(&lists, output.chunks(size)));
        let lists = WarningLists::default();
        prop_assert_eq!(heard(&lists, [&output[..]]), heard(&lists, output.chunks(size)));
    }

    #[test]
    fn searching_many_lines_at_once_finds_what_each_line_shows(output in outputs()) {
        let at_once = heard(&WarningLists::default(), [&output[..]]);
        prop_assert_eq!(at_once, heard(&lists(&["matches nothing at all"], &[]), [&output[..]]));
    }

    #[test]
    fn a_line_that_fails_is_found_in_any_noise(
        before in outputs(), after in outputs(), which in 0..FAILING.len(), ends in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        let phrase = FAILING[which].seen[0];
        let output = [&before, ends.as_bytes(), phrase.as_bytes(), ends.as_bytes(), &after].concat();
        let found = heard(&WarningLists::default(), [&output[..]]);
        prop_assert!(found.iter().any(|line| line.starts_with("log")), "{:?}", found);
    }
}

use super::*;

fn read(text: &str) -> TestReport {
    parse(text.as_bytes(), &mut |_| {}).unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
}

fn refusal(text: &str) -> String {
    parse(text.as_bytes(), &mut |_| {}).err().map(|Malformed(detail)| detail).expect("it is refused")
}

/// The only test of a report.
fn case(line: &str) -> TestCase {
    read(&format!("{line}\n1..1\n")).cases.remove(0)
}

#[test]
fn the_report_is_what_is_printed_unless_the_command_is_told_where_to_write_it() {
    let from = |words: &str| recipe(&[words.to_owned()], Path::new("/run/report")).from;
    assert_eq!(from("bats"), ReportFrom::Stdout);
    assert_eq!(from("--output={report}"), ReportFrom::File);
}

#[test]
fn not_ok_is_a_failure_whatever_stands_behind_it() {
    for (line, outcome) in [
        ("ok 1 - a", Outcome::Passed),
        ("ok", Outcome::Passed),
        ("not ok 1 - a", Outcome::Failed),
        ("not ok 1 - a # todo later", Outcome::Failed),
        ("not ok 1 - a # SKIP", Outcome::Failed),
        ("ok 1 - a # skip no bank", Outcome::Skipped),
        ("ok 1 - a # Skipped: no bank", Outcome::Skipped),
        ("ok 1 - a # todo", Outcome::Skipped),
        ("ok 1 - a # Todo: later", Outcome::Skipped),
        ("ok 1 - a # todolist", Outcome::Passed),
        ("ok 1 - a # time=2ms", Outcome::Passed),
        ("ok 1 - a \\# SKIP", Outcome::Passed),
        ("ok 1 - a#SKIP", Outcome::Passed),
    ] {
        assert_eq!(case(line).outcome, outcome, "{line}");
    }
    assert!(refusal("okay 1\n1..1\n").contains("0 are there"));
}

#[test]
fn a_runner_that_counts_more_failures_than_it_shows_is_believed() {
    for (text, contradictions) in [
        ("1..2\nok 1 a\nok 2 b\n# tests 2\n# pass 1\n# fail 1\n", 1),
        ("ok 1 a\n# pass 0\n# fail 0\n# cancelled 1\n1..1\n", 1),
        ("not ok 1 a\n# fail 1\n1..1\n", 0),
        ("# fail 3\nok 1 a\n# fail 0\n1..1\n", 0),
        ("ok 1 a\n# fail 3 times\n1..1\n", 0),
    ] {
        assert_eq!(read(text).contradictions.len(), contradictions, "{text}");
    }
}

#[test]
fn a_failure_counts_wherever_it_stands() {
    for indent in ["  ", "   ", "      "] {
        let report = read(&format!("ok 1 - x\n{indent}not ok 1 - y\n1..1\n"));
        assert_eq!(report.contradictions.len(), 1, "{indent:?}");
    }
    assert!(read("ok 1 - x\n  ok 1 - y\n1..1\n").contradictions.is_empty());
}

#[test]
fn titles_are_read_without_numbers_dashes_and_escapes() {
    for (line, title) in [
        ("ok 1 - charges", "charges"),
        ("ok 1 charges", "charges"),
        ("ok - charges", "charges"),
        ("ok 1", "test 1"),
        ("ok", "a test without a name"),
        ("ok 1 - gives back \\# 7 \\\\ 8 # time=1ms", "gives back # 7 \\ 8"),
        ("ok 1 - opens {", "opens {"),
        ("ok 1st charge", "1st charge"),
    ] {
        assert_eq!(case(line).title, title, "{line}");
    }
}

#[test]
fn what_a_report_says_of_a_failure_is_kept() {
    let detail = |text: &str| read(&format!("not ok 1 - a\n{text}1..1\n")).cases.remove(0).detail;
    assert_eq!(detail("  ---\n  message: 'charged twice'\n  ...\n").as_deref(), Some("charged twice"));
    assert_eq!(detail("  ---\n  error: |-\n    charged twice\n  ...\n").as_deref(), Some("charged twice"));
    assert_eq!(detail("  charged twice\n").as_deref(), Some("charged twice"));
    assert_eq!(detail("# charged twice\n").as_deref(), Some("charged twice"));
    assert_eq!(detail(""), None);
}

#[test]
fn a_plan_may_stand_at_either_end_and_has_to_be_kept() {
    assert_eq!(read("1..2\nok 1\nok 2\n").cases.len(), 2);
    assert_eq!(read("ok 1\nok 2\n1..2\n").cases.len(), 2);
    assert!(refusal("1..3\nok 1\nok 2\n").contains("3 tests, 2 are there"));
    assert!(refusal("ok 1\nok 2\n").contains("no plan"));
    assert!(refusal("1..1\nok 1\n1..1\n").contains("second plan"));
    assert!(refusal("words\n").contains("no plan"));
    assert_eq!(read("1..1\nok 1\nok 2\n").contradictions, ["the plan says 1 tests, 2 are there"]);
    assert!(read("1..0 # SKIP no bank\n").cases.is_empty());
}

#[test]
fn numbers_out_of_order_are_contradictions() {
    for text in
        ["1..2\nok 2\nok 1\n", "1..2\nok 1\nok 1\n", "1..2\nok 1\nok 3\n", "1..2\nok 1\nok 99999999999999999999\n"]
    {
        assert!(!read(text).contradictions.is_empty(), "{text}");
    }
}

#[test]
fn who_bails_out_failed() {
    let report = read("1..3\nok 1\nBail out!  the database is gone\n");
    assert_eq!(report.errors[0].detail, "Bail out! the database is gone");
    assert_eq!(read("1..1\n    1..2\n    bail out!\n").errors[0].detail, "Bail out!");
}

#[test]
fn a_group_is_no_test_unless_it_failed_by_itself() {
    let group = |inner: &str, outer: &str| read(&format!("# Subtest: pay\n{inner}    1..1\n{outer} 1 - pay\n1..1\n"));
    let titles =
        |report: TestReport| -> Vec<_> { report.cases.into_iter().map(|case| (case.title, case.outcome)).collect() };
    assert_eq!(titles(group("    ok 1 - charges\n", "ok")), [("pay charges".to_owned(), Outcome::Passed)]);
    assert_eq!(titles(group("    not ok 1 - charges\n", "not ok")), [("pay charges".to_owned(), Outcome::Failed)]);
    assert_eq!(
        titles(group("    ok 1 - charges\n", "not ok")),
        [("pay charges".to_owned(), Outcome::Passed), ("pay".to_owned(), Outcome::Failed)]
    );
    assert_eq!(titles(group("    not ok 1 - charges\n", "ok")), [("pay charges".to_owned(), Outcome::Failed)]);
}

#[test]
fn groups_in_braces_are_read_too() {
    let text = "1..3\nok 1 - pay # time=1ms {\n    1..2\n    ok 1 - charges\n    not ok 2 - refunds\n}\nok 2 - alone {\nok 3\n";
    let titles: Vec<_> = read(text).cases.into_iter().map(|case| case.title).collect();
    assert_eq!(titles, ["pay charges", "pay refunds", "alone {", "test 3"]);
    for cut in ["ok 1 - pay {\n", "ok 1 - pay {\n    1..1\n    ok 1 - charges\n"] {
        assert!(refusal(&format!("1..1\n{cut}")).contains("within a group"), "{cut}");
    }
}

#[test]
fn a_group_that_does_not_add_up_is_refused() {
    assert!(refusal("    ok 1 - a\nok 1 - b\n1..1\n").contains("no plan"));
    assert!(refusal("    1..2\n    ok 1 - a\nok 1 - b\n1..1\n").contains("2 tests, 1 are there"));
    assert!(refusal("    1..1\n    ok 1 - a\n1..0\n").contains("without its own line"));
    assert!(refusal("        ok 1 - a\nok 1 - b\n1..1\n").contains("deeper"));
    assert!(refusal("1..1\n    1..1\n    ok 1 - a\n").contains("within a group"));
    let deep: String = (0..100).map(|depth| format!("{}1..1\n", " ".repeat(4 * depth))).collect();
    assert!(refusal(&deep).contains("deeper"));
}

#[test]
fn printed_details_do_not_swallow_the_tests_behind_them() {
    assert!(refusal("ok 1 - a\n  ---\nnot ok 2 - b\n  ...\n1..2\n").contains("do not end"));
    assert!(refusal("1..1\nnot ok 1 - a\n  ---\n  message: x\n").contains("within the details"));
    let printed = read("---\nok 1 - a\nnot ok 2 - b\n...\n1..2\n");
    assert_eq!(printed.cases[1].outcome, Outcome::Failed);
}

#[test]
fn words_that_look_like_tap_count() {
    let report = read("not ok 7 printed by a test\nok 1 - a\n1..1\n");
    assert_eq!((report.cases[0].outcome, report.contradictions.len()), (Outcome::Failed, 3));
}

#[test]
fn versions_are_known_or_refused() {
    assert_eq!(read("TAP version 14\npragma +strict\n1..1\nok 1\n").cases.len(), 1);
    assert!(refusal("TAP version 15\n1..1\nok 1\n").contains("not known"));
    assert!(refusal("1..1\nok 1\n\0\n").contains("value 0"));
    assert!(refusal("1..1\nok 1 - a").contains("does not end"));
    assert_eq!(read("1..1\r\nok 1 - a\r\n").cases[0].title, "a");
}

#[test]
fn what_tests_print_is_heard() {
    let mut heard = Vec::new();
    parse(b"1..1\n# a comment\nplain words\nok 1\n", &mut |line| heard.push(line.to_owned())).unwrap();
    assert_eq!(heard, ["a comment", "plain words"]);
}

use super::*;

fn line(action: &str, test: &str) -> String {
    match test {
        "" => format!("{{\"Action\":\"{action}\",\"Package\":\"shop/pay\"}}\n"),
        test => format!("{{\"Action\":\"{action}\",\"Package\":\"shop/pay\",\"Test\":\"{test}\"}}\n"),
    }
}

fn said(test: &str, text: &str) -> String {
    serde_json::json!({ "Action": "output", "Package": "shop/pay", "Test": test, "Output": text }).to_string() + "\n"
}

/// A package that comes to its end after these events.
fn package(events: &str, ending: &str) -> String {
    let word = if ending == "fail" { "FAIL\n" } else { "PASS\n" };
    [events, &said("", word), &said("", "ok  \tshop/pay\t0.1s\n"), &line(ending, "")].concat()
}

fn read(text: &str) -> TestReport {
    parse(text.as_bytes(), &mut |_| {}).unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
}

fn refusal(text: &str) -> String {
    parse(text.as_bytes(), &mut |_| {}).err().map(|Malformed(detail)| detail).expect("it is refused")
}

fn outcomes(report: &TestReport) -> Vec<(&str, Outcome)> {
    report.cases.iter().map(|case| (case.title.strip_prefix("shop/pay ").unwrap(), case.outcome)).collect()
}

fn argv(words: &str) -> Vec<String> {
    words.split(' ').map(str::to_owned).collect()
}

#[test]
fn what_go_printed_of_a_test_s_end_counts() {
    let report = |printed: &str| {
        let test = [line("run", "T"), said("T", printed), line("pass", "T")].concat();
        read(&package(&test, "pass"))
    };
    assert_eq!(report("--- FAIL: T (0.00s)\n").contradictions.len(), 1);
    assert_eq!(report("    --- SKIP: T (0.00s)\n").contradictions.len(), 1);
    for fine in ["--- PASS: T (0.00s)\n", "--- FAIL: Tea (0.00s)\n", "--- FAIL: T\n", "--- a/file\n"] {
        assert!(report(fine).contradictions.is_empty(), "{fine}");
    }
}

#[test]
fn json_is_asked_for_where_the_command_is_go_test_itself() {
    let args = |words: &str| recipe(&argv(words), Path::new("/run/report")).args;
    assert_eq!(args("go test ./..."), ["-json"]);
    let with_args = argv("go test ./p -args -json");
    let complete = recipe(&with_args, Path::new("/run/report")).complete(&with_args);
    assert_eq!(complete, argv("go test ./p -json -args -json"));
    assert_eq!(args("/usr/bin/go test ./..."), ["-json"]);
    for words in ["go test -json ./...", "go test --json=true ./...", "make test", "go vet ./..."] {
        assert!(args(words).is_empty(), "{words}");
    }
}

#[test]
fn the_report_is_what_go_prints_unless_the_command_names_a_file() {
    let recipe = |words: &str| recipe(&argv(words), Path::new("/run/report"));
    assert_eq!(recipe("make test").from, ReportFrom::Stdout);
    assert_eq!(recipe("make test").variables, [("GOFLAGS".to_owned(), "-count=1".to_owned())]);
    assert_eq!(recipe("gotestsum --jsonfile={report}").from, ReportFrom::File);
}

#[test]
fn a_test_that_ends_without_having_begun_is_a_contradiction_unless_it_failed() {
    assert_eq!(read(&package(&line("pass", "TestA"), "pass")).contradictions.len(), 1);
    assert_eq!(read(&package(&line("skip", "TestA"), "pass")).contradictions.len(), 1);
    assert_eq!(outcomes(&read(&package(&line("fail", "TestA"), "pass"))), [("TestA", Outcome::Failed)]);
}

#[test]
fn a_test_that_begins_and_does_not_end_failed() {
    let report = read(&package(&line("run", "TestA"), "pass"));
    assert_eq!(outcomes(&report), [("TestA", Outcome::Failed)]);
    let panics = [line("run", "TestA"), said("TestA", "panic: no bank\n"), line("fail", "")].concat();
    assert_eq!(read(&panics).cases[0].detail.as_deref(), Some("panic: no bank"));
    assert!(read(&panics).errors.is_empty(), "the test says it all");
}

#[test]
fn a_program_that_ends_itself_with_0_passed_nothing() {
    let in_a_test = [line("run", "TestA"), said("TestA", "ok  \tshop/pay\t0.1s\n"), line("pass", "TestA")].concat();
    assert_eq!(outcomes(&read(&in_a_test)), [("TestA", Outcome::Failed)]);
    let before_the_tests = [said("", "ok  \tshop/pay\t0.1s\n"), line("pass", "")].concat();
    assert_eq!(read(&before_the_tests).errors.len(), 1);
}

#[test]
fn a_package_that_fails_beside_its_tests_is_an_error() {
    let report = read(&[said("", "panic: DATABASE_URL is not set\n"), line("fail", "")].concat());
    assert_eq!(report.errors[0].detail, "panic: DATABASE_URL is not set");
    assert_eq!(report.errors[0].title.as_deref(), Some("shop/pay"));
}

#[test]
fn a_failed_build_is_an_error_once() {
    let old = format!("FAIL\tshop/broken [build failed]\n{}", package("", "pass"));
    assert_eq!(read(&old).errors.len(), 1);
    let new = "{\"ImportPath\":\"shop/pay\",\"Action\":\"build-output\",\"Output\":\"# shop/pay\\n\"}\n\
               {\"ImportPath\":\"shop/pay\",\"Action\":\"build-output\",\"Output\":\"a.go:3:1: undefined: x\\n\"}\n\
               {\"ImportPath\":\"shop/pay\",\"Action\":\"build-fail\"}\n\
               {\"Action\":\"start\",\"Package\":\"shop/pay\"}\n\
               {\"Action\":\"output\",\"Package\":\"shop/pay\",\"Output\":\"FAIL\\tshop/pay [build failed]\\n\"}\n\
               {\"Action\":\"fail\",\"Package\":\"shop/pay\",\"FailedBuild\":\"shop/pay\"}\n";
    let report = read(new);
    assert_eq!(report.errors.len(), 1);
    assert_eq!(report.errors[0].detail, "did not build: a.go:3:1: undefined: x");
}

#[test]
fn a_test_that_holds_a_failed_one_says_so() {
    let events = ["TestA", "TestA/b"].map(|test| line("run", test)).concat()
        + &said("TestA/b", "    a_test.go:8: charged twice\n")
        + &["TestA/b", "TestA"].map(|test| line("fail", test)).concat();
    let report = read(&package(&events, "fail"));
    assert_eq!(report.cases[0].detail.as_deref(), Some("a_test.go:8: charged twice"));
    assert_eq!(report.cases[1].detail.as_deref(), Some("a test in it failed"));
    assert!(report.errors.is_empty());
}

#[test]
fn benchmarks_are_no_tests_unless_they_fail() {
    let begun = line("run", "BenchmarkA");
    assert!(read(&package(&begun, "pass")).cases.is_empty(), "they have no end of their own");
    assert!(read(&package(&(begun.clone() + &line("pass", "BenchmarkA")), "pass")).cases.is_empty());
    assert_eq!(read(&package(&(begun + &line("fail", "BenchmarkA")), "fail")).cases.len(), 1);
}

#[test]
fn cached_results_are_named() {
    let report = read(&[said("", "PASS\n"), said("", "ok  \tshop/pay\t(cached)\n"), line("pass", "")].concat());
    assert_eq!(report.cached, ["shop/pay"]);
}

#[test]
fn other_lines_may_stand_around_the_events_and_not_between_them() {
    let whole = package(&(line("run", "TestA") + &line("pass", "TestA")), "pass");
    assert!(parse(format!("> go test -json\n\n{whole}make: done\n").as_bytes(), &mut |_| {}).is_ok());
    assert!(refusal(&format!("{whole}make: again\n{whole}")).contains("between the events"));
    assert!(refusal("ok  \tshop/pay\t0.1s\n").contains("-json"));
}

#[test]
fn an_action_that_nobody_knows_is_refused_and_so_is_what_has_no_package() {
    assert!(refusal(&package(&line("wobble", "TestA"), "pass")).contains("wobble"));
    assert!(refusal("{\"Action\":\"pass\"}\n").contains("without a package"));
    assert!(refusal("{\"Package\":\"shop/pay\"}\n").contains("Action"));
    assert!(refusal("{\"Action\":\"pass\",\"Package\":\"a\",\"Action\":\"fail\"}\n").contains("duplicate"));
}

#[test]
fn what_is_cut_short_is_refused() {
    let whole = package(&(line("run", "TestA") + &line("pass", "TestA")), "pass");
    for end in 0..whole.len() - 1 {
        assert!(parse(&whole.as_bytes()[..end], &mut |_| {}).is_err(), "cut at {end}");
    }
}

#[test]
fn a_package_may_be_run_again() {
    let passes = package(&(line("run", "TestA") + &line("pass", "TestA")), "pass");
    let fails = package(&(line("run", "TestA") + &line("fail", "TestA")), "fail");
    assert_eq!(outcomes(&read(&(passes + &fails))), [("TestA", Outcome::Passed), ("TestA", Outcome::Failed)]);
}

#[test]
fn what_tests_print_is_heard_and_what_go_writes_around_it_is_not() {
    let mut heard = Vec::new();
    let events = line("run", "TestA")
        + &said("TestA", "=== RUN   TestA\n")
        + &said("TestA", "WARNING: old\n")
        + &said("TestA", "--- PASS: TestA (0.00s)\n")
        + &line("pass", "TestA");
    parse(package(&events, "pass").as_bytes(), &mut |line| heard.push(line.to_owned())).unwrap();
    assert_eq!(heard, ["WARNING: old\n", "PASS\n", "ok  \tshop/pay\t0.1s\n"]);
}

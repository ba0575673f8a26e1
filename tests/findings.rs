//! Evidence that looks green and is none, by a real push: tests beside the filter, skipped, focused, cached, never run, not started at all.

use crate::support::{Fingerprint, Ran, SCRIPT_POLICY, Sandbox};

/// A mocha report: each test passed, but one whose title begins with `skip`, which is pending.
fn report(titles: &[&str]) -> String {
    let entry = |title: &&str| {
        format!(
            r#"{{"title":"{title}","fullTitle":"{title}","file":"test/pay.js","duration":1,"currentRetry":0,"err":{{}}}}"#
        )
    };
    let list = |titles: &[&str]| titles.iter().map(entry).collect::<Vec<_>>().join(",");
    let (pending, passes): (Vec<&str>, Vec<&str>) = titles.iter().partition(|title| title.starts_with("skip"));
    format!(
        r#"{{"stats":{{"tests":{},"passes":{},"pending":{},"failures":0}},"tests":[{}],"pending":[{}],"failures":[],"passes":[{}]}}"#,
        titles.len(),
        passes.len(),
        pending.len(),
        list(titles),
        list(&pending),
        list(&passes)
    )
}

/// A shop that was never pushed, with one suite of mocha: its command, more lines of its policy, its script, and the report that it copies.
fn shop(run: &str, more: &str, script: &str, titles: &[&str]) -> Sandbox {
    shop_with("mocha-json", run, more, script, titles)
}

fn shop_with(adapter: &str, run: &str, more: &str, script: &str, titles: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let policy = SCRIPT_POLICY
        .replace(r#"["sh", "suite.sh"]"#, run)
        .replace(r#""exit-code""#, &format!("\"{adapter}\""))
        .replace("flaky = \"unobservable\"", more);
    sandbox.with_policy(&policy);
    sandbox.write("report.json", report(titles));
    sandbox.write_executable(sandbox.shop().join("suite.sh"), format!("#!/bin/sh\n{script}\n"));
    sandbox.commit("Test otherwise");
    sandbox.install();
    sandbox
}

const SH: &str = r#"["sh", "suite.sh"]"#;
const COPY: &str = "cp report.json \"$PROOF_REPORT\"";

/// Pushes: the push must be refused with these words, and the remote must stay empty.
#[track_caller]
fn refused(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let before = Fingerprint::of(sandbox);
    let mut ran = sandbox.push(&["origin", "main"]).ends_with(1);
    for words in words {
        ran = ran.says(words);
    }
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    assert_eq!(Fingerprint::of(sandbox), before);
    ran
}

/// Pushes: the push must go, and the record must say these words.
#[track_caller]
fn allowed(sandbox: &Sandbox, words: &[&str]) {
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert!(sandbox.remote_ref("refs/heads/main").is_some());
    let mut shown = sandbox.proof_gate(&["show"]).ends_with(0);
    for words in words {
        shown = shown.says(words);
    }
}

const GREP: &str = r#"["sh", "suite.sh", "--grep", "payment"]"#;

#[test]
fn a_push_is_refused_where_a_test_ran_that_the_filter_does_not_match() {
    let sandbox = shop(GREP, "", COPY, &["payment charges", "booking books"]);
    let ran = refused(&sandbox, &["FILTER_NOT_APPLIED", "booking books", "does not match --grep 'payment'"]);
    assert!(!ran.stderr.contains("payment charges"), "{}", ran.stderr);
    allowed(&shop(GREP, "", COPY, &["payment charges", "a payment"]), &[]);
}

#[test]
fn a_filter_that_npm_keeps_to_itself_is_told_with_the_command_that_works() {
    let sandbox = shop(r#"["npm", "run", "test", "--grep", "payment"]"#, "", COPY, &["booking books"]);
    sandbox.write("package.json", r#"{"name":"shop","scripts":{"test":"sh suite.sh"}}"#);
    sandbox.commit("Test by npm");
    // A stand-in: this machine's npm need not be there.
    let npm = sandbox.root().join("bin/npm");
    std::fs::create_dir_all(npm.parent().unwrap()).unwrap();
    sandbox.write_executable(&npm, "#!/bin/sh\nexec sh suite.sh\n");
    let ran = sandbox.sh("PATH=\"$PWD/../bin:$PATH\" git push origin main").ends_with(1);
    ran.says("FILTER_NOT_APPLIED").says("npm run test -- --grep payment");
}

#[test]
fn what_the_filter_leaves_out_is_neither_a_finding_nor_counted() {
    let sandbox = shop(GREP, "", COPY, &["payment charges", "skipped booking"]);
    let ran = sandbox.push(&["origin", "main"]).ends_with(0);
    assert!(!ran.stderr.contains("skipped"), "{}", ran.stderr);
}

#[test]
fn a_filter_that_nobody_can_read_makes_no_proof_and_is_named() {
    let sandbox = shop(r#"["sh", "suite.sh", "--grep", "(payment"]"#, "", COPY, &["payment charges"]);
    let ran = sandbox.push(&["origin", "main"]);
    assert_ne!(ran.code, 0);
    ran.says("no proof").says("the filter --grep '(payment' cannot be read");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    sandbox.proof_gate(&["config", "check"]).ends_with(2).says("--grep '(payment'");
}

#[test]
fn skipped_tests_are_refused_and_pass_with_a_reason() {
    let titles = ["charges", "skips a refund", "skips a (second) one"];
    let sandbox = shop(SH, "", COPY, &titles);
    refused(&sandbox, &["SKIPPED_TESTS", "skips a refund", "test/pay.js"]);
    let reason = "allow_skipped = [{ test = '^skips', reason = 'the bank is closed' }]";
    allowed(&shop(SH, reason, COPY, &titles), &["2 skipped as allowed: the bank is closed"]);
    let other = "allow_skipped = [{ test = 'refund', reason = 'the bank is closed' }]";
    refused(&shop(SH, other, COPY, &titles), &["SKIPPED_TESTS", "second"]);
}

#[test]
fn many_skipped_tests_are_named_in_part_and_counted() {
    let titles: Vec<String> = (0..50).map(|n| format!("skip {n}")).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).chain(["charges"]).collect();
    let sandbox = shop(SH, "", COPY, &titles);
    refused(&sandbox, &["SKIPPED_TESTS"]);
    sandbox.proof_gate(&["show"]).ends_with(0).says("and 30 more tests");
}

#[test]
fn what_a_draft_prints_can_be_pasted_and_then_passes() {
    let titles = ["charges", "pays", "skips a (second) refund"];
    let sandbox = shop(SH, "", COPY, &titles);
    let ran = sandbox.proof_gate(&["run", "--draft"]).ends_with(1);
    let lines = ran.stderr.lines().skip_while(|line| !line.contains("put into .proofrc.toml"));
    let pasted: Vec<&str> = lines.filter(|line| line.starts_with("    ")).map(str::trim).collect();
    assert_eq!(pasted.first(), Some(&"[suites.full]"), "{}", ran.stderr);
    let pasted: Vec<&str> = pasted.into_iter().filter(|line| !line.starts_with("[suites.")).collect();
    let policy = std::fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    let policy = format!("{policy}{}\n", pasted.join("\n"));
    sandbox.with_policy(&policy);
    sandbox.proof_gate(&["config", "check"]).ends_with(2).says("is empty");
    sandbox.with_policy(&policy.replace("reason = \"\"", "reason = \"the bank is closed\""));
    sandbox.proof_gate(&["run", "--draft"]).ends_with(0).says("1 skipped as allowed: the bank is closed");
    assert!(policy.contains("min_tests = 2"), "{policy}");
}

#[test]
fn a_focused_test_in_the_sources_of_the_commit_is_refused_whatever_the_suite_removes() {
    let more = "sources = ['test/**/*.js']";
    let sandbox = shop(SH, more, &format!("rm -r test; {COPY}"), &["charges"]);
    sandbox.write("test/pay.js", "// it.only('no')\ndescribe('a', () => {\n  it.only('charges', () => {});\n});\n");
    sandbox.write("lib/only.js", "it.only('is no source of the suite')\n");
    sandbox.commit("Look at one test");
    refused(&sandbox, &["FOCUSED", "test/pay.js:3 it.only"]);
    sandbox.proof_gate(&["run", "--draft"]).ends_with(1).says("test/pay.js:3 it.only");
    let plain = shop(SH, more, COPY, &["charges"]);
    plain.write("test/pay.js", "it('charges', () => {});\n");
    plain.commit("Look at all tests");
    allowed(&plain, &[]);
}

#[test]
fn sources_that_match_no_file_are_noted() {
    allowed(&shop(SH, "sources = ['specs/**']", COPY, &["charges"]), &["sources: no file of the tree matches"]);
}

#[test]
fn a_runner_that_refuses_only_is_named_by_that_and_not_by_its_missing_report() {
    let script = "echo 'Error: `.only` forbidden by --forbid-only' >&2; exit 1";
    let ran = refused(&shop(SH, "", script, &[]), &["FOCUSED", "forbidden by --forbid-only"]);
    let first = ran.stderr.find("FOCUSED").unwrap();
    assert!(ran.stderr.find("REPORT_MISSING").is_none_or(|at| first < at), "{}", ran.stderr);
}

#[test]
fn an_option_that_the_runner_does_not_know_is_told_with_what_mends_it() {
    for (script, words) in [
        ("echo \" ERROR  Unknown option: 'grep'\"", "pnpm takes options in front"),
        ("echo '  Unrecognized option \"grep\".' >&2", "jest chooses tests by -t"),
        ("echo 'CACError: Unknown option `--grep`' >&2", "vitest chooses tests by -t"),
        ("echo 'npm error Missing script: \"test\"' >&2", "has no script 'test'"),
        ("sh -c 'nosuchrunner --x'", "'nosuchrunner' is not there"),
    ] {
        let ran = refused(&shop(SH, "", &format!("{script}; exit 1"), &[]), &["COMMAND_USAGE", words]);
        assert!(ran.stderr.find("COMMAND_USAGE") < ran.stderr.find("EXIT_NONZERO"), "{}", ran.stderr);
    }
}

#[test]
fn a_result_out_of_a_cache_is_refused() {
    let script =
        format!("echo 'web:build: cache hit, replaying logs 1'; echo 'web:test: cache hit, replaying logs 2'; {COPY}");
    let ran = refused(&shop(SH, "", &script, &["charges"]), &["CACHED_RESULT", "web:test: cache hit"]);
    assert!(!ran.stderr.contains("web:build"), "{}", ran.stderr);
}

#[test]
fn a_report_that_cannot_show_retries_is_refused_until_the_policy_accepts_it() {
    let junit = |more: &str| {
        let script = "echo '<testsuite tests=\"1\"><testcase name=\"charges\"/></testsuite>' >\"$PROOF_REPORT\"";
        shop_with("junit-xml", SH, more, script, &[])
    };
    let sandbox = junit("");
    refused(&sandbox, &["FLAKY_UNOBSERVABLE", "flaky = \"unobservable\""]);
    sandbox.proof_gate(&["run", "--draft"]).ends_with(1).says("    flaky = \"unobservable\"");
    allowed(&junit("flaky = \"unobservable\""), &["retries do not show in this report; the policy accepts that"]);
}

#[test]
fn fewer_tests_than_at_the_base_are_noted_with_both_counts() {
    let sandbox = shop(SH, "", COPY, &["charges", "refunds", "pays"]);
    sandbox.push(&["origin", "main"]).ends_with(0);
    sandbox.write("report.json", report(&["charges"]));
    sandbox.commit("Lose two tests");
    sandbox.push(&["origin", "main"]).ends_with(0).says("1 tests executed, 3 at the base");
}

#[test]
fn a_judged_file_is_told_what_it_cannot_show() {
    let sandbox = Sandbox::new();
    sandbox.write("report.xml", "<testsuite tests=\"1\"><testcase name=\"charges\"/></testsuite>");
    sandbox.proof_gate(&["judge", "report.xml", "--adapter", "junit-xml"]).ends_with(0).says("retries do not show");
    sandbox.write("report.json", report(&["charges", "skips"]));
    sandbox.proof_gate(&["judge", "report.json", "--adapter", "mocha-json"]).ends_with(1).says("SKIPPED_TESTS");
}

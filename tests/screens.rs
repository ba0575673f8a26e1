//! What stands on the screen, at 80 columns and at 40, and in a pipe: each as a snapshot that was looked at.

use std::fs;

use regex::{Captures, Regex};

use crate::support::{Ran, SHOP_POLICY, Sandbox};

/// What differs between two runs: ids become zeros as long, times and places become words.
fn steady(ran: &Ran) -> String {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    let ids = Regex::new(r"\b[0-9a-f]{7,64}\b").unwrap();
    let said = ids.replace_all(&said, |id: &Captures<'_>| "0".repeat(id[0].len())).into_owned();
    let mut said = said;
    for (pattern, word) in [
        // git's progress, which tells of speed.
        (r"(?m)^(Enumerating|Counting|Delta|Compressing|Writing|Total) .*\n", ""),
        (r"/\S*sandbox-\S*", "[path]"),
        (r"evidence/\d+-[0-9a-f]+-\d+/", "evidence/[run]/"),
        (r"\b\d+(ms|s)\b", "[time]"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "[date]"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[date]"),
        (r"\b\d\d:\d\d\b", "[clock]"),
        (r"(?m)^(on {10}).+$", "$1[host]"),
    ] {
        said = Regex::new(pattern).unwrap().replace_all(&said, word).into_owned();
    }
    said
}

/// The same command on a wide terminal, on a narrow one and in a pipe, each from the same start.
#[track_caller]
fn check(name: &str, shop: fn() -> Sandbox, program: &str, args: &[&str]) {
    for columns in [80, 40] {
        let ran = shop().on_screen(columns, program, args);
        insta::assert_snapshot!(format!("{name}_{columns}"), steady(&ran));
    }
    let sandbox = shop();
    let ran = if program == "git" { sandbox.git(args) } else { sandbox.proof_gate(args) };
    insta::assert_snapshot!(format!("{name}_pipe"), steady(&ran));
}

fn new() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox
}

/// A proven shop whose test has this title.
fn proven_with_title(title: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    sandbox.write("suite.sh", suite.replace("$1 works", title));
    sandbox.write("suite-prints", b"\x1b[2J\x1b[1;1HPASS\r\xff\xfe\x00 \xe2\x80\xae evil\n");
    sandbox.commit("Give the test a title");
    sandbox.install_and_prove();
    sandbox
}

fn broken() -> Sandbox {
    let title =
        "charges a card twice when the first answer of the bank gets lost and the customer presses the button again";
    let sandbox = proven_with_title(title);
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox
}

fn broken_and_tried() -> Sandbox {
    let sandbox = broken();
    sandbox.push(&["origin", "main"]).ends_with(1);
    sandbox
}

fn without_dependencies() -> Sandbox {
    let sandbox = Sandbox::new();
    let npm = "npm error code ENOENT\nnpm error syscall open\nnpm error enoent Could not read package.json: Error: ENOENT: \
               no such file or directory\nnpm error A complete log of this run can be found in: debug.log\n";
    sandbox.write("npm.txt", npm);
    let prepare = "prepare = [[\"sh\", \"-c\", \"cat npm.txt; exit 254\"]]\n";
    sandbox.with_policy(&SHOP_POLICY.replace("[proof]\n", &format!("[proof]\n{prepare}")));
    sandbox.commit("Prepare");
    sandbox.install();
    sandbox
}

/// A suite, a path, a ref and a test that try to take over the screen.
fn hostile() -> Sandbox {
    let sandbox = proven_with_title("\\\\u001b[2J\\\\u202eSSAP\\\\u200b\\\\nPASS  all");
    sandbox.write("src/payments/\u{1b}[31m\u{202e}\n.js", "BUG\n");
    sandbox.commit("Attack");
    sandbox.git_ok(&["checkout", "--quiet", "-b", "release/\u{202e}\u{200b}evil"]);
    sandbox
}

#[test]
fn a_push_that_passes() {
    check("passes", new, "git", &["push", "origin", "main"]);
}

#[test]
fn a_push_that_fails() {
    check("fails", broken, "git", &["push", "origin", "main"]);
}

#[test]
fn a_push_that_can_get_no_proof() {
    check("no_proof", without_dependencies, "git", &["push", "origin", "main"]);
}

#[test]
fn a_push_that_the_program_makes() {
    check("by_program", Sandbox::proven_and_changed, "proof-gate", &["push", "origin", "main"]);
}

#[test]
fn names_that_attack_the_screen() {
    check("hostile", hostile, "git", &["push", "origin", "HEAD"]);
    check("hostile_plan", hostile, "proof-gate", &["plan"]);
}

#[test]
fn a_run_and_what_is_said_of_it() {
    check("run", broken, "proof-gate", &["run"]);
    check("plan", broken, "proof-gate", &["plan"]);
    check("show", broken_and_tried, "proof-gate", &["show", "HEAD"]);
    check("explain", broken_and_tried, "proof-gate", &["explain", "HEAD"]);
    check("status", broken_and_tried, "proof-gate", &["status"]);
    check("checklist", broken_and_tried, "proof-gate", &["checklist"]);
}

#[test]
fn colour_is_for_terminals_that_want_it_and_says_nothing_by_itself() {
    let colours = |said: &str| Regex::new("\u{1b}\\[[0-9;]+m").unwrap().is_match(said);
    let mut sandbox = broken_and_tried();
    let show = |sandbox: &Sandbox| sandbox.proof_gate_in_terminal(&["show", "HEAD"]).says("FAIL").stdout;
    assert!(colours(&show(&sandbox)));
    assert!(!colours(&sandbox.proof_gate(&["show", "HEAD"]).stdout));
    sandbox.set("NO_COLOR", "1");
    assert!(!colours(&show(&sandbox)));
    sandbox.unset("NO_COLOR");
    sandbox.set("TERM", "dumb");
    let run = sandbox.proof_gate_in_terminal(&["run"]).says("running  payment").stdout;
    assert!(!run.contains('\u{1b}'), "{run}");
}

//! A suite that passes and prints what means failure: every place it can print to, and what the policy allows.

use std::fs;

use crate::support::{SHOP_POLICY, Sandbox};

/// What a runner on node prints when a listener leaks.
const LEAK: &str =
    "(node:7) MaxListenersExceededWarning: Possible EventEmitter memory leak detected. 11 x added to [Socket].";

/// The shop, whose payment suite also does this before its report is there.
fn shop(script: &str, policy: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(policy);
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    sandbox.write(
        "suite.sh",
        suite.replacen("passes=1", &format!("[ \"$1\" = payment ] && {{ {script}\n}}\npasses=1"), 1),
    );
    sandbox.write("src/payments/charge.js", "charge more\n");
    sandbox.commit("Charge more");
    sandbox
}

fn policy(warnings: &str) -> String {
    format!("{SHOP_POLICY}\n[warnings]\n{warnings}\n")
}

/// A gated shop with this suite, of which nothing was proven yet.
fn gated(script: &str, policy: &str) -> Sandbox {
    let sandbox = shop(script, policy);
    sandbox.install();
    sandbox
}

#[test]
fn a_push_is_refused_for_a_warning_of_a_suite_that_passed_and_the_log_s_line_is_named() {
    let sandbox = gated(&format!("echo fine; echo '{LEAK}' >&2;"), SHOP_POLICY);
    let refusal = sandbox.is_refused(&["origin", "main"], &["booking", "full", "guardrail", "payment"]);
    refusal.says("FAIL  payment").says("WARNING").says("MaxListenersExceededWarning: Possible").says("(log:3)");
    // What is recorded is the answer from now on.
    sandbox.is_refused(&["origin", "main"], &[]).says("WARNING");
}

#[test]
fn an_allowed_warning_lets_the_push_go_and_stands_in_the_record_with_its_reason() {
    let allow = "allow = [{ pattern = 'MaxListeners.*Socket', reason = 'the driver adds twelve' }]";
    let sandbox = gated(&format!("echo '{LEAK}'; echo '{LEAK}' >&2;"), &policy(allow));
    sandbox.pushes(&["origin", "main"], &["booking", "full", "guardrail", "payment"]);
    let shown = sandbox.proof_gate(&["show", "--json"]).ends_with(0);
    assert!(
        shown.stdout.contains("allowed warning (the driver adds twelve), 2 times, the first: (node)"),
        "{}",
        shown.stdout
    );
}

#[test]
fn an_exception_for_one_line_is_none_for_another() {
    let allow = "allow = [{ pattern = 'MaxListeners.*ReplSocket', reason = 'the driver adds twelve' }]";
    let sandbox = shop(&format!("echo '{LEAK}';"), &policy(allow));
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1).says("WARNING");
}

#[test]
fn the_policy_s_own_pattern_fails_and_what_only_counts_does_not() {
    let script = "echo 'npm warn deprecated a'; echo 'card 4 took 12 s';";
    let sandbox = shop(script, &policy("fail = ['took [0-9]{2,} s$']"));
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1).says("card 4 took 12 s (log:3)");
    let sandbox = shop(script, SHOP_POLICY);
    let run = sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(0);
    run.says("warning of a package manager: npm warn deprecated a (log:2)");
}

#[test]
fn the_suite_s_own_arguments_warn_of_nothing_and_a_title_that_no_report_holds_does() {
    let policy = SHOP_POLICY.replace("\"src/payments\"]\nreport", "\"src/payments\", \"SIGSEGV\"]\nreport");
    assert_ne!(policy, SHOP_POLICY);
    let sandbox = shop("echo \"\\$ mocha 'src/payments' 'SIGSEGV'\";", &policy);
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(0);
    let sandbox = shop("echo '✔ falls on SIGSEGV (3ms)';", &policy);
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1).says("SIGSEGV (3ms) (log:2)");
}

#[test]
fn a_warning_is_found_in_the_part_of_a_log_that_is_not_kept() {
    let script = "yes line | head -c 20M; echo 'Jest did not exit one second after the test run has completed.'; yes line | head -c 20M;";
    let sandbox = shop(script, SHOP_POLICY);
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1).says("WARNING").says("(log:4194306)");
}

#[test]
fn a_warning_in_the_file_of_node_s_warnings_or_a_link_in_its_place_fails() {
    let file = "\"$(dirname \"$PROOF_REPORT\")/warnings\"";
    let sandbox = shop(&format!("echo '{LEAK}' >>{file};"), SHOP_POLICY);
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1).says("WARNING").says("(warnings file)");
    let sandbox = shop(&format!("ln -s /dev/null {file};"), SHOP_POLICY);
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1).says("WARNING").says("it is a symbolic link");
}

#[test]
fn colour_codes_and_progress_bars_hide_nothing() {
    let phrase = r"\\033[33mUnhandled\\033[0m \\033[1mRejection\\033[0m at: pay";
    let sandbox = shop(&format!("printf ' 10%%\\r 20%%\\r{phrase}\\r\\n';").replace("\\\\", "\\"), SHOP_POLICY);
    let run = sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1);
    run.says("Unhandled Rejection at: pay (log:2)");
}

#[test]
fn a_secret_in_a_warning_s_line_is_masked_and_masks_hide_no_warning() {
    let policy = SHOP_POLICY.replace("[\"SUITE_RUNS\"]", "[\"SUITE_RUNS\", \"PASSWORD\", \"PHRASE\"]");
    let sandbox = shop("echo \"panic: of $PASSWORD\"; echo \"$PHRASE\";", &policy);
    let run = "PASSWORD=correct-horse-9 PHRASE='has been force exited' proof-gate run --suite payment --json";
    let run = sandbox.sh(run).ends_with(1);
    assert!(
        run.stdout.contains("panic: of [secret] (log:2)") && run.stdout.contains("[secret] (log:3)"),
        "{}",
        run.stdout
    );
    let all = sandbox.sh("proof-gate show; git log -p --all; cat .git/proof-gate/evidence/*/payment/*").ends_with(0);
    assert!(!format!("{run:?}{all:?}").contains("correct-horse-9"));
}

#[test]
fn what_stands_beside_the_suites_may_warn() {
    let prepare = format!("[proof]\nprepare = [[\"sh\", \"-c\", \"echo '{LEAK}'\"]]\n");
    let sandbox = shop("true;", &SHOP_POLICY.replacen("[proof]\n", &prepare, 1));
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(0);
}

#[test]
fn a_pattern_that_is_none_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    let text = policy("fail = [\n  'fine',\n  'a(?=b)',\n]");
    sandbox.with_policy(&text);
    let line = text.lines().position(|line| line.contains("a(?=b)")).unwrap() + 1;
    let check = sandbox.proof_gate(&["config", "check"]).ends_with(2);
    check.says(&format!("line {line}")).says("warnings.fail is no pattern").says("no look-around");
}

/// A report that node writes, and what it does before, through the recipe of mocha's adapter: it is the same for all runners on node.
const NODE: &str = r#"
const { EventEmitter } = require('node:events');
const bus = new EventEmitter();
for (let i = 0; i < 12; i++) bus.on('paid', () => {});
const test = { title: 'works', fullTitle: 'pay works', file: 'a.js', duration: 1, currentRetry: 0, err: {} };
const stats = { tests: 1, passes: 1, pending: 0, failures: 0 };
const report = JSON.stringify({ stats, tests: [test], pending: [], failures: [], passes: [test] });
require('node:fs').writeFileSync(process.env.PROOF_REPORT, report);
setImmediate(() => process.exit(0));
"#;

#[test]
fn a_leak_in_a_process_of_node_is_found_although_its_words_are_swallowed_and_it_ends_at_once() {
    for (how, place) in [
        ("node test.js", "log:"),
        ("node test.js 2>/dev/null", "warnings file"),
        ("node --no-warnings test.js", "warnings file"),
        ("node -e \"require('child_process').spawnSync(process.execPath, ['test.js'])\"", "warnings file"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("test.js", NODE);
        sandbox.write("suite.sh", format!("{how}\n"));
        sandbox.commit("Test with node");
        let run = sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1);
        run.says("MaxListenersExceededWarning: Possible EventEmitter memory leak").says(&format!("({place}"));
        let kept = sandbox.sh("ls .git/proof-gate/evidence/*/payment").ends_with(0);
        assert_eq!(kept.stdout.lines().collect::<Vec<_>>(), ["log", "report", "warnings"], "{how}");
    }
}

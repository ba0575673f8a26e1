//! `run --repeat` and `--vary`: a test that does not always say the same is found before a push depends on it.

use serde_json::Value;

use crate::support::{Fingerprint, Ran, SHOP_POLICY, Sandbox};

/// A shop whose `payment` suite has two tests: `adds up`, which passes, and `is steady`, which passes where this script of sh does.
fn shop_where(steady: &str) -> Sandbox {
    shop_with(SHOP_POLICY, steady)
}

fn shop_with(policy: &str, steady: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(policy);
    sandbox.write(
        "suite.sh",
        format!(
            r#"echo "$1" >>"$SUITE_RUNS"
echo "run of $PROOF_SUITE"
entry() {{ echo "{{\"title\":\"$1\",\"fullTitle\":\"payment $1\",\"file\":\"test/payment.js\",\"duration\":1,\"currentRetry\":0,\"err\":$2}}"; }}
good=$(entry "adds up" '{{}}') failed= failures=0
if {steady}; then good="$good,$(entry "is steady" '{{}}')"
else failures=1 failed=$(entry "is steady" '{{"message":"expected noon, it was midnight"}}'); fi
cat >"$PROOF_REPORT" <<END
{{"stats":{{"tests":2,"passes":$((2 - failures)),"pending":0,"failures":$failures}},"tests":[$good${{failed:+,$failed}}],"pending":[],"failures":[$failed],"passes":[$good]}}
END
exit $failures
"#
        ),
    );
    sandbox.commit("Test otherwise");
    sandbox
}

/// The payment suite so often, in every form in which it is told: screen, document and record.
fn run(sandbox: &Sandbox, args: &[&str], code: i32) -> (Ran, Value) {
    let before = Fingerprint::of(sandbox);
    let ran = sandbox.proof_gate(&[&["run", "--suite", "payment", "--json"], args].concat()).ends_with(code);
    assert_eq!(Fingerprint::of(sandbox), before);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let suite = document["suites"][0].clone();
    let shown: Value = serde_json::from_str(&sandbox.proof_gate(&["show", "--json"]).ends_with(0).stdout).unwrap();
    let recorded = shown.pointer("/statement/predicate/verdict/suites/0").expect("a verdict has suites").clone();
    for member in ["findings", "notes", "runs", "verdict"] {
        let member_of = |suite: &Value| suite.get(member).cloned().unwrap_or_else(|| serde_json::json!([]));
        assert_eq!(member_of(&suite), member_of(&recorded), "{member}");
    }
    (ran, recorded)
}

fn headline(suite: &Value) -> [&str; 3] {
    ["code", "test", "detail"].map(|member| suite["findings"][0][member].as_str().unwrap_or_default())
}

#[test]
fn a_suite_that_always_says_the_same_passes_and_the_record_counts_its_runs() {
    let sandbox = shop_where("true");
    let (ran, suite) = run(&sandbox, &["--repeat", "3"], 0);
    assert_eq!(sandbox.suites_run(), ["payment"; 3]);
    assert_eq!((&suite["runs"], suite["evidence"].as_array().unwrap().len()), (&3.into(), 6));
    ran.says("payment  (3 times each)").says("running  payment, run 2 of 3").says("3 runs");
    // It is a proof as any other.
    sandbox.install();
    sandbox.proof_gate(&["run", "--suite", "full"]).ends_with(0);
    let (pushed, suites) = sandbox.suites_of(|| sandbox.push(&["origin", "main"]));
    pushed.ends_with(0);
    assert_eq!(suites, ["booking", "guardrail"]);
}

#[test]
fn a_test_that_fails_once_in_three_runs_is_flaky_and_named_with_its_run() {
    let sandbox = shop_where(r#"[ "$(wc -l <"$SUITE_RUNS")" != 2 ]"#);
    let (ran, suite) = run(&sandbox, &["--repeat", "3"], 1);
    assert_eq!(headline(&suite), ["TEST_FLAKY", "payment is steady", "failed in run 2; passed in run 1, run 3"]);
    ran.says("TEST_FLAKY").says("TEST_FAILED").says("expected noon, it was midnight");
    // The counts are those of the run that failed.
    assert_eq!((&suite["counts"]["passed"], &suite["counts"]["failed"]), (&1.into(), &1.into()));
}

#[test]
fn a_warning_of_one_run_is_told_and_shown_with_that_run() {
    let warns = r#"{ [ "$(wc -l <"$SUITE_RUNS")" != 2 ] || echo "Unhandled Rejection at: pay"; }"#;
    let sandbox = shop_where(warns);
    let (ran, suite) = run(&sandbox, &["--repeat", "3"], 1);
    assert_eq!(headline(&suite)[2], "runs of the same inputs differ: FAIL in run 2; PASS in run 1, run 3");
    ran.says("WARNING  Unhandled Rejection at: pay (log:3, run 2)");
    let shown = sandbox.proof_gate(&["show"]).ends_with(0);
    assert!(shown.stdout.contains("payment~2/log:3\n"), "{}", shown.stdout);
}

#[test]
fn one_run_does_not_see_it_and_what_repeating_found_refuses_the_push_that_would_rest_on_that_run() {
    let sandbox = shop_where(r#"[ "$(wc -l <"$SUITE_RUNS")" -lt 3 ]"#);
    run(&sandbox, &[], 0);
    run(&sandbox, &["--repeat", "2"], 1);
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(1).says("FLAKY_HISTORY").says("proof-gate resolve");
}

#[test]
fn a_test_that_fails_in_another_time_zone_names_it() {
    let sandbox = shop_where(r#"[ "$TZ" = UTC ]"#);
    run(&sandbox, &["--repeat", "2"], 0);
    let (_, suite) = run(&sandbox, &["--repeat", "2", "--vary"], 1);
    let [code, test, detail] = headline(&suite);
    assert_eq!((code, test), ("TEST_FLAKY", "payment is steady"));
    assert!(detail.starts_with("failed in run 2 (TZ=Pacific/Kiritimati, LC_ALL="), "{detail}");
    assert!(detail.ends_with("); passed in run 1 (plain)"), "{detail}");
}

#[test]
fn a_test_that_depends_on_the_umask_is_found() {
    // Run 3 is under umask 002, run 2 under 077.
    let sandbox = shop_where("touch made && [ \"$(ls -l made | cut -c5)\" = r ]");
    let (_, suite) = run(&sandbox, &["--repeat", "3", "--vary"], 1);
    let [code, _, detail] = headline(&suite);
    assert_eq!(code, "TEST_FLAKY");
    assert!(detail.contains("failed in run 2 (") && detail.contains("umask 077"), "{detail}");
    assert!(detail.ends_with("passed in run 1 (plain), run 3"), "{detail}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_varied_run_has_as_few_processors_as_its_note_says() {
    let sandbox = shop_where("nproc >>../cpus; [ \"$LANG\" = C.UTF-8 ] && echo \"$LC_ALL.\" >>../locales");
    let policy = SHOP_POLICY.replace("env = { pass = [\"SUITE_RUNS\"] }", "env = { pass = [\"SUITE_RUNS\", \"OUT\"] }");
    sandbox.with_policy(&policy);
    let suite = std::fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    sandbox.write("suite.sh", suite.replace("../", "$OUT/"));
    sandbox.commit("Note what is seen");
    let mut sandbox = sandbox;
    let out = sandbox.root().to_str().unwrap().to_owned();
    sandbox.set("OUT", &out);
    let (_, suite) = run(&sandbox, &["--repeat", "2", "--vary"], 0);
    let noted = |file: &str| std::fs::read_to_string(sandbox.root().join(file)).unwrap();
    assert_eq!(noted("cpus").lines().last(), Some("1"));
    // The first run has no LC_ALL; where the Turkish locale is not installed, the second has plain C.
    let locales = noted("locales");
    assert!(
        ["tr_TR.UTF-8.", "C."].contains(&locales.lines().last().unwrap()) && locales.starts_with(".\n"),
        "{locales}"
    );
    let note = suite["notes"][0].as_str().unwrap();
    assert!(note.starts_with("run 2: TZ=Pacific/Kiritimati, ") && note.ends_with("umask 077, 1 CPU"), "{note}");
}

#[test]
fn a_time_zone_that_the_policy_sets_is_not_varied() {
    let policy =
        SHOP_POLICY.replace("[suites.payment]", "[suites.payment]\nenv = { set = { TZ = \"Europe/Madrid\" } }");
    let sandbox = shop_with(&policy, r#"[ "$TZ" = Europe/Madrid ]"#);
    let (_, suite) = run(&sandbox, &["--repeat", "3", "--vary"], 0);
    assert!(!suite["notes"].to_string().contains("TZ="), "{}", suite["notes"]);
}

#[test]
fn a_fail_under_variation_is_not_ended_by_a_plain_pass() {
    let sandbox = shop_where(r#"[ "$TZ" = UTC ]"#);
    run(&sandbox, &["--repeat", "2", "--vary"], 1);
    run(&sandbox, &[], 0);
    sandbox.install();
    let refused = sandbox.push(&["origin", "main"]).ends_with(1).says("FLAKY_HISTORY");
    let command = refused.stderr.split("resolve it: proof-gate ").nth(1).unwrap().lines().next().unwrap();
    // The way on: the cause is documented, and a fresh proof runs the suite three times.
    let args: Vec<&str> =
        command.split(' ').map(|word| if word == "TEXT" { "the shop opens at noon" } else { word }).collect();
    sandbox.proof_gate(&args).ends_with(0);
    let (_, suite) = run(&sandbox, &["--repeat", "2"], 0);
    assert_eq!(suite["runs"], 3);
    sandbox.push(&["origin", "main"]).ends_with(0);
}

#[test]
fn a_draft_is_repeated_too() {
    let sandbox = shop_where(r#"[ "$TZ" = UTC ]"#);
    let ran = sandbox.proof_gate(&["run", "--draft", "--suite", "payment", "--repeat", "2", "--vary"]).ends_with(1);
    ran.says("TEST_FLAKY").says("nothing is recorded");
    assert_eq!(sandbox.git_ok(&["for-each-ref", "refs/proof/"]), "");
}

#[test]
fn the_evidence_of_a_hundred_runs_fits_a_record_with_that_of_the_run_that_failed() {
    let sandbox = shop_where(r#"[ "$(wc -l <"$SUITE_RUNS")" != 30 ]"#);
    let (_, suite) = run(&sandbox, &["--repeat", "32"], 1);
    let names: Vec<&str> =
        suite["evidence"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!((&suite["runs"], names.len()), (&32.into(), 20));
    assert!(names.iter().any(|name| name.ends_with("/payment~30/log")), "{names:?}");
    sandbox.proof_gate(&["show"]).ends_with(0).says("32 runs").says("failed in run 30; passed in run 1");
}

#[test]
fn how_often_is_bounded_and_nothing_varies_a_single_run() {
    let sandbox = Sandbox::new();
    for args in [&["--repeat", "1"][..], &["--repeat", "101"], &["--repeat", "0"], &["--vary"]] {
        sandbox.proof_gate(&[&["run"], args].concat()).ends_with(64);
    }
    assert!(sandbox.suites_run().is_empty());
}

//! `checklist`: what the runbook asks for before a deployment, ticked from what was recorded and kept.

use std::fs;

use serde_json::Value;

use crate::support::{Fingerprint, Ran, SCRIPT_POLICY, SHOP_POLICY, Sandbox};

/// `checklist` with these arguments, which writes nothing.
#[track_caller]
fn checklist(sandbox: &Sandbox, args: &[&str], code: i32) -> Ran {
    let before = Fingerprint::of(sandbox);
    let ran = sandbox.proof_gate(&[&["checklist"], args].concat()).ends_with(code);
    assert_eq!(Fingerprint::of(sandbox), before);
    ran
}

/// The lines of this state.
fn lines<'a>(ran: &'a Ran, mark: &str) -> Vec<&'a str> {
    ran.stdout.lines().filter_map(|line| line.strip_prefix(mark)).map(str::trim_start).collect()
}

/// A shop whose suites were proven and pushed.
fn proven() -> Sandbox {
    let sandbox = Sandbox::new();
    let policy = SHOP_POLICY.replace("timeout = \"30s\"", "timeout = \"30s\"\nreset = [[\"true\"]]");
    sandbox.with_policy(&policy);
    sandbox.commit("Put the database back");
    sandbox.install_and_prove();
    sandbox
}

#[test]
fn a_proven_commit_is_ticked_from_its_record_and_what_nobody_declared_is_missing() {
    let sandbox = proven();
    let ran = checklist(&sandbox, &[], 1);
    let commit = &sandbox.id("HEAD")[..7];
    let done = lines(&ran, "[x] ");
    for point in [
        "changes     everything: no earlier commit is established".to_owned(),
        "suites      booking full guardrail payment".to_owned(),
        "verdict     payment: PASS".to_owned(),
        format!("commit      exactly {commit}, in a clean checkout, every file compared"),
        "database    put into its known state before each suite (1 command)".to_owned(),
        "log         payment: kept, unaltered".to_owned(),
        "report      payment: kept, unaltered".to_owned(),
    ] {
        assert!(done.contains(&point.as_str()), "{point}\n{}", ran.stdout);
    }
    assert!(done.iter().any(|line| line.starts_with("recorded    ") && line.contains("as PASS by Ana Example")));
    let missing: Vec<&str> = lines(&ran, "[ ] ");
    let suites = ["booking", "full", "guardrail", "payment"];
    assert_eq!(missing, suites.map(|suite| format!("trace logs  {suite}: not configured")));
    assert!(lines(&ran, "[-] ").iter().any(|line| line.starts_with("changelog   not looked at")));
    assert!(ran.stdout.ends_with("points missing\n"), "{}", ran.stdout);
}

#[test]
fn a_suite_that_declares_and_leaves_all_is_whole_and_what_is_said_to_be_missing_can_be_added_as_it_stands() {
    let sandbox = Sandbox::new();
    let script = "mkdir -p out test/logs && cp shot.png out/card && echo started >test/logs/server.log";
    sandbox.write("suite.sh", format!("{script}\n"));
    let mut picture = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(2, 2).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    sandbox.write("shot.png", picture.get_ref());
    sandbox.write("screens/card", picture.get_ref());
    // Nothing in this glob's name tells of pictures.
    let pictures = "{ paths = \"out/**\", baseline = \"screens\" }";
    let prove = |artifacts: &str| {
        sandbox.with_policy(&format!("{SCRIPT_POLICY}artifacts = [{artifacts}]\n"));
        sandbox.commit("Leave something");
        sandbox.proof_gate(&["run"]).ends_with(0);
    };
    prove(pictures);
    let ran = checklist(&sandbox, &[], 1);
    assert_eq!(lines(&ran, "[ ] "), ["trace logs  full: not configured"]);
    assert!(lines(&ran, "[x] ").contains(&"pictures    full: kept, unaltered"), "{}", ran.stdout);
    let next = lines(&ran, "    next ");
    let rule = next[0].strip_prefix("add ").and_then(|rest| rest.strip_suffix(" to the artifacts of [suites.full]"));
    prove(&format!("{pictures}, {}", rule.unwrap().replace("logs/", "test/logs/")));
    let ran = checklist(&sandbox, &[], 0);
    assert!(lines(&ran, "[x] ").contains(&"trace logs  full: kept, unaltered"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("whole: nothing that the runbook asks for is missing\n"), "{}", ran.stdout);
    let document: Value = serde_json::from_str(&checklist(&sandbox, &["--json"], 0).stdout).unwrap();
    assert_eq!(document["whole"], true);
}

#[test]
fn each_of_many_artifacts_has_to_be_what_was_recorded() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&format!("{SCRIPT_POLICY}artifacts = [{{ paths = \"logs/*.log\" }}]\n"));
    sandbox.write("suite.sh", "mkdir logs; for n in $(seq 70); do echo $n >logs/$n.log; done\n");
    sandbox.commit("Leave many");
    sandbox.proof_gate(&["run"]).ends_with(0);
    let ran = checklist(&sandbox, &[], 0);
    assert!(lines(&ran, "[x] ").contains(&"trace logs  full: 70 kept, unaltered"), "{}", ran.stdout);
    let logs = "\"$(dirname \"$(find .git/proof-gate/evidence -name artifacts.json)\")\"/artifacts/logs";
    sandbox.sh(&format!("echo z >{logs}/69.log")).ends_with(0);
    let ran = checklist(&sandbox, &[], 1);
    assert_eq!(lines(&ran, "[ ] "), ["trace logs  full: 1 of 70 is no longer what was recorded"]);
    let shown = sandbox.proof_gate(&["show"]).ends_with(0).stdout;
    assert!(shown.contains("69.log  (altered: not what was recorded)"), "{shown}");
    assert!(shown.contains("artifacts.json  (lists 70)") && !shown.contains("68.log"), "{shown}");
}

#[test]
fn what_changed_is_told_by_kind() {
    let sandbox = proven();
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&format!("{policy}\n[kinds]\nschema = [\"migrations/**\"]\n"));
    sandbox.commit("Name the migrations");
    sandbox.push(&["origin", "main"]).ends_with(0);
    let base = sandbox.id("HEAD")[..7].to_owned();
    sandbox.write("migrations/1.sql", "create table card;\n");
    sandbox.commit_file("src/payments/charge.js", "charge by card\n");
    sandbox.push(&["origin", "main"]).ends_with(0);
    let ran = checklist(&sandbox, &[], 1);
    let wanted = format!("changes     2 paths since {base}: 1 code, 1 schema");
    assert!(lines(&ran, "[x] ").contains(&wanted.as_str()), "{}", ran.stdout);
}

#[test]
fn a_tag_a_commit_and_a_record_have_the_same_checklist() {
    let sandbox = proven();
    sandbox.git_ok(&["tag", "v1"]);
    let by_commit = checklist(&sandbox, &["--json"], 1).stdout;
    let record = serde_json::from_str::<Value>(&by_commit).unwrap()["record"].as_str().unwrap().to_owned();
    for what in ["v1", "main", &record, &record[..8]] {
        assert_eq!(checklist(&sandbox, &[what, "--json"], 1).stdout, by_commit, "{what}");
    }
}

#[test]
fn a_file_that_was_altered_or_removed_loses_its_tick() {
    let sandbox = proven();
    let shown = sandbox.proof_gate(&["show"]).ends_with(0).stdout;
    let kept = |end: &str| {
        let line = shown.lines().find(|line| line.ends_with(end)).unwrap();
        sandbox.shop().join(line.trim_start().split_once(' ').unwrap().1.trim_start())
    };
    // As long as before, so that only its digest tells.
    let report = kept("/payment/report");
    let altered = fs::read_to_string(&report).unwrap().replace("payment works", "payment wworks").replace("  ", " ");
    let mut bytes = altered.into_bytes();
    bytes.resize(fs::metadata(&report).unwrap().len() as usize, b' ');
    fs::write(&report, bytes).unwrap();
    fs::remove_file(kept("/booking/log")).unwrap();
    let ran = checklist(&sandbox, &[], 1);
    let missing = lines(&ran, "[ ] ");
    assert!(missing.contains(&"report      payment: is no longer what was recorded"), "{}", ran.stdout);
    assert!(missing.iter().any(|line| line.starts_with("log         booking: is not here: removed")), "{}", ran.stdout);
    // The way on makes fresh evidence.
    let commit = &sandbox.id("HEAD")[..7];
    ran.says(&format!("proof-gate run {commit} --suite payment"));
    sandbox.proof_gate(&["run", commit, "--suite", "payment"]).ends_with(0);
    let ran = checklist(&sandbox, &[], 1);
    assert!(lines(&ran, "[x] ").contains(&"report      payment: kept, unaltered"), "{}", ran.stdout);
}

#[test]
fn a_fail_is_not_ticked_and_leads_to_what_shows_it() {
    let sandbox = proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.push(&["origin", "main"]).ends_with(1);
    let ran = checklist(&sandbox, &[], 1);
    assert!(lines(&ran, "[ ] ").contains(&"verdict     payment: FAIL TEST_FAILED"), "{}", ran.stdout);
    let next = ran.stdout.lines().find(|line| line.contains("next") && line.contains("proof-gate show ")).unwrap();
    let record = next.rsplit(' ').next().unwrap();
    sandbox.proof_gate(&["show", record]).ends_with(0).says("FAIL  payment");
}

#[test]
fn a_suite_that_is_proven_elsewhere_names_that_record_and_one_that_is_not_proven_the_command() {
    let sandbox = Sandbox::new();
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(0);
    let first = serde_json::from_str::<Value>(&checklist(&sandbox, &["--json"], 1).stdout).unwrap();
    sandbox.proof_gate(&["run", "--suite", "booking"]).ends_with(0);
    let ran = checklist(&sandbox, &[], 1);
    let first = &first["record"].as_str().unwrap()[..7];
    let elsewhere = format!("verdict     payment: PASS, recorded as {first}");
    assert!(lines(&ran, "[x] ").contains(&elsewhere.as_str()), "{}", ran.stdout);
    assert!(lines(&ran, "[ ] ").contains(&"verdict     full: nothing is recorded that counts"), "{}", ran.stdout);
    let commit = &sandbox.id("HEAD")[..7];
    ran.says(&format!("proof-gate run {commit} --suite full"));
}

#[test]
fn what_was_run_by_hand_is_ticked_and_what_need_not_be_is_neither_ticked_nor_missing() {
    let mut sandbox = Sandbox::new();
    sandbox.with_terminal_required();
    sandbox.commit("Prove by hand");
    sandbox.unset("CI");
    sandbox.proof_gate_in_terminal(&["run"]).ends_with(0);
    let ran = checklist(&sandbox, &[], 1);
    assert!(lines(&ran, "[x] ").contains(&"by hand     somebody was at a terminal"), "{}", ran.stdout);
    let sandbox = Sandbox::new();
    sandbox.with_policy(SCRIPT_POLICY);
    sandbox.write("suite.sh", "true");
    sandbox.commit("Read the exit code alone");
    sandbox.sh("setsid --wait proof-gate run").ends_with(0);
    let ran = checklist(&sandbox, &[], 1);
    let neither = lines(&ran, "[-] ");
    assert!(
        neither.contains(&"by hand     nobody was at a terminal, and the policy does not ask for that"),
        "{neither:?}"
    );
    assert!(
        neither.contains(&"flaky tests not to be seen in full: what is read there does not show retries"),
        "{neither:?}"
    );
}

#[test]
fn a_commit_without_a_record_has_no_checklist_and_the_command_that_makes_one() {
    let sandbox = Sandbox::new();
    checklist(&sandbox, &[], 1).says("NONE").says("proof-gate run HEAD");
    let document: Value = serde_json::from_str(&checklist(&sandbox, &["--json"], 1).stdout).unwrap();
    assert_eq!((&document["record"], &document["whole"]), (&Value::Null, &false.into()));
    checklist(&sandbox, &["nonesuch"], 2).says("hint: ");
}

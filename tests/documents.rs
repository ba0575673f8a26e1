//! The JSON documents: what the program prints is what `docs/schemas/` describes, and that is made from the program's types.

use std::fs;
use std::path::{Path, PathBuf};

use proof_gate::commands::output::{
    ChecklistOutput, DoctorOutput, ExplainOutput, JudgeOutput, PlanOutput, RunOutput, ShowOutput, StatusOutput,
};
use proof_gate::commands::output_trust::{AuditOutput, VerifyOutput};
use proof_gate::records::Statement;
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use crate::support::Sandbox;

fn schemas() -> Vec<(&'static str, String)> {
    vec![
        ("audit", text::<AuditOutput>()),
        ("checklist", text::<ChecklistOutput>()),
        ("doctor", text::<DoctorOutput>()),
        ("explain", text::<ExplainOutput>()),
        ("judge", text::<JudgeOutput>()),
        ("plan", text::<PlanOutput>()),
        ("run", text::<RunOutput>()),
        ("show", text::<ShowOutput>()),
        ("status", text::<StatusOutput>()),
        ("verify", text::<VerifyOutput>()),
        ("record", text::<Statement>()),
    ]
}

fn text<T: JsonSchema>() -> String {
    format!("{}\n", serde_json::to_string_pretty(&schema_for!(T)).unwrap())
}

fn file(command: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schemas/proof-gate.{command}.1.json"))
}

#[test]
#[ignore = "writes docs/schemas/; run it after a change of the documents' types"]
fn write_the_schemas() {
    fs::create_dir_all(file("plan").parent().unwrap()).unwrap();
    for (command, schema) in schemas() {
        fs::write(file(command), schema).unwrap();
    }
}

#[test]
fn the_schemas_are_in_step_with_the_types_and_docs_name_each() {
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md")).unwrap();
    for (command, schema) in schemas() {
        assert_eq!(fs::read_to_string(file(command)).unwrap(), schema, "cargo test -- --ignored write_the_schemas");
        assert!(docs.contains(&format!("schemas/proof-gate.{command}.1.json")), "{command}");
    }
}

/// The ways in which a document is not as its schema says.
fn faults(name: &str, document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(&fs::read_to_string(file(name)).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap().iter_errors(document).map(|error| error.to_string()).collect()
}

#[test]
fn every_kind_of_record_is_as_its_schema_says_and_what_is_not_a_record_is_none() {
    let sandbox = Sandbox::new();
    sandbox.write("src/payments/charge.js", "BUG\n");
    sandbox.commit("Charge twice");
    let failed = check(&sandbox, &["run"], 1)["record"].as_str().unwrap().to_owned();
    sandbox.proof_gate(&["resolve", &failed, "--suite", "payment", "--cause", "an outage"]).ends_with(0);
    sandbox.proof_gate(&["run"]).ends_with(1);
    let mut kinds = Vec::new();
    for id in sandbox.git_ok(&["rev-list", "--glob=refs/proof/log/*"]).lines() {
        let record: Value = serde_json::from_str(&sandbox.git_ok(&["show", &format!("{id}:record.json")])).unwrap();
        assert_eq!(faults("record", &record), Vec::<String>::new(), "{record:#}");
        kinds.push(record["predicate"]["kind"].as_str().unwrap().to_owned());
        for (member, other) in [("format", Value::from(2)), ("writer", "no id".into()), ("more", 1.into())] {
            let mut changed = record.clone();
            changed["predicate"][member] = other;
            assert_ne!(faults("record", &changed), Vec::<String>::new(), "{member}");
        }
    }
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds, ["resolve", "verdict"]);
}

/// Runs a command and holds its one document against its schema.
#[track_caller]
fn check(sandbox: &Sandbox, args: &[&str], code: i32) -> Value {
    let ran = sandbox.proof_gate(&[args, &["--json"]].concat()).ends_with(code);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(faults(args[0], &document), Vec::<String>::new(), "{document:#}");
    assert_eq!(document["format"], format!("proof-gate.{}/1", args[0]));
    document
}

#[test]
fn every_document_is_as_its_schema_says_before_and_after_a_proof() {
    let sandbox = Sandbox::new();
    sandbox.git_ok(&["tag", "v1"]);
    for command in ["plan", "explain", "status"] {
        check(&sandbox, &[command], 0);
    }
    check(&sandbox, &["checklist"], 1);
    check(&sandbox, &["verify"], 1);
    let ran = check(&sandbox, &["run"], 0);
    assert_eq!(ran["verdict"], "PASS");
    for command in ["plan", "explain", "status", "show", "verify"] {
        check(&sandbox, &[command], 0);
    }
    assert_eq!(check(&sandbox, &["checklist"], 1)["record"], ran["record"]);
    sandbox.write("src/payments/charge.js", "BUG\n");
    sandbox.commit("Charge twice");
    let ran = check(&sandbox, &["run"], 1);
    assert_eq!(ran["verdict"], "FAIL");
    assert_eq!(check(&sandbox, &["show"], 0)["record"], ran["record"]);
    assert_eq!(check(&sandbox, &["explain"], 0)["established"], false);
    check(&sandbox, &["status"], 0);
}

#[test]
fn show_finds_one_record_by_tag_commit_and_prefix() {
    let sandbox = Sandbox::new();
    sandbox.git_ok(&["tag", "v1"]);
    let record = check(&sandbox, &["run", "v1"], 0)["record"].as_str().unwrap().to_owned();
    let commit = sandbox.git_ok(&["rev-parse", "HEAD"]);
    for what in ["v1", commit.trim(), &record, &record[..9]] {
        assert_eq!(check(&sandbox, &["show", what], 0)["record"], record, "{what}");
    }
}

#[test]
fn doctor_tells_what_it_found_what_it_looked_at_and_what_it_fired() {
    let sandbox = Sandbox::new();
    let ill = check(&sandbox, &["doctor"], 1);
    assert_eq!(ill["findings"][0]["severity"], "opens_the_gate");
    assert_eq!(ill["findings"][0]["mend"][0], "proof-gate install");
    sandbox.install();
    let well = check(&sandbox, &["doctor", "--fire"], 0);
    assert_eq!(well["findings"], serde_json::json!([]));
    assert_eq!(well["fired"][0]["result"], "refused");
}

#[test]
fn judge_ends_with_its_verdict() {
    let sandbox = Sandbox::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports");
    let judge = |name: &str, adapter: &str, code: i32| {
        let file = fixtures.join(name);
        check(&sandbox, &["judge", file.to_str().unwrap(), "--adapter", adapter], code)
    };
    assert_eq!(judge("mocha/payment-json.json", "mocha-json", 0)["verdict"], "PASS");
    assert_eq!(judge("mocha/flaky-json.json", "mocha-json", 1)["findings"][0]["code"], "TEST_FLAKY");
    assert_eq!(judge("dialects/disabled-failure.xml", "junit-xml", 1)["findings"][0]["code"], "TEST_FAILED");
}

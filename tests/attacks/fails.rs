//! FAILs that somebody would rather not have: hidden, explained away, proven for something else.

use crate::support::{By, Forge, LOGS, Layout, SHOP_POLICY, Server, WRITER};

const BOTH: [&str; 3] = ["--atomic", LOGS, "main"];

/// A server whose suites depend on what lies outside the tree.
fn with_outages() -> Server {
    let server = Server::new();
    let suite = std::fs::read_to_string(server.shop().join("suite.sh")).unwrap();
    let outage = "[ -e \"$SUITE_RUNS.outage\" ] && exit 7\n[ -f suite-sleep ]";
    server.write("suite.sh", suite.replace("[ -f suite-sleep ]", outage));
    server.commit("Depend on what lies outside");
    server
}

fn outage(server: &Server, is_on: bool) {
    let file = server.root().join("suite-runs.outage");
    if is_on { std::fs::write(file, "").unwrap() } else { std::fs::remove_file(file).unwrap() }
}

#[test]
fn a_later_pass_on_the_same_inputs_hides_no_fail() {
    let server = with_outages();
    outage(&server, true);
    server.proof_gate(&["run"]).ends_with(1);
    outage(&server, false);
    server.proof_gate(&["run"]).ends_with(0);
    server.refuses(&BOTH, &["FAIL", "FLAKY_HISTORY", "next: proof-gate show"]);
    // The PASS in a log of somebody else, who never saw the FAIL: it stands as soon as it is there.
    let server = Server::new();
    server.push_logs();
    server.takes(&["main"]);
    server.write("suite-exit", "3\n");
    server.commit("Exit badly");
    server.proof_gate(&["run", "--suite", "full"]).ends_with(1);
    server.push_logs();
    let mut statement = Forge(&server).first_of_its_own();
    pass(&mut statement);
    let record = Forge(&server).record(&statement, &[], By::Ssh("bo"));
    server.git_ok(&["update-ref", &format!("refs/proof/log/{WRITER}"), &record]);
    server.refuses(&BOTH, &["FAIL  full"]);
    // Without any FAIL the same PASS counts.
    server.git_ok(&["rm", "--quiet", "suite-exit"]);
    server.commit("Exit well");
    server.proof_gate(&["run"]).ends_with(0);
    server.takes(&BOTH);
}

/// A FAIL's findings taken out of it.
fn pass(statement: &mut serde_json::Value) {
    let verdict = &mut statement["predicate"]["verdict"];
    verdict["verdict"] = "PASS".into();
    for suite in verdict["suites"].as_array_mut().unwrap() {
        suite["verdict"] = "PASS".into();
        suite["findings"] = serde_json::json!([]);
    }
}

#[test]
fn a_cause_counts_from_those_alone_who_may_give_one() {
    let server = with_outages();
    server.list("resolve-signers", &["lea"]);
    server.server_git(&["config", "proofs.resolveSigners", "../resolve-signers"]).ends_with(0);
    outage(&server, true);
    server.proof_gate(&["run"]).ends_with(1);
    outage(&server, false);
    let fail = server.log().1;
    server.proof_gate(&["resolve", &fail, "--cause", "The card service was down"]).ends_with(0);
    server.proof_gate(&["run"]).ends_with(0);
    server.refuses(&BOTH, &["FAIL", "FLAKY_HISTORY", "resolved by somebody who says to be ana@example.org"]);
    // Lea may, and a proof that was made after it ends the FAIL.
    server.signs_as("lea");
    server.begins_a_log();
    server.proof_gate(&["resolve", &fail, "--cause", "The card service was down"]).ends_with(0);
    server.refuses(&BOTH, &["FAIL"]);
    server.signs_as("bo");
    server.begins_a_log();
    // Here Ana's cause counts and the FAIL was ended: nothing asks for three runs by itself.
    server.proof_gate(&["run", "--repeat", "3"]).ends_with(0);
    server.takes(&BOTH);
}

#[test]
fn a_tag_on_a_commit_with_a_fail_is_refused() {
    let server = Server::new();
    server.push_logs();
    server.commit_file("src/payments/charge.js", "BUG\n");
    server.proof_gate(&["run"]).ends_with(1);
    for (tag, name) in [(&["tag", "v1"][..], "v1"), (&["tag", "--annotate", "-m", "x", "v2"], "v2")] {
        server.git_ok(tag);
        server.refuses(&["--atomic", LOGS, name], &["FAIL", "payment  TEST_FAILED", &format!("refs/tags/{name}")]);
    }
    // Its FAIL stands wherever it is looked for, once it is there.
    server.push_logs();
    server.refuses(&["v1"], &["FAIL"]);
    server.git_ok(&["tag", "v3", "main~2"]);
    server.takes(&["v3"]);
}

#[test]
fn a_pass_for_another_scenario_or_id_is_none() {
    let server = Server::new();
    server.takes(&BOTH);
    let (first, back) = (server.id("main~"), ["--force", LOGS, "main~:main"]);
    // What was proven for a deployment allows no way back.
    server.refuses(&back, &["no proof  full"]);
    server.proof_gate(&["run", &first, "--scenario", "rollback", "--replacing", "main"]).ends_with(0);
    let honest = server.log().1;
    let forge = Forge(&server);
    let writer = server.log().0.rsplit_once('/').unwrap().1.to_owned();
    let mut scenarios = vec![serde_json::json!({"name": "deploy"})];
    for (name, id) in [("rollback", server.id("main")), ("migration", first.clone()), ("policy", first.clone())] {
        scenarios.push(serde_json::json!({"id": id, "name": name}));
    }
    for scenario in scenarios {
        let mut statement = forge.statement(&honest);
        statement["predicate"]["verdict"]["scenario"] = scenario;
        let before = server.id(&format!("{honest}^"));
        forge.only_log(&writer, &forge.record(&statement, &[&before], By::Ssh("ana")));
        server.refuses(&["--atomic", "--force", LOGS, "main~:main"], &["no proof  full"]);
    }
    // One made before what it replaces was proven.
    let mut statement = forge.statement(&honest);
    statement["predicate"]["writer"] = WRITER.into();
    statement["predicate"].as_object_mut().unwrap().remove("previous");
    forge.only_log(WRITER, &forge.record(&statement, &[], By::Ssh("bo")));
    server.refuses(&["--atomic", "--force", LOGS, "main~:main"], &["no proof  full"]);
    forge.only_log(&writer, &honest);
    server.takes(&back);
}

#[test]
fn evidence_that_was_swapped_is_said_to_be() {
    let server = Server::new();
    let ran = server.proof_gate(&["run", "--json"]).ends_with(0);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let record = document["record"].as_str().unwrap().to_owned();
    let altered = || {
        let shown = server.proof_gate(&["show", &record]).ends_with(0).stdout;
        let listed = server.proof_gate(&["checklist", &record]).stdout;
        (shown.contains("altered: not what was recorded"), listed.contains("payment: kept, unaltered"))
    };
    assert_eq!(altered(), (false, true));
    let found = server.sh("find .. -path '*/evidence/*/payment/*' -type f").ends_with(0).stdout;
    for report in found.lines() {
        server.sh(&format!("chmod u+w '{report}' && echo '{{}}' >'{report}'")).ends_with(0);
    }
    assert!(altered().0, "of:\n{found}");
    // The record itself is what it was, and the server asks it alone.
    server.takes(&BOTH);
}

#[test]
fn rules_that_are_too_old_count_for_nothing() {
    let server = Server::new();
    server.server_git(&["config", "proofs.minRules", "9999"]).ends_with(0);
    server.refuses(&BOTH, &["no proof  booking full guardrail payment"]);
    server.server_git(&["config", "proofs.minRules", "many"]).ends_with(0);
    server.refuses(&BOTH, &["cannot read the setting proofs.minRules: 'many' is no number"]);
    server.server_git(&["config", "proofs.minRules", "1"]).ends_with(0);
    server.takes(&BOTH);
}

#[test]
fn a_policy_that_wants_no_signatures_does_not_speak_for_the_server() {
    let policy = SHOP_POLICY.replace("[gate]\n", "[records]\nsign = \"never\"\n\n[gate]\n");
    let server = Server::untouched(Layout::Plain, &policy);
    server.refuses(&BOTH, &["no proof", "counts for nothing: it is unsigned"]);
    let forge = Forge(&server);
    forge.only_log(WRITER, &forge.record(&forge.first_of_its_own(), &[], By::Ssh("bo")));
    server.takes(&BOTH);
}

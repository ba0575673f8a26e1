//! A policy that gates nothing, or that no proof can be made under.

use std::fs;

use super::{is_noted, is_told, mended, mends, shop};
use crate::support::{SHOP_POLICY, Sandbox};

#[test]
fn a_policy_that_gates_nothing() {
    let sandbox = Sandbox::new();
    let policy = SHOP_POLICY.replace("\"main\", \"release/*\"", "").replace("\"v*\"", "");
    sandbox.with_policy(&policy);
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.install();
    is_told(&sandbox, &["open [gate] in .proofrc.toml names neither branches nor tags", "do: name them"]);
    sandbox.push(&["origin", "main"]).ends_with(0);
    sandbox.proof_gate(&["doctor", "--fire"]).ends_with(2).says("cannot fire");
}

#[test]
fn a_policy_that_is_not_there() {
    let sandbox = shop();
    sandbox.remove(".proofrc.toml");
    let ran = is_told(&sandbox, &["no proof there is no .proofrc.toml"]);
    mended(&sandbox, &mends(&ran));
}

#[test]
fn a_policy_that_cannot_be_read() {
    let sandbox = shop();
    sandbox.with_policy(&SHOP_POLICY.replace("branches", "branch"));
    is_told(
        &sandbox,
        &["no proof cannot read .proofrc.toml at line 7", "unknown key 'branch'", "did you mean 'branches'?"],
    );
}

#[test]
fn a_policy_that_is_not_committed_is_a_note() {
    let sandbox = shop();
    sandbox.with_policy(&SHOP_POLICY.replace("30s", "40s"));
    is_noted(&sandbox, ".proofrc.toml differs from the one that is committed");
    let ran = sandbox.proof_gate(&["doctor"]);
    mended(&sandbox, &mends(&ran));
}

#[test]
fn an_anchor_that_was_lost() {
    let sandbox = shop();
    fs::remove_file(sandbox.git_dir().join("proof-gate/seen-policy.toml")).unwrap();
    let ran =
        is_told(&sandbox, &["open the policy that install saw is not noted", "depends on the pushed commit alone"]);
    // A commit that brings a policy which gates nothing.
    sandbox.git_ok(&["switch", "--quiet", "--create", "weak"]);
    sandbox.with_policy(&SHOP_POLICY.replace("\"main\", \"release/*\"", "").replace("\"v*\"", ""));
    sandbox.commit("Gate nothing");
    sandbox.push(&["origin", "weak:main"]).ends_with(0);
    sandbox.git_ok(&["update-ref", "-d", "refs/remotes/origin/main"]);
    sandbox.git_ok(&["switch", "--quiet", "main"]);
    mended(&sandbox, &mends(&ran));
}

#[test]
fn branches_that_are_not_those_of_the_remote_are_notes() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("\"main\", \"release/*\"", "\"master\""));
    sandbox.commit("Gate what is not there");
    sandbox.install();
    sandbox.git_ok(&["push", "--quiet", "--no-verify", "origin", "main"]);
    sandbox.git_ok(&["remote", "set-head", "origin", "main"]);
    is_noted(&sandbox, "[gate] branches matches no branch of a remote as last fetched (main)");
    is_noted(&sandbox, "the default branch of origin is not gated: main");
}

#[test]
fn a_policy_that_gates_nothing_of_what_is_there() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("\"main\", \"release/*\"", "\"master\"").replace("\"v*\"", ""));
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(0);
    is_told(&sandbox, &["open [gate] branches matches no branch of a remote as last fetched (main)"]);
}

#[test]
fn a_repository_without_an_id_is_a_note_and_in_a_shallow_clone_no_proof() {
    let mut sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("id = \"b1946ac92492d234\"", ""));
    sandbox.commit("No id");
    sandbox.install();
    is_noted(&sandbox, "[repository] id is missing");
    sandbox.git_ok(&["push", "--quiet", "--no-verify", "origin", "main"]);
    let url = format!("file://{}", sandbox.root().join("remote.git").display());
    sandbox.git_in(sandbox.root(), &["clone", "--quiet", "--depth=1", &url, "shallow"]).ends_with(0);
    sandbox.work_in("shallow");
    sandbox.install();
    is_told(&sandbox, &["no proof [repository] id is missing", "note this clone is shallow"]);
    sandbox.push(&["origin", "main:release/x"]).ends_with(1).says("cannot name the repository");
}

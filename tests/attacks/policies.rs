//! Policies on a server: what is gated and by which rules is never said by the pushed commit alone, and weaker only by those who may.

use crate::support::{By, Forge, LOGS, Layout, SHOP_POLICY, Server};

const BOTH: [&str; 3] = ["--atomic", LOGS, "main"];
const RUN: &str = "run = [\"sh\", \"suite.sh\", \"payment\", \"src/payments\"]\nreport = \"mocha-json\"";

/// The shop's policy with payment's suite replaced by a command that proves nothing.
fn without_payment() -> String {
    assert!(SHOP_POLICY.contains(RUN));
    SHOP_POLICY.replace(RUN, "run = [\"true\"]\nreport = \"exit-code\"\nflaky = \"unobservable\"")
}

/// Commits a policy beside bad code, and has it proven by its own rules.
fn proven_under(server: &Server, policy: &str) {
    server.with_policy(policy);
    server.commit("Change the policy");
    server.proof_gate(&["run"]).ends_with(0);
}

#[test]
fn a_weaker_policy_in_the_same_push_lets_nothing_through() {
    check("suites.payment.run", &without_payment());
    check(
        "suites.payment.run: was changed",
        &SHOP_POLICY.replace("\"src/payments\"]", "\"src/payments\", \"--grep=works\"]"),
    );
    check("gate.branches: lost 'main'", &SHOP_POLICY.replace("[\"main\", \"release/*\"]", "[]"));
    check("gate.allow_delete", &SHOP_POLICY.replace("[gate]\n", "[gate]\nallow_delete = [\"*\"]\n"));
    check("suites.payment.paths", &SHOP_POLICY.replace("[\"src/payments/**\"]", "[\"nowhere/**\"]"));

    fn check(key: &str, policy: &str) {
        assert_ne!(policy, SHOP_POLICY);
        let server = Server::new();
        proven_under(&server, policy);
        let words = ["weaker policy, not approved", key, "next: proof-gate approve-policy", "proofs.policySigners"];
        server.refuses(&BOTH, &words);
        server.refuses(&["--atomic", LOGS, "main:release/new"], &words);
        server.refuses(&["--atomic", LOGS, "main:refs/tags/v9"], &words);
        // Without the change it goes.
        server.takes(&["--atomic", LOGS, "main~:main", "main~:release/new", "main~2:refs/tags/v9"]);
    }
}

#[test]
fn a_policy_weakened_in_two_pushes_is_refused_in_both() {
    let server = Server::new();
    proven_under(&server, &without_payment());
    server.refuses(&BOTH, &["suites.payment.run"]);
    server.takes(&[LOGS]);
    server.commit_file("src/payments/charge.js", "BUG to be\n");
    server.proof_gate(&["run", "--suite", "payment"]).ends_with(0);
    server.refuses(&BOTH, &["weaker policy, not approved", "suites.payment.run"]);
    // By way of a branch that is not gated it gets no nearer.
    server.takes(&["main:scratch"]);
    server.refuses(&["main:main"], &["suites.payment.run"]);
    server.takes(&["main~2:main"]);
}

#[test]
fn an_approval_counts_from_those_alone_who_may_approve() {
    let server = Server::new();
    proven_under(&server, &without_payment());
    let (name, proven) = server.log();
    // Ana's verdicts count, her approvals do not; nor do Mallory's; nor does Lea's name on an unsigned one.
    server.proof_gate(&["approve-policy", "HEAD", "-m", "Trust me"]).ends_with(0);
    server.refuses(&BOTH, &["weaker policy, not approved", "proofs.policySigners"]);
    let approval = Forge(&server).statement(&server.log().1);
    for (number, by) in [By::Ssh("mallory"), By::Ssh("bo"), By::Nobody].into_iter().enumerate() {
        let mut statement = approval.clone();
        let writer = format!("{number:016x}");
        statement["predicate"]["writer"] = writer.as_str().into();
        statement["predicate"]["who"] = serde_json::json!({"email": "lea@example.org", "name": "Lea"});
        statement["predicate"].as_object_mut().unwrap().remove("previous");
        let record = Forge(&server).record(&statement, &[], by);
        server.git_ok(&["update-ref", &format!("refs/proof/log/{writer}"), &record]);
        server.refuses(&BOTH, &["weaker policy, not approved"]);
    }
    // Where Ana's approval is not known, Lea is asked for one.
    Forge(&server).only_log(name.rsplit_once('/').unwrap().1, &proven);
    server.signs_as("lea");
    server.begins_a_log();
    server.proof_gate(&["approve-policy", "HEAD", "-m", "They were proven elsewhere"]).ends_with(0);
    // Not as long as nobody is named who may.
    server.server_git(&["config", "--unset", "proofs.policySigners"]).ends_with(0);
    server.refuses(&BOTH, &["weaker policy, not approved", "proofs.policySigners"]);
    server.server_git(&["config", "proofs.policySigners", "../policy-signers"]).ends_with(0);
    server.takes(&BOTH);
}

#[test]
fn a_commit_without_the_teams_history_is_held_against_the_teams_policy() {
    let server = Server::new();
    server.push_logs();
    // An orphan with a policy of its own.
    server.git_ok(&["checkout", "--quiet", "--orphan", "fresh"]);
    server.write("src/payments/charge.js", "BUG\n");
    server.with_policy(&without_payment());
    server.commit("A fresh start");
    for suite in ["booking", "guardrail", "payment"] {
        server.proof_gate(&["run", "--suite", suite]).ends_with(0);
    }
    server.push_logs();
    for to in ["fresh:main", "fresh:release/z", "fresh:refs/tags/v9"] {
        server.refuses(&["--force", to], &["refused"]).says(if to.ends_with('z') { "suites.payment.run" } else { "" });
    }
    // With none, as a commit from before the gate: the default branch's rules hold, and everything is owed.
    server.remove(".proofrc.toml");
    server.write("src/payments/charge.js", "charge anew\n");
    server.commit("No policy");
    for to in ["fresh:main", "fresh:release/z"] {
        server.refuses(&["--force", to], &["no proof", "payment"]);
    }
    server.proof_gate(&["run"]).ends_with(0);
    server.push_logs();
    server.takes(&["fresh:release/z"]);
}

#[test]
fn what_got_there_unproven_is_no_base_for_what_comes_after_it() {
    let server = Server::new();
    server.push_logs();
    let unproven = server.commit_file("src/payments/charge.js", "charge worse\n");
    server.takes(&["main:scratch"]);
    // As by a merge on the forge.
    server.server_git(&["update-ref", "refs/heads/main", &unproven]).ends_with(0);
    server.commit_file("README.md", "A better shop.\n");
    server.proof_gate(&["run", "--suite", "full"]).ends_with(0);
    server.refuses(&BOTH, &["no proof  payment"]);
    server.proof_gate(&["run"]).ends_with(0);
    server.takes(&BOTH);
}

#[test]
fn a_server_whose_head_leads_nowhere_still_has_a_policy() {
    let server = Server::new();
    server.push_logs();
    for head in ["refs/heads/trunk", "refs/heads/main"] {
        server.server_git(&["symbolic-ref", "HEAD", head]).ends_with(0);
        // What was seen before may be lost; the branches are not.
        drop(std::fs::remove_file(server.folder().join("proof-gate/seen-policy.toml")));
        let nothing = SHOP_POLICY.replace("[\"main\", \"release/*\"]", "[]").replace("[\"v*\"]", "[]");
        server.with_policy(&nothing);
        server.write("src/payments/charge.js", "BUG\n");
        server.commit("Gate nothing");
        for to in ["main:main", "main:release/new", "main:refs/tags/v9"] {
            server.refuses(&[to], &["weaker policy, not approved", "gate.branches: lost 'main'"]);
        }
        server.git_ok(&["reset", "--quiet", "--hard", "HEAD^"]);
        server.takes(&["main:release/new"]);
        server.server_git(&["update-ref", "-d", "refs/heads/release/new"]).ends_with(0);
    }
    // Nor does one that is detached follow what is pushed.
    let at = server.id("main~");
    server.server_git(&["update-ref", "--no-deref", "HEAD", &at]).ends_with(0);
    server.commit_file("src/payments/charge.js", "BUG\n");
    server.refuses(&["main"], &["no proof  payment"]);
    server.takes(&["main~:main"]);
}

#[test]
fn a_default_branch_that_is_not_gated_is_no_anchor_for_those_that_are() {
    let server = Server::with_policy_of(&SHOP_POLICY.replace("[\"main\", \"release/*\"]", "[\"release/*\"]"));
    server.takes(&BOTH);
    // Ungated, and from now on the server's default policy.
    let nothing = SHOP_POLICY.replace("[\"main\", \"release/*\"]", "[]").replace("[\"v*\"]", "[]");
    server.with_policy(&nothing);
    server.commit("Gate nothing");
    server.takes(&["main"]);
    server.commit_file("src/payments/charge.js", "BUG\n");
    server.refuses(&["main:release/new"], &["gate.branches"]);
}

#[test]
fn the_first_push_to_an_empty_server_does_not_choose_what_is_gated_where_a_policy_was_named() {
    let nothing = SHOP_POLICY.replace("[\"main\", \"release/*\"]", "[]").replace("[\"v*\"]", "[]");
    let server = Server::untouched(Layout::Plain, &nothing);
    server.write_executable("policy.toml", SHOP_POLICY);
    server.sh("cd ../remote.git && proof-gate install --server --policy ../policy.toml").ends_with(0);
    server.refuses(&["main"], &["weaker policy, not approved", "gate.branches"]);
    server.with_policy(SHOP_POLICY);
    server.commit("Gate as the server does");
    server.proof_gate(&["run"]).ends_with(0);
    server.takes(&BOTH);
}

#[test]
fn a_base_that_was_made_elsewhere_under_a_weaker_policy_carries_nothing_in() {
    let server = Server::new();
    server.takes(&BOTH);
    // A clone that knows of no remote and of no record holds its policy against nothing.
    let forget = "git remote remove origin && rm -rf .git/proof-gate && \
                  git for-each-ref --format='delete %(refname)' refs/proof/ | git update-ref --stdin";
    server.sh(forget).ends_with(0);
    server.with_policy(&without_payment());
    server.commit("Ask for less");
    server.proof_gate(&["run"]).ends_with(0);
    server.commit_file("src/payments/charge.js", "BUG\n");
    server.proof_gate(&["run"]).ends_with(0);
    server.git_ok(&["remote", "add", "origin", "../remote.git"]);
    server.refuses(&BOTH, &["weaker policy, not approved"]);
    server.refuses(&["--atomic", LOGS, "main:release/new"], &["weaker policy, not approved"]);
}

#[test]
fn an_old_weaker_policy_does_not_come_back_under_a_new_name() {
    let server = Server::new();
    let stronger = SHOP_POLICY.replace("timeout = \"30s\"", "timeout = \"20s\"") + "\n[records]\nsign = \"required\"\n";
    server.takes(&BOTH);
    let old = server.id("main");
    server.git_ok(&["config", "gpg.ssh.allowedSignersFile", "../signers"]);
    server.with_policy(&stronger);
    server.commit("Ask for signatures");
    server.proof_gate(&["run"]).ends_with(0);
    server.takes(&BOTH);
    // What is on the gated line has passed under the policy of its day.
    server.git_ok(&["tag", "v1", &old]);
    server.proof_gate(&["run", "v1"]).ends_with(0);
    server.takes(&["--atomic", LOGS, "v1"]);
    server.git_ok(&["switch", "--quiet", "--detach", &old]);
    let new = server.commit_file("src/payments/charge.js", "charge as of old\n");
    server.proof_gate(&["run"]).ends_with(0);
    server.refuses(&["--atomic", LOGS, &format!("{new}:release/9")], &["weaker policy, not approved", "--replacing"]);
}

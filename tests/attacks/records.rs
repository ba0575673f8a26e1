//! Records that are not what they look like: edited, replayed, of something else, or of a shape that no record has.

use serde_json::Value;

use crate::support::{By, Forge, LOGS, SHOP_POLICY, Server, WRITER, canonical};

const BOTH: [&str; 3] = ["--atomic", LOGS, "main"];

#[test]
fn an_edited_record_counts_for_nothing_whoever_commits_it_again() {
    check(By::Nobody, "it is unsigned");
    check(By::Ssh("mallory"), "its signer is not among the allowed signers now (SHA256:");

    fn check(by: By<'_>, words: &str) {
        let server = Server::new();
        server.commit_file("src/payments/charge.js", "BUG\n");
        server.proof_gate(&["run"]).ends_with(1);
        Forge(&server).instead(by, turn_into_a_pass);
        server.refuses(&BOTH, &["no proof  payment", &format!("counts for nothing: {words}")]);
        // Alone it is let in, and nobody is noted as its signer.
        let before = server.accepted();
        server.push_logs();
        assert_eq!(server.accepted(), before);
        server.refuses(&["main"], &["no proof  payment"]);
    }
}

/// A FAIL's findings taken out of it.
fn turn_into_a_pass(statement: &mut Value) {
    let verdict = &mut statement["predicate"]["verdict"];
    verdict["verdict"] = "PASS".into();
    for suite in verdict["suites"].as_array_mut().unwrap() {
        suite["verdict"] = "PASS".into();
        suite["findings"] = Value::Array(Vec::new());
    }
}

#[test]
fn the_same_record_signed_by_somebody_on_the_list_counts() {
    let server = Server::new();
    Forge(&server).instead(By::Ssh("bo"), |_| {});
    server.takes(&BOTH);
    assert!(server.accepted().trim_end().ends_with("bo@example.org"), "{}", server.accepted());
}

#[test]
fn bytes_changed_below_a_signature_make_it_void() {
    let server = Server::new();
    let forge = Forge(&server);
    let record = forge.newest();
    let (writer, tree) = (server.log().0.rsplit_once('/').unwrap().1.to_owned(), format!("{record}^{{tree}}"));
    // Ana's signature over her commit, now over a tree in which another machine made the record.
    let mut statement = forge.statement(&record);
    statement["predicate"]["host"] = "elsewhere".into();
    let other = forge.record_tree(canonical(&statement));
    let forged = forge.object("commit", forge.text(&record).replace(&server.id(&tree), &other));
    forge.only_log(&writer, &forged);
    server.refuses(&BOTH, &["no proof  payment", "counts for nothing: its signature is not valid"]);
    forge.only_log(&writer, &record);
    server.takes(&BOTH);
}

#[test]
fn a_signed_commit_of_code_is_no_record_and_neither_is_its_signature() {
    let server = Server::new();
    let forge = Forge(&server);
    let (honest, writer) = (forge.newest(), server.log().0.rsplit_once('/').unwrap().1.to_owned());
    let statement = canonical(&forge.first_of_its_own());
    let code = forge.commit(&server.id("HEAD^{tree}"), &[], By::Ssh("ana"));
    forge.only_log(WRITER, &code);
    server.refuses(&BOTH, &["because of its records", "its tree holds something else than one file record.json"]);
    // A record in the message, as somebody who signs code may be talked into.
    let code = forge.text(&code).replace("\n\nPASS\n", &format!("\n\n{statement}"));
    forge.only_log(WRITER, &forge.object("commit", code.clone()));
    server.refuses(&BOTH, &["its tree holds something else"]);
    // The signature of the code over a record.
    let record = forge.record_tree(&statement);
    let forged = forge.object("commit", code.replace(&server.id("HEAD^{tree}"), &record));
    forge.only_log(WRITER, &forged);
    server.refuses(&BOTH, &["no proof  payment", "counts for nothing: its signature is not valid"]);
    forge.only_log(&writer, &honest);
    server.takes(&BOTH);
}

#[test]
fn a_pass_of_another_tree_is_none_whatever_subject_it_names() {
    let server = Server::new();
    let forge = Forge(&server);
    let honest = forge.newest();
    let other = forge.statement(&server.id(&format!("{honest}^")));
    let subject = forge.statement(&honest)["subject"].clone();
    forge.instead(By::Ssh("bo"), |statement| {
        statement["predicate"]["verdict"] = other["predicate"]["verdict"].clone();
        statement["subject"] = subject;
    });
    server.refuses(&BOTH, &["no proof  payment", "next: proof-gate run"]);
    forge.only_log(WRITER, &forge.record(&with_writer(&forge, &honest), &[], By::Ssh("bo")));
    server.takes(&BOTH);
}

/// What a record says, as the first of the forger's log.
fn with_writer(forge: &Forge<'_>, record: &str) -> Value {
    let mut statement = forge.statement(record);
    statement["predicate"]["writer"] = WRITER.into();
    statement["predicate"].as_object_mut().unwrap().remove("previous");
    statement
}

#[test]
fn a_pass_of_another_repository_is_none_though_its_tree_is_the_same() {
    let without_id = SHOP_POLICY.replace("[repository]\nid = \"b1946ac92492d234\"\n", "");
    assert_ne!(without_id, SHOP_POLICY);
    let server = Server::with_policy_of(&without_id);
    let forge = Forge(&server);
    let (honest, writer) = (forge.newest(), server.log().0.rsplit_once('/').unwrap().1.to_owned());
    let known = server.id(&format!("{honest}^"));
    forge.only_log(&writer, &known);
    // The same files under another root are another repository.
    let fork = forge.commit(&server.id("HEAD^{tree}"), &[], By::Nobody);
    server.proof_gate(&["run", &fork]).ends_with(0);
    server.refuses(&BOTH, &["no proof  payment"]);
    forge.only_log(&writer, &honest);
    server.takes(&BOTH);
}

#[test]
fn a_pass_of_another_suite_definition_is_none() {
    let server = Server::new();
    let run = "run = [\"sh\", \"suite.sh\", \"payment\", \"src/payments\"]\nreport = \"mocha-json\"";
    let weak = SHOP_POLICY.replace(run, "run = [\"true\"]\nreport = \"exit-code\"\nflaky = \"unobservable\"");
    assert_ne!(weak, SHOP_POLICY);
    // A commit without a policy is judged by the default branch's: in the attacker's clone by a default branch of the attacker's.
    server.git_ok(&["checkout", "--quiet", "-b", "weak"]);
    server.with_policy(&weak);
    let default = server.commit("Weaken the policy");
    server.git_ok(&["checkout", "--quiet", "main"]);
    server.remove(".proofrc.toml");
    server.commit_file("src/payments/charge.js", "charge worse\n");
    let real = server.id("origin/main");
    server.git_ok(&["update-ref", "refs/remotes/origin/main", &default]);
    server.proof_gate(&["run"]).ends_with(0);
    server.refuses(&BOTH, &["no proof", "payment"]);
    // With the real one what is proven here is what is owed there.
    server.git_ok(&["update-ref", "refs/remotes/origin/main", &real]);
    server.proof_gate(&["run"]).ends_with(0);
    server.takes(&BOTH);
}

#[test]
fn what_has_not_the_shape_of_a_record_is_not_let_in() {
    let server = Server::new();
    let forge = Forge(&server);
    let statement = forge.first_of_its_own();
    let json = canonical(&statement);
    let of_json = |json: &str| forge.commit(&forge.record_tree(json), &[], By::Ssh("bo"));
    let blob = forge.object("blob", &json);
    let of_tree = |lines: &str| forge.commit(&forge.tree(lines), &[], By::Ssh("bo"));
    let check = |words: &str, tip: &str| {
        forge.only_log(WRITER, tip);
        server.refuses(&[LOGS], &["because of its records", words]);
        server.refuses(&BOTH, &[words]);
    };

    check("is malformed: its record.json has more than 262144 bytes", &of_json(&"x".repeat(262_145)));
    check("is malformed: it is not in canonical form", &of_json(&json.replacen(',', ", ", 1)));
    check("is malformed: it is not in canonical form", &of_json(&json.replacen('{', "{ ", 1)));
    check("is malformed", &of_json(&json.replacen("\"tool\":", "\"tool\":\"x\",\"tool\":", 1)));
    check("is malformed", &of_json(&json.replacen("\"tool\":", "\"told\":1,\"tool\":", 1)));
    check("is in the format 2 of a newer proof-gate", &of_json(&json.replacen("\"format\":1", "\"format\":2", 1)));
    check("whoever keeps the server has to update", &of_json(&json.replacen("\"format\":1", "\"format\":2", 1)));
    check("is malformed", &of_json(""));
    check("is malformed", &of_json(&json[..json.len() / 2]));

    let shape = "its tree holds something else than one file record.json";
    check(shape, &of_tree(&format!("100644 blob {blob}\trecord.json\n100644 blob {blob}\trecord.txt\n")));
    check(shape, &of_tree(&format!("100755 blob {blob}\trecord.json\n")));
    check(shape, &of_tree(&format!("120000 blob {blob}\trecord.json\n")));
    check(shape, &of_tree(&format!("160000 commit {}\trecord.json\n", server.id("HEAD"))));
    check(shape, &of_tree(&format!("040000 tree {}\trecord.json\n", forge.record_tree(&json))));
    check(shape, &of_tree(&format!("100644 blob {blob}\tRecord.json\n")));
    check(shape, &of_tree(""));

    check("it is a blob", &blob);
    check("it is a tree", &forge.record_tree(&json));
    let record = of_json(&json);
    let tag = format!("object {record}\ntype commit\ntag r\ntagger A <a@b> 1 +0000\n\nx\n");
    check("it is a tag", &forge.object("tag", tag));

    forge.only_log(WRITER, &record);
    server.takes(&BOTH);
}

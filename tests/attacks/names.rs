//! Names and words that would take over a screen: in what a server says to whoever pushes, and in what `status` shows.

use crate::support::{By, Forge, LOGS, SHOP_POLICY, Server};

/// Characters that move the cursor, end a line, or turn the text around.
const HOSTILE: [char; 8] = ['\u{1b}', '\u{9b}', '\u{7}', '\u{85}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{200b}'];

#[track_caller]
fn is_harmless(said: &str) {
    let bad: Vec<char> = said.chars().filter(|c| HOSTILE.contains(c) || (c.is_control() && *c != '\n')).collect();
    assert!(bad.is_empty(), "{bad:?} in:\n{}", said.escape_debug());
}

#[test]
fn hostile_names_of_refs_are_shown_and_not_obeyed() {
    let server = Server::new();
    server.push_logs();
    server.commit_file("src/payments/charge.js", "BUG\n");
    // git itself lets no control character into a name, but all of these.
    for c in HOSTILE.into_iter().filter(|c| !c.is_ascii()) {
        let name = format!("release/a{c}ok{c}PASS");
        // What git says of its own is not the gate's to escape.
        let refused = server.refuses(&[&format!("main:refs/heads/{name}")], &["no proof", "payment"]);
        is_harmless(gates_own(&refused.stderr));
        let taken = server.takes(&[&format!("main~:refs/heads/{name}")]);
        is_harmless(gates_own(&taken.stderr));
        server.git_ok(&["branch", &name]);
    }
    is_harmless(&server.proof_gate(&["status"]).ends_with(0).stdout);
}

/// What the gate said, without what git says after it.
fn gates_own(said: &str) -> &str {
    said.split("\nTo ").next().unwrap_or_default()
}

#[test]
fn hostile_words_of_records_and_suites_are_shown_and_not_obeyed() {
    let server = Server::new();
    let forge = Forge(&server);
    let hostile: String = HOSTILE.iter().map(|c| format!("x{c}[2K\r\n")).collect();
    forge.instead(By::Ssh("mallory"), |statement| {
        statement["predicate"]["who"] = serde_json::json!({"email": hostile, "name": hostile});
        statement["predicate"]["host"] = hostile.as_str().into();
        statement["predicate"]["tool"] = hostile.as_str().into();
        statement["subject"][0]["name"] = hostile.as_str().into();
        let suites = statement["predicate"]["verdict"]["suites"].as_array_mut().unwrap();
        for suite in suites {
            suite["notes"] = serde_json::json!([hostile]);
            suite["findings"] = serde_json::json!([{"code": "TEST_FAILED", "detail": hostile, "test": hostile}]);
            suite["verdict"] = "FAIL".into();
        }
        statement["predicate"]["verdict"]["verdict"] = "FAIL".into();
        statement["predicate"]["verdict"].as_object_mut().unwrap().remove("established");
    });
    let refused = server.refuses(&["--atomic", LOGS, "main"], &["no proof  payment", "counts for nothing"]);
    is_harmless(gates_own(&refused.stderr));
    let record = server.log().1;
    for command in
        [&["status"][..], &["show", &record], &["explain", "main"], &["verify", "main"], &["checklist", &record]]
    {
        let ran = server.proof_gate(command);
        is_harmless(&ran.stdout);
        is_harmless(&ran.stderr);
    }
    // The same words signed by somebody who counts.
    server.list("signers", &["ana", "bo", "lea", "mallory"]);
    let refused = server.refuses(&["--atomic", LOGS, "main"], &["FAIL", "TEST_FAILED"]);
    is_harmless(gates_own(&refused.stderr));
}

#[test]
fn a_hostile_principal_of_the_list_is_shown_and_not_obeyed() {
    let server = Server::new();
    let hostile = "bo\u{202e}\u{9b}2K@example.org";
    let ana = format!("ana@example.org {}\n", server.public_key("ana"));
    server.write_list("signers", &format!("{ana}{hostile} {}\n", server.public_key("bo")));
    Forge(&server).instead(By::Ssh("bo"), |_| {});
    let taken = server.takes(&["--atomic", LOGS, "main"]);
    is_harmless(gates_own(&taken.stderr));
}

#[test]
fn a_policy_with_hostile_names_of_suites_is_not_read() {
    let server = Server::new();
    let named = SHOP_POLICY.replace("[suites.payment]", "[suites.\"pay\\u001B[2Kment\"]");
    assert_ne!(named, SHOP_POLICY);
    server.with_policy(&named);
    server.commit("Name a suite");
    let refused = server.refuses(&["main"], &["cannot read .proofrc.toml"]);
    is_harmless(gates_own(&refused.stderr));
}

//! Signatures by ssh keys: whose they are is said by the server's list, and by nothing that the pusher writes.

use crate::support::{Agent, By, Forge, LOGS, Server, WRITER};

const BOTH: [&str; 3] = ["--atomic", LOGS, "main"];

/// Puts the shop's newest record into a log of its own, signed by an ssh key; the commit's text may be changed afterwards.
fn forged(server: &Server, key: &str, change: impl FnOnce(String) -> String) {
    let forge = Forge(server);
    let record = forge.instead(By::Ssh(key), |_| {});
    forge.only_log(WRITER, &forge.object("commit", change(forge.text(&record))));
}

/// The header with a commit's signature.
fn signature(commit: &str) -> String {
    let start = commit.find("gpgsig ").expect("it is signed");
    let end = commit.find("-----END SSH SIGNATURE-----\n").expect("by ssh") + "-----END SSH SIGNATURE-----\n".len();
    commit[start..end].to_owned()
}

#[test]
fn a_committer_line_of_somebody_else_gives_nobody_their_name() {
    let mut server = Server::new();
    let ana = ("Ana Example", "ana@example.org");
    for role in ["AUTHOR", "COMMITTER"] {
        server.set(&format!("GIT_{role}_NAME"), ana.0);
        server.set(&format!("GIT_{role}_EMAIL"), ana.1);
    }
    forged(&server, "mallory", |text| text);
    server.refuses(&BOTH, &["no proof  payment", "its signer is not among the allowed signers now"]);
    // Bo may sign, and is the one who is named, wherever: the record and its commit both say that it was Ana.
    forged(&server, "bo", |text| text);
    assert!(Forge(&server).text(&server.log().1).contains("committer Ana Example <ana@example.org>"));
    let ran = server.takes(&BOTH).says("recorded").says("by bo@example.org");
    assert!(!ran.stderr.contains("ana@example.org"), "{}", ran.stderr);
    assert!(server.accepted().trim_end().ends_with("bo@example.org"), "{}", server.accepted());
    let list = server.root().join("signers");
    server.git_ok(&["config", "gpg.ssh.allowedSignersFile", list.to_str().unwrap()]);
    let verified = server.proof_gate(&["verify", "main", "--signed"]).ends_with(0).says("signed by bo@example.org");
    assert!(!verified.stdout.contains("ana@example.org"), "{}", verified.stdout);
}

#[test]
fn a_key_that_has_expired_signs_nothing_however_the_commit_is_dated() {
    let server = Server::new();
    let line = |until: &str| format!("bo@example.org valid-before=\"{until}\" {}\n", server.public_key("bo"));
    // The forger's commits are of 2023.
    server.write_list("signers", &line("20240101"));
    forged(&server, "bo", |text| text);
    assert!(Forge(&server).text(&server.log().1).contains("<ana@example.org> 1700000000 +0000"));
    server.refuses(&BOTH, &["no proof", "its signer is not among the allowed signers now"]);
    server.write_list("signers", &line("20990101"));
    server.write_list("signers", &(line("20990101") + &format!("ana@example.org {}\n", server.public_key("ana"))));
    server.takes(&BOTH);
}

#[test]
fn a_key_that_is_not_valid_yet_or_for_something_else_signs_nothing() {
    check("valid-after=\"20980101\"");
    check("namespaces=\"file\"");
    check("namespaces=\"git@example.org\"");

    fn check(option: &str) {
        let server = Server::new();
        let ana = format!("ana@example.org {}\n", server.public_key("ana"));
        let bo = server.public_key("bo");
        server.write_list("signers", &format!("{ana}bo@example.org {option} {bo}\n"));
        forged(&server, "bo", |text| text);
        server.refuses(&BOTH, &["no proof  payment", "counts for nothing"]);
        server.write_list("signers", &format!("{ana}bo@example.org namespaces=\"git\" {bo}\n"));
        server.takes(&BOTH);
    }
}

#[test]
fn a_revoked_key_signs_nothing() {
    let server = Server::new();
    forged(&server, "bo", |text| text);
    server.write_list("revoked", &format!("{}\n", server.public_key("bo")));
    server.server_git(&["config", "gpg.ssh.revocationFile", "../revoked"]).ends_with(0);
    server.refuses(&BOTH, &["no proof  payment", "counts for nothing: its signature is not valid"]);
    server.write_list("revoked", &format!("{}\n", server.public_key("mallory")));
    server.takes(&BOTH);
}

#[test]
fn two_signatures_are_none() {
    const SEVERAL: &str = "counts for nothing: it bears more than one signature";
    check(|text, other| text.replace("gpgsig ", &format!("{other}gpgsig ")));
    check(|text, other| text.replace("gpgsig ", &format!("{}gpgsig ", other.replace("gpgsig ", "gpgsig-sha256 "))));
    // Two armours in one header: the second is a continuation of the first.
    check(|text, other| {
        let end = " -----END SSH SIGNATURE-----\n";
        text.replacen(end, &format!("{end}{}", other.replace("gpgsig ", " ")), 1)
    });

    fn check(join: impl Fn(String, &str) -> String) {
        let server = Server::new();
        // Bo's good one and Mallory's, each over the same commit.
        forged(&server, "mallory", |text| text);
        let mallorys = signature(&Forge(&server).text(&server.log().1));
        let honest = Server::new();
        forged(&honest, "bo", |text| text);
        honest.takes(&BOTH);
        let server = Server::new();
        forged(&server, "bo", |text| join(text, &mallorys));
        server.refuses(&BOTH, &["no proof  payment", SEVERAL]);
    }
}

#[test]
fn a_signature_that_is_cut_or_of_an_unknown_kind_is_none() {
    check("its signature is of a kind that is not checked", |text| text.replace("END SSH SIGNATURE", "END SIGNATURE"));
    check("its signature is of a kind that is not checked", |text| text.replace("SSH SIGNATURE", "SIGNED MESSAGE"));
    check("its signature is not valid", |text| text.replacen("\n U1NIU0lH", "\n V1NIU0lH", 1));
    check("its signature is not valid", |text| text.replace("\n\nPASS", "\n\nPASS PASS"));
    check("it is unsigned", |text| text.replace("gpgsig ", "gpgsig2 "));

    fn check(words: &str, change: impl FnOnce(String) -> String) {
        let server = Server::new();
        forged(&server, "bo", |text| {
            let changed = change(text.clone());
            assert_ne!(changed, text, "{words}");
            changed
        });
        server.refuses(&BOTH, &["no proof  payment", words]);
        // The same without the change.
        let server = Server::new();
        forged(&server, "bo", |text| text);
        server.takes(&BOTH);
    }
}

#[test]
fn an_agent_signs_for_a_key_that_is_named_literally_and_the_list_decides() {
    let mut server = Server::new();
    let key = format!("key::{}", server.public_key("bo"));
    let _agent = Agent::holding(&mut server, "bo");
    server.git_ok(&["config", "--global", "user.signingkey", &key]);
    server.begins_a_log();
    server.commit_file("src/bookings/book.js", "book better\n");
    server.proof_gate(&["run"]).ends_with(0);
    server.list("signers", &["ana", "lea"]);
    server.refuses(&BOTH, &["no proof  booking", "its signer is not among the allowed signers now (SHA256:"]);
    server.list("signers", &["ana", "lea", "bo"]);
    server.takes(&BOTH).says("by bo@example.org");
}

#[test]
fn what_was_accepted_stays_accepted_when_its_key_leaves_the_list_and_nothing_else_does() {
    let server = Server::new();
    // Bo's record came while he was on the list, but what it proves is pushed only later.
    forged(&server, "bo", |text| text);
    server.push_logs();
    server.list("signers", &["ana", "lea"]);
    server.takes(&["main"]).says("by bo@example.org");
    // A second one of his comes too late.
    let commit = server.commit_file("src/bookings/book.js", "book better\n");
    server.signs_as("bo");
    server.begins_a_log();
    server.proof_gate(&["run"]).ends_with(0);
    server.refuses(&BOTH, &["no proof  booking", "its signer is not among the allowed signers now"]);
    // Let in by itself it counts for nothing, until he is on the list again: it never was accepted.
    let before = server.accepted();
    server.push_logs();
    assert_eq!(server.accepted(), before);
    server.refuses(&["main"], &["no proof  booking"]);
    server.list("signers", &["ana", "bo", "lea"]);
    server.takes(&["main"]);
    assert_eq!(server.remote_ref("refs/heads/main"), Some(commit));
}

#[test]
fn without_a_list_nothing_is_decided_and_the_setting_is_named() {
    let server = Server::new();
    server.server_git(&["config", "--unset", "proofs.allowedSigners"]).ends_with(0);
    server.refuses(&BOTH, &["proofs.allowedSigners is not set", "git config proofs.allowedSigners FILE"]);
    server.refuses(&["main"], &["proofs.allowedSigners is not set"]);
    // A list in the pusher's own configuration is no list of the server's.
    let list = server.root().join("signers");
    server.git_ok(&["config", "--global", "proofs.allowedSigners", list.to_str().unwrap()]);
    server.refuses(&BOTH, &["proofs.allowedSigners is not set"]);
    server.server_git(&["config", "proofs.allowedSigners", "../gone"]).ends_with(0);
    server.refuses(&BOTH, &["cannot read the allowed signers"]);
    server.server_git(&["config", "proofs.allowedSigners", "../signers"]).ends_with(0);
    server.takes(&BOTH);
}

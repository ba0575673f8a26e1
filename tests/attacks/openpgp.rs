//! Signatures by OpenPGP keys: what a keyring holds or trusts is nothing, what the server's list names whole is everything.

use crate::support::{By, Forge, Keyring, LOGS, Server, WRITER};

const BOTH: [&str; 3] = ["--atomic", LOGS, "main"];

/// The list with Ana's ssh key, who signed what stands behind, and this line.
fn list(server: &Server, line: &str) {
    server.write_list("signers", &format!("ana@example.org {}\n{line}\n", server.public_key("ana")));
}

#[test]
fn a_key_in_the_keyring_counts_only_where_the_list_names_it_whole() {
    let mut server = Server::new();
    let keys = Keyring::new(&mut server);
    let (bo, lea) = (keys.key("bo"), keys.key("lea"));
    Forge(&server).instead(By::OpenPgp(&bo), |_| {});
    // The keyring knows both, and gpg calls the signature good.
    list(&server, &format!("lea@example.org openpgp {lea}"));
    let words = format!("its signer is not among the allowed signers now ({bo}");
    server.refuses(&BOTH, &["no proof  payment", &words]);
    // A short id would let in whoever makes a key that ends like it.
    for short in [&bo[24..], &bo[32..], &bo[..39]] {
        list(&server, &format!("bo@example.org openpgp {short}"));
        server.refuses(&BOTH, &["cannot read the allowed signers", "at line 2: no whole fingerprint"]);
    }
    list(&server, &format!("bo@example.org openpgp {}", bo.to_lowercase()));
    server.takes(&BOTH).says("by bo@example.org");
    assert!(server.accepted().trim_end().ends_with("bo@example.org"));
}

#[test]
fn a_listed_key_that_the_keyring_does_not_hold_counts_for_nothing() {
    let mut server = Server::new();
    let keys = Keyring::new(&mut server);
    let bo = keys.key("bo");
    let (here, away) = (server.root().join("server-home/gnupg/pubring.kbx"), server.root().join("pubring"));
    list(&server, &format!("bo@example.org openpgp {bo}"));
    Forge(&server).instead(By::OpenPgp(&bo), |_| {});
    std::fs::rename(&here, &away).unwrap();
    server.refuses(&BOTH, &["no proof  payment", "not in gpg's keyring"]);
    std::fs::copy(&away, &here).unwrap();
    server.takes(&BOTH);
}

#[test]
fn a_revoked_key_signs_nothing() {
    let mut server = Server::new();
    let keys = Keyring::new(&mut server);
    let bo = keys.key("bo");
    list(&server, &format!("bo@example.org openpgp {bo}"));
    let record = Forge(&server).instead(By::OpenPgp(&bo), |_| {});
    let honest = Server::new();
    assert_ne!(honest.root(), server.root());
    keys.revoke(&bo);
    server
        .refuses(&BOTH, &["no proof  payment", "counts for nothing: its signature is not valid (gpg says REVKEYSIG)"]);
    // Another key of his does.
    let other = keys.key("bob");
    list(&server, &format!("bo@example.org openpgp {other}"));
    Forge(&server).only_log(WRITER, &record);
    server.refuses(&BOTH, &["no proof  payment"]);
    let statement = Forge(&server).statement(&record);
    Forge(&server).only_log(WRITER, &Forge(&server).record(&statement, &[], By::OpenPgp(&other)));
    server.takes(&BOTH);
}

#[test]
fn an_expired_key_signs_nothing_however_signature_and_commit_are_dated() {
    let mut server = Server::new();
    let keys = Keyring::new(&mut server);
    let then = "--faked-system-time=20231101T000000!";
    let (old, lasting) = (keys.key_with("bo", &[then], "1m"), keys.key_with("lea", &[then], "never"));
    let program = server.root().join("old-gpg");
    let signed_then = "#!/bin/sh\nexec gpg --faked-system-time=20231114T000000! \"$@\"\n";
    server.write_executable("old-gpg", signed_then);
    let program = format!("gpg.program={}", program.display());
    let settings = |key: &str| [program.clone(), "gpg.format=openpgp".into(), format!("user.signingkey={key}")];
    let sign = |key: &str| {
        let settings = settings(key);
        Forge(&server).instead(By::Settings(&settings.each_ref().map(String::as_str)), |_| {});
    };
    list(&server, &format!("bo@example.org openpgp {old}"));
    sign(&old);
    server
        .refuses(&BOTH, &["no proof  payment", "counts for nothing: its signature is not valid (gpg says EXPKEYSIG)"]);
    list(&server, &format!("lea@example.org openpgp {lasting}"));
    sign(&lasting);
    server.takes(&BOTH);
}

#[test]
fn two_signatures_in_one_armour_are_none() {
    let mut server = Server::new();
    let keys = Keyring::new(&mut server);
    let (bo, mallory) = (keys.key("bo"), keys.key("mallory"));
    list(&server, &format!("bo@example.org openpgp {bo}"));
    let forge = Forge(&server);
    let payload = forge.text(&forge.instead(By::Nobody, |_| {}));
    let with = |signature: &[u8]| {
        let armour = keys.armoured(signature).trim_end().replace('\n', "\n ");
        let signed = payload.replacen("\n\n", &format!("\ngpgsig {armour}\n\n"), 1);
        forge.only_log(WRITER, &forge.object("commit", signed));
    };
    let (bos, mallorys) = (keys.signature(&bo, payload.as_bytes()), keys.signature(&mallory, payload.as_bytes()));
    for both in [[&bos[..], &mallorys].concat(), [&mallorys[..], &bos].concat(), [&bos[..], &bos].concat()] {
        with(&both);
        server.refuses(&BOTH, &["no proof  payment", "counts for nothing: it bears more than one signature"]);
    }
    with(&mallorys);
    server.refuses(&BOTH, &["no proof  payment", "its signer is not among the allowed signers now"]);
    with(&bos);
    server.takes(&BOTH);
}

#[test]
fn what_no_list_can_name_is_not_checked() {
    let mut server = Server::new();
    let keys = Keyring::new(&mut server);
    let bo = keys.key("bo");
    list(&server, &format!("bo@example.org openpgp {bo}"));
    let forge = Forge(&server);
    let record = forge.instead(By::OpenPgp(&bo), |_| {});
    let text = forge.text(&record);
    for (from, to) in [("PGP SIGNATURE", "PGP MESSAGE"), ("PGP SIGNATURE", "SIGNED MESSAGE")] {
        forge.only_log(WRITER, &forge.object("commit", text.replace(from, to)));
        server.refuses(&BOTH, &["no proof  payment", "its signature is of a kind that is not checked"]);
    }
    forge.only_log(WRITER, &record);
    server.takes(&BOTH);
}

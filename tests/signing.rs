//! Records signed with git's own set-up: whose signature counts, and what is said where none can be made.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Agent, SHOP_POLICY, Sandbox};

const ANA: &str = "ana@example.org";

/// A shop whose policy asks for signatures in this way.
fn shop(sign: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&format!("{SHOP_POLICY}\n[records]\nsign = \"{sign}\"\n"));
    sandbox.commit("Say who signs");
    sandbox
}

impl Sandbox {
    /// A new ssh key; gives back its private file.
    fn ssh_key(&self, name: &str, passphrase: &str) -> PathBuf {
        let file = self.root().join("home").join(name);
        let args = format!("ssh-keygen -q -t ed25519 -C {name} -N '{passphrase}' -f '{}'", file.display());
        self.sh(&args).ends_with(0);
        file
    }

    /// Signs with ssh and this value of `user.signingkey`.
    fn signs_by_ssh(&self, key: &str) {
        self.git_ok(&["config", "gpg.format", "ssh"]);
        self.git_ok(&["config", "user.signingkey", key]);
    }

    /// Lets these ssh keys count, each by its private file.
    fn allows(&self, keys: &[(&str, &PathBuf)]) {
        let line =
            |(who, key): &(&str, &PathBuf)| format!("{who} {}", fs::read_to_string(key.with_extension("pub")).unwrap());
        fs::write(self.root().join("allowed"), keys.iter().map(line).collect::<String>()).unwrap();
        self.git_ok(&["config", "gpg.ssh.allowedSignersFile", "../allowed"]);
    }

    /// What `show --json` says of the newest record's signer.
    fn signer(&self) -> Option<String> {
        let shown = self.proof_gate(&["show", "--json"]).ends_with(0).stdout;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["signed"], !shown["signer"].is_null());
        shown["signer"].as_str().map(str::to_owned)
    }

    /// Whether the newest record's commit bears a signature.
    fn bears_a_signature(&self) -> bool {
        let record = self.git_ok(&["rev-list", "--topo-order", "--max-count=1", "--glob=refs/proof/log/*"]);
        self.git_ok(&["cat-file", "commit", record.trim()]).contains("\ngpgsig ")
    }
}

#[test]
fn without_a_key_a_record_is_unsigned_and_with_one_it_is_signed() {
    let sandbox = shop("auto");
    sandbox.proof_gate(&["run"]).ends_with(0);
    assert!(!sandbox.bears_a_signature());
    sandbox.proof_gate(&["show"]).ends_with(0).says("signed      no");
    let key = sandbox.ssh_key("key", "");
    sandbox.signs_by_ssh(key.with_extension("pub").to_str().unwrap());
    sandbox.proof_gate(&["run"]).ends_with(0);
    assert!(sandbox.bears_a_signature());
    assert_eq!(sandbox.signer(), None, "no list says whose signature counts");
    sandbox.allows(&[(ANA, &key)]);
    assert_eq!(sandbox.signer().as_deref(), Some(ANA));
    sandbox.git_ok(&["fsck", "--strict"]);
    // Whoever verifies a log need not guess where another key begins: the new one has a log of its own, which leads to the old one.
    let logs = sandbox.git_ok(&["for-each-ref", "--format=%(refname)", "refs/proof/log/"]);
    assert_eq!(logs.lines().count(), 2);
    let newest = sandbox.git_ok(&["rev-list", "--topo-order", "--max-count=1", "--glob=refs/proof/log/*"]);
    for log in logs.lines() {
        sandbox.git_ok(&["merge-base", "--is-ancestor", log, newest.trim()]);
    }
}

#[test]
fn a_policy_that_never_signs_does_not_even_with_a_key() {
    let sandbox = shop("never");
    sandbox.signs_by_ssh("/nowhere/key");
    sandbox.proof_gate(&["run"]).ends_with(0);
    assert!(!sandbox.bears_a_signature());
}

#[test]
fn where_signatures_are_required_a_proof_that_could_not_be_signed_is_not_begun() {
    let sandbox = shop("required");
    check(&sandbox, "gpg.ssh.allowedSignersFile is not set");
    let key = sandbox.ssh_key("key", "");
    let other = sandbox.ssh_key("other", "");
    sandbox.allows(&[(ANA, &other)]);
    sandbox.signs_by_ssh(key.to_str().unwrap());
    check(&sandbox, "not among the allowed signers");
    sandbox.signs_by_ssh("/nowhere/key.pub");
    check(&sandbox, "the key of git's user.signingkey is not here");
    sandbox.allows(&[(ANA, &key)]);
    sandbox.signs_by_ssh(key.to_str().unwrap());
    sandbox.proof_gate(&["run"]).ends_with(0);
    assert_eq!(sandbox.signer().as_deref(), Some(ANA));
    // The PASS counts as long as its signer does.
    sandbox.proof_gate(&["verify"]).ends_with(0).says(&format!("signed by {ANA}"));
    sandbox.git_ok(&["config", "gpg.ssh.revocationFile", "../nowhere"]);
    sandbox.proof_gate(&["verify"]).ends_with(2).says("cannot read the revoked keys").says("hint:");
    sandbox.git_ok(&["config", "--unset", "gpg.ssh.revocationFile"]);
    sandbox.allows(&[(ANA, &other)]);
    sandbox
        .proof_gate(&["verify"])
        .ends_with(1)
        .says("counts for nothing: its signer is not among the allowed signers now");

    #[track_caller]
    fn check(sandbox: &Sandbox, words: &str) {
        let (ran, suites) = sandbox.suites_of(|| sandbox.proof_gate(&["run"]));
        ran.ends_with(2).says(words).says("hint:");
        assert_eq!((suites, sandbox.records()), (Vec::new(), String::new()));
    }
}

#[test]
fn a_pass_from_before_signatures_were_required_counts_no_more() {
    let sandbox = shop("auto");
    let key = sandbox.ssh_key("key", "");
    sandbox.allows(&[(ANA, &key)]);
    sandbox.proof_gate(&["run"]).ends_with(0);
    sandbox.proof_gate(&["verify"]).ends_with(0).says("unsigned, by ana@example.org");
    sandbox.proof_gate(&["verify", "--signed"]).ends_with(1).says("counts for nothing: it is unsigned");
    sandbox.signs_by_ssh(key.to_str().unwrap());
    sandbox.proof_gate(&["run"]).ends_with(0);
    sandbox.proof_gate(&["verify", "--signed"]).ends_with(0);
}

#[test]
fn keys_of_an_agent_and_literal_keys_sign_and_a_dead_agent_is_named() {
    let mut sandbox = shop("required");
    let key = sandbox.ssh_key("key", "secret");
    sandbox.allows(&[(ANA, &key)]);
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let agent = Agent::start(&mut sandbox);
    for signing_key in [key.with_extension("pub").to_str().unwrap(), &format!("key::{}", public.trim())] {
        sandbox.signs_by_ssh(signing_key);
        agent.forget(&sandbox);
        let (ran, suites) = sandbox.suites_of(|| sandbox.proof_gate(&["run"]));
        ran.ends_with(2).says("cannot sign the record");
        assert!(suites.is_empty(), "{signing_key}");
        agent.add(&sandbox, &key, "secret");
        sandbox.proof_gate(&["run"]).ends_with(0);
        assert_eq!(sandbox.signer().as_deref(), Some(ANA), "{signing_key}");
    }
    drop(agent);
    let (ran, suites) = sandbox.suites_of(|| sandbox.proof_gate(&["run"]));
    ran.ends_with(2).says("cannot sign the record").says("ssh-add");
    assert!(suites.is_empty());
}

#[test]
fn an_openpgp_key_counts_by_its_whole_fingerprint() {
    let mut sandbox = shop("required");
    let gpg = crate::support::Gpg::new(&mut sandbox);
    let fingerprint = gpg.key(&sandbox, "Ana <ana@example.org>");
    sandbox.git_ok(&["config", "user.signingkey", &fingerprint]);
    let list = |line: &str| {
        fs::write(sandbox.root().join("allowed"), line).unwrap();
        sandbox.git_ok(&["config", "proofs.allowedSigners", "../allowed"]);
    };
    list(&format!("{ANA} openpgp {}\n", "0".repeat(40)));
    sandbox.proof_gate(&["run"]).ends_with(2).says("not among the allowed signers").says(&fingerprint);
    list(&format!("{ANA} openpgp {}\n", &fingerprint[24..]));
    sandbox.proof_gate(&["run"]).ends_with(2).says("at line 1: no whole fingerprint");
    list(&format!("{ANA} openpgp {fingerprint}\n"));
    sandbox.proof_gate(&["run"]).ends_with(0);
    assert_eq!(sandbox.signer().as_deref(), Some(ANA));
    sandbox.proof_gate(&["verify"]).ends_with(0).says(&format!("signed by {ANA}"));
}

#[test]
fn resolves_and_approvals_are_signed_and_shown_with_what_they_speak_of() {
    let sandbox = shop("required");
    let key = sandbox.ssh_key("key", "");
    sandbox.allows(&[(ANA, &key)]);
    sandbox.signs_by_ssh(key.to_str().unwrap());
    sandbox.proof_gate(&["run"]).ends_with(0);
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    let ran: Value = serde_json::from_str(&sandbox.proof_gate(&["run", "--json"]).ends_with(1).stdout).unwrap();
    let failed = ran["record"].as_str().unwrap();
    sandbox.proof_gate(&["resolve", failed, "--suite", "payment", "--cause", "the bank was down"]).ends_with(0);
    assert!(sandbox.bears_a_signature());
    let cause = "the bank was down";
    sandbox.proof_gate(&["show", failed]).ends_with(0).says(cause);
    sandbox.proof_gate(&["explain"]).ends_with(0).says(&format!("resolved by {ANA} in "));
    sandbox.proof_gate(&["verify"]).ends_with(1).says(cause);
    sandbox.git_ok(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&policy.replace("src/payments/**", "src/payments/*.js"));
    let commit = sandbox.commit("Look at less");
    sandbox.proof_gate(&["approve-policy", &commit, "-m", "nothing else is there"]).ends_with(0);
    assert!(sandbox.bears_a_signature());
    sandbox.proof_gate(&["plan"]).ends_with(0).says(&format!("by {ANA} in ")).says("nothing else is there");
    // An approval that could not be signed would let nothing weaker through: it is not recorded.
    sandbox.with_policy(&policy.replace("\"required\"", "\"auto\""));
    let commit = sandbox.commit("Sign no more");
    sandbox.git_ok(&["config", "--unset", "user.signingkey"]);
    sandbox.proof_gate(&["approve-policy", &commit, "-m", "quietly"]).ends_with(2).says("no signing key is set up");
    sandbox.proof_gate(&["plan"]).ends_with(0).says("needs approval");
}

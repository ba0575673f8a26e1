//! Logs that go to a remote and come from there: with a push, with `push`, with `sync`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Ran, SHOP_POLICY, Sandbox};

mod clones;
mod connecting;
mod many;
mod odd;

/// The shop's policy with `[records] share`.
fn policy_that_shares(word: &str) -> String {
    format!("{SHOP_POLICY}\n[records]\nshare = \"{word}\"\n")
}

impl Sandbox {
    /// The logs of a repository below the root, by ref.
    fn logs_in(&self, folder: &str) -> BTreeMap<String, String> {
        self.refs_in(folder, "refs/proof/log/")
    }

    fn refs_in(&self, folder: &str, below: &str) -> BTreeMap<String, String> {
        let listed =
            self.git_in(&self.root().join(folder), &["for-each-ref", "--format=%(refname) %(objectname)", below]);
        let lines = listed.ends_with(0).stdout;
        lines.lines().map(|line| line.split_once(' ').unwrap()).map(|(name, id)| (name.into(), id.into())).collect()
    }

    /// The one log of the shop: its ref and its end.
    fn own_log(&self) -> (String, String) {
        let logs = self.logs_in(self.shop().to_str().unwrap());
        assert_eq!(logs.len(), 1, "{logs:?}");
        logs.into_iter().next().unwrap()
    }

    /// A clone of the remote beside the shop, with the hook; from now on it is the shop.
    fn work_in_second(&mut self) {
        self.git_in(self.root(), &["clone", "--quiet", "--template=", "remote.git", "second"]).ends_with(0);
        self.work_in("second");
        self.install();
    }

    /// From now on the remote notes each ref that it is given, in order, one push a line.
    fn note_pushes(&self) {
        self.note_pushes_in("remote.git");
    }

    fn note_pushes_in(&self, remote: &str) {
        let script = "#!/bin/sh\nwhile read -r old new name; do line=\"$line $name\"; done\necho $line >>pushes\n";
        self.write_executable(format!("{remote}/hooks/post-receive"), script);
    }

    /// What was noted since it was asked last.
    fn pushes_noted(&self) -> Vec<String> {
        let path = self.root().join("remote.git/pushes");
        let noted = fs::read_to_string(&path).unwrap_or_default();
        drop(fs::remove_file(path));
        noted.lines().map(str::to_owned).collect()
    }

    /// From now on the remote refuses what begins like this.
    fn refuse_refs(&self, prefix: &str) {
        let script = format!("#!/bin/sh\ncase \"$1\" in {prefix}*) echo 'no records here' >&2; exit 1;; esac\n");
        self.write_executable("remote.git/hooks/update", script);
    }

    fn refuse_nothing(&self) {
        fs::remove_file(self.root().join("remote.git/hooks/update")).unwrap();
    }

    /// Makes a FAIL and gives back its record.
    fn fail(&self) -> String {
        self.commit_file("src/payments/charge.js", "BUG\n");
        let ran = self.proof_gate(&["run", "--suite", "payment", "--json"]).ends_with(1);
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        document["record"].as_str().unwrap().to_owned()
    }

    /// The cheapest way to one more record.
    fn record_about(&self, failed: &str, cause: &str) {
        self.proof_gate(&["resolve", failed, "--cause", cause]).ends_with(0);
    }

    /// Every cause that the logs of a repository below the root hold.
    fn causes_in(&self, folder: &str) -> Vec<String> {
        let folder = self.root().join(folder);
        let ids = self.git_in(&folder, &["rev-list", "--glob=refs/proof/log/*"]).ends_with(0).stdout;
        let names: String = ids.lines().map(|id| format!("{id}:record.json\n")).collect();
        fs::write(self.root().join("names"), names).unwrap();
        let batch = ["-c", "alias.records=!git cat-file --batch <../names", "records"];
        let all = self.git_in(&folder, &batch).ends_with(0).stdout;
        let mut causes: Vec<String> =
            all.split("\"cause\":\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
        causes.sort();
        causes
    }

    fn sync(&self, code: i32) -> Ran {
        self.proof_gate(&["sync"]).ends_with(code)
    }
}

fn remote_of(sandbox: &Sandbox) -> PathBuf {
    sandbox.root().join("remote.git")
}

#[test]
fn the_log_goes_before_the_refs_and_no_second_time() {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.note_pushes();
    sandbox.pushes(&["origin", "main"], &["booking", "full", "guardrail", "payment"]);
    let (log, tip) = sandbox.own_log();
    assert_eq!(sandbox.pushes_noted(), [log.as_str(), "refs/heads/main"]);
    assert_eq!(sandbox.logs_in("remote.git"), BTreeMap::from([(log.clone(), tip.clone())]));
    let noted = log.replace("refs/proof/", "refs/proof/remotes/origin/");
    assert_eq!(sandbox.refs_in("shop", "refs/proof/remotes/"), BTreeMap::from([(noted, tip)]));
    sandbox.pushes(&["origin", "main:release/1"], &[]);
    sandbox.push(&["--dry-run", "origin", "main:release/2"]).ends_with(0);
    assert_eq!(sandbox.pushes_noted(), ["refs/heads/release/1"]);
}

#[test]
fn a_fail_is_shared_and_an_ungated_push_shares_nothing() {
    let sandbox = Sandbox::proven_and_changed();
    sandbox.note_pushes();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.proof_gate(&["run"]).ends_with(1);
    sandbox.pushes(&["origin", "main:topic"], &[]);
    assert_eq!(sandbox.pushes_noted(), ["refs/heads/topic"]);
    sandbox.is_refused(&["origin", "main"], &[]).says("FAIL");
    let (log, tip) = sandbox.own_log();
    assert_eq!(sandbox.pushes_noted(), [log.as_str()]);
    assert_eq!(sandbox.logs_in("remote.git")[&log], tip);
}

#[test]
fn what_somebody_else_proved_is_fetched_only_where_it_is_missing_and_not_proven_again() {
    let mut sandbox = Sandbox::proven();
    let (log, tip) = sandbox.own_log();
    sandbox.work_in_second();
    // Counts who asks what the remote holds, and reaches the remote only so.
    sandbox.write_executable("upload", "#!/bin/sh\necho >>\"${0%/*}/asked\"\nexec git-upload-pack \"$@\"\n");
    let upload = sandbox.root().join("upload");
    sandbox.git_ok(&["config", "remote.origin.uploadpack", upload.to_str().unwrap()]);
    let asked = || fs::read_to_string(sandbox.root().join("asked")).unwrap_or_default().len();
    sandbox.pushes(&["origin", "main:release/1"], &[]).says("by ana@example.org");
    assert_eq!(asked(), 2, "once to list, once to fetch");
    sandbox.proof_gate(&["status"]).ends_with(0).says("PASS").says("by ana@example.org");
    let fetched = log.replace("refs/proof/", "refs/proof/remotes/origin/");
    assert_eq!(sandbox.refs_in("second", "refs/proof/"), BTreeMap::from([(fetched, tip)]));
    sandbox.pushes(&["origin", "main:release/2"], &[]);
    assert_eq!(asked(), 2, "nothing was missing");
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "main"], &["payment"]);
    assert_eq!(asked(), 3, "there was nothing new");
}

#[test]
fn a_fail_of_somebody_else_is_a_fail_here() {
    let mut sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.pushes(&["origin", "main:topic"], &[]);
    sandbox.is_refused(&["origin", "main"], &["payment"]);
    sandbox.work_in_second();
    sandbox.is_refused(&["origin", "origin/topic:main"], &[]).says("TEST_FAILED");
}

#[test]
fn on_missing_refuse_asks_the_remote_before_it_refuses() {
    let mut sandbox = Sandbox::new();
    sandbox.with_policy(&crate::support::policy_with_gate("on_missing = \"refuse\""));
    sandbox.commit("Prove beforehand");
    sandbox.install();
    sandbox.proof_gate(&["run"]).ends_with(0);
    sandbox.pushes(&["origin", "main"], &[]);
    sandbox.work_in_second();
    sandbox.pushes(&["origin", "main:release/1"], &[]);
}

#[test]
fn where_the_remote_takes_no_records_try_says_so_and_required_refuses() {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.refuse_refs("refs/proof/");
    let ran = sandbox.pushes(&["origin", "main"], &["booking", "full", "guardrail", "payment"]);
    let note = "note     the log was not shared with origin: [remote rejected] (hook declined)";
    assert_eq!(ran.says(note).stderr.matches("note ").count(), 1);
    sandbox.with_policy(&policy_that_shares("required"));
    sandbox.commit("Share or do not push");
    sandbox.proof_gate(&["run"]).ends_with(0);
    let before = sandbox.remote_refs();
    let ran = sandbox.push(&["origin", "main"]).ends_with(1);
    let ran =
        ran.says("error: push refused: the log could not be shared with origin: [remote rejected] (hook declined)");
    assert_eq!(sandbox.remote_refs(), before);
    assert!(ran.stderr.contains("hint:  when it is mended: proof-gate sync origin; then push again"), "{}", ran.stderr);
    sandbox.sync(1).says("refused").says("(this clone's)  [remote rejected] (hook declined)");
    sandbox.refuse_nothing();
    sandbox.sync(0).says("origin: no record came, 2 records went");
    sandbox.pushes(&["origin", "main"], &[]);
}

#[test]
fn a_fail_is_said_as_ever_where_required_sharing_fails_too() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&policy_that_shares("required"));
    sandbox.commit("Share or do not push");
    sandbox.install_and_prove();
    sandbox.refuse_refs("refs/proof/");
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.is_refused(&["origin", "main"], &["payment"]).says("TEST_FAILED");
}

#[test]
fn never_makes_no_connection() {
    let mut sandbox = Sandbox::new();
    sandbox.with_policy(&policy_that_shares("never"));
    sandbox.commit("Keep records here");
    sandbox.install();
    sandbox.note_pushes();
    sandbox.pushes(&["origin", "main"], &["booking", "full", "guardrail", "payment"]);
    assert_eq!(sandbox.pushes_noted(), ["refs/heads/main"]);
    sandbox.proof_gate(&["push", "origin", "main:release/1"]).ends_with(0);
    assert_eq!(sandbox.logs_in("remote.git"), BTreeMap::new());
    sandbox.sync(0).says("1 record went");
    sandbox.work_in_second();
    sandbox.pushes(&["origin", "main:release/2"], &["booking", "full", "guardrail", "payment"]);
    assert_eq!(sandbox.refs_in("second", "refs/proof/remotes/"), BTreeMap::new());
}

#[test]
fn the_push_command_shares_first_and_leaves_the_hook_nothing_to_share() {
    let sandbox = Sandbox::proven_and_changed();
    sandbox.note_pushes();
    sandbox.proof_gate(&["push", "origin", "main", "main:release/1"]).ends_with(0);
    let (log, _) = sandbox.own_log();
    assert_eq!(sandbox.pushes_noted(), [log.as_str(), "refs/heads/main refs/heads/release/1"]);
    // Without the hook it is the same.
    sandbox.proof_gate(&["uninstall"]).ends_with(0);
    sandbox.commit_file("src/payments/charge.js", "charge once more\n");
    sandbox.proof_gate(&["push", "origin", "main"]).ends_with(0);
    assert_eq!(sandbox.pushes_noted(), [log.as_str(), "refs/heads/main"]);
}

#[test]
fn sync_says_what_came_and_went_and_pushes_nothing_where_nothing_is_lacking() {
    let mut sandbox = Sandbox::proven();
    let failed = sandbox.fail();
    sandbox.git_ok(&["push", "--quiet", "origin", "main:topic"]);
    sandbox.record_about(&failed, "outage");
    sandbox.sync(0).says("proof-gate: origin: no record came, 2 records went");
    sandbox.sync(0).says("proof-gate: origin: no record came, no record went");
    sandbox.work_in_second();
    // A token that may only read.
    sandbox.git_ok(&["config", "remote.origin.receivepack", "false"]);
    sandbox.sync(0).says("proof-gate: origin: 3 records came, no record went");
    sandbox.proof_gate(&["show", &failed]).ends_with(0).says("FAIL");
    sandbox.sync(0).says("proof-gate: origin: no record came, no record went");
    sandbox.record_about(&failed, "another outage");
    sandbox.proof_gate(&["sync", "origin"]).ends_with(2).says("cannot exchange records with origin: ");
    sandbox.git_ok(&["config", "--unset", "remote.origin.receivepack"]);
    sandbox.proof_gate(&["sync", "../remote.git"]).ends_with(0).says("1 record went");
}

#[test]
fn sync_takes_the_remote_that_git_would_take() {
    let sandbox = Sandbox::proven();
    let add = |name: &str| {
        let folder = format!("{name}.git");
        sandbox.git_in(sandbox.root(), &["init", "--quiet", "--bare", "--template=", &folder]).ends_with(0);
        sandbox.git_ok(&["remote", "add", name, &format!("../{folder}")]);
    };
    sandbox.sync(0).says("proof-gate: origin: ");
    sandbox.git_ok(&["remote", "rename", "origin", "upstream"]);
    sandbox.sync(0).says("proof-gate: upstream: ").says("no record went");
    add("backup");
    sandbox.proof_gate(&["sync"]).ends_with(2).says("cannot find the remote 'origin'").says("hint:  'git remote -v'");
    sandbox.git_ok(&["config", "branch.main.remote", "backup"]);
    sandbox.sync(0).says("proof-gate: backup: no record came, 1 record went");
}

#[test]
fn sync_completes_the_logs_of_others_that_a_remote_lacks() {
    let mut sandbox = Sandbox::proven();
    let (log, tip) = sandbox.own_log();
    sandbox.work_in_second();
    sandbox.git_in(sandbox.root(), &["init", "--quiet", "--bare", "--template=", "backup.git"]).ends_with(0);
    sandbox.git_ok(&["remote", "add", "backup", "../backup.git"]);
    sandbox.proof_gate(&["sync", "origin"]).ends_with(0);
    sandbox.proof_gate(&["sync", "backup"]).ends_with(0).says("backup: no record came, 1 record went");
    assert_eq!(sandbox.logs_in("backup.git"), BTreeMap::from([(log, tip)]));
}

#[test]
fn both_of_two_push_urls_get_the_log() {
    let sandbox = Sandbox::proven_and_changed();
    sandbox.git_in(sandbox.root(), &["init", "--quiet", "--bare", "--template=", "backup.git"]).ends_with(0);
    sandbox.git_ok(&["remote", "set-url", "--add", "--push", "origin", "../remote.git"]);
    sandbox.git_ok(&["remote", "set-url", "--add", "--push", "origin", "../backup.git"]);
    sandbox.push(&["origin", "main"]).ends_with(0);
    let (log, tip) = sandbox.own_log();
    let both = || ["remote.git", "backup.git"].map(|remote| sandbox.logs_in(remote).get(&log).cloned());
    assert_eq!(both(), [Some(tip.clone()), Some(tip)]);
    sandbox.commit_file("src/payments/charge.js", "charge again\n");
    sandbox.proof_gate(&["push", "origin", "main"]).ends_with(0);
    let tip = sandbox.own_log().1;
    assert_eq!(both(), [Some(tip.clone()), Some(tip)]);
    let failed = sandbox.fail();
    sandbox.record_about(&failed, "outage");
    sandbox.sync(0);
    let tip = sandbox.own_log().1;
    assert_eq!(both(), [Some(tip.clone()), Some(tip)]);
}

#[test]
fn a_url_that_is_set_anew_is_another_place() {
    let sandbox = Sandbox::proven();
    sandbox.git_in(sandbox.root(), &["init", "--quiet", "--bare", "--template=", "backup.git"]).ends_with(0);
    sandbox.git_ok(&["remote", "set-url", "origin", "../backup.git"]);
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert_eq!(sandbox.logs_in("backup.git"), sandbox.logs_in("remote.git"));
}

#[test]
fn a_mirror_is_pushed_to_like_any_remote() {
    let sandbox = Sandbox::proven();
    sandbox.git_in(sandbox.root(), &["init", "--quiet", "--bare", "--template=", "backup.git"]).ends_with(0);
    sandbox.git_ok(&["remote", "add", "--mirror=push", "backup", "../backup.git"]);
    let (log, tip) = sandbox.own_log();
    let ran = sandbox.push(&["backup"]).ends_with(0);
    assert!(!ran.stderr.contains("note"), "{}", ran.stderr);
    assert_eq!(sandbox.logs_in("backup.git")[&log], tip);
    // A log that git itself pushes is not moved under its hands; what is recorded meanwhile goes with the next push.
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.proof_gate(&["run"]).ends_with(0);
    sandbox.commit_file("src/payments/charge.js", "charge best\n");
    let ran = sandbox.push(&["backup"]).ends_with(0);
    ran.says("was not shared with backup: this push takes it along as it was before");
    assert_eq!(sandbox.refs_in("backup.git", "refs/heads/")["refs/heads/main"], sandbox.id("main"));
    sandbox.proof_gate(&["sync", "backup"]).ends_with(0).says("1 record went");
    assert_eq!(sandbox.logs_in("backup.git")[&log], sandbox.own_log().1);
    sandbox.push(&["backup"]).ends_with(0);
}

fn write_fake_ssh(sandbox: &Sandbox) -> PathBuf {
    let path = Path::new("ssh");
    // The last argument is what the server is to run.
    sandbox.write_executable(
        path,
        "#!/bin/sh\necho >>\"${0%/*}/connections\"\nfor word; do :; done\nexec sh -c \"$word\"\n",
    );
    sandbox.root().join(path)
}

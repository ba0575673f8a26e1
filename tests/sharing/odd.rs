//! Remotes that lose logs, put them back, write them anew, or hold what is none.

use std::collections::BTreeMap;

use super::remote_of;
use crate::support::Sandbox;

/// A shop with three records that are shared.
fn shared() -> (Sandbox, String, String) {
    let sandbox = Sandbox::proven();
    let failed = sandbox.fail();
    sandbox.record_about(&failed, "outage");
    sandbox.sync(0);
    let (log, tip) = sandbox.own_log();
    (sandbox, log, tip)
}

#[test]
fn a_log_that_went_away_or_back_is_told_and_put_there_again() {
    let (mut sandbox, log, tip) = shared();
    sandbox.work_in_second();
    sandbox.sync(0).says("3 records came");
    let remote = remote_of(&sandbox);
    sandbox.git_in(&remote, &["update-ref", "-d", &log]).ends_with(0);
    sandbox.sync(0).says("no record came, 3 records went").says("odd").says("it is not there any more");
    assert_eq!(sandbox.logs_in("remote.git"), BTreeMap::from([(log.clone(), tip.clone())]));
    sandbox.git_in(&remote, &["update-ref", &log, &format!("{tip}~1")]).ends_with(0);
    sandbox.sync(0).says("no record came, 1 record went").says("it ends earlier there than it did");
    assert_eq!(sandbox.logs_in("remote.git"), BTreeMap::from([(log, tip)]));
    let ran = sandbox.sync(0).says("no record came, no record went");
    assert!(!ran.stderr.contains("odd"), "{}", ran.stderr);
}

#[test]
fn a_log_that_was_written_anew_is_told_and_what_was_known_is_kept() {
    let (mut sandbox, log, tip) = shared();
    sandbox.work_in_second();
    sandbox.sync(0);
    let remote = remote_of(&sandbox);
    sandbox.git_in(&remote, &["update-ref", &log, "refs/heads/main"]).ends_with(0);
    sandbox.sync(0).says("odd").says("it was written anew there; what was known of it is kept");
    let fetched = log.replace("refs/proof/", "refs/proof/remotes/origin/");
    assert_eq!(sandbox.refs_in("second", "refs/proof/remotes/"), BTreeMap::from([(fetched, tip)]));
}

#[test]
fn this_clones_own_log_that_was_written_anew_over_there_goes_on_under_a_new_name() {
    let (sandbox, log, _) = shared();
    let remote = remote_of(&sandbox);
    sandbox.git_in(&remote, &["update-ref", &log, "refs/heads/main"]).ends_with(0);
    let failed = sandbox.git_ok(&["rev-parse", &format!("{log}~1")]).trim_end().to_owned();
    sandbox.record_about(&failed, "one more");
    sandbox.pushes(&["origin", "origin/main:refs/heads/release/1"], &[]);
    assert_eq!(sandbox.logs_in("remote.git").len(), 2);
    let causes = sandbox.causes_of_log("remote.git", &log);
    assert_eq!(causes, ["one more", "one more", "outage"]);
}

impl Sandbox {
    /// The causes in all logs but one, which holds no records.
    fn causes_of_log(&self, folder: &str, but: &str) -> Vec<String> {
        self.git_in(&self.root().join(folder), &["update-ref", "-d", but]).ends_with(0);
        self.causes_in(folder)
    }
}

#[test]
fn what_is_no_log_over_there_is_neither_believed_nor_an_obstacle() {
    let (mut sandbox, log, tip) = shared();
    let remote = remote_of(&sandbox);
    let blob = sandbox.git_in(&remote, &["rev-parse", "main:README.md"]).ends_with(0).stdout;
    for (name, id) in [
        // Somebody else's log under another name, code, a blob, and names that are no writer's.
        ("refs/proof/log/00000000000000aa", tip.as_str()),
        ("refs/proof/log/00000000000000bb", "refs/heads/main"),
        ("refs/proof/log/00000000000000cc", blob.trim_end()),
        ("refs/proof/log/00000000000000DD", tip.as_str()),
        ("refs/proof/log/a/00000000000000ee", tip.as_str()),
        ("refs/proof/log/$(touch)", tip.as_str()),
        ("refs/proof/logs/00000000000000ff", tip.as_str()),
    ] {
        sandbox.git_in(&remote, &["update-ref", name, id]).ends_with(0);
    }
    sandbox.work_in_second();
    sandbox.sync(0).says("3 records came, no record went");
    let fetched: Vec<String> = sandbox.refs_in("second", "refs/proof/remotes/").into_keys().collect();
    let mut expected: Vec<String> =
        ["aa", "bb", "cc"].map(|name| format!("refs/proof/remotes/origin/log/00000000000000{name}")).into();
    expected.push(log.replace("refs/proof/", "refs/proof/remotes/origin/"));
    expected.sort();
    assert_eq!(fetched, expected);
    sandbox.proof_gate(&["status"]).ends_with(0).says("PASS").says("ignored");
    sandbox.pushes(&["origin", "main:release/1"], &[]);
}

#[test]
fn remotes_with_odd_names_get_the_log_too() {
    let sandbox = Sandbox::proven();
    let line = sandbox.line("main", "refs/heads/release/1");
    for (number, name) in
        ["log", "url-1", "a/log/b", "../../heads/main", "x.lock", "caf\u{e9}", "-x", "a b", "refs/heads/main", "@{u}"]
            .into_iter()
            .enumerate()
    {
        let folder = format!("odd{number}.git");
        sandbox.git_in(sandbox.root(), &["init", "--quiet", "--bare", "--template=", &folder]).ends_with(0);
        sandbox.write_executable("lines", &line);
        let ran = sandbox.sh(&format!("proof-gate hook pre-push '{name}' ../{folder} <../lines")).ends_with(0);
        assert!(!ran.stderr.contains("note"), "{name}: {}", ran.stderr);
        assert_eq!(sandbox.logs_in(&folder), sandbox.logs_in("shop"), "{name}");
    }
    assert_eq!(sandbox.git_ok(&["for-each-ref", "--format=%(refname)", "refs/heads/"]), "refs/heads/main\n");
    let folders = sandbox.refs_in("shop", "refs/proof/remotes/");
    assert_eq!(folders.len(), 11, "{folders:?}");
}

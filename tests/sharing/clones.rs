//! Clones of every kind, copies, restored backups; and who does not use the gate.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Fingerprint, Layout, Sandbox};

/// Records go and come in a clone that is made like this; everything else stays as it was.
#[track_caller]
fn check(layout: Layout, options: &[&str]) {
    let mut sandbox = Sandbox::with(layout);
    sandbox.git_in(&sandbox.root().join("remote.git"), &["config", "uploadpack.allowFilter", "true"]).ends_with(0);
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.install_and_prove();
    let failed = sandbox.fail();
    sandbox.pushes(&["origin", "main:topic"], &[]);
    sandbox.record_about(&failed, "theirs");
    sandbox.sync(0);
    let remote = format!("file://{}", sandbox.root().join("remote.git").display());
    let args = [&["clone", "--quiet", "--template="], options, &[&remote, "second"]].concat();
    sandbox.git_in(sandbox.root(), &args).ends_with(0);
    sandbox.work_in("second");
    sandbox.install();
    // A cause is given for what is here.
    sandbox.git_ok(&["fetch", "--quiet", "--depth=1", "origin", "topic"]);
    let shape = || {
        let shallow = fs::read(sandbox.common_dir().join("shallow")).ok();
        (Fingerprint::of(&sandbox).without("refs/remotes/"), shallow)
    };
    let before = shape();
    sandbox.sync(0).says("3 records came");
    assert_eq!(shape(), before);
    // Whole, whatever a partial clone leaves out: nothing is fetched when they are read.
    sandbox.git_ok(&["remote", "set-url", "origin", "../nowhere.git"]);
    assert_eq!(
        sandbox.git_ok(&["rev-list", "--objects", "--missing=print", "--glob=refs/proof/*"]).matches('?').count(),
        0
    );
    sandbox.proof_gate(&["show", &failed]).ends_with(0).says("FAIL");
    sandbox.git_ok(&["remote", "set-url", "origin", &remote]);
    sandbox.pushes(&["origin", "main:release/1"], &[]);
    sandbox.record_about(&failed, "mine");
    sandbox.pushes(&["origin", "main:release/2"], &[]);
    assert_eq!(shape(), before);
    assert_eq!(sandbox.causes_in("remote.git"), ["mine", "theirs"]);
}

#[test]
fn records_go_and_come_in_a_shallow_clone() {
    check(Layout::Plain, &["--depth", "1"]);
}

#[test]
fn records_go_and_come_in_a_partial_clone() {
    check(Layout::Plain, &["--filter=blob:none"]);
}

#[test]
fn records_go_and_come_with_sha256_objects() {
    check(Layout::Sha256, &[]);
}

#[test]
fn records_go_and_come_with_a_reftable() {
    check(Layout::Reftable, &["--ref-format=reftable"]);
}

#[test]
fn records_go_and_come_in_a_linked_work_tree() {
    let mut sandbox = Sandbox::proven();
    let remote = sandbox.root().join("remote.git");
    sandbox.git_ok(&["remote", "set-url", "origin", remote.to_str().unwrap()]);
    fs::create_dir(sandbox.root().join("deeper")).unwrap();
    sandbox.git_ok(&["worktree", "add", "--quiet", "-b", "second", "../deeper/second"]);
    sandbox.work_in("deeper/second");
    sandbox.commit_file("src/payments/charge.js", "charge there\n");
    sandbox.pushes(&["origin", "second:main"], &["payment"]);
    assert_eq!(sandbox.logs_in("remote.git"), sandbox.logs_in("shop"));
    sandbox.proof_gate(&["sync", "origin"]).ends_with(0).says("no record went");
}

/// What git shows somebody who clones, fetches and pulls; and everything that is in the clone afterwards.
fn as_seen_without_the_gate(sandbox: &mut Sandbox) -> (String, Fingerprint, Vec<String>) {
    let mut said = String::new();
    // Over a protocol: by a path git copies the whole object store.
    let remote = format!("file://{}", sandbox.root().join("remote.git").display());
    let clone = sandbox.git_in(sandbox.root(), &["clone", "--template=", &remote, "visitor"]).ends_with(0);
    said.push_str(&format!("{}{}", clone.stdout, clone.stderr));
    let home = sandbox.shop();
    sandbox.commit_file("docs/a.md", "a\n");
    sandbox.git_ok(&["push", "--quiet", "--no-verify", "origin", "main"]);
    sandbox.work_in("visitor");
    for args in [
        &["fetch"][..],
        &["pull"],
        &["fetch", "--all", "--tags", "--prune"],
        &["remote", "show", "origin"],
        &["status"],
        &["log", "--all", "--oneline"],
    ] {
        let ran = sandbox.git(args).ends_with(0);
        said.push_str(&format!("{args:?}\n{}{}", ran.stdout, ran.stderr));
    }
    let objects = sandbox.git_ok(&["cat-file", "--batch-all-objects", "--batch-check"]);
    let seen = (said, Fingerprint::of(sandbox), objects.lines().map(str::to_owned).collect());
    sandbox.work_in(home);
    seen
}

#[test]
fn who_does_not_use_the_gate_sees_nothing_of_the_records() {
    let mut with = Sandbox::proven();
    assert_eq!(with.logs_in("remote.git").len(), 1);
    let mut without = Sandbox::new();
    without.git_ok(&["push", "--quiet", "origin", "main"]);
    let root = without.root().to_str().unwrap().to_owned();
    let (said, print, objects) = as_seen_without_the_gate(&mut with);
    let (plain_said, plain_print, plain_objects) = as_seen_without_the_gate(&mut without);
    let said = said.replace(with.root().to_str().unwrap(), &root);
    assert_eq!((said, objects), (plain_said, plain_objects));
    // The configuration names the folder, the index holds times, the log of HEAD both.
    let comparable = |print: Fingerprint| {
        [".git/config", ".git/index", ".git/FETCH_HEAD", ".git/hooks", ".git/ORIG_HEAD", "work tree"]
            .iter()
            .fold(print, |print, name| print.without(name))
    };
    assert_eq!(comparable(print), comparable(plain_print));
    let fetched = |sandbox: &Sandbox, name: &str| {
        let text = fs::read_to_string(sandbox.root().join("visitor/.git").join(name)).unwrap();
        text.replace(sandbox.root().to_str().unwrap(), "")
    };
    for name in ["FETCH_HEAD", "config", "HEAD"] {
        assert_eq!(fetched(&with, name), fetched(&without, name), "{name}");
    }
}

#[test]
fn a_copied_clone_takes_a_name_of_its_own_and_loses_nothing() {
    let mut sandbox = Sandbox::proven();
    let failed = sandbox.fail();
    sandbox.record_about(&failed, "before");
    sandbox.sh("cp -r ../shop ../copy").ends_with(0);
    sandbox.record_about(&failed, "here");
    sandbox.work_in("copy");
    sandbox.record_about(&failed, "there");
    sandbox.sync(0).says("3 records went");
    sandbox.work_in("shop");
    sandbox.sync(0).says("1 record came, 1 record went");
    assert_eq!(sandbox.causes_in("remote.git"), ["before", "here", "there"]);
    assert_eq!(sandbox.logs_in("remote.git").len(), 2);
    assert_eq!(sandbox.proof_gate(&["status"]).ends_with(0).stderr.matches("ignored").count(), 0);
}

/// The shop, put back to what it was before a record that was shared since.
fn restored() -> (Sandbox, String, String) {
    let sandbox = Sandbox::proven();
    let failed = sandbox.fail();
    sandbox.sync(0);
    let (log, tip) = sandbox.own_log();
    let noted = sandbox.refs_in("shop", "refs/proof/remotes/");
    let index = fs::read(sandbox.common_dir().join("proof-gate/index")).unwrap();
    sandbox.record_about(&failed, "shared before the disk broke");
    sandbox.sync(0);
    sandbox.git_ok(&["update-ref", &log, &tip]);
    for (name, id) in noted {
        sandbox.git_ok(&["update-ref", &name, &id]);
    }
    fs::write(sandbox.common_dir().join("proof-gate/index"), index).unwrap();
    sandbox.note_pushes();
    (sandbox, failed, log)
}

#[test]
fn a_restored_backup_goes_on_under_a_new_name_and_loses_nothing() {
    let (sandbox, failed, log) = restored();
    let old = sandbox.logs_in("remote.git");
    sandbox.record_about(&failed, "made after the restore");
    sandbox.pushes(&["origin", "origin/main:refs/heads/release/1"], &[]);
    assert_eq!(
        sandbox.causes_in("remote.git"),
        ["made after the restore", "made after the restore", "shared before the disk broke"]
    );
    let new = sandbox.logs_in("remote.git");
    assert_eq!((new.len(), &new[&log]), (2, &old[&log]));
    // From here on all is as ever.
    sandbox.pushes_noted();
    sandbox.record_about(&failed, "one more");
    sandbox.pushes(&["origin", "origin/main:refs/heads/release/2"], &[]);
    assert_eq!(sandbox.pushes_noted().len(), 2);
    sandbox.sync(0).says("no record came, no record went");
}

#[test]
fn a_restored_backup_is_noticed_by_sync_too() {
    let (sandbox, failed, log) = restored();
    sandbox.record_about(&failed, "made after the restore");
    sandbox.sync(0).says("1 record came, 2 records went");
    assert_eq!(sandbox.logs_in("remote.git").len(), 2);
    assert!(sandbox.logs_in("remote.git").contains_key(&log));
    sandbox.sync(0).says("no record came, no record went");
}

#[test]
fn a_restored_backup_with_nothing_new_has_nothing_to_share() {
    let (sandbox, failed, log) = restored();
    // The ref as it is noted is gone with the rest.
    sandbox.pushes(&["origin", "origin/main:refs/heads/release/1"], &[]);
    sandbox.sync(0).says("1 record came, no record went");
    assert_eq!(sandbox.logs_in("remote.git").len(), 1);
    sandbox.record_about(&failed, "later");
    sandbox.sync(0).says("1 record went");
    let logs: BTreeMap<_, _> = sandbox.logs_in("remote.git");
    assert_eq!(logs.len(), 2);
    assert!(logs.contains_key(&log));
}

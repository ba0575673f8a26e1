//! Clones that hold less than everything: shallow, partial, or with objects that lie elsewhere.

use std::fs;

use super::{ALL, check_payment_is_gated};
use crate::support::{SHOP_POLICY, Sandbox};

/// The shop's policy, but records stay in the clone that made them: a clone that knows of no proof is what these tests are about.
fn policy_without_sharing() -> String {
    format!("{SHOP_POLICY}\n[records]\nshare = \"never\"\n")
}

/// A shop with that policy whose `main` was proven and pushed.
fn proven() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&policy_without_sharing());
    sandbox.commit("Keep records here");
    sandbox.install_and_prove();
    sandbox
}

impl Sandbox {
    /// From now on the shop is a clone of the remote, with the hook and none of the records.
    #[track_caller]
    fn work_in_clone(&mut self, options: &[&str]) {
        let remote = format!("file://{}", self.root().join("remote.git").display());
        let args = [&["clone", "--quiet", "--template="], options, &[&remote, "clone"]].concat();
        self.git_in(self.root(), &args).ends_with(0);
        self.work_in("clone");
        self.install();
    }
}

#[test]
fn a_shallow_clone_without_an_established_ancestor_owes_every_suite_and_says_why() {
    let mut sandbox = proven();
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.pushes(&["origin", "main"], &["full"]);
    sandbox.work_in_clone(&["--depth", "1"]);
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    let plan =
        sandbox.proof_gate(&["plan"]).ends_with(0).says("the clone is shallow and hides where the changes begin");
    assert!(ALL.iter().all(|suite| plan.stdout.contains(suite)), "{}", plan.stdout);
    sandbox.is_refused(&["origin", "main"], ALL).says("FAIL  full payment");
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "main"], ALL).says("PASS  ");
    // From here on there is an established ancestor in sight.
    sandbox.commit_file("src/bookings/book.js", "book better\n");
    sandbox.pushes(&["origin", "main"], &["booking"]).says("PASS  booking");
}

#[test]
fn a_shallow_clone_that_cannot_name_the_repository_is_refused_with_the_way_on() {
    let mut sandbox = Sandbox::new();
    sandbox.with_policy(&policy_without_sharing().replace("[repository]\nid = \"b1946ac92492d234\"\n", ""));
    sandbox.commit("Name no repository");
    sandbox.install_and_prove();
    sandbox.work_in_clone(&["--depth", "1"]);
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    let ran = sandbox.is_not_decided(&["origin", "main"]);
    ran.says("cannot name the repository: the clone is shallow").says("hint:  git fetch --unshallow");
    sandbox.proof_gate(&["run"]).ends_with(2).says("git fetch --unshallow");
    sandbox.git_ok(&["fetch", "--quiet", "--unshallow"]);
    sandbox.pushes(&["origin", "main"], ALL).says("PASS  ");
}

/// A remote that serves partial clones, with a branch that nobody checks out.
fn shop_with_branch() -> Sandbox {
    let sandbox = proven();
    let remote = sandbox.root().join("remote.git");
    sandbox.git_in(&remote, &["config", "uploadpack.allowFilter", "true"]).ends_with(0);
    sandbox.git_ok(&["checkout", "--quiet", "-b", "side"]);
    sandbox.commit_file("src/payments/charge.js", "charge elsewhere\n");
    sandbox.pushes(&["origin", "side"], &[]);
    sandbox
}

#[test]
fn a_partial_clone_is_gated_where_the_commits_files_are_here() {
    let mut sandbox = shop_with_branch();
    sandbox.work_in_clone(&["--filter=blob:none"]);
    sandbox.proof_gate(&["run"]).ends_with(0);
    check_payment_is_gated(&sandbox);
}

/// A push of what a partial clone left out: refused by the object's id, and the command that is named brings it.
#[track_caller]
fn check_partial_clone(filter: &str, missing: &str, words: &str) {
    let mut sandbox = shop_with_branch();
    let missing = sandbox.id(missing);
    sandbox.work_in_clone(&[filter]);
    let ran = sandbox.is_not_decided(&["origin", "origin/side:refs/heads/release/1"]);
    let ran = ran.says(&words.replace("MISSING", &missing));
    let way_on = ran.stderr.split('\'').find(|words| words.starts_with("git fetch")).expect("the way on is named");
    sandbox.sh(way_on).ends_with(0);
    sandbox.pushes(&["origin", "origin/side:refs/heads/release/1"], ALL).says("PASS  ");
}

#[test]
fn a_partial_clone_without_blobs_is_refused_by_the_file_that_is_not_here() {
    let words = "cannot check out src/payments/charge.js: its content MISSING is not here";
    check_partial_clone("--filter=blob:none", "side:src/payments/charge.js", words);
}

#[test]
fn a_partial_clone_without_trees_is_refused_by_the_tree_that_is_not_here() {
    let words = "cannot read the object MISSING: it is not in this repository";
    check_partial_clone("--filter=tree:0", "side^{tree}", words);
}

#[test]
fn a_partial_clone_without_trees_is_gated_where_the_commits_files_are_here() {
    let mut sandbox = shop_with_branch();
    sandbox.work_in_clone(&["--filter=tree:0"]);
    sandbox.proof_gate(&["run"]).ends_with(0);
    check_payment_is_gated(&sandbox);
}

/// A clone that borrows the objects of another repository beside it.
#[track_caller]
fn check_borrowed_objects(alternates: Option<&str>) {
    let mut sandbox = proven();
    sandbox.git_in(sandbox.root(), &["clone", "--quiet", "--template=", "--shared", "shop", "clone"]).ends_with(0);
    sandbox.work_in("clone");
    let file = sandbox.git_dir().join("objects/info/alternates");
    assert!(fs::read_to_string(&file).unwrap().starts_with('/'));
    if let Some(text) = alternates {
        fs::write(&file, text).unwrap();
    }
    sandbox.git_ok(&["remote", "set-url", "origin", "../remote.git"]);
    sandbox.install();
    sandbox.proof_gate(&["run"]).ends_with(0);
    check_payment_is_gated(&sandbox);
}

#[test]
fn a_clone_that_shares_objects_is_gated() {
    check_borrowed_objects(None);
}

#[test]
fn a_clone_that_shares_objects_by_a_relative_path_is_gated() {
    check_borrowed_objects(Some("../../../shop/.git/objects\n"));
}

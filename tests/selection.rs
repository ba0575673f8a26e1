//! From a push to the suites it owes: which base, which paths, which suites.

use crate::support::{Layout, Ran, Sandbox};

const ALL: [&str; 4] = ["booking", "full", "guardrail", "payment"];

// The base is what was proven, not what the remote holds.

#[test]
fn the_first_push_proves_everything() {
    for layout in [Layout::Plain, Layout::Sha256] {
        let sandbox = Sandbox::with(layout);
        sandbox.install();
        sandbox.pushes(&["origin", "main"], &ALL);
    }
}

#[test]
fn an_unproven_commit_that_got_onto_the_remote_is_owed_by_the_next_push() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.push(&["--no-verify", "origin", "main"]).ends_with(0);
    sandbox.commit_file("README.md", "A better shop.\n");
    let refusal = sandbox.is_refused(&["origin", "main"], &["full", "payment"]);
    refusal.says("payment  TEST_FAILED").says("2 paths");
}

/// Merges a payment change on the remote's side, by a clone without a gate, as a forge does. The shop has fetched it.
fn merge_elsewhere(sandbox: &Sandbox) {
    let clone = sandbox.root().join("clone");
    sandbox.git_in(sandbox.root(), &["clone", "--quiet", "remote.git", "clone"]).ends_with(0);
    let git = |args: &[&str]| drop(sandbox.git_in(&clone, args).ends_with(0));
    git(&["checkout", "--quiet", "-b", "feature"]);
    std::fs::write(clone.join("src/payments/charge.js"), "charge elsewhere\n").unwrap();
    git(&["commit", "--quiet", "--all", "-m", "Charge elsewhere"]);
    git(&["checkout", "--quiet", "main"]);
    git(&["merge", "--quiet", "--no-ff", "-m", "Merge the feature", "feature"]);
    git(&["push", "--quiet", "origin", "main"]);
    sandbox.git_ok(&["pull", "--quiet", "--ff-only", "origin", "main"]);
}

#[test]
fn a_merge_made_elsewhere_is_owed_by_the_next_push() {
    let sandbox = Sandbox::proven();
    merge_elsewhere(&sandbox);
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.pushes(&["origin", "main"], &["full", "payment"]);
}

#[test]
fn a_release_branch_from_a_merge_made_elsewhere_owes_its_suites() {
    let sandbox = Sandbox::proven();
    merge_elsewhere(&sandbox);
    sandbox.pushes(&["origin", "main:release/1.4"], &["payment"]).says("PASS  payment");
}

#[test]
fn a_docs_branch_that_merged_a_newer_proven_main_owes_docs_only() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["checkout", "--quiet", "-b", "docs"]);
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.git_ok(&["checkout", "--quiet", "main"]);
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "main"], &["payment"]);
    sandbox.git_ok(&["checkout", "--quiet", "docs"]);
    sandbox.git_ok(&["merge", "--quiet", "--no-edit", "main"]);
    sandbox.pushes(&["origin", "docs:release/docs"], &["full"]);
}

#[test]
fn a_docs_branch_that_merged_an_unproven_main_owes_what_that_changed() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["checkout", "--quiet", "-b", "docs"]);
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.git_ok(&["checkout", "--quiet", "main"]);
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.git_ok(&["checkout", "--quiet", "docs"]);
    sandbox.git_ok(&["merge", "--quiet", "--no-edit", "main"]);
    sandbox.pushes(&["origin", "docs:release/docs"], &["full", "payment"]);
}

#[test]
fn a_merge_of_two_proven_lines_owes_what_differs_from_either() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["checkout", "--quiet", "-b", "release/b"]);
    sandbox.commit_file("src/bookings/book.js", "book better\n");
    sandbox.pushes(&["origin", "release/b"], &["booking"]);
    sandbox.git_ok(&["checkout", "--quiet", "main"]);
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "main"], &["payment"]);
    sandbox.git_ok(&["merge", "--quiet", "--no-edit", "release/b"]);
    sandbox.pushes(&["origin", "main"], &["booking", "payment"]);
}

// Tags.

#[test]
fn a_tag_on_a_commit_that_is_there_already_owes_the_default_suites() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "main"], &["payment"]);
    sandbox.git_ok(&["tag", "v1"]);
    sandbox.pushes(&["origin", "v1"], &["full"]).says("PASS  full payment");
    sandbox.pushes(&["origin", "v1:refs/tags/v1.0"], &[]);
}

#[test]
fn a_tag_that_failed_is_no_base_for_the_next_one() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.git_ok(&["tag", "v1"]);
    sandbox.is_refused(&["origin", "v1"], &["full", "payment"]).says("TEST_FAILED");
    // Another name for it changes nothing.
    sandbox.git_ok(&["tag", "v1.0"]);
    sandbox.is_refused(&["origin", "v1.0"], &[]).says("FAIL  full payment");
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.git_ok(&["tag", "v2"]);
    sandbox.is_refused(&["origin", "v2"], &["full", "payment"]).says("payment  TEST_FAILED");
}

#[test]
fn an_annotated_tag_is_peeled_and_its_object_recorded() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.git_ok(&["tag", "--annotate", "-m", "The first", "v1"]);
    sandbox.pushes(&["origin", "v1"], &["full", "payment"]);
    let shown = sandbox.proof_gate(&["show", "v1", "--json"]).ends_with(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let digest = &shown["statement"]["subject"][0]["digest"];
    assert_eq!(digest["gitTag"], sandbox.id("refs/tags/v1"), "{shown:#}");
    assert_eq!(digest["gitCommit"], sandbox.id("HEAD"), "{shown:#}");
    // The tag of a tag means the same commit, which is proven.
    sandbox.git_ok(&["tag", "--annotate", "-m", "The first, approved", "v1-approved", "v1"]);
    assert_ne!(sandbox.id("v1-approved"), sandbox.id("v1"));
    sandbox.pushes(&["origin", "v1-approved"], &[]).says("PASS  ");
}

#[test]
fn a_tag_of_a_tag_is_judged_by_the_commit_behind_it() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.git_ok(&["tag", "--annotate", "-m", "The first", "inner"]);
    sandbox.git_ok(&["tag", "--annotate", "-m", "The first, approved", "v1", "inner"]);
    sandbox.is_refused(&["origin", "v1"], &["full", "payment"]).says("TEST_FAILED");
}

#[test]
fn a_gated_tag_of_something_that_cannot_be_proven_is_refused_with_the_reason() {
    let sandbox = Sandbox::proven();
    let before = sandbox.remote_refs();
    for (name, target, kind) in [("v8", "HEAD:README.md", "blob"), ("v9", "HEAD^{tree}", "tree")] {
        sandbox.git_ok(&["tag", name, target]);
        sandbox.git_ok(&["tag", "--annotate", "-m", "x", &format!("{name}-annotated"), target]);
        for name in [name.to_owned(), format!("{name}-annotated")] {
            let (ran, suites) = sandbox.suites_of(|| sandbox.push(&["origin", &name]));
            let ran = ran.ends_with(1).says(&format!("it names a {kind}"));
            ran.says("make the tag on a commit, or give it a name that is not gated");
            assert!(suites.is_empty());
        }
    }
    assert_eq!(sandbox.remote_refs(), before);
    sandbox.git_ok(&["tag", "notes", "HEAD:README.md"]);
    let ran = sandbox.pushes(&["origin", "notes"], &[]);
    assert!(!ran.stderr.contains("proof-gate"), "{}", ran.stderr);
}

#[test]
fn the_remote_name_decides_what_is_gated() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    for refspec in ["HEAD@{0 days ago}:refs/tags/v9", "HEAD:refs/heads/release/9", "main:refs/tags/v9"] {
        let (ran, _) = sandbox.suites_of(|| sandbox.push(&["origin", refspec]));
        ran.ends_with(1).says("payment  TEST_FAILED");
    }
    // A gated name here is nothing over there.
    sandbox.pushes(&["origin", "main:feature"], &[]);
}

// Changed paths.

/// A proven shop with a second payment file; the change is committed, and the push must owe payment and these beside it.
#[track_caller]
fn owes_payment_and(beside: &[&str], change: impl FnOnce(&Sandbox)) -> Ran {
    let sandbox = Sandbox::new();
    sandbox.write("src/payments/refund.js", "refund\n");
    sandbox.commit("Refund");
    sandbox.install_and_prove();
    change(&sandbox);
    sandbox.commit("Change the payments");
    let mut owed = [beside, &["payment"]].concat();
    owed.sort_unstable();
    sandbox.pushes(&["origin", "main"], &owed);
    let explained = sandbox.proof_gate(&["explain", "HEAD"]).ends_with(0);
    explained.says("matches src/payments/**")
}

#[test]
fn a_file_moved_out_of_the_payments_is_a_change_there() {
    owes_payment_and(&["full"], |sandbox| drop(sandbox.git_ok(&["mv", "src/payments/refund.js", "src/refund.js"])));
}

#[test]
fn a_file_moved_into_the_payments_is_a_change_there() {
    owes_payment_and(&["full"], |sandbox| drop(sandbox.git_ok(&["mv", "README.md", "src/payments/README.md"])));
}

#[test]
fn a_deleted_file_is_a_change() {
    owes_payment_and(&[], |sandbox| sandbox.remove("src/payments/refund.js")).says("src/payments/refund.js");
}

#[test]
fn a_mode_is_a_change() {
    owes_payment_and(&[], |sandbox| sandbox.write_executable("shop/src/payments/refund.js", "refund\n"));
}

#[test]
fn a_file_swapped_for_a_symlink_is_a_change() {
    owes_payment_and(&[], |sandbox| {
        sandbox.remove("src/payments/refund.js");
        std::os::unix::fs::symlink("charge.js", sandbox.shop().join("src/payments/refund.js")).unwrap();
    });
}

#[test]
fn a_path_with_a_newline_is_a_change_and_is_shown_on_one_line() {
    let explained = owes_payment_and(&[], |sandbox| sandbox.write("src/payments/a\nb.js", "a\n"));
    assert!(!explained.stdout.contains("a\nb.js"), "{}", explained.stdout);
    explained.says("a\\nb.js");
}

#[test]
fn a_path_that_is_no_utf_8_is_a_change() {
    owes_payment_and(&[], |sandbox| {
        sandbox.sh("printf 'x\\n' >\"src/payments/$(printf 'caf\\351').js\"").ends_with(0);
    });
}

#[test]
fn a_path_in_other_case_or_composition_is_claimed_too() {
    owes_payment_and(&[], |sandbox| sandbox.write("src/Payments/charge.js", "charge\n"));
}

#[test]
fn attributes_and_diff_settings_hide_nothing() {
    let sandbox = Sandbox::proven();
    sandbox.write(".gitattributes", "src/payments/** -diff export-ignore\n");
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    for (name, value) in [("diff.renames", "copies"), ("diff.orderFile", "nowhere"), ("diff.external", "true")] {
        sandbox.git_ok(&["config", name, value]);
    }
    // The attributes themselves call for every suite.
    let refusal = sandbox.is_refused(&["origin", "main"], &ALL);
    refusal.says("payment  TEST_FAILED").says("2 paths");
}

#[test]
fn a_replaced_object_hides_nothing() {
    let sandbox = Sandbox::proven();
    let good = sandbox.id("HEAD:src/payments/charge.js");
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.git_ok(&["replace", "HEAD:src/payments/charge.js", &good]);
    assert_eq!(sandbox.git_ok(&["show", "HEAD:src/payments/charge.js"]), "charge\n");
    sandbox.is_refused(&["origin", "main"], &["payment"]).says("TEST_FAILED");
}

#[test]
fn a_bad_commit_and_its_revert_still_call_for_the_suite() {
    let sandbox = Sandbox::proven();
    let bad = sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.commit_file("README.md", "A better shop.\n");
    sandbox.git_ok(&["revert", "--no-edit", &bad]);
    // What is pushed differs from the proven tree in the README alone, and so does its last commit from the one before.
    sandbox.commit_file("README.md", "The best shop.\n");
    sandbox.pushes(&["origin", "main"], &["full", "payment"]);
}

#[test]
fn a_revert_back_to_the_proven_tree_rests_on_its_proof() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.git_ok(&["revert", "--no-edit", "HEAD"]);
    sandbox.pushes(&["origin", "main"], &[]).says("PASS  booking full guardrail payment");
}

#[test]
fn a_lockfile_calls_for_every_suite() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("pnpm-lock.yaml", "lockfileVersion: 9\n");
    sandbox.pushes(&["origin", "main"], &ALL);
}

//! Other formats, other work trees, other places to push from.

use super::check_payment_is_gated;
use crate::support::{Layout, Ran, Sandbox};

#[track_caller]
fn check(layout: Layout) {
    let sandbox = Sandbox::with(layout);
    sandbox.install_and_prove();
    check_payment_is_gated(&sandbox);
}

#[test]
fn a_repository_with_sha256_objects_is_gated() {
    check(Layout::Sha256);
}

#[test]
fn a_repository_with_a_reftable_is_gated() {
    check(Layout::Reftable);
}

#[test]
fn a_linked_work_tree_of_a_bare_repository_is_gated() {
    check(Layout::Linked);
}

/// The hook is installed and the shop proven in one work tree; the push comes from a second.
#[track_caller]
fn check_second_work_tree(layout: Layout) {
    let mut sandbox = Sandbox::with(layout);
    sandbox.install_and_prove();
    let hook = sandbox.hook();
    sandbox.git_ok(&["worktree", "add", "--quiet", "-b", "second", "../second"]);
    sandbox.work_in("second");
    assert_eq!(sandbox.hook(), hook);
    check_payment_is_gated(&sandbox);
    // What one work tree proved, the other has.
    sandbox.work_in("shop");
    sandbox.pushes(&["origin", "second:release/1"], &[]).says("PASS  payment");
}

#[test]
fn a_hook_installed_once_gates_every_linked_work_tree() {
    check_second_work_tree(Layout::Plain);
}

#[test]
fn a_hook_installed_once_gates_every_work_tree_of_a_bare_repository() {
    check_second_work_tree(Layout::Linked);
}

#[test]
fn a_push_from_the_bare_repository_itself_is_gated() {
    let sandbox = Sandbox::with(Layout::Linked);
    sandbox.install_and_prove();
    let bare = sandbox.root().join("shop.git");
    check_push_by(&sandbox, || sandbox.git_in(&bare, &["push", "origin", "main"]));
}

#[test]
fn a_repository_whose_git_directory_lies_elsewhere_is_gated() {
    let sandbox = Sandbox::new();
    sandbox.git_ok(&["init", "--quiet", "--template=", "--separate-git-dir=../away"]);
    assert!(sandbox.shop().join(".git").is_file());
    sandbox.install_and_prove();
    assert_eq!(sandbox.hook(), sandbox.root().join("away/hooks/pre-push"));
    check_payment_is_gated(&sandbox);
}

#[test]
fn a_repository_that_is_a_submodule_of_another_is_gated() {
    let mut sandbox = Sandbox::proven();
    let remote = sandbox.root().join("remote.git");
    sandbox.git_in(sandbox.root(), &["init", "--quiet", "--template=", "mall"]).ends_with(0);
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", remote.to_str().unwrap(), "shop"];
    sandbox.git_in(&sandbox.root().join("mall"), &add).ends_with(0);
    sandbox.work_in("mall/shop");
    sandbox.install();
    assert_eq!(sandbox.hook(), sandbox.root().join("mall/.git/modules/shop/hooks/pre-push"));
    sandbox.proof_gate(&["run"]).ends_with(0);
    check_payment_is_gated(&sandbox);
}

#[test]
fn a_work_tree_that_is_reached_by_a_symbolic_link_is_gated() {
    let mut sandbox = Sandbox::proven();
    std::os::unix::fs::symlink("shop", sandbox.root().join("link")).unwrap();
    sandbox.work_in("link");
    check_payment_is_gated(&sandbox);
}

/// A bad payment is refused and its mend goes, by a push that is started in a way of its own.
#[track_caller]
fn check_push_by(sandbox: &Sandbox, push: impl Fn() -> Ran) {
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.is_refused_by(&push, &["payment"]).says("TEST_FAILED");
    let mend = sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes_by(&push, &["payment"]).says("PASS  payment");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(mend));
}

#[test]
fn a_push_by_git_dir_and_work_tree_from_elsewhere_is_gated() {
    let sandbox = Sandbox::proven();
    let remote = sandbox.root().join("remote.git");
    sandbox.git_ok(&["remote", "set-url", "origin", remote.to_str().unwrap()]);
    // The folder that git is started in belongs to another repository, which must play no part.
    let elsewhere = sandbox.root().join("elsewhere");
    sandbox.git_in(sandbox.root(), &["init", "--quiet", "--template=", "elsewhere"]).ends_with(0);
    let args = ["--git-dir=../shop/.git", "--work-tree=../shop", "push", "origin", "main"];
    check_push_by(&sandbox, || sandbox.git_in(&elsewhere, &args));
    assert_eq!(sandbox.git_in(&elsewhere, &["for-each-ref"]).ends_with(0).stdout, "");
}

#[test]
fn a_push_by_git_c_is_gated() {
    let sandbox = Sandbox::proven();
    check_push_by(&sandbox, || sandbox.git_in(sandbox.root(), &["-C", "shop", "push", "origin", "main"]));
}

#[test]
fn a_push_from_a_subfolder_is_gated() {
    let sandbox = Sandbox::proven();
    let folder = sandbox.shop().join("src/bookings");
    check_push_by(&sandbox, || sandbox.git_in(&folder, &["push", "origin", "main"]));
}

#[test]
fn a_payment_that_a_sparse_checkout_leaves_out_is_proven() {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.git_ok(&["sparse-checkout", "set", "--cone", "src/bookings"]);
    assert!(!sandbox.shop().join("src/payments").exists());
    sandbox.is_refused(&["origin", "main~1:main"], &["payment"]).says("TEST_FAILED");
    sandbox.pushes(&["origin", "main"], &["payment"]).says("PASS  payment");
    assert!(!sandbox.shop().join("src/payments").exists());
}

#[test]
fn a_submodule_is_refused_by_its_path_and_nothing_is_recorded() {
    let sandbox = Sandbox::proven();
    let commit = sandbox.id("HEAD");
    std::fs::create_dir_all(sandbox.shop().join("vendor/till")).unwrap();
    sandbox.git_ok(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},vendor/till")]);
    sandbox.commit("Take in the till");
    assert_eq!(sandbox.git_ok(&["ls-tree", "HEAD", "vendor/till"]).split(' ').next(), Some("160000"));
    let ran = sandbox.is_not_decided(&["origin", "main"]);
    ran.says("cannot check out the submodule vendor/till").says("hint: ");
    sandbox.proof_gate(&["run"]).ends_with(2).says("vendor/till");
    // The way on that it names.
    sandbox.git_ok(&["rm", "--quiet", "--cached", "vendor/till"]);
    sandbox.write("vendor/till/open.js", "open\n");
    sandbox.commit("Keep the till here");
    sandbox.pushes(&["origin", "main"], &["full"]).says("PASS  full");
}

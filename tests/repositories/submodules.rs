//! Submodules: filled from what is here, checked like every other file, and never fetched.

use std::fs;

use crate::support::{Fingerprint, Sandbox};

const LOOK: &str = "cat vendor/lib/price.js vendor/lib/deep/tax.js >\"$SEEN\"
for at in . vendor/lib vendor/lib/deep; do
	git -C $at rev-parse HEAD >>\"$SEEN\"
	git -C $at status --porcelain >>\"$SEEN\"
	git -C $at remote >>\"$SEEN\"
done
git submodule status --recursive | cut -c1 >>\"$SEEN\"";

/// A shop with a submodule that has one of its own.
fn with_submodules() -> Sandbox {
    let mut sandbox = Sandbox::looking("", LOOK);
    sandbox.git_ok(&["config", "--global", "protocol.file.allow", "always"]);
    for (name, file) in [("tax", "tax.js"), ("lib", "price.js")] {
        sandbox.git_in(sandbox.root(), &["init", "--quiet", name]).ends_with(0);
        sandbox.work_in(name);
        sandbox.write(file, format!("{name}\n"));
        if name == "lib" {
            sandbox.git_ok(&["submodule", "--quiet", "add", "../tax", "deep"]);
        }
        sandbox.commit("Begin");
    }
    sandbox.work_in("shop");
    sandbox.git_ok(&["submodule", "--quiet", "add", "../lib", "vendor/lib"]);
    sandbox.git_ok(&["submodule", "--quiet", "update", "--init", "--recursive"]);
    sandbox.commit("Use the library");
    sandbox
}

/// What the suite has to see.
fn seen(sandbox: &Sandbox) -> String {
    let id = |folder: &str| {
        let asked = sandbox.git_in(&sandbox.root().join(folder), &["rev-parse", "HEAD"]);
        asked.ends_with(0).stdout
    };
    format!("lib\ntax\nTOP\n{}{} \n \n", id("lib"), id("tax"))
}

/// The workspace's own commit is named by no repository.
fn without_top(looked: &str) -> String {
    let mut lines: Vec<&str> = looked.split('\n').collect();
    lines[2] = "TOP";
    lines.join("\n")
}

#[test]
fn submodules_of_submodules_are_filled_from_local_objects_and_have_repositories_of_their_own() {
    let sandbox = with_submodules();
    let before = Fingerprint::of(&sandbox);
    assert_eq!(without_top(&sandbox.looked()), seen(&sandbox));
    assert_eq!(Fingerprint::of(&sandbox), before);
    assert_eq!(sandbox.git_ok(&["-C", "vendor/lib", "for-each-ref", "refs/proof/"]), "");
}

#[test]
fn submodules_whose_work_tree_is_gone_and_those_of_a_linked_work_tree_are_filled() {
    let mut sandbox = with_submodules();
    sandbox.git_ok(&["submodule", "--quiet", "deinit", "--force", "--all"]);
    assert_eq!(without_top(&sandbox.looked()), seen(&sandbox));
    sandbox.git_ok(&["worktree", "add", "--quiet", "-b", "second", "../second"]);
    sandbox.work_in("second");
    sandbox.proof_gate(&["run"]).ends_with(0);
}

#[test]
fn a_submodule_with_its_git_directory_in_its_own_folder_is_filled() {
    let sandbox = with_submodules();
    let folder = sandbox.shop().join("vendor/lib");
    sandbox.git_ok(&["config", "--file", ".git/modules/vendor/lib/config", "--unset", "core.worktree"]);
    fs::remove_file(folder.join(".git")).unwrap();
    fs::rename(sandbox.git_dir().join("modules/vendor/lib"), folder.join(".git")).unwrap();
    assert_eq!(without_top(&sandbox.looked()), seen(&sandbox));
}

#[test]
fn a_submodule_that_is_not_here_is_no_proof_and_the_command_that_brings_it_is_named() {
    let sandbox = with_submodules();
    let commit = sandbox.id("HEAD:vendor/lib");
    sandbox.git_ok(&["submodule", "--quiet", "deinit", "--force", "--all"]);
    fs::remove_dir_all(sandbox.git_dir().join("modules")).unwrap();
    let ran = sandbox.is_no_proof();
    let words = format!("cannot check out the submodule vendor/lib: its commit {commit} is not here");
    ran.says(&words).says("git submodule update --init vendor/lib");
    sandbox.git_ok(&["submodule", "--quiet", "update", "--init", "vendor/lib"]);
    let ran = sandbox.is_no_proof().says("cannot check out the submodule vendor/lib/deep");
    ran.says("git submodule update --init --recursive vendor/lib");
    sandbox.git_ok(&["submodule", "--quiet", "update", "--init", "--recursive", "vendor/lib"]);
    assert_eq!(without_top(&sandbox.looked()), seen(&sandbox));
}

#[test]
fn a_change_in_a_submodule_is_brought_back_before_the_suites() {
    let sandbox = with_submodules();
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    let meddle = "prepare = [[\"sh\", \"-c\", \"echo BUG >vendor/lib/price.js; rm -r vendor/lib/deep/tax.js\"]]\n";
    sandbox.with_policy(&policy.replace("[proof]\n", &format!("[proof]\n{meddle}")));
    sandbox.commit("Meddle");
    assert_eq!(without_top(&sandbox.looked()), seen(&sandbox));
}

#[test]
fn a_draft_has_the_files_of_submodules_as_they_are() {
    let sandbox = with_submodules();
    sandbox.write("suite.sh", "cat vendor/lib/price.js vendor/lib/deep/tax.js >\"$SEEN\"\n");
    sandbox.write("vendor/lib/price.js", "changed\n");
    sandbox.proof_gate(&["run", "--draft"]).ends_with(0);
    assert_eq!(fs::read_to_string(sandbox.root().join("seen")).unwrap(), "changed\ntax\n");
}

/// A `.gitmodules` that leads out of the repository is refused by its words.
#[track_caller]
fn check_hostile(name: &str, path: &str, words: &str) {
    let sandbox = with_submodules();
    sandbox.write(".gitmodules", format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = ../lib\n"));
    sandbox.commit("Lead astray");
    sandbox.is_no_proof().says(words);
}

#[test]
fn names_and_paths_of_submodules_that_lead_elsewhere_are_refused() {
    check_hostile("../../../lib", "vendor/lib", "'../../../lib' is no name for a submodule");
    check_hostile("/lib", "vendor/lib", "'/lib' is no name for a submodule");
    check_hostile("-lib", "vendor/lib", "'-lib' is no name for a submodule");
    check_hostile("lib", "../vendor/lib", "'../vendor/lib' is no path for a submodule");
    check_hostile("lib", "/vendor/lib", "'/vendor/lib' is no path for a submodule");
    check_hostile("lib", "-vendor", "'-vendor' is no path for a submodule");
}

#[test]
fn a_folder_that_became_a_link_in_the_work_tree_is_not_followed() {
    let sandbox = with_submodules();
    fs::remove_dir_all(sandbox.git_dir().join("modules")).unwrap();
    fs::remove_dir_all(sandbox.shop().join("vendor")).unwrap();
    fs::create_dir(sandbox.root().join("elsewhere")).unwrap();
    sandbox.git_in(sandbox.root(), &["clone", "--quiet", "lib", "elsewhere/lib"]).ends_with(0);
    std::os::unix::fs::symlink("../elsewhere", sandbox.shop().join("vendor")).unwrap();
    sandbox.is_no_proof().says("cannot check out the submodule vendor/lib");
}

//! What a user's configuration, attributes and environment must not change: the plan, the verdict, what a suite sees.

use std::fs;

use super::check_payment_is_gated;
use crate::support::Sandbox;

// Replaced objects.

#[track_caller]
fn check_replaced(bad: &str, good: &str) {
    let sandbox = Sandbox::proven();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    let plans =
        || ["main", "main~1"].map(|revision| sandbox.proof_gate(&["plan", "--json", revision]).ends_with(0).stdout);
    let plans_before = plans();
    sandbox.git_ok(&["replace", bad, good]);
    // git itself is fooled, or this test would show nothing.
    assert_eq!(sandbox.git_ok(&["show", "main:src/payments/charge.js"]), "charge\n");
    assert_eq!(plans(), plans_before);
    sandbox.is_refused(&["origin", "+main:main"], &["payment"]).says("TEST_FAILED");
}

#[test]
fn a_bad_commit_replaced_by_a_good_one_is_refused() {
    check_replaced("main", "main~1");
}

#[test]
fn a_bad_tree_replaced_by_a_good_one_is_refused() {
    check_replaced("main^{tree}", "main~1^{tree}");
}

#[test]
fn a_bad_file_replaced_by_a_good_one_is_refused() {
    check_replaced("main:src/payments/charge.js", "main~1:src/payments/charge.js");
}

// Settings and attributes.

/// Commands that only leave a mark, each in a file of its own, for settings that name a command.
const MARK: &str = "#!/bin/sh\necho ran >>\"${0%/*}/marks\"\n";

impl Sandbox {
    /// A proven shop whose suites lay a copy of what they see beside the shop, in `seen`.
    fn watched(attributes: &str) -> Self {
        let sandbox = Sandbox::new();
        let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
        let copy = "seen=${SUITE_RUNS%/*}/seen; rm -rf \"$seen\"; cp -R . \"$seen\"\n";
        sandbox.write("suite.sh", suite.replacen("passes=1", &format!("{copy}passes=1"), 1));
        sandbox.write(".gitattributes", attributes);
        sandbox.commit("Watch");
        sandbox.write_executable("mark", MARK);
        sandbox.install_and_prove();
        sandbox
    }

    /// A file as the last suite saw it.
    #[track_caller]
    fn seen(&self, path: &str) -> Vec<u8> {
        fs::read(self.root().join("seen").join(path)).unwrap()
    }

    /// Whether the command of a setting ran.
    fn is_marked(&self) -> bool {
        self.root().join("marks").exists()
    }

    /// The path of the command that leaves a mark.
    fn mark(&self) -> String {
        self.root().join("mark").to_str().unwrap().to_owned()
    }
}

/// With these settings a bad payment has the same plan and is refused, its mend goes, suites see the commit's own bytes, and
/// nothing that they name is run. `ROOT` stands for the sandbox's folder.
#[track_caller]
fn check_settings(attributes: &str, settings: &[(&str, &str)]) {
    let sandbox = Sandbox::watched(attributes);
    sandbox.commit_file("src/payments/charge.js", "BUG\nline\n");
    let plan = || sandbox.proof_gate(&["plan", "--json"]).ends_with(0).stdout;
    let (plan_without, mend) = (plan(), "charge better\nline\n");
    sandbox.commit_file("src/payments/charge.js", mend);
    sandbox.git_ok(&["checkout", "--quiet", "--detach", "main~1"]);
    for (name, value) in settings {
        let value = value.replace("ROOT", sandbox.root().to_str().unwrap());
        sandbox.git_ok(&["config", "--global", name, &value]);
    }
    assert_eq!(plan(), plan_without);
    sandbox.is_refused(&["origin", "main~1:main"], &["payment"]).says("TEST_FAILED");
    assert_eq!(sandbox.seen("src/payments/charge.js"), b"BUG\nline\n");
    sandbox.pushes(&["origin", "main"], &["payment"]).says("PASS  payment");
    assert_eq!(sandbox.seen("src/payments/charge.js"), mend.as_bytes());
    assert!(!sandbox.is_marked());
}

#[test]
fn line_ends_of_the_users_configuration_do_not_reach_the_suites() {
    check_settings("", &[("core.autocrlf", "true")]);
    check_settings("* text=auto\n", &[("core.eol", "crlf")]);
}

#[test]
fn a_filter_that_the_tree_names_is_not_run() {
    let filter = &[("filter.mend.smudge", "ROOT/mark; sed s/BUG/charge/"), ("filter.mend.clean", "ROOT/mark; cat")];
    check_settings("src/** filter=mend\n", filter);
}

#[test]
fn a_filter_that_the_tree_names_and_the_user_requires_is_not_run() {
    let filter = &[("filter.mend.process", "ROOT/mark"), ("filter.mend.required", "true")];
    check_settings("src/** filter=mend\n", filter);
}

#[test]
fn attributes_of_the_user_are_not_heard() {
    let sandbox = Sandbox::watched("");
    fs::write(sandbox.root().join("attributes"), "* filter=mend\n").unwrap();
    fs::create_dir_all(sandbox.git_dir().join("info")).unwrap();
    fs::write(sandbox.git_dir().join("info/attributes"), "* filter=mend\n").unwrap();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    let attributes = sandbox.root().join("attributes");
    sandbox.git_ok(&["config", "--global", "core.attributesFile", attributes.to_str().unwrap()]);
    sandbox.git_ok(&["config", "--global", "filter.mend.smudge", &format!("{}; sed s/BUG/charge/", sandbox.mark())]);
    sandbox.is_refused(&["origin", "main"], &["payment"]).says("TEST_FAILED");
    assert_eq!(sandbox.seen("src/payments/charge.js"), b"BUG\n");
    assert!(!sandbox.is_marked());
}

#[test]
fn files_that_an_archive_would_leave_out_are_proven() {
    check_settings("src/payments export-ignore\nsuite.sh export-ignore\n", &[]);
}

#[test]
fn helpers_of_the_user_are_not_run_and_do_not_change_the_plan() {
    check_settings("*.js diff=mark\n", &[("diff.external", "ROOT/mark"), ("diff.mark.textconv", "ROOT/mark")]);
    check_settings("", &[("diff.orderFile", "ROOT/nowhere"), ("diff.renames", "copies"), ("core.quotePath", "true")]);
}

#[test]
fn a_file_system_monitor_of_the_user_is_not_run() {
    check_settings("", &[("core.fsmonitor", "ROOT/mark"), ("core.untrackedCache", "true")]);
}

#[test]
fn hooks_of_the_users_template_are_not_run() {
    let mark =
        |sandbox: &Sandbox, hook: &str| sandbox.write_executable(hook, format!("#!/bin/sh\n'{}'\n", sandbox.mark()));
    let sandbox = Sandbox::watched("");
    for hook in ["post-checkout", "post-index-change", "reference-transaction", "post-commit"] {
        mark(&sandbox, &format!("template/hooks/{hook}"));
    }
    let template = sandbox.root().join("template");
    sandbox.git_ok(&["config", "--global", "init.templateDir", template.to_str().unwrap()]);
    check_payment_is_gated(&sandbox);
    assert!(!sandbox.root().join("seen/.git/hooks/post-checkout").exists());
    assert!(!sandbox.is_marked());
}

#[test]
fn hooks_of_a_folder_that_the_user_names_are_not_run_by_a_proof() {
    let sandbox = Sandbox::watched("");
    let hooks = sandbox.root().join("hooks");
    sandbox.proof_gate(&["uninstall"]).ends_with(0);
    sandbox.git_ok(&["config", "--global", "core.hooksPath", hooks.to_str().unwrap()]);
    sandbox.proof_gate(&["install", "--hooks-dir", hooks.to_str().unwrap()]).ends_with(0);
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    for hook in ["post-checkout", "post-index-change"] {
        sandbox.write_executable(format!("hooks/{hook}"), format!("#!/bin/sh\n'{}'\n", sandbox.mark()));
    }
    sandbox.is_refused(&["origin", "main"], &["payment"]).says("TEST_FAILED");
    assert!(!sandbox.is_marked());
}

// The environment.

#[test]
fn suites_see_no_git_variable_of_the_caller_nor_of_the_hook() {
    let mut sandbox = Sandbox::new();
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    sandbox.write("suite.sh", suite.replacen("passes=1", "env >\"$SUITE_RUNS.environment\"\npasses=1", 1));
    sandbox.commit("Show the environment");
    sandbox.write_executable(sandbox.hook(), "#!/bin/sh\nenv >\"$SUITE_RUNS.environment-of-hook\"\n");
    sandbox.install_and_prove();
    // From a linked work tree git sets GIT_DIR for its hooks.
    sandbox.git_ok(&["worktree", "add", "--quiet", "-b", "second", "../second"]);
    sandbox.work_in("second");
    sandbox.commit_file("src/payments/charge.js", "charge better\n");
    let index = sandbox.git_dir().join("index");
    sandbox.set("GIT_INDEX_FILE", index.to_str().unwrap());
    let objects = sandbox.root().join("shop/.git/objects");
    for name in ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"] {
        sandbox.set(name, objects.to_str().unwrap());
    }
    sandbox.set("GIT_EDITOR", "false");
    let push = || sandbox.git(&["-c", "user.useConfigOnly=true", "push", "origin", "HEAD:main"]);
    sandbox.pushes_by(push, &["payment"]).says("PASS  payment");

    let names = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(sandbox.root().join(file)).unwrap();
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines
            .map(|(name, _)| name.to_owned())
            .filter(|name| name.starts_with("GIT_") || name == "PROOF_REPORT")
            .collect()
    };
    // git hands them on, or this test would show nothing.
    let of_hook = names("suite-runs.environment-of-hook");
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG_PARAMETERS"] {
        assert!(of_hook.iter().any(|known| known == name), "{name} in {of_hook:?}");
    }
    assert_eq!(names("suite-runs.environment"), ["PROOF_REPORT"]);
}

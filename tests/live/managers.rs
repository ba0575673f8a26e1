//! Hook managers: what each lets through by itself, and that beside each of them the gate fires and they still do.
//!
//! Deliberately absent: their own features. One hook of theirs that leaves a mark, or refuses, stands for all.

use std::fs;

use crate::support::{Ran, Sandbox};
use crate::tools::{sandbox, tool};

/// A hook of pre-commit and prek that notes what it was told and refuses where the work tree says so.
const PRE_COMMIT_CONFIG: &str = r#"repos:
  - repo: local
    hooks:
      - id: mark
        name: mark
        language: system
        entry: sh -c 'echo "$PRE_COMMIT_REMOTE_NAME $PRE_COMMIT_LOCAL_BRANCH $PRE_COMMIT_REMOTE_BRANCH" >>../seen; test ! -f house-is-closed'
        always_run: true
        pass_filenames: false
        stages: [pre-push]
"#;

/// How the gate comes to be called beside a manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    PreCommit,
    Prek,
    Lefthook,
    Husky,
}

impl Beside {
    /// Sets the manager up in the shop, as its own documentation says.
    fn set_up(self, sandbox: &Sandbox) {
        match self {
            Beside::PreCommit | Beside::Prek => sandbox.write(".pre-commit-config.yaml", PRE_COMMIT_CONFIG),
            Beside::Lefthook => {
                sandbox.write("lefthook.yml", "pre-commit:\n  commands:\n    mark:\n      run: echo committed\n")
            }
            Beside::Husky => sandbox.write("package.json", "{ \"private\": true }\n"),
        }
        self.install_hooks(sandbox);
        sandbox.commit("Manage the hooks");
    }

    /// Lets the manager write its hooks, as it does again whenever dependencies are installed.
    fn install_hooks(self, sandbox: &Sandbox) {
        match self {
            Beside::PreCommit => tool(sandbox, "pre-commit", &["install", "--hook-type", "pre-push"]),
            Beside::Prek => tool(sandbox, "prek", &["install", "--hook-type", "pre-push"]),
            Beside::Lefthook => tool(sandbox, "lefthook", &["install", "--force"]),
            Beside::Husky => tool(sandbox, "husky", &[]),
        };
    }

    /// Installs the gate, doing what it says where it cannot do it by itself.
    fn install_gate(self, sandbox: &Sandbox) {
        match self {
            Beside::PreCommit | Beside::Prek => sandbox.install(),
            Beside::Lefthook => follow(self, sandbox, "lefthook.yml"),
            Beside::Husky => follow(self, sandbox, ".husky/pre-push"),
        }
    }
}

/// Adds the lines that `install` prints to the manager's file, to the letter, and installs again.
fn follow(beside: Beside, sandbox: &Sandbox, file: &str) {
    let refused = sandbox.proof_gate(&["install"]).ends_with(3).says(&format!("hint:  add to {file}, "));
    let is_talk = |line: &&str| line.starts_with("error: ") || line.starts_with("hint: ");
    let lines: String = refused.stderr.lines().skip_while(is_talk).map(|line| format!("{line}\n")).collect();
    let standing = fs::read_to_string(sandbox.shop().join(file)).unwrap_or_default();
    sandbox.write(file, standing + &lines);
    if beside == Beside::Lefthook {
        let script = refused.stderr.split_once("and commit both: ").unwrap().1.lines().next().unwrap();
        sandbox.sh(script).ends_with(0);
        // lefthook has written no hook pre-push as yet: its configuration named none.
        sandbox.proof_gate(&["install"]).ends_with(3).says("lefthook install");
    }
    beside.install_hooks(sandbox);
    sandbox.proof_gate(&["install"]).ends_with(0).says("calls the gate");
    sandbox.commit("Call the gate");
}

/// A branch with a broken payment, while the work tree is on `main`, where everything is well.
fn break_payments_elsewhere(sandbox: &Sandbox) {
    sandbox.git_ok(&["switch", "--quiet", "--create", "other-branch"]);
    sandbox.write("src/payments/charge.js", "BUG\n");
    sandbox.commit("Charge quickly");
    sandbox.git_ok(&["switch", "--quiet", "main"]);
}

#[track_caller]
fn push_of_the_broken_branch_is_refused(sandbox: &Sandbox) -> Ran {
    let ran = sandbox.push(&["origin", "other-branch:release/x"]).ends_with(1);
    let ran = ran.says("push refused").says("TEST_FAILED").says("payment works");
    assert_eq!(sandbox.remote_ref("refs/heads/release/x"), None);
    ran
}

fn check(beside: Beside) {
    let sandbox = sandbox();
    beside.set_up(&sandbox);
    beside.install_gate(&sandbox);
    sandbox.push(&["origin", "main"]).ends_with(0).says("PASS");
    break_payments_elsewhere(&sandbox);
    push_of_the_broken_branch_is_refused(&sandbox);

    beside.install_hooks(&sandbox);
    if let Beside::PreCommit | Beside::Prek = beside {
        sandbox.install();
    }
    push_of_the_broken_branch_is_refused(&sandbox);
    sandbox.write("src/bookings/book.js", "book twice\n");
    let good = sandbox.commit("Book twice");
    sandbox.push(&["origin", "main"]).ends_with(0).says("PASS");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(good));
}

#[test]
fn beside_pre_commit_a_broken_branch_that_is_not_checked_out_is_refused() {
    check(Beside::PreCommit);
}

#[test]
fn beside_prek_a_broken_branch_that_is_not_checked_out_is_refused() {
    check(Beside::Prek);
}

#[test]
fn beside_lefthook_a_broken_branch_that_is_not_checked_out_is_refused() {
    check(Beside::Lefthook);
}

/// With an upstream that holds what is checked out, lefthook finds no file to push, and skips what it calls a command.
#[test]
fn beside_lefthook_a_push_of_no_file_of_the_checkout_is_refused() {
    let sandbox = sandbox();
    Beside::Lefthook.set_up(&sandbox);
    Beside::Lefthook.install_gate(&sandbox);
    sandbox.push(&["--set-upstream", "origin", "main"]).ends_with(0).says("PASS");
    sandbox.proof_gate(&["doctor", "--fire"]).ends_with(0);
    sandbox.push(&["origin", ":main"]).ends_with(1).says("would be deleted");
    break_payments_elsewhere(&sandbox);
    push_of_the_broken_branch_is_refused(&sandbox);
}

#[test]
fn beside_husky_a_broken_branch_that_is_not_checked_out_is_refused() {
    check(Beside::Husky);
}

/// The standing hook of a manager is chained: it hears what git said, its refusal counts, and it is given back.
fn check_chain(beside: Beside) {
    let sandbox = sandbox();
    beside.set_up(&sandbox);
    let theirs = fs::read(sandbox.hook()).unwrap();
    sandbox.install();
    assert_ne!(fs::read(sandbox.hook()).unwrap(), theirs);

    let pushed = sandbox.commit("One more");
    sandbox.push(&["origin", "main"]).ends_with(0).says("PASS");
    let seen = fs::read_to_string(sandbox.root().join("seen")).unwrap();
    assert_eq!(seen, "origin refs/heads/main refs/heads/main\n");

    let runs = sandbox.suites_run();
    sandbox.write("house-is-closed", "");
    sandbox.commit("Close the house");
    sandbox.push(&["origin", "main"]).ends_with(1).says("push refused").says("pre-push.before-proof-gate");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(pushed));
    assert_eq!(sandbox.suites_run(), runs, "what they refuse is not worth a proof");

    sandbox.proof_gate(&["uninstall"]).ends_with(0);
    assert_eq!(fs::read(sandbox.hook()).unwrap(), theirs);
}

#[test]
fn the_hook_of_pre_commit_is_chained_and_given_back() {
    check_chain(Beside::PreCommit);
}

#[test]
fn the_hook_of_prek_is_chained_and_given_back() {
    check_chain(Beside::Prek);
}

/// Why the gate looks at what is pushed: with the manager alone, its hook sees the checkout, and the push goes.
#[test]
fn pre_commit_alone_lets_the_broken_branch_through() {
    let sandbox = sandbox();
    let suite = "test -z \"$(grep -rl BUG src)\"";
    let config = PRE_COMMIT_CONFIG.replace("test ! -f house-is-closed", suite);
    assert!(config.contains(suite));
    sandbox.write(".pre-commit-config.yaml", config);
    Beside::PreCommit.install_hooks(&sandbox);
    sandbox.commit("Manage the hooks");
    break_payments_elsewhere(&sandbox);
    sandbox.git_ok(&["switch", "--quiet", "other-branch"]);
    sandbox.push(&["origin", "other-branch:release/x"]).ends_with(1);
    sandbox.git_ok(&["switch", "--quiet", "main"]);
    sandbox.push(&["origin", "other-branch:release/x"]).ends_with(0);
}

//! Settings, hook managers and work trees through which a push gets past the hook.

use std::fs;

use super::{Push, check, is_found_and_mended, is_told, mended, mends, shop};
use crate::support::Sandbox;

#[test]
fn a_hooks_path_to_nowhere_or_empty() {
    for path in ["nowhere", "/nowhere/hooks", "", "has a space/it's"] {
        check(
            |sandbox| drop(sandbox.git_ok(&["config", "core.hooksPath", path])),
            Push::GoesOut,
            &["open git looks for hooks elsewhere"],
        );
    }
}

#[test]
fn a_hooks_path_of_the_user_or_the_machine() {
    check(
        |sandbox| drop(sandbox.git_ok(&["config", "--global", "core.hooksPath", "/nowhere/hooks"])),
        Push::GoesOut,
        &["git looks for hooks elsewhere: in /nowhere/hooks"],
    );
    check(
        |sandbox| {
            sandbox.unset("GIT_CONFIG_NOSYSTEM");
            let system = sandbox.root().join("gitconfig");
            fs::write(&system, "[core]\nhooksPath = /nowhere/hooks\n").unwrap();
            sandbox.set("GIT_CONFIG_SYSTEM", system.to_str().unwrap());
        },
        Push::GoesOut,
        &["git looks for hooks elsewhere: in /nowhere/hooks"],
    );
}

#[test]
fn a_hooks_path_in_a_file_that_the_configuration_includes() {
    check(
        |sandbox| {
            sandbox.write_executable("included", "[core]\nhooksPath = /nowhere\n");
            sandbox.git_ok(&["config", "include.path", "../../included"]);
        },
        Push::GoesOut,
        &["open git looks for hooks elsewhere"],
    );
    check(
        |sandbox| {
            sandbox.write_executable("included", "[core]\nhooksPath = /nowhere\n");
            let gitdir = format!("includeIf.gitdir:{}/.path", sandbox.shop().display());
            sandbox.git_ok(&["config", "--global", &gitdir, sandbox.root().join("included").to_str().unwrap()]);
        },
        Push::GoesOut,
        &["open git looks for hooks elsewhere"],
    );
}

#[test]
fn a_hooks_path_that_depends_on_the_branch_is_seen_from_another_branch() {
    let sandbox = shop();
    sandbox.write_executable("included", "[core]\nhooksPath = /nowhere\n");
    let included = sandbox.root().join("included");
    sandbox.git_ok(&["config", "includeIf.onbranch:hot/**.path", included.to_str().unwrap()]);
    let ran = is_told(&sandbox, &["sets core.hooksPath to '/nowhere' on some branches"]);
    sandbox.git_ok(&["switch", "--quiet", "--create", "hot/fix"]);
    sandbox.push(&["origin", "main:release/broken"]).ends_with(0);
    sandbox.git_ok(&["switch", "--quiet", "main"]);
    mended(&sandbox, &mends(&ran));
}

#[test]
fn a_hooks_path_from_the_environment() {
    check(
        |sandbox| {
            sandbox.set("GIT_CONFIG_COUNT", "1");
            sandbox.set("GIT_CONFIG_KEY_0", "core.hooksPath");
            sandbox.set("GIT_CONFIG_VALUE_0", "/nowhere");
        },
        Push::GoesOut,
        &["open GIT_CONFIG_KEY_0 sets core.hooksPath"],
    );
    check(
        |sandbox| sandbox.set("GIT_CONFIG_PARAMETERS", "'core.hooksPath'='/nowhere'"),
        Push::GoesOut,
        &["open GIT_CONFIG_PARAMETERS sets core.hooksPath"],
    );
}

#[test]
fn a_relative_hooks_path_leads_elsewhere_in_a_linked_work_tree() {
    let mut sandbox = Sandbox::new();
    sandbox.git_ok(&["config", "core.hooksPath", "tools/hooks"]);
    sandbox.install();
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    fs::remove_dir_all(sandbox.shop().join("tools")).unwrap();
    sandbox.git_ok(&["reset", "--quiet", "--hard"]);
    let tracked = sandbox.git(&["ls-files", "tools"]).stdout;
    assert!(tracked.contains("pre-push"));
    sandbox.git_ok(&["rm", "--quiet", "--cached", "-r", "tools"]);
    sandbox.git_ok(&["commit", "--quiet", "-m", "Hooks of my own"]);
    sandbox.git_ok(&["worktree", "add", "--quiet", "-b", "second", "../second it's"]);
    let ran = is_told(&sandbox, &["open seen from the work tree", "git looks for hooks elsewhere"]);
    sandbox.work_in("second it's");
    sandbox.git_ok(&["push", "origin", "HEAD:release/broken"]);
    sandbox.work_in("shop");
    mended(&sandbox, &mends(&ran));
    sandbox.work_in("second it's");
    sandbox.push(&["origin", "HEAD:release/again"]).ends_with(1).says("push refused");
}

#[test]
fn a_relative_hooks_path_that_leads_through_a_file_in_a_linked_work_tree() {
    let mut sandbox = shop();
    sandbox.git_ok(&["config", "core.hooksPath", ".git/hooks"]);
    sandbox.git_ok(&["worktree", "add", "--quiet", "../second"]);
    let ran = is_told(&sandbox, &["open seen from the work tree", "git looks for hooks elsewhere"]);
    sandbox.work_in("second");
    sandbox.push(&["origin", "HEAD:release/broken"]).ends_with(0);
    sandbox.proof_gate(&["status"]).says("not gated");
    is_told(&sandbox, &["open git looks for hooks elsewhere"]);
    sandbox.work_in("shop");
    mended(&sandbox, &mends(&ran));
    sandbox.work_in("second");
    sandbox.push(&["origin", "HEAD:release/again"]).ends_with(1).says("push refused");
}

#[test]
fn a_hooks_path_of_one_work_tree_alone() {
    let mut sandbox = shop();
    sandbox.git_ok(&["worktree", "add", "--quiet", "../second"]);
    sandbox.git_ok(&["config", "extensions.worktreeConfig", "true"]);
    sandbox.git_ok(&["-C", "../second", "config", "--worktree", "core.hooksPath", "/nowhere"]);
    let ran =
        is_told(&sandbox, &["open seen from the work tree", "second: git looks for hooks elsewhere: in /nowhere"]);
    mended(&sandbox, &mends(&ran));
    sandbox.work_in("second");
    sandbox.push(&["origin", "HEAD:release/again"]).ends_with(1).says("push refused");
}

#[test]
fn an_alias_that_pushes_without_hooks() {
    let sandbox = shop();
    sandbox.git_ok(&["config", "--global", "alias.publish", "push --no-verify"]);
    let ran = is_told(&sandbox, &["open alias.publish pushes without hooks: push --no-verify"]);
    sandbox.git_ok(&["publish", "origin", "main:release/broken"]);
    mended(&sandbox, &mends(&ran));
    sandbox.git_ok(&["config", "alias.away", "push --no-verify https://ana:secret@shop.example.org/shop.git"]);
    let ran = is_told(&sandbox, &["open alias.away pushes without hooks", "shop.example.org/shop.git"]);
    assert!(!ran.stdout.contains("secret"), "{}", ran.stdout);
    sandbox.git_ok(&["config", "--unset", "alias.away"]);
    sandbox.git(&["publish", "origin", "main"]).ends_with(1).says("is not a git command");
}

#[test]
fn a_mirror_deletes_gated_refs_of_which_the_hook_hears_nothing() {
    let sandbox = shop();
    sandbox.git_ok(&["push", "--quiet", "--no-verify", "origin", "main:release/old"]);
    sandbox.git_ok(&["config", "remote.origin.mirror", "true"]);
    let ran = is_told(&sandbox, &["open remote.origin.mirror is set"]);
    mended(&sandbox, &mends(&ran));
}

/// A shop whose hooks are husky's, with a `npx husky` that writes them as husky does.
fn with_husky(sandbox: &mut Sandbox) {
    let hook = "#!/usr/bin/env sh\\n. \"$(dirname \"$0\")/h\"\\n";
    let h = "#!/usr/bin/env sh\\n# husky\\ni=\"${XDG_CONFIG_HOME:-$HOME/.config}/husky/init.sh\"\\n[ -f \"$i\" ] && . \"$i\"\\n\
             [ \"${HUSKY-}\" = 0 ] && exit 0\\ns=$(dirname \"$(dirname \"$0\")\")/pre-push\\n[ -f \"$s\" ] || exit 0\\nsh -e \"$s\" \"$@\"\\n";
    let npx = format!(
        "#!/bin/sh\nmkdir -p .husky/_\nprintf '{}' >.husky/_/pre-push\nprintf '{}' >.husky/_/h\n\
         chmod +x .husky/_/pre-push\ngit config core.hooksPath .husky/_\n",
        hook.replace('\'', "'\\''"),
        h.replace('\'', "'\\''")
    );
    sandbox.write_executable("bin/npx", npx);
    let path = sandbox.sh("printf %s \"$PATH\"").stdout;
    sandbox.set("PATH", &format!("{}:{path}", sandbox.root().join("bin").display()));
    sandbox.sh("npx husky").ends_with(0);
}

#[test]
fn husky_that_took_the_hooks_over() {
    let mut sandbox = shop();
    with_husky(&mut sandbox);
    is_found_and_mended(&sandbox, Push::GoesOut, &["git looks for hooks elsewhere", "commit .husky/pre-push"]);
    // husky's other hooks stand there, and it would set it again.
    assert_eq!(sandbox.git(&["config", "core.hooksPath"]).stdout.trim(), ".husky/_");
}

#[test]
fn husky_that_is_told_to_skip_the_gate_it_calls() {
    let calling = || {
        let mut sandbox = Sandbox::new();
        with_husky(&mut sandbox);
        sandbox.write(".husky/pre-push", "exec proof-gate hook pre-push \"$@\"\n");
        sandbox.install();
        sandbox.commit_file("src/payments/charge.js", "BUG\n");
        sandbox.proof_gate(&["doctor", "--fire"]).ends_with(0);
        sandbox
    };
    let mut sandbox = calling();
    sandbox.set("HUSKY", "0");
    is_found_and_mended(&sandbox, Push::GoesOut, &["open HUSKY=0 is set in this environment"]);

    let sandbox = calling();
    sandbox.write_executable("home/.config/husky/init.sh", "# mine\nexport HUSKY=0\n");
    sandbox.push(&["origin", "main:release/broken"]).ends_with(0);
    is_told(&sandbox, &["init.sh says export HUSKY=0", "do: take line 2 out"]);
    fs::remove_file(sandbox.root().join("home/.config/husky/init.sh")).unwrap();
    sandbox.proof_gate(&["doctor", "--fire"]).ends_with(0);

    sandbox.write(".husky/pre-push", "proof-gate hook pre-push \"$@\" || true\n");
    sandbox.push(&["origin", "main:release/broken-too"]).ends_with(0);
    is_told(&sandbox, &["drops the gate's answer", "What proof-gate refuses goes out."]);
}

/// A `lefthook install` whose hook starts the script that lefthook.yml names, skips commands, and without lefthook says so and ends with 0.
fn with_lefthook(sandbox: &mut Sandbox) {
    let hook = "#!/bin/sh\\ncall_lefthook()\\n{\\n  lefthook -h || { echo \"Can'\\''t find lefthook\"; exit 0; }\\n\
                \\040 grep -qs scripts: lefthook.yml || exit 0\\n  shift\\n\
                \\040 exec sh .lefthook/pre-push/proof-gate \"$@\"\\n}\\ncall_lefthook pre-push \"$@\"\\n";
    let program = format!("#!/bin/sh\n[ \"$1\" = install ] || exit 0\nprintf '{hook}' >.git/hooks/pre-push\n");
    sandbox.write_executable("bin/lefthook", program);
    let path = sandbox.sh("printf %s \"$PATH\"").stdout;
    sandbox.set("PATH", &format!("{}:{path}", sandbox.root().join("bin").display()));
    sandbox.sh("lefthook install").ends_with(0);
}

#[test]
fn lefthook_that_took_its_place_back() {
    check(with_lefthook, Push::GoesOut, &["open lefthook took the hook's place", "commit lefthook.yml"]);
}

#[test]
fn lefthook_that_calls_the_gate_as_a_command_which_it_skips() {
    let command =
        "pre-push:\n  commands:\n    proof-gate:\n      run: proof-gate hook pre-push {0}\n      use_stdin: true\n";
    let mut sandbox = shop();
    with_lefthook(&mut sandbox);
    sandbox.write("lefthook.yml", command);
    sandbox.proof_gate(&["status"]).says("not gated");
    let ran =
        is_told(&sandbox, &["open lefthook took the hook's place", "lefthook skips a command", "add to it by hand"]);
    // A second key of the same name would be an error of every hook.
    assert!(!mends(&ran).iter().any(|command| command.contains("lefthook.yml")), "{}", ran.stdout);
    sandbox.sh(&mends(&ran)[0]).ends_with(0);
    sandbox.proof_gate(&["install"]).ends_with(3).says("below the 'pre-push:' that it has").says("  scripts:");
    sandbox.write("lefthook.yml", "pre-push:\n  scripts:\n    proof-gate:\n      runner: sh\n      use_stdin: true\n");
    mended(&sandbox, &mends(&ran)[1..]);
}

#[test]
fn lefthook_that_is_not_to_be_found_lets_pushes_go_out() {
    let mut sandbox = shop();
    with_lefthook(&mut sandbox);
    let ran = is_told(&sandbox, &["open lefthook took the hook's place"]);
    mended(&sandbox, &mends(&ran));
    fs::remove_file(sandbox.root().join("bin/lefthook")).unwrap();
    sandbox.push(&["origin", "main:release/broken"]).ends_with(0);
    is_told(
        &sandbox,
        &["open lefthook, which has to call the gate, is not to be found", "assert_lefthook_installed: true"],
    );
}

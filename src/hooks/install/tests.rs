//! Installing in a real repository: what is written, what is kept, and what is left alone.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::hooks::testing::{Shop, executable};
use crate::hooks::{HookState, state};

#[test]
fn the_hook_is_an_executable_file_and_fires() {
    let shop = Shop::new();
    let installed = install(&shop.open(), &shop.caller, &Options::default()).unwrap();
    assert_eq!(installed.hooks[0].path, shop.hook());
    assert_eq!(fs::symlink_metadata(shop.hook()).unwrap().permissions().mode() & 0o7777, 0o755);
    assert!(installed.lines.iter().any(|line| line.contains("the hook fires and refuses")), "{:?}", installed.lines);
}

#[test]
fn a_hook_that_does_not_fire_is_taken_back_and_the_reason_is_named() {
    let theirs = b"#!/bin/sh\nexit 0\n";
    let mut shop = Shop::new().with_hook(theirs);
    shop.caller.program = executable(&shop.caller.directory.join("mute"), b"#!/bin/sh\necho mute >&2\nexit 0\n");
    let error = install(&shop.open(), &shop.caller, &Options::default()).unwrap_err();
    assert!(error.message.contains("mute"), "{error}");
    assert_eq!(fs::read(shop.hook()).unwrap(), theirs);
    assert_eq!(fs::read_dir(shop.hook().parent().unwrap()).unwrap().count(), 1);
    assert_eq!(Note::read(&shop.open()).unwrap(), Note::default());
}

#[test]
fn a_dry_run_changes_nothing() {
    let shop = Shop::new();
    let options = Options { dry_run: true, policy: Some(b"version = 1\n".to_vec()), ..Options::default() };
    assert!(!install(&shop.open(), &shop.caller, &options).unwrap().lines.is_empty());
    assert!(!shop.hook().exists());
    assert!(!shop.open().own_dir().exists());
}

#[test]
fn an_older_hook_of_ours_is_replaced_and_not_chained() {
    let shop = Shop::new().with_hook(b"#!/bin/sh\n# proof-gate hook: pre-push 0. Old.\nexit 0\n");
    assert_eq!(install(&shop.open(), &shop.caller, &Options::default()).unwrap().hooks[0].chained, None);
    assert_eq!(state(&shop.open(), Hook::PrePush).unwrap(), HookState::Fires);
}

#[test]
fn what_is_left_of_a_hook_of_ours_is_replaced_and_not_chained() {
    for damage in [
        |hook: &Path| fs::write(hook, "").unwrap(),
        |hook: &Path| fs::write(hook, [0; 64]).unwrap(),
        |hook: &Path| fs::write(hook, &fs::read(hook).unwrap()[..99]).unwrap(),
        |hook: &Path| {
            fs::remove_file(hook).unwrap();
            std::os::unix::fs::symlink("pre-push", hook).unwrap();
        },
    ] {
        let shop = Shop::new();
        install(&shop.open(), &shop.caller, &Options::default()).unwrap();
        damage(&shop.hook());
        assert_eq!(install(&shop.open(), &shop.caller, &Options::default()).unwrap().hooks[0].chained, None);
        assert_eq!(state(&shop.open(), Hook::PrePush).unwrap(), HookState::Fires);
        assert_eq!(fs::read_dir(shop.hook().parent().unwrap()).unwrap().count(), 1);
    }
}

#[test]
fn an_empty_hooks_path_is_a_conflict_with_the_command_that_ends_it() {
    let shop = Shop::new();
    shop.git(&["config", "core.hooksPath", ""]);
    assert!(conflict(&shop, &Options::default()).contains("git config --local --unset-all core.hooksPath"));
}

#[test]
fn the_policy_seen_first_stays_when_installing_again() {
    let shop = Shop::new();
    for policy in ["first\n", "weaker\n"] {
        let options = Options { policy: Some(policy.into()), ..Options::default() };
        install(&shop.open(), &shop.caller, &options).unwrap();
    }
    let (id, bytes) = SeenPolicy::read(&shop.open()).unwrap().unwrap();
    assert_eq!(
        (bytes.as_slice(), id.to_string().as_str()),
        (&b"first\n"[..], "9c59e24b8393179a5d712de4f990178df5734d99")
    );
}

#[test]
fn a_hooks_path_of_user_or_outside_is_never_touched() {
    for scope in ["--global", "--local"] {
        let shop = Shop::new();
        let outside = shop.caller.directory.with_file_name("outside");
        shop.git(&["config", scope, "core.hooksPath", outside.to_str().unwrap()]);
        let hints = conflict(&shop, &Options::default());
        assert!(hints.contains("--hooks-dir") && hints.contains("git config --local core.hooksPath"), "{hints}");
        assert!(!outside.exists());
        let named = Options { hooks_dir: Some(outside.clone()), ..Options::default() };
        assert_eq!(install(&shop.open(), &shop.caller, &named).unwrap().hooks[0].path, outside.join("pre-push"));
    }
}

#[test]
fn a_folder_where_git_does_not_look_is_no_place_for_a_hook() {
    let shop = Shop::new();
    let named = Options { hooks_dir: Some("my-hooks".into()), ..Options::default() };
    assert!(conflict(&shop, &named).contains("git config --local core.hooksPath"));
}

#[test]
fn a_hooks_path_inside_the_repository_is_used() {
    let shop = Shop::new();
    shop.git(&["config", "core.hooksPath", "tools/hooks"]);
    let installed = install(&shop.open(), &shop.caller, &Options::default()).unwrap();
    assert_eq!(installed.hooks[0].path, shop.caller.directory.join("tools/hooks/pre-push"));
}

#[test]
fn from_a_linked_worktree_the_common_folder_gets_the_hook() {
    let mut shop = Shop::new();
    shop.git(&["commit", "--quiet", "--allow-empty", "-m", "one"]);
    shop.git(&["worktree", "add", "--quiet", "../second"]);
    let common = shop.hook();
    shop.caller.directory = shop.caller.directory.with_file_name("second");
    assert_eq!(install(&shop.open(), &shop.caller, &Options::default()).unwrap().hooks[0].path, common);
}

#[test]
fn husky_and_lefthook_get_a_line_to_add_and_then_nothing_is_written() {
    check_manager(
        ".husky/_",
        "h",
        "#!/usr/bin/env sh\n# husky\n",
        ".husky/pre-push",
        "exec proof-gate hook pre-push \"$@\"",
    );
    check_manager(".git/hooks", "pre-push", "#!/bin/sh\ncall_lefthook()\n{\n}\n", "lefthook.yml", "use_stdin: true");
}

#[test]
fn a_hook_that_took_the_place_back_is_not_chained_over_the_kept_one() {
    let shop = Shop::new().with_hook(b"#!/bin/sh\nexit 0\n");
    install(&shop.open(), &shop.caller, &Options::default()).unwrap();
    executable(&shop.hook(), b"#!/bin/sh\n# another manager\n");
    assert!(conflict(&shop, &Options::default()).contains("move one of the two away"));
}

#[test]
fn a_manager_that_took_the_place_back_does_not_start_the_gate_in_a_circle() {
    let manager = b"#!/bin/sh\n# pre-commit\nexit 0\n";
    let shop = Shop::new().with_hook(manager);
    install(&shop.open(), &shop.caller, &Options::default()).unwrap();
    let legacy = shop.hook().with_file_name("pre-push.legacy");
    fs::rename(shop.hook(), &legacy).unwrap();
    executable(&shop.hook(), manager);
    install(&shop.open(), &shop.caller, &Options::default()).unwrap();
    assert!(!legacy.exists());
    assert_eq!(state(&shop.open(), Hook::PrePush).unwrap(), HookState::Fires);
}

/// A server's install with one setting.
fn of_server() -> Options {
    let setting = Added { name: "receive.fsckObjects", value: b"true".to_vec() };
    Options { side: Side::Server, settings: vec![setting], ..Options::default() }
}

#[test]
fn both_hooks_of_a_server_are_executable_files_and_fire() {
    let shop = Shop::new();
    let installed = install(&shop.open(), &shop.caller, &of_server()).unwrap();
    for (hook, placed) in Side::Server.hooks().iter().zip(&installed.hooks) {
        assert_eq!(placed.path, shop.hook().with_file_name(hook.name()));
        assert_eq!(fs::symlink_metadata(&placed.path).unwrap().permissions().mode() & 0o7777, 0o755);
        assert_eq!(state(&shop.open(), *hook).unwrap(), HookState::Fires);
    }
    assert!(!shop.hook().exists());
    assert!(installed.lines.iter().any(|line| line.contains("each hook fires")), "{:?}", installed.lines);
}

#[test]
fn where_one_hook_of_a_server_does_not_fire_everything_is_as_before() {
    let mut shop = Shop::new();
    let theirs = b"#!/bin/sh\nexit 0\n";
    fs::create_dir_all(shop.hook().parent().unwrap()).unwrap();
    let kept = executable(&shop.hook().with_file_name("post-receive"), theirs);
    let config = shop.caller.directory.join(".git/config");
    let before = fs::read(&config).unwrap();
    let mute =
        b"#!/bin/sh\n[ $2 = post-receive ] && exit 0\necho \"self-test $4: nothing is let through\" >&2\nexit 2\n";
    shop.caller.program = executable(&shop.caller.directory.join("mute"), mute);
    let error = install(&shop.open(), &shop.caller, &of_server()).unwrap_err();
    assert!(error.message.contains("cannot make the hook fire: post-receive"), "{error}");
    assert_eq!(fs::read(kept).unwrap(), theirs);
    assert_eq!(fs::read_dir(shop.hook().parent().unwrap()).unwrap().count(), 1);
    assert_eq!(fs::read(config).unwrap(), before);
    assert_eq!(Note::read(&shop.open()).unwrap(), Note::default());
}

#[test]
fn a_conflict_over_the_second_hook_writes_nothing_of_the_first() {
    let shop = Shop::new();
    fs::create_dir_all(shop.hook().with_file_name("post-receive")).unwrap();
    conflict(&shop, &of_server());
    assert_eq!(fs::read_dir(shop.hook().parent().unwrap()).unwrap().count(), 1);
    assert!(!shop.open().own_dir().exists());
}

#[test]
fn the_hooks_of_both_sides_stand_beside_each_other_and_go_out_together() {
    let shop = Shop::new();
    install(&shop.open(), &shop.caller, &Options::default()).unwrap();
    install(&shop.open(), &shop.caller, &of_server()).unwrap();
    assert_eq!(fs::read_dir(shop.hook().parent().unwrap()).unwrap().count(), 3);
    crate::hooks::uninstall(&shop.open()).unwrap();
    assert!(!shop.hook().parent().unwrap().exists(), "install had made the folder");
}

fn check_manager(folder: &str, file: &str, text: &str, config: &str, line: &str) {
    let shop = Shop::new();
    let top = &shop.caller.directory;
    fs::create_dir_all(top.join(folder)).unwrap();
    executable(&top.join(folder).join(file), text.as_bytes());
    shop.git(&["config", "core.hooksPath", folder]);
    let hints = conflict(&shop, &Options::default());
    assert!(hints.contains(line), "{hints}");
    fs::write(top.join(config), format!("# nothing: {line}\n# proof-gate hook pre-push\n")).unwrap();
    conflict(&shop, &Options::default());
    fs::write(top.join(config), hints).unwrap();
    fs::create_dir_all(top.join(".lefthook/pre-push")).unwrap();
    fs::write(top.join(".lefthook/pre-push/proof-gate"), "exec proof-gate hook pre-push \"$@\"\n").unwrap();
    let hook = top.join(folder).join("pre-push");
    let theirs = fs::read(&hook).unwrap_or_else(|_| b"#!/bin/sh\n. \"$(dirname \"$0\")/h\"\n".to_vec());
    drop(fs::remove_file(&hook));
    executable(&hook.with_file_name("pre-commit"), b"#!/bin/sh\ncall_lefthook()\n{\n}\n");
    assert!(conflict(&shop, &Options::default()).contains("write it"));
    executable(&hook, &theirs);
    let installed = install(&shop.open(), &shop.caller, &Options::default()).unwrap();
    assert!(installed.called_by.is_some());
    assert!(installed.lines.iter().any(|line| line.contains("doctor --fire")), "{:?}", installed.lines);
    assert_eq!(Note::read(&shop.open()).unwrap(), Note::default());
}

fn conflict(shop: &Shop, options: &Options) -> String {
    let error = install(&shop.open(), &shop.caller, options).unwrap_err();
    assert_eq!(error.exit, Exit::Conflict, "{error}");
    let lines = error.to_copy.iter().map(|line| (*line).to_owned());
    error.hints.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

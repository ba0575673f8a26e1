//! A server's hooks as those meet them who keep it, and those who push to it.
//!
//! Deliberately absent: what the check finds. Here it is reached, or something else refuses first.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Layout, Ran, Sandbox};

const SIGNERS: &str = "ana@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA\n";

const INSTALL: &str = "install --server --allowed-signers ../signers --policy-signers ../signers";

/// What the check says of what nobody has proven.
const REACHED: &str = "refs/heads/main  ";

/// The shop, and a list of signers beside its remote.
fn shop() -> Sandbox {
    with(Layout::Plain)
}

fn with(layout: Layout) -> Sandbox {
    let sandbox = Sandbox::with(layout);
    fs::write(sandbox.root().join("signers"), SIGNERS).unwrap();
    sandbox
}

/// The program in the remote.
fn on_server(sandbox: &Sandbox, args: &str) -> Ran {
    sandbox.sh(&format!("cd ../remote.git && exec proof-gate {args}"))
}

/// Every file of the remote with its mode, but for objects, and for the gate's own folder.
fn files(sandbox: &Sandbox) -> BTreeMap<String, (u32, Vec<u8>)> {
    fn walk(top: &Path, folder: &Path, files: &mut BTreeMap<String, (u32, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            if name == "objects" || name == "proof-gate" {
                continue;
            }
            let metadata = fs::symlink_metadata(&path).unwrap();
            let bytes = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            files.insert(name, (metadata.permissions().mode(), bytes));
            if metadata.is_dir() {
                walk(top, &path, files);
            }
        }
    }
    let mut found = BTreeMap::new();
    let top = sandbox.root().join("remote.git");
    walk(&top, &top, &mut found);
    found
}

#[test]
fn a_push_meets_the_servers_hook_whatever_the_client_does() {
    for layout in [Layout::Plain, Layout::Sha256, Layout::Reftable] {
        let sandbox = with(layout);
        on_server(&sandbox, INSTALL).ends_with(0).says("HEAD has no commit yet").says("each hook fires");
        for hook in ["pre-receive", "post-receive"] {
            let path = sandbox.root().join("remote.git/hooks").join(hook);
            assert_eq!(fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777, 0o755);
        }
        sandbox.push(&["--no-verify", "origin", "main"]).ends_with(1).says(REACHED).says("pre-receive hook declined");
        assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
        on_server(&sandbox, "uninstall").ends_with(0);
        sandbox.push(&["origin", "main"]).ends_with(0);
        on_server(&sandbox, INSTALL).ends_with(0).says("noted the policy file as the anchor");
    }
}

#[test]
fn a_hook_that_stood_there_hears_the_same_first_and_its_refusal_is_named() {
    let sandbox = shop();
    let hook = "#!/bin/sh\ncat >../heard\necho \"$#\" >>../heard\necho heard >&2\ntest ! -f ../closed\n";
    sandbox.write_executable("remote.git/hooks/pre-receive", hook);
    on_server(&sandbox, INSTALL).ends_with(0).says("pre-receive.before-proof-gate: it runs first");
    let heard = || fs::read_to_string(sandbox.root().join("heard")).unwrap();
    let main = sandbox.git_ok(&["rev-parse", "main"]);
    let expected = format!("{} {} refs/heads/main\n0\n", "0".repeat(40), main.trim_end());
    let ran = sandbox.push(&["origin", "main"]).ends_with(1).says(REACHED);
    assert_eq!(heard(), expected);
    assert!(ran.stderr.find("heard") < ran.stderr.find(REACHED), "{}", ran.stderr);
    fs::write(sandbox.root().join("closed"), "").unwrap();
    let ran = sandbox.push(&["origin", "main"]).ends_with(1).says("refused by the hook that stood here before");
    assert!(!ran.stderr.contains(REACHED), "{}", ran.stderr);
    fs::remove_file(sandbox.root().join("remote.git/hooks/pre-receive.before-proof-gate")).unwrap();
    sandbox.push(&["origin", "main"]).ends_with(1).says("is gone").says("proof-gate install --server");
}

#[test]
fn a_hook_that_hears_what_was_received_is_never_lost() {
    let sandbox = shop();
    sandbox.write_executable("remote.git/hooks/post-receive", "#!/bin/sh\ncat >>../heard\nexit 7\n");
    on_server(&sandbox, INSTALL).ends_with(0);
    let hear = |damage: &str| {
        drop(fs::remove_file(sandbox.root().join("heard")));
        let ran = sandbox.sh(&format!("cd ../remote.git && {damage} && echo 'a b refs/x' | hooks/post-receive"));
        assert_eq!(fs::read_to_string(sandbox.root().join("heard")).unwrap(), "a b refs/x\n", "{damage}: {ran:?}");
        ran
    };
    hear("true").says("the hook that stood here before, ended with 7").says("cannot read line 1 of what is pushed");
    hear("echo damaged >proof-gate/installed.json");
    hear("rm proof-gate/installed.json");
    let program = env!("CARGO_BIN_EXE_proof-gate");
    let gone = format!("PATH=/usr/bin:/bin && sed -i 's,{program},/nowhere,' hooks/post-receive");
    hear(&gone).says("the program proof-gate is not on the server");
}

#[test]
fn everything_is_as_before_when_the_hooks_are_taken_out() {
    for set_up in [
        "true",
        "git config receive.denyDeletes true",
        "git config receive.fsckObjects false && git config proofs.allowedSigners /elsewhere",
        "printf '[receive]\\n  FsckObjects=no ; ours\\n' >>config",
        "git config receive.fsckObjects true",
        "mkdir hooks && echo exit 0 >hooks/pre-receive && chmod 640 hooks/pre-receive && ln -s nowhere hooks/post-receive",
    ] {
        let sandbox = shop();
        sandbox.sh(&format!("cd ../remote.git && {set_up}")).ends_with(0);
        let before = files(&sandbox);
        on_server(&sandbox, INSTALL).ends_with(0);
        let installed = files(&sandbox);
        assert_ne!(installed, before, "{set_up}");
        on_server(&sandbox, INSTALL).ends_with(0);
        assert_eq!(files(&sandbox), installed, "{set_up}");
        fs::write(sandbox.root().join("others"), SIGNERS).unwrap();
        on_server(&sandbox, "install --server --policy-signers ../others").ends_with(0).says("proofs.policySigners");
        on_server(&sandbox, "uninstall").ends_with(0);
        assert_eq!(files(&sandbox), before, "{set_up}");
    }
}

#[test]
fn a_setting_that_was_changed_since_is_left_and_named() {
    let sandbox = shop();
    on_server(&sandbox, INSTALL).ends_with(0).says("set receive.fsckObjects to true");
    sandbox.sh("cd ../remote.git && git config receive.fsckObjects false").ends_with(0);
    let ran = on_server(&sandbox, "uninstall").ends_with(0);
    let ran =
        ran.says("left receive.fsckObjects, which was changed since: false").says("removed proofs.allowedSigners");
    assert!(!ran.stderr.contains("error"), "{}", ran.stderr);
    let left = sandbox.sh("cd ../remote.git && git config --get-all receive.fsckObjects").stdout;
    assert_eq!(left, "false\n");

    let sandbox = shop();
    on_server(&sandbox, INSTALL).ends_with(0);
    sandbox.sh("cd ../remote.git && git config --add receive.fsckObjects false").ends_with(0);
    on_server(&sandbox, INSTALL).ends_with(0).says("set receive.fsckObjects to true");
    on_server(&sandbox, "uninstall").ends_with(0).says("removed receive.fsckObjects, which is false again");
}

#[test]
fn a_dry_run_on_a_server_writes_nothing() {
    let sandbox = shop();
    let before = files(&sandbox);
    let ran = on_server(&sandbox, &format!("{INSTALL} --dry-run")).ends_with(0);
    ran.says("hooks/pre-receive").says("set proofs.policySigners to");
    assert_eq!(files(&sandbox), before);
    assert!(!sandbox.root().join("remote.git/proof-gate").exists());
}

#[test]
fn without_lists_of_signers_the_command_is_named_and_nothing_is_written() {
    let sandbox = shop();
    let before = files(&sandbox);
    on_server(&sandbox, "install --server")
        .ends_with(64)
        .says("proof-gate install --server --allowed-signers FILE --policy-signers FILE");
    on_server(&sandbox, "install --server --allowed-signers ../signers")
        .ends_with(64)
        .says("proof-gate install --server --policy-signers FILE");
    for (make, says) in [
        ("true", "cannot read the allowed signers"),
        ("mkdir ../bad", "cannot read the allowed signers"),
        ("echo >../bad", "nobody is named in it"),
        ("echo 'ssh-ed25519 AAAA ana@example.org' >../bad", "nobody is named in it"),
        ("echo 'bo openpgp 89AB' >../bad", "at line 1: no whole fingerprint"),
    ] {
        sandbox.sh(&format!("rm -rf ../bad && {make}")).ends_with(0);
        let args = "install --server --policy-signers ../signers --allowed-signers ../bad";
        on_server(&sandbox, args).ends_with(3).says(says);
    }
    assert_eq!(files(&sandbox), before);
}

#[test]
fn lists_that_are_set_already_stay() {
    let sandbox = shop();
    let signers = sandbox.root().join("signers");
    sandbox.git_ok(&["config", "--global", "proofs.allowedSigners", "~/../signers"]);
    sandbox.git_ok(&["config", "--global", "proofs.policySigners", signers.to_str().unwrap()]);
    let ran = on_server(&sandbox, "install --server").ends_with(0);
    ran.says("proofs.allowedSigners stays").says(&format!("proofs.policySigners stays {}", signers.display()));
    let config = fs::read_to_string(sandbox.root().join("remote.git/config")).unwrap();
    assert!(!config.contains("proofs") && config.contains("fsckObjects = true"), "{config}");
    fs::write(&signers, "").unwrap();
    on_server(&sandbox, "install --server").ends_with(3).says("nobody is named in it");
}

#[test]
fn in_a_terminal_the_lists_are_asked_for() {
    let sandbox = shop();
    let mut session = sandbox.session("sh", &["-c", "cd ../remote.git && exec proof-gate install --server"]);
    session.types("../signers\n  ../signers \n");
    let shown = session.shown();
    assert!(shown.contains("whose records count here") && shown.contains("each hook fires"), "{shown}");
    let set = sandbox.sh("cd ../remote.git && git config proofs.policySigners").stdout;
    assert_eq!(set, format!("{}/remote.git/../signers\n", sandbox.root().display()));
    on_server(&sandbox, "uninstall").ends_with(0);
    let mut session = sandbox.session("sh", &["-c", "cd ../remote.git && exec proof-gate install --server"]);
    session.types("\n");
    let shown = session.shown();
    assert!(shown.contains("--allowed-signers FILE") && !shown.contains("each hook fires"), "{shown}");
}

#[test]
fn a_repository_with_a_work_tree_is_no_server() {
    let sandbox = shop();
    let (in_git_dir, args) = ("cd .git && exec proof-gate", INSTALL.replace("..", "../.."));
    sandbox.proof_gate(&["install", "--server"]).ends_with(3).says("is not a bare repository").says("git clone --bare");
    sandbox.sh(&format!("{in_git_dir} {args}")).ends_with(3).says("is not a bare repository");
    assert!(!sandbox.hook().with_file_name("pre-receive").exists());
    let sandbox = with(Layout::Linked);
    sandbox.sh(&format!("exec proof-gate {INSTALL}")).ends_with(0);
    assert!(sandbox.hook().with_file_name("pre-receive").exists(), "a linked work tree beside it changes nothing");
}

#[test]
fn a_hooks_path_of_a_server_is_used_where_it_is_its_own_and_else_a_conflict() {
    let sandbox = shop();
    sandbox.sh("cd ../remote.git && git config core.hooksPath of-the-team").ends_with(0);
    on_server(&sandbox, INSTALL).ends_with(0);
    assert!(sandbox.root().join("remote.git/of-the-team/pre-receive").exists());
    sandbox.push(&["origin", "main"]).ends_with(1).says(REACHED);
    sandbox.sh("cd ../remote.git && git config core.hooksPath elsewhere").ends_with(0);
    on_server(&sandbox, INSTALL).ends_with(3).says("then: proof-gate install --server");
    on_server(&sandbox, "uninstall").ends_with(0);
    let outside = sandbox.root().join("outside");
    sandbox.git_ok(&["config", "--global", "core.hooksPath", outside.to_str().unwrap()]);
    sandbox.sh("cd ../remote.git && git config --unset core.hooksPath").ends_with(0);
    on_server(&sandbox, INSTALL).ends_with(3).says("proof-gate install --server --hooks-dir");
    on_server(&sandbox, &format!("{INSTALL} --hooks-dir {}", outside.display())).ends_with(0);
    sandbox.push(&["--no-verify", "origin", "main"]).ends_with(1).says(REACHED);
    on_server(&sandbox, "uninstall").ends_with(0);
    assert!(!outside.exists());
}

#[test]
fn what_another_program_put_there_since_is_left_alone() {
    let sandbox = shop();
    on_server(&sandbox, INSTALL).ends_with(0);
    sandbox.write_executable("remote.git/hooks/post-receive", "#!/bin/sh\n# of another\n");
    let before = files(&sandbox);
    on_server(&sandbox, "uninstall").ends_with(3).says("post-receive was replaced by somebody else");
    assert_eq!(files(&sandbox), before, "the other hook stands as well");
}

#[test]
fn a_servers_hook_by_hand_lets_nothing_through() {
    let sandbox = shop();
    for hook in ["pre-receive", "post-receive"] {
        on_server(&sandbox, &format!("hook {hook} --self-test abc")).ends_with(2).says("self-test abc");
        let ran = sandbox.in_terminal("proof-gate", &["hook", hook]).ends_with(2);
        assert!(ran.stdout.contains("standard input is a terminal"), "{}", ran.stdout);
    }
}

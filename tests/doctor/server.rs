//! Every way in which a server's hooks fail open, and settings by which they are led past.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use super::{as_read, mends};
use crate::support::{Ran, Sandbox};

const INSTALL: &str = "proof-gate install --server --allowed-signers ../signers --policy-signers ../signers";

/// A shop whose remote holds `main` and has the hooks of a server.
fn server() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::write(sandbox.root().join("signers"), "ana@example.org ssh-ed25519 AAAA\n").unwrap();
    sandbox.push(&["origin", "main"]).ends_with(0);
    on_server(&sandbox, INSTALL).ends_with(0);
    sandbox
}

fn on_server(sandbox: &Sandbox, script: &str) -> Ran {
    sandbox.sh(&format!("cd ../remote.git && {script}"))
}

fn hook(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.root().join("remote.git/hooks").join(name)
}

/// Does the damage, has it told with these words, runs the mend as it is printed, and has nothing told any more.
#[track_caller]
fn check(damage: impl FnOnce(&Sandbox), says: &[&str]) {
    let sandbox = server();
    damage(&sandbox);
    let ran = is_told(&sandbox, says);
    let commands = mends(&ran);
    assert!(!commands.is_empty(), "no mend is printed:\n{}", ran.stdout);
    on_server(&sandbox, &commands.join(" && ")).ends_with(0);
    on_server(&sandbox, "proof-gate doctor").ends_with(0).says("nothing is wrong");
    sandbox
        .push(&["--no-verify", "origin", "main:refs/heads/release/1"])
        .ends_with(1)
        .says("pre-receive hook declined");
}

#[track_caller]
fn is_told(sandbox: &Sandbox, says: &[&str]) -> Ran {
    let ran = on_server(sandbox, "proof-gate doctor").ends_with(1);
    for words in says {
        assert!(as_read(&ran).contains(words), "nobody says '{words}':\n{}", ran.stdout);
    }
    ran
}

#[test]
fn a_server_as_install_leaves_it_is_fine_and_a_clone_hears_nothing_of_it() {
    let sandbox = server();
    let ran = on_server(&sandbox, "proof-gate doctor").ends_with(0).says("nothing is wrong");
    let read = as_read(&ran);
    for words in ["the server's hooks, ", "the lists of signers", "no look what a push that leaves needs"] {
        assert!(read.contains(words), "nobody says '{words}':\n{}", ran.stdout);
    }
    on_server(&sandbox, "proof-gate doctor --fire").ends_with(0).says("here pushes only arrive");
    let status = on_server(&sandbox, "proof-gate status").ends_with(0);
    assert!(!status.stderr.contains("gated"), "{}", status.stderr);
    sandbox.install();
    sandbox.proof_gate(&["doctor"]).ends_with(0).says("no hooks of a server are installed here");
}

#[test]
fn a_servers_hook_that_git_ignores() {
    for (name, open) in [("pre-receive", "open"), ("post-receive", "no proof")] {
        let mode = fs::Permissions::from_mode(0o644);
        check(
            |sandbox| fs::set_permissions(hook(sandbox, name), mode).unwrap(),
            &[&format!("{open} the hook is not executable, so git ignores it")],
        );
        check(|sandbox| fs::remove_file(hook(sandbox, name)).unwrap(), &[&format!("{open} no hook is installed here")]);
        check(|sandbox| fs::write(hook(sandbox, name), "").unwrap(), &[&format!("{open} the hook is empty")]);
        check(|sandbox| fs::write(hook(sandbox, name), [0; 99]).unwrap(), &[&format!("{open} the hook is empty")]);
        for target in ["nowhere", name] {
            check(
                |sandbox| {
                    fs::remove_file(hook(sandbox, name)).unwrap();
                    symlink(target, hook(sandbox, name)).unwrap();
                },
                &[&format!("{open} the hook is a link that leads nowhere")],
            );
        }
    }
}

#[test]
fn a_servers_hook_that_is_another() {
    let text = |sandbox: &Sandbox, name: &str| fs::read_to_string(hook(sandbox, name)).unwrap();
    for name in ["pre-receive", "post-receive"] {
        check(
            |sandbox| fs::write(hook(sandbox, name), &text(sandbox, name)[..200]).unwrap(),
            &["the hook was cut short"],
        );
        check(
            |sandbox| fs::write(hook(sandbox, name), text(sandbox, name).replace("{\n", "exit 0\n{\n")).unwrap(),
            &["the hook is not as install writes it"],
        );
        check(
            |sandbox| fs::write(hook(sandbox, name), "#!/bin/sh\nexit 0\n").unwrap(),
            &["another program took the hook's place"],
        );
        check(
            |sandbox| fs::write(hook(sandbox, name), text(sandbox, name).replace('\n', "\r\n")).unwrap(),
            &["no proof the interpreter that the hook's first line names is not there"],
        );
    }
}

#[test]
fn a_hooks_folder_where_no_servers_hook_is() {
    check(
        |sandbox| drop(on_server(sandbox, "git config core.hooksPath nowhere").ends_with(0)),
        &["open git looks for hooks elsewhere"],
    );
    check(
        |sandbox| drop(sandbox.git_ok(&["config", "--global", "core.hooksPath", "/nowhere/hooks"])),
        &["open git looks for hooks elsewhere"],
    );
}

#[test]
fn hooks_of_a_server_whose_note_was_lost() {
    check(
        |sandbox| {
            sandbox.write_executable("remote.git/hooks/pre-receive.before-proof-gate", "#!/bin/sh\nexit 0\n");
            fs::remove_file(sandbox.root().join("remote.git/proof-gate/installed.json")).unwrap();
        },
        &["no proof a hook is kept and noted nowhere"],
    );
}

#[test]
fn a_program_behind_a_servers_hook_that_is_another_or_gone() {
    let sandbox = server();
    sandbox.write_executable("bin/proof-gate", fs::read(env!("CARGO_BIN_EXE_proof-gate")).unwrap());
    on_server(&sandbox, "../bin/proof-gate install --server").ends_with(0);
    fs::write(sandbox.root().join("bin/proof-gate"), "#!/bin/sh\nexit 0\n").unwrap();
    let ran = is_told(&sandbox, &["open cannot make the hook fire: pre-receive", "the hook starts another program"]);
    on_server(&sandbox, "proof-gate status").ends_with(0).says("pushes come in unchecked. Mend: proof-gate doctor");
    on_server(&sandbox, &mends(&ran).join(" && ")).ends_with(0);
    on_server(&sandbox, "proof-gate doctor").ends_with(0);

    on_server(&sandbox, "../bin/proof-gate --version").ends_with(0);
    sandbox.write_executable("bin/proof-gate", fs::read(env!("CARGO_BIN_EXE_proof-gate")).unwrap());
    on_server(&sandbox, "../bin/proof-gate install --server").ends_with(0);
    fs::remove_file(sandbox.root().join("bin/proof-gate")).unwrap();
    let gone = "PATH=${PATH#*:} && exec \"$PROGRAM\" doctor";
    let ran = sandbox.sh(&format!("cd ../remote.git && PROGRAM=$(command -v proof-gate) && {gone}")).ends_with(1);
    assert!(as_read(&ran).contains("so the hook refuses every push"), "{}", ran.stdout);
    assert_eq!(mends(&ran), ["proof-gate install --server"]);
}

#[test]
fn a_kept_hook_of_a_server_that_is_gone_or_not_run_any_more() {
    for name in ["pre-receive", "post-receive"] {
        let kept = |sandbox: &Sandbox| hook(sandbox, &format!("{name}.before-proof-gate"));
        let with_kept = |sandbox: &Sandbox| {
            on_server(sandbox, "proof-gate uninstall").ends_with(0);
            sandbox.write_executable(hook(sandbox, name), "#!/bin/sh\nexit 0\n");
            on_server(sandbox, INSTALL).ends_with(0);
        };
        check(
            |sandbox| {
                with_kept(sandbox);
                fs::remove_file(kept(sandbox)).unwrap();
            },
            &["no proof the hook that stood there before is gone"],
        );
        check(
            |sandbox| {
                with_kept(sandbox);
                fs::set_permissions(kept(sandbox), fs::Permissions::from_mode(0o600)).unwrap();
            },
            &["open the hook that stood there before is not executable any more"],
        );
    }
}

#[test]
fn git_does_not_look_at_what_arrives() {
    for (set, says) in [
        ("git config --unset receive.fsckObjects", "open receive.fsckObjects is not set"),
        ("git config receive.fsckObjects off", "open receive.fsckobjects is off"),
        ("git config --add receive.fsckObjects false", "open receive.fsckobjects is false"),
        (
            "git config --unset receive.fsckObjects && git config transfer.fsckObjects false",
            "open transfer.fsckobjects is false",
        ),
    ] {
        check(|sandbox| drop(on_server(sandbox, set).ends_with(0)), &[says]);
    }
    let sandbox = server();
    let set = "git config --unset receive.fsckObjects && git config transfer.fsckObjects true";
    on_server(&sandbox, set).ends_with(0);
    on_server(&sandbox, "proof-gate doctor").ends_with(0).says("nothing is wrong");
}

#[test]
fn git_hides_the_logs() {
    for (set, says) in [
        ("git config transfer.hideRefs refs/proof", "no proof transfer.hiderefs hides refs/proof"),
        ("git config receive.hideRefs refs/proof/", "nothing that needs one comes in"),
        ("git config receive.hideRefs ^refs/proof/log/", "no proof receive.hiderefs hides refs/proof"),
        ("git config uploadpack.hideRefs refs/proof", "Nobody can fetch the records of others"),
        ("git config --global transfer.hideRefs refs/proof", "no proof transfer.hiderefs hides refs/proof"),
    ] {
        check(
            |sandbox| {
                on_server(sandbox, set).ends_with(0);
                hides(sandbox, true);
            },
            &[says],
        );
    }
    for set in ["refs/proofs", "refs/proof/logs", "refs/pro", "!refs/proof"] {
        let sandbox = server();
        on_server(&sandbox, &format!("git config transfer.hideRefs '{set}'")).ends_with(0);
        on_server(&sandbox, "proof-gate doctor").ends_with(0).says("nothing is wrong");
        hides(&sandbox, false);
    }
}

/// Whether git shows a log to those who ask, as the doctor says.
fn hides(sandbox: &Sandbox, expected: bool) {
    on_server(sandbox, "git update-ref refs/proof/log/0123456789abcdef main").ends_with(0);
    let shown = |what: &str| sandbox.sh(what).stdout.contains("refs/proof/log/");
    let receives = shown("printf 0000 | git receive-pack --advertise-refs ../remote.git 2>&1 | tr '\\0' ' '");
    let uploads = shown("git ls-remote ../remote.git 'refs/proof/*'");
    assert_eq!(receives && uploads, !expected);
    on_server(sandbox, "git update-ref -d refs/proof/log/0123456789abcdef").ends_with(0);
}

#[test]
fn lists_of_signers_that_serve_nobody() {
    let damages = [
        ("git config --unset proofs.allowedSigners", "no proof proofs.allowedSigners is not set"),
        ("git config --unset proofs.policySigners", "Nobody may approve a weaker policy"),
        ("rm ../signers", "no proof cannot read the allowed signers"),
        ("echo >../signers", "no proof nobody is named in the allowed signers"),
        ("echo 'bo openpgp 12' >../signers", "no whole fingerprint"),
    ];
    for (damage, says) in damages {
        let sandbox = server();
        on_server(&sandbox, damage).ends_with(0);
        let ran = is_told(&sandbox, &[says, "proof-gate install --server --"]);
        assert!(mends(&ran).is_empty(), "nobody knows whom to name: {}", ran.stdout);
    }
    check(
        |sandbox| drop(on_server(sandbox, "chmod 666 ../signers").ends_with(0)),
        &["open everybody may write the allowed signers"],
    );
}

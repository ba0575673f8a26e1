//! How the user connects reaches the exchange of records; and a server that does not answer ends it.

use std::fs;
use std::time::{Duration, Instant};

use super::write_fake_ssh;
use crate::support::Sandbox;

#[test]
fn what_git_is_told_on_its_command_line_reaches_the_push_of_the_log() {
    let sandbox = Sandbox::proven_and_changed();
    let ssh = write_fake_ssh(&sandbox);
    let url = format!("ssh://example.org{}", sandbox.root().join("remote.git").display());
    let setting = format!("core.sshCommand={}", ssh.display());
    let connections = || fs::read_to_string(sandbox.root().join("connections")).unwrap_or_default().len();
    sandbox.git(&["-c", &setting, "push", &url, "main"]).ends_with(0);
    let (log, tip) = sandbox.own_log();
    assert_eq!(sandbox.logs_in("remote.git")[&log], tip);
    assert_eq!(connections(), 3, "the push, what is there, and the log");
    // The same by variables; and the place is known again, whoever is named as its user.
    sandbox.commit_file("src/payments/charge.js", "charge again\n");
    let script = format!(
        "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.sshCommand GIT_CONFIG_VALUE_0='{}' git push '{url}' main",
        ssh.display()
    );
    sandbox.sh(&script).ends_with(0);
    assert_eq!(sandbox.logs_in("remote.git")[&log], sandbox.own_log().1);
    let folders = sandbox.refs_in("shop", "refs/proof/remotes/");
    assert_eq!(folders.keys().filter(|name| name.starts_with("refs/proof/remotes/url-")).count(), 1, "{folders:?}");
}

#[test]
fn a_url_that_git_rewrote_is_not_rewritten_once_more() {
    let sandbox = Sandbox::proven_and_changed();
    sandbox.git_in(sandbox.root(), &["init", "--quiet", "--bare", "--template=", "moved/remote.git"]).ends_with(0);
    let root = sandbox.root().to_str().unwrap().to_owned();
    sandbox.git_ok(&["config", &format!("url.{root}/moved/.insteadOf"), &format!("{root}/")]);
    sandbox.git_ok(&["remote", "set-url", "origin", &format!("{root}/remote.git")]);
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert_eq!(sandbox.logs_in("moved/remote.git"), sandbox.logs_in("shop"));
    sandbox.sync(0).says("no record came, no record went");
}

#[test]
fn a_remote_that_is_not_there_is_named_with_its_cause_and_without_its_password() {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["remote", "set-url", "origin", "../nowhere.git"]);
    let ran = sandbox.sync(2).says("error: cannot exchange records with origin: fatal: ").says("nowhere.git");
    assert!(ran.stderr.contains("does not appear to be a git repository"), "{}", ran.stderr);
    let ran = sandbox.proof_gate(&["sync", "https://ana:hunter2@127.0.0.1:1/x"]).ends_with(2);
    assert!(!ran.stderr.contains("hunter2") && ran.stderr.contains("127.0.0.1"), "{}", ran.stderr);
}

#[test]
fn a_log_that_cannot_go_does_not_keep_the_refs_from_going() {
    let sandbox = Sandbox::proven_and_changed();
    // Only the outer push gets through.
    let ssh = write_fake_ssh(&sandbox);
    fs::write(&ssh, "#!/bin/sh\n[ -e \"$0.used\" ] && { echo 'ssh: no way' >&2; exit 255; }\n: >\"$0.used\"\nfor word; do :; done\nexec sh -c \"$word\"\n").unwrap();
    let url = format!("ssh://example.org{}", sandbox.root().join("remote.git").display());
    let ran = sandbox.git(&["-c", &format!("core.sshCommand={}", ssh.display()), "push", &url, "main"]).ends_with(0);
    let ran = ran.says("note     no records were fetched from ssh://example.org/").says(": ssh: no way");
    ran.says("note     the log was not shared with ssh://example.org/");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(sandbox.id("main")));
}

#[test]
fn who_asks_to_stop_while_a_server_does_not_answer_is_heard_and_nothing_is_left() {
    let sandbox = Sandbox::proven();
    let pids = sandbox.root().join("pids");
    sandbox.write_executable("ssh", "#!/bin/sh\necho $$ >>\"${0%/*}/pids\"\nexec sleep 300\n");
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_proof-gate"));
    let child = command
        .args(["sync", "ssh://example.org/x"])
        .env("GIT_SSH_COMMAND", sandbox.root().join("ssh"))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while fs::read_to_string(&pids).unwrap_or_default().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(3500));
    sandbox.sh(&format!("kill -TERM {}", child.id())).ends_with(0);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(said.contains("waiting  for ssh://example.org/x to exchange records"), "{said}");
    assert!(output.status.code() == Some(2) && said.contains("interrupted"), "{said}");
    let pid = fs::read_to_string(&pids).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
}

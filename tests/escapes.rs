//! Suites that leave processes behind in every way there is: refused, named, and nothing runs on.
//!
//! Each is pushed from a linked work tree, where a test that goes astray does most harm.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::{Fingerprint, Layout, Ran, SCRIPT_POLICY, Sandbox};

/// A number of seconds to sleep that no other test sleeps, so that its processes can be found by it.
fn mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("300.{}{:03}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The command lines of all processes that hold the mark.
fn running(mark: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(mark)).collect()
}

/// Pushes a suite from a linked work tree through the hook.
#[track_caller]
fn push(suite: &str) -> (Sandbox, Ran) {
    let sandbox = Sandbox::with(Layout::Linked);
    sandbox.with_policy(SCRIPT_POLICY);
    sandbox.write("suite.sh", suite);
    sandbox.commit("Leave something behind");
    sandbox.install();
    let before = Fingerprint::of(&sandbox);
    let ran = sandbox.push(&["origin", "main"]);
    let after = Fingerprint::of(&sandbox);
    assert_eq!(after.without("refs/remotes/"), before.without("refs/remotes/"), "{}", ran.stderr);
    (sandbox, ran)
}

/// A suite whose script, with `MARK` filled in, leaves `program` running.
#[track_caller]
fn check(script: &str, program: &str) {
    let mark = mark();
    let (sandbox, ran) = push(&format!("{}\nexit 0\n", script.replace("MARK", &mark)));
    let left = running(&mark);
    assert!(left.is_empty(), "{left:?}\n{}", ran.stderr);
    let ran = ran.ends_with(1).says("LEFTOVER_PROCESSES").says(&format!("{program} was still running"));
    assert!(sandbox.remote_ref("refs/heads/main").is_none(), "{}", ran.stderr);
}

#[test]
fn a_background_job() {
    check("sleep MARK &", "sleep");
}

#[test]
fn nohup() {
    check("nohup sleep MARK >/dev/null 2>&1 &", "sleep");
}

#[test]
fn a_session_of_its_own() {
    check("setsid sleep MARK &", "sleep");
}

#[test]
fn a_session_of_its_own_and_a_double_fork() {
    check("setsid sh -c 'setsid sleep MARK & exit'", "sleep");
}

#[test]
fn a_disowned_job() {
    check("bash -c 'sleep MARK & disown; exit'", "sleep");
}

#[test]
fn a_subshell_in_the_background() {
    check("( (sleep MARK &) & )", "sleep");
}

#[test]
fn the_textbook_daemon() {
    let daemon = "use POSIX; exit if fork; POSIX::setsid(); exit if fork; chdir \"/\"; POSIX::close($_) for 0..99; \
                  exec \"sleep\", \"MARK\"";
    check(&format!("perl -e '{daemon}'"), "sleep");
}

#[test]
fn every_file_closed_and_the_folder_left() {
    check("(cd / && exec setsid sleep MARK <&- >&- 2>&-) &", "sleep");
}

#[test]
fn an_empty_environment() {
    check("env -i \"$(command -v setsid)\" \"$(command -v sleep)\" MARK &", "sleep");
}

#[test]
fn another_name() {
    check("bash -c 'exec -a \"[kworker/0:1]\" sleep MARK' &", "sleep");
}

#[test]
fn deaf_to_every_signal_that_can_be_ignored() {
    check("(trap '' TERM HUP INT QUIT; exec setsid sleep MARK) &", "sleep");
}

#[test]
fn a_stopped_child() {
    check("sleep MARK & sleep 0.3; kill -STOP $!", "sleep");
}

#[test]
fn the_child_of_a_killed_parent() {
    check("sh -c 'setsid sleep MARK & kill -9 $$'", "sleep");
}

#[test]
fn a_subreaper_of_its_own() {
    let prctl = "use POSIX; my $call = (POSIX::uname())[4] eq 'aarch64' ? 167 : 157; \
                 if (!fork) { syscall($call, 36, 1, 0, 0, 0); if (!fork) { exit if fork; exec 'sleep', 'MARK' } sleep 300 }";
    check(&format!("perl -e '{}'", prctl.replace('\'', "\"")), "perl");
}

#[test]
fn one_that_changes_its_group_all_the_time() {
    let hops = "if (!fork) { $0 = \"hops MARK\"; while (1) { setpgrp(0, 0); setpgrp(0, getpgrp(getppid())); select(undef, undef, undef, 0.001) } }";
    check(&format!("perl -e '{hops}'"), "perl");
}

#[test]
fn a_chain_that_forks_and_ends_all_the_time() {
    let chain = "$0 = \"chain MARK\"; exit if fork; while (1) { exit if fork }";
    let mark = mark();
    let (_sandbox, ran) = push(&format!("perl -e '{}'\nexit 0\n", chain.replace("MARK", &mark)));
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(running(&mark), [""; 0]);
    ran.ends_with(1).says("LEFTOVER_PROCESSES");
}

#[test]
fn a_small_fork_bomb() {
    check("perl -e '$0 = \"bomb MARK\"; fork for 1..6; setpgrp(0, 0); sleep 300' &", "perl");
}

#[test]
fn a_watchman_that_starts_anew_whom_somebody_kills() {
    let guard = "if (!fork) { $0 = \"guard MARK\"; while (1) { my $p = fork; if (!$p) { exec \"sleep\", \"MARK\" } waitpid $p, 0 } }";
    check(&format!("perl -e '{guard}'"), "perl");
}

#[test]
fn one_that_writes_the_report_anew_and_ends_before_anybody_looks() {
    let late = |when: &str| format!("printf 'ok' >$PROOF_REPORT\nsh -c '{when}; sleep 0.2' &\nexit 0\n");
    let (sandbox, ran) = push(&late("sleep 0.3; printf green >$PROOF_REPORT"));
    ran.ends_with(1).says("LEFTOVER_PROCESSES").says("went on after the suite's end, and the report was written then");
    assert!(sandbox.remote_ref("refs/heads/main").is_none());
    // Who only takes a moment to end is none.
    push(&late("true")).1.ends_with(0);
}

#[test]
fn a_suite_that_kills_its_supervisor_is_no_proof_and_leaves_nobody() {
    let mark = mark();
    let (sandbox, ran) = push(&format!("setsid sleep {mark} &\nkill -9 $PPID\nsleep {mark}\n"));
    let left = running(&mark);
    assert!(left.is_empty(), "{left:?}\n{}", ran.stderr);
    ran.ends_with(1).says("supervisor was ended from outside");
    assert!(sandbox.remote_ref("refs/heads/main").is_none());
    assert_eq!(sandbox.records(), "");
}

#[test]
fn a_suite_that_asks_its_supervisor_to_end_is_not_heard() {
    let (_sandbox, ran) = push("for s in TERM INT HUP STOP; do kill -$s $PPID; done\nsleep 0.1\n");
    ran.ends_with(0);
}

#[test]
fn what_the_suite_allows_is_ended_and_noted() {
    let mark = mark();
    let sandbox = Sandbox::new();
    let allow = "allow_leftover = [{ program = '^sleep$', reason = \"the emulator stays\" }]\n";
    sandbox.with_policy(&format!("{SCRIPT_POLICY}{allow}"));
    sandbox.write("suite.sh", format!("setsid sleep {mark} &\n"));
    sandbox.commit("Leave an emulator");
    sandbox.proof_gate(&["run"]).ends_with(0).says("the emulator stays");
    assert_eq!(running(&mark), [""; 0]);
}

#[test]
fn what_prepare_starts_serves_the_suites_and_is_ended_after_them() {
    let mark = mark();
    let sandbox = Sandbox::new();
    let prepare = format!(
        "prepare = [['sh', '-c', 'setsid sleep {mark} & echo $! >../served']]\nteardown = [['sh', 'down.sh']]\n"
    );
    sandbox.with_policy(&SCRIPT_POLICY.replace("timeout = \"60s\"\n", &format!("timeout = \"60s\"\n{prepare}")));
    sandbox.write("suite.sh", "kill -0 $(cat ../served)\n");
    sandbox.write("down.sh", "kill -0 $(cat ../served)\n");
    sandbox.commit("Start a server");
    let ran = sandbox.proof_gate(&["run"]).ends_with(0).says("is ended when the suites are over");
    assert!(!ran.stderr.contains("teardown failed"), "{}", ran.stderr);
    assert_eq!(running(&mark), [""; 0]);
}

#[test]
fn a_suite_that_uses_git_as_if_it_were_at_home_touches_nothing_of_the_users() {
    let (sandbox, ran) = push(
        "set -e\n\
         folder=$(mktemp -d) && cd \"$folder\" && git init -q && git -c user.name=x -c user.email=x@example.org commit -q --allow-empty -m x\n\
         cd \"$OLDPWD\"\n\
         git config core.hooksPath /dev/null\n\
         git config filter.x.smudge 'echo bad'\n\
         git tag forged\n\
         git update-index --assume-unchanged suite.sh\n\
         mkdir -p .git/objects/info && echo /nowhere >>.git/objects/info/alternates\n\
         exit 1\n",
    );
    ran.ends_with(1).says("EXIT_NONZERO");
    assert_eq!(sandbox.git_ok(&["tag"]), "");
    assert_eq!(sandbox.git(&["config", "core.hooksPath"]).code, 1);
    // The gate still stands.
    sandbox.push(&["origin", "main"]).ends_with(1).says("push refused");
}

#[test]
fn a_suite_has_no_terminal_and_no_files_but_the_standard_three() {
    let sandbox = Sandbox::new();
    sandbox.with_policy(SCRIPT_POLICY);
    sandbox.write(
        "suite.sh",
        "(: </dev/tty) 2>/dev/null && exit 3\n# The fourth is the folder that ls reads.\n[ \"$(ls /proc/self/fd | tr -d '\\n')\" = 0123 ] || exit 4\n",
    );
    sandbox.commit("Look around");
    sandbox.install();
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0);
    sandbox.sh("exec 7<suite.sh; proof-gate run").ends_with(0);
}

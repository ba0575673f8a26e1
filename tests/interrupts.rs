//! However a proof ends: nothing runs on, nothing is left, and nothing is called a PASS that was not one.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::faults::with_git;
use crate::support::{Fingerprint, SHOP_POLICY, Sandbox};

const GATE: &str = env!("CARGO_BIN_EXE_proof-gate");

/// Waits for something that has to happen soon.
#[track_caller]
fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A shop whose payment suite hangs while `hang` lies outside of it, and leaves the id of its process in `pid`.
fn hanging_shop() -> Sandbox {
    let sandbox = Sandbox::new();
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    let hang = "outside=${SUITE_RUNS%/*}\n\
                if [ \"$1\" = payment ] && [ -f \"$outside/hang\" ]; then echo $$ >\"$outside/pid\"; sleep 300 & wait; fi\n";
    sandbox.write("suite.sh", suite.replacen("passes=1", &format!("{hang}passes=1"), 1));
    sandbox.commit("Hang on demand");
    fs::write(sandbox.root().join("hang"), "").unwrap();
    sandbox
}

fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    sandbox.command(GATE).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The process id of the suite, once it hangs.
fn suite_that_hangs(sandbox: &Sandbox) -> String {
    let file = sandbox.root().join("pid");
    wait_for("the suite", || fs::read_to_string(&file).is_ok_and(|pid| pid.ends_with('\n')));
    fs::read_to_string(file).unwrap().trim().to_owned()
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap().success());
}

fn is_alive(pid: &str) -> bool {
    // A dead process whose parent has not looked yet is dead.
    fs::read_to_string(Path::new("/proc").join(pid).join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn workspaces(sandbox: &Sandbox) -> usize {
    let folders = fs::read_dir(sandbox.root().join("cache/proof-gate/work")).into_iter().flatten().flatten();
    folders.filter(|entry| entry.path().is_dir()).count()
}

fn records(sandbox: &Sandbox) -> String {
    sandbox.git_ok(&["log", "--format=%s", "--glob=refs/proof/log/*"])
}

#[track_caller]
fn check(name: &str) {
    let sandbox = hanging_shop();
    let before = Fingerprint::of(&sandbox);
    let mut gate = start(&sandbox, &["run", "--suite", "payment"]);
    let suite = suite_that_hangs(&sandbox);
    assert_eq!(workspaces(&sandbox), 1);
    signal(gate.id(), name);
    assert_eq!(gate.wait().unwrap().code(), Some(2));
    assert!(!is_alive(&suite));
    assert_eq!((workspaces(&sandbox), records(&sandbox).as_str()), (0, ""));
    assert_eq!(Fingerprint::of(&sandbox), before);

    fs::remove_file(sandbox.root().join("hang")).unwrap();
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert!(sandbox.remote_ref("refs/heads/main").is_some());
}

#[test]
fn an_interrupt_from_the_keyboard_leaves_nothing_and_the_next_push_works() {
    check("INT");
}

#[test]
fn a_wish_to_terminate_leaves_nothing_and_the_next_push_works() {
    check("TERM");
}

#[test]
fn a_terminal_that_goes_away_leaves_nothing_and_the_next_push_works() {
    check("HUP");
}

#[test]
fn a_wish_to_quit_leaves_nothing_and_the_next_push_works() {
    check("QUIT");
}

/// A shop with a command of this kind that hangs, and says so like the suite does.
fn shop_that_hangs_in(step: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("timeout =", &format!("{step} = [['sh', 'step.sh']]\ntimeout =")));
    sandbox.write("step.sh", "echo $$ >\"${SUITE_RUNS%/*}/pid\"\nsetsid sleep 300 &\nsleep 300\n");
    sandbox.commit("Hang");
    sandbox
}

#[track_caller]
fn check_step(step: &str, name: &str) {
    let sandbox = shop_that_hangs_in(step);
    let before = Fingerprint::of(&sandbox);
    let mut gate = start(&sandbox, &["run", "--suite", "payment"]);
    let pid = suite_that_hangs(&sandbox);
    signal(gate.id(), name);
    let code = gate.wait().unwrap().code();
    assert_eq!(code, if name == "KILL" { None } else { Some(2) });
    wait_for("the end of the step", || !is_alive(&pid));
    let folder = sandbox.root().to_str().unwrap().to_owned();
    wait_for("the end of all it started", || processes_in(&folder).is_empty());
    assert_eq!(records(&sandbox), "");
    assert_eq!(Fingerprint::of(&sandbox), before);
    if name == "KILL" {
        // The next run removes what is left of it, however it ends.
        sandbox.proof_gate(&["run", "--suite", "no-such-suite"]);
    } else {
        assert_eq!(workspaces(&sandbox), 0);
    }
}

/// The processes that stand somewhere below a folder.
fn processes_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let stands_there =
        |path: &Path| fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.to_string_lossy().starts_with(folder));
    entries.map(|entry| entry.path()).filter(|path| stands_there(path)).map(|path| path.display().to_string()).collect()
}

#[test]
fn in_prepare_nothing_is_left_whatever_ends_the_gate() {
    for name in ["INT", "HUP", "KILL"] {
        check_step("prepare", name);
    }
}

#[test]
fn in_reset_and_ready_nothing_is_left_whatever_ends_the_gate() {
    for (step, name) in [("reset", "TERM"), ("ready", "QUIT"), ("ready", "KILL")] {
        check_step(step, name);
    }
}

/// A shop whose payment suite hangs and, asked to end, takes its time and leaves a mark; or does not listen at all.
fn tidying_shop(on_term: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let suite = format!(
        "outside=${{SUITE_RUNS%/*}}\ntrap '{on_term}' TERM\necho $$ >\"$outside/pid\"\nwhile :; do sleep 0.05; done\n"
    );
    sandbox.write("suite.sh", suite);
    sandbox.commit("Tidy up at the end");
    sandbox
}

const TIDY: &str = "sleep 0.2; touch \"$outside/tidied\"; exit 1";

#[test]
fn ctrl_c_in_a_push_leaves_the_suite_time_to_tidy_up_although_git_dies_at_once() {
    let sandbox = tidying_shop(TIDY);
    sandbox.install();
    let mut session = sandbox.session("git", &["push", "origin", "main"]);
    let suite = suite_that_hangs(&sandbox);
    session.types("\x03");
    session.child.wait().unwrap();
    wait_for("the end of the suite", || !is_alive(&suite));
    assert!(sandbox.root().join("tidied").exists());
    wait_for("the end of the gate", || workspaces(&sandbox) == 0);
    assert_eq!(records(&sandbox), "");
    assert!(sandbox.remote_ref("refs/heads/main").is_none());
}

#[test]
fn ctrl_c_twice_ends_a_suite_that_does_not_listen_at_once() {
    let sandbox = tidying_shop("");
    let mut session = sandbox.session(GATE, &["run", "--suite", "payment"]);
    let suite = suite_that_hangs(&sandbox);
    session.types("\x03");
    std::thread::sleep(Duration::from_millis(500));
    assert!(is_alive(&suite));
    let again = Instant::now();
    session.types("\x03");
    assert_eq!(session.child.wait().unwrap().code(), Some(2));
    assert!(again.elapsed() < Duration::from_secs(4), "{:?}", again.elapsed());
    assert!(!is_alive(&suite));
}

#[test]
fn a_terminal_that_is_closed_ends_the_proof() {
    let sandbox = tidying_shop(TIDY);
    let session = sandbox.session(GATE, &["run", "--suite", "payment"]);
    let suite = suite_that_hangs(&sandbox);
    assert_eq!(session.closes().wait().unwrap().code(), Some(2));
    assert!(!is_alive(&suite) && sandbox.root().join("tidied").exists());
    assert_eq!((workspaces(&sandbox), records(&sandbox).as_str()), (0, ""));
}

#[test]
fn a_git_that_is_killed_takes_the_proof_of_its_hook_along() {
    let sandbox = hanging_shop();
    sandbox.install();
    let mut git = sandbox.command("git");
    let mut git = git.args(["push", "origin", "main"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let suite = suite_that_hangs(&sandbox);
    signal(git.id(), "KILL");
    git.wait().unwrap();
    wait_for("the end of the suite", || !is_alive(&suite));
    wait_for("the end of the gate", || workspaces(&sandbox) == 0);
    assert!(!records(&sandbox).contains("PASS"), "{}", records(&sandbox));
}

fn is_stopped(pid: &str) -> bool {
    fs::read_to_string(Path::new("/proc").join(pid).join("stat")).is_ok_and(|stat| stat.contains(") T "))
}

#[test]
fn ctrl_z_stops_the_suite_and_its_clock_until_the_user_goes_on() {
    let sandbox = hanging_shop();
    sandbox.with_policy(&SHOP_POLICY.replace("\"30s\"", "\"4s\""));
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    sandbox.write("suite.sh", suite.replace("sleep 300 & wait", "while [ -f \"$outside/hang\" ]; do sleep 0.1; done"));
    sandbox.commit("Wait for less long");
    let mut session = sandbox.session("bash", &["--norc", "--noprofile", "-i"]);
    session.types("proof-gate run --suite payment >/dev/null 2>&1\n");
    let suite = suite_that_hangs(&sandbox);
    session.types("\x1a");
    wait_for("the stop", || is_stopped(&suite));
    std::thread::sleep(Duration::from_secs(5));
    fs::remove_file(sandbox.root().join("hang")).unwrap();
    session.types("fg\n");
    wait_for("the record", || !records(&sandbox).is_empty());
    assert!(records(&sandbox).starts_with("PASS payment "), "{}", records(&sandbox));
    session.types("exit\n");
    session.child.wait().unwrap();
}

#[test]
fn a_suite_that_had_failed_before_the_interrupt_is_recorded() {
    let sandbox = hanging_shop();
    sandbox.write("src/bookings/book.js", "BUG\n");
    sandbox.commit("Book twice");
    let mut gate = start(&sandbox, &["run", "--suite", "booking", "--suite", "payment"]);
    suite_that_hangs(&sandbox);
    signal(gate.id(), "INT");
    assert_eq!(gate.wait().unwrap().code(), Some(2));
    assert!(records(&sandbox).starts_with("FAIL booking "), "{}", records(&sandbox));
}

#[test]
fn what_a_killed_gate_leaves_is_no_pass_and_the_next_run_removes_it() {
    let sandbox = hanging_shop();
    let mut gate = start(&sandbox, &["run", "--suite", "payment"]);
    let suite = suite_that_hangs(&sandbox);
    signal(gate.id(), "KILL");
    gate.wait().unwrap();
    let killed = Instant::now();
    wait_for("the end of the suite", || !is_alive(&suite));
    assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
    assert_eq!(records(&sandbox), "");
    fs::remove_file(sandbox.root().join("hang")).unwrap();
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(0);
    assert_eq!(workspaces(&sandbox), 0);
}

#[test]
fn two_pushes_of_one_commit_at_once_run_its_suites_once_and_decide_alike() {
    let sandbox = Sandbox::new();
    sandbox.write("suite-sleep", "0.3");
    sandbox.commit("Take some time");
    sandbox.install();
    let push = |to: &str| {
        let mut git = sandbox.command("git");
        git.args(["push", "origin", to]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
    };
    let mut pushes = [push("main:main"), push("main:release/1")];
    assert!(pushes.iter_mut().all(|push| push.wait().unwrap().success()));
    let mut runs = sandbox.suites_run();
    runs.sort();
    assert_eq!(runs, ["booking", "full", "guardrail", "payment"]);
}

#[test]
fn ctrl_c_in_teardown_records_no_pass_although_every_suite_passed() {
    check_step("teardown", "INT");
}

#[test]
fn ctrl_c_in_teardown_keeps_proof_gate_push_from_pushing() {
    let sandbox = shop_that_hangs_in("teardown");
    let mut session = sandbox.session(GATE, &["push", "origin", "main"]);
    suite_that_hangs(&sandbox);
    session.types("\x03");
    assert_eq!(session.child.wait().unwrap().code(), Some(2));
    assert_eq!(records(&sandbox), "");
    assert!(sandbox.remote_ref("refs/heads/main").is_none());
}

#[test]
fn ctrl_c_is_answered_once_and_nothing_is_drawn_after_it() {
    let sandbox = tidying_shop("sleep 2; exit 1");
    let mut session = sandbox.session(GATE, &["run", "--suite", "payment"]);
    suite_that_hangs(&sandbox);
    session.types("\x03");
    let shown = session.shown();
    let (before, after) = shown.split_once("interrupted: ending the suites").expect(&shown);
    assert!(before.contains("running  payment"), "{shown}");
    let after: Vec<&str> = after.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(matches!(after[..], [first, ..] if first.contains("no proof: interrupted")), "{shown}");
    assert!(!after.join(" ").contains("running"), "{shown}");
}

#[test]
fn ctrl_c_in_a_push_waits_a_second_only_as_nobody_can_type_a_second_one() {
    let sandbox = tidying_shop("");
    sandbox.install();
    let mut session = sandbox.session("git", &["push", "origin", "main"]);
    let suite = suite_that_hangs(&sandbox);
    let asked = Instant::now();
    session.types("\x03");
    session.child.wait().unwrap();
    wait_for("the end of the suite", || !is_alive(&suite));
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    wait_for("the end of the gate", || workspaces(&sandbox) == 0);
}

#[test]
fn an_interrupt_between_record_and_push_keeps_the_record_and_pushes_nothing() {
    let sandbox = Sandbox::new();
    let interrupts = "\"$REAL\" \"$@\"; code=$?\n\
                      case \"$*\" in *update-ref*refs/proof/log/*) kill -INT $PPID;; esac\n\
                      exit $code";
    let ran = with_git(&sandbox, interrupts, &["push", "origin", "main"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("interrupted: nothing is pushed"), "{ran:?}");
    assert!(records(&sandbox).starts_with("PASS "), "{}", records(&sandbox));
    assert!(sandbox.remote_ref("refs/heads/main").is_none());

    let before = sandbox.suites_run();
    sandbox.proof_gate(&["push", "origin", "main"]).ends_with(0);
    assert_eq!(sandbox.suites_run(), before);
}

#[test]
fn an_interrupt_while_the_workspace_is_made_is_told_as_one() {
    let sandbox = Sandbox::new();
    let interrupts =
        "for arg; do [ \"$arg\" = read-tree ] && { kill -INT $PPID; kill -INT $$; }; done\nexec \"$REAL\" \"$@\"";
    let ran = with_git(&sandbox, interrupts, &["run", "--suite", "payment"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("error: no proof: interrupted"), "{ran:?}");
    assert_eq!((workspaces(&sandbox), records(&sandbox).as_str()), (0, ""));
}

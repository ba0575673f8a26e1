//! A push that is ended in each of its phases, in each of the ways a user or a system ends it.
//!
//! Whatever the pair: no process stays, nothing is called a PASS that was not one, what had failed is not lost, nothing is left for longer
//! than until the next push, and that one works.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Fingerprint, SHOP_POLICY, Sandbox};

/// Where a push is held until it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The repository is being found; no proof was begun.
    LookUp,
    Checkout,
    Prepare,
    Ready,
    /// One suite has failed, the other one runs.
    Suite,
    /// All suites have ended; what they left is being looked at.
    Collection,
    /// The record is written and no ref leads to it.
    Append,
    /// The ref leads to the record; the gate was not told.
    Appended,
    /// All is done but the clearing up.
    BeforeExit,
}

/// What stands after a push was ended in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Nothing,
    /// A suite had failed: recorded, at the latest before the next answer.
    Failure,
    /// The PASS was recorded.
    Pass,
}

impl Phase {
    fn name(self) -> String {
        format!("{self:?}")
    }

    fn stands(self) -> Stands {
        match self {
            Phase::LookUp | Phase::Checkout | Phase::Prepare | Phase::Ready => Stands::Nothing,
            Phase::Suite | Phase::Collection | Phase::Append => Stands::Failure,
            Phase::Appended | Phase::BeforeExit => Stands::Pass,
        }
    }

    /// Whether the push is held by a git of the gate's, which would have ended by itself.
    fn is_held_by_git(self) -> bool {
        match self {
            Phase::Prepare | Phase::Ready | Phase::Suite => false,
            Phase::LookUp
            | Phase::Checkout
            | Phase::Collection
            | Phase::Append
            | Phase::Appended
            | Phase::BeforeExit => true,
        }
    }
}

/// How a push is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    KillGate,
    KillGit,
    CtrlC,
    CtrlCTwice,
    CloseTerminal,
}

const ENDS: [End; 5] = [End::KillGate, End::KillGit, End::CtrlC, End::CtrlCTwice, End::CloseTerminal];

/// Holds whoever calls it while the file `hold` names his phase.
const HOLD: &str = r#"hold() {
	[ "$(cat "$outside/hold" 2>/dev/null)" = "$1" ] || return 0
	: >"$outside/reached"
	while [ -f "$outside/hold" ]; do sleep 0.02; done
}
"#;

/// The git that the gate finds: the real one, held where a phase says so.
const GIT: &str = r#"case " $* " in
*" --show-toplevel "*) hold LookUp ;;
*" read-tree "*) hold Checkout ;;
*" for-each-ref --format=%(refname) %(objectname) "*) [ -f "$outside/both-ran" ] && hold Collection ;;
*" --no-deref refs/proof/log/"*)
	hold Append
	"$real" "$@"
	code=$?
	: >"$outside/recorded"
	hold Appended
	exit $code
	;;
*" update-ref -d refs/proof/pins/"*) [ -f "$outside/recorded" ] && hold BeforeExit ;;
esac
exec "$real" "$@"
"#;

/// A proven shop that can be held in every phase.
fn shop() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let outside = sandbox.root().to_str().unwrap().to_owned();
    let hold = format!("outside='{outside}'\n{HOLD}");
    let steps = "[proof]\nprepare = [['sh', 'step.sh', 'Prepare']]\nready = [['sh', 'step.sh', 'Ready']]\n";
    sandbox.with_policy(&SHOP_POLICY.replace("[proof]\n", steps));
    // What is started on the way must not outlive it either.
    sandbox.write("step.sh", format!("{hold}setsid sleep 300 & hold \"$1\"\nkill $!\n"));
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    // Whichever of the two comes second.
    let held = format!(
        "{hold}if [ \"$(wc -l <\"$SUITE_RUNS\")\" = 2 ]; then : >\"$outside/both-ran\"; setsid sleep 300 & hold Suite; kill $!; fi\npasses=1"
    );
    sandbox.write("suite.sh", suite.replacen("passes=1", &held, 1));
    sandbox.commit("Hold on demand");
    let real = which::which("git").unwrap();
    let git = format!("#!/bin/sh\nreal='{}'\noutside='{outside}'\n{HOLD}{GIT}", real.display());
    sandbox.write_executable("fake/git", git);
    // In a hook git stands first in PATH, in the folder that it calls its own.
    symlink(real.with_file_name("git-receive-pack"), sandbox.root().join("fake/git-receive-pack")).unwrap();
    sandbox.install_and_prove();
    sandbox.set("GIT_EXEC_PATH", &format!("{outside}/fake"));
    sandbox
}

#[track_caller]
fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(process: u32, name: &str) {
    let killed = Command::new("kill").args([format!("-{name}"), process.to_string()]).stderr(Stdio::null()).status();
    assert!(killed.unwrap().success());
}

/// The processes whose environment leads into the sandbox, as their ids and command lines.
fn running(sandbox: &Sandbox) -> Vec<(u32, String)> {
    let root = sandbox.root().to_str().unwrap();
    let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).replace('\0', " ");
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let processes = entries.filter_map(|entry| Some((entry.path(), entry.file_name().to_str()?.parse::<u32>().ok()?)));
    let ours = processes.filter(|(path, _)| read(&path.join("environ")).contains(root));
    ours.map(|(path, id)| (id, read(&path.join("cmdline")))).collect()
}

fn gate(sandbox: &Sandbox) -> u32 {
    let found = running(sandbox).into_iter().find(|(_, line)| line.contains("proof-gate hook pre-push"));
    found.expect("the gate runs").0
}

fn workspaces(sandbox: &Sandbox) -> usize {
    let folders = fs::read_dir(sandbox.root().join("cache/proof-gate/work")).into_iter().flatten().flatten();
    folders.filter(|entry| entry.path().is_dir()).count()
}

fn pins(sandbox: &Sandbox) -> String {
    sandbox.git_ok(&["for-each-ref", "refs/proof/pins"])
}

fn passes(sandbox: &Sandbox) -> usize {
    sandbox.records().lines().filter(|line| line.contains(" PASS ")).count()
}

/// Locks of git's, and what a temporary file or a journal of the gate's would be called.
fn litter(sandbox: &Sandbox) -> String {
    let find = "find .git \\( -name '*.lock' -o -name '.tmp*' -o -name 'tmp_*' -o -name 'journal*' -o -name 'pack-*' -type d \\) \
                ! -path .git/proof-gate/log.lock ! -path .git/proof-gate/proof.lock \
                ! -path .git/proof-gate/share.lock ! -path .git/proof-gate/index.lock";
    sandbox.sh(find).ends_with(0).stdout
}

/// Pushes, ends the push in the phase, and looks at what is left; then pushes as a user would.
#[track_caller]
fn check(sandbox: &Sandbox, phase: Phase, end: End) {
    let outside = |name: &str| sandbox.root().join(name);
    let case = format!("{phase:?}, {end:?}");
    let stands = phase.stands();
    let bug = if stands == Stands::Failure { "BUG" } else { "" };
    sandbox.write("src/bookings/book.js", format!("book {case} {bug}\n"));
    sandbox.write("src/payments/charge.js", format!("charge {case} {bug}\n"));
    sandbox.commit(&case);
    sandbox.forget_suites_run();
    for mark in ["recorded", "reached", "both-ran"] {
        drop(fs::remove_file(outside(mark)));
    }
    fs::write(outside("hold"), phase.name()).unwrap();
    let (before, remote, passed) = (Fingerprint::of(sandbox), sandbox.remote_refs(), passes(sandbox));

    let mut session = sandbox.session("sh", &["-c", "exec git push origin main 2>../said"]);
    let said = || fs::read_to_string(outside("said")).unwrap_or_default();
    wait_for(&case, || outside("reached").exists());
    match end {
        End::KillGate => signal(gate(sandbox), "KILL"),
        End::KillGit => signal(session.child.id(), "KILL"),
        End::CtrlC => session.types("\x03"),
        End::CtrlCTwice => {
            session.types("\x03");
            std::thread::sleep(Duration::from_millis(100));
            session.types("\x03");
        }
        End::CloseTerminal => {}
    }
    let mut git = if end == End::CloseTerminal { session.closes() } else { wait_for_end(session) };
    if phase.is_held_by_git() {
        fs::remove_file(outside("hold")).unwrap();
    }
    assert!(!git.wait().unwrap().success(), "{case}: {}", said());
    wait_for(&format!("{case}: the end of all: {:?}", running(sandbox)), || running(sandbox).is_empty());
    drop(fs::remove_file(outside("hold")));

    assert_eq!(sandbox.remote_refs(), remote, "{case}: {}", said());
    assert_eq!(Fingerprint::of(sandbox), before, "{case}: {}", said());
    assert_eq!(passes(sandbox) - passed, usize::from(stands == Stands::Pass), "{case}: {}", said());
    if end != End::KillGate {
        assert_eq!((workspaces(sandbox), pins(sandbox).as_str()), (0, ""), "{case}: {}", said());
    }

    let ran = sandbox.suites_run();
    match stands {
        Stands::Nothing => {
            let (_, ran) = sandbox.suites_of(|| sandbox.push(&["origin", "main"]).ends_with(0));
            assert_eq!(ran, ["booking", "payment"], "{case}");
        }
        Stands::Failure => {
            sandbox.push(&["origin", "main"]).ends_with(1).says("TEST_FAILED");
            assert_eq!(sandbox.suites_run(), ran, "{case}: what had failed was run again");
            sandbox.write("src/bookings/book.js", format!("book {case}, mended\n"));
            sandbox.write("src/payments/charge.js", format!("charge {case}, mended\n"));
            sandbox.commit("Mend");
            sandbox.push(&["origin", "main"]).ends_with(0);
        }
        Stands::Pass => {
            sandbox.push(&["origin", "main"]).ends_with(0);
            assert_eq!(sandbox.suites_run(), ran, "{case}: what is recorded was run again");
        }
    }
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(sandbox.id("main")), "{case}");
    let left = (workspaces(sandbox), pins(sandbox), litter(sandbox));
    assert_eq!(left, (0, String::new(), String::new()), "{case}");
}

/// Holds the terminal open until git is gone.
fn wait_for_end(mut session: crate::support::Session) -> std::process::Child {
    session.child.wait().unwrap();
    session.closes()
}

#[track_caller]
fn check_every_end(phase: Phase) {
    let sandbox = shop();
    for end in ENDS {
        // Where only the gate itself is at work nobody waits for anything after the first time.
        if end == End::CtrlCTwice && phase.is_held_by_git() {
            continue;
        }
        check(&sandbox, phase, end);
    }
}

#[test]
fn a_push_that_is_ended_while_the_repository_is_looked_up() {
    check_every_end(Phase::LookUp);
}

#[test]
fn a_push_that_is_ended_while_files_are_checked_out() {
    check_every_end(Phase::Checkout);
}

#[test]
fn a_push_that_is_ended_in_prepare() {
    check_every_end(Phase::Prepare);
}

#[test]
fn a_push_that_is_ended_in_ready() {
    check_every_end(Phase::Ready);
}

#[test]
fn a_push_that_is_ended_in_a_suite() {
    check_every_end(Phase::Suite);
}

#[test]
fn a_push_that_is_ended_while_the_suites_remains_are_collected() {
    check_every_end(Phase::Collection);
}

#[test]
fn a_push_that_is_ended_before_the_record_stands() {
    check_every_end(Phase::Append);
}

#[test]
fn a_push_that_is_ended_when_the_record_stands() {
    check_every_end(Phase::Appended);
}

#[test]
fn a_push_that_is_ended_at_its_very_end() {
    check_every_end(Phase::BeforeExit);
}

#[test]
fn a_gate_that_is_ended_while_it_reads_what_git_pushes_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.install();
    let before = (Fingerprint::of(&sandbox), litter(&sandbox));
    for name in ["KILL", "INT", "HUP", "TERM"] {
        let mut gate = sandbox.command(env!("CARGO_BIN_EXE_proof-gate"));
        let mut gate =
            gate.args(["hook", "pre-push", "origin", "../remote.git"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = gate.stdin.take().unwrap();
        input.write_all(b"refs/heads/main ").unwrap();
        wait_for("the gate to read", || rustix::io::ioctl_fionread(&input).unwrap() == 0);
        signal(gate.id(), name);
        assert!(!gate.wait().unwrap().success(), "{name}");
        assert_eq!((Fingerprint::of(&sandbox), litter(&sandbox)), before, "{name}");
    }
    sandbox.push(&["origin", "main"]).ends_with(0);
}

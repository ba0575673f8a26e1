//! What becomes of a program that the gate runs, and of everything that it starts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proof_gate::prove::Cancel;
use proof_gate::prove::log::{Masks, last_line_of, last_lines_of};
use proof_gate::prove::process::{Afterwards, Ended, Ending, Job, Surroundings, run};

use crate::support::{SHOP_POLICY, Sandbox};

struct Shell {
    folder: tempfile::TempDir,
    log: PathBuf,
    masks: Masks,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Shell { log: folder.path().join("log"), masks: Masks::default(), folder }
    }

    fn log(&self) -> PathBuf {
        self.log.clone()
    }

    /// The same with a file that takes the standard output too.
    fn run_with_copy(&self, script: &str, timeout: Duration) -> (Ended, Vec<u8>) {
        let variables = [("PATH".into(), "/usr/bin:/bin".into())].into();
        let argv = ["sh", "-c", script].map(str::to_owned);
        let copy = self.folder.path().join("copy");
        let job = Job { copy: Some(&copy), ..self.job(&argv, &variables, timeout) };
        let ended = run(&job, &Cancel::never(), &mut |_, _| {}).unwrap();
        (ended, std::fs::read(copy).unwrap())
    }

    fn run(&self, script: &str, timeout: Duration, cancel: &Cancel) -> Ended {
        let variables = [("PATH".into(), "/usr/bin:/bin".into())].into();
        let argv = ["sh", "-c", script].map(str::to_owned);
        run(&self.job(&argv, &variables, timeout), cancel, &mut |_, _| {}).unwrap()
    }

    fn job<'a>(
        &'a self,
        argv: &'a [String],
        variables: &'a BTreeMap<OsString, OsString>,
        timeout: Duration,
    ) -> Job<'a> {
        Job {
            supervisor: Path::new(env!("CARGO_BIN_EXE_proof-gate")),
            program: Path::new("/bin/sh"),
            argv,
            folder: self.folder.path(),
            variables,
            timeout,
            grace: Duration::from_millis(100),
            log: &self.log,
            masks: &self.masks,
            copy: None,
            warnings: None,
            afterwards: Afterwards::End,
            surroundings: Surroundings::default(),
        }
    }

    /// Whether the process whose id a script wrote to `file` is alive; a zombie is not.
    fn is_alive(&self, file: &str) -> bool {
        let id = std::fs::read_to_string(self.folder.path().join(file)).unwrap();
        assert!(!id.trim().is_empty(), "the script wrote no process id");
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim()));
        stat.is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
    }

    fn is_gone_soon(&self, file: &str) -> bool {
        (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            !self.is_alive(file)
        })
    }
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn the_log_is_private_and_holds_the_argv_and_both_outputs() {
    let shell = Shell::new();
    let ended = shell.run("echo out; echo err >&2; exit 7", LONG, &Cancel::never());
    assert_eq!(ended.ending, Ending::Exited(7));
    let log = std::fs::read_to_string(shell.log()).unwrap();
    assert_eq!(log, "[\"sh\",\"-c\",\"echo out; echo err >&2; exit 7\"]\nout\nerr\n");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(shell.log()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(last_line_of(&shell.log()), "err");
}

#[test]
fn a_copy_holds_the_standard_output_byte_for_byte_and_the_log_holds_all() {
    let mut shell = Shell::new();
    shell.masks = Masks::of([b"hunter2222".to_vec()].into_iter());
    let script = r"printf 'hunter2222 \377\000\n'; echo err >&2; printf 'no end'";
    let (ended, copy) = shell.run_with_copy(script, LONG);
    assert_eq!(ended.ending, Ending::Exited(0));
    assert_eq!(copy, b"hunter2222 \xff\0\nno end");
    let log = std::fs::read(shell.log()).unwrap();
    let lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').skip(1).collect();
    for line in [&b"[secret] \xff\0"[..], b"err", b"no end"] {
        assert!(lines.contains(&line), "{}", String::from_utf8_lossy(&log));
    }
}

#[test]
fn a_line_is_not_torn_by_the_other_output() {
    let shell = Shell::new();
    let script = "for turn in 1 2 3; do printf 'one '; sleep 0.05; echo err >&2; sleep 0.05; echo two; done";
    let (_, copy) = shell.run_with_copy(script, LONG);
    assert_eq!(copy, b"one two\none two\none two\n");
    let log = std::fs::read_to_string(shell.log()).unwrap();
    assert!(log.lines().skip(1).all(|line| line == "err" || line == "one two"), "{log}");
}

#[test]
fn a_copy_is_one_byte_too_long_for_a_report_however_much_is_printed() {
    let shell = Shell::new();
    let (ended, copy) = shell.run_with_copy("head -c 104857600 /dev/zero", LONG);
    assert_eq!(ended.ending, Ending::Exited(0));
    assert_eq!(copy.len() as u64, proof_gate::evidence::MAX_REPORT_BYTES + 1);
}

#[test]
fn deadlines_and_signals_end_a_program_whose_output_is_copied() {
    let (ended, copy) = Shell::new().run_with_copy("echo out; sleep 60", Duration::from_millis(500));
    assert_eq!((ended.ending, copy.as_slice()), (Ending::TimedOut, &b"out\n"[..]));
    let (ended, copy) = Shell::new().run_with_copy("echo out; kill -KILL $$", LONG);
    assert_eq!((ended.ending, copy.as_slice()), (Ending::Signalled(9), &b"out\n"[..]));
}

#[test]
fn who_closes_its_outputs_is_still_waited_for() {
    let (ended, copy) = Shell::new().run_with_copy("echo out; exec >&- 2>&-; sleep 0.3; exit 3", LONG);
    assert_eq!((ended.ending, copy.as_slice()), (Ending::Exited(3), &b"out\n"[..]));
}

#[test]
fn standard_input_is_empty() {
    let shell = Shell::new();
    assert_eq!(shell.run("read line", LONG, &Cancel::never()).ending, Ending::Exited(1));
}

#[test]
fn a_signal_from_elsewhere_is_named() {
    assert_eq!(Shell::new().run("kill -9 $$", LONG, &Cancel::never()).ending, Ending::Signalled(9));
}

#[test]
fn a_group_that_ignores_sigterm_is_killed_at_its_deadline() {
    let shell = Shell::new();
    let script = "trap '' TERM; (trap '' TERM; sleep 60) & echo $! > child; sleep 60 & wait; wait";
    let ended = shell.run(script, Duration::from_secs(1), &Cancel::never());
    assert_eq!(ended.ending, Ending::TimedOut);
    assert!(ended.duration < Duration::from_secs(20), "{ended:?}");
    assert!(shell.is_gone_soon("child"));
}

#[test]
fn children_left_in_the_group_die_with_a_good_end_too() {
    let shell = Shell::new();
    let ended = shell.run("sleep 60 & echo $! > child", LONG, &Cancel::never());
    assert_eq!(ended.ending, Ending::Exited(0));
    assert!(shell.is_gone_soon("child"));
}

#[test]
fn a_daemon_in_a_session_of_its_own_is_named_and_ended() {
    let shell = Shell::new();
    let script = "setsid sh -c 'echo $$ > child; exec sleep 4711' & until test -s child; do sleep 0.01; done";
    let ended = shell.run(script, LONG, &Cancel::never());
    assert_eq!(ended.ending, Ending::Exited(0));
    let [left] = &ended.leftovers[..] else { panic!("{ended:?}") };
    assert_eq!((left.program.as_str(), left.command.as_str()), ("sleep", "sleep 4711"));
    assert!(!shell.is_alive("child"));
}

#[test]
fn a_child_that_goes_away_by_itself_is_no_leftover() {
    let ended = Shell::new().run("sleep 0.2 & setsid sleep 0.3 &", LONG, &Cancel::never());
    assert_eq!((ended.ending, ended.leftovers), (Ending::Exited(0), vec![]));
}

#[test]
fn who_waits_for_the_end_of_an_orphan_sees_it_go() {
    let script = "sh -c 'setsid sleep 0.1 & echo $! > child'\n\
                  for n in 1 2 3 4 5 6 7 8 9 10; do kill -0 $(cat child) || exit 0; sleep 0.1; done; exit 1";
    assert_eq!(Shell::new().run(script, LONG, &Cancel::never()).ending, Ending::Exited(0));
}

#[test]
fn somebody_elsewhere_who_holds_the_output_keeps_nobody_waiting() {
    let shell = Shell::new();
    let file = |name: &str| shell.folder.path().join(name);
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let is_written = || std::fs::read_to_string(file("child")).is_ok_and(|id| id.ends_with('\n'));
            while !is_written() {
                std::thread::sleep(Duration::from_millis(5));
            }
            let id = std::fs::read_to_string(file("child")).unwrap();
            let output = std::fs::OpenOptions::new().write(true).open(format!("/proc/{}/fd/1", id.trim())).unwrap();
            std::fs::write(file("held"), "").unwrap();
            output
        });
        let script = "echo $$ > child; until test -e held; do sleep 0.01; done; echo last words";
        assert_eq!(shell.run(script, LONG, &Cancel::never()).ending, Ending::Exited(0));
        drop(holder.join().unwrap());
    });
    assert_eq!(last_line_of(&shell.log()), "last words");
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let shell = Shell::new();
    let variables = BTreeMap::new();
    let job = Job { program: Path::new("/no/such/program"), ..shell.job(&[], &variables, LONG) };
    let error = run(&job, &Cancel::never(), &mut |_, _| {}).unwrap_err();
    assert!(error.message.starts_with("cannot start /no/such/program: "), "{error}");
}

#[test]
fn a_wish_to_stop_ends_the_group() {
    let shell = Shell::new();
    let cancel = Cancel::never();
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            while std::fs::metadata(shell.folder.path().join("child")).map_or(0, |file| file.len()) == 0 {
                std::thread::sleep(Duration::from_millis(5));
            }
            cancel.raise();
        });
        shell.run("sleep 60 & echo $! > child; wait", LONG, &cancel)
    });
    assert_eq!(ended.ending, Ending::Cancelled);
    assert!(shell.is_gone_soon("child"));
}

#[test]
fn the_last_lines_leave_out_the_argv_and_blank_lines() {
    let shell = Shell::new();
    shell.run("echo one; echo; echo two; echo", LONG, &Cancel::never());
    assert_eq!(last_lines_of(&shell.log(), 5), ["one", "two"]);
    assert_eq!(last_lines_of(&shell.folder.path().join("absent"), 5), [""; 0]);
}

#[test]
fn a_suite_gets_an_environment_of_any_size() {
    let mut sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("\"SUITE_RUNS\"", "\"SUITE_RUNS\", \"LARGE\""));
    sandbox.set("LARGE", &"x".repeat(100_000));
    sandbox.write("suite.sh", "[ ${#LARGE} = 100000 ] || exit 3\nexit 4\n");
    sandbox.commit("Look at the environment");
    sandbox.proof_gate(&["run", "--suite", "payment"]).ends_with(1).says("exit code 4");
}

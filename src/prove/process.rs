//! Starting programs. Beside the git door, the only place that does.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::Cancel;
use crate::error::{Context as _, Error, Result};

/// Runs a program as its caller would: same standard output and error, the given environment, and `input` on its standard input.
///
/// A program that does not read all of its input is no error.
pub fn hand_over<A: AsRef<OsStr>>(
    program: &Path,
    args: impl IntoIterator<Item = A>,
    folder: &Path,
    variables: &BTreeMap<OsString, OsString>,
    input: &[u8],
) -> std::io::Result<ExitStatus> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::piped())
        .spawn()?;
    let mut pipe = child.stdin.take().expect("stdin was asked to be a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || drop(pipe.write_all(input)));
        child.wait()
    })
}

/// Time between SIGTERM and SIGKILL.
pub const GRACE: Duration = Duration::from_secs(5);

/// How often the last line of a log is looked at.
const TAIL_EVERY: Duration = Duration::from_millis(200);
/// A program that prints nothing is shown to be running this often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// The longest pause between two looks at a child.
const LONGEST_NAP: Duration = Duration::from_millis(20);

/// Bytes of a log's end that are read for its last line.
const TAIL_BYTES: u64 = 4096;

/// A program to be run in a process group of its own.
#[derive(Debug)]
pub struct Job<'a> {
    /// The file to start, absolute.
    pub program: &'a Path,
    /// The program as it was asked for, and its arguments.
    pub argv: &'a [String],
    /// Where it starts.
    pub folder: &'a Path,
    /// All of its environment.
    pub variables: &'a BTreeMap<OsString, OsString>,
    /// How long it may take.
    pub timeout: Duration,
    /// How long it has between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// The file that takes its standard output and error. It must not exist.
    pub log: &'a Path,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Exited(i32),
    /// By a signal that the gate did not send.
    Signalled(i32),
    /// By the gate, because its time was over.
    TimedOut,
    /// By the gate, because the user asked to stop.
    Cancelled,
}

/// What a program's run showed.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// How it ended.
    pub ending: Ending,
    /// When it started, by the clock of the log's file system, so that it can be compared with files that it wrote.
    pub started: SystemTime,
    /// How long it took.
    pub duration: Duration,
}

/// Runs a program to its end and then ends what is left of its process group.
///
/// The log's first line is the argv as JSON. The child writes to the log's file itself, so a process that left the group and keeps
/// it open keeps nobody waiting. `progress` gets the log's last line and the time that passed.
pub fn run(job: &Job<'_>, cancel: &Cancel, progress: &mut dyn FnMut(String, Duration)) -> Result<Ended> {
    let (log, started) = open_log(job).context(format!("cannot write the log {}", job.log.display()))?;
    let both = log.try_clone().context("cannot write the log")?;
    let begun = Instant::now();
    let mut command = Command::new(job.program);
    command.args(job.argv.iter().skip(1)).current_dir(job.folder).env_clear().envs(job.variables);
    command.stdin(Stdio::null()).stdout(log).stderr(both).process_group(0);
    let child = command.spawn().context(format!("cannot start {}", job.program.display()))?;
    drop(command);
    let mut group = Group::of(child);
    let ending = watch(&mut group, job, begun, cancel, progress)?;
    let status = group.end()?;
    let ending = ending.unwrap_or_else(|| of_status(status));
    Ok(Ended { ending, started, duration: begun.elapsed() })
}

/// Waits for the leader. `None`: it ended by itself.
fn watch(
    group: &mut Group,
    job: &Job<'_>,
    begun: Instant,
    cancel: &Cancel,
    progress: &mut dyn FnMut(String, Duration),
) -> Result<Option<Ending>> {
    let (mut nap, mut last_look, mut last_line) = (Duration::from_millis(1), begun, String::new());
    let mut last_sign = begun;
    loop {
        if group.has_ended()? {
            return Ok(None);
        }
        if cancel.is_raised() {
            group.stop(job.grace, || cancel.is_urgent())?;
            return Ok(Some(Ending::Cancelled));
        }
        if begun.elapsed() >= job.timeout {
            group.stop(job.grace, || cancel.is_raised())?;
            return Ok(Some(Ending::TimedOut));
        }
        if last_look.elapsed() >= TAIL_EVERY {
            last_look = Instant::now();
            let line = last_line_of(job.log);
            if line != last_line || last_sign.elapsed() >= SIGN_OF_LIFE {
                last_sign = Instant::now();
                last_line.clone_from(&line);
                progress(line, begun.elapsed());
            }
        }
        std::thread::sleep(nap);
        nap = (nap * 2).min(LONGEST_NAP);
    }
}

fn of_status(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Signalled(signal),
        // Neither can be: it is no good end.
        (None, None) => Ending::Signalled(0),
    }
}

/// A process group. Leaving scope kills it.
struct Group {
    child: Child,
    id: Pid,
    reaped: bool,
}

impl Group {
    fn of(child: Child) -> Self {
        let id = Pid::from_child(&child);
        Group { child, id, reaped: false }
    }

    /// Whether the leader has ended. It is not reaped, so that its id stays the group's.
    fn has_ended(&self) -> Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            match waitid(WaitId::Pid(self.id), options) {
                Ok(status) => return Ok(status.is_some()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Error::new(format!("cannot wait for a process: {error}"))),
            }
        }
    }

    /// SIGTERM, then some time for the leader to end.
    fn stop(&self, grace: Duration, hurry: impl Fn() -> bool) -> Result<()> {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
        let begun = Instant::now();
        while !self.has_ended()? && begun.elapsed() < grace && !hurry() {
            std::thread::sleep(LONGEST_NAP);
        }
        Ok(())
    }

    /// Kills whatever is left of the group and reaps the leader.
    fn end(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::KILL);
        let status = self.child.wait().context("cannot wait for a process")?;
        self.reaped = true;
        Ok(status)
    }

    fn signal(&self, signal: Signal) {
        // It fails only where the group is gone already.
        kill_process_group(self.id, signal).ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            drop(self.end());
        }
    }
}

fn open_log(job: &Job<'_>) -> std::io::Result<(File, SystemTime)> {
    let mut log = OpenOptions::new().append(true).create_new(true).mode(0o600).open(job.log)?;
    let mut line = serde_json::to_vec(job.argv)?;
    line.push(b'\n');
    log.write_all(&line)?;
    let started = log.metadata()?.modified()?;
    Ok((log, started))
}

/// The last line of a log that is not blank. Bytes that are no text are replaced; nothing is escaped.
pub fn last_line_of(log: &Path) -> String {
    last_lines_of(log, 1).pop().unwrap_or_default()
}

/// The last lines of a log that are not blank, without its first line, the argv.
pub fn last_lines_of(log: &Path, count: usize) -> Vec<String> {
    let tail = read_tail(log).unwrap_or_default();
    let lines: Vec<&str> = tail.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).trim_end().to_owned()).collect()
}

fn read_tail(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // The first line is the argv, or cut in two.
    Ok(text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or(if length > TAIL_BYTES {
        text
    } else {
        String::new()
    }))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    struct Shell {
        folder: tempfile::TempDir,
    }

    impl Shell {
        fn new() -> Self {
            Shell { folder: tempfile::tempdir().unwrap() }
        }

        fn log(&self) -> PathBuf {
            self.folder.path().join("log")
        }

        fn run(&self, script: &str, timeout: Duration, cancel: &Cancel) -> Ended {
            let variables = [("PATH".into(), "/usr/bin:/bin".into())].into();
            let argv = ["sh", "-c", script].map(str::to_owned);
            let job = Job {
                program: Path::new("/bin/sh"),
                argv: &argv,
                folder: self.folder.path(),
                variables: &variables,
                timeout,
                grace: Duration::from_millis(100),
                log: &self.log(),
            };
            run(&job, cancel, &mut |_, _| {}).unwrap()
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
    fn a_daemon_that_keeps_the_output_open_keeps_nobody_waiting() {
        let shell = Shell::new();
        let ended = shell.run(
            "setsid sh -c 'echo $$ > child; exec sleep 20' & until test -s child; do sleep 0.01; done",
            LONG,
            &Cancel::never(),
        );
        assert_eq!(ended.ending, Ending::Exited(0));
        assert!(ended.duration < Duration::from_secs(10), "{ended:?}");
        // It left the group, so it is this test's to end.
        let id = std::fs::read_to_string(shell.folder.path().join("child")).unwrap();
        let id = Pid::from_raw(id.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(id, Signal::KILL).unwrap();
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
}

//! A git command that reaches another machine: it may ask the user for a password, and it may wait for ever for an answer.
//!
//! It stays in this process group, because only what stands in the foreground may read from the terminal. So it is not ended by its
//! group, but with all that stands below it.

use std::collections::HashMap;
use std::fs;
use std::io::{Read as _, Seek as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::program::{GitCommand, Output};
use crate::error::{Context as _, Result};

/// How often the command is looked at.
const NAP: Duration = Duration::from_millis(5);

/// How long git may take to remove its locks and unfinished packs once it was asked to end.
const GRACE: Duration = Duration::from_secs(2);

/// Bytes of each output that are read, at most: a hundred thousand refs.
const MAX_OUTPUT: u64 = 16 << 20;

/// How a command that reached another machine ended.
#[derive(Debug)]
pub(super) enum Connected {
    /// By itself.
    Ended(Output),
    /// It was ended when its time was over.
    TimedOut,
    /// It was ended because somebody asked to stop.
    Stopped,
}

impl GitCommand {
    /// Runs it with nothing on its standard input. `goes_on` is asked again and again, with the time that has passed.
    ///
    /// Its outputs go to files, so that whatever keeps them open keeps nobody waiting.
    pub(super) fn connected(mut self, limit: Duration, goes_on: &dyn Fn(Duration) -> bool) -> Result<Connected> {
        let what = "cannot make a temporary file";
        let (mut out, mut err) = (tempfile::tempfile().context(what)?, tempfile::tempfile().context(what)?);
        self.command.stdin(Stdio::null());
        self.command.stdout(out.try_clone().context(what)?).stderr(err.try_clone().context(what)?);
        let begun = Instant::now();
        let mut child = self.command.spawn().context("cannot start git")?;
        let status = loop {
            if let Some(status) = child.try_wait().context("cannot wait for git")? {
                break status;
            }
            let elapsed = begun.elapsed();
            if !goes_on(elapsed) {
                end(&mut child);
                return Ok(Connected::Stopped);
            }
            if elapsed >= limit {
                end(&mut child);
                return Ok(Connected::TimedOut);
            }
            std::thread::sleep(NAP);
        };
        let read = |file: &mut fs::File| {
            let mut bytes = Vec::new();
            file.rewind()?;
            file.take(MAX_OUTPUT).read_to_end(&mut bytes).map(|_| bytes)
        };
        let (stdout, stderr) = (read(&mut out), read(&mut err));
        let what = "cannot read what git said";
        Ok(Connected::Ended(Output {
            status,
            stdout: stdout.context(what)?.into(),
            stderr: stderr.context(what)?.into(),
        }))
    }
}

/// Ends it and all below it: kindly first.
fn end(child: &mut Child) {
    let all: Vec<Pid> = below(Pid::from_child(child)).into_iter().chain([Pid::from_child(child)]).collect();
    let tell = |pid: &Pid, signal| kill_process(*pid, signal).unwrap_or_default();
    all.iter().for_each(|pid| tell(pid, Signal::TERM));
    // One that is stopped, for instance because it asks at a terminal that is somebody else's, hears it only so.
    all.iter().for_each(|pid| tell(pid, Signal::CONT));
    let wait = || {
        let until = Instant::now() + GRACE;
        while Instant::now() < until && all.iter().any(|pid| is_alive(*pid)) {
            std::thread::sleep(NAP);
        }
    };
    wait();
    // The child is waited for only now, so that its id is nobody else's; the others' are theirs as long as they live.
    all.iter().filter(|pid| is_alive(**pid)).for_each(|pid| tell(pid, Signal::KILL));
    drop(child.kill().and_then(|()| child.wait()));
    // A busy system takes its time even for that.
    wait();
}

/// Whether `/proc` shows it, and not as one that has ended and only waits to be looked at.
fn is_alive(pid: Pid) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// All processes below one, as `/proc` shows them, proc_pid_stat(5). None where there is no `/proc`: then only git itself is ended.
fn below(top: Pid) -> Vec<Pid> {
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = number.and_then(Pid::from_raw) else { continue };
        let stat = fs::read(entry.path().join("stat")).unwrap_or_default();
        // The name in parentheses may hold anything, parentheses too.
        let stat = String::from_utf8_lossy(&stat);
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        if let Some(parent) = parent.and_then(Pid::from_raw) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![top];
    while let Some(pid) = open.pop() {
        let next = children.remove(&pid).unwrap_or_default();
        found.extend(&next);
        open.extend(next);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;
    use crate::caller::Caller;
    use crate::git::Program;

    /// A git whose ssh hangs and notes who it is.
    fn hanging(folder: &std::path::Path) -> GitCommand {
        let variables = BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())]);
        let caller = Caller { variables, directory: folder.to_owned(), program: PathBuf::new() };
        let ssh = "sh -c 'echo $$ >pids; sleep 300 & echo $! >>pids; wait'";
        let git = Program::find(&caller).unwrap().command(folder).env("GIT_SSH_COMMAND", ssh);
        git.args(["ls-remote", "ssh://example.org/x"])
    }

    #[test]
    fn a_remote_that_never_answers_is_given_up_with_all_that_waited_for_it() {
        check(Duration::from_millis(600), &|_| true, |connected| matches!(connected, Connected::TimedOut));
        check(Duration::from_secs(60), &|time| time < Duration::from_millis(600), |connected| {
            matches!(connected, Connected::Stopped)
        });

        fn check(limit: Duration, goes_on: &dyn Fn(Duration) -> bool, expected: fn(&Connected) -> bool) {
            let folder = tempfile::tempdir().unwrap();
            let begun = Instant::now();
            let connected = hanging(folder.path()).connected(limit, goes_on).unwrap();
            assert!(expected(&connected), "{connected:?}");
            assert!(begun.elapsed() < Duration::from_secs(20));
            let pids = fs::read_to_string(folder.path().join("pids")).unwrap();
            assert_eq!(pids.lines().count(), 2, "{pids}");
            for pid in pids.lines() {
                assert!(!is_alive(Pid::from_raw(pid.parse().unwrap()).unwrap()), "{pid} is still there");
            }
        }
    }
}

//! A git command that may hang: in a process group of its own, ended with all of it when its time is over.
//!
//! Deliberately absent: a gentle end. Nothing that is started this way has anything to lose.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use bstr::BString;
use rustix::process::{Pid, Signal, kill_process_group};

use super::program::{GitCommand, Output};
use crate::error::{Context as _, Result};

/// How often the command is looked at.
const NAP: Duration = Duration::from_millis(10);

/// Bytes of each output that are read, at most.
const MAX_OUTPUT: u64 = 1 << 20;

/// How a command with a deadline ended.
#[derive(Debug)]
pub enum Within {
    /// By itself.
    Ended(Output),
    /// It was killed when its time was over; this is what it had said on standard error.
    TimedOut(BString),
    /// It was killed because somebody asked to stop.
    Stopped,
}

impl GitCommand {
    /// Runs it with nothing on its standard input. Its outputs go to files, so that whatever keeps them open keeps nobody waiting.
    pub fn within(mut self, limit: Duration, is_to_stop: impl Fn() -> bool) -> Result<Within> {
        let what = "cannot make a temporary file";
        let (mut out, mut err) = (tempfile::tempfile().context(what)?, tempfile::tempfile().context(what)?);
        self.command.stdin(Stdio::null());
        self.command.stdout(out.try_clone().context(what)?).stderr(err.try_clone().context(what)?);
        let begun = Instant::now();
        let mut group = Group(self.command.process_group(0).spawn().context("cannot start git")?);
        loop {
            if let Some(status) = group.0.try_wait().context("cannot wait for git")? {
                drop(group);
                return Ok(Within::Ended(Output { status, stdout: text(&mut out)?, stderr: text(&mut err)? }));
            }
            if is_to_stop() {
                return Ok(Within::Stopped);
            }
            if begun.elapsed() >= limit {
                drop(group);
                return Ok(Within::TimedOut(text(&mut err)?));
            }
            std::thread::sleep(NAP);
        }
    }
}

/// A process group by its leader. Leaving scope kills it.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // It fails only where the group is gone already; a leader that was reaped leaves its id to what is left of the group.
        kill_process_group(Pid::from_child(&self.0), Signal::KILL).ok();
        drop(self.0.wait());
    }
}

fn text(file: &mut File) -> Result<BString> {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.take(MAX_OUTPUT).read_to_end(&mut bytes)).context("cannot read what git said")?;
    Ok(bytes.into())
}

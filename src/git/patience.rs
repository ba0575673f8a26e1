//! Waiting for a git child that may never answer: its output is read as it comes, and its time is bounded.
//!
//! Deliberately absent: threads. A push that needs nothing else waits for one child, and each thread would cost it time.

use std::io;
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStderr, ChildStdout, Output};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::child;

/// How long a git child may take. A checkout of a very large tree takes minutes; a git that hangs must not hold a push for ever.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// How long the first question may take: which repository is meant. It reads a few small files.
pub(super) const PATIENCE_AT_FIRST: Duration = Duration::from_secs(20);

/// How long a program for signatures may take: somebody may have to type a passphrase, or to touch a key.
pub(super) const PATIENCE_WITH_SIGNATURES: Duration = Duration::from_secs(300);

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// What came of waiting.
pub(super) enum Waited {
    /// It ended.
    Ended(Output),
    /// It did not, and was killed.
    GaveUp,
}

/// Reads both outputs of a child, which are pipes, and waits for its end.
pub(super) fn wait(mut child: Child, patience: Duration) -> io::Result<Waited> {
    let until = Instant::now() + patience;
    let mut pipes = Pipes { out: child.stdout.take(), err: child.stderr.take() };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while pipes.out.is_some() || pipes.err.is_some() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return give_up(child);
        }
        pipes.read(left, &mut stdout, &mut stderr)?;
    }
    match child::wait(&mut child, until.saturating_duration_since(Instant::now()))? {
        Some(status) => Ok(Waited::Ended(Output { status, stdout, stderr })),
        None => give_up(child),
    }
}

fn give_up(mut child: Child) -> io::Result<Waited> {
    child.kill()?;
    child.wait()?;
    Ok(Waited::GaveUp)
}

/// The ends that are still open.
struct Pipes {
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
}

impl Pipes {
    /// Waits until there is something to read, and reads it.
    fn read(&mut self, left: Duration, stdout: &mut Vec<u8>, stderr: &mut Vec<u8>) -> io::Result<()> {
        let (out_ready, err_ready) = {
            let mut asked = Vec::with_capacity(2);
            asked.extend(self.out.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
            asked.extend(self.err.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
            match poll(&mut asked, Some(&child::timespec(left))) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            let mut ready = asked.iter().map(|asked| !asked.revents().is_empty());
            let out_ready = self.out.is_some() && ready.next().unwrap_or(false);
            (out_ready, self.err.is_some() && ready.next().unwrap_or(false))
        };
        if out_ready && read_some(self.out.as_mut(), stdout)? == 0 {
            self.out = None;
        }
        if err_ready && read_some(self.err.as_mut(), stderr)? == 0 {
            self.err = None;
        }
        Ok(())
    }
}

/// Reads what is there, without waiting for more. 0 at the end.
fn read_some(pipe: Option<&mut impl io::Read>, into: &mut Vec<u8>) -> io::Result<usize> {
    let Some(pipe) = pipe else { return Ok(0) };
    let mut chunk = [0; CHUNK];
    loop {
        match pipe.read(&mut chunk) {
            Ok(count) => {
                into.extend_from_slice(&chunk[..count]);
                return Ok(count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

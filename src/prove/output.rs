//! What a program prints: read from its pipes into the log and, where that is asked for, its standard output into a file as well.
//!
//! One pipe takes both outputs, so that the log holds them in the order in which they came. With a file there are two, and only the
//! order within each of them is kept.
//!
//! Deliberately absent: what is masked in a log; the file holds every byte as it came.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bstr::ByteSlice as _;
use rustix::event::{PollFd, PollFlags, poll};

use super::log::LogWriter;
use crate::child::timespec;
use crate::evidence::{Listener, MAX_REPORT_BYTES};

/// Bytes that are read at once: what a pipe holds.
const PIECE: usize = 64 << 10;

/// Reads of what stands in the pipes at the end: more than they hold.
const MOST_REST: usize = 32;

/// The pipes of a program, and where what comes out of them goes. The default is none at all.
#[derive(Default)]
pub(super) struct Outputs {
    pipes: Vec<Pipe>,
    log: Option<LogWriter>,
    buffer: Vec<u8>,
}

/// One pipe.
struct Pipe {
    reader: PipeReader,
    is_open: bool,
    copy: Option<Copy>,
    /// An unfinished line. It waits for its end where another pipe's lines could come between.
    unfinished: Vec<u8>,
}

/// A file that takes a pipe's bytes, and one more than a report may have: whoever reads it then sees that there were too many.
struct Copy {
    file: File,
    room: u64,
}

/// The ends of the pipes that a program writes to.
pub(super) struct Ends {
    pub(super) stdout: PipeWriter,
    pub(super) stderr: PipeWriter,
}

impl Outputs {
    /// `copy` is the file for the standard output. It must not exist.
    pub(super) fn new(log: LogWriter, copy: Option<&Path>) -> io::Result<(Self, Ends)> {
        let (reader, stderr) = io::pipe()?;
        let mut pipes = vec![Pipe::new(reader, None)];
        let stdout = match copy {
            None => stderr.try_clone()?,
            Some(path) => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                let (reader, stdout) = io::pipe()?;
                pipes.push(Pipe::new(reader, Some(Copy { file, room: MAX_REPORT_BYTES + 1 })));
                stdout
            }
        };
        Ok((Outputs { pipes, log: Some(log), buffer: vec![0; PIECE] }, Ends { stdout, stderr }))
    }

    /// Whether anybody holds the other end of a pipe.
    pub(super) fn is_open(&self) -> bool {
        self.pipes.iter().any(|pipe| pipe.is_open)
    }

    /// The last line of the log that is not blank.
    pub(super) fn last_line(&self) -> String {
        self.log.as_ref().map(LogWriter::last_line).unwrap_or_default()
    }

    /// Waits a moment for output, or for `other` to have something, and takes what is there. Whether a pipe had something.
    pub(super) fn read(&mut self, patience: Duration, other: Option<&dyn AsFd>) -> io::Result<bool> {
        let open = || self.pipes.iter().filter(|pipe| pipe.is_open).map(|pipe| pipe.reader.as_fd());
        let mut ready: Vec<PollFd<'_>> = open().map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)).collect();
        let count = ready.len();
        if count == 0 {
            return Ok(false);
        }
        ready.extend(other.map(|other| PollFd::from_borrowed_fd(other.as_fd(), PollFlags::IN)));
        match poll(&mut ready, Some(&timespec(patience))) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = ready[..count].iter().map(|pipe| !pipe.revents().is_empty()).collect();
        let holds_lines = self.pipes.len() > 1;
        let open = self.pipes.iter_mut().filter(|pipe| pipe.is_open);
        for (pipe, _) in open.zip(&ready).filter(|(_, is_ready)| **is_ready) {
            pipe.read(&mut self.buffer, self.log.as_mut(), holds_lines)?;
        }
        Ok(ready.contains(&true))
    }

    /// Takes what stands in the pipes although all is over, and ends the log. Who still holds a pipe is not waited for. Gives back who
    /// listened.
    pub(super) fn finish(&mut self) -> io::Result<Option<Listener>> {
        for _ in 0..MOST_REST {
            if !self.read(Duration::ZERO, None)? {
                break;
            }
        }
        let Some(mut log) = self.log.take() else { return Ok(None) };
        for pipe in &mut self.pipes {
            log.write(&std::mem::take(&mut pipe.unfinished))?;
        }
        log.finish()
    }

    /// Goes on reading until nobody prints any more, or `is_over`.
    pub(super) fn drain(mut self, patience: Duration, is_over: &AtomicBool) {
        while self.is_open() && !is_over.load(Ordering::Relaxed) {
            // Who reads no further would make the others wait; a log that is cut short is the lesser harm.
            if self.read(patience, None).is_err() && self.log.take().is_none() {
                return;
            }
        }
        self.finish().ok();
    }
}

impl Pipe {
    fn new(reader: PipeReader, copy: Option<Copy>) -> Self {
        Pipe { reader, is_open: true, copy, unfinished: Vec::new() }
    }

    fn read(&mut self, buffer: &mut [u8], log: Option<&mut LogWriter>, holds_lines: bool) -> io::Result<()> {
        let count = self.reader.read(buffer).inspect_err(|_| self.is_open = false)?;
        self.is_open = count > 0;
        let bytes = &buffer[..count];
        if let Some(copy) = &mut self.copy {
            copy.write(bytes)?;
        }
        let Some(log) = log else { return Ok(()) };
        if !holds_lines {
            return log.write(bytes);
        }
        let end = match bytes.rfind_byte(b'\n') {
            Some(end) => end + 1,
            None if self.unfinished.len() + count > PIECE => count,
            None => 0,
        };
        let (lines, rest) = bytes.split_at(end);
        if !lines.is_empty() {
            log.write(&self.unfinished)?;
            self.unfinished.clear();
            log.write(lines)?;
        }
        self.unfinished.extend_from_slice(rest);
        Ok(())
    }
}

impl Copy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let count = usize::try_from(self.room).map_or(bytes.len(), |room| room.min(bytes.len()));
        self.room -= count as u64;
        self.file.write_all(&bytes[..count])
    }
}

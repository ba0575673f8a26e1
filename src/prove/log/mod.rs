//! Logs of what a proof runs: streamed to disk, bounded, with secrets masked before a byte is stored.
//!
//! Deliberately absent: escaping (the reporter's duty, the file keeps bytes as they came) and judging what a log says.

mod hide;
mod kept;
mod masks;
mod read;
mod shapes;
mod stream;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

pub(super) use hide::without;
use kept::Kept;
pub use masks::{MASK, Masks};
pub use read::{first_and_last_lines_of, last_line_of, last_lines_of, telling_lines_of};
pub(super) use stream::Stream;

use crate::evidence::Listener;

/// Bytes of a line that [`LogWriter::last_line`] gives, at most.
const LAST_LINE: usize = 1000;

/// Writes one log.
///
/// Complete lines are in the file when [`write`](Self::write) returns; of a line without an end at most 64 KiB wait
/// in memory, because a secret may still be under way in them. Memory is a few windows, whatever comes.
#[derive(Debug)]
pub struct LogWriter {
    stream: Stream,
    kept: Kept,
    last: Vec<u8>,
    listener: Option<Listener>,
}

impl LogWriter {
    /// Makes the file, 0600 whatever the umask, and writes its first line, which nobody listens to; where the path exists already it is an error.
    pub fn create(path: &Path, first_line: &[u8], masks: &Masks, listener: Option<Listener>) -> io::Result<Self> {
        let (stream, kept) = (Stream::new(masks), Kept::create(path)?);
        let mut log = LogWriter { stream, kept, last: Vec::new(), listener: None };
        log.write(first_line)?;
        if !first_line.ends_with(b"\n") {
            log.write(b"\n")?;
        }
        log.last.clear();
        log.listener = listener;
        Ok(log)
    }

    /// Adds what a program printed. It is heard as it came.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let LogWriter { stream, kept, last, listener } = self;
        if let Some(listener) = listener {
            listener.output(bytes);
        }
        stream.push(bytes, &mut |decided| {
            note_last_line(last, decided);
            kept.write(decided)
        })
    }

    /// Writes what waits in memory and puts head and tail together. Gives back who listened.
    pub fn finish(mut self) -> io::Result<Option<Listener>> {
        let LogWriter { stream, kept, listener, .. } = &mut self;
        stream.end(&mut |decided| kept.write(decided))?;
        kept.finish()?;
        Ok(listener.take())
    }

    /// The last line after the first that is not blank, the one under way included; of a long line the beginning. Secrets are masked,
    /// bytes that are no text are replaced; nothing is escaped.
    pub fn last_line(&self) -> String {
        let mut last = self.last.clone();
        note_last_line(&mut last, &self.stream.waiting());
        String::from_utf8_lossy(&last).trim().to_owned()
    }
}

impl Drop for LogWriter {
    /// A log that was not finished is put together all the same: what it holds tells what went wrong.
    fn drop(&mut self) {
        let LogWriter { stream, kept, .. } = self;
        drop(stream.end(&mut |decided| kept.write(decided)).and_then(|()| kept.finish()));
    }
}

/// Remembers the last line of `bytes` that is not blank. A carriage return starts a line anew on a screen, and so it does here.
fn note_last_line(last: &mut Vec<u8>, bytes: &[u8]) {
    let lines = bytes.rsplit(|byte| matches!(byte, b'\n' | b'\r'));
    if let Some(line) = lines.map(<[u8]>::trim_ascii).find(|line| !line.is_empty()) {
        last.clear();
        last.extend_from_slice(&line[..line.len().min(LAST_LINE)]);
    }
}

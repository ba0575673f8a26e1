//! What a program left running on purpose, such as a database: its output goes into the log until it is ended.
//!
//! Deliberately absent: anybody who listens to it. Only suites are listened to, and they leave nothing running on purpose.

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use super::super::Cancel;
use super::super::log::LogWriter;
use super::super::supervise::LIMIT;
use super::super::supervise::wire::{Wish, timespec};
use super::{GRACE, LONGEST_NAP, SLACK, Supervised, TAIL_EVERY};
use crate::error::{Context as _, Result};

impl Supervised {
    /// Lets what is left run on, and its output into the log.
    pub(super) fn keep(mut self) -> Result<Kept> {
        let cannot = "cannot go on reading what a program prints";
        let mut output = self.output.try_clone().context(cannot)?;
        let mut log = self.log.take();
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let reader = std::thread::Builder::new().spawn(move || {
            let mut bytes = vec![0; 64 << 10];
            while !seen.load(Ordering::Relaxed) {
                let mut ready = [PollFd::new(&output, PollFlags::IN)];
                match poll(&mut ready, Some(&timespec(TAIL_EVERY))) {
                    Ok(0) | Err(_) => continue,
                    Ok(_) => {}
                }
                let count = output.read(&mut bytes).unwrap_or(0);
                if count == 0 {
                    break;
                }
                // Who reads no further would make the others wait; a log that is cut short is the lesser harm.
                log = log.and_then(|mut log| log.write(&bytes[..count]).is_ok().then_some(log));
            }
            log.map(LogWriter::finish);
        });
        let reader = reader.context(cannot)?;
        Ok(Kept { supervised: self, reader: Some(reader), is_over })
    }
}

/// What a program left running on purpose. Leaving scope ends it at once.
pub struct Kept {
    supervised: Supervised,
    reader: Option<JoinHandle<()>>,
    is_over: Arc<AtomicBool>,
}

impl Kept {
    /// Ends it: SIGTERM, the job's grace or this one if it is shorter, SIGKILL.
    pub fn end(mut self, grace: Duration, cancel: &Cancel) -> Result<()> {
        let mut said = Some(Wish::Stop);
        self.supervised.channel.say(&Wish::Stop).ok();
        let begun = Instant::now();
        while begun.elapsed() < GRACE + LIMIT + SLACK && self.supervised.wait(LONGEST_NAP).is_none() {
            if begun.elapsed() < grace {
                self.supervised.pass_on(cancel, &mut said);
            } else if said.replace(Wish::Kill) != Some(Wish::Kill) {
                self.supervised.channel.say(&Wish::Kill).ok();
            }
        }
        match self.supervised.end().first() {
            None => Ok(()),
            Some(process) => Err(process.undying()),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.supervised.end();
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({})", self.supervised.id)
    }
}

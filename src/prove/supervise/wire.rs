//! What the gate and a supervisor say to each other: one JSON document a line over a socket.
//!
//! Deliberately absent: versions. Both ends are the same program file.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, SystemTime};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::child::timespec;

/// What a supervisor is to start.
#[derive(Debug, Deserialize, Serialize)]
pub(in crate::prove) struct Order {
    /// The file to start, absolute.
    pub(in crate::prove) program: OsString,
    /// What stands behind it on the command line.
    pub(in crate::prove) args: Vec<OsString>,
    /// Where it starts.
    pub(in crate::prove) folder: OsString,
    /// All of its environment.
    pub(in crate::prove) variables: Vec<(OsString, OsString)>,
    /// How long it may take.
    pub(in crate::prove) timeout: Duration,
    /// How long it has between SIGTERM and SIGKILL.
    pub(in crate::prove) grace: Duration,
    /// What becomes of what it leaves running.
    pub(in crate::prove) afterwards: Afterwards,
    /// What it finds around it beside its environment.
    pub(in crate::prove) surroundings: Surroundings,
}

/// What a program inherits beside its environment; nothing is set where it is as the gate has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Surroundings {
    /// The permissions that new files do not get.
    pub umask: Option<u32>,
    /// How many processors it may run on, of those that the gate may. Linux only.
    pub cpus: Option<u32>,
}

/// What becomes of processes that a program leaves running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Afterwards {
    /// They are ended at once.
    End,
    /// They run on until the gate ends them: a database that a `prepare` command starts.
    Keep,
}

/// What the gate says after the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(in crate::prove) enum Wish {
    /// End everything, with time to tidy up.
    Stop,
    /// End everything at once.
    Kill,
}

/// What a supervisor says, once.
#[derive(Debug, Deserialize, Serialize)]
pub(in crate::prove) enum Event {
    /// The program could not be started.
    NotStarted {
        /// In the system's words.
        cause: String,
    },
    /// The program has ended, and what it left was dealt with.
    Ended {
        /// How it ended.
        ending: super::Ending,
        /// How long it took, without the time in which the gate was stopped.
        duration: Duration,
        /// What it had left running.
        leftovers: Vec<super::Leftover>,
        /// When the program itself had ended, at the latest.
        over: SystemTime,
        /// What went on for a moment after that and then ended by itself.
        late: Vec<super::Leftover>,
        /// What could not be ended.
        undying: Vec<super::Leftover>,
    },
}

/// One end of the socket.
#[derive(Debug)]
pub(in crate::prove) struct Channel {
    socket: UnixStream,
    unread: Vec<u8>,
}

/// What a look at the socket gave.
#[derive(Debug)]
pub(in crate::prove) enum Heard<T> {
    /// A whole message.
    Message(T),
    /// No whole message yet.
    Nothing,
    /// The other end is gone, or talks nonsense: nothing more will come.
    Gone,
}

impl Channel {
    pub(in crate::prove) fn new(socket: UnixStream) -> Self {
        Channel { socket, unread: Vec::new() }
    }

    /// The socket, to wait for it together with something else.
    pub(in crate::prove) fn socket(&self) -> &UnixStream {
        &self.socket
    }

    /// Says something. A message is written whole, or the other end is gone.
    pub(in crate::prove) fn say(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.socket.write_all(&line)
    }

    /// Waits for a message, no longer than `patience`.
    pub(in crate::prove) fn hear<T: DeserializeOwned>(&mut self, patience: Duration) -> Heard<T> {
        self.hear_beside(None, patience)
    }

    /// The same, but no longer than until `other` has something.
    pub(in crate::prove) fn hear_beside<T: DeserializeOwned>(
        &mut self,
        other: Option<BorrowedFd<'_>>,
        patience: Duration,
    ) -> Heard<T> {
        if let Some(heard) = self.whole_message() {
            return heard;
        }
        let mut ready = vec![PollFd::new(&self.socket, PollFlags::IN)];
        ready.extend(other.map(|other| PollFd::from_borrowed_fd(other, PollFlags::IN)));
        match poll(&mut ready, Some(&timespec(patience))) {
            Ok(0) | Err(Errno::INTR) => return Heard::Nothing,
            Ok(_) if ready[0].revents().is_empty() => return Heard::Nothing,
            Ok(_) => {}
            Err(_) => return Heard::Gone,
        }
        let mut bytes = [0; 8192];
        match self.socket.read(&mut bytes) {
            Ok(0) => Heard::Gone,
            Ok(count) => {
                self.unread.extend_from_slice(&bytes[..count]);
                self.whole_message().unwrap_or(Heard::Nothing)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Heard::Nothing,
            Err(_) => Heard::Gone,
        }
    }

    fn whole_message<T: DeserializeOwned>(&mut self) -> Option<Heard<T>> {
        let end = self.unread.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.unread.drain(..=end).collect();
        Some(serde_json::from_slice(&line).map_or(Heard::Gone, Heard::Message))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn bytes_that_are_no_text_arrive_as_they_are() {
        let (here, there) = UnixStream::pair().unwrap();
        let odd = OsString::from_vec(b"a\xff\n\"".to_vec());
        let order = Order {
            program: odd.clone(),
            args: vec![odd.clone()],
            folder: "/".into(),
            variables: vec![(odd.clone(), odd.clone())],
            timeout: Duration::from_millis(1500),
            grace: Duration::ZERO,
            afterwards: Afterwards::Keep,
            surroundings: Surroundings { umask: Some(0o077), cpus: None },
        };
        let (mut here, mut there) = (Channel::new(here), Channel::new(there));
        here.say(&order).unwrap();
        here.say(&Wish::Kill).unwrap();
        let Heard::Message(Order { program, args, variables, timeout, surroundings, .. }) = there.hear(Duration::ZERO)
        else {
            panic!("an order was sent");
        };
        assert_eq!(surroundings.umask, Some(0o077));
        assert_eq!(
            (&program, &args[0], &variables[0], timeout.as_millis()),
            (&odd, &odd, &(odd.clone(), odd.clone()), 1500)
        );
        assert!(matches!(there.hear(Duration::ZERO), Heard::Message(Wish::Kill)));
        assert!(matches!(there.hear::<Wish>(Duration::ZERO), Heard::Nothing));
        drop(here);
        // A child that another test is just starting holds the other end until it becomes its program.
        assert!(matches!(there.hear::<Wish>(Duration::from_secs(10)), Heard::Gone));
    }

    #[test]
    fn nonsense_is_the_end_of_the_talk() {
        let (here, there) = UnixStream::pair().unwrap();
        let mut there = Channel::new(there);
        (&here).write_all(b"nonsense\n").unwrap();
        assert!(matches!(there.hear::<Wish>(Duration::ZERO), Heard::Gone));
    }
}

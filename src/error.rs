//! One error for the whole program: a fragment that says what went wrong, next steps, and how the process ends.
//!
//! There is deliberately no blanket conversion from other errors: every failure says in words what could not be done.

use std::any::Any;
use std::{fmt, io};

/// How the process ends. The numbers are a promise, documented in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Allowed, or PASS.
    Allowed = 0,
    /// Refused, or FAIL.
    Refused = 1,
    /// No proof could be made, or the gate cannot decide. Refuses too.
    NoProof = 2,
    /// `install` found something it must not touch, or `init` a file that stands there.
    Conflict = 3,
    /// Wrong use of the command line.
    Usage = 64,
}

/// What a user is told when something could not be done.
///
/// `message` is a fragment (`cannot read .proofrc.toml at line 14: unknown key 'path'`), each hint a next step.
/// Both may hold bytes from a repository or a test; the reporter escapes them when it prints.
#[derive(Debug)]
pub struct Error {
    /// How the process ends because of it; [`Exit::NoProof`] unless said otherwise.
    pub exit: Exit,
    /// What could not be done, and why.
    pub message: String,
    /// What to do now, one step each.
    pub hints: Vec<String>,
    /// Lines for a file of the user's, printed last and as they are, so that they can be copied.
    pub to_copy: Vec<&'static str>,
}

/// `Result` with the program's own error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The gate cannot decide, or no proof could be made.
    pub fn new(message: impl Into<String>) -> Self {
        Error { exit: Exit::NoProof, message: message.into(), hints: Vec::new(), to_copy: Vec::new() }
    }

    /// The same with another end.
    pub fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The same with one more next step.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same with lines to copy, which a hint has to announce.
    pub fn copying(mut self, lines: Vec<&'static str>) -> Self {
        self.to_copy = lines;
        self
    }

    /// The same, with what was being done in front: `while: message`.
    pub fn while_doing(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Gives a foreign error its words.
pub trait Context<T> {
    /// `cannot read x: permission denied`.
    fn context(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display + 'static> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| {
            let next_step = (&error as &dyn Any).downcast_ref::<io::Error>().and_then(next_step);
            next_step.into_iter().fold(Error::new(format!("{what}: {error}")), Error::hint)
        })
    }
}

/// What to do when the system refuses, where its reason alone says that.
fn next_step(error: &io::Error) -> Option<&'static str> {
    if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) {
        return Some("the disk could not do it: the system's log ('dmesg') says what is wrong with it");
    }
    match error.kind() {
        io::ErrorKind::StorageFull => {
            Some("the disk is full: make room ('df -h' and 'df -i' say where) and run it again")
        }
        io::ErrorKind::QuotaExceeded => {
            Some("your share of that disk is full: make room ('quota -s') and run it again")
        }
        io::ErrorKind::ReadOnlyFilesystem => Some(
            "it is mounted read-only: mount it writable ('mount -o remount,rw'); if nobody made it so, 'dmesg' says what is wrong",
        ),
        io::ErrorKind::PermissionDenied => Some("see whom it belongs to ('ls -ld'), and run it as that user"),
        _ => None,
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, what: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::new(what.to_string()))
    }
}

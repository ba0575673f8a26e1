//! What a server accepted when it arrived: record, signer and time. It stays accepted, whatever becomes of the signer's key.
//!
//! Deliberately absent: deciding what is accepted. A clone has no such file, and judges by today's list.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use jiff::Timestamp;

use super::writer::WriterId;
use crate::error::{Context as _, Result};
use crate::git::{Oid, Repository, make_own_dir};

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    principals: HashMap<Oid, String>,
    writers: HashMap<WriterId, String>,
}

/// One line of it: a record that was signed by somebody who might when it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The record.
    pub record: Oid,
    /// When it arrived.
    pub time: Timestamp,
    /// Whose log it stands in.
    pub writer: WriterId,
    /// Who had signed it.
    pub principal: String,
}

impl Accepted {
    /// Reads the file; nothing where there is none. A line that was cut short counts for nothing.
    pub(super) fn read(repository: &Repository) -> Result<Self> {
        let path = path_of(repository);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Accepted::default()),
            Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
        };
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(text: &str) -> Self {
        let mut accepted = Accepted::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            if let [record, time, writer, principal] = words[..]
                && let (Some(record), Some(writer)) = (Oid::from_hex(record.as_bytes()), WriterId::parse(writer))
                && time.parse::<Timestamp>().is_ok()
                && !principal.is_empty()
            {
                accepted.principals.insert(record, principal.to_owned());
                accepted.writers.insert(writer, principal.to_owned());
            }
        }
        accepted
    }

    /// Who had signed a record when it was accepted.
    pub(super) fn principal(&self, record: Oid) -> Option<&str> {
        self.principals.get(&record).map(String::as_str)
    }

    /// Who had signed the records of a log that were accepted.
    pub(super) fn principal_of(&self, writer: WriterId) -> Option<&str> {
        self.writers.get(&writer).map(String::as_str)
    }
}

impl Acceptance {
    /// Notes what was accepted, durably.
    pub fn note(repository: &Repository, accepted: &[Acceptance]) -> Result<()> {
        if accepted.is_empty() {
            return Ok(());
        }
        let path = path_of(repository);
        let what = || format!("cannot write {}", path.display());
        make_own_dir(&repository.own_dir())?;
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).context(what())?;
        file.lock().context(what())?;
        let lines: String = accepted.iter().map(Acceptance::line).collect();
        // Behind whatever an earlier program left half written.
        file.write_all(format!("\n{lines}").as_bytes()).and_then(|()| file.sync_all()).context(what())
    }

    fn line(&self) -> String {
        let principal = noted(&self.principal);
        format!("{} {} {} {principal}\n", self.record, self.time, self.writer)
    }
}

/// A principal as it is noted: in one line.
pub(super) fn noted(principal: &str) -> String {
    principal.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn path_of(repository: &Repository) -> PathBuf {
    repository.own_dir().join("accepted")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    #[test]
    fn only_whole_lines_count() {
        let whole = format!("\n{RECORD} 2026-01-02T03:04:05Z 0123456789abcdef ana@example.org\n");
        let principal = |text: &str| Accepted::parse(text).principal(RECORD.parse().unwrap()).map(str::to_owned);
        assert_eq!(principal(&whole).as_deref(), Some("ana@example.org"));
        for end in 1..whole.len() {
            assert_eq!(principal(&whole[..end]), None, "{:?}", &whole[..end]);
        }
        assert_eq!(principal(&format!("{}{whole}", &whole[..30])).as_deref(), Some("ana@example.org"));
    }
}

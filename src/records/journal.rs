//! The trace of a proof while it runs: that it was begun, and what had failed so far. One that is killed leaves it to the next.
//!
//! Deliberately absent: a lock. Who holds the turn to prove owns the file, so whoever finds one under the turn finds a dead proof's.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::log::Draft;
use super::statement::{Body, KilledRun, Subject, SubjectDigest, VerdictBody};
use super::wire::rfc3339;
use crate::error::{Context as _, Error, Result};
use crate::git::{Repository, make_own_dir, write_durably};

/// The newest format that this program knows, and the one it writes.
const FORMAT: u64 = 1;

/// The journal of a proof that runs. Dropped without being ended it stays, as after a kill.
#[derive(Debug)]
#[must_use]
pub struct Journal {
    path: PathBuf,
    page: Page,
}

/// A proof that begins: what its record will say whatever comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// What it is about.
    pub subject: Subject,
    /// The repository's id.
    pub repository: String,
    /// Whether a terminal is there.
    pub terminal: bool,
    /// The machine's name.
    pub host: String,
    /// The version of this program.
    pub tool: String,
    /// When it began.
    #[serde(with = "rfc3339")]
    pub started: Timestamp,
    /// The suites that it is to run.
    pub suites: Vec<String>,
}

/// What stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    format: u64,
    /// The proof that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<Begun>,
    /// What has failed in it so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
    /// Killed before it, and in no record yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<KilledRun>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    /// When it was noted.
    #[serde(with = "rfc3339")]
    at: Timestamp,
    verdict: Box<VerdictBody>,
}

/// What a killed proof left, and those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Killed {
    page: Page,
}

fn path_of(repository: &Repository) -> PathBuf {
    repository.own_dir().join("journal.json")
}

impl Journal {
    /// Notes that a proof begins. `earlier` are the killed ones that no record carries yet.
    pub fn begin(repository: &Repository, begun: Begun, earlier: Vec<KilledRun>) -> Result<Journal> {
        make_own_dir(&repository.own_dir())?;
        let page = Page { format: FORMAT, begun: Some(begun), failed: None, earlier };
        let journal = Journal { path: path_of(repository), page };
        journal.write()?;
        Ok(journal)
    }

    /// Notes what has failed so far: all of it, not only what is new.
    pub fn note(&mut self, failed: &Draft) -> Result<()> {
        match &failed.body {
            Body::Verdict(verdict) => {
                self.page.failed = Some(Failed { at: failed.finished, verdict: verdict.clone() });
                self.write()
            }
            Body::Resolve(_) | Body::Policy(_) => Ok(()),
        }
    }

    /// The proof is recorded, and with it those that were killed before.
    pub fn end(self) -> Result<()> {
        remove(&self.path)
    }

    /// The proof ended, and there is nothing to record. Those that were killed before stay.
    pub fn end_without_record(mut self) -> Result<()> {
        if self.page.earlier.is_empty() {
            return remove(&self.path);
        }
        (self.page.begun, self.page.failed) = (None, None);
        self.write()
    }

    fn write(&self) -> Result<()> {
        let bytes = serde_json::to_vec(&self.page).context("cannot write the journal")?;
        write_durably(&self.path, &bytes)
    }

    /// What a killed proof left, if one did. Ask only while holding the turn to prove: else it may be alive.
    pub fn left(repository: &Repository) -> Result<Option<Killed>> {
        let path = path_of(repository);
        let what = || format!("cannot read the journal of a proof that was killed, {}", path.display());
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context(what()),
        };
        let page: Page = serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(format!("{}: {error}", what()))
                .hint("it tells what had failed by then: read it, then move it away and prove again")
        })?;
        if page.format != FORMAT {
            return Err(Error::new(format!("{}: it is in the format {}", what(), page.format))
                .hint("a newer proof-gate wrote it, and can read it"));
        }
        Ok(Some(Killed { page }))
    }

    /// Whether the file of a running or killed proof is there: cheap enough for every push.
    pub fn is_there(repository: &Repository) -> bool {
        path_of(repository).symlink_metadata().is_ok()
    }
}

impl Killed {
    /// Object ids and begin of the last one. A record of the same says that it was killed only after all was done.
    pub fn last(&self) -> Option<(&SubjectDigest, Timestamp)> {
        self.page.begun.as_ref().map(|begun| (&begun.subject.digest, begun.started))
    }

    /// All that no record carries yet, the last one last.
    pub fn runs(&self) -> Vec<KilledRun> {
        let last = self.page.begun.iter().map(|begun| KilledRun {
            commit: begun.subject.digest.git_commit,
            suites: begun.suites.clone(),
            started: begun.started,
            host: begun.host.clone(),
        });
        self.page.earlier.iter().cloned().chain(last).collect()
    }

    /// The record of what had failed, where something had. It carries the killed runs.
    pub fn draft(&self) -> Option<Draft> {
        let begun = self.page.begun.clone()?;
        let mut failed = self.page.failed.clone()?;
        failed.verdict.killed = self.runs();
        Some(Draft {
            subject: begun.subject,
            repository: begun.repository,
            terminal: begun.terminal,
            host: begun.host,
            tool: begun.tool,
            started: begun.started,
            finished: failed.at,
            body: Body::Verdict(failed.verdict),
        })
    }

    /// Forgets it: a record carries it now.
    pub fn forget(self, repository: &Repository) -> Result<()> {
        remove(&path_of(repository))
    }
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).context(format!("cannot remove {}", path.display()))
}

//! Appending to this clone's log: under a lock, by compare-and-swap, durable and read back before it counts.
//!
//! Deliberately absent: rewriting or removing a record, signing, and touching any ref but the log.

use std::fs::File;
use std::time::Duration;

use bstr::ByteSlice as _;
use jiff::Timestamp;

use super::canonical;
use super::fit::fit;
use super::graph::{Graph, LOGS};
use super::index::Found;
use super::lock;
use super::read::{MAX_OTHER_PARENTS, Recorded, read, tree_of};
use super::statement::{Body, PREDICATE_TYPE, Person, Predicate, STATEMENT_TYPE, Statement, Subject};
use super::writer::{self, Signing, WriterId};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::git::{Identity, Kind, Oid, Repository, Swap};

/// How long another process of this clone may hold the lock; an append takes some hundredths of a second.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
/// How often an append starts over because something moved, or `git gc --prune=now` took its objects.
const ATTEMPTS: usize = 20;

/// What is to be recorded: a statement without its place in the log and its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it is about.
    pub subject: Subject,
    /// The repository's id.
    pub repository: String,
    /// Whether a terminal was there.
    pub terminal: bool,
    /// The machine's name.
    pub host: String,
    /// The version of this program.
    pub tool: String,
    /// When the work began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// What is said.
    pub body: Body,
}

/// This clone's log, by somebody whom git knows by name.
pub struct Log<'a> {
    repository: &'a Repository,
    committer: Identity,
    signing: Signing,
}

impl<'a> Log<'a> {
    /// Opens the log for appending. Writes nothing; an error where git knows no name for the user, so call it before a proof is run.
    pub fn open(repository: &'a Repository) -> Result<Self> {
        Ok(Log { committer: repository.committer()?, repository, signing: Signing::none() })
    }

    /// The same log, whose records are signed like this. Where the last one was signed otherwise, a new log begins.
    pub fn signing(self, signing: Signing) -> Self {
        Log { signing, ..self }
    }

    /// Who records.
    pub fn who(&self) -> Person {
        Person { name: self.committer.name.to_string(), email: self.committer.email.to_string() }
    }

    /// Appends a record. When this returns, the record is durable and was read back.
    pub fn append(&self, draft: Draft) -> Result<Recorded> {
        let _lock = self.lock()?;
        self.append_locked(&draft)
    }

    fn append_locked(&self, draft: &Draft) -> Result<Recorded> {
        for _ in 0..ATTEMPTS {
            if let Some(recorded) = self.attempt(draft)? {
                return Ok(recorded);
            }
        }
        Err(Error::new(format!("cannot record: the log moved under {ATTEMPTS} attempts"))
            .hint("something else writes refs/proof/ in this repository; run the command again when it has ended"))
    }

    /// Begins a new log with the content of a record that stands in the one before.
    pub(super) fn begin_anew_with(&self, recorded: &Recorded) -> Result<Recorded> {
        let Statement { subject: [subject], predicate, .. } = recorded.statement().clone();
        let Predicate { repository, terminal, host, tool, started, finished, body, .. } = predicate;
        let _lock = self.lock()?;
        writer::renew(self.repository, self.signing)?;
        self.append_locked(&Draft { subject, repository, terminal, host, tool, started, finished, body })
    }

    /// `None` where the log moved meanwhile.
    fn attempt(&self, draft: &Draft) -> Result<Option<Recorded>> {
        let graph = Graph::load(self.repository)?;
        let (writer, tip) = self.place(&graph)?;
        let others = other_tips(&graph, writer, tip);
        let mut statement = self.statement(draft.clone(), writer, tip);
        let json = fit(&mut statement)?;
        canonical::check(&statement).map_err(|why| Error::new(format!("cannot record: {why}")))?;
        let (commit, objects) = self.make(&statement, json, tip.into_iter().chain(others))?;
        // A pack, because a prune that is already under way, having listed the refs before, may take a loose object even after
        // the ref has come to lead to it; it takes nothing out of a pack. Kept from repacks until the end of this function.
        let _kept = self.repository.write_kept_pack(&objects.all())?;
        match self.repository.compare_and_swap(&format!("{LOGS}{writer}"), tip, commit) {
            Ok(Swap::Done) => {}
            Ok(Swap::Moved) => return Ok(None),
            Err(error) => return Err(error),
        }
        self.read_back(writer, commit, &statement).map(Some)
    }

    /// Not by the way it was written: a git that says "done" and did nothing is noticed.
    fn read_back(&self, writer: WriterId, commit: Oid, statement: &Statement) -> Result<Recorded> {
        let stands = self.repository.find_ref(&format!("{LOGS}{writer}"))? == Some(commit);
        if stands && read(self.repository, commit).is_ok_and(|framed| framed.content.as_ref() == Ok(statement)) {
            return Ok(Recorded::new(commit, statement.clone()));
        }
        Err(Error::new(format!("cannot record: the record {commit} does not read back as it was written"))
            .hint("check the disk and the repository: git fsck"))
    }

    fn lock(&self) -> Result<File> {
        lock::take(self.repository, ("log.lock", "the log"), LOCK_PATIENCE, &|_| true)
    }

    /// Whose log to write, and where it ends. A copied or restored clone, one whose log was damaged, and one that signs otherwise than
    /// before, begins a new one.
    fn place(&self, graph: &Graph) -> Result<(WriterId, Option<Oid>)> {
        if let Some(writer) = writer::current(self.repository, self.signing)? {
            let name = format!("{LOGS}{writer}");
            let tip = self.repository.find_ref(&name)?;
            if is_whole(graph, writer, tip) {
                return Ok((writer, tip));
            }
        }
        Ok((writer::renew(self.repository, self.signing)?, None))
    }

    fn statement(&self, draft: Draft, writer: WriterId, previous: Option<Oid>) -> Statement {
        Statement {
            kind: STATEMENT_TYPE.to_owned(),
            subject: [draft.subject],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate {
                writer,
                previous,
                repository: draft.repository,
                who: self.who(),
                terminal: draft.terminal,
                host: draft.host,
                tool: draft.tool,
                started: draft.started,
                finished: draft.finished,
                body: draft.body,
            },
        }
    }

    /// Makes the three objects of a record; writes nothing.
    fn make(&self, statement: &Statement, json: Vec<u8>, parents: impl Iterator<Item = Oid>) -> Result<(Oid, Objects)> {
        let tree = tree_of(self.repository.object_id(Kind::Blob, &json)?);
        let tree_id = self.repository.object_id(Kind::Tree, &tree)?;
        let mut commit = format!("tree {tree_id}\n").into_bytes();
        for parent in parents {
            commit.extend(format!("parent {parent}\n").bytes());
        }
        for role in ["author ", "committer "] {
            commit.extend(role.bytes());
            commit.extend_from_slice(self.committer.line.as_bytes());
            commit.push(b'\n');
        }
        commit.extend(format!("\n{}\n", headline(statement)).bytes());
        let id = self.repository.object_id(Kind::Commit, &commit)?;
        Ok((id, Objects { blob: json, tree, commit }))
    }
}

/// The bytes of a record's objects.
struct Objects {
    blob: Vec<u8>,
    tree: Vec<u8>,
    commit: Vec<u8>,
}

impl Objects {
    fn all(&self) -> [(Kind, &[u8]); 3] {
        [(Kind::Blob, &self.blob), (Kind::Tree, &self.tree), (Kind::Commit, &self.commit)]
    }
}

/// Whether the log ends where the last record of its writer is, as far as anybody here knows.
fn is_whole(graph: &Graph, writer: WriterId, tip: Option<Oid>) -> bool {
    let readable = match tip {
        None => true,
        Some(tip) => match graph.nodes.get(&tip).map(|node| &node.found) {
            Some(Found::Record(summary)) => summary.writer == writer,
            Some(Found::Newer(_)) => true,
            Some(Found::Malformed(_) | Found::NoRecord(_)) | None => false,
        },
    };
    let led_to = tip.map(|tip| graph.reach(tip)).unwrap_or_default();
    let mut own = graph.nodes.keys().filter(|id| graph.record(**id).is_some_and(|summary| summary.writer == writer));
    readable && own.all(|id| led_to.contains(id))
}

/// Where other logs end that this one does not lead to yet, so that deleting one of them loses nothing.
fn other_tips(graph: &Graph, writer: WriterId, own_tip: Option<Oid>) -> Vec<Oid> {
    let counts = |id: Oid| {
        graph.nodes.get(&id).is_some_and(|node| match node.found {
            Found::Record(_) | Found::Newer(_) => true,
            Found::Malformed(_) | Found::NoRecord(_) => false,
        })
    };
    let mut tips: Vec<Oid> =
        graph.logs.iter().filter(|(_, named, tip)| *named != writer && counts(*tip)).map(|log| log.2).collect();
    tips.sort();
    tips.dedup();
    let ends: Vec<Oid> = tips.iter().copied().chain(own_tip).collect();
    tips.retain(|tip| Some(*tip) != own_tip && !ends.iter().any(|end| graph.is_ancestor(*tip, *end)));
    tips.truncate(MAX_OTHER_PARENTS);
    tips
}

/// The commit's subject line. For `git log` only; nobody reads it back.
fn headline(statement: &Statement) -> String {
    let commit = statement.subject().digest.git_commit.short();
    let line = match &statement.predicate.body {
        Body::Verdict(verdict) => {
            let suites: Vec<&str> = verdict.suites.iter().map(|entry| entry.name.as_str()).collect();
            format!("{} {} {commit}", verdict.verdict.as_str(), suites.join(" "))
        }
        Body::Resolve(resolution) => format!("RESOLVE {} of {}", resolution.suite, resolution.record.short()),
        Body::Policy(approval) => format!("POLICY {}..{} {commit}", short(approval.from), short(approval.to)),
    };
    line.chars().map(|c| if c.is_control() { '?' } else { c }).take(200).collect()
}

fn short(digest: Digest) -> String {
    digest.to_string()[..7].to_owned()
}

#[cfg(test)]
mod tests;

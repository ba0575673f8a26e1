//! Appending to this clone's log: under a lock, by compare-and-swap, durable and read back before it counts.
//!
//! Deliberately absent: rewriting or removing a record, how a signature is made, and touching any ref but the log.

use std::fs::File;
use std::time::Duration;

use jiff::Timestamp;

use super::canonical;
use super::fit::fit;
use super::graph::Graph;
use super::index::Nature;
use super::lock;
use super::logs::{LOGS, Logs};
use super::read::{MAX_OTHER_PARENTS, Recorded, read, tree_of};
use super::statement::{Body, PREDICATE_TYPE, Person, Predicate, STATEMENT_TYPE, Statement, Subject};
use super::trust::{Role, Signatures, Trust};
use super::writer::{self, SignedAs, WriterId};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::git::{Identity, Kind, Oid, Repository, SignatureSettings, Signed, Swap, Unsigned};

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

/// Whether records are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// Where git has a signing key set up.
    WhereSetUp,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// This clone's log, by somebody whom git knows by name.
pub struct Log<'a> {
    repository: &'a Repository,
    committer: Identity,
    signing: Signing,
    settings: SignatureSettings,
}

impl<'a> Log<'a> {
    /// Opens the log for appending. Writes nothing; an error where git knows no name for the user, so call it before a proof is run.
    pub fn open(repository: &'a Repository, signing: Signing) -> Result<Self> {
        let settings = match signing {
            Signing::WhereSetUp | Signing::Always => repository.signature_settings()?,
            Signing::Never => SignatureSettings::default(),
        };
        Ok(Log { committer: repository.committer()?, repository, signing, settings })
    }

    /// Signs something and throws it away, so that a locked key is known of before a proof is run; where only signed records count,
    /// so is a signature that would count for nothing.
    pub fn try_signing(&self, trust: &Trust<'_>) -> Result<()> {
        let count = match self.signing {
            Signing::Never => return Ok(()),
            Signing::WhereSetUp if !self.settings.has_key() => return Ok(()),
            Signing::WhereSetUp => Signatures::Any,
            Signing::Always => Signatures::Required,
        };
        let verifier = match count {
            Signatures::Any => None,
            // Asked for first: without a list there is no use in unlocking a key.
            Signatures::Required => Some(trust.verifier_for(Role::Verdict)?),
        };
        let _lock = self.lock()?;
        let unsigned = Unsigned { tree: b"", parents: &[], identity: &self.committer, message: "A trial\n" };
        let commit = self.repository.sign(unsigned)?;
        match verifier.map(|verifier| verifier.check(&commit)).transpose()? {
            None | Some(Signed::By { .. }) => Ok(()),
            Some(Signed::Not(why)) => {
                let email = &self.committer.email;
                Err(Error::new(format!("cannot record: what you sign would count for nothing: {why}")).hint(format!(
                    "the list of allowed signers needs a line for {email} and the key of user.signingkey"
                )))
            }
        }
    }

    /// What its records are signed with, as far as another log has to begin where that changes.
    fn signed_as(&self) -> SignedAs {
        match self.signs() {
            true => SignedAs::with(&self.settings.key_identity()),
            false => SignedAs::nothing(),
        }
    }

    fn signs(&self) -> bool {
        match self.signing {
            Signing::Always => true,
            Signing::WhereSetUp => self.settings.has_key(),
            Signing::Never => false,
        }
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
        writer::renew(self.repository, self.signed_as())?;
        self.append_locked(&Draft { subject, repository, terminal, host, tool, started, finished, body })
    }

    /// `None` where the log moved meanwhile.
    fn attempt(&self, draft: &Draft) -> Result<Option<Recorded>> {
        let graph = Graph::load(self.repository, &Logs::here())?;
        let (writer, tip) = self.place(&graph)?;
        let others = self.of_repository(other_tips(&graph, writer, tip), &draft.repository);
        let mut statement = self.statement(draft.clone(), writer, tip);
        let json = fit(&mut statement)?;
        canonical::check(&statement).map_err(|why| Error::new(format!("cannot record: {why}")))?;
        let parents: Vec<Oid> = tip.into_iter().chain(others).collect();
        let (commit, objects) = self.make(&statement, json, &parents)?;
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

    /// Those of these records that are of the same repository: what was fetched from another project has no part in this one's log.
    fn of_repository(&self, tips: Vec<Oid>, id: &str) -> Vec<Oid> {
        // A newer program's record is taken to be of this one: nobody here can read it.
        let is_of_another =
            |tip: &Oid| matches!(read(self.repository, *tip), Ok(Ok(other)) if other.predicate.repository != id);
        tips.into_iter().filter(|tip| !is_of_another(tip)).collect()
    }

    /// Not by the way it was written: a git that says "done" and did nothing is noticed.
    fn read_back(&self, writer: WriterId, commit: Oid, statement: &Statement) -> Result<Recorded> {
        let stands = self.repository.find_ref(format!("{LOGS}{writer}"))? == Some(commit);
        if stands && read(self.repository, commit).is_ok_and(|content| content.as_ref() == Ok(statement)) {
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
    fn place(&self, graph: &Graph<'_>) -> Result<(WriterId, Option<Oid>)> {
        if let Some(writer) = writer::current(self.repository, self.signed_as())? {
            let name = format!("{LOGS}{writer}");
            let tip = self.repository.find_ref(&name)?;
            if is_whole(graph, writer, tip) {
                return Ok((writer, tip));
            }
        }
        Ok((writer::renew(self.repository, self.signed_as())?, None))
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

    /// Makes the three objects of a record, signed where that is asked for; leaves nothing in the repository.
    fn make(&self, statement: &Statement, json: Vec<u8>, parents: &[Oid]) -> Result<(Oid, Objects)> {
        let tree = tree_of(self.repository.object_id(Kind::Blob, &json)?);
        let message = format!("{}\n", headline(statement));
        let unsigned = Unsigned { tree: &tree, parents, identity: &self.committer, message: &message };
        let commit = match self.signs() {
            true => self.repository.sign(unsigned)?,
            false => unsigned.bytes(self.repository.object_id(Kind::Tree, &tree)?),
        };
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
fn is_whole(graph: &Graph<'_>, writer: WriterId, tip: Option<Oid>) -> bool {
    let readable = match tip {
        None => true,
        Some(tip) => graph.node(tip).is_some_and(|node| match node.nature {
            Nature::Record => node.writer == Some(writer),
            Nature::Newer => true,
            Nature::Refused | Nature::Malformed | Nature::NoRecord => false,
        }),
    };
    readable && graph.leads_to_all_of(tip, writer)
}

/// Where other logs end that this one does not lead to yet, so that deleting one of them loses nothing.
fn other_tips(graph: &Graph<'_>, writer: WriterId, own_tip: Option<Oid>) -> Vec<Oid> {
    let counts = |id: Oid| graph.node(id).is_some_and(|node| matches!(node.nature, Nature::Record | Nature::Newer));
    let logs = graph.logs().into_iter();
    let mut tips: Vec<Oid> = logs.filter(|(_, named, tip)| *named != writer && counts(*tip)).map(|log| log.2).collect();
    tips.sort();
    tips.dedup();
    // Most are behind the own log already: it had them as parents when they were new.
    tips.retain(|tip| own_tip.is_none_or(|own| *tip != own && !graph.is_ancestor(*tip, own)));
    let ends = tips.clone();
    tips.retain(|tip| !ends.iter().any(|end| graph.is_ancestor(*tip, *end)));
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

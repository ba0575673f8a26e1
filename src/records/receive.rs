//! What a server lets into its logs: whole records in their place, each log by one author, nothing taken away.
//!
//! Deliberately absent: whether a record counts. An unsigned one is let in and counts for nothing, else it would lock its writer out.

use std::collections::BTreeMap;

use bstr::{BStr, BString, ByteSlice as _};

use super::accepted::noted;
use super::canonical::Unreadable;
use super::logs::LOGS;
use super::read::{Fault, content, frame, read};
use super::statement::Statement;
use super::trust::{Role, Trust};
use super::writer::WriterId;
use crate::error::Result;
use crate::git::{Oid, Repository};

/// Records that one push may bring, at most. More come in several pushes.
pub const MAX_NEW: usize = 20_000;
/// Records that are looked through for the author of a log, at most.
const LOOKED_THROUGH: usize = 64;

/// What somebody wants to do to a ref below `refs/proof/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The ref.
    pub name: BString,
    /// Where it ends here; not what the client says.
    pub old: Option<Oid>,
    /// Where it is to end; `None` where it is to go away.
    pub new: Option<Oid>,
}

/// Why something is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The ref.
    pub name: BString,
    /// A fragment.
    pub why: String,
    /// The way on.
    pub hint: String,
}

/// A new record of a log, and what it says.
#[derive(Debug)]
pub struct Arrived {
    /// Its id.
    pub record: Oid,
    /// What it says.
    pub statement: Statement,
}

/// Checks what is to happen to the logs. Empty: all of it may.
pub fn check_arrivals(repository: &Repository, trust: &Trust<'_>, arrivals: &[Arrival]) -> Result<Vec<Refused>> {
    let mut refused = Vec::new();
    let mut logs = Vec::new();
    for arrival in arrivals {
        match (writer_of(arrival.name.as_bstr()), arrival.new) {
            (None, _) => refused.push(refusal(
                arrival,
                "nothing but logs lies below refs/proof/ here",
                "proof-gate sync pushes the logs, and only those; 'git push --mirror' pushes more",
            )),
            (Some(_), None) => refused.push(refusal(
                arrival,
                "a log is never deleted",
                "'git push --mirror' and '--prune' delete what the clone does not have: push branches and tags by name",
            )),
            (Some(writer), Some(new)) => logs.push((arrival, writer, new)),
        }
    }
    let new = New::read(repository, &logs.iter().map(|(_, _, new)| *new).collect::<Vec<_>>())?;
    if new.is_too_much {
        refused.extend(logs.iter().map(|(arrival, ..)| {
            let why = format!("it brings more than {MAX_NEW} records at once");
            let part = format!("push a part first: git push REMOTE {}~{MAX_NEW}:{}", arrival.name, arrival.name);
            Refused { name: arrival.name.clone(), why, hint: part }
        }));
        return Ok(refused);
    }
    for (arrival, writer, tip) in &logs {
        if let Err(fault) = new.check_log(*writer, arrival.old, *tip) {
            refused.push(refusal(arrival, &fault.why, fault.hint));
        }
    }
    // What stands beside the logs that are pushed, and is led to by them, has to be as good.
    for id in new.commits.keys() {
        if let Err(fault) = new.check_record(*id).and_then(|()| new.check_author(*id, trust)) {
            let name = logs.first().map_or_else(BString::default, |(arrival, ..)| arrival.name.clone());
            let name = new.statement(*id).map_or(name, |found| format!("{LOGS}{}", found.predicate.writer).into());
            refused.push(Refused { name, why: fault.why, hint: fault.hint.to_owned() });
        }
    }
    refused.sort_by(|a, b| (&a.name, &a.why).cmp(&(&b.name, &b.why)));
    refused.dedup();
    Ok(refused)
}

/// The records that came with these tips and were not behind the known ones before.
pub fn arrived(repository: &Repository, tips: &[Oid], known: &[Oid]) -> Result<Vec<Arrived>> {
    let ids = repository.new_commits(tips, known, MAX_NEW)?;
    let whole = |id: Oid| read(repository, id).ok()?.ok();
    Ok(ids.into_iter().filter_map(|record| Some(Arrived { record, statement: whole(record)? })).collect())
}

/// The writer whose log a ref is.
fn writer_of(name: &BStr) -> Option<WriterId> {
    WriterId::parse(name.strip_prefix(LOGS.as_bytes())?.to_str().ok()?)
}

fn refusal(arrival: &Arrival, why: &str, hint: &str) -> Refused {
    Refused { name: arrival.name.clone(), why: why.to_owned(), hint: hint.to_owned() }
}

/// What is wrong with a new record.
struct Wrong {
    why: String,
    hint: &'static str,
}

impl Wrong {
    fn with(id: Oid, why: impl std::fmt::Display, hint: &'static str) -> Self {
        Wrong { why: format!("record {} {why}", id.short()), hint }
    }

    fn of_fault(id: Oid, fault: &Fault) -> Self {
        match fault {
            Fault::NoRecord(why) => Wrong::with(id, format_args!("is none: {why}"), BY_HAND),
            Fault::Unreadable(why) => Wrong::with(id, format_args!("cannot be read: {why}"), BY_HAND),
        }
    }
}

/// The way on where somebody built a log by hand.
const BY_HAND: &str =
    "only proof-gate writes logs: 'proof-gate sync' pushes this clone's as it is; 'proof-gate doctor' looks at it";
/// The way on where somebody else's log was written on.
const ANOTHERS: &str = "each clone writes a log of its own: remove proof-gate/writer in its git directory, and the next record begins a new one";

/// A commit with the shape of a record.
struct Framed {
    parents: Vec<Oid>,
    content: Result<Statement, Unreadable>,
}

impl Framed {
    fn read(repository: &Repository, id: Oid) -> Result<Self, Fault> {
        let frame = frame(repository, id)?;
        let content = content(repository, &frame)?;
        Ok(Framed { parents: frame.parents, content })
    }
}

/// The commits that are not here yet.
struct New<'a> {
    repository: &'a Repository,
    commits: BTreeMap<Oid, Result<Framed, Fault>>,
    is_too_much: bool,
}

impl<'a> New<'a> {
    fn read(repository: &'a Repository, tips: &[Oid]) -> Result<Self> {
        let known: Vec<Oid> = repository.list_refs(LOGS)?.into_iter().map(|(_, tip)| tip).collect();
        let ids = repository.new_commits(tips, &known, MAX_NEW + 1)?;
        let is_too_much = ids.len() > MAX_NEW;
        let commits = if is_too_much { Vec::new() } else { ids };
        let commits = commits.into_iter().map(|id| (id, Framed::read(repository, id))).collect();
        Ok(New { repository, commits, is_too_much })
    }

    fn framed(&self, id: Oid) -> Result<&Framed, Wrong> {
        match self.commits.get(&id) {
            Some(Ok(framed)) => Ok(framed),
            Some(Err(fault)) => Err(Wrong::of_fault(id, fault)),
            // Whatever is no commit stands in no list of commits.
            None => Err(match read(self.repository, id) {
                Ok(_) => Wrong::with(id, "is none that came with this push", BY_HAND),
                Err(fault) => Wrong::of_fault(id, &fault),
            }),
        }
    }

    fn statement(&self, id: Oid) -> Option<&Statement> {
        self.commits.get(&id)?.as_ref().ok()?.content.as_ref().ok()
    }

    /// A commit's statement, new or known.
    fn any_statement(&self, id: Oid) -> Option<Statement> {
        match self.commits.get(&id) {
            Some(_) => self.statement(id).cloned(),
            None => read(self.repository, id).ok()?.ok(),
        }
    }

    /// A new record by itself, and how it stands to those behind it.
    fn check_record(&self, id: Oid) -> Result<(), Wrong> {
        let framed = self.framed(id)?;
        let statement = match &framed.content {
            Ok(statement) => statement,
            Err(Unreadable::Newer(format)) => {
                let what = format!("is in the format {format} of a newer proof-gate");
                return Err(Wrong::with(id, what, "whoever keeps the server has to update proof-gate there first"));
            }
            Err(Unreadable::Malformed(why)) => {
                return Err(Wrong::with(id, format_args!("is malformed: {why}"), BY_HAND));
            }
        };
        let predicate = &statement.predicate;
        for (at, parent) in framed.parents.iter().enumerate() {
            let Some(behind) = self.any_statement(*parent) else {
                return Err(Wrong::with(id, "has a commit behind it that is no record", BY_HAND));
            };
            let follows = at == 0 && predicate.previous.is_some();
            if follows != (behind.predicate.writer == predicate.writer) {
                let what = if follows {
                    "follows a record of another log"
                } else {
                    "has a record of its own log beside the one before"
                };
                return Err(Wrong::with(id, what, BY_HAND));
            }
        }
        Ok(())
    }

    /// The chain from a log's new end to its old one, or to its beginning: all by the writer that the ref names.
    fn check_log(&self, writer: WriterId, old: Option<Oid>, tip: Oid) -> Result<(), Wrong> {
        let mut at = Some(tip);
        while let Some(id) = at {
            if Some(id) == old {
                return Ok(());
            }
            let Some(statement) = self.any_statement(id) else {
                return Err(self.check_record(id).err().unwrap_or_else(|| Wrong::with(id, "is none", BY_HAND)));
            };
            if statement.predicate.writer != writer {
                return Err(Wrong::with(
                    id,
                    format_args!("is of the log {}, not of this one", statement.predicate.writer),
                    ANOTHERS,
                ));
            }
            // Behind a known one everything was checked when it came; where the log ended before, it has not passed there.
            at = if self.commits.contains_key(&id) || old.is_some() { statement.predicate.previous } else { None };
        }
        match old {
            None => Ok(()),
            Some(old) => Err(Wrong {
                why: format!("it no longer leads to {}, where it ends here: a log is never rewritten", old.short()),
                hint: "proof-gate sync fetches what is here, and goes on in a log of its own",
            }),
        }
    }

    /// A log has one author: whoever signed one of its records signs all that are signed by anybody who counts.
    fn check_author(&self, id: Oid, trust: &Trust<'_>) -> Result<(), Wrong> {
        let unknown = |error: crate::error::Error| Wrong {
            why: error.to_string(),
            hint: "whoever keeps the server has to mend that",
        };
        let Some(statement) = self.statement(id) else { return Ok(()) };
        let signed = trust.signed(id, Role::of(statement)).map_err(unknown)?;
        let Some(principal) = signed.principal() else { return Ok(()) };
        let writer = statement.predicate.writer;
        let author = match trust.accepted_writer(writer).map_err(unknown)? {
            Some(author) => Some(author),
            None => self.author_behind(statement.predicate.previous, trust).map_err(unknown)?,
        };
        match author {
            Some(author) if noted(&author) != noted(principal) => Err(Wrong::with(
                id,
                format_args!("is signed by {principal}, and the log {writer} is that of {author}"),
                ANOTHERS,
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Who signed the nearest record before that anybody who counts signed.
    fn author_behind(&self, mut previous: Option<Oid>, trust: &Trust<'_>) -> Result<Option<String>> {
        for _ in 0..LOOKED_THROUGH {
            let Some(id) = previous else { break };
            let Some(statement) = self.any_statement(id) else { break };
            if let Some(principal) = trust.signed(id, Role::of(&statement))?.principal() {
                return Ok(Some(principal.to_owned()));
            }
            previous = statement.predicate.previous;
        }
        Ok(None)
    }
}

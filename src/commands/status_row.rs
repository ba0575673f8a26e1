//! What `status` shows of one gated ref, and working it out.
//!
//! Deliberately absent: which refs there are, and how a row looks.

use std::rc::Rc;

use bstr::{BStr, ByteSlice as _};
use jiff::Timestamp;

use super::assess::{Assessment, Standing, Wanted};
use super::ground::{Ground, is_tag_ref};
use crate::error::Result;
use crate::git::{Oid, Peeled};
use crate::records::{Answer, Recorded};
use crate::reporter::text;
use crate::select::{Found, Subject};

/// What is known of a gated ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What it points at, once tags are followed; none where that is no commit.
    pub commit: Option<Oid>,
    /// When that was committed.
    pub time: i64,
    pub state: State,
    /// The names of the suites that it owes, with a blank between them.
    pub suites: Rc<str>,
    pub record: Option<Named>,
}

/// The last verdict of a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// All that it owes holds a PASS.
    Pass,
    /// A suite that it owes has a FAIL.
    Fail,
    /// Nothing is recorded of it.
    None,
    /// A record is of what the ref pointed to before.
    Stale,
    /// From before the gate.
    Before,
}

/// The record that is named for a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub id: Oid,
    /// When it ended: seconds since 1970, and nanoseconds.
    pub finished: (i64, i32),
    pub by: Rc<str>,
    /// Who signed it, as the list of allowed signers names them.
    pub signer: Option<Rc<str>>,
    pub human_run: bool,
}

impl Named {
    fn of(ground: &Ground<'_>, recorded: &Recorded) -> Result<Self> {
        let signed = ground.records.signed(recorded)?;
        let predicate = recorded.statement().predicate();
        Ok(Named {
            id: recorded.id(),
            finished: (predicate.finished.as_second(), predicate.finished.subsec_nanosecond()),
            by: ground.author(recorded).into(),
            signer: signed.and_then(|signed| signed.principal().map(Into::into)),
            human_run: predicate.terminal,
        })
    }

    pub(super) fn finished(&self) -> Timestamp {
        Timestamp::new(self.finished.0, self.finished.1).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// A row, or that the ref is not gated, and whether that is so for as long as the ground is the same.
pub(super) struct Worked {
    pub row: Option<Row>,
    pub lasts: bool,
}

/// Works out what is known of a ref.
pub(super) fn work_out(ground: &Ground<'_>, full: &BStr, id: Oid) -> Result<Worked> {
    let Ok(Peeled::Commit { commit, tag }) = ground.repository.peel(id) else {
        let row = Row { commit: None, time: 0, state: State::None, suites: "".into(), record: None };
        return Ok(Worked { row: ground.anchors.gate(full).then_some(row), lasts: false });
    };
    let by_itself = matches!(ground.reader.of_commit(&commit)?, Found::Readable(file) if file.policy.gates(full));
    if !by_itself && !ground.anchors.gate(full) {
        return Ok(Worked { row: None, lasts: true });
    }
    let before = ground.is_before(&commit)?;
    let mut row =
        Row { commit: Some(commit.id), time: commit.time, state: State::None, suites: "".into(), record: None };
    let wanted = Wanted::deploy(is_tag_ref(full), Standing::Counts);
    let Ok(assessment) = ground.assess(Subject { commit: commit.clone(), tag }, wanted) else {
        // A commit whose policy cannot be read has no verdict; `explain` says why.
        row.state = if before { State::Before } else { State::None };
        return Ok(Worked { row: Some(row), lasts: false });
    };
    let (mut state, mut record) = answer(&assessment);
    if state == State::None {
        if let Some(stale) = stale_record(ground, full, commit.id)? {
            (state, record) = (State::Stale, Some(stale));
        } else if before {
            state = State::Before;
        }
    }
    let suites: Vec<&str> = assessment.owed.iter().map(|owed| owed.suite.as_str()).collect();
    row.suites = suites.join(" ").into();
    (row.state, row.record) = (state, record.map(|record| Named::of(ground, &record)).transpose()?);
    // With an age limit a PASS ends by itself.
    Ok(Worked { row: Some(row), lasts: assessment.policy.policy.gate.max_age.is_none() })
}

fn answer(assessment: &Assessment) -> (State, Option<Recorded>) {
    let mut newest: Option<&Recorded> = None;
    let mut missing = assessment.owed.is_empty() || assessment.approvals.iter().any(|(_, approved)| !approved);
    for owed in &assessment.owed {
        match &owed.answer {
            Answer::Fail { recorded, .. } => return (State::Fail, Some(recorded.clone())),
            Answer::Nothing => missing = true,
            Answer::Pass { recorded, .. } => {
                let finished = |recorded: &Recorded| recorded.statement().predicate().finished;
                if newest.is_none_or(|newest| finished(newest) < finished(recorded)) {
                    newest = Some(recorded);
                }
            }
        }
    }
    if missing { (State::None, None) } else { (State::Pass, newest.cloned()) }
}

/// The newest verdict that was made for this ref when it pointed elsewhere.
fn stale_record(ground: &Ground<'_>, full: &BStr, commit: Oid) -> Result<Option<Recorded>> {
    let name = text(full.as_bytes());
    for id in ground.records.for_ref(&name) {
        let recorded = ground.records.get(id)?;
        let statement = recorded.statement();
        let of_ref = statement.verdict().is_some_and(|verdict| verdict.gated_ref.as_deref() == Some(&name));
        if of_ref && statement.subject().digest.git_commit != commit {
            return Ok(Some(recorded));
        }
    }
    Ok(None)
}

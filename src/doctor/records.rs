//! The log of records, and the clock that dates them.

use jiff::{SignedDuration, Timestamp};

use super::{Finding, Outcome, Patient};
use crate::error::Result;
use crate::records::Records;

/// Problems that are told one by one, at most.
const MAX_PROBLEMS: usize = 5;

/// Clocks of one machine that differ by less are as good as the same.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

/// Records that cannot count.
pub fn log(patient: &Patient<'_>) -> Result<Outcome> {
    let records = Records::load(patient.repository)?;
    let problems = records.problems();
    let why = "It cannot count, and what it said may have been a FAIL.";
    let told = problems
        .iter()
        .take(MAX_PROBLEMS)
        .map(|problem| Finding::note(format!("ignored: {problem}"), why).mend("git fsck"));
    let mut found: Vec<Finding> = told.collect();
    if problems.len() > MAX_PROBLEMS {
        let what = format!("and {} more records are ignored", problems.len() - MAX_PROBLEMS);
        found.push(Finding::note(what, "All are listed by the command below.").mend("proof-gate status"));
    }
    Ok(found.into())
}

/// A clock that is behind what was recorded.
pub fn clock(patient: &Patient<'_>) -> Result<Outcome> {
    let records = Records::load(patient.repository)?;
    let now = Timestamp::now();
    for id in records.newest(1) {
        let finished = records.get(id)?.statement().predicate().finished;
        if finished > now + SLACK {
            let what = format!("the clock says {now:.0}, and the newest record is of {finished:.0}");
            let why = "Ages of records ([gate] max_age) are counted by the clock.";
            return Ok(vec![Finding::note(what, why).advise("set the clock")].into());
        }
    }
    Ok(Outcome::Fine)
}

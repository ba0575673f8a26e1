//! `gc`: removes evidence whose time is over, and what dead runs left behind.
//!
//! Deliberately absent: records. What they say of a file that is gone still stands.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::ground::Ground;
use super::{killed, policy_in_work_tree};
use crate::caller::Caller;
use crate::cli;
use crate::error::{Error, Exit, Result};
use crate::evidence::{Fate, Store};
use crate::git::Repository;
use crate::policy;
use crate::prove;
use crate::records::{Body, Journal};
use crate::reporter::{Line, Reporter, ago};

/// What no record names is left alone for so long: somebody may be reading the logs of a proof that came to nothing.
const UNRECORDED: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes what is past its time, and says what and how much.
pub fn gc(caller: &Caller, repository: &Repository, args: &cli::Gc, reporter: &Reporter) -> Result<Exit> {
    // Read before the turn, so that nobody waits for it.
    let keep = keep(repository)?;
    let _turn = match args.dry_run {
        true => None,
        false => Some(prove::take_turn(repository, &mut || {
            reporter.say(&Line::new().text("  waiting  for a proof in this repository"));
        })?),
    };
    let ground = Ground::read(caller, repository)?;
    let retention = Retention::read(&ground, keep)?;
    let swept = Store::at(&repository.own_dir().join("evidence"))
        .sweep(&|name, changed| retention.fate(name, changed), args.dry_run)?;
    let done = if args.dry_run { "would go" } else { "removed" };
    let mut lines = Vec::new();
    for run in &swept.runs {
        let line = Line::new().text(done).to(10).text("evidence of ").data(run);
        lines.push(match retention.finished.get(run) {
            Some(finished) => line.text(", proven ").data(ago(*finished, ground.now)),
            None => line.text(", of which no record tells"),
        });
    }
    let (_, left) = prove::work_place(caller)?;
    for workspace in &left {
        let line = Line::new().text(done).to(10).text("workspace ");
        lines.push(line.whole(workspace.folder.display().to_string()));
    }
    if !args.dry_run {
        killed::sweep_workspaces(caller, reporter);
        repository.sweep_pins();
    }
    let total = Line::new().text(done).to(10).data(swept.runs.len().to_string());
    lines.push(total.text(" proofs' evidence, ").data(size(swept.bytes)));
    reporter.data(&lines)?;
    if Journal::is_there(repository) {
        let line =
            Line::new().text("  note     a killed proof left a trace: the next push or run records what it had found");
        reporter.say(&line);
    }
    Ok(Exit::Allowed)
}

/// `[evidence] keep` of the policy file that stands in the work tree; what that is by default where there is none.
fn keep(repository: &Repository) -> Result<Duration> {
    let bytes = policy_in_work_tree(repository)?.unwrap_or_else(|| b"version = 1\n".to_vec());
    let policy = policy::parse(&bytes).map_err(|error| {
        Error::new(format!("cannot tell how long evidence is kept: {error}")).hint("proof-gate config check")
    })?;
    Ok(policy.evidence.keep)
}

/// What is to stay, and for how long.
struct Retention {
    now: Timestamp,
    keep: Duration,
    /// When the newest proof ended that has its evidence in a folder, by the folder's name.
    finished: BTreeMap<String, Timestamp>,
    /// Whether what no record names may go: not while a record cannot be read, or a killed proof waits to be recorded.
    is_complete: bool,
}

impl Retention {
    fn read(ground: &Ground<'_>, keep: Duration) -> Result<Self> {
        let mut finished: BTreeMap<String, Timestamp> = BTreeMap::new();
        let mut is_complete = ground.records.problems().is_empty() && !Journal::is_there(ground.repository);
        for id in ground.records.all() {
            let Ok(recorded) = ground.records.get(*id) else {
                is_complete = false;
                continue;
            };
            let predicate = recorded.statement().predicate();
            let Body::Verdict(verdict) = &predicate.body else { continue };
            for file in verdict.suites.iter().flat_map(|suite| &suite.evidence) {
                let Some((run, _)) = file.name.strip_prefix("evidence/").and_then(|name| name.split_once('/')) else {
                    continue;
                };
                let newest = finished.entry(run.to_owned()).or_insert(predicate.finished);
                *newest = predicate.finished.max(*newest);
            }
        }
        Ok(Retention { now: ground.now, keep, finished, is_complete })
    }

    /// Only what a proof made can go: a folder that somebody put there has another name.
    fn fate(&self, name: &str, changed: SystemTime) -> Fate {
        let over = match self.finished.get(name) {
            Some(finished) => self.is_older(*finished, self.keep),
            None if name == "draft" || (self.is_complete && is_of_a_run(name)) => {
                Timestamp::try_from(changed).is_ok_and(|changed| self.is_older(changed, UNRECORDED))
            }
            None => false,
        };
        if over { Fate::Goes } else { Fate::Stays }
    }

    fn is_older(&self, when: Timestamp, than: Duration) -> bool {
        Duration::try_from(self.now.duration_since(when)).is_ok_and(|age| age > than)
    }
}

/// Whether a folder is called as a proof calls it: milliseconds, short commit id, process id.
fn is_of_a_run(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let is = |part: &str, digit: fn(&u8) -> bool| !part.is_empty() && part.bytes().all(|byte| digit(&byte));
    let [started, commit, process] = parts.as_slice() else { return false };
    is(started, u8::is_ascii_digit) && is(commit, u8::is_ascii_hexdigit) && is(process, u8::is_ascii_digit)
}

/// `12.3 MB`
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_proof_made_goes_and_only_after_its_time() {
        let now: Timestamp = "2026-06-30T12:00:00Z".parse().unwrap();
        let hours = |hours: i64| now - jiff::SignedDuration::from_hours(hours);
        let finished = BTreeMap::from([("1-ab-1".to_owned(), hours(49)), ("2-ab-1".to_owned(), hours(47))]);
        let mut retention = Retention { now, keep: Duration::from_secs(48 * 3600), finished, is_complete: true };
        let fates = |retention: &Retention, age| {
            let changed = SystemTime::from(hours(age));
            let names = ["1-ab-1", "2-ab-1", "3-ab-1", "draft", "incident-7", "sha256"];
            names.map(|name| retention.fate(name, changed) == Fate::Goes)
        };
        assert_eq!(fates(&retention, 25), [true, false, true, true, false, false]);
        assert_eq!(fates(&retention, 23), [true, false, false, false, false, false]);
        assert_eq!(fates(&retention, -23), [true, false, false, false, false, false], "a clock that was set back");
        retention.is_complete = false;
        assert_eq!(fates(&retention, 25), [true, false, false, true, false, false]);
    }

    #[test]
    fn sizes_are_in_words() {
        let words = [999, 1_050, 12_345_678, 5_000_000_000].map(size);
        assert_eq!(words, ["999 bytes", "1.0 kB", "12.3 MB", "5.0 GB"]);
    }
}

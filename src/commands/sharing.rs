//! Sharing around a push: the log goes before the refs, and what others have proven is fetched before anything is proven anew.

use std::cell::Cell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use bstr::BString;

use super::ground::Ground;
use super::weighing::{Weighed, owing};
use crate::caller::Caller;
use crate::error::{Error, Exit, Result};
use crate::git::{Exchange, Oid, Repository};
use crate::policy;
use crate::prove::{Cancel, Parent};
use crate::records::{LOGS, Share};
use crate::reporter::{Line, Reporter};
use crate::select::{Action, RefUpdate};
use crate::url::without_user_info;

/// After so long a silence it is said what is waited for.
const SILENCE: Duration = Duration::from_secs(3);

/// Where a push goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The remote's name, or its URL where it has none.
    pub remote: OsString,
    /// Its URL, as git gives it to the hook.
    pub url: OsString,
    /// The folder that git pushes from: a path may be told from there.
    pub folder: PathBuf,
    /// The logs that the push takes along by itself, as it does to a mirror: where they ended when it began.
    pub carried: Vec<(BString, Oid)>,
}

impl Destination {
    /// The remote's name, where it has one that can be said.
    pub fn name(&self) -> Option<&str> {
        if self.remote == self.url { None } else { self.remote.to_str() }
    }

    /// The remote as it is called on the screen.
    pub fn called(&self) -> String {
        without_user_info(&self.remote.to_string_lossy()).into_owned()
    }

    /// Exchanges records with it, by `work`. Ends early where the user asks to stop, or the parent is gone.
    pub fn meet<T>(
        &self,
        (caller, repository): (&Caller, &Repository),
        reporter: &Reporter,
        parent: Option<Parent>,
        work: impl FnOnce(&Share<'_>) -> Result<T>,
    ) -> Result<T> {
        let cancel = Cancel::on_signals()?.or_without(parent);
        let is_told = Cell::new(false);
        let goes_on = |time: Duration| {
            if time >= SILENCE && !is_told.replace(true) {
                reporter.say(&Line::new().text("  waiting  for ").data(self.called()).text(" to exchange records"));
            }
            !cancel.is_raised()
        };
        work(&self.share(caller, repository, &goes_on))
    }

    /// Whether this clone's log need not be pushed, because it is known to be there or goes along. Makes no connection.
    fn needs_no_log(&self, caller: &Caller, repository: &Repository) -> Result<bool> {
        let share = self.share(caller, repository, &|_| true);
        let Some((log, tip)) = share.own_log()? else { return Ok(true) };
        match self.carried.iter().find(|(name, _)| *name == log) {
            // Who moves a ref that git is about to push makes git's push fail.
            Some((_, id)) if *id != tip => Err(Error::new("this push takes it along as it was before; push again")),
            Some(_) => Ok(true),
            None => share.is_done(),
        }
    }

    fn share<'a>(
        &self,
        caller: &'a Caller,
        repository: &'a Repository,
        goes_on: &'a dyn Fn(Duration) -> bool,
    ) -> Share<'a> {
        Share::new(repository, Exchange::new(repository, caller, &self.folder, self.name(), &self.url, goes_on))
    }
}

/// The logs that a push takes along by itself.
pub(super) fn logs_among(updates: &[RefUpdate]) -> Vec<(BString, Oid)> {
    let logs = updates.iter().filter(|update| update.remote_ref.starts_with(LOGS.as_bytes()));
    let set = logs.filter_map(|update| match update.action {
        Action::Set(id) => Some((update.remote_ref.clone(), id)),
        Action::Delete => None,
    });
    set.collect()
}

/// How much sharing the policies of a push ask for: what the strictest says. What owes nothing, a deletion say, rests on no record.
pub(super) fn asked_for(weighed: &[Weighed]) -> policy::Share {
    let mut strictest = policy::Share::Never;
    for (_, assessment) in owing(weighed) {
        strictest = match (strictest, assessment.policy.policy.records.share) {
            (policy::Share::Required, _) | (_, policy::Share::Required) => policy::Share::Required,
            (policy::Share::Try, _) | (_, policy::Share::Try) => policy::Share::Try,
            (policy::Share::Never, policy::Share::Never) => policy::Share::Never,
        };
    }
    strictest
}

/// Fetches what others have proven. Where it cannot be fetched it is proven here.
pub(super) fn fetch(ground: &Ground<'_>, reporter: &Reporter, to: &[Destination], parent: Option<Parent>) {
    for destination in to {
        if let Err(error) =
            destination.meet((ground.caller, ground.repository), reporter, parent, |share| share.fetch().map(drop))
        {
            let line = Line::new().text("  note     no records were fetched from ").data(destination.called());
            reporter.say(&line.text(": ").data(&error.message));
        }
    }
}

/// Pushes this clone's log to where it does not stand yet, and gives back where that failed.
pub(super) fn push<'d>(
    ground: &Ground<'_>,
    reporter: &Reporter,
    to: &'d [Destination],
    parent: Option<Parent>,
) -> Vec<(&'d Destination, Error)> {
    let at = (ground.caller, ground.repository);
    let push = |to: &Destination| match to.needs_no_log(at.0, at.1) {
        Ok(true) => Ok(()),
        Ok(false) => to.meet(at, reporter, parent, |share| share.push()),
        Err(error) => Err(error),
    };
    to.iter().filter_map(|to| push(to).err().map(|error| (to, error))).collect()
}

/// Says that the log did not go where a push goes, which needs it not.
pub(super) fn note_failed(reporter: &Reporter, failed: &[(&Destination, Error)]) {
    for (to, error) in failed {
        let line = Line::new().text("  note     the log was not shared with ").data(to.called());
        reporter.say(&line.text(": ").data(&error.message));
    }
}

/// The refusal of a push that needs it.
pub(super) fn refusal((to, error): &(&Destination, Error)) -> Error {
    let called = to.called();
    let refusal = Error::new(format!("push refused: the log could not be shared with {called}: {}", error.message));
    let refusal = error.hints.iter().fold(refusal.ending(Exit::Refused), Error::hint);
    let sync = match to.name() {
        Some(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte)) => {
            format!("proof-gate sync {name}")
        }
        Some(_) | None => "proof-gate sync".to_owned(),
    };
    refusal.hint(format!("when it is mended: {sync}; then push again"))
}

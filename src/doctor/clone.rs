//! Whether the clone holds all that a base search needs.

use super::{Finding, Outcome, Patient};
use crate::error::Result;

/// Shallow and partial clones.
pub fn complete(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    if patient.repository.is_shallow() {
        let why = "Where the history is cut off there may be no base, and every suite is owed.";
        found.push(Finding::note("this clone is shallow", why).mend("git fetch --unshallow"));
    }
    let promisors = patient.repository.settings(r"^(extensions\.partialclone|remote\..*\.promisor)$")?;
    if !promisors.is_empty() {
        let why = "An object that is not here ends a proof with 'its content is not here'.";
        let fetch = "git fetch --refetch --no-filter";
        found.push(Finding::note("this clone is partial", why).mend(fetch));
    }
    Ok(found.into())
}

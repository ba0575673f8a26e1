//! Commits that come with a push: what new tips lead to and known ones do not.

use bstr::ByteSlice as _;

use super::{Oid, Repository};
use crate::error::{Context as _, Result};

impl Repository {
    /// The commits that `tips` lead to and `known` do not, at most `max` of them.
    pub fn new_commits(&self, tips: &[Oid], known: &[Oid], max: usize) -> Result<Vec<Oid>> {
        if tips.is_empty() {
            return Ok(Vec::new());
        }
        let lines: String =
            tips.iter().map(|tip| format!("{tip}\n")).chain(known.iter().map(|known| format!("^{known}\n"))).collect();
        let listed = self.command().args(["rev-list", "--stdin", &format!("--max-count={max}")]).stdin(lines).run()?;
        listed.lines().map(|line| Oid::from_hex(line).context("cannot read git's list of commits")).collect()
    }
}

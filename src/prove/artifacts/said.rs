//! What a collection has to say: some by name, the rest counted.
//!
//! Deliberately absent: what is wrong with what.

use bstr::BStr;

use super::super::log::Masks;
use crate::evidence::Noticed;

/// Of each kind of finding so many are named; the rest is counted.
const NAMED: usize = 20;

/// What is missing and what is wrong.
#[derive(Default)]
pub(super) struct Said {
    /// What the suite did not leave, a sentence each.
    pub(super) missing: Vec<String>,
    unexpected: Vec<(String, String)>,
    unexpected_more: u64,
}

impl Said {
    pub(super) fn unexpected(&mut self, path: &BStr, how: String) {
        if self.unexpected.len() < NAMED {
            self.unexpected.push((path.to_string(), how));
        } else {
            self.unexpected_more += 1;
        }
    }

    /// What the judge hears. Paths are masked by themselves: a mask over the whole sentence would take what stands behind them along.
    pub(super) fn into_noticed(self, masks: &Masks) -> Vec<Noticed> {
        let more = self.missing.len().saturating_sub(NAMED);
        let missing = self.missing.into_iter().take(NAMED);
        let missing = missing.chain((more > 0).then(|| format!("{more} more")));
        let mut noticed: Vec<Noticed> = missing.map(|what| Noticed::ArtifactMissing { what }).collect();
        let unexpected = self.unexpected.into_iter();
        let unexpected = unexpected.map(|(path, how)| (masks.hide(&path).into_owned(), how));
        noticed.extend(unexpected.map(|(path, how)| Noticed::ArtifactUnexpected { path, how }));
        if self.unexpected_more > 0 {
            let path = format!("and {} more", self.unexpected_more);
            noticed
                .push(Noticed::ArtifactUnexpected { path, how: "they are not as they have to be either".to_owned() });
        }
        noticed
    }
}

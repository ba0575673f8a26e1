//! What changed between a base and a subject.

use std::collections::BTreeMap;

use bstr::BString;

use super::base::Base;
use crate::error::Result;
use crate::git::{Commit, PathChange, Repository, Status};

/// The paths that a subject changed: the net difference to each base, and what each commit on the way changed by itself, so that
/// a bad commit and its revert still count. Sorted by path, each once; the net difference tells the status where there is one.
pub fn changed_paths(repository: &Repository, subject: &Commit, base: &Base) -> Result<Vec<PathChange>> {
    let mut paths: BTreeMap<BString, Status> = BTreeMap::new();
    for commit in base.between.iter().chain([subject]) {
        for change in own_changes(repository, commit)? {
            paths.insert(change.path, change.status);
        }
    }
    for commit in &base.commits {
        for change in repository.changed_paths(Some(commit.tree), Some(subject.tree))? {
            paths.insert(change.path, change.status);
        }
    }
    Ok(paths.into_iter().map(|(path, status)| PathChange { path, status }).collect())
}

/// What a commit changed by itself; of a merge only the paths that differ from all its parents.
fn own_changes(repository: &Repository, commit: &Commit) -> Result<Vec<PathChange>> {
    let mut parents = commit.parents.iter();
    let Some(first) = parents.next() else {
        return repository.changed_paths(None, Some(commit.tree));
    };
    let mut common = repository.changed_paths(Some(repository.commit(*first)?.tree), Some(commit.tree))?;
    for parent in parents {
        if common.is_empty() {
            break;
        }
        let differs = repository.changed_paths(Some(repository.commit(*parent)?.tree), Some(commit.tree))?;
        common.retain(|change| differs.binary_search_by(|other| other.path.cmp(&change.path)).is_ok());
    }
    Ok(common)
}

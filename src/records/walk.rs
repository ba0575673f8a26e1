//! Reading the commits of the logs that are not known yet, from the tips back, by all cores where there are many.
//!
//! Deliberately absent: weighing them. What is known is not read again: a commit's id vouches for its content.

use std::collections::{HashMap, HashSet};

use super::found::{Commit, Found};
use super::index::Damaged;
use super::read::{Fault, Frame, content, frame, read};
use super::writer::WriterId;
use crate::git::{Oid, Repository};
use crate::threads::share_out;

/// So few commits are read here: another thread would have to open the object store first.
const FEW: usize = 256;

/// What a walk brought.
#[derive(Default)]
pub(super) struct Walked {
    /// Each after all of its parents.
    pub commits: Vec<Commit>,
    /// What could not be read, and why.
    pub unreadable: Vec<(Oid, String)>,
}

/// Reads every commit that the tips lead to, up to those that are known.
pub(super) fn walk(
    repository: &Repository,
    tips: &[Oid],
    is_known: impl Fn(Oid) -> Result<bool, Damaged>,
) -> Result<Walked, Damaged> {
    let mut walked = Walked::default();
    let mut known = HashSet::new();
    let mut frames: Vec<(Oid, Frame)> = Vec::new();
    let mut found: HashMap<Oid, (Vec<Oid>, Found)> = HashMap::new();
    let mut tried = HashSet::new();
    let mut open = tips.to_vec();
    while let Some(id) = open.pop() {
        if !tried.insert(id) {
            continue;
        }
        if is_known(id)? {
            known.insert(id);
            continue;
        }
        match frame(repository, id) {
            Ok(frame) => {
                open.extend(&frame.parents);
                frames.push((id, frame));
            }
            Err(Fault::NoRecord(why)) => drop(found.insert(id, (Vec::new(), Found::NoRecord(why)))),
            Err(Fault::Unreadable(why)) => walked.unreadable.push((id, why)),
        }
    }
    for ((id, frame), content) in frames.iter().zip(contents(repository, &frames)) {
        match content {
            Ok(content) => drop(found.insert(*id, (frame.parents.clone(), content))),
            Err(why) => walked.unreadable.push((*id, why)),
        }
    }
    sort(tips, found, &mut walked.commits);
    Ok(walked)
}

/// What each frame holds, or why that cannot be read.
fn contents(repository: &Repository, frames: &[(Oid, Frame)]) -> Vec<Result<Found, String>> {
    let read = |repository: &Repository, frame: &Frame| match content(repository, frame) {
        Ok(content) => Ok(Found::from(content)),
        Err(Fault::Unreadable(why) | Fault::NoRecord(why)) => Err(why),
    };
    if frames.len() > FEW {
        let elsewhere = repository.elsewhere();
        let work = |repository: &mut Repository, (_, frame): &(Oid, Frame)| Ok(read(repository, frame));
        if let Ok(contents) = share_out(frames, || elsewhere.open(), work) {
            return contents;
        }
    }
    frames.iter().map(|(_, frame)| read(repository, frame)).collect()
}

/// Puts each commit after its parents, from the tips back: behind one that cannot be read nothing is looked for.
fn sort(tips: &[Oid], mut found: HashMap<Oid, (Vec<Oid>, Found)>, sorted: &mut Vec<Commit>) {
    let mut begun = HashSet::new();
    let mut open = tips.to_vec();
    while let Some(id) = open.last().copied() {
        let Some((parents, _)) = found.get(&id) else {
            open.pop();
            continue;
        };
        if begun.insert(id) {
            open.extend(parents.iter().filter(|parent| found.contains_key(*parent)));
        } else {
            open.pop();
            if let Some((parents, found)) = found.remove(&id) {
                sorted.push(Commit { id, parents, found });
            }
        }
    }
}

/// Why a commit cannot be read; `None` where it can.
pub(super) fn complaint(repository: &Repository, id: Oid) -> Option<String> {
    match read(repository, id) {
        Err(Fault::Unreadable(why)) => Some(why),
        Ok(_) | Err(Fault::NoRecord(_)) => None,
    }
}

/// Whose record a commit is, if it is one.
pub(super) fn writer_of(repository: &Repository, id: Oid) -> Option<WriterId> {
    Some(read(repository, id).ok()?.ok()?.predicate.writer)
}

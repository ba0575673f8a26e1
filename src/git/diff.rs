//! Changed paths between two trees: from objects alone, both sides, no rename detection, as bytes.

use std::cell::RefCell;

use bstr::{BStr, BString};
use gix::diff::tree::visit::{Action, Change};
use gix::diff::tree::{State, Visit};
use gix::objs::{FindExt as _, TreeRefIter};

use super::{Oid, Repository};
use crate::error::{Context as _, Error, Result};

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It was not there before.
    Added,
    /// Its content, mode or kind changed.
    Modified,
    /// It is gone.
    Deleted,
}

impl Status {
    /// git's letter: `A`, `M` or `D`.
    pub fn letter(self) -> &'static str {
        match self {
            Status::Added => "A",
            Status::Modified => "M",
            Status::Deleted => "D",
        }
    }
}

/// A path that differs between two trees. Folders are not listed, what is in them is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathChange {
    /// The path from the tree's top, any bytes but NUL.
    pub path: BString,
    /// What happened to it.
    pub status: Status,
}

impl Repository {
    /// The paths in which two trees differ, sorted, each once. `None` stands for the empty tree.
    ///
    /// A tree with unsorted or duplicate entries is an error: two programs would read it differently.
    pub fn changed_paths(&self, old: Option<Oid>, new: Option<Oid>) -> Result<Vec<PathChange>> {
        if old == new {
            return Ok(Vec::new());
        }
        let objects = SortedTrees { repository: self, complaint: RefCell::new(None) };
        let (mut old_bytes, mut new_bytes) = (Vec::new(), Vec::new());
        let mut recorder = Recorder::default();
        let hash = self.object_format().as_gix();
        let read = |id: Option<Oid>, buffer: &mut Vec<u8>| -> Result<()> {
            if let Some(id) = id {
                let tree = objects.find_tree_iter(id.as_gix(), buffer);
                tree.context(format!("cannot read the tree {id}"))?;
            }
            Ok(())
        };
        let outcome = read(old, &mut old_bytes).and_then(|()| read(new, &mut new_bytes)).and_then(|()| {
            gix::diff::tree(
                TreeRefIter::from_bytes(&old_bytes, hash),
                TreeRefIter::from_bytes(&new_bytes, hash),
                State::default(),
                &objects,
                &mut recorder,
            )
            .context("cannot compare two trees")
        });
        if let Some(complaint) = objects.complaint.take() {
            return Err(complaint);
        }
        outcome?;
        let mut changes = recorder.changes;
        changes.sort();
        // A file that became a folder, or the other way round, is deleted under one name and added under others; the same name
        // twice happens only for a change of kind, which is one modification.
        changes.dedup_by(|later, earlier| {
            let same = later.path == earlier.path;
            if same {
                earlier.status = Status::Modified;
            }
            same
        });
        Ok(changes)
    }
}

/// The object store, but a tree whose entries are not in git's order, or stand twice, is not given out.
struct SortedTrees<'a> {
    repository: &'a Repository,
    complaint: RefCell<Option<Error>>,
}

impl gix::objs::Find for SortedTrees<'_> {
    fn try_find<'a>(&self, id: &gix::oid, buffer: &'a mut Vec<u8>) -> gix::Result<Option<gix::objs::Data<'a>>> {
        let found = self.repository.objects.try_find(id, buffer)?;
        if let Some(data) = &found
            && data.kind == gix::objs::Kind::Tree
            && let Err(why) = check_order(data.data, id.kind())
        {
            let complaint = Error::new(format!("cannot compare the tree {id}: {why}"))
                .hint("'git fsck' names what is wrong with it; the commit that holds it has to be made again");
            *self.complaint.borrow_mut() = Some(complaint);
            return Ok(None);
        }
        Ok(found)
    }
}

fn check_order(tree: &[u8], hash: gix::hash::Kind) -> Result<(), &'static str> {
    let mut previous: Option<(&BStr, bool)> = None;
    // In git's order a folder stands behind everything that begins with its name and a byte below `/`: it need not be a
    // neighbour of a file of the same name. Of the files before, those that the present name begins with are kept.
    let mut beginnings: Vec<&BStr> = Vec::new();
    for entry in TreeRefIter::from_bytes(tree, hash) {
        let entry = entry.map_err(|_| "an entry cannot be read")?;
        let name = (entry.filename, entry.mode.is_tree());
        if let Some(previous) = previous
            && gix::objs::tree::name_order(previous.0, previous.1, name.0, name.1).is_ge()
        {
            return Err("its entries are not in order");
        }
        while beginnings.last().is_some_and(|beginning| !entry.filename.starts_with(beginning)) {
            beginnings.pop();
        }
        match beginnings.last() {
            Some(beginning) if *beginning == entry.filename => return Err("an entry stands twice"),
            Some(_) | None => beginnings.push(entry.filename),
        }
        previous = Some(name);
    }
    Ok(())
}

/// Collects changes with their full paths.
#[derive(Default)]
struct Recorder {
    path: BString,
    waiting: std::collections::VecDeque<BString>,
    changes: Vec<PathChange>,
}

impl Recorder {
    fn push(&mut self, component: &BStr) {
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(component);
    }
}

impl Visit for Recorder {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.path = self.waiting.pop_front().expect("every folder was pushed before it is entered");
    }

    fn push_back_tracked_path_component(&mut self, component: &BStr) {
        self.push(component);
        self.waiting.push_back(self.path.clone());
    }

    fn push_path_component(&mut self, component: &BStr) {
        self.push(component);
    }

    fn pop_path_component(&mut self) {
        let parent = self.path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        self.path.truncate(parent);
    }

    fn visit(&mut self, change: Change) -> Action {
        let status = match &change {
            Change::Addition { .. } => Status::Added,
            Change::Deletion { .. } => Status::Deleted,
            Change::Modification { .. } => Status::Modified,
        };
        if !change.entry_mode().is_tree() {
            self.changes.push(PathChange { path: self.path.clone(), status });
        }
        Action::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A tree of these names, folders with a `/` at the end.
    fn tree(names: &[&str]) -> Vec<u8> {
        let entry = |name: &&str| {
            let (mode, name) = name.strip_suffix('/').map_or(("100644", *name), |folder| ("40000", folder));
            [format!("{mode} {name}\0").as_bytes(), &[7; 20]].concat()
        };
        names.iter().flat_map(entry).collect()
    }

    fn check(names: &[&str], expected: Result<(), &'static str>) {
        assert_eq!(check_order(&tree(names), gix::hash::Kind::Sha1), expected, "{names:?}");
    }

    #[test]
    fn a_tree_that_two_programs_would_read_differently_is_told() {
        check(&["a", "a-b", "a.c", "ab", "b/"], Ok(()));
        check(&["a-b", "a.c", "a/", "a0"], Ok(()));
        check(&["a", "a-b", "a.c/", "a/"], Err("an entry stands twice"));
        check(&["a", "a/"], Err("an entry stands twice"));
        check(&["a", "a"], Err("its entries are not in order"));
        check(&["a/", "a/"], Err("its entries are not in order"));
        check(&["b", "a"], Err("its entries are not in order"));
    }

    proptest::proptest! {
        #[test]
        fn every_name_that_stands_twice_is_found(names in proptest::collection::btree_set("[ab.-]{1,3}/?", 0..12)) {
            // git sorts a folder as if its name ended in a slash, which is how these are written.
            let sorted: Vec<&str> = names.iter().map(String::as_str).collect();
            let different: BTreeSet<&str> = sorted.iter().map(|name| name.trim_end_matches('/')).collect();
            let expected = if different.len() == sorted.len() { Ok(()) } else { Err("an entry stands twice") };
            proptest::prop_assert_eq!(check_order(&tree(&sorted), gix::hash::Kind::Sha1), expected);
        }
    }
}

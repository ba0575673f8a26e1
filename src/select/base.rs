//! The base of a subject: its nearest established ancestors, none an ancestor of another, and the commits in between.
//!
//! Deliberately absent: the remote's old id. It plays no part in the base.

use std::collections::{BinaryHeap, HashMap};

use crate::error::Result;
use crate::git::{Commit, Oid};

/// History as the walk needs it.
pub trait History {
    /// A commit. Its parents are empty at a shallow boundary.
    fn commit(&self, id: Oid) -> Result<Commit>;
    /// Whether history ends here because the clone is shallow.
    fn is_cut(&self, id: Oid) -> bool;
}

impl History for crate::git::Repository {
    fn commit(&self, id: Oid) -> Result<Commit> {
        crate::git::Repository::commit(self, id)
    }

    fn is_cut(&self, id: Oid) -> bool {
        self.is_shallow_boundary(id)
    }
}

/// Where a subject's changes are counted from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The nearest established ancestors, sorted by id.
    pub commits: Vec<Commit>,
    /// The commits between them and the subject, the subject itself not among them, sorted by id.
    pub between: Vec<Commit>,
    /// Whether the clone's history is cut on the way, so that an established ancestor may be out of sight.
    pub cut: bool,
}

/// What is known of a commit on the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Reached from the subject, not known to be behind a base.
    Open,
    /// Established, and not known to be behind another base.
    Base,
    /// Behind a base.
    Behind,
}

/// Walks back from the subject's parents.
///
/// Commits are taken in order of their time, newest first, as git's own walks do. A wrong time can only leave a commit in
/// `between`, or a base beside a nearer one; both make the subject owe more, never less.
pub fn find_base(
    subject: &Commit,
    history: &dyn History,
    is_established: &mut dyn FnMut(&Commit) -> Result<bool>,
) -> Result<Base> {
    let mut walk = Walk { history, seen: HashMap::new(), queue: BinaryHeap::new(), open: 0 };
    let mut cut = history.is_cut(subject.id);
    for parent in &subject.parents {
        walk.reach(*parent, Side::Open)?;
    }
    while let Some(commit) = walk.next_while_open() {
        match walk.seen[&commit.id].side {
            Side::Base | Side::Behind => {
                for parent in &commit.parents {
                    walk.reach(*parent, Side::Behind)?;
                }
            }
            Side::Open if is_established(&commit)? => {
                walk.mark(commit.id, Side::Base);
                for parent in &commit.parents {
                    walk.reach(*parent, Side::Behind)?;
                }
            }
            Side::Open => {
                cut |= history.is_cut(commit.id);
                for parent in &commit.parents {
                    walk.reach(*parent, Side::Open)?;
                }
            }
        }
    }
    let mut base = Base { commits: Vec::new(), between: Vec::new(), cut };
    for visit in walk.seen.into_values() {
        match visit.side {
            Side::Base => base.commits.push(visit.commit),
            Side::Open => base.between.push(visit.commit),
            Side::Behind => {}
        }
    }
    base.commits.sort_by_key(|commit| commit.id);
    base.between.sort_by_key(|commit| commit.id);
    Ok(base)
}

struct Visit {
    commit: Commit,
    side: Side,
    queued: bool,
}

struct Walk<'a> {
    history: &'a dyn History,
    seen: HashMap<Oid, Visit>,
    queue: BinaryHeap<(i64, Oid)>,
    /// Commits in the queue that are still open.
    open: usize,
}

impl Walk<'_> {
    fn reach(&mut self, id: Oid, side: Side) -> Result<()> {
        match self.seen.get_mut(&id) {
            None => {
                let commit = self.history.commit(id)?;
                self.queue.push((commit.time, id));
                self.open += usize::from(side == Side::Open);
                self.seen.insert(id, Visit { commit, side, queued: true });
            }
            Some(visit) if side == Side::Behind && visit.side != Side::Behind => {
                self.open -= usize::from(visit.queued && visit.side == Side::Open);
                visit.side = Side::Behind;
                if !visit.queued {
                    visit.queued = true;
                    self.queue.push((visit.commit.time, id));
                }
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn mark(&mut self, id: Oid, side: Side) {
        self.seen.get_mut(&id).expect("only a commit that was reached is marked").side = side;
    }

    /// The newest commit, as long as one in the queue may still lead to a base.
    fn next_while_open(&mut self) -> Option<Commit> {
        if self.open == 0 {
            return None;
        }
        let (_, id) = self.queue.pop()?;
        let visit = self.seen.get_mut(&id).expect("what is queued was seen");
        visit.queued = false;
        self.open -= usize::from(visit.side == Side::Open);
        Some(visit.commit.clone())
    }
}

/// Commits may be dated this much before their parents, in seconds, and are walked through all the same.
const CLOCK_SLACK: i64 = 24 * 60 * 60;

/// Whether `ancestor` is reachable from `descendant` (a commit reaches itself).
///
/// Commits dated more than a day before the ancestor are not walked through. Where clocks were further off than that the answer
/// may be a wrong no, which only ever makes a push owe more.
pub fn is_ancestor(history: &dyn History, ancestor: &Commit, descendant: &Commit) -> Result<bool> {
    let mut found = false;
    walk(history, descendant, &mut |commit| {
        found |= commit.id == ancestor.id;
        if found {
            Step::Stop
        } else if commit.time + CLOCK_SLACK < ancestor.time {
            Step::Skip
        } else {
            Step::On
        }
    })?;
    Ok(found)
}

/// Where a walk goes from a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// On to its parents.
    On,
    /// Not to its parents.
    Skip,
    /// Nowhere: the walk ends.
    Stop,
}

/// Walks from a commit, itself first, through everything that it reaches, newest first, each commit once.
pub fn walk(history: &dyn History, from: &Commit, visit: &mut dyn FnMut(&Commit) -> Step) -> Result<()> {
    let mut seen = HashMap::from([(from.id, from.clone())]);
    let mut queue = BinaryHeap::from([(from.time, from.id)]);
    while let Some((_, id)) = queue.pop() {
        let commit = seen.get(&id).expect("what is queued was seen").clone();
        match visit(&commit) {
            Step::Stop => return Ok(()),
            Step::Skip => continue,
            Step::On => {}
        }
        for parent in commit.parents {
            if !seen.contains_key(&parent) {
                let parent = history.commit(parent)?;
                queue.push((parent.time, parent.id));
                seen.insert(parent.id, parent);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// A history drawn as `child: parent parent`, times in the order of the lines.
    struct Drawn(BTreeMap<Oid, Commit>);

    fn id(name: u8) -> Oid {
        Oid::from_hex(format!("{name:02x}").repeat(20).as_bytes()).unwrap()
    }

    impl History for Drawn {
        fn commit(&self, id: Oid) -> Result<Commit> {
            Ok(self.0[&id].clone())
        }
        fn is_cut(&self, _: Oid) -> bool {
            false
        }
    }

    fn draw(lines: &[(char, &str)], times: impl Fn(usize) -> i64) -> Drawn {
        let commits = lines.iter().enumerate().map(|(index, (name, parents))| {
            let commit = Commit {
                id: id(*name as u8),
                tree: id(*name as u8),
                parents: parents.bytes().map(id).collect(),
                time: times(index),
            };
            (commit.id, commit)
        });
        Drawn(commits.collect())
    }

    fn names(commits: &[Commit]) -> String {
        commits.iter().map(|commit| char::from(commit.id.as_bytes()[0])).collect()
    }

    fn check(lines: &[(char, &str)], subject: char, established: &str, bases: &str, between: &str) {
        let history = draw(lines, |index| index as i64);
        let subject = history.commit(id(subject as u8)).unwrap();
        let mut is_established = |commit: &Commit| Ok(established.contains(char::from(commit.id.as_bytes()[0])));
        let base = find_base(&subject, &history, &mut is_established).unwrap();
        assert_eq!((names(&base.commits).as_str(), names(&base.between).as_str()), (bases, between));
    }

    #[test]
    fn the_nearest_established_parent_is_the_base() {
        check(&[('a', ""), ('b', "a"), ('c', "b"), ('d', "c")], 'd', "ab", "b", "c");
    }

    #[test]
    fn a_docs_branch_that_merged_a_proven_main_counts_from_main() {
        // a (proven) ─ m (proven) ─┐
        //  └── d ─────────────────── s
        check(&[('a', ""), ('d', "a"), ('m', "a"), ('s', "dm")], 's', "am", "m", "d");
    }

    #[test]
    fn a_merge_of_two_established_lines_has_two_bases() {
        check(&[('a', ""), ('b', "a"), ('c', "a"), ('s', "bc")], 's', "bc", "bc", "");
    }

    #[test]
    fn without_an_established_ancestor_there_is_no_base() {
        check(&[('a', ""), ('b', "a"), ('c', "b")], 'c', "", "", "ab");
    }

    #[test]
    fn a_side_line_from_before_the_base_is_counted_from_where_it_left() {
        check(&[('a', ""), ('x', "a"), ('b', "a"), ('c', "b"), ('s', "cx")], 's', "c", "c", "x");
    }

    proptest::proptest! {
        /// Against the definition: bases are the established ancestors that no other established ancestor reaches; what is
        /// between is what no base reaches.
        #[test]
        fn it_is_the_definition(parents in proptest::collection::vec(proptest::collection::vec(0usize..30, 0..3), 1..30),
                                established: u32, shuffle: bool) {
            let count = parents.len();
            let lines: Vec<(char, String)> = parents.iter().enumerate().map(|(index, wanted)| {
                let set: BTreeSet<usize> = wanted.iter().filter(|_| index > 0).map(|p| p % index.max(1)).collect();
                (char::from(40 + index as u8), set.iter().map(|p| char::from(40 + *p as u8)).collect())
            }).collect();
            let lines: Vec<(char, &str)> = lines.iter().map(|(name, parents)| (*name, parents.as_str())).collect();
            // With times out of order the answer may only grow.
            let history = draw(&lines, |index| if shuffle { ((index * 7) % 5) as i64 } else { index as i64 });
            let reach = |from: Oid| {
                let mut seen = BTreeSet::new();
                let mut open = vec![from];
                while let Some(next) = open.pop() {
                    if seen.insert(next) { open.extend(&history.0[&next].parents); }
                }
                seen
            };
            let subject = history.commit(id(40 + count as u8 - 1)).unwrap();
            let is = |commit: &Oid| established & (1 << (commit.as_bytes()[0] - 40)) != 0;
            let mut above = reach(subject.id);
            above.remove(&subject.id);
            let candidates: Vec<Oid> = above.iter().copied().filter(is).collect();
            let bases: BTreeSet<Oid> = candidates.iter().copied()
                .filter(|base| !candidates.iter().any(|other| other != base && reach(*other).contains(base))).collect();
            let between: BTreeSet<Oid> = above.iter().copied()
                .filter(|commit| !bases.iter().any(|base| reach(*base).contains(commit))).collect();
            let found = find_base(&subject, &history, &mut |commit| Ok(is(&commit.id))).unwrap();
            let found_bases: BTreeSet<Oid> = found.commits.iter().map(|commit| commit.id).collect();
            let found_between: BTreeSet<Oid> = found.between.iter().map(|commit| commit.id).collect();
            proptest::prop_assert!(found_bases.is_superset(&bases));
            proptest::prop_assert!(found_between.is_superset(&between));
            if !shuffle {
                proptest::prop_assert_eq!(found_bases, bases);
                proptest::prop_assert_eq!(found_between, between);
            }
        }
    }
}

//! Three readers of the same trees agree on what changed: the gate's (gix), libgit2, and the git program.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::Stdio;

use proof_gate::caller::Caller;
use proof_gate::git::{Oid, Repository};

use crate::support::Sandbox;

type Paths = BTreeSet<(Vec<u8>, char)>;

/// A small generator of its own, so that every run makes the same trees.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Names that sort differently as file and as folder, that are no UTF-8, and that a quoting program would change.
const NAMES: &[&[u8]] =
    &[b"a", b"a.b", b"a-b", b"a0", b"B", b"\xff\xfe", "\u{e4}".as_bytes(), b"with space", b"\"q\"", b"new\nline"];
const MODES: &[i32] = &[0o100_644, 0o100_755, 0o120_000, 0o160_000];

enum Node {
    File(i32, git2::Oid),
    Folder(BTreeMap<&'static [u8], Node>),
}

fn grow(random: &mut Random, blobs: &[git2::Oid], depth: usize) -> BTreeMap<&'static [u8], Node> {
    let mut entries = BTreeMap::new();
    for _ in 0..random.below(6) {
        entries.insert(NAMES[random.below(NAMES.len())], node(random, blobs, depth));
    }
    entries
}

fn node(random: &mut Random, blobs: &[git2::Oid], depth: usize) -> Node {
    if depth < 3 && random.below(3) == 0 {
        Node::Folder(grow(random, blobs, depth + 1))
    } else {
        Node::File(MODES[random.below(MODES.len())], blobs[random.below(blobs.len())])
    }
}

/// Changes some entries: added, removed, changed in mode or content, moved to another name, file and folder swapped.
fn change(random: &mut Random, blobs: &[git2::Oid], entries: &mut BTreeMap<&'static [u8], Node>, depth: usize) {
    for name in NAMES {
        match (random.below(5), entries.remove(name)) {
            (0, _) => drop(entries.insert(name, node(random, blobs, depth))),
            (1, _) => {}
            (2, Some(moved)) => drop(entries.insert(NAMES[random.below(NAMES.len())], moved)),
            (_, Some(Node::Folder(mut below))) => {
                change(random, blobs, &mut below, depth + 1);
                entries.insert(name, Node::Folder(below));
            }
            (_, Some(file)) => drop(entries.insert(name, file)),
            (_, None) => {}
        }
    }
}

/// Writes a tree; empty folders have no place in one.
fn write(repository: &git2::Repository, entries: &BTreeMap<&'static [u8], Node>) -> git2::Oid {
    let mut builder = repository.treebuilder(None).unwrap();
    for (name, node) in entries {
        let (mode, id) = match node {
            Node::File(mode, id) => (*mode, *id),
            Node::Folder(below) if below.is_empty() => continue,
            Node::Folder(below) => (0o040_000, write(repository, below)),
        };
        builder.insert(*name, id, mode).unwrap();
    }
    builder.write().unwrap()
}

fn by_libgit2(repository: &git2::Repository, old: git2::Oid, new: git2::Oid) -> Paths {
    let tree = |id| repository.find_tree(id).unwrap();
    let mut options = git2::DiffOptions::new();
    options.include_typechange(true);
    let diff = repository.diff_tree_to_tree(Some(&tree(old)), Some(&tree(new)), Some(&mut options)).unwrap();
    let letter = |status| match status {
        git2::Delta::Added => 'A',
        git2::Delta::Deleted => 'D',
        _ => 'M',
    };
    diff.deltas()
        .map(|delta| {
            let file = if delta.status() == git2::Delta::Deleted { delta.old_file() } else { delta.new_file() };
            (file.path_bytes().unwrap().to_vec(), letter(delta.status()))
        })
        .collect()
}

fn by_git(sandbox: &Sandbox, old: git2::Oid, new: git2::Oid) -> Paths {
    let args = ["diff-tree", "-r", "-z", "--no-renames", "--name-status", &old.to_string(), &new.to_string()];
    let output = sandbox.command("git").args(args).output().unwrap();
    assert!(output.status.success());
    let fields: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
    let letter = |status: &[u8]| if status == b"T" { 'M' } else { char::from(status[0]) };
    fields.chunks_exact(2).map(|pair| (pair[1].to_vec(), letter(pair[0]))).collect()
}

fn open(sandbox: &Sandbox) -> Repository {
    let variables = [("PATH".into(), std::env::var_os("PATH").unwrap())].into();
    Repository::open(&Caller { variables, directory: sandbox.shop(), program: "proof-gate".into() }).unwrap()
}

fn by_the_gate(repository: &Repository, old: git2::Oid, new: git2::Oid) -> Paths {
    let id = |id: git2::Oid| Oid::from_hex(id.to_string().as_bytes());
    let changes = repository.changed_paths(id(old), id(new)).unwrap();
    changes.into_iter().map(|change| (change.path.into(), change.status.letter().chars().next().unwrap())).collect()
}

#[test]
fn gix_libgit2_and_git_see_the_same_changes_in_random_histories() {
    let sandbox = Sandbox::new();
    let trees = git2::Repository::open(sandbox.shop()).unwrap();
    trees.odb().unwrap();
    git2::opts::strict_object_creation(false);
    let blobs: Vec<git2::Oid> =
        (0..5).map(|number| trees.blob(format!("content {number}").as_bytes()).unwrap()).collect();
    let gate = open(&sandbox);
    let mut random = Random(20_240_229);
    let mut seen = BTreeMap::new();
    for history in 0..10 {
        let mut entries = grow(&mut random, &blobs, 0);
        let mut old = write(&trees, &entries);
        for step in 0..21 {
            change(&mut random, &blobs, &mut entries, 0);
            let new = write(&trees, &entries);
            let expected = by_git(&sandbox, old, new);
            assert_eq!(by_the_gate(&gate, old, new), expected, "history {history}, step {step}: {old}..{new}");
            assert_eq!(by_libgit2(&trees, old, new), expected, "history {history}, step {step}: {old}..{new}");
            for (_, letter) in expected {
                *seen.entry(letter).or_insert(0_u32) += 1;
            }
            old = new;
        }
    }
    assert!(['A', 'D', 'M'].iter().all(|letter| seen[letter] > 100), "the histories hold little: {seen:?}");
}

/// A tree of one blob under these names, in this order, whatever git thinks of that.
fn raw_tree(sandbox: &Sandbox, names: &[&str]) -> String {
    let blob = sandbox.git_ok(&["rev-parse", "HEAD:README.md"]);
    let id: Vec<u8> = (0..20).map(|byte| u8::from_str_radix(&blob[2 * byte..2 * byte + 2], 16).unwrap()).collect();
    let bytes: Vec<u8> = names.iter().flat_map(|name| [format!("100644 {name}\0").as_bytes(), &id].concat()).collect();
    let mut git = sandbox
        .command("git")
        .args(["hash-object", "-w", "-t", "tree", "--literally", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(&bytes).unwrap();
    String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

#[test]
fn trees_that_two_programs_would_read_differently_are_refused() {
    check(&["b", "a"], "its entries are not in order");
    check(&["a", "b", "a"], "its entries are not in order");
    check(&["a", "a"], "");

    fn check(names: &[&str], why: &str) {
        let sandbox = Sandbox::new();
        let tree = Oid::from_hex(raw_tree(&sandbox, names).as_bytes()).unwrap();
        let error = open(&sandbox).changed_paths(None, Some(tree)).unwrap_err();
        assert!(error.message.contains("cannot compare the tree") && error.message.contains(why), "{error}");
    }
}

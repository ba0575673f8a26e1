use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;

use proptest::prelude::*;

use super::super::found::{Commit, Found, Says, Summary};
use super::super::read::tree_of;
use super::super::sandbox::{Sandbox, failing, key_of, oid, passing, statement, verdict};
use super::super::statement::{Body, Established, Resolution};
use super::super::{Answer, Question, Records, Scenario, canonical};
use super::model::Model;
use super::*;
use crate::git::Kind;
use crate::judge::Word;

/// One commit of a made-up log.
#[derive(Clone, Debug)]
struct Step {
    writer: u64,
    /// How far back each parent is; what is out of reach is none.
    parents: Vec<usize>,
    follows: bool,
    sort: u8,
    minutes: i64,
    /// Whether its objects come late.
    late: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let parents = prop_oneof![
        4 => Just(vec![1]), 2 => Just(vec![2]), 2 => Just(vec![1, 2]), 1 => proptest::collection::vec(1usize..9, 0..4)
    ];
    let step = (1u64..4, parents, prop::bool::weighted(0.8), 0u8..20, 0i64..90, prop::bool::weighted(0.03));
    let step = step.prop_map(|(writer, parents, follows, sort, minutes, late)| Step {
        writer,
        parents,
        follows,
        sort,
        minutes,
        late,
    });
    proptest::collection::vec(step, 1..40)
}

/// File, tree and commit of a record.
type Objects = [(Kind, Vec<u8>); 3];

/// A made-up repository of logs, and what its commits are.
struct World {
    /// Removed when this goes.
    _sandbox: Sandbox,
    repository: Repository,
    commits: Vec<Commit>,
    late: BTreeSet<Oid>,
    objects: Vec<(Oid, Objects)>,
}

impl World {
    fn new(steps: &[Step]) -> Self {
        let sandbox = Sandbox::new(&[]);
        let repository = sandbox.open();
        let (commits, late, objects) = (Vec::new(), BTreeSet::new(), Vec::new());
        let mut world = World { _sandbox: sandbox, repository, commits, late, objects };
        for step in steps {
            world.add(step);
        }
        world
    }

    fn add(&mut self, step: &Step) {
        let nth = self.commits.len();
        let mut parents: Vec<Oid> = Vec::new();
        for back in &step.parents {
            let parent = nth.checked_sub(*back).map(|at| self.commits[at].id);
            parents.extend(parent.filter(|parent| !parents.contains(parent)));
        }
        // Mostly the record before it is of its own log, as it has to be.
        let own =
            |commit: &&Commit| matches!(&commit.found, Found::Record(other) if other.writer.number() == step.writer);
        if step.follows && step.sort < 17 {
            let before = self.commits.iter().rev().find(own).map(|commit| commit.id);
            let written_by_others = |id: &Oid| !self.commits.iter().filter(own).any(|commit| commit.id == *id);
            parents.retain(written_by_others);
            parents.splice(0..0, before);
        }
        let mut statement =
            statement(vec![if step.sort.is_multiple_of(3) { failing("payment") } else { passing("payment") }]);
        let predicate = &mut statement.predicate;
        predicate.writer = WriterId::from_number(step.writer);
        predicate.previous = parents.first().copied().filter(|_| step.follows);
        predicate.finished += jiff::SignedDuration::from_mins(step.minutes);
        predicate.host = format!("here {nth}");
        match (step.sort, self.commits.first()) {
            (4, Some(first)) => {
                let (suite, cause) = ("payment".to_owned(), "the disk was full".to_owned());
                predicate.body = Body::Resolve(Resolution { record: first.id, suite, cause });
            }
            (5, _) => {
                let mut body = verdict(vec![passing("booking")]);
                let obligations = body.obligations.clone();
                body.established = Some(Established { bases: Vec::new(), obligations, approvals: Vec::new() });
                predicate.body = Body::Verdict(Box::new(body));
            }
            _ => {}
        }
        let json = String::from_utf8(canonical::encode(&statement).unwrap()).unwrap();
        let (json, found) = match step.sort {
            17 => (json.replace("\"format\":1", "\"format\":2"), Found::Newer(2)),
            18 => (json + " ", Found::Malformed(String::new())),
            _ => (json, Found::Record(Box::new(Summary::from(&statement)))),
        };
        let mut tree = tree_of(self.repository.object_id(Kind::Blob, json.as_bytes()).unwrap());
        let no_record = step.sort == 19;
        if no_record {
            tree[7] = b'n';
        }
        let mut text = format!("tree {}\n", self.repository.object_id(Kind::Tree, &tree).unwrap());
        text.extend(parents.iter().map(|parent| format!("parent {parent}\n")));
        let who = "Ana <ana@example.org> 1700000000 +0000";
        text += &format!("author {who}\ncommitter {who}\n\nnumber {nth}\n");
        let id = self.repository.object_id(Kind::Commit, text.as_bytes()).unwrap();
        let (parents, found) = if no_record { (Vec::new(), Found::NoRecord(String::new())) } else { (parents, found) };
        self.commits.push(Commit { id, parents, found });
        self.objects.push((id, [(Kind::Blob, json.into()), (Kind::Tree, tree), (Kind::Commit, text.into())]));
        if step.late {
            self.late.insert(id);
        }
    }

    /// Writes the objects of these commits.
    fn write(&self, wanted: impl Fn(&Oid) -> bool) {
        let objects = self.objects.iter().filter(|(id, _)| wanted(id)).flat_map(|(_, objects)| objects);
        let objects: Vec<(Kind, &[u8])> = objects.map(|(kind, bytes)| (*kind, &bytes[..])).collect();
        if !objects.is_empty() {
            drop(self.repository.write_kept_pack(&objects).unwrap());
        }
    }

    fn check(&self, readable: &HashMap<Oid, Commit>, refs: &BTreeMap<String, Oid>, seen: &mut BTreeMap<String, Oid>) {
        let mut logs = Logs::here();
        logs.instead = refs.iter().map(|(name, tip)| (name.clone(), Some(*tip))).collect();
        let before = seen.clone();
        let model = Model::load(readable, refs, seen);
        // First without writing, then as it was written, then as it is found again.
        for writes in [Writes::Nothing, Writes::Index, Writes::Index] {
            logs.writes = writes;
            let records = Records::load_from(&self.repository, &logs, crate::records::Place::Clone).unwrap();
            agree(&model, &records, readable);
        }
        let again = Model::load(readable, refs, &mut seen.clone());
        assert_eq!(again.problems, model.problems, "what was seen stays: {before:?}");
    }
}

fn agree(model: &Model, records: &Records<'_>, readable: &HashMap<Oid, Commit>) {
    let problems = records.problems();
    let problems: BTreeSet<_> = problems.into_iter().map(|problem| (problem.kind, problem.place)).collect();
    assert_eq!(problems, model.problems);
    let order = model.newest_first();
    assert_eq!(records.all(), order);
    assert_eq!(records.newest(3), order[..order.len().min(3)]);
    for one in readable.keys() {
        for other in readable.keys() {
            assert_eq!(records.is_ancestor(*one, *other), model.is_ancestor(*one, *other), "{one} {other}");
        }
    }
    let says = |wanted: &dyn Fn(&Says) -> bool| {
        let is = |id: &&Oid| model.record(**id).is_some_and(|summary| wanted(&summary.says));
        order.iter().filter(is).copied().collect::<Vec<Oid>>()
    };
    let key = key_of("payment");
    let with_key = says(&|says| matches!(says, Says::Verdict { keys, .. } if keys.contains(&key)));
    let entries = records.entries(key).unwrap();
    assert_eq!(entries.iter().map(|(recorded, _)| recorded.id()).collect::<Vec<_>>(), with_key);
    let claims = says(&|says| matches!(says, Says::Verdict { establishes: true, .. }));
    assert_eq!(records.establishes_anything(), !claims.is_empty());
    assert_eq!(records.for_ref("refs/heads/main"), says(&|says| matches!(says, Says::Verdict { .. })));
    assert_eq!(records.of_commit(oid(super::super::sandbox::COMMIT)), order);
    for id in readable.keys() {
        let resolves = says(&|says| *says == Says::Resolve(*id));
        let found = records.resolves_of_record(*id).unwrap();
        assert_eq!(found.iter().map(|recorded| recorded.id()).collect::<Vec<_>>(), resolves);
        assert_eq!(records.get(*id).is_ok(), order.contains(id));
    }
    // Whatever resolved it: of these entries a FAIL stands beside a PASS on the same inputs, or alone, or there is none.
    let words: BTreeSet<&str> = entries.iter().map(|(_, entry)| entry.verdict.as_str()).collect();
    let answer = records.answer(&question()).unwrap();
    assert_eq!(matches!(answer, Answer::Nothing), words.is_empty());
    assert_eq!(matches!(answer, Answer::Pass { .. }), words == BTreeSet::from([Word::Pass.as_str()]));
}

fn question() -> Question {
    Question {
        key: key_of("payment"),
        scenario: Scenario::Deploy,
        after: Vec::new(),
        now: "2026-03-05T00:00:00Z".parse().unwrap(),
        max_age: None,
        demands: crate::records::Demands::default(),
    }
}

const LOGS_OF_THREE: [(&str, u64); 4] = [
    ("refs/proof/log/", 1),
    ("refs/proof/log/", 2),
    ("refs/proof/remotes/origin/log/", 1),
    ("refs/proof/remotes/origin/log/", 3),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_logs_hold_and_wherever_they_move_it_is_as_if_all_was_read_anew(
        steps in steps(),
        moves in proptest::collection::vec((0usize..4, 0u8..8, 0usize..40), 1..24),
    ) {
        let world = World::new(&steps);
        world.write(|id| !world.late.contains(id));
        let all: HashMap<Oid, Commit> = world.commits.iter().map(|commit| (commit.id, commit.clone())).collect();
        let mut readable = all.clone();
        readable.retain(|id, _| !world.late.contains(id));
        let (mut refs, mut seen) = (BTreeMap::new(), BTreeMap::new());
        for (nth, some) in moves.chunks(4).enumerate() {
            for (log, how, to) in some {
                let (folder, writer) = LOGS_OF_THREE[*log];
                let name = format!("{folder}{:016x}", writer);
                // Mostly on, to the newest so far of its writer; sometimes anywhere, sometimes away.
                let horizon = world.commits.len() * (nth + 1) / moves.chunks(4).len();
                let newest = world.commits[..horizon].iter().rev().find(
                    |commit| matches!(&commit.found, Found::Record(summary) if summary.writer.number() == writer));
                match (how, newest) {
                    (0, _) => drop(refs.remove(&name)),
                    (1, _) => drop(refs.insert(name, world.commits[to % world.commits.len()].id)),
                    (_, Some(newest)) => drop(refs.insert(name, newest.id)),
                    (_, None) => {}
                }
            }
            world.check(&readable, &refs, &mut seen);
        }
        world.write(|id| world.late.contains(id));
        world.check(&all, &refs, &mut seen);
    }
}

/// Twelve records of three logs, so that there is a large file too, and what is answered from them.
fn twelve() -> (Sandbox, Vec<Oid>) {
    let sandbox = Sandbox::new(&[]);
    for nth in 0..12 {
        if nth % 4 == 3 {
            fs::remove_file(sandbox.path().join(".git/proof-gate/writer")).unwrap();
        }
        sandbox.record(vec![if nth == 2 { failing("payment") } else { passing("booking") }]);
    }
    let repository = sandbox.open();
    let all = Records::load(&repository).unwrap().all().to_vec();
    assert_eq!(all.len(), 12);
    (sandbox, all)
}

fn files(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(sandbox.path().join(".git/proof-gate")).unwrap().flatten();
    let is_index = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("index") && name != "index.lock"
    };
    entries.filter(is_index).map(|entry| entry.path()).collect()
}

fn check_answers(repository: &Repository, all: &[Oid]) {
    let records = Records::load(repository).unwrap();
    assert!(matches!(records.answer(&question()).unwrap(), Answer::Fail { .. }), "the FAIL is not hidden");
    assert!(records.is_ancestor(all[11], all[0]) && !records.is_ancestor(all[0], all[11]));
    assert_eq!(records.all(), all);
    assert!(records.problems().is_empty());
}

#[test]
fn an_index_flipped_or_cut_anywhere_hides_nothing_and_is_mended() {
    let (sandbox, all) = twelve();
    let repository = sandbox.open();
    let paths = files(&sandbox);
    assert_eq!(paths.len(), 2, "a small file and a large one");
    for path in paths {
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(if path.extension().is_some() { 101 } else { 31 }) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            for damaged in [&flipped[..], &whole[..at]] {
                // Not only in memory: what is written anew may have another name.
                let kept: Vec<(std::path::PathBuf, Vec<u8>)> =
                    files(&sandbox).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
                fs::write(&path, damaged).unwrap();
                check_answers(&repository, &all);
                for path in files(&sandbox) {
                    fs::remove_file(path).unwrap();
                }
                for (path, bytes) in kept {
                    fs::write(path, bytes).unwrap();
                }
            }
        }
    }
}

#[test]
fn files_that_a_killed_program_left_do_no_harm_and_go() {
    let (sandbox, all) = twelve();
    let repository = sandbox.open();
    let own = sandbox.path().join(".git/proof-gate");
    let small = fs::read(own.join("index")).unwrap();
    // Killed after the large file was renamed, before the small one named it.
    let orphan = own.join(format!("index.{}", "0".repeat(32)));
    fs::write(&orphan, "half").unwrap();
    check_answers(&repository, &all);
    // Killed before the old large file was removed: the new small one names another.
    for path in files(&sandbox) {
        fs::rename(&path, path.with_file_name(format!("index.{}", "1".repeat(32)))).unwrap();
    }
    fs::write(own.join("index"), small).unwrap();
    check_answers(&repository, &all);
    sandbox.record(vec![passing("booking")]);
    Records::load(&repository).unwrap();
    assert!(!orphan.exists() && files(&sandbox).len() <= 2, "{:?}", files(&sandbox));
}

#[test]
fn many_programs_that_make_the_index_at_once_all_answer_right() {
    let (sandbox, all) = twelve();
    for _ in 0..4 {
        for path in files(&sandbox) {
            fs::remove_file(path).unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| check_answers(&sandbox.open(), &all));
            }
        });
    }
    check_answers(&sandbox.open(), &all);
}

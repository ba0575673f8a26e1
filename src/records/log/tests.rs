use std::collections::HashSet;
use std::fs;
use std::process::Command;

use super::super::sandbox::{COMMIT, Sandbox, draft, failing, passing, verdict};
use super::super::{ProblemKind, Records};
use super::*;

fn problems(sandbox: &Sandbox) -> Vec<ProblemKind> {
    let repository = sandbox.open();
    Records::load(&repository).unwrap().problems().iter().map(|problem| problem.kind).collect()
}

fn count(sandbox: &Sandbox) -> usize {
    let repository = sandbox.open();
    Records::load(&repository).unwrap().all().len()
}

fn the_log(sandbox: &Sandbox) -> String {
    let logs = sandbox.open().list_refs(LOGS).unwrap();
    assert_eq!(logs.len(), 1, "one log");
    logs[0].0.to_string()
}

/// Copies a repository byte for byte, as `cp -r` does.
fn copy(sandbox: &Sandbox, name: &str) -> Repository {
    let copied = sandbox.folder.path().join(name);
    assert!(Command::new("cp").arg("-r").arg(sandbox.path()).arg(&copied).status().unwrap().success());
    sandbox.open_at(&copied)
}

/// Puts a hand-made commit behind the log.
fn forge(sandbox: &Sandbox, tree: &str, parents: &[Oid]) -> Oid {
    let repository = sandbox.open();
    let mut args = vec!["commit-tree".to_owned(), tree.to_owned(), "-m".to_owned(), "PASS".to_owned()];
    for parent in parents {
        args.extend(["-p".to_owned(), parent.to_string()]);
    }
    let id = repository.command().args(args).run().unwrap();
    Oid::from_hex(id.trim_ascii()).unwrap()
}

fn tree_with(sandbox: &Sandbox, mode: &str, name: &str, bytes: &[u8]) -> String {
    let repository = sandbox.open();
    let blob = repository.write_object(Kind::Blob, bytes).unwrap();
    let line = format!("{mode} blob {blob}\t{name}\n");
    repository.command().arg("mktree").stdin(line).run().unwrap().to_string().trim().to_owned()
}

fn json_of(sandbox: &Sandbox, record: Oid) -> String {
    sandbox.git(&["cat-file", "blob", &format!("{record}:record.json")]) + "\n"
}

/// Points the one log at a commit, checks what is said about it, and that it does not count.
fn check_refused(sandbox: &Sandbox, forged: Oid, kind: ProblemKind) {
    sandbox.git(&["update-ref", &the_log(sandbox), &forged.to_string()]);
    let repository = sandbox.open();
    let records = Records::load(&repository).unwrap();
    assert!(!records.all().contains(&forged), "it counts for nothing");
    records.get(forged).expect_err("it is not given out");
    assert!(records.problems().iter().any(|problem| problem.kind == kind), "{:?}", records.problems());
}

#[test]
fn a_record_is_one_commit_with_one_file_and_the_record_before_it_as_first_parent() {
    for init in [&["--object-format=sha256"][..], &["--bare"], &["--ref-format=reftable"], &[]] {
        let sandbox = Sandbox::new(init);
        let first = sandbox.record(vec![failing("payment")]);
        let second = sandbox.record(vec![passing("payment"), passing("booking")]);
        let log = the_log(&sandbox);
        assert_eq!(sandbox.git(&["rev-parse", &log]), second.id().to_string());
        assert_eq!(sandbox.git(&["rev-parse", &format!("{log}^@")]), first.id().to_string());
        assert_eq!(
            sandbox.git(&["log", "-1", "--format=%s %an %ce", &log]),
            "PASS payment booking 3f2a91c Ana ana@example.org"
        );
        let listed = sandbox.git(&["ls-tree", "-r", &log]);
        assert!(listed.starts_with("100644 blob") && listed.ends_with("\trecord.json"), "{listed}");
        assert_eq!(sandbox.git(&["fsck", "--strict"]), "");
        assert_eq!((problems(&sandbox), count(&sandbox)), (vec![], 2));
    }
}

#[test]
fn appending_changes_no_ref_config_index_or_head_of_the_user() {
    let sandbox = Sandbox::new(&[]);
    let git_dir = sandbox.path().join(".git");
    let before: Vec<_> = ["HEAD", "config"].map(|name| fs::read(git_dir.join(name)).unwrap()).into();
    sandbox.record(vec![passing("payment")]);
    let after: Vec<_> = ["HEAD", "config"].map(|name| fs::read(git_dir.join(name)).unwrap()).into();
    assert_eq!(before, after);
    assert!(!git_dir.join("index").exists() && !git_dir.join("logs").exists());
    assert_eq!(sandbox.git(&["for-each-ref", "--format=%(refname)"]), the_log(&sandbox));
}

#[test]
fn fifty_appends_at_once_are_fifty_records_in_one_log() {
    let sandbox = Sandbox::new(&[]);
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| sandbox.record(vec![passing("payment")]));
        }
    });
    the_log(&sandbox);
    assert_eq!((problems(&sandbox), count(&sandbox)), (vec![], 50));
}

#[test]
fn a_log_that_moves_between_reading_and_writing_is_read_again() {
    let sandbox = Sandbox::new(&[]);
    let first = sandbox.record(vec![passing("payment")]);
    let repository = sandbox.open();
    let moved = repository.compare_and_swap(&the_log(&sandbox), None, first.id());
    assert_eq!(moved.unwrap(), Swap::Moved);
    sandbox.record(vec![passing("payment")]);
    let behind = repository.compare_and_swap(&the_log(&sandbox), Some(first.id()), first.id());
    assert_eq!(behind.unwrap(), Swap::Moved);
}

#[test]
fn what_a_kept_pack_holds_survives_a_prune_and_reads_back_in_both_object_formats() {
    for format in ["sha1", "sha256"] {
        let sandbox = Sandbox::new(&["--object-format", format]);
        let repository = sandbox.open();
        let long = b"0123456789abcdef".repeat(10_000);
        for bytes in [&b""[..], b"short", &long] {
            let id = repository.blob_id(bytes).unwrap();
            let kept = repository.write_kept_pack(&[(Kind::Blob, bytes)]).unwrap();
            sandbox.git(&["prune", "--expire=now"]);
            sandbox.git(&["repack", "-a", "-d", "-q"]);
            assert_eq!(sandbox.open().checked_object(id).unwrap(), (Kind::Blob, bytes.to_vec()), "{format}");
            drop(kept);
        }
        let keeps = fs::read_dir(sandbox.path().join(".git/objects/pack")).unwrap();
        assert!(keeps.flatten().all(|entry| entry.path().extension() != Some("keep".as_ref())), "{format}");
    }
}

#[test]
fn a_user_without_a_name_is_told_before_anything_is_run() {
    let sandbox = Sandbox::new(&[]);
    sandbox.git(&["config", "user.useConfigOnly", "true"]);
    let mut caller = sandbox.caller(&sandbox.path());
    caller.variables.retain(|name, _| !name.to_string_lossy().starts_with("GIT_COMMITTER"));
    let error = Log::open(&Repository::open(&caller).unwrap(), Signing::WhereSetUp).err().unwrap();
    assert!(error.message.contains("who records") && error.hints.iter().any(|hint| hint.contains("user.email")));
}

#[test]
fn a_copied_clone_takes_a_log_of_its_own_that_stands_on_the_old_one() {
    let sandbox = Sandbox::new(&[]);
    let old = sandbox.record(vec![passing("payment")]);
    let copied = copy(&sandbox, "copy");
    let new = Log::open(&copied, Signing::WhereSetUp)
        .unwrap()
        .append(draft(Body::Verdict(Box::new(verdict(vec![passing("a")])))))
        .unwrap();
    let predicate = new.statement().predicate();
    assert_ne!(predicate.writer, old.statement().predicate().writer);
    assert_eq!(predicate.previous, None);
    let records = Records::load(&copied).unwrap();
    assert!(records.is_ancestor(old.id(), new.id()) && records.problems().is_empty());
    assert_eq!(
        sandbox.record(vec![passing("a")]).statement().predicate().previous,
        Some(old.id()),
        "the first goes on"
    );
}

#[test]
fn a_clone_whose_log_was_set_back_or_deleted_begins_a_new_one() {
    let sandbox = Sandbox::new(&[]);
    let first = sandbox.record(vec![passing("payment")]);
    let second = sandbox.record(vec![passing("payment")]);
    let log = the_log(&sandbox);
    let fetched = log.replace("refs/proof/", "refs/proof/remotes/origin/");
    sandbox.git(&["update-ref", &fetched, &second.id().to_string()]);
    sandbox.git(&["update-ref", &log, &first.id().to_string()]);
    let third = sandbox.record(vec![passing("payment")]);
    assert_eq!(third.statement().predicate().previous, None);
    assert!(sandbox.git(&["rev-parse", &format!("{}^@", third.id())]).contains(&second.id().to_string()));
    assert_eq!((problems(&sandbox), count(&sandbox)), (vec![], 3));
}

#[test]
fn a_record_taken_from_the_end_of_a_log_is_noticed() {
    let sandbox = Sandbox::new(&[]);
    let first = sandbox.record(vec![passing("payment")]);
    sandbox.record(vec![failing("payment")]);
    problems(&sandbox);
    sandbox.git(&["update-ref", &the_log(&sandbox), &first.id().to_string()]);
    assert_eq!(problems(&sandbox), [ProblemKind::Removed]);
    assert_eq!(problems(&sandbox), [ProblemKind::Removed], "and not only once");
}

#[test]
fn a_log_that_another_log_stands_on_cannot_be_deleted_or_cut_in_silence() {
    let sandbox = Sandbox::new(&[]);
    let first = sandbox.record(vec![passing("payment")]);
    let second = sandbox.record(vec![failing("payment")]);
    let log = the_log(&sandbox);
    fs::remove_file(sandbox.path().join(".git/proof-gate/writer")).unwrap();
    sandbox.record(vec![passing("booking")]);
    for cut in [["update-ref", "-d", &log].to_vec(), vec!["update-ref", &log, &first.id().to_string()]] {
        sandbox.git(&cut);
        let _ = fs::remove_file(sandbox.path().join(".git/proof-gate/index"));
        assert_eq!(problems(&sandbox), [ProblemKind::Removed]);
        assert_eq!(count(&sandbox), 3, "nothing is lost");
    }
    sandbox.git(&["update-ref", &log, &second.id().to_string()]);
    assert_eq!(problems(&sandbox), []);
}

#[test]
fn a_record_taken_out_of_the_middle_or_put_elsewhere_is_noticed_and_does_not_count() {
    let sandbox = Sandbox::new(&[]);
    let [a, b, c] =
        [failing("payment"), passing("payment"), passing("booking")].map(|entry| sandbox.record(vec![entry]));
    let tree = |record: Oid| sandbox.git(&["rev-parse", &format!("{record}^{{tree}}")]);
    let without_b = forge(&sandbox, &tree(c.id()), &[a.id()]);
    check_refused(&sandbox, without_b, ProblemKind::Malformed);
    let c_first = forge(&sandbox, &tree(c.id()), &[a.id()]);
    let swapped = forge(&sandbox, &tree(b.id()), &[c_first]);
    check_refused(&sandbox, swapped, ProblemKind::Malformed);
    let without_all = forge(&sandbox, &tree(c.id()), &[]);
    check_refused(&sandbox, without_all, ProblemKind::Malformed);
}

#[test]
fn whatever_is_no_record_of_its_place_counts_for_nothing() {
    let sandbox = Sandbox::new(&[]);
    let record = sandbox.record(vec![passing("payment")]);
    let json = json_of(&sandbox, record.id());
    let malformed = ProblemKind::Malformed;
    let forged = |mode: &str, name: &str, bytes: &str, parents: &[Oid]| {
        forge(&sandbox, &tree_with(&sandbox, mode, name, bytes.as_bytes()), parents)
    };
    check_refused(&sandbox, forged("100644", "main.js", &json, &[]), malformed);
    check_refused(&sandbox, forged("100755", "record.json", &json, &[]), malformed);
    check_refused(&sandbox, forged("120000", "record.json", &json, &[]), malformed);
    check_refused(&sandbox, forged("100644", "record.json", &json.replace(',', ", "), &[]), malformed);
    check_refused(&sandbox, forged("100644", "record.json", "", &[]), malformed);
    check_refused(&sandbox, forged("100644", "record.json", &json, &[record.id()]), malformed);
    check_refused(&sandbox, forged("100644", "record.json", &" ".repeat(300_000), &[]), malformed);
    let code = forged("100644", "main.js", "code", &[]);
    check_refused(&sandbox, forged("100644", "record.json", &json, &[code]), malformed);
    let newer = json.replace("\"format\":1", "\"format\":2");
    check_refused(&sandbox, forged("100644", "record.json", &newer, &[]), ProblemKind::Newer);
    let stranger = json.replace(&record.statement().predicate().writer.to_string(), "00000000000000aa");
    check_refused(&sandbox, forged("100644", "record.json", &stranger, &[]), ProblemKind::Misplaced);
}

#[test]
fn a_record_that_goes_on_in_another_writers_log_counts_for_nothing() {
    let sandbox = Sandbox::new(&[]);
    let first = sandbox.record(vec![passing("payment")]);
    let second = sandbox.record(vec![passing("payment")]);
    let mine = second.statement().predicate().writer.to_string();
    let theirs = json_of(&sandbox, second.id()).replace(&mine, "00000000000000aa");
    let tree = tree_with(&sandbox, "100644", "record.json", theirs.as_bytes());
    let taken_over = forge(&sandbox, &tree, &[first.id()]);
    sandbox.git(&["update-ref", "refs/proof/log/00000000000000aa", &taken_over.to_string()]);
    assert_eq!(problems(&sandbox), [ProblemKind::Malformed]);
    assert_eq!(count(&sandbox), 2);
}

#[test]
fn a_log_with_two_ends_is_noticed_and_both_count() {
    let sandbox = Sandbox::new(&[]);
    let first = sandbox.record(vec![passing("payment")]);
    let second = sandbox.record(vec![failing("payment")]);
    let other = json_of(&sandbox, second.id()).replace("\"host\":\"here\"", "\"host\":\"there\"");
    let tree = tree_with(&sandbox, "100644", "record.json", other.as_bytes());
    let fork = forge(&sandbox, &tree, &[first.id()]);
    let fetched = the_log(&sandbox).replace("refs/proof/", "refs/proof/remotes/origin/");
    sandbox.git(&["update-ref", &fetched, &fork.to_string()]);
    assert_eq!(problems(&sandbox), [ProblemKind::Forked]);
    assert_eq!(count(&sandbox), 3);
}

#[test]
fn a_log_whose_end_is_missing_is_noticed_and_left_behind() {
    let sandbox = Sandbox::new(&[]);
    sandbox.record(vec![passing("payment")]);
    fs::write(sandbox.path().join(".git").join(the_log(&sandbox)), format!("{COMMIT}\n")).unwrap();
    assert!(problems(&sandbox).contains(&ProblemKind::Unreadable));
    assert_eq!(sandbox.record(vec![passing("payment")]).statement().predicate().previous, None);
}

#[test]
fn after_a_damaged_or_forged_end_the_clone_records_on_in_a_new_log() {
    let sandbox = Sandbox::new(&[]);
    let record = sandbox.record(vec![passing("payment")]);
    let tree = tree_with(&sandbox, "100644", "main.js", b"code");
    let forged = forge(&sandbox, &tree, &[record.id()]);
    sandbox.git(&["update-ref", &the_log(&sandbox), &forged.to_string()]);
    let next = sandbox.record(vec![passing("payment")]);
    assert_eq!(next.statement().predicate().previous, None);
    assert!(!sandbox.git(&["rev-list", &next.id().to_string()]).contains(&forged.to_string()));
}

#[test]
fn a_flipped_bit_or_a_cut_of_a_stored_object_never_gives_another_record() {
    let sandbox = Sandbox::new(&[]);
    let record = sandbox.record(vec![passing("payment")]);
    let blob = sandbox.git(&["rev-parse", &format!("{}:record.json", record.id())]);
    sandbox.unpack();
    let repository = sandbox.open();
    for hex in [record.id().to_string(), blob] {
        let path = sandbox.path().join(".git/objects").join(&hex[..2]).join(&hex[2..]);
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x10;
            for damaged in [&flipped[..], &whole[..at]] {
                fs::write(&path, damaged).unwrap();
                // Some bits of the compression say nothing; then it is the same record still, never another.
                let read = read(&repository, record.id());
                assert!(!matches!(read, Ok(Ok(other)) if other != *record.statement()), "byte {at} of {hex}");
            }
        }
        fs::write(&path, &whole).unwrap();
        assert!(read(&repository, record.id()).is_ok());
    }
}

#[test]
fn a_linked_worktree_writes_the_same_log() {
    let sandbox = Sandbox::new(&[]);
    let first = sandbox.record(vec![passing("payment")]);
    let tree = tree_with(&sandbox, "100644", "main.js", b"code");
    let commit = forge(&sandbox, &tree, &[]);
    let folder = sandbox.folder.path().join("linked");
    sandbox.git(&["worktree", "add", "-q", "--detach", &folder.to_string_lossy(), &commit.to_string()]);
    let linked = sandbox.open_at(&folder);
    let draft = draft(Body::Verdict(Box::new(verdict(vec![passing("payment")]))));
    let second = Log::open(&linked, Signing::WhereSetUp).unwrap().append(draft).unwrap();
    assert_eq!(second.statement().predicate().previous, Some(first.id()));
    assert_eq!(count(&sandbox), 2);
}

#[test]
fn two_logs_that_stand_on_each_other_are_read_once_and_in_order() {
    let sandbox = Sandbox::new(&[]);
    let writer = sandbox.path().join(".git/proof-gate/writer");
    let mut written = Vec::new();
    let mut mine = vec![0];
    for round in 0..6 {
        let record = sandbox.record(vec![passing("payment")]);
        written.push(record.id());
        if round == 2 {
            mine = fs::read(&writer).unwrap();
            fs::remove_file(&writer).unwrap();
        } else if round == 4 {
            fs::write(&writer, &mine).unwrap();
        }
    }
    written.reverse();
    let repository = sandbox.open();
    let records = Records::load(&repository).unwrap();
    assert_eq!(records.all(), written);
    let writers: HashSet<_> =
        written.iter().map(|id| records.get(*id).unwrap().statement().predicate().writer).collect();
    assert_eq!((writers.len(), records.problems().len()), (2, 0));
}

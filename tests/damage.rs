//! Damage in a repository, and in what the gate keeps there: each with its cause and the next step, and mended by what is named.

use std::fs;
use std::path::{Path, PathBuf};

use proof_gate::caller::Caller;
use proof_gate::git::{Oid, Repository};

use crate::faults::{check, records, shop};
use crate::support::{Ran, Sandbox};

/// Damages a file for one push, and puts it back. git makes objects read-only.
fn damaged(file: &Path, damage: impl FnOnce(&Path), push: impl FnOnce() -> Ran) -> Ran {
    let whole = fs::read(file).unwrap();
    fs::remove_file(file).unwrap();
    fs::write(file, &whole).unwrap();
    damage(file);
    let ran = push();
    fs::write(file, whole).unwrap();
    ran
}

fn flip_last_byte(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    *bytes.last_mut().unwrap() ^= 0xff;
    fs::write(file, bytes).unwrap();
}

fn flip_first_byte(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    bytes[0] ^= 0xff;
    fs::write(file, bytes).unwrap();
}

/// The loose object that a revision names.
fn loose(sandbox: &Sandbox, revision: &str) -> PathBuf {
    let id = sandbox.id(revision);
    sandbox.shop().join(".git/objects").join(&id[..2]).join(&id[2..])
}

mod objects {
    use super::*;

    #[test]
    fn one_that_is_corrupt() {
        for revision in ["main:src/bookings/book.js", "main:.proofrc.toml", "main^{tree}", "main"] {
            check(&shop(), &["git fsck"], |sandbox| {
                let file = loose(sandbox, revision);
                damaged(&file, flip_last_byte, || sandbox.proof_gate(&["run", "main"]))
            });
        }
    }

    /// Sizes are asked for only where a disk is nearly full, and `one_that_is_corrupt` seldom runs on one.
    #[test]
    fn one_whose_size_cannot_be_read() {
        let sandbox = shop();
        let id = |revision: &str| Oid::from_hex(sandbox.id(revision).as_bytes()).unwrap();
        let tree = id("main^{tree}");
        damaged(&loose(&sandbox, "main:src/bookings/book.js"), flip_first_byte, || {
            let variables = [("PATH".into(), std::env::var_os("PATH").unwrap())].into();
            let caller = Caller { variables, directory: sandbox.shop(), program: "proof-gate".into() };
            let error = Repository::open(&caller).unwrap().file_sizes(tree).unwrap_err();
            assert!(error.hints[0].contains("git fsck"), "{error:?}");
            sandbox.git(&["status"])
        });
    }

    #[test]
    fn one_that_is_missing() {
        for revision in ["main:src/bookings/book.js", "main:suite.sh"] {
            check(&shop(), &["git fsck"], |sandbox| {
                let file = loose(sandbox, revision);
                let away = sandbox.root().join("away");
                fs::rename(&file, &away).unwrap();
                let ran = sandbox.push(&["origin", "main"]);
                fs::rename(&away, &file).unwrap();
                ran
            });
        }
    }

    #[test]
    fn a_pack_or_its_index() {
        for ending in ["idx", "pack"] {
            let sandbox = shop();
            sandbox.git_ok(&["gc", "--quiet", "--prune=now"]);
            let pack = sandbox.sh(&format!("ls -S .git/objects/pack/*.{ending} | head -1")).stdout;
            let file = sandbox.shop().join(pack.trim_end());
            let (records_before, remote) = (records(&sandbox), sandbox.remote_ref("refs/heads/main"));
            for at in [0, 9, 1100] {
                let cut = |file: &Path| {
                    let mut bytes = fs::read(file).unwrap();
                    let at = at.min(bytes.len() - 30);
                    bytes[at..at + 30].fill(0xa5);
                    fs::write(file, bytes).unwrap();
                };
                let ran = damaged(&file, cut, || sandbox.push(&["origin", "main"]));
                assert!(!ran.stderr.contains("panicked"), "{ran:?}");
                assert_ne!(ran.code, 0, "{ending} at {at}: {ran:?}");
                assert!(ran.stderr.contains("git fsck"), "{ending} at {at}: {ran:?}");
                assert_eq!(sandbox.remote_ref("refs/heads/main"), remote);
            }
            assert_eq!(records(&sandbox), records_before);
            sandbox.push(&["origin", "main"]).ends_with(0);
        }
    }
}

mod own_files {
    use super::*;

    #[test]
    fn an_index_of_records_is_made_anew_whatever_stands_in_it() {
        let sandbox = shop();
        sandbox.push(&["origin", "main"]).ends_with(0);
        let index = sandbox.shop().join(".git/proof-gate/index");
        let whole = fs::read(&index).unwrap();
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        };
        for bytes in [
            Vec::new(),
            vec![0; 4096],
            whole[..whole.len() / 2].to_vec(),
            flipped(3),
            flipped(40),
            flipped(whole.len() - 9),
        ] {
            fs::write(&index, bytes).unwrap();
            sandbox.proof_gate(&["status"]).ends_with(0).says("PASS");
            sandbox.pushes(&["origin", "main"], &[]);
        }
        fs::remove_file(&index).unwrap();
        fs::create_dir(&index).unwrap();
        let ran = sandbox.proof_gate(&["status"]);
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    }

    #[test]
    fn a_log_ref_that_points_to_nothing() {
        for points_at in ["1111111111111111111111111111111111111111\n", "nonsense\n", ""] {
            let sandbox = shop();
            let log = sandbox.git_ok(&["for-each-ref", "--format=%(refname)", "refs/proof/log/"]);
            let file = sandbox.shop().join(".git").join(log.trim_end());
            let remote = sandbox.remote_ref("refs/heads/main");
            let ran = damaged(&file, |file| fs::write(file, points_at).unwrap(), || sandbox.push(&["origin", "main"]));
            assert!(!ran.stderr.contains("panicked"), "{ran:?}");
            if ran.code != 0 {
                assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("refs/proof/log"), "{points_at}: {ran:?}");
                assert_eq!(sandbox.remote_ref("refs/heads/main"), remote);
            }
            sandbox.push(&["origin", "main"]).ends_with(0);
        }
    }

    #[test]
    fn a_journal() {
        for journal in ["", "{", "nonsense", "{\"format\":1,\"what\":2}", "{\"format\":99}", "\0\0\0\0"] {
            check(&shop(), &["journal.json", "a proof that was killed"], |sandbox| {
                let file = sandbox.shop().join(".git/proof-gate/journal.json");
                fs::write(&file, journal).unwrap();
                let ran = sandbox.push(&["origin", "main"]);
                fs::remove_file(&file).unwrap();
                ran
            });
        }
    }

    #[test]
    fn pins_that_a_killed_proof_left_go_with_the_next() {
        let sandbox = shop();
        sandbox.git_ok(&["update-ref", "refs/proof/pins/0123456789abcdef", "main"]);
        sandbox.write(".git/proof-gate/pins/0123456789abcdef", "");
        sandbox.write(".git/proof-gate/pins/fedcba9876543210", "");
        sandbox.push(&["origin", "main"]).ends_with(0);
        assert_eq!(sandbox.git_ok(&["for-each-ref", "refs/proof/pins/"]), "");
        assert!(!sandbox.shop().join(".git/proof-gate/pins").exists());
    }

    #[test]
    fn evidence_that_was_removed_takes_no_verdict_away_and_is_said_to_be_gone() {
        let sandbox = shop();
        sandbox.push(&["origin", "main"]).ends_with(0);
        fs::remove_dir_all(sandbox.shop().join(".git/proof-gate/evidence")).unwrap();
        sandbox.pushes(&["origin", "main:release/1"], &[]);
        sandbox.proof_gate(&["show", "main"]).ends_with(0).says("PASS").says("not here: removed");
    }
}

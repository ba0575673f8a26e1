//! Faults of the machine around a proof. Whatever is wrong: no PASS, a cause, a next step, and everything as it was.

use std::fs;

use crate::support::{Fingerprint, Ran, Sandbox};

/// A shop with one record, and a commit on top that nothing is recorded of.
pub fn shop() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(0);
    sandbox.write("src/bookings/book.js", "book once\n");
    sandbox.commit("Book once");
    sandbox
}

pub fn records(sandbox: &Sandbox) -> String {
    sandbox.git_ok(&["log", "--topo-order", "--format=%H %s", "--glob=refs/proof/log/*"])
}

pub fn workspaces(sandbox: &Sandbox) -> usize {
    let folders = fs::read_dir(sandbox.root().join("cache/proof-gate/work")).into_iter().flatten().flatten();
    folders.filter(|entry| entry.path().is_dir()).count()
}

/// Meets a fault with a push of main, which must not get through, and demands these words.
#[track_caller]
pub fn check(sandbox: &Sandbox, words: &[&str], fault: impl FnOnce(&Sandbox) -> Ran) {
    let (records_before, before) = (records(sandbox), Fingerprint::of(sandbox));
    let remote = sandbox.remote_ref("refs/heads/main");
    let ran = fault(sandbox);
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(said.contains(word), "nobody says '{word}':\n{said}");
    }
    assert!(said.contains("hint: "), "no next step is named:\n{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), remote);
    assert_eq!(Fingerprint::of(sandbox), before);
    assert_eq!(records(sandbox), records_before);
    assert_eq!(workspaces(sandbox), 0);
    sandbox.proof_gate(&["status"]).ends_with(0);
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert!(records(sandbox).ends_with(&records_before));
}

/// A `git` of these lines in front of the real one, whose path is `$REAL`.
pub fn with_git(sandbox: &Sandbox, lines: &str, args: &[&str]) -> Ran {
    let real = which::which("git").unwrap();
    let script = format!("#!/bin/sh\nREAL='{}'\n{lines}\n", real.display());
    sandbox.write_executable("fake/git", script);
    let program = format!("'{}'", env!("CARGO_BIN_EXE_proof-gate"));
    let fake = sandbox.root().join("fake");
    sandbox.sh(&format!("PATH='{}':$PATH; exec {program} {}", fake.display(), args.join(" ")))
}

#[test]
fn a_missing_git() {
    check(&shop(), &["cannot find git"], |sandbox| {
        sandbox.sh(&format!("PATH=/nowhere; exec '{}' run", env!("CARGO_BIN_EXE_proof-gate")))
    });
}

#[test]
fn a_git_that_is_too_old() {
    let old = "case \"$*\" in *--path-format*) echo 'fatal: unknown option: --path-format' >&2; exit 129;; esac\nexec \"$REAL\" \"$@\"";
    check(&shop(), &["git"], |sandbox| with_git(sandbox, old, &["run"]));
}

#[test]
fn a_git_that_hangs() {
    check(&shop(), &["git rev-parse gave no answer within 20 s", "hint:  try it by hand"], |sandbox| {
        with_git(sandbox, "exec sleep 300", &["run"])
    });
}

#[test]
fn a_git_that_talks_nonsense() {
    for nonsense in [
        "echo nonsense",
        "head -c 100000 /dev/urandom",
        "exit 0",
        "exit 77",
        "kill -9 $$",
        "\"$REAL\" \"$@\"; echo and more",
        "\"$REAL\" \"$@\" | head -c 20",
    ] {
        check(&shop(), &[], |sandbox| with_git(sandbox, nonsense, &["run"]));
    }
}

#[test]
fn a_git_that_talks_nonsense_in_the_middle_of_a_proof() {
    let sandbox = shop();
    for verb in ["read-tree", "checkout-index", "config", "for-each-ref", "update-ref", "index-pack", "var"] {
        for answer in ["echo nonsense", "exit 0", "kill -9 $$"] {
            let meddle = format!("for arg; do [ \"$arg\" = {verb} ] && {{ {answer}; exit; }}; done");
            let before = records(&sandbox);
            let ran = with_git(&sandbox, &format!("{meddle}\nexec \"$REAL\" \"$@\""), &["run", "--suite", "booking"]);
            // Either git was not asked that, or there is no proof; and never half a record.
            let recorded = records(&sandbox).lines().count() - before.lines().count();
            assert_eq!(recorded, usize::from(ran.code == 0), "{verb}: {answer}: {ran:?}");
            assert!(records(&sandbox).ends_with(&before), "{verb}: {answer}");
            assert!(ran.code == 0 || ran.stderr.contains("error: "), "{verb}: {answer}: {ran:?}");
            assert!(!ran.stderr.contains("panicked"), "{verb}: {answer}: {ran:?}");
            assert_eq!(workspaces(&sandbox), 0, "{verb}: {answer}");
        }
    }
    sandbox.push(&["origin", "main"]).ends_with(0);
}

#[test]
fn no_home_is_no_obstacle() {
    let mut sandbox = shop();
    sandbox.unset("HOME");
    sandbox.unset("XDG_CACHE_HOME");
    sandbox.push(&["origin", "main"]).ends_with(0);
}

#[test]
fn a_home_that_cannot_be_written_is_no_obstacle() {
    let mut sandbox = shop();
    sandbox.set("HOME", "/proc/nowhere");
    sandbox.push(&["origin", "main"]).ends_with(0);
}

#[test]
fn a_user_whom_git_knows_by_no_name() {
    let sandbox = shop();
    let config = sandbox.root().join("home/.gitconfig");
    let named = fs::read(&config).unwrap();
    check(&sandbox, &["user.name"], |sandbox| {
        fs::write(&config, "[user]\n\tuseConfigOnly = true\n").unwrap();
        let ran = sandbox.push(&["origin", "main"]);
        fs::write(&config, &named).unwrap();
        ran
    });
}

#[test]
fn every_limit_of_open_files_is_met_by_a_proof_or_by_none() {
    let sandbox = shop();
    let gate = env!("CARGO_BIN_EXE_proof-gate");
    let mut ends = Vec::new();
    for limit in [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 24, 32, 64, 255, 256] {
        let before = records(&sandbox);
        let ran = sandbox.sh(&format!("ulimit -n {limit}; exec '{gate}' run --suite booking"));
        assert!(!ran.stderr.contains("panicked"), "{limit}: {ran:?}");
        let recorded = records(&sandbox).lines().count() - before.lines().count();
        assert_eq!(recorded, usize::from(ran.code == 0), "{limit}: {ran:?}");
        assert!(records(&sandbox).ends_with(&before), "{limit}");
        assert!(ran.code == 0 || ran.stderr.contains("hint: ") || limit < 16, "{limit}: {ran:?}");
        ends.push(ran.code);
    }
    assert_eq!((ends[0] == 0, ends.last()), (false, Some(&0)), "{ends:?}");
    assert_eq!(workspaces(&sandbox), 0);
}

#[test]
fn files_that_may_not_grow_are_no_proof_and_said_so() {
    let gate = env!("CARGO_BIN_EXE_proof-gate");
    let sandbox = shop();
    // In units of 512 bytes. None: nothing can be written at all.
    for blocks in [0, 1, 2, 4, 8] {
        let before = records(&sandbox);
        let ran = sandbox.sh(&format!("ulimit -f {blocks}; exec '{gate}' run --suite booking"));
        let recorded = records(&sandbox).lines().count() - before.lines().count();
        assert_eq!(recorded, usize::from(ran.code == 0), "{blocks}: {ran:?}");
        assert!(records(&sandbox).ends_with(&before), "{blocks}");
        // Ended by itself, not by SIGXFSZ.
        assert!(matches!(ran.code, 0 | 2), "{blocks}: {ran:?}");
        assert!(
            ran.code == 0 || (ran.stderr.contains("error: ") && ran.stderr.contains("hint: ")),
            "{blocks}: {ran:?}"
        );
        assert!(!ran.stderr.contains("panicked"), "{blocks}: {ran:?}");
        assert_eq!(workspaces(&sandbox), 0, "{blocks}");
    }
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert_eq!(workspaces(&sandbox), 0);
}

#[test]
fn a_suite_meets_the_limit_of_file_sizes_as_it_would_by_hand() {
    let sandbox = shop();
    sandbox.write("suite.sh", "grep ^SigIgn /proc/self/status >\"${SUITE_RUNS%/*}/ignored\"; exit 1\n");
    sandbox.commit("Look at the signals");
    sandbox.proof_gate(&["run", "--suite", "booking"]).ends_with(1);
    let ignored = fs::read_to_string(sandbox.root().join("ignored")).unwrap();
    let ignored = u64::from_str_radix(ignored.split_whitespace().last().unwrap(), 16).unwrap();
    // Bit 24 of signal 25.
    assert_eq!(ignored >> 24 & 1, 0, "SIGXFSZ is ignored: {ignored:x}");
}

#[test]
fn a_clock_that_is_a_year_off_and_odd_locales_change_nothing() {
    for (name, value) in
        [("LC_ALL", "tr_TR.UTF-8"), ("LC_ALL", "C"), ("TERM", ""), ("COLUMNS", "1"), ("TZ", "Pacific/Apia")]
    {
        let mut sandbox = shop();
        sandbox.set(name, value);
        sandbox.push(&["origin", "main"]).ends_with(0);
    }
}

#[test]
fn the_umask_of_the_user_opens_nothing_of_the_gate() {
    let sandbox = shop();
    sandbox.sh("umask 000; git push origin main").ends_with(0);
    let open =
        sandbox.sh("find .git/proof-gate ../cache/proof-gate -perm /077 ! -type l | head -5").ends_with(0).stdout;
    assert_eq!(open, "");
}

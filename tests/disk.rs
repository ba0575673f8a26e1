//! Disks that are full, read-only or in the wrong place. Whatever is wrong: no PASS, a cause, a next step, and everything as it was.

use std::fs;
use std::os::unix::fs::symlink;

use crate::faults::{check, records, shop, workspaces};
use crate::support::{Fingerprint, Left, Ran, SHOP_POLICY, Sandbox};

/// A proof of one suite, then what the disk has no room for.
const RUN: &str = "exec proof-gate run main --suite booking";

/// A shop whose suite and `prepare` are these scripts.
fn shop_with(prepare: &str, suite: &str) -> Sandbox {
    let sandbox = shop();
    let (head, _) = SHOP_POLICY.split_once("[suites.full]").unwrap();
    let policy = head.replace("[proof]\n", "[proof]\nprepare = [[\"sh\", \"-e\", \"prepare.sh\"]]\n");
    sandbox.with_policy(&format!(
        "{policy}[suites.booking]\nrun = [\"sh\", \"-e\", \"booking.sh\"]\nreport = \"exit-code\"\nflaky = \"unobservable\"\ndefault = true\n"
    ));
    sandbox.write("prepare.sh", prepare);
    sandbox.write("booking.sh", suite);
    sandbox.commit("Say how it is tested");
    sandbox
}

/// A proof at each of these points: a whole record, or none and a reason. How each ended.
#[track_caller]
fn sweep(sandbox: &Sandbox, points: &[u32], fault: impl Fn(u32) -> Ran) -> Vec<i32> {
    let mut ends = Vec::new();
    for point in points {
        let (records_before, before) = (records(sandbox), Fingerprint::of(sandbox));
        let ran = fault(*point);
        let recorded = records(sandbox).lines().count() - records_before.lines().count();
        assert_eq!(recorded, usize::from(ran.code == 0), "{point}: {ran:?}");
        assert!(records(sandbox).ends_with(&records_before), "{point}");
        assert!(ran.code == 0 || ran.stderr.contains("the disk is full"), "{point}: {ran:?}");
        assert!(ran.code == 0 || ran.stderr.contains("hint: "), "{point}: {ran:?}");
        assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains("FAIL"), "{point}: {ran:?}");
        assert!(!ran.stderr.contains("was killed"), "a proof that ended is taken for a killed one at {point}: {ran:?}");
        assert_eq!(Fingerprint::of(sandbox), before, "{point}");
        assert_eq!(workspaces(sandbox), 0, "{point}");
        ends.push(ran.code);
    }
    sandbox.push(&["origin", "main"]).ends_with(0);
    // The two locks of the gate's own are kernel locks on files that stay.
    let left = "find .git -name '*.lock' ! -path '.git/proof-gate/*' -o -name '.tmp*' -o -name 'tmp_*' -o -path '.git/proof-gate/pack-*'";
    let left = sandbox.sh(left).ends_with(0);
    assert_eq!(left.stdout, "");
    ends
}

/// Lines of sh that mount something of these options over the places that come after the user's own.
fn over_other_places(options: &str) -> String {
    format!(
        "for place in /var/tmp /tmp; do place=$place/proof-gate-$(id -u); mkdir -p -m 0700 $place\n\
         mount -t tmpfs -o {options} tmpfs $place; done"
    )
}

mod full {
    use super::*;

    #[test]
    fn a_git_directory_that_fills_up_at_any_point_of_a_proof() {
        let sandbox = shop();
        let points = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 512];
        let ends = sweep(&sandbox, &points, |kib| sandbox.with_full_git_dir(Left::Kib(kib), RUN));
        assert_eq!((ends[0], ends[2], ends.last()), (2, 2, Some(&0)), "{ends:?}");
    }

    #[test]
    fn a_git_directory_without_inodes_at_any_point_of_a_proof() {
        let sandbox = shop();
        let points = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 40];
        let ends = sweep(&sandbox, &points, |files| sandbox.with_full_git_dir(Left::Files(files), RUN));
        assert_eq!((ends[0], ends[4], ends.last()), (2, 2, Some(&0)), "{ends:?}");
    }

    #[test]
    fn a_suite_that_fails_while_the_git_directory_is_full_is_no_proof_and_a_fail_once_there_is_room() {
        let sandbox = shop();
        sandbox.commit_file("src/bookings/book.js", "BUG\n");
        let before = records(&sandbox);
        for kib in [12, 64] {
            let ran = sandbox.with_full_git_dir(Left::Kib(kib), RUN).ends_with(2).says("the disk is full");
            assert!(!ran.stderr.contains("FAIL") && !ran.stderr.contains("recorded as"), "{ran:?}");
        }
        assert_eq!(records(&sandbox), before);
        sandbox.push(&["origin", "main"]).ends_with(1).says("TEST_FAILED");
    }

    #[test]
    fn a_proof_that_fills_the_git_directory_takes_its_logs_with_it_and_the_next_one_works() {
        let sandbox = shop_with("true", "test -e ${SUITE_RUNS%/*}/quiet || head -c 3M /dev/urandom | base64\n");
        let run = "proof-gate run main --suite booking";
        let script = format!(
            "{run}; echo $? >../first; ls .git/proof-gate/evidence | grep -v sha256 >../kept; : >../quiet; exec {run}"
        );
        fs::create_dir_all(sandbox.git_dir().join("proof-gate/evidence")).unwrap();
        let ran = sandbox.with_full_git_dir(Left::Kib(600), &script).ends_with(0).says("recorded as");
        let ran =
            ran.says("the half-written logs of this proof were removed").says("logs of old proofs may be removed");
        assert!(!ran.stderr.contains("XDG_CACHE_HOME"), "it would not help: {}", ran.stderr);
        let told = |name: &str| fs::read_to_string(sandbox.root().join(name)).unwrap();
        assert_eq!(told("first"), "2\n");
        assert_eq!(told("kept").lines().count(), 1, "the first push's, and not those of the proof without a record");
    }

    #[test]
    fn a_push_through_the_hook_is_refused_and_a_recorded_pass_needs_no_room() {
        let sandbox = shop();
        check(&sandbox, &["the disk is full", "failed to push"], |sandbox| {
            sandbox.with_full_git_dir(Left::Kib(4), "exec git push origin main")
        });
        let ran = sandbox.with_full_git_dir(Left::Kib(0), "exec git push origin main:refs/heads/release/1");
        ran.ends_with(0);
    }

    #[test]
    fn a_workspace_place_that_is_too_small() {
        check(&shop(), &["no room", "XDG_CACHE_HOME"], |sandbox| {
            let mounts =
                format!("{}; mount -t tmpfs -o size=1m tmpfs \"$XDG_CACHE_HOME\"", over_other_places("size=1m"));
            sandbox.confined(&mounts, "exec git push origin main")
        });
    }

    #[test]
    fn a_workspace_place_that_fills_up_while_a_suite_or_prepare_writes_is_no_proof_and_no_fail() {
        for (options, fill) in [
            ("size=80m", "head -c 200M /dev/zero >$TMPDIR/big"),
            ("size=80m,nr_inodes=1500", "cd $TMPDIR; seq 3000 | xargs touch"),
        ] {
            for (prepare, suite) in [(fill, "true"), ("true", fill)] {
                let sandbox = shop_with(&format!("test -e \"$PWD.not\" || {prepare}\n"), &format!("{suite}\n"));
                let (records_before, before) = (records(&sandbox), Fingerprint::of(&sandbox));
                let mount = format!("mount -t tmpfs -o {options} tmpfs \"$XDG_CACHE_HOME\"");
                let ran = sandbox.confined(&mount, "exec proof-gate run main").ends_with(2);
                let ran = ran.says("the disk is full").says("hint: ");
                assert!(!ran.stderr.contains("FAIL") && !ran.stderr.contains("panicked"), "{ran:?}");
                assert_eq!((records(&sandbox), Fingerprint::of(&sandbox)), (records_before, before));
            }
        }
    }

    #[test]
    fn a_full_tmpdir_is_no_obstacle_for_nothing_is_written_there() {
        let sandbox = shop();
        let full =
            "mount -t tmpfs -o size=4k,nr_inodes=2 tmpfs \"$TMPDIR\"; head -c 4096 /dev/zero >\"$TMPDIR/filler\"";
        sandbox.confined(full, "exec git push origin main").ends_with(0);
    }
}

#[test]
fn what_a_suite_mounts_in_its_workspace_and_leaves_is_named_and_nothing_in_it_is_removed() {
    let mounts = "test -e ${SUITE_RUNS%/*}/quiet || { mount --bind ${SUITE_RUNS%/*}/precious $TMPDIR; }\n";
    let sandbox = shop_with("true", mounts);
    fs::create_dir(sandbox.root().join("precious")).unwrap();
    fs::write(sandbox.root().join("precious/photo"), "").unwrap();
    let script = "proof-gate run main --suite booking 2>../first; proof-gate doctor >../doctor\n\
                  umount $(sed -n 's/.*umount //p' ../first); : >../quiet; exec proof-gate run main --suite booking";
    let ran = sandbox.confined("true", script).ends_with(0);
    let told = |name: &str| fs::read_to_string(sandbox.root().join(name)).unwrap();
    assert!(told("first").contains("a suite left a file system mounted in it"), "{}", told("first"));
    assert!(told("doctor").contains("umount "), "{}", told("doctor"));
    assert!(!ran.stderr.contains("umount"), "{ran:?}");
    assert!(sandbox.root().join("precious/photo").exists());
    assert_eq!(workspaces(&sandbox), 0);
}

mod read_only {
    use super::*;

    #[test]
    fn a_git_directory() {
        check(&shop(), &["Read-only file system", ".git/proof-gate"], |sandbox| {
            sandbox.confined("mount --bind .git .git; mount -o remount,ro,bind .git", "exec git push origin main")
        });
    }

    #[test]
    fn a_git_directory_still_answers_look_ups() {
        let sandbox = shop();
        let read_only = "mount --bind .git .git; mount -o remount,ro,bind .git";
        for command in ["status", "plan", "explain main", "show main~1", "doctor --help"] {
            sandbox.confined(read_only, &format!("exec proof-gate {command}")).ends_with(0);
        }
    }

    #[test]
    fn a_folder_of_hooks_is_no_obstacle_for_a_push_and_one_for_install() {
        let sandbox = shop();
        let read_only = "mkdir -p .git/hooks; mount --bind .git/hooks .git/hooks; mount -o remount,ro,bind .git/hooks";
        let hook = fs::read(sandbox.hook()).unwrap();
        let ran = sandbox.confined(read_only, "proof-gate uninstall");
        assert_ne!(ran.code, 0, "{ran:?}");
        ran.says("Read-only file system").says("hint: ");
        assert_eq!(fs::read(sandbox.hook()).unwrap(), hook);
        sandbox.confined(read_only, "exec git push origin main").ends_with(0);
        sandbox.proof_gate(&["uninstall"]).ends_with(0);
        let ran = sandbox.confined(read_only, "proof-gate install");
        assert_ne!(ran.code, 0, "{ran:?}");
        ran.says("Read-only file system").says("hint: ");
        assert!(!sandbox.hook().exists());
        sandbox.install();
    }

    #[test]
    fn a_tmpdir_or_one_on_another_device_is_no_obstacle() {
        for options in ["ro", "size=1m"] {
            let sandbox = shop();
            sandbox
                .confined(&format!("mount -t tmpfs -o {options} tmpfs \"$TMPDIR\""), "exec git push origin main")
                .ends_with(0);
        }
    }

    #[test]
    fn a_workspace_place_that_is_read_only_or_noexec_is_passed_over_for_the_next() {
        for options in ["ro", "noexec"] {
            let sandbox = shop();
            let next = over_other_places("size=200m");
            let mounts = format!("{next}; mount -t tmpfs -o {options} tmpfs \"$XDG_CACHE_HOME\"");
            sandbox.confined(&mounts, "exec git push origin main").ends_with(0);
            assert_eq!(fs::read_dir(sandbox.root().join("cache")).unwrap().count(), 1, "only what the first push made");
        }
    }
}

mod places {
    use super::*;

    #[track_caller]
    fn is_refused(spoil: impl FnOnce(&mut Sandbox), words: &[&str]) {
        let mut sandbox = shop();
        let cache = sandbox.root().join("cache").display().to_string();
        spoil(&mut sandbox);
        let before = records(&sandbox);
        let ran = sandbox.confined(&over_other_places("ro"), "exec git push origin main");
        assert_ne!(ran.code, 0, "{ran:?}");
        for word in words.iter().chain(&["cannot make a workspace", "XDG_CACHE_HOME", "hint: "]) {
            assert!(ran.stderr.contains(word), "nobody says '{word}': {}", ran.stderr);
        }
        assert_eq!(records(&sandbox), before);
        sandbox.set("XDG_CACHE_HOME", &format!("{cache}-2"));
        sandbox.confined(&over_other_places("ro"), "exec git push origin main").ends_with(0);
    }

    #[test]
    fn a_file_in_its_place_is_named_with_what_is_wrong_with_the_others() {
        is_refused(
            |sandbox| {
                let cache = sandbox.root().join("cache/proof-gate/work");
                fs::remove_dir_all(&cache).unwrap();
                fs::write(&cache, "").unwrap();
            },
            &["File exists", "it is read-only"],
        );
    }

    #[test]
    fn one_below_a_project() {
        is_refused(
            |sandbox| fs::write(sandbox.root().join("cache/package.json"), "{}").unwrap(),
            &["it lies below", "cache/package.json"],
        );
    }

    #[test]
    fn one_that_is_a_symbolic_link() {
        is_refused(
            |sandbox| {
                let work = sandbox.root().join("cache/proof-gate/work");
                fs::rename(&work, sandbox.root().join("elsewhere")).unwrap();
                symlink(sandbox.root().join("elsewhere"), &work).unwrap();
            },
            &["it is no folder"],
        );
    }

    #[test]
    fn one_that_belongs_to_somebody_else() {
        if !rustix::process::geteuid().is_root() {
            // Only root may give a folder away; what nobody owns stands for it.
            return is_refused(|sandbox| sandbox.set("XDG_CACHE_HOME", "/proc"), &["proof-gate/work"]);
        }
        is_refused(
            |sandbox| {
                let work = sandbox.root().join("cache/proof-gate/work");
                std::os::unix::fs::chown(work, Some(54321), Some(54321)).unwrap();
            },
            &["it belongs to somebody else"],
        );
    }
}

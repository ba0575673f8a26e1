//! A machine that gives too little, and users whom it does not know. No PASS that is not whole, no hang, no panic, and a way on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use crate::faults::{check, records, shop, with_git, workspaces};
use crate::support::{Fingerprint, Ran, Sandbox};

/// A proof of one suite.
const RUN: &str = "proof-gate run main --suite booking";

/// No proof of the shop takes longer, whatever fails.
const PATIENCE: Duration = Duration::from_secs(25);

/// One run under a fault: a whole record or none, no panic, no hang, the user's repository as it was.
#[track_caller]
fn is_whole_or_nothing(sandbox: &Sandbox, fault: &str, run: impl FnOnce() -> Ran) -> i32 {
    let (records_before, before, began) = (records(sandbox), Fingerprint::of(sandbox), Instant::now());
    let ran = run();
    assert!(began.elapsed() < PATIENCE, "{fault}: {:?}", began.elapsed());
    let after = records(sandbox);
    assert!(after.ends_with(&records_before), "{fault}: earlier records are gone: {ran:?}");
    let made: Vec<&str> = after[..after.len() - records_before.len()].lines().collect();
    let passes = made.iter().filter(|record| record.contains(" PASS booking ")).count();
    let fails = made.iter().filter(|record| record.contains(" FAIL booking ")).count();
    assert!(made.len() <= 1 && made.len() == passes + fails, "{fault}: {made:?}: {ran:?}");
    match ran.code {
        0 => assert_eq!(passes, 1, "{fault}: {ran:?}"),
        1 => assert_eq!(fails, 1, "{fault}: {ran:?}"),
        // Not known to be durable is not recorded, even where it turns out to be there.
        _ => {}
    }
    assert!(!ran.stderr.contains("panicked"), "{fault}: {ran:?}");
    assert_eq!(Fingerprint::of(sandbox), before, "{fault}");
    ran.code
}

mod users {
    use super::*;

    /// Runs a script in the shop as a user without an entry in passwd, who owns everything there.
    fn as_nobody_known(sandbox: &Sandbox, uid: u32, script: &str) -> Ran {
        let root = sandbox.root().display().to_string();
        if !rustix::process::geteuid().is_root() {
            return sandbox.sh(&format!("exec unshare --user --map-user={uid} sh -c '{script}'"));
        }
        let me = fs::metadata(sandbox.root()).map(|root| (root.permissions(), root)).unwrap();
        sandbox.sh(&format!("chown -R {uid}:{uid} '{root}'")).ends_with(0);
        let ran = sandbox.sh(&format!("exec setpriv --reuid={uid} --regid={uid} --clear-groups sh -c '{script}'"));
        sandbox.sh(&format!("chown -R 0:0 '{root}'")).ends_with(0);
        fs::set_permissions(sandbox.root(), me.0).unwrap();
        ran
    }

    #[test]
    fn without_an_entry_in_passwd_a_proof_works_with_and_without_home() {
        as_nobody_known(&shop(), 54321, "exec git push origin main").ends_with(0);
        as_nobody_known(&shop(), 54321, "unset HOME XDG_CACHE_HOME; exec git push origin main").ends_with(0);
    }

    #[test]
    fn without_an_entry_in_passwd_and_without_a_name_in_git_the_way_on_is_a_name() {
        check(&shop(), &["cannot tell who records", "git config --global user.name"], |sandbox| {
            as_nobody_known(sandbox, 54322, "GIT_CONFIG_GLOBAL=/dev/null exec proof-gate run main")
        });
    }

    #[test]
    fn a_repository_of_somebody_elses_stays_refused_in_gits_words() {
        if !rustix::process::geteuid().is_root() {
            // Only root may give a repository away; git's words for it stand in for that.
            let words = "echo \"fatal: detected dubious ownership in repository at '/shop'\" >&2; exit 128";
            check(&shop(), &["dubious ownership", "safe.directory"], |sandbox| with_git(sandbox, words, &["run"]));
            return;
        }
        check(&shop(), &["dubious ownership", "safe.directory"], |sandbox| {
            let root = sandbox.root();
            fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
            let ran = sandbox.sh("exec setpriv --reuid=54323 --regid=54323 --clear-groups proof-gate run main");
            fs::set_permissions(root, fs::Permissions::from_mode(0o700)).unwrap();
            ran
        });
    }

    #[test]
    fn a_system_that_starts_no_more_processes() {
        let sandbox = shop();
        let ends: Vec<i32> = [1, 2, 3, 4, 5, 6, 8, 10, 12, 200]
            .into_iter()
            .map(|limit| {
                is_whole_or_nothing(&sandbox, &format!("{limit} processes"), || {
                    as_nobody_known(&sandbox, 54324, &format!("exec prlimit --nproc={limit}:{limit} {RUN}"))
                })
            })
            .collect();
        assert!(ends[0] != 0 && ends.last() == Some(&0), "{ends:?}");
        sandbox.push(&["origin", "main"]).ends_with(0);
        assert_eq!(workspaces(&sandbox), 0);
    }
}

#[test]
fn too_little_memory() {
    let sandbox = shop();
    let ends: Vec<i32> = [8, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 4096]
        .into_iter()
        .map(|mebibytes| {
            is_whole_or_nothing(&sandbox, &format!("{mebibytes} MiB"), || {
                sandbox.sh(&format!("ulimit -v {}; exec {RUN}", mebibytes << 10))
            })
        })
        .collect();
    assert!(ends[0] != 0 && ends.last() == Some(&0), "{ends:?}");
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert_eq!(workspaces(&sandbox), 0);
}

mod failing_calls {
    use super::*;

    /// Runs a proof of which the n-th call of these fails, in each of its processes where `all` says so.
    fn inject(sandbox: &Sandbox, all: bool, calls: &str, error: &str, when: u32) -> Ran {
        let follow = if all { "-f" } else { "" };
        let log = sandbox.root().join("strace");
        let ran = sandbox.sh(&format!(
            "exec strace {follow} -qq -o '{}' -e trace={calls} -e signal=none -e inject={calls}:error={error}:when={when} {RUN}",
            log.display()
        ));
        assert!(!ran.stderr.starts_with("strace:"), "this test needs strace and leave to trace: {}", ran.stderr);
        ran
    }

    #[test]
    fn an_error_on_any_write_or_flush_leaves_a_whole_record_or_none() {
        let sandbox = shop();
        let mut met = 0;
        for (all, calls, errors, points) in [
            (false, "write,pwrite64", ["EIO", "ENOSPC"], &[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17][..]),
            (false, "fsync,fdatasync", ["EIO", "EDQUOT"], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 11][..]),
            (true, "fsync,fdatasync", ["EIO", "ENOSPC"], &[1, 2, 3, 4, 5][..]),
            (true, "openat,mkdirat,mkdir", ["ENOSPC", "EROFS"], &[60, 90, 120, 150, 180, 210][..]),
            (true, "rename,renameat,renameat2,link,linkat", ["EROFS", "EDQUOT"], &[1, 2, 3, 4, 5, 6][..]),
        ] {
            for (at, when) in points.iter().enumerate() {
                let error = errors[at % errors.len()];
                let fault = format!("{error} of {calls} {when}");
                let code = is_whole_or_nothing(&sandbox, &fault, || inject(&sandbox, all, calls, error, *when));
                met += usize::from(code != 0);
            }
        }
        assert!(met >= 8, "only {met} of the faults were met");
        sandbox.push(&["origin", "main"]).ends_with(0);
        assert_eq!(workspaces(&sandbox), 0);
    }
}

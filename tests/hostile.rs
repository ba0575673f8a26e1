//! Suites that do the worst at once, pushed through the real hook from a linked work tree; and a user whose git tidies up meanwhile.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::support::{Fingerprint, SCRIPT_POLICY, SHOP_POLICY, Sandbox};

/// Uses git as if this were its own repository, leads it into traps, changes a file behind its back, and leaves processes in twelve ways.
/// `OUTSIDE` is the folder of the sandbox.
const SUITE: &str = r#"
folder=$(mktemp -d) && (cd "$folder" && git init -q && git -c user.name=x -c user.email=x@example.org commit -q --allow-empty -m x) || exit 9
git tag forged || exit 9
git update-index --assume-unchanged src/payments/charge.js || exit 9
touch -r src/payments/charge.js "$folder/times"
printf 'CHARGE\n' >src/payments/charge.js
touch -r "$folder/times" src/payments/charge.js

sleep 300.OUTSIDE &
nohup sleep 300.OUTSIDE >/dev/null 2>&1 &
setsid sleep 300.OUTSIDE &
setsid sh -c 'setsid sleep 300.OUTSIDE & exit'
bash -c 'sleep 300.OUTSIDE & disown; exit'
( (sleep 300.OUTSIDE &) & )
perl -e 'use POSIX; exit if fork; POSIX::setsid(); exit if fork; chdir "/"; POSIX::close($_) for 0..99; exec "sleep", "300.OUTSIDE"'
(cd / && exec setsid sleep 300.OUTSIDE <&- >&- 2>&-) &
env -i "$(command -v setsid)" "$(command -v sleep)" 300.OUTSIDE &
bash -c 'exec -a "[kworker/0:1]" sleep 300.OUTSIDE' &
(trap '' TERM HUP INT QUIT; exec setsid sleep 300.OUTSIDE) &
sleep 300.OUTSIDE & stopped=$!
kill -STOP "$stopped"

mkdir -p .git/trap
for hook in post-checkout post-index-change reference-transaction pre-auto-gc; do
	printf '#!/bin/sh\ntouch OUTSIDE/trapped-by-hook\n' >".git/trap/$hook"
	chmod +x ".git/trap/$hook"
done
git config core.hooksPath /dev/null
git config core.hooksPath "$PWD/.git/trap"
git config core.fsmonitor 'touch OUTSIDE/trapped-by-fsmonitor; false'
git config filter.trap.clean 'touch OUTSIDE/trapped-by-clean; cat'
git config filter.trap.smudge 'touch OUTSIDE/trapped-by-smudge; cat'
mkdir -p .git/info .git/objects/info
echo '* filter=trap' >.git/info/attributes
echo OUTSIDE/nowhere >>.git/objects/info/alternates
exit 0
"#;

/// A shop that is pushed from a linked work tree, while the main one is full of work that nobody committed.
fn shop(suite: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.with_policy(SCRIPT_POLICY);
    let root = sandbox.root().to_str().unwrap().to_owned();
    // The marks of processes hold no slash: `sleep` reads a number.
    let mark = format!("300.{}", mark_of(&sandbox));
    sandbox.write("suite.sh", suite.replace("300.OUTSIDE", &mark).replace("OUTSIDE", &root));
    sandbox.commit("Do the worst");
    sandbox.install();
    sandbox.git_ok(&["worktree", "add", "--quiet", "-b", "work", "../linked"]);
    sandbox.write("src/payments/charge.js", "charge once more\n");
    sandbox.git_ok(&["add", "src/payments/charge.js"]);
    sandbox.write("notes.txt", "nobody else has this\n");
    sandbox.work_in("linked");
    sandbox
}

/// Digits that no other sandbox has.
fn mark_of(sandbox: &Sandbox) -> String {
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(sandbox.root()).unwrap());
    format!("{}{inode:012}", std::process::id())
}

/// Processes that bear the sandbox's mark, or whose environment leads into it.
fn running(sandbox: &Sandbox) -> Vec<String> {
    let (mark, root) = (mark_of(sandbox), sandbox.root().to_str().unwrap());
    let read = |path: &std::path::Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).replace('\0', " ");
    let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let known = entries.map(|entry| (read(&entry.join("cmdline")), read(&entry.join("environ"))));
    let found = known.filter(|(line, environment)| line.contains(&mark) || environment.contains(root));
    found.map(|(line, _)| line).collect()
}

#[test]
fn a_suite_that_does_the_worst_in_a_linked_work_tree_harms_nobody_and_is_refused_for_it() {
    let sandbox = shop(SUITE);
    let before = Fingerprint::of(&sandbox);
    let ran = sandbox.push(&["origin", "work:main"]);
    assert_eq!(running(&sandbox), [""; 0]);
    assert_eq!(Fingerprint::of(&sandbox), before, "{}", ran.stderr);
    let ran = ran.ends_with(1).says("LEFTOVER_PROCESSES").says("TREE_CHANGED").says("push refused");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None, "{}", ran.stderr);
    let traps = fs::read_dir(sandbox.root()).unwrap().flatten().map(|entry| entry.file_name());
    let traps: Vec<_> = traps.filter(|name| name.to_string_lossy().starts_with("trapped")).collect();
    assert!(traps.is_empty(), "git was run with what the suite left: {traps:?}");
    let recorded = sandbox.proof_gate(&["show", "HEAD", "--json"]).ends_with(0).stdout;
    assert!(recorded.contains("LEFTOVER_PROCESSES") && recorded.contains("src/payments/charge.js"), "{recorded}");
    // The gate is as closed as it was.
    sandbox.push(&["origin", "work:main"]).ends_with(1).says("push refused");
    sandbox.proof_gate(&["doctor"]).ends_with(0);
}

/// A suite that finds the user's repository by its path: what it does there is named, and the push is refused.
#[track_caller]
fn is_named(from: &str, does: &str, named: &str) {
    let mut sandbox = shop(&format!("{} || exit 9\n", does.replace("SHOP", "OUTSIDE/shop")));
    sandbox.git_ok(&["config", "extensions.worktreeConfig", "true"]);
    sandbox.work_in(from);
    let ran = sandbox.push(&["origin", "work:main"]).ends_with(1).says("REPOSITORY_TOUCHED");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None, "{}", ran.stderr);
    let recorded = sandbox.proof_gate(&["show", "work", "--json"]).ends_with(0).stdout;
    assert!(recorded.contains("REPOSITORY_TOUCHED") && recorded.contains(named), "{named}:\n{recorded}");
}

#[test]
fn a_suite_that_finds_the_users_repository_by_its_path_is_named() {
    is_named("linked", "git -C SHOP config core.hooksPath /dev/null", "/shop/.git/config changed");
    is_named("linked", "git tag forged && git -C SHOP tag forged", "refs/tags/forged appeared");
    is_named("linked", "printf '#!/bin/sh\\n' >SHOP/.git/hooks/post-merge", "/shop/.git/hooks/post-merge appeared");
    is_named("linked", "printf '#!/bin/sh\\nexit 0\\n' >SHOP/.git/hooks/pre-push", "/shop/.git/hooks/pre-push changed");
}

#[test]
fn a_suite_that_disarms_one_work_tree_is_named_from_whichever_it_is_pushed() {
    for from in ["linked", "shop"] {
        let disarm = "git -C OUTSIDE/linked config --worktree core.hooksPath /dev/null";
        is_named(from, disarm, "/shop/.git/worktrees/linked/config.worktree appeared");
    }
}

#[test]
fn git_that_tidies_up_in_a_loop_meanwhile_changes_no_verdict() {
    let policy = SHOP_POLICY.replace("[proof]\n", "[proof]\njobs = 2\ngit = \"history\"\n");
    let mut sandbox = Sandbox::new();
    sandbox.with_policy(&policy);
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    // Reads all that is behind the commit, from the user's objects.
    sandbox.write("suite.sh", suite.replacen("passes=1", "until [ -f \"${SUITE_RUNS%/*}/go\" ]; do sleep 0.05; done\ngit rev-list --objects --all | git cat-file --batch-check >/dev/null || exit 7\ngit fsck --connectivity-only >/dev/null 2>&1 || exit 8\npasses=1", 1));
    sandbox.git_ok(&["config", "core.logAllRefUpdates", "false"]);
    sandbox.commit("Look at everything");
    sandbox.install();
    sandbox.git_ok(&["worktree", "add", "--quiet", "-b", "work", "../linked"]);
    sandbox.work_in("linked");
    let looping = sandbox.root().join("looping");
    // Bounded, so that a test that fails here leaves no loop behind.
    let tidy = "cd ../shop; round=0; while [ -f ../looping ] && [ $((round += 1)) -lt 500 ]; do git gc -q --prune=now; git worktree prune --expire=now; echo >>../rounds; done";
    for (book, code, word) in [("book once\n", 0, "PASS"), ("BUG\n", 1, "FAIL")] {
        sandbox.write("src/bookings/book.js", book);
        let commit = sandbox.commit("Book");
        // Not before: what is committed while a prune is under way can be lost, with no gate anywhere.
        fs::write(&looping, "").unwrap();
        let mut tidying = sandbox.command("sh").args(["-c", tidy]).stderr(Stdio::null()).spawn().unwrap();
        let (ran, go) = (sandbox.suites_run().len(), sandbox.root().join("go"));
        drop(fs::remove_file(&go));
        let push = sandbox.command("git").args(["push", "origin", "work:main"]).stderr(Stdio::piped()).spawn().unwrap();
        // While the suites wait, nothing of the user's leads to what is being proven: a prune would take it.
        while sandbox.suites_run().len() == ran {
            sleep(Duration::from_millis(10));
        }
        sandbox.git_ok(&["update-ref", "refs/heads/work", "HEAD~1"]);
        sleep(Duration::from_millis(400));
        sandbox.git_ok(&["update-ref", "refs/heads/work", &commit]);
        fs::write(&go, "").unwrap();
        let ended = push.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(said.contains(word), "{said}");
        assert_eq!(sandbox.remote_ref("refs/heads/main") == Some(commit), code == 0, "{said}");
        fs::remove_file(&looping).unwrap();
        tidying.wait().unwrap();
    }
    let rounds = fs::read(sandbox.root().join("rounds")).unwrap().len();
    assert!(rounds >= 3, "only {rounds} rounds of tidying");
    assert_eq!(sandbox.git_ok(&["for-each-ref", "refs/proof/pins"]), "");
    sandbox.git_ok(&["fsck", "--no-dangling"]);
    sandbox.proof_gate(&["status"]).ends_with(0);
}

//! What a suite leaves behind reaches no other suite, and what it does to the tree or to the user's repository is found.

use crate::support::{Fingerprint, SHOP_POLICY, Sandbox};

/// A shop of which `main` owes these suites, each a script of sh. They run in the order of their names.
fn shop(suites: &[(&str, &str)], more: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let repository = sandbox.shop();
    sandbox.set("USERS_REPOSITORY", repository.to_str().unwrap());
    let (head, _) = SHOP_POLICY.split_once("[suites.full]").unwrap();
    let mut policy = head
        .replace("\"SUITE_RUNS\"", "\"SUITE_RUNS\", \"USERS_REPOSITORY\"")
        .replace("[proof]\n", &format!("[proof]\n{more}\n"));
    for (name, script) in suites {
        sandbox.write(&format!("{name}.sh"), script);
        policy.push_str(&format!(
            "[suites.{name}]\nrun = [\"sh\", \"-e\", \"{name}.sh\"]\nreport = \"exit-code\"\nflaky = \"unobservable\"\ndefault = true\n"
        ));
    }
    sandbox.with_policy(&policy);
    sandbox.commit("Say how it is tested");
    sandbox.install();
    sandbox
}

mod suites_do_not_meet {
    use super::*;

    #[test]
    fn what_one_suite_writes_anywhere_the_next_does_not_find() {
        let leave = "for place in . src $HOME $TMPDIR $XDG_CONFIG_HOME $XDG_CACHE_HOME $XDG_DATA_HOME $XDG_STATE_HOME \
                     $XDG_RUNTIME_DIR ..; do\n\
                     test ! -e $place/word\necho word >$place/word\nmkdir $place/locked\necho word >$place/locked/word\n\
                     chmod 0500 $place/locked\nmkfifo $place/pipe\nln -s /etc $place/link\ndone\n\
                     test ! -e .git/word && echo word >.git/word && git config user.name Word && git tag word\n";
        let sandbox = shop(&[("a", leave), ("b", leave), ("c", leave)], "");
        sandbox.pushes(&["origin", "main"], &[]);
    }

    #[test]
    fn what_prepare_made_is_there_for_every_suite_and_nobody_can_spoil_it_for_the_next() {
        let prepare = "prepare = [[\"sh\", \"-c\", \"mkdir -p node_modules/lib $HOME/.cfg; echo good >node_modules/lib/index.js; echo good >$HOME/.cfg/file; echo ran >>$SUITE_RUNS\"]]";
        let look = "test $(cat node_modules/lib/index.js) = good\ntest $(cat $HOME/.cfg/file) = good\n";
        let spoil_home = format!("{look}echo bad >$HOME/.cfg/file\n");
        let spoil = format!("{look}echo bad >node_modules/lib/index.js\n");
        let sandbox = shop(
            &[("a", &spoil_home), ("b", &spoil), ("c", &format!("{look}rm -r node_modules\n")), ("d", look)],
            prepare,
        );
        let ran = sandbox.pushes(&["origin", "main"], &["ran", "ran", "ran"]);
        ran.says("a new workspace is prepared: a suite changed node_modules/lib/index.js");
    }

    #[test]
    fn the_workspaces_repository_is_put_back_whole() {
        let look = "test \"$(git log --format=%s)\" = 'proof-gate: the tree that is proven'\n\
                    test -z \"$(git status --porcelain)\"\ntest -z \"$(git tag)\"\n! git config user.name\n";
        let wreck = "git config user.name Word\ngit config user.email w@example.org\ngit tag word\ngit commit -q --allow-empty -m word\nrm .git/index\n";
        let sandbox = shop(
            &[
                ("a", &format!("{look}{wreck}")),
                ("b", &format!("{look}rm -rf .git\n")),
                ("c", &format!("{look}rm -rf .git; ln -s /nowhere .git\n")),
                ("d", look),
            ],
            "",
        );
        sandbox.pushes(&["origin", "main"], &[]);
    }
}

mod package_stores {
    use super::*;

    const USE: &str =
        "case $npm_config_cache in */home/.npm) ;; *) exit 7 ;; esac\ntest ! -e $npm_config_cache/package\n";

    #[test]
    fn fresh_ones_are_empty_and_the_users_stay_as_they_are() {
        let used = format!("{USE}mkdir -p $npm_config_cache\necho x >$npm_config_cache/package\n");
        let sandbox = shop(&[("a", &used), ("b", &used)], "caches = \"fresh\"");
        let store = sandbox.root().join("home/.npm");
        std::fs::create_dir(&store).unwrap();
        std::fs::write(store.join("package"), "of the user\n").unwrap();
        sandbox.pushes(&["origin", "main"], &[]);
        assert_eq!(std::fs::read_to_string(store.join("package")).unwrap(), "of the user\n");
    }

    #[test]
    fn shared_ones_are_the_users() {
        let sandbox = shop(&[("a", "test -f $npm_config_cache/package; test $npm_config_cache != $HOME/.npm")], "");
        let store = sandbox.root().join("home/.npm");
        std::fs::create_dir(&store).unwrap();
        std::fs::write(store.join("package"), "of the user\n").unwrap();
        sandbox.pushes(&["origin", "main"], &[]);
    }
}

mod room {
    use super::*;
    use crate::support::Ran;

    /// Proves `main` where workspaces lie on a file system of their own, so small.
    fn run_on(sandbox: &Sandbox, options: &str) -> Ran {
        let mount = format!("mount -t tmpfs -o {options} tmpfs \"$XDG_CACHE_HOME\"");
        sandbox.confined(&mount, "exec proof-gate run main")
    }

    #[test]
    fn a_suite_that_fails_on_a_full_disk_is_no_proof_and_one_that_fails_beside_it_is_a_fail() {
        let sandbox = shop(&[("a", "head -c 300M /dev/zero >$TMPDIR/big")], "");
        run_on(&sandbox, "size=100m").ends_with(2).says("the disk is full").says("no proof");
        assert_eq!(sandbox.records(), "");
        let sandbox = shop(&[("a", "i=0; while true; do i=$((i+1)); : >$TMPDIR/$i; done")], "");
        run_on(&sandbox, "size=100m,nr_inodes=2000").ends_with(2).says("the disk is full");
        let sandbox = shop(&[("a", "head -c 1M /dev/zero >$TMPDIR/big; false")], "");
        run_on(&sandbox, "size=100m").ends_with(1).says("EXIT_NONZERO");
    }

    #[test]
    fn a_tree_that_is_too_large_is_said_before_it_is_written() {
        let sandbox = shop(&[("a", "true")], "");
        sandbox.write("large", vec![b'x'; 20 << 20]);
        sandbox.commit("Add a large file");
        let ran = run_on(&sandbox, "size=80m").ends_with(2);
        ran.says("no room for a workspace").says("80 MiB are free and 84 MiB are needed").says("XDG_CACHE_HOME");
    }
}

mod a_changed_tree_is_found {
    use super::*;

    #[track_caller]
    fn check(script: &str, words: &str) {
        let sandbox = shop(&[("meddle", script), ("unit", "test \"$(cat src/payments/charge.js)\" = charge")], "");
        let refusal = sandbox.is_refused(&["origin", "main"], &[]).says("TREE_CHANGED").says(words);
        assert!(!format!("{refusal:?}").contains("EXIT_NONZERO"), "{refusal:?}");
    }

    #[test]
    fn whatever_a_suite_does_to_hide_it() {
        let change = "echo evil >src/payments/charge.js";
        check(change, "src/payments/charge.js");
        check(&format!("git update-index --assume-unchanged src/payments/charge.js; {change}"), "charge.js");
        check(&format!("git update-index --skip-worktree src/payments/charge.js; {change}"), "charge.js");
        check(
            &format!(
                "{change}; git config filter.x.clean 'echo charge'; mkdir -p .git/info; echo '* filter=x' >.git/info/attributes"
            ),
            "charge.js",
        );
        check(
            &format!("{change}; rm -rf .git; git init -q; git add .; git -c user.name=x -c user.email=x commit -qm x"),
            "charge.js",
        );
        // Neither do the gate's own git directory and times help.
        check(
            "cd src/payments; touch -r charge.js ../../../tmp/time; echo CHARGE >charge.js; touch -r ../../../tmp/time charge.js; \
             cd ../../../gate.git; rm -f index; mkdir -p info; echo '* filter=x' >info/attributes; printf '[filter \"x\"]\\nsmudge = echo CHARGE\\n' >>config",
            "charge.js",
        );
    }

    #[test]
    fn whatever_is_put_in_a_files_place() {
        check("rm src/payments/charge.js", "it is gone");
        check("rm src/payments/charge.js; mkfifo src/payments/charge.js", "another kind");
        check("mv src/payments/charge.js $TMPDIR/c; ln -s $TMPDIR/c src/payments/charge.js", "another kind");
        check("mv src $TMPDIR/src; ln -s $TMPDIR/src src", "a link to another place");
        check("chmod +x src/payments/charge.js", "executable");
        check("truncate -s 1T src/payments/charge.js", "bytes in place of");
        check("cd ..; rm -rf tree; mkdir tree", "the folder itself was replaced");
        check("cd ..; mv tree home; ln -s home/tree tree", "the folder itself was replaced");
    }
}

mod the_users_repository_is_watched {
    use super::*;

    #[track_caller]
    fn check(script: &str, words: &str) -> Sandbox {
        let sandbox = shop(&[("meddle", script), ("unit", "true")], "");
        let ran = sandbox.push(&["origin", "main"]).ends_with(1);
        ran.says("REPOSITORY_TOUCHED").says(words);
        assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
        sandbox
    }

    #[test]
    fn a_hook_that_is_taken_away_or_changed_refuses_the_push_it_was_called_for() {
        check("rm \"$USERS_REPOSITORY/.git/hooks/pre-push\"", "the hook");
        check("echo exit 0 >\"$USERS_REPOSITORY/.git/hooks/pre-push\"", "the hook");
        check("chmod 0644 \"$USERS_REPOSITORY/.git/hooks/pre-push\"", "the hook");
        check("echo exit 0 >\"$USERS_REPOSITORY/.git/hooks/post-commit\"", "post-commit appeared");
    }

    #[test]
    fn changed_configuration_refuses_the_push_in_whichever_file() {
        check("git -C \"$USERS_REPOSITORY\" config core.hooksPath /dev/null", "the configuration");
        check("printf '[alias]\\nx = y\\n' >>\"$USERS_REPOSITORY/../home/.gitconfig\"", ".gitconfig changed");
        check(
            "git -C \"$USERS_REPOSITORY\" config extensions.worktreeConfig true\n\
             git -C \"$USERS_REPOSITORY\" config --worktree core.hooksPath /dev/null",
            "config.worktree appeared",
        );
    }

    #[test]
    fn configuration_that_git_cannot_read_any_more_refuses_the_push_and_is_named() {
        let sandbox = shop(&[("a", "echo '[core' >>\"$USERS_REPOSITORY/.git/config\""), ("b", "true")], "");
        sandbox.push(&["origin", "main"]).ends_with(1).says("bad config line").says("shop/.git/config");
        assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    }

    #[test]
    fn refs_that_the_workspace_has_too_are_found_and_others_noted() {
        check("git tag forged; git -C \"$USERS_REPOSITORY\" tag forged", "refs/tags/forged appeared");
        check("git push -q \"$USERS_REPOSITORY\" HEAD:refs/heads/here", "refs/heads/here appeared");
        let sandbox = shop(&[("fetch", "git -C \"$USERS_REPOSITORY\" tag somebody-elses"), ("unit", "true")], "");
        sandbox
            .proof_gate(&["run", "main"])
            .ends_with(0)
            .says("changed in the repository while the suite ran: refs/tags/somebody-elses");
    }

    #[test]
    fn what_was_changed_is_changed_once() {
        let before = |sandbox: &Sandbox| Fingerprint::of(sandbox).without(".git/config");
        let sandbox = shop(&[("a", "git -C \"$USERS_REPOSITORY\" config a.b c"), ("b", "true")], "");
        let was = before(&sandbox);
        let ran = sandbox.proof_gate(&["run", "main", "--json"]).ends_with(1);
        assert_eq!(ran.stdout.matches("REPOSITORY_TOUCHED").count(), 1, "{}", ran.stdout);
        assert_eq!(before(&sandbox), was);
    }
}

mod files_are_handed_on {
    use super::*;

    const BOTH: &str =
        "home = [\".npmrc\", \".config/tool/settings\", \".absent\"]\ncopy = [\".env.test\", \"config/local.json\"]";

    const LOOK: &str = "test $(cat $HOME/.npmrc) = //registry.example.org/:_authToken=hunter2\n\
                        test $(cat $XDG_CONFIG_HOME/tool/settings) = hunter3\ntest ! -e $HOME/.absent\n\
                        test $(cat .env.test) = TOKEN=hunter4\ntest $(cat config/local.json) = hunter5\n\
                        test $(stat -c %a .env.test) = 600\ntest $(stat -c %a $HOME/.npmrc) = 600\n";

    fn files() -> [(&'static str, &'static str); 4] {
        [
            ("home/.npmrc", "//registry.example.org/:_authToken=hunter2\n"),
            ("home/.config/tool/settings", "hunter3\n"),
            ("shop/.env.test", "TOKEN=hunter4\n"),
            ("shop/config/local.json", "hunter5\n"),
        ]
    }

    /// A shop with these files, of which those in the work tree are ignored.
    fn shop_with_files(suites: &[(&str, &str)]) -> Sandbox {
        let sandbox = shop(suites, BOTH);
        for (path, content) in files() {
            let path = sandbox.root().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        sandbox.write(".git/info/exclude", ".env.test\nconfig/local.json\n");
        sandbox
    }

    #[test]
    fn every_suite_finds_them_and_prepare_too_and_no_suite_can_spoil_them_for_the_next() {
        let spoil = format!("{LOOK}echo bad >.env.test\nrm -r config\necho bad >$HOME/.npmrc\n");
        let sandbox = shop_with_files(&[("a", &spoil), ("b", LOOK)]);
        sandbox.pushes(&["origin", "main"], &[]);
    }

    #[test]
    fn a_changed_content_is_another_input_and_no_content_is_in_any_record() {
        let sandbox = shop_with_files(&[("a", &format!("{LOOK}false"))]);
        sandbox.proof_gate(&["run", "main"]).ends_with(1);
        let record = |sandbox: &Sandbox| {
            let tips = sandbox.git_ok(&["for-each-ref", "--format=%(objectname)", "refs/proof/log/"]);
            sandbox.git_ok(&["show", &format!("{}:record.json", tips.trim())])
        };
        let first = record(&sandbox);
        for name in ["~/.npmrc", "~/.config/tool/settings", ".env.test", "config/local.json"] {
            assert!(first.contains(&format!("\"name\":\"{name}\"")), "{first}");
        }
        assert!(!first.contains("hunter") && !first.contains(".absent"), "{first}");
        sandbox.write(".env.test", "TOKEN=hunter6\n");
        sandbox.proof_gate(&["run", "main"]).ends_with(1);
        let hash = |record: &str| {
            let (_, behind) = record.split_once("\"name\":\".env.test\"").unwrap();
            let (before, _) = record.split_once("\"name\":\".env.test\"").unwrap();
            format!("{}{}", before.rsplit_once('{').unwrap().1, behind.split_once('}').unwrap().0)
        };
        assert_ne!(hash(&first), hash(&record(&sandbox)));
    }

    #[test]
    fn a_copy_that_is_not_there_or_would_hide_a_file_of_the_commit_is_no_proof_and_says_what_to_do() {
        let sandbox = shop_with_files(&[("a", "true")]);
        std::fs::remove_file(sandbox.shop().join(".env.test")).unwrap();
        let ran = sandbox.is_not_decided(&["origin", "main"]);
        ran.says("cannot copy '.env.test' into the workspace: it is not there").says("make ");
        sandbox.write(".env.test", "TOKEN=hunter4\n");
        sandbox.git_ok(&["add", "--force", ".env.test"]);
        sandbox.commit("Track it");
        sandbox.is_not_decided(&["origin", "main"]).says("cannot copy '.env.test': the commit has a file there");
        sandbox.proof_gate(&["run", "--draft"]).ends_with(0);
    }

    #[test]
    fn a_folder_a_pipe_and_a_huge_file_are_no_files_to_hand_on() {
        let sandbox = shop_with_files(&[("a", "true")]);
        sandbox.sh("rm .env.test; mkdir .env.test").ends_with(0);
        sandbox.is_not_decided(&["origin", "main"]).says("it is no regular file");
        sandbox.sh("rmdir .env.test; mkfifo .env.test").ends_with(0);
        sandbox.proof_gate(&["run", "main"]).ends_with(2).says("it is no regular file");
        sandbox.sh("rm .env.test; truncate -s 1G .env.test").ends_with(0);
        sandbox.proof_gate(&["run", "main"]).ends_with(2).says("it has 1073741824 bytes");
    }

    #[test]
    fn a_bare_repository_has_nothing_to_copy_from() {
        let mut sandbox = shop_with_files(&[("a", "true")]);
        sandbox.git_ok(&["clone", "--quiet", "--bare", ".", "../bare.git"]);
        sandbox.work_in("bare.git");
        sandbox.proof_gate(&["run", "main"]).ends_with(2).says("there is no work tree here to copy from");
    }
}

//! Whole proofs on real repositories, through the library.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proof_gate::caller::Caller;
use proof_gate::error::Result;
use proof_gate::evidence::Noticed;
use proof_gate::evidence::{ReportEvidence, WarningLists};
use proof_gate::git::{Oid, Program, Repository};
use proof_gate::policy;
use proof_gate::prove::{
    Cancel, Event, Invocation, Outcome, Proof, ProofEnd, Request, Source, SuiteJob, Variation, prove,
};

/// A repository, an evidence folder and a place for workspaces.
struct Sandbox {
    root: tempfile::TempDir,
    caller: Caller,
    proof: policy::Proof,
    suites: Vec<(String, String)>,
    timeout: Duration,
    events: Vec<Event>,
}

impl Sandbox {
    fn new() -> Self {
        Self::with_format("sha1")
    }

    fn with_format(format: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = std::env::var_os("PATH").unwrap();
        let variables = [
            ("PATH".into(), path),
            ("HOME".into(), root.path().join("home").into()),
            ("XDG_CACHE_HOME".into(), root.path().join("cache").into()),
            ("GIT_AUTHOR_NAME".into(), "Ana".into()),
            ("GIT_AUTHOR_EMAIL".into(), "ana@example.org".into()),
            ("GIT_COMMITTER_NAME".into(), "Ana".into()),
            ("GIT_COMMITTER_EMAIL".into(), "ana@example.org".into()),
        ]
        .into();
        let directory = root.path().join("repository");
        for folder in ["home", "cache", "repository"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let caller = Caller { variables, directory, program: env!("CARGO_BIN_EXE_proof-gate").into() };
        let proof = policy::Proof {
            prepare: vec![],
            reset: vec![],
            ready: vec![],
            teardown: vec![],
            identity: vec![],
            jobs: 1,
            timeout: Duration::from_secs(60),
            env: policy::Environment::default(),
            home: vec![],
            copy: vec![],
            caches: policy::Caches::Shared,
            git: policy::GitView::Tree,
            filters: vec![],
            workspace: policy::WorkspaceMode::Fresh,
            target: None,
            require_terminal: true,
        };
        let timeout = Duration::from_secs(60);
        let sandbox = Sandbox { root, caller, proof, suites: vec![], timeout, events: vec![] };
        sandbox.git(&["init", "-q", &format!("--object-format={format}")]);
        sandbox
    }

    fn git(&self, args: &[&str]) -> String {
        let program = Program::find(&self.caller).unwrap();
        program.command(&self.caller.directory).args(args).run().unwrap().to_string().trim().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, path: impl AsRef<Path>, content: &str) {
        let path = self.caller.directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn commit(&self) -> Oid {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        self.git(&["rev-parse", "HEAD^{tree}"]).parse().unwrap()
    }

    fn suite(mut self, name: &str, script: &str) -> Self {
        self.suites.push((name.to_owned(), script.to_owned()));
        self
    }

    fn prove(&mut self, source: Source) -> Result<Proof> {
        self.prove_until(source, &Cancel::never(), |_| false)
    }

    /// Raises `cancel` at the first event that `until` takes.
    fn prove_until(&mut self, source: Source, cancel: &Cancel, until: fn(&Event) -> bool) -> Result<Proof> {
        let suites = self.suites.iter().map(|(name, script)| {
            let argv: Vec<String> = ["sh", "-c", script].map(str::to_owned).into();
            let shown = argv.clone();
            SuiteJob {
                name: name.clone(),
                suite: name.clone(),
                variation: Variation::default(),
                argv: shown,
                timeout: self.timeout,
                environment: policy::Environment::default(),
                read: Box::new(|_, _, _| ReportEvidence::NotAsked),
                warnings: WarningLists::default(),
                recipe: Box::new(move |_| Invocation { argv: argv.clone(), ..Invocation::default() }),
                last_time: None,
                exclusive: false,
                artifacts: Vec::new(),
            }
        });
        let repository = Repository::open(&self.caller)?;
        let request = Request {
            repository: &repository,
            caller: &self.caller,
            source,
            proof: &self.proof,
            suites: &suites.collect::<Vec<_>>(),
            evidence_dir: self.root.path().join("evidence"),
        };
        let events = &mut self.events;
        let mut note = |event: Event| {
            if until(&event) {
                cancel.raise();
            }
            events.push(event);
        };
        let mut proof = prove(&request, &mut note, cancel);
        drop(proof.as_mut().map(|proof| std::mem::take(&mut proof.tidying)));
        let work = self.path("cache/proof-gate/work");
        let left = fs::read_dir(work).into_iter().flatten().flatten().map(|entry| entry.file_name());
        assert_eq!(left.filter(|name| name != "place.lock").count(), 0, "a workspace was left behind");
        proof
    }

    /// Proves the one suite and gives back its outcome and its log without the argv.
    fn run(&mut self, tree: Oid) -> (Outcome, String) {
        let proof = self.prove(Source::Tree(tree)).unwrap();
        let log = fs::read_to_string(&proof.suites[0].log).unwrap();
        (proof.suites[0].outcome.clone(), log.split_once('\n').unwrap().1.to_owned())
    }
}

const PASSED: Outcome = Outcome::Exited { code: 0 };

/// Every file below a folder with its content.
fn bytes_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(bytes_below(&path));
        } else if path.is_symlink() {
            found.insert(path.clone(), fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn hostile_paths_are_checked_out_as_the_tree_has_them_and_the_repository_stays_as_it_was() {
    let script = "cat eol.txt export/kept user.txt; ls -A | wc -l; readlink link; ./run; git status --porcelain; git log --format=%an%n%P";
    let mut sandbox = Sandbox::new().suite("unit", script);
    fs::write(sandbox.path("home/.gitconfig"), "[core]\nautocrlf = true\n[filter \"x\"]\nsmudge = echo bad\n").unwrap();
    sandbox.write(".gitattributes", "eol.txt text eol=crlf\nexport/* export-ignore\nuser.txt filter=x\n");
    sandbox.write("eol.txt", "a\nb\n");
    sandbox.write("export/kept", "kept\n");
    sandbox.write("user.txt", "user\n");
    sandbox.write("new\nline", "x");
    sandbox.write(std::ffi::OsStr::from_bytes(b"not-\xff-utf8"), "x");
    sandbox.write("run", "#!/bin/sh\necho ran\n");
    fs::set_permissions(sandbox.caller.directory.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("no/where", sandbox.caller.directory.join("link")).unwrap();
    sandbox.git(&["-c", "core.autocrlf=false", "add", "."]);
    let tree = sandbox.commit();
    let before = bytes_below(&sandbox.caller.directory);
    let (outcome, log) = sandbox.run(tree);
    assert_eq!(log, "a\r\nb\r\nkept\nuser\n10\nno/where\nran\nproof-gate\n\n");
    assert_eq!(outcome, PASSED);
    assert_eq!(before, bytes_below(&sandbox.caller.directory));
}

#[test]
fn a_sha256_repository_is_proven() {
    let mut sandbox = Sandbox::with_format("sha256").suite("unit", "cat file");
    sandbox.write("file", "content\n");
    let tree = sandbox.commit();
    assert_eq!(sandbox.run(tree), (PASSED, "content\n".to_owned()));
}

#[test]
fn a_linked_worktree_of_a_reftable_repository_is_proven_and_a_script_of_the_tree_can_be_the_program() {
    let mut sandbox = Sandbox::new();
    fs::remove_dir_all(sandbox.caller.directory.join(".git")).unwrap();
    sandbox.git(&["init", "-q", "--ref-format=reftable"]);
    sandbox.write("run", "#!/bin/sh\necho $1 $PROOF_SUITE; test -d .git\n");
    fs::set_permissions(sandbox.caller.directory.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    let tree = sandbox.commit();
    let linked = sandbox.path("linked");
    sandbox.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
    sandbox.caller.directory = linked;
    let repository = Repository::open(&sandbox.caller).unwrap();
    let suite = SuiteJob {
        name: "unit~2".to_owned(),
        suite: "unit".to_owned(),
        variation: Variation::default(),
        argv: vec!["./run".to_owned()],
        timeout: Duration::from_secs(60),
        environment: policy::Environment::default(),
        read: Box::new(|_, _, _| ReportEvidence::NotAsked),
        warnings: WarningLists::default(),
        recipe: Box::new(|_| Invocation { argv: vec!["./run".to_owned(), "arg".to_owned()], ..Invocation::default() }),
        last_time: None,
        exclusive: false,
        artifacts: Vec::new(),
    };
    let request = Request {
        repository: &repository,
        caller: &sandbox.caller,
        source: Source::Tree(tree),
        proof: &sandbox.proof,
        suites: &[suite],
        evidence_dir: sandbox.path("evidence"),
    };
    let proof = prove(&request, &mut |_| {}, &Cancel::never()).unwrap();
    assert_eq!(proof.suites[0].outcome, PASSED);
    let log = fs::read_to_string(&proof.suites[0].log).unwrap();
    assert_eq!(log, "[\"./run\",\"arg\"]\narg unit\n");
}

#[test]
fn a_suite_that_outlasts_its_time_is_ended_and_the_next_one_runs() {
    let mut sandbox = Sandbox::new().suite("slow", "sleep 60").suite("unit", "true");
    sandbox.timeout = Duration::from_millis(300);
    let tree = sandbox.commit();
    let proof = sandbox.prove(Source::Tree(tree)).unwrap();
    let outcomes: Vec<_> = proof.suites.iter().map(|run| &run.outcome).collect();
    assert_eq!(outcomes, [&Outcome::TimedOut, &PASSED]);
}

#[test]
fn files_with_line_ends_that_their_attributes_do_not_ask_for_are_no_obstacle() {
    let mut sandbox = Sandbox::new().suite("unit", "cat file");
    sandbox.write("file", "a\r\n");
    sandbox.commit();
    sandbox.write(".gitattributes", "* text eol=crlf\n");
    sandbox.git(&["update-index", "--add", ".gitattributes"]);
    let tree = sandbox.git(&["write-tree"]).parse().unwrap();
    assert_eq!(sandbox.run(tree), (PASSED, "a\r\n".to_owned()));
}

#[test]
fn each_suite_starts_with_the_workspace_as_prepare_left_it() {
    let meddle =
        "echo bad > file; rm other; echo '* ident' > sub/.gitattributes; touch added $HOME/added $TMPDIR/added";
    let look = "cat file other sub/file made; ls -A . $HOME $TMPDIR";
    let mut sandbox = Sandbox::new().suite("a", meddle).suite("b", look);
    for name in ["file", "other", "sub/file"] {
        sandbox.write(name, "$Id$\n");
    }
    let tree = sandbox.commit();
    sandbox.proof.prepare = vec![["sh", "-c", "echo made > made"].map(str::to_owned).into()];
    let proof = sandbox.prove(Source::Tree(tree)).unwrap();
    assert_eq!(proof.ended, ProofEnd::Whole);
    let log = fs::read_to_string(&proof.suites[1].log).unwrap();
    let (content, listed) = log.split_once('\n').unwrap().1.split_once("\n.:\n").unwrap();
    assert_eq!(content, "$Id$\n$Id$\n$Id$\nmade");
    assert!(!listed.contains("added") && listed.contains("made"), "{listed}");
    assert_eq!(proof.suites[1].outcome, PASSED);
    let changed = |path: &str, how: &str| Noticed::TreeChanged { path: path.to_owned(), how: how.to_owned() };
    assert_eq!(proof.suites[0].noticed, [changed("file", "4 bytes in place of 5"), changed("other", "it is gone")]);
    assert_eq!(proof.suites[1].noticed, []);
}

#[test]
fn a_suite_that_spoils_what_prepare_made_gets_the_next_one_a_workspace_of_its_own() {
    let mut sandbox = Sandbox::new().suite("a", "echo bad > made/lib").suite("b", "cat made/lib");
    let tree = sandbox.commit();
    sandbox.proof.prepare = vec![["sh", "-c", "mkdir made; echo good > made/lib"].map(str::to_owned).into()];
    let proof = sandbox.prove(Source::Tree(tree)).unwrap();
    let log = fs::read_to_string(&proof.suites[1].log).unwrap();
    assert_eq!(log.split_once('\n').unwrap().1, "good\n");
    assert_ne!(proof.suites[0].folder, proof.suites[1].folder);
    let lost = sandbox.events.iter().filter_map(|event| match event {
        Event::LaneMadeAnew { lost } => Some(lost.as_str()),
        _ => None,
    });
    assert_eq!(lost.collect::<Vec<_>>(), ["made/lib"]);
}

#[test]
fn a_submodule_is_no_proof_and_is_named() {
    let mut sandbox = Sandbox::new().suite("unit", "true");
    let tree = sandbox.commit();
    let commit = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},vendor/lib")]);
    let with_submodule = sandbox.git(&["write-tree"]).parse().unwrap();
    let error = sandbox.prove(Source::Tree(with_submodule)).unwrap_err();
    assert!(error.message.contains("vendor/lib"), "{error}");
    assert!(sandbox.prove(Source::Tree(tree)).is_ok());
}

#[test]
fn a_missing_blob_is_no_proof_and_is_named() {
    let mut sandbox = Sandbox::new().suite("unit", "true");
    sandbox.write("lost.txt", "lost");
    let tree = sandbox.commit();
    let id = sandbox.git(&["rev-parse", "HEAD:lost.txt"]);
    fs::remove_file(sandbox.caller.directory.join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    let error = sandbox.prove(Source::Tree(tree)).unwrap_err();
    assert!(error.message.contains("lost.txt"), "{error}");
}

#[test]
fn a_failed_prepare_is_no_proof_says_why_and_tears_down() {
    let mut sandbox = Sandbox::new().suite("unit", "true");
    let tree = sandbox.commit();
    let down = sandbox.path("down");
    sandbox.proof.prepare = vec![["sh", "-c", "echo no network; exit 3"].map(str::to_owned).into()];
    sandbox.proof.teardown = vec![vec!["touch".into(), down.to_str().unwrap().into()]];
    let error = sandbox.prove(Source::Tree(tree)).unwrap_err();
    assert!(error.message.contains("prepare") && error.message.contains("exit code 3"), "{error}");
    assert!(error.hints.iter().any(|hint| hint.contains("no network")), "{:?}", error.hints);
    assert!(down.exists());
}

#[test]
fn a_missing_program_is_no_proof_and_is_named_before_anything_runs() {
    let mut sandbox = Sandbox::new().suite("unit", "true");
    let tree = sandbox.commit();
    sandbox.proof.ready = vec![vec!["no-such-probe".into()]];
    let error = sandbox.prove(Source::Tree(tree)).unwrap_err();
    assert!(error.message.contains("'no-such-probe'") && error.hints[0].contains("PATH is /"), "{error:?}");
    assert!(!sandbox.events.iter().any(|event| matches!(event, Event::Step { .. } | Event::SuiteStarted { .. })));
}

#[test]
fn a_suite_that_fails_because_its_surroundings_are_gone_has_no_outcome_of_its_own() {
    let mut sandbox = Sandbox::new().suite("a", "touch down; exit 1").suite("b", "true");
    let tree = sandbox.commit();
    sandbox.proof.ready = vec![["sh", "-c", "test ! -e down"].map(str::to_owned).into()];
    let error = sandbox.prove(Source::Tree(tree)).unwrap_err();
    assert!(error.message.contains("not ready any more after the suite a"), "{error}");
}

#[test]
fn what_ended_before_an_interrupt_keeps_its_outcome() {
    let mut sandbox = Sandbox::new().suite("a", "exit 1").suite("b", "sleep 60").suite("c", "true");
    let tree = sandbox.commit();
    let down = sandbox.path("down");
    sandbox.proof.teardown = vec![vec!["touch".into(), down.to_str().unwrap().into()]];
    let second = |event: &Event| matches!(event, Event::SuiteStarted { name, .. } if name == "b");
    let proof = sandbox.prove_until(Source::Tree(tree), &Cancel::never(), second).unwrap();
    let outcomes: Vec<_> = proof.suites.iter().map(|run| &run.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Exited { code: 1 }, &Outcome::Cancelled, &Outcome::Cancelled]);
    assert_eq!(proof.ended, ProofEnd::Interrupted);
    assert!(down.exists());
}

#[test]
fn only_a_regular_report_is_kept() {
    let report = "echo '{}' > $PROOF_REPORT";
    let link = "ln -s /etc/passwd $PROOF_REPORT; mkfifo ${PROOF_REPORT%/*}/pipe; chmod 0500 .";
    let mut sandbox = Sandbox::new().suite("a", report).suite("b", link);
    let tree = sandbox.commit();
    let proof = sandbox.prove(Source::Tree(tree)).unwrap();
    let [a, b] = &proof.suites[..] else { panic!("two suites were asked for") };
    assert_eq!(fs::read_to_string(&a.report).unwrap(), "{}\n");
    assert!(fs::metadata(&a.report).unwrap().modified().unwrap() >= a.started_system);
    assert_eq!(b.outcome, PASSED);
    assert!(!b.report.exists() && !b.report.with_file_name("pipe").exists());
}

#[test]
fn the_environment_is_reported_without_values() {
    let mut sandbox = Sandbox::new().suite("unit", "test \"$TOKEN\" = hunter2");
    let tree = sandbox.commit();
    sandbox.caller.variables.insert("TOKEN".into(), "hunter2".into());
    sandbox.proof.env.pass = vec!["TOKEN".into()];
    sandbox.proof.identity = vec![["sh", "-c", "echo 1.2.3"].map(str::to_owned).into()];
    let proof = sandbox.prove(Source::Tree(tree)).unwrap();
    assert_eq!(proof.suites[0].outcome, PASSED);
    let report = &proof.environment;
    assert!(report.passed["TOKEN"].is_some() && report.secret_id.is_some());
    assert_eq!(report.tools[0].version.as_deref(), Some("1.2.3"));
    assert!(!serde_json::to_string(report).unwrap().contains("hunter2"));
}

#[test]
fn a_draft_is_the_work_tree_as_it_is_without_what_is_ignored() {
    let mut sandbox = Sandbox::new().suite("unit", "ls -A | sort; cat file");
    for name in ["file", "gone"] {
        sandbox.write(name, "old\n");
    }
    sandbox.write(".gitignore", "ignored\n");
    sandbox.commit();
    sandbox.write("file", "new\n");
    sandbox.write("untracked", "x");
    sandbox.write("ignored", "x");
    fs::remove_file(sandbox.caller.directory.join("gone")).unwrap();
    let before = bytes_below(&sandbox.caller.directory);
    let proof = sandbox.prove(Source::WorkTree(sandbox.caller.directory.clone())).unwrap();
    let log = fs::read_to_string(&proof.suites[0].log).unwrap();
    assert_eq!(log.split_once('\n').unwrap().1, ".git\n.gitignore\nfile\nuntracked\nnew\n");
    assert_eq!(before, bytes_below(&sandbox.caller.directory));
}

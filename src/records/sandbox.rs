//! For the tests of this module: small statements, and a hermetic repository with its own home.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use super::environment::{EnvironmentIdentity, IdentityOutput, Keyed, Tool};
use super::key::{Key, Seen, key};
use super::log::{Draft, Log, Signing};
use super::lookup::{Answer, Standing};
use super::read::Recorded;
use super::statement::{
    Body, Changes, Ended, EvidenceFile, Obligation, PREDICATE_TYPE, Person, Policies, Predicate, STATEMENT_TYPE,
    Scenario, Statement, Subject, SubjectDigest, SuiteEntry, VerdictBody,
};
use super::writer::WriterId;
use crate::caller::Caller;
use crate::digest::Digest;
use crate::git::{ObjectFormat, Oid, Repository};
use crate::judge::{Code, Counts, Finding, Word};

pub(super) const COMMIT: &str = "3f2a91c3f2a91c3f2a91c3f2a91c3f2a91c3f2a9";
pub(super) const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
pub(super) const REPOSITORY: &str = "b1946ac92492d234";

pub(crate) fn oid(hex: &str) -> Oid {
    hex.parse().unwrap()
}

/// The key of a suite on the one tree that the tests know.
pub(super) fn key_of(suite: &str) -> Key {
    key(REPOSITORY, ObjectFormat::Sha1, Seen::Tree(oid(TREE)), suite.as_bytes())
}

/// An environment; other numbers differ in the version of node.
pub(super) fn environment(node: u64) -> EnvironmentIdentity {
    let version = format!("v{node}.0.0");
    EnvironmentIdentity {
        system: "linux".to_owned(),
        architecture: "x86_64".to_owned(),
        tools: vec![Tool { name: "node".into(), path: "/usr/bin/node".into(), version: Some(version.clone()) }],
        identity: vec![IdentityOutput {
            argv: vec!["node".into(), "--version".into()],
            sha256: Digest::of(version.as_bytes()),
            first_line: version,
        }],
        variables: vec![Keyed { name: "DATABASE_URL".into(), hash: Digest::of(b"url") }],
        files: vec![Keyed { name: ".env.test".into(), hash: Digest::of(b"file") }],
        secret: "5ec7e7".to_owned(),
    }
}

pub(crate) fn passing(suite: &str) -> SuiteEntry {
    let argv = vec!["pnpm".to_owned(), "run".to_owned(), "test".to_owned()];
    SuiteEntry {
        name: suite.to_owned(),
        key: key_of(suite),
        argv_digest: SuiteEntry::digest_of(&argv),
        argv,
        tools: environment(1).tools.into_iter().map(|tool| tool.name).collect(),
        variables: vec!["DATABASE_URL".to_owned()],
        ended: Ended::Exited(0),
        runs: 1,
        duration_ms: 1234,
        counts: Counts { passed: 3, ..Counts::default() },
        adapter: "mocha-json".to_owned(),
        rules: 1,
        verdict: Word::Pass,
        findings: Vec::new(),
        findings_left_out: 0,
        notes: Vec::new(),
        evidence: vec![EvidenceFile {
            name: "log.txt".to_owned(),
            size: 12,
            sha256: Digest::of(b"log"),
            media_type: "text/plain".to_owned(),
        }],
    }
}

pub(crate) fn failing_with(suite: &str, code: Code) -> SuiteEntry {
    let finding = Finding { code, test: Some("refund > is idempotent".to_owned()), detail: "expected 1".to_owned() };
    SuiteEntry { verdict: Word::Fail, findings: vec![finding], ended: Ended::Exited(1), ..passing(suite) }
}

pub(crate) fn failing(suite: &str) -> SuiteEntry {
    failing_with(suite, Code::TestFailed)
}

pub(super) fn verdict(suites: Vec<SuiteEntry>) -> VerdictBody {
    let all_pass = suites.iter().all(|entry| entry.verdict == Word::Pass);
    VerdictBody {
        scenario: Scenario::Deploy,
        gated_ref: Some("refs/heads/main".to_owned()),
        verdict: if all_pass { Word::Pass } else { Word::Fail },
        established: None,
        bases: Vec::new(),
        changes: Changes { count: 2, digest: Digest::of(b"paths") },
        policies: Policies { subject: Some(Digest::of(b"policy")), bases: Vec::new(), judged_by: None },
        obligations: suites.iter().map(|entry| obligation(&entry.name)).collect(),
        suites,
        environment: environment(22),
        target: None,
        killed: Vec::new(),
    }
}

pub(super) fn obligation(suite: &str) -> Obligation {
    Obligation { suite: suite.to_owned(), key: key_of(suite), reasons: vec!["src/a.js".to_owned()] }
}

pub(super) fn draft(body: Body) -> Draft {
    let finished: Timestamp = "2026-03-04T05:06:00Z".parse().unwrap();
    Draft {
        subject: Subject {
            name: "refs/heads/main".to_owned(),
            digest: SubjectDigest { git_commit: oid(COMMIT), git_tree: oid(TREE), git_tag: None },
        },
        repository: REPOSITORY.to_owned(),
        terminal: true,
        host: "here".to_owned(),
        tool: "0.1.0".to_owned(),
        started: finished - jiff::SignedDuration::from_secs(60),
        finished,
        body,
    }
}

pub(crate) fn statement(suites: Vec<SuiteEntry>) -> Statement {
    let draft = draft(Body::Verdict(Box::new(verdict(suites))));
    Statement {
        kind: STATEMENT_TYPE.to_owned(),
        subject: [draft.subject],
        predicate_type: PREDICATE_TYPE.to_owned(),
        predicate: Predicate {
            writer: WriterId::parse("00000000000000aa").unwrap(),
            previous: Some(oid(COMMIT)),
            repository: draft.repository,
            who: Person { name: "Ana".to_owned(), email: "ana@example.org".to_owned() },
            terminal: true,
            host: draft.host,
            tool: draft.tool,
            started: draft.started,
            finished: draft.finished,
            body: draft.body,
        },
    }
}

/// A PASS and a FAIL as the records answer them, for the tests of what decides over answers.
pub(crate) fn pass_and_fail() -> (Answer, Answer) {
    let sandbox = Sandbox::new(&[]);
    let (pass, fail) = (passing("payment"), failing("payment"));
    (
        Answer::Pass { recorded: sandbox.record(vec![pass.clone()]), entry: Box::new(pass) },
        Answer::Fail { recorded: sandbox.record(vec![fail.clone()]), entry: Box::new(fail), why: Standing::Unended },
    )
}

/// A repository of its own below a temporary folder, with nothing of the machine's configuration.
pub(super) struct Sandbox {
    pub folder: TempDir,
}

impl Sandbox {
    pub(super) fn new(init: &[&str]) -> Self {
        let sandbox = Sandbox { folder: tempfile::tempdir().unwrap() };
        let caller = sandbox.caller(sandbox.folder.path());
        let git = crate::git::Program::find(&caller).unwrap();
        git.command(sandbox.folder.path()).args(["init", "-q"]).args(init).arg("repo").run().unwrap();
        sandbox
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    pub(super) fn caller(&self, directory: &Path) -> Caller {
        let mut variables: BTreeMap<OsString, OsString> = BTreeMap::new();
        variables.insert("PATH".into(), std::env::var_os("PATH").unwrap());
        variables.insert("HOME".into(), self.folder.path().into());
        variables.insert("GIT_CONFIG_NOSYSTEM".into(), "1".into());
        for role in ["AUTHOR", "COMMITTER"] {
            variables.insert(format!("GIT_{role}_NAME").into(), "Ana".into());
            variables.insert(format!("GIT_{role}_EMAIL").into(), "ana@example.org".into());
        }
        Caller { variables, directory: directory.to_owned(), program: "/proof-gate".into() }
    }

    pub(super) fn open(&self) -> Repository {
        self.open_at(&self.path())
    }

    pub(super) fn open_at(&self, folder: &Path) -> Repository {
        Repository::open(&self.caller(folder)).unwrap()
    }

    /// Appends one verdict.
    pub(super) fn record(&self, suites: Vec<SuiteEntry>) -> Recorded {
        self.append(Body::Verdict(Box::new(verdict(suites))))
    }

    pub(super) fn append(&self, body: Body) -> Recorded {
        Log::open(&self.open(), Signing::WhereSetUp).unwrap().append(draft(body)).unwrap()
    }

    /// Runs git in the repository by hand.
    pub(super) fn git(&self, args: &[&str]) -> String {
        self.open().command().args(args).run().unwrap().to_string().trim_end().to_owned()
    }
    /// Makes every packed object a file of its own, for tests that damage one.
    pub(super) fn unpack(&self) {
        let folder = self.path().join(".git/objects/pack");
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "pack") {
                let pack = std::fs::read(&path).unwrap();
                std::fs::remove_file(path.with_extension("idx")).unwrap();
                std::fs::remove_file(&path).unwrap();
                self.open().command().args(["unpack-objects", "-q"]).stdin(pack).run().unwrap();
            }
        }
    }
}

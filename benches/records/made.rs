//! A repository with as many records as are asked for: real commits in logs of several writers, encoded as the gate encodes them.
//!
//! Deliberately absent: the time that a proof takes. Objects are written many in a pack, and packed again as `git gc` leaves them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use proof_gate::caller::Caller;
use proof_gate::digest::Digest;
use proof_gate::git::{Kind, Oid, Repository};
use proof_gate::records::{Key, Seen, Statement, SuiteEntry, encode, key};
use serde_json::{Value, json};

/// The program as it is shipped.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_proof-gate");

/// The suite proves nothing: what is timed is what is known of it.
const POLICY: &str = r#"version = 1

[repository]
id = "b1946ac92492d234"

[gate]
branches = ["main"]
tags = ["v*"]

[proof]
require_terminal = false

[suites.full]
run = ["true"]
report = "exit-code"
flaky = "unobservable"
default = true
"#;

/// Writers of logs. Half of them push in turns with the other half, and each sees all logs before it goes on after a pause.
const WRITERS: usize = 20;
/// Records of one writer in a row.
const ROW: usize = 5;
/// Of so many commits one is tagged.
const TAGGED: usize = 10;
/// Every so many records one is a FAIL, which the next ends.
const FAILS: usize = 50;
/// Records that are written as one pack.
const A_PACK: usize = 5000;

/// The repository, with nothing of the machine but PATH around it.
pub struct Made {
    pub folder: PathBuf,
    pub variables: BTreeMap<OsString, OsString>,
    /// A record's statement, as a model for another.
    pub model: Statement,
}

/// How the records' objects lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Packs {
    /// All in one, as `git gc` leaves them.
    One,
    /// One for each record, as they come.
    Each,
}

impl Made {
    /// Makes it below a folder.
    pub fn new(folder: &Path, records: usize, packs: Packs) -> Result<Self> {
        let folder = fs::canonicalize(folder).context("cannot find the folder")?.join(format!("of-{records}"));
        fs::create_dir_all(folder.join("home")).context("cannot make a folder")?;
        let identity = "[user]\n\tname = Ana Example\n\temail = ana@example.org\n[init]\n\tdefaultBranch = main\n";
        fs::write(folder.join("home/.gitconfig"), identity).context("cannot write a file")?;
        let variables = [
            ("PATH", env::var_os("PATH").context("PATH is not set")?),
            ("HOME", folder.join("home").into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_AUTHOR_DATE", "1700000000 +0000".into()),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let model = statement(&json!({}))?;
        let mut made = Made { folder, variables, model };
        made.import(records - records / FAILS)?;
        made.record(records, packs)?;
        if packs == Packs::One {
            made.git(&["gc", "--quiet"])?;
        }
        Ok(made)
    }

    pub fn caller(&self) -> Caller {
        let directory = self.folder.join("shop");
        Caller { variables: self.variables.clone(), directory, program: PathBuf::from(PROGRAM) }
    }

    /// A line of commits, each of another tree, every tenth of them tagged.
    fn import(&self, commits: usize) -> Result<()> {
        let mut stream = String::new();
        for commit in 0..commits {
            let committer = format!("committer Ana Example <ana@example.org> {} +0000", 1_700_000_000 + commit * 60);
            write!(stream, "commit refs/heads/main\n{committer}\ndata 1\nc\n")?;
            if commit == 0 {
                writeln!(stream, "M 100644 inline .proofrc.toml\ndata {}\n{POLICY}", POLICY.len())?;
            }
            let text = format!("export const version = {commit};\n");
            writeln!(stream, "M 100644 inline app.js\ndata {}\n{text}", text.len())?;
            if commit % TAGGED == TAGGED - 1 {
                writeln!(stream, "reset refs/tags/v{commit}\nfrom refs/heads/main\n")?;
            }
        }
        fs::create_dir_all(self.folder.join("shop")).context("cannot make a folder")?;
        self.git(&["init", "--quiet"])?;
        self.feed(&["fast-import", "--quiet"], &stream)
    }

    /// One record a commit, but for those whose FAIL comes first.
    fn record(&mut self, records: usize, packs: Packs) -> Result<()> {
        let listed = self.git(&["log", "--reverse", "--format=%H %T", "main"])?;
        let ids = |line: &str| {
            let (commit, tree) = line.split_once(' ')?;
            Some((Oid::from_hex(commit.as_bytes())?, Oid::from_hex(tree.as_bytes())?))
        };
        let commits: Vec<(Oid, Oid)> = listed.lines().filter_map(ids).collect();
        let repository = Repository::open(&self.caller())?;
        let policy = proof_gate::policy::parse(POLICY.as_bytes()).map_err(|error| anyhow::anyhow!("{error}"))?;
        let definition = policy.definition("full").context("the policy has the suite")?;
        let mut tips: Vec<Option<Oid>> = vec![None; WRITERS];
        let mut newest = [None::<Oid>; 2];
        let mut objects: Vec<(Kind, Vec<u8>)> = Vec::new();
        let mut next_commit = 0;
        for nth in 0..records {
            let lane = nth % 2;
            let writer = (nth / (2 * ROW) * 2 + lane) % WRITERS;
            // What ends a FAIL has to stand behind it.
            let begins = nth / 2 % ROW == 0 || nth % FAILS == FAILS - 1;
            let fails = nth % FAILS == FAILS - 2;
            let (commit, tree) = commits[next_commit];
            next_commit += usize::from(!fails);
            let of = Of {
                nth,
                writer: writer + 1,
                previous: tips[writer],
                commit,
                tree,
                base: next_commit.checked_sub(2).map(|base| commits[base].0).filter(|_| !fails),
                key: key("b1946ac92492d234", repository.object_format(), Seen::Tree(tree), &definition),
                fails,
            };
            let statement = statement(&of.predicate())?;
            let blob = encode(&statement)?;
            let tree = [&b"100644 record.json\0"[..], repository.object_id(Kind::Blob, &blob)?.as_bytes()].concat();
            let mut text = format!("tree {}\n", repository.object_id(Kind::Tree, &tree)?);
            let others = newest.iter().flatten().filter(|_| begins).filter(|other| Some(**other) != tips[writer]);
            for parent in tips[writer].iter().chain(others) {
                writeln!(text, "parent {parent}")?;
            }
            for role in ["author", "committer"] {
                writeln!(text, "{role} Ana Example <ana@example.org> {} +0000", 1_700_000_000 + nth * 60)?;
            }
            write!(text, "\nPASS full {}\n", commit.short())?;
            let record = repository.object_id(Kind::Commit, text.as_bytes())?;
            (tips[writer], newest[lane]) = (Some(record), Some(record));
            objects.extend([(Kind::Blob, blob), (Kind::Tree, tree), (Kind::Commit, text.into_bytes())]);
            if packs == Packs::Each || objects.len() == 3 * A_PACK || nth + 1 == records {
                let pack: Vec<(Kind, &[u8])> = objects.iter().map(|(kind, bytes)| (*kind, &bytes[..])).collect();
                drop(repository.write_kept_pack(&pack)?);
                objects.clear();
            }
            self.model = statement;
        }
        let mut refs = String::new();
        for (writer, tip) in tips.iter().enumerate() {
            if let Some(tip) = tip {
                writeln!(refs, "create refs/proof/log/{:016x} {tip}", writer + 1)?;
            }
        }
        self.feed(&["update-ref", "--stdin"], &refs)
    }

    /// Runs git to a good end and gives back what it printed.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        let output = self.command("git").args(args).stdout(Stdio::piped()).output().context("cannot start git")?;
        ensure!(output.status.success(), "git {} failed", args.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    fn feed(&self, args: &[&str], text: &str) -> Result<()> {
        let file = self.folder.join("input");
        fs::write(&file, text).context("cannot write a file")?;
        let input = fs::File::open(&file).context("cannot read a file")?;
        let ended = self.command("git").args(args).stdin(input).status().context("cannot start git")?;
        ensure!(ended.success(), "git {} failed", args.join(" "));
        Ok(())
    }

    /// Runs a program to a good end.
    pub fn quiet(&self, program: &str, args: &[&str]) -> Result<()> {
        let ended = self.command(program).args(args).status();
        ensure!(ended.with_context(|| format!("cannot start {program}"))?.success(), "{program} {args:?} failed");
        Ok(())
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.join("shop")).env_clear().envs(&self.variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// What one record is of.
struct Of {
    nth: usize,
    writer: usize,
    previous: Option<Oid>,
    commit: Oid,
    tree: Oid,
    base: Option<Oid>,
    key: Key,
    fails: bool,
}

impl Of {
    /// The members in which it differs from others.
    fn predicate(&self) -> Value {
        let at = |seconds: usize| {
            let time = jiff::Timestamp::from_second(1_700_000_000 + (self.nth * 60 + seconds) as i64);
            time.map(|time| time.to_string()).unwrap_or_default()
        };
        json!({
            "writer": format!("{:016x}", self.writer), "previous": self.previous, "commit": self.commit,
            "tree": self.tree, "bases": self.base, "key": self.key.to_string(), "fails": self.fails,
            "started": at(0), "finished": at(30), "tag": self.nth % TAGGED == TAGGED - 1, "nth": self.nth,
        })
    }
}

/// A record like those that a proof with mocha leaves.
fn statement(of: &Value) -> Result<Statement> {
    let fails = of["fails"] == true;
    let (zero, digest) = ("1".repeat(40), Digest::of(b"some").to_string());
    let or = |value: &Value, other: &str| if value.is_string() { value.clone() } else { json!(other) };
    let (commit, tree) = (or(&of["commit"], &zero), or(&of["tree"], &zero));
    let key = or(&of["key"], &digest);
    let obligation =
        json!([{ "suite": "full", "key": key, "reasons": ["src/payments/charge.js", "src/payments/refund.js"] }]);
    let argv = ["pnpm", "run", "test", "--grep", "payment"].map(str::to_owned);
    let bases: Vec<&Value> = Some(&of["bases"]).filter(|base| base.is_string()).into_iter().collect();
    let evidence = |name: &str| {
        let name = format!("evidence/1700000000000-1234567-{}/full/{name}", of["nth"]);
        json!({ "name": name, "size": 4711, "sha256": digest, "media_type": "text/plain" })
    };
    let findings =
        if fails { json!([{ "code": "TIMED_OUT", "detail": "it did not end within 300 s" }]) } else { json!([]) };
    let word = if fails { "FAIL" } else { "PASS" };
    let mut verdict = json!({
        "scenario": { "name": "deploy" }, "gated_ref": "refs/heads/main", "verdict": word, "bases": bases,
        "changes": { "count": 2, "digest": digest }, "policies": { "subject": digest, "bases": [digest] },
        "obligations": obligation,
        "suites": [{
            "name": "full", "key": key, "argv": argv, "argv_digest": SuiteEntry::digest_of(&argv),
            "tools": ["node", "pnpm"], "variables": ["DATABASE_URL"],
            "ended": if fails { json!("timed_out") } else { json!({ "exited": 0 }) }, "runs": 1, "duration_ms": 12_345,
            "counts": { "passed": 120, "failed": 0, "flaky": 0, "skipped": 0 }, "adapter": "mocha-json", "rules": 3,
            "verdict": word, "findings": findings, "evidence": [evidence("log.txt"), evidence("report.json")],
        }],
        "environment": {
            "system": "linux", "architecture": "x86_64", "secret": "5ec7e7",
            "tools": [
                { "name": "node", "path": "/usr/bin/node", "version": "v22.11.0" },
                { "name": "pnpm", "path": "/usr/bin/pnpm", "version": "9.12.3" },
            ],
            "identity": [{ "argv": ["node", "--version"], "sha256": digest, "first_line": "v22.11.0" }],
            "variables": [{ "name": "DATABASE_URL", "hash": digest }], "files": [],
        },
    });
    if !fails {
        verdict["established"] = json!({ "bases": bases, "obligations": obligation, "approvals": [] });
    }
    let mut predicate = json!({
        "format": 1, "kind": "verdict", "writer": or(&of["writer"], "0000000000000001"),
        "repository": "b1946ac92492d234", "who": { "name": "Ana Example", "email": "ana@example.org" },
        "terminal": true, "host": "here", "tool": "0.1.0", "started": or(&of["started"], "2026-01-01T00:00:00Z"),
        "finished": or(&of["finished"], "2026-01-01T00:00:00Z"), "verdict": verdict,
    });
    if of["previous"].is_string() {
        predicate["previous"] = of["previous"].clone();
    }
    let whole = json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://proof-gate.dev/record/v1",
        "subject": [{ "name": "refs/heads/main", "digest": { "gitCommit": commit, "gitTree": tree } }],
        "predicate": predicate,
    });
    serde_json::from_value(whole).context("the model is a record")
}

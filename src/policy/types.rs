//! The keys of `.proofrc.toml`. The doc comments are the documentation: `config schema` and `docs/policy.md` are made from them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::matching::Compiled;

/// A program and its arguments. No shell reads it.
pub type Argv = Vec<String>;

/// The whole policy file.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The format of the file; 1.
    pub version: u32,
    /// `[repository]`
    pub repository: RepositorySection,
    /// `[gate]`
    pub gate: Gate,
    /// `[proof]`
    pub proof: Proof,
    /// `[kinds]`
    pub kinds: Kinds,
    /// `[suites.NAME]`, at least one.
    pub suites: BTreeMap<String, Suite>,
    /// `[warnings]`
    pub warnings: Warnings,
    /// `[changelog]`
    pub changelog: Changelog,
    /// `[records]`
    pub records: Records,
    /// `[evidence]`
    pub evidence: EvidenceSection,
    /// `[monitor]`
    pub monitor: Option<Monitor>,
    /// The globs, compiled when first asked. A policy is not changed after that.
    pub compiled: Compiled,
}

/// `[repository]`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RepositorySection {
    /// A random name of the repository, written by `init`: a record counts for one repository only.
    pub id: Option<String>,
}

/// `[gate]`: what is gated and how the hook decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Remote branch names (without `refs/heads/`) that need a proof. Globs.
    pub branches: Vec<String>,
    /// Tag names (without `refs/tags/`) that need a proof; a tag owes the default suites too. Globs.
    pub tags: Vec<String>,
    /// What the hook does where a proof is missing.
    pub on_missing: OnMissing,
    /// How long a proof may take before an ssh connection is given up.
    pub hold: Duration,
    /// An older PASS counts no more for the subject itself.
    pub max_age: Option<Duration>,
    /// Commits reachable from this one are from before the gate.
    pub since: Option<String>,
    /// Records judged by older rules count for nothing.
    pub min_rules: Option<u32>,
    /// Gated refs that may be deleted: full ref names or names as in `branches` and `tags`. Globs.
    pub allow_delete: Vec<String>,
    /// Gated tags that may be moved. Globs.
    pub allow_move: Vec<String>,
}

/// What the hook does where a proof is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnMissing {
    /// Runs it.
    #[default]
    Run,
    /// Refuses and says which command to run.
    Refuse,
}

/// `[proof]`: how every suite is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Commands run in the workspace before any suite. What they leave running is ended after the suites.
    pub prepare: Vec<Argv>,
    /// Commands run before each suite: the database in its known state.
    pub reset: Vec<Argv>,
    /// Probes before each suite; one that does not end with 0 is "no proof", not FAIL.
    pub ready: Vec<Argv>,
    /// Commands run at the end, always.
    pub teardown: Vec<Argv>,
    /// Commands whose output is part of the inputs.
    pub identity: Vec<Argv>,
    /// Lanes.
    pub jobs: u32,
    /// Per suite.
    pub timeout: Duration,
    /// What suites see of the environment beside the fixed allow-list.
    pub env: Environment,
    /// Files of the real home that suites may see.
    pub home: Vec<String>,
    /// Untracked files of the work tree that suites may see.
    pub copy: Vec<String>,
    /// Package stores: the user's, or empty ones.
    pub caches: Caches,
    /// What the workspace's own repository holds.
    pub git: GitView,
    /// Filter drivers that may run at checkout.
    pub filters: Vec<String>,
    /// A fresh workspace, or one that is used again.
    pub workspace: WorkspaceMode,
    /// A label of what is proven against, recorded.
    pub target: Option<String>,
    /// Whether a proof is only run from a terminal and not in CI.
    pub require_terminal: bool,
}

/// `env = { pass = [...], set = { ... } }`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Names of variables handed on as they are.
    pub pass: Vec<String>,
    /// Variables with a fixed value.
    pub set: BTreeMap<String, String>,
}

/// `caches`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Caches {
    /// Toolchain homes and package stores of the user.
    #[default]
    Shared,
    /// Empty ones.
    Fresh,
}

/// `git`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GitView {
    /// One parentless commit of the tree.
    #[default]
    Tree,
    /// The real commit and the tags reachable from it.
    History,
}

/// `workspace`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkspaceMode {
    /// A new folder per proof.
    #[default]
    Fresh,
    /// One that is checked clean against the tree and used again.
    Reuse,
}

/// `[kinds]`: what a changed path is; the rest is code. Globs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Migrations.
    pub schema: Vec<String>,
    /// Configuration.
    pub config: Vec<String>,
    /// Business policies.
    pub policy: Vec<String>,
}

/// `[suites.NAME]`: a named proof command with the paths that call for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    /// The command. `{report}` is replaced by the report's path.
    pub run: Argv,
    /// Globs of paths that call for it.
    pub paths: Vec<String>,
    /// Id patterns of configuration changes that call for it. Globs.
    pub config: Vec<String>,
    /// Id patterns of schema changes that call for it. Globs.
    pub schema: Vec<String>,
    /// Id patterns of policy changes that call for it. Globs.
    pub policy: Vec<String>,
    /// Owed by tags and by changes that no suite claims.
    pub default: bool,
    /// How its report is read.
    pub report: Report,
    /// The team accepts that the adapter cannot see retries.
    pub flaky_unobservable: bool,
    /// Fewer executed tests are a finding; 1 unless said, not for `exit-code`.
    pub min_tests: u64,
    /// Tests that may be skipped.
    pub allow_skipped: Vec<AllowSkipped>,
    /// Programs that may be left running; they are ended.
    pub allow_leftover: Vec<AllowLeftover>,
    /// Overrides `[proof] timeout`.
    pub timeout: Option<Duration>,
    /// Runs alone.
    pub exclusive: bool,
    /// What it must leave.
    pub artifacts: Vec<Artifact>,
    /// Added to `[proof] env`.
    pub env: Environment,
    /// Globs of sources scanned for focused tests.
    pub sources: Vec<String>,
}

/// `report`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The reader of the report.
    pub adapter: Adapter,
    /// A dialect that says what its marks mean.
    pub flavor: Option<Flavor>,
}

/// A reader of test reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adapter {
    /// mocha's `json` reporter.
    MochaJson,
    /// Playwright's `json` reporter.
    PlaywrightJson,
    /// vitest's `json` reporter.
    VitestJson,
    /// jest's `--json`.
    JestJson,
    /// JUnit XML of any dialect.
    JunitXml,
    /// Common Test Report Format.
    Ctrf,
    /// `go test -json`.
    GoJson,
    /// node's own runner.
    NodeTest,
    /// Test Anything Protocol.
    Tap,
    /// No report: the exit code alone.
    ExitCode,
}

impl Adapter {
    /// The name in the policy file.
    pub fn as_str(self) -> &'static str {
        match self {
            Adapter::MochaJson => "mocha-json",
            Adapter::PlaywrightJson => "playwright-json",
            Adapter::VitestJson => "vitest-json",
            Adapter::JestJson => "jest-json",
            Adapter::JunitXml => "junit-xml",
            Adapter::Ctrf => "ctrf",
            Adapter::GoJson => "go-json",
            Adapter::NodeTest => "node-test",
            Adapter::Tap => "tap",
            Adapter::ExitCode => "exit-code",
        }
    }
}

/// A dialect of JUnit XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// pytest.
    Pytest,
    /// Maven surefire and its like.
    Surefire,
    /// cargo-nextest.
    Nextest,
}

/// `allow_skipped`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowSkipped {
    /// Regular expression that matches anywhere in the full title.
    pub test: String,
    /// Why.
    pub reason: String,
}

/// `allow_leftover`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowLeftover {
    /// Regular expression that matches anywhere in the program's file name or its command line.
    pub program: String,
    /// Why.
    pub reason: String,
}

/// `artifacts`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Glob of files.
    pub paths: String,
    /// How many there have to be.
    pub at_least: u64,
    /// Regular expressions that some line must match.
    pub require: Vec<String>,
    /// Regular expressions that no line may match.
    pub forbid: Vec<String>,
    /// Folder of images to compare with.
    pub baseline: Option<String>,
}

/// `[warnings]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    /// Regular expressions added to the built-in list.
    pub fail: Vec<String>,
    /// Exceptions.
    pub allow: Vec<AllowWarning>,
}

/// `[warnings] allow`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowWarning {
    /// Regular expression that matches anywhere in a line.
    pub pattern: String,
    /// Why.
    pub reason: String,
}

/// `[changelog]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changelog {
    /// The Operations Changelog, `OPERATIONS_CHANGELOG.md` unless said.
    pub path: String,
    /// A push also needs the lines of its records in it.
    pub require: bool,
}

/// `[records]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Whether records are signed.
    pub sign: Sign,
    /// Whether the log is pushed along.
    pub share: Share,
}

/// `[records] sign`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// Where a signing key is set up.
    #[default]
    Auto,
    /// Always, and only signed records count.
    Required,
    /// Never.
    Never,
}

/// `[records] share`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// Tried; the push goes on without.
    #[default]
    Try,
    /// Or the push is refused.
    Required,
    /// Never.
    Never,
}

/// `[evidence]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceSection {
    /// How long it is kept.
    pub keep: Duration,
    /// A folder to keep it below, instead of the git directory.
    pub folder: Option<String>,
}

/// `[monitor]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// How long.
    pub duration: Duration,
    /// How often.
    pub every: Duration,
    /// What is run.
    pub checks: Vec<Argv>,
}

//! The record as it is stored: an in-toto Statement v1 whose predicate is ours. `docs/records.md` gives every field.
//!
//! Deliberately absent: log text, environment values, secrets; and the encoding, see `canonical`.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::environment::EnvironmentIdentity;
use super::key::Key;
use super::writer::WriterId;
use crate::digest::Digest;
use crate::git::Oid;
use crate::judge::{Code, Counts, Finding, Word};

/// `_type` of every in-toto Statement v1.
pub(super) const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// `predicateType` of our records: an identifier, not an address.
pub(super) const PREDICATE_TYPE: &str = "https://proof-gate.dev/record/v1";
/// The newest `predicate.format` that this program knows, and the one it writes.
pub(super) const FORMAT: u64 = 1;
/// How often the suite of a resolved FAIL is run in the proof that ends it.
pub(super) const RESOLVED_RUNS: u32 = 3;

/// A whole record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Statement {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    #[schemars(extend("const" = "https://in-toto.io/Statement/v1"))]
    pub(super) kind: String,
    /// What the record is about; exactly one.
    pub(super) subject: [Subject; 1],
    /// [`PREDICATE_TYPE`].
    #[schemars(extend("const" = "https://proof-gate.dev/record/v1"))]
    pub(super) predicate_type: String,
    /// What is said of it.
    pub(super) predicate: Predicate,
}

impl Statement {
    /// What the record is about.
    pub fn subject(&self) -> &Subject {
        &self.subject[0]
    }

    /// What is said of it.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// The verdict, where the record is one.
    pub fn verdict(&self) -> Option<&VerdictBody> {
        match &self.predicate.body {
            Body::Verdict(verdict) => Some(verdict),
            Body::Resolve(_) | Body::Policy(_) => None,
        }
    }
}

/// A commit with its tree, and the tag object where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The gated ref or revision it was proven as, for people.
    pub name: String,
    /// What it is.
    pub digest: SubjectDigest,
}

/// The object ids of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SubjectDigest {
    /// The commit.
    pub git_commit: Oid,
    /// Its tree.
    pub git_tree: Oid,
    /// The annotated tag that named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_tag: Option<Oid>,
}

/// What is said of a subject, by whom, and where in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "super::wire::Wire", into = "super::wire::Wire")]
pub struct Predicate {
    /// The log it stands in.
    pub writer: WriterId,
    /// The record before it in that log; none in its first.
    pub previous: Option<Oid>,
    /// The repository's id.
    pub repository: String,
    /// Who made it.
    pub who: Person,
    /// Whether a terminal was there: human-run.
    pub terminal: bool,
    /// The machine's name.
    pub host: String,
    /// The version of this program.
    pub tool: String,
    /// When the work began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// What is said.
    pub body: Body,
}

impl JsonSchema for Predicate {
    fn schema_name() -> Cow<'static, str> {
        "Predicate".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        super::wire::Wire::json_schema(generator)
    }
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// The kinds of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Suites were run and judged.
    Verdict(Box<VerdictBody>),
    /// A FAIL was explained from outside its inputs.
    Resolve(Resolution),
    /// A change of the policy file was approved.
    Policy(PolicyApproval),
}

/// Why something is proven, with what it is proven for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum Scenario {
    /// Before a deployment.
    Deploy,
    /// After a migration, before it is marked complete.
    Migration {
        /// The migration.
        id: String,
    },
    /// After a policy change, before it is activated.
    Policy {
        /// The policy.
        id: String,
    },
    /// Before a rollback.
    Rollback {
        /// What is rolled back to.
        id: String,
    },
}

/// One run: every suite of it counts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictBody {
    /// Why it was proven.
    pub scenario: Scenario,
    /// The full name of the gated ref it was proven for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gated_ref: Option<String>,
    /// PASS where every suite's is.
    pub verdict: Word,
    /// Whether the subject's tree was thereby established, and on what ground.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub established: Option<Established>,
    /// The base: nearest established ancestors.
    pub bases: Vec<Oid>,
    /// The changed paths.
    pub changes: Changes,
    /// The policy files.
    pub policies: Policies,
    /// What the subject owed.
    pub obligations: Vec<Obligation>,
    /// What was run, at least one.
    pub suites: Vec<SuiteEntry>,
    /// Where it was run.
    pub environment: EnvironmentIdentity,
    /// What it was run against, as in `staging`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Proofs that were killed before this record was made, and left nothing else: the first record after them carries them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub killed: Vec<KilledRun>,
}

/// A proof that was begun and killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KilledRun {
    /// What it was about to prove.
    pub commit: Oid,
    /// The suites that it was to run.
    pub suites: Vec<String>,
    /// When it began.
    #[serde(with = "super::wire::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: Timestamp,
    /// The machine's name.
    pub host: String,
}

/// The claim that a tree held a PASS for all that it owed. It counts only while everything it names still does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Established {
    /// The base it was measured against.
    pub bases: Vec<Oid>,
    /// All that it owed, at least one.
    pub obligations: Vec<Obligation>,
    /// The policy changes that had to be approved.
    pub approvals: Vec<Approval>,
}

/// A change from one policy file to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The policy file before.
    pub from: Digest,
    /// The policy file after.
    pub to: Digest,
}

/// Changed paths, not by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// How many.
    pub count: u64,
    /// The digest of their sorted list.
    pub digest: Digest,
}

/// The digests of the policy files' bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// The subject's, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// Those of the bases.
    pub bases: Vec<Digest>,
    /// Whose policy judged, where it was not the subject's: a ref or commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_by: Option<String>,
}

/// A suite that is owed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Obligation {
    /// The suite's name.
    pub suite: String,
    /// Its key.
    pub key: Key,
    /// Why, in the plan's words.
    pub reasons: Vec<String>,
}

/// One suite that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteEntry {
    /// Its name.
    pub name: String,
    /// What it counts for.
    pub key: Key,
    /// The command.
    pub argv: Vec<String>,
    /// The digest of the command, each argument with its length in front.
    pub argv_digest: Digest,
    /// The tools of the environment that its run could start: its own and those of the steps around it.
    pub tools: Vec<String>,
    /// The passed variables of the environment that it could see.
    pub variables: Vec<String>,
    /// How the process ended.
    pub ended: Ended,
    /// How often it was run in this proof; all runs are judged together.
    pub runs: u32,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What its report tells of.
    pub counts: Counts,
    /// The report's adapter.
    pub adapter: String,
    /// The version of the judging rules.
    pub rules: u32,
    /// PASS where there is no finding.
    pub verdict: Word,
    /// The findings, the headline first.
    pub findings: Vec<Finding>,
    /// How many findings found no room; at least one of each code always does.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub findings_left_out: u64,
    /// What was noticed and forbids nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the run left.
    pub evidence: Vec<EvidenceFile>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl SuiteEntry {
    /// The codes of all findings.
    pub fn codes(&self) -> Vec<Code> {
        self.findings.iter().map(|finding| finding.code).collect()
    }

    /// The digest that `argv_digest` holds.
    pub fn digest_of(argv: &[String]) -> Digest {
        Digest::of_fields(argv.iter().map(String::as_bytes))
    }
}

/// How a suite's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// With this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// At its deadline.
    TimedOut,
    /// By an interrupt of the proof.
    Interrupted,
}

/// One file of the evidence, which itself stays where it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFile {
    /// Its path below the suite's evidence folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Digest,
    /// What it is, as in `text/plain`.
    pub media_type: String,
}

/// The cause of a FAIL, found outside its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// The record of the FAIL.
    pub record: Oid,
    /// The suite that failed.
    pub suite: String,
    /// The cause.
    pub cause: String,
}

/// The approval of a change of the policy file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyApproval {
    /// The policy file before.
    pub from: Digest,
    /// The policy file after.
    pub to: Digest,
    /// Why.
    pub why: String,
}

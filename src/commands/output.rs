//! The JSON documents on standard output: one type each, `"format": "proof-gate.<command>/1"` first.
//!
//! Bytes that are no UTF-8 stand as `\xNN`. `docs/json.md` and `docs/schemas/` are made from these types.

use schemars::JsonSchema;
use serde::Serialize;

use crate::doctor::Severity;
use crate::judge::{Counts, Finding, Word};
use crate::runbook::{About, State};

/// `plan --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanOutput {
    /// `proof-gate.plan/1`
    pub format: &'static str,
    /// What is planned for.
    pub subject: SubjectOutput,
    /// `deploy`, `migration`, `policy` or `rollback`.
    pub scenario: &'static str,
    /// From where the changes are counted; empty where every suite is owed.
    pub bases: Vec<BaseOutput>,
    /// What changed.
    pub changes: Vec<ChangeOutput>,
    /// What is owed.
    pub suites: Vec<PlannedSuite>,
    /// Approvals that a weaker policy needs.
    pub approvals: Vec<ApprovalOutput>,
}

/// A subject.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SubjectOutput {
    /// The commit's id.
    pub commit: String,
    /// Its tree's id.
    pub tree: String,
    /// The tag object's id, where the subject was named by an annotated tag.
    pub tag: Option<String>,
}

/// A base.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BaseOutput {
    /// The commit's id.
    pub commit: String,
    /// `established`, or `given` by `--base`.
    pub why: &'static str,
}

/// A change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeOutput {
    /// The path.
    pub path: String,
    /// `A`, `M` or `D`.
    pub status: &'static str,
    /// `code`, `config`, `schema` or `policy`.
    pub kind: &'static str,
    /// The id of a change that the Operations Changelog names; absent for a path.
    pub id: Option<String>,
}

/// A suite of a plan.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedSuite {
    /// Its name.
    pub name: String,
    /// `PASS`, `FAIL`, or `NONE` where nothing is recorded that counts.
    pub state: &'static str,
    /// Why it is owed.
    pub reasons: Vec<ReasonOutput>,
}

/// A reason.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReasonOutput {
    /// A stable word.
    pub why: &'static str,
    /// The path that it is about.
    pub path: Option<String>,
    /// The glob, pattern or kind of file that matched.
    pub glob: Option<String>,
}

/// An approval that is needed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApprovalOutput {
    /// SHA-256 of the policy file before.
    pub from: String,
    /// SHA-256 of the subject's policy file.
    pub to: String,
    /// What got weaker.
    pub weaker: Vec<String>,
    /// Whether an approval is recorded.
    pub approved: bool,
}

/// `run --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunOutput {
    /// `proof-gate.run/1`
    pub format: &'static str,
    /// The verdict over all suites; null where no proof was made.
    pub verdict: Option<Word>,
    /// The record's id; null for a draft.
    pub record: Option<String>,
    /// The suites that were run.
    pub suites: Vec<SuiteOutput>,
}

/// A suite that was run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuiteOutput {
    /// Its name.
    pub name: String,
    /// Its verdict.
    pub verdict: Word,
    /// What forbids PASS.
    pub findings: Vec<Finding>,
    /// The tests it told of; of several runs those of the first that failed, or the first.
    pub counts: Counts,
    /// How often it was run.
    pub runs: u32,
    /// What was noticed and forbids nothing, and what was varied in which run.
    pub notes: Vec<String>,
    /// How long it took, all runs together, in milliseconds.
    pub ms: u64,
}

/// `status --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusOutput {
    /// `proof-gate.status/1`
    pub format: &'static str,
    /// The repository's id in records.
    pub repository: Option<String>,
    /// The gated tags, newest first.
    pub tags: Vec<RefOutput>,
    /// The gated branches.
    pub branches: Vec<RefOutput>,
    /// Approved changes of the policy, newest first.
    pub approvals: Vec<PolicyApprovalOutput>,
}

/// A gated ref and its last verdict.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RefOutput {
    /// The short name.
    pub name: String,
    /// The full name.
    #[serde(rename = "ref")]
    pub full: String,
    /// The commit.
    pub commit: Option<String>,
    /// `PASS`, `FAIL`, `NONE`, `STALE` or `BEFORE`.
    pub state: &'static str,
    /// The suites owed.
    pub suites: Vec<String>,
    /// The record that the state rests on.
    pub record: Option<String>,
    /// When its proof ended, RFC 3339.
    pub finished: Option<String>,
    /// Whose record it is, as the record says.
    pub by: Option<String>,
    /// Whether the record is signed by somebody on the list of allowed signers.
    pub signed: bool,
    /// Who that is, as the list names them.
    pub signer: Option<String>,
    /// Whether somebody was at a terminal.
    pub human_run: Option<bool>,
}

/// A recorded approval of a policy change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyApprovalOutput {
    /// The record's id.
    pub record: String,
    /// The commit it was given for.
    pub commit: String,
    /// SHA-256 of the policy file before.
    pub from: String,
    /// SHA-256 of the policy file after.
    pub to: String,
    /// Why.
    pub why: String,
    /// Who, as the record says.
    pub by: String,
    /// Who signed it, as the list of allowed signers names them; null where nobody who counts did.
    pub signer: Option<String>,
    /// When, RFC 3339.
    pub finished: String,
}

/// `show --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShowOutput {
    /// `proof-gate.show/1`
    pub format: &'static str,
    /// The record commit's object id; null where nothing is recorded of the revision.
    pub record: Option<String>,
    /// Whether it is signed by somebody on the list of allowed signers.
    pub signed: bool,
    /// Who that is, as the list names them.
    pub signer: Option<String>,
    /// The in-toto statement as it is stored (see docs/records.md); null where there is none.
    pub statement: Option<serde_json::Value>,
}

/// `checklist --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChecklistOutput {
    /// `proof-gate.checklist/1`
    pub format: &'static str,
    /// The record commit's object id; null where no verdict is recorded of the revision.
    pub record: Option<String>,
    /// The commit that the record was made for.
    pub commit: Option<String>,
    /// The record's verdict.
    pub verdict: Option<Word>,
    /// Whether nothing that the runbook asks for is missing; the command then ends with 0.
    pub whole: bool,
    /// The points, in the runbook's order.
    pub items: Vec<ChecklistItem>,
}

/// A point of the checklist.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChecklistItem {
    /// What it is about.
    pub item: About,
    /// The suite, where it is about one.
    pub suite: Option<String>,
    /// How it stands.
    pub state: State,
    /// What bears it out, or what is missing.
    pub what: String,
    /// A command, or lines for the policy, that mend it.
    pub next: Option<String>,
}

/// `explain --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainOutput {
    /// `proof-gate.explain/1`
    pub format: &'static str,
    /// The plan, as `plan --json` gives it.
    pub plan: PlanOutput,
    /// Where the policy that judges comes from.
    pub policy: &'static str,
    /// SHA-256 of that policy file.
    pub policy_digest: String,
    /// Whether the tree is established: a later commit may count its changes from here.
    pub established: bool,
    /// What the records say of each suite.
    pub answers: Vec<AnswerOutput>,
    /// Records that cannot count, and why.
    pub problems: Vec<String>,
}

/// What the records say of a suite.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnswerOutput {
    /// The suite.
    pub suite: String,
    /// The obligation's key.
    pub key: String,
    /// `PASS`, `FAIL` or `NONE`.
    pub state: &'static str,
    /// The record that answers.
    pub record: Option<String>,
    /// Its findings.
    pub findings: Vec<Finding>,
}

/// `judge --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct JudgeOutput {
    /// `proof-gate.judge/1`
    pub format: &'static str,
    /// The adapter.
    pub adapter: &'static str,
    /// The verdict.
    pub verdict: Word,
    /// The tests it tells of.
    pub counts: Counts,
    /// What forbids PASS.
    pub findings: Vec<Finding>,
    /// What forbids nothing and is worth knowing, such as what the report cannot show.
    pub notes: Vec<String>,
}

/// `doctor --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorOutput {
    /// `proof-gate.doctor/1`
    pub format: &'static str,
    /// What was found, the worst first.
    pub findings: Vec<FindingOutput>,
    /// What was looked at, and what was not.
    pub checks: Vec<CheckOutput>,
    /// The pushes of `--fire`, one a work tree.
    pub fired: Vec<FiredOutput>,
}

/// Something that the doctor found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingOutput {
    /// The check that found it.
    pub check: &'static str,
    /// How much it weighs; all but `note` end the command with 1.
    pub severity: Severity,
    /// What is to be seen.
    pub what: String,
    /// What follows from it.
    pub why: String,
    /// Commands for sh that mend it, in this order.
    pub mend: Vec<String>,
    /// What to do where no command can.
    pub advice: Option<String>,
}

/// A check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckOutput {
    /// What was looked at.
    pub name: &'static str,
    /// `fine`, `found`, or `not_looked`.
    pub state: &'static str,
    /// Why it was not looked at.
    pub why: Option<&'static str>,
}

/// A push of `--fire`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FiredOutput {
    /// Where it was started.
    pub folder: String,
    /// The gated ref whose deletion was pushed.
    pub gated_ref: String,
    /// `refused`, `refused_by_kept_hook`, `went_through`, `refused_by_other` or `hung`.
    pub result: &'static str,
}

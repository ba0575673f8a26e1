//! The JSON documents of `verify` and `audit`, as those of the other commands in `output`.

use schemars::JsonSchema;
use serde::Serialize;

use super::output::{ApprovalOutput, PolicyApprovalOutput, SubjectOutput};
use crate::judge::Finding;

/// `verify --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifyOutput {
    /// `proof-gate.verify/1`
    pub format: &'static str,
    /// What is verified.
    pub subject: SubjectOutput,
    /// `deploy`, `migration`, `policy` or `rollback`.
    pub scenario: &'static str,
    /// `PASS` where every suite and approval is there; else `FAIL` where a FAIL stands, or `NONE`. All but PASS end with 1.
    pub verdict: &'static str,
    /// Whether it is a tag from before the gate.
    pub before: bool,
    /// Whether only records of allowed signers count.
    pub signatures_required: bool,
    /// What is owed, and what the records say of it.
    pub suites: Vec<VerifiedSuite>,
    /// Approvals that a weaker policy needs.
    pub approvals: Vec<ApprovalOutput>,
    /// What is wrong with the logs.
    pub problems: Vec<String>,
}

/// A suite that is owed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifiedSuite {
    /// Its name.
    pub name: String,
    /// The obligation's key.
    pub key: String,
    /// `PASS`, `FAIL`, or `NONE` where no record counts.
    pub state: &'static str,
    /// The record that answers.
    pub record: Option<String>,
    /// Whose it is, as the record says.
    pub by: Option<String>,
    /// When its proof ended, RFC 3339.
    pub finished: Option<String>,
    /// Who signed it, as the list of allowed signers names them; null where nobody who counts did.
    pub signer: Option<String>,
    /// Its findings.
    pub findings: Vec<Finding>,
    /// Whether it is a FAIL because the same inputs gave a PASS too.
    pub flaky_history: bool,
    /// Records of it that count for nothing because of their signature.
    pub discounted: Vec<DiscountedOutput>,
}

/// A record that counts for nothing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiscountedOutput {
    /// The record's id.
    pub record: String,
    /// Why.
    pub why: String,
}

/// `audit --json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditOutput {
    /// `proof-gate.audit/1`
    pub format: &'static str,
    /// The remote that was looked at; null for the repository's own refs.
    pub remote: Option<String>,
    /// Every gated ref there.
    pub refs: Vec<AuditedRef>,
    /// Logs that are not what they were.
    pub logs: Vec<AuditedLog>,
    /// What is wrong with the logs.
    pub problems: Vec<String>,
    /// Approved changes of the policy, newest first.
    pub approvals: Vec<PolicyApprovalOutput>,
    /// How many refs, logs and problems speak against it; the command ends with 1 where there are any.
    pub findings: usize,
}

/// A gated ref that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditedRef {
    /// The short name.
    pub name: String,
    /// The full name.
    #[serde(rename = "ref")]
    pub full: String,
    /// The commit.
    pub commit: Option<String>,
    /// `PASS`, `FAIL`, `NONE`, `STALE` or `BEFORE`, as in `status`.
    pub state: &'static str,
    /// The record that the state rests on.
    pub record: Option<String>,
    /// Who signed that record, as the list of allowed signers names them.
    pub signer: Option<String>,
    /// What speaks against it; null where nothing does.
    pub finding: Option<String>,
    /// `pushed`, `tagged` or `committed`: what is known of who did it.
    pub did: Option<&'static str>,
    /// Who that was, by their own account.
    pub who: Option<String>,
}

/// A log that is not what it was.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditedLog {
    /// Whose log it is.
    pub writer: String,
    /// What became of it.
    pub what: &'static str,
}

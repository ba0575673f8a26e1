//! From a judged proof to the draft of its record.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::assess::Assessment;
use super::ground::Ground;
use super::judging::SuiteVerdict;
use super::proving::Order;
use crate::digest::Digest;
use crate::error::{Context as _, Result};
use crate::evidence;
use crate::evidence::KeptFile;
use crate::judge::{self, Word};
use crate::policy::Policy;
use crate::prove::EnvironmentReport;
use crate::records::{
    Answer, Approval, Begun, Body, Changes, Draft, Ended, EnvironmentIdentity, Established, EvidenceFile,
    IdentityOutput, Keyed, KilledRun, Obligation, Policies, Subject, SubjectDigest, SuiteEntry, Tool, VerdictBody,
};
use crate::reporter;
use crate::select;

/// Reasons that a record keeps of each obligation, at most; the plan shows them all.
const MAX_REASONS: usize = 8;

/// Artifacts of a suite that a record names one by one, at most, and the bytes of their paths: a record has 256 KiB for all suites.
const NAMED: usize = 64;
const NAMED_BYTES: usize = 16 << 10;

/// A proof that was judged.
pub struct Judged<'a> {
    /// What decisions rest on.
    pub ground: &'a Ground<'a>,
    /// What was to be proven.
    pub order: &'a Order<'a>,
    /// The suites' verdicts.
    pub verdicts: &'a [SuiteVerdict],
    /// What they ran in.
    pub environment: &'a EnvironmentReport,
    /// Whether somebody was at a terminal.
    pub terminal: bool,
    /// Proofs that were killed before, and that no record carries yet.
    pub killed: &'a [KilledRun],
    /// When the proof began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

/// The draft of a verdict's record.
pub fn verdict(judged: &Judged<'_>) -> Result<Draft> {
    let Judged { ground, order, .. } = judged;
    let assessment = order.assessment;
    let suites = judged.verdicts.iter().map(|suite| suite_entry(judged, suite)).collect::<Result<Vec<_>>>()?;
    let failed = suites.iter().any(|suite| suite.verdict == Word::Fail);
    let bases = assessment.base.iter().flat_map(|base| &base.commits).map(|commit| commit.id).collect();
    let body = VerdictBody {
        scenario: assessment.wanted.scenario.clone(),
        gated_ref: order.gated_ref.as_ref().map(|name| reporter::text(name)),
        verdict: if failed { Word::Fail } else { Word::Pass },
        established: established(judged)?,
        bases,
        changes: changes(assessment),
        policies: Policies {
            subject: Some(assessment.policy.digest).filter(|_| assessment.origin == select::Origin::Subject),
            bases: assessment.compared.iter().map(|file| file.digest).collect(),
            judged_by: (assessment.origin != select::Origin::Subject)
                .then(|| format!("{}, {}", assessment.origin.as_str(), assessment.policy.digest)),
        },
        obligations: assessment
            .owed
            .iter()
            .map(|owed| Obligation {
                suite: owed.suite.clone(),
                key: owed.key,
                reasons: owed.reasons.iter().take(MAX_REASONS).map(|reason| reason.sentence()).collect(),
            })
            .collect(),
        suites,
        environment: environment(judged.environment)?,
        killed: judged.killed.to_vec(),
        target: order.target.clone().or_else(|| assessment.policy.policy.proof.target.clone()),
    };
    draft(ground, assessment, judged.terminal, judged.started, judged.finished, Body::Verdict(Box::new(body)))
}

/// A draft about an assessment's subject.
pub fn draft(
    ground: &Ground<'_>,
    assessment: &Assessment,
    terminal: bool,
    started: Timestamp,
    finished: Timestamp,
    body: Body,
) -> Result<Draft> {
    let begun = begun(ground, assessment, terminal, started, &[])?;
    let Begun { subject, repository, terminal, host, tool, started, suites: _ } = begun;
    Ok(Draft { subject, repository, terminal, host, tool, started, finished, body })
}

/// What every record about an assessment's subject says.
pub fn begun(
    ground: &Ground<'_>,
    assessment: &Assessment,
    terminal: bool,
    started: Timestamp,
    suites: &[String],
) -> Result<Begun> {
    let commit = &assessment.subject.commit;
    Ok(Begun {
        subject: Subject {
            name: commit.id.to_string(),
            digest: SubjectDigest { git_commit: commit.id, git_tree: commit.tree, git_tag: assessment.subject.tag },
        },
        repository: ground.repository_id(&assessment.policy, commit)?,
        terminal,
        host: host(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        started,
        suites: suites.to_vec(),
    })
}

/// This machine's name.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What the subject's tree owed as a branch's, where all of it holds a PASS with this proof. It is read back with care: the
/// claim counts only as long as each of its obligations answers PASS.
fn established(judged: &Judged<'_>) -> Result<Option<Established>> {
    let order = judged.order;
    let passed = |suite: &str| {
        judged.verdicts.iter().find(|judged| judged.name == suite).map(|judged| judged.verdict.word() == Word::Pass)
    };
    // Worked out from the base, whatever was asked for: a tag or a scenario owes more than its tree.
    let wanted = super::assess::Wanted::deploy(false, super::assess::Standing::Ignored);
    let plain = judged.ground.assess(order.assessment.subject.clone(), wanted)?;
    let holds = plain.owed.iter().all(|owed| match passed(&owed.suite) {
        Some(passed) => passed,
        None => matches!(owed.answer, Answer::Pass { .. }),
    });
    if !holds || plain.approvals.iter().any(|(_, approved)| !approved) || plain.owed.is_empty() {
        return Ok(None);
    }
    Ok(Some(Established {
        bases: plain.base.iter().flat_map(|base| &base.commits).map(|commit| commit.id).collect(),
        obligations: plain
            .owed
            .iter()
            .map(|owed| Obligation { suite: owed.suite.clone(), key: owed.key, reasons: Vec::new() })
            .collect(),
        approvals: plain.approvals.iter().map(|(needed, _)| Approval { from: needed.from, to: needed.to }).collect(),
    }))
}

/// The changed paths of an assessment, as a record holds them.
pub(super) fn changes(assessment: &Assessment) -> Changes {
    let changes = assessment.plan.as_ref().map(|plan| plan.changes.as_slice()).unwrap_or_default();
    let fields = changes.iter().flat_map(|change| [change.status.letter().as_bytes(), change.path.as_slice()]);
    Changes { count: changes.len() as u64, digest: Digest::of_fields(fields) }
}

fn suite_entry(judged: &Judged<'_>, suite: &SuiteVerdict) -> Result<SuiteEntry> {
    let assessment = judged.order.assessment;
    let policy = &assessment.policy.policy;
    let adapter = policy.suites[&suite.name].report.adapter;
    let unseen = evidence::unseen(adapter).map(|what| format!("{} does not show {what}", adapter.as_str()));
    Ok(SuiteEntry {
        name: suite.name.clone(),
        key: judged.ground.key(&assessment.policy, &assessment.subject, &suite.name)?,
        argv: suite.argv.clone(),
        argv_digest: SuiteEntry::digest_of(&suite.argv),
        tools: tools_of(policy, &suite.name),
        variables: variables_of(policy, &suite.name),
        ended: match suite.ended {
            evidence::Ended::Exited(code) => Ended::Exited(code),
            evidence::Ended::Signalled(signal) => Ended::Signalled(signal),
            evidence::Ended::TimedOut => Ended::TimedOut,
        },
        runs: suite.runs,
        duration_ms: u64::try_from(suite.duration.as_millis()).unwrap_or(u64::MAX),
        counts: suite.counts,
        adapter: adapter.as_str().to_owned(),
        rules: judge::RULES_VERSION,
        verdict: suite.verdict.word(),
        findings: suite.verdict.findings().into_iter().cloned().collect(),
        findings_left_out: 0,
        notes: suite.notes.iter().cloned().chain(unseen).collect(),
        evidence: named(suite).map(|file| evidence_file(judged.ground, file)).collect(),
    })
}

/// The names of the programs that a suite's run could start: its own and those of the steps around it. A program named by a path
/// is part of the tree, or made by `prepare`.
fn tools_of(policy: &Policy, suite: &str) -> Vec<String> {
    let proof = &policy.proof;
    let steps = [&proof.prepare, &proof.reset, &proof.ready, &proof.teardown, &proof.identity].into_iter().flatten();
    let names: BTreeSet<&String> = steps.chain([&policy.suites[suite].run]).filter_map(|argv| argv.first()).collect();
    names.into_iter().filter(|name| !name.contains('/')).cloned().collect()
}

/// The names of the passed variables that a suite could see.
fn variables_of(policy: &Policy, suite: &str) -> Vec<String> {
    let names: BTreeSet<&String> = policy.proof.env.pass.iter().chain(&policy.suites[suite].env.pass).collect();
    names.into_iter().cloned().collect()
}

/// The files that a record names of a suite: its artifacts one by one where they are few; else their list, whose digest stands for all.
fn named(suite: &SuiteVerdict) -> impl Iterator<Item = &KeptFile> {
    let length = |file: &KeptFile| file.path.as_os_str().len();
    let has_room = suite.artifacts.len() <= NAMED && suite.artifacts.iter().map(length).sum::<usize>() <= NAMED_BYTES;
    suite.files.iter().chain(suite.artifacts.iter().filter(move |_| has_room))
}

fn evidence_file(ground: &Ground<'_>, file: &KeptFile) -> EvidenceFile {
    let KeptFile { path, size, sha256, media_type } = file;
    let name = path.strip_prefix(ground.repository.own_dir()).unwrap_or(path).to_string_lossy().into_owned();
    EvidenceFile { name, size: *size, sha256: *sha256, media_type: (*media_type).to_owned() }
}

fn environment(report: &EnvironmentReport) -> Result<EnvironmentIdentity> {
    let digest = |hex: &str| hex.parse::<Digest>().context("cannot read a digest of the environment");
    let keyed = |hashes: &BTreeMap<String, Option<String>>| {
        let there = hashes.iter().filter_map(|(name, hash)| Some((name, hash.as_ref()?)));
        there.map(|(name, hash)| Ok(Keyed { name: name.clone(), hash: digest(hash)? })).collect::<Result<Vec<_>>>()
    };
    Ok(EnvironmentIdentity {
        system: report.system.clone(),
        architecture: report.arch.clone(),
        tools: report
            .tools
            .iter()
            .map(|tool| Tool { name: tool.name.clone(), path: tool.path.clone(), version: tool.version.clone() })
            .collect(),
        identity: report
            .identity
            .iter()
            .map(|output| {
                Ok(IdentityOutput {
                    argv: output.argv.clone(),
                    sha256: digest(&output.sha256)?,
                    first_line: output.first_line.clone(),
                })
            })
            .collect::<Result<_>>()?,
        variables: keyed(&report.passed)?,
        files: keyed(&report.files)?,
        secret: report.secret_id.clone().unwrap_or_default(),
    })
}

//! From an order to a record: run the suites, judge what they left, append the verdict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bstr::{BString, ByteSlice as _};
use jiff::Timestamp;

use super::assess::Assessment;
use super::ground::{Ground, signing};
use super::judging::{SuiteVerdict, judge_all};
use super::killed;
use super::known::Known;
use super::proof_words::{closing, opening, show_commands_once};
use super::repeats::{Repeat, run_name};
use super::statement::{self, Judged};
use super::watch::Watch;
use crate::caller::Caller;
use crate::error::{Context as _, Error, Exit, Result};
use crate::evidence::{self, WarningLists};
use crate::git::{Oid, Repository};
use crate::judge::Word;
use crate::policy::{GitView, Policy};
use crate::prove::{
    self, Cancel, EnvironmentReport, Invocation, Locales, ProofEnd, Request, Source, SuiteJob, Variation, Written,
};
use crate::records::{Answer, Journal, KilledRun, Log, Recorded};
use crate::reporter::{Line, Reporter};

/// A FAIL that was resolved is ended only by a proof that runs the suite this often.
const RUNS_AFTER_RESOLVE: u32 = 3;

/// What is to be proven.
pub struct Order<'a> {
    /// The subject and what it owes.
    pub assessment: &'a Assessment,
    /// The suites to run, by name.
    pub suites: Vec<String>,
    /// The gated ref that called for it, where one did.
    pub gated_ref: Option<BString>,
    /// A label of what is proven against.
    pub target: Option<String>,
    /// Whose death ends the proof: git's, where its hook makes it.
    pub parent: Option<prove::Parent>,
    /// Whether a proof that somebody else just made will do (a push), or it is made afresh (`run`).
    pub only_if_missing: bool,
    /// How often each suite is run.
    pub repeat: Repeat,
}

/// What an order came to.
pub enum Proven {
    /// A record.
    Recorded(Box<Recorded>, Vec<SuiteVerdict>),
    /// Somebody else's proof answered meanwhile; nothing was run.
    Answered,
}

/// Proves and records. An error is "no proof"; what had failed before it is recorded all the same.
pub fn prove(ground: &mut Ground<'_>, reporter: &mut Reporter, order: &Order<'_>) -> Result<Proven> {
    let repository = ground.repository;
    let proven = prove_and_record(ground, reporter, order).map_err(|error| no_proof(error, repository));
    // The proof is gone by now, and with it every workspace that can be removed.
    killed::sweep_workspaces(ground.caller, reporter);
    proven
}

fn prove_and_record(ground: &mut Ground<'_>, reporter: &mut Reporter, order: &Order<'_>) -> Result<Proven> {
    let policy = &order.assessment.policy.policy;
    refuse_not_yet(policy)?;
    let terminal = human_run(ground, order)?;
    // A record needs a name, and a key where it is signed; better to hear that before the suites have run.
    let log = Log::open(ground.repository, signing(policy))?;
    log.try_signing(ground.records.trust())?;
    let turn = prove::take_turn(ground.repository, &mut || {
        reporter.say(&Line::new().text("  waiting  for another proof in this repository"));
    })?;
    let killed = killed::record(ground, reporter, &log, &turn)?;
    if order.only_if_missing {
        ground.refresh()?;
        if still_missing(ground, order)?.is_empty() {
            return Ok(Proven::Answered);
        }
    }
    let commit = order.assessment.subject.commit.id;
    reporter.say(&opening(order, commit));
    show_commands_once(ground, reporter, order)?;
    let runs = runs_of(ground, order)?;
    let cancel = Cancel::on_signals().context("cannot listen for signals")?.or_without(order.parent);
    if cancel.is_raised() {
        return Err(interrupted());
    }
    let started = Timestamp::now();
    let evidence_dir = evidence_dir(ground, commit, started)?;
    let last_times = last_times(ground, order);
    let locales = locales(order.repeat, ground.caller, &cancel);
    let request = Request {
        repository: ground.repository,
        caller: ground.caller,
        source: match policy.proof.git {
            GitView::Tree => Source::Tree(order.assessment.subject.commit.tree),
            GitView::History => Source::History(commit),
        },
        proof: &policy.proof,
        suites: &jobs(policy, &runs, &last_times, locales.as_ref())?,
        evidence_dir: evidence_dir.clone(),
    };
    let ground = &*ground;
    let known = &Known::of_commit(ground, order.assessment)?;
    let statement_of = |verdicts: &[SuiteVerdict], environment: &EnvironmentReport, killed: &[KilledRun]| {
        let finished = Timestamp::now();
        statement::verdict(&Judged { ground, order, verdicts, environment, killed, terminal, started, finished })
    };
    let mut journal = begin_journal(ground, order, &killed, terminal, started)?;
    let mut note_failures = |verdicts: &[SuiteVerdict], environment: &EnvironmentReport, reporter: &Reporter| {
        let noted = statement_of(verdicts, environment, &[]).and_then(|draft| journal.note(&draft));
        if let Err(error) = noted {
            reporter.say(&Line::new().text("  note     ").data(error.to_string()));
        }
    };
    let mut watch = Watch {
        reporter: &mut *reporter,
        policy,
        known,
        runs: &runs,
        last_times: &last_times,
        // In a push the refusal names them.
        names_findings: !order.only_if_missing,
        on_failure: &mut note_failures,
        environment: EnvironmentReport::default(),
        ended: Vec::new(),
        said: Vec::new(),
    };
    let proof = prove::prove(&request, &mut |event| watch.event(event), &cancel);
    reporter.settled();
    let proof = match proof {
        Ok(proof) => proof,
        Err(error) => {
            let error = without_record(error, ground.repository, &evidence_dir);
            journal.end_without_record()?;
            // git hears the same Ctrl-C, and what it says when it dies of that is no news.
            return Err(if cancel.is_raised() { interrupted() } else { error });
        }
    };
    let judged = judge_all(policy, known, &runs, &proof.suites);
    let ended = if cancel.is_raised() { ProofEnd::Interrupted } else { proof.ended };
    let whole = judged.broken.is_none() && matches!(ended, ProofEnd::Whole);
    let verdicts: Vec<SuiteVerdict> =
        judged.verdicts.into_iter().filter(|suite| whole || suite.verdict.word() == Word::Fail).collect();
    if verdicts.is_empty() {
        let error = without_record(broken(judged.broken, &ended), ground.repository, &evidence_dir);
        journal.end_without_record()?;
        return Err(error);
    }
    let recorded = match statement_of(&verdicts, &proof.environment, &killed).and_then(|draft| log.append(draft)) {
        Ok(recorded) => recorded,
        Err(error) => {
            // A failure waits in the journal for the next proof; a PASS that nobody recorded is nothing to tell.
            if verdicts.iter().all(|suite| suite.verdict.word() == Word::Pass) {
                let error = without_record(error, ground.repository, &evidence_dir);
                drop(journal.end_without_record());
                return Err(error);
            }
            return Err(error);
        }
    };
    journal.end()?;
    reporter.say(&closing(&recorded, &verdicts));
    if !whole {
        return Err(broken(judged.broken, &ended)
            .hint(format!("what had failed before is recorded: proof-gate show {}", recorded.id().short())));
    }
    Ok(Proven::Recorded(Box::new(recorded), verdicts))
}

/// Runs the work tree as it is and judges it; records nothing.
pub fn draft(
    caller: &Caller,
    repository: &Repository,
    reporter: &mut Reporter,
    policy: &Policy,
    suites: &[String],
    repeat: Repeat,
) -> Result<Vec<SuiteVerdict>> {
    refuse_not_yet(policy)?;
    let work_tree = repository.work_tree().context("cannot run a draft: there is no work tree here")?;
    let cancel = Cancel::on_signals().context("cannot listen for signals")?;
    let runs: Vec<(String, u32)> = suites.iter().map(|name| (name.clone(), repeat.times())).collect();
    let locales = locales(repeat, caller, &cancel);
    let evidence_dir = repository.own_dir().join("evidence").join("draft");
    if evidence_dir.exists() {
        std::fs::remove_dir_all(&evidence_dir).context(format!("cannot clear {}", evidence_dir.display()))?;
    }
    let known = &Known::of_draft(repository, work_tree, policy)?;
    let request = Request {
        repository,
        caller,
        source: Source::WorkTree(work_tree.to_owned()),
        proof: &policy.proof,
        suites: &jobs(policy, &runs, &BTreeMap::new(), locales.as_ref())?,
        evidence_dir,
    };
    let mut watch = Watch {
        reporter: &mut *reporter,
        policy,
        known,
        runs: &runs,
        last_times: &BTreeMap::new(),
        names_findings: true,
        on_failure: &mut |_, _, _| {},
        environment: EnvironmentReport::default(),
        ended: Vec::new(),
        said: Vec::new(),
    };
    let proof = prove::prove(&request, &mut |event| watch.event(event), &cancel);
    reporter.settled();
    let proof = proof.map_err(|error| if cancel.is_raised() { interrupted() } else { error })?;
    let judged = judge_all(policy, known, &runs, &proof.suites);
    match (&judged.broken, &proof.ended) {
        (None, ProofEnd::Whole) => Ok(judged.verdicts),
        _ => Err(broken(judged.broken, &proof.ended)),
    }
}

fn refuse_not_yet(policy: &Policy) -> Result<()> {
    super::config::usable_commands(policy)?;
    let not_yet = policy.not_yet();
    let Some(first) = not_yet.first() else { return Ok(()) };
    let mut error = Error::new(format!("no proof: {} is not supported yet ({})", first.key, first.why));
    for more in &not_yet[1..] {
        error = error.hint(format!("nor is {} ({})", more.key, more.why));
    }
    Err(error.hint("take it out of .proofrc.toml; 'proof-gate config check' lists all such keys"))
}

/// Whether a terminal is there; an error where the policy wants one and there is none, or this is CI.
fn human_run(ground: &Ground<'_>, order: &Order<'_>) -> Result<bool> {
    let policy = &order.assessment.policy.policy;
    let terminal = prove::has_terminal();
    let ci = ground.caller.variable("CI").is_some();
    if policy.proof.require_terminal && (ci || !terminal) {
        let why = if ci { "CI is set" } else { "there is no terminal" };
        let gated_ref = order.gated_ref.as_ref().map(|name| name.as_bstr());
        let command = super::way_on::run_command(ground, order.assessment, gated_ref, &order.suites);
        return Err(Error::new(format!("no proof: a proof is run by hand, and {why}"))
            .hint(format!("in a terminal: {command}"))
            .hint("or '[proof] require_terminal = false' in .proofrc.toml; records then say that nobody was there"));
    }
    Ok(terminal && !ci)
}

/// The suites of an order that the records do not answer.
fn still_missing(ground: &Ground<'_>, order: &Order<'_>) -> Result<Vec<String>> {
    let again = ground.assess(order.assessment.subject.clone(), order.assessment.wanted.clone())?;
    let missing = again.owed.into_iter().filter(|owed| matches!(owed.answer, Answer::Nothing)).map(|owed| owed.suite);
    Ok(missing.filter(|suite| order.suites.contains(suite)).collect())
}

/// How often each suite runs: as asked for, and three times at least where it has to end a FAIL that was resolved.
fn runs_of(ground: &Ground<'_>, order: &Order<'_>) -> Result<Vec<(String, u32)>> {
    let assessment = order.assessment;
    let demands = ground.demands(&assessment.policy.policy);
    let mut runs = Vec::new();
    for suite in &order.suites {
        let key = ground.key(&assessment.policy, &assessment.subject, suite)?;
        let asked_for = if ground.records.unended_resolved(key, demands)? { RUNS_AFTER_RESOLVE } else { 1 };
        runs.push((suite.clone(), asked_for.max(order.repeat.times())));
    }
    Ok(runs)
}

/// The locales to choose from where runs are varied.
fn locales(repeat: Repeat, caller: &Caller, cancel: &Cancel) -> Option<Locales> {
    match repeat {
        Repeat::Varied(_) => Some(Locales::installed(caller, cancel)),
        Repeat::Once | Repeat::Same(_) => None,
    }
}

/// One job for each run of each suite. With `locales` all but the first run of each are varied.
fn jobs(
    policy: &Policy,
    runs: &[(String, u32)],
    last_times: &BTreeMap<String, Duration>,
    locales: Option<&Locales>,
) -> Result<Vec<SuiteJob>> {
    let mut jobs = Vec::new();
    let warnings = WarningLists::of(&policy.warnings);
    for (name, often) in runs {
        let suite = policy.suites.get(name).context(format!("cannot find the suite '{name}' in the policy"))?;
        for run in 0..*often {
            let (report, argv) = (suite.report, suite.run.clone());
            jobs.push(SuiteJob {
                name: run_name(name, run),
                suite: name.clone(),
                variation: locales
                    .map(|locales| Variation::of_run(run, locales, [&policy.proof.env, &suite.env]))
                    .unwrap_or_default(),
                argv: suite.run.clone(),
                timeout: suite.timeout.unwrap_or(policy.proof.timeout),
                environment: suite.env.clone(),
                last_time: last_times.get(name).copied(),
                exclusive: suite.exclusive,
                artifacts: suite.artifacts.clone(),
                read: Box::new(move |file, started, hear| evidence::read_report(report, file, started, hear)),
                warnings: warnings.clone(),
                recipe: Box::new(move |file: &Path| {
                    let recipe = evidence::recipe(report, &argv, file);
                    let argv = recipe.complete(&evidence::fill_in(&argv, file));
                    Invocation { argv, variables: recipe.variables, beside: recipe.beside, from: recipe.from }
                }),
            });
        }
    }
    Ok(jobs)
}

fn interrupted() -> Error {
    Error::new("no proof: interrupted").hint("the next push, or 'proof-gate run', proves it anew")
}

fn broken(why: Option<(String, Option<String>)>, ended: &ProofEnd) -> Error {
    let (cause, hint) = match (why, ended) {
        (_, ProofEnd::Interrupted) => return interrupted(),
        (Some(why), ProofEnd::Whole) => why,
        (None, ProofEnd::Whole) => ("nothing was run".to_owned(), None),
    };
    let error = Error::new(format!("no proof: {cause}")).ending(Exit::NoProof);
    hint.iter().flat_map(|hint| hint.lines()).fold(error, Error::hint)
}

/// The trace that the proof leaves if it is killed.
fn begin_journal(
    ground: &Ground<'_>,
    order: &Order<'_>,
    killed: &[KilledRun],
    terminal: bool,
    started: Timestamp,
) -> Result<Journal> {
    let begun = statement::begun(ground, order.assessment, terminal, started, &order.suites)?;
    Journal::begin(ground.repository, begun, killed.to_vec())
}

/// The words of a proof that came to no record: never those of a FAIL. git does not always say that the disk is full.
pub(super) fn no_proof(mut error: Error, repository: &Repository) -> Error {
    let cause = ["cannot make the proof: ", "no proof: "].iter().find_map(|start| error.message.strip_prefix(start));
    error.message = format!("no proof: {}", cause.unwrap_or(&error.message));
    if let Err(full) = check_git_dir_not_full(repository) {
        // What the system says of any full disk is said with the place.
        error.hints.retain(|hint| !hint.starts_with("the disk is full: make room"));
        let is_said = error.hints.iter().chain([&error.message]).any(|line| line.contains("the disk is full"));
        let missing = full.hints.into_iter().filter(|hint| !error.hints.contains(hint)).collect::<Vec<_>>();
        error.hints.splice(0..0, (!is_said).then_some(full.message).into_iter().chain(missing));
    }
    if error.hints.is_empty() { error.hint("mend it and run again; what was recorded before stands") } else { error }
}

fn check_git_dir_not_full(repository: &Repository) -> Result<()> {
    let evidence = &repository.own_dir().join("evidence");
    prove::check_not_full(&[Written::GitDirectory { at: repository.common_dir(), evidence }])
}

/// The error of a proof that ends with nothing seen to fail. Where it filled the git directory its half-written logs go: they would keep
/// that full for the next one. Else they stay, for they help.
fn without_record(error: Error, repository: &Repository, evidence_dir: &Path) -> Error {
    let is_full = check_git_dir_not_full(repository).is_err();
    let error = no_proof(error, repository);
    if !is_full || !evidence_dir.exists() || std::fs::remove_dir_all(evidence_dir).is_err() {
        return error;
    }
    error.hint(format!("the half-written logs of this proof were removed: {}", evidence_dir.display()))
}

/// A folder of its own below the git directory for what a run leaves.
fn evidence_dir(ground: &Ground<'_>, commit: Oid, started: Timestamp) -> Result<PathBuf> {
    let name = format!("{}-{}-{}", started.as_millisecond(), commit.short(), std::process::id());
    Ok(ground.repository.own_dir().join("evidence").join(name))
}

/// How long each suite took in the newest record that has it.
fn last_times(ground: &Ground<'_>, order: &Order<'_>) -> BTreeMap<String, Duration> {
    let mut times = BTreeMap::new();
    for id in ground.records.newest(50) {
        let Ok(recorded) = ground.records.get(id) else { continue };
        for suite in recorded.statement().verdict().map(|verdict| verdict.suites.as_slice()).unwrap_or_default() {
            if order.suites.contains(&suite.name) {
                times
                    .entry(suite.name.clone())
                    .or_insert(Duration::from_millis(suite.duration_ms / u64::from(suite.runs)));
            }
        }
        if times.len() == order.suites.len() {
            break;
        }
    }
    times
}

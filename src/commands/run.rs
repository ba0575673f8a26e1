//! `run`: proves and records; `run --draft`: runs the work tree and records nothing.

use bstr::ByteSlice as _;

use super::allowing;
use super::assess::Assessment;
use super::ground::Ground;
use super::judging::SuiteVerdict;
use super::killed;
use super::output::{RunOutput, SuiteOutput};
use super::plan;
use super::proving::{self, Order, Proven};
use super::repeats::Repeat;
use crate::caller::Caller;
use crate::cli;
use crate::error::{Error, Exit, Result};
use crate::git::{Merge, Repository};
use crate::judge::Word;
use crate::policy;
use crate::records::{self, Answer};
use crate::reporter::{Line, Reporter, Tone};
use crate::select::{self, Subject};

/// Proves a revision.
pub fn run(caller: &Caller, repository: &Repository, args: &cli::Run, reporter: &mut Reporter) -> Result<Exit> {
    // Whether or not it comes to a proof, which would remove them too.
    killed::sweep_workspaces(caller, reporter);
    let outcome =
        if args.draft { draft(caller, repository, args, reporter) } else { prove(caller, repository, args, reporter) };
    let (record, verdicts) = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            if args.json {
                reporter.json(&RunOutput {
                    format: "proof-gate.run/1",
                    verdict: None,
                    record: None,
                    suites: Vec::new(),
                })?;
            }
            return Err(error);
        }
    };
    super::hook_line::say(caller, repository, reporter);
    let failed = verdicts.iter().any(|suite| suite.verdict.word() == Word::Fail);
    if args.json {
        reporter.json(&RunOutput {
            format: "proof-gate.run/1",
            verdict: Some(if failed { Word::Fail } else { Word::Pass }),
            record,
            suites: verdicts.iter().map(suite_document).collect(),
        })?;
    }
    Ok(if failed { Exit::Refused } else { Exit::Allowed })
}

type Outcome = (Option<String>, Vec<SuiteVerdict>);

fn prove(caller: &Caller, repository: &Repository, args: &cli::Run, reporter: &mut Reporter) -> Result<Outcome> {
    let mut ground = Ground::read(caller, repository)?;
    let (subject, is_tag) = match &args.onto {
        Some(branch) => (onto(&ground, branch, &args.rev, reporter)?, false),
        None => ground.find(&args.rev)?,
    };
    let wanted = plan::wanted(&ground, &args.scenario, &subject.commit.id.to_string(), is_tag)?;
    let assessment = ground.assess(subject, wanted)?;
    let policy = &assessment.policy.policy;
    let owed: Vec<String> = assessment.owed.iter().map(|owed| owed.suite.clone()).collect();
    let suites = chosen(policy, &args.suites, owed)?;
    let gated_ref = if is_tag { ground.tag_named(&args.rev)?.map(Into::into) } else { None };
    let order = Order {
        assessment: &assessment,
        suites,
        gated_ref,
        target: args.target.clone(),
        parent: None,
        only_if_missing: false,
        repeat: Repeat::of(args),
    };
    match proving::prove(&mut ground, reporter, &order)? {
        Proven::Recorded(recorded, verdicts) => {
            if assessment.approvals.iter().any(|(_, approved)| !approved) {
                reporter.say_all(&plan::approvals(&ground, &assessment)?);
            }
            ground.refresh()?;
            say_contradictions(&ground, &assessment, reporter)?;
            let show = format!("proof-gate show {}", recorded.id().short());
            reporter.say(&Line::new().text("  next:    ").whole(show));
            if let Some(branch) = &args.onto {
                let line = Line::new().text("           a merge into ").data(branch);
                reporter.say(&line.text(" that gives this tree rests on this record, as long as nobody merges before"));
            }
            Ok((Some(recorded.id().to_string()), verdicts))
        }
        Proven::Answered => {
            Err(Error::new("cannot tell what was proven: another proof of the same was made meanwhile"))
        }
    }
}

/// The commit that the merge would give.
fn onto(ground: &Ground<'_>, branch: &str, rev: &str, reporter: &Reporter) -> Result<Subject> {
    let (onto, _) = ground.find(branch)?;
    let (topic, _) = ground.find(rev)?;
    let (onto, topic) = (onto.commit.id, topic.commit.id);
    match ground.repository.merge(onto, topic)? {
        Merge::Commit(id) => {
            let line = Line::new().text("proof-gate: the merge of ").data(topic.short()).text(" into ").data(branch);
            reporter.say(&line.text(" (").data(onto.short()).text(") is ").data(id.short()));
            select::find_subject(ground.repository, id, rev.into())
        }
        Merge::AlreadyIn => Err(Error::new(format!("cannot merge {rev} into {branch}: it is in there already"))
            .hint(format!("to prove the branch itself: proof-gate run {branch}"))),
        Merge::Conflicts(paths) => {
            let shown: Vec<String> = paths.iter().take(3).map(|path| path.to_str_lossy().into_owned()).collect();
            let more = if paths.len() > 3 { format!(" and {} more", paths.len() - 3) } else { String::new() };
            Err(Error::new(format!("no proof: {rev} conflicts with {branch} in {}{more}", shown.join(", ")))
                .hint(format!("merge {branch} into {rev} by hand, then prove again")))
        }
    }
}

/// A PASS that contradicts a FAIL on the same inputs lets nothing through: better to hear that now than from the next push.
fn say_contradictions(ground: &Ground<'_>, assessment: &Assessment, reporter: &Reporter) -> Result<()> {
    for owed in ground.assess(assessment.subject.clone(), assessment.wanted.clone())?.owed {
        if let Answer::Fail { recorded, why: records::Standing::FlakyHistory { .. }, .. } = &owed.answer {
            let line = Line::new().text("  ").tone(Tone::Bad, "FLAKY_HISTORY").text("  ").data(&owed.suite);
            reporter.say(&line.text(": PASS and FAIL on the same inputs, so a push is refused"));
            let line = Line::new().text("  next:    proof-gate resolve ").data(recorded.id().short());
            reporter.say(&line.text(" --suite ").data(&owed.suite).text(" --cause TEXT"));
        }
    }
    Ok(())
}

fn draft(caller: &Caller, repository: &Repository, args: &cli::Run, reporter: &mut Reporter) -> Result<Outcome> {
    let bytes = super::policy_in_work_tree(repository)?.ok_or_else(|| {
        Error::new("cannot run a draft: there is no .proofrc.toml in the work tree").hint("proof-gate init")
    })?;
    let policy = policy::parse(&bytes).map_err(|error| error.into_error(policy::FILE))?;
    let suites = chosen(&policy, &args.suites, policy.suites.keys().cloned().collect())?;
    let verdicts = proving::draft(caller, repository, reporter, &policy, &suites, Repeat::of(args))?;
    reporter.say_all(&allowing::lines(&policy, &verdicts));
    reporter.say(
        &Line::new()
            .text("proof-gate: a draft: ")
            .tone(Tone::Doubt, "nothing is recorded")
            .text(", and no push rests on it"),
    );
    let logs = repository.own_dir().join("evidence").join("draft");
    reporter.say(&Line::new().text("  logs:    ").data(logs.display().to_string()));
    Ok((None, verdicts))
}

/// The suites that were named, or those owed.
fn chosen(policy: &policy::Policy, named: &[String], owed: Vec<String>) -> Result<Vec<String>> {
    if named.is_empty() {
        return Ok(owed);
    }
    if let Some(unknown) = named.iter().find(|name| !policy.suites.contains_key(*name)) {
        let known: Vec<&str> = policy.suites.keys().map(String::as_str).collect();
        return Err(Error::new(format!("cannot find the suite '{unknown}' in the policy"))
            .ending(Exit::Usage)
            .hint(format!("it has: {}", known.join(" "))));
    }
    let mut named = named.to_vec();
    named.sort();
    named.dedup();
    Ok(named)
}

fn suite_document(suite: &SuiteVerdict) -> SuiteOutput {
    SuiteOutput {
        name: suite.name.clone(),
        verdict: suite.verdict.word(),
        findings: suite.verdict.findings().into_iter().cloned().collect(),
        counts: suite.counts,
        runs: suite.runs,
        notes: suite.notes.clone(),
        ms: u64::try_from(suite.duration.as_millis()).unwrap_or(u64::MAX),
    }
}

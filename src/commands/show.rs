//! `show`: one record and its evidence.

use super::ground::{Ground, is_tag_ref};
use super::output::ShowOutput;
use super::plan::scenario_name;
use super::show_suite::suite_lines;
use crate::caller::Caller;
use crate::cli;
use crate::error::{Context as _, Exit, Result};
use crate::git::{NotSigned, Repository, Signed};
use crate::judge::Word;
use crate::records::{Body, Recorded, SuiteEntry, VerdictBody};
use crate::reporter::{Line, Reporter, Tone, time_zone};
use crate::select::Subject;

/// Shows a record, or the newest one of a revision.
pub fn show(caller: &Caller, repository: &Repository, args: &cli::Show, reporter: &Reporter) -> Result<Exit> {
    let ground = Ground::read(caller, repository)?;
    let found = find(&ground, &args.what)?;
    if args.json {
        let signed = found.as_ref().map(|recorded| ground.records.signed(recorded)).transpose()?.flatten();
        let signer = signed.and_then(|signed| signed.principal().map(str::to_owned));
        let statement = found.as_ref().map(|recorded| serde_json::to_value(recorded.statement()));
        reporter.json(&ShowOutput {
            format: "proof-gate.show/1",
            record: found.as_ref().map(|recorded| recorded.id().to_string()),
            signed: signer.is_some(),
            signer,
            statement: statement.transpose().context("cannot write JSON")?,
        })?;
        return Ok(Exit::Allowed);
    }
    let Some(recorded) = found else {
        let line = Line::new().tone(Tone::Doubt, "NONE").text("  nothing is recorded of ").data(&args.what);
        reporter.data(&[line])?;
        reporter.say(&Line::new().text("  next:    ").whole(format!("proof-gate run {}", args.what)));
        return Ok(Exit::Allowed);
    };
    let resolves = ground.records.resolves_of_record(recorded.id())?;
    reporter.data(&lines(&ground, &recorded, &resolves))?;
    Ok(Exit::Allowed)
}

/// The record that an id names, else a revision's newest record.
fn find(ground: &Ground<'_>, what: &str) -> Result<Option<Recorded>> {
    let by_id = match ground.records.by_prefix(what) {
        Ok(recorded) => return Ok(Some(recorded)),
        Err(error) => error,
    };
    let (subject, _) = match ground.find(what) {
        Ok(found) => found,
        Err(_) if what.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            return Err(by_id.hint("a commit, a tag, or a record's id"));
        }
        Err(error) => return Err(error.hint("a commit, a tag, or a record's id")),
    };
    match ground.records.of_commit(subject.commit.id).first() {
        Some(id) => ground.records.get(*id).map(Some),
        None => ground.records.newest_for(subject.commit.tree),
    }
}

/// A record to be checked, and what it is checked for.
pub(super) struct FoundVerdict {
    pub(super) recorded: Recorded,
    pub(super) subject: Subject,
    /// Whether a tag is what was named, or what the record was made for.
    pub(super) is_tag: bool,
}

/// The record that an id names with its commit, else a revision with its newest verdict.
pub(super) fn find_verdict(ground: &Ground<'_>, what: &str) -> Result<Option<FoundVerdict>> {
    let with_subject = |recorded: Recorded| {
        let for_tag = recorded.statement().verdict().and_then(|verdict| verdict.gated_ref.as_ref());
        let for_tag = for_tag.is_some_and(|name| is_tag_ref(name.as_bytes().into()));
        let (subject, is_tag) = ground.find(&recorded.statement().subject().digest.git_commit.to_string())?;
        Ok(Some(FoundVerdict { recorded, subject, is_tag: is_tag || for_tag }))
    };
    if let Ok(recorded) = ground.records.by_prefix(what) {
        return with_subject(recorded);
    }
    let Some(newest) = find(ground, what)? else { return Ok(None) };
    let (subject, is_tag) = ground.find(what)?;
    for id in ground.records.of_commit(subject.commit.id) {
        let recorded = ground.records.get(id)?;
        if recorded.statement().verdict().is_some() {
            return Ok(Some(FoundVerdict { recorded, subject, is_tag }));
        }
    }
    Ok(newest.statement().verdict().is_some().then(|| FoundVerdict { recorded: newest.clone(), subject, is_tag }))
}

fn field(name: &'static str) -> Line {
    Line::new().text(name).to(12)
}

fn lines(ground: &Ground<'_>, recorded: &Recorded, resolves: &[Recorded]) -> Vec<Line> {
    let statement = recorded.statement();
    let mut lines = Vec::new();
    if let Some(verdict) = statement.verdict() {
        lines.extend(suites(ground, verdict));
    }
    lines.extend(head(ground, recorded));
    match &statement.predicate().body {
        Body::Verdict(verdict) => lines.extend(verdict_lines(verdict)),
        Body::Resolve(resolution) => {
            lines.push(field("resolves").data(resolution.record.to_string()));
            lines.push(field("suite").data(&resolution.suite));
            lines.push(field("cause").data(&resolution.cause));
        }
        Body::Policy(approval) => {
            lines.push(field("approves").text("a change of the policy file"));
            lines.push(field("from").data(approval.from.to_string()));
            lines.push(field("to").data(approval.to.to_string()));
            lines.push(field("why").data(&approval.why));
        }
    }
    for resolve in resolves {
        if let Body::Resolve(resolution) = &resolve.statement().predicate().body {
            let line =
                field("resolved").data(&resolution.suite).text(" by ").data(&resolve.statement().predicate().who.email);
            lines.push(line.text(": ").data(&resolution.cause));
        }
    }
    lines.extend(way_on(ground, recorded, resolves));
    lines
}

/// The verdict, and every suite: those that failed first.
fn suites(ground: &Ground<'_>, verdict: &VerdictBody) -> Vec<Line> {
    let failed = |suite: &&SuiteEntry| suite.verdict == Word::Fail;
    let line = field("verdict");
    let mut lines = vec![match verdict.verdict {
        Word::Pass => line.tone(Tone::Good, "PASS"),
        Word::Fail => {
            let names: Vec<&str> = verdict.suites.iter().filter(failed).map(|suite| suite.name.as_str()).collect();
            line.tone(Tone::Bad, "FAIL").text("  ").data(names.join(" "))
        }
    }];
    let (failed, passed): (Vec<_>, Vec<_>) = verdict.suites.iter().partition(failed);
    lines.extend(failed.into_iter().chain(passed).flat_map(|suite| suite_lines(ground, suite)));
    lines
}

/// What every record says.
fn head(ground: &Ground<'_>, recorded: &Recorded) -> Vec<Line> {
    let predicate = recorded.statement().predicate();
    let digest = &recorded.statement().subject().digest;
    let mut lines = vec![field("record").data(recorded.id().to_string())];
    lines.push(field("subject").data(digest.git_commit.to_string()));
    lines.push(field("tree").data(digest.git_tree.to_string()));
    let local = predicate.finished.to_zoned(time_zone(ground.caller));
    let by = field("by").data(&predicate.who.name).text(" <").data(&predicate.who.email).text(">");
    lines.extend([by, field("on").data(&predicate.host)]);
    if !predicate.terminal {
        lines.push(field("human-run").text("no"));
    }
    lines.push(field("at").data(local.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()));
    lines.push(signed_line(ground, recorded));
    lines
}

/// Who signed it, or why nobody counts as its signer.
fn signed_line(ground: &Ground<'_>, recorded: &Recorded) -> Line {
    match ground.records.signed(recorded) {
        Ok(Some(Signed::By { principal })) => field("signed").text("by ").data(principal),
        Ok(Some(Signed::Not(NotSigned::Missing))) => field("signed").text("no"),
        Ok(Some(Signed::Not(why))) => {
            field("signed").tone(Tone::Doubt, "counts for nothing").text(": ").data(why.to_string())
        }
        Ok(None) => field("signed").text("yes; gpg.ssh.allowedSignersFile is not set, so nobody says by whom"),
        Err(error) => field("signed").tone(Tone::Doubt, "cannot tell").text(": ").data(error.to_string()),
    }
}

/// What to do now: with a FAIL that nobody explained, with one that is explained, with a PASS.
fn way_on(ground: &Ground<'_>, recorded: &Recorded, resolves: &[Recorded]) -> Vec<Line> {
    let Some(verdict) = recorded.statement().verdict() else { return Vec::new() };
    let commit = recorded.statement().subject().digest.git_commit;
    let (record, commit_name) = (recorded.id().short(), commit.short());
    let newest = ground.records.of_commit(commit).first().copied().filter(|newest| *newest != recorded.id());
    let mut lines = Vec::new();
    if let Some(newest) = newest {
        lines.push(field("newer").whole(format!("proof-gate show {}", newest.short())));
    }
    let next = |words: String| field("next").whole(words);
    match verdict.verdict {
        Word::Pass => lines.push(next(format!("proof-gate checklist {record}"))),
        Word::Fail if resolves.is_empty() => {
            lines.push(field("next").text("mend it, commit, and push again"));
            let resolve = field("or").whole(format!("proof-gate resolve {record} --cause TEXT"));
            lines.push(resolve.text("  where the cause lies outside of what was pushed"));
        }
        Word::Fail => {
            let again = next(format!("proof-gate run {commit_name}"));
            lines.push(again.text("  the FAIL is explained; a fresh proof ends it"));
        }
    }
    lines
}

fn verdict_lines(verdict: &VerdictBody) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.push(field("scenario").text(scenario_name(&verdict.scenario)));
    if let Some(name) = &verdict.gated_ref {
        lines.push(field("for").data(name));
    }
    if let Some(target) = &verdict.target {
        lines.push(field("target").data(target));
    }
    let bases: Vec<String> = verdict.bases.iter().map(|base| base.short()).collect();
    lines.push(field("base").data(if bases.is_empty() { "none".to_owned() } else { bases.join(" ") }));
    let count = verdict.changes.count;
    lines.push(field("changed").data(format!("{count} path{}", if count == 1 { "" } else { "s" })));
    if let Some(judged_by) = &verdict.policies.judged_by {
        lines.push(field("judged by").data(judged_by));
    }
    lines.push(field("tree").text(match verdict.established {
        Some(_) => "established by this record",
        None => "not established by this record",
    }));
    for run in &verdict.killed {
        let line = field("killed").text("a proof of ").data(run.commit.short()).text(", begun ");
        lines.push(
            line.data(run.started.to_string()).text(" on ").data(&run.host).text(": ").data(run.suites.join(" ")),
        );
    }
    for tool in &verdict.environment.tools {
        let line = field("tool").data(&tool.name).text("  ").data(&tool.path);
        lines.push(match &tool.version {
            Some(version) => line.text("  ").data(version),
            None => line,
        });
    }
    lines
}

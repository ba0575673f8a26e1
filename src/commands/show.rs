//! `show`: one record and its evidence.

use super::ground::Ground;
use super::judging::count_words;
use super::output::ShowOutput;
use super::plan::scenario_name;
use super::refusal::finding_line;
use crate::caller::Caller;
use crate::cli;
use crate::error::{Context as _, Exit, Result};
use crate::evidence::{Standing, standing};
use crate::git::Repository;
use crate::judge::Word;
use crate::records::{Body, Ended, Recorded, SuiteEntry, VerdictBody};
use crate::reporter::{Line, Reporter, Tone, span, time_zone};

/// Shows a record, or the newest one of a revision.
pub fn show(caller: &Caller, repository: &Repository, args: &cli::Show, reporter: &Reporter) -> Result<Exit> {
    let ground = Ground::read(caller, repository)?;
    let found = find(&ground, &args.what)?;
    if args.json {
        let statement = found.as_ref().map(|recorded| serde_json::to_value(recorded.statement()));
        reporter.json(&ShowOutput {
            format: "proof-gate.show/1",
            record: found.as_ref().map(|recorded| recorded.id().to_string()),
            signed: false,
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

fn field(name: &'static str) -> Line {
    Line::new().text(name).to(12)
}

fn lines(ground: &Ground<'_>, recorded: &Recorded, resolves: &[Recorded]) -> Vec<Line> {
    let statement = recorded.statement();
    let predicate = statement.predicate();
    let mut lines = vec![field("record").data(recorded.id().to_string())];
    let digest = &statement.subject().digest;
    lines.push(field("subject").data(digest.git_commit.to_string()));
    lines.push(field("tree").data(digest.git_tree.to_string()));
    let local = predicate.finished.to_zoned(time_zone(ground.caller));
    let by = field("by").data(&predicate.who.name).text(" <").data(&predicate.who.email).text(">");
    lines.extend([by, field("on").data(&predicate.host)]);
    if !predicate.terminal {
        lines.push(field("human-run").text("no"));
    }
    lines.push(field("at").data(local.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()).text("  unsigned"));
    match &predicate.body {
        Body::Verdict(verdict) => lines.extend(verdict_lines(ground, verdict)),
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
    lines
}

fn verdict_lines(ground: &Ground<'_>, verdict: &VerdictBody) -> Vec<Line> {
    let mut lines = Vec::new();
    let tone = if verdict.verdict == Word::Pass { Tone::Good } else { Tone::Bad };
    lines.push(field("verdict").tone(tone, verdict.verdict.as_str()));
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
    for suite in &verdict.suites {
        lines.extend(suite_lines(ground, suite));
    }
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

fn suite_lines(ground: &Ground<'_>, suite: &SuiteEntry) -> Vec<Line> {
    let tone = if suite.verdict == Word::Pass { Tone::Good } else { Tone::Bad };
    let ended = match suite.ended {
        Ended::Exited(code) => format!("exit {code}"),
        Ended::Signalled(signal) => format!("ended by signal {signal}"),
        Ended::TimedOut => "ran out of time".to_owned(),
        Ended::Interrupted => "interrupted".to_owned(),
    };
    let line = field("suite")
        .data_in(Tone::Strong, &suite.name)
        .text("  ")
        .tone(tone, suite.verdict.as_str())
        .text("  ")
        .data(ended);
    let line = line.text(", ").data(span(std::time::Duration::from_millis(suite.duration_ms)));
    let line = if suite.runs > 1 { line.text(", ").data(suite.runs.to_string()).text(" runs") } else { line };
    let counts = count_words(&suite.counts);
    let mut lines = vec![if counts.is_empty() { line } else { line.text(", ").data(counts) }];
    lines.push(Line::new().text("  command").to(12).data(suite.argv.join(" ")));
    if suite.adapter == "exit-code" {
        lines.push(
            Line::new().text("  reads").to(12).text("the exit code alone: tests, retries and skips cannot be seen"),
        );
    }
    lines.extend(suite.notes.iter().map(|note| Line::new().text("  note").to(12).data(note)));
    lines.extend(suite.findings.iter().map(|finding| finding_line(Line::new().text("  finding").to(12), finding)));
    for file in &suite.evidence {
        let path = ground.repository.own_dir().join(&file.name);
        let line = Line::new().text("  evidence").to(12).whole(path.display().to_string());
        lines.push(match standing(&path, file.sha256) {
            Standing::Intact => line,
            Standing::Altered => line.tone(Tone::Bad, "  (altered: not the bytes that were recorded)"),
            Standing::Gone => line.tone(Tone::Dim, "  (not here: past its retention, or made on another machine)"),
        });
    }
    lines
}

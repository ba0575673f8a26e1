//! `status`: the last verdict per gated tag and branch.

use bstr::{BString, ByteSlice as _};

use super::assess::{Assessment, Standing, Wanted};
use super::ground::Ground;
use super::hook_line;
use super::output::{PolicyApprovalOutput, RefOutput, StatusOutput};
use crate::caller::Caller;
use crate::error::{Exit, Result};
use crate::git::{Commit, Oid, Peeled, Repository};
use crate::records::{Answer, Body, Recorded};
use crate::reporter::{Line, Reporter, Tone, ago, text};
use crate::select::{self, Found, Subject};

/// What is known of a gated ref.
struct Known {
    full: BString,
    commit: Option<Commit>,
    state: State,
    suites: Vec<String>,
    record: Option<Recorded>,
}

/// The last verdict of a ref.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// All that it owes holds a PASS.
    Pass,
    /// A suite that it owes has a FAIL.
    Fail,
    /// Nothing is recorded of it.
    None,
    /// A record is of what the ref pointed to before.
    Stale,
    /// From before the gate.
    Before,
}

impl State {
    fn word(self) -> (&'static str, Tone) {
        match self {
            State::Pass => ("PASS", Tone::Good),
            State::Fail => ("FAIL", Tone::Bad),
            State::None => ("NONE", Tone::Doubt),
            State::Stale => ("STALE", Tone::Doubt),
            State::Before => ("BEFORE", Tone::Dim),
        }
    }
}

/// Shows every gated ref's last verdict.
pub fn status(caller: &Caller, repository: &Repository, json: bool, reporter: &Reporter) -> Result<Exit> {
    let ground = Ground::read(caller, repository)?;
    let mut tags = known(&ground, "refs/tags/")?;
    tags.sort_by(|a, b| {
        let time = |known: &Known| known.commit.as_ref().map_or(0, |commit| commit.time);
        time(b).cmp(&time(a)).then_with(|| b.full.cmp(&a.full))
    });
    let branches = known(&ground, "refs/heads/")?;
    let approvals = approvals(&ground)?;
    if json {
        let repository_id = ground.anchors.anchor().and_then(|(file, _)| file.policy.repository.id.clone());
        reporter.json(&StatusOutput {
            format: "proof-gate.status/1",
            repository: repository_id,
            tags: tags.iter().map(document).collect(),
            branches: branches.iter().map(document).collect(),
            approvals,
        })?;
        return Ok(Exit::Allowed);
    }
    let mut lines = Vec::new();
    for (heading, none, refs) in [("tags", "no gated tag", &tags), ("branches", "no gated branch", &branches)] {
        lines.push(Line::new().tone(Tone::Strong, heading));
        if refs.is_empty() {
            lines.push(Line::new().text("  ").tone(Tone::Dim, none));
        }
        let width = refs.iter().map(|known| Line::new().data(short(known)).width()).max().unwrap_or(0).min(40);
        lines.extend(refs.iter().map(|known| line(&ground, known, width)));
    }
    if !approvals.is_empty() {
        lines.push(Line::new().tone(Tone::Strong, "approved policy changes"));
    }
    for approval in &approvals {
        let line = Line::new().text("  ").data(approval.record.get(..7).unwrap_or_default()).text("  ");
        lines.push(line.data(&approval.why).text("  by ").data(&approval.by));
    }
    reporter.data(&lines)?;
    for problem in ground.records.problems() {
        reporter.say(&Line::new().tone(Tone::Doubt, "ignored").text(": ").data(problem.to_string()));
    }
    hook_line::say(caller, repository, reporter);
    Ok(Exit::Allowed)
}

fn short(known: &Known) -> BString {
    select::short_name(known.full.as_bstr()).to_owned()
}

fn known(ground: &Ground<'_>, prefix: &str) -> Result<Vec<Known>> {
    let mut known = Vec::new();
    for (full, id) in ground.repository.list_refs(prefix)? {
        let peeled = match ground.repository.peel(id) {
            Ok(peeled) => peeled,
            Err(_) => Peeled::Other(crate::git::Kind::Blob),
        };
        let Peeled::Commit { commit, tag } = peeled else {
            if ground.anchors.gate(full.as_bstr()) {
                known.push(Known { full, commit: None, state: State::None, suites: Vec::new(), record: None });
            }
            continue;
        };
        let by_itself =
            matches!(ground.reader.of_commit(&commit)?, Found::Readable(file) if file.policy.gates(full.as_bstr()));
        if by_itself || ground.anchors.gate(full.as_bstr()) {
            known.push(of_ref(ground, full, Subject { commit, tag })?);
        }
    }
    Ok(known)
}

fn of_ref(ground: &Ground<'_>, full: BString, subject: Subject) -> Result<Known> {
    let is_tag = full.starts_with(b"refs/tags/");
    let commit = subject.commit.clone();
    let before = ground.is_before(&commit)?;
    let assessment = match ground.assess(subject, Wanted::deploy(is_tag, Standing::Counts)) {
        Ok(assessment) => assessment,
        // A commit whose policy cannot be read has no verdict; `explain` says why.
        Err(_) => {
            let state = if before { State::Before } else { State::None };
            return Ok(Known { full, commit: Some(commit), state, suites: Vec::new(), record: None });
        }
    };
    let (mut state, mut record) = answer(&assessment);
    if state == State::None {
        if let Some(stale) = stale_record(ground, &full, commit.id)? {
            (state, record) = (State::Stale, Some(stale));
        } else if before {
            state = State::Before;
        }
    }
    let suites = assessment.owed.iter().map(|owed| owed.suite.clone()).collect();
    Ok(Known { full, commit: Some(commit), state, suites, record })
}

fn answer(assessment: &Assessment) -> (State, Option<Recorded>) {
    let mut newest: Option<&Recorded> = None;
    let mut missing = assessment.owed.is_empty() || assessment.approvals.iter().any(|(_, approved)| !approved);
    for owed in &assessment.owed {
        match &owed.answer {
            Answer::Fail { recorded, .. } => return (State::Fail, Some(recorded.clone())),
            Answer::Nothing => missing = true,
            Answer::Pass { recorded, .. } => {
                let finished = |recorded: &Recorded| recorded.statement().predicate().finished;
                if newest.is_none_or(|newest| finished(newest) < finished(recorded)) {
                    newest = Some(recorded);
                }
            }
        }
    }
    if missing { (State::None, None) } else { (State::Pass, newest.cloned()) }
}

/// The newest verdict that was made for this ref when it pointed elsewhere.
fn stale_record(ground: &Ground<'_>, full: &BString, commit: Oid) -> Result<Option<Recorded>> {
    let name = text(full);
    for id in ground.records.all() {
        let recorded = ground.records.get(*id)?;
        let statement = recorded.statement();
        let of_ref = statement.verdict().is_some_and(|verdict| verdict.gated_ref.as_deref() == Some(&name));
        if of_ref && statement.subject().digest.git_commit != commit {
            return Ok(Some(recorded));
        }
    }
    Ok(None)
}

fn approvals(ground: &Ground<'_>) -> Result<Vec<PolicyApprovalOutput>> {
    let mut approvals = Vec::new();
    for id in ground.records.approvals() {
        let recorded = ground.records.get(id)?;
        let predicate = recorded.statement().predicate();
        let Body::Policy(approval) = &predicate.body else { continue };
        approvals.push(PolicyApprovalOutput {
            record: id.to_string(),
            commit: recorded.statement().subject().digest.git_commit.to_string(),
            from: approval.from.to_string(),
            to: approval.to.to_string(),
            why: approval.why.clone(),
            by: ground.author(&recorded),
            finished: predicate.finished.to_string(),
        });
    }
    Ok(approvals)
}

fn line(ground: &Ground<'_>, known: &Known, width: usize) -> Line {
    let (word, tone) = known.state.word();
    let line = Line::new().text("  ").tone(tone, word).to(10).data(short(known)).to(10 + width + 1).text(" ");
    let line = match &known.commit {
        Some(commit) => line.data(commit.id.short()).text("  "),
        None => line.text("no commit"),
    };
    let line = line.data(known.suites.join(" "));
    match &known.record {
        None => line,
        Some(recorded) => {
            let predicate = recorded.statement().predicate();
            let line =
                line.text("  ").data(ago(predicate.finished, ground.now)).text(" by ").data(ground.author(recorded));
            if predicate.terminal { line } else { line.text(" (not human-run)") }
        }
    }
}

fn document(known: &Known) -> RefOutput {
    let predicate = known.record.as_ref().map(|recorded| recorded.statement().predicate());
    RefOutput {
        name: text(&short(known)),
        full: text(&known.full),
        commit: known.commit.as_ref().map(|commit| commit.id.to_string()),
        state: known.state.word().0,
        suites: known.suites.clone(),
        record: known.record.as_ref().map(|recorded| recorded.id().to_string()),
        finished: predicate.map(|predicate| predicate.finished.to_string()),
        by: predicate.map(|predicate| predicate.who.email.clone()),
        signed: false,
        signer: None,
        human_run: predicate.map(|predicate| predicate.terminal),
    }
}

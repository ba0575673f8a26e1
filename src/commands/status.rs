//! `status`: the last verdict per gated tag and branch.

use bstr::{BStr, BString, ByteSlice as _};

use super::ground::Ground;
use super::hook_line;
use super::output::{PolicyApprovalOutput, RefOutput, StatusOutput};
use super::status_kept::Kept;
use super::status_row::{Row, State, work_out};
use crate::caller::Caller;
use crate::error::{Exit, Result};
use crate::git::Repository;
use crate::records::Body;
use crate::reporter::{Line, Reporter, Tone, ago, text};
use crate::select;

/// A gated ref.
struct Known {
    full: BString,
    row: Row,
}

impl State {
    pub(super) fn word(self) -> (&'static str, Tone) {
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
    let mut kept = Kept::read(&ground);
    let mut tags = known(&ground, &mut kept, "refs/tags/")?;
    tags.sort_by(|a, b| b.row.time.cmp(&a.row.time).then_with(|| b.full.cmp(&a.full)));
    let branches = known(&ground, &mut kept, "refs/heads/")?;
    kept.write(repository);
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
        let width = refs.iter().map(|known| Line::new().data(short(&known.full)).width()).max().unwrap_or(0).min(40);
        lines.extend(refs.iter().map(|known| line(&ground, known, width)));
    }
    lines.extend(approval_lines(&approvals));
    reporter.data(&lines)?;
    for problem in ground.records.problems() {
        reporter.say(&Line::new().tone(Tone::Doubt, "ignored").text(": ").data(problem.to_string()));
    }
    hook_line::say(caller, repository, reporter);
    Ok(Exit::Allowed)
}

/// The approved policy changes, with who gave each and why.
pub(super) fn approval_lines(approvals: &[PolicyApprovalOutput]) -> Vec<Line> {
    let mut lines = Vec::new();
    if !approvals.is_empty() {
        lines.push(Line::new().tone(Tone::Strong, "approved policy changes"));
    }
    for approval in approvals {
        let line = Line::new().text("  ").data(approval.record.get(..7).unwrap_or_default()).text("  ");
        let line = line.data(&approval.why);
        lines.push(match &approval.signer {
            Some(signer) => line.text("  signed by ").data(signer),
            None => line.text("  by ").data(&approval.by),
        });
    }
    lines
}

fn short(full: &BString) -> &BStr {
    select::short_name(full.as_bstr())
}

fn known(ground: &Ground<'_>, kept: &mut Kept, prefix: &str) -> Result<Vec<Known>> {
    let mut known = Vec::new();
    for (full, id) in ground.repository.list_refs(prefix)? {
        let row = match kept.row(full.as_bstr(), id) {
            Some(row) => row,
            None => {
                let worked = work_out(ground, full.as_bstr(), id)?;
                if worked.lasts {
                    kept.keep(full.as_bstr(), id, worked.row.clone());
                }
                worked.row
            }
        };
        known.extend(row.map(|row| Known { full, row }));
    }
    Ok(known)
}

/// The approvals of policy changes, newest first.
pub(super) fn approvals(ground: &Ground<'_>) -> Result<Vec<PolicyApprovalOutput>> {
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
            signer: ground.records.signed(&recorded)?.and_then(|signed| signed.principal().map(str::to_owned)),
            finished: predicate.finished.to_string(),
        });
    }
    Ok(approvals)
}

fn line(ground: &Ground<'_>, Known { full, row }: &Known, width: usize) -> Line {
    let (word, tone) = row.state.word();
    let line = Line::new().text("  ").tone(tone, word).to(10).data(short(full)).to(10 + width + 1).text(" ");
    let line = match &row.commit {
        Some(commit) => line.data(commit.short()).text("  "),
        None => line.text("no commit"),
    };
    let line = line.data(&*row.suites);
    match &row.record {
        None => line,
        Some(record) => {
            let line = line.text("  ").data(ago(record.finished(), ground.now));
            let line = match &record.signer {
                Some(signer) => line.text(" signed by ").data(&**signer),
                None => line.text(" by ").data(&*record.by),
            };
            if record.human_run { line } else { line.text(" (not human-run)") }
        }
    }
}

fn document(Known { full, row }: &Known) -> RefOutput {
    let record = row.record.as_ref();
    RefOutput {
        name: text(short(full)),
        full: text(full),
        commit: row.commit.map(|commit| commit.to_string()),
        state: row.state.word().0,
        suites: row.suites.split_terminator(' ').map(str::to_owned).collect(),
        record: record.map(|record| record.id.to_string()),
        finished: record.map(|record| record.finished().to_string()),
        by: record.map(|record| record.by.to_string()),
        signed: record.is_some_and(|record| record.signer.is_some()),
        signer: record.and_then(|record| record.signer.as_deref().map(str::to_owned)),
        human_run: record.map(|record| record.human_run),
    }
}

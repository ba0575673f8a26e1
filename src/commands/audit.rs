//! `audit`: what got round the gate: gated tags and branch tips that hold no PASS, and logs that are not what they were. Runs nothing.
//!
//! What a record claims of its tree is worked out again here, for every commit that a gated ref's changes are counted from.

use std::collections::HashSet;
use std::ffi::OsString;

use bstr::{BStr, BString, ByteSlice as _};

use super::assess::{Standing, Wanted};
use super::ground::Ground;
use super::output_trust::{AuditOutput, AuditedLog, AuditedRef};
use super::sharing::Destination;
use super::status;
use super::status_row::{Row, State, work_out};
use super::way_on::is_typable;
use crate::caller::Caller;
use crate::cli;
use crate::error::{Exit, Result};
use crate::git::{Oid, Repository, Who};
use crate::records::{Answer, Oddity, ProblemKind, WriterId};
use crate::reporter::{Line, Reporter, Tone, text};
use crate::select::{self, Subject};

/// What is looked through.
struct Looked {
    /// The remote as it is called, or none for this repository's own refs.
    remote: Option<String>,
    refs: Vec<(BString, Oid)>,
    odd: Vec<(WriterId, Oddity)>,
}

/// A gated ref, and what is to be said against it.
struct Audited {
    full: BString,
    row: Row,
    /// Why it is a finding; none where it is none.
    why: Option<String>,
    /// What to prove to mend it, as it is called here.
    prove: Option<String>,
    who: Option<Who>,
}

/// Looks for what went round the gate. Ends with 1 where there is something.
pub fn audit(caller: &Caller, repository: &Repository, args: &cli::Audit, reporter: &Reporter) -> Result<Exit> {
    let looked = look(caller, repository, args.remote.as_deref(), reporter)?;
    let ground = Ground::read(caller, repository)?;
    let mut audited = Vec::new();
    let mut worked_out = HashSet::new();
    for (full, id) in &looked.refs {
        let Some(row) = work_out(&ground, full.as_bstr(), *id)?.row else { continue };
        let (why, of) = finding(&ground, &row, &mut worked_out)?.unzip();
        let of = of.flatten();
        let name = select::short_name(full.as_bstr()).to_str_lossy().into_owned();
        let is_tag_here = of == row.commit
            && full.starts_with(b"refs/tags/")
            && repository.find_ref(full)? == Some(*id)
            && is_typable(&name);
        let prove = if is_tag_here { Some(name) } else { of.map(|commit| commit.short()) };
        let who = if why.is_some() { who_pushed(repository, &looked, full.as_bstr(), *id)? } else { None };
        audited.push(Audited { full: full.clone(), row, why, prove, who });
    }
    let problems: Vec<String> = ground
        .records
        .problems()
        .iter()
        .filter(|problem| problem.kind != ProblemKind::Newer)
        .map(ToString::to_string)
        .collect();
    let findings = audited.iter().filter(|audited| audited.why.is_some()).count() + looked.odd.len() + problems.len();
    if args.json {
        reporter.json(&document(&ground, &looked, &audited, problems, findings)?)?;
    } else {
        reporter.data(&lines(&looked, &audited, &problems, findings))?;
        let approvals = status::approvals(&ground)?;
        reporter.data(&status::approval_lines(&approvals))?;
    }
    Ok(if findings == 0 { Exit::Allowed } else { Exit::Refused })
}

/// Reads a remote's refs and logs; what is not here of them is fetched, and no ref of the user's moves. Without a remote: the own ones.
fn look(caller: &Caller, repository: &Repository, remote: Option<&str>, reporter: &Reporter) -> Result<Looked> {
    let remote = match remote {
        Some(remote) => remote.to_owned(),
        None if repository.has_remotes()? => repository.default_remote()?,
        None => {
            let mut refs = repository.list_refs("refs/heads/")?;
            refs.extend(repository.list_refs("refs/tags/")?);
            return Ok(Looked { remote: None, refs, odd: Vec::new() });
        }
    };
    let folder = repository.work_tree().unwrap_or(repository.git_dir()).to_owned();
    let url = repository.urls(&remote)?.fetch;
    let to = Destination { remote: OsString::from(&remote), url, folder, carried: Vec::new() };
    let (refs, odd) = to
        .meet((caller, repository), reporter, None, |share| {
            let odd = share.fetch()?;
            let mut refs = share.list("refs/heads/*")?;
            refs.extend(share.list("refs/tags/*")?);
            let missing: Vec<String> = refs
                .iter()
                .filter(|(_, id)| !repository.has_object(*id))
                .filter_map(|(name, _)| name.to_str().ok().map(str::to_owned))
                .collect();
            share.bring(&missing)?;
            Ok((refs, odd))
        })
        .map_err(|error| {
            error.while_doing(format!("cannot audit {}", to.called())).hint(
                "'git ls-remote' must work for it; 'proof-gate audit' without network needs a clone without remotes",
            )
        })?;
    Ok(Looked { remote: Some(to.called()), refs, odd })
}

/// What is to be said against a gated ref.
fn finding(ground: &Ground<'_>, row: &Row, worked_out: &mut HashSet<Oid>) -> Result<Option<(String, Option<Oid>)>> {
    let plain = |why: &str| Ok(Some((why.to_owned(), row.commit)));
    match row.state {
        State::Before => return Ok(None),
        State::Fail => return plain("a suite that it owes has a FAIL"),
        State::None | State::Stale if row.commit.is_none() => {
            return plain("it names no commit, so it cannot have been proven: take it away over there");
        }
        State::None => return plain("no PASS is recorded of it that counts"),
        State::Stale => return plain("it was moved since its verdict, and what it points at now is not proven"),
        State::Pass => {}
    }
    let Some(commit) = row.commit else { return Ok(None) };
    let subject = Subject { commit: ground.repository.commit(commit)?, tag: None };
    Ok(claim_that_fails(ground, subject, worked_out)?.map(|(commit, suites)| {
        let of = if Some(commit) == row.commit {
            String::new()
        } else {
            format!(" of {}, from which its changes are counted", commit.short())
        };
        let why =
            format!("what its record claims{of} does not hold: worked out again, {} is owed too", suites.join(" "));
        (why, Some(commit))
    }))
}

/// The first commit, from this one back over the bases, that owes more than holds a PASS.
fn claim_that_fails(
    ground: &Ground<'_>,
    subject: Subject,
    worked_out: &mut HashSet<Oid>,
) -> Result<Option<(Oid, Vec<String>)>> {
    let mut open = vec![subject];
    while let Some(subject) = open.pop() {
        let commit = subject.commit.id;
        if !worked_out.insert(commit) {
            continue;
        }
        let assessment = ground.assess(subject, Wanted::deploy(false, Standing::Ignored))?;
        let lacks = |owed: &&crate::gate::Owed| !matches!(owed.answer, Answer::Pass { .. });
        let suites: Vec<String> = assessment.owed.iter().filter(lacks).map(|owed| owed.suite.clone()).collect();
        if !suites.is_empty() {
            return Ok(Some((commit, suites)));
        }
        for base in assessment.base.iter().flat_map(|base| &base.commits) {
            open.push(Subject { commit: base.clone(), tag: None });
        }
    }
    Ok(None)
}

/// Who pushed it, as far as that can be known: a reflog says it on a server; elsewhere only who made the tag or the commit.
fn who_pushed(repository: &Repository, looked: &Looked, full: &BStr, id: Oid) -> Result<Option<Who>> {
    let by_reflog = match &looked.remote {
        None => repository.last_mover(full)?,
        Some(_) => None,
    };
    match by_reflog {
        Some(who) => Ok(Some(who)),
        None => repository.maker(id),
    }
}

fn lines(looked: &Looked, audited: &[Audited], problems: &[String], findings: usize) -> Vec<Line> {
    let tags = audited.iter().filter(|audited| audited.full.starts_with(b"refs/tags/")).count();
    let head = Line::new().text("audit of ");
    let head = match &looked.remote {
        Some(remote) => head.data(remote),
        None => head.text("this repository"),
    };
    let branches = audited.len() - tags;
    let head = head.text(": ").data(counted(tags, "gated tag", "gated tags")).text(", ");
    let mut lines = vec![head.data(counted(branches, "gated branch", "gated branches"))];
    for Audited { full, row, why, prove, who } in audited {
        let Some(why) = why else { continue };
        let (word, tone) = row.state.word();
        let line = Line::new().text("  ").tone(tone, word).to(10).data(full).text("  ");
        lines.push(match row.commit {
            Some(commit) => line.data(commit.short()),
            None => line.text("no commit"),
        });
        lines.push(Line::new().to(10).data(why));
        lines.push(match who {
            Some(Who { did: "pushed", name }) => Line::new().to(10).text("pushed by ").data(name),
            Some(Who { did, name }) => {
                Line::new().to(10).text(did).text(" by ").data(name).text("; who pushed it is not known here")
            }
            None => Line::new().to(10).text("by whom is not known"),
        });
        if let Some(prove) = prove {
            lines.push(Line::new().text("  next:    ").whole(format!("proof-gate run {prove}")));
        }
    }
    for (writer, oddity) in &looked.odd {
        let line = Line::new().text("  ").tone(Tone::Doubt, "log").to(10).data(writer.to_string()).text("  ");
        lines.push(line.text(words(*oddity)));
    }
    for problem in problems {
        lines.push(Line::new().text("  ").tone(Tone::Doubt, "log").to(10).data(problem));
    }
    lines.push(match findings {
        0 => Line::new().tone(Tone::Good, "nothing went round the gate").text(", as far as these refs and logs show"),
        _ => Line::new().tone(Tone::Bad, "findings").text(": ").data(findings.to_string()),
    });
    lines
}

fn words(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::WentAway => "it is not there any more, and it was",
        Oddity::WentBack => "it ends earlier there than it did",
        Oddity::Rewritten => "it was written anew there",
    }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    match number {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        more => format!("{more} {many}"),
    }
}

fn document(
    ground: &Ground<'_>,
    looked: &Looked,
    audited: &[Audited],
    problems: Vec<String>,
    findings: usize,
) -> Result<AuditOutput> {
    Ok(AuditOutput {
        format: "proof-gate.audit/1",
        remote: looked.remote.clone(),
        refs: audited
            .iter()
            .map(|Audited { full, row, why, who, prove: _ }| AuditedRef {
                name: text(select::short_name(full.as_bstr())),
                full: text(full),
                commit: row.commit.map(|commit| commit.to_string()),
                state: row.state.word().0,
                record: row.record.as_ref().map(|record| record.id.to_string()),
                signer: row.record.as_ref().and_then(|record| record.signer.as_deref().map(str::to_owned)),
                finding: why.clone(),
                did: who.as_ref().map(|who| who.did),
                who: who.as_ref().map(|who| text(&who.name)),
            })
            .collect(),
        logs: looked
            .odd
            .iter()
            .map(|(writer, oddity)| AuditedLog { writer: writer.to_string(), what: words(*oddity) })
            .collect(),
        problems,
        approvals: status::approvals(ground)?,
        findings,
    })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_not_many() {
        let said = [0, 1, 2].map(|number| counted(number, "gated tag", "gated tags"));
        assert_eq!(said, ["no gated tag", "1 gated tag", "2 gated tags"]);
    }
}

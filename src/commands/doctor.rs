//! `doctor`: everything that would leave the gate open or a proof impossible, each with its mend.

use std::time::Duration;

use super::output::{CheckOutput, DoctorOutput, FindingOutput, FiredOutput};
use crate::caller::Caller;
use crate::cli;
use crate::doctor::{self, Checked, Ending, Finding, Fired, Outcome, Patient, Severity};
use crate::error::{Context as _, Exit, Result};
use crate::git::Repository;
use crate::prove::Cancel;
use crate::reporter::{Line, Reporter, Tone, text};

/// Where what is said of a finding begins.
const INDENT: usize = 10;

/// What was not looked at unless asked for.
const FIRE: &str = "whether a push is refused";

/// Examines, and says what was found.
pub fn doctor(caller: &Caller, repository: &Repository, args: &cli::Doctor, reporter: &Reporter) -> Result<Exit> {
    let patient = Patient::new(caller, repository);
    let mut checked = patient.examine();
    let mut fired = Vec::new();
    let mut outcome = Outcome::NotLooked("'proof-gate doctor --fire' does");
    if patient.is_server_only() {
        outcome = Outcome::NotLooked("here pushes only arrive: push to it, from a clone");
    } else if args.fire {
        reporter.say(&Line::new().text("pushing to a throw-away remote, through the hook that stands"));
        let cancel = Cancel::on_signals().context("cannot listen for signals")?;
        fired = doctor::fire(&patient, Duration::from_secs(args.timeout.into()), &|| cancel.is_raised())?;
        settle_doubts(&mut checked, &fired);
        outcome = fired.iter().filter_map(Fired::finding).collect::<Vec<_>>().into();
    }
    checked.push(Checked { check: FIRE, outcome });
    let mut findings: Vec<(&'static str, &Finding)> = checked.iter().flat_map(of_check).collect();
    findings.sort_by_key(|(_, finding)| finding.severity);
    if args.json {
        reporter.json(&document(&checked, &findings, &fired))?;
    } else {
        let mut lines = heading(&findings);
        lines.extend(findings.iter().flat_map(|(_, finding)| block(finding)));
        lines.extend(looked(&checked));
        reporter.data(&lines)?;
    }
    let is_ill = findings.iter().any(|(_, finding)| finding.severity != Severity::Note);
    Ok(if is_ill { Exit::Refused } else { Exit::Allowed })
}

/// What a look could not tell, pushes that were refused from every work tree did.
fn settle_doubts(checked: &mut [Checked], fired: &[Fired]) {
    if fired.is_empty() || fired.iter().any(|fired| fired.ending != Ending::Refused) {
        return;
    }
    for checked in checked {
        let Outcome::Found(findings) = &mut checked.outcome else { continue };
        for finding in findings.iter_mut().filter(|finding| finding.is_doubt) {
            finding.severity = Severity::Note;
            "A push was refused all the same.".clone_into(&mut finding.why);
        }
    }
}

fn of_check(checked: &Checked) -> Vec<(&'static str, &Finding)> {
    match &checked.outcome {
        Outcome::Found(findings) => findings.iter().map(|finding| (checked.check, finding)).collect(),
        Outcome::Fine | Outcome::NotLooked(_) => Vec::new(),
    }
}

fn heading(findings: &[(&'static str, &Finding)]) -> Vec<Line> {
    let count = |severity| findings.iter().filter(|(_, finding)| finding.severity == severity).count();
    let (open, no_proof, notes) = (count(Severity::OpensTheGate), count(Severity::NoProof), count(Severity::Note));
    let line = Line::new().text("proof-gate doctor: ");
    let line = match (open, no_proof) {
        (0, 0) => line.tone(Tone::Good, "nothing is wrong"),
        (0, _) => line.tone(Tone::Bad, "a proof or a push is impossible"),
        (_, _) => line.tone(Tone::Bad, "the gate is open, or may be"),
    };
    let numbers = [(open, "open"), (no_proof, "no proof"), (notes, if notes == 1 { "note" } else { "notes" })];
    let mut line = line;
    for (place, (number, word)) in numbers.into_iter().filter(|(number, _)| *number > 0).enumerate() {
        line = line.text(if place == 0 { " (" } else { ", " }).data(number.to_string()).text(" ").text(word);
    }
    vec![if findings.is_empty() { line } else { line.text(")") }, Line::new()]
}

/// `open      what` / `          why` / `  do:     words` / `  mend:   command`
fn block(finding: &Finding) -> Vec<Line> {
    let (tone, word) = match finding.severity {
        Severity::OpensTheGate => (Tone::Bad, "open"),
        Severity::NoProof => (Tone::Bad, "no proof"),
        Severity::Note => (Tone::Doubt, "note"),
    };
    let mut lines = vec![labelled(Line::new().tone(tone, word), &finding.what), labelled(Line::new(), &finding.why)];
    if let Some(advice) = &finding.advice {
        lines.push(labelled(Line::new().text("  do:"), advice));
    }
    for (place, command) in finding.mend.iter().enumerate() {
        // Never cut in two: it is there to be copied.
        lines.push(Line::new().text(if place == 0 { "  mend:" } else { "" }).to(INDENT).whole(command));
    }
    lines.push(Line::new());
    lines
}

/// What was looked at and what was not: the two never look the same.
fn looked(checked: &[Checked]) -> Vec<Line> {
    let fine: Vec<&str> = checked
        .iter()
        .filter(|checked| matches!(checked.outcome, Outcome::Fine))
        .map(|checked| checked.check)
        .collect();
    let mut lines = vec![labelled(Line::new().tone(Tone::Good, "fine"), &fine.join(", "))];
    for checked in checked {
        if let Outcome::NotLooked(why) = checked.outcome {
            lines.push(labelled(Line::new().tone(Tone::Dim, "no look"), &format!("{}: {why}", checked.check)));
        }
    }
    lines
}

/// Words behind a label; the reporter folds them where they are wider than the terminal.
fn labelled(label: Line, words: &str) -> Line {
    label.to(INDENT).data(words)
}

fn document(checked: &[Checked], findings: &[(&'static str, &Finding)], fired: &[Fired]) -> DoctorOutput {
    DoctorOutput {
        format: "proof-gate.doctor/1",
        findings: findings
            .iter()
            .map(|(check, finding)| FindingOutput {
                check,
                severity: finding.severity,
                what: finding.what.clone(),
                why: finding.why.clone(),
                mend: finding.mend.clone(),
                advice: finding.advice.clone(),
            })
            .collect(),
        checks: checked
            .iter()
            .map(|checked| match &checked.outcome {
                Outcome::Fine => CheckOutput { name: checked.check, state: "fine", why: None },
                Outcome::Found(_) => CheckOutput { name: checked.check, state: "found", why: None },
                Outcome::NotLooked(why) => CheckOutput { name: checked.check, state: "not_looked", why: Some(why) },
            })
            .collect(),
        fired: fired
            .iter()
            .map(|fired| FiredOutput {
                folder: text(fired.folder.as_os_str().as_encoded_bytes()),
                gated_ref: fired.name.clone(),
                result: fired.ending.as_str(),
            })
            .collect(),
    }
}

//! Making room: a FAIL with ten thousand findings must still become a record.
//!
//! Deliberately absent: dropping the last finding of any code, so that what a record means never changes.

use std::collections::HashSet;

use super::canonical::{Unreadable, encode};
use super::statement::{Body, EvidenceFile, Statement};
use crate::error::{Error, Result};
use crate::judge::Finding;

/// Findings kept of each suite, tried in this order; the first of each code is kept beside them.
const KEPT: [usize; 4] = [usize::MAX, 500, 50, 0];
/// Characters kept of a text once the whole has no room.
const KEPT_CHARS: usize = 300;

/// The bytes of a statement, with findings left out and counted where there is no room for all.
pub(super) fn fit(statement: &mut Statement) -> Result<Vec<u8>> {
    let mut complaint = match encode(statement) {
        Ok(bytes) => return Ok(bytes),
        Err(Unreadable::Malformed(why)) => why,
        Err(newer @ Unreadable::Newer(_)) => return Err(Error::new(format!("cannot record: {newer}"))),
    };
    leave_artifacts_to_their_list(statement);
    for kept in KEPT {
        if kept < usize::MAX {
            shorten(statement, kept);
        }
        match encode(statement) {
            Ok(bytes) => return Ok(bytes),
            Err(Unreadable::Malformed(why)) => complaint = why,
            Err(newer @ Unreadable::Newer(_)) => return Err(Error::new(format!("cannot record: {newer}"))),
        }
    }
    Err(Error::new(format!("cannot record: {complaint}"))
        .hint("fewer evidence files make it shorter: narrow the suites' 'artifacts' in .proofrc.toml"))
}

/// Leaves out what a list of artifacts that is named as well lists: the list's digest stands for it.
fn leave_artifacts_to_their_list(statement: &mut Statement) {
    let Body::Verdict(verdict) = &mut statement.predicate.body else {
        return;
    };
    for entry in &mut verdict.suites {
        let is_list = |file: &EvidenceFile| file.name.strip_suffix("/artifacts.json").map(str::to_owned);
        let listed: Vec<String> = entry.evidence.iter().filter_map(is_list).collect();
        let is_listed = |name: &str| {
            let below = |folder: &String| name.strip_prefix(folder.as_str());
            let mut below = listed.iter().filter_map(below);
            below.any(|rest| rest.starts_with("/artifacts/") || rest.starts_with("/differences/"))
        };
        entry.evidence.retain(|file| !is_listed(&file.name));
    }
}

fn shorten(statement: &mut Statement, kept: usize) {
    let Body::Verdict(verdict) = &mut statement.predicate.body else {
        return;
    };
    for entry in &mut verdict.suites {
        let before = entry.findings.len();
        let mut codes = HashSet::new();
        let mut room = kept;
        entry.findings.retain(|finding| {
            let first_of_its_code = codes.insert(finding.code);
            let has_room = room > 0;
            room = room.saturating_sub(1);
            first_of_its_code || has_room
        });
        entry.findings.iter_mut().for_each(shorten_texts);
        entry.findings_left_out += (before - entry.findings.len()) as u64;
    }
}

fn shorten_texts(finding: &mut Finding) {
    let cut = |text: &mut String| {
        if let Some((end, _)) = text.char_indices().nth(KEPT_CHARS) {
            text.truncate(end);
            text.push('…');
        }
    };
    cut(&mut finding.detail);
    if let Some(test) = &mut finding.test {
        cut(test);
    }
}

#[cfg(test)]
mod tests {
    use super::super::canonical::decode;
    use super::super::sandbox::{failing, statement};
    use super::*;
    use crate::judge::Code;

    #[test]
    fn a_fail_with_too_many_findings_keeps_its_headline_and_every_code() {
        let mut entry = failing("booking");
        let headline = entry.findings[0].clone();
        let one = |code, at: usize| Finding { code, test: Some("ü".repeat(at)), detail: "x".repeat(2000) };
        entry.findings.extend((0..5000).map(|at| one(Code::TestFailed, at)));
        entry.findings.push(one(Code::TimedOut, 1));
        let mut statement = statement(vec![entry]);
        let read = decode(&fit(&mut statement).unwrap()).unwrap();
        let entry = &read.verdict().unwrap().suites[0];
        assert_eq!(entry.findings[0], headline);
        assert!(entry.findings.iter().any(|finding| finding.code == Code::TimedOut));
        assert_eq!(entry.findings.len() as u64 + entry.findings_left_out, 5002);
        assert_eq!(read, statement);
    }

    #[test]
    fn artifacts_are_left_to_their_list_before_anything_else_is_left_out() {
        let mut entry = failing("booking");
        let file = |name: String| EvidenceFile { name, ..entry.evidence[0].clone() };
        let names = ["run/booking/log", "run/booking/artifacts.json", "run/booking~2/artifacts/a.png"];
        let names = names.map(str::to_owned).into_iter();
        let artifacts = (0..5000).map(|at| format!("run/booking/artifacts/{at:050}.png"));
        let evidence: Vec<EvidenceFile> = names.chain(artifacts).map(file).collect();
        entry.evidence = evidence;
        let findings = entry.findings.clone();
        let mut statement = statement(vec![entry]);
        let read = decode(&fit(&mut statement).unwrap()).unwrap();
        let entry = &read.verdict().unwrap().suites[0];
        let kept: Vec<&str> = entry.evidence.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(kept, ["run/booking/log", "run/booking/artifacts.json", "run/booking~2/artifacts/a.png"]);
        assert_eq!((&entry.findings, entry.findings_left_out), (&findings, 0));
    }

    #[test]
    fn a_record_that_has_room_is_left_as_it_is() {
        let mut fitting = statement(vec![failing("booking")]);
        fit(&mut fitting).unwrap();
        assert_eq!(fitting, statement(vec![failing("booking")]));
    }
}

//! One suite of a record as `show` prints it: how it ended, its findings with where they stand in the log, and its files.
//!
//! Deliberately absent: the record around it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::evidence_files::{self, Kind};
use super::ground::Ground;
use super::judging::count_words;
use super::refusal::finding_line;
use crate::evidence::excerpt::{self, Rank, Source, Wanted};
use crate::judge::{Code, Finding, Word};
use crate::records::{Ended, EvidenceFile, SuiteEntry};
use crate::reporter::{Line, Tone, span};
use crate::runbook::Standing;

/// Excerpts shown of one suite, at most: the others stand in the same files.
const MAX_EXCERPTS: usize = 5;
/// Artifacts shown that only a list names and that are not what was recorded, at most.
const MAX_LISTED: usize = 10;
/// Rows that a line of a log takes on a narrow terminal, at most.
const MAX_ROWS: usize = 2;

/// A labelled line below a suite's.
fn field(name: &'static str) -> Line {
    Line::new().text("  ").text(name).to(12)
}

/// All that is said of a suite.
pub(super) fn suite_lines(ground: &Ground<'_>, suite: &SuiteEntry) -> Vec<Line> {
    let mut lines = vec![head(suite), field("command").data(suite.argv.join(" "))];
    lines.extend(suite.notes.iter().map(|note| field("note").data(note)));
    let excerpts = excerpts(ground, suite);
    for (number, finding) in suite.findings.iter().enumerate() {
        lines.push(finding_line(field("finding"), finding));
        let of_finding = excerpts.iter().filter(|excerpt| excerpt.finding == Some(number));
        lines.extend(of_finding.flat_map(|excerpt| excerpt.lines(ground)));
    }
    if suite.findings_left_out > 0 {
        lines.push(field("").text("and ").data(suite.findings_left_out.to_string()).text(" more findings"));
    }
    let of_suite = excerpts.iter().filter(|excerpt| excerpt.finding.is_none());
    lines.extend(of_suite.flat_map(|excerpt| excerpt.lines(ground)));
    for file in &suite.evidence {
        lines.push(file_line(ground, file));
        lines.extend(listed_lines(ground, suite, file));
    }
    lines
}

/// Of the artifacts that only a list names those that are not what was recorded.
fn listed_lines(ground: &Ground<'_>, suite: &SuiteEntry, list: &EvidenceFile) -> Vec<Line> {
    let named: BTreeSet<&str> = suite.evidence.iter().map(|file| file.name.as_str()).collect();
    let listed = evidence_files::listed(ground, list).into_iter().filter(|file| !named.contains(file.name.as_str()));
    let changed: Vec<EvidenceFile> =
        listed.filter(|file| evidence_files::standing(ground, file) != Standing::Intact).collect();
    let mut lines: Vec<Line> = changed.iter().take(MAX_LISTED).map(|file| file_line(ground, file)).collect();
    if changed.len() > MAX_LISTED {
        let more = (changed.len() - MAX_LISTED).to_string();
        lines.push(field("").text("and ").data(more).text(" more that are not what was recorded"));
    }
    lines
}

fn head(suite: &SuiteEntry) -> Line {
    let tone = if suite.verdict == Word::Pass { Tone::Good } else { Tone::Bad };
    let ended = match suite.ended {
        Ended::Exited(code) => format!("exit {code}"),
        Ended::Signalled(signal) => format!("ended by signal {signal}"),
        Ended::TimedOut => "ran out of time".to_owned(),
        Ended::Interrupted => "interrupted".to_owned(),
    };
    let line = Line::new().text("suite").to(12).data_in(Tone::Strong, &suite.name).text("  ");
    let line = line.tone(tone, suite.verdict.as_str()).text("  ").data(ended);
    let line = line.text(", ").data(span(Duration::from_millis(suite.duration_ms)));
    let line = if suite.runs > 1 { line.text(", ").data(suite.runs.to_string()).text(" runs") } else { line };
    let counts = count_words(&suite.counts);
    if counts.is_empty() { line } else { line.text(", ").data(counts) }
}

fn file_line(ground: &Ground<'_>, file: &EvidenceFile) -> Line {
    let path = evidence_files::place(ground, file).unwrap_or_else(|| ground.repository.own_dir().join(&file.name));
    let line = field(Kind::of(file).as_str()).whole(evidence_files::from_here(ground, &path));
    match evidence_files::standing(ground, file) {
        Standing::Intact if evidence_files::is_list(file) => {
            let count = evidence_files::listed(ground, file).len();
            line.tone(Tone::Dim, "  (lists ").data_in(Tone::Dim, count.to_string()).tone(Tone::Dim, ")")
        }
        Standing::Intact => line,
        Standing::Altered => line.tone(Tone::Bad, "  (altered: not what was recorded)"),
        Standing::Gone => line.tone(Tone::Dim, "  (not here: removed, or made on another machine)"),
    }
}

/// Some lines of a log or report.
struct Excerpt {
    /// Which finding it is about; the suite where none can be found.
    finding: Option<usize>,
    path: PathBuf,
    /// The line that is meant; none where the end of the log is shown.
    meant: Option<usize>,
    numbered: Vec<(usize, Vec<u8>)>,
}

impl Excerpt {
    /// `path:12`, which terminals and editors open at the line, and the lines.
    fn lines(&self, ground: &Ground<'_>) -> Vec<Line> {
        let path = evidence_files::from_here(ground, &self.path);
        let head = match self.meant {
            Some(line) => field("in").whole(format!("{path}:{line}")),
            None => field("the end of").whole(path),
        };
        let line = |(number, text): &(usize, Vec<u8>)| {
            let is_meant = self.meant == Some(*number);
            // What was read out of a document has no lines of its own there.
            let number = if *number == 0 { String::new() } else { number.to_string() };
            let start = Line::new().text(if is_meant { "  > " } else { "    " }).data(format!("{number:>6} | "));
            start.data_in(if is_meant { Tone::Plain } else { Tone::Dim }, text).at_most(MAX_ROWS)
        };
        std::iter::once(head).chain(self.numbered.iter().map(line)).collect()
    }
}

/// Where the first findings stand, each line shown once; the end of the log where none of them stands anywhere.
fn excerpts(ground: &Ground<'_>, suite: &SuiteEntry) -> Vec<Excerpt> {
    let (numbers, wanted): (Vec<usize>, Vec<Wanted>) =
        (0..suite.findings.len()).filter_map(|number| Some((number, wanted(&suite.findings, number)?))).unzip();
    let mut best: Vec<Option<(Rank, usize, usize)>> = vec![None; wanted.len()];
    let files = files_to_search(suite);
    let mut texts = Vec::new();
    let mut documents = Vec::new();
    for file in &files {
        let text = evidence_files::read(ground, file).unwrap_or_default();
        let is_report = Kind::of(file) == Kind::Report;
        let told = if is_report { excerpt::told(&text, &wanted) } else { None };
        if let Some(told) = told {
            for (at, told) in told.into_iter().enumerate().filter(|(at, _)| best[*at].is_none()) {
                documents.extend(told.map(|told| (at, file, told)));
            }
            texts.push(text);
            continue;
        }
        let source = if is_report { Source::Report } else { Source::Log };
        // What people read comes first; runners that write nothing else leave their report.
        let found = excerpt::locate(&text, source, &wanted).into_iter().zip(&mut best);
        for (found, best) in found.filter(|(_, best)| !is_report || best.is_none()) {
            if let Some((rank, line)) = found
                && best.is_none_or(|(known, _, _)| rank < known)
            {
                *best = Some((rank, texts.len(), line));
            }
        }
        texts.push(text);
    }
    let mut shown = BTreeSet::new();
    let mut excerpts = Vec::new();
    for (number, ((finding, wanted), place)) in numbers.into_iter().zip(&wanted).zip(best).enumerate() {
        if let (None, Some((_, file, told))) = (place, documents.iter().find(|(at, _, _)| *at == number))
            && excerpts.len() < MAX_EXCERPTS
            && let Some(path) = evidence_files::place(ground, file)
        {
            let numbered = told.text.iter().map(|line| (0, line.clone())).collect();
            excerpts.push(Excerpt { finding: Some(finding), path, meant: Some(told.line), numbered });
            continue;
        }
        let Some((_, at, line)) = place.filter(|_| excerpts.len() < MAX_EXCERPTS) else { continue };
        // All of a report may stand in one line.
        let column = excerpt::column(&texts[at], line, wanted);
        if shown.contains(&(at, line, column)) {
            continue;
        }
        let numbered = excerpt::around(&texts[at], line, column);
        shown.extend(numbered.iter().map(|(number, _)| (at, *number, if *number == line { column } else { 0 })));
        let Some(path) = evidence_files::place(ground, files[at]) else { continue };
        excerpts.push(Excerpt { finding: Some(finding), path, meant: Some(line), numbered });
    }
    if excerpts.is_empty() && suite.verdict == Word::Fail {
        let log = files.iter().zip(&texts).find(|(file, _)| Kind::of(file) == Kind::Log);
        let end = log.map(|(file, text)| (evidence_files::place(ground, file), excerpt::end(text)));
        if let Some((Some(path), numbered)) = end
            && !numbered.is_empty()
        {
            excerpts.push(Excerpt { finding: None, path, meant: None, numbered });
        }
    }
    excerpts
}

/// The logs and reports, those of the run that failed first in front.
fn files_to_search(suite: &SuiteEntry) -> Vec<&EvidenceFile> {
    let failed = suite.findings.iter().find_map(|finding| crate::judge::first_failed_run(&finding.detail));
    let of_run = failed.filter(|run| *run > 1).map(|run| format!("/{}~{run}/", suite.name));
    let is_of_failed = |file: &EvidenceFile| match (&of_run, failed) {
        (Some(folder), _) => file.name.contains(folder.as_str()),
        (None, _) => !file.name.contains('~'),
    };
    let mut files: Vec<&EvidenceFile> = suite.evidence.iter().filter(|file| Kind::of(file) != Kind::Artifact).collect();
    files.sort_by_key(|file| (Kind::of(file) == Kind::Report, !is_of_failed(file)));
    files
}

/// What to look for, for a finding that can stand in a log. Where a test is flaky and failed, its failure says more.
fn wanted(findings: &[Finding], number: usize) -> Option<Wanted> {
    let finding = &findings[number];
    let told_better = || findings.iter().any(|other| other.code == Code::TestFailed && other.test == finding.test);
    match (finding.code, &finding.test) {
        (Code::TestFailed | Code::SuiteError, Some(test)) => Some(Wanted::test(test, Some(&finding.detail))),
        (Code::TestFlaky, Some(test)) => (!told_better()).then(|| Wanted::test(test, None)),
        (Code::NotRun | Code::SkippedTests | Code::FileAsTest | Code::FilterNotApplied, Some(test)) => {
            Some(Wanted::test(test, None))
        }
        (Code::SuiteError | Code::Warning | Code::CommandUsage | Code::CachedResult, _) => {
            Some(Wanted::printed(&finding.detail))
        }
        _ => None,
    }
}

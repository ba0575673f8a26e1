//! From evidence to a verdict. The one place that decides what a test report is worth.

use std::collections::HashMap;
use std::path::Path;

use regex::Regex;

use super::chosen;
use super::finding::{Code, Finding};
use super::rules::{Flaky, Rules};
use super::verdict::{Counts, Verdict};
use crate::evidence::{
    self, Ended, Noticed, Outcome, ReportEvidence, Retries, SuiteError, SuiteEvidence, TestCase, TestReport,
    WarningLists,
};
use crate::policy::{Adapter, Report};

/// A verdict, and the tests that it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// PASS or FAIL.
    pub verdict: Verdict,
    /// The tests of the report; all 0 where there is none.
    pub counts: Counts,
    /// What forbids nothing and is worth a line.
    pub notes: Vec<String>,
    /// What the policy would have to say so that findings of this evidence were none.
    pub allowances: Vec<Allowance>,
}

/// Something that a policy can allow, and did not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allowance {
    /// A test that was skipped, by its full title.
    Skipped(String),
    /// A program that was left running, by its file name.
    Leftover(String),
    /// What a line that means failure is like; see [`evidence::ANYTHING`].
    Warning(String),
    /// Retries that the report does not show.
    Flaky,
}

impl Judged {
    /// The same with more findings, which the run showed outside of the report: processes left over, warnings, artifacts.
    ///
    /// All of them are kept, so who brings them bounds them.
    pub fn with(self, more: impl IntoIterator<Item = Finding>) -> Self {
        let mut findings = self.verdict.into_findings();
        findings.extend(more);
        findings.sort_by_key(|finding| finding.code.rank());
        Judged { verdict: Verdict::of(findings), ..self }
    }
}

/// What the gate makes of the bytes of a report whose runner ended with `exit`: the core of `proof-gate judge`.
///
/// Nothing but the report and the exit code is weighed: of warnings those that the report holds by the built-in list, and no artifacts.
pub fn judge_file(bytes: &[u8], report: Report, exit: i32) -> Judged {
    let mut heard = WarningLists::default().listen();
    let read = evidence::parse_report(report, bytes, &mut |lines| heard.report(lines));
    let noticed = heard.finish(Path::new(""));
    let evidence = SuiteEvidence { noticed, ..SuiteEvidence::new(Ended::Exited(exit), read) };
    let mut judged = judge(&evidence, &Rules::default());
    if report.adapter != Adapter::ExitCode && evidence::retries(report) == Retries::Unseen {
        judged.notes.push(format!("{UNSEEN}: a suite accepts that with flaky = \"unobservable\""));
    }
    judged
}

/// What is said of a report that tells a flaky test from no other.
const UNSEEN: &str = "retries do not show in this report";

/// Judges the evidence of one suite.
pub fn judge(evidence: &SuiteEvidence, rules: &Rules) -> Judged {
    let mut findings = Vec::new();
    let mut counts = Counts::default();
    let mut notes = Vec::new();
    let mut allowances = Vec::new();
    match evidence.ended {
        Ended::Exited(0) => {}
        Ended::Exited(code) => findings.push(finding(Code::ExitNonzero, format!("exit code {code}"))),
        Ended::Signalled(signal) => findings.push(finding(Code::Killed, format!("ended by signal {signal}"))),
        Ended::TimedOut => findings.push(finding(Code::TimedOut, "the suite's time was over".to_owned())),
    }
    match &evidence.report {
        ReportEvidence::NotAsked => {}
        ReportEvidence::Unusable { code, .. } if is_cut_off(evidence.ended) && is_of_a_cut_off_run(*code) => {}
        ReportEvidence::Unusable { code, detail } => findings.push(finding(*code, detail.clone())),
        ReportEvidence::Read(report) => {
            counts = count(report);
            findings.extend(failures_of(report));
            findings.extend(focused_of(report, &evidence.noticed));
            findings.extend(contradictions_of(report, evidence.ended, counts));
            let chosen = chosen::weigh(report, rules);
            counts.skipped -= chosen.left_out;
            findings.extend(too_few(counts, chosen.left_out, rules));
            findings.extend(chosen.findings);
            notes.extend(chosen.notes);
            allowances.extend(chosen.allowances);
            match rules.flaky {
                Flaky::Seen => {}
                Flaky::Accepted => notes.push(format!("{UNSEEN}; the policy accepts that")),
                Flaky::Unseen => {
                    findings.push(finding(
                        Code::FlakyUnobservable,
                        format!("{UNSEEN}: accept that with flaky = \"unobservable\", or use one that shows them"),
                    ));
                    allowances.push(Allowance::Flaky);
                }
            }
        }
    }
    for noticed in &evidence.noticed {
        match weigh(noticed, rules) {
            Weighed::Finding(finding) => {
                findings.push(finding);
                allowances.extend(allowance_of(noticed));
            }
            Weighed::Note(note) => notes.push(note),
        }
    }
    allowances.sort();
    allowances.dedup();
    findings.iter_mut().for_each(cut);
    Judged { verdict: Verdict::of_unsorted(findings), counts, notes, allowances }
}

/// A title is kept as long as filters need it, and said as long as a reader can take.
fn cut(finding: &mut Finding) {
    finding.test = finding.test.as_deref().map(evidence::short);
}

/// What a policy would have to say so that something noticed were no finding; nothing where no key of a policy can.
fn allowance_of(noticed: &Noticed) -> Option<Allowance> {
    match noticed {
        Noticed::Leftover { program, .. } => Some(Allowance::Leftover(program.clone())),
        Noticed::Warning { like, .. } => like.clone().map(Allowance::Warning),
        Noticed::WroteLate { .. }
        | Noticed::TreeChanged { .. }
        | Noticed::RepositoryTouched { .. }
        | Noticed::PointerLeft { .. }
        | Noticed::Usage { .. }
        | Noticed::Cached { .. }
        | Noticed::Focused { .. }
        | Noticed::ArtifactMissing { .. }
        | Noticed::ArtifactUnexpected { .. }
        | Noticed::Note(_) => None,
    }
}

/// What something that was noticed around a run is worth.
enum Weighed {
    Finding(Finding),
    Note(String),
}

fn weigh(noticed: &Noticed, rules: &Rules) -> Weighed {
    match noticed {
        Noticed::Leftover { program, command } => match why_tolerated(program, command, rules) {
            Some(why) => Weighed::Note(format!("{program} was still running and was ended ({why}): {command}")),
            None => {
                Weighed::Finding(finding(Code::LeftoverProcesses, format!("{program} was still running: {command}")))
            }
        },
        // Whoever may be left running: a report that is written behind the suite's back is not the suite's.
        Noticed::WroteLate { program, command } => Weighed::Finding(finding(
            Code::LeftoverProcesses,
            format!("{program} went on after the suite's end, and the report was written then: {command}"),
        )),
        Noticed::TreeChanged { path, how } => Weighed::Finding(finding(Code::TreeChanged, format!("{path}: {how}"))),
        Noticed::RepositoryTouched { what } => Weighed::Finding(finding(Code::RepositoryTouched, what.clone())),
        Noticed::PointerLeft { path } => Weighed::Finding(finding(
            Code::PointerLeft,
            format!("{path} holds a pointer in place of its content: '[proof] filters = [\"lfs\"]' fills it"),
        )),
        Noticed::Warning { place, line, .. } => Weighed::Finding(finding(Code::Warning, format!("{line} ({place})"))),
        Noticed::Usage { detail } => Weighed::Finding(finding(Code::CommandUsage, detail.clone())),
        Noticed::Cached { line } => Weighed::Finding(finding(Code::CachedResult, line.clone())),
        Noticed::Focused { place } => Weighed::Finding(finding(Code::Focused, place.clone())),
        Noticed::ArtifactMissing { what } => Weighed::Finding(finding(Code::ArtifactMissing, what.clone())),
        Noticed::ArtifactUnexpected { path, how } => {
            Weighed::Finding(finding(Code::ArtifactUnexpected, format!("{path}: {how}")))
        }
        Noticed::Note(note) => Weighed::Note(note.clone()),
    }
}

/// Why it is no finding that a process was left running: the suite allows it, or it is a daemon that build tools leave to be faster
/// the next time.
fn why_tolerated<'a>(program: &str, command: &str, rules: &'a Rules) -> Option<&'a str> {
    let is_meant =
        |pattern: &str| Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(program) || pattern.is_match(command));
    let allowed = rules.allow_leftover.iter().find(|allow| is_meant(&allow.program));
    let is_daemon = || match program {
        "esbuild" | "watchman" => true,
        "turbo" => command.split(' ').any(|word| word == "daemon"),
        _ => command.contains("/nx/src/daemon/server/") || command.contains(" org.gradle.launcher.daemon."),
    };
    allowed.map(|allow| allow.reason.as_str()).or_else(|| is_daemon().then_some("a daemon of a build tool"))
}

/// Whether the suite was stopped before it could end by itself.
fn is_cut_off(ended: Ended) -> bool {
    match ended {
        Ended::Signalled(_) | Ended::TimedOut => true,
        Ended::Exited(_) => false,
    }
}

/// Whether a report is so because its runner was cut off: what `TIMED_OUT` or `KILLED` says already. As a finding of its own it
/// would make every timeout look like a flaky test once the suite passes.
fn is_of_a_cut_off_run(code: Code) -> bool {
    matches!(code, Code::ReportMissing | Code::ReportEmpty | Code::ReportMalformed)
}

fn count(report: &TestReport) -> Counts {
    let mut counts = Counts::default();
    for case in &report.cases {
        match case.outcome {
            Outcome::Passed => counts.passed += 1,
            Outcome::Failed => counts.failed += 1,
            Outcome::Flaky => counts.flaky += 1,
            Outcome::Skipped | Outcome::NotRun => counts.skipped += 1,
        }
    }
    counts
}

fn failures_of(report: &TestReport) -> impl Iterator<Item = Finding> + '_ {
    let cases = report.cases.iter().filter_map(|case| {
        let code = match case.outcome {
            Outcome::Failed => Code::TestFailed,
            Outcome::Flaky => Code::TestFlaky,
            Outcome::NotRun => Code::NotRun,
            Outcome::Passed | Outcome::Skipped => return None,
        };
        let detail = in_file(case.detail.as_deref().unwrap_or("the report does not say why"), case.file.as_deref());
        Some(Finding { code, test: Some(case.title.clone()), detail })
    });
    let errors = report.errors.iter().map(|SuiteError { title, file, detail }| Finding {
        code: Code::SuiteError,
        test: title.clone(),
        detail: in_file(detail, file.as_deref()),
    });
    let files = report.files_as_tests.iter().map(|file| Finding {
        code: Code::FileAsTest,
        test: Some(file.clone()),
        detail: "the file holds no test and was counted as one".to_owned(),
    });
    let cached = report.cached.iter().map(|what| finding(Code::CachedResult, what.clone()));
    cases.chain(errors).chain(files).chain(cached).chain(unsteady(&report.cases))
}

/// What the report says of a focus, but for that of a file whose lines are named already.
fn focused_of<'a>(report: &'a TestReport, noticed: &[Noticed]) -> impl Iterator<Item = Finding> + 'a {
    let file_of = |noticed: &Noticed| match noticed {
        Noticed::Focused { place } => place.split_once(':').map(|(file, _)| format!("({file})")),
        _ => None,
    };
    let named: Vec<String> = noticed.iter().filter_map(file_of).collect();
    let is_new = move |what: &&String| !named.iter().any(|file| what.ends_with(file));
    report.focused.iter().filter(is_new).map(|what| finding(Code::Focused, what.clone()))
}

/// Tests that the report holds more than once, passed and failed.
fn unsteady(cases: &[TestCase]) -> Vec<Finding> {
    let mut outcomes: HashMap<u64, (bool, bool)> = HashMap::new();
    let mut unsteady = Vec::new();
    for case in cases {
        let (passed, failed) = outcomes.entry(case.identity).or_default();
        let was_unsteady = *passed && *failed;
        match case.outcome {
            Outcome::Passed => *passed = true,
            Outcome::Failed => *failed = true,
            Outcome::Flaky | Outcome::Skipped | Outcome::NotRun => {}
        }
        if *passed && *failed && !was_unsteady {
            unsteady.push(Finding {
                code: Code::TestFlaky,
                test: Some(case.title.clone()),
                detail: in_file("the report holds it more than once, passed and failed", case.file.as_deref()),
            });
        }
    }
    unsteady
}

fn contradictions_of(report: &TestReport, ended: Ended, counts: Counts) -> Vec<Finding> {
    let failures = counts.failed + report.errors.len() as u64;
    let against_exit = (failures > 0 && ended == Ended::Exited(0))
        .then(|| format!("the suite ended with 0, its report shows {failures} failed"));
    let stated = report.contradictions.iter().cloned();
    stated.chain(against_exit).map(|detail| finding(Code::ReportDisagrees, detail)).collect()
}

fn too_few(counts: Counts, left_out: u64, rules: &Rules) -> Option<Finding> {
    match counts.executed() {
        0 if counts.skipped > 0 => {
            Some(finding(Code::ZeroTests, format!("no test was executed, {} skipped", counts.skipped)))
        }
        0 if left_out > 0 => {
            Some(finding(Code::ZeroTests, format!("no test was executed, the filter left {left_out} out")))
        }
        0 => Some(finding(Code::ZeroTests, "no test was executed".to_owned())),
        executed if executed < rules.min_tests => {
            let detail = format!("{executed} executed, min_tests is {}", rules.min_tests);
            Some(finding(Code::TooFewTests, detail))
        }
        _ => None,
    }
}

fn finding(code: Code, detail: String) -> Finding {
    Finding { code, test: None, detail }
}

pub(super) fn in_file(detail: &str, file: Option<&str>) -> String {
    match file {
        None => detail.to_owned(),
        Some(file) if detail.contains(file) => detail.to_owned(),
        Some(file) if detail.is_empty() => file.to_owned(),
        Some(file) => format!("{detail} ({file})"),
    }
}

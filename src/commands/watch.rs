//! What stands by while suites run: it shows them, judges each as it ends, and hands on what has failed so far.

use std::collections::BTreeMap;
use std::time::Duration;

use super::judging::{SuiteVerdict, finding_lines, judge_all, suite_lines};
use super::known::Known;
use super::repeats::{run_name, shown_name};
use crate::judge::Word;
use crate::policy::Policy;
use crate::prove::{EnvironmentReport, Event, SuiteRun};
use crate::reporter::{Line, Reporter, Running};

/// Gets the verdicts of all suites that have failed so far, and what they ran in.
pub(super) type OnFailure<'a> = &'a mut dyn FnMut(&[SuiteVerdict], &EnvironmentReport, &Reporter);

/// Somebody who watches a proof.
pub(super) struct Watch<'a> {
    pub(super) reporter: &'a mut Reporter,
    pub(super) policy: &'a Policy,
    pub(super) known: &'a Known,
    /// The suites, and how often each is run.
    pub(super) runs: &'a [(String, u32)],
    /// How long each took the last time.
    pub(super) last_times: &'a BTreeMap<String, Duration>,
    /// Whether the talk names the findings, or somebody else will.
    pub(super) names_findings: bool,
    pub(super) on_failure: OnFailure<'a>,
    pub(super) environment: EnvironmentReport,
    pub(super) ended: Vec<SuiteRun>,
    pub(super) said: Vec<String>,
}

impl Watch<'_> {
    /// Shows what happens.
    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::WorkspaceReady { .. } => {}
            Event::EnvironmentKnown { environment } => self.environment = *environment,
            Event::LaneMadeAnew { lost } => {
                let line = Line::new().text("  note     a new workspace is prepared: a suite changed ");
                self.reporter.say(&line.data(lost));
            }
            Event::Step { what, argv } => self.reporter.step(what.as_str(), &argv.join(" ")),
            Event::SuiteStarted { name, .. } => {
                let last_time = self.last_time(&name);
                self.reporter.started(&self.shown(&name), last_time);
            }
            Event::SuiteOutput { name, elapsed, last_line } => self.reporter.running(&Running {
                name: &self.shown(&name),
                elapsed,
                last_time: self.last_time(&name),
                last_line: last_line.as_bytes(),
            }),
            Event::Interrupted => self.reporter.interrupted(),
            Event::SuiteEnded { run } => self.suite_ended(*run),
            Event::TeardownFailed { argv, why } => {
                let line = Line::new().text("  note     teardown failed: ").data(argv.join(" "));
                self.reporter.say(&line.text(": ").data(why));
            }
        }
    }

    fn suite_ended(&mut self, run: SuiteRun) {
        self.reporter.ended(&self.shown(&run.name));
        self.ended.push(run);
        let whole: Vec<(String, u32)> =
            self.runs.iter().filter(|(name, often)| self.has_ended(name, *often)).cloned().collect();
        let judged = judge_all(self.policy, self.known, &whole, &self.ended);
        for suite in &judged.verdicts {
            if !self.said.contains(&suite.name) {
                self.said.push(suite.name.clone());
                self.reporter.say_all(&suite_lines(suite));
                if self.names_findings {
                    self.reporter.say_all(&finding_lines(suite));
                }
            }
        }
        let mut failed = judge_all(self.policy, self.known, self.runs, &self.ended).verdicts;
        failed.retain(|suite| suite.verdict.word() == Word::Fail);
        if !failed.is_empty() {
            (self.on_failure)(&failed, &self.environment, self.reporter);
        }
    }

    /// How long a run of that suite took the last time.
    fn last_time(&self, name: &str) -> Option<Duration> {
        self.last_times.get(name.split('~').next()?).copied()
    }

    fn shown(&self, name: &str) -> String {
        shown_name(name, self.runs)
    }

    /// Whether every run of a suite has come to an end that can be judged.
    fn has_ended(&self, suite: &str, often: u32) -> bool {
        let ran = |run| run_name(suite, run);
        (0..often).all(|run| self.ended.iter().any(|ended| ended.name == ran(run)))
    }
}

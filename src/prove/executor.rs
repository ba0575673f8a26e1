//! What an engine that runs suites has to offer. The local one is [`Local`](super::Local); one for many machines fits behind the same trait.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::log::Masks;
use super::{Cancel, EnvironmentReport, Event, Outcome, Source, SuiteJob, SuiteRun};
use crate::error::Result;
use crate::evidence::ReportEvidence;

/// An engine that runs suites.
pub trait Executor {
    /// Its name, for records.
    fn name(&self) -> &'static str;

    /// Makes ready to run suites on these files; an error means that none can be run.
    fn preflight(&mut self, source: &Source, progress: &mut dyn FnMut(Event), cancel: &Cancel) -> Result<EngineInfo>;

    /// Runs the jobs. The answer has one entry per job, in the jobs' order, whatever happened.
    fn run(&mut self, jobs: &[Job<'_>], progress: &mut dyn FnMut(Event), cancel: &Cancel) -> Vec<SuiteRun>;
}

/// What an engine knows before the first suite.
#[derive(Clone, Debug)]
pub struct EngineInfo {
    /// What suites will run in.
    pub environment: EnvironmentReport,
}

/// One suite, or a part of one, to be run.
pub struct Job<'a> {
    /// Command, environment and time.
    pub suite: &'a SuiteJob,
    /// Which part.
    pub shard: Shard,
    /// The folder that takes its log and report.
    pub outputs: PathBuf,
}

impl Job<'_> {
    /// Its run, as long as nothing was started.
    pub(super) fn not_started(&self, outcome: Outcome) -> SuiteRun {
        let now = SystemTime::now();
        SuiteRun {
            name: self.suite.name.clone(),
            variation: self.suite.variation.clone(),
            argv: self.suite.argv.clone(),
            outcome,
            started: jiff::Timestamp::try_from(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            started_system: now,
            duration: Duration::ZERO,
            log: self.outputs.join("log"),
            told: ReportEvidence::not_read(),
            masks: Masks::default(),
            report: self.outputs.join("report"),
            kept: Vec::new(),
            artifacts: Vec::new(),
            folder: PathBuf::new(),
            noticed: Vec::new(),
        }
    }
}

/// A part of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Shard = Shard { index: 1, of: 1 };
}

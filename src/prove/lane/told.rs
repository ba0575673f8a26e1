//! What a suite's run told: nothing at first, then its report, and the warnings in all that it printed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::log::Masks;
use super::super::{Job, Outcome, SuiteJob, SuiteRun};
use crate::evidence::{Listener, ReportEvidence, WARNINGS_FILE};

/// A run of which nothing is known but that it ended so.
pub(in crate::prove) fn not_started(job: &Job<'_>, outcome: Outcome) -> SuiteRun {
    let now = SystemTime::now();
    SuiteRun {
        name: job.suite.name.clone(),
        variation: job.suite.variation.clone(),
        argv: job.suite.argv.clone(),
        outcome,
        started: jiff::Timestamp::try_from(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        started_system: now,
        duration: Duration::ZERO,
        log: job.outputs.join("log"),
        told: ReportEvidence::not_read(),
        masks: Masks::default(),
        report: job.outputs.join("report"),
        kept: Vec::new(),
        artifacts: Vec::new(),
        folder: PathBuf::new(),
        noticed: Vec::new(),
    }
}

/// Reads the report, which lies at `report`, and the file of node's warnings in the folder that the suite knew, as they came: before
/// secrets are masked in them. `heard` listened to the output.
pub(super) fn note(run: &mut SuiteRun, suite: &SuiteJob, report: &Path, folder: &Path, heard: Option<Listener>) {
    let mut heard = heard.unwrap_or_else(|| suite.warnings.listen());
    let told = (suite.read)(report, run.started_system, &mut |lines| heard.report(lines));
    run.told = told.relative_to(&run.folder);
    heard.read_warnings(&folder.join(WARNINGS_FILE));
    run.noticed.extend(heard.finish(&run.folder));
}

//! What is kept of a suite once it has ended: its artifacts are collected, and everything gets its place under its digest.

use super::super::artifacts::{Before, Places, Reach, Rules};
use super::super::{Job, Outcome, SuiteRun};
use super::Lane;
use crate::error::Result;
use crate::evidence::KeptFile;
use crate::evidence::Store;

/// What a suite has to leave, and what lay there before it.
pub(super) struct Expected {
    rules: Rules,
    before: Before,
}

impl Lane<'_> {
    /// Looks at what is there before a suite starts; whatever it changes from then on shows.
    pub(super) fn look_before(&mut self, job: &Job<'_>) -> Result<Expected> {
        let rules = Rules::of(&job.suite.artifacts)?;
        let before = rules.before(self.folder())?;
        if !rules.is_empty() {
            self.tracked.clock_step()?;
        }
        Ok(Expected { rules, before })
    }

    /// Keeps log, report and artifacts. What is hashed here is what the record will say: a suite that runs later cannot change it unseen.
    pub(super) fn keep_evidence(&self, run: &mut SuiteRun, job: &Job<'_>, expected: &Expected) -> Result<()> {
        let reach = match run.outcome {
            Outcome::Exited { .. } => Reach::Whole,
            Outcome::Signalled { .. } | Outcome::TimedOut => Reach::CutOff,
            // Nobody will judge it.
            Outcome::Cancelled | Outcome::Infra { .. } => return Ok(()),
        };
        let root = self.request.evidence_dir.parent().expect("the evidence of a run has a folder of its own");
        let store = Store::at(root);
        let places = Places { tree: self.folder(), tracked: &self.tracked, masks: &self.masks, outputs: &job.outputs };
        let collected = expected.rules.collect(&expected.before, reach, &places)?;
        run.noticed.extend(collected.noticed);
        for file in [&run.log, &run.report].into_iter().filter(|file| file.is_file()) {
            run.kept.push(store.take_in(file)?);
        }
        run.artifacts = collected.files.iter().map(|file| store.take_in(file)).collect::<Result<Vec<KeptFile>>>()?;
        if !run.artifacts.is_empty() {
            run.kept.push(store.list(&job.outputs, &run.artifacts)?);
        }
        store.flush(run.kept.iter().chain(&run.artifacts))
    }
}

//! The engine on this machine: one lane, suites one after the other.
//!
//! Deliberately absent: more lanes.

use super::lane::{Lane, Stop, not_started};
use super::place::Place;
use super::{Cancel, EngineInfo, Event, Executor, Job, Outcome, Request, Source, StepKind, SuiteRun};
use crate::error::Result;

/// The engine on this machine.
pub struct Local<'a> {
    request: &'a Request<'a>,
    place: Place,
    lane: Option<Lane<'a>>,
}

impl<'a> Local<'a> {
    /// The engine for a request. Nothing is started or checked out yet.
    pub fn new(request: &'a Request<'a>) -> Result<Self> {
        Ok(Local { request, place: Place::find(request.caller)?, lane: None })
    }
}

impl Executor for Local<'_> {
    fn name(&self) -> &'static str {
        "local"
    }

    fn preflight(&mut self, source: &Source, progress: &mut dyn FnMut(Event), cancel: &Cancel) -> Result<EngineInfo> {
        let mut lane = Lane::open(self.request, &self.place, source)?;
        progress(Event::WorkspaceReady { folder: lane.folder().into() });
        let environment = match lane.report(progress, cancel) {
            Ok(environment) => environment,
            Err(stop) => {
                lane.tear_down(progress, cancel);
                return Err(stop.into_error());
            }
        };
        self.lane = Some(lane);
        Ok(EngineInfo { environment })
    }

    fn run(&mut self, jobs: &[Job<'_>], progress: &mut dyn FnMut(Event), cancel: &Cancel) -> Vec<SuiteRun> {
        let mut lane = self.lane.take().expect("preflight made the lane");
        let mut blocked = lane.steps(StepKind::Prepare, progress, cancel).err().map(Stop::into_outcome);
        let mut runs = Vec::with_capacity(jobs.len());
        for job in jobs {
            let run = match &blocked {
                Some(outcome) => not_started(job, outcome.clone()),
                None => lane.suite(job, progress, cancel),
            };
            match &run.outcome {
                Outcome::Exited { .. } | Outcome::Signalled { .. } | Outcome::TimedOut => {}
                Outcome::Cancelled | Outcome::Infra { .. } => blocked = Some(run.outcome.clone()),
            }
            runs.push(run);
        }
        lane.tear_down(progress, cancel);
        runs
    }
}

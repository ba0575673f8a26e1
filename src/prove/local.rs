//! The engine on this machine: lanes beside each other, in each one suite after the other.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use super::agenda::{Agenda, Next};
use super::lane::{Lane, Stop};
use super::place::Place;
use super::workspace::Workspace;
use super::{Cancel, EngineInfo, Event, Executor, Job, Outcome, Request, Source, StepKind, SuiteRun};
use crate::error::Result;
use crate::git::{Checkout, Repository};

/// How often a lane that has to wait looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The engine on this machine.
pub struct Local<'a> {
    request: &'a Request<'a>,
    place: Place,
    lane: Option<Lane<'a>>,
    tidying: Tidying,
}

/// Workspaces that are being removed while something else is done. Leaving scope waits until they are gone, and only then lets go of what
/// they borrowed: a ref is never taken away beside one that is being written.
#[derive(Debug, Default)]
#[must_use]
pub struct Tidying(Vec<JoinHandle<Checkout>>);

impl Tidying {
    fn begin(&mut self, workspace: Workspace) {
        // Where no thread can be had, it is removed here.
        self.0.extend(thread::Builder::new().spawn(move || workspace.remove()));
    }
}

impl Drop for Tidying {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|removal| drop(removal.join()));
    }
}

impl<'a> Local<'a> {
    /// The engine for a request. Nothing is started or checked out yet.
    pub fn new(request: &'a Request<'a>) -> Result<Self> {
        Ok(Local { request, place: Place::find(request.caller)?, lane: None, tidying: Tidying::default() })
    }

    /// The removal of the workspaces, which goes on.
    pub fn into_tidying(self) -> Tidying {
        self.tidying
    }

    /// How many lanes. The work tree is taken once: it may change, and two lanes would not hold the same.
    fn lanes(&self, agenda: &Agenda) -> usize {
        match &self.request.source {
            Source::Tree(_) | Source::History(_) => agenda.lanes(self.request.proof.jobs),
            Source::WorkTree(_) => 1,
        }
    }
}

impl Executor for Local<'_> {
    fn name(&self) -> &'static str {
        "local"
    }

    fn preflight(&mut self, source: &Source, progress: &mut dyn FnMut(Event), cancel: &Cancel) -> Result<EngineInfo> {
        let mut lane = Lane::open(self.request, &self.place, source, 1)?;
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
        let first = self.lane.take().expect("preflight made the lane");
        let agenda = Agenda::of(jobs);
        let lanes = self.lanes(&agenda);
        let board =
            Board { jobs, agenda: Mutex::new(agenda), runs: Mutex::default(), tidying: Mutex::default(), cancel };
        let Request { caller, source, proof, suites, evidence_dir, .. } = self.request;
        let place = &self.place;
        thread::scope(|scope| {
            let (tell, told) = channel();
            for number in 2..=lanes {
                let (tell, board) = (tell.clone(), &board);
                scope.spawn(move || {
                    board.or_block(|| {
                        // Objects are read through a cache that threads do not share.
                        let repository = &Repository::open(caller)?;
                        let (source, evidence_dir) = (source.clone(), evidence_dir.clone());
                        let request = Request { repository, caller, source, proof, suites, evidence_dir };
                        let lane = Lane::open(&request, place, &request.source, number)?;
                        board.work(lane, &mut Telling::Through(tell));
                        Ok(())
                    });
                });
            }
            drop(tell);
            board.work(first, &mut Telling::Here { progress, told: &told });
            told.iter().for_each(progress);
        });
        self.tidying = std::mem::take(&mut *board.tidying.lock().unwrap_or_else(PoisonError::into_inner));
        board.into_runs()
    }
}

/// What the lanes share.
struct Board<'a> {
    jobs: &'a [Job<'a>],
    agenda: Mutex<Agenda>,
    runs: Mutex<Vec<(usize, SuiteRun)>>,
    tidying: Mutex<Tidying>,
    cancel: &'a Cancel,
}

/// How a lane tells what happens. One of them runs where the events are wanted, and hands on those of the others.
enum Telling<'a> {
    Here { progress: &'a mut dyn FnMut(Event), told: &'a Receiver<Event> },
    Through(Sender<Event>),
}

impl Telling<'_> {
    fn tell(&mut self, event: Event) {
        match self {
            Telling::Here { progress, told } => {
                told.try_iter().for_each(&mut **progress);
                progress(event);
            }
            // The other end lives until every lane has ended.
            Telling::Through(tell) => drop(tell.send(event)),
        }
    }

    fn hand_on(&mut self) {
        match self {
            Telling::Here { progress, told } => told.try_iter().for_each(&mut **progress),
            Telling::Through(_) => {}
        }
    }
}

/// A suite that a lane runs. Leaving scope, by a panic too, tells the agenda: the others may be waiting.
struct InHand<'a> {
    board: &'a Board<'a>,
    outcome: Outcome,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.board.agenda().ended(&self.outcome);
    }
}

impl Board<'_> {
    /// Prepares a lane, runs in it what the agenda hands out, and tears it down.
    fn work(&self, mut lane: Lane<'_>, telling: &mut Telling<'_>) {
        if let Err(stop) = lane.steps(StepKind::Prepare, &mut |event| telling.tell(event), self.cancel) {
            self.agenda().block(stop.into_outcome());
        }
        loop {
            // Taken in a statement of its own, so that the agenda is not held meanwhile.
            let next = self.agenda().next();
            let index = match next {
                Next::Run(index) => index,
                Next::Wait => {
                    telling.hand_on();
                    sleep(LOOK_AGAIN);
                    continue;
                }
                Next::Over => break,
            };
            let mut in_hand = InHand { board: self, outcome: Outcome::Cancelled };
            let run = lane.suite(&self.jobs[index], &mut |event| telling.tell(event), self.cancel);
            in_hand.outcome = run.outcome.clone();
            drop(in_hand);
            telling.tell(Event::SuiteEnded { run: Box::new(run.clone()) });
            self.runs.lock().unwrap_or_else(PoisonError::into_inner).push((index, run));
        }
        lane.tear_down(&mut |event| telling.tell(event), self.cancel);
        self.tidying.lock().unwrap_or_else(PoisonError::into_inner).begin(lane.leave());
    }

    fn or_block(&self, work: impl FnOnce() -> Result<()>) {
        if let Err(error) = work() {
            self.agenda().block(Stop::Failed(error).into_outcome());
        }
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was run, and for the rest why it was not, in the jobs' order.
    fn into_runs(self) -> Vec<SuiteRun> {
        let blocked = self.agenda.into_inner().unwrap_or_else(PoisonError::into_inner).into_blocked();
        let mut runs = self.runs.into_inner().unwrap_or_else(PoisonError::into_inner);
        let why = blocked.unwrap_or(Outcome::Cancelled);
        for (index, job) in self.jobs.iter().enumerate() {
            if runs.iter().all(|(ran, _)| *ran != index) {
                runs.push((index, job.not_started(why.clone())));
            }
        }
        runs.sort_by_key(|(index, _)| *index);
        runs.into_iter().map(|(_, run)| run).collect()
    }
}

//! One workspace and what runs in it: the commands beside the suites, and one suite after the other.
//!
//! Deliberately absent: which suite runs in which lane, see `local`; how a lane comes back from what a suite did to it, see `settle`;
//! what is kept of a suite, see `evidence`; what its commands run in, see `report`.

mod evidence;
mod report;
mod settle;
mod told;

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::settle::Made;
use super::cancel::GRACE_WITHOUT_PARENT;
use super::environment::{self, Variables};
use super::handed::Handed;
use super::log::{Masks, telling_lines_of};
use super::place::Place;
use super::process::{self, Afterwards, Ending, Kept, Leftover};
use super::reports;
use super::room::{self, Written};
use super::state::State;
use super::tracked::{self, Tracked};
use super::user_repository::UserRepository;
use super::workspace::Workspace;
use super::workspace_refs::WorkspaceRefs;
use super::{Cancel, Event, Job, Outcome, Request, Source, StepKind, SuiteRun};
use crate::error::{Context as _, Error, Result};
use crate::evidence::{Noticed, ReportFrom};
use crate::policy::Argv;

/// Lines of a failed command's log that its error shows.
const SHOWN_LINES: usize = 6;

/// How long each `teardown` command may take.
const TEARDOWN_TIME: Duration = Duration::from_secs(60);

/// The same where nobody is left to ask for an end of it.
const TEARDOWN_TIME_ORPHANED: Duration = Duration::from_secs(10);

/// A workspace and what its commands see.
pub(super) struct Lane<'a> {
    /// What commands beside the suites left running on purpose, such as a database. It goes before the workspace does.
    kept: Vec<Kept>,
    /// What is to be said of it, with the next suite.
    notes: Vec<String>,
    request: &'a Request<'a>,
    /// From 1.
    number: usize,
    place: Place,
    source: Source,
    workspace: Workspace,
    variables: Variables,
    tracked: Tracked,
    handed: Vec<Handed>,
    masks: Masks,
    user: UserRepository<'a>,
    /// The refs that the workspace had before the first child, where they are the user's.
    given_refs: WorkspaceRefs,
    /// How it was after `prepare`. Absent before the first suite, and where no other suite follows.
    state: Option<State>,
    /// Logs of the commands beside the suites, by how many there were.
    steps: PathBuf,
    step_count: usize,
}

/// Why a command beside the suites gave no good end.
pub(super) enum Stop {
    Cancelled,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

impl Stop {
    pub(super) fn into_error(self) -> Error {
        match self {
            Stop::Cancelled => Error::new("interrupted before any suite ended: no proof was made").hint("run it again"),
            Stop::Failed(error) => error,
        }
    }

    pub(super) fn into_outcome(self) -> Outcome {
        match self {
            Stop::Cancelled => Outcome::Cancelled,
            Stop::Failed(error) => {
                let hint = (!error.hints.is_empty()).then(|| error.hints.join("\n"));
                Outcome::Infra { cause: error.message, hint }
            }
        }
    }
}

impl<'a> Lane<'a> {
    /// Checks the source out. No command of the policy is started. Lanes are numbered from 1.
    pub(super) fn open(request: &'a Request<'a>, place: &Place, source: &Source, number: usize) -> Result<Self> {
        make_private(&request.evidence_dir)?;
        let steps = request.evidence_dir.join(".steps").join(number.to_string());
        make_private(&steps)?;
        let handed = Handed::read(request)?;
        let asked = UserRepository::ask(request.repository);
        let watch = || UserRepository::watch(request.repository, asked);
        let make = || Made::new(request, place, source, number, &handed);
        let (user, made) = if request.proof.filters.is_empty() {
            // git answers while the files are written. No child is started for these but git.
            let made = make()?;
            (watch()?, made)
        } else {
            (watch()?, make()?)
        };
        let Made { workspace, variables, tracked, given_refs } = made;
        Ok(Lane {
            kept: Vec::new(),
            notes: Vec::new(),
            request,
            number,
            place: place.clone(),
            source: source.clone(),
            workspace,
            variables,
            tracked,
            user,
            given_refs,
            masks: Self::masks(request, &handed),
            handed,
            state: None,
            steps,
            step_count: 0,
        })
    }

    /// The folder that suites start in.
    pub(super) fn folder(&self) -> &Path {
        self.workspace.folder()
    }

    /// What nobody should read in a log: the values of passed variables, and what the files of `home` and `copy` hold.
    fn masks(request: &Request<'_>, handed: &[Handed]) -> Masks {
        let Request { caller, proof, suites, .. } = request;
        let passed = suites.iter().flat_map(|suite| &suite.environment.pass).chain(&proof.env.pass);
        let passed = passed.filter_map(|name| caller.variable(name)).map(|value| value.as_bytes().to_vec());
        Masks::of(passed.chain(handed.iter().flat_map(Handed::secret_values)))
    }

    pub(super) fn steps(
        &mut self,
        what: StepKind,
        progress: &mut dyn FnMut(Event),
        cancel: &Cancel,
    ) -> Result<(), Stop> {
        let proof = self.request.proof;
        let commands = match what {
            StepKind::Identity => &proof.identity,
            StepKind::Prepare => &proof.prepare,
            StepKind::Reset => &proof.reset,
            StepKind::Ready => &proof.ready,
            StepKind::Teardown => &proof.teardown,
        };
        commands.iter().try_for_each(|argv| self.step(what, argv, proof.timeout, progress, cancel).map(drop))
    }

    /// Runs one command beside the suites to a good end and gives back its log.
    fn step(
        &mut self,
        what: StepKind,
        argv: &Argv,
        timeout: Duration,
        progress: &mut dyn FnMut(Event),
        cancel: &Cancel,
    ) -> Result<PathBuf, Stop> {
        if cancel.is_raised() {
            return Err(Stop::Cancelled);
        }
        progress(Event::Step { what, argv: argv.clone() });
        let log = self.steps.join(format!("{:03}-{}", self.step_count, what.as_str()));
        self.step_count += 1;
        let (variables, folder) = (&self.variables, self.workspace.folder());
        let program = &self.find(program_of(argv)?, variables)?;
        let afterwards = what.afterwards();
        let (supervisor, grace) = (self.request.caller.program.as_path(), process::GRACE);
        let job = process::Job {
            supervisor,
            program,
            argv,
            folder,
            variables,
            timeout,
            grace,
            log: &log,
            masks: &self.masks,
            copy: None,
            warnings: None,
            afterwards,
            surroundings: process::Surroundings::default(),
        };
        let ended = process::run(&job, cancel, &mut |_, _| {
            if cancel.is_raised() {
                progress(Event::Interrupted);
            }
        })?;
        self.note_leftovers(what, argv, &ended.leftovers);
        self.kept.extend(ended.kept);
        let how = match ended.ending {
            Ending::Exited(0) => return Ok(log),
            Ending::Cancelled => return Err(Stop::Cancelled),
            Ending::Exited(code) => format!("ended with exit code {code}"),
            Ending::Signalled(signal) => format!("was ended by signal {signal}"),
            Ending::TimedOut => format!("did not end within {} s", timeout.as_secs()),
        };
        self.check_not_full(&log)?;
        let mut error = Error::new(format!("cannot make the proof: {} '{}' {how}", what.as_str(), argv.join(" ")));
        let lines = telling_lines_of(&log, SHOWN_LINES);
        if !lines.is_empty() {
            for line in lines {
                error = error.hint(format!("it said: {line}"));
            }
        }
        Err(Stop::Failed(error.hint(format!("its log is {}", log.display()))))
    }

    fn note_leftovers(&mut self, what: StepKind, argv: &Argv, leftovers: &[Leftover]) {
        let fate = match what.afterwards() {
            Afterwards::End => "it was ended",
            Afterwards::Keep => "it is ended when the suites are over",
        };
        let (what, command) = (what.as_str(), argv.join(" "));
        let note =
            |left: &Leftover| format!("{what} '{command}' left {} running; {fate}: {}", left.program, left.command);
        self.notes.extend(leftovers.iter().map(note));
    }

    /// Where the disk is full, what failed may have failed for that.
    fn check_not_full(&self, log: &Path) -> Result<()> {
        let evidence = self.request.repository.own_dir().join("evidence");
        room::check_not_full(&[
            Written::Workspace(self.workspace.root()),
            Written::GitDirectory { at: log, evidence: &evidence },
        ])
    }

    pub(super) fn suite(&mut self, job: &Job<'_>, progress: &mut dyn FnMut(Event), cancel: &Cancel) -> SuiteRun {
        let mut run = job.not_started(Outcome::Cancelled);
        if let Err(stop) = self.suite_into(&mut run, job, progress, cancel) {
            run.outcome = stop.into_outcome();
        }
        run
    }

    fn suite_into(
        &mut self,
        run: &mut SuiteRun,
        job: &Job<'_>,
        progress: &mut dyn FnMut(Event),
        cancel: &Cancel,
    ) -> Result<(), Stop> {
        self.settle(progress, cancel)?;
        let steps_before = self.step_count;
        self.steps(StepKind::Reset, progress, cancel)?;
        self.steps(StepKind::Ready, progress, cancel)?;
        if self.step_count > steps_before {
            // What `reset` did to the tree's files is none of the suite's doing.
            self.restore_tracked()?;
        }
        make_private(&job.outputs)?;
        let expected = self.look_before(job)?;
        let reports = self.workspace.report_folder()?;
        let report = reports.join("report");
        let invocation = (job.suite.recipe)(&report);
        reports::lay_beside(&reports, &invocation.beside)
            .context(format!("cannot make the folder {}", reports.display()))?;
        // A folder that the suite does not know: what it prints is its report, whatever it writes elsewhere.
        let printed = match invocation.from {
            ReportFrom::File => None,
            ReportFrom::Stdout => Some(self.workspace.report_folder()?),
        };
        let copy = printed.as_ref().map(|printed| printed.join("report"));
        let mut variables = self.variables.clone();
        environment::add(&mut variables, self.request.caller, &job.suite.environment)?;
        for (name, value) in job.suite.variation.variables() {
            variables.insert(name.into(), value.into());
        }
        for (name, value) in &invocation.variables {
            environment::append(&mut variables, name, value);
        }
        variables.insert("PROOF_SUITE".into(), (&job.suite.suite).into());
        variables.insert("PROOF_REPORT".into(), report.clone().into());
        run.argv.clone_from(&invocation.argv);
        run.folder = self.folder().into();
        run.masks = self.masks.clone();
        run.noticed.extend_from_slice(self.workspace.noticed());
        let name = &job.suite.name;
        progress(Event::SuiteStarted { name: name.clone(), argv: invocation.argv.clone() });
        let mut tell = |last_line, elapsed| {
            progress(if cancel.is_raised() {
                Event::Interrupted
            } else {
                Event::SuiteOutput { name: name.clone(), last_line, elapsed }
            });
        };
        let ended = process::run(
            &process::Job {
                supervisor: &self.request.caller.program,
                program: &self.find(program_of(&invocation.argv)?, &variables)?,
                argv: &invocation.argv,
                folder: self.workspace.folder(),
                variables: &variables,
                timeout: job.suite.timeout,
                grace: process::GRACE,
                log: &run.log,
                masks: &self.masks,
                copy: copy.as_deref(),
                warnings: Some(&job.suite.warnings),
                afterwards: Afterwards::End,
                surroundings: job.suite.variation.surroundings(),
            },
            cancel,
            &mut tell,
        )?;
        run.started_system = ended.started;
        run.started = jiff::Timestamp::try_from(ended.started).context("cannot read the clock")?;
        run.duration = ended.duration;
        run.noticed.extend(std::mem::take(&mut self.notes).into_iter().map(Noticed::Note));
        let leftovers = ended.leftovers.into_iter();
        run.noticed.extend(leftovers.map(|Leftover { program, command }| Noticed::Leftover { program, command }));
        let report = copy.as_deref().unwrap_or(&report);
        if reports::was_written_after(report, ended.over) {
            let late = ended.late.into_iter();
            run.noticed.extend(late.map(|Leftover { program, command }| Noticed::WroteLate { program, command }));
        }
        run.outcome = match ended.ending {
            Ending::Exited(code) => Outcome::Exited { code },
            Ending::Signalled(signal) => Outcome::Signalled { signal },
            Ending::TimedOut => Outcome::TimedOut,
            Ending::Cancelled => Outcome::Cancelled,
        };
        if !matches!(run.outcome, Outcome::Exited { code: 0 } | Outcome::Cancelled) {
            self.check_not_full(&run.log)?;
        }
        let asked = UserRepository::ask(self.request.repository);
        run.noticed.extend(tracked::noticed(&self.tracked.differences()?));
        let refs = WorkspaceRefs::read(self.workspace.folder()).beside(&self.given_refs);
        run.noticed.extend(self.user.changes(asked, &refs));
        told::note(run, job.suite, report, &reports, ended.heard);
        reports::keep(printed.as_ref().unwrap_or(&reports), &job.outputs, &self.masks)
            .context(format!("cannot keep the report of the suite {name}"))?;
        self.keep_evidence(run, job, &expected)?;
        let failed = !matches!(run.outcome, Outcome::Exited { code: 0 } | Outcome::Cancelled);
        if failed && let Err(Stop::Failed(error)) = self.steps(StepKind::Ready, progress, cancel) {
            return Err(Stop::Failed(error.while_doing(format!("not ready any more after the suite {name}"))));
        }
        Ok(())
    }

    /// Leaves the workspace, in which nothing runs any more. It is removed with what is given back.
    pub(super) fn leave(self) -> Workspace {
        self.workspace
    }

    /// Every `teardown` command, whatever the ones before did, and after an interrupt too. Then what was kept running is ended.
    pub(super) fn tear_down(&mut self, progress: &mut dyn FnMut(Event), cancel: &Cancel) {
        let (longest, grace) = match cancel.is_orphaned() {
            true => (TEARDOWN_TIME_ORPHANED, GRACE_WITHOUT_PARENT),
            false => (TEARDOWN_TIME, process::GRACE),
        };
        let cancel = cancel.forgiving();
        let timeout = self.request.proof.timeout.min(longest);
        for argv in &self.request.proof.teardown {
            if let Err(stop) = self.step(StepKind::Teardown, argv, timeout, progress, &cancel) {
                let why = match stop {
                    Stop::Cancelled => "interrupted".to_owned(),
                    Stop::Failed(error) => error.message,
                };
                progress(Event::TeardownFailed { argv: argv.clone(), why });
            }
        }
        for kept in self.kept.drain(..) {
            if let Err(error) = kept.end(grace, &cancel) {
                progress(Event::TeardownFailed { argv: Vec::new(), why: error.message });
            }
        }
    }
}

fn program_of(argv: &[String]) -> Result<&str> {
    argv.first().filter(|name| !name.is_empty()).map(String::as_str).context("cannot run an empty command")
}

fn make_private(folder: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.context(format!("cannot make the folder {}", folder.display()))
}

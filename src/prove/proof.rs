//! From a request to the evidence of each suite.
//!
//! Deliberately absent: reading logs and reports; records.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, getrlimit};

use super::local::Tidying;
use super::log::Masks;
use super::process::Afterwards;
use super::{Cancel, EnvironmentReport, Executor as _, Job, Local, Shard, Variation};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::evidence::KeptFile;
use crate::evidence::Noticed;
use crate::evidence::{ReportEvidence, ReportFrom, WarningLists};
use crate::git::{Oid, Repository};
use crate::policy;

/// What is to be proven, and how.
pub struct Request<'a> {
    /// The user's repository. It is only read.
    pub repository: &'a Repository,
    /// The user's surroundings.
    pub caller: &'a Caller,
    /// The files.
    pub source: Source,
    /// The policy's `[proof]`.
    pub proof: &'a policy::Proof,
    /// The suites, in the order in which they run.
    pub suites: &'a [SuiteJob],
    /// Where evidence is kept: `<suite>/log`, `<suite>/report` and what else lay beside the report, `<suite>/artifacts/`. Made if it is not
    /// there. Contents are kept beside it, by their digests.
    pub evidence_dir: PathBuf,
}

/// The least number of files that a process must be allowed to hold open: the smallest default of the systems that are in use
/// (macOS; Linux gives 1024).
const MIN_OPEN_FILES: u64 = 256;

/// Where the files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Exactly this tree.
    Tree(Oid),
    /// The tree of this commit, with the commit itself, what is behind it, and the tags that lead there.
    History(Oid),
    /// The work tree at this folder as it is: what is tracked, and what is neither tracked nor ignored.
    WorkTree(PathBuf),
}

/// A suite to be run.
pub struct SuiteJob {
    /// The name of this run of it, which is that of its evidence folder too.
    pub name: String,
    /// The suite's own name, the same for all its runs.
    pub suite: String,
    /// What this run is run under.
    pub variation: Variation,
    /// The command as the policy has it. [`recipe`](Self::recipe) makes of it what is run.
    pub argv: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// What it sees beside `[proof] env`.
    pub environment: policy::Environment,
    /// What is run for a report file.
    pub recipe: Recipe,
    /// What reads its report.
    pub read: Reader,
    /// Which lines of its output are warnings.
    pub warnings: WarningLists,
    /// How long it took the last time, where that is known: longer ones start first.
    pub last_time: Option<Duration>,
    /// Whether nothing else may run beside it.
    pub exclusive: bool,
    /// What it has to leave in the workspace.
    pub artifacts: Vec<policy::Artifact>,
}

/// Makes the command from the path of the report file. Other files in the same folder are kept as evidence too.
pub type Recipe = Box<dyn Fn(&Path) -> Invocation + Send + Sync>;

/// Reads the report file of a run that began at this time, and gives what it holds of the tests' output to a listener.
pub type Reader = Box<dyn Fn(&Path, SystemTime, &mut dyn FnMut(&str)) -> ReportEvidence + Send + Sync>;

/// A command as it is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Variables that make the runner write its report. They win over the policy's.
    pub variables: Vec<(String, String)>,
    /// Files that have to lie beside the report before it starts: names and contents.
    pub beside: Vec<(&'static str, &'static str)>,
    /// Where its report comes from.
    pub from: ReportFrom,
}

/// What a proof left.
#[derive(Debug)]
pub struct Proof {
    /// One per suite of the request, in its order.
    pub suites: Vec<SuiteRun>,
    /// What the suites ran in.
    pub environment: EnvironmentReport,
    /// Whether it came to its end.
    pub ended: ProofEnd,
    /// What is left of it to be tidied up, while the verdict is worked out and recorded.
    pub tidying: Tidying,
}

/// Whether a proof came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofEnd {
    /// Every suite was started and ended.
    Whole,
    /// The user asked to stop, `teardown` included. Suites that had ended keep their outcome.
    Interrupted,
}

/// A suite's run.
#[derive(Clone, Debug)]
pub struct SuiteRun {
    /// The run's name, as its [`SuiteJob`] has it.
    pub name: String,
    /// What it was run under.
    pub variation: Variation,
    /// What was run.
    pub argv: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it started.
    pub started: jiff::Timestamp,
    /// The same by the clock of the file system that its report was written to.
    pub started_system: SystemTime,
    /// How long it took, by the monotonic clock.
    pub duration: Duration,
    /// The kept log: the argv as JSON in the first line, then standard output and error as they came. Absent if nothing was started.
    pub log: PathBuf,
    /// What its report tells, read before secrets were masked in it: a mask must not make two tests one, nor a bad word a good one.
    pub told: ReportEvidence,
    /// What is to be masked in whatever is said of it.
    pub masks: Masks,
    /// The kept report. Absent if none was written, or what was written is no regular file.
    pub report: PathBuf,
    /// Log and report as they are kept, and the list of the artifacts where there are some.
    pub kept: Vec<KeptFile>,
    /// The artifacts as they are kept, and what differs in pictures.
    pub artifacts: Vec<KeptFile>,
    /// The folder it ran in. It is gone by now; reports name files by it.
    pub folder: PathBuf,
    /// What was noticed around it.
    pub noticed: Vec<Noticed>,
}

/// How a suite ended. Only `Exited { code: 0 }` can lead to a PASS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By itself.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// By a signal that the gate did not send.
    Signalled {
        /// Its number.
        signal: i32,
    },
    /// Its time was over.
    TimedOut,
    /// The user asked to stop, before it started or while it ran.
    Cancelled,
    /// Something around the suite failed: no proof, whatever the suite did.
    Infra {
        /// What failed.
        cause: String,
        /// What to do now, one step a line.
        hint: Option<String>,
    },
}

/// A command beside the suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// `identity`
    Identity,
    /// `prepare`
    Prepare,
    /// `reset`
    Reset,
    /// `ready`
    Ready,
    /// `teardown`
    Teardown,
}

impl StepKind {
    /// The policy's key.
    pub fn as_str(self) -> &'static str {
        match self {
            StepKind::Identity => "identity",
            StepKind::Prepare => "prepare",
            StepKind::Reset => "reset",
            StepKind::Ready => "ready",
            StepKind::Teardown => "teardown",
        }
    }

    /// What becomes of what such a command leaves running. A database is started on purpose; that `node --version` leaves somebody is an
    /// accident, and after the suites there is nobody left to need it.
    pub(super) fn afterwards(self) -> Afterwards {
        match self {
            StepKind::Prepare | StepKind::Reset | StepKind::Ready => Afterwards::Keep,
            StepKind::Identity | StepKind::Teardown => Afterwards::End,
        }
    }
}

/// What happens while a proof is made. Text in it comes from tests; the reporter escapes it.
#[derive(Clone, Debug)]
pub enum Event {
    /// The files are in place.
    WorkspaceReady {
        /// Where.
        folder: PathBuf,
    },
    /// What the suites will run in is known.
    EnvironmentKnown {
        /// All of it.
        environment: Box<EnvironmentReport>,
    },
    /// A suite changed what cannot be brought back, so the next one gets a workspace of its own, prepared anew.
    LaneMadeAnew {
        /// What could not be brought back.
        lost: String,
    },
    /// A command beside the suites starts.
    Step {
        /// Which kind.
        what: StepKind,
        /// The command.
        argv: Vec<String>,
    },
    /// A suite starts.
    SuiteStarted {
        /// Its name.
        name: String,
        /// The command.
        argv: Vec<String>,
    },
    /// A suite is running: it printed something (at most five times a second), or a second has passed.
    SuiteOutput {
        /// Its name.
        name: String,
        /// The last line that is not blank.
        last_line: String,
        /// Since it started.
        elapsed: Duration,
    },
    /// The user asked to stop, and what runs is being ended. Told more than once.
    Interrupted,
    /// A suite ended, and everything around it.
    SuiteEnded {
        /// How, and what it left.
        run: Box<SuiteRun>,
    },
    /// A `teardown` command failed. It changes no outcome.
    TeardownFailed {
        /// The command.
        argv: Vec<String>,
        /// What happened.
        why: String,
    },
}

/// Makes a proof: runs every suite in a workspace that is gone when what this returns is.
///
/// An error means that no suite came to an end, so that there is nothing to judge. A failure beside the suites after one had ended is
/// [`Outcome::Infra`] of the suites that it kept from running.
pub fn prove(request: &Request<'_>, events: &mut dyn FnMut(Event), cancel: &Cancel) -> Result<Proof> {
    check(request)?;
    check_limits()?;
    let mut engine = Local::new(request)?;
    let info = engine.preflight(&request.source, events, cancel)?;
    events(Event::EnvironmentKnown { environment: Box::new(info.environment.clone()) });
    let jobs: Vec<Job<'_>> = request
        .suites
        .iter()
        .map(|suite| Job { suite, shard: Shard::WHOLE, outputs: request.evidence_dir.join(&suite.name) })
        .collect();
    let suites = engine.run(&jobs, events, cancel);
    if !suites.iter().map(|run| &run.name).eq(jobs.iter().map(|job| &job.suite.name)) {
        return Err(Error::new(format!("cannot make the proof: the engine '{}' left suites out", engine.name())));
    }
    if let Some(error) = nothing_ended(&suites) {
        return Err(error);
    }
    // Also when every suite had ended by then, and only `teardown` was left.
    let interrupted = cancel.is_raised() || suites.iter().any(|run| run.outcome == Outcome::Cancelled);
    let ended = if interrupted { ProofEnd::Interrupted } else { ProofEnd::Whole };
    Ok(Proof { suites, environment: info.environment, ended, tidying: engine.into_tidying() })
}

/// The first failure beside the suites, where no suite came to an end.
fn nothing_ended(suites: &[SuiteRun]) -> Option<Error> {
    let mut first = None;
    for run in suites {
        match &run.outcome {
            Outcome::Exited { .. } | Outcome::Signalled { .. } | Outcome::TimedOut => return None,
            Outcome::Cancelled => {}
            Outcome::Infra { cause, hint } => {
                first = first.or_else(|| {
                    Some(hint.iter().flat_map(|hint| hint.lines()).fold(Error::new(cause.clone()), Error::hint))
                });
            }
        }
    }
    first
}

/// The least number of processes that the user must be allowed: a test runner and its workers, beside what runs anyway.
const MIN_PROCESSES: u64 = 64;

/// Suites inherit the limits of open files and processes: under small ones they would fail for a reason that is not in the tree.
fn check_limits() -> Result<()> {
    let limit = getrlimit(Resource::Nproc).current.unwrap_or(u64::MAX);
    if limit < MIN_PROCESSES {
        return Err(Error::new(format!("cannot make the proof: this user may run only {limit} processes at once"))
            .hint(format!(
                "raise the limit to {MIN_PROCESSES}, or more ('ulimit -a' shows it); test runners need many"
            )));
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if limit < MIN_OPEN_FILES {
        return Err(Error::new(format!("cannot make the proof: only {limit} files may be open at once"))
            .hint(format!("ulimit -n {MIN_OPEN_FILES}, or more; test runners need many")));
    }
    Ok(())
}

/// What the policy asks for and this program cannot do is no proof; it is never left out in silence.
fn check(request: &Request<'_>) -> Result<()> {
    if request.suites.is_empty() {
        return Err(Error::new("cannot make the proof: no suite was asked for"));
    }
    let mut names = BTreeSet::new();
    for suite in request.suites {
        let plain = !suite.name.starts_with('.') && !suite.name.contains(['/', '\0']) && !suite.name.is_empty();
        if !plain || !names.insert(&suite.name) {
            return Err(Error::new(format!("cannot make the proof: '{}' is no name for a suite's folder", suite.name)));
        }
    }
    Ok(())
}

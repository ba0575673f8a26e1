//! Starting programs: each below a supervisor of its own, its output into a log. Beside the git door and the supervisor itself, the
//! only place that does.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::Cancel;
use super::log::{LogWriter, Masks};
use super::output::Outputs;
use super::supervise::wire::{Channel, Event, Heard, Order, Wish};
use super::supervise::{self, LIMIT, end_orphans, orphans_of};
use crate::child;
use crate::error::{Context as _, Error, Result};
use crate::evidence::{Listener, WarningLists};

pub use super::supervise::{Afterwards, Ending, Leftover, Surroundings};

/// Runs a program as its caller would: same standard output and error, the given environment, and `input` on its standard input.
///
/// A program that does not read all of its input is no error.
pub fn hand_over<A: AsRef<OsStr>>(
    program: &Path,
    args: impl IntoIterator<Item = A>,
    folder: &Path,
    variables: &BTreeMap<OsString, OsString>,
    input: &[u8],
) -> io::Result<ExitStatus> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::piped())
        .spawn()?;
    let mut pipe = child.stdin.take().expect("stdin was asked to be a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || drop(pipe.write_all(input)));
        child.wait()
    })
}

/// Time between SIGTERM and SIGKILL.
pub const GRACE: Duration = Duration::from_secs(5);

/// How often the last line of a log is shown.
const TAIL_EVERY: Duration = Duration::from_millis(200);

/// A program that prints nothing is shown to be running this often, and its supervisor is woken if somebody stopped it.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// The longest pause between two looks at whether the user asked to stop.
const LONGEST_NAP: Duration = Duration::from_millis(20);

/// What a supervisor may take beyond the program's own time before it counts as lost.
const SLACK: Duration = Duration::from_secs(10);

/// A program to be run below a supervisor.
#[derive(Debug)]
pub struct Job<'a> {
    /// This program's own file, which is started as the supervisor.
    pub supervisor: &'a Path,
    /// The file to start, absolute.
    pub program: &'a Path,
    /// The program as it was asked for, and its arguments.
    pub argv: &'a [String],
    /// Where it starts.
    pub folder: &'a Path,
    /// All of its environment.
    pub variables: &'a BTreeMap<OsString, OsString>,
    /// How long it may take. The clock stands still while the gate is stopped.
    pub timeout: Duration,
    /// How long it has between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// The file that takes its standard output and error. It must not exist.
    pub log: &'a Path,
    /// What is not written there as it came.
    pub masks: &'a Masks,
    /// A file that takes the standard output too, byte for byte up to one more than a report may have. It must not exist.
    pub copy: Option<&'a Path>,
    /// Which lines of its output are warnings, where it is listened to.
    pub warnings: Option<&'a WarningLists>,
    /// What becomes of what it leaves running.
    pub afterwards: Afterwards,
    /// What it inherits beside its environment.
    pub surroundings: Surroundings,
}

/// What a program's run showed.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub ending: Ending,
    /// When it started, by the clock of the log's file system, so that it can be compared with files that it wrote.
    pub started: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// What it had left running; at most some tens, the last of which says how many more there were.
    pub leftovers: Vec<Leftover>,
    /// When the program itself had ended, at the latest.
    pub over: SystemTime,
    /// What went on for a moment after that. Where it did not end by itself, it is among the leftovers too.
    pub late: Vec<Leftover>,
    /// Who listened to its output, where it was asked for.
    pub heard: Option<Listener>,
    /// The leftovers, where they run on: with [`Afterwards::Keep`] and only if there are some.
    pub kept: Option<Kept>,
}

/// The supervisors of this process that are alive. A process has one set of children, whoever in it started them: without this
/// list what a dead supervisor left could not be told from the supervisors of other lanes.
static SUPERVISORS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn supervisors() -> MutexGuard<'static, Vec<Pid>> {
    SUPERVISORS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a program to its end and then ends what it left, or keeps it.
///
/// The log's first line is the argv as JSON. A process elsewhere that holds the output open keeps nobody waiting. `progress` gets the
/// log's last line and the time that passed. An error means that nobody knows how the program ended.
pub fn run(job: &Job<'_>, cancel: &Cancel, progress: &mut dyn FnMut(String, Duration)) -> Result<Ended> {
    let first_line = serde_json::to_vec(job.argv).context("cannot write the log")?;
    let cannot_log = || format!("cannot write the log {}", job.log.display());
    let log = LogWriter::create(job.log, &first_line, job.masks, job.warnings.map(WarningLists::listen))
        .context(cannot_log())?;
    let started = job.log.metadata().and_then(|file| file.modified()).context(cannot_log())?;
    let mut supervised = Supervised::start(job, log)?;
    let event = supervised.watch(job, cancel, progress);
    let event = event.and_then(|event| supervised.outputs.finish().context(cannot_log()).map(|heard| (event, heard)));
    let (ending, duration, leftovers, over, late, undying, heard) = match event {
        Ok((Event::Ended { ending, duration, leftovers, over, late, undying }, heard)) => {
            (ending, duration, leftovers, over, late, undying, heard)
        }
        Ok((Event::NotStarted { cause }, _)) => {
            return Err(Error::new(format!("cannot start {}: {cause}", job.program.display())));
        }
        Err(error) => return Err(supervised.give_up(error)),
    };
    if let Some(process) = undying.first() {
        return Err(process.undying());
    }
    let kept = (job.afterwards == Afterwards::Keep && !leftovers.is_empty()).then(|| supervised.keep()).transpose()?;
    Ok(Ended { ending, started, duration, leftovers, over, late, heard, kept })
}

/// A supervisor and what is read from it. Leaving scope ends it and everything below it.
struct Supervised {
    child: Child,
    id: Pid,
    channel: Channel,
    outputs: Outputs,
    is_over: bool,
}

impl Supervised {
    fn start(job: &Job<'_>, log: LogWriter) -> Result<Self> {
        let cannot = "cannot start the supervisor";
        supervise::adopt_orphans().context(cannot)?;
        let (here, there) = UnixStream::pair().context(cannot)?;
        let (outputs, ends) = Outputs::new(log, job.copy).context(cannot)?;
        let mut command = Command::new(job.supervisor);
        command.arg(supervise::COMMAND).current_dir("/").env_clear().stdin(OwnedFd::from(there));
        command.stdout(ends.stdout).stderr(ends.stderr);
        let mut living = supervisors();
        let child = command.spawn().context(format!("{cannot} {}", job.supervisor.display()))?;
        let id = Pid::from_child(&child);
        living.push(id);
        drop((living, command));
        let channel = Channel::new(here);
        let mut supervised = Supervised { child, id, channel, outputs, is_over: false };
        let order = Order {
            program: job.program.into(),
            args: job.argv.iter().skip(1).map(OsString::from).collect(),
            folder: job.folder.into(),
            variables: job.variables.clone().into_iter().collect(),
            timeout: job.timeout,
            grace: job.grace,
            afterwards: job.afterwards,
            surroundings: job.surroundings,
        };
        match supervised.channel.say(&order) {
            Ok(()) => Ok(supervised),
            Err(error) => Err(supervised.give_up(Error::new(format!("{cannot}: {error}")))),
        }
    }

    /// Writes the log and hears the supervisor until it says how the program ended.
    fn watch(&mut self, job: &Job<'_>, cancel: &Cancel, progress: &mut dyn FnMut(String, Duration)) -> Result<Event> {
        let (mut said, mut elapsed, mut last) = (None, Duration::ZERO, Instant::now());
        let (mut shown, mut shown_at, mut woken_at) = (String::new(), Duration::ZERO, Duration::ZERO);
        let longest = job.timeout.saturating_add(job.grace).saturating_add(LIMIT).saturating_add(SLACK);
        loop {
            let heard = self.outputs.read(LONGEST_NAP, Some(self.channel.socket()));
            heard.context(format!("cannot write the log {}", job.log.display()))?;
            match self.channel.hear::<Event>(if self.outputs.is_open() { Duration::ZERO } else { LONGEST_NAP }) {
                Heard::Message(event) => return Ok(event),
                Heard::Nothing => {}
                Heard::Gone => return Err(lost("its supervisor was ended from outside")),
            }
            if self.pass_on(cancel, &mut said) {
                progress(shown.clone(), elapsed);
            }
            // A long gap is no time that the program had: this process was stopped meanwhile.
            elapsed += last.elapsed().min(SIGN_OF_LIFE);
            last = Instant::now();
            if elapsed - woken_at >= SIGN_OF_LIFE {
                woken_at = elapsed;
                kill_process(self.id, Signal::CONT).ok();
            }
            if elapsed >= longest {
                return Err(lost("its supervisor does not answer"));
            }
            if elapsed - shown_at >= TAIL_EVERY {
                let line = self.outputs.last_line();
                if line != shown || elapsed - shown_at >= SIGN_OF_LIFE {
                    line.clone_into(&mut shown);
                    shown_at = elapsed;
                    progress(shown.clone(), elapsed);
                }
            }
        }
    }

    /// Tells the supervisor what the user asks for, once each; whether there was something to tell.
    fn pass_on(&mut self, cancel: &Cancel, said: &mut Option<Wish>) -> bool {
        let wish = match (cancel.is_urgent(), cancel.is_raised()) {
            (true, _) => Wish::Kill,
            (false, true) => Wish::Stop,
            (false, false) => return false,
        };
        let is_new = said.replace(wish) != Some(wish);
        if is_new {
            // Whether it is gone shows when it is listened to.
            self.channel.say(&wish).ok();
        }
        is_new
    }

    /// Waits for the supervisor to go, lets go of it by force if it does not, and ends what it left. Gives back what could not be ended.
    fn end(&mut self) -> Vec<Leftover> {
        if !self.is_over {
            self.is_over = true;
            // For the supervisor the gate is gone now: it ends everything.
            self.channel.socket().shutdown(Shutdown::Both).ok();
            let ended = child::wait(&mut self.child, LIMIT + SLACK).ok().flatten();
            let is_good = ended.is_some_and(|status| status.success());
            if !is_good {
                self.child.kill().ok();
                self.child.wait().ok();
            }
            supervisors().retain(|id| *id != self.id);
            if !is_good {
                return end_orphans(|| orphans_of(getpid(), &supervisors()));
            }
        }
        Vec::new()
    }

    /// The error, after everything was ended because of it.
    fn give_up(mut self, error: Error) -> Error {
        match self.end().first() {
            None => error,
            Some(process) => error.hint(process.undying().message),
        }
    }

    /// Lets what is left run on, and its output into the log.
    fn keep(mut self) -> Result<Kept> {
        let outputs = std::mem::take(&mut self.outputs);
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let reader = std::thread::Builder::new().spawn(move || outputs.drain(TAIL_EVERY, &seen));
        let reader = reader.context("cannot go on reading what a program prints")?;
        Ok(Kept { supervised: self, reader: Some(reader), is_over })
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a program left running on purpose. Leaving scope ends it at once.
pub struct Kept {
    supervised: Supervised,
    reader: Option<JoinHandle<()>>,
    is_over: Arc<AtomicBool>,
}

impl Kept {
    /// Ends it: SIGTERM, the job's grace or this one if it is shorter, SIGKILL.
    pub fn end(mut self, grace: Duration, cancel: &Cancel) -> Result<()> {
        let mut said = Some(Wish::Stop);
        self.supervised.channel.say(&Wish::Stop).ok();
        let begun = Instant::now();
        while begun.elapsed() < GRACE + LIMIT + SLACK
            && matches!(child::wait(&mut self.supervised.child, LONGEST_NAP), Ok(None))
        {
            if begun.elapsed() < grace {
                self.supervised.pass_on(cancel, &mut said);
            } else if said.replace(Wish::Kill) != Some(Wish::Kill) {
                self.supervised.channel.say(&Wish::Kill).ok();
            }
        }
        match self.supervised.end().first() {
            None => Ok(()),
            Some(process) => Err(process.undying()),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.supervised.end();
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({})", self.supervised.id)
    }
}

fn lost(how: &str) -> Error {
    Error::new(format!("cannot tell how the program ended: {how}"))
        .hint("its supervisor is a process of proof-gate's own; a test that signals its parent's parent ends it")
}

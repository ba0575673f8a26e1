//! The supervisor: a process of this program's own, one for each program that the gate runs, below which everything stays.
//!
//! It leads a session of its own, so that what it starts has no terminal, and it is the subreaper of all that it starts, so that
//! nobody leaves by ending his parent. When the program ends it ends what is left and says what that was; when the gate goes away, by
//! whatever way, it ends everything. Where there are no subreapers (macOS) only the program's process group is ended.
//!
//! Deliberately absent: logs, and what any of it is worth.

mod sweep;
mod tree;
pub(super) mod wire;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::Mode;
use rustix::process::{Pid, Signal, getppid, setsid};
#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::error::{Context as _, Error, Result};

use sweep::{Brood, NAP, SETTLE};
pub(super) use tree::Process;
pub use wire::{Afterwards, Surroundings};
use wire::{Channel, Event, Heard, Order, Wish};

pub(super) use sweep::{LIMIT, end_orphans};
pub(super) use tree::orphans_of;

/// The hidden command that makes this program a supervisor.
pub(super) const COMMAND: &str = "supervise";

/// How long the order may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a stopped gate is looked at.
const STOPPED_NAP: Duration = Duration::from_millis(50);

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Ending {
    /// By itself.
    Exited(i32),
    /// By a signal that the gate did not send.
    Signalled(i32),
    /// By the gate, because its time was over.
    TimedOut,
    /// By the gate, because the user asked to stop.
    Cancelled,
}

/// A process that a program left running.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Leftover {
    /// The file name of its program.
    pub program: String,
    /// Its command line, arguments joined by spaces and cut to a readable length.
    pub command: String,
}

impl Leftover {
    /// What is to be said where not even SIGKILL ends it.
    pub(in crate::prove) fn undying(&self) -> Error {
        Error::new(format!("cannot end {}: it is still running after SIGKILL: {}", self.program, self.command))
            .hint("it waits for a device or a network disk, or belongs to somebody else; see to it, then run again")
    }
}

/// Does what the gate at the other end of standard input orders, and ends when nothing below it is left.
pub fn supervise() -> Result<()> {
    let inherited = || io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    close_inherited();
    let mut gate = Channel::new(inherited().context("cannot talk to the gate")?);
    // A long one, of a large environment, comes in pieces.
    let asked = Instant::now();
    let heard = loop {
        let heard = gate.hear::<Order>(PATIENCE.saturating_sub(asked.elapsed()));
        if !matches!(heard, Heard::Nothing) || asked.elapsed() >= PATIENCE {
            break heard;
        }
    };
    let Heard::Message(order) = heard else {
        return Err(
            Error::new("cannot supervise: nobody gave an order").hint("only proof-gate itself starts this command")
        );
    };
    // A suite that signals its parent does not end its own supervision; a group leader that cannot lead a session leads one already.
    let ignored = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::clone(&ignored)).context("cannot ignore signals")?;
    }
    setsid().ok();
    adopt_orphans().context("cannot become the subreaper")?;
    let Some(gate_id) = getppid() else { return Ok(()) };
    let event = match start(&order) {
        Ok(leader) => {
            let brood = Brood::of(Pid::from_child(&leader));
            let begun = Instant::now();
            let late = Vec::new();
            Supervisor { gate, gate_id, brood, begun, paused: Duration::ZERO, wish: None, late, leader_end: None }
                .run(&order);
            return Ok(());
        }
        Err(error) => Event::NotStarted { cause: error.to_string() },
    };
    // A gate that is gone needs no answer.
    gate.say(&event).ok();
    Ok(())
}

fn start(order: &Order) -> io::Result<Child> {
    surround(order.surroundings)?;
    let variables = order.variables.iter().map(|(name, value)| (name, value));
    let mut command = Command::new(&order.program);
    command.args(&order.args).current_dir(&order.folder).env_clear().envs(variables);
    command.stdin(Stdio::null()).process_group(0).spawn()
}

/// Takes on what the program is to inherit. A process of its own starts each program, so nobody else does.
fn surround(surroundings: Surroundings) -> io::Result<()> {
    if let Some(umask) = surroundings.umask {
        rustix::process::umask(Mode::from_raw_mode(umask));
    }
    #[cfg(target_os = "linux")]
    if let Some(cpus) = surroundings.cpus {
        let allowed = sched_getaffinity(None)?;
        let first = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).take(cpus as usize);
        let mut narrowed = CpuSet::new();
        first.for_each(|cpu| narrowed.set(cpu));
        sched_setaffinity(None, &narrowed)?;
    }
    Ok(())
}

/// From now on who loses his parent below this process becomes its child.
pub(super) fn adopt_orphans() -> rustix::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Closes every file but the three standard ones: git's connection, which it leaks into its hooks, and whatever else was inherited.
///
/// Only for the very beginning of a process, before it has opened anything itself.
pub fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/dev/fd") else { return };
    let open: Vec<i32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for file in open.into_iter().filter(|file| *file > 2) {
        // The folder that was just read is closed already.
        nix::unistd::close(file).ok();
    }
}

/// What the gate asked for, or that it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Stop,
    Kill,
    Gone,
}

struct Supervisor {
    gate: Channel,
    gate_id: Pid,
    brood: Brood,
    begun: Instant,
    /// How long the gate was stopped until now, and with it everything here.
    paused: Duration,
    wish: Option<Call>,
    /// Who was still there when the leader had ended.
    late: Vec<Leftover>,
    /// Ready once the leader has ended, while that is waited for.
    leader_end: Option<OwnedFd>,
}

impl Supervisor {
    fn run(mut self, order: &Order) {
        let ending = self.watch(order.timeout);
        let (duration, over) = (self.elapsed(), SystemTime::now());
        let leftovers = match ending {
            Ending::Exited(_) | Ending::Signalled(_) => self.leftovers(order.afterwards),
            Ending::TimedOut | Ending::Cancelled => {
                self.stop(order.grace);
                Vec::new()
            }
        };
        if order.afterwards == Afterwards::Keep && !leftovers.is_empty() {
            let (late, undying) = (Vec::new(), Vec::new());
            self.gate.say(&Event::Ended { ending, duration, leftovers, over, late, undying }).ok();
            while self.wish.is_none() {
                self.listen(STOPPED_NAP);
            }
            self.stop(order.grace);
            self.brood.end();
            return;
        }
        let undying = sweep::describe(&self.brood.end());
        let late = self.late;
        self.gate.say(&Event::Ended { ending, duration, leftovers, over, late, undying }).ok();
    }

    /// What the leader left running. What will be ended is stopped, so that nobody goes before he has been told of.
    fn leftovers(&mut self, afterwards: Afterwards) -> Vec<Leftover> {
        let Some(living) = self.settle() else { return Vec::new() };
        let mut leftovers = sweep::describe(&living);
        if afterwards == Afterwards::End {
            for late in sweep::describe(&self.brood.freeze()) {
                if !leftovers.contains(&late) {
                    leftovers.push(late);
                }
            }
        }
        if leftovers.is_empty() {
            let command = "it was gone before its name could be read".to_owned();
            leftovers.push(Leftover { program: "a process that forks all the time".to_owned(), command });
        }
        leftovers
    }

    /// Waits for the leader, its deadline, or the gate.
    fn watch(&mut self, timeout: Duration) -> Ending {
        let mut nap = Duration::from_millis(1);
        self.leader_end = self.brood.leader_end();
        loop {
            if let Some(ending) = self.brood.ending() {
                // It is told of again and again from now on.
                self.leader_end = None;
                return ending;
            }
            if self.wish.is_some() {
                return Ending::Cancelled;
            }
            if self.elapsed() >= timeout {
                return Ending::TimedOut;
            }
            self.listen(nap);
            nap = (nap * 2).min(NAP);
        }
    }

    /// SIGTERM, then some time to end; none where the gate is gone or asks again.
    fn stop(&mut self, grace: Duration) {
        let first = self.wish;
        if matches!(first, Some(Call::Kill | Call::Gone)) {
            return;
        }
        self.brood.signal(Signal::TERM);
        self.brood.signal(Signal::CONT);
        let begun = self.elapsed();
        while self.wish == first && self.elapsed() - begun < grace && !self.brood.living().is_empty() {
            self.listen(NAP);
        }
    }

    /// Who is still alive after a moment in which children that are going away anyway may go. `None`: nobody.
    fn settle(&mut self) -> Option<Vec<Process>> {
        let begun = self.elapsed();
        let mut nap = Duration::from_millis(1);
        loop {
            if self.brood.is_only_a_dead_leader() {
                return None;
            }
            let living = self.brood.living();
            if self.late.is_empty() {
                self.late = sweep::describe(&living);
            }
            if living.is_empty() && self.brood.is_gone() {
                return None;
            }
            if self.wish.is_some() || self.elapsed() - begun >= SETTLE {
                return Some(living);
            }
            self.listen(nap);
            nap = (nap * 2).min(NAP);
        }
    }

    /// Hears the gate for a moment. While the gate is stopped everything here is, and no time passes.
    fn listen(&mut self, nap: Duration) {
        self.hear(nap);
        self.brood.reap_orphans();
        if !tree::is_stopped(self.gate_id) {
            return;
        }
        let begun = Instant::now();
        let stopped = self.brood.freeze();
        while tree::is_stopped(self.gate_id) && self.wish != Some(Call::Gone) {
            self.hear(STOPPED_NAP);
        }
        stopped.iter().for_each(|process| process.signal(Signal::CONT));
        self.paused += begun.elapsed();
    }

    fn hear(&mut self, nap: Duration) {
        self.wish = match self.gate.hear_beside(self.leader_end.as_ref().map(AsFd::as_fd), nap) {
            Heard::Message(Wish::Stop) if self.wish.is_none() => Some(Call::Stop),
            Heard::Message(Wish::Stop | Wish::Kill) => Some(Call::Kill),
            Heard::Gone => Some(Call::Gone),
            Heard::Nothing => self.wish,
        };
        if self.wish == Some(Call::Gone) {
            // A socket that is closed is always ready.
            std::thread::sleep(nap);
        }
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed().saturating_sub(self.paused)
    }
}

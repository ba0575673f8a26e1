//! Ending a tree of processes so that none is left, whatever they do against it.
//!
//! They are stopped before they are killed: who is stopped starts nobody in place of the killed. That nobody is left is not concluded
//! from a list, which a process that forks all the time may evade, but told by the kernel: who has no children has nobody below.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process_group, waitid};

use super::tree::{self, Process};
use super::{Ending, Leftover};
use crate::child;

/// How long what was left may take to go away by itself: children that are ending already when their parent ends.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// How long stopping everybody is tried.
const FREEZE: Duration = Duration::from_secs(2);

/// How long killing is tried, with what the kernel needs to let go of.
pub(in crate::prove) const LIMIT: Duration = Duration::from_secs(10);

/// The longest pause between two looks.
pub(super) const NAP: Duration = Duration::from_millis(20);

/// How often children are looked at in one chase.
const CHASES: usize = 50;

/// Leftovers that are told of, the others are counted.
const TOLD: usize = 20;

/// The processes below the supervisor, and the one among them that it started itself.
///
/// The leader is reaped late, so that its id stays its group's.
#[derive(Debug)]
pub(super) struct Brood {
    own: Pid,
    leader: Pid,
    is_leader_reaped: bool,
}

impl Brood {
    pub(super) fn of(leader: Pid) -> Self {
        Brood { own: getpid(), leader, is_leader_reaped: false }
    }

    /// How the leader ended, if it has.
    pub(super) fn ending(&self) -> Option<Ending> {
        ending_of(self.leader)
    }

    /// A file that is ready once the leader has ended.
    pub(super) fn leader_end(&self) -> Option<OwnedFd> {
        child::end_of(self.leader)
    }

    /// Whether nobody is left but the leader, who has ended, told without a look at every process of the system; he is reaped then. What
    /// it does not tell, `living` and `is_gone` do: a leader who is not alone is reaped late.
    pub(super) fn is_only_a_dead_leader(&mut self) -> bool {
        let is_only_leader = || tree::own_children().iter().map(|process| process.pid).eq([self.leader]);
        (self.is_leader_reaped || is_only_leader()) && self.is_gone()
    }

    /// Everybody who is alive and was found. The dead are reaped on the way, but for the leader.
    pub(super) fn living(&self) -> Vec<Process> {
        let (living, dead): (Vec<_>, Vec<_>) = tree::below(self.own).into_iter().partition(Process::is_alive);
        dead.iter().filter(|process| process.pid != self.leader).for_each(|process| reap(process.pid));
        living
    }

    fn has_ended(&self) -> bool {
        self.is_leader_reaped || self.ending().is_some()
    }

    /// Reaps orphans that have ended, as init would: who waits for the end of his daemon looks whether its id is gone.
    pub(super) fn reap_orphans(&self) {
        let children = tree::own_children();
        if children.is_empty() && !self.is_leader_reaped {
            // A kernel that does not list children.
            self.living();
        }
        let orphans = children.iter().filter(|process| process.pid != self.leader);
        orphans.filter(|process| !process.is_alive()).for_each(|process| reap(process.pid));
    }

    /// Whether nobody is left below this process: the kernel's own word. Only for a brood whose leader has ended; he is reaped.
    pub(super) fn is_gone(&mut self) -> bool {
        if !self.is_leader_reaped {
            reap(self.leader);
            self.is_leader_reaped = true;
        }
        is_childless()
    }

    /// A signal to everybody.
    pub(super) fn signal(&self, signal: Signal) {
        self.signal_group(signal);
        self.living().iter().for_each(|process| process.signal(signal));
    }

    fn signal_group(&self, signal: Signal) {
        if !self.is_leader_reaped {
            // It fails only where the group is gone already.
            kill_process_group(self.leader, signal).ok();
        }
    }

    /// Stops everybody who is not stopped, until nobody is left to stop. Gives back whom it stopped.
    pub(super) fn freeze(&self) -> Vec<Process> {
        let begun = Instant::now();
        let mut stopped: Vec<Process> = Vec::new();
        loop {
            let mut running = self.chase(Signal::STOP);
            let slow = self.living().into_iter().filter(|process| !process.is_stopped());
            for process in slow {
                process.signal(Signal::STOP);
                running.push(process);
            }
            if running.is_empty() || begun.elapsed() >= FREEZE {
                return stopped;
            }
            for process in running {
                if !stopped.iter().any(|known| known.is(&process)) {
                    stopped.push(process);
                }
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Kills and reaps everybody, the leader last. Gives back who could not be killed in time.
    pub(super) fn end(&mut self) -> Vec<Process> {
        let begun = Instant::now();
        let mut nap = Duration::from_micros(200);
        loop {
            if self.has_ended() && self.is_only_a_dead_leader() {
                return Vec::new();
            }
            self.signal_group(Signal::KILL);
            let living = self.living();
            if (living.is_empty() && self.is_gone()) || begun.elapsed() >= LIMIT {
                return living;
            }
            living.iter().for_each(|process| process.signal(Signal::KILL));
            self.chase(Signal::KILL);
            std::thread::sleep(nap);
            nap = (nap * 2).min(NAP);
        }
    }

    /// Signals children as fast as they come, for a moment: a process that forks and ends all the time stands on no older list.
    fn chase(&self, signal: Signal) -> Vec<Process> {
        let mut met = Vec::new();
        for _ in 0..CHASES {
            let (living, dead): (Vec<_>, Vec<_>) = tree::own_children().into_iter().partition(Process::is_alive);
            dead.iter().filter(|process| process.pid != self.leader).for_each(|process| reap(process.pid));
            let before = met.len();
            met.extend(living.into_iter().filter(|process| !process.is_stopped()));
            met[before..].iter().for_each(|process| process.signal(signal));
            if met.len() == before {
                break;
            }
        }
        met
    }
}

/// How a child ended, if it has. It is not reaped.
fn ending_of(child: Pid) -> Option<Ending> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(child), options) {
            Ok(status) => {
                let status = status?;
                let exited = status.exit_status().map(Ending::Exited);
                // One of both it is; anything else is no good end.
                return exited.or(Some(Ending::Signalled(status.terminating_signal().unwrap_or(0))));
            }
            Err(Errno::INTR) => {}
            // Nobody else reaps it, so this cannot be; it is no good end.
            Err(_) => return Some(Ending::Signalled(0)),
        }
    }
}

fn reap(child: Pid) {
    // One that is not our own child is its parent's to reap.
    waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOHANG).ok();
}

/// Whether this process has no child at all, dead or alive. Who has none has nobody below: orphans come to it.
fn is_childless() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::All, options), Err(Errno::CHILD))
}

/// Names and command lines of processes, each once, and how many more there are.
pub(super) fn describe(processes: &[Process]) -> Vec<Leftover> {
    let mut told: Vec<Leftover> = Vec::new();
    let mut more = 0;
    for process in processes {
        // Reading a thousand command lines of a fork bomb helps nobody.
        if told.len() == TOLD {
            more += 1;
            continue;
        }
        let leftover = process.describe();
        if !told.contains(&leftover) {
            told.push(leftover);
        }
    }
    if more > 0 {
        told.push(Leftover { program: "others".to_owned(), command: format!("{more} more processes") });
    }
    told
}

/// Ends the processes that a dead supervisor left to this one. Gives back who could not be ended in time.
pub(in crate::prove) fn end_orphans(orphans: impl Fn() -> Vec<Process>) -> Vec<Leftover> {
    let begun = Instant::now();
    let mut killed: Vec<Process> = Vec::new();
    let mut quiet = 0;
    loop {
        let (living, dead): (Vec<_>, Vec<_>) = orphans().into_iter().partition(Process::is_alive);
        // A dead child that was not killed here may be somebody else's to wait for.
        dead.iter()
            .filter(|process| killed.iter().any(|known| known.is(process)))
            .for_each(|process| reap(process.pid));
        quiet = if living.is_empty() { quiet + 1 } else { 0 };
        if quiet == 3 || begun.elapsed() >= LIMIT {
            return describe(&living);
        }
        for signal in [Signal::STOP, Signal::KILL] {
            living.iter().for_each(|process| process.signal(signal));
        }
        killed.extend(living);
        std::thread::sleep(Duration::from_millis(2));
    }
}

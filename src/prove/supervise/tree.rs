//! Processes as `/proc` shows them, and who stands below whom.
//!
//! Formats: proc_pid_stat(5). Where there is no `/proc` every answer is empty.

use std::collections::HashMap;
use std::fs;

use rustix::process::{Pid, Signal};

use super::Leftover;

/// Characters of a command line that are kept.
const LONGEST_COMMAND: usize = 200;

/// A process as it was when `/proc` was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::prove) struct Process {
    pub(in crate::prove) pid: Pid,
    parent: i32,
    session: i32,
    state: State,
    /// When it started, in clock ticks since boot: with the id it names one process and no later one.
    since: u64,
}

/// What a process is doing, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Stopped,
    /// Ended, and its parent has not looked yet.
    Dead,
}

impl Process {
    pub(in crate::prove) fn read(pid: Pid) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(pid, &String::from_utf8_lossy(&stat))
    }

    /// The name in parentheses may hold anything, parentheses too.
    fn parse(pid: Pid, stat: &str) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let threads: u64 = fields.get(17)?.parse().ok()?;
        let state = match *fields.first()? {
            // The first thread of a process may have ended while others run on.
            "Z" if threads > 1 => State::Running,
            "Z" | "X" | "x" => State::Dead,
            "T" => State::Stopped,
            _ => State::Running,
        };
        Some(Process {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            state,
            since: fields.get(19)?.parse().ok()?,
        })
    }

    pub(in crate::prove) fn is_alive(&self) -> bool {
        self.state != State::Dead
    }

    pub(in crate::prove) fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// Whether both are the same process, at whatever times they were read.
    pub(in crate::prove) fn is(&self, other: &Process) -> bool {
        self.pid == other.pid && self.since == other.since
    }

    /// Sends a signal to this very process, and to none that got its id later.
    pub(in crate::prove) fn signal(&self, signal: Signal) {
        let is_still_there = || Process::read(self.pid).is_some_and(|now| now.is(self));
        // Where it fails the process is gone, or not ours to end, and found again by the next look.
        #[cfg(target_os = "linux")]
        if let Ok(handle) = rustix::process::pidfd_open(self.pid, rustix::process::PidfdFlags::empty()) {
            if is_still_there() {
                rustix::process::pidfd_send_signal(handle, signal).ok();
            }
            return;
        }
        if is_still_there() {
            rustix::process::kill_process(self.pid, signal).ok();
        }
    }

    /// Its name and command line, for people.
    pub(in crate::prove) fn describe(&self) -> Leftover {
        let pid = self.pid;
        let short = || fs::read_to_string(format!("/proc/{pid}/comm")).map(|name| name.trim_end().to_owned());
        let file = fs::read_link(format!("/proc/{pid}/exe"))
            .ok()
            .and_then(|exe| Some(exe.file_name()?.to_string_lossy().into_owned()));
        let program = file.or_else(|| short().ok()).unwrap_or_else(|| "a program without a name".to_owned());
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let mut command = line.trim_end().to_owned();
        if let Some((end, _)) = command.char_indices().nth(LONGEST_COMMAND) {
            command.truncate(end);
            command.push('…');
        }
        if command.is_empty() {
            command.clone_from(&program);
        }
        Leftover { program, command }
    }
}

/// Whether a process is stopped, as by Ctrl-Z. One that is gone is not.
pub(in crate::prove) fn is_stopped(pid: Pid) -> bool {
    Process::read(pid).is_some_and(|process| process.is_stopped())
}

/// Everything below a process, the dead too, at any depth.
pub(in crate::prove) fn below(top: Pid) -> Vec<Process> {
    below_those(|process| process.parent == top.as_raw_nonzero().get())
}

/// What came to this process because a supervisor died: children of a session of their own that are not among the `supervisors` that
/// are alive, and everything below them. Whatever else this process starts shares its session, which nobody can enter from outside.
pub(in crate::prove) fn orphans_of(own: Pid, supervisors: &[Pid]) -> Vec<Process> {
    let Some(this) = Process::read(own) else { return Vec::new() };
    below_those(|process| {
        process.parent == this.pid.as_raw_nonzero().get()
            && process.session != this.session
            && !supervisors.contains(&process.pid)
    })
}

fn below_those(is_top: impl Fn(&Process) -> bool) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    let mut found = Vec::new();
    for process in all() {
        if is_top(&process) {
            found.push(process);
        } else {
            children.entry(process.parent).or_default().push(process);
        }
    }
    let mut looked_at = 0;
    while let Some(process) = found.get(looked_at) {
        let below = children.remove(&process.pid.as_raw_nonzero().get());
        found.extend(below.into_iter().flatten());
        looked_at += 1;
    }
    found
}

/// The children of this process that the kernel lists at once, without a look at every process of the system. Where the kernel does
/// not know the list it is empty.
pub(in crate::prove) fn own_children() -> Vec<Process> {
    let list = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    list.split_ascii_whitespace().filter_map(pid_of).filter_map(Process::read).collect()
}

fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Process::read(pid_of(entry.file_name().to_str()?)?))
}

fn pid_of(name: &str) -> Option<Pid> {
    Pid::from_raw(name.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(stat: &str) -> Process {
        Process::parse(Pid::from_raw(7).unwrap(), stat).unwrap()
    }

    #[test]
    fn a_name_with_parentheses_and_blanks_misleads_nobody() {
        let stat = "7 (a) Z (b) T 3 7 5 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 8 9";
        let process = parse(stat);
        assert_eq!((process.parent, process.session, process.since), (3, 5, 4711));
        assert!(process.is_stopped() && process.is_alive());
    }

    #[test]
    fn a_process_whose_first_thread_has_ended_is_alive_while_another_runs() {
        assert!(!parse("7 (a) Z 3 7 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711").is_alive());
        assert!(parse("7 (a) Z 3 7 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 4711").is_alive());
    }

    #[test]
    fn this_process_is_found_below_its_parent_and_described_by_its_file() {
        let own = rustix::process::getpid();
        let parent = rustix::process::getppid().unwrap();
        let found = below(parent).into_iter().find(|process| process.pid == own).unwrap();
        assert!(found.is_alive() && found.is(&Process::read(own).unwrap()));
        let program = std::env::current_exe().unwrap();
        assert_eq!(Some(found.describe().program.as_str()), program.file_name().unwrap().to_str());
    }
}

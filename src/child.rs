//! The end of a child process, waited for without asking again and again: its parent goes on at once, and not with its next look.
//!
//! Deliberately absent: what it prints, and ending it.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

/// The first pause between two looks where the system tells no end, and the longest.
const FIRST_NAP: Duration = Duration::from_micros(200);
const LONGEST_NAP: Duration = Duration::from_millis(20);

/// A file that is ready to be read once a process of ours has ended. `None` where there is no such thing, as on macOS or where no more
/// files may be opened: then one has to look again from time to time.
pub fn end_of(process: Pid) -> Option<OwnedFd> {
    #[cfg(target_os = "linux")]
    return rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()).ok();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = process;
        None
    }
}

/// Waits for a child's end, at most so long. `None`: it still runs.
pub fn wait(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    let mut end = None;
    let mut nap = FIRST_NAP;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        // Asked for only here: most children have ended by the first look.
        match end.get_or_insert_with(|| end_of(Pid::from_child(child))) {
            Some(end) => match poll(&mut [PollFd::new(end, PollFlags::IN)], Some(&timespec(left))) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            },
            None => {
                std::thread::sleep(nap.min(left));
                nap = (nap * 2).min(LONGEST_NAP);
            }
        }
    }
}

/// A duration as `poll` takes it.
pub fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_end_is_told_at_once_and_a_child_that_runs_on_is_not_waited_for_longer_than_asked() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(wait(&mut child, Duration::from_millis(1)).unwrap(), None);
        child.kill().unwrap();
        assert!(!wait(&mut child, Duration::from_secs(60)).unwrap().unwrap().success());
    }
}

//! Processes that a killed gate left: those of this user that a dead workspace's folders were made for.
//!
//! Deliberately absent: systems other than Linux. There such processes stay.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use bstr::ByteSlice as _;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::supervise::Process;

/// A process that ends others, or starts new ones, is looked for again, so often at most.
const ROUNDS: usize = 20;

/// Ends every process whose environment leads into a folder, and every one without a terminal that works in it. The folder's owner must
/// be known to be dead.
///
/// A shell in which somebody looks at what was left has a terminal, and none of the workspace's variables.
pub(super) fn end(folder: &Path) {
    for _ in 0..ROUNDS {
        let found: Vec<Pid> = all().filter(|process| belongs_to(*process, folder)).collect();
        if found.is_empty() {
            return;
        }
        for process in found {
            // Held by a descriptor while it is looked at again, so that no other process can have its number by then.
            if let Ok(held) = pidfd_open(process, PidfdFlags::empty())
                && belongs_to(process, folder)
            {
                // It fails only where the process is gone already.
                pidfd_send_signal(held, Signal::KILL).ok();
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every process that [`end`] would end, as its id and its command line.
pub(super) fn describe(folder: &Path) -> Vec<String> {
    let found = all().filter(|process| belongs_to(*process, folder)).filter_map(Process::read);
    found.map(|process| format!("{} {}", process.pid, process.describe().command)).collect()
}

/// Every process of this user but this one.
fn all() -> impl Iterator<Item = Pid> {
    let me = (rustix::process::getpid(), rustix::process::geteuid().as_raw());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let process = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        (process != me.0 && entry.metadata().ok()?.uid() == me.1).then_some(process)
    })
}

fn belongs_to(process: Pid, folder: &Path) -> bool {
    let about = Path::new("/proc").join(process.as_raw_nonzero().to_string());
    // The state and the terminal stand behind the program's name, which may hold anything: proc(5).
    let stat = fs::read(about.join("stat")).unwrap_or_default();
    let mut fields = stat.rsplit_once_str(b") ").map_or(&b""[..], |(_, behind)| behind).fields();
    let is_dead = matches!(fields.next(), None | Some(b"Z" | b"X"));
    let has_terminal = fields.nth(3) != Some(b"0");
    if is_dead {
        return false;
    }
    let below = |place: &[u8]| Path::new(std::ffi::OsStr::from_bytes(place)).starts_with(folder);
    let environment = fs::read(about.join("environ")).unwrap_or_default();
    let mut values = environment.split(|byte| *byte == 0).filter_map(|variable| variable.split_once_str("="));
    let leads_there = values.any(|(name, value)| matches!(name, b"HOME" | b"TMPDIR" | b"PROOF_REPORT") && below(value));
    leads_there || (!has_terminal && fs::read_link(about.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Ends with the test, however that ends.
    struct Sleeper(Child);

    impl Sleeper {
        fn start(command: &mut Command) -> Self {
            Sleeper(command.arg("60").stdin(Stdio::null()).spawn().unwrap())
        }

        fn was_killed(&mut self) -> bool {
            self.0.try_wait().unwrap().is_some()
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    #[test]
    fn what_a_dead_workspace_left_running_is_ended_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (dead, alive) = (folder.path().join("proof-a"), folder.path().join("proof-ab"));
        for place in [&dead, &alive] {
            fs::create_dir_all(place.join("tree")).unwrap();
        }
        let mut at_home = Sleeper::start(Command::new("sleep").env("HOME", dead.join("home")));
        let mut detached =
            Sleeper::start(Command::new("setsid").arg("sleep").env_clear().current_dir(dead.join("tree")));
        let mut next_door = Sleeper::start(Command::new("setsid").arg("sleep").env("HOME", &alive).current_dir(&alive));
        let mut elsewhere = Sleeper::start(Command::new("sleep").env("SOME_FILE", &dead));
        // Until they are what they are going to be.
        std::thread::sleep(Duration::from_millis(100));
        let described = describe(&dead).join("\n");
        assert!(
            described.contains(&format!("{} sleep 60", at_home.0.id())) && described.lines().count() == 2,
            "{described}"
        );
        end(&dead);
        assert!(at_home.was_killed() && detached.was_killed());
        assert!(!next_door.was_killed() && !elsewhere.was_killed());
    }
}

//! The hook that stood there before: run first, as git would have run it, and its refusal is a refusal.
//!
//! Deliberately absent: a limit of time. git has none for it either.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::hook::Hook;
use super::installed::{Kept, Note};
use super::snapshot::is_runnable;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::git::Repository;
use crate::prove::process::hand_over;

/// Holds the kept hook's path while it runs, so that one that calls this program again is noticed; one that pushes on to another
/// repository, where another hook is kept, does not. It can only refuse.
const MARK: &str = "PROOF_GATE_KEPT_HOOK";

/// What is said where the kept hook refuses. `doctor --fire` knows it by these words.
pub const REFUSED_BY_KEPT: &str = "push refused by the hook that stood here before";

/// The folder beside the hook, or the ending of the name, under which a hook is kept.
pub const ENDING: &str = "before-proof-gate";

/// How the kept hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptOutcome {
    /// There is none, or git would not have run it either.
    None,
    /// It ended with 0.
    Passed,
    /// It ended with anything else.
    Refused {
        /// Its exit code; 128 and the number of the signal where one ended it.
        code: i32,
        /// The kept file.
        path: PathBuf,
    },
}

/// Runs the kept hook with the arguments, input, folder and environment that git gave.
pub fn run_kept(
    repository: &Repository,
    caller: &Caller,
    hook: Hook,
    args: &[OsString],
    stdin: &[u8],
) -> Result<KeptOutcome> {
    let Some(path) = kept_path(repository, hook)? else { return Ok(KeptOutcome::None) };
    if path.symlink_metadata().is_err() {
        return Err(Error::new(format!("cannot run the hook that stood there before: {} is gone", path.display()))
            .hint(format!(
                "put it back, or take the gate out and in again: proof-gate uninstall, {}",
                hook.side().install()
            )));
    }
    if !is_runnable(&path) {
        return Ok(KeptOutcome::None);
    }
    if caller.variable(MARK).is_some_and(|running| running == path) {
        return Err(Error::new(format!("cannot run {}: it calls proof-gate again, in a circle", path.display()))
            .hint(format!("where a hook manager was installed again since: {}", hook.side().install()))
            .hint(format!("else take the call of proof-gate out of that hook, or unset {MARK}")));
    }
    let mut variables = caller.variables.clone();
    variables.insert(MARK.into(), path.clone().into());
    let status = start(&path, args, caller, &variables, stdin)
        .map_err(|error| Error::new(format!("cannot run {}: {error}", path.display())).hint("mend that hook"))?;
    Ok(match exit_code(status) {
        0 => KeptOutcome::Passed,
        code => KeptOutcome::Refused { code, path },
    })
}

/// Where the kept hook is by the note. Where nothing can be noted of it, one that could refuse may not be passed over; one that cannot is
/// run where it lies.
fn kept_path(repository: &Repository, hook: Hook) -> Result<Option<PathBuf>> {
    let orphan = || orphan_of(&repository.common_dir().join("hooks").join(hook.name()));
    let note = match Note::read(repository) {
        Ok(note) => note,
        Err(_) if !hook.can_refuse() => return Ok(orphan()),
        Err(error) => return Err(error),
    };
    match (note.of(hook), orphan()) {
        (Some(noted), _) => Ok(noted.before.as_ref().map(Kept::path)),
        (None, Some(path)) if hook.can_refuse() => {
            Err(Error::new(format!("cannot tell whether to run {}: it is noted nowhere", path.display()))
                .hint(format!("take it in again: {}", hook.side().install())))
        }
        (None, orphan) => Ok(orphan),
    }
}

/// The kept hook as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptHook {
    /// None is kept.
    None,
    /// It is run, or git did not run it before either.
    Stands,
    /// It is gone, and every push is refused.
    Gone(PathBuf),
    /// git ran it before, and now it may not be executed.
    NotExecutable(PathBuf),
    /// It is kept, and noted nowhere.
    Orphan(PathBuf),
}

/// Looks at the kept hook.
pub fn kept_hook(repository: &Repository, hook: Hook) -> Result<KeptHook> {
    let note = Note::read(repository)?;
    let Some(noted) = note.of(hook) else {
        let orphan = orphan_of(&repository.common_dir().join("hooks").join(hook.name()));
        return Ok(orphan.map_or(KeptHook::None, KeptHook::Orphan));
    };
    let Some(kept) = &noted.before else { return Ok(KeptHook::None) };
    let path = kept.path();
    Ok(if path.symlink_metadata().is_err() {
        KeptHook::Gone(path)
    } else if kept.snapshot.may_run() && !is_runnable(&path) {
        KeptHook::NotExecutable(path)
    } else {
        KeptHook::Stands
    })
}

/// As git does: a file that the system cannot start for want of a `#!` line is read by sh.
fn start(
    path: &Path,
    args: &[OsString],
    caller: &Caller,
    variables: &std::collections::BTreeMap<OsString, OsString>,
    stdin: &[u8],
) -> std::io::Result<ExitStatus> {
    match hand_over(path, args, &caller.directory, variables, stdin) {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            let args = [path.as_os_str()].into_iter().chain(args.iter().map(OsString::as_os_str));
            hand_over(Path::new("/bin/sh"), args, &caller.directory, variables, stdin)
        }
        other => other,
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// Where a hook is kept: beside it, or, for one that asks for its own name, in a folder under that very name.
pub fn place_for(hook: &Path, bytes: &[u8]) -> PathBuf {
    let text = String::from_utf8_lossy(bytes);
    let asks_for_its_name = text.contains("basename") || text.contains("${0##*/}");
    let asks_for_its_folder = text.contains("dirname") || text.contains("${0%/*}");
    let [beside, below] = places(hook);
    if text.contains("overcommit") || (asks_for_its_name && !asks_for_its_folder) { below } else { beside }
}

/// A kept hook that is there without a note, because the note was lost.
pub fn orphan_of(hook: &Path) -> Option<PathBuf> {
    places(hook).into_iter().find(|place| place.symlink_metadata().is_ok())
}

fn places(hook: &Path) -> [PathBuf; 2] {
    let mut beside = hook.as_os_str().to_owned();
    beside.push(".");
    beside.push(ENDING);
    let folder = hook.parent().unwrap_or(hook);
    [beside.into(), folder.join(ENDING).join(hook.file_name().unwrap_or_default())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::testing::{Shop, executable};
    use crate::hooks::{Options, install};

    /// Ends with 7 and leaves its arguments, folder and input in files.
    const NOTING: &[u8] = b"#!/bin/sh\necho \"$*\" >args\npwd >folder\ncat >input\nexit 7\n";

    #[test]
    fn the_kept_hook_gets_arguments_folder_and_input_as_git_gave_them_and_its_refusal_is_named() {
        let shop = Shop::new().with_hook(NOTING);
        let chained = installed(&shop);
        assert_eq!(run(&shop, b"a \0 line\n").unwrap(), KeptOutcome::Refused { code: 7, path: chained });
        let read = |name| std::fs::read(shop.caller.directory.join(name)).unwrap();
        assert_eq!(read("args"), b"origin ../r.git\n");
        assert_eq!(read("input"), b"a \0 line\n");
        assert_eq!(read("folder"), [shop.caller.directory.as_os_str().as_encoded_bytes(), b"\n"].concat());
    }

    #[test]
    fn a_hook_that_reads_nothing_is_no_error() {
        check(b"#!/bin/sh\nexec true\n", &KeptOutcome::Passed);
    }

    #[test]
    fn a_hook_without_an_interpreter_line_is_read_by_sh_as_git_does() {
        check(b"exit 0\n", &KeptOutcome::Passed);
    }

    #[test]
    fn a_hook_that_a_signal_ends_refuses() {
        let shop = Shop::new().with_hook(b"#!/bin/sh\nkill -9 $$\n");
        installed(&shop);
        assert!(matches!(run(&shop, b"").unwrap(), KeptOutcome::Refused { code: 137, .. }));
    }

    #[test]
    fn a_hook_that_asks_for_its_name_still_finds_it() {
        check(b"#!/bin/sh\n[ \"$(basename \"$0\")\" = pre-push ]\n", &KeptOutcome::Passed);
    }

    #[test]
    fn a_hook_that_git_ignored_is_not_run() {
        let shop = Shop::new().with_hook(NOTING);
        std::fs::set_permissions(shop.hook(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        installed(&shop);
        assert_eq!(run(&shop, b"").unwrap(), KeptOutcome::None);
    }

    #[test]
    fn a_kept_hook_that_is_gone_refuses() {
        let shop = Shop::new().with_hook(NOTING);
        std::fs::remove_file(installed(&shop)).unwrap();
        assert!(run(&shop, b"").unwrap_err().message.contains("is gone"));
    }

    #[test]
    fn a_kept_hook_whose_note_was_lost_refuses() {
        let shop = Shop::new().with_hook(NOTING);
        installed(&shop);
        std::fs::remove_dir_all(shop.open().own_dir()).unwrap();
        assert!(run(&shop, b"").unwrap_err().hints[0].contains("proof-gate install"));
    }

    #[test]
    fn a_kept_hook_that_calls_the_gate_again_refuses() {
        let mut shop = Shop::new().with_hook(NOTING);
        let kept = installed(&shop);
        shop.caller.variables.insert(MARK.into(), kept.with_file_name("of-another-repository").into());
        assert!(matches!(run(&shop, b"").unwrap(), KeptOutcome::Refused { code: 7, .. }));
        shop.caller.variables.insert(MARK.into(), kept.into());
        assert!(run(&shop, b"").unwrap_err().message.contains("in a circle"));
    }

    #[test]
    fn a_kept_hook_whose_interpreter_is_missing_refuses() {
        let shop = Shop::new().with_hook(NOTING);
        executable(&installed(&shop), b"#!/nowhere/sh\n");
        assert!(run(&shop, b"").is_err());
    }

    fn check(hook: &[u8], expected: &KeptOutcome) {
        let shop = Shop::new().with_hook(hook);
        installed(&shop);
        let input = vec![b'x'; 1 << 20];
        assert_eq!(&run(&shop, &input).unwrap(), expected);
    }

    fn installed(shop: &Shop) -> PathBuf {
        install(&shop.open(), &shop.caller, &Options::default()).unwrap().hooks[0].chained.clone().unwrap()
    }

    fn run(shop: &Shop, stdin: &[u8]) -> Result<KeptOutcome> {
        run_kept(&shop.open(), &shop.caller, Hook::PrePush, &["origin".into(), "../r.git".into()], stdin)
    }
}

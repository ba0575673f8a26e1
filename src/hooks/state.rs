//! Whether the hook would fire, from a look at the files: cheap enough for every status line.
//!
//! Deliberately absent: a run of the hook. `install` has the gate's own run once, and `doctor --fire` pushes through whatever stands.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

use super::installed::Note;
use super::manager::{Manager, calls_the_gate, writer_of};
use super::shim::{self, Text};
use super::snapshot::{Snapshot, is_runnable};
use crate::error::Result;
use crate::git::{HooksFolder, Repository};

/// What a look at the hook shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookState {
    /// git finds the hook, may execute it, and it is the one that was written.
    Fires,
    /// The same with lines that change nothing.
    Annotated,
    /// A manager is configured to call the gate.
    CalledBy(Manager),
    /// Where git looks there is no hook.
    Missing,
    /// The hook is there and git ignores it.
    NotExecutable,
    /// The hook holds nothing, or nothing but NUL bytes.
    Empty,
    /// A link that leads nowhere, or in a circle.
    DeadLink,
    /// The beginning of ours.
    CutShort,
    /// Ours by its mark, and something in it is not as it was written.
    Changed,
    /// A hook of somebody else: of this hook manager, where it is a known one.
    Replaced(Option<&'static str>),
    /// A hook of somebody else that names the gate.
    Indirect,
    /// The program that its first line asks for is not there: git says so, and then hangs for ever.
    NoInterpreter(PathBuf),
    /// A folder, a device or a pipe stands in the hook's place.
    NoFile,
    /// The hook that was written lies here, where git does not look.
    Elsewhere(PathBuf),
}

/// What a hook's state means for a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The gate is asked.
    Gated,
    /// Nobody asks the gate.
    Open,
    /// A look cannot tell.
    Unknown,
    /// No push gets anywhere.
    Stuck,
}

impl HookState {
    /// What it means for a push.
    pub fn effect(&self) -> Effect {
        match self {
            HookState::Fires | HookState::Annotated | HookState::CalledBy(_) => Effect::Gated,
            HookState::Missing
            | HookState::NotExecutable
            | HookState::Empty
            | HookState::DeadLink
            | HookState::Replaced(_)
            | HookState::Elsewhere(_) => Effect::Open,
            HookState::CutShort | HookState::Changed | HookState::Indirect => Effect::Unknown,
            HookState::NoInterpreter(_) | HookState::NoFile => Effect::Stuck,
        }
    }

    /// What is to be seen, as a clause; `None` where the gate is asked.
    pub fn trouble(&self) -> Option<&'static str> {
        Some(match self {
            HookState::Fires | HookState::Annotated | HookState::CalledBy(_) => return None,
            HookState::Missing => "no hook is installed here",
            HookState::NotExecutable => "the hook is not executable, so git ignores it",
            HookState::Empty => "the hook is empty",
            HookState::DeadLink => "the hook is a link that leads nowhere, so git ignores it",
            HookState::CutShort => "the hook was cut short",
            HookState::Changed => "the hook is not as install writes it",
            HookState::Replaced(_) => "another program took the hook's place",
            HookState::Indirect => "a hook that install did not write stands there",
            HookState::NoInterpreter(_) => "the interpreter that the hook's first line names is not there",
            HookState::NoFile => "what stands in the hook's place is no file",
            HookState::Elsewhere(_) => "git looks for hooks elsewhere",
        })
    }
}

/// The hook's place and state.
#[derive(Clone, Debug)]
pub struct Look {
    /// Where git looks, and why there.
    pub folder: HooksFolder,
    /// The file that git would start.
    pub hook: PathBuf,
    /// What is to be seen there.
    pub state: HookState,
    /// The program that the hook names, where it is ours.
    pub program: Option<PathBuf>,
    /// The manager that rules the folder, if one does.
    pub manager: Option<Manager>,
    /// The work tree that it was seen from.
    pub work_tree: Option<PathBuf>,
    /// Whether it is whole, but as an earlier version wrote it.
    pub is_older: bool,
    /// Whether another hook than this one is kept from before.
    pub kept_other: bool,
    /// Where git looks unless a setting says otherwise.
    pub default: PathBuf,
}

/// Looks at the hook's state alone.
pub fn state(repository: &Repository) -> Result<HookState> {
    look(repository).map(|look| look.state)
}

/// Looks at the hook.
pub fn look(repository: &Repository) -> Result<Look> {
    let note = Note::read(repository)?;
    let folder = repository.hooks_folder()?;
    let hook = folder.path.join("pre-push");
    let (mut state, program) = of_file(&hook, note.as_ref())?;
    let is_older = state == HookState::Fires && program.is_none();
    let manager = Manager::of(&folder.path, Snapshot::take(&hook).ok().flatten().as_ref());
    if !matches!(state, HookState::Fires | HookState::Annotated) {
        let is_runnable = is_runnable(&hook);
        if let Some(manager) = manager
            .filter(|manager| manager.calling_file(&folder.path, repository.work_tree()).is_some() && is_runnable)
        {
            state = HookState::CalledBy(manager);
        }
    }
    if state.effect() != Effect::Gated
        && let Some(written) = note.as_ref().map(Note::hook).filter(|written| *written != hook)
    {
        state = HookState::Elsewhere(written);
    }
    let kept = note.and_then(|note| note.before).and_then(|kept| Snapshot::take(&kept.path()).ok().flatten());
    let kept_other = kept.is_some_and(|kept| Snapshot::take(&hook).ok().flatten().is_some_and(|now| now != kept));
    let default = repository.common_dir().join("hooks");
    let work_tree = repository.work_tree().map(Path::to_owned);
    Ok(Look { folder, hook, state, program, manager, work_tree, is_older, kept_other, default })
}

/// What stands at the hook's place, by itself.
fn of_file(hook: &Path, note: Option<&Note>) -> Result<(HookState, Option<PathBuf>)> {
    let only = |state| Ok((state, None));
    match fs::metadata(hook) {
        Ok(metadata) if !metadata.is_file() => return only(HookState::NoFile),
        Ok(_) => {}
        Err(_) if hook.symlink_metadata().is_ok_and(|found| found.is_symlink()) => return only(HookState::DeadLink),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return only(HookState::Missing);
        }
        // Below a link that leads in a circle, or in a folder that may not be entered, git finds nothing either.
        Err(_) => return only(HookState::Missing),
    }
    if !is_runnable(hook) {
        return only(HookState::NotExecutable);
    }
    // A program that may be started and not read is somebody else's.
    let bytes = fs::read(hook).unwrap_or_default();
    if bytes.iter().all(|byte| *byte == 0) {
        return only(HookState::Empty);
    }
    if let Some(missing) = missing_interpreter(&bytes) {
        return only(HookState::NoInterpreter(missing));
    }
    match shim::compare(&bytes) {
        Text::Whole(program) => return Ok((HookState::Fires, Some(program))),
        Text::Annotated(program) => return Ok((HookState::Annotated, Some(program))),
        Text::CutShort => return only(HookState::CutShort),
        Text::Changed => {}
    }
    if note.is_some_and(|note| Snapshot::executable(bytes.clone()).digest() == note.sha256) {
        return only(HookState::Fires);
    }
    only(if shim::is_ours(&bytes) {
        HookState::Changed
    } else if calls_the_gate(&bytes) {
        HookState::Indirect
    } else {
        HookState::Replaced(writer_of(&bytes))
    })
}

/// The program behind `#!`, where it is not there. With a carriage return behind it, it never is.
fn missing_interpreter(bytes: &[u8]) -> Option<PathBuf> {
    let line = bytes.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.trim_start_with(|c| c == ' ' || c == '\t').split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    let path = Path::new(std::ffi::OsStr::from_bytes(word));
    (!word.is_empty() && !path.exists()).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::hooks::testing::{Shop, executable};
    use crate::hooks::{Options, install};

    #[test]
    fn what_install_wrote_fires() {
        check(|_| (), &HookState::Fires);
    }

    #[test]
    fn every_way_to_fail_open_shows() {
        check(|shop| fs::remove_file(shop.hook()).unwrap(), &HookState::Missing);
        check(|shop| shop.git(&["config", "core.hooksPath", "nowhere"]), &HookState::Elsewhere(PathBuf::new()));
        check(|shop| shop.git(&["config", "core.hooksPath", ""]), &HookState::Elsewhere(PathBuf::new()));
        check(|shop| fs::write(shop.hook(), "").unwrap(), &HookState::Empty);
        check(|shop| fs::write(shop.hook(), [0; 512]).unwrap(), &HookState::Empty);
        check(|shop| fs::write(shop.hook(), "#!/bin/sh\nexit 0\n").unwrap(), &HookState::Replaced(None));
        let of_prek = "#!/bin/sh\n# File generated by prek: https://github.com/j178/prek\nexit 0\n";
        check(|shop| fs::write(shop.hook(), of_prek).unwrap(), &HookState::Replaced(Some("prek")));
        let whole = |shop: &Shop| fs::read_to_string(shop.hook()).unwrap();
        check(|shop| fs::write(shop.hook(), &whole(shop)[..200]).unwrap(), &HookState::CutShort);
        check(|shop| fs::write(shop.hook(), whole(shop).replace("{\n", "exit 0\n{\n")).unwrap(), &HookState::Changed);
        check(|shop| fs::write(shop.hook(), whole(shop) + "# ours\n").unwrap(), &HookState::Annotated);
        let calling = "#!/bin/sh\nproof-gate hook pre-push \"$@\"\n";
        check(|shop| fs::write(shop.hook(), calling).unwrap(), &HookState::Indirect);
        check(
            |shop| fs::set_permissions(shop.hook(), fs::Permissions::from_mode(0o644)).unwrap(),
            &HookState::NotExecutable,
        );
        for target in ["pre-push", "nowhere"] {
            check(
                |shop| {
                    fs::remove_file(shop.hook()).unwrap();
                    symlink(target, shop.hook()).unwrap();
                },
                &HookState::DeadLink,
            );
        }
    }

    #[test]
    fn a_hook_at_which_git_hangs_shows() {
        let crlf = |shop: &Shop| fs::read_to_string(shop.hook()).unwrap().replace('\n', "\r\n");
        check(|shop| fs::write(shop.hook(), crlf(shop)).unwrap(), &HookState::NoInterpreter("/bin/sh\r".into()));
        check(
            |shop| fs::write(shop.hook(), "#!/nowhere/sh -e\n").unwrap(),
            &HookState::NoInterpreter("/nowhere/sh".into()),
        );
        check(
            |shop| {
                fs::remove_file(shop.hook()).unwrap();
                fs::create_dir(shop.hook()).unwrap();
            },
            &HookState::NoFile,
        );
    }

    #[test]
    fn the_program_that_the_hook_names_is_known() {
        let shop = Shop::new().with_hook(b"#!/bin/sh\nexit 0\n");
        executable(&shop.hook(), &shim::render(Path::new("/opt/a b/proof-gate")));
        let look = look(&shop.open()).unwrap();
        assert_eq!((look.state, look.program), (HookState::Fires, Some("/opt/a b/proof-gate".into())));
    }

    fn check(damage: impl FnOnce(&Shop), expected: &HookState) {
        let shop = Shop::new();
        install(&shop.open(), &shop.caller, &Options::default()).unwrap();
        damage(&shop);
        let expected = match expected {
            HookState::Elsewhere(_) => HookState::Elsewhere(shop.hook()),
            other => other.clone(),
        };
        assert_eq!(state(&shop.open()).unwrap(), expected);
    }
}

//! Whether a hook would fire, from a look at the files: cheap enough for every status line.
//!
//! Deliberately absent: a run of the hook. `install` has the gate's own run once, and `doctor --fire` pushes through whatever stands.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

use super::hook::{Hook, Side};
use super::installed::{Note, NotedHook};
use super::kept::orphan_of;
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
    /// Which hook.
    pub which: Hook,
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

/// Looks at a hook's state alone.
pub fn state(repository: &Repository, hook: Hook) -> Result<HookState> {
    look(repository, hook).map(|look| look.state)
}

/// Looks at a hook.
pub fn look(repository: &Repository, which: Hook) -> Result<Look> {
    let note = Note::read(repository)?;
    let noted = note.of(which);
    let folder = repository.hooks_folder()?;
    let hook = folder.path.join(which.name());
    let (mut state, program) = of_file(which, &hook, noted)?;
    let is_older = state == HookState::Fires && program.is_none();
    let manager = match which.side() {
        Side::Client => Manager::of(&folder.path, Snapshot::take(&hook).ok().flatten().as_ref()),
        Side::Server => None,
    };
    if !matches!(state, HookState::Fires | HookState::Annotated) {
        let is_runnable = is_runnable(&hook);
        if let Some(manager) = manager
            .filter(|manager| manager.calling_file(&folder.path, repository.work_tree()).is_some() && is_runnable)
        {
            state = HookState::CalledBy(manager);
        }
    }
    if state.effect() != Effect::Gated
        && let Some(written) = noted.map(NotedHook::path).filter(|written| *written != hook)
    {
        state = HookState::Elsewhere(written);
    }
    let kept =
        noted.and_then(|noted| noted.before.as_ref()).and_then(|kept| Snapshot::take(&kept.path()).ok().flatten());
    let kept_other = kept.is_some_and(|kept| Snapshot::take(&hook).ok().flatten().is_some_and(|now| now != kept));
    let default = repository.common_dir().join("hooks");
    let work_tree = repository.work_tree().map(Path::to_owned);
    Ok(Look { which, folder, hook, state, program, manager, work_tree, is_older, kept_other, default })
}

/// The sides of which hooks are to be expected here. Where pushes arrive at a repository without a work tree, none needs to leave it.
pub fn sides(repository: &Repository) -> Result<Vec<Side>> {
    let note = Note::read(repository)?;
    let is_server = note.has(Side::Server) || has_server_hook(repository)?;
    let is_client = !is_server || note.has(Side::Client) || repository.work_tree().is_some();
    Ok([(Side::Client, is_client), (Side::Server, is_server)]
        .into_iter()
        .filter_map(|(side, is_expected)| is_expected.then_some(side))
        .collect())
}

/// Whether a hook of ours that receives stands, or is kept, where the note of it was lost.
fn has_server_hook(repository: &Repository) -> Result<bool> {
    let folder = repository.hooks_folder()?.path;
    let stands = |hook: &Hook| fs::read(folder.join(hook.name())).is_ok_and(|bytes| shim::is_ours(*hook, &bytes));
    Ok(Side::Server.hooks().iter().any(|hook| stands(hook) || orphan_of(&folder.join(hook.name())).is_some()))
}

/// What stands at the hook's place, by itself.
fn of_file(which: Hook, hook: &Path, noted: Option<&NotedHook>) -> Result<(HookState, Option<PathBuf>)> {
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
    match shim::compare(which, &bytes) {
        Text::Whole(program) => return Ok((HookState::Fires, Some(program))),
        Text::Annotated(program) => return Ok((HookState::Annotated, Some(program))),
        Text::CutShort => return only(HookState::CutShort),
        Text::Changed => {}
    }
    if noted.is_some_and(|noted| Snapshot::executable(bytes.clone()).digest() == noted.sha256) {
        return only(HookState::Fires);
    }
    only(if shim::is_ours(which, &bytes) {
        HookState::Changed
    } else if calls_the_gate(which, &bytes) {
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
        executable(&shop.hook(), &shim::render(Hook::PrePush, Path::new("/opt/a b/proof-gate")));
        let look = look(&shop.open(), Hook::PrePush).unwrap();
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
        assert_eq!(state(&shop.open(), Hook::PrePush).unwrap(), expected);
    }
}

//! The hooks: whether git finds them, from every work tree, and whether what they start is this program.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Finding, Outcome, Patient, shell};
use crate::caller::Caller;
use crate::error::Result;
use crate::git::{Scope, Setting};
use crate::hooks::{self, Effect, Hook, HookState, KeptHook, Look, Manager, SKIPS, Side};

/// Whether the hook stands where git looks, seen from here.
pub fn stands(patient: &Patient<'_>) -> Result<Outcome> {
    Ok(standing(patient, patient.look()?).into())
}

/// The same of a server's hooks.
pub fn of_server(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    for look in patient.server_looks()? {
        found.extend(standing(patient, look));
    }
    Ok(found.into())
}

/// What is wrong where a hook stands. Ours to the byte, it is run once: it answers with a word of this run.
fn standing(patient: &Patient<'_>, look: &Look) -> Vec<Finding> {
    let install = install_of(look);
    let mut found: Vec<Finding> = of_state(look, None).into_iter().collect();
    if look.state == HookState::Fires {
        if let Err(error) = hooks::fire(patient.repository, look.which) {
            let why =
                "git starts the hook, and proof-gate's answer does not come back: nothing says that it would refuse.";
            found.push(Finding::open(error.message, why).mend(install).advise(error.hints.join("; ")));
        }
        if look.is_older {
            let why = "It still starts the program or refuses; the newer one may do so better.";
            found.push(Finding::note(format!("{} is of an earlier version", look.hook.display()), why).mend(install));
        }
    }
    if look.state == HookState::Annotated {
        let why =
            "Lines were added that change nothing: comments, or lines behind its end. It still starts the program.";
        found.push(Finding::note(format!("{} was edited", look.hook.display()), why).mend(install));
    }
    found
}

fn install_of(look: &Look) -> &'static str {
    look.which.side().install()
}

/// What follows where nobody is told what was received.
const NOT_NOTED: &str =
    "What is received is not noted: a record stops counting when its signer's key expires or leaves the list.";

/// The finding of a hook's state; `folder` is the linked work tree that it was seen from.
fn of_state(look: &Look, folder: Option<&Path>) -> Option<Finding> {
    let trouble = look.state.trouble()?;
    let seen_from = folder.map(|folder| format!("seen from the work tree {}: ", folder.display())).unwrap_or_default();
    let what = match &look.state {
        HookState::Missing => format!("{seen_from}{trouble}: git looks for {}", look.hook.display()),
        HookState::Elsewhere(written) => {
            format!("{seen_from}{trouble}: in {}, and not for {}", look.folder.path.display(), written.display())
        }
        HookState::Replaced(Some(by)) => format!("{seen_from}{by} took the hook's place: {}", look.hook.display()),
        HookState::NoInterpreter(missing) => {
            let carriage = missing.as_os_str().as_encoded_bytes().ends_with(b"\r");
            let why = if carriage { ": its lines end in CR LF" } else { "" };
            format!("{seen_from}{trouble}{why}: {} asks for {}", look.hook.display(), missing.display())
        }
        HookState::Fires
        | HookState::Annotated
        | HookState::CalledBy(_)
        | HookState::NotExecutable
        | HookState::Empty
        | HookState::DeadLink
        | HookState::CutShort
        | HookState::Changed
        | HookState::Replaced(None)
        | HookState::Indirect
        | HookState::NoFile => format!("{seen_from}{trouble}: {}", look.hook.display()),
    };
    let finding = match (look.state.effect(), look.which) {
        (Effect::Gated, _) => return None,
        (Effect::Open, Hook::PrePush) => Finding::open(what, "Nobody asks proof-gate: every push goes out unproven."),
        (Effect::Open, Hook::PreReceive) => {
            Finding::open(what, "Nobody asks proof-gate: every push comes in unchecked.")
        }
        (Effect::Open | Effect::Unknown, Hook::PostReceive) => Finding::no_proof(what, NOT_NOTED),
        (Effect::Unknown, Hook::PrePush) => {
            let why =
                "Whether it still asks proof-gate is not to be seen from here; 'proof-gate doctor --fire' tries it.";
            Finding::doubt(what, why)
        }
        (Effect::Unknown, Hook::PreReceive) => {
            Finding::doubt(what, "Whether it still asks proof-gate is not to be seen from here.")
        }
        (Effect::Stuck, Hook::PrePush) => Finding::no_proof(what, "git cannot start it, and a push waits for ever."),
        (Effect::Stuck, Hook::PreReceive | Hook::PostReceive) => {
            Finding::no_proof(what, "git cannot start it, and no push gets anywhere.")
        }
    };
    Some(with_mend(finding, look, folder))
}

fn with_mend(finding: Finding, look: &Look, folder: Option<&Path>) -> Finding {
    let install = install_of(look);
    let hook = shell::path(&look.hook);
    match &look.state {
        // It would lead git away from the manager's other hooks, and back at its next install.
        HookState::Elsewhere(_) if let Some(manager) = look.manager => with_call(finding, manager, look, folder),
        HookState::Elsewhere(written) => {
            let leads_elsewhere = look.folder.setting.as_ref().map(|setting| lead_back(look, setting, written, folder));
            let finding = leads_elsewhere.into_iter().fold(finding, Finding::mend);
            // Where the written one is gone as well, it is written anew.
            if written.exists() { finding } else { finding.mend(install) }
        }
        HookState::Missing => match &look.folder.setting {
            Some(setting) if setting.value.is_empty() || leads_out(setting) || leads_through_a_file(look) => {
                let default = look.default.join(look.which.name());
                finding.mend(lead_back(look, setting, &default, folder)).mend(install)
            }
            Some(_) | None => finding.mend(install),
        },
        HookState::NoInterpreter(_) if fs::read(&look.hook).is_ok_and(|bytes| hooks::is_ours(look.which, &bytes)) => {
            finding.mend(install)
        }
        HookState::NoInterpreter(_) | HookState::NoFile => {
            finding.mend(format!("mv {hook} {}", shell::path(&beside(&look.hook, "broken")))).mend(install)
        }
        HookState::Replaced(by) => replaced(finding, look, *by, folder),
        HookState::Indirect => {
            let words = match look.which.side() {
                Side::Client => {
                    "if it is meant to call the gate, prove it with 'proof-gate doctor --fire'; else let install chain it"
                }
                Side::Server => "let install chain it, and take the call out of it",
            };
            finding.advise(words).mend(install)
        }
        HookState::NotExecutable
        | HookState::Empty
        | HookState::DeadLink
        | HookState::CutShort
        | HookState::Changed
        | HookState::Fires
        | HookState::Annotated
        | HookState::CalledBy(_) => finding.mend(install),
    }
}

fn leads_out(setting: &Setting) -> bool {
    matches!(setting.scope, Scope::Global | Scope::System)
}

/// Whether no hook can be written there: `.git` is a file in a linked work tree.
fn leads_through_a_file(look: &Look) -> bool {
    look.folder.path.ancestors().any(Path::is_file)
}

/// The command that makes git look where the hook was written.
fn lead_back(look: &Look, setting: &Setting, written: &Path, folder: Option<&Path>) -> String {
    let git = match folder {
        Some(folder) => format!("git -C {}", shell::path(folder)),
        None => "git".to_owned(),
    };
    let target = written.parent().unwrap_or(written);
    let change = match target == look.default {
        true => "--unset-all core.hooksPath".to_owned(),
        false => format!("--replace-all core.hooksPath {}", shell::path(target)),
    };
    match (setting.scope, &setting.file) {
        (Scope::Global | Scope::System, _) => format!("{git} config --local core.hooksPath {}", shell::path(target)),
        // Where the configuration includes the file, a change beside it would not win.
        (Scope::Local, Some(file)) if *file != look.default.with_file_name("config") => {
            format!("{git} config --file {} {change}", shell::path(file))
        }
        (Scope::Local | Scope::Worktree, _) => format!("{git} config --{} {change}", setting.scope.as_str()),
    }
}

/// A manager that took its place back. Where a hook of it is kept already, the new one is moved out of the way.
fn replaced(finding: Finding, look: &Look, by: Option<&'static str>, folder: Option<&Path>) -> Finding {
    let install = install_of(look);
    let manager = match by.filter(|_| look.which.side() == Side::Client) {
        Some("husky") => Some(Manager::Husky),
        Some("lefthook") => Some(Manager::Lefthook),
        Some(_) | None => None,
    };
    let Some(manager) = manager else {
        if look.kept_other {
            let aside = shell::path(&beside(&look.hook, "replaced"));
            return finding.mend(format!("mv {} {aside}", shell::path(&look.hook))).mend(install);
        }
        return finding.mend(install);
    };
    with_call(finding, manager, look, folder).mend(manager.write_command()).mend(install)
}

/// What makes a manager call the gate.
fn with_call(finding: Finding, manager: Manager, look: &Look, folder: Option<&Path>) -> Finding {
    let call = manager.call(look.work_tree.as_deref());
    let (name, file) = (manager.as_str(), call.file.display());
    let at = folder.map(|folder| format!("{}/", shell::path(folder))).unwrap_or_default();
    let mut words =
        format!("{name} writes its hooks anew whenever it likes, so it has to call the gate; commit {file}");
    if call.is_skipped {
        words = format!("{words}; take out of it the command that calls the gate: {SKIPS}");
    }
    let finding = if call.is_behind {
        let text: Vec<String> = call.lines.iter().map(|line| shell::word(line.as_bytes())).collect();
        finding.mend(format!("printf '%s\\n' {} >>{at}{}", text.join(" "), shell::path(&call.file)))
    } else {
        words = format!("{words}; add to it by hand, {}, what 'proof-gate install' prints", call.place);
        finding
    };
    let script = call.script.map(|script| match folder {
        Some(folder) => format!("(cd {} && {script})", shell::path(folder)),
        None => script.to_owned(),
    });
    script.into_iter().fold(finding.advise(words), Finding::mend)
}

fn beside(hook: &Path, ending: &str) -> PathBuf {
    let mut path = hook.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

/// Whether the program that the hook names is there, and is this one.
pub fn program(patient: &Patient<'_>) -> Result<Outcome> {
    Ok(match program_of(patient, patient.look()?) {
        Some(found) => found.into(),
        None => Outcome::NotLooked("the hook is not one of ours"),
    })
}

/// The same of a server's hooks.
pub fn program_of_server(patient: &Patient<'_>) -> Result<Outcome> {
    let found: Vec<_> = patient.server_looks()?.iter().filter_map(|look| program_of(patient, look)).collect();
    if found.is_empty() {
        return Ok(Outcome::NotLooked("none of them is one of ours"));
    }
    let mut found: Vec<Finding> = found.concat();
    // Both start one and the same, as a rule.
    found.dedup();
    Ok(found.into())
}

/// What is wrong with the program that a hook names; `None` where it names none.
fn program_of(patient: &Patient<'_>, look: &Look) -> Option<Vec<Finding>> {
    let (named, here) = (look.program.as_ref()?, &patient.caller.program);
    let install = install_of(look);
    if !hooks::is_runnable(named) {
        let what = format!("the program that the hook starts is not there: {}", named.display());
        return Some(vec![
            match stand_in(patient.caller) {
                Some(other) => Finding::note(what, format!("The hook starts {} instead.", other.display())),
                None => Finding::no_proof(
                    what,
                    "There is none in PATH or the usual places either, so the hook refuses every push.",
                ),
            }
            .mend(install),
        ]);
    }
    if hooks::is_same_program(named, here) {
        return Some(Vec::new());
    }
    let what = format!("the hook starts another program than this one: {}", named.display());
    let why = format!("This is {}. What one says need not hold for the other.", here.display());
    Some(vec![Finding::note(what, why).mend(install)])
}

/// Where the hook looks, beside PATH, for a program that is not where it was; below the home, then anywhere.
const USUAL: [&[&str]; 2] = [&[".cargo/bin", ".local/bin"], &["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"]];

/// The program that the hook finds instead.
fn stand_in(caller: &Caller) -> Option<PathBuf> {
    let path = caller.variable("PATH").unwrap_or_default();
    let home = caller.home();
    let below_home = home.iter().flat_map(|home| USUAL[0].iter().map(|folder| home.join(folder)));
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute()).chain(below_home);
    let mut places = folders.chain(USUAL[1].iter().map(PathBuf::from)).map(|folder| folder.join("proof-gate"));
    places.find(|place| hooks::is_runnable(place))
}

/// The same hook, seen from every other work tree: a relative `core.hooksPath` or a setting of its own leads elsewhere there.
pub fn in_worktrees(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    for (other, repository) in patient.other_worktrees()? {
        let look = hooks::look(&repository, Hook::PrePush)?;
        // What is wrong in the one place that all share, or by the one setting, was told already.
        let here = patient.look()?;
        let is_told = here.state.effect() != Effect::Gated && here.folder.setting == look.folder.setting;
        if look.hook != here.hook && !is_told {
            found.extend(of_state(&look, Some(&other)));
        }
    }
    Ok(found.into())
}

/// Whether the hook that stood there before is still run.
pub fn kept(patient: &Patient<'_>) -> Result<Outcome> {
    Ok(kept_of(patient, Hook::PrePush)?.into())
}

/// The same of a server's hooks.
pub fn kept_of_server(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    for hook in Side::Server.hooks() {
        found.extend(kept_of(patient, *hook)?);
    }
    Ok(found.into())
}

fn kept_of(patient: &Patient<'_>, hook: Hook) -> Result<Vec<Finding>> {
    let install = hook.side().install();
    let refuses = |refused: &'static str, said: &'static str| if hook.can_refuse() { refused } else { said };
    Ok(match hooks::kept_hook(patient.repository, hook)? {
        KeptHook::None | KeptHook::Stands => Vec::new(),
        KeptHook::Gone(path) => {
            let what = format!("the hook that stood there before is gone: {}", path.display());
            let why =
                refuses("Every push is refused until it is back.", "It does not hear any more what was received.");
            vec![Finding::no_proof(what, why).mend(install)]
        }
        KeptHook::NotExecutable(path) => {
            let what = format!("the hook that stood there before is not executable any more: {}", path.display());
            let why = refuses(
                "It is not run, so what it would refuse goes out.",
                "It does not hear any more what was received.",
            );
            vec![Finding::open(what, why).mend(format!("chmod +x {}", shell::path(&path)))]
        }
        KeptHook::Orphan(path) => {
            let what = format!("a hook is kept and noted nowhere: {}", path.display());
            let why = refuses(
                "Every push is refused, because nothing says whether to run it.",
                "It is run, and nothing says whether it is meant to be.",
            );
            vec![Finding::no_proof(what, why).mend(install)]
        }
    })
}

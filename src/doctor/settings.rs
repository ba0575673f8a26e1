//! Settings of git that lead a push past the hook.

use std::path::Path;

use bstr::ByteSlice as _;

use super::{Finding, Outcome, Patient, shell};
use crate::error::Result;
use crate::git::Setting;

/// Settings from the environment that are looked at, at most.
const MAX_VARIABLES: usize = 1000;

/// Settings that are handed to every git started from this environment.
pub fn environment(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    let variable = |name: &str| patient.caller.variable(name).map(|value| value.to_string_lossy().to_lowercase());
    let count: usize = variable("GIT_CONFIG_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0);
    let mut say = |name: &str, switch: &str| {
        let why = "Every git started from here looks for hooks elsewhere: a push goes out unproven.";
        found.push(Finding::open(format!("{name} sets core.hooksPath"), why).mend(format!("unset {switch}")));
    };
    if variable("GIT_CONFIG_PARAMETERS").is_some_and(|settings| settings.contains("core.hookspath")) {
        say("GIT_CONFIG_PARAMETERS", "GIT_CONFIG_PARAMETERS");
    }
    for name in (0..count.min(MAX_VARIABLES)).map(|number| format!("GIT_CONFIG_KEY_{number}")) {
        if variable(&name).is_some_and(|key| key == "core.hookspath") {
            say(&name, "GIT_CONFIG_COUNT");
        }
    }
    Ok(found.into())
}

/// Aliases that push without hooks, remotes whose deletions no hook sees, and a hooks folder that depends on the branch.
pub fn going_round(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    for alias in patient.repository.settings(r"^alias\.")? {
        let value = alias.value.to_lowercase();
        let skips = value.contains_str("--no-verify") || value.contains_str("core.hookspath");
        if (value.contains_str("push") && skips) || value.contains_str("send-pack") {
            let what = format!("{} pushes without hooks: {}", alias.name, alias.value);
            found.push(Finding::open(what, "Whoever uses the alias goes round the gate.").mend(unset(&alias)));
        }
    }
    for mirror in patient.repository.settings(r"^remote\..*\.mirror$")? {
        if is_true(&mirror.value) {
            let what = format!("{} is set", mirror.name);
            let why = "A push to a mirror deletes refs there of which git tells the hook nothing, gated ones too.";
            found.push(Finding::open(what, why).mend(unset(&mirror)));
        }
    }
    for include in patient.repository.settings(r"^includeif\.onbranch:.*\.path$")? {
        found.extend(by_branch(patient, &include)?);
    }
    Ok(found.into())
}

/// Included only on some branches, so that a look from another branch does not show it.
fn by_branch(patient: &Patient<'_>, include: &Setting) -> Result<Option<Finding>> {
    let Some(file) = include.file.as_deref().and_then(|file| included(patient, file, include)) else { return Ok(None) };
    let asked = patient.repository.by_hand().args(["config", "--file"]).arg(&file);
    let asked = asked.args(["--null", "--get", "core.hooksPath"]).output()?;
    if !asked.status.success() {
        return Ok(None);
    }
    let value = asked.stdout.trim_end_with(|c| c == '\0').as_bstr().to_owned();
    if Path::new(&*value.to_str_lossy()) == patient.look()?.folder.path {
        return Ok(None);
    }
    let what = format!("{} sets core.hooksPath to '{value}' on some branches: {}", file.display(), include.name);
    let why = "On those branches git looks for hooks there, and a push goes out unproven.";
    let mend = format!("git config --file {} --unset-all core.hooksPath", shell::path(&file));
    Ok(Some(Finding::open(what, why).mend(mend)))
}

/// The file that an include names, as git finds it: from the home, or from the including file's folder.
fn included(patient: &Patient<'_>, from: &Path, include: &Setting) -> Option<std::path::PathBuf> {
    let value = include.value.to_str().ok()?;
    match value.strip_prefix("~/") {
        Some(rest) => patient.caller.home().map(|home| home.join(rest)),
        None => Some(from.parent()?.join(value)),
    }
}

/// git 2.54 and later run hooks that are named in the configuration.
pub fn configured_hooks(patient: &Patient<'_>) -> Result<Outcome> {
    if !super::tools::git_is_at_least(patient, (2, 54))? {
        return Ok(Outcome::NotLooked("git before 2.54 has none"));
    }
    let mut found = Vec::new();
    for setting in patient.repository.settings(r"^hook\..*\.(event|enabled)$")? {
        let touches_push = setting.name.ends_with(b".event") && setting.value == "pre-push";
        if touches_push || (setting.name.ends_with(b".enabled") && !is_true(&setting.value)) {
            let what = format!("{} is {}", setting.name, setting.value);
            let why = "git runs, or does not run, this one beside the hook; 'proof-gate doctor --fire' shows what a push meets.";
            found.push(Finding::note(what, why));
        }
    }
    Ok(found.into())
}

pub(super) fn is_true(value: &[u8]) -> bool {
    matches!(value.to_lowercase().as_slice(), b"true" | b"yes" | b"on" | b"1")
}

/// The command that takes a setting out of the file in which it stands.
fn unset(setting: &Setting) -> String {
    let name = shell::word(&setting.name);
    match &setting.file {
        Some(file) => format!("git config --file {} --unset-all {name}", shell::path(file)),
        None => format!("git config --{} --unset-all {name}", setting.scope.as_str()),
    }
}

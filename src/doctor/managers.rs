//! Where a hook manager calls the gate: whether it is told not to, and whether it heeds the answer.

use std::fs;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

use super::{Finding, Outcome, Patient};
use crate::caller::Caller;
use crate::error::Result;
use crate::hooks::{HookState, Manager, calling_line};

/// Looks for everything that makes the manager skip the gate.
pub fn check(patient: &Patient<'_>) -> Result<Outcome> {
    let look = patient.look()?;
    let HookState::CalledBy(manager) = &look.state else {
        return Ok(Outcome::NotLooked("no hook manager calls the gate"));
    };
    let mut found = Vec::new();
    found.extend(switched_off(patient.caller, *manager));
    let Some(file) = manager.calling_file(&look.folder.path, patient.repository.work_tree()) else {
        return Ok(found.into());
    };
    for rc in start_files(patient.caller, *manager, &file) {
        found.extend(switched_off_in(&rc, *manager));
    }
    found.extend(answer_ignored(&file));
    Ok(found.into())
}

/// The variable with which a manager skips all hooks, and its values.
fn switch(manager: Manager) -> (&'static str, &'static [&'static str]) {
    match manager {
        Manager::Husky => ("HUSKY", &["0"]),
        Manager::Lefthook => ("LEFTHOOK", &["0", "false"]),
    }
}

fn switched_off(caller: &Caller, manager: Manager) -> Option<Finding> {
    let (name, values) = switch(manager);
    let value = caller.variable(name)?.to_string_lossy();
    let what = format!("{name}={value} is set in this environment");
    let why = format!("{} then skips every hook, the gate too.", manager.as_str());
    values.contains(&&*value).then(|| Finding::open(what, why).mend(format!("unset {name}")))
}

/// The files that a manager reads before it runs a hook.
fn start_files(caller: &Caller, manager: Manager, config: &Path) -> Vec<PathBuf> {
    let Some(home) = caller.home() else { return Vec::new() };
    match manager {
        Manager::Husky => {
            let xdg = caller.variable("XDG_CONFIG_HOME").map(PathBuf::from).unwrap_or_else(|| home.join(".config"));
            vec![xdg.join("husky/init.sh"), home.join(".huskyrc")]
        }
        Manager::Lefthook => {
            // `rc: ~/.lefthookrc`
            let text = fs::read(config).unwrap_or_default();
            let named =
                text.lines().find_map(|line| line.trim().strip_prefix(b"rc:")).map(|word| word.trim().to_owned());
            let named = named.map(|word| word.trim_with(|c| c == '"' || c == '\'').to_str_lossy().into_owned());
            named
                .iter()
                .map(|word| word.strip_prefix("~/").map_or(config.with_file_name(word), |rest| home.join(rest)))
                .collect()
        }
    }
}

fn switched_off_in(file: &Path, manager: Manager) -> Option<Finding> {
    let (name, values) = switch(manager);
    let bytes = fs::read(file).ok()?;
    let (line, number) = bytes.lines().zip(1..).find(|(line, _): &(&[u8], usize)| {
        let says = line.trim().strip_prefix(b"export ").unwrap_or(line.trim());
        values.iter().any(|value| says.starts_with(format!("{name}={value}").as_bytes()))
    })?;
    let what = format!("{} says {}", file.display(), line.trim().as_bstr());
    let why = format!("{} then skips every hook, the gate too.", manager.as_str());
    Some(Finding::open(what, why).advise(format!("take line {number} out of that file")))
}

/// A call whose refusal does not end the hook.
fn answer_ignored(file: &Path) -> Option<Finding> {
    let bytes = fs::read(file).ok()?;
    let (number, line) = calling_line(&bytes)?;
    let swallows =
        [&b"|| true"[..], b"|| :", b"|| exit 0", b"||true", b"||:"].iter().any(|words| line.contains_str(words))
            || line.ends_with(b"&");
    let what = format!("line {number} of {} drops the gate's answer: {}", file.display(), line.as_bstr());
    swallows.then(|| {
        Finding::open(what, "What proof-gate refuses goes out.").advise("end that line behind the gate's own arguments")
    })
}

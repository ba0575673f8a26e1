//! Where a hook manager calls the gate: whether it is told not to, and whether it heeds the answer.

use std::fs;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

use super::{Finding, Outcome, Patient};
use crate::caller::Caller;
use crate::error::Result;
use crate::hooks::{Hook, HookState, Manager, calling_line, is_runnable};

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
    for rc in start_files(patient, *manager) {
        found.extend(switched_off_in(&rc, *manager));
    }
    found.extend(answer_ignored(&file));
    if *manager == Manager::Lefthook {
        found.extend(lefthook_missing(patient.caller, &look.hook));
    }
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
fn start_files(patient: &Patient<'_>, manager: Manager) -> Vec<PathBuf> {
    let caller = patient.caller;
    let Some(home) = caller.home() else { return Vec::new() };
    match manager {
        Manager::Husky => {
            let xdg = caller.variable("XDG_CONFIG_HOME").map(PathBuf::from).unwrap_or_else(|| home.join(".config"));
            vec![xdg.join("husky/init.sh"), home.join(".huskyrc")]
        }
        Manager::Lefthook => {
            // `rc: ~/.lefthookrc`
            let Some(config) = manager.config(patient.repository.work_tree()) else { return Vec::new() };
            let text = fs::read(&config).unwrap_or_default();
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
    let (number, line) = calling_line(Hook::PrePush, &bytes)?;
    let swallows =
        [&b"|| true"[..], b"|| :", b"|| exit 0", b"||true", b"||:"].iter().any(|words| line.contains_str(words))
            || line.ends_with(b"&");
    let what = format!("line {number} of {} drops the gate's answer: {}", file.display(), line.as_bstr());
    swallows.then(|| {
        Finding::open(what, "What proof-gate refuses goes out.").advise("end that line behind the gate's own arguments")
    })
}

/// lefthook's own hook where there is no lefthook: it says so, and ends with 0 unless it was told to refuse.
fn lefthook_missing(caller: &Caller, hook: &Path) -> Option<Finding> {
    let bytes = fs::read(hook).ok()?;
    let (_, behind) = bytes.split_once_str("Can't find lefthook")?;
    if behind.lines().any(|line| line.trim() == b"exit 1") {
        return None;
    }
    let advice = "put 'assert_lefthook_installed: true' into lefthook's configuration, then 'lefthook install': its hook then refuses";
    let why = "Its hook then says that it cannot find it, and every push goes out.";
    Some(if lefthook_is_found(caller, &bytes, hook) {
        Finding::note("the hook of lefthook lets every push go out where there is no lefthook", "Here it finds one.")
            .advise(advice)
    } else {
        Finding::open("lefthook, which has to call the gate, is not to be found", why)
            .advise(format!("install lefthook, or bring it into PATH; and {advice}"))
    })
}

/// Whether its hook finds it in PATH, at the place that it noted, or among the packages of the work tree.
fn lefthook_is_found(caller: &Caller, hook: &[u8], file: &Path) -> bool {
    let path = caller.variable("PATH").unwrap_or_default();
    let named = caller.variable("LEFTHOOK_BIN").map(PathBuf::from);
    let in_path = std::env::split_paths(path).map(|folder| folder.join("lefthook"));
    // `elif /usr/lib/lefthook -h >/dev/null 2>&1`
    let noted = hook.lines().filter_map(|line| line.trim().strip_prefix(b"elif /")).filter_map(|rest| {
        rest.split_once_str(" -h ").map(|(path, _)| PathBuf::from(format!("/{}", path.to_str_lossy())))
    });
    let top = file.ancestors().find(|folder| folder.join("node_modules").is_dir());
    let package = top.map(|top| top.join("node_modules/lefthook/bin/index.js"));
    let mut places = named.into_iter().chain(in_path).chain(noted).chain(package);
    places.any(|place| is_runnable(&place))
}

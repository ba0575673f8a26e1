//! The programs and the person that a proof needs.

use std::ffi::OsString;
use std::path::Path;

use bstr::ByteSlice as _;

use super::{Finding, Outcome, Patient};
use crate::error::{Context as _, Result};
use crate::hooks::is_runnable;
use crate::policy::Policy;
use crate::prove;

/// The oldest git that is known to do.
const OLDEST_GIT: (u32, u32) = (2, 39);

/// Whether git is new enough.
pub fn git_version(patient: &Patient<'_>) -> Result<Outcome> {
    if git_is_at_least(patient, OLDEST_GIT)? {
        return Ok(Outcome::Fine);
    }
    let what = format!("git is older than 2.39: {}", patient.repository.program().path().display());
    let why = "Its plumbing lacks what a proof and a record rest on.";
    Ok(vec![Finding::no_proof(what, why).advise("install git 2.39 or later")].into())
}

/// Compares git's version: `git version 2.47.3`.
pub fn git_is_at_least(patient: &Patient<'_>, wanted: (u32, u32)) -> Result<bool> {
    let said = patient.repository.command().arg("--version").run()?;
    let mut numbers = said
        .trim()
        .rsplit(|byte| *byte == b' ')
        .find(|word| word.contains(&b'.'))
        .unwrap_or_default()
        .split(|byte| *byte == b'.');
    let mut next = || numbers.next().and_then(|number| number.to_str().ok()?.parse::<u32>().ok());
    let version = next().zip(next()).context("cannot read the version of git")?;
    Ok(version >= wanted)
}

/// Whether every program that the policy names is found.
pub fn programs(patient: &Patient<'_>) -> Result<Outcome> {
    let Some(policy) = patient.policy()? else {
        return Ok(Outcome::NotLooked("there is no policy that can be read"));
    };
    let path = search_path(patient);
    let mut found = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (place, program) in named(&policy) {
        if seen.contains(&program) {
            continue;
        }
        seen.push(program);
        let is_there = match (program.contains('/'), patient.repository.work_tree()) {
            // A path is looked for in the checkout; what prepare makes there is not here yet.
            (true, Some(top)) if !Path::new(program).is_absolute() => {
                !top.join(program).exists() || is_runnable(&top.join(program))
            }
            (true, _) => !Path::new(program).is_absolute() || is_runnable(Path::new(program)),
            (false, _) => which::which_in(program, Some(&path), &patient.caller.directory).is_ok(),
        };
        if !is_there {
            let what = format!("'{program}', named by {place}, is not found");
            let why = format!("The proof ends there. Looked for in: {}.", path.to_string_lossy());
            found.push(Finding::no_proof(what, why).advise("install it, or name it by its path"));
        }
    }
    Ok(found.into())
}

/// Every program of the policy, with the key that names it.
fn named(policy: &Policy) -> impl Iterator<Item = (String, &str)> {
    let proof = &policy.proof;
    let steps = [
        ("proof.prepare", &proof.prepare),
        ("proof.reset", &proof.reset),
        ("proof.ready", &proof.ready),
        ("proof.teardown", &proof.teardown),
        ("proof.identity", &proof.identity),
    ];
    let steps = steps.into_iter().flat_map(|(key, argvs)| argvs.iter().map(move |argv| (key.to_owned(), argv)));
    let suites = policy.suites.iter().map(|(name, suite)| (format!("suites.{name}.run"), &suite.run));
    steps.chain(suites).filter_map(|(key, argv)| Some((key, argv.first()?.as_str())))
}

/// PATH as suites get it: without relative entries and git's own folder.
fn search_path(patient: &Patient<'_>) -> OsString {
    let path = patient.caller.variable("PATH").unwrap_or_default();
    let of_git = patient.caller.variable("GIT_EXEC_PATH").map(Path::new);
    let entries = std::env::split_paths(path).filter(|entry| entry.is_absolute() && Some(entry.as_path()) != of_git);
    std::env::join_paths(entries).unwrap_or_default()
}

/// Whether git knows who records.
pub fn identity(patient: &Patient<'_>) -> Result<Outcome> {
    let Err(error) = patient.repository.committer() else { return Ok(Outcome::Fine) };
    let why = "Every record names who made it, so none can be made.";
    let finding = Finding::no_proof(error.message, why).mend("git config --global user.name 'Your Name'");
    Ok(vec![finding.mend("git config --global user.email you@example.org")].into())
}

/// Whether a proof may be run from here.
pub fn environment(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    if patient.caller.home().is_none() {
        let why =
            "git finds no configuration of yours, and tools no caches: a proof may fail on what is there otherwise.";
        found.push(
            Finding::no_proof("HOME is not set to an absolute folder", why).advise("set it: HOME=/path; export HOME"),
        );
    }
    let wants_terminal = patient.policy()?.is_some_and(|policy| policy.proof.require_terminal);
    if wants_terminal && patient.caller.variable("CI").is_some() {
        let why =
            "A proof is run by hand ([proof] require_terminal), so none is made from here; what is recorded counts.";
        found.push(Finding::note("CI is set", why).mend("unset CI"));
    } else if wants_terminal && !prove::has_terminal() {
        let why =
            "A proof is run by hand ([proof] require_terminal), so none is made from here; what is recorded counts.";
        found.push(
            Finding::note("there is no terminal here", why)
                .advise("run 'proof-gate run' in a terminal, then push from wherever you like"),
        );
    }
    Ok(found.into())
}

/// What the platform lacks.
pub fn platform(_: &Patient<'_>) -> Result<Outcome> {
    if cfg!(target_os = "linux") {
        return Ok(Outcome::Fine);
    }
    let why = "What a suite leaves running outside its process group may outlive the gate here.";
    Ok(vec![Finding::note("this is not Linux: processes cannot all be followed", why)].into())
}

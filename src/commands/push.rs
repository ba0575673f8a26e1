//! `push`: proves what would be pushed, then pushes exactly that, all refs or none.

use std::os::unix::fs::PermissionsExt as _;

use bstr::ByteSlice as _;

use super::ground::Ground;
use super::pre_push::{Gate, Says};
use crate::caller::Caller;
use crate::cli;
use crate::error::{Context as _, Error, Exit, Result};
use crate::git::Repository;
use crate::hooks::{self, Effect, SeenPolicy};
use crate::reporter::{Line, Reporter};
use crate::select::{self, Action, Anchors, PolicyReader, RefUpdate};

/// A hook that writes down what git would push.
const LISTENER: &str =
    "#!/bin/sh\n{ printf '%s\\n%s\\n' \"$1\" \"$2\" >\"${0%/*}/where\" && cat >\"${0%/*}/updates\"; exit; }\n";

/// Lines of git's own complaint that are handed on, at most.
const MAX_GIT_LINES: usize = 8;

/// What git would push, and where to.
struct Listened {
    remote: String,
    updates: Vec<RefUpdate>,
}

/// Proves and pushes.
pub fn push(caller: &Caller, repository: &Repository, args: &cli::Push, reporter: &mut Reporter) -> Result<Exit> {
    let Some(listened) = listen(repository, args)? else {
        reporter.say(&Line::new().text("proof-gate: nothing to push"));
        return Ok(Exit::Allowed);
    };
    let reader = PolicyReader::new(repository);
    let installed = SeenPolicy::read(repository)?;
    let anchors = Anchors::read(&reader, Some(&listened.remote), installed)?;
    let mut gated = Vec::new();
    for update in &listened.updates {
        if select::is_gated(&reader, update, &anchors)? {
            gated.push(update.clone());
        }
    }
    if !gated.is_empty() {
        super::hook_line::say(repository, reporter);
        let says = match hooks::state(repository)?.effect() {
            Effect::Gated => Says::TheHook,
            Effect::Open | Effect::Unknown | Effect::Stuck => Says::Here,
        };
        let ground = Ground::with(caller, repository, reader, anchors)?;
        let decision = Gate { ground, reporter, url: None, says }.pass(&gated)?;
        if decision != Exit::Allowed {
            return Ok(decision);
        }
    }
    send(repository, &listened)
}

/// Asks git what it would push, by a dry run whose hook only listens.
fn listen(repository: &Repository, args: &cli::Push) -> Result<Option<Listened>> {
    // Somebody else who could write here would choose what is pushed.
    let private = std::fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().permissions(private).tempdir().context("cannot make a temporary folder")?;
    let hook = folder.path().join("pre-push");
    std::fs::write(&hook, LISTENER).context("cannot write the listening hook")?;
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o700))
        .context("cannot write the listening hook")?;
    let mut hooks_path = std::ffi::OsString::from("core.hooksPath=");
    hooks_path.push(folder.path());
    let mut git = repository.by_hand().arg("-c").arg(hooks_path);
    git = git.args(["-c", "push.recurseSubmodules=no", "push", "--dry-run", "--porcelain"]);
    git = git.args(args.remote.iter()).args(&args.refspecs);
    let output = git.output()?;
    if !output.status.success() {
        let mut error = Error::new(format!("cannot push: {}", output.complaint())).ending(Exit::Refused);
        for line in output.said().filter(|line| *line != output.complaint()).take(MAX_GIT_LINES) {
            error = error.hint(format!("git said: {line}"));
        }
        return Err(error);
    }
    let read = |name: &str| std::fs::read(folder.path().join(name));
    let Ok(destination) = read("where") else { return Ok(None) };
    let remote = destination.lines().next().context("cannot tell where git pushes to")?.to_str_lossy().into_owned();
    let updates = select::parse_updates(&read("updates").context("cannot read what git would push")?)?;
    Ok((!updates.is_empty()).then_some(Listened { remote, updates }))
}

/// Pushes exactly these ids, each only if its ref over there is still what it was. The user's hooks run.
fn send(repository: &Repository, listened: &Listened) -> Result<Exit> {
    let mut git = repository.by_hand().args(["-c", "push.followTags=false", "-c", "push.recurseSubmodules=no"]);
    git = git.args(["push", "--atomic"]);
    let mut refspecs = Vec::new();
    for update in &listened.updates {
        let name = update
            .remote_ref
            .to_str()
            .map_err(|_| Error::new("cannot push: a ref's name is not UTF-8").hint("git push"))?;
        let old = update.old.map(|old| old.to_string()).unwrap_or_default();
        git = git.arg(format!("--force-with-lease={name}:{old}"));
        refspecs.push(match update.action {
            Action::Set(id) => format!("{id}:{name}"),
            Action::Delete => format!(":{name}"),
        });
    }
    let status = git.arg(&listened.remote).args(refspecs).status()?;
    Ok(if status.success() { Exit::Allowed } else { Exit::Refused })
}

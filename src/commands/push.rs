//! `push`: proves what would be pushed, shares the log, then pushes exactly that, all refs or none.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use bstr::{BStr, ByteSlice as _};

use super::ground::Ground;
use super::pre_push::{Gate, Says};
use super::sharing::Destination;
use crate::caller::Caller;
use crate::cli;
use crate::error::{Context as _, Error, Exit, Result};
use crate::git::{Output, Repository};
use crate::hooks::{Effect, SeenPolicy};
use crate::reporter::{Line, Reporter, Tone};
use crate::select::{self, Action, Anchors, PolicyReader, RefUpdate};
use crate::url::without_user_info;

/// A hook that writes down what git would push.
const LISTENER: &str =
    "#!/bin/sh\n{ printf '%s\\0%s\\0' \"$1\" \"$2\" >>\"${0%/*}/where\" && cat >\"${0%/*}/updates\"; exit; }\n";

/// Lines of git's own complaint that are handed on, at most.
const MAX_GIT_LINES: usize = 8;

/// What git would push, and where to.
struct Listened {
    remote: String,
    /// One for each URL that is pushed to.
    to: Vec<Destination>,
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
        let says = match super::hook_line::say(caller, repository, reporter) {
            Effect::Gated => Says::TheHook,
            Effect::Open | Effect::Unknown | Effect::Stuck => Says::Here,
        };
        let ground = Ground::with(caller, repository, reader, anchors)?;
        let to = listened.to.clone();
        let decision = Gate { ground, reporter, url: None, to, parent: None, says }.pass(&gated)?;
        if decision != Exit::Allowed {
            return Ok(decision);
        }
    }
    send(repository, &listened, reporter)
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
    let mut hooks_path = OsString::from("core.hooksPath=");
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
    let folder = repository.work_tree().unwrap_or(repository.git_dir());
    let fields: Vec<OsString> =
        destination.split(|byte| *byte == 0).map(|field| OsStr::from_bytes(field).to_owned()).collect();
    let pairs = fields.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
    let to = pairs.map(|(remote, url)| Destination { remote, url, folder: folder.to_owned(), carried: Vec::new() });
    let to: Vec<Destination> = to.collect();
    let remote = to.first().context("cannot tell where git pushes to")?.remote.to_string_lossy().into_owned();
    let updates = select::parse_updates(&read("updates").context("cannot read what git would push")?)?;
    Ok((!updates.is_empty()).then_some(Listened { remote, to, updates }))
}

/// Pushes exactly these ids, each only if its ref over there is still what it was. The user's hooks run.
fn send(repository: &Repository, listened: &Listened, reporter: &Reporter) -> Result<Exit> {
    let mut git = repository.by_hand().args(["-c", "push.followTags=false", "-c", "push.recurseSubmodules=no"]);
    git = git.args(["push", "--atomic", "--porcelain"]);
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
    let Output { status, stdout, .. } = git.arg(&listened.remote).args(refspecs).output_beside_talk()?;
    reporter.say_all(&pushed_lines(stdout.as_bstr()));
    Ok(if status.success() { Exit::Allowed } else { Exit::Refused })
}

/// What became of each ref, from git's `--porcelain`: `<flag>\t<from>:<to>\t<summary>` a line. What is pushed is named by id, and git
/// would say so; the ref over there is what the user knows.
fn pushed_lines(porcelain: &BStr) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in porcelain.lines() {
        if let Some(place) = line.strip_prefix(b"To ") {
            lines.push(Line::new().text("proof-gate: to ").data(&*without_user_info(&place.to_str_lossy())));
        }
        let mut fields = line.splitn(3, |byte| *byte == b'\t');
        let (Some([flag]), Some(refs), Some(summary)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let (tone, word) = match flag {
            b'!' => (Tone::Bad, "rejected"),
            b'-' => (Tone::Good, "deleted"),
            b'=' => (Tone::Dim, "same"),
            _ => (Tone::Good, "pushed"),
        };
        let name = refs.rsplit_once_str(":").map_or(refs, |(_, to)| to);
        let line = Line::new().text("  ").tone(tone, word).to(11).data(select::short_name(name.as_bstr()));
        lines.push(line.text("  ").data(summary));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_named_by_its_ref() {
        let said = "To https://ana:hunter2@example.org/x.git\n\
                    *\t3f2a91c:refs/heads/main\t[new branch]\n \t8c01d7e:refs/tags/v1\t1..2\n\
                    !\t:refs/heads/old\t[rejected] (stale info)\nDone\n";
        let lines = pushed_lines(said.into());
        let text = lines.iter().map(Line::to_string).collect::<Vec<_>>();
        let expected = [
            "proof-gate: to https://example.org/x.git",
            "  pushed   main  [new branch]",
            "  pushed   v1  1..2",
            "  rejected old  [rejected] (stale info)",
        ];
        assert_eq!(text, expected);
    }
}

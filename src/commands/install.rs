//! `install` and `uninstall`.

use crate::caller::Caller;
use crate::cli;
use crate::error::{Error, Exit, Result};
use crate::git::Repository;
use crate::hooks::{self, Options};
use crate::policy;
use crate::reporter::{Line, Reporter};

/// Writes the hooks and proves that they fire.
pub fn install(repository: &Repository, caller: &Caller, args: &cli::Install, reporter: &Reporter) -> Result<Exit> {
    if args.server {
        return super::install_server::install(repository, caller, args, reporter);
    }
    let bytes = policy_bytes(repository)?;
    policy::parse(&bytes).map_err(|error| error.into_error(policy::FILE))?;
    let options = Options {
        hooks_dir: args.hooks_dir.clone(),
        force: args.force,
        dry_run: args.dry_run,
        policy: Some(bytes),
        ..Options::default()
    };
    let installed = hooks::install(repository, caller, &options)?;
    for line in &installed.lines {
        reporter.say(&Line::new().data(line));
    }
    if !args.dry_run {
        reporter.say(&Line::new().text("  next:  git push, as ever; proof-gate status shows what is proven"));
    }
    Ok(Exit::Allowed)
}

/// The policy to install with: the work tree's, or in a bare repository that of HEAD.
fn policy_bytes(repository: &Repository) -> Result<Vec<u8>> {
    if let Some(bytes) = super::policy_in_work_tree(repository)? {
        return Ok(bytes);
    }
    let none = || Error::new("cannot install: there is no .proofrc.toml").hint("'proof-gate init' writes one");
    if repository.work_tree().is_some() {
        return Err(none());
    }
    let head = repository.resolve("HEAD^{tree}").map_err(|_| none())?;
    match repository.entry_at(head, policy::FILE)? {
        Some(entry) if entry.is_file() => repository.blob(entry.id),
        Some(_) | None => Err(none()),
    }
}

/// Takes the hooks out again.
pub fn uninstall(repository: &Repository, args: &cli::Uninstall, reporter: &Reporter) -> Result<Exit> {
    let lines = if args.purge { hooks::purge(repository)? } else { hooks::uninstall(repository)?.lines };
    for line in lines {
        reporter.say(&Line::new().data(line));
    }
    Ok(Exit::Allowed)
}

//! `install --server`: the hooks of a repository that is pushed to, and the lists of those whose records count there.
//!
//! Deliberately absent: writing those lists. Who may sign is for those to say who keep the server.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::caller::Caller;
use crate::cli;
use crate::error::{Context as _, Error, Exit, Result};
use crate::git::{Repository, Signers};
use crate::hooks::{self, Added, Options, Side};
use crate::policy;
use crate::reporter::{Line, Reporter};

/// A list of signers: the setting that names it, the option that sets it, and the question for it.
struct List {
    setting: &'static str,
    option: &'static str,
    question: &'static str,
}

const ALLOWED: List = List {
    setting: "proofs.allowedSigners",
    option: "--allowed-signers",
    question: "The file of those whose records count here, in the format of ssh's ALLOWED SIGNERS:",
};

const POLICY: List = List {
    setting: "proofs.policySigners",
    option: "--policy-signers",
    question: "The file of those who may approve a weaker policy, in the same format:",
};

/// Writes the hooks and the settings, and proves that the hooks fire.
pub fn install(repository: &Repository, caller: &Caller, args: &cli::Install, reporter: &Reporter) -> Result<Exit> {
    if !repository.is_bare()? {
        let place = repository.work_tree().unwrap_or(repository.git_dir()).display();
        return Err(Error::new(format!("cannot install a server's hooks: {place} is not a bare repository"))
            .ending(Exit::Conflict)
            .hint("a push to it would not reach its work tree; make one that is pushed to: git clone --bare . ../NAME.git")
            .hint("then there: proof-gate install --server"));
    }
    let (policy, no_policy) = match &args.policy {
        Some(file) => (Some(policy_in(&caller.directory.join(file))?), None),
        None => policy_of_head(repository)?,
    };
    let (mut settings, kept) = lists(repository, caller, args, reporter)?;
    settings.push(Added { name: "receive.fsckObjects", value: b"true".to_vec() });
    let options = Options {
        side: Side::Server,
        hooks_dir: args.hooks_dir.clone(),
        force: args.force,
        dry_run: args.dry_run,
        policy,
        settings,
    };
    let installed = hooks::install(repository, caller, &options)?;
    for line in installed.lines.iter().chain(&kept).map(String::as_str).chain(no_policy) {
        reporter.say(&Line::new().data(line));
    }
    if !args.dry_run {
        reporter
            .say(&Line::new().text("  next:  push to it, as ever; proof-gate doctor looks whether all of this stands"));
    }
    Ok(Exit::Allowed)
}

/// The settings to add for the lists of signers, and a line for each list that stays.
fn lists(
    repository: &Repository,
    caller: &Caller,
    args: &cli::Install,
    reporter: &Reporter,
) -> Result<(Vec<Added>, Vec<String>)> {
    let settings = repository.signature_settings()?;
    let (mut added, mut kept, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for (list, option) in [(&ALLOWED, &args.allowed_signers), (&POLICY, &args.policy_signers)] {
        match (option, settings.path(&list.setting.to_ascii_lowercase())) {
            (Some(file), _) => added.push(list.added(&caller.directory.join(file))?),
            (None, Some(file)) => {
                check(&file)?;
                kept.push(format!("{} stays {}", list.setting, file.display()));
            }
            (None, None) => missing.push(list),
        }
    }
    if !missing.is_empty() && !reporter.can_ask() {
        return Err(unnamed(&missing));
    }
    for list in missing {
        let answer = reporter.ask(&Line::new().text(list.question))?;
        let file = answer.filter(|answer| !answer.is_empty()).ok_or_else(|| unnamed(&[list]))?;
        added.push(list.added(&caller.directory.join(file))?);
    }
    Ok((added, kept))
}

impl List {
    fn added(&self, file: &Path) -> Result<Added> {
        check(file)?;
        Ok(Added { name: self.setting, value: file.as_os_str().as_bytes().to_vec() })
    }
}

/// A list that nobody could sign by would refuse every push.
fn check(file: &Path) -> Result<()> {
    let signers = Signers::read(file).map_err(|error| error.ending(Exit::Conflict))?;
    if signers.names_nobody() {
        return Err(Error::new(format!("cannot use the allowed signers {}: nobody is named in it", file.display()))
            .ending(Exit::Conflict)
            .hint("a line each: PRINCIPAL ssh-ed25519 KEY, or PRINCIPAL openpgp FINGERPRINT"));
    }
    Ok(())
}

/// What to say where there is nobody to ask.
fn unnamed(lists: &[&List]) -> Error {
    let settings: Vec<&str> = lists.iter().map(|list| list.setting).collect();
    let options: Vec<String> = lists.iter().map(|list| format!("{} FILE", list.option)).collect();
    Error::new(format!("cannot install a server's hooks: nothing says who may sign: {}", settings.join(", ")))
        .ending(Exit::Usage)
        .hint(format!("proof-gate install --server {}", options.join(" ")))
        .hint("FILE has a line for each signer: PRINCIPAL ssh-ed25519 KEY, or PRINCIPAL openpgp FINGERPRINT")
}

/// A policy that stands in a file, for a repository that has none yet.
fn policy_in(file: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(file).context(format!("cannot read the policy {}", file.display()))?;
    policy::parse(&bytes).map_err(|error| error.into_error(file.display().to_string()))?;
    Ok(bytes)
}

/// The policy of the repository's own `HEAD`; where there is none, what to say of that.
fn policy_of_head(repository: &Repository) -> Result<(Option<Vec<u8>>, Option<&'static str>)> {
    let Ok(head) = repository.resolve("main-worktree/HEAD^{tree}") else {
        return Ok((
            None,
            Some(
                "noted no policy as the anchor: HEAD has no commit yet; the first push brings its own, unless --policy FILE names one",
            ),
        ));
    };
    let Some(entry) = repository.entry_at(head, policy::FILE)?.filter(|entry| entry.is_file()) else {
        return Ok((None, Some("noted no policy as the anchor: HEAD has no .proofrc.toml")));
    };
    let bytes = repository.blob(entry.id)?;
    policy::parse(&bytes).map_err(|error| error.into_error(policy::FILE))?;
    Ok((Some(bytes), None))
}

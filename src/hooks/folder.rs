//! The folder to install in: where git looks, if that is this repository's own or was named by the user.
//!
//! Deliberately absent: changing where git looks. The commands to choose from are printed.

use std::fs;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

use super::install::Options;
use crate::caller::Caller;
use crate::error::{Error, Exit, Result};
use crate::git::{HooksFolder, Repository, Scope};

/// The folder to install in: where git looks, if that is this repository's own or was named by the user.
pub fn folder(repository: &Repository, caller: &Caller, options: &Options) -> Result<PathBuf> {
    let install = options.side.install();
    let HooksFolder { path, setting } = repository.hooks_folder()?;
    if let Some(named) = &options.hooks_dir {
        let named = caller.directory.join(named);
        if resolved(&named) == resolved(&path) {
            return Ok(path);
        }
        let (named, path) = (named.display(), path.display());
        return Err(Error::new(format!("cannot install in {named}: git looks for hooks in {path}"))
            .ending(Exit::Conflict)
            .hint(format!("let git look there: git config --local core.hooksPath '{named}'")));
    }
    let own = match setting.as_ref().map(|setting| setting.scope) {
        None | Some(Scope::Local | Scope::Worktree) => is_inside(repository, &path),
        Some(Scope::Global | Scope::System) => false,
    };
    if own {
        return Ok(path);
    }
    if let Some(empty) = setting.as_ref().filter(|setting| setting.value.is_empty()) {
        let scope = empty.scope.as_str();
        return Err(Error::new(format!("cannot install: core.hooksPath is empty in the {scope} configuration"))
            .ending(Exit::Conflict)
            .hint(format!("git finds no hook that way; take it out: git config --{scope} --unset-all core.hooksPath"))
            .hint(format!("then: {install}")));
    }
    let why = match &setting {
        Some(setting) => {
            let scope = setting.scope.as_str();
            format!("core.hooksPath is '{}' in the {scope} configuration", setting.value.as_bstr())
        }
        None => "the hooks folder is a link to it".to_owned(),
    };
    let default = repository.common_dir().join("hooks");
    let mut error = Error::new(format!("cannot install in {}, outside this repository: {why}", path.display()))
        .ending(Exit::Conflict)
        .hint(format!("install there, for every repository that uses it: {install} --hooks-dir '{}'", path.display()));
    if setting.is_some() {
        error = error.hint(format!(
            "or let this repository have its own: git config --local core.hooksPath '{}'",
            default.display()
        ));
    }
    Err(error)
}

/// Whether a folder lies in the repository's git directory or work tree, links followed.
fn is_inside(repository: &Repository, folder: &Path) -> bool {
    let folder = resolved(folder);
    [Some(repository.common_dir()), repository.work_tree()]
        .into_iter()
        .flatten()
        .any(|own| folder != resolved(own) && folder.starts_with(resolved(own)))
}

/// The path with all links followed, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    match (fs::canonicalize(path), path.parent(), path.file_name()) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => resolved(parent).join(name),
        (Err(_), ..) => path.to_owned(),
    }
}

//! Hook managers that are known by what they leave in the hooks folder, and what to do about each.
//!
//! Deliberately absent: editing a manager's own files. They belong to the team; the line to add is printed.

use std::fs;
use std::path::{Path, PathBuf};

use super::snapshot::{Snapshot, is_runnable};
use crate::error::{Error, Exit, Result};

/// What a manager's configuration holds once it calls the gate.
const CALL: &str = "proof-gate hook pre-push";

/// The managers that write their hooks anew whenever they like, so that nothing can be chained to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// Hooks below `.husky/_`, scripts in `.husky`.
    Husky,
    /// Hooks that call `lefthook run`, one `lefthook.yml`.
    Lefthook,
}

impl Manager {
    /// The manager that rules this folder, by the standing hook, or by the files beside it where there is none.
    pub fn of(folder: &Path, standing: Option<&Snapshot>) -> Option<Self> {
        let holds = |path: &Path, word: &str| fs::read(path).is_ok_and(|bytes| contains(&bytes, word));
        if folder.ends_with(".husky/_") || holds(&folder.join("h"), "husky") {
            return Some(Manager::Husky);
        }
        let standing = standing.map(Snapshot::bytes).unwrap_or_default();
        let calls_lefthook = contains(standing, "call_lefthook")
            || ["pre-commit", "prepare-commit-msg", "commit-msg"]
                .iter()
                .any(|other| holds(&folder.join(other), "call_lefthook"));
        calls_lefthook.then_some(Manager::Lefthook)
    }

    /// The file of this manager that already calls the gate, if there is one.
    pub fn calling_file(self, folder: &Path, work_tree: Option<&Path>) -> Option<PathBuf> {
        let files: Vec<PathBuf> = match self {
            Manager::Husky => folder.parent().map(|husky| husky.join("pre-push")).into_iter().collect(),
            Manager::Lefthook => ["lefthook", ".lefthook"]
                .iter()
                .flat_map(|stem| ["yml", "yaml", "toml", "json"].map(|kind| format!("{stem}.{kind}")))
                .filter_map(|name| work_tree.map(|top| top.join(name)))
                .collect(),
        };
        files.into_iter().find(|file| {
            fs::read(file).is_ok_and(|bytes| {
                bytes
                    .split(|byte| *byte == b'\n')
                    .any(|line| !line.trim_ascii().starts_with(b"#") && contains(line, CALL))
            })
        })
    }

    /// Demands the manager's own hook where git looks: lefthook writes none for a hook that its configuration did not name
    /// when it was installed, and a configuration that nothing reads lets every push through.
    pub fn check_hook(self, folder: &Path, standing: Option<&Snapshot>, file: &Path) -> Result<()> {
        let hook = folder.join("pre-push");
        let (name, command, is_theirs) = match self {
            Manager::Husky => ("husky", "npx husky", standing.is_some()),
            Manager::Lefthook => (
                "lefthook",
                "lefthook install",
                standing.is_some_and(|standing| contains(standing.bytes(), "call_lefthook")),
            ),
        };
        if is_theirs && is_runnable(&hook) {
            return Ok(());
        }
        let (file, hook) = (file.display(), hook.display());
        Err(Error::new(format!(
            "cannot rely on {file}: it calls the gate, but {hook} is not a hook of {name} that runs"
        ))
        .ending(Exit::Conflict)
        .hint(format!("let {name} write it: {command}"))
        .hint("then: proof-gate install"))
    }

    /// Why nothing was written, and the lines to add.
    pub fn conflict(self) -> Error {
        let (name, file, lines, switch) = match self {
            Manager::Husky => ("husky", ".husky/pre-push", &["exec proof-gate hook pre-push \"$@\""][..], "HUSKY=0"),
            Manager::Lefthook => (
                "lefthook",
                "lefthook.yml",
                &[
                    "pre-push:",
                    "  commands:",
                    "    proof-gate:",
                    "      run: proof-gate hook pre-push {0}",
                    "      use_stdin: true",
                ][..],
                "LEFTHOOK=0",
            ),
        };
        let (place, command) = match self {
            Manager::Husky => ("as its last line", "npx husky"),
            Manager::Lefthook => ("at its end", "lefthook install"),
        };
        Error::new(format!("cannot install the hook: {name} writes its hooks anew and would take it out"))
            .ending(Exit::Conflict)
            .hint(format!("add to {file}, {place}, what stands below"))
            .hint(format!("then let {name} write its hooks: {command}"))
            .hint(format!("then: proof-gate install (with {switch} set, {name} skips every hook, this one too)"))
            .hint("or chain what stands there all the same: proof-gate install --force")
            .copying(lines)
    }
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

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
        files.into_iter().find(|file| fs::read(file).is_ok_and(|bytes| calls_the_gate(&bytes)))
    }

    /// Its name as it writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Manager::Husky => "husky",
            Manager::Lefthook => "lefthook",
        }
    }

    /// The lines that make it call the gate, and the file they belong into.
    pub fn call(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Manager::Husky => (".husky/pre-push", &["exec proof-gate hook pre-push \"$@\""]),
            Manager::Lefthook => (
                "lefthook.yml",
                &[
                    "pre-push:",
                    "  commands:",
                    "    proof-gate:",
                    "      run: proof-gate hook pre-push {0}",
                    "      use_stdin: true",
                ],
            ),
        }
    }

    /// The command that has it write its hooks.
    pub fn write_command(self) -> &'static str {
        match self {
            Manager::Husky => "npx husky",
            Manager::Lefthook => "lefthook install",
        }
    }

    /// Demands the manager's own hook where git looks: lefthook writes none for a hook that its configuration did not name
    /// when it was installed, and a configuration that nothing reads lets every push through.
    pub fn check_hook(self, folder: &Path, standing: Option<&Snapshot>, file: &Path) -> Result<()> {
        let hook = folder.join("pre-push");
        let (name, command) = (self.as_str(), self.write_command());
        let is_theirs = match self {
            Manager::Husky => standing.is_some(),
            Manager::Lefthook => standing.is_some_and(|standing| contains(standing.bytes(), "call_lefthook")),
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
        let ((file, lines), name, command) = (self.call(), self.as_str(), self.write_command());
        let (place, switch) = match self {
            Manager::Husky => ("as its last line", "HUSKY=0"),
            Manager::Lefthook => ("at its end", "LEFTHOOK=0"),
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

/// What the hook managers write into a hook of theirs.
const WRITERS: &[(&str, &str)] = &[
    ("generated by pre-commit", "pre-commit"),
    ("generated by prek", "prek"),
    ("call_lefthook", "lefthook"),
    ("overcommit", "overcommit"),
    ("husky", "husky"),
];

/// The hook manager that wrote a hook, where it is a known one.
pub fn writer_of(hook: &[u8]) -> Option<&'static str> {
    WRITERS.iter().find(|(words, _)| contains(hook, words)).map(|(_, name)| *name)
}

/// Whether a line that is no comment calls the gate.
pub fn calls_the_gate(bytes: &[u8]) -> bool {
    calling_line(bytes).is_some()
}

/// The line that calls the gate, and its number.
pub fn calling_line(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut lines = bytes.split(|byte| *byte == b'\n').zip(1..);
    let found = lines.find(|(line, _)| !line.trim_ascii().starts_with(b"#") && contains(line, CALL));
    found.map(|(line, number)| (number, line.trim_ascii()))
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

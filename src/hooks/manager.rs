//! Hook managers that are known by what they leave in the hooks folder, and what to do about each.
//!
//! Deliberately absent: editing a manager's own files. They belong to the team; the line to add is printed.

use std::fs;
use std::path::{Path, PathBuf};

use super::hook::Hook;
use super::snapshot::{Snapshot, is_runnable};
use crate::error::{Error, Exit, Result};

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

    /// The file of this manager that already calls the gate, if there is one. A *command* of lefthook's that does is none: lefthook
    /// skips it where it finds no file to push, as with a deletion, a tag, or a branch that is not checked out.
    pub fn calling_file(self, folder: &Path, work_tree: Option<&Path>) -> Option<PathBuf> {
        let calls = |file: &PathBuf| fs::read(file).is_ok_and(|bytes| calls_the_gate(Hook::PrePush, &bytes));
        match self {
            Manager::Husky => folder.parent().map(|husky| husky.join("pre-push")).filter(calls),
            Manager::Lefthook => {
                let config = fs::read(self.config(work_tree)?).ok()?;
                work_tree.map(|top| top.join(SCRIPT)).filter(calls).filter(|_| starts_the_script(&config))
            }
        }
    }

    /// The file that it reads first, where that is there.
    pub fn config(self, work_tree: Option<&Path>) -> Option<PathBuf> {
        let names: Vec<String> = match self {
            Manager::Husky => vec![".husky/pre-push".to_owned()],
            Manager::Lefthook => ["lefthook", ".lefthook", ".config/lefthook"]
                .iter()
                .flat_map(|stem| ["yml", "yaml", "json", "toml"].map(|kind| format!("{stem}.{kind}")))
                .collect(),
        };
        names.iter().filter_map(|name| work_tree.map(|top| top.join(name))).find(|file| file.is_file())
    }

    /// Its name as it writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Manager::Husky => "husky",
            Manager::Lefthook => "lefthook",
        }
    }

    /// What makes it call the gate, beside what its files hold already.
    pub fn call(self, work_tree: Option<&Path>) -> Call {
        let standing = self.config(work_tree);
        match self {
            Manager::Husky => Call {
                file: PathBuf::from(".husky/pre-push"),
                place: "as its last line",
                lines: vec!["exec proof-gate hook pre-push \"$@\""],
                script: None,
                is_behind: true,
                is_skipped: false,
            },
            Manager::Lefthook => {
                let text = standing.as_ref().and_then(|file| fs::read(file).ok()).unwrap_or_default();
                let named = standing.as_ref().zip(work_tree).and_then(|(file, top)| file.strip_prefix(top).ok());
                let file = named.unwrap_or(Path::new("lefthook.yml")).to_owned();
                let is_yaml = file.extension().is_some_and(|kind| kind == "yml" || kind == "yaml");
                // A key that stands twice is an error of YAML's, and then every hook fails.
                let names_hook = says(&text).any(|line| contains(line, "pre-push"));
                let place = match (is_yaml, names_hook) {
                    (true, false) => "at its end",
                    (true, true) => "below the 'pre-push:' that it has",
                    (false, _) => "in its own syntax",
                };
                let mut lines = Vec::new();
                if !names_hook && !contains(&text, ASSERT) {
                    lines.push("assert_lefthook_installed: true");
                }
                if !names_hook {
                    lines.push("pre-push:");
                }
                lines.extend(["  scripts:", "    proof-gate:", "      runner: sh", "      use_stdin: true"]);
                let is_skipped = calls_the_gate(Hook::PrePush, &text);
                Call { file, place, lines, script: Some(WRITE_SCRIPT), is_behind: is_yaml && !names_hook, is_skipped }
            }
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

    /// Why nothing was written, and what to add.
    pub fn conflict(self, work_tree: Option<&Path>) -> Error {
        let (call, name, command) = (self.call(work_tree), self.as_str(), self.write_command());
        let switch = match self {
            Manager::Husky => "HUSKY=0",
            Manager::Lefthook => "LEFTHOOK=0",
        };
        let (file, place) = (call.file.display(), call.place);
        let mut error =
            Error::new(format!("cannot install the hook: {name} writes its hooks anew and would take it out"))
                .ending(Exit::Conflict)
                .hint(format!("add to {file}, {place}, what stands below"));
        if call.is_skipped {
            error = error.hint(format!("and take out the command that calls the gate there: {SKIPS}"));
        }
        if let Some(script) = call.script {
            error = error.hint(format!("write the script that it starts, and commit both: {script}"));
        }
        error
            .hint(format!("then let {name} write its hooks: {command}"))
            .hint(format!("then: proof-gate install (with {switch} set, {name} skips every hook, this one too)"))
            .hint("or chain what stands there all the same: proof-gate install --force")
            .copying(call.lines)
    }
}

/// What makes a manager call the gate.
#[derive(Clone, Debug)]
pub struct Call {
    /// The file that it reads, from the top of the work tree on.
    pub file: PathBuf,
    /// Where in it the lines belong, in words.
    pub place: &'static str,
    /// The lines to add.
    pub lines: Vec<&'static str>,
    /// The command for sh, at the top of the work tree, that writes the script which those lines name.
    pub script: Option<&'static str>,
    /// Whether the lines may stand behind whatever the file holds.
    pub is_behind: bool,
    /// Whether the file calls the gate in a way that the manager skips.
    pub is_skipped: bool,
}

/// The script that lefthook starts: unlike a command, whatever is pushed.
const SCRIPT: &str = ".lefthook/pre-push/proof-gate";

const WRITE_SCRIPT: &str = "mkdir -p .lefthook/pre-push && printf '%s\\n' 'exec proof-gate hook pre-push \"$@\"' >.lefthook/pre-push/proof-gate && chmod +x .lefthook/pre-push/proof-gate";

/// With this key, lefthook's hook refuses where there is no lefthook. Without it, the hook says so and lets the push go.
const ASSERT: &str = "assert_lefthook_installed";

/// Why a command of lefthook's is no gate.
pub const SKIPS: &str = "lefthook skips a command where it finds no file to push, as with a deletion or a tag";

/// Whether a configuration of lefthook's names the script, and hands it what git says.
fn starts_the_script(config: &[u8]) -> bool {
    let lines: Vec<&[u8]> = says(config).collect();
    let mut words = ["scripts", "proof-gate", "use_stdin"].into_iter().peekable();
    for line in lines {
        while words.next_if(|word| contains(line, word)).is_some() {}
    }
    words.peek().is_none()
}

/// The lines that are no comments.
fn says(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().starts_with(b"#"))
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

/// Whether a line that is no comment calls the gate as this hook.
pub fn calls_the_gate(hook: Hook, bytes: &[u8]) -> bool {
    calling_line(hook, bytes).is_some()
}

/// The line that calls the gate, and its number.
pub fn calling_line(hook: Hook, bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut lines = bytes.split(|byte| *byte == b'\n').zip(1..);
    let found = lines.find(|(line, _)| !line.trim_ascii().starts_with(b"#") && contains(line, hook.call()));
    found.map(|(line, number)| (number, line.trim_ascii()))
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

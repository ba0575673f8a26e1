//! `config check`, `config show`, `config schema`. Nothing here runs a command of the policy.

use std::path::PathBuf;

use crate::caller::Caller;
use crate::cli;
use crate::error::{Context as _, Error, Exit, Result};
use crate::evidence::{self, Filter};
use crate::git::Repository;
use crate::policy::{self, Policy};
use crate::reporter::{Line, Reporter, Tone};

/// `config`, from the command line.
pub fn run(caller: &Caller, args: &cli::Config, reporter: &Reporter) -> Result<Exit> {
    let read = |file: &Option<PathBuf>| -> Result<(String, Vec<u8>)> {
        let path = match file {
            Some(file) => file.clone(),
            None => {
                let repository = Repository::open(caller)?;
                let top = repository.work_tree().context("cannot find the policy: there is no work tree here")?;
                top.join(policy::FILE)
            }
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = std::fs::read(&path).map_err(|error| {
            let error = Error::new(format!("cannot read {}: {error}", path.display()));
            if file.is_none() { error.hint("'proof-gate init' writes a starter policy") } else { error }
        })?;
        Ok((name, bytes))
    };
    match args {
        cli::Config::Check { file } => {
            let (name, bytes) = read(file)?;
            let notes = check(&name, &bytes)?;
            for note in &notes {
                reporter.say(&Line::new().text("note: ").data(note));
            }
            reporter.say(&Line::new().data(name).text(": ").tone(Tone::Good, "ok"));
        }
        cli::Config::Show { file } => {
            let (name, bytes) = read(file)?;
            let policy = policy::parse(&bytes).map_err(|error| error.into_error(name))?;
            reporter.raw(show(&policy).as_bytes())?;
        }
        cli::Config::Schema => reporter.raw(schema().as_bytes())?,
    }
    Ok(Exit::Allowed)
}

/// Reads a policy file of this name and says what its reader should know: one note each.
pub fn check(name: &str, bytes: &[u8]) -> Result<Vec<String>> {
    let policy = policy::parse(bytes).map_err(|error| error.into_error(name))?;
    usable_commands(&policy)?;
    let mut notes: Vec<String> = policy
        .not_yet()
        .into_iter()
        .map(|missing| format!("not yet: {}: {}; no proof is made", missing.key, missing.why))
        .collect();
    if policy.gate.branches.is_empty() && policy.gate.tags.is_empty() {
        notes.push("[gate] names neither branches nor tags: no push needs a proof by this file".into());
    }
    if !policy.suites.values().any(|suite| suite.default) {
        notes.push("no suite has `default = true`, so every suite is a default one".into());
    }
    if policy.repository.id.is_none() {
        notes.push(
            "[repository] has no id: the smallest root commit stands for it, and a shallow clone cannot tell that"
                .into(),
        );
    }
    Ok(notes)
}

/// Whether every suite's filter can be held against the tests that ran, and no command switches off what the gate asks of its runner.
/// One that does not is refused here and before a proof, because nobody would see that it chose nothing, or what it let through.
pub(super) fn usable_commands(policy: &Policy) -> Result<()> {
    for (name, suite) in &policy.suites {
        if let Err(error) = Filter::of(suite.report.adapter, &suite.run) {
            return Err(Error::new(format!("cannot use suites.{name}.run: {error}"))
                .hint("write the pattern as the runner's documentation has it, or choose the tests by file"));
        }
        if let Some(option) = evidence::undone(suite.report.adapter, &suite.run) {
            return Err(Error::new(format!(
                "cannot use suites.{name}.run: '{option}' switches off what the gate asks of the runner"
            ))
            .hint(format!("take '{option}' out of it")));
        }
    }
    Ok(())
}

/// The policy in effect, every default written out; `policy::parse` reads it as the same policy.
pub fn show(policy: &Policy) -> String {
    policy::to_toml(policy)
}

/// The JSON Schema of the policy file.
pub fn schema() -> String {
    format!("{:#}\n", policy::schema())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_file_is_told_with_its_place_and_a_next_step() {
        let error = check("shop.toml", b"version = 1\n[suites.a]\nrun = ['x']\nreport = 'tap'\npath = ['x']\n")
            .expect_err("it is bad");
        assert_eq!(error.message, "cannot read shop.toml at line 5, column 1: unknown key 'path' in [suites.a]");
        assert_eq!(error.hints, ["did you mean 'paths'?"]);
    }

    #[test]
    fn a_command_that_undoes_what_the_gate_asks_is_refused() {
        let text = b"version = 1\n[suites.a]\nrun = ['npx', 'mocha', '--no-forbid-only']\nreport = 'mocha-json'\n";
        let error = check(policy::FILE, text).expect_err("it hides `.only`");
        assert!(error.message.contains("suites.a.run: '--no-forbid-only' switches off"), "{}", error.message);
        assert_eq!(error.hints, ["take '--no-forbid-only' out of it"]);
    }

    #[test]
    fn what_cannot_be_proven_yet_is_noted() {
        let text = b"version = 1\n[suites.a]\nrun = ['x']\nreport = 'tap'\n[changelog]\nrequire = true\n";
        let notes = check(policy::FILE, text).expect("it is good");
        assert!(notes[0].starts_with("not yet: changelog.require: "), "{notes:?}");
    }

    #[test]
    fn the_schema_is_a_json_document() {
        assert!(serde_json::from_str::<serde_json::Value>(&schema()).is_ok());
    }
}

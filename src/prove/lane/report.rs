//! What a lane's commands run in: the programs that the policy names, what `identity` prints, what is passed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::super::environment::{self, Variables};
use super::super::environment_report::{self, EnvironmentReport, IdentityOutput, Tool};
use super::super::{Cancel, Event, Request, StepKind};
use super::{Lane, Stop, program_of};
use crate::error::{Context as _, Error, Result};
use crate::policy::Argv;

impl Lane<'_> {
    /// Finds every program that the policy names and asks the `identity` commands.
    pub(in super::super) fn report(
        &mut self,
        progress: &mut dyn FnMut(Event),
        cancel: &Cancel,
    ) -> Result<EnvironmentReport, Stop> {
        let Request { repository, caller, proof, suites, .. } = self.request;
        let mut tools = BTreeMap::new();
        let beside = [&proof.identity, &proof.prepare, &proof.reset, &proof.ready, &proof.teardown];
        for argv in beside.into_iter().flatten() {
            self.note_tool(&mut tools, argv, &self.variables)?;
        }
        let mut passed: BTreeSet<&String> = proof.env.pass.iter().collect();
        for suite in *suites {
            let mut variables = self.variables.clone();
            environment::add(&mut variables, caller, &suite.environment)?;
            self.note_tool(&mut tools, &suite.argv, &variables)?;
            passed.extend(&suite.environment.pass);
        }
        let hashed = environment_report::hash(passed.into_iter(), &self.handed, caller, &repository.own_dir())?;
        let mut identity = Vec::new();
        for argv in &proof.identity {
            let log = self.step(StepKind::Identity, argv, proof.timeout, progress, cancel)?;
            identity.push(identity_of(argv, &log)?);
        }
        let tools = tools.into_iter().map(|(name, path)| {
            let version = identity.iter().find(|known: &&IdentityOutput| known.argv.first() == Some(&name));
            Tool { version: version.map(|known| known.first_line.clone()), path, name }
        });
        Ok(EnvironmentReport {
            system: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            tools: tools.collect(),
            identity,
            passed: hashed.passed,
            files: hashed.files,
            secret_id: hashed.secret_id,
        })
    }

    /// A program with a slash is part of the tree, or made by `prepare`: it is no tool and need not be there yet.
    fn note_tool(&self, tools: &mut BTreeMap<String, String>, argv: &Argv, variables: &Variables) -> Result<()> {
        let name = program_of(argv)?;
        if !name.contains('/') && !tools.contains_key(name) {
            let path = self.find(name, variables)?;
            tools.insert(name.to_owned(), path.to_string_lossy().into_owned());
        }
        Ok(())
    }

    /// The file of a program, by the lane's own PATH.
    pub(super) fn find(&self, name: &str, variables: &Variables) -> Result<PathBuf> {
        let path = variables.get(std::ffi::OsStr::new("PATH"));
        which::which_in(name, path, self.workspace.folder()).map_err(|_| {
            if name.contains('/') && self.workspace.folder().join(name).is_file() {
                return Error::new(format!("cannot start '{name}': it is not executable")).hint(format!(
                    "git update-index --chmod=+x '{name}', and commit that; or name its interpreter in front"
                ));
            }
            let path = path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
            Error::new(format!("cannot find the program '{name}'"))
                .hint(format!("install it, or name it in .proofrc.toml by another path; PATH is {path}"))
        })
    }
}

/// What a command printed: its log without the first line, the argv.
fn identity_of(argv: &Argv, log: &Path) -> Result<IdentityOutput> {
    let bytes = fs::read(log).context(format!("cannot read the log {}", log.display()))?;
    let start = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
    let printed = &bytes[start..];
    let first_line = String::from_utf8_lossy(printed.split(|byte| *byte == b'\n').next().unwrap_or_default());
    let first_line = first_line.trim_end().chars().take(200).collect();
    Ok(IdentityOutput { argv: argv.clone(), sha256: environment_report::sha256(printed), first_line })
}

//! The environment a suite ran in, as far as a verdict may depend on it: names and digests, never values.
//!
//! Deliberately absent: gathering it; that is the prover's duty.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Key and environment identity together are a suite's inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentIdentity {
    /// The operating system, as in `linux`.
    pub system: String,
    /// The processor's architecture, as in `x86_64`.
    pub architecture: String,
    /// The programs that were found for the suites.
    pub tools: Vec<Tool>,
    /// What the `[proof] identity` commands printed.
    pub identity: Vec<IdentityOutput>,
    /// Passed environment variables: a keyed hash of each value.
    pub variables: Vec<Keyed>,
    /// Copied files: a keyed hash of each content.
    pub files: Vec<Keyed>,
    /// The id (not the value) of the clone's secret under which the hashes were made.
    pub secret: String,
}

/// A program as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// The name it was looked for by.
    pub name: String,
    /// Where it lies, absolute.
    pub path: String,
    /// Its version where it could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What a command of `[proof] identity` printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityOutput {
    /// The command.
    pub argv: Vec<String>,
    /// The digest of its standard output.
    pub sha256: Digest,
    /// The output's first line, for people.
    pub first_line: String,
}

/// A value that is not shown, only told from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyed {
    /// The variable's or file's name.
    pub name: String,
    /// The hash of its value under the clone's secret.
    pub hash: Digest,
}

/// Whether two environments are the same inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sameness {
    /// Nothing that is known differs.
    Same,
    /// The names of what differs, sorted, at least one.
    Differs(Vec<String>),
}

/// Compares two environments. Hashes made under different secrets cannot be compared and count as equal; their names are compared still.
pub fn same_inputs(a: &EnvironmentIdentity, b: &EnvironmentIdentity) -> Sameness {
    let (one, other) = (a.facts(a.secret == b.secret), b.facts(a.secret == b.secret));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differing: Vec<String> = names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect();
    if differing.is_empty() { Sameness::Same } else { Sameness::Differs(differing) }
}

impl EnvironmentIdentity {
    /// What one suite of a proof had of it: of the tools and variables only those named. Which other suites ran beside it is no
    /// part of its inputs.
    pub fn narrowed(&self, tools: &[String], variables: &[String]) -> Self {
        let mut narrowed = self.clone();
        narrowed.tools.retain(|tool| tools.contains(&tool.name));
        narrowed.variables.retain(|variable| variables.contains(&variable.name));
        narrowed
    }

    /// Everything that tells this environment from another, by a name that people understand.
    fn facts(&self, hashes_count: bool) -> BTreeMap<String, String> {
        let hash = |keyed: &Keyed| if hashes_count { keyed.hash.to_string() } else { String::new() };
        let mut facts = BTreeMap::new();
        facts.insert("system".to_owned(), self.system.clone());
        facts.insert("architecture".to_owned(), self.architecture.clone());
        for tool in &self.tools {
            let version = tool.version.as_deref().unwrap_or_default();
            facts.insert(format!("tool {}", tool.name), format!("{}\0{version}", tool.path));
        }
        for output in &self.identity {
            facts.insert(format!("output of {}", output.argv.join(" ")), output.sha256.to_string());
        }
        facts.extend(self.variables.iter().map(|keyed| (format!("variable {}", keyed.name), hash(keyed))));
        facts.extend(self.files.iter().map(|keyed| (format!("file {}", keyed.name), hash(keyed))));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::super::sandbox::environment;
    use super::*;

    fn differing(a: &EnvironmentIdentity, b: &EnvironmentIdentity) -> Vec<String> {
        assert_eq!(same_inputs(a, b), same_inputs(b, a), "the order of comparison says nothing");
        match same_inputs(a, b) {
            Sameness::Same => Vec::new(),
            Sameness::Differs(names) => names,
        }
    }

    #[test]
    fn what_another_suite_of_the_proof_needs_makes_no_difference() {
        let alone = environment(1);
        let mut beside = environment(1);
        beside.tools.push(Tool { name: "playwright".into(), path: "/usr/bin/playwright".into(), version: None });
        beside.variables.push(Keyed { name: "E2E_URL".into(), hash: Digest::of(b"url") });
        assert_eq!(differing(&alone, &beside), ["tool playwright", "variable E2E_URL"]);
        let tools: Vec<String> = alone.tools.iter().map(|tool| tool.name.clone()).collect();
        let narrowed = beside.narrowed(&tools, &["DATABASE_URL".to_owned()]);
        assert_eq!(differing(&alone, &narrowed), [""; 0]);
    }

    #[test]
    fn what_differs_is_named() {
        let a = environment(1);
        let mut b = environment(1);
        assert_eq!(differing(&a, &b), [""; 0]);
        b.architecture = "aarch64".to_owned();
        b.tools[0].version = None;
        b.identity[0].sha256 = Digest::of(b"other");
        b.variables[0].hash = Digest::of(b"other");
        b.files.clear();
        assert_eq!(
            differing(&a, &b),
            ["architecture", "file .env.test", "output of node --version", "tool node", "variable DATABASE_URL"]
        );
    }

    #[test]
    fn values_hashed_under_another_secret_count_as_equal_but_their_names_do_not() {
        let a = environment(1);
        let mut b = environment(1);
        b.secret = "another".to_owned();
        b.variables[0].hash = Digest::of(b"other");
        assert_eq!(differing(&a, &b), [""; 0]);
        b.variables[0].name = "OTHER".to_owned();
        assert_eq!(differing(&a, &b), ["variable DATABASE_URL", "variable OTHER"]);
    }
}

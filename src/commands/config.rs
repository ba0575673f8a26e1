//! `config check`, `config show`, `config schema`. Nothing here runs a command of the policy or prints.

use crate::error::Result;
use crate::policy::{self, Policy};

/// Reads a policy file and says what its reader should know: one note each.
pub fn check(bytes: &[u8]) -> Result<Vec<String>> {
    let policy = policy::parse(bytes).map_err(|error| error.into_error(policy::FILE))?;
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
        let error =
            check(b"version = 1\n[suites.a]\nrun = ['x']\nreport = 'tap'\npath = ['x']\n").expect_err("it is bad");
        assert_eq!(error.message, "cannot read .proofrc.toml at line 5, column 1: unknown key 'path' in [suites.a]");
        assert_eq!(error.hints, ["did you mean 'paths'?"]);
    }

    #[test]
    fn what_cannot_be_proven_yet_is_noted() {
        let notes = check(b"version = 1\n[suites.a]\nrun = ['x']\nreport = 'tap'\n").expect("it is good");
        assert!(notes[0].starts_with("not yet: suites.a.report: "), "{notes:?}");
    }

    #[test]
    fn the_schema_is_a_json_document() {
        assert!(serde_json::from_str::<serde_json::Value>(&schema()).is_ok());
    }
}

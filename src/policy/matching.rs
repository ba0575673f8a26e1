//! What a policy says about a ref, a path or an id.
//!
//! Which paths changed is `select`'s finding; here a path meets the globs, nothing more.

use std::fmt;
use std::sync::OnceLock;

use bstr::{BStr, ByteSlice};
use serde::{Deserialize, Serialize};

use super::globs::{Globs, Syntax};
use super::types::{Gate, Policy};

/// What a change is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Whatever is nothing else.
    #[default]
    Code,
    /// Configuration.
    Config,
    /// A migration.
    Schema,
    /// A business policy.
    Policy,
}

impl ChangeKind {
    /// `code`, `config`, `schema` or `policy`.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Code => "code",
            ChangeKind::Config => "config",
            ChangeKind::Schema => "schema",
            ChangeKind::Policy => "policy",
        }
    }
}

/// A suite that a change calls for, and the pattern that says so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// The suite's name.
    pub suite: String,
    /// The glob or id pattern as the policy file has it.
    pub glob: String,
}

/// A policy's globs in compiled form. Empty until first asked, no part of the policy's value.
#[derive(Default)]
pub struct Compiled(OnceLock<Matchers>);

impl Clone for Compiled {
    fn clone(&self) -> Self {
        Compiled::default()
    }
}

impl PartialEq for Compiled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}

struct Matchers {
    branches: Globs<()>,
    tags: Globs<()>,
    delete: Globs<Allowance>,
    moves: Globs<Allowance>,
    kinds: Globs<ChangeKind>,
    paths: Globs<Claim>,
    sources: Globs<Claim>,
    config: Globs<Claim>,
    schema: Globs<Claim>,
    policy: Globs<Claim>,
}

/// How a pattern of an allow list names refs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Allowance {
    FullName,
    ShortName,
}

impl Matchers {
    fn new(policy: &Policy) -> Self {
        let Gate { branches, tags, allow_delete, allow_move, .. } = &policy.gate;
        let refs = |globs: &[String]| Globs::new(globs.iter().map(|glob| ((), glob.clone())), Syntax::Ref);
        let allowances = |globs: &[String]| {
            let name = |glob: &String| match glob.starts_with("refs/") {
                true => Allowance::FullName,
                false => Allowance::ShortName,
            };
            Globs::new(globs.iter().map(|glob| (name(glob), glob.clone())), Syntax::ExactRef)
        };
        let claims = |of: fn(&super::Suite) -> &[String], syntax| {
            let entries = policy.suites.iter().flat_map(move |(name, suite)| {
                let claim = |glob: &String| (Claim { suite: name.clone(), glob: glob.clone() }, glob.clone());
                of(suite).iter().map(claim).collect::<Vec<_>>()
            });
            Globs::new(entries, syntax)
        };
        let kind =
            |kind: ChangeKind, globs: &[String]| globs.iter().map(|glob| (kind, glob.clone())).collect::<Vec<_>>();
        let kinds = [
            kind(ChangeKind::Schema, &policy.kinds.schema),
            kind(ChangeKind::Policy, &policy.kinds.policy),
            kind(ChangeKind::Config, &policy.kinds.config),
        ];
        Matchers {
            branches: refs(branches),
            tags: refs(tags),
            delete: allowances(allow_delete),
            moves: allowances(allow_move),
            kinds: Globs::new(kinds.concat(), Syntax::Path),
            paths: claims(|suite| &suite.paths, Syntax::Path),
            sources: claims(|suite| &suite.sources, Syntax::Path),
            config: claims(|suite| &suite.config, Syntax::Id),
            schema: claims(|suite| &suite.schema, Syntax::Id),
            policy: claims(|suite| &suite.policy, Syntax::Id),
        }
    }

    fn ids(&self, kind: ChangeKind) -> Option<&Globs<Claim>> {
        match kind {
            ChangeKind::Code => None,
            ChangeKind::Config => Some(&self.config),
            ChangeKind::Schema => Some(&self.schema),
            ChangeKind::Policy => Some(&self.policy),
        }
    }
}

impl Policy {
    fn matchers(&self) -> &Matchers {
        self.compiled.0.get_or_init(|| Matchers::new(self))
    }

    /// Whether a ref, given by its full name, needs a proof. Only branches and tags can.
    pub fn gates(&self, ref_name: &BStr) -> bool {
        if let Some(branch) = ref_name.strip_prefix(b"refs/heads/") {
            self.matchers().branches.is_match(branch.as_bstr())
        } else if let Some(tag) = ref_name.strip_prefix(b"refs/tags/") {
            self.matchers().tags.is_match(tag.as_bstr())
        } else {
            false
        }
    }

    /// Whether a gated ref may be deleted.
    pub fn allows_delete(&self, ref_name: &BStr) -> bool {
        allows(&self.matchers().delete, ref_name)
    }

    /// Whether a gated tag may be moved.
    pub fn allows_move(&self, ref_name: &BStr) -> bool {
        allows(&self.matchers().moves, ref_name)
    }

    /// What a changed path is. Where `[kinds]` names it more than once: schema before policy before config.
    pub fn kind_of(&self, path: &BStr) -> ChangeKind {
        self.matchers().kinds.matches(path).first().copied().copied().unwrap_or_default()
    }

    /// The suites that a changed path calls for: by `paths`, and by the id patterns of every kind that `[kinds]` gives
    /// the path (`policy = ["*"]` is every policy change), matched with the whole path and with the file's name.
    pub fn claims(&self, path: &BStr) -> Vec<Claim> {
        let matchers = self.matchers();
        let mut claims: Vec<Claim> = matchers.paths.matches(path).into_iter().cloned().collect();
        let name = path.rsplit_once_str("/").map_or(path, |(_, name)| name.as_bstr());
        for kind in matchers.kinds.matches(path) {
            if let Some(ids) = matchers.ids(*kind) {
                claims.extend(ids.matches(path).into_iter().chain(ids.matches(name)).cloned());
            }
        }
        claims.sort();
        claims.dedup();
        claims
    }

    /// The suites in whose sources a path is searched for focused tests, each once for every glob that matches.
    pub fn sources_of(&self, path: &BStr) -> Vec<&Claim> {
        self.matchers().sources.matches(path)
    }

    /// The suites that a change known by its id alone calls for.
    pub fn claims_id(&self, kind: ChangeKind, id: &str) -> Vec<Claim> {
        let ids = self.matchers().ids(kind);
        ids.map(|ids| ids.matches(id.into()).into_iter().cloned().collect()).unwrap_or_default()
    }

    /// The suites that tags and unclaimed changes owe: those with `default = true`, all where none has it.
    pub fn default_suites(&self) -> Vec<&str> {
        let named = |default: bool| self.suites.iter().filter(move |(_, suite)| !default || suite.default);
        let mut names: Vec<&str> = named(true).map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            names = named(false).map(|(name, _)| name.as_str()).collect();
        }
        names
    }
}

fn allows(globs: &Globs<Allowance>, ref_name: &BStr) -> bool {
    let short = ref_name.strip_prefix(b"refs/heads/").or_else(|| ref_name.strip_prefix(b"refs/tags/"));
    globs.matches(ref_name).contains(&&Allowance::FullName)
        || short.is_some_and(|short| globs.matches(short.as_bstr()).contains(&&Allowance::ShortName))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse;

    const POLICY: &str = r#"
        version = 1
        [gate]
        branches = ["main", "release/*"]
        tags = ["v*"]
        allow_delete = ["release/old-*", "refs/tags/v0.*"]
        allow_move = ["v0.nightly"]
        [kinds]
        schema = ["migrations/**"]
        config = ["config/**", "migrations/settings.toml"]
        policy = ["policies/**"]
        [suites.full]
        run = ["true"]
        report = "exit-code"
        default = true
        [suites.payment]
        run = ["true"]
        report = "exit-code"
        paths = ["src/payments/**", "migrations/*payment*"]
        config = ["STRIPE_*"]
        [suites.guardrail]
        run = ["true"]
        report = "exit-code"
        policy = ["*"]
    "#;

    fn policy() -> Policy {
        parse(POLICY.as_bytes()).expect("the policy is good")
    }

    fn suites(claims: Vec<Claim>) -> Vec<String> {
        claims.into_iter().map(|claim| claim.suite).collect()
    }

    #[test]
    fn a_ref_is_gated_by_its_full_name_whatever_its_case() {
        for (name, gated) in [
            ("refs/heads/main", true),
            ("refs/heads/MAIN", true),
            ("refs/heads/release/1.2", true),
            ("refs/heads/release/1.2/hotfix", true),
            ("refs/heads/feature/main", false),
            ("refs/heads/v1", false),
            ("refs/tags/v1.0", true),
            ("refs/tags/main", false),
            ("refs/proof/log/main", false),
            ("main", false),
        ] {
            assert_eq!(policy().gates(name.into()), gated, "{name}");
        }
    }

    #[test]
    fn deleting_and_moving_need_the_exact_name() {
        for (name, delete, moves) in [
            ("refs/heads/release/old-1", true, false),
            ("refs/heads/release/OLD-1", false, false),
            ("refs/tags/v0.1", true, false),
            ("refs/heads/v0.1", false, false),
            ("refs/tags/v0.nightly", true, true),
            ("refs/heads/main", false, false),
        ] {
            assert_eq!(policy().allows_delete(name.into()), delete, "delete {name}");
            assert_eq!(policy().allows_move(name.into()), moves, "move {name}");
        }
    }

    #[test]
    fn a_path_has_the_kind_that_matters_most() {
        for (path, kind) in [
            ("migrations/settings.toml", ChangeKind::Schema),
            ("config/app.json", ChangeKind::Config),
            ("policies/refunds.md", ChangeKind::Policy),
            ("src/a.js", ChangeKind::Code),
        ] {
            assert_eq!(policy().kind_of(path.into()), kind, "{path}");
        }
    }

    #[test]
    fn a_path_calls_for_suites_by_glob_and_by_the_patterns_of_its_kind() {
        assert_eq!(suites(policy().claims("src/payments/card.js".into())), ["payment"]);
        assert_eq!(suites(policy().claims("policies/refunds.md".into())), ["guardrail"]);
        assert_eq!(suites(policy().claims("config/STRIPE_KEY".into())), ["payment"]);
        assert!(policy().claims("README.md".into()).is_empty());
    }

    #[test]
    fn an_id_calls_for_suites_of_its_kind_only() {
        assert_eq!(suites(policy().claims_id(ChangeKind::Config, "STRIPE_KEY")), ["payment"]);
        assert!(policy().claims_id(ChangeKind::Code, "STRIPE_KEY").is_empty());
        assert_eq!(suites(policy().claims_id(ChangeKind::Policy, "refunds/2024")), ["guardrail"]);
    }

    #[test]
    fn without_a_default_suite_all_are() {
        let text = POLICY.replace("default = true", "");
        assert_eq!(policy().default_suites(), ["full"]);
        assert_eq!(parse(text.as_bytes()).unwrap().default_suites(), ["full", "guardrail", "payment"]);
    }

    #[test]
    fn a_hundred_thousand_paths_are_matched_in_moments() {
        let policy = policy();
        let started = std::time::Instant::now();
        let claimed =
            (0..100_000).filter(|n| !policy.claims(format!("src/area{n}/file.js").as_str().into()).is_empty());
        assert_eq!(claimed.count(), 0);
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}

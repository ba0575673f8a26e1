//! One edit per key and direction: what it amounts to, and whether it asks for new proofs.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::keys::{KEYS, Kind};
use super::super::{Policy, parse};
use super::*;

const BASE: &str = r#"
version = 1
[repository]
id = "b1946ac92492d234"
[gate]
branches = ["main", "release/*"]
tags = ["v*"]
max_age = "90d"
min_rules = 2
allow_delete = ["old"]
allow_move = ["nightly"]
[proof]
prepare = [["pnpm", "install"]]
jobs = 2
env = { pass = ["DATABASE_URL"], set = { NODE_ENV = "test" } }
require_terminal = true
[kinds]
schema = ["migrations/**"]
config = ["config/**"]
policy = ["policies/**"]
[suites.full]
run = ["pnpm", "run", "test"]
report = "mocha-json"
default = true
[suites.payment]
run = ["pnpm", "run", "test", "--grep", "payment"]
report = { adapter = "junit-xml", flavor = "pytest" }
paths = ["src/payments/**"]
config = ["STRIPE_*"]
schema = ["*payment*"]
min_tests = 5
timeout = "10m"
exclusive = true
allow_skipped = [{ test = "a", reason = "x" }]
allow_leftover = [{ program = "a", reason = "x" }]
artifacts = [{ paths = "a.log", at_least = 2, require = ["ok"], forbid = ["ERROR"], baseline = "screens" }]
env = { pass = ["PORT"], set = { LEVEL = "1" } }
sources = ["test/**"]
[warnings]
fail = ["slow"]
allow = [{ pattern = "a", reason = "x" }]
[changelog]
path = "OPERATIONS_CHANGELOG.md"
[records]
sign = "auto"
share = "try"
[evidence]
keep = "180d"
[monitor]
for = "15m"
every = "30s"
checks = [["curl", "a"], ["curl", "b"]]
"#;

/// Key, text, the text in its place, whether the edit is stronger, whether undoing it is stronger.
const EDITS: &[(&str, &str, &str, bool, bool)] = &[
    ("repository.id", "b1946ac92492d234", "0000000000000000", false, false),
    ("gate.branches", "\"main\", ", "\"main\", \"next\", ", true, false),
    ("gate.tags", "[\"v*\"]", "[\"v*\", \"rc*\"]", true, false),
    ("gate.on_missing", "[gate]", "[gate]\non_missing = \"refuse\"", true, true),
    ("gate.hold", "[gate]", "[gate]\nhold = \"10m\"", true, true),
    ("gate.max_age", "\"90d\"", "\"30d\"", true, false),
    ("gate.max_age", "max_age = \"90d\"", "", false, true),
    ("gate.since", "[gate]", "[gate]\nsince = \"3f2a91c0000000000000000000000000000000aa\"", false, true),
    ("gate.min_rules", "min_rules = 2", "min_rules = 3", true, false),
    ("gate.min_rules", "min_rules = 2", "", false, true),
    ("gate.allow_delete", "[\"old\"]", "[\"old\", \"older\"]", false, true),
    ("gate.allow_move", "[\"nightly\"]", "[]", true, false),
    ("proof.prepare", "[[\"pnpm\", \"install\"]]", "[]", false, false),
    ("proof.reset", "jobs = 2", "jobs = 1\nreset = [[\"x\"]]", false, false),
    ("proof.ready", "[proof]", "[proof]\nready = [[\"x\"]]", false, false),
    ("proof.teardown", "[proof]", "[proof]\nteardown = [[\"x\"]]", false, false),
    ("proof.identity", "[proof]", "[proof]\nidentity = [[\"x\"]]", false, false),
    ("proof.jobs", "jobs = 2", "jobs = 3", false, true),
    ("proof.timeout", "[proof]", "[proof]\ntimeout = \"20m\"", false, true),
    ("proof.env.pass", "[\"DATABASE_URL\"]", "[\"DATABASE_URL\", \"X\"]", false, false),
    ("proof.env.set", "NODE_ENV = \"test\"", "NODE_ENV = \"dev\"", false, false),
    ("proof.home", "[proof]", "[proof]\nhome = [\".npmrc\"]", false, false),
    ("proof.copy", "[proof]", "[proof]\ncopy = [\".env\"]", false, false),
    ("proof.caches", "[proof]", "[proof]\ncaches = \"fresh\"", true, false),
    ("proof.git", "[proof]", "[proof]\ngit = \"history\"", false, false),
    ("proof.filters", "[proof]", "[proof]\nfilters = [\"lfs\"]", false, false),
    ("proof.workspace", "[proof]", "[proof]\nworkspace = \"reuse\"", false, true),
    ("proof.target", "[proof]", "[proof]\ntarget = \"staging\"", false, false),
    ("proof.require_terminal", "require_terminal = true", "require_terminal = false", false, true),
    ("kinds.schema", "[\"migrations/**\"]", "[\"migrations/**\", \"db/**\"]", false, false),
    ("kinds.config", "[\"config/**\"]", "[]", false, false),
    ("kinds.policy", "[\"policies/**\"]", "[\"policies/**\", \"rules/**\"]", true, false),
    ("suites", "[warnings]", "[suites.more]\nrun = [\"x\"]\nreport = \"tap\"\n[warnings]", true, false),
    (
        "suites",
        "[warnings]",
        "[suites.more]\nrun = [\"true\"]\nreport = \"tap\"\npaths = [\"**\"]\n[warnings]",
        false,
        false,
    ),
    ("suites.*.run", "\"--grep\", \"payment\"", "\"--grep\", \"payments\"", false, false),
    ("suites.*.paths", "[\"src/payments/**\"]", "[\"src/payments/**\", \"lib/**\"]", false, false),
    ("suites.*.config", "[\"STRIPE_*\"]", "[]", false, false),
    ("suites.*.schema", "[\"*payment*\"]", "[\"*payment*\", \"*\"]", false, false),
    ("suites.*.policy", "sources =", "policy = [\"*\"]\nsources =", false, false),
    ("suites.*.default", "sources =", "default = true\nsources =", true, false),
    ("suites.*.default", "default = true", "default = false", true, false),
    ("suites.*.report", "report = \"mocha-json\"", "report = \"tap\"", false, false),
    ("suites.*.report.adapter", "report = \"mocha-json\"", "report = \"jest-json\"", false, false),
    ("suites.*.report.flavor", "flavor = \"pytest\"", "flavor = \"surefire\"", false, false),
    ("suites.*.flaky", "sources =", "flaky = \"unobservable\"\nsources =", false, true),
    ("suites.*.min_tests", "min_tests = 5", "min_tests = 6", true, false),
    ("suites.*.allow_skipped", "allow_skipped = [{ test = \"a\", reason = \"x\" }]", "", true, false),
    ("suites.*.allow_skipped.test", "{ test = \"a\"", "{ test = \"b\"", false, false),
    ("suites.*.allow_skipped.reason", "test = \"a\", reason = \"x\"", "test = \"a\", reason = \"y\"", true, true),
    ("suites.*.allow_leftover", "allow_leftover = [{ program = \"a\", reason = \"x\" }]", "", true, false),
    ("suites.*.allow_leftover.program", "{ program = \"a\"", "{ program = \".\"", false, false),
    (
        "suites.*.allow_leftover.reason",
        "program = \"a\", reason = \"x\"",
        "program = \"a\", reason = \"y\"",
        true,
        true,
    ),
    ("suites.*.timeout", "timeout = \"10m\"", "timeout = \"12m\"", false, true),
    ("suites.*.timeout", "timeout = \"10m\"", "", false, true),
    ("suites.*.exclusive", "exclusive = true", "exclusive = false", false, true),
    ("suites.*.artifacts", "artifacts = [", "artifacts = [{ paths = \"b.log\" }, ", true, false),
    ("suites.*.artifacts.paths", "a.log", "b.log", false, false),
    ("suites.*.artifacts.at_least", "at_least = 2", "at_least = 3", true, false),
    ("suites.*.artifacts.require", "require = [\"ok\"]", "require = []", false, true),
    ("suites.*.artifacts.forbid", "forbid = [\"ERROR\"]", "forbid = [\"ERROR\", \"WARN\"]", true, false),
    ("suites.*.artifacts.baseline", "\"screens\"", "\"other\"", false, false),
    ("suites.*.env.pass", "[\"PORT\"]", "[]", false, false),
    ("suites.*.env.set", "LEVEL = \"1\"", "LEVEL = \"2\"", false, false),
    ("suites.*.sources", "[\"test/**\"]", "[\"test/**\", \"src/**\"]", true, false),
    ("warnings.fail", "[\"slow\"]", "[\"slow\", \"slower\"]", true, false),
    (
        "warnings.allow",
        "[warnings]\nfail = [\"slow\"]\nallow = [",
        "[warnings]\nfail = [\"slow\"]\nallow = [{ pattern = \"b\", reason = \"x\" }, ",
        false,
        true,
    ),
    ("warnings.allow.pattern", "{ pattern = \"a\"", "{ pattern = \".\"", false, false),
    ("warnings.allow.reason", "pattern = \"a\", reason = \"x\"", "pattern = \"a\", reason = \"y\"", true, true),
    ("changelog.path", "OPERATIONS_CHANGELOG.md", "docs/OPERATIONS.md", false, false),
    ("changelog.require", "[changelog]", "[changelog]\nrequire = true", true, false),
    ("records.sign", "sign = \"auto\"", "sign = \"required\"", true, false),
    ("records.sign", "sign = \"auto\"", "sign = \"never\"", false, true),
    ("records.share", "share = \"try\"", "share = \"required\"", true, false),
    ("evidence.keep", "keep = \"180d\"", "keep = \"10d\"", false, true),
    ("evidence.folder", "[evidence]", "[evidence]\nfolder = \"proofs\"", false, false),
    ("monitor.for", "for = \"15m\"", "for = \"5m\"", false, true),
    ("monitor.every", "every = \"30s\"", "every = \"10s\"", true, false),
    ("monitor.checks", ", [\"curl\", \"b\"]", "", false, true),
];

fn read(text: &str) -> Policy {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn edited(from: &str, to: &str) -> Policy {
    assert!(BASE.contains(from), "'{from}' is in the base");
    read(&BASE.replacen(from, to, 1))
}

#[test]
fn every_edit_is_judged_by_the_rule_of_its_key() {
    let base = read(BASE);
    for (key, from, to, stronger, undone) in EDITS {
        let edited = edited(from, to);
        assert_eq!(compare(&base, &edited) == Comparison::Stronger, *stronger, "{key}: {from} → {to}");
        assert_eq!(compare(&edited, &base) == Comparison::Stronger, *undone, "{key}: {to} → {from}");
        assert_ne!(compare(&base, &edited), Comparison::Same, "{key}: {from} → {to}");
    }
}

#[test]
fn a_weaker_policy_names_the_key() {
    let weaker = compare(&read(BASE), &edited("\"--grep\", \"payment\"", "\"--grep\", \"nothing\""));
    let why = Weakening { key: "suites.payment.run".into(), why: "was changed".into() };
    assert_eq!(weaker, Comparison::Weaker(vec![why]));
}

#[test]
fn every_key_has_an_edit_that_shows_its_rule() {
    for key in KEYS.iter().filter(|key| !matches!(key.kind, Kind::Table) && key.name != "version") {
        assert!(EDITS.iter().any(|(name, ..)| *name == key.name), "{}", key.name);
    }
}

#[test]
fn a_proof_counts_no_more_exactly_where_the_table_of_keys_says_so() {
    let definitions = |policy: &Policy| ["full", "payment"].map(|suite| policy.definition(suite));
    let base = definitions(&read(BASE));
    for (key, from, to, ..) in EDITS {
        let proven = KEYS.iter().find(|known| known.name == *key).expect("the key is known").proven;
        assert_eq!(definitions(&edited(from, to)) != base, proven, "{key}: {from} → {to}");
    }
}

#[test]
fn a_definition_is_sorted_and_says_its_format_first() {
    let definition = read(BASE).definition("payment").expect("the suite is there");
    let text = String::from_utf8(definition).expect("JSON is UTF-8");
    assert!(text.starts_with("{\"@format\":1,\"allow_leftover\":"), "{text}");
    assert!(
        text.contains("\"env\":{\"pass\":[\"DATABASE_URL\",\"PORT\"],\"set\":{\"LEVEL\":\"1\",\"NODE_ENV\":\"test\"}}")
    );
    assert_eq!(read(BASE).definition("nobody"), None);
}

#[test]
fn a_suite_that_runs_nothing_cannot_take_changes_from_the_default_suites_unseen() {
    let trap = "[suites.trap]\nrun = [\"true\"]\nreport = \"exit-code\"\npaths = [\"src/**\"]\n[warnings]";
    assert!(matches!(compare(&read(BASE), &edited("[warnings]", trap)), Comparison::Weaker(_)));
    let shared = trap.replace("src/**", "src/payments/**");
    assert_eq!(compare(&read(BASE), &edited("[warnings]", &shared)), Comparison::Stronger);
}

/// What a changed path owes.
fn owed(policy: &Policy, path: &str) -> BTreeSet<String> {
    let claims: BTreeSet<String> = policy.claims(path.into()).into_iter().map(|claim| claim.suite).collect();
    if !claims.is_empty() {
        return claims;
    }
    policy.default_suites().into_iter().map(str::to_owned).collect()
}

fn globs() -> impl Strategy<Value = Vec<String>> {
    let glob = prop::sample::select(vec!["a", "a/b", "*.x", "a/**", "**", "c/*", "b/"]);
    prop::collection::vec(glob.prop_map(str::to_owned), 0..3)
}

type Parts = (BTreeMap<String, (Vec<String>, Vec<String>, bool)>, Vec<String>, Vec<String>);

fn parts() -> impl Strategy<Value = Parts> {
    let suite = (globs(), globs(), any::<bool>());
    (prop::collection::btree_map("[abc]", suite, 1..3), globs(), globs())
}

fn policy_of((suites, branches, kinds): &Parts) -> Policy {
    let mut text = format!("version = 1\n[gate]\nbranches = {branches:?}\n[kinds]\npolicy = {kinds:?}\n");
    for (name, (paths, ids, default)) in suites {
        text += &format!("[suites.{name}]\nrun = ['x']\nreport = 'tap'\npaths = {paths:?}\n");
        text += &format!("policy = {ids:?}\ndefault = {default}\n");
    }
    read(&text)
}

/// The first with all that the second has beside: what somebody who only adds would write.
fn joined(old: &Parts, more: &Parts) -> Parts {
    let mut joined = old.clone();
    joined.1.extend(more.1.clone());
    joined.2.extend(more.2.clone());
    for (name, (paths, ids, default)) in &more.0 {
        let suite = joined.0.entry(name.clone()).or_default();
        suite.0.extend(paths.clone());
        suite.1.extend(ids.clone());
        suite.2 |= default;
    }
    joined
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_stronger_policy_gates_claims_and_owes_at_least_as_much(
        old in parts(),
        more in parts(),
        path in "[abc](/[abc]){0,2}(\\.x)?",
    ) {
        let (old, new) = (policy_of(&old), policy_of(&joined(&old, &more)));
        prop_assert_eq!(compare(&old, &old.clone()), Comparison::Same);
        if compare(&old, &new) == Comparison::Stronger {
            let branch = format!("refs/heads/{path}");
            prop_assert!(!old.gates(branch.as_str().into()) || new.gates(branch.as_str().into()));
            let claims = new.claims(path.as_str().into());
            prop_assert!(old.claims(path.as_str().into()).iter().all(|claim| claims.contains(claim)));
            prop_assert!(owed(&old, &path).is_subset(&owed(&new, &path)), "{}", path);
            if old.gate.branches.iter().collect::<BTreeSet<_>>() != new.gate.branches.iter().collect() {
                prop_assert!(matches!(compare(&new, &old), Comparison::Weaker(_)), "what was added is taken out again");
            }
        }
    }
}

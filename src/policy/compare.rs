//! Whether one policy lets more through than another.
//!
//! Every struct is taken apart in full, so that a new key does not compile before it has its rule. In doubt a change is
//! weaker: that asks a person, it forbids nothing. The rules in words are the column "stronger" of the table of keys.

use std::collections::BTreeSet;
use std::time::Duration;

use super::types::{
    Artifact, Caches, Changelog, EvidenceSection, Gate, Kinds, Monitor, OnMissing, Policy, Proof, Records,
    RepositorySection, Share, Sign, Suite, Warnings, WorkspaceMode,
};
use super::values::time_text;

/// What a change of the policy amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// No value differs.
    Same,
    /// It only adds to what is owed, tightens a limit, or changes what can let nothing through. Nothing more is asked.
    Stronger,
    /// At least one change may let something through. Asks for an approval.
    Weaker(Vec<Weakening>),
}

/// One change that may let something through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakening {
    /// The key as the file has it.
    pub key: String,
    /// What changed, a fragment.
    pub why: String,
}

/// Compares the policy that stood with the one that would take its place.
pub fn compare(old: &Policy, new: &Policy) -> Comparison {
    if old == new {
        return Comparison::Same;
    }
    let mut rules = Rules::default();
    policy(old, new, &mut rules);
    match rules.broken.is_empty() {
        true => Comparison::Stronger,
        false => Comparison::Weaker(rules.broken),
    }
}

/// The rules that keys share, and what broke them.
#[derive(Default)]
struct Rules {
    broken: Vec<Weakening>,
}

impl Rules {
    fn weaker(&mut self, key: impl Into<String>, why: impl Into<String>) {
        self.broken.push(Weakening { key: key.into(), why: why.into() });
    }

    /// Any change is weaker.
    fn never<T: PartialEq>(&mut self, key: &str, old: &T, new: &T) {
        if old != new {
            self.weaker(key, "was changed");
        }
    }

    /// Either way nothing gets through that did not before.
    fn always<T>(&mut self, _key: &str, _old: &T, _new: &T) {}

    /// Less is weaker, in an order from lax to strict.
    fn rises<T: PartialOrd>(&mut self, key: &str, old: T, new: T, why: &str) {
        // Not `new < old`: what cannot be compared has not risen.
        if !matches!(new.partial_cmp(&old), Some(std::cmp::Ordering::Equal | std::cmp::Ordering::Greater)) {
            self.weaker(key, why);
        }
    }

    fn shorter(&mut self, key: &str, old: Duration, new: Duration) {
        if new > old {
            self.weaker(key, format!("was raised from {} to {}", time_text(old), time_text(new)));
        }
    }

    fn longer(&mut self, key: &str, old: Duration, new: Duration) {
        if new < old {
            self.weaker(key, format!("was cut from {} to {}", time_text(old), time_text(new)));
        }
    }

    /// Values may be added and put in another order.
    fn added<T: Ord>(&mut self, key: &str, old: &[T], new: &[T], show: impl Fn(&T) -> String) {
        for value in missing(old, new) {
            self.weaker(key, format!("lost {}", show(value)));
        }
    }

    /// Values may be taken out and put in another order.
    fn removed<T: Ord>(&mut self, key: &str, old: &[T], new: &[T], show: impl Fn(&T) -> String) {
        for value in missing(new, old) {
            self.weaker(key, format!("gained {}", show(value)));
        }
    }
}

/// The values of the first list that the second has not.
fn missing<'a, T: Ord>(of: &'a [T], from: &[T]) -> impl Iterator<Item = &'a T> {
    let there: BTreeSet<&T> = from.iter().collect();
    let missing: Vec<&T> = of.iter().filter(|value| !there.contains(value)).collect();
    missing.into_iter()
}

fn quoted(text: &impl std::fmt::Display) -> String {
    format!("'{text}'")
}

fn policy(old: &Policy, new: &Policy, rules: &mut Rules) {
    let Policy {
        version,
        repository: RepositorySection { id },
        gate: old_gate,
        proof: old_proof,
        kinds: old_kinds,
        suites: _,
        warnings: Warnings { fail, allow },
        changelog: Changelog { path, require },
        records: Records { sign, share },
        evidence: EvidenceSection { keep, folder },
        monitor: old_monitor,
        compiled: _,
    } = old;
    rules.never("version", version, &new.version);
    rules.never("repository.id", id, &new.repository.id);
    gate(old_gate, &new.gate, rules);
    proof(old_proof, &new.proof, rules);
    kinds(old_kinds, new, rules);
    suites(old, new, rules);
    rules.added("warnings.fail", fail, &new.warnings.fail, quoted);
    let allowed: Vec<&String> = allow.iter().map(|allow| &allow.pattern).collect();
    let allows: Vec<&String> = new.warnings.allow.iter().map(|allow| &allow.pattern).collect();
    rules.removed("warnings.allow", &allowed, &allows, quoted);
    rules.never("changelog.path", path, &new.changelog.path);
    rules.rises("changelog.require", *require, new.changelog.require, "became false");
    rules.rises("records.sign", sign_rank(*sign), sign_rank(new.records.sign), "asks for fewer signatures");
    rules.rises("records.share", share_rank(*share), share_rank(new.records.share), "shares less");
    rules.longer("evidence.keep", *keep, new.evidence.keep);
    rules.never("evidence.folder", folder, &new.evidence.folder);
    monitor(old_monitor.as_ref(), new.monitor.as_ref(), rules);
}

fn sign_rank(sign: Sign) -> u8 {
    match sign {
        Sign::Never => 0,
        Sign::Auto => 1,
        Sign::Required => 2,
    }
}

fn share_rank(share: Share) -> u8 {
    match share {
        Share::Never => 0,
        Share::Try => 1,
        Share::Required => 2,
    }
}

fn gate(old: &Gate, new: &Gate, rules: &mut Rules) {
    let Gate { branches, tags, on_missing, hold, max_age, since, min_rules, allow_delete, allow_move } = old;
    rules.added("gate.branches", branches, &new.branches, quoted);
    rules.added("gate.tags", tags, &new.tags, quoted);
    rules.always::<OnMissing>("gate.on_missing", on_missing, &new.on_missing);
    rules.always("gate.hold", hold, &new.hold);
    match (max_age, new.max_age) {
        (Some(_), None) => rules.weaker("gate.max_age", "was taken out"),
        (Some(old), Some(new)) => rules.shorter("gate.max_age", *old, new),
        (None, _) => {}
    }
    match (since, &new.since) {
        (_, None) => {}
        (None, Some(_)) => rules.weaker("gate.since", "was set: what is reachable from it is not audited"),
        (Some(old), Some(new)) => rules.never("gate.since", old, new),
    }
    rules.rises("gate.min_rules", *min_rules, new.min_rules, "was lowered or taken out");
    rules.removed("gate.allow_delete", allow_delete, &new.allow_delete, quoted);
    rules.removed("gate.allow_move", allow_move, &new.allow_move, quoted);
}

fn proof(old: &Proof, new: &Proof, rules: &mut Rules) {
    let Proof {
        prepare,
        reset,
        ready,
        teardown,
        identity,
        jobs,
        timeout,
        env,
        home,
        copy,
        caches,
        git,
        filters,
        workspace,
        target,
        require_terminal,
    } = old;
    rules.never("proof.prepare", prepare, &new.prepare);
    rules.never("proof.reset", reset, &new.reset);
    rules.never("proof.ready", ready, &new.ready);
    rules.never("proof.teardown", teardown, &new.teardown);
    rules.never("proof.identity", identity, &new.identity);
    if new.jobs > *jobs {
        rules.weaker("proof.jobs", format!("was raised from {jobs} to {}", new.jobs));
    }
    rules.shorter("proof.timeout", *timeout, new.timeout);
    rules.never("proof.env.pass", &env.pass, &new.env.pass);
    rules.never("proof.env.set", &env.set, &new.env.set);
    rules.never("proof.home", home, &new.home);
    rules.never("proof.copy", copy, &new.copy);
    let fresh_caches = |caches: &Caches| match caches {
        Caches::Shared => false,
        Caches::Fresh => true,
    };
    rules.rises("proof.caches", fresh_caches(caches), fresh_caches(&new.caches), "became 'shared'");
    rules.never("proof.git", git, &new.git);
    rules.never("proof.filters", filters, &new.filters);
    let fresh_workspace = |workspace: &WorkspaceMode| match workspace {
        WorkspaceMode::Reuse => false,
        WorkspaceMode::Fresh => true,
    };
    rules.rises("proof.workspace", fresh_workspace(workspace), fresh_workspace(&new.workspace), "became 'reuse'");
    rules.never("proof.target", target, &new.target);
    rules.rises("proof.require_terminal", *require_terminal, new.require_terminal, "became false");
}

/// A path that gains a kind may be claimed by id patterns, and is then no longer owed to the default suites.
fn kinds(old: &Kinds, policy: &Policy, rules: &mut Rules) {
    let Kinds { schema, config, policy: policies } = old;
    let new = &policy.kinds;
    let claims = |ids: List| policy.suites.values().any(|suite| !ids(suite).is_empty());
    for (key, old, new, claims) in [
        ("kinds.schema", schema, &new.schema, claims(|suite| &suite.schema)),
        ("kinds.config", config, &new.config, claims(|suite| &suite.config)),
        ("kinds.policy", policies, &new.policy, claims(|suite| &suite.policy)),
    ] {
        rules.added(key, old, new, quoted);
        if claims {
            rules.removed(key, old, new, |glob| format!("'{glob}', which may take paths away from the default suites"));
        }
    }
}

fn suites(old: &Policy, new: &Policy, rules: &mut Rules) {
    for (name, old_suite) in &old.suites {
        match new.suites.get(name) {
            None => rules.weaker(format!("suites.{name}"), "was removed"),
            Some(new_suite) => suite(name, (old_suite, old), (new_suite, new), rules),
        }
    }
    for name in missing(&old.default_suites(), &new.default_suites()) {
        if new.suites.contains_key(*name) {
            rules.weaker(format!("suites.{name}.default"), "is no default suite any more");
        }
    }
    claims(old, new, rules);
}

/// One of the lists of a suite.
type List = fn(&Suite) -> &Vec<String>;

/// The lists of a suite by which it claims changes.
const CLAIMS: [(&str, List); 4] = [
    ("paths", |suite| &suite.paths),
    ("config", |suite| &suite.config),
    ("schema", |suite| &suite.schema),
    ("policy", |suite| &suite.policy),
];

/// A claim that is lost is weaker. So is a new one that takes changes away from the default suites: before it nobody
/// claimed them, and all default suites were owed; now one suite is, and that may be `true`.
fn claims(old: &Policy, new: &Policy, rules: &mut Rules) {
    let defaults = old.default_suites();
    for (list, of) in CLAIMS {
        for (name, new_suite) in &new.suites {
            let before = old.suites.get(name).map_or(&[][..], |suite| of(suite));
            for glob in missing(of(new_suite), before) {
                let claimed_before = old.suites.values().any(|suite| of(suite).contains(glob));
                let claims = |suite: &Suite| of(suite).contains(glob);
                let with_defaults = defaults.iter().all(|name| new.suites.get(*name).is_some_and(claims));
                if !claimed_before && !with_defaults {
                    let why = format!("gained '{glob}', which may take changes away from the default suites");
                    rules.weaker(format!("suites.{name}.{list}"), why);
                }
            }
        }
    }
}

/// One suite that both policies have. What a whole policy decides about it, default and new claims, is in `suites`.
fn suite(name: &str, (old, old_policy): (&Suite, &Policy), (new, new_policy): (&Suite, &Policy), rules: &mut Rules) {
    let Suite {
        run,
        paths: _,
        config: _,
        schema: _,
        policy: _,
        default: _,
        report,
        flaky_unobservable,
        min_tests,
        allow_skipped,
        allow_leftover,
        timeout,
        exclusive,
        artifacts: old_artifacts,
        env,
        sources,
    } = old;
    let key = |own: &str| format!("suites.{name}.{own}");
    for (list, of) in CLAIMS {
        rules.added(&key(list), of(old), of(new), quoted);
    }
    rules.never(&key("run"), run, &new.run);
    rules.never(&key("report"), report, &new.report);
    rules.rises(&key("flaky"), !flaky_unobservable, !new.flaky_unobservable, "became 'unobservable'");
    rules.rises(&key("min_tests"), *min_tests, new.min_tests, "was lowered");
    let tests = |suite: &Suite| suite.allow_skipped.iter().map(|allow| allow.test.clone()).collect::<Vec<_>>();
    let programs = |suite: &Suite| suite.allow_leftover.iter().map(|allow| allow.program.clone()).collect::<Vec<_>>();
    if *allow_skipped != new.allow_skipped {
        rules.removed(&key("allow_skipped"), &tests(old), &tests(new), quoted);
    }
    if *allow_leftover != new.allow_leftover {
        rules.removed(&key("allow_leftover"), &programs(old), &programs(new), quoted);
    }
    let limit = |own: Option<Duration>, policy: &Policy| own.unwrap_or(policy.proof.timeout);
    rules.shorter(&key("timeout"), limit(*timeout, old_policy), limit(new.timeout, new_policy));
    rules.rises(&key("exclusive"), *exclusive, new.exclusive, "became false");
    artifacts(&key("artifacts"), old_artifacts, &new.artifacts, rules);
    rules.never(&key("env.pass"), &env.pass, &new.env.pass);
    rules.never(&key("env.set"), &env.set, &new.env.set);
    rules.added(&key("sources"), sources, &new.sources, quoted);
}

/// Every old rule needs a new one of its own that asks for as much.
fn artifacts(key: &str, old: &[Artifact], new: &[Artifact], rules: &mut Rules) {
    let mut free: Vec<&Artifact> = new.iter().collect();
    for rule in old {
        match free.iter().position(|candidate| asks_as_much(rule, candidate)) {
            Some(at) => drop(free.swap_remove(at)),
            None => rules.weaker(key, format!("asks less of '{}'", rule.paths)),
        }
    }
}

fn asks_as_much(old: &Artifact, new: &Artifact) -> bool {
    let Artifact { paths, at_least, require, forbid, baseline } = old;
    *paths == new.paths
        && *at_least <= new.at_least
        && missing(require, &new.require).next().is_none()
        && missing(forbid, &new.forbid).next().is_none()
        && *baseline == new.baseline
}

fn monitor(old: Option<&Monitor>, new: Option<&Monitor>, rules: &mut Rules) {
    match (old, new) {
        (None, _) => {}
        (Some(_), None) => rules.weaker("monitor", "was taken out"),
        (Some(Monitor { duration, every, checks }), Some(new)) => {
            rules.longer("monitor.for", *duration, new.duration);
            rules.shorter("monitor.every", *every, new.every);
            rules.added("monitor.checks", checks, &new.checks, |check| quoted(&check.join(" ")));
        }
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;

//! A policy as plain values: the whole of it as a file with every default written out, and canonical JSON.
//!
//! Every struct is taken apart in full, so that a new key does not compile before it is written here.

use serde_json::{Map, Value, json};

use super::sections::ADAPTERS;
use super::types::{
    AllowLeftover, AllowSkipped, AllowWarning, Artifact, Changelog, Environment, EvidenceSection, Gate, Kinds, Monitor,
    Policy, Proof, Records, Report, RepositorySection, Suite, Warnings,
};
use super::values::time_text;

/// The policy as a file says it, with every default filled in.
pub(crate) fn to_toml(policy: &Policy) -> String {
    toml::to_string(&without_null(whole(policy))).expect("a policy has only values that TOML knows")
}

fn whole(policy: &Policy) -> Value {
    let Policy {
        version,
        repository: RepositorySection { id },
        gate,
        proof,
        kinds: Kinds { schema, config, policy: policies },
        suites,
        warnings,
        changelog: Changelog { path, require },
        records: Records { sign, share },
        evidence: EvidenceSection { keep, folder },
        monitor,
        compiled: _,
    } = policy;
    json!({
        "version": version,
        "repository": { "id": id },
        "gate": gate_value(gate),
        "proof": proof_value(proof),
        "kinds": { "schema": schema, "config": config, "policy": policies },
        "suites": suites.iter().map(|(name, suite)| (name.clone(), suite_value(suite))).collect::<Map<_, _>>(),
        "warnings": warnings_value(warnings),
        "changelog": { "path": path, "require": require },
        "records": { "sign": sign, "share": share },
        "evidence": { "keep": time_text(*keep), "folder": folder },
        "monitor": monitor.as_ref().map(|Monitor { duration, every, checks }| json!({
            "for": time_text(*duration), "every": time_text(*every), "checks": checks,
        })),
    })
}

fn gate_value(gate: &Gate) -> Value {
    let Gate { branches, tags, on_missing, hold, max_age, since, min_rules, allow_delete, allow_move } = gate;
    json!({
        "branches": branches, "tags": tags, "on_missing": on_missing, "hold": time_text(*hold),
        "max_age": max_age.map(time_text), "since": since, "min_rules": min_rules,
        "allow_delete": allow_delete, "allow_move": allow_move,
    })
}

fn proof_value(proof: &Proof) -> Value {
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
    } = proof;
    json!({
        "prepare": prepare, "reset": reset, "ready": ready, "teardown": teardown, "identity": identity, "jobs": jobs,
        "timeout": time_text(*timeout), "env": environment_value(env), "home": home, "copy": copy, "caches": caches,
        "git": git, "filters": filters, "workspace": workspace, "target": target, "require_terminal": require_terminal,
    })
}

fn suite_value(suite: &Suite) -> Value {
    let Suite {
        run,
        paths,
        config,
        schema,
        policy,
        default,
        report,
        flaky_unobservable,
        min_tests,
        allow_skipped,
        allow_leftover,
        timeout,
        exclusive,
        artifacts,
        env,
        sources,
    } = suite;
    let counts_tests = report.adapter != super::Adapter::ExitCode;
    json!({
        "run": run, "paths": paths, "config": config, "schema": schema, "policy": policy, "default": default,
        "report": report_value(report), "flaky": flaky_unobservable.then_some("unobservable"),
        "min_tests": counts_tests.then_some(min_tests), "allow_skipped": skipped_value(allow_skipped),
        "allow_leftover": leftover_value(allow_leftover), "timeout": timeout.map(time_text), "exclusive": exclusive,
        "artifacts": artifacts_value(artifacts), "env": environment_value(env), "sources": sources,
    })
}

pub(super) fn environment_value(Environment { pass, set }: &Environment) -> Value {
    json!({ "pass": pass, "set": set })
}

pub(super) fn report_value(Report { adapter, flavor }: &Report) -> Value {
    let name = ADAPTERS.iter().find(|(_, known)| known == adapter).map(|(name, _)| *name);
    json!({ "adapter": name.expect("every adapter has a name"), "flavor": flavor })
}

pub(super) fn skipped_value(list: &[AllowSkipped]) -> Value {
    list.iter().map(|AllowSkipped { test, reason }| json!({ "test": test, "reason": reason })).collect()
}

pub(super) fn leftover_value(list: &[AllowLeftover]) -> Value {
    list.iter().map(|AllowLeftover { program, reason }| json!({ "program": program, "reason": reason })).collect()
}

pub(super) fn artifacts_value(list: &[Artifact]) -> Value {
    let value = |Artifact { paths, at_least, require, forbid, baseline }: &Artifact| {
        json!({
            "paths": paths, "at_least": at_least, "require": require, "forbid": forbid, "baseline": baseline,
        })
    };
    list.iter().map(value).collect()
}

pub(super) fn warnings_value(Warnings { fail, allow }: &Warnings) -> Value {
    let exception = |AllowWarning { pattern, reason }: &AllowWarning| json!({ "pattern": pattern, "reason": reason });
    json!({ "fail": fail, "allow": allow.iter().map(exception).collect::<Vec<_>>() })
}

/// TOML has no null: what is not set is left out.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_null(value)))
                .collect(),
        ),
        Value::Array(array) => array.into_iter().map(without_null).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// JSON with sorted keys and no blank: one value, one text.
pub(super) fn json_text(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut keys: Vec<&String> = object.keys().collect();
            keys.sort();
            let member = |key: &String| format!("{}:{}", Value::from(key.as_str()), json_text(&object[key]));
            format!("{{{}}}", keys.into_iter().map(member).collect::<Vec<_>>().join(","))
        }
        Value::Array(array) => format!("[{}]", array.iter().map(json_text).collect::<Vec<_>>().join(",")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

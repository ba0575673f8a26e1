//! A suite's definition: everything in the policy file that its run or its judgement reads, in canonical bytes.
//!
//! What only decides when the suite is called for, or what is done with its verdict, is deliberately absent: changing it
//! keeps a proof.

use serde_json::json;

use super::canonical::{
    artifacts_value, environment_value, json_text, leftover_value, report_value, skipped_value, warnings_value,
};
use super::types::{Environment, Policy, Proof, Suite};

/// The format of the bytes. It goes up when their meaning changes, and all proofs are made anew.
const FORMAT: u32 = 1;

impl Policy {
    /// The canonical bytes of a suite's definition: JSON with sorted keys, the format version first. `None` where the
    /// policy has no such suite.
    pub fn definition(&self, suite: &str) -> Option<Vec<u8>> {
        let definition = self.suites.get(suite)?;
        let Proof {
            prepare,
            reset,
            ready,
            teardown,
            identity,
            jobs: _,
            timeout: common_timeout,
            env: common_env,
            home,
            copy,
            caches,
            git,
            filters,
            workspace,
            target,
            require_terminal: _,
        } = &self.proof;
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
            exclusive: _,
            artifacts,
            env,
            sources,
        } = definition;
        let value = json!({
            // "@" sorts before every letter, so the version is read first.
            "@format": FORMAT,
            "suite": suite,
            "run": run,
            "prepare": prepare,
            "reset": reset,
            "ready": ready,
            "teardown": teardown,
            "identity": identity,
            "timeout": timeout.unwrap_or(*common_timeout).as_secs(),
            "env": environment_value(&merged(common_env, env)),
            "home": home,
            "copy": copy,
            "caches": caches,
            "git": git,
            "filters": filters,
            "workspace": workspace,
            "target": target,
            "report": report_value(report),
            "flaky_unobservable": flaky_unobservable,
            "min_tests": min_tests,
            "allow_skipped": skipped_value(allow_skipped),
            "allow_leftover": leftover_value(allow_leftover),
            "artifacts": artifacts_value(artifacts),
            "sources": sources,
            "warnings": warnings_value(&self.warnings),
        });
        Some(json_text(&value).into_bytes())
    }

    /// The environment settings of a suite: those of `[proof]` with its own over them. `None` where there is no such suite.
    pub fn environment(&self, suite: &str) -> Option<Environment> {
        Some(merged(&self.proof.env, &self.suites.get(suite)?.env))
    }
}

/// A variable that one side passes and the suite sets is set; one that `[proof]` sets and the suite passes is passed.
fn merged(common: &Environment, own: &Environment) -> Environment {
    let mut set = common.set.clone();
    set.retain(|name, _| !own.pass.contains(name));
    set.extend(own.set.clone());
    let mut pass: Vec<String> =
        common.pass.iter().chain(&own.pass).filter(|name| !set.contains_key(*name)).cloned().collect();
    pass.sort();
    pass.dedup();
    Environment { pass, set }
}

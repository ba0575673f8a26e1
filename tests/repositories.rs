//! Repositories of every kind: each is proven right, or refused by a name that leads on.
//!
//! Deliberately absent: what suites see of a tree and what a setting cannot change; see `settings`.

mod clones;
mod filters;
mod history;
mod layouts;
mod looks;
mod odd_paths;
mod settings;
mod submodules;

use crate::support::Sandbox;

/// Every suite of the shop.
const ALL: &[&str] = &["booking", "full", "guardrail", "payment"];

/// In a proven repository: a bad payment is refused, its mend goes, by no suite but its own, and nothing of the user's changes.
#[track_caller]
fn check_payment_is_gated(sandbox: &Sandbox) {
    sandbox.commit_file("src/payments/charge.js", "BUG\n");
    let refusal = sandbox.is_refused(&["origin", "HEAD:main"], &["payment"]);
    refusal.says("FAIL  payment").says("TEST_FAILED").run_next(sandbox).ends_with(0).says("found a BUG");
    let mend = sandbox.commit_file("src/payments/charge.js", "charge better\n");
    sandbox.pushes(&["origin", "HEAD:main"], &["payment"]).says("PASS  payment");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(mend));
}

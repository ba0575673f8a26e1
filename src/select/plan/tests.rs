use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::policies;
use super::*;

/// Suites that claim, one default suite that claims too, one suite for ids only.
const POLICY: &str = r#"version = 1
[gate]
branches = ["main"]
[suites.full]
run = ["full"]
report = "mocha-json"
default = true
paths = ["docs/**"]
[suites.payment]
run = ["payment"]
report = "mocha-json"
paths = ["src/payments/**", "**/*payment*"]
schema = ["*payment*"]
[suites.booking]
run = ["booking"]
report = "mocha-json"
paths = ["src/bookings/**"]
[suites.guardrail]
run = ["guardrail"]
report = "mocha-json"
policy = ["*"]
"#;

const PATHS: [&str; 8] = [
    "src/payments/charge.js",
    "src/bookings/payment.js",
    "src/bookings/book.js",
    "docs/index.md",
    "README.md",
    "pnpm-lock.yaml",
    ".proofrc.toml",
    "migrations/7_payment.sql",
];

fn policy_file(text: &str) -> PolicyFile {
    policies::parse(text.as_bytes().to_vec()).expect("the policy is right")
}

fn planned(policy: &PolicyFile, paths: &[BString], is_tag: bool, scenario: &Scenario) -> Plan {
    let changes = paths.iter().map(|path| PathChange { path: path.clone(), status: Status::Modified }).collect();
    plan(PlanInput { policy, compared: &[], has_base: true, cut: false, changes, is_tag, scenario })
}

/// The suites owed for these paths, on a branch.
fn check(text: &str, paths: &[&str], expected: &[&str]) {
    let paths: Vec<BString> = paths.iter().map(|path| BString::from(*path)).collect();
    let plan = planned(&policy_file(text), &paths, false, &Scenario::Deploy);
    assert_eq!(plan.suites.keys().map(String::as_str).collect::<Vec<_>>(), expected, "{paths:?}");
}

#[test]
fn each_path_calls_for_the_suites_that_claim_it() {
    check(POLICY, &["src/payments/charge.js"], &["payment"]);
    check(POLICY, &["src/bookings/payment.js"], &["booking", "payment"]);
    check(POLICY, &["docs/index.md"], &["full"]);
}

#[test]
fn a_path_that_no_suite_claims_calls_for_the_default_suites() {
    check(POLICY, &["README.md"], &["full"]);
    check(POLICY, &["README.md", "src/bookings/book.js"], &["booking", "full"]);
}

#[test]
fn without_a_default_suite_all_are_owed() {
    let text = POLICY.replace("default = true\n", "");
    let all = ["booking", "full", "guardrail", "payment"];
    check(&text, &["README.md"], &all);
    let plan = planned(&policy_file(&text), &[], true, &Scenario::Deploy);
    assert_eq!(plan.suites.keys().map(String::as_str).collect::<Vec<_>>(), all);
}

#[test]
fn a_lockfile_and_the_policy_file_call_for_every_suite() {
    for path in ["pnpm-lock.yaml", ".proofrc.toml"] {
        check(POLICY, &[path], &["booking", "full", "guardrail", "payment"]);
    }
}

fn path() -> impl Strategy<Value = BString> {
    prop_oneof![
        prop::sample::select(PATHS.as_slice()).prop_map(BString::from),
        prop::collection::vec(1u8.., 1..12).prop_map(BString::from),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let id = || prop::sample::select(vec!["7_payment", "8_other"]).prop_map(str::to_owned);
    prop_oneof![
        Just(Scenario::Deploy),
        id().prop_map(|id| Scenario::Rollback { id }),
        id().prop_map(|id| Scenario::Migration { id }),
        id().prop_map(|id| Scenario::Policy { id }),
    ]
}

proptest! {
    #[test]
    fn adding_a_changed_path_never_takes_a_suite_or_a_reason_away(
        paths in prop::collection::vec(path(), 0..6),
        added in path(),
        at: prop::sample::Index,
        is_tag: bool,
        scenario in scenario(),
        has_default: bool,
    ) {
        let text = if has_default { POLICY.to_owned() } else { POLICY.replace("default = true\n", "") };
        let policy = policy_file(&text);
        let before = planned(&policy, &paths, is_tag, &scenario);
        let mut more = paths.clone();
        more.insert(at.index(paths.len() + 1), added);
        let after = planned(&policy, &more, is_tag, &scenario);
        prop_assert!(!after.suites.is_empty(), "every change is owed by somebody");
        for (suite, reasons) in &before.suites {
            let kept: BTreeSet<&Reason> = after.suites.get(suite).into_iter().flatten().collect();
            prop_assert!(reasons.iter().all(|reason| kept.contains(reason)), "{suite}: {reasons:?}, then {kept:?}");
        }
    }

    #[test]
    fn a_tag_owes_what_the_branch_does_and_the_default_suites(paths in prop::collection::vec(path(), 0..6)) {
        let policy = policy_file(POLICY);
        let branch = planned(&policy, &paths, false, &Scenario::Deploy);
        let tag = planned(&policy, &paths, true, &Scenario::Deploy);
        prop_assert!(branch.suites.keys().all(|suite| tag.suites.contains_key(suite)));
        prop_assert!(tag.suites.contains_key("full"));
    }
}

#[test]
fn a_shallow_clone_is_named_as_the_reason_with_and_without_a_base() {
    let policy = policy_file(POLICY);
    for has_base in [false, true] {
        let scenario = &Scenario::Deploy;
        let input =
            PlanInput { policy: &policy, compared: &[], has_base, cut: true, changes: vec![], is_tag: false, scenario };
        let plan = plan(input);
        assert!(plan.suites.len() == 4 && plan.suites.values().all(|reasons| reasons == &[Reason::CutHistory]));
    }
}

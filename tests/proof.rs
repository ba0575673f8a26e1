//! What a proof is about, how long it counts, and what a second answer on the same inputs means.

use serde_json::Value;

use crate::support::{Fingerprint, SHOP_POLICY, Sandbox};

const ALL: [&str; 4] = ["booking", "full", "guardrail", "payment"];

/// A shop whose first commit is proven and pushed; its marks are gone.
fn pushed_shop() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(0);
    forget_runs(&sandbox);
    sandbox
}

fn forget_runs(sandbox: &Sandbox) {
    std::fs::write(sandbox.root().join("suite-runs"), "").unwrap();
}

fn runs(sandbox: &Sandbox) -> Vec<String> {
    let mut runs = sandbox.suites_run();
    runs.sort();
    runs
}

/// Pushes `main`, which must leave everything of the user's as it stands.
#[track_caller]
fn check_push(sandbox: &Sandbox, code: i32) -> String {
    let before = Fingerprint::of(sandbox);
    let ran = sandbox.push(&["origin", "HEAD:refs/heads/main"]).ends_with(code);
    let after = Fingerprint::of(sandbox);
    if code == 0 {
        assert_eq!(
            sandbox.remote_ref("refs/heads/main").as_deref(),
            Some(sandbox.git_ok(&["rev-parse", "HEAD"]).trim())
        );
    }
    // git itself notes where the remote's branch stands now.
    let without_remote = |fingerprint: Fingerprint| fingerprint.without("refs/remotes/origin/main");
    assert_eq!(without_remote(after), without_remote(before));
    ran.stderr
}

mod the_commit_is_what_counts {
    use super::*;

    #[test]
    fn a_bad_commit_under_a_good_work_tree_is_refused() {
        let sandbox = pushed_shop();
        sandbox.write("src/payments/charge.js", "BUG\n");
        let bad = sandbox.commit("Charge twice");
        sandbox.write("src/payments/charge.js", "charge\n");
        assert!(check_push(&sandbox, 1).contains("TEST_FAILED"));
        assert_ne!(sandbox.remote_ref("refs/heads/main"), Some(bad));
    }

    #[test]
    fn a_good_commit_under_a_bad_work_tree_is_pushed() {
        let sandbox = pushed_shop();
        sandbox.write("src/payments/charge.js", "charge once\n");
        sandbox.commit("Charge once");
        sandbox.write("src/payments/charge.js", "BUG\n");
        check_push(&sandbox, 0);
        assert_eq!(runs(&sandbox), ["payment"]);
    }

    #[test]
    fn a_mend_that_is_only_staged_does_not_help_a_bad_commit() {
        let sandbox = pushed_shop();
        sandbox.write("src/payments/charge.js", "BUG\n");
        sandbox.commit("Charge twice");
        sandbox.write("src/payments/charge.js", "charge\n");
        sandbox.git_ok(&["add", "--all"]);
        check_push(&sandbox, 1);
    }

    #[test]
    fn a_bug_that_is_only_staged_does_not_hurt_a_good_commit() {
        let sandbox = pushed_shop();
        sandbox.write("src/payments/charge.js", "charge once\n");
        sandbox.commit("Charge once");
        sandbox.write("src/payments/refund.js", "BUG\n");
        sandbox.git_ok(&["add", "--all"]);
        check_push(&sandbox, 0);
    }

    #[test]
    fn a_helper_that_was_never_added_is_missing_in_the_proof() {
        let sandbox = pushed_shop();
        let needs_helper = "[ \"$1\" = payment ] && { . ./helper.sh || exit 7; }\n";
        let suite = std::fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
        sandbox.write("suite.sh", suite.replacen("passes=1", &format!("{needs_helper}passes=1"), 1));
        sandbox.write("src/payments/charge.js", "charge once\n");
        sandbox.commit("Take a helper into use");
        sandbox.write("helper.sh", ":\n");
        assert!(check_push(&sandbox, 1).contains("EXIT_NONZERO"));
        sandbox.commit("Add the helper");
        check_push(&sandbox, 0);
    }

    #[test]
    fn what_lies_in_a_stash_is_neither_proven_nor_lost() {
        let sandbox = pushed_shop();
        sandbox.write("src/payments/charge.js", "BUG\n");
        sandbox.commit("Charge twice");
        sandbox.write("src/payments/charge.js", "charge\n");
        sandbox.git_ok(&["stash"]);
        check_push(&sandbox, 1);
        sandbox.git_ok(&["stash", "pop"]);
        assert_eq!(std::fs::read_to_string(sandbox.shop().join("src/payments/charge.js")).unwrap(), "charge\n");
    }
}

mod a_pass_counts_again {
    use super::*;

    #[test]
    fn the_same_push_runs_no_suite_the_second_time() {
        let sandbox = pushed_shop();
        sandbox.push(&["origin", "main:release/1"]).ends_with(0).says("PASS");
        assert!(sandbox.suites_run().is_empty());
    }

    #[test]
    fn an_amended_message_keeps_the_proof() {
        let sandbox = pushed_shop();
        sandbox.git_ok(&["commit", "--quiet", "--amend", "-m", "Open the shop at last"]);
        sandbox.push(&["--force", "origin", "main"]).ends_with(0);
        assert!(sandbox.suites_run().is_empty());
    }

    #[test]
    fn an_amended_file_does_not_keep_the_proof() {
        let sandbox = pushed_shop();
        sandbox.write("src/payments/charge.js", "charge once\n");
        sandbox.git_ok(&["commit", "--quiet", "--amend", "--all", "--no-edit"]);
        sandbox.push(&["--force", "origin", "main"]).ends_with(0);
        assert!(runs(&sandbox).contains(&"payment".to_owned()));
    }

    #[test]
    fn a_linked_worktree_shares_the_proof() {
        let sandbox = pushed_shop();
        sandbox.git_ok(&["worktree", "add", "--quiet", "-b", "other", "../other"]);
        let other = sandbox.root().join("other");
        sandbox.git_in(&other, &["push", "../remote.git", "other:release/2"]).ends_with(0).says("PASS");
        assert!(sandbox.suites_run().is_empty());
        assert!(sandbox.remote_ref("refs/heads/release/2").is_some());
    }

    #[test]
    fn a_tag_on_a_proven_commit_owes_only_the_default_suite() {
        let sandbox = pushed_shop();
        sandbox.write("src/payments/charge.js", "charge once\n");
        sandbox.commit("Charge once");
        sandbox.push(&["origin", "main"]).ends_with(0);
        assert_eq!(runs(&sandbox), ["payment"]);
        forget_runs(&sandbox);
        sandbox.git_ok(&["tag", "v1"]);
        sandbox.push(&["origin", "v1"]).ends_with(0);
        assert_eq!(runs(&sandbox), ["full"]);
        assert!(sandbox.remote_ref("refs/tags/v1").is_some());
    }
}

mod a_fail_stays {
    use super::*;

    /// A shop whose payment suite looks at `weather` outside the repository: `BUG` there makes it fail, `hang` makes it hang.
    fn shop_with_weather() -> Sandbox {
        let mut sandbox = Sandbox::new();
        let weather = sandbox.root().join("weather");
        sandbox.set("WEATHER", weather.to_str().unwrap());
        sandbox.with_policy(
            &SHOP_POLICY.replace("\"SUITE_RUNS\"]", "\"SUITE_RUNS\", \"WEATHER\"]").replace("\"30s\"", "\"2s\""),
        );
        let suite = std::fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
        let looks = "[ \"$1\" = payment ] && grep -qs BUG \"$WEATHER\" && passes=0 failures=1\n\
                     [ \"$1\" = payment ] && grep -qs hang \"$WEATHER\" && sleep 60\ncase=";
        sandbox.write("suite.sh", suite.replacen("case=", looks, 1));
        sandbox.commit("Look at the weather");
        sandbox.install();
        sandbox
    }

    fn weather(sandbox: &Sandbox, words: &str) {
        std::fs::write(sandbox.root().join("weather"), words).unwrap();
    }

    fn run_payment(sandbox: &Sandbox, code: i32) -> Value {
        let ran = sandbox.proof_gate(&["run", "--suite", "payment", "--json"]).ends_with(code);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    #[test]
    fn a_failed_push_fails_again_at_once_and_runs_nothing() {
        let sandbox = shop_with_weather();
        weather(&sandbox, "BUG");
        check_push(&sandbox, 1);
        assert_eq!(runs(&sandbox), ALL);
        forget_runs(&sandbox);
        weather(&sandbox, "fair");
        assert!(check_push(&sandbox, 1).contains("TEST_FAILED"));
        assert!(sandbox.suites_run().is_empty());
        assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    }

    #[test]
    fn a_fail_that_passes_unchanged_is_flaky_until_its_cause_is_documented_and_three_fresh_runs_pass() {
        let sandbox = shop_with_weather();
        weather(&sandbox, "BUG");
        let failed = run_payment(&sandbox, 1);
        let failed = failed["record"].as_str().unwrap();
        weather(&sandbox, "fair");
        run_payment(&sandbox, 0);
        let said = check_push(&sandbox, 1);
        assert!(said.contains("FLAKY_HISTORY") && said.contains("proof-gate resolve"), "{said}");
        let suites_before = sandbox.suites_run();
        assert_eq!(suites_before, ["payment", "payment"], "the push itself ran nothing");

        let cause = "the card test service was down";
        sandbox.proof_gate(&["resolve", failed, "--cause", cause]).ends_with(0).says("proof-gate run");
        check_push(&sandbox, 1);
        forget_runs(&sandbox);
        run_payment(&sandbox, 0);
        assert_eq!(runs(&sandbox), ["payment"; 3], "the PASS before the resolve is not enough");
        check_push(&sandbox, 0);
    }

    #[test]
    fn a_pass_and_then_a_fail_on_the_same_inputs_is_flaky_too() {
        let sandbox = shop_with_weather();
        check_push(&sandbox, 0);
        weather(&sandbox, "BUG");
        run_payment(&sandbox, 1);
        sandbox.push(&["origin", "main:release/1"]).ends_with(1).says("FLAKY_HISTORY");
        assert_eq!(sandbox.remote_ref("refs/heads/release/1"), None);
    }

    #[test]
    fn a_timeout_that_passes_on_the_same_inputs_is_no_flaky_history() {
        let sandbox = shop_with_weather();
        weather(&sandbox, "hang");
        let failed = run_payment(&sandbox, 1);
        assert_eq!(failed["suites"][0]["findings"][0]["code"], "TIMED_OUT");
        weather(&sandbox, "fair");
        run_payment(&sandbox, 0);
        let said = check_push(&sandbox, 0);
        assert!(!said.contains("FLAKY_HISTORY"), "{said}");
    }

    #[test]
    fn a_mended_commit_is_proven_and_pushed_over_an_unmended_fail() {
        let sandbox = shop_with_weather();
        sandbox.write("src/bookings/book.js", "BUG\n");
        sandbox.commit("Book twice");
        check_push(&sandbox, 1);
        sandbox.write("src/bookings/book.js", "book\n");
        sandbox.commit("Book once");
        check_push(&sandbox, 0);
    }
}

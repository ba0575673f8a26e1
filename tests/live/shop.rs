//! The shop of `tests/fixtures/shop` with the gate in front of its remote: pnpm installs it, mocha proves it, SQLite or a real PostgreSQL
//! holds its data.
//!
//! Deliberately absent: what mocha lets pass; that needs no application.

use std::fs;
use std::path::PathBuf;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::postgres::Postgres;
use crate::support::{Fingerprint, Ran, Sandbox};
use crate::tools;

/// The line that carries the buyer's key to the bank, and the bug that every payment system has once: a key for each attempt.
const ONE_KEY: &str = "bank.charge({ key, card, cents })";
const A_KEY_EACH: &str = "bank.charge({ key: crypto.randomUUID(), card, cents })";
const CHARGE: &str = "src/payments/charge.js";

/// A repository that holds the shop, with the hook installed and nothing pushed.
fn shop() -> Sandbox {
    let sandbox = tools::sandbox();
    sandbox.git_ok(&["rm", "-r", "--quiet", "."]);
    tools::copy_fixture(&sandbox, "shop");
    sandbox.commit("Let rooms by the night");
    sandbox.install();
    sandbox
}

#[track_caller]
fn edit(sandbox: &Sandbox, path: &str, from: &str, to: &str) {
    let file = sandbox.shop().join(path);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{path} does not hold '{from}'");
    sandbox.write(path, text.replace(from, to));
}

/// The suites of the record that stands for a commit.
fn suites_proven(sandbox: &Sandbox, revision: &str) -> Vec<String> {
    let shown = sandbox.proof_gate(&["show", revision, "--json"]).ends_with(0).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    names(&shown["statement"]["predicate"]["verdict"]["suites"])
}

/// The suites that a commit owes.
fn suites_planned(sandbox: &Sandbox) -> Vec<String> {
    let plan = sandbox.proof_gate(&["plan", "--json"]).ends_with(0).stdout;
    names(&serde_json::from_str::<serde_json::Value>(&plan).unwrap()["suites"])
}

fn names(suites: &serde_json::Value) -> Vec<String> {
    let suites = suites.as_array().unwrap_or_else(|| panic!("no list of suites: {suites}"));
    suites.iter().map(|suite| suite["name"].as_str().unwrap().to_owned()).collect()
}

/// The release of a version, the bug, its refusal, its mend, the next release.
fn check_release(sandbox: &Sandbox) {
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0).says("booking e2e full guardrail payment");
    sandbox.git_ok(&["tag", "v1.0.0"]);
    sandbox.push_in_terminal(&["origin", "v1.0.0"]).ends_with(0).says("PASS");
    let proven = sandbox.remote_ref("refs/heads/main");

    edit(sandbox, CHARGE, ONE_KEY, A_KEY_EACH);
    sandbox.commit("Make each attempt a request of its own");
    let untouched = Fingerprint::of(sandbox);
    let refused = sandbox.push_in_terminal(&["origin", "main"]).ends_with(1);
    let refused = refused.says("(1 of 1 ref)").says("TEST_FAILED");
    let refused = refused.says("does not charge a card twice on retry").says("test/payment.spec.js");
    refused.says("the card's statement shows 12500, 12500 instead of 12500");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), proven);
    assert_eq!(Fingerprint::of(sandbox), untouched);
    assert_eq!(suites_proven(sandbox, "HEAD"), ["payment"]);

    edit(sandbox, CHARGE, A_KEY_EACH, &format!("/* one key for all attempts */ {ONE_KEY}"));
    let mended = sandbox.commit("Give the bank one key for all attempts");
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0).says("PASS");
    sandbox.git_ok(&["tag", "-a", "v1.0.1", "-m", "Charge once"]);
    sandbox.push_in_terminal(&["origin", "v1.0.1"]).ends_with(0).says("PASS");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(mended));

    let status = sandbox.proof_gate(&["status", "--json"]).ends_with(0).stdout;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let tags: Vec<_> = status["tags"].as_array().unwrap().iter().map(|tag| (&tag["name"], &tag["state"])).collect();
    assert_eq!(format!("{tags:?}"), r#"[(String("v1.0.1"), String("PASS")), (String("v1.0.0"), String("PASS"))]"#);
}

#[test]
fn a_card_that_is_charged_twice_does_not_reach_production_with_sqlite() {
    check_release(&shop());
}

#[test]
fn a_card_that_is_charged_twice_does_not_reach_production_with_postgresql() {
    let postgres = Postgres::start();
    check_release(&on(&postgres));
}

/// The shop with its data in this server.
fn on(postgres: &Postgres) -> Sandbox {
    let mut sandbox = shop();
    sandbox.set("DATABASE_URL", &postgres.url());
    sandbox
}

#[test]
fn a_change_runs_the_suites_that_its_paths_call_for() {
    let sandbox = shop();
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0);
    for (path, suites) in [
        ("src/payments/retry.js", &["payment"][..]),
        ("migrations/0005-payment-note.sql", &["payment"]),
        ("src/calendar/days.js", &["booking"]),
        ("src/guardrails/kill-switch.js", &["guardrail"]),
        ("config/limits.json", &["guardrail"]),
        ("policies/refund-window.json", &["guardrail"]),
        ("src/db/sqlite.js", &["e2e", "full"]),
        ("src/web/pages.js", &["e2e", "full"]),
        ("ROLLBACKS.md", &["e2e", "full"]),
        ("pnpm-lock.yaml", &["booking", "e2e", "full", "guardrail", "payment"]),
    ] {
        sandbox.write(path, "changed\n");
        sandbox.commit(&format!("Change {path}"));
        assert_eq!(suites_planned(&sandbox), suites, "{path}");
        sandbox.git_ok(&["reset", "--quiet", "--hard", "HEAD~1"]);
    }

    edit(&sandbox, "src/bookings/book.js", "room ${room} is taken", "the room ${room} is taken");
    sandbox.commit("Say it kindly");
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0).says("PASS");
    assert_eq!(suites_proven(&sandbox, "HEAD"), ["booking"]);
}

/// Where the site decides under which key a guest tries again, and the bug: a new one each time.
const THE_SAME_KEY: &str = "USED_UP.includes(kind) ? randomUUID() : (asked?.id ?? randomUUID())";
const ANOTHER_KEY: &str = "randomUUID()";

#[test]
fn a_bug_that_only_a_browser_meets_is_refused_with_a_picture_of_it() {
    let sandbox = shop();
    sandbox.push_in_terminal(&["origin", "main"]).ends_with(0).says("PASS e2e");
    let proven = sandbox.remote_ref("refs/heads/main");
    edit(&sandbox, "src/web/server.js", THE_SAME_KEY, ANOTHER_KEY);
    sandbox.commit("Make each attempt a stay of its own");
    let refused = sandbox.push_in_terminal(&["origin", "main"]).ends_with(1).says("TEST_FAILED");
    refused.says("charges once when the bank's answer gets lost and the guest tries again").says("PASS full");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), proven);
    let shown = sandbox.proof_gate(&["show", "HEAD"]).ends_with(0).stdout;
    let pictures = shown.lines().filter_map(|line| line.trim().strip_prefix("artifact")).map(str::trim);
    let failed: Vec<&str> = pictures.filter(|path| path.ends_with("/test-failed-1.png")).collect();
    let [picture] = failed[..] else { panic!("not one picture of what failed is shown:\n{shown}") };
    assert!(fs::read(sandbox.shop().join(picture)).unwrap().starts_with(b"\x89PNG"), "{picture} is no picture");
}

/// A push without a proof: nothing is recorded, nothing arrives, and nobody is told that a test failed.
#[track_caller]
fn ends_without_a_proof(sandbox: &Sandbox, push: impl FnOnce() -> Ran) -> Ran {
    let before = (sandbox.records(), sandbox.remote_refs());
    let ran = push().ends_with(1);
    assert!(!ran.stdout.contains("FAIL"), "{}", ran.stdout);
    assert_eq!((sandbox.records(), sandbox.remote_refs()), before, "{}", ran.stdout);
    ran
}

#[test]
fn a_database_that_is_down_is_no_proof_and_the_next_push_goes_when_it_is_up() {
    let mut postgres = Postgres::start();
    let sandbox = on(&postgres);
    postgres.stop();
    let push = || sandbox.push_in_terminal(&["origin", "main"]);
    ends_without_a_proof(&sandbox, push).says("no proof").says("the database could not be made anew");
    sandbox.proof_gate_in_terminal(&["run"]).ends_with(2);
    postgres.start_again();
    push().ends_with(0).says("PASS");
}

/// A test that says when it began, then asks the database until it has gone.
const LASTING: &str = r#"
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { useShop } from "./support/shop.js";

describe("payment", () => {
  const shop = useShop();
  it("lasts", async function () {
    this.timeout(60_000);
    writeFileSync(new URL(process.env.DATABASE_URL).searchParams.get("host") + "/began", "");
    for (;;) {
      assert.deepEqual(await shop.db.query("SELECT 1 AS one"), [{ one: 1 }]);
      await sleep(20);
    }
  });
});
"#;

#[test]
fn a_database_that_goes_away_during_a_suite_is_no_proof() {
    let mut postgres = Postgres::start();
    let sandbox = on(&postgres);
    sandbox.write("test/lasting.spec.js", LASTING);
    sandbox.commit("Test that lasts");
    let began = postgres.folder().join("began");
    let stopping = thread::spawn(move || {
        wait_for(&began);
        postgres.stop();
    });
    let push = || sandbox.push_in_terminal(&["origin", "main"]);
    ends_without_a_proof(&sandbox, push).says("not ready any more").says("the database does not answer");
    stopping.join().unwrap();
}

fn wait_for(file: &PathBuf) {
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "the suite never began");
        sleep(Duration::from_millis(20));
    }
}

//! Runners whose report is JUnit XML, and cargo by its exit code: each proven once, and refused once with its failure.
//!
//! Deliberately absent: dialects; the fixtures of the adapter hold what other versions write.

use crate::support::Sandbox;
use crate::tools::{sandbox, with_project};

/// What differs between runners.
struct Case<'a> {
    /// The `[proof]` table's and the suite's lines.
    prepare: &'a str,
    run: &'a str,
    report: &'a str,
    /// The files of a shop whose test adds up, its sum at `SUM`.
    files: &'a [(&'a str, &'a str)],
    /// What the refusal says once the sum is wrong.
    refusal: &'a [&'a str],
}

fn check(sandbox: &Sandbox, case: &Case<'_>) {
    let Case { prepare, run, report, files, refusal } = case;
    sandbox.with_policy(&format!(
        "version = 1\n[repository]\nid = \"b1946ac92492d234\"\n[gate]\nbranches = [\"main\"]\n\
         [proof]\nrequire_terminal = false\n{prepare}\n[suites.full]\ndefault = true\nrun = {run}\n{report}\n"
    ));
    let with_sum = |sum: &str, message: &str| {
        for (path, text) in *files {
            sandbox.write(path, text.replace("SUM", sum));
        }
        sandbox.commit(message)
    };
    let good = with_sum("7", "Charge the whole basket");
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(0).says("PASS");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(good.clone()));
    with_sum("8", "Charge one more");
    let mut ran = sandbox.push(&["origin", "main"]).ends_with(1).says("push refused");
    for words in *refusal {
        ran = ran.says(words);
    }
    assert_eq!(sandbox.remote_ref("refs/heads/main"), Some(good));
}

#[test]
fn pytest_by_its_junit_report() {
    check(
        &sandbox(),
        &Case {
            prepare: "",
            run: r#"["python3", "-m", "pytest", "-p", "no:cacheprovider", "--junitxml={report}"]"#,
            report: r#"report = { adapter = "junit-xml", flavor = "pytest" }"#,
            files: &[("test_charge.py", "def test_charges_the_whole_basket():\n    assert 3 + 4 == SUM\n")],
            refusal: &["TEST_FAILED", "test_charges_the_whole_basket"],
        },
    );
}

#[test]
fn the_runner_of_node_by_its_junit_report() {
    let text = "const test = require('node:test');\nconst assert = require('node:assert');\n\
                test('charges the whole basket', () => assert.equal(3 + 4, SUM));\n";
    check(
        &sandbox(),
        &Case {
            prepare: "",
            run: r#"["node", "--test", "--test-reporter=junit", "--test-reporter-destination={report}"]"#,
            report: "report = \"junit-xml\"\nflaky = \"unobservable\"",
            files: &[("test/charge.test.js", text)],
            refusal: &["TEST_FAILED", "charges the whole basket"],
        },
    );
}

#[test]
fn vitest_by_its_junit_report() {
    let sandbox = sandbox();
    with_project(&sandbox, "pnpm-vitest");
    let text =
        "import { expect, test } from 'vitest';\ntest('charges the whole basket', () => expect(3 + 4).toBe(SUM));\n";
    check(
        &sandbox,
        &Case {
            prepare: r#"prepare = [["pnpm", "install", "--frozen-lockfile", "--prefer-offline"]]"#,
            run: r#"["pnpm", "run", "test", "--reporter=default", "--reporter=junit", "--outputFile.junit={report}"]"#,
            report: "report = \"junit-xml\"\nflaky = \"unobservable\"",
            files: &[("test/charge.test.mjs", text)],
            refusal: &["TEST_FAILED", "charges the whole basket"],
        },
    );
}

#[test]
fn cargo_by_its_exit_code() {
    let manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\npath = \"charge.rs\"\ndoctest = false\n";
    let lock = "version = 4\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n";
    let test = "#[test]\nfn charges_the_whole_basket() {\n    assert_eq!(3 + 4, SUM);\n}\n";
    let mut sandbox = sandbox();
    // rustup's cargo finds its toolchain by the home, which the sandbox replaces.
    for (name, below) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
        let home = std::env::var_os("HOME").expect("HOME is set");
        let folder = std::env::var(name).ok().unwrap_or_else(|| format!("{}/{below}", home.to_str().unwrap()));
        sandbox.set(name, &folder);
    }
    check(
        &sandbox,
        &Case {
            prepare: "",
            run: r#"["cargo", "test", "--locked"]"#,
            report: "report = \"exit-code\"\nflaky = \"unobservable\"",
            files: &[("Cargo.toml", manifest), ("Cargo.lock", lock), (".gitignore", "target\n"), ("charge.rs", test)],
            refusal: &["EXIT_NONZERO"],
        },
    );
}

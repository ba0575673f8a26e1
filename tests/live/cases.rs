//! The cases of `tests/fixtures/runners`: all of a runner's in one gated push, and what its record says of each.
//!
//! Deliberately absent: reports as such; those of many more runs are fixtures of the readers. Here the runners are met as they really are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Fingerprint, Sandbox};
use crate::tools::{add_project, copy_fixture, sandbox};

/// What the suite of a case comes to.
#[derive(Clone, Copy, Debug)]
pub enum Comes {
    /// To a PASS, and rightly.
    ToPass,
    /// To a FAIL with these codes, each once, the headline first.
    ToFail(&'static str),
    /// To a PASS, though something was wrong: the runner does not let anybody see it. The words of `docs/evidence.md` that say so.
    Unseen(&'static str),
}

/// A runner's folder, and what each of its cases comes to.
pub struct Cases<'a> {
    /// The folder of the fixtures.
    pub folder: &'a str,
    /// Whether pnpm installs what it depends on.
    pub is_installed: bool,
    /// Every suite of its policy.
    pub cases: &'a [(&'a str, Comes)],
}

/// What a record says of one suite.
struct Said {
    verdict: String,
    codes: Vec<String>,
    findings: String,
}

/// Pushes a repository that holds the runner's cases, and compares the record of the refusal with the table.
pub fn check(runner: &Cases<'_>) -> Sandbox {
    let sandbox = sandbox();
    sandbox.git_ok(&["rm", "-r", "--quiet", "."]);
    copy_fixture(&sandbox, &format!("runners/{}", runner.folder));
    if runner.is_installed {
        add_project(&sandbox, &format!("runner-{}", runner.folder));
    }
    sandbox.write(".gitignore", "node_modules/\ntest-results/\n");
    sandbox.commit("Test the shop in every way");
    sandbox.install();
    let untouched = Fingerprint::of(&sandbox);

    sandbox.push_in_terminal(&["origin", "main"]).ends_with(1).says("push refused");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    assert_eq!(Fingerprint::of(&sandbox), untouched);

    let mut record = recorded(&sandbox);
    let wrong: Vec<String> =
        runner.cases.iter().filter_map(|(case, comes)| is_wrong(case, *comes, record.remove(*case))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(record.is_empty(), "cases that the table does not name: {:?}", record.keys());
    sandbox
}

/// The suites of the record of `HEAD`.
fn recorded(sandbox: &Sandbox) -> BTreeMap<String, Said> {
    let shown = sandbox.proof_gate(&["show", "HEAD", "--json"]).ends_with(0).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let suites = shown["statement"]["predicate"]["verdict"]["suites"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let said = |suite: &Value| {
        let findings = suite["findings"].as_array().cloned().unwrap_or_default();
        let mut codes: Vec<String> = findings.iter().map(|finding| text(&finding["code"])).collect();
        codes.dedup();
        let findings = findings.iter().map(|finding| format!("\n    {finding}")).collect();
        (text(&suite["name"]), Said { verdict: text(&suite["verdict"]), codes, findings })
    };
    suites.iter().map(said).collect()
}

fn is_wrong(case: &str, comes: Comes, said: Option<Said>) -> Option<String> {
    let Some(Said { verdict, codes, findings }) = said else {
        return Some(format!("{case}: no suite of this name was proven"));
    };
    let expected = match comes {
        Comes::ToPass => "",
        Comes::ToFail(codes) => codes,
        Comes::Unseen(words) if !page().contains(words) => {
            return Some(format!("{case}: docs/evidence.md does not say '{words}'"));
        }
        Comes::Unseen(_) => "",
    };
    let word = if expected.is_empty() { "PASS" } else { "FAIL" };
    let codes = codes.join(" ");
    (verdict != word || codes != expected)
        .then(|| format!("{case}: {verdict} {codes}, expected {word} {expected}{findings}"))
}

/// `docs/evidence.md` on one line.
fn page() -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/evidence.md")).unwrap();
    page.split_whitespace().collect::<Vec<_>>().join(" ")
}

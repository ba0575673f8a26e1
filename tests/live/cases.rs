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
    /// To a PASS, though something was wrong: the runner does not let anybody see it, and the record says so.
    Unseen,
}

impl Comes {
    /// All codes, in their order.
    fn codes(self) -> &'static str {
        match self {
            Comes::ToPass | Comes::Unseen => "",
            Comes::ToFail(codes) => codes,
        }
    }

    /// What the table of `docs/evidence.md` says.
    fn cell(self) -> String {
        match self {
            Comes::ToPass => "PASS".to_owned(),
            Comes::ToFail(codes) => format!("`{}`", codes.split(' ').next().unwrap()),
            Comes::Unseen => "unseen".to_owned(),
        }
    }
}

/// The rows of that table, by the cases' names. A runner may have more cases than these.
const ROWS: &[(&str, &str)] = &[
    ("pass", "all tests pass"),
    ("fail", "a test fails"),
    ("flaky", "a test passes at its second attempt"),
    ("focused", "a test is left with `.only`"),
    ("unhandled", "a rejection or panic that nobody handles"),
    ("exit", "a test ends the process with 0"),
    ("hang", "a test leaves something running"),
    ("skipped", "a test is skipped"),
    ("warning", "a warning is printed"),
    ("no-match", "the filter matches no test"),
];

/// A runner's folder, and what each of its cases comes to.
pub struct Cases<'a> {
    /// The folder of the fixtures.
    pub folder: &'a str,
    /// Its name in `docs/evidence.md`.
    pub name: &'a str,
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
    /// Whether it says that the runner does not show everything.
    says_unseen: bool,
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
    let mut wrong: Vec<String> =
        runner.cases.iter().filter_map(|(case, comes)| is_wrong(case, *comes, record.remove(*case))).collect();
    wrong.extend(wrong_in_the_page(runner));
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
        let notes = suite["notes"].as_array().cloned().unwrap_or_default();
        let says_unseen = notes.iter().any(|note| text(note).contains("does not show"));
        (text(&suite["name"]), Said { verdict: text(&suite["verdict"]), codes, findings, says_unseen })
    };
    suites.iter().map(said).collect()
}

fn is_wrong(case: &str, comes: Comes, said: Option<Said>) -> Option<String> {
    let Some(Said { verdict, codes, findings, says_unseen }) = said else {
        return Some(format!("{case}: no suite of this name was proven"));
    };
    let expected = comes.codes();
    let word = if expected.is_empty() { "PASS" } else { "FAIL" };
    let codes = codes.join(" ");
    if matches!(comes, Comes::Unseen) && !says_unseen {
        return Some(format!("{case}: the record does not say that the runner hides something"));
    }
    (verdict != word || codes != expected)
        .then(|| format!("{case}: {verdict} {codes}, expected {word} {expected}{findings}"))
}

/// What the table of `docs/evidence.md` says otherwise of a runner.
fn wrong_in_the_page(runner: &Cases<'_>) -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/evidence.md")).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let table: Vec<Vec<String>> = page.lines().map(cells).collect();
    let row = |title: &str| table.iter().find(|row| row.get(1).is_some_and(|cell| cell == title));
    let head = row("what happens").expect("docs/evidence.md has the table");
    let column = head.iter().position(|cell| cell == runner.name).expect("the table has a column for every runner");
    let cell = |title: &str| row(title).map(|row| row[column].clone()).unwrap_or_default();
    let differs = |(case, title): &(&str, &str)| {
        let comes = runner.cases.iter().find(|(name, _)| name == case).map(|(_, comes)| comes.cell());
        let (comes, said) = (comes.unwrap_or_default(), cell(title));
        (comes != said).then(|| format!("docs/evidence.md says of {case} '{said}' instead of '{comes}'"))
    };
    ROWS.iter().filter_map(differs).collect()
}

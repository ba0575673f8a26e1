//! The pages of the documentation: their commands are typed and print what the page says, and every refusal has its way on.
//!
//! Deliberately absent: the page that needs the real pnpm; `tests/live/docs.rs` follows that one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proof_gate::judge::Code;
use regex::Regex;

use crate::support::{Page, Sandbox};

/// Pages that the live tests follow.
const LIVE: &[&str] = &["docs/getting-started.md"];

/// A page, and the shop as it stands where the page begins.
type Begin = (&'static str, fn() -> Sandbox);

const PAGES: &[Begin] = &[("docs/forges.md", with_a_topic), ("docs/clients.md", by_hand)];

/// `main` is proven and pushed; somebody else's booking is on it since, and a topic with a payment waits beside.
fn with_a_topic() -> Sandbox {
    let sandbox = Sandbox::proven();
    sandbox.git_ok(&["checkout", "--quiet", "-b", "topic"]);
    sandbox.commit_file("src/payments/charge.js", "charge once\n");
    sandbox.git_ok(&["checkout", "--quiet", "main"]);
    sandbox.commit_file("src/bookings/book.js", "book once\n");
    sandbox.push(&["--quiet", "origin", "main", "topic"]).ends_with(0);
    sandbox.git_ok(&["checkout", "--quiet", "topic"]);
    sandbox
}

/// `main` is proven and pushed; proofs need a terminal.
fn by_hand() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_terminal_required();
    sandbox.commit("Prove by hand");
    sandbox.install();
    sandbox.push_in_terminal(&["--quiet", "origin", "main"]).ends_with(0);
    sandbox.commit_file("src/payments/charge.js", "charge once\n");
    sandbox
}

#[test]
fn every_page_goes_as_it_says() {
    for (page, begin) in PAGES {
        let sandbox = begin();
        Page::read(page).follow(&sandbox, sandbox.root(), &sandbox.shop());
    }
}

#[test]
#[ignore = "writes into the pages what their commands print"]
fn write_the_pages() {
    for (page, begin) in PAGES {
        let sandbox = begin();
        Page::read(page).rewrite(&sandbox, sandbox.root(), &sandbox.shop());
    }
}

#[test]
fn no_page_shows_commands_that_nobody_types() {
    let followed: BTreeSet<&str> = PAGES.iter().map(|(page, _)| *page).chain(LIVE.iter().copied()).collect();
    let shown = |page: &String| !Page::read(page).blocks().is_empty();
    let showing: BTreeSet<String> = pages().into_iter().filter(|page| page != "README.md").filter(shown).collect();
    assert_eq!(showing, followed.into_iter().map(str::to_owned).collect());
}

/// The README shows what the longer page does, line by line.
#[test]
fn what_the_readme_shows_is_shown_in_getting_started() {
    let readme = Page::read("README.md");
    let longer = Page::read("docs/getting-started.md");
    assert!(!readme.blocks().is_empty());
    for block in readme.blocks() {
        for line in block.lines().filter(|line| *line != "...") {
            assert!(longer.blocks().iter().any(|block| block.lines().any(|shown| shown == line)), "{line}");
        }
    }
}

#[test]
fn every_finding_has_its_way_on() {
    let text = troubleshooting();
    let schema = serde_json::to_value(schemars::schema_for!(Code)).unwrap().to_string();
    let code = Regex::new(r#""([A-Z][A-Z_]+)""#).unwrap();
    let codes: BTreeSet<&str> = code.captures_iter(&schema).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(codes.len() > 25 && codes.contains("FLAKY_HISTORY"), "{codes:?}");
    let missing: Vec<_> = codes.into_iter().filter(|code| !text.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/troubleshooting.md has no way on from {missing:?}");
}

/// Every text of the sources that begins as a refusal does stands in the page, but for its parts that are others every time.
#[test]
fn every_refusal_has_its_way_on() {
    let page = troubleshooting().replace('\n', " ");
    let text = Regex::new(r#"(?s)"((?:cannot|no proof|no policy|push refused|not ready) (?:[^"\\]|\\.)*)""#).unwrap();
    let wrapped = Regex::new(r"\\\n\s*").unwrap();
    let changing = Regex::new(r"'?\{[^}]*\}'?").unwrap();
    let (mut missing, mut found) = (BTreeSet::new(), 0);
    for (name, source) in sources() {
        for text in text.captures_iter(&source) {
            found += 1;
            let words = wrapped.replace_all(&text[1], "");
            let parts = changing.split(&words).map(|part| part.trim_matches([' ', ':', ';', ',', '(', ')']));
            missing.extend(parts.filter(|part| !page.contains(part)).map(|part| format!("{name}: {part}")));
        }
    }
    assert!(found > 100, "only {found} refusals: does the pattern still fit the sources?");
    assert!(missing.is_empty(), "docs/troubleshooting.md has no way on from\n{}", Vec::from_iter(missing).join("\n"));
}

/// The variables that suites see stand in the page about proofs, all of them.
#[test]
fn every_variable_of_the_allow_list_is_told() {
    let page = fs::read_to_string(top().join("docs/proofs.md")).unwrap();
    let (_, source) = sources().into_iter().find(|(name, _)| name == "src/prove/environment.rs").unwrap();
    let entry = Regex::new(r#"\("([A-Za-z][A-Za-z_]+)", (?:[A-Z]|")"#).unwrap();
    let names: Vec<&str> = entry.captures_iter(&source).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(names.len() > 20, "{names:?}");
    let is_silent = |name: &&&str| !page.contains(&format!("`{name}`")) && !page.contains(&format!("`{name}="));
    let missing: Vec<_> = names.iter().filter(is_silent).collect();
    assert!(missing.is_empty(), "docs/proofs.md does not name {missing:?}");
}

fn troubleshooting() -> String {
    fs::read_to_string(top().join("docs/troubleshooting.md")).unwrap()
}

/// Every page, by its path below the top.
fn pages() -> Vec<String> {
    let below = fs::read_dir(top().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let below = below.map(|name| format!("docs/{}", name.to_str().unwrap())).filter(|name| name.ends_with(".md"));
    below.chain(["README.md".to_owned()]).collect()
}

/// The program's sources without comments and tests.
fn sources() -> Vec<(String, String)> {
    let (mut folders, mut files) = (vec![top().join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    let is_production = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        path.extension().is_some_and(|extension| extension == "rs")
            && !name.ends_with("tests.rs")
            && !["testing.rs", "sandbox.rs", "corpus.rs", "fixtures.rs"].contains(&name)
    };
    let comment = Regex::new(r"(?m)^\s*//.*$").unwrap();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        (path.strip_prefix(top()).unwrap().display().to_string(), comment.replace_all(text, "").into_owned())
    };
    files.into_iter().filter(is_production).map(read).collect()
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

//! `docs/reliability.md` is in step with the tests: each that it names is there, and each of the topics about faults is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Topics whose every test meets a fault.
const TOPICS: &[&str] = &["faults", "disk", "damage", "machine"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names of the tests in a file, or in all files below a folder.
fn tests_in(path: &Path) -> BTreeSet<String> {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        return entries.flat_map(|entry| tests_in(&entry.unwrap().path())).collect();
    }
    let Ok(text) = fs::read_to_string(path) else { return BTreeSet::new() };
    let behind_marks = text.split("#[test]").skip(1);
    let name = |behind: &str| Some(behind.split_once("fn ")?.1.split_once('(')?.0.to_owned());
    behind_marks.filter_map(name).collect()
}

/// The tests that the page names, as it names them: `topic::module::name`, or the name alone of a test beside the code.
fn named() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next()).filter(|cell| *cell != "test");
    cells.map(|cell| cell.trim_matches('`').to_owned()).collect()
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let named = named();
    assert!(named.len() > 50, "{}", named.len());
    for test in named {
        let (files, name) = match (test.split_once("::"), test.rsplit_once("::")) {
            (Some((topic, _)), Some((_, name))) => {
                (vec![root().join(format!("tests/{topic}.rs")), root().join(format!("tests/{topic}"))], name)
            }
            _ => (vec![root().join("src")], test.as_str()),
        };
        assert!(files.iter().any(|file| tests_in(file).contains(name)), "{test} is nowhere");
    }
}

#[test]
fn every_test_about_faults_is_on_the_page() {
    let named: BTreeSet<String> =
        named().iter().filter_map(|test| Some(test.rsplit_once("::")?.1.to_owned())).collect();
    for topic in TOPICS {
        for test in tests_in(&root().join(format!("tests/{topic}.rs"))) {
            assert!(named.contains(&test), "{topic}: {test} is not in docs/reliability.md");
        }
    }
}

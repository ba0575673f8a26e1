//! The house rules of ARCHITECTURE.md, held over the sources as they stand: directions, doors, sizes, names, links.
//!
//! Deliberately absent: anything that a compiler or clippy can hold. Text is searched, not parsed; comments do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory as _;
use proof_gate::cli::Cli;
use proof_gate::select::{FOLDERS, TABLE};
use regex::Regex;

/// What each house may use of the crate, beside itself. A house is a folder of `src`, or a file at its top.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("digest", &[]),
    ("url", &[]),
    ("caller", &["error"]),
    ("policy", &["digest", "error"]),
    ("threads", &["error"]),
    ("child", &[]),
    ("git", &["caller", "child", "error", "threads", "url"]),
    ("reporter", &["caller", "error"]),
    // An unreadable report is named by the code that the judge will find for it.
    ("evidence", &["digest", "error", "judge::Code", "policy", "url"]),
    ("judge", &["evidence", "policy"]),
    // A record holds verdicts: their words, codes and counts.
    ("records", &["caller", "digest", "error", "git", "judge", "threads"]),
    // What a scenario is stands in the record; a plan depends on it.
    ("select", &["digest", "error", "git", "policy", "records::Scenario"]),
    // A runner brings evidence: it notices what the judge has to weigh, has output and reports listened to and read as they came, and
    // keeps what was left.
    ("prove", &["caller", "child", "digest", "error", "evidence", "git", "policy", "threads", "url"]),
    // A hook that stood there is a child like any other: started by the one door for processes.
    ("hooks", &["caller", "error", "git", "prove::process"]),
    ("gate", &["git::Oid", "records", "select"]),
    // What a runbook asks for is weighed from a record.
    ("runbook", &["judge::Code", "records"]),
    // It looks at everything and decides nothing; of the gate it knows the words of a refusal, of the reporter what a screen can show.
    (
        "doctor",
        &[
            "caller",
            "error",
            "gate::WOULD_BE_DELETED",
            "git",
            "hooks",
            "policy",
            "prove",
            "records",
            "reporter::shown",
            "select",
            "url",
        ],
    ),
    ("cli", &["policy", "reporter"]),
    (
        "commands",
        &[
            "caller", "cli", "digest", "doctor", "error", "evidence", "gate", "git", "hooks", "judge", "policy",
            "prove", "records", "reporter", "runbook", "select", "url",
        ],
    ),
    ("lib", &["caller", "cli", "commands", "error", "reporter"]),
    ("main", &[]),
];

/// Files that may be longer than [`MAX_LINES`], and why.
const LONG: &[(&str, &str)] = &[
    ("benches/gate.rs", "one function a figure, and the repositories that they are timed on"),
    ("src/policy/keys.rs", "a table, one entry a key"),
];

const MAX_LINES: usize = 400;

#[test]
fn every_house_uses_only_what_stands_below_it() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let path = Regex::new(r"\bcrate::([a-z_]+(?:::(?:[A-Za-z_]+|\{[^}]*\}))?)").unwrap();
    check(|source, faults| {
        if !source.name.starts_with("src/") {
            return;
        }
        if source.production().contains("use crate::{") {
            faults.push("gathers houses in one 'use crate::{': one line each can be searched".to_owned());
        }
        let house = source.house();
        let Some(allowed) = allowed.get(house.as_str()) else {
            return faults.push(format!("{house} stands in no row of MAY_USE"));
        };
        for found in path.captures_iter(&source.production()) {
            let used = &found[1];
            let other = used.split("::").next().unwrap();
            let fits = |entry: &&str| {
                used == *entry || (!entry.contains("::") && other == *entry) || used.starts_with(&format!("{entry}::"))
            };
            if other != house && !allowed.iter().any(fits) {
                faults.push(format!("uses crate::{used}"));
            }
        }
    });
}

#[test]
fn only_three_doors_start_programs() {
    only_in(
        &["src/git/program.rs", "src/prove/process.rs", "src/prove/supervise/mod.rs"],
        r"\bCommand::new\(|\bprocess::Command\b",
    );
}

#[test]
fn only_the_reporter_prints() {
    // In lib.rs clap prints its own help and complaints, before there is a reporter.
    only_in(&["src/reporter/"], r"\be?println?!|\be?print!|\bstd(out|err)\(\)|Term::std(out|err)");
}

#[test]
fn the_environment_is_read_in_one_place() {
    only_in(
        &["src/caller.rs"],
        r"\benv::(vars?|vars?_os|args|args_os|current_dir|current_exe|home_dir|temp_dir|set_var|remove_var|set_current_dir)\(",
    );
}

#[test]
fn only_the_git_door_knows_gix() {
    only_in(&["src/git/"], r"\bgix(_[a-z]+)?::");
}

#[test]
fn what_decides_knows_no_disk_process_environment_or_clock() {
    let decides =
        Regex::new(r"^src/(judge/|policy/|select/|gate\.rs|records/(answer|canonical|key|statement|wire)\.rs)")
            .unwrap();
    let impure = Regex::new(
        r"\bstd::(fs|process|env|net|thread)\b|\bFile::open|\b(Timestamp|SystemTime|Instant|Zoned)::now|\bgetrandom\b",
    )
    .unwrap();
    check(|source, faults| {
        if decides.is_match(&source.name) {
            faults.extend(impure.find_iter(&source.production()).map(|found| found.as_str().to_owned()));
        }
    });
}

#[test]
fn no_file_outgrows_its_duty_in_silence() {
    let mut unused: BTreeSet<&str> = LONG.iter().map(|(name, _)| *name).collect();
    check(|source, faults| {
        let lines = source.text.lines().count();
        let listed = unused.remove(source.name.as_str());
        let is_test = source.is_test || source.name.starts_with("tests/");
        match (lines > MAX_LINES, listed || is_test) {
            (true, false) => faults.push(format!("has {lines} lines: make it two, or say in LONG why not")),
            (false, true) if listed => faults.push("is short again: take it out of LONG".to_owned()),
            (true | false, _) => {}
        }
    });
    assert!(unused.is_empty(), "LONG names files that are gone: {unused:?}");
}

#[test]
fn nothing_is_left_half_done() {
    let half = Regex::new(r"\b(TODO|FIXME|XXX)\b|\b(dbg|todo|unimplemented)!").unwrap();
    let place = Regex::new(r#"/(work|root|home)/[a-z]"#).unwrap();
    check(|source, faults| {
        // This file names what it looks for, and a test may invent a home.
        if source.name == "tests/tidy.rs" {
            return;
        }
        faults.extend(half.find_iter(&source.text).map(|found| found.as_str().to_owned()));
        if !source.is_test {
            faults.extend(
                place.find_iter(&source.production()).map(|found| format!("names a place: {}", found.as_str())),
            );
        }
    });
    for (name, text) in documents() {
        assert!(
            !half.is_match(&text) && !place.is_match(&text),
            "{name}: {:?} {:?}",
            half.find(&text),
            place.find(&text)
        );
    }
}

#[test]
fn every_module_says_its_duty_first() {
    check(|source, faults| {
        if !source.text.starts_with("//! ") && !source.is_test {
            faults.push("begins with no module doc".to_owned());
        }
    });
}

#[test]
fn every_source_file_is_named_in_the_architecture() {
    let architecture = fs::read_to_string(top().join("ARCHITECTURE.md")).unwrap();
    check(|source, faults| {
        if source.name.starts_with("src/") && !architecture.contains(&format!("`{}`", source.name)) {
            faults.push("is not named in ARCHITECTURE.md".to_owned());
        }
    });
    let named = Regex::new(r"`((?:src|tests|hooks|docs|examples)/[a-z_./]+\.[a-z]+)`").unwrap();
    for found in named.captures_iter(&architecture) {
        assert!(top().join(&found[1]).exists(), "ARCHITECTURE.md names {}, which is not there", &found[1]);
    }
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    for (name, text) in documents() {
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let from = top().join(&name);
            let path = if file.is_empty() { from.clone() } else { from.parent().unwrap().join(file) };
            assert!(path.exists(), "{name} links to {target}, which is not there");
            if !anchor.is_empty() {
                let there = fs::read_to_string(&path).unwrap();
                let headings: Vec<String> = there.lines().filter(|line| line.starts_with('#')).map(anchor_of).collect();
                assert!(headings.iter().any(|heading| heading == anchor), "{name} links to {target}: {headings:?}");
            }
        }
    }
}

/// As forges make anchors: lower case, blanks become dashes, other signs go.
fn anchor_of(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_policy_in_the_documents_can_be_read() {
    let mut read = 0;
    for (name, text) in documents() {
        for block in fenced(&text, "toml").filter(|block| block.contains("version = 1")) {
            read += 1;
            if let Err(error) = proof_gate::policy::parse(block.as_bytes()) {
                panic!("{name}: {error}\n{block}");
            }
        }
    }
    assert!(read >= 3, "only {read} policies were found in the documents");
}

#[test]
fn the_shop_of_the_fixtures_has_a_policy_that_can_be_read_and_a_lockfile_that_names_no_host() {
    let shop = top().join("tests/fixtures/shop");
    if let Err(error) = proof_gate::policy::parse(&fs::read(shop.join(".proofrc.toml")).unwrap()) {
        panic!("{error}");
    }
    let lockfile = fs::read_to_string(shop.join("pnpm-lock.yaml")).unwrap();
    assert!(!lockfile.contains("://") && !lockfile.contains("tarball:"), "the lockfile names where packages came from");
}

#[test]
fn the_files_that_call_for_all_suites_are_in_the_documents() {
    let text = fs::read_to_string(top().join("docs/selection.md")).unwrap();
    let names = TABLE.iter().flat_map(|(_, names)| names.iter().map(|name| format!("`{name}`")));
    for name in names.chain(FOLDERS.iter().map(|(folder, _)| format!("`{folder}/**`"))) {
        assert!(text.contains(&name), "docs/selection.md does not name {name}");
    }
}

#[test]
fn only_commands_that_exist_are_named() {
    let root = Cli::command();
    let mut known: BTreeSet<&str> = root.get_subcommands().map(clap::Command::get_name).collect();
    // The first field of a key, in docs/records.md.
    known.insert("key");
    // A command where it stands in quotes or is a line of its own.
    let quoted = Regex::new(
        r"(?m)['`]proof-gate ([a-z][a-z-]+)\b|(?:^|: |\$ )proof-gate ([a-z][a-z-]+) ?(?:[A-Z<\[{-]|\\?\x22|$)",
    )
    .unwrap();
    for (name, text) in documents() {
        for found in quoted.captures_iter(&text) {
            let command = found.get(1).or(found.get(2)).unwrap().as_str();
            assert!(known.contains(command), "{name} names 'proof-gate {command}'");
        }
    }
    check(|source, faults| {
        if source.name.starts_with("src/") {
            for found in quoted.captures_iter(&source.production()) {
                let command = found.get(1).or(found.get(2)).unwrap().as_str();
                if !known.contains(command) {
                    faults.push(format!("names 'proof-gate {command}', which is no command"));
                }
            }
        }
    });
}

#[test]
fn the_scripts_are_read_by_sh_without_complaint() {
    for entry in fs::read_dir(top().join("hooks")).unwrap() {
        let path = entry.unwrap().path();
        let output = Command::new("sh").arg("-n").arg(&path).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}: {output:?}", path.display());
        assert!(!fs::read(&path).unwrap().contains(&b'\r'), "{} has a carriage return", path.display());
    }
    let output = Command::new("bash").arg("-n").arg(top().join(".ci/run")).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

struct Source {
    /// Its path below the top.
    name: String,
    text: String,
    /// Whether the whole file is compiled for tests only.
    is_test: bool,
}

impl Source {
    /// `policy` of `src/policy/keys.rs`, `gate` of `src/gate.rs`.
    fn house(&self) -> String {
        let below = self.name.trim_start_matches("src/");
        below.split('/').next().unwrap().trim_end_matches(".rs").to_owned()
    }

    /// The text without comments, and without what is compiled for tests only. Nothing of tests, examples and benchmarks: they may
    /// print and start programs.
    fn production(&self) -> String {
        if self.is_test || !self.name.starts_with("src/") {
            return String::new();
        }
        let text = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let comment = Regex::new(r"(?m)^\s*//.*$").unwrap();
        comment.replace_all(text, "").into_owned()
    }
}

/// Looks at every source file; fails with all faults at once, each behind its file's name.
fn check(mut look: impl FnMut(&Source, &mut Vec<String>)) {
    let mut all = Vec::new();
    for source in sources() {
        let mut faults = Vec::new();
        look(&source, &mut faults);
        all.extend(faults.into_iter().map(|fault| format!("{}: {fault}", source.name)));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// Demands that a pattern is found in these files or folders, and in no other.
fn only_in(places: &[&str], pattern: &str) {
    let pattern = Regex::new(pattern).unwrap();
    let mut met = BTreeSet::new();
    check(|source, faults| {
        let place = places.iter().find(|place| source.name.starts_with(*place));
        for found in pattern.find_iter(&source.production()) {
            match place {
                Some(place) => drop(met.insert(*place)),
                None => faults.push(format!("holds {}", found.as_str())),
            }
        }
    });
    assert_eq!(met.len(), places.len(), "the pattern is met in {met:?} only: does it still fit the sources?");
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        walk(&top().join(folder), "rs", &mut files);
    }
    let mut sources: Vec<Source> = files
        .into_iter()
        .map(|path| Source {
            name: path.strip_prefix(top()).unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(&path).unwrap(),
            is_test: false,
        })
        .collect();
    let declared =
        Regex::new("#\\[cfg\\(test\\)\\]\n(?:#\\[path = \"([a-z_.]+)\"\\]\n)?(?:pub )?mod ([a-z_]+);").unwrap();
    let mut tests = BTreeSet::new();
    for source in &sources {
        let folder = source.name.trim_end_matches("/mod.rs").trim_end_matches("src/lib.rs").trim_end_matches(".rs");
        for found in declared.captures_iter(&source.text) {
            tests.insert(match found.get(1) {
                Some(path) => format!("{}/{}", source.name.rsplit_once('/').unwrap().0, path.as_str()),
                None => format!("{folder}/{}.rs", &found[2]),
            });
        }
    }
    let names: BTreeSet<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    assert!(
        tests.iter().all(|name| names.contains(name.as_str())),
        "a test module is not where it is looked for: {tests:?}"
    );
    for source in &mut sources {
        source.is_test = tests.contains(&source.name);
    }
    sources
}

/// The documents that people read, with their paths.
fn documents() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(top()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    walk(&top().join("docs"), "md", &mut files);
    let name = |path: &Path| path.strip_prefix(top()).unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// The fenced blocks of a language.
fn fenced<'a>(text: &'a str, language: &'a str) -> impl Iterator<Item = &'a str> {
    text.split("\n```").filter_map(move |part| part.strip_prefix(language)?.strip_prefix('\n'))
}

fn walk(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, extension, files);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

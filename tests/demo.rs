//! The README's first command tells the story that it promises, on a machine with nothing but git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

/// The example, as it stands in the sources: `cargo test --test main` alone would leave an older one in place.
fn example() -> &'static Path {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let profile = Path::new(env!("CARGO_BIN_EXE_proof-gate")).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--quiet", "--locked", "--example", "demo", "--target-dir"])
            .arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
        profile.join("examples/demo")
    });
    &BUILT
}

/// Runs the demonstration in a folder of its own with an empty home, no terminal, no git identity, and `CI` set.
fn demo(home: &Path, arguments: &[&Path]) -> Output {
    Command::new(example())
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("XDG_CACHE_HOME", home.join(".cache"))
        .env("CI", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn in_the_shop(folder: &Path, program: impl AsRef<Path>, args: &[&str]) -> String {
    let mut command = Command::new(program.as_ref());
    command.args(args).current_dir(folder.join("shop")).env("GIT_CONFIG_GLOBAL", "/dev/null");
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim_end().to_owned()
}

#[test]
fn the_bug_is_refused_and_the_mend_and_the_release_are_proven() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("it's here");
    let story = told(&demo(home.path(), &[&folder]));
    for line in [
        "           payment  TEST_FAILED  payment refunds only once  expected 0, got 100",
        "proof-gate: push refused (1 of 1 ref)",
        "error: failed to push some refs to '../remote.git'",
        " * [new tag]         v1.0.0 -> v1.0.0",
    ] {
        assert_eq!(story.matches(&format!("{line}\n")).count(), 1, "'{line}' stands once in:\n{story}");
    }
    let git = |args: &[&str]| in_the_shop(&folder, "git", args);
    let remote = git(&["ls-remote", "origin", "refs/heads/*", "refs/tags/*"]);
    let head = git(&["rev-parse", "HEAD"]);
    assert_eq!(remote, format!("{head}\trefs/heads/main\n{head}\trefs/tags/v1.0.0"));
    assert_eq!(git(&["log", "--format=%s"]), "Refund only what is left\nMake refunds simpler\nOpen the shop");

    let status = in_the_shop(&folder, folder.join("bin/proof-gate"), &["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    for (known, name, suites) in [("tags", "v1.0.0", &["full", "payment"][..]), ("branches", "main", &["payment"])] {
        assert_eq!(status[known].as_array().unwrap().len(), 1, "{status}");
        assert_eq!(status[known][0]["name"], name);
        assert_eq!(status[known][0]["state"], "PASS");
        assert_eq!(status[known][0]["suites"], serde_json::json!(suites));
    }
}

#[test]
fn it_fits_a_terminal_of_80_columns_and_says_nothing_in_colour_to_a_pipe() {
    let home = tempfile::tempdir().unwrap();
    let story = told(&demo(home.path(), &[Path::new("d")]));
    let place = fs::canonicalize(home.path().join("d")).unwrap();
    for line in story.lines() {
        // The note is not there for a person at a terminal.
        let line = line.replace(" (not human-run)", "").replace(place.to_str().unwrap(), "/tmp/demo");
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}

#[test]
fn it_makes_nothing_in_a_repository_or_in_a_folder_that_holds_something() {
    let home = tempfile::tempdir().unwrap();
    let made = Command::new("git").args(["init", "--quiet"]).arg(home.path().join("mine")).status().unwrap();
    assert!(made.success());
    let inside = home.path().join("mine/demo");
    for (folder, why) in [(inside.as_path(), "lies in a git repository"), (home.path(), "is not empty")] {
        let refused = demo(home.path(), &[folder]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(why), "{said}");
    }
    assert!(!inside.exists());
}

#[test]
fn without_an_argument_it_finds_a_place_and_names_it() {
    let home = tempfile::tempdir().unwrap();
    let story = told(&demo(home.path(), &[]));
    let named = story.lines().find_map(|line| line.strip_prefix("  cd ")).unwrap();
    assert!(PathBuf::from(named).join(".git").is_dir(), "{named}");
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter().all(|name| name.to_string_lossy().starts_with("proof-gate-demo-") || name == ".cache"),
        "{left:?}"
    );
}

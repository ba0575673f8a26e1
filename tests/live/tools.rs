//! The tools that `setup.sh` brought, put before a sandbox's own PATH.
//!
//! Deliberately absent: getting them. That is the script's work, done once and outside the checkout.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Ran, Sandbox};

/// What the folder was made from, as `setup.sh` puts it together.
const MADE_FROM: [&str; 6] = [
    "live/setup.sh",
    "fixtures/shop/pnpm-lock.yaml",
    "fixtures/runners/jest/package.json",
    "fixtures/runners/mocha/package.json",
    "fixtures/runners/playwright/package.json",
    "fixtures/runners/vitest/package.json",
];

/// Where `setup.sh` puts everything; without it there is nothing to test.
fn folder() -> PathBuf {
    let below = |name: &str, rest: &str| std::env::var_os(name).map(|folder| PathBuf::from(folder).join(rest));
    let folder = std::env::var_os("PROOF_GATE_LIVE")
        .map(PathBuf::from)
        .or_else(|| below("XDG_CACHE_HOME", "proof-gate-live"))
        .or_else(|| below("HOME", ".cache/proof-gate-live"))
        .expect("HOME is set");
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made_from = MADE_FROM.map(|name| fs::read(top.join("tests").join(name)).unwrap());
    let by = fs::read(folder.join("set-up-by")).unwrap_or_default();
    assert!(by == made_from.concat(), "the live tools are missing or old: run  sh tests/live/setup.sh");
    folder
}

/// A shop whose commands find the real tools, and whose package stores are those that `setup.sh` filled.
pub fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("PATH", search_path().to_str().unwrap());
    for (name, folder) in stores() {
        sandbox.set(name, folder.to_str().unwrap());
    }
    sandbox
}

fn stores() -> [(&'static str, PathBuf); 3] {
    [
        ("npm_config_cache", "npm-cache"),
        ("pnpm_config_store_dir", "pnpm-store"),
        ("pnpm_config_cache_dir", "pnpm-cache"),
    ]
    .map(|(name, below)| (name, folder().join(below)))
}

fn search_path() -> OsString {
    let folder = folder();
    let gate = Path::new(env!("CARGO_BIN_EXE_proof-gate")).parent().unwrap().to_owned();
    let front = [folder.join("tools/node_modules/.bin"), folder.join("venv/bin"), gate];
    let path = std::env::var_os("PATH").expect("PATH is set");
    std::env::join_paths(front.into_iter().chain(std::env::split_paths(&path))).unwrap()
}

/// Takes the sandbox's stand-in runner and policy away, and puts a package with its lockfile there.
pub fn with_project(sandbox: &Sandbox, name: &str) {
    sandbox.remove("suite.sh");
    sandbox.remove(".proofrc.toml");
    add_project(sandbox, name);
}

/// Puts a package of `setup.sh` with its lockfile into the repository.
pub fn add_project(sandbox: &Sandbox, name: &str) {
    for entry in fs::read_dir(folder().join("projects").join(name)).unwrap() {
        let entry = entry.unwrap();
        sandbox.write(entry.file_name().to_str().unwrap(), fs::read(entry.path()).unwrap());
    }
}

/// Copies a folder of `tests/fixtures` into the repository, but for what a package manager put there where somebody worked in it.
pub fn copy_fixture(sandbox: &Sandbox, name: &str) {
    copy(sandbox, &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name), Path::new(""));
}

fn copy(sandbox: &Sandbox, fixture: &Path, below: &Path) {
    for entry in fs::read_dir(fixture.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_file() {
            sandbox.write(path.to_str().unwrap(), fs::read(entry.path()).unwrap());
        } else if entry.file_name() != "node_modules" && entry.file_name() != "test-results" {
            copy(sandbox, fixture, &path);
        }
    }
}

/// Runs one of the tools in the shop, which must succeed.
#[track_caller]
pub fn tool(sandbox: &Sandbox, name: &str, args: &[&str]) -> Ran {
    let path = search_path();
    let program = std::env::split_paths(&path).map(|entry| entry.join(name)).find(|program| program.is_file());
    let program = program.unwrap_or_else(|| panic!("{name} is missing: run  sh tests/live/setup.sh"));
    let output = Command::new(program)
        .args(args)
        .current_dir(sandbox.shop())
        .env_clear()
        .env("PATH", path)
        .env("HOME", sandbox.root().join("home"))
        .env("XDG_CACHE_HOME", sandbox.root().join("cache"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(stores())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }.ends_with(0)
}

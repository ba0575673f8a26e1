//! "Getting started", followed to the letter with the real pnpm and mocha.
//!
//! Deliberately absent: the pages that need no package manager; `tests/docs_examples.rs` follows those.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::{Page, Sandbox};
use crate::tools::sandbox;

const PAGE: &str = "docs/getting-started.md";

/// An empty folder with a clone of proof-gate in it, as the page begins.
fn home(sandbox: &Sandbox) -> PathBuf {
    let home = sandbox.root().join("ana");
    fs::create_dir(&home).unwrap();
    symlink(env!("CARGO_MANIFEST_DIR"), home.join("proof-gate")).unwrap();
    home
}

#[test]
fn getting_started_goes_as_the_page_says() {
    let sandbox = sandbox();
    let home = home(&sandbox);
    Page::read(PAGE).follow(&sandbox, &home, &home);
}

#[test]
#[ignore = "writes into docs/getting-started.md what its commands print"]
fn write_getting_started() {
    let sandbox = sandbox();
    let home = home(&sandbox);
    Page::read(PAGE).rewrite(&sandbox, &home, &home);
}

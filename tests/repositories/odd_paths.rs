//! Repositories in folders whose names hold what programs stumble over.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use super::check_payment_is_gated;
use crate::support::{Fingerprint, Sandbox};

#[track_caller]
fn check(name: &[u8]) {
    let mut sandbox = Sandbox::new();
    let name = OsStr::from_bytes(name);
    fs::rename(sandbox.shop(), sandbox.root().join(name)).unwrap();
    sandbox.work_in(name);
    let before = Fingerprint::of(&sandbox);
    sandbox.install();
    assert!(sandbox.hook().is_file());
    assert_eq!(Fingerprint::of(&sandbox).without(".git/hooks/pre-push"), before);
    sandbox.install_and_prove();
    check_payment_is_gated(&sandbox);
    let before = Fingerprint::of(&sandbox).without(".git/hooks/pre-push");
    sandbox.proof_gate(&["uninstall"]).ends_with(0);
    assert!(!sandbox.hook().exists());
    assert_eq!(Fingerprint::of(&sandbox), before);
}

#[test]
fn a_path_with_spaces_is_gated() {
    check(b"  our shop ");
}

#[test]
fn a_path_with_a_newline_is_gated() {
    check(b"two\nlines");
}

#[test]
fn a_path_that_ends_in_a_newline_is_gated() {
    check(b"line\n");
}

#[test]
fn a_path_with_quotes_and_what_a_shell_reads_is_gated() {
    check(b"it's \"$(touch HERE)\" `x` \\ #;*");
}

#[test]
fn a_path_that_is_no_utf_8_is_gated() {
    check(b"caf\xe9 \xff");
}

#[test]
fn a_path_that_begins_with_a_hyphen_or_holds_a_colon_is_gated() {
    check(b"-rf:a");
}

#[test]
fn a_proof_is_made_below_a_folder_with_an_odd_name() {
    let mut sandbox = Sandbox::new();
    let cache = sandbox.root().join("cache/it's \"here\"\n#;:");
    sandbox.set("XDG_CACHE_HOME", cache.to_str().unwrap());
    sandbox.install_and_prove();
    check_payment_is_gated(&sandbox);
    assert!(cache.join("proof-gate").is_dir());
}

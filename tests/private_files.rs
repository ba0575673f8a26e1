//! What the gate writes for itself is for its owner's eyes, and a URL's password is for nobody's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::Sandbox;

/// Everything below a folder, and the folder itself, with its permissions.
fn below(folder: &Path) -> Vec<(PathBuf, u32)> {
    let found = fs::symlink_metadata(folder).unwrap();
    let mut all = vec![(folder.to_owned(), found.permissions().mode() & 0o777)];
    if found.is_dir() {
        all.extend(fs::read_dir(folder).unwrap().flat_map(|entry| below(&entry.unwrap().path())));
    }
    all
}

#[test]
fn whatever_the_umask_nobody_else_can_read_what_the_gate_writes_for_itself() {
    for umask in ["000", "077"] {
        let sandbox = Sandbox::new();
        sandbox.sh(&format!("umask {umask}; proof-gate install && git push origin main")).ends_with(0);
        sandbox.write("src/payments/charge.js", "BUG\n");
        sandbox.commit("Break payments");
        sandbox.sh(&format!("umask {umask}; proof-gate push origin main")).ends_with(1);
        sandbox.sh(&format!("umask {umask}; proof-gate run --draft")).ends_with(1);
        let written = below(&sandbox.git_dir().join("proof-gate"));
        assert!(written.iter().any(|(path, _)| path.ends_with("payment/log")), "{written:?}");
        let open: Vec<_> = written.iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
        assert!(open.is_empty(), "{open:?}");
        let cache = below(&sandbox.root().join("cache/proof-gate"));
        assert!(cache.iter().all(|(_, mode)| mode & 0o077 == 0), "{cache:?}");
    }
}

#[test]
fn a_password_in_a_push_url_is_not_repeated() {
    let sandbox = Sandbox::new();
    sandbox.install();
    let ran = sandbox.proof_gate(&["push", "http://ana:hunter2@127.0.0.1:9/shop.git", "main"]).ends_with(1);
    let said = ran.says("127.0.0.1").stderr;
    assert!(!said.contains("hunter2"), "{said}");
}

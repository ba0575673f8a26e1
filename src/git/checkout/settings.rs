//! What git is told for a checkout, so that the bytes are the same on every machine.
//!
//! Deliberately absent: the user's configuration, attributes and templates, and those of the system. They are not read at all; the
//! settings here hold against what an unusual build of git has for its defaults.

use std::path::Path;

use crate::git::{GitCommand, Program};

/// Settings of every git child of a checkout.
pub(super) const PINNED: &[&str] = &[
    // What is written for a blob.
    "core.autocrlf=false",
    "core.eol=lf",
    "core.safecrlf=false",
    "core.checkRoundtripEncoding=",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.symlinks=true",
    "core.fileMode=true",
    // Which paths there are, and which of them are refused.
    "core.ignoreCase=false",
    "core.precomposeUnicode=false",
    "core.longpaths=true",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.sparseCheckout=false",
    "core.sparseCheckoutCone=false",
    "index.sparse=false",
    // How git works: nothing that it would have to ask somebody else, and an index that gix reads too.
    "checkout.workers=1",
    "core.alternateRefsCommand=",
    "core.bigFileThreshold=512m",
    "core.checkStat=default",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.logAllRefUpdates=false",
    "core.splitIndex=false",
    "core.trustCTime=true",
    "core.untrackedCache=false",
    "index.skipHash=false",
    "index.version=2",
    "init.defaultRefFormat=files",
];

/// What the workspace's own repository says for git commands of suites, who read no other configuration of the user either.
const OF_WORKSPACE: &[(&str, &str)] = &[
    ("core.autocrlf", "false"),
    ("core.eol", "lf"),
    ("core.safecrlf", "false"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    // What is filled is there for `git submodule` too.
    ("submodule.active", "."),
];

/// A git that reads no configuration of the user or the system.
pub(super) fn isolated(program: &Program, folder: &Path) -> GitCommand {
    let mut git = program
        .command(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for setting in PINNED {
        git = git.args(["-c", setting]);
    }
    git
}

/// What stands in the configuration of the workspace's own repository, below what every repository's says.
pub(super) fn of_workspace() -> String {
    let lines = OF_WORKSPACE.iter().map(|(name, value)| {
        let (section, key) = name.split_once('.').expect("a setting has a section");
        format!("[{section}]\n\t{key} = {value}\n")
    });
    lines.collect()
}

/// A path in C quotes, as `objects/info/alternates` and lists of paths take it: it may hold a newline or begin with `#`.
pub(super) fn quoted(path: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for byte in path {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            b'\n' => text.extend(b"\\n"),
            other => text.push(*other),
        }
    }
    text.push(b'"');
    text
}

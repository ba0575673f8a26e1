//! A small repository for the tests of this module, with a program that answers the self-test and notes what it was given.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::caller::Caller;
use crate::git::Repository;

/// What the program does in these tests.
const PROGRAM: &[u8] = b"#!/bin/sh
[ \"$3\" = --self-test ] && { echo \"self-test $4: nothing is let through\" >&2; exit 2; }
exit 1
";

/// A repository and its surroundings.
pub struct Shop {
    _folder: tempfile::TempDir,
    pub caller: Caller,
}

impl Shop {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        let top = real.join("shop");
        let program = executable(&real.join("proof-gate"), PROGRAM);
        let variables: BTreeMap<_, _> = [
            ("PATH".into(), std::env::var_os("PATH").unwrap()),
            ("HOME".into(), real.clone().into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("GIT_CONFIG_GLOBAL".into(), real.join("gitconfig").into()),
        ]
        .into();
        let shop = Shop { _folder: folder, caller: Caller { variables, directory: top.clone(), program } };
        fs::create_dir(&top).unwrap();
        fs::write(real.join("gitconfig"), "[user]\nname = Ana\nemail = ana@example.org\n").unwrap();
        shop.git(&["init", "--quiet", "--initial-branch=main", "--template="]);
        shop
    }

    pub fn git(&self, args: &[&str]) {
        let mut command = Command::new("git");
        command.args(args).current_dir(&self.caller.directory).env_clear().envs(&self.caller.variables);
        assert!(command.status().unwrap().success(), "git {args:?}");
    }

    pub fn open(&self) -> Repository {
        Repository::open(&self.caller).unwrap()
    }

    pub fn hook(&self) -> PathBuf {
        self.caller.directory.join(".git/hooks/pre-push")
    }

    /// Lets a hook of somebody else stand there.
    pub fn with_hook(self, bytes: &[u8]) -> Self {
        fs::create_dir_all(self.hook().parent().unwrap()).unwrap();
        executable(&self.hook(), bytes);
        self
    }
}

/// Writes an executable file, by another process: a file that this one held open could be busy when a test is just forking.
pub fn executable(path: &Path, bytes: &[u8]) -> PathBuf {
    let source = tempfile::NamedTempFile::new().unwrap();
    fs::write(&source, bytes).unwrap();
    let args = [OsStr::new("-m"), OsStr::new("755"), source.path().as_os_str(), path.as_os_str()];
    assert!(Command::new("install").args(args).status().unwrap().success());
    path.to_owned()
}

/// Runs a file and gives back its exit code and everything it printed.
pub fn run(program: &Path, args: &[&OsStr], variables: &[(&str, &str)]) -> (i32, String) {
    let output = loop {
        match Command::new(program).args(args).env_clear().envs(variables.iter().copied()).output() {
            // Another test, just forking, still holds the file open that was written a moment ago.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
            other => break other.unwrap(),
        }
    };
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&printed).into_owned())
}

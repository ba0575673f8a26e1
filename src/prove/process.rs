//! Starting programs. Beside the git door, the only place that does.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Runs a program as its caller would: same standard output and error, the given environment, and `input` on its standard input.
///
/// A program that does not read all of its input is no error.
pub fn hand_over<A: AsRef<OsStr>>(
    program: &Path,
    args: impl IntoIterator<Item = A>,
    folder: &Path,
    variables: &BTreeMap<OsString, OsString>,
    input: &[u8],
) -> std::io::Result<ExitStatus> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::piped())
        .spawn()?;
    let mut pipe = child.stdin.take().expect("stdin was asked to be a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || drop(pipe.write_all(input)));
        child.wait()
    })
}

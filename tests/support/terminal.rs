//! A command in a terminal of its own: the gate proves only where a controlling terminal opens.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::path::Path;

use super::Ran;

/// Runs a program with a fresh controlling terminal. Both of its outputs come back as `stdout`, as they went to the terminal.
pub fn run(program: &Path, args: &[&str], folder: &Path, variables: &BTreeMap<OsString, OsString>) -> Ran {
    run_as_wide_as(100, program, args, folder, variables)
}

/// Rows of every terminal here: enough for all that one command says.
const ROWS: u16 = 100;

/// What stands on the screen in the end, without blank rows at its end. A row that the terminal itself broke is one line.
pub fn screen(columns: u16, shown: &str) -> String {
    let size = |length| NonZero::new(length).expect("a screen has room");
    let mut screen = vt100::Parser::new(size(ROWS), size(columns), 0);
    screen.process(shown.as_bytes());
    let lines: Vec<String> = screen.screen().contents().lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

/// The same with so many columns.
pub fn run_as_wide_as(
    columns: u16,
    program: &Path,
    args: &[&str],
    folder: &Path,
    variables: &BTreeMap<OsString, OsString>,
) -> Ran {
    let (mut terminal, mut child) = start(columns, program, args, folder, variables);
    let mut shown = Vec::new();
    // Linux says EIO, not end of file, once nobody holds the other end.
    drop(terminal.read_to_end(&mut shown));
    let status = child.wait().unwrap();
    Ran {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&shown).into_owned(),
        stderr: String::new(),
    }
}

fn start(
    columns: u16,
    program: &Path,
    args: &[&str],
    folder: &Path,
    variables: &BTreeMap<OsString, OsString>,
) -> (pty_process::blocking::Pty, std::process::Child) {
    let (terminal, end) = pty_process::blocking::open().expect("this system has pseudo-terminals");
    terminal.resize(pty_process::Size::new(ROWS, columns)).unwrap();
    let child = pty_process::blocking::Command::new(program)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value))))
        .spawn(end)
        .expect("the program starts");
    (terminal, child)
}

/// A program that runs in a terminal of its own, with somebody at the keyboard. What it shows is not read: it must be short.
pub struct Session {
    terminal: pty_process::blocking::Pty,
    pub child: std::process::Child,
}

impl Session {
    pub fn start(program: &Path, args: &[&str], folder: &Path, variables: &BTreeMap<OsString, OsString>) -> Self {
        let (terminal, child) = start(100, program, args, folder, variables);
        Session { terminal, child }
    }

    /// Types something.
    pub fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    /// What it showed, once it has ended.
    pub fn shown(mut self) -> String {
        let mut shown = Vec::new();
        drop(self.terminal.read_to_end(&mut shown));
        self.child.wait().unwrap();
        String::from_utf8_lossy(&shown).into_owned()
    }

    /// Closes the window.
    pub fn closes(self) -> std::process::Child {
        self.child
    }
}

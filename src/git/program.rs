//! The git program, hardened and scrubbed: no hooks, no replace refs, no helpers from the user's configuration, machine formats only.
//!
//! Deliberately absent: a way to run git with the caller's whole environment, but for the push that tries whether the hook fires.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use bstr::{BString, ByteSlice as _};

use super::patience::{self, PATIENCE, PATIENCE_AT_FIRST, PATIENCE_WITH_SIGNATURES, Waited};
use crate::caller::Caller;
use crate::error::{Context as _, Error, Result};
use crate::url::without_user_info;

/// Settings that no user configuration may override in a git child.
const PINNED: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "core.commitGraph=true",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "log.showSignature=false",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
];

/// Variables that say which repository is meant, and stand in git's own children.
pub const LOCATIONS: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// Variables that every git child gets, whatever the caller has set.
const PINNED_VARIABLES: &[(&str, &str)] =
    &[("GIT_NO_REPLACE_OBJECTS", "1"), ("GIT_OPTIONAL_LOCKS", "0"), ("GIT_ATTR_NOSYSTEM", "1"), ("LC_ALL", "C")];

/// `GIT_*` variables that reach git children: how to connect, who commits, and where the user's configuration lies.
fn is_passed(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    !name.starts_with("GIT_")
        || name.starts_with("GIT_SSH")
        || name.starts_with("GIT_SSL_")
        || name.starts_with("GIT_AUTHOR_")
        || name.starts_with("GIT_COMMITTER_")
        || matches!(&*name, "GIT_ASKPASS" | "GIT_CONFIG_GLOBAL" | "GIT_CONFIG_SYSTEM" | "GIT_CONFIG_NOSYSTEM")
}

/// Variables that say how the user connects, beside those that every git child gets: `git -c http.extraHeader=… push` comes in the first.
fn is_about_connecting(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let starts = ["GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "GIT_HTTP", "GIT_PROTOCOL", "GIT_PROXY"];
    starts.iter().any(|start| name.starts_with(start))
        || matches!(&*name, "GIT_CONFIG_PARAMETERS" | "GIT_CONFIG_COUNT" | "GIT_TERMINAL_PROMPT" | "GIT_ALLOW_PROTOCOL")
}

/// The variables that say which repository is meant; they are heard once, when it is opened.
fn is_location(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("GIT_CONFIG")
        || matches!(
            &*name,
            "GIT_DIR"
                | "GIT_WORK_TREE"
                | "GIT_COMMON_DIR"
                | "GIT_IMPLICIT_WORK_TREE"
                | "GIT_CEILING_DIRECTORIES"
                | "GIT_DISCOVERY_ACROSS_FILESYSTEM"
        )
}

/// Where git lies and with which environment it is started.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    variables: BTreeMap<OsString, OsString>,
}

/// What a git child printed and how it ended.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: BString,
    /// Its standard error, for messages.
    pub stderr: BString,
}

impl Program {
    /// Finds git in the caller's PATH; relative PATH entries do not count.
    pub fn find(caller: &Caller) -> Result<Self> {
        let path = caller.variable("PATH").context("cannot find git: PATH is not set")?;
        let absolute = std::env::join_paths(std::env::split_paths(path).filter(|entry| entry.is_absolute()))
            .context("cannot read PATH")?;
        let path = which::which_in("git", Some(absolute), &caller.directory)
            .map_err(|_| Error::new("cannot find git in PATH").hint("install git 2.39 or later"))?;
        let variables: BTreeMap<OsString, OsString> = caller
            .variables
            .iter()
            .filter(|(name, _)| is_passed(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Ok(Program { path, variables })
    }

    pub(super) fn keep_variable(&mut self, name: &str, value: &OsStr) {
        self.variables.insert(name.into(), value.into());
    }

    /// The file that is started.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A git command in `folder`, with no repository named yet. See [`Repository::command`](super::Repository::command) for one with.
    pub fn command(&self, folder: &Path) -> GitCommand {
        let mut command = Command::new(&self.path);
        command.current_dir(folder).env_clear().envs(&self.variables).envs(PINNED_VARIABLES.iter().copied());
        for setting in PINNED {
            command.arg("-c").arg(setting);
        }
        GitCommand { command, stdin: None, patience: PATIENCE }
    }

    /// The one command that hears the caller's `GIT_DIR` and its like: it asks git which repository is meant.
    pub(super) fn discovery(&self, caller: &Caller) -> GitCommand {
        let mut git = self.command(&caller.directory);
        git.patience = PATIENCE_AT_FIRST;
        for (name, value) in caller.variables.iter().filter(|(name, _)| is_location(name)) {
            git.command.env(name, value);
        }
        git
    }

    /// A hardened command that reaches a remote as the user does.
    pub(super) fn connecting(&self, caller: &Caller, folder: &Path) -> GitCommand {
        let mut git = self.command(folder);
        for (name, value) in caller.variables.iter().filter(|(name, _)| is_about_connecting(name)) {
            git.command.env(name, value);
        }
        git
    }

    /// A git that answers to the user as if typed by hand: the user's configuration and hooks hold, output goes where `stdout` says.
    /// For the push itself, and to ask where hooks lie and have one run: the hardened commands have hooks off.
    pub fn by_hand(&self, folder: &Path) -> GitCommand {
        let mut command = Command::new(&self.path);
        command.current_dir(folder).env_clear().envs(&self.variables);
        GitCommand { command, stdin: None, patience: PATIENCE }
    }

    /// A program that git starts for signatures, such as `ssh-keygen`: the file that `name` names, or the first of that name in PATH.
    pub(super) fn signature_program(&self, name: &str, folder: &Path) -> Result<GitCommand> {
        let paths = self.variables.get(OsStr::new("PATH"));
        let path = which::which_in(name, paths, folder).map_err(|_| {
            Error::new(format!("cannot check a signature: there is no program '{name}'"))
                .hint("install it (ssh-keygen comes with OpenSSH, gpg with GnuPG), or name it: git config gpg.ssh.program, gpg.program")
        })?;
        let mut command = Command::new(path);
        command.current_dir(folder).env_clear().envs(&self.variables).env("LC_ALL", "C");
        Ok(GitCommand { command, stdin: None, patience: PATIENCE_WITH_SIGNATURES })
    }

    /// A git with the whole environment of the caller, `GIT_CONFIG_*` with it, where the caller stands: what the user would meet by
    /// typing it.
    pub fn as_typed(&self, caller: &Caller) -> GitCommand {
        let mut command = Command::new(&self.path);
        command.current_dir(&caller.directory).env_clear().envs(&caller.variables);
        GitCommand { command, stdin: None, patience: PATIENCE }
    }
}

/// A git command that is being put together.
#[derive(Debug)]
pub struct GitCommand {
    pub(super) command: Command,
    stdin: Option<Vec<u8>>,
    pub(super) patience: Duration,
}

impl GitCommand {
    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets one variable of its environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Ctrl-C and the end of the terminal do not reach it, but only this program, which then decides: for short writes that are either to
    /// be made or not to be begun, and for clearing up when all else has ended. It has a process group of its own.
    pub fn undisturbed(mut self) -> Self {
        self.command.process_group(0);
        self
    }

    /// What it reads on its standard input; nothing unless said.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Runs it to its end, however it ends.
    pub fn output(self) -> Result<Output> {
        self.begin()?.output()
    }

    /// Starts it. It runs beside whatever is done here until its answer is asked for.
    pub fn begin(self) -> Result<Begun> {
        let what = self.name();
        let GitCommand { mut command, stdin, patience } = self;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().context("cannot start git")?;
        let writer = stdin.map(|bytes| {
            let mut pipe = child.stdin.take().expect("stdin was asked to be a pipe");
            // A child that stops reading early says why on stderr; the broken pipe adds nothing.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)))
        });
        Ok(Begun { what, child: Some(child), writer, patience })
    }

    /// Runs it with the caller's own standard input and error, for progress and questions, and gives back its standard output.
    pub fn output_beside_talk(mut self) -> Result<Output> {
        self.command.stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let child = self.command.spawn().context("cannot start git")?;
        let output = child.wait_with_output().context("cannot read what git said")?;
        Ok(Output { status: output.status, stdout: output.stdout.into(), stderr: BString::default() })
    }

    /// Runs it to a good end and gives back what it printed; anything else is an error that quotes git's own first line.
    pub fn run(self) -> Result<BString> {
        self.begin()?.run()
    }

    /// `git read-tree`, for messages.
    fn name(&self) -> String {
        let mut args = self.command.get_args().skip(PINNED.len() * 2);
        let mut verb = args.next();
        while let Some(arg) = verb {
            let text = arg.to_string_lossy();
            if text == "-c" {
                args.next();
            } else if !text.starts_with('-') {
                return format!("git {text}");
            }
            verb = args.next();
        }
        "git".to_owned()
    }
}

/// A git command that runs. Leaving scope without its answer ends it.
#[derive(Debug)]
#[must_use]
pub struct Begun {
    what: String,
    child: Option<Child>,
    writer: Option<JoinHandle<()>>,
    patience: Duration,
}

impl Begun {
    /// Waits for its end, however it ends.
    pub fn output(mut self) -> Result<Output> {
        let child = self.child.take().expect("its end is waited for once");
        let waited = patience::wait(child, self.patience).context("cannot read what git said")?;
        let Waited::Ended(output) = waited else {
            let what = &self.what;
            return Err(Error::new(format!("{what} gave no answer within {} s", self.patience.as_secs()))
                .hint(format!("try it by hand: {what}; a hanging file system or a git that waits for something")));
        };
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
        Ok(Output { status: output.status, stdout: output.stdout.into(), stderr: output.stderr.into() })
    }

    /// Waits for a good end and gives back what it printed; anything else is an error that quotes git's own first line.
    pub fn run(self) -> Result<BString> {
        let what = self.what.clone();
        let output = self.output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Error::new(format!("{what} failed: {}", output.complaint())))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It fails only where it has ended already.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Output {
    /// The line of standard error that says what went wrong, in git's own words.
    pub fn complaint(&self) -> String {
        let lines: Vec<&[u8]> = self.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
        let telling =
            lines.iter().find(|line| line.starts_with(b"fatal:") || line.starts_with(b"error:")).or(lines.first());
        match telling {
            Some(line) => without_user_info(&line.to_str_lossy()).into_owned(),
            None => self.ending(),
        }
    }

    /// `it ended with exit code 1`, for a git that said nothing.
    pub fn ending(&self) -> String {
        match self.status.code() {
            Some(code) => format!("it ended with exit code {code}"),
            // `signal: 2 (SIGINT)`
            None => format!("it was ended by {}", self.status),
        }
    }

    /// The lines of standard error that are not blank, in git's own words.
    pub fn said(&self) -> impl Iterator<Item = String> {
        let lines = self.stderr.lines().map(<[u8]>::trim).filter(|line| !line.is_empty());
        lines.map(|line| without_user_info(&line.to_str_lossy()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn what_git_said_is_repeated_without_passwords() {
        let stderr =
            "warning: x\n\nfatal: no 'https://ana:hunter2@example.org/'\nhint: https://0123@example.org\n".into();
        let output = Output { status: ExitStatus::from_raw(128 << 8), stdout: "".into(), stderr };
        assert_eq!(output.complaint(), "fatal: no 'https://example.org/'");
        assert_eq!(output.said().last().unwrap(), "hint: https://example.org");
    }
}

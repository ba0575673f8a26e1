//! What the process was started with: environment, folder, program. Read once, in `main`, and handed down.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::error::{Context, Result};

/// The process's surroundings as they were when it started.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Every environment variable.
    pub variables: BTreeMap<OsString, OsString>,
    /// The folder it was started in, absolute.
    pub directory: PathBuf,
    /// This program's own file, absolute.
    pub program: PathBuf,
}

impl Caller {
    /// Reads the surroundings of this process.
    pub fn from_process() -> Result<Self> {
        Ok(Caller {
            variables: std::env::vars_os().collect(),
            directory: std::env::current_dir().context("cannot tell the current folder")?,
            program: std::env::current_exe().context("cannot tell where this program lies")?,
        })
    }

    /// The value of an environment variable, unless it is unset or empty.
    pub fn variable(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        self.variables.get(name.as_ref()).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The user's home folder, where `HOME` names an absolute one.
    pub fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
    }
}

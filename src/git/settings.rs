//! The user's settings with the file that each stands in, to tell them apart and to name the command that changes one; and single lines
//! that a command whose duty it is adds to the repository's own.
//!
//! Deliberately absent: settings given with `-c` or in the environment; they end with the command that they were given to.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use bstr::{BString, ByteSlice as _, ByteVec as _};

use super::{Repository, Scope};
use crate::error::{Context as _, Error, Result};

/// One line of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Whose configuration it is.
    pub scope: Scope,
    /// The file, absolute; an included one is named itself. `None` where git names none.
    pub file: Option<PathBuf>,
    /// `alias.publish`, section and variable in lower case.
    pub name: BString,
    /// The value; a variable without one is `true`.
    pub value: BString,
}

impl Repository {
    /// All settings whose names match a regular expression of git's, the weakest first; of several of one name the last holds.
    pub fn settings(&self, names: &str) -> Result<Vec<Setting>> {
        let asked = self
            .by_hand()
            .args(["config", "--null", "--show-scope", "--show-origin", "--get-regexp", names])
            .output()?;
        match asked.status.code() {
            Some(1) => Ok(Vec::new()),
            Some(0) => {
                let mut fields: Vec<&[u8]> = asked.stdout.split(|byte| *byte == 0).collect();
                // Every field ends with a NUL, so the last one is empty.
                fields.pop();
                fields.chunks(3).map(|three| self.read_setting(three)).collect()
            }
            _ => Err(Error::new(format!("cannot read the settings: {}", asked.complaint()))),
        }
    }

    /// The values of a name in the repository's own configuration, in their order there.
    pub fn own_values(&self, name: &str) -> Result<Vec<Vec<u8>>> {
        self.values(&["--local", "--get-all", name])
    }

    /// The value that holds, wherever it stands.
    pub fn value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.values(&["--get-all", name])?.pop())
    }

    fn values(&self, args: &[&str]) -> Result<Vec<Vec<u8>>> {
        let asked = self.command().args(["config", "--null"]).args(args).output()?;
        match asked.status.code() {
            Some(0) => {
                let values = asked.stdout.strip_suffix(b"\0").unwrap_or(&asked.stdout);
                Ok(values.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
            }
            Some(1) => Ok(Vec::new()),
            _ => Err(Error::new(format!("cannot read the settings: {}", asked.complaint()))),
        }
    }

    /// Adds a line to the repository's own configuration, behind those of the same name. git writes it whole or not at all.
    pub fn add_value(&self, name: &str, value: &[u8]) -> Result<()> {
        self.command().args(["config", "--local", "--add", name]).arg(OsStr::from_bytes(value)).run().map(drop)
    }

    /// Takes out the one line of this name and value; an error where there are several.
    pub fn remove_value(&self, name: &str, value: &[u8]) -> Result<()> {
        let git = self.command().args(["config", "--local", "--fixed-value", "--unset", name]);
        git.arg(OsStr::from_bytes(value)).run().map(drop)
    }

    pub(super) fn read_setting(&self, three: &[&[u8]]) -> Result<Setting> {
        let [scope, origin, line] = three else {
            return Err(Error::new("cannot read the settings: git's answer is cut short"));
        };
        let scope = Scope::parse(scope).context("cannot tell where a setting stands")?;
        let (name, value) = line.split_once_str("\n").unwrap_or((line, b"true"));
        Ok(Setting { scope, file: self.file_of(origin), name: name.into(), value: value.into() })
    }

    /// The file that an origin names. One of the repository's own is named from the folder that git stands in.
    pub(super) fn file_of(&self, origin: &[u8]) -> Option<PathBuf> {
        let path = Vec::from(origin.strip_prefix(b"file:")?).into_path_buf().ok()?;
        Some(self.work_tree().unwrap_or(self.git_dir()).join(path))
    }
}

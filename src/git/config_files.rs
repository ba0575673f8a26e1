//! Which files git reads its configuration from, and what it says of hooks.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bstr::ByteSlice as _;

use super::{Begun, Repository, Setting};
use crate::error::{Context as _, Error, Result};

/// What git's configuration holds, as far as it matters whether somebody changed it.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// Every file that gives the repository a setting: the machine's, the user's, its own, and those that they include.
    ///
    /// A file that holds no setting, or is not there, is not named by git.
    pub files: BTreeSet<PathBuf>,
    /// The `core.hooksPath` that holds.
    pub hooks_path: Option<Setting>,
}

impl Repository {
    /// Begins to ask git for its configuration; [`configuration`](Self::configuration) reads the answer.
    pub fn ask_configuration(&self) -> Result<Begun> {
        let asked = ["config", "--list", "--show-scope", "--show-origin", "--includes", "--null"];
        self.by_hand().args(asked).begin()
    }

    /// The configuration that git was asked for.
    pub fn configuration(&self, asked: Begun) -> Result<Configuration> {
        let listed = asked.run().context("cannot list the files of git's configuration")?;
        let mut configuration = Configuration::default();
        let mut fields: Vec<&[u8]> = listed.split_str("\0").collect();
        // Every field ends with a NUL, so the last one is empty.
        fields.pop();
        for three in fields.chunks(3) {
            let [_, origin, line] = three else {
                return Err(Error::new("git's list of its configuration is cut short"));
            };
            configuration.files.extend(self.file_of(origin));
            let name = line.split_once_str("\n").map_or(*line, |(name, _)| name);
            if name == b"core.hookspath" {
                configuration.hooks_path = Some(self.read_setting(three)?);
            }
        }
        Ok(configuration)
    }
}

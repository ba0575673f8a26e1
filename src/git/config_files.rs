//! Which files git reads its configuration from.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bstr::{ByteSlice as _, ByteVec as _};

use super::Repository;
use crate::error::{Context as _, Result};

impl Repository {
    /// Every file that gives the repository a setting: the machine's, the user's, its own, and those that they include.
    ///
    /// A file that holds no setting, or is not there, is not named by git.
    pub fn config_files(&self) -> Result<BTreeSet<PathBuf>> {
        let listed = self.by_hand().args(["config", "--list", "--show-origin", "--includes", "--null"]).run();
        let listed = listed.context("cannot list the files of git's configuration")?;
        let mut files = BTreeSet::new();
        // Origins and settings take turns, each with a NUL behind it.
        for origin in listed.split_str("\0").step_by(2) {
            // A file of the repository's own is named from the folder that git stands in.
            if let Some(path) = origin.strip_prefix(b"file:") {
                let path = path.to_vec().into_path_buf().context("cannot read the path of a configuration file")?;
                let folder = self.work_tree().unwrap_or(self.git_dir());
                files.insert(folder.join(path));
            }
        }
        Ok(files)
    }
}

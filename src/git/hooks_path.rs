//! Where git looks for this repository's hooks, and which setting says so.
//!
//! Deliberately absent: settings given with `-c` or in the environment; they end with the command that they were given to.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bstr::ByteVec as _;

use super::{Output, Repository, Setting, Within};
use crate::error::{Error, Result};

/// How long a hook may take to refuse a self-test.
const PATIENCE: Duration = Duration::from_secs(30);

/// The file that a setting stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The machine's.
    System,
    /// The user's.
    Global,
    /// The repository's.
    Local,
    /// The linked worktree's.
    Worktree,
}

impl Scope {
    /// The word git uses for it, as in `git config --global`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::System => "system",
            Scope::Global => "global",
            Scope::Local => "local",
            Scope::Worktree => "worktree",
        }
    }

    pub(super) fn parse(word: &[u8]) -> Option<Self> {
        [Scope::System, Scope::Global, Scope::Local, Scope::Worktree]
            .into_iter()
            .find(|scope| scope.as_str().as_bytes() == word)
    }
}

/// The folder of the hooks, as git works it out.
#[derive(Clone, Debug)]
pub struct HooksFolder {
    /// Absolute; it may not exist.
    pub path: PathBuf,
    /// The `core.hooksPath` that holds; `None` where git's own default does.
    pub setting: Option<Setting>,
}

impl Repository {
    /// Asks git where it looks for hooks. The hardened commands of this door have their hooks off, so this one is asked as if typed by hand.
    pub fn hooks_folder(&self) -> Result<HooksFolder> {
        self.hooks_folder_by(self.settings("^core\\.hookspath$")?.pop())
    }

    /// The same where it is known which `core.hooksPath` holds.
    pub fn hooks_folder_by(&self, setting: Option<Setting>) -> Result<HooksFolder> {
        match &setting {
            // githooks(5). The path is the one that git would give: of a link, where it leads.
            None => {
                let folder = self.common_dir().join("hooks");
                return Ok(HooksFolder { path: fs::canonicalize(&folder).unwrap_or(folder), setting });
            }
            // Here `git rev-parse --git-path hooks` only complains; a push looks for `/pre-push`.
            Some(empty) if empty.value.is_empty() => return Ok(HooksFolder { path: PathBuf::from("/"), setting }),
            Some(_) => {}
        }
        let asked = self.by_hand().args(["rev-parse", "--path-format=absolute", "--git-path", "hooks"]).run();
        let mut path: Vec<u8> = match asked {
            Ok(path) => path.into(),
            // A path through a file, as `.git/hooks` in a linked work tree: a push looks there all the same, and finds nothing.
            Err(_) => self.by_hand().args(["rev-parse", "--git-path", "hooks"]).run()?.into(),
        };
        if path.last() == Some(&b'\n') {
            path.pop();
        }
        let path = path.into_path_buf().map_err(|_| Error::new("cannot read the path of the hooks folder"))?;
        let seen_from = self.work_tree().unwrap_or(self.git_dir());
        Ok(HooksFolder { path: seen_from.join(path), setting })
    }

    /// Runs a hook as git would, found where git finds it, with nothing on its standard input. One that hangs is killed.
    pub fn fire(&self, hook: &str, args: &[&str]) -> Result<Output> {
        match self.by_hand().args(["hook", "run", hook, "--"]).args(args).within(PATIENCE, || false)? {
            Within::Ended(output) => Ok(output),
            Within::TimedOut(_) | Within::Stopped => {
                Err(Error::new(format!("the hook did not end within {} s", PATIENCE.as_secs())))
            }
        }
    }
}

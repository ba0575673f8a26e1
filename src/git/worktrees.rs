//! The work trees of a repository.

use std::path::PathBuf;

use bstr::ByteVec as _;

use super::Repository;
use crate::error::Result;

impl Repository {
    /// The folders of all work trees that are there, the main one first. One that was removed by hand is left out, and so is a bare
    /// repository itself.
    pub fn worktrees(&self) -> Result<Vec<PathBuf>> {
        let listed = self.command().args(["worktree", "list", "--porcelain", "-z"]).run()?;
        let mut found = Vec::new();
        // A block a work tree, each line ended by a NUL, each block by an empty line.
        let mut lines = listed.split(|byte| *byte == 0).peekable();
        while let Some(line) = lines.next() {
            if let Some(path) = line.strip_prefix(b"worktree ")
                && lines.peek() != Some(&&b"bare"[..])
                && let Ok(path) = Vec::from(path).into_path_buf()
                && path.is_dir()
            {
                found.push(path);
            }
        }
        Ok(found)
    }
}

//! The user's remotes: which one is meant where none is named, and by which URLs it is reached.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use bstr::ByteSlice as _;

use super::Repository;
use crate::error::{Error, Result};

/// How a remote is reached, as git has rewritten it (`insteadOf`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    /// Where git fetches from.
    pub fetch: OsString,
    /// Where git pushes to: one or more.
    pub push: Vec<OsString>,
}

impl Repository {
    /// The remote of the current branch, else the only one, else `origin`.
    pub fn default_remote(&self) -> Result<String> {
        let branch = self.command().args(["symbolic-ref", "--quiet", "--short", "HEAD"]).output()?;
        let branch = branch.stdout.trim_end().to_str_lossy().into_owned();
        if !branch.is_empty()
            && let Some(remote) = self.setting(&format!("branch.{branch}.remote"))?
            && remote != "."
        {
            return Ok(remote);
        }
        let all = self.command().arg("remote").run()?;
        let all: Vec<&[u8]> = all.lines().collect();
        match all[..] {
            [only] => Ok(only.to_str_lossy().into_owned()),
            _ => Ok("origin".to_owned()),
        }
    }

    /// Whether any remote is set up.
    pub fn has_remotes(&self) -> Result<bool> {
        Ok(!self.command().arg("remote").run()?.trim().is_empty())
    }

    /// The URLs of a remote that is named; a URL or a path stands for itself.
    pub fn urls(&self, remote: &str) -> Result<Urls> {
        let ask = |what: &[&str]| self.command().args(["remote", "get-url"]).args(what).arg("--").arg(remote).output();
        let lines = |bytes: &[u8]| bytes.lines().map(|line| OsStr::from_bytes(line).to_owned()).collect::<Vec<_>>();
        let (fetch, push) = (ask(&[])?, ask(&["--push", "--all"])?);
        match lines(&fetch.stdout).into_iter().next() {
            Some(fetch) if push.status.success() => Ok(Urls { fetch, push: lines(&push.stdout) }),
            _ if remote.contains(['/', ':']) => Ok(Urls { fetch: remote.into(), push: vec![remote.into()] }),
            _ => Err(Error::new(format!("cannot find the remote '{remote}': {}", fetch.complaint()))
                .hint("'git remote -v' lists what there is; a URL may be named as well")),
        }
    }
}

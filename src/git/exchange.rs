//! The network side of sharing: which refs a remote holds, fetching some, pushing some, as the user connects.
//!
//! The user's configuration, `FETCH_HEAD`, tags, submodules and ordinary fetches stay as they are; nothing is forced. A remote is
//! always reached by one URL, as git's hook names it, never by its name: so no refspec and no mirror setting of the remote plays a part.
//!
//! Deliberately absent: knowing what the refs mean, and what is done about a refused one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bstr::{BStr, BString, ByteSlice as _};

use super::connected::Connected;
use super::{GitCommand, Oid, Output, Repository};
use crate::caller::Caller;
use crate::error::{Context as _, Error, Result};
use crate::url::without_user_info;

/// How long one exchange may take. Time for somebody to type a password; a server that is stuck must not hold a push for ever.
const PATIENCE: Duration = Duration::from_secs(180);

/// Settings that an exchange must not hear from the user, because they say what is fetched and pushed besides.
const ITS_OWN: &[&str] = &[
    "core.logAllRefUpdates=false",
    "fetch.writeCommitGraph=false",
    "push.followTags=false",
    "push.recurseSubmodules=no",
    "push.gpgSign=false",
    "push.negotiate=false",
    // Empty: those that were set before are dropped.
    "push.pushOption=",
];

/// What of `remote.<name>.` says how the user connects.
const OF_A_REMOTE: &str = r"^remote\..*\.(receivepack|uploadpack|proxy|proxyauthmethod)$";

/// The variable by which a URL's own settings are handed over; a value may hold any byte.
const HANDED: &str = "PROOF_GATE_EXCHANGE_";

/// A remote by one of its URLs.
pub struct Exchange<'a> {
    repository: &'a Repository,
    caller: &'a Caller,
    folder: PathBuf,
    remote: Option<String>,
    url: OsString,
    goes_on: &'a dyn Fn(Duration) -> bool,
}

/// What became of one ref that was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The remote holds it.
    Done,
    /// This git did not offer it: the remote's ref is ahead, or elsewhere.
    Behind(String),
    /// The remote did not take it, and says why.
    Refused(String),
}

impl<'a> Exchange<'a> {
    /// With the URL that git would use, told from `folder`. `remote`: the name of the remote that it belongs to, where it has one.
    /// `goes_on` is asked while git waits, with the time that has passed; where it says no, the exchange ends as interrupted.
    pub fn new(
        repository: &'a Repository,
        caller: &'a Caller,
        folder: &Path,
        remote: Option<&str>,
        url: &OsStr,
        goes_on: &'a dyn Fn(Duration) -> bool,
    ) -> Self {
        let url = if is_path(url) { folder.join(url).into_os_string() } else { url.to_owned() };
        Exchange { repository, caller, folder: folder.to_owned(), remote: remote.map(str::to_owned), url, goes_on }
    }

    /// The URL without what may be a secret; a path is absolute.
    pub fn address(&self) -> String {
        without_user_info(&self.url.to_string_lossy()).into_owned()
    }

    /// The name of the remote, where the URL belongs to one.
    pub fn remote(&self) -> Option<&str> {
        self.remote.as_deref()
    }

    /// Whether to wait on, after so long a time.
    pub fn goes_on(&self, time: Duration) -> bool {
        (self.goes_on)(time)
    }

    /// The refs over there that match a pattern of `git ls-remote`.
    pub fn list(&self, pattern: &str) -> Result<Vec<(BString, Oid)>> {
        let listed = self.run(self.git("ls-remote")?.args(["--refs", "--"]).arg(&self.url).arg(pattern))?;
        if !listed.status.success() {
            return Err(Error::new(cause(&listed)));
        }
        let mut refs = Vec::new();
        for line in listed.stdout.lines() {
            let (id, name) = line.split_once_str("\t").context("cannot read git's list of refs")?;
            refs.push((name.into(), Oid::from_hex(id).context("cannot read git's list of refs")?));
        }
        Ok(refs)
    }

    /// Fetches by these refspecs, whole, whatever a partial clone filters. A ref that would have to be forced stays as it is, and that
    /// is no error: see where the refs stand.
    pub fn fetch(&self, refspecs: &[String]) -> Result<()> {
        let git = self.git("fetch")?.args(["--quiet", "--refmap=", "--no-write-fetch-head", "--no-tags"]);
        let git = git.args(["--no-prune", "--no-filter", "--no-recurse-submodules", "--no-auto-maintenance"]);
        let fetched = self.run(git.arg("--").arg(&self.url).args(refspecs))?;
        // With 1 git says that some refs were rejected; what it could not fetch at all ends with 128.
        match fetched.status.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(Error::new(cause(&fetched))),
        }
    }

    /// Pushes these ids to refs over there, none forced, each by itself. An error where nothing can be pushed at all.
    pub fn push(&self, refs: &[(Oid, String)]) -> Result<Vec<Pushed>> {
        let refspecs = refs.iter().map(|(id, name)| format!("{id}:{name}"));
        let git = self.git("push")?.args(["--no-verify", "--porcelain", "--"]).arg(&self.url).args(refspecs);
        let output = self.run(git)?;
        let told = refs.iter().map(|(_, name)| pushed(output.stdout.as_bstr(), name));
        let told: Option<Vec<Pushed>> = told.collect();
        told.ok_or_else(|| Error::new(cause(&output)))
    }

    fn run(&self, git: GitCommand) -> Result<Output> {
        match git.connected(PATIENCE, self.goes_on)? {
            Connected::Ended(output) => Ok(output),
            Connected::TimedOut => Err(Error::new(format!("it gave no answer within {} s", PATIENCE.as_secs()))),
            Connected::Stopped => Err(Error::new("interrupted")),
        }
    }

    /// A verb of git's on this repository, where and as the user's own git was started, for this URL.
    fn git(&self, verb: &str) -> Result<GitCommand> {
        let mut git = self.bare_git();
        for setting in ITS_OWN {
            git = git.args(["-c", setting]);
        }
        let url = self.url.to_string_lossy();
        // git gave this URL after it was rewritten; the longest rule holds, and this one leaves it as it is.
        let rules = ["insteadOf", "pushInsteadOf"].map(|rule| (format!("url.{url}.{rule}"), self.url.clone()));
        let mut own = Vec::from(rules);
        let mut options = Vec::new();
        // git takes no path for a remote's name.
        let can_be_named = !url.starts_with('/');
        if can_be_named {
            own.push((format!("remote.{url}.mirror"), "false".into()));
        }
        for (what, value) in self.settings_of_the_remote()? {
            let mut option = OsString::from(match (what.as_str(), verb) {
                ("receivepack", "push") => "--receive-pack=",
                ("uploadpack", "fetch" | "ls-remote") => "--upload-pack=",
                ("proxy" | "proxyauthmethod", _) if can_be_named => {
                    own.push((format!("remote.{url}.{what}"), value));
                    continue;
                }
                _ => continue,
            });
            option.push(value);
            options.push(option);
        }
        // No setting can name a URL of two lines.
        for (at, (key, value)) in own.into_iter().filter(|(key, _)| !key.contains('\n')).enumerate() {
            let variable = format!("{HANDED}{at}");
            git = git.arg(format!("--config-env={key}={variable}")).env(variable, value);
        }
        Ok(git.arg(verb).args(options))
    }

    fn bare_git(&self) -> GitCommand {
        let git = self.repository.program().connecting(self.caller, &self.folder);
        git.env("GIT_DIR", self.repository.git_dir()).env("GIT_COMMON_DIR", self.repository.common_dir())
    }

    /// How the user connects to the remote of this name: the settings' last words with their values.
    fn settings_of_the_remote(&self) -> Result<Vec<(String, OsString)>> {
        let Some(remote) = &self.remote else { return Ok(Vec::new()) };
        let set = self.bare_git().args(["config", "--null", "--get-regexp", OF_A_REMOTE]).output()?;
        let setting = |entry: &[u8]| {
            let (key, value) = entry.split_once_str("\n")?;
            let what = key.strip_prefix(b"remote.")?.strip_prefix(remote.as_bytes())?.strip_prefix(b".")?;
            let what = what.to_str().ok().filter(|what| !what.contains('.'))?;
            Some((what.to_owned(), OsStr::from_bytes(value).to_owned()))
        };
        Ok(set.stdout.split(|byte| *byte == 0).filter_map(setting).collect())
    }
}

/// Whether git takes it for a path of this machine: there is no colon before the first slash.
fn is_path(url: &OsStr) -> bool {
    let before_slash = url.as_bytes().split(|byte| *byte == b'/').next().unwrap_or_default();
    !before_slash.contains(&b':') && !before_slash.starts_with(b"~")
}

/// What git says of one ref in `git push --porcelain`: `<flag>\t<from>:<to>\t<summary>`. `None` where it says nothing of it.
fn pushed(porcelain: &BStr, name: &str) -> Option<Pushed> {
    let line =
        porcelain.lines().map(|line| line.splitn(3, |byte| *byte == b'\t').collect::<Vec<_>>()).find(|fields| {
            fields.len() == 3 && fields[1].rsplit_once_str(":").is_some_and(|(_, to)| to == name.as_bytes())
        })?;
    let summary = without_user_info(&line[2].to_str_lossy()).into_owned();
    Some(match line[0] {
        b"!" if summary.starts_with("[rejected]") => Pushed::Behind(summary),
        b"!" => Pushed::Refused(summary),
        _ => Pushed::Done,
    })
}

/// The line that says why there was no exchange: ssh, a server and git itself all talk on standard error, the cause first.
fn cause(output: &Output) -> String {
    let is_aside = |line: &String| {
        let line = line.to_ascii_lowercase();
        line.starts_with("warning:") || line.starts_with("hint:")
    };
    output.said().find(|line| !is_aside(line)).unwrap_or_else(|| output.ending())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_machine_is_told_from_a_url() {
        for path in ["../remote.git", "remote.git", "/srv/a:b", "./a:b", "a/b:c", "-x"] {
            assert!(is_path(path.as_ref()), "{path}");
        }
        for url in
            ["https://example.org/x", "example.org:x", "git@example.org:x", "file:///srv/x", "ext::sh -c x", "~/x"]
        {
            assert!(!is_path(url.as_ref()), "{url}");
        }
    }

    #[test]
    fn each_ref_of_a_push_has_its_own_result() {
        let said = "To ../remote.git\n*\t3f2a91c:refs/proof/log/a\t[new reference]\n \t8c01d7e:refs/proof/log/b\t1..2\n\
                    =\t8c01d7e:refs/proof/log/c\t[up to date]\n!\t8c01d7e:refs/proof/log/d\t[rejected] (fetch first)\n\
                    !\t8c01d7e:refs/proof/log/e\t[remote rejected] (pre-receive hook declined)\nDone\n";
        let told = |name| pushed(said.into(), &format!("refs/proof/log/{name}"));
        for name in ["a", "b", "c"] {
            assert_eq!(told(name), Some(Pushed::Done), "{name}");
        }
        assert_eq!(told("d"), Some(Pushed::Behind("[rejected] (fetch first)".to_owned())));
        assert_eq!(told("e"), Some(Pushed::Refused("[remote rejected] (pre-receive hook declined)".to_owned())));
        assert_eq!(told("f"), None);
    }
}

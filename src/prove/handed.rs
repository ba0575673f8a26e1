//! Files that suites may see beside the tree: `home` out of the user's home folder, `copy` out of the work tree.
//!
//! Deliberately absent: their contents anywhere but in the workspace. What is recorded is a keyed hash.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use bstr::ByteSlice as _;

use super::tracked::Tracked;
use super::{Request, Source};
use crate::error::{Error, Result};

/// A larger file is no setting.
const MAX_SIZE: u64 = 1 << 20;

/// Shorter values are words of every day, such as `true`, and no secrets.
const SHORTEST_SECRET: usize = 6;

/// Where the XDG folders are below a home folder unless a variable says otherwise, and what a workspace calls them.
const XDG_BELOW_HOME: &[(&str, &str)] =
    &[(".config", "config"), (".cache", "cache"), (".local/share", "data"), (".local/state", "state")];

/// A file of `home` or `copy`, read once: a workspace that is made anew gets the same bytes.
#[derive(Debug)]
pub(super) struct Handed {
    origin: Origin,
    path: PathBuf,
    /// `None` where it is not there.
    content: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Home,
    WorkTree,
}

impl Handed {
    /// Reads what the policy names. A file of `home` may be missing, one of `copy` may not.
    pub(super) fn read(request: &Request<'_>) -> Result<Vec<Self>> {
        let mut handed = Vec::new();
        for name in &request.proof.home {
            let content = match request.caller.home() {
                Some(home) => read(&home.join(name)).map_err(|why| {
                    Error::new(format!("cannot hand '{name}' of the home folder to suites: {why}"))
                        .hint("'[proof] home' names files, each of 1 MiB at most")
                })?,
                None => None,
            };
            handed.push(Handed { origin: Origin::Home, path: name.into(), content });
        }
        for name in &request.proof.copy {
            let what = |why: &str| Error::new(format!("no proof: cannot copy '{name}' into the workspace: {why}"));
            let Some(work_tree) = request.repository.work_tree() else {
                return Err(what("there is no work tree here to copy from")
                    .hint("run it in a clone with a work tree, or take the file out of '[proof] copy'"));
            };
            let content = read(&work_tree.join(name))
                .map_err(|why| what(&why).hint("'[proof] copy' names files, each of 1 MiB at most"))?;
            if content.is_none() {
                return Err(what("it is not there")
                    .hint(format!("make {}, or take it out of '[proof] copy'", work_tree.join(name).display())));
            }
            handed.push(Handed { origin: Origin::WorkTree, path: name.into(), content });
        }
        Ok(handed)
    }

    /// Its name in records: `~/.npmrc`, or its path in the work tree.
    pub(super) fn name(&self) -> String {
        match self.origin {
            Origin::Home => format!("~/{}", self.path.display()),
            Origin::WorkTree => self.path.display().to_string(),
        }
    }

    /// What it holds; `None` where it is not there.
    pub(super) fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// Writes it into a workspace, for its owner alone.
    pub(super) fn place(&self, source: &Source, root: &Path, tracked: &Tracked) -> Result<()> {
        let Some(content) = &self.content else { return Ok(()) };
        if self.origin == Origin::WorkTree {
            let is_tracked = tracked.contains(self.path.as_os_str().as_encoded_bytes().as_bstr());
            match source {
                // A draft holds the untracked files already that are not ignored.
                Source::WorkTree(_) if is_tracked => return Ok(()),
                Source::Tree(_) | Source::History(_) if is_tracked => {
                    return Err(Error::new(format!(
                        "no proof: cannot copy '{}': the commit has a file there",
                        self.path.display()
                    ))
                    .hint("what is proven is the commit's own file: take it out of '[proof] copy', or out of git"));
                }
                Source::WorkTree(_) | Source::Tree(_) | Source::History(_) => {}
            }
        }
        let key = match self.origin {
            Origin::Home => "home",
            Origin::WorkTree => "copy",
        };
        for (folder, path) in self.places() {
            write_below(&root.join(folder), path, content).map_err(|error| {
                Error::new(format!("no proof: cannot write '{}' into the workspace: {error}", self.path.display()))
                    .hint(format!("what lies in its way there may be the commit's own: change '[proof] {key}'"))
            })?;
        }
        Ok(())
    }

    /// The folders of a workspace that it belongs to, and its path in each. What lies in the home folder where the XDG folders are by
    /// default is looked for in the workspace's XDG folders.
    fn places(&self) -> Vec<(&'static str, &Path)> {
        match self.origin {
            Origin::WorkTree => vec![("tree", &self.path)],
            Origin::Home => {
                let of_xdg = XDG_BELOW_HOME
                    .iter()
                    .filter_map(|(below, name)| Some((*name, self.path.strip_prefix(below).ok()?)));
                [("home", self.path.as_path())].into_iter().chain(of_xdg).collect()
            }
        }
    }

    /// What its lines tell that nobody else should read: of `key=value` and `key: value` the value, of any other line all of it.
    pub(super) fn secret_values(&self) -> impl Iterator<Item = Vec<u8>> {
        let lines = self.content.as_deref().unwrap_or_default().lines();
        lines.filter_map(|line| {
            let line = line.trim();
            // `//host/:_authToken=…` has both.
            let key_ends = line.find_byte(b'=').or_else(|| line.find_byte(b':'));
            let value = key_ends.map_or(line, |end| &line[end + 1..]);
            let value = value.trim_with(|c| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';'));
            (value.len() >= SHORTEST_SECRET && !line.starts_with(b"#")).then(|| value.to_vec())
        })
    }
}

/// A file's bytes, `None` where there is none. A link is followed, a pipe is not waited for.
fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        file => file.map_err(|error| error.to_string())?,
    };
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is no regular file".to_owned());
    }
    if found.len() > MAX_SIZE {
        return Err(format!("it has {} bytes", found.len()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_SIZE).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(Some(bytes))
}

/// Writes a new file below a folder, with the folders above it. No link on the way is followed, and nothing is written into a git directory.
fn write_below(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut place = folder.to_owned();
    let parts: Vec<&OsStr> = path
        .components()
        .map(|part| match part {
            Component::Normal(name) if !name.eq_ignore_ascii_case(".git") => Ok(name),
            _ => Err(io::Error::other("its path leads to where suites may not be handed anything")),
        })
        .collect::<io::Result<_>>()?;
    let (name, above) = parts.split_last().ok_or_else(|| io::Error::other("it has no name"))?;
    for part in above {
        place.push(part);
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(io::Error::other(format!("{} is no folder", place.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::DirBuilder::new().mode(0o700).create(&place)?
            }
            Err(error) => return Err(error),
        }
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(place.join(name))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_keys_comments_and_short_words() {
        check("TOKEN=hunter2-long", &["hunter2-long"]);
        check("TOKEN = \"hunter2-long\"\r\n", &["hunter2-long"]);
        check("//registry.example.org/:_authToken=npm_abc", &["npm_abc"]);
        check("password: hunter2-long", &["hunter2-long"]);
        check("  \"token\": \"hunter2-long\",", &["hunter2-long"]);
        check("justalineofsecret", &["justalineofsecret"]);
        check("# TOKEN=commented-out\n\nDEBUG=true\n", &[]);
        check("URL=postgres://u:p@host/db?x=y", &["postgres://u:p@host/db?x=y"]);

        fn check(content: &str, expected: &[&str]) {
            let content = Some(content.as_bytes().to_vec());
            let handed = Handed { origin: Origin::WorkTree, path: ".env".into(), content };
            let values: Vec<String> = handed.secret_values().map(|value| String::from_utf8(value).unwrap()).collect();
            assert_eq!(values, expected);
        }
    }

    #[test]
    fn nothing_is_written_through_a_link_or_over_a_file_or_into_a_git_directory() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, outside) = (folder.path().join("tree"), folder.path().join("outside"));
        fs::create_dir(&tree).unwrap();
        fs::create_dir(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, tree.join("link")).unwrap();
        fs::write(tree.join("file"), "").unwrap();
        for path in ["link/x", "file", "file/x", "link", ".git/hooks/x", "a/.GIT/x", ""] {
            assert!(write_below(&tree, Path::new(path), b"x").is_err(), "{path}");
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        write_below(&tree, Path::new("a/b/c"), b"x").unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(tree.join("a/b/c")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

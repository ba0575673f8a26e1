//! Which folder below `refs/proof/remotes/` holds what is known of a remote: of one place, by its address.
//!
//! A remote's name alone would not do: it may have several URLs to push to, and a URL may be set anew. The folder has the remote's name
//! where no other address has it, and else a name made of a digest.
//!
//! Deliberately absent: the network, and what stands in the folders.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::logs::REMOTES;
use super::writer::WriterId;
use crate::digest::Digest;
use crate::error::{Context as _, Error, Result};
use crate::git::{Exchange, Repository, make_own_dir, write_durably};

/// The first word of the file; a number after it gives its format.
const HEADER: &str = "proof-gate-remotes";

/// How a folder's name begins that is made of a digest. No remote's name is taken that begins so.
const MADE: &str = "url-";

/// Characters of a remote's name that becomes a folder's, at most.
const LONGEST: usize = 100;

/// Where what is known of one remote stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder(String);

impl Folder {
    /// The ref of a writer's log as it is known to stand over there.
    pub(super) fn log(&self, writer: WriterId) -> String {
        format!("{}{writer}", self.logs())
    }

    /// What the refs of all logs begin with.
    pub(super) fn logs(&self) -> String {
        format!("{REMOTES}{}/log/", self.0)
    }
}

/// The folder of a remote, where it was met before.
pub(super) fn find(repository: &Repository, exchange: &Exchange<'_>) -> Result<Option<Folder>> {
    Ok(read(repository)?.remove(&digest_of(exchange)).map(Folder))
}

/// The folder of a remote; a new one takes its name. The caller holds the lock of exchanges.
pub(super) fn claim(repository: &Repository, exchange: &Exchange<'_>) -> Result<Folder> {
    let mut known = read(repository)?;
    let digest = digest_of(exchange);
    if let Some(folder) = known.get(&digest) {
        return Ok(Folder(folder.clone()));
    }
    let is_free = |name: &str| -> Result<bool> {
        let is_taken = known.values().any(|folder| folder.eq_ignore_ascii_case(name));
        // What stands in a folder that nobody has was noted of an address that nobody knows any more.
        Ok(!is_taken && repository.list_refs(&Folder(name.to_owned()).logs())?.is_empty())
    };
    let folder = match exchange.remote() {
        Some(name) if is_fit(name) && is_free(name)? => name.to_owned(),
        Some(_) | None => format!("{MADE}{}", &digest.to_string()[..16]),
    };
    known.insert(digest, folder.clone());
    let mut text = format!("{HEADER} 1\n");
    text.extend(known.iter().map(|(digest, folder)| format!("{digest} {folder}\n")));
    make_own_dir(&repository.own_dir())?;
    write_durably(&path_of(repository), text.as_bytes())?;
    Ok(Folder(folder))
}

/// By digest of its address, the folder of each remote. A damaged file is as none; one of a newer format is left alone.
fn read(repository: &Repository) -> Result<BTreeMap<Digest, String>> {
    let path = path_of(repository);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
    };
    let (header, rest) = text.split_once('\n').unwrap_or_default();
    match header.strip_prefix(HEADER).and_then(|format| format.trim().parse::<u64>().ok()) {
        Some(1) => Ok(parse(rest).unwrap_or_default()),
        Some(2..) => Err(Error::new(format!("cannot read {}: a newer proof-gate wrote it", path.display()))
            .hint("use that newer proof-gate in this clone")),
        Some(0) | None => Ok(BTreeMap::new()),
    }
}

fn parse(lines: &str) -> Option<BTreeMap<Digest, String>> {
    let entry = |line: &str| {
        let (digest, folder) = line.split_once(' ')?;
        Some((Digest::try_from(digest.to_owned()).ok()?, folder.to_owned()))
    };
    lines.lines().map(entry).collect()
}

fn path_of(repository: &Repository) -> PathBuf {
    repository.own_dir().join("remotes")
}

fn digest_of(exchange: &Exchange<'_>) -> Digest {
    Digest::of(exchange.address().as_bytes())
}

/// Whether a remote's name can be a folder of refs as it is, on every file system, with nothing in it that means something here.
fn is_fit(name: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with('.')
            && !part.ends_with(".lock")
            && !part.contains("..")
            && part != "log"
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    name.len() <= LONGEST && !name.starts_with(MADE) && name.split('/').all(is_plain)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::super::sandbox::Sandbox;
    use super::*;

    fn folder(sandbox: &Sandbox, remote: Option<&str>, url: &str) -> String {
        let (repository, caller) = (sandbox.open(), sandbox.caller(&sandbox.path()));
        let exchange = Exchange::new(&repository, &caller, &sandbox.path(), remote, OsStr::new(url), &|_| true);
        let claimed = claim(&repository, &exchange).unwrap();
        assert_eq!(find(&repository, &exchange).unwrap().as_ref(), Some(&claimed));
        claimed.0
    }

    #[test]
    fn a_folder_belongs_to_one_address() {
        let sandbox = Sandbox::new(&[]);
        assert_eq!(folder(&sandbox, Some("origin"), "https://example.org/a"), "origin");
        assert_eq!(folder(&sandbox, Some("origin"), "https://ana:hunter2@example.org/a"), "origin");
        let second = folder(&sandbox, Some("origin"), "https://example.org/b");
        assert!(second.starts_with("url-") && second.len() == 20, "{second}");
        assert_eq!(folder(&sandbox, Some("upstream"), "https://example.org/b"), second, "it was renamed");
        assert_eq!(folder(&sandbox, Some("upstream"), "https://example.org/c"), "upstream");
        assert_eq!(
            folder(&sandbox, None, "../d"),
            folder(&sandbox, None, "../repo/../d".trim_start_matches("../repo/"))
        );
    }

    #[test]
    fn what_was_noted_of_an_address_that_was_forgotten_speaks_for_no_other() {
        let sandbox = Sandbox::new(&[]);
        assert_eq!(folder(&sandbox, Some("origin"), "https://example.org/a"), "origin");
        sandbox.record(vec![super::super::sandbox::passing("payment")]);
        let tip = sandbox.git(&["for-each-ref", "--format=%(objectname)", "refs/proof/log/"]);
        sandbox.git(&["update-ref", "refs/proof/remotes/origin/log/00000000000000aa", &tip]);
        for damage in ["", "nonsense\n", "proof-gate-remotes 1\nnonsense\n", "proof-gate-remotes 0\n"] {
            fs::write(path_of(&sandbox.open()), damage).unwrap();
            assert!(folder(&sandbox, Some("origin"), "https://example.org/a").starts_with("url-"), "{damage}");
        }
        fs::write(path_of(&sandbox.open()), "proof-gate-remotes 2\n").unwrap();
        assert!(read(&sandbox.open()).err().unwrap().message.contains("newer"));
    }

    #[test]
    fn a_name_that_is_no_plain_folder_becomes_a_digest() {
        for name in ["origin", "team/origin", "a.b-c_1"] {
            assert!(is_fit(name), "{name}");
        }
        for name in [
            "", "..", "a/../b", "a//b", "/a", "a/", "-x", ".git", "a.lock", "log", "a/log/b", "url-x", "a b", "\u{e9}",
            "a\nb",
        ] {
            assert!(!is_fit(name), "{name}");
        }
        assert!(!is_fit(&"a".repeat(101)));
    }
}

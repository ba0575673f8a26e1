//! Durable writes for the log: objects and one ref, through the git program, and reading back with the hash checked.
//!
//! Deliberately absent: any write outside the object store and `refs/proof/`; knowing what the objects mean.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use bstr::{BStr, BString, ByteSlice as _};
use gix::objs::FindHeader as _;

use super::unfinished::unfinished_file;
use super::{GitCommand, Kind, Oid, Repository};
use crate::error::{Context as _, Error, Result};

/// What a ref of the gate's own may lie below.
const OWN_REFS: &str = "refs/proof/";

/// Settings of a durable write: flushed to the disk before git ends, no reflog beside it, patient with a `git gc` that holds a lock.
const DURABLE: &[&str] = &[
    "core.fsync=all",
    "core.fsyncMethod=fsync",
    "core.logAllRefUpdates=false",
    "core.filesRefLockTimeout=5000",
    "core.packedRefsTimeout=5000",
];

/// How a compare-and-swap of a ref ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The ref holds the new id, durably.
    Done,
    /// The ref holds something else than was expected; nothing was written.
    Moved,
}

/// Who commits, as git says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name, possibly in no known encoding.
    pub name: BString,
    /// The address.
    pub email: BString,
    /// `Name <address> seconds zone`, the form that commits hold.
    pub line: BString,
}

impl Repository {
    /// The user's git identity; an error with the way on where git knows none.
    pub fn committer(&self) -> Result<Identity> {
        let output = self.command().args(["var", "GIT_COMMITTER_IDENT"]).output()?;
        let line = output.stdout.trim_end().as_bstr();
        let identity = output.status.success().then(|| split_identity(line)).flatten();
        identity.ok_or_else(|| {
            Error::new(format!("cannot tell who records: {}", output.complaint()))
                .hint("set a name: git config --global user.name 'Your Name'")
                .hint("and an address: git config --global user.email you@example.org")
        })
    }

    /// Writes an object and flushes it to the disk.
    pub fn write_object(&self, kind: Kind, bytes: &[u8]) -> Result<Oid> {
        let written = self.durable().args(["hash-object", "-w", "--stdin", "-t", kind.as_str()]).stdin(bytes).run()?;
        let id = Oid::from_hex(written.trim_ascii()).context("cannot read the id of what git wrote")?;
        self.flush_object(id)?;
        Ok(id)
    }

    /// Moves a ref below `refs/proof/` from `old` (`None`: it must not exist) to `new`, durably, or not at all.
    pub fn compare_and_swap(&self, name: &str, old: Option<Oid>, new: Oid) -> Result<Swap> {
        assert!(name.starts_with(OWN_REFS), "the gate writes no ref but its own");
        let expected = match old {
            Some(old) => old.to_string(),
            None => "0".repeat(new.to_string().len()),
        };
        let output = self.durable().args(["update-ref", "--no-deref", name, &new.to_string(), &expected]).output()?;
        if output.status.success() {
            self.flush_ref(name)?;
            return Ok(Swap::Done);
        }
        if self.find_ref(name)? == old {
            let complaint = output.complaint();
            let error = Error::new(format!("cannot write the ref {name}: {complaint}"));
            let is_locked = complaint.contains(".lock': File exists");
            let hint = "a '.lock' file that a killed git left beside the ref has to be removed by hand";
            return Err(if is_locked { error.hint(hint) } else { error });
        }
        Ok(Swap::Moved)
    }

    /// How many bytes an object has, so that nobody reads one that is too long.
    pub fn object_size(&self, id: Oid) -> Result<u64> {
        let header = self.objects.try_header(id.as_gix()).context(format!("cannot read the object {id}"))?;
        header.map(|header| header.size).context(format!("cannot read the object {id}: it is not in this repository"))
    }

    /// An object whose bytes give its id; damage is an error.
    pub fn checked_object(&self, id: Oid) -> Result<(Kind, Vec<u8>)> {
        let (kind, bytes) = self.object(id)?;
        let found = self.object_id(kind, &bytes)?;
        if found != id {
            return Err(Error::new(format!("cannot read the object {id}: it is damaged, its bytes give {found}")));
        }
        Ok((kind, bytes))
    }

    /// All parents that a commit's bytes name, whatever a shallow boundary hides, and its tree.
    pub fn commit_links(&self, id: Oid, bytes: &[u8]) -> Result<(Oid, Vec<Oid>)> {
        let what = || format!("cannot read the commit {id}");
        let parsed = gix::objs::CommitRef::from_bytes(bytes, self.object_format().as_gix()).context(what())?;
        let oid = |hex: &BStr| Oid::from_hex(hex).context(what());
        let parents = parsed.parents.iter().map(|hex| oid(hex)).collect::<Result<_>>()?;
        Ok((oid(parsed.tree)?, parents))
    }

    pub(super) fn durable(&self) -> GitCommand {
        let mut git = self.command().undisturbed();
        for setting in DURABLE {
            git = git.args(["-c", setting]);
        }
        git
    }

    /// git flushes what it writes, but neither the folder's entry nor an object that stood there before.
    fn flush_object(&self, id: Oid) -> Result<()> {
        let hex = id.to_string();
        let objects = self.common_dir().join("objects");
        let folder = objects.join(&hex[..2]);
        for path in [folder.join(&hex[2..]), folder, objects] {
            flush(&path)?;
        }
        Ok(())
    }

    fn flush_ref(&self, name: &str) -> Result<()> {
        let file = self.common_dir().join(name);
        for path in file.ancestors().take_while(|path| *path != self.common_dir()) {
            flush(path)?;
        }
        flush(&self.common_dir().join("reftable"))
    }
}

/// Flushes a file or folder; one that is not there (a packed object, the other ref format) needs none.
pub(super) fn flush(path: &Path) -> Result<()> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
        Err(error) => Err(error).context(format!("cannot flush {} to the disk", path.display())),
    }
}

/// Writes a file of the gate's own: a temporary file beside it, flushed, renamed over it, the folder flushed.
pub fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    let folder = path.parent().context(what())?;
    let mut file = unfinished_file(folder).context(what())?;
    std::io::Write::write_all(&mut file, bytes).context(what())?;
    file.as_file().sync_all().context(what())?;
    file.persist(path).map_err(|error| error.error).context(what())?;
    flush(folder)
}

/// Makes the gate's own folder, readable by its owner only.
pub fn make_own_dir(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).context(format!("cannot make {}", path.display()))
}

fn split_identity(line: &BStr) -> Option<Identity> {
    let (before, _) = line.rsplit_once_str(">")?;
    let (name, email) = before.rsplit_once_str("<")?;
    let name = name.trim();
    (!name.is_empty()).then(|| Identity { name: name.into(), email: email.into(), line: line.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_split_at_its_last_angle_brackets() {
        let identity = split_identity(b"Ana B. <ana@example.org> 1700000000 +0100".as_bstr()).unwrap();
        assert_eq!((identity.name.as_bstr(), identity.email.as_bstr()), ("Ana B.".into(), "ana@example.org".into()));
        assert_eq!(split_identity(b"<ana@example.org> 1700000000 +0100".as_bstr()), None);
        assert_eq!(split_identity(b"".as_bstr()), None);
    }
}

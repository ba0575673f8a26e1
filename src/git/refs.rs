//! Reading refs: with gix where they are files, through the git program where they are a reftable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice as _};

use super::{ObjectFormat, Oid, Repository};
use crate::error::{Context as _, Error, Result};

/// Symbolic refs that point at symbolic refs, at most.
const MAX_SYMBOLIC_DEPTH: usize = 5;

pub(super) enum Store {
    Files(gix::refs::file::Store),
    Reftable,
}

impl Store {
    pub(super) fn open(common_dir: &Path, format: ObjectFormat) -> Self {
        if common_dir.join("reftable").is_dir() {
            return Store::Reftable;
        }
        Store::Files(gix::refs::file::Store::at(PathBuf::from(common_dir), format.as_gix()))
    }
}

/// The next step where a ref cannot be read.
const DAMAGED: &str = "'git fsck' names the damage: put the ref's file back, or remove it; \
                       what a removed log of 'refs/proof/log/' held is proven anew";

impl Repository {
    /// The object a full ref name points at, through symbolic refs; tags are not peeled. `None` where there is no such ref.
    ///
    /// A name is bytes: one that is no UTF-8 is as good as any.
    pub fn find_ref(&self, name: impl AsRef<[u8]>) -> Result<Option<Oid>> {
        let mut name = BString::from(name.as_ref());
        for _ in 0..MAX_SYMBOLIC_DEPTH {
            match self.read_ref(name.as_bstr())? {
                None => return Ok(None),
                Some(gix::refs::Target::Object(id)) => return Ok(Oid::from_gix(id)),
                Some(gix::refs::Target::Symbolic(target)) => name = target.as_bstr().to_owned(),
            }
        }
        Err(Error::new(format!("cannot read the ref {name}: it points in a circle")))
    }

    fn read_ref(&self, name: &BStr) -> Result<Option<gix::refs::Target>> {
        let Ok(full) = gix::refs::FullName::try_from(name) else {
            return Ok(None);
        };
        match &self.refs {
            Store::Files(store) => Ok(store
                .try_find(full.as_ref().as_partial_name())
                .context(format!("cannot read the ref {name}"))
                .map_err(|error| error.hint(DAMAGED))?
                // A partial name that is not there may match a longer one; only the very name counts.
                .filter(|found| found.name == full)
                .map(|found| found.target)),
            // No list of refs names it.
            Store::Reftable if name == "HEAD" => {
                let asked = self.command().args(["rev-parse", "--verify", "--quiet", "HEAD"]).output()?;
                let id = Oid::from_hex(asked.stdout.trim_ascii()).filter(|_| asked.status.success());
                Ok(id.map(|id| gix::refs::Target::Object(id.as_gix().to_owned())))
            }
            Store::Reftable => {
                let listed = self.list_with_git(name)?;
                Ok(listed
                    .into_iter()
                    .find(|(found, _)| found == name)
                    .map(|(_, id)| gix::refs::Target::Object(id.as_gix().to_owned())))
            }
        }
    }

    /// All refs below a prefix that ends in `/`, sorted by name, with the objects they point at (tags not peeled).
    pub fn list_refs(&self, prefix: &str) -> Result<Vec<(BString, Oid)>> {
        let Store::Files(store) = &self.refs else {
            return self.list_with_git(prefix.trim_end_matches('/').into());
        };
        let what = || format!("cannot list the refs below {prefix}");
        let platform = store.iter().context(what())?;
        let relative: &gix::path::RelativePath = prefix.try_into().context(what())?;
        let mut found = Vec::new();
        for reference in platform.prefixed(relative).context(what())? {
            let reference = reference.context(what()).map_err(|error| error.hint(DAMAGED))?;
            let id = match reference.target {
                gix::refs::Target::Object(id) => Oid::from_gix(id),
                gix::refs::Target::Symbolic(target) => self.find_ref(target.as_bstr())?,
            };
            if let Some(id) = id {
                found.push((reference.name.as_bstr().to_owned(), id));
            }
        }
        found.sort();
        Ok(found)
    }

    /// The full name of the branch that `HEAD` leads to, whether or not it is there; `None` where it leads to none.
    pub fn branch_of_head(&self) -> Result<Option<String>> {
        let asked = self.command().args(["symbolic-ref", "--quiet", "HEAD"]).output()?;
        let name = asked.stdout.trim_end().to_str_lossy().into_owned();
        Ok(Some(name).filter(|name| asked.status.success() && !name.is_empty()))
    }

    /// The symbolic refs below `refs/` with the name that each leads to in the end. Of a reftable only those that lead to a ref.
    pub fn symbolic_refs(&self) -> Result<Vec<(BString, BString)>> {
        let mut next = BTreeMap::new();
        match &self.refs {
            Store::Files(store) => {
                let what = "cannot list the symbolic refs";
                for reference in store.iter().context(what)?.all().context(what)? {
                    let reference = reference.context(what).map_err(|error| error.hint(DAMAGED))?;
                    if let gix::refs::Target::Symbolic(target) = reference.target {
                        next.insert(reference.name.as_bstr().to_owned(), target.as_bstr().to_owned());
                    }
                }
            }
            Store::Reftable => {
                let listed = self.command().args(["for-each-ref", "--format=%(refname) %(symref)"]).run()?;
                for line in listed.lines() {
                    if let Some((name, target)) = line.split_once_str(" ").filter(|(_, target)| !target.is_empty()) {
                        next.insert(BString::from(name), BString::from(target));
                    }
                }
            }
        }
        let end = |mut name: BString| {
            for _ in 0..MAX_SYMBOLIC_DEPTH {
                match next.get(&name) {
                    Some(target) => name.clone_from(target),
                    None => break,
                }
            }
            name
        };
        Ok(next.iter().map(|(name, target)| (name.clone(), end(target.clone()))).collect())
    }

    fn list_with_git(&self, prefix: &BStr) -> Result<Vec<(BString, Oid)>> {
        let listed = self
            .command()
            .args(["for-each-ref", "--format=%(objectname) %(refname)"])
            .arg(prefix.to_os_str_lossy())
            .run()?;
        let mut found = Vec::new();
        for line in listed.lines() {
            let (id, name) = line.split_once_str(" ").context("cannot read git's list of refs")?;
            let id = Oid::from_hex(id).context("cannot read git's list of refs")?;
            found.push((name.into(), id));
        }
        found.sort();
        Ok(found)
    }
}

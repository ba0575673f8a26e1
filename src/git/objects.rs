//! Reading commits, tags, trees and blobs. Replace refs and grafts are never heard.

use bstr::{BStr, BString, ByteSlice as _};
use gix::objs::Find as _;

use super::repository::open_objects;
use super::{ObjectFormat, Oid, Repository};
use crate::error::{Context as _, Error, Result};
use crate::threads::share_out;

/// Tags of tags of tags, at most.
const MAX_TAG_DEPTH: usize = 16;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A blob.
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    /// git's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
            Kind::Tag => "tag",
        }
    }
}

/// The next step where an object is not here.
pub(super) const MISSING: &str =
    "a partial or damaged clone ('git fsck' tells which): 'git fetch --refetch --no-filter' brings what is missing";

/// The next step where an object or the pack that holds it cannot be read.
pub(super) const DAMAGED: &str =
    "'git fsck' names what is damaged: move that file away, and 'git fetch --refetch' brings what the remote has of it";

/// What a walk through history needs of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its own id.
    pub id: Oid,
    /// The tree it records.
    pub tree: Oid,
    /// Its parents, in order. Empty at a shallow boundary too; ask [`Repository::is_shallow_boundary`].
    pub parents: Vec<Oid>,
    /// When it was committed, in seconds since 1970. Only a hint for the order of a walk: anybody can write any time.
    pub time: i64,
}

/// What a ref's object turned out to be once its tags were followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peeled {
    /// A commit, with the outermost tag object where there was one.
    Commit {
        /// The commit.
        commit: Commit,
        /// The tag object that the ref points at.
        tag: Option<Oid>,
    },
    /// Something that cannot be proven: a tree or a blob.
    Other(Kind),
}

impl Peeled {
    /// Whether an annotated tag stood in between.
    pub fn is_by_tag(&self) -> bool {
        match self {
            Peeled::Commit { tag, .. } => tag.is_some(),
            Peeled::Other(_) => false,
        }
    }
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The mode, as in `100644`.
    pub mode: u16,
    /// The object's id.
    pub id: Oid,
}

impl Entry {
    /// Whether it is a file that is no symbolic link.
    pub fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

impl Repository {
    /// An object's kind and bytes; an error that names it where it is not here.
    pub fn object(&self, id: Oid) -> Result<(Kind, Vec<u8>)> {
        let mut buffer = Vec::new();
        let found = self.objects.try_find(id.as_gix(), &mut buffer);
        let found = found.context(format!("cannot read the object {id}")).map_err(|error| error.hint(DAMAGED))?;
        let Some(found) = found else {
            return Err(Error::new(format!("cannot read the object {id}: it is not in this repository")).hint(MISSING));
        };
        let kind = match found.kind {
            gix::objs::Kind::Commit => Kind::Commit,
            gix::objs::Kind::Tree => Kind::Tree,
            gix::objs::Kind::Blob => Kind::Blob,
            gix::objs::Kind::Tag => Kind::Tag,
        };
        Ok((kind, buffer))
    }

    /// Whether the object is in this repository.
    pub fn has_object(&self, id: Oid) -> bool {
        gix::objs::Exists::exists(&self.objects, id.as_gix())
    }

    fn object_of(&self, id: Oid, wanted: Kind) -> Result<Vec<u8>> {
        let (kind, bytes) = self.object(id)?;
        if kind == wanted {
            return Ok(bytes);
        }
        Err(Error::new(format!("cannot read the object {id} as a {}: it is a {}", wanted.as_str(), kind.as_str())))
    }

    /// A commit.
    pub fn commit(&self, id: Oid) -> Result<Commit> {
        let bytes = self.object_of(id, Kind::Commit)?;
        self.parse_commit(id, &bytes)
    }

    fn parse_commit(&self, id: Oid, bytes: &[u8]) -> Result<Commit> {
        let what = || format!("cannot read the commit {id}");
        let hash = self.object_format().as_gix();
        let parsed = gix::objs::CommitRef::from_bytes(bytes, hash).context(what())?;
        let oid = |hex: &BStr| Oid::from_hex(hex).context(what());
        let parents = if self.is_shallow_boundary(id) {
            Vec::new()
        } else {
            parsed.parents.iter().map(|hex| oid(hex)).collect::<Result<_>>()?
        };
        Ok(Commit { id, tree: oid(parsed.tree)?, parents, time: committed_at(parsed.committer) })
    }

    /// Follows tags down to what they name.
    pub fn peel(&self, id: Oid) -> Result<Peeled> {
        let mut current = id;
        for _ in 0..MAX_TAG_DEPTH {
            let (kind, bytes) = self.object(current)?;
            match kind {
                Kind::Commit => {
                    let commit = self.parse_commit(current, &bytes)?;
                    return Ok(Peeled::Commit { commit, tag: (current != id).then_some(id) });
                }
                Kind::Tree | Kind::Blob => return Ok(Peeled::Other(kind)),
                Kind::Tag => {
                    let what = || format!("cannot read the tag {current}");
                    let hash = self.object_format().as_gix();
                    let tag = gix::objs::TagRef::from_bytes(&bytes, hash).context(what())?;
                    current = Oid::from_hex(tag.target).context(what())?;
                }
            }
        }
        Err(Error::new(format!("cannot follow the tag {id}: more than {MAX_TAG_DEPTH} tags of tags")))
    }

    /// The entry at a path of a tree; `None` where there is nothing.
    pub fn entry_at(&self, tree: Oid, path: &str) -> Result<Option<Entry>> {
        let mut found = Entry { mode: 0o040_000, id: tree };
        for component in path.split('/') {
            if found.mode != 0o040_000 {
                return Ok(None);
            }
            match self.entry_named(found.id, component.as_bytes())? {
                Some(entry) => found = entry,
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    fn entry_named(&self, tree: Oid, name: &[u8]) -> Result<Option<Entry>> {
        let bytes = self.object_of(tree, Kind::Tree)?;
        for entry in gix::objs::TreeRefIter::from_bytes(&bytes, self.object_format().as_gix()) {
            let entry = entry.context(format!("cannot read the tree {tree}"))?;
            if entry.filename == name {
                return entry_of(&entry).map(Some);
            }
        }
        Ok(None)
    }

    /// Every path of a tree that is no folder, with its entry, in the tree's order.
    pub fn files_of(&self, tree: Oid) -> Result<Vec<(BString, Entry)>> {
        let mut files = Vec::new();
        let mut open = vec![(BString::default(), tree)];
        while let Some((prefix, tree)) = open.pop() {
            let bytes = self.object_of(tree, Kind::Tree)?;
            for entry in gix::objs::TreeRefIter::from_bytes(&bytes, self.object_format().as_gix()) {
                let entry = entry.context(format!("cannot read the tree {tree}"))?;
                let mut path = prefix.clone();
                path.extend_from_slice(entry.filename);
                let found = entry_of(&entry)?;
                if entry.mode.is_tree() {
                    path.push(b'/');
                    open.push((path, found.id));
                } else {
                    files.push((path, found));
                }
            }
        }
        files.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(files)
    }

    /// The size in bytes of every file of a tree. Contents are not read.
    pub fn file_sizes(&self, tree: Oid) -> Result<Vec<u64>> {
        let size = |store: &mut gix::odb::Handle, (path, entry): &(BString, Entry)| {
            let found = gix::odb::Header::try_header(store, entry.id.as_gix());
            found
                .map(|header| header.map(|header| header.size()))
                .map_err(|error| Error::new(format!("cannot read the size of {path}: {error}")).hint(DAMAGED))
        };
        // What is not here is named by the checkout.
        let (root, format) = (self.objects_root(), self.object_format());
        let sizes = share_out(&self.files_of(tree)?, || open_objects(root, format), size)?;
        Ok(sizes.into_iter().flatten().collect())
    }

    /// A blob's bytes.
    pub fn blob(&self, id: Oid) -> Result<Vec<u8>> {
        self.object_of(id, Kind::Blob)
    }

    /// The id that these bytes have as a blob. Nothing is written.
    pub fn blob_id(&self, bytes: &[u8]) -> Result<Oid> {
        self.object_id(Kind::Blob, bytes)
    }

    /// The id that these bytes have as an object of a kind; nothing is written.
    pub fn object_id(&self, kind: Kind, bytes: &[u8]) -> Result<Oid> {
        object_id(self.object_format(), kind, bytes)
    }
}

impl ObjectFormat {
    /// The id that these bytes have as a blob in repositories of this format.
    pub fn blob_id(self, bytes: &[u8]) -> Result<Oid> {
        object_id(self, Kind::Blob, bytes)
    }
}

fn object_id(format: ObjectFormat, kind: Kind, bytes: &[u8]) -> Result<Oid> {
    let what = || format!("cannot hash a {}", kind.as_str());
    let kind = match kind {
        Kind::Commit => gix::objs::Kind::Commit,
        Kind::Tree => gix::objs::Kind::Tree,
        Kind::Blob => gix::objs::Kind::Blob,
        Kind::Tag => gix::objs::Kind::Tag,
    };
    let id = gix::objs::compute_hash(format.as_gix(), kind, bytes).context(what())?;
    Oid::from_gix(id).context(what())
}

fn entry_of(entry: &gix::objs::tree::EntryRef<'_>) -> Result<Entry> {
    Ok(Entry {
        mode: entry.mode.value(),
        id: Oid::from_gix(entry.oid.to_owned()).context("cannot read a tree: an entry has the zero id")?,
    })
}

/// The seconds of a committer line; 0 where they cannot be read, as git does.
fn committed_at(committer: &BStr) -> i64 {
    let after_mail = committer.rsplit_once_str(">").map_or(&b""[..], |(_, rest)| rest);
    after_mail.fields().next().and_then(|seconds| seconds.to_str().ok()?.parse().ok()).unwrap_or(0)
}

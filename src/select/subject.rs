//! What a proof is about.

use bstr::BStr;

use crate::error::{Error, Exit, Result};
use crate::git::{Commit, Oid, Peeled, Repository};

/// The commit that is proven, with its tree, and the tag object through which it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The commit.
    pub commit: Commit,
    /// The annotated tag's object, where there is one.
    pub tag: Option<Oid>,
}

/// Follows an object down to the commit that a gated ref would come to mean; anything else cannot be proven.
pub fn find_subject(repository: &Repository, id: Oid, what: &BStr) -> Result<Subject> {
    match repository.peel(id)? {
        Peeled::Commit { commit, tag } => Ok(Subject { commit, tag }),
        Peeled::Other(kind) => Err(Error::new(format!(
            "cannot prove {what}: it names a {}, and only a commit can be checked out and proven",
            kind.as_str()
        ))
        .ending(Exit::Refused)
        .hint("make the tag on a commit, or give it a name that is not gated")),
    }
}

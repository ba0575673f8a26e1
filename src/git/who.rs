//! Who made an object or moved a ref, by their own account: for people, never for a decision.

use bstr::{BStr, BString, ByteSlice as _};

use super::{Kind, Oid, Repository};
use crate::error::Result;

/// Somebody who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// `pushed`, `tagged` or `committed`.
    pub did: &'static str,
    /// Name and address.
    pub name: BString,
}

impl Repository {
    /// Who made a tag or a commit; `None` where the object does not say or is not here.
    pub fn maker(&self, id: Oid) -> Result<Option<Who>> {
        if !self.has_object(id) {
            return Ok(None);
        }
        let (kind, bytes) = self.object(id)?;
        let (header, did) = match kind {
            Kind::Tag => (&b"tagger "[..], "tagged"),
            Kind::Commit => (&b"committer "[..], "committed"),
            Kind::Tree | Kind::Blob => return Ok(None),
        };
        let head = bytes.lines().take_while(|line| !line.is_empty());
        let mut lines = head.filter_map(|line| line.strip_prefix(header));
        Ok(lines.next().and_then(name_in).map(|name| Who { did, name }))
    }

    /// Who moved a ref last, as its reflog says: on a server that keeps one, who pushed.
    pub fn last_mover(&self, name: &BStr) -> Result<Option<Who>> {
        let Ok(name) = name.to_str() else { return Ok(None) };
        let asked = self.command().args(["log", "--walk-reflogs", "--max-count=1", "--format=%gn <%ge>"]);
        let said = asked.args(["--end-of-options", name, "--"]).output()?;
        let line = said.stdout.trim();
        Ok((said.status.success() && !line.is_empty()).then(|| Who { did: "pushed", name: line.into() }))
    }
}

/// `Name <address>` of `Name <address> seconds zone`.
fn name_in(line: &[u8]) -> Option<BString> {
    let (name, _) = line.rsplit_once_str(">")?;
    Some(BString::from([name, b">"].concat()))
}

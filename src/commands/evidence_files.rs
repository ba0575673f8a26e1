//! The files that a record names as its evidence: where they lie here, and whether they are still what was recorded.
//!
//! Deliberately absent: keeping and removing them; and trust in their names, which come from a record: nothing outside the evidence folder is
//! opened for one.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use super::ground::Ground;
use crate::digest::Digest;
use crate::evidence::{Listed, Store};
use crate::records::EvidenceFile;
use crate::runbook::Standing;

/// No more of a file is read to find an excerpt in it, in bytes. Logs are kept up to 16 MiB.
const MAX_READ: u64 = 32 << 20;

/// What a file of the evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Log,
    Report,
    Artifact,
}

impl Kind {
    pub(super) fn of(file: &EvidenceFile) -> Self {
        // `evidence/<run>/<suite>/log`: an artifact of that name lies deeper.
        let parts: Vec<&str> = file.name.split('/').collect();
        match parts.as_slice() {
            [_, _, _, "log"] => Kind::Log,
            [_, _, _, "report"] => Kind::Report,
            _ => Kind::Artifact,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Log => "log",
            Kind::Report => "report",
            Kind::Artifact => "artifact",
        }
    }
}

/// Where a file lies here, if it does. A link is none.
pub(super) fn place(ground: &Ground<'_>, file: &EvidenceFile) -> Option<PathBuf> {
    let name = Path::new(&file.name);
    let is_below = name.components().all(|part| matches!(part, Component::Normal(_))) && name.starts_with("evidence");
    let path = ground.repository.own_dir().join(name);
    let is_there = || fs::symlink_metadata(&path).is_ok_and(|file| file.is_file());
    (is_below && is_there()).then_some(path)
}

/// Whether a file is the list of a suite's artifacts.
pub(super) fn is_list(file: &EvidenceFile) -> bool {
    file.name.split('/').skip(3).eq([Store::MANIFEST])
}

/// The artifacts of a list, as if the record named each; nothing of one that is not what was recorded.
pub(super) fn listed(ground: &Ground<'_>, list: &EvidenceFile) -> Vec<EvidenceFile> {
    let Some(folder) = list.name.strip_suffix(Store::MANIFEST).filter(|_| is_list(list)) else { return Vec::new() };
    let bytes = read(ground, list).filter(|bytes| Digest::of(bytes) == list.sha256).unwrap_or_default();
    let files = Listed::read(&bytes).unwrap_or_default().into_iter();
    files
        .map(|Listed { name, size, sha256, media_type }| {
            let name = format!("{folder}{name}");
            EvidenceFile { name, size, sha256, media_type }
        })
        .collect()
}

/// A path as it can be typed where the user is: relative where it lies below.
pub(super) fn from_here(ground: &Ground<'_>, path: &Path) -> String {
    let below = path.strip_prefix(&ground.caller.directory).ok().filter(|below| !below.as_os_str().is_empty());
    below.unwrap_or(path).display().to_string()
}

/// How a file stands, by a look at its size only.
pub(super) fn glance(ground: &Ground<'_>, file: &EvidenceFile) -> Standing {
    match place(ground, file).and_then(|path| fs::symlink_metadata(path).ok()) {
        None => Standing::Gone,
        Some(there) if there.len() != file.size => Standing::Altered,
        Some(_) => Standing::Intact,
    }
}

/// How a file stands, by its digest. One of another size is not read.
pub(super) fn standing(ground: &Ground<'_>, file: &EvidenceFile) -> Standing {
    match (glance(ground, file), place(ground, file)) {
        (Standing::Intact, Some(path)) => match File::open(path).and_then(Digest::of_reader) {
            Ok(digest) if digest == file.sha256 => Standing::Intact,
            Ok(_) | Err(_) => Standing::Altered,
        },
        (standing, _) => standing,
    }
}

/// What a file holds, where it is here.
pub(super) fn read(ground: &Ground<'_>, file: &EvidenceFile) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(place(ground, file)?).ok()?.take(MAX_READ).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

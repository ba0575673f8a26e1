//! The rows of `status` as they were worked out last, for where nothing has changed that one depends on.
//!
//! Deliberately absent: any use but to show them. What decides asks the records.

use std::fs;
use std::path::PathBuf;

use bstr::BStr;

use super::ground::Ground;
use super::status_bytes::{KeptRow, decode, encode};
use super::status_row::Row;
use crate::digest::Digest;
use crate::git::{Oid, Repository, make_own_dir, unfinished_file};
use crate::judge::RULES_VERSION;
use crate::select::PolicyFile;

/// Goes up whenever a row comes to be worked out otherwise; rows of any other version are none.
const VERSION: &str = "proof-gate-status 2";
/// Fewer rows that are new are not worth a file.
const WORTH: usize = 50;

/// Rows that hold while the ground is the same.
pub(super) struct Kept {
    path: PathBuf,
    /// What all rows depend on.
    ground: Option<Digest>,
    /// As they were read, sorted by name, and whether each was shown again.
    old: Vec<(KeptRow, bool)>,
    new: Vec<KeptRow>,
}

impl Kept {
    /// The rows that hold on this ground; none where the file is missing, damaged or of another ground.
    pub(super) fn read(ground: &Ground<'_>) -> Self {
        let path = ground.repository.own_dir().join("status");
        let ground = digest_of(ground);
        let rows = ground.and_then(|ground| parse(&fs::read(&path).ok()?, ground)).unwrap_or_default();
        Kept { path, ground, old: rows.into_iter().map(|row| (row, false)).collect(), new: Vec::new() }
    }

    /// The row of a ref that points there, where it is known.
    pub(super) fn row(&mut self, full: &BStr, id: Oid) -> Option<Option<Row>> {
        let at = self.old.binary_search_by(|(kept, _)| BStr::new(&kept.name).cmp(full)).ok()?;
        let (kept, is_shown) = &mut self.old[at];
        if kept.id != id {
            return None;
        }
        *is_shown = true;
        Some(kept.row.clone())
    }

    /// Keeps a row.
    pub(super) fn keep(&mut self, full: &BStr, id: Oid, row: Option<Row>) {
        self.new.push(KeptRow { name: full.to_owned(), id, row });
    }

    /// Writes the rows where enough of them are new. A file that cannot be written costs time and nothing else.
    pub(super) fn write(&self, repository: &Repository) {
        let Some(ground) = self.ground.filter(|_| self.new.len() >= WORTH) else { return };
        let again = self.old.iter().filter(|(_, is_shown)| *is_shown).map(|(kept, _)| kept);
        let mut rows: Vec<&KeptRow> = again.chain(&self.new).collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        let body = encode(rows.into_iter());
        let mut bytes = format!("{VERSION}\n{ground}\n{}\n", Digest::of(&body)).into_bytes();
        bytes.extend(body);
        if make_own_dir(&repository.own_dir()).is_ok()
            && let Ok(mut file) = unfinished_file(&repository.own_dir())
            && std::io::Write::write_all(&mut file, &bytes).is_ok()
        {
            drop(file.persist(&self.path));
        }
    }
}

fn parse(bytes: &[u8], ground: Digest) -> Option<Vec<KeptRow>> {
    let mut parts = bytes.splitn(4, |byte| *byte == b'\n');
    let (version, of_ground, checksum) = (parts.next()?, parts.next()?, parts.next()?);
    let body = parts.next()?;
    let whole = version == VERSION.as_bytes()
        && of_ground == ground.to_string().as_bytes()
        && checksum == Digest::of(body).to_string().as_bytes();
    if whole { decode(body) } else { None }
}

/// Everything that a row depends on beside its ref, as one digest. `None` where that is not known: a clone that is cut off somewhere may
/// come to hold more history without any ref of the gate's moving.
fn digest_of(ground: &Ground<'_>) -> Option<Digest> {
    if ground.repository.is_shallow() {
        return None;
    }
    let digest = |file: &PolicyFile| file.digest.to_string();
    let policies = [&ground.anchors.default_branch, &ground.anchors.installed];
    let policies = policies.map(|file| file.as_deref().map(digest).unwrap_or_default());
    let since = ground.anchors.anchor().and_then(|(file, _)| Oid::from_hex(file.policy.gate.since.clone()?.as_bytes()));
    let since = since.is_some_and(|since| ground.repository.has_object(since));
    let records = ground.records.digest().to_string();
    let since = if since { "since" } else { "" };
    let rules = RULES_VERSION.to_string();
    // A key on a list may come to an end by itself.
    let day = || ground.now.strftime("%Y-%m-%d").to_string();
    let signers = match ground.records.trust().digest() {
        Ok(digest) => digest.map(|digest| format!("{digest} {}", day())).unwrap_or_default(),
        Err(_) => return None,
    };
    let fields = [env!("CARGO_PKG_VERSION"), &rules, &policies[0], &policies[1], since, &records, &signers];
    Some(Digest::of_fields(fields.map(str::as_bytes)))
}

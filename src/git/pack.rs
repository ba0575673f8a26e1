//! Objects as one small pack that git keeps: safe from a `git prune` or `git gc` that runs before any ref leads to them.
//!
//! Deliberately absent: compression, deltas and reading; the pack holds a record's few kilobytes and lives until the next repack.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::append::{flush, make_own_dir};
use super::unfinished::unfinished_folder;
use super::{Kind, Repository};
use crate::error::{Context as _, Error, Result};

/// The longest block that deflate stores as it is.
const STORED_BLOCK: usize = 0xffff;

/// A pack that git neither removes nor repacks while this lives.
#[must_use]
pub struct KeptPack {
    keep: PathBuf,
}

impl Drop for KeptPack {
    fn drop(&mut self) {
        // One that stays by mistake only keeps its pack out of later repacks.
        drop(fs::remove_file(&self.keep));
    }
}

impl Repository {
    /// Writes objects as a pack, flushed to the disk, and keeps it until the guard is dropped.
    ///
    /// It is made in the gate's own folder and renamed into its place: a prune also takes git's temporary files beside packs.
    pub fn write_kept_pack(&self, objects: &[(Kind, &[u8])]) -> Result<KeptPack> {
        let what = || "cannot write a pack".to_owned();
        let mut pack = encode(objects)?;
        let mut hasher = gix::hash::hasher(self.object_format().as_gix());
        hasher.update(&pack);
        let checksum = hasher.try_finalize().context(what())?;
        pack.extend_from_slice(checksum.as_slice());
        make_own_dir(&self.own_dir())?;
        let (making, _held) = unfinished_folder(&self.own_dir()).context(what())?;
        let made = making.path().join("record.pack");
        fs::write(&made, pack).context(what())?;
        self.durable().args(["index-pack", "--no-rev-index"]).arg(&made).run()?;
        let folder = self.common_dir().join("objects/pack");
        fs::create_dir_all(&folder).context(what())?;
        let place = |suffix: &str| folder.join(format!("pack-{checksum}.{suffix}"));
        let kept = KeptPack { keep: place("keep") };
        fs::write(&kept.keep, "proof-gate\n").context(what())?;
        // git looks for packs by their indexes, so that comes last.
        for suffix in ["pack", "idx"] {
            let made = made.with_extension(suffix);
            fs::set_permissions(&made, fs::Permissions::from_mode(0o444)).context(what())?;
            flush(&made)?;
            fs::rename(&made, place(suffix)).context(what())?;
        }
        flush(&folder)?;
        Ok(kept)
    }
}

/// The pack without its checksum: `PACK`, version 2, the number of objects, the objects.
fn encode(objects: &[(Kind, &[u8])]) -> Result<Vec<u8>> {
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    let count = u32::try_from(objects.len()).map_err(|_| Error::new("cannot write a pack: too many objects"))?;
    pack.extend(count.to_be_bytes());
    for (kind, bytes) in objects {
        push_header(&mut pack, *kind, bytes.len());
        push_zlib(&mut pack, bytes);
    }
    Ok(pack)
}

/// Kind and length: four bits of the length beside the kind, then seven a byte, the lowest first.
fn push_header(pack: &mut Vec<u8>, kind: Kind, length: usize) {
    let number: u8 = match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let low = |value: usize, bits: u32| u8::try_from(value & ((1 << bits) - 1)).expect("it was masked to below a byte");
    let mut byte = number << 4 | low(length, 4);
    let mut rest = length >> 4;
    while rest > 0 {
        pack.push(byte | 0x80);
        byte = low(rest, 7);
        rest >>= 7;
    }
    pack.push(byte);
}

/// A zlib stream of stored blocks (RFC 1950, RFC 1951).
pub(super) fn push_zlib(pack: &mut Vec<u8>, bytes: &[u8]) {
    pack.extend([0x78, 0x01]);
    let blocks = bytes.len().div_ceil(STORED_BLOCK).max(1);
    for block in 0..blocks {
        let from = block * STORED_BLOCK;
        let part = &bytes[from..bytes.len().min(from + STORED_BLOCK)];
        let length = u16::try_from(part.len()).expect("a stored block is no longer than its length field says");
        pack.push(u8::from(block + 1 == blocks));
        pack.extend(length.to_le_bytes());
        pack.extend((!length).to_le_bytes());
        pack.extend_from_slice(part);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    pack.extend((b << 16 | a).to_be_bytes());
}

//! Which picture of the tree each picture of a suite has to be the same as, and what is said where it is not.
//!
//! Deliberately absent: how two pictures are compared, see `pictures`.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice as _};

use super::pictures::{self, Comparison};
use super::{ARTIFACTS, Collection, DIFFERENCES, Reach, Rule, make_folder_of};
use crate::error::{Context as _, Result};

impl Collection<'_> {
    /// Compares a rule's pictures with those of the tree.
    pub(super) fn compare(&mut self, rule: &Rule) -> Result<()> {
        let Some(baseline) = &rule.baseline else { return Ok(()) };
        let folder = rule.glob.folder();
        let copies: Vec<(BString, PathBuf)> = self.shelf.copies.clone().into_iter().collect();
        for (path, copy) in copies.iter().filter(|(path, _)| rule.glob.is_match(path.as_bstr())) {
            let expected = in_folder(baseline, below(path.as_bstr(), folder));
            if self.places.tracked.contains(expected.as_bstr()) {
                self.compare_one(path.as_bstr(), copy, expected.as_bstr())?;
            } else if self.reach == Reach::Whole {
                let how = format!("it has no baseline {expected}: look at it, and commit it there if it is right");
                self.said.unexpected(path.as_bstr(), how);
            }
        }
        for expected in self.places.tracked.below(baseline) {
            let path = in_folder(folder, below(expected, baseline));
            if rule.glob.is_match(path.as_bstr())
                && !self.shelf.copies.contains_key(&path)
                && self.reach == Reach::Whole
            {
                self.said
                    .missing
                    .push(format!("{path}: the suite left no such picture, and there is a baseline {expected}"));
            }
        }
        Ok(())
    }

    fn compare_one(&mut self, path: &BStr, copy: &Path, expected: &BStr) -> Result<()> {
        let what = || format!("cannot compare {} with its baseline", copy.display());
        if fs::metadata(copy).context(what())?.len() > pictures::MAX_BYTES {
            self.said
                .unexpected(path, format!("more than {} bytes are compared with no baseline", pictures::MAX_BYTES));
            return Ok(());
        }
        let baseline = match self.places.tracked.read(expected, pictures::MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.said.unexpected(path, format!("its baseline {expected} cannot be read: {why}"));
                return Ok(());
            }
        };
        match pictures::compare(&baseline, &fs::read(copy).context(what())?) {
            Comparison::Same => {}
            Comparison::Unreadable(why) => self.said.unexpected(path, format!("{why} (baseline {expected})")),
            Comparison::Differs { how, difference: None } => {
                self.said.unexpected(path, format!("{how} (baseline {expected})"));
            }
            Comparison::Differs { how, difference: Some(png) } => {
                let name = copy.strip_prefix(self.places.outputs.join(ARTIFACTS)).unwrap_or(copy);
                let name = Path::new(DIFFERENCES).join(format!("{}.png", name.with_extension("").display()));
                let place = self.places.outputs.join(&name);
                if write_new(&place, &png)? {
                    self.shelf.files.push(place);
                }
                self.said.unexpected(path, format!("{how} (baseline {expected}, drawn in {})", name.display()));
            }
        }
        Ok(())
    }
}

/// A path below a folder, without the folder; whole where the folder is the top.
fn below<'p>(path: &'p BStr, folder: &str) -> &'p BStr {
    let rest = path.strip_prefix(folder.as_bytes()).unwrap_or(path);
    rest.strip_prefix(b"/").unwrap_or(rest).as_bstr()
}

fn in_folder(folder: &str, path: &BStr) -> BString {
    let mut whole = BString::from(folder);
    if !whole.is_empty() {
        whole.push(b'/');
    }
    whole.extend_from_slice(path);
    whole
}

/// Writes a file, 0600, unless it is there: two pictures may be drawn under one name, and the first is enough to look at.
fn write_new(path: &Path, bytes: &[u8]) -> Result<bool> {
    make_folder_of(path)?;
    let what = || format!("cannot write {}", path.display());
    let opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match opened {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        opened => std::io::Write::write_all(&mut opened.context(what())?, bytes).context(what()).map(|()| true),
    }
}

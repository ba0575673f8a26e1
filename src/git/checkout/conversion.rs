//! Which files a checkout writes otherwise than their blobs, by the tree's own attributes, and how that is checked.
//!
//! Deliberately absent: any attribute from elsewhere, and filter drivers that nobody named.

use std::collections::BTreeMap;
use std::fs;

use bstr::{BStr, BString, ByteSlice as _};

use super::compare;
use super::part::{Part, absolute};
use super::write::OpenBlobs;
use crate::error::{Context as _, Error, Result};
use crate::git::{Entry, Repository};

/// Words without which no `.gitattributes` changes a byte where `core.eol` is `lf` and `core.autocrlf` is off: neither `text` nor
/// `eol=lf` does at checkout (gitattributes(5)).
const TELLING: &[&str] = &["eol=crlf", "ident", "working-tree-encoding", "filter="];

/// The attributes that are asked for. `crlf` is an old name for `text` and `eol=lf`.
const ASKED: &[&str] = &["filter", "ident", "eol", "working-tree-encoding"];

/// What the attributes of one file ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conversion {
    /// The filter driver, if they name one.
    pub(super) filter: Option<String>,
    /// Whether line ends, `$Id$` or the encoding may change.
    pub(super) changes_bytes: bool,
}

/// The files of a part whose attributes ask for something. The part's index holds the tree.
pub(super) fn conversions(
    part: &Part,
    blobs: &mut OpenBlobs,
    files: &[(BString, Entry)],
) -> Result<BTreeMap<BString, Conversion>> {
    let mut asks = false;
    for (path, entry) in files.iter().filter(|(_, entry)| entry.is_file()) {
        if path.as_slice() == b".gitattributes" || path.ends_with(b"/.gitattributes") {
            let text = blobs.read(path.as_bstr(), entry.id)?;
            asks = asks || TELLING.iter().any(|word| text.contains_str(word));
        }
    }
    let mut found: BTreeMap<BString, Conversion> = BTreeMap::new();
    if !asks {
        return Ok(found);
    }
    let mut paths = Vec::new();
    for (path, _) in files.iter().filter(|(_, entry)| entry.is_file()) {
        paths.extend_from_slice(path);
        paths.push(0);
    }
    let told = part.git().args(["check-attr", "--cached", "-z", "--stdin"]).args(ASKED).stdin(paths).run()?;
    let mut fields = told.split_str("\0");
    while let (Some(path), Some(attribute), Some(value)) = (fields.next(), fields.next(), fields.next()) {
        let is_text = !matches!(value, b"unspecified" | b"unset" | b"set" | b"");
        let asks = match attribute {
            b"ident" => value == b"set",
            b"eol" => value == b"crlf",
            _ => is_text,
        };
        if !asks {
            continue;
        }
        let conversion = found.entry(path.into()).or_default();
        match attribute {
            b"filter" => conversion.filter = Some(value.to_str_lossy().into_owned()),
            _ => conversion.changes_bytes = true,
        }
    }
    Ok(found)
}

/// A filter driver that the policy names, with its commands from the user's configuration.
#[derive(Clone, Debug)]
pub(super) struct Driver {
    pub(super) name: String,
    settings: Vec<(String, String)>,
}

impl Driver {
    /// Finds its commands. A driver that cannot write files is no proof: leaving it out would prove other bytes.
    pub(super) fn find(repository: &Repository, name: &str, path: &BStr) -> Result<Self> {
        let mut settings = Vec::new();
        for key in ["process", "smudge", "clean"] {
            if let Some(command) = repository.setting(&format!("filter.{name}.{key}"))? {
                settings.push((format!("filter.{name}.{key}"), command));
            }
        }
        if !settings.iter().any(|(key, _)| key.ends_with(".process") || key.ends_with(".smudge")) {
            let message = format!("cannot check out {path}: its filter '{name}' is not set up here");
            return Err(Error::new(message)
                .hint(format!("git config filter.{name}.smudge COMMAND, and filter.{name}.clean to undo it"))
                .hint("or take it out of '[proof] filters' in .proofrc.toml"));
        }
        settings.push((format!("filter.{name}.required"), "true".to_owned()));
        Ok(Driver { name: name.to_owned(), settings })
    }
}

/// Lets git write these files by their attributes and the drivers, and gives back the entry that each has on disk.
///
/// A file is accepted if what git makes of it for a commit is its blob again; without a driver also if it is byte for byte what git
/// writes, because line ends that an attribute does not ask for do not survive the way back.
pub(super) fn write_by_git(part: &Part, drivers: &[Driver], files: &[(&BStr, &Entry)]) -> Result<Vec<Entry>> {
    let with_drivers = || {
        let settings: Vec<_> = drivers.iter().flat_map(|driver| &driver.settings).collect();
        let git = part.git().env("GIT_CONFIG_COUNT", settings.len().to_string());
        settings.iter().enumerate().fold(git, |git, (at, (key, value))| {
            git.env(format!("GIT_CONFIG_KEY_{at}"), key).env(format!("GIT_CONFIG_VALUE_{at}"), value)
        })
    };
    let (mut paths, mut lines) = (Vec::new(), Vec::new());
    for (path, _) in files {
        paths.extend_from_slice(path);
        paths.push(0);
        lines.extend_from_slice(&super::settings::quoted(path));
        lines.push(b'\n');
    }
    let what = "cannot check out files that a filter or attribute changes";
    with_drivers()
        .args(["checkout-index", "--force", "-z", "--stdin"])
        .stdin(paths)
        .run()
        .map_err(|error| error.while_doing(what))?;
    let cleaned = with_drivers().args(["hash-object", "--stdin-paths"]).stdin(lines).run()?;
    let mut cleaned = cleaned.lines();
    let (mut entries, mut buffer) = (Vec::new(), compare::buffer());
    for (path, entry) in files {
        let file = absolute(&part.folder, path);
        let again = cleaned.next().and_then(Oid::from_hex).context("cannot read what git makes of the files")?;
        if again != entry.id && !is_as_git_writes(part, path, entry, &fs::read(&file).context(what)?)? {
            return Err(Error::new(format!(
                "cannot trust the workspace: {path} as its filter wrote it does not lead back to what the commit holds"
            ))
            .hint(format!(
                "'git add --renormalize {path}' and 'git diff' show what the filter's clean command makes of it"
            )));
        }
        let id = compare::id_on_disk(part.format, &file, &mut buffer).context(format!("cannot read {path}"))?;
        entries.push(Entry { mode: entry.mode, id });
    }
    Ok(entries)
}

/// Whether the bytes are what git writes for the blob by the tree's attributes alone, without any driver.
fn is_as_git_writes(part: &Part, path: &BStr, entry: &Entry, bytes: &[u8]) -> Result<bool> {
    let mut option = std::ffi::OsString::from("--path=");
    option.push(super::os(path));
    let id = entry.id.to_string();
    let args: [&std::ffi::OsStr; 4] = ["cat-file".as_ref(), "--filters".as_ref(), option.as_os_str(), id.as_ref()];
    Ok(part.git().args(args).run()? == bytes)
}

use crate::git::Oid;

//! Signing a commit of the log with git's own set-up: key, format, agent and programs are the user's.
//!
//! git signs in an object store of its own, so that nothing unsigned and nothing half-made is left in the user's.
//!
//! Deliberately absent: choosing whether to sign, and checking a signature, see `verification`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;
use gix::objs::Find as _;

use super::append::Identity;
use super::pack::push_zlib;
use super::patience::PATIENCE_WITH_SIGNATURES;
use super::quarantine::quoted;
use super::repository::open_objects;
use super::signature::Signature;
use super::unfinished::unfinished_folder;
use super::{Kind, Oid, Output, Repository, make_own_dir};
use crate::error::{Context as _, Error, Result};

/// The settings that say how to sign and whose signature counts.
const NAMES: &str = r"^(user\.signingkey|gpg\..*|proofs\..*)$";

/// The settings for signatures, by lower-case name; paths below `~` written out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignatureSettings {
    values: BTreeMap<String, String>,
    /// Where relative paths begin.
    folder: PathBuf,
}

/// A commit before it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    /// The bytes of its tree.
    pub tree: &'a [u8],
    /// Its parents.
    pub parents: &'a [Oid],
    /// Author and committer.
    pub identity: &'a Identity,
    /// Its message.
    pub message: &'a str,
}

impl SignatureSettings {
    /// A setting's value, unless it is unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A setting that names a file.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|path| self.folder.join(path))
    }

    /// Whether a signing key is set up.
    pub fn has_key(&self) -> bool {
        self.get("user.signingkey").is_some()
            || (self.get("gpg.format") == Some("ssh") && self.get("gpg.ssh.defaultkeycommand").is_some())
    }

    /// What the signing key is known by: another text, another key. Empty where none is set up.
    pub fn key_identity(&self) -> Vec<u8> {
        let Some(key) = self.get("user.signingkey") else {
            return self.get("gpg.ssh.defaultkeycommand").unwrap_or_default().as_bytes().to_vec();
        };
        let format = self.get("gpg.format").unwrap_or("openpgp");
        let mut identity = format!("{format}\n").into_bytes();
        // A key stays itself where its file is moved, and one that was made anew under the same name is another.
        let public = Path::new(key).with_extension("pub");
        match fs::read(self.folder.join(&public)) {
            Ok(public) if format == "ssh" && !key.starts_with("key::") => identity.extend(public),
            Ok(_) | Err(_) => identity.extend(key.bytes()),
        }
        identity
    }
}

impl Unsigned<'_> {
    /// The commit's bytes without a signature.
    pub fn bytes(&self, tree: Oid) -> Vec<u8> {
        let mut commit = format!("tree {tree}\n").into_bytes();
        for parent in self.parents {
            commit.extend(format!("parent {parent}\n").bytes());
        }
        for role in ["author ", "committer "] {
            commit.extend(role.bytes());
            commit.extend_from_slice(self.identity.line.as_bytes());
            commit.push(b'\n');
        }
        commit.push(b'\n');
        commit.extend(self.message.bytes());
        commit
    }
}

impl Repository {
    /// The user's settings for signatures.
    pub fn signature_settings(&self) -> Result<SignatureSettings> {
        let asked = self.command().args(["config", "--null", "--type=path", "--get-regexp", NAMES]).output()?;
        let mut settings = SignatureSettings::default();
        self.work_tree().unwrap_or(self.git_dir()).clone_into(&mut settings.folder);
        match asked.status.code() {
            Some(0) => {}
            Some(1) => return Ok(settings),
            _ => return Err(Error::new(format!("cannot read the settings for signing: {}", asked.complaint()))),
        }
        for field in asked.stdout.split(|byte| *byte == 0) {
            let (name, value) = field.split_once_str("\n").unwrap_or((field, b""));
            settings.values.insert(name.to_str_lossy().into_owned(), value.to_str_lossy().into_owned());
        }
        Ok(settings)
    }

    /// The bytes of a commit signed by git. Nothing is left in the repository.
    pub fn sign(&self, unsigned: Unsigned<'_>) -> Result<Vec<u8>> {
        let what = "cannot make a place to sign in";
        make_own_dir(&self.own_dir())?;
        let (scratch, _held) = unfinished_folder(&self.own_dir()).context(what)?;
        let objects = scratch.path().join("objects");
        let tree = self.object_id(Kind::Tree, unsigned.tree)?;
        write_loose(&objects, tree, Kind::Tree, unsigned.tree).context(what)?;
        let date = unsigned.identity.line.rsplit_once_str(">").map_or(&b""[..], |(_, date)| date.trim());
        let mut git = self.command().args(["-c", "i18n.commitEncoding=UTF-8", "commit-tree", "-S", &tree.to_string()]);
        git.patience = PATIENCE_WITH_SIGNATURES;
        for parent in unsigned.parents {
            git = git.args(["-p", &parent.to_string()]);
        }
        for role in ["AUTHOR", "COMMITTER"] {
            git = git
                .env(format!("GIT_{role}_NAME"), os(&unsigned.identity.name))
                .env(format!("GIT_{role}_EMAIL"), os(&unsigned.identity.email))
                .env(format!("GIT_{role}_DATE"), os(&[b"@", date].concat()));
        }
        git = git.env("GIT_OBJECT_DIRECTORY", &objects);
        git = git.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(&self.common_dir().join("objects")));
        let made = git.stdin(unsigned.message).output()?;
        if !made.status.success() {
            let error = cannot_sign(&made);
            return Err(match self.signature_settings()?.has_key() {
                true => error,
                false => error
                    .hint("no signing key is set up: git config gpg.format ssh, then git config user.signingkey FILE"),
            });
        }
        let id = Oid::from_hex(made.stdout.trim_ascii()).context("cannot sign: git names no commit")?;
        let mut commit = Vec::new();
        let store = open_objects(scratch.path(), self.object_format())?;
        let found = store.try_find(id.as_gix(), &mut commit).context("cannot read what git signed")?;
        found.context("cannot read what git signed: it is not there")?;
        match Signature::of_commit(&commit) {
            Signature::One { payload, .. } if payload == unsigned.bytes(tree) => Ok(commit),
            Signature::One { .. } | Signature::Missing | Signature::Several => {
                Err(Error::new("cannot sign: git signed something else than it was given")
                    .hint("'git commit-tree' must work here as git's own does"))
            }
        }
    }
}

fn os(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

/// An object as a loose file, stored without compression.
fn write_loose(objects: &Path, id: Oid, kind: Kind, bytes: &[u8]) -> std::io::Result<()> {
    let hex = id.to_string();
    let folder = objects.join(&hex[..2]);
    fs::create_dir_all(&folder)?;
    let mut stored = Vec::new();
    push_zlib(&mut stored, &[format!("{} {}\0", kind.as_str(), bytes.len()).as_bytes(), bytes].concat());
    fs::write(folder.join(&hex[2..]), stored)
}

/// What git and the programs that it signs with said, and the way on.
fn cannot_sign(made: &Output) -> Error {
    let cause = made.said().filter(|line| !is_wrapping(line)).last().unwrap_or_else(|| made.complaint());
    let cause = cause.trim_start_matches("error: ").trim_start_matches("Enter passphrase: ").trim_end_matches('?');
    let has = |words: &[&str]| made.said().any(|line| words.iter().any(|word| line.contains(word)));
    let error = Error::new(format!("cannot sign the record: {cause}"));
    let error = if has(&["agent", "passphrase"]) {
        error.hint(
            "unlock the key for the agent: ssh-add (or gpg-connect-agent for OpenPGP), then run the command again",
        )
    } else if has(&[
        "No secret key",
        "load public key",
        "No such file",
        "Load key",
        "no such identity",
        "No user exists",
    ]) {
        error.hint("the key of git's user.signingkey is not here: 'git config --get user.signingkey' names it")
    } else if has(&["Timeout", "Inappropriate ioctl", "No pinentry", "Operation cancelled", "Bad passphrase"]) {
        error.hint("gpg could not ask for the passphrase: 'export GPG_TTY=$(tty)' in that terminal, then run the command again")
    } else {
        error
    };
    error.hint("try it by hand: git commit-tree -S 'HEAD^{tree}' -m test")
}

/// Lines that stand around the cause.
fn is_wrapping(line: &str) -> bool {
    ["fatal: failed to write commit object", "error: gpg failed to sign the data", "(no gpg output)", "[GNUPG:]"]
        .iter()
        .any(|wrapping| line.starts_with(wrapping))
}

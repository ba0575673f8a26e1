//! Whose policy judges: what is gated, and by which rules, never depends on the pushed commit alone.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use bstr::{BStr, ByteSlice as _};

use super::base::{Step, walk};
use super::update::{Action, RefUpdate};
use crate::error::{Error, Exit, Result};
use crate::git::{Commit, Oid, Peeled, Repository};
use crate::policy::{self, Digest, Policy};

/// A policy file that was read.
#[derive(Debug)]
pub struct PolicyFile {
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// What it says.
    pub policy: Policy,
    /// Its bytes, as they stand.
    pub bytes: Vec<u8>,
}

/// Where the policy that judges a subject comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The subject's own tree.
    Subject,
    /// The subject has none: the remote's default branch, as last fetched.
    DefaultBranch,
    /// Neither has one: what `install` saw, moved on by each gated update that was allowed.
    Installed,
}

impl Origin {
    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Subject => "the commit's own policy",
            Origin::DefaultBranch => "the policy of the remote's default branch",
            Origin::Installed => "the policy that install saw",
        }
    }
}

/// What a tree has at `.proofrc.toml`.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing.
    Absent,
    /// A policy.
    Readable(Rc<PolicyFile>),
    /// Something that is no policy, and why.
    Unreadable(String),
}

/// Reads policy files out of trees, each blob once.
pub struct PolicyReader<'a> {
    repository: &'a Repository,
    read: RefCell<HashMap<Oid, Result<Rc<PolicyFile>, String>>>,
}

impl<'a> PolicyReader<'a> {
    /// A reader that has read nothing yet.
    pub fn new(repository: &'a Repository) -> Self {
        PolicyReader { repository, read: RefCell::default() }
    }

    /// What a commit has at `.proofrc.toml`.
    pub fn of_commit(&self, commit: &Commit) -> Result<Found> {
        let Some(entry) = self.repository.entry_at(commit.tree, policy::FILE)? else {
            return Ok(Found::Absent);
        };
        if !entry.is_file() {
            return Ok(Found::Unreadable("it is no regular file".to_owned()));
        }
        let known = self.read.borrow().get(&entry.id).cloned();
        let read = match known {
            Some(read) => read,
            None => self.read(entry.id, self.repository.blob(entry.id)?),
        };
        Ok(match read {
            Ok(file) => Found::Readable(file),
            Err(why) => Found::Unreadable(why),
        })
    }

    /// Reads the bytes of a blob, unless they were read before.
    fn read(&self, id: Oid, bytes: Vec<u8>) -> Result<Rc<PolicyFile>, String> {
        self.read.borrow_mut().entry(id).or_insert_with(|| parse(bytes).map(Rc::new)).clone()
    }

    /// A commit's policy, or where it cannot be read the nearest ancestor's that can. `None` where there is none at all.
    pub fn nearest_readable(&self, commit: &Commit) -> Result<Option<Rc<PolicyFile>>> {
        let mut nearest = Ok(None);
        walk(self.repository, commit, &mut |visited| match self.of_commit(visited) {
            Ok(Found::Readable(file)) => {
                nearest = Ok(Some(file));
                Step::Stop
            }
            Ok(Found::Absent) if visited.id == commit.id => Step::Stop,
            Ok(Found::Absent | Found::Unreadable(_)) => Step::On,
            Err(error) => {
                nearest = Err(error);
                Step::Stop
            }
        })?;
        nearest
    }
}

/// Reads the bytes of a policy file; the error is a fragment with line, column and hint.
pub fn parse(bytes: Vec<u8>) -> Result<PolicyFile, String> {
    match policy::parse(&bytes) {
        Ok(policy) => Ok(PolicyFile { digest: Digest::of(&bytes), policy, bytes }),
        Err(error) => Err(match &error.hint {
            Some(hint) => format!("{error} ({hint})"),
            None => error.to_string(),
        }),
    }
}

/// The policies beside the subject's own that say what is gated, and that stand in where it has none.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// The remote's default branch, as last fetched.
    pub default_branch: Option<Rc<PolicyFile>>,
    /// What `install` saw.
    pub installed: Option<Rc<PolicyFile>>,
    /// Whose default branch is meant.
    at: At,
}

/// Whose refs the anchors are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum At {
    /// The remote's, as last fetched; none where nothing was.
    Remote(Option<String>),
    /// The repository's own: it is the remote of those who push to it.
    Here,
}

impl Default for At {
    fn default() -> Self {
        At::Remote(None)
    }
}

impl Anchors {
    /// Reads them. `remote` is the name that git pushes to; where it is no configured remote, the usual one stands in.
    pub fn read(reader: &PolicyReader<'_>, remote: Option<&str>, installed: Option<(Oid, Vec<u8>)>) -> Result<Self> {
        let at = At::Remote(known_remote(reader.repository, remote)?);
        Self::read_at(reader, at, installed)
    }

    /// The same on a server: the default branch is its own, as it stands before what is pushed.
    pub fn of_server(reader: &PolicyReader<'_>, installed: Option<(Oid, Vec<u8>)>) -> Result<Self> {
        Self::read_at(reader, At::Here, installed)
    }

    fn read_at(reader: &PolicyReader<'_>, at: At, installed: Option<(Oid, Vec<u8>)>) -> Result<Self> {
        let default_branch = match default_branch_of(reader.repository, &at)? {
            Some(commit) => reader.nearest_readable(&commit)?,
            None => None,
        };
        let installed = match installed {
            None => None,
            Some((id, bytes)) => Some(reader.read(id, bytes).map_err(|why| {
                Error::new(format!("cannot read the policy that install saw: {why}")).hint("proof-gate install")
            })?),
        };
        // A branch that anybody may push without a proof is no ground to stand on, once there is another.
        let is_ground = match (&at, &installed) {
            (At::Here, Some(installed)) => match reader.repository.branch_of_head()? {
                Some(branch) => installed.policy.gates(branch.as_bytes().into()),
                None => true,
            },
            (At::Here, None) | (At::Remote(_), _) => true,
        };
        Ok(Anchors { default_branch: default_branch.filter(|_| is_ground), installed, at })
    }

    /// The commit of the remote's default branch as last fetched.
    pub fn default_branch_commit(&self, repository: &Repository) -> Result<Option<Commit>> {
        default_branch_of(repository, &self.at)
    }

    /// The tips of the gated branches over there, as far as they are known here.
    pub fn gated_tips(&self, repository: &Repository) -> Result<Vec<Commit>> {
        let folder = match &self.at {
            At::Remote(None) => return Ok(Vec::new()),
            At::Remote(Some(remote)) => format!("refs/remotes/{remote}/"),
            At::Here => "refs/heads/".to_owned(),
        };
        let mut tips = Vec::new();
        for (name, id) in repository.list_refs(&folder)? {
            let branch = [b"refs/heads/", name.strip_prefix(folder.as_bytes()).unwrap_or_default()].concat();
            if self.gate(branch.as_bstr())
                && let Peeled::Commit { commit, .. } = repository.peel(id)?
            {
                tips.push(commit);
            }
        }
        Ok(tips)
    }

    /// Whether any of them gates a ref.
    pub fn gate(&self, name: &BStr) -> bool {
        [&self.default_branch, &self.installed].into_iter().flatten().any(|file| file.policy.gates(name))
    }

    /// The one that a subject without base or policy is held against.
    pub fn anchor(&self) -> Option<(Rc<PolicyFile>, Origin)> {
        let branch = self.default_branch.clone().map(|file| (file, Origin::DefaultBranch));
        branch.or_else(|| self.installed.clone().map(|file| (file, Origin::Installed)))
    }
}

/// Where a remote's default branch is looked for, below its name.
const DEFAULT_BRANCHES: [&str; 3] = ["HEAD", "main", "master"];

/// The commit of the default branch: `HEAD`, else `main` or `master`; of a remote as last fetched. A server whose `HEAD` leads to no
/// branch (it was made for `master`, and the team pushes `main`) would else be left without a policy of its own.
fn default_branch_of(repository: &Repository, at: &At) -> Result<Option<Commit>> {
    let names = match at {
        At::Remote(None) => Vec::new(),
        At::Remote(Some(remote)) => DEFAULT_BRANCHES.map(|name| format!("refs/remotes/{remote}/{name}")).to_vec(),
        At::Here => ["HEAD", "refs/heads/main", "refs/heads/master"].map(str::to_owned).to_vec(),
    };
    for name in names {
        if let Some(id) = repository.find_ref(&name)?
            && let Peeled::Commit { commit, .. } = repository.peel(id)?
        {
            return Ok(Some(commit));
        }
    }
    Ok(None)
}

/// The remote that is meant: the named one where something was ever fetched from it, else `origin`, else the only one.
fn known_remote(repository: &Repository, named: Option<&str>) -> Result<Option<String>> {
    // The usual case is told by one ref; to list them all takes the longer the more branches were ever fetched.
    for (remote, name) in named.into_iter().flat_map(|remote| DEFAULT_BRANCHES.map(|name| (remote, name))) {
        if repository.find_ref(format!("refs/remotes/{remote}/{name}"))?.is_some() {
            return Ok(Some(remote.to_owned()));
        }
    }
    let refs = repository.list_refs("refs/remotes/")?;
    let remotes: BTreeSet<&str> = refs
        .iter()
        .filter_map(|(name, _)| name.strip_prefix(b"refs/remotes/")?.split_once_str("/")?.0.to_str().ok())
        .collect();
    let has = |name: &str| refs.iter().any(|(full, _)| full.starts_with(format!("refs/remotes/{name}/").as_bytes()));
    Ok(match named {
        Some(name) if has(name) => Some(name.to_owned()),
        _ if remotes.contains("origin") => Some("origin".to_owned()),
        _ if remotes.len() == 1 => remotes.first().map(|name| (*name).to_owned()),
        _ => None,
    })
}

/// Whether an update is of a gated ref: any of the subject's policy, that of the remote's known tip of this ref, that of its
/// default branch, and the one that `install` saw, says so.
pub fn is_gated(reader: &PolicyReader<'_>, update: &RefUpdate, anchors: &Anchors) -> Result<bool> {
    let mut files: Vec<Rc<PolicyFile>> = Vec::new();
    if let Action::Set(id) = update.action
        && let Peeled::Commit { commit, .. } = reader.repository.peel(id)?
    {
        match reader.of_commit(&commit)? {
            Found::Absent => {}
            Found::Readable(file) => files.push(file),
            Found::Unreadable(why) => return Err(unreadable(&commit, &why)),
        }
    }
    for tip in known_tips(reader.repository, update, anchors)? {
        files.extend(reader.nearest_readable(&tip)?);
    }
    files.extend(anchors.default_branch.clone());
    files.extend(anchors.installed.clone());
    if files.is_empty() {
        return Err(no_policy());
    }
    Ok(files.iter().any(|file| file.policy.gates(update.remote_ref.as_bstr())))
}

/// What the ref points at over there, as the push says and as last fetched.
fn known_tips(repository: &Repository, update: &RefUpdate, anchors: &Anchors) -> Result<Vec<Commit>> {
    let mut ids: Vec<Oid> = update.old.into_iter().filter(|id| repository.has_object(*id)).collect();
    if let Some(branch) = update.remote_ref.strip_prefix(b"refs/heads/").and_then(|name| name.to_str().ok())
        && let At::Remote(Some(remote)) = &anchors.at
    {
        ids.extend(repository.find_ref(format!("refs/remotes/{remote}/{branch}"))?);
    }
    let mut tips = Vec::new();
    for id in ids {
        if let Peeled::Commit { commit, .. } = repository.peel(id)? {
            tips.push(commit);
        }
    }
    Ok(tips)
}

/// The policy that judges a subject: its own, else the anchor's.
pub fn judging(reader: &PolicyReader<'_>, subject: &Commit, anchors: &Anchors) -> Result<(Rc<PolicyFile>, Origin)> {
    match reader.of_commit(subject)? {
        Found::Readable(file) => Ok((file, Origin::Subject)),
        Found::Absent => anchors.anchor().ok_or_else(no_policy),
        Found::Unreadable(why) => Err(unreadable(subject, &why)),
    }
}

fn unreadable(commit: &Commit, why: &str) -> Error {
    Error::new(format!("cannot read {} of {}: {why}", policy::FILE, commit.id.short()))
        .ending(Exit::NoProof)
        .hint("mend the file and commit; 'proof-gate config check' reads the one in the work tree")
}

fn no_policy() -> Error {
    Error::new("no policy: neither the commit nor the remote's default branch has a .proofrc.toml that can be read")
        .hint("'proof-gate init' writes one; commit it, then 'proof-gate install'")
}

/// The full name of a ref without its first two components: `main` of `refs/heads/main`.
pub fn short_name(name: &BStr) -> &BStr {
    [&b"refs/heads/"[..], b"refs/tags/"].iter().find_map(|prefix| name.strip_prefix(*prefix)).map_or(name, BStr::new)
}

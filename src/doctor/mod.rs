//! Everything that would leave the gate open or a proof impossible, each with its mend.
//!
//! One check is one small function over a [`Patient`]. Deliberately absent: mending. Every mend is a command for the user to run.

mod clone;
mod finding;
mod fire;
mod gated;
mod hook;
mod managers;
mod places;
mod records;
mod server;
mod settings;
mod shell;
mod tools;

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use finding::{Finding, Severity};
pub use fire::{Ending, Fired, fire};

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::git::{LOCATIONS, Repository};
use crate::hooks::{Hook, Look, SeenPolicy, Side, look, sides};
use crate::policy;
use crate::prove::{self, LeftWorkspace};
use crate::select::{Anchors, PolicyFile, PolicyReader};

/// Who is examined.
pub struct Patient<'a> {
    /// What the process was started with.
    pub caller: &'a Caller,
    /// The user's repository.
    pub repository: &'a Repository,
    look: OnceCell<Look>,
    server_looks: OnceCell<Vec<Look>>,
    place: OnceCell<(PathBuf, Vec<LeftWorkspace>)>,
}

/// What came of one check.
#[derive(Debug)]
pub enum Outcome {
    /// Looked at, and nothing is wrong.
    Fine,
    /// Looked at, and this was found.
    Found(Vec<Finding>),
    /// Not looked at, and why.
    NotLooked(&'static str),
}

impl From<Vec<Finding>> for Outcome {
    fn from(findings: Vec<Finding>) -> Self {
        if findings.is_empty() { Outcome::Fine } else { Outcome::Found(findings) }
    }
}

/// A check that was made.
#[derive(Debug)]
pub struct Checked {
    /// What was looked at, in a few words.
    pub check: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// Work trees that are looked at, at most.
const MAX_WORKTREES: usize = 50;

type Check = fn(&Patient<'_>) -> Result<Outcome>;

/// Where a check is made: where pushes leave from, where they arrive, everywhere.
const LEAVES: Option<Side> = Some(Side::Client);
const ARRIVES: Option<Side> = Some(Side::Server);
const BOTH: Option<Side> = None;

/// Every check, in the order in which they are told.
const CHECKS: &[(&str, Option<Side>, Check)] = &[
    ("the hook", LEAVES, hook::stands),
    ("the program that the hook starts", LEAVES, hook::program),
    ("the hook in linked work trees", LEAVES, hook::in_worktrees),
    ("the hook that stood there before", LEAVES, hook::kept),
    ("hook managers", LEAVES, managers::check),
    ("git's settings from the environment", LEAVES, settings::environment),
    ("settings that go round the hook", LEAVES, settings::going_round),
    ("hooks in git's configuration", LEAVES, settings::configured_hooks),
    ("the policy file", LEAVES, gated::policy_file),
    ("what the policy gates", LEAVES, gated::refs),
    ("the anchor", LEAVES, gated::anchor),
    ("the repository's id", LEAVES, gated::repository_id),
    ("the server's hooks", ARRIVES, hook::of_server),
    ("the program that the server's hooks start", ARRIVES, hook::program_of_server),
    ("the hooks that stood on the server before", ARRIVES, hook::kept_of_server),
    ("the lists of signers", ARRIVES, server::signers),
    ("git's check of what arrives", ARRIVES, server::objects),
    ("refs that git hides", ARRIVES, server::hidden_refs),
    ("the server's anchor", ARRIVES, server::anchor),
    ("the version of git", BOTH, tools::git_version),
    ("programs that the policy names", LEAVES, tools::programs),
    ("who records", LEAVES, tools::identity),
    ("the environment of proofs", LEAVES, tools::environment),
    ("the place for workspaces", LEAVES, places::workspaces),
    ("room on the disks", LEAVES, places::room),
    ("the git directory", BOTH, places::git_directory),
    ("locks", BOTH, places::locks),
    ("records", BOTH, records::log),
    ("the clock", BOTH, records::clock),
    ("history and objects", BOTH, clone::complete),
    ("the platform", LEAVES, tools::platform),
];

impl<'a> Patient<'a> {
    /// Nothing is looked at yet.
    pub fn new(caller: &'a Caller, repository: &'a Repository) -> Self {
        Patient { caller, repository, look: OnceCell::new(), server_looks: OnceCell::new(), place: OnceCell::new() }
    }

    /// Makes every check that belongs here. One that fails is a finding; one that fails as another did before is not told again.
    pub fn examine(&self) -> Vec<Checked> {
        let mut failures: Vec<String> = Vec::new();
        // What cannot be told is told by the checks themselves.
        let sides = sides(self.repository).unwrap_or_else(|_| vec![Side::Client]);
        let mut examine = |(check, _, examine): &(&'static str, Option<Side>, Check)| {
            let outcome = examine(self).unwrap_or_else(|error| {
                if failures.contains(&error.message) {
                    return Outcome::NotLooked("it fails as told above");
                }
                failures.push(error.message.clone());
                Outcome::Found(vec![of_error(&error)])
            });
            Checked { check, outcome }
        };
        let is_here = |side: Option<Side>| side.is_none_or(|side| sides.contains(&side));
        let mut checked: Vec<Checked> = CHECKS.iter().filter(|(_, side, _)| is_here(*side)).map(&mut examine).collect();
        if !is_here(LEAVES) {
            let outcome =
                Outcome::NotLooked("here they only arrive: there is no work tree, and no hook of 'proof-gate install'");
            checked.push(Checked { check: "what a push that leaves needs", outcome });
        }
        if !is_here(ARRIVES) {
            let outcome = Outcome::NotLooked("no hooks of a server are installed here");
            checked.push(Checked { check: "what a push that arrives meets", outcome });
        }
        checked
    }

    /// Whether pushes arrive here and none needs to leave.
    pub fn is_server_only(&self) -> bool {
        sides(self.repository).is_ok_and(|sides| sides == [Side::Server])
    }

    /// The other work trees of this repository, each opened as if the caller stood in it. One that git does not open from there, or
    /// opens as something else, is none.
    fn other_worktrees(&self) -> Result<Vec<(PathBuf, Repository)>> {
        let common = self.repository.common_dir();
        let is_other = |folder: &PathBuf| Some(folder.as_path()) != self.repository.work_tree() && folder != common;
        let open = |folder: PathBuf| {
            let repository = Repository::open(&standing_in(self.caller, &folder)).ok()?;
            (repository.common_dir() == common).then_some((folder, repository))
        };
        let listed = self.repository.worktrees()?.into_iter().filter(is_other);
        Ok(listed.take(MAX_WORKTREES).filter_map(open).collect())
    }

    /// The hook as a look shows it.
    fn look(&self) -> Result<&Look> {
        once(&self.look, || look(self.repository, Hook::PrePush))
    }

    /// A server's hooks as a look shows them.
    fn server_looks(&self) -> Result<&Vec<Look>> {
        once(&self.server_looks, || Side::Server.hooks().iter().map(|hook| look(self.repository, *hook)).collect())
    }

    /// The place for workspaces, and what dead gates left in it.
    fn place(&self) -> Result<&(PathBuf, Vec<LeftWorkspace>)> {
        once(&self.place, || prove::work_place(self.caller))
    }

    /// The bytes of the policy file: the work tree's, else that of `HEAD`.
    fn policy_bytes(&self) -> Result<Option<Vec<u8>>> {
        match self.repository.work_tree() {
            Some(top) => match std::fs::read(top.join(policy::FILE)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::new(format!("cannot read {}: {error}", policy::FILE))),
            },
            None => self.policy_of_head(),
        }
    }

    /// The bytes of the policy file in `HEAD`.
    fn policy_of_head(&self) -> Result<Option<Vec<u8>>> {
        let Ok(head) = self.repository.resolve("HEAD^{tree}") else { return Ok(None) };
        match self.repository.entry_at(head, policy::FILE)? {
            Some(entry) if entry.is_file() => self.repository.blob(entry.id).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// The policy as it stands, where one can be read; why it cannot is told by a check of its own.
    fn policy(&self) -> Result<Option<policy::Policy>> {
        Ok(self.policy_bytes()?.and_then(|bytes| policy::parse(&bytes).ok()))
    }

    /// The policies beside a pushed commit's own.
    fn anchors(&self) -> Result<Anchors> {
        let installed = SeenPolicy::read(self.repository)?;
        Anchors::read(&PolicyReader::new(self.repository), None, installed)
    }
}

/// The caller, as if it stood in another folder.
fn standing_in(caller: &Caller, folder: &Path) -> Caller {
    let mut caller = Caller { directory: folder.to_owned(), ..caller.clone() };
    for name in LOCATIONS {
        caller.variables.remove(OsStr::new(name));
    }
    caller
}

/// The policies of the anchors, in words for what each is.
fn of_anchors(anchors: &Anchors) -> impl Iterator<Item = &PolicyFile> {
    [&anchors.default_branch, &anchors.installed].into_iter().flatten().map(std::rc::Rc::as_ref)
}

/// What could not be looked at cannot be trusted to work.
fn of_error(error: &Error) -> Finding {
    let finding = Finding::no_proof(&error.message, "proof-gate fails at the same point.");
    if error.hints.is_empty() { finding } else { finding.advise(error.hints.join("; ")) }
}

/// As `OnceCell::get_or_try_init`, which is not stable.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if cell.get().is_none() {
        drop(cell.set(make()?));
    }
    Ok(cell.get().expect("it was set a moment ago"))
}

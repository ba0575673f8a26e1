//! The suites that a subject owes, each with its reasons. Pure.

use std::collections::BTreeMap;
use std::rc::Rc;

use bstr::{BString, ByteSlice as _};

use super::everything::calls_for_everything;
use super::policies::PolicyFile;
use crate::git::{PathChange, Status};
use crate::policy::{self, ChangeKind, Comparison, Digest, Policy, Weakening};
use crate::records::Scenario;

/// One difference between base and subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: BString,
    /// What happened there.
    pub status: Status,
    /// What it is to the policy.
    pub kind: ChangeKind,
}

/// Why a suite is owed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A changed path matches one of its globs.
    Path {
        /// The path.
        path: BString,
        /// The glob.
        glob: String,
    },
    /// No suite claims a changed path, and this suite is a default one.
    Unclaimed {
        /// The path.
        path: BString,
    },
    /// A lockfile, manifest, runner's configuration or hook changed: every suite is owed.
    Everything {
        /// The path.
        path: BString,
        /// What it is.
        what: &'static str,
    },
    /// The policy file changed: every suite is owed.
    PolicyChanged,
    /// No ancestor is established, and all are here: every suite is owed.
    NoBase,
    /// A shallow clone cuts history before an established ancestor was met on every way back: every suite is owed.
    CutHistory,
    /// A tag owes the default suites.
    Tag,
    /// A rollback owes the default suites.
    Rollback,
    /// The scenario's id matches a pattern of the suite.
    Id {
        /// The id.
        id: String,
        /// The pattern.
        glob: String,
    },
    /// No suite claims the scenario's id, and this suite is a default one.
    UnclaimedId {
        /// The id.
        id: String,
    },
}

impl Reason {
    /// The stable word for it, as in the JSON of `plan`.
    pub fn word(&self) -> &'static str {
        match self {
            Reason::Path { .. } => "path",
            Reason::Unclaimed { .. } => "unclaimed-path",
            Reason::Everything { .. } => "calls-for-all",
            Reason::PolicyChanged => "policy-changed",
            Reason::NoBase => "no-base",
            Reason::CutHistory => "shallow-history",
            Reason::Tag => "tag",
            Reason::Rollback => "rollback",
            Reason::Id { .. } => "id",
            Reason::UnclaimedId { .. } => "unclaimed-id",
        }
    }

    /// The path it is about, where it is about one.
    pub fn path(&self) -> Option<&BString> {
        match self {
            Reason::Path { path, .. } | Reason::Unclaimed { path } | Reason::Everything { path, .. } => Some(path),
            Reason::PolicyChanged
            | Reason::NoBase
            | Reason::CutHistory
            | Reason::Tag
            | Reason::Rollback
            | Reason::Id { .. }
            | Reason::UnclaimedId { .. } => None,
        }
    }

    /// The glob or pattern that matched, where one did.
    pub fn glob(&self) -> Option<&str> {
        match self {
            Reason::Path { glob, .. } | Reason::Id { glob, .. } => Some(glob),
            Reason::Everything { what, .. } => Some(what),
            Reason::Unclaimed { .. }
            | Reason::PolicyChanged
            | Reason::NoBase
            | Reason::CutHistory
            | Reason::Tag
            | Reason::Rollback
            | Reason::UnclaimedId { .. } => None,
        }
    }

    /// One line for people; the path is raw and has to be escaped.
    pub fn sentence(&self) -> String {
        match self {
            Reason::Path { path, glob } => format!("{} matches {glob}", path.to_str_lossy()),
            Reason::Unclaimed { path } => {
                format!("{} is claimed by no suite, so the default suites are owed", path.to_str_lossy())
            }
            Reason::Everything { path, what } => format!("{} is a {what}, so every suite is owed", path.to_str_lossy()),
            Reason::PolicyChanged => "the policy file changed, so every suite is owed".to_owned(),
            Reason::NoBase => "no earlier commit is proven, so every suite is owed".to_owned(),
            Reason::CutHistory => {
                "the clone is shallow and hides where the changes begin, so every suite is owed".to_owned()
            }
            Reason::Tag => "a tag owes the default suites".to_owned(),
            Reason::Rollback => "a rollback owes the default suites".to_owned(),
            Reason::Id { id, glob } => format!("the id {id} matches {glob}"),
            Reason::UnclaimedId { id } => format!("the id {id} is claimed by no suite, so the default suites are owed"),
        }
    }
}

/// A change of the policy that makes it weaker, or may: it needs a recorded approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededApproval {
    /// The policy before.
    pub from: Digest,
    /// The subject's policy.
    pub to: Digest,
    /// What got weaker.
    pub weakenings: Vec<Weakening>,
}

/// What a subject owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What changed.
    pub changes: Vec<Change>,
    /// The suites, each with all its reasons; never empty.
    pub suites: BTreeMap<String, Vec<Reason>>,
    /// Policy changes that need an approval.
    pub approvals: Vec<NeededApproval>,
}

/// What a plan is made from.
pub struct PlanInput<'a> {
    /// The policy that judges.
    pub policy: &'a PolicyFile,
    /// The policies it is compared with: the bases', or the anchor's where there is no base.
    pub compared: &'a [Rc<PolicyFile>],
    /// Whether there is a base.
    pub has_base: bool,
    /// Whether history is cut on the way to a base.
    pub cut: bool,
    /// The changed paths.
    pub changes: Vec<PathChange>,
    /// Whether a tag is what is pushed.
    pub is_tag: bool,
    /// Why it is proven.
    pub scenario: &'a Scenario,
}

/// The approvals that a policy needs against those that stood before: one for each that it is weaker than.
pub fn needed_approvals(policy: &PolicyFile, before: &[Rc<PolicyFile>]) -> Vec<NeededApproval> {
    let changed = before.iter().filter(|before| before.digest != policy.digest);
    let weaker = changed.filter_map(|before| match policy::compare(&before.policy, &policy.policy) {
        Comparison::Same | Comparison::Stronger => None,
        Comparison::Weaker(weakenings) => Some(NeededApproval { from: before.digest, to: policy.digest, weakenings }),
    });
    weaker.collect()
}

/// Works out what is owed. Adding a changed path never takes a suite away.
pub fn plan(input: PlanInput<'_>) -> Plan {
    let policy = &input.policy.policy;
    let mut owed = Owed { policy, suites: BTreeMap::new() };
    if input.cut {
        owed.every_suite(&Reason::CutHistory);
    } else if !input.has_base {
        owed.every_suite(&Reason::NoBase);
    }
    if input.compared.iter().any(|before| before.digest != input.policy.digest) {
        owed.every_suite(&Reason::PolicyChanged);
    }
    let approvals = needed_approvals(input.policy, input.compared);
    let mut changes = Vec::new();
    for PathChange { path, status } in input.changes {
        owed.path(&path);
        let kind = policy.kind_of(path.as_bstr());
        changes.push(Change { path, status, kind });
    }
    if input.is_tag {
        owed.default_suites(&Reason::Tag);
    }
    match input.scenario {
        Scenario::Deploy => {}
        Scenario::Rollback { .. } => owed.default_suites(&Reason::Rollback),
        Scenario::Migration { id } => owed.id(ChangeKind::Schema, id),
        Scenario::Policy { id } => owed.id(ChangeKind::Policy, id),
    }
    Plan { changes, suites: owed.suites, approvals }
}

struct Owed<'a> {
    policy: &'a Policy,
    suites: BTreeMap<String, Vec<Reason>>,
}

impl Owed<'_> {
    fn suite(&mut self, name: &str, reason: &Reason) {
        let reasons = self.suites.entry(name.to_owned()).or_default();
        if reasons.last() != Some(reason) {
            reasons.push(reason.clone());
        }
    }

    fn every_suite(&mut self, reason: &Reason) {
        for name in self.policy.suites.keys() {
            self.suite(name, reason);
        }
    }

    /// The suites marked as default; where none is, all of them, so that nothing is ever owed by nobody.
    fn default_suites(&mut self, reason: &Reason) {
        let names = self.policy.default_suites();
        if names.is_empty() {
            return self.every_suite(reason);
        }
        for name in names {
            self.suite(name, reason);
        }
    }

    fn path(&mut self, path: &BString) {
        if path == policy::FILE {
            self.every_suite(&Reason::PolicyChanged);
            return;
        }
        let everything = calls_for_everything(path.as_bstr());
        if let Some((what, _)) = everything {
            self.every_suite(&Reason::Everything { path: path.clone(), what });
        }
        let claims = self.policy.claims(path.as_bstr());
        if claims.is_empty() && everything.is_none() {
            self.default_suites(&Reason::Unclaimed { path: path.clone() });
        }
        for claim in claims {
            self.suite(&claim.suite, &Reason::Path { path: path.clone(), glob: claim.glob });
        }
    }

    fn id(&mut self, kind: ChangeKind, id: &str) {
        let claims = self.policy.claims_id(kind, id);
        if claims.is_empty() {
            self.default_suites(&Reason::UnclaimedId { id: id.to_owned() });
        }
        for claim in claims {
            self.suite(&claim.suite, &Reason::Id { id: id.to_owned(), glob: claim.glob });
        }
    }
}

#[cfg(test)]
mod tests;

//! What every decision rests on: the repository, the records, and the policies that are not the subject's own.
//!
//! Deliberately absent: what follows from it; see `assess` and `past`.

use std::cell::RefCell;
use std::collections::HashMap;

use bstr::{BStr, ByteSlice as _};
use jiff::Timestamp;

use crate::caller::Caller;
use crate::error::{Context as _, Error, Result};
use crate::git::{Commit, Oid, Repository, Signed};
use crate::hooks::{self, SeenPolicy, Side};
use crate::policy::{GitView, Policy, Sign};
use crate::records::{Demands, Key, Logs, Place, Recorded, Records, Seen, Signatures, Signing, key};
use crate::select::base::Step;
use crate::select::{self, Anchors, PolicyFile, PolicyReader, Subject};

/// The ground of one command.
pub struct Ground<'a> {
    /// What the process was started with.
    pub caller: &'a Caller,
    /// The user's repository.
    pub repository: &'a Repository,
    /// Reads policies out of commits.
    pub reader: PolicyReader<'a>,
    /// The policies beside the subject's.
    pub anchors: Anchors,
    /// All records that are here.
    pub records: Records<'a>,
    /// Repository ids that were worked out from history, by subject.
    roots: RefCell<HashMap<Oid, String>>,
    /// The present.
    pub now: Timestamp,
    /// How the records are judged.
    pub judgement: Judgement,
}

/// Which records are read, and how they are judged.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The logs.
    pub logs: Logs,
    /// Whose lists of signers count, and whether they are asked whatever the policy says.
    pub place: Place,
    /// Entries judged by older rules count for nothing, whatever the policy says.
    pub least_rules: u32,
    /// Whether signatures are asked for, whatever the policy says.
    pub least_signatures: Signatures,
}

impl Judgement {
    /// In a clone the policy says everything.
    pub fn of_clone() -> Self {
        Judgement { logs: Logs::here(), place: Place::Clone, least_rules: 0, least_signatures: Signatures::Any }
    }

    /// On a server its own settings do, of the logs as they will be.
    pub fn of_server(repository: &Repository, logs: Logs) -> Result<Self> {
        let least_rules = match repository.setting("proofs.minRules")? {
            None => 0,
            Some(number) => number.parse().map_err(|_| {
                Error::new(format!("cannot read the setting proofs.minRules: '{number}' is no number"))
                    .hint("git config proofs.minRules 3")
            })?,
        };
        Ok(Judgement { logs, place: Place::Server, least_rules, least_signatures: Signatures::Required })
    }

    /// As this repository is: where `install --server` wrote the hooks, everybody who asks here is answered as who pushes.
    pub fn of(repository: &Repository) -> Result<Self> {
        // They are written only where there is no work tree.
        if repository.work_tree().is_none() && hooks::sides(repository)?.contains(&Side::Server) {
            Judgement::of_server(repository, Logs::here())
        } else {
            Ok(Judgement::of_clone())
        }
    }
}

impl<'a> Ground<'a> {
    /// Reads everything that decisions rest on.
    pub fn read(caller: &'a Caller, repository: &'a Repository) -> Result<Self> {
        Ground::read_as(caller, repository, Judgement::of(repository)?)
    }

    /// The same where records are judged otherwise than the policy says.
    pub fn read_as(caller: &'a Caller, repository: &'a Repository, judgement: Judgement) -> Result<Self> {
        let reader = PolicyReader::new(repository);
        let installed = SeenPolicy::read(repository)?;
        let anchors = match judgement.place {
            Place::Clone => Anchors::read(&reader, None, installed)?,
            Place::Server => Anchors::of_server(&reader, installed)?,
        };
        Ground::judged_at(caller, repository, reader, anchors, judgement)
    }

    /// The same where the policies were read before.
    pub fn with(
        caller: &'a Caller,
        repository: &'a Repository,
        reader: PolicyReader<'a>,
        anchors: Anchors,
    ) -> Result<Self> {
        Ground::judged_at(caller, repository, reader, anchors, Judgement::of_clone())
    }

    /// The same where records are judged as a server does, or logs are not as they stand.
    pub fn judged_at(
        caller: &'a Caller,
        repository: &'a Repository,
        reader: PolicyReader<'a>,
        anchors: Anchors,
        judgement: Judgement,
    ) -> Result<Self> {
        let records = Records::load_from(repository, &judgement.logs, judgement.place)?;
        let now = Timestamp::now();
        Ok(Ground { caller, repository, reader, anchors, records, roots: RefCell::default(), now, judgement })
    }

    /// What a policy asks of the records that count for it.
    pub fn demands(&self, policy: &Policy) -> Demands {
        let signatures = match policy.records.sign {
            Sign::Required => Signatures::Required,
            Sign::Auto | Sign::Never => self.judgement.least_signatures,
        };
        Demands { min_rules: policy.gate.min_rules.unwrap_or(0).max(self.judgement.least_rules), signatures }
    }

    /// By whom a record is. Where signatures are asked for that is its verified signer, and never whom it names itself.
    pub fn author(&self, recorded: &Recorded) -> String {
        let named = recorded.statement().predicate().who.email.clone();
        let of_anchor = self.anchors.anchor().map(|(file, _)| self.demands(&file.policy).signatures);
        match of_anchor.unwrap_or(self.judgement.least_signatures) {
            Signatures::Any => named,
            Signatures::Required => match self.records.signed(recorded) {
                Ok(Some(Signed::By { principal })) => principal,
                Ok(Some(Signed::Not(_)) | None) | Err(_) => format!("somebody who says to be {named}"),
            },
        }
    }

    /// Reads the records again, after one was made.
    pub fn refresh(&mut self) -> Result<()> {
        self.records = Records::load_from(self.repository, &self.judgement.logs, self.judgement.place)?;
        self.now = Timestamp::now();
        Ok(())
    }

    /// The subject that a revision names, and whether it names a tag.
    pub fn find(&self, revision: &str) -> Result<(Subject, bool)> {
        let id = self.repository.resolve(revision)?;
        let subject = select::find_subject(self.repository, id, revision.into())?;
        let is_tag = self.tag_named(revision)?.is_some();
        Ok((subject, is_tag || self.repository.peel(id)?.is_by_tag()))
    }

    /// The full ref of a tag that a revision names.
    pub fn tag_named(&self, revision: &str) -> Result<Option<String>> {
        let short = revision.strip_prefix("refs/tags/").or_else(|| revision.strip_prefix("tags/")).unwrap_or(revision);
        let full = format!("refs/tags/{short}");
        Ok(self.repository.find_ref(&full)?.map(|_| full))
    }
    /// The key of one suite on a subject.
    pub fn key(&self, policy: &PolicyFile, subject: &Subject, suite: &str) -> Result<Key> {
        let definition =
            policy.policy.definition(suite).context(format!("cannot find the suite '{suite}' in the policy"))?;
        let repository_id = self.repository_id(policy, &subject.commit)?;
        Ok(key(&repository_id, self.repository.object_format(), seen(policy, &subject.commit), &definition))
    }

    /// The repository's name in keys: `[repository] id`, else the smallest root commit of the subject's history.
    pub fn repository_id(&self, policy: &PolicyFile, subject: &Commit) -> Result<String> {
        if let Some(id) = &policy.policy.repository.id {
            return Ok(id.clone());
        }
        if let Some(id) = self.roots.borrow().get(&subject.id) {
            return Ok(id.clone());
        }
        let mut roots: Vec<Oid> = Vec::new();
        let mut cut = false;
        select::base::walk(self.repository, subject, &mut |commit| {
            if self.repository.is_shallow_boundary(commit.id) {
                cut = true;
            } else if commit.parents.is_empty() {
                roots.push(commit.id);
            }
            Step::On
        })?;
        match roots.into_iter().min() {
            Some(root) if !cut => {
                self.roots.borrow_mut().insert(subject.id, root.to_string());
                Ok(root.to_string())
            }
            Some(_) | None => Err(Error::new(
                "cannot name the repository: the clone is shallow and the policy has no [repository] id",
            )
            .hint("git fetch --unshallow")
            .hint("or give the policy a [repository] id: a random text that no other repository has")),
        }
    }
}

/// Whether records are signed, as a policy says.
pub(super) fn signing(policy: &Policy) -> Signing {
    match policy.records.sign {
        Sign::Auto => Signing::WhereSetUp,
        Sign::Required => Signing::Always,
        Sign::Never => Signing::Never,
    }
}

/// What suites see of a commit.
pub(super) fn seen(policy: &PolicyFile, commit: &Commit) -> Seen {
    let Commit { id, tree, .. } = *commit;
    match policy.policy.proof.git {
        GitView::Tree => Seen::Tree(tree),
        GitView::History => Seen::History { tree, commit: id },
    }
}

/// Whether a full ref name is a tag's.
pub fn is_tag_ref(name: &BStr) -> bool {
    name.starts_with_str("refs/tags/")
}

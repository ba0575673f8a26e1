//! What every decision rests on: the repository, the records, the policies that are not the subject's own; and the one way from
//! a subject to what it owes and what is known of that.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use bstr::{BStr, ByteSlice as _};
use jiff::{SignedDuration, Timestamp};

use crate::caller::Caller;
use crate::error::{Context as _, Error, Result};
use crate::gate::Owed;
use crate::git::{Commit, Oid, Peeled, Repository};
use crate::hooks::SeenPolicy;
use crate::records::{Established, Key, Question, Records, Scenario, key};
use crate::select::base::Step;
use crate::select::{
    self, Anchors, Base, NeededApproval, Origin, Plan, PlanInput, PolicyFile, PolicyReader, Reason, Subject,
};

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
}

/// What is asked of a subject.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whether a tag is what is pushed or named.
    pub is_tag: bool,
    /// Why it is proven.
    pub scenario: Scenario,
    /// For a rollback: the commit that it replaces.
    pub replaced: Option<Commit>,
    /// Whether an established subject owes nothing new (a push), or is worked out all the same (`run`, `plan`).
    pub standing: Standing,
    /// Counts the changes from this commit, as if it were proven.
    pub from: Option<Commit>,
}

/// Whether what is established counts for the subject itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does: an established subject owes what its record says it owed.
    Counts,
    /// It does not: the subject's plan is worked out from its base.
    Ignored,
}

impl Wanted {
    /// A subject as `plan`, `run` and `status` take it: nothing replaced.
    pub fn deploy(is_tag: bool, standing: Standing) -> Self {
        Wanted { is_tag, scenario: Scenario::Deploy, replaced: None, standing, from: None }
    }
}

/// A subject, what it owes, and what the records say of that.
pub struct Assessment {
    /// The subject.
    pub subject: Subject,
    /// The policy that judges it.
    pub policy: Rc<PolicyFile>,
    /// Where that policy comes from.
    pub origin: Origin,
    /// What was asked.
    pub wanted: Wanted,
    /// From where its changes are counted; `None` where it is established itself and that counts.
    pub base: Option<Base>,
    /// What it owes and why; `None` likewise.
    pub plan: Option<Plan>,
    /// The suites owed, each with the answer of the records.
    pub owed: Vec<Owed>,
    /// Approvals that its policy change needs, and whether each is there.
    pub approvals: Vec<(NeededApproval, bool)>,
    /// The digests of the policies that it was compared with.
    pub compared: Vec<Rc<PolicyFile>>,
}

impl<'a> Ground<'a> {
    /// Reads everything that decisions rest on.
    pub fn read(caller: &'a Caller, repository: &'a Repository) -> Result<Self> {
        let reader = PolicyReader::new(repository);
        let installed = SeenPolicy::read(repository)?;
        let anchors = Anchors::read(&reader, None, installed)?;
        Ground::with(caller, repository, reader, anchors)
    }

    /// The same where the policies were read before.
    pub fn with(
        caller: &'a Caller,
        repository: &'a Repository,
        reader: PolicyReader<'a>,
        anchors: Anchors,
    ) -> Result<Self> {
        let records = Records::load(repository)?;
        Ok(Ground { caller, repository, reader, anchors, records, roots: RefCell::default(), now: Timestamp::now() })
    }

    /// Reads the records again, after one was made.
    pub fn refresh(&mut self) -> Result<()> {
        self.records = Records::load(self.repository)?;
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

    /// Works out what a subject owes, and what is known of it.
    pub fn assess(&self, subject: Subject, wanted: Wanted) -> Result<Assessment> {
        let (policy, origin) = select::judging(&self.reader, &subject.commit, &self.anchors)?;
        let established = match wanted.standing {
            Standing::Counts if wanted.from.is_none() => self.established(&policy, &subject.commit)?,
            Standing::Counts | Standing::Ignored => None,
        };
        let Some(established) = established else {
            return self.assess_from_base(subject, policy, origin, wanted);
        };
        // What was owed then is owed still: each obligation is asked for again, by its key.
        let plan = select::plan(PlanInput {
            policy: &policy,
            compared: &[],
            has_base: true,
            cut: false,
            changes: Vec::new(),
            is_tag: wanted.is_tag,
            scenario: &wanted.scenario,
        });
        let mut owed = self.owed(&policy, &subject, &plan, &wanted)?;
        if wanted.scenario == Scenario::Deploy {
            for obligation in established.obligations {
                if !owed.iter().any(|owed| owed.key == obligation.key) {
                    owed.push(self.ask(&policy, obligation.suite, obligation.key, Vec::new(), &wanted)?);
                }
            }
        }
        if owed.is_empty() {
            return self.assess_from_base(subject, policy, origin, wanted);
        }
        Ok(Assessment {
            subject,
            policy,
            origin,
            wanted,
            base: None,
            plan: None,
            owed,
            approvals: Vec::new(),
            compared: Vec::new(),
        })
    }

    fn assess_from_base(
        &self,
        subject: Subject,
        policy: Rc<PolicyFile>,
        origin: Origin,
        wanted: Wanted,
    ) -> Result<Assessment> {
        let base = match &wanted.from {
            None => self.base(&policy, &subject.commit)?,
            Some(from) => select::find_base(&subject.commit, self.repository, &mut |commit| Ok(commit.id == from.id))?,
        };
        let compared = self.compared_policies(&base)?;
        let changes = if base.commits.is_empty() {
            Vec::new()
        } else {
            select::changed_paths(self.repository, &subject.commit, &base)?
        };
        let plan = select::plan(PlanInput {
            policy: &policy,
            compared: &compared,
            has_base: !base.commits.is_empty(),
            cut: base.cut,
            changes,
            is_tag: wanted.is_tag,
            scenario: &wanted.scenario,
        });
        let owed = self.owed(&policy, &subject, &plan, &wanted)?;
        let mut approvals = Vec::new();
        for needed in &plan.approvals {
            let approved =
                self.records.approved(&self.repository_id(&policy, &subject.commit)?, needed.from, needed.to)?;
            approvals.push((needed.clone(), approved));
        }
        Ok(Assessment {
            subject,
            policy,
            origin,
            wanted,
            base: Some(base),
            plan: Some(plan),
            owed,
            approvals,
            compared,
        })
    }

    /// What a commit owed when it was established, where it is.
    fn established(&self, policy: &PolicyFile, commit: &Commit) -> Result<Option<Established>> {
        let id = self.repository_id(policy, commit)?;
        let record = self.records.established(&id, commit.tree, policy.policy.gate.min_rules.unwrap_or(0))?;
        Ok(record.and_then(|record| record.statement().verdict()?.established.clone()))
    }

    /// Whether later commits may count their changes from this one.
    pub fn is_established(&self, policy: &PolicyFile, commit: &Commit) -> Result<bool> {
        Ok(self.established(policy, commit)?.is_some())
    }

    /// The nearest established ancestors.
    fn base(&self, policy: &PolicyFile, subject: &Commit) -> Result<Base> {
        if !self.records.establishes_anything() {
            // Without a base every suite is owed; history need not be walked to know that.
            return Ok(Base { commits: Vec::new(), between: Vec::new(), cut: self.repository.is_shallow() });
        }
        let id = self.repository_id(policy, subject)?;
        let min_rules = policy.policy.gate.min_rules.unwrap_or(0);
        select::find_base(subject, self.repository, &mut |commit| {
            Ok(self.records.established(&id, commit.tree, min_rules)?.is_some())
        })
    }

    /// The policies that a subject's is compared with: the bases', each the nearest that can be read, or the anchor's where
    /// there is no base.
    fn compared_policies(&self, base: &Base) -> Result<Vec<Rc<PolicyFile>>> {
        let mut compared: Vec<Rc<PolicyFile>> = Vec::new();
        let anchor = self.anchors.anchor().map(|(file, _)| file);
        for commit in &base.commits {
            compared.extend(self.reader.nearest_readable(commit)?.or_else(|| anchor.clone()));
        }
        if base.commits.is_empty() {
            compared.extend(anchor);
        }
        compared.sort_by_key(|file| file.digest);
        compared.dedup_by_key(|file| file.digest);
        Ok(compared)
    }

    fn owed(&self, policy: &PolicyFile, subject: &Subject, plan: &Plan, wanted: &Wanted) -> Result<Vec<Owed>> {
        let mut owed = Vec::new();
        for (suite, reasons) in &plan.suites {
            let key = self.key(policy, subject, suite)?;
            owed.push(self.ask(policy, suite.clone(), key, reasons.clone(), wanted)?);
        }
        Ok(owed)
    }

    /// Asks the records about one suite.
    fn ask(&self, policy: &PolicyFile, suite: String, key: Key, reasons: Vec<Reason>, wanted: &Wanted) -> Result<Owed> {
        let gate = &policy.policy.gate;
        let after = match (&wanted.scenario, &wanted.replaced) {
            (Scenario::Rollback { .. }, Some(replaced)) => {
                self.records.newest_deploy(replaced.tree)?.into_iter().collect()
            }
            _ => Vec::new(),
        };
        let question = Question {
            key,
            scenario: wanted.scenario.clone(),
            after,
            now: self.now,
            max_age: gate.max_age.map(|age| SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX)),
            min_rules: gate.min_rules.unwrap_or(0),
        };
        let answer = self.records.answer(&question)?;
        Ok(Owed { suite, key, reasons, answer })
    }

    /// The key of one suite on a subject.
    pub fn key(&self, policy: &PolicyFile, subject: &Subject, suite: &str) -> Result<Key> {
        let definition =
            policy.policy.definition(suite).context(format!("cannot find the suite '{suite}' in the policy"))?;
        let repository_id = self.repository_id(policy, &subject.commit)?;
        Ok(key(&repository_id, self.repository.object_format(), subject.commit.tree, &definition))
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
            .hint("or give the policy an id: 'proof-gate init' in an empty folder shows one")),
        }
    }

    /// Whether the subject is from before the gate: reachable from the `since` of the anchor's policy.
    pub fn is_before(&self, subject: &Commit) -> Result<bool> {
        let Some(since) = self.anchors.anchor().and_then(|(file, _)| file.policy.gate.since.clone()) else {
            return Ok(false);
        };
        let Some(id) = Oid::from_hex(since.as_bytes()) else {
            return Err(Error::new(format!("cannot read [gate] since: '{since}' is no full commit id")));
        };
        if !self.repository.has_object(id) {
            return Ok(false);
        }
        match self.repository.peel(id)? {
            Peeled::Commit { commit, .. } => select::base::is_ancestor(self.repository, subject, &commit),
            Peeled::Other(_) => Ok(false),
        }
    }

    /// Whether an update of a gated branch is a rollback: it drops commits and changes the tree, its old tip is not here, or its
    /// tree is that of an established ancestor other than a base.
    pub fn is_rollback(&self, policy: &PolicyFile, subject: &Subject, old: Option<Oid>) -> Result<bool> {
        if let Some(old) = old {
            if !self.repository.has_object(old) {
                return Ok(true);
            }
            if let Peeled::Commit { commit: old, .. } = self.repository.peel(old)?
                && old.tree != subject.commit.tree
                && !select::base::is_ancestor(self.repository, &old, &subject.commit)?
            {
                return Ok(true);
            }
        }
        self.returns_to_an_ancestor(policy, subject)
    }

    /// Whether the subject's tree is that of an established ancestor other than its base.
    ///
    /// An ancestor was established by a record of its own. Where every record of this tree is the subject's, there is none, and
    /// history need not be walked: the usual case of a look-up.
    fn returns_to_an_ancestor(&self, policy: &PolicyFile, subject: &Subject) -> Result<bool> {
        let tree = subject.commit.tree;
        let proven = self.records.commits_established_as(tree);
        if proven.iter().all(|commit| *commit == subject.commit.id)
            || self.established(policy, &subject.commit)?.is_none()
        {
            return Ok(false);
        }
        let base = self.base(policy, &subject.commit)?;
        if base.commits.iter().any(|commit| commit.tree == tree) {
            return Ok(false);
        }
        let mut found = false;
        select::base::walk(self.repository, &subject.commit, &mut |commit| {
            found |= commit.id != subject.commit.id && commit.tree == tree;
            if found { Step::Stop } else { Step::On }
        })?;
        Ok(found)
    }

    /// The commit that a rollback replaces where no push says so: the remote's default branch as last fetched.
    pub fn default_branch(&self) -> Result<Option<Commit>> {
        self.anchors.default_branch_commit(self.repository)
    }
}

/// Whether a full ref name is a tag's.
pub fn is_tag_ref(name: &BStr) -> bool {
    name.starts_with_str("refs/tags/")
}

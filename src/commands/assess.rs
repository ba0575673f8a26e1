//! From a subject to what it owes, and what the records say of that.

use std::rc::Rc;

use jiff::SignedDuration;

use super::ground::{Ground, seen};
use crate::error::Result;
use crate::gate::Owed;
use crate::git::Commit;
use crate::records::{Established, Key, Question, Recorded, Scenario, Signatures};
use crate::select::{self, Base, Found, NeededApproval, Origin, Plan, PlanInput, PolicyFile, Reason, Subject};

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
    /// Commits whose policies the subject's must not be weaker than, whatever it is based on: what stands where it is pushed to.
    pub standing_there: Vec<Commit>,
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
        Wanted { is_tag, scenario: Scenario::Deploy, replaced: None, standing, from: None, standing_there: Vec::new() }
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

impl Ground<'_> {
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
        // A policy is no way back to a weaker one: it is held against what stood before, proven as it may be.
        let mut compared = Vec::new();
        for commit in &self.base(&policy, &subject.commit)?.commits {
            compared.extend(self.reader.nearest_readable(commit)?);
        }
        self.compare_with_replaced(&mut compared, &wanted)?;
        let approvals = self.approvals(&policy, &subject, select::needed_approvals(&policy, &compared), &compared)?;
        Ok(Assessment { subject, policy, origin, wanted, base: None, plan: None, owed, approvals, compared })
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
        let mut compared = self.compared_policies(&base)?;
        self.compare_with_replaced(&mut compared, &wanted)?;
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
        let approvals = self.approvals(&policy, &subject, plan.approvals.clone(), &compared)?;
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
    pub(super) fn established(&self, policy: &PolicyFile, commit: &Commit) -> Result<Option<Established>> {
        let id = self.repository_id(policy, commit)?;
        let record = self.established_by(policy, &id, commit)?;
        Ok(record.and_then(|record| record.statement().verdict()?.established.clone()))
    }

    /// The record that established a commit.
    fn established_by(&self, policy: &PolicyFile, id: &str, commit: &Commit) -> Result<Option<Recorded>> {
        let demands = self.demands(&policy.policy);
        let is_of_tree = |claim: &Established| self.is_claim_of(claim, commit);
        self.records.established(id, seen(policy, commit), demands, &is_of_tree)
    }

    /// Whether each obligation that a record claims for a commit has the key that this commit gives it: what another tree owed, or
    /// this one under another policy, was proven of something else.
    fn is_claim_of(&self, claim: &Established, commit: &Commit) -> Result<bool> {
        let policy = match self.reader.of_commit(commit)? {
            Found::Readable(file) => Some(file),
            Found::Absent => self.anchors.anchor().map(|(file, _)| file),
            Found::Unreadable(_) => None,
        };
        let Some(policy) = policy else { return Ok(false) };
        let subject = Subject { commit: commit.clone(), tag: None };
        for obligation in &claim.obligations {
            let is_known = policy.policy.definition(&obligation.suite).is_some();
            if !is_known || self.key(&policy, &subject, &obligation.suite)? != obligation.key {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether later commits may count their changes from this one.
    pub fn is_established(&self, policy: &PolicyFile, commit: &Commit) -> Result<bool> {
        Ok(self.established(policy, commit)?.is_some())
    }

    /// The nearest established ancestors.
    pub(super) fn base(&self, policy: &PolicyFile, subject: &Commit) -> Result<Base> {
        if !self.records.establishes_anything() {
            // Without a base every suite is owed; history need not be walked to know that.
            return Ok(Base { commits: Vec::new(), between: Vec::new(), cut: self.repository.is_shallow() });
        }
        let id = self.repository_id(policy, subject)?;
        select::find_base(subject, self.repository, &mut |commit| {
            Ok(self.established_by(policy, &id, commit)?.is_some())
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
        Ok(compared)
    }

    /// Adds the policies of the commit that a rollback replaces and of what stands there, and takes out what stands twice.
    fn compare_with_replaced(&self, compared: &mut Vec<Rc<PolicyFile>>, wanted: &Wanted) -> Result<()> {
        for commit in wanted.replaced.iter().chain(&wanted.standing_there) {
            compared.extend(self.reader.nearest_readable(commit)?);
        }
        compared.sort_by_key(|file| file.digest);
        compared.dedup_by_key(|file| file.digest);
        Ok(())
    }

    /// The approvals that let a policy change through, in their order; empty where it is not approved.
    pub(super) fn approvals_of(&self, assessment: &Assessment, needed: &NeededApproval) -> Result<Vec<Recorded>> {
        let id = self.repository_id(&assessment.policy, &assessment.subject.commit)?;
        let signatures = self.signatures_of_approvals(&assessment.policy, &assessment.compared);
        Ok(self.records.approvals_between(&id, needed.from, needed.to, signatures)?.unwrap_or_default())
    }

    /// Each approval that is needed, and whether it is recorded.
    fn approvals(
        &self,
        policy: &PolicyFile,
        subject: &Subject,
        needed: Vec<NeededApproval>,
        compared: &[Rc<PolicyFile>],
    ) -> Result<Vec<(NeededApproval, bool)>> {
        let id = self.repository_id(policy, &subject.commit)?;
        let signatures = self.signatures_of_approvals(policy, compared);
        let look_up = |needed: NeededApproval| {
            let approved = self.records.approved(&id, needed.from, needed.to, signatures)?;
            Ok((needed, approved))
        };
        needed.into_iter().map(look_up).collect()
    }

    /// A policy that stops asking for signatures has to be approved by one.
    pub(super) fn signatures_of_approvals(&self, policy: &PolicyFile, compared: &[Rc<PolicyFile>]) -> Signatures {
        let mut policies = compared.iter().map(|file| &file.policy).chain([&policy.policy]);
        match policies.any(|policy| self.demands(policy).signatures == Signatures::Required) {
            true => Signatures::Required,
            false => Signatures::Any,
        }
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
        let demands = self.demands(&policy.policy);
        let after = match (&wanted.scenario, &wanted.replaced) {
            (Scenario::Rollback { .. }, Some(replaced)) => {
                self.records.newest_deploy(replaced.tree, demands.signatures)?.into_iter().collect()
            }
            _ => Vec::new(),
        };
        let question = Question {
            key,
            scenario: wanted.scenario.clone(),
            after,
            now: self.now,
            max_age: gate.max_age.map(|age| SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX)),
            demands,
        };
        let answer = self.records.answer(&question)?;
        Ok(Owed { suite, key, reasons, answer })
    }
}

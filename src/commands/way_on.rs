//! The commands that lead on from a refusal, as a user can type them here and now.
//!
//! Deliberately absent: when to name them, and every other word of a refusal.

use bstr::{BStr, ByteSlice as _};

use super::assess::{Assessment, Standing, Wanted};
use super::ground::{Ground, is_tag_ref};
use crate::git::Commit;
use crate::records::Scenario;
use crate::select;

/// What the subject of an update is called here: the tag, where this repository has it too, else the commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NameHere {
    /// A tag of that name, on that commit.
    Tag(String),
    /// The commit's short id.
    Commit(String),
}

impl NameHere {
    pub(super) fn of(ground: &Ground<'_>, assessment: &Assessment, gated_ref: Option<&BStr>) -> Self {
        let commit = assessment.subject.commit.id;
        let tag = gated_ref.filter(|full| is_tag_ref(full)).and_then(|full| select::short_name(full).to_str().ok());
        let is_here = |name: &&str| ground.find(name).is_ok_and(|(subject, _)| subject.commit.id == commit);
        match tag.filter(|name| is_typable(name)).filter(is_here) {
            Some(name) => NameHere::Tag(name.to_owned()),
            None => NameHere::Commit(commit.short()),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            NameHere::Tag(name) | NameHere::Commit(name) => name,
        }
    }
}

/// Whether a name can be typed as it is: `v1 && rm -r x` may be part of a tag's name.
pub(super) fn is_typable(name: &str) -> bool {
    !name.starts_with('-') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/+-".contains(&byte))
}

/// The `run` that proves these suites of an update, whatever that command would choose by itself.
pub(super) fn run_command(
    ground: &Ground<'_>,
    assessment: &Assessment,
    gated_ref: Option<&BStr>,
    missing: &[impl AsRef<str>],
) -> String {
    let name = NameHere::of(ground, assessment, gated_ref);
    let mut command = format!("proof-gate run {}{}", name.as_str(), scenario_words(&assessment.wanted));
    let wanted =
        Wanted { is_tag: matches!(name, NameHere::Tag(_)), standing: Standing::Ignored, ..assessment.wanted.clone() };
    let chosen = ground.assess(assessment.subject.clone(), wanted);
    let is_chosen =
        |suite: &str| chosen.as_ref().is_ok_and(|assessment| assessment.owed.iter().any(|owed| owed.suite == suite));
    if !missing.iter().all(|suite| is_chosen(suite.as_ref())) {
        for suite in missing {
            command.push_str(" --suite ");
            command.push_str(suite.as_ref());
        }
    }
    command
}

/// The `approve-policy` that lets a subject's weaker policy through; the reason is the user's to give.
pub(super) fn approve_command(assessment: &Assessment) -> String {
    let commit = assessment.subject.commit.id.short();
    let is_base =
        |commit: &Commit| assessment.base.iter().flat_map(|base| &base.commits).any(|base| base.id == commit.id);
    let there = assessment.wanted.standing_there.iter().find(|there| !is_base(there));
    match assessment.wanted.replaced.as_ref().or(there) {
        Some(replaced) => format!("proof-gate approve-policy {commit} --replacing {} -m WHY", replaced.id.short()),
        None => format!("proof-gate approve-policy {commit} -m WHY"),
    }
}

/// The scenario as `run` takes it, empty for a deployment.
fn scenario_words(wanted: &Wanted) -> String {
    match &wanted.scenario {
        Scenario::Deploy => String::new(),
        Scenario::Rollback { .. } => match &wanted.replaced {
            Some(replaced) => format!(" --scenario rollback --replacing {}", replaced.id.short()),
            None => " --scenario rollback".to_owned(),
        },
        Scenario::Migration { id } => format!(" --scenario migration --id {id}"),
        Scenario::Policy { id } => format!(" --scenario policy --id {id}"),
    }
}

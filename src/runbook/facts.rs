//! What a checklist is made of: the facts that go in, and the points that come out.
//!
//! Deliberately absent: weighing one against the other.

use schemars::JsonSchema;
use serde::Serialize;

use super::checklist::{is_log, is_picture};
use crate::judge::Code;
use crate::records::{EvidenceFile, Predicate, SuiteEntry, VerdictBody};

/// What a point is about. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// What changed.
    Changes,
    /// Which suites that calls for.
    Suites,
    /// The gate's answer for a suite.
    Verdict,
    /// A weaker policy was approved.
    Approval,
    /// The proof is of exactly this commit.
    Commit,
    /// The database was put into its known state.
    Database,
    /// No test passed at a second attempt.
    Flaky,
    /// No line that means failure.
    Warnings,
    /// A suite's output.
    Log,
    /// A suite's test report.
    Report,
    /// The logs and traces that a suite's artifacts declare.
    TraceLogs,
    /// The screenshots and videos that they declare.
    Pictures,
    /// The verdict is recorded.
    Recorded,
    /// Somebody ran it at a terminal.
    ByHand,
    /// The entry in the Operations Changelog.
    Changelog,
}

impl About {
    /// The same in words, at most 12 columns.
    pub fn as_str(self) -> &'static str {
        match self {
            About::Changes => "changes",
            About::Suites => "suites",
            About::Verdict => "verdict",
            About::Approval => "approval",
            About::Commit => "commit",
            About::Database => "database",
            About::Flaky => "flaky tests",
            About::Warnings => "warnings",
            About::Log => "log",
            About::Report => "report",
            About::TraceLogs => "trace logs",
            About::Pictures => "pictures",
            About::Recorded => "recorded",
            About::ByHand => "by hand",
            About::Changelog => "changelog",
        }
    }
}

/// How a point stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Borne out by the record or the evidence.
    Done,
    /// Not, and the runbook asks for it.
    Missing,
    /// The policy does not ask for it.
    NotAsked,
    /// This program does not look at it.
    NotLooked,
}

/// A point of the checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is about.
    pub about: About,
    /// The suite, where it is about one.
    pub suite: Option<String>,
    /// How it stands.
    pub state: State,
    /// What bears it out, or what is missing.
    pub what: String,
    /// What to do about it.
    pub next: Option<String>,
}

/// Everything that the points are weighed from.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The record's short id.
    pub record: String,
    /// What the user can call the commit in a command.
    pub commit: String,
    /// Whether the record was made for this very commit, or for another with the same files.
    pub is_of_commit: bool,
    /// What every record says.
    pub predicate: &'a Predicate,
    /// The verdict that it holds.
    pub verdict: &'a VerdictBody,
    /// How many paths of each kind changed; nothing where the record's own list cannot be worked out again.
    pub kinds: Option<Vec<(&'static str, usize)>>,
    /// What is owed, and what the gate answers for it now.
    pub owed: Vec<Owed>,
    /// Whether each approval that the policy's change needs is recorded.
    pub approvals: Vec<bool>,
    /// Commands that put the database into its known state before each suite.
    pub resets: usize,
    /// Whether the policy asks for a proof by hand.
    pub asks_for_terminal: bool,
    /// What each owed suite declares.
    pub configured: Vec<(String, Configured)>,
    /// Each file of the entries' evidence, and how it stands.
    pub evidence: Vec<(EvidenceFile, Standing)>,
}

impl Facts<'_> {
    /// What answers for the suites that are owed, in whichever records it stands.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&SuiteEntry, &str)> {
        self.owed.iter().filter_map(|owed| owed.entry.as_ref()).map(|(entry, host)| (entry, host.as_str()))
    }
}

/// A suite that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Its name.
    pub suite: String,
    /// What is held of it.
    pub held: Held,
    /// The entry of that record, and the machine it was made on.
    pub entry: Option<(SuiteEntry, String)>,
}

/// What the gate answers for a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A PASS, recorded under this short id.
    Pass(String),
    /// A FAIL, and its headline.
    Fail(String, Code),
    /// PASS and FAIL on the same inputs; the FAIL's record.
    Contradicted(String),
    /// Nothing that counts.
    Nothing,
}

/// How far artifacts of a kind are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// No rule is about them.
    #[default]
    Never,
    /// They are kept where there are some: `at_least = 0`.
    AtWill,
    /// There has to be one.
    Always,
}

/// A rule for artifacts.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'a> {
    /// Its glob.
    pub glob: &'a str,
    /// Whether it has a baseline, as only pictures have.
    pub has_baseline: bool,
    /// How many files it asks for.
    pub at_least: u64,
}

/// What a suite's keys declare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// Artifacts of any kind.
    pub artifacts: bool,
    /// Logs or traces.
    pub logs: Asked,
    /// Screenshots or videos.
    pub pictures: Asked,
    /// Whether a test that passed at a second attempt would not show.
    pub hides_retries: bool,
}

impl Configured {
    /// What a suite's artifacts are for: each by its baseline, else by the name of its glob.
    pub fn of<'a>(rules: impl IntoIterator<Item = Declared<'a>>) -> Self {
        let mut configured = Configured::default();
        for Declared { glob, has_baseline, at_least } in rules {
            configured.artifacts = true;
            let asked = if at_least > 0 { Asked::Always } else { Asked::AtWill };
            if has_baseline || is_picture(glob, "") {
                configured.pictures = configured.pictures.max(asked);
            } else if is_log(glob, "") {
                configured.logs = configured.logs.max(asked);
            }
        }
        configured
    }
}

/// How a file of the evidence stands to what was recorded of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Byte for byte what was recorded.
    Intact,
    /// There, and not what was recorded.
    Altered,
    /// Not there: removed, or made on another machine.
    Gone,
}

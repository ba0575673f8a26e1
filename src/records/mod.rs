//! What makes a PASS worth something: the record, its key, the append-only log in git, and the answer over all records.
//!
//! Deliberately absent: signing, sharing, and any way to make a [`Recorded`] but by appending durably or by reading back.

mod answer;
mod canonical;
mod environment;
mod established;
mod fit;
mod found;
mod graph;
mod history;
mod index;
mod journal;
mod key;
mod log;
mod logs;
mod lookup;
mod problem;
mod read;
mod sorted;
mod statement;
mod walk;
mod wire;
mod writer;

#[cfg(test)]
mod sandbox;

pub use answer::{Entry, Resolve, Ruling, Terms, Why, needs_repeats, rule};
pub use canonical::{Unreadable, decode, encode};
pub use environment::{EnvironmentIdentity, IdentityOutput, Keyed, Sameness, Tool, same_inputs};
pub use journal::{Begun, Journal, Killed};
pub use key::{Key, Seen, key};
pub use log::{Draft, Log};
pub use logs::{Logs, Writes};
pub use lookup::{Answer, Question, Records, Standing};
pub use problem::{Problem, ProblemKind};
pub use read::Recorded;
pub use statement::{
    Approval, Body, Changes, Ended, Established, EvidenceFile, KilledRun, Obligation, Person, Policies, PolicyApproval,
    Predicate, Resolution, Scenario, Statement, Subject, SubjectDigest, SuiteEntry, VerdictBody,
};
pub use writer::WriterId;

#[cfg(test)]
pub(crate) use sandbox::{failing_with, pass_and_fail, passing, statement};

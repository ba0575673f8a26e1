//! What makes a PASS worth something: the record, its key, the append-only log in git, and the answer over all records.
//!
//! Deliberately absent: any way to make a [`Recorded`] but by appending durably or by reading back.

mod accepted;
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
mod lock;
mod log;
mod logs;
mod lookup;
mod problem;
mod read;
mod receive;
mod remotes;
mod share;
mod sorted;
mod statement;
mod trust;
mod walk;
mod wire;
mod writer;

#[cfg(test)]
mod sandbox;

pub use accepted::Acceptance;
pub use answer::{Entry, Resolve, Ruling, Terms, Why, needs_repeats, rule};
pub use canonical::{Unreadable, decode, encode};
pub use environment::{EnvironmentIdentity, IdentityOutput, Keyed, Sameness, Tool, same_inputs};
pub use journal::{Begun, Journal, Killed};
pub use key::{Key, Seen, key};
pub use log::{Draft, Log, Signing};
pub use logs::{LOGS, Logs, Writes};
pub use lookup::{Answer, Question, Records, Standing};
pub use problem::{Problem, ProblemKind};
pub use read::Recorded;
pub use receive::{Arrival, Arrived, Refused, arrived, check_arrivals};
pub use share::{Oddity, Share, Synced};
pub use statement::{
    Approval, Body, Changes, Ended, Established, EvidenceFile, KilledRun, Obligation, Person, Policies, PolicyApproval,
    Predicate, Resolution, Scenario, Statement, Subject, SubjectDigest, SuiteEntry, VerdictBody,
};
pub use trust::{Demands, Place, Role, Signatures, Trust};
pub use writer::WriterId;

#[cfg(test)]
pub(crate) use sandbox::{failing_with, pass_and_fail, passing, statement};

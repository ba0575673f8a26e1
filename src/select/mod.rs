//! From the refs being pushed to what they owe: updates, subjects, bases, changes, plans. Pure but for the objects it is given.
//!
//! Deliberately absent: HEAD, the index and the work tree. Only what is pushed counts.

pub mod base;
mod change;
mod everything;
mod plan;
mod policies;
mod subject;
mod update;

pub use base::{Base, find_base};
pub use change::changed_paths;
pub use everything::{FOLDERS, TABLE, calls_for_everything};
pub use plan::{Change, NeededApproval, Plan, PlanInput, Reason, needed_approvals, plan};
pub use policies::{Anchors, Found, Origin, PolicyFile, PolicyReader, is_gated, judging, parse, short_name};
pub use subject::{Subject, find_subject};
pub use update::{Action, RefUpdate, parse_updates};

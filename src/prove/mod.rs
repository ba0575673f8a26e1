//! Making evidence: a clean workspace, the suites' processes, their logs and reports.
//!
//! Deliberately absent: any verdict. An [`Outcome`] says how a process ended and nothing about whether that is good.

mod agenda;
mod artifacts;
mod cancel;
mod environment;
mod environment_report;
mod executor;
mod handed;
mod lane;
mod local;
pub mod log;
mod masked_report;
mod mounts;
#[cfg(target_os = "linux")]
mod orphans;
mod output;
mod place;
pub mod process;
mod proof;
mod removal;
mod reports;
mod room;
mod stamp;
mod state;
pub mod supervise;
mod tracked;
mod tree_check;
mod turn;
mod user_repository;
mod variation;
mod workspace;
mod workspace_refs;

pub use cancel::{Cancel, Parent};
pub use environment_report::{EnvironmentReport, IdentityOutput, Tool};
pub use executor::{EngineInfo, Executor, Job, Shard};
pub use local::{Local, Tidying};
pub use place::{LeftWorkspace, sweep_workspaces, work_place};
pub use proof::{
    Event, Invocation, Outcome, Proof, ProofEnd, Reader, Recipe, Request, Source, StepKind, SuiteJob, SuiteRun, prove,
};
pub use room::{Written, check_not_full};
pub use turn::{Turn, has_terminal, take_turn, try_turn};
pub use variation::{Locales, Variation};

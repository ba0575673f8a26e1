//! The hooks: written so that they fail closed, chained to what stood there, proven by a run, and taken out byte for byte.
//!
//! Deliberately absent: the decision over a push. A hook only starts the program, which decides.

mod added;
mod change;
mod folder;
mod hook;
mod install;
mod installed;
mod kept;
mod manager;
mod seen_policy;
mod self_test;
mod shim;
mod snapshot;
mod state;
mod uninstall;

pub use added::Added;
pub use hook::{Hook, Side};
pub use install::{Installed, Options, Placed, install};
pub use kept::{KeptHook, KeptOutcome, REFUSED_BY_KEPT, kept_hook, run_kept};
pub use manager::{Manager, SKIPS, calling_line};
pub use seen_policy::SeenPolicy;
pub use self_test::{fire, is_same_program, self_test_reply};
pub use shim::is_ours;
pub use snapshot::is_runnable;
pub use state::{Effect, HookState, Look, look, sides, state};
pub use uninstall::{Uninstalled, purge, uninstall};

#[cfg(test)]
mod testing;

//! proof-gate: a git gate that lets a protected branch or a release tag leave only with a recorded PASS of exactly what is pushed.
//!
//! The data flows one way, one type per step:
//!
//! ```text
//! stdin ─select→ [RefUpdate] ─→ [Subject] ─→ Base ─→ [Change] ─→ Plan ─→ [Obligation]
//!       ─records→ which hold a PASS │ which are missing
//!       ─prove→ Run ─evidence→ Evidence ─judge→ Verdict ─records→ Recorded ─gate→ Decision ─→ Exit
//! ```

pub mod caller;
pub mod commands;
pub mod error;
pub mod evidence;
pub mod git;
pub mod hooks;
pub mod judge;
pub mod policy;
pub mod prove;
pub mod records;

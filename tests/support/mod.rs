//! What every topic needs: a hermetic repository with its remote, a fake runner, a terminal, a fingerprint.
//!
//! Deliberately absent: anything that looks into the program. Topics see what a user sees.

#![allow(dead_code, reason = "each topic takes what it needs")]

mod fingerprint;
mod runner;
mod sandbox;
mod terminal;

pub use fingerprint::Fingerprint;
pub use runner::SHOP_POLICY;
pub use sandbox::{Layout, Ran, Sandbox};

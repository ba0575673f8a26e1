//! The team's runbook, held against what was recorded.
//!
//! Deliberately absent: disk, screen and decisions. Whether a push may go is the gate's answer.

mod checklist;
mod facts;
#[cfg(test)]
mod tests;

pub use checklist::{is_whole, items};
pub use facts::{About, Asked, Configured, Declared, Facts, Held, Item, Owed, Standing, State};

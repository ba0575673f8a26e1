//! The integration tests: one binary, real git, a module per topic.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod by_hand;
mod cli;
mod demo;
mod gate;
mod hooks;
mod policy_changes;
mod rollback;
mod selection;
mod support;
mod tidy;

//! The integration tests: one binary, real git, a module per topic.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod changed_paths;
mod documents;
mod evidence;
mod hooks;
mod interrupts;
mod proof;
mod records;
mod support;

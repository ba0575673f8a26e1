//! `.proofrc.toml`: its keys, how it is read, and what makes one policy stronger than another.
//!
//! Everything here is a pure function of the file's bytes. Reading the file from a commit is `git`'s duty, deciding which
//! commit's file counts is `select`'s.

mod canonical;
mod compare;
mod definition;
mod docs;
mod error;
mod globs;
mod keys;
mod matching;
mod not_yet;
mod reader;
mod schema;
mod sections;
pub mod starter;
mod types;
mod values;

pub use crate::digest::Digest;
pub use compare::{Comparison, Weakening, compare};
pub use docs::docs;
pub use error::PolicyError;
pub use globs::PathGlob;
pub use keys::{ADAPTERS, FLAVORS, KEYS, Key, Kind};
pub use matching::{ChangeKind, Claim, Compiled};
pub use not_yet::NotYet;
pub use schema::schema;
pub use sections::parse;
pub use types::*;

pub(crate) use canonical::to_toml;

/// The policy file's name, at the top of the tree.
pub const FILE: &str = ".proofrc.toml";

#[cfg(test)]
mod corpus;

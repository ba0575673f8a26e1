//! `.proofrc.toml`: its keys, how it is read, and what makes one policy stronger than another.

mod types;

pub use types::*;

/// The policy file's name, at the top of the tree.
pub const FILE: &str = ".proofrc.toml";

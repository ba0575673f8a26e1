//! The hooks that are written: their names, their texts, and what each means to git.
//!
//! Deliberately absent: what a hook decides. It starts the program with its own name, and the program does.

use serde::{Deserialize, Serialize};

/// A hook of git's that starts the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Where a push leaves. What it refuses does not go.
    PrePush,
    /// Where a push arrives. What it refuses does not come in.
    PreReceive,
    /// Where a push has arrived. git does not look at how it ends.
    PostReceive,
}

impl Hook {
    /// All of them.
    pub const ALL: [Hook; 3] = [Hook::PrePush, Hook::PreReceive, Hook::PostReceive];

    /// The name of its file, and its word behind `proof-gate hook`.
    pub fn name(self) -> &'static str {
        match self {
            Hook::PrePush => "pre-push",
            Hook::PreReceive => "pre-receive",
            Hook::PostReceive => "post-receive",
        }
    }

    /// The file as it is written, but for the program's path.
    pub(super) fn text(self) -> &'static str {
        match self {
            Hook::PrePush => include_str!("../../hooks/pre-push"),
            Hook::PreReceive => include_str!("../../hooks/pre-receive"),
            Hook::PostReceive => include_str!("../../hooks/post-receive"),
        }
    }

    /// What a line that starts the program with it holds.
    pub(super) fn call(self) -> &'static str {
        match self {
            Hook::PrePush => "proof-gate hook pre-push",
            Hook::PreReceive => "proof-gate hook pre-receive",
            Hook::PostReceive => "proof-gate hook post-receive",
        }
    }

    /// Where it belongs.
    pub fn side(self) -> Side {
        match self {
            Hook::PrePush => Side::Client,
            Hook::PreReceive | Hook::PostReceive => Side::Server,
        }
    }

    /// Whether git stops where it ends with anything but 0.
    pub fn can_refuse(self) -> bool {
        match self {
            Hook::PrePush | Hook::PreReceive => true,
            Hook::PostReceive => false,
        }
    }
}

/// The end of a push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Where it leaves.
    #[default]
    Client,
    /// Where it arrives.
    Server,
}

impl Side {
    /// Its hooks, in the order in which they are written.
    pub fn hooks(self) -> &'static [Hook] {
        match self {
            Side::Client => &[Hook::PrePush],
            Side::Server => &[Hook::PreReceive, Hook::PostReceive],
        }
    }

    /// The command that writes them.
    pub fn install(self) -> &'static str {
        match self {
            Side::Client => "proof-gate install",
            Side::Server => "proof-gate install --server",
        }
    }
}

//! The single door to git: objects and refs are read with gix, everything that writes goes through the git program.
//!
//! Deliberately absent: any other place that opens a repository or starts git.

mod append;
mod checkout;
mod config_files;
mod connected;
mod deadline;
mod diff;
mod exchange;
mod hooks_path;
mod merge;
mod new_commits;
mod objects;
mod oid;
mod pack;
mod patience;
mod pin;
mod program;
mod quarantine;
mod refs;
mod remotes;
mod repository;
mod settings;
mod signature;
mod signers;
mod signing;
mod unfinished;
mod verification;
mod who;
mod worktrees;

pub use append::{Identity, Swap, make_own_dir, write_durably};
pub use checkout::{Checkout, Head, ReadBack, Remark, Wanted};
pub use deadline::Within;
pub use diff::{PathChange, Status};
pub use exchange::{Exchange, Pushed};
pub use hooks_path::{HooksFolder, Scope};
pub use merge::Merge;
pub use objects::{Commit, Entry, Kind, Peeled};
pub use oid::Oid;
pub use pack::KeptPack;
pub use pin::Pin;
pub use program::{Begun, GitCommand, LOCATIONS, Output, Program};
pub use remotes::Urls;
pub use repository::{Elsewhere, ObjectFormat, Repository};
pub use settings::Setting;
pub use signers::Signers;
pub use signing::{SignatureSettings, Unsigned};
pub use unfinished::{remove_unfinished, unfinished_file, unfinished_link};
pub use verification::{NotSigned, Signed, Verifier, is_unsigned, no_list};
pub use who::Who;

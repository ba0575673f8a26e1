//! The single door to git: objects and refs are read with gix, everything that writes goes through the git program.
//!
//! Deliberately absent: any other place that opens a repository or starts git.

mod append;
mod checkout;
mod diff;
mod hooks_path;
mod objects;
mod oid;
mod pack;
mod pin;
mod program;
mod refs;
mod repository;

pub use append::{Identity, Swap, make_own_dir, write_durably};
pub use checkout::{Checkout, Head, Remark, Wanted};
pub use diff::{PathChange, Status};
pub use hooks_path::{HooksFolder, Scope};
pub use objects::{Commit, Entry, Kind, Peeled};
pub use oid::Oid;
pub use pack::KeptPack;
pub use pin::Pin;
pub use program::{GitCommand, Output, Program};
pub use repository::{ObjectFormat, Repository};

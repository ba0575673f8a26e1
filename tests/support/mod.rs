//! What every topic needs: a hermetic repository with its remote, a fake runner, a terminal, a fingerprint.
//!
//! Deliberately absent: anything that looks into the program. Topics see what a user sees.

#![allow(dead_code, reason = "each topic takes what it needs")]

mod confined;
mod fingerprint;
mod forge;
mod keyring;
mod keys;
mod page;
mod proven;
mod runner;
mod sandbox;
mod sandbox_check;
mod server;
mod terminal;

#[allow(unused_imports, reason = "few topics mount anything")]
pub use confined::Left;
pub use fingerprint::Fingerprint;
#[allow(unused_imports, reason = "only attacks are forged")]
pub use forge::{By, Forge, WRITER, canonical};
#[allow(unused_imports, reason = "only attacks need openpgp keys of a server too")]
pub use keyring::Keyring;
#[allow(unused_imports, reason = "few topics sign")]
pub use keys::{Agent, Gpg};
#[allow(unused_imports, reason = "few topics follow a page")]
pub use page::Page;
#[allow(unused_imports, reason = "the live tests are a binary of their own and need neither")]
pub use proven::{Refusal, policy_with_gate};
#[allow(unused_imports, reason = "topics that write a policy of their own start from it")]
pub use runner::{SCRIPT_POLICY, SHOP_POLICY};
pub use sandbox::{Layout, Ran, Sandbox};
#[allow(unused_imports, reason = "few topics push to a server that checks")]
pub use server::{LOGS, Server};
#[allow(unused_imports, reason = "few topics type at what is running")]
pub use terminal::Session;

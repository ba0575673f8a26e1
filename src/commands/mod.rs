//! One thin file per command: gather inputs, call the steps, hand back what the reporter shows.

pub mod config;
pub mod init;

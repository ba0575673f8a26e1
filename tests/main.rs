//! The integration tests: one binary, real git, a module per topic.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod artifacts;
mod attacks;
mod by_hand;
mod changed_paths;
mod checklist;
mod cli;
mod damage;
mod demo;
mod disk;
mod docs_examples;
mod doctor;
mod documents;
mod escapes;
mod evidence;
mod faults;
mod findings;
mod floods;
mod gate;
mod hooks;
mod hostile;
mod interrupts;
mod killed;
mod kills;
mod lanes;
mod machine;
mod merges;
mod policy_changes;
mod private_files;
mod processes;
mod proof;
mod prove;
mod records;
mod reliability;
mod repeat;
mod repositories;
mod rollback;
mod screens;
mod selection;
mod show;
mod support;
mod sweep;
mod tidy;
mod warnings;
mod workspace;

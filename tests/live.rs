//! The tools that the documentation names, as they really are: package managers, runners and hook managers, each met by real pushes.
//!
//! Deliberately absent: a way to skip. A tool that is missing fails the test with the command that brings it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "live/cases.rs"]
mod cases;
#[path = "live/docs.rs"]
mod docs;
#[path = "live/go.rs"]
mod go;
#[path = "live/jest.rs"]
mod jest;
#[path = "live/junit.rs"]
mod junit;
#[path = "live/managers.rs"]
mod managers;
#[path = "live/mocha.rs"]
mod mocha;
#[path = "live/node_test.rs"]
mod node_test;
#[path = "live/playwright.rs"]
mod playwright;
#[path = "live/postgres.rs"]
mod postgres;
#[path = "live/shop.rs"]
mod shop;
mod support;
#[path = "live/tools.rs"]
mod tools;
#[path = "live/vitest.rs"]
mod vitest;

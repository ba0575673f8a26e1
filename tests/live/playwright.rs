//! Playwright: what it makes of the cases, and what the gate does.
//!
//! Deliberately absent: a browser; the shop's own tests go through one.

use crate::cases::{Cases, Comes, check};

#[test]
fn every_case_of_playwright_comes_to_what_it_is() {
    check(&Cases {
        folder: "playwright",
        name: "Playwright",
        is_installed: true,
        cases: &[
            ("pass", Comes::ToPass),
            ("fail", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("flaky", Comes::ToFail("TEST_FLAKY")),
            ("focused", Comes::ToFail("FOCUSED ZERO_TESTS EXIT_NONZERO")),
            ("unhandled", Comes::ToFail("SUITE_ERROR EXIT_NONZERO")),
            ("exit", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("hang", Comes::Unseen),
            ("skipped", Comes::ToFail("SKIPPED_TESTS")),
            ("warning", Comes::ToFail("WARNING")),
            ("no-match", Comes::ToFail("ZERO_TESTS EXIT_NONZERO")),
        ],
    });
}

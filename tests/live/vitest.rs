//! vitest: what it makes of the cases, and what the gate does.
//!
//! Deliberately absent: its JUnit report; `tests/live/junit.rs` has that.

use crate::cases::{Cases, Comes, check};

#[test]
fn every_case_of_vitest_comes_to_what_it_is() {
    check(&Cases {
        folder: "vitest",
        name: "vitest",
        is_installed: true,
        cases: &[
            ("pass", Comes::ToPass),
            ("fail", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("flaky", Comes::ToFail("TEST_FLAKY")),
            ("focused", Comes::ToFail("FOCUSED ZERO_TESTS SKIPPED_TESTS EXIT_NONZERO")),
            ("unhandled", Comes::ToFail("EXIT_NONZERO WARNING")),
            ("exit", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("hang", Comes::Unseen),
            ("skipped", Comes::ToFail("SKIPPED_TESTS")),
            ("warning", Comes::ToFail("WARNING")),
            ("no-match", Comes::ToFail("ZERO_TESTS")),
            ("pass-by-tap", Comes::ToPass),
            ("flaky-by-tap", Comes::ToFail("FLAKY_UNOBSERVABLE")),
        ],
    });
}

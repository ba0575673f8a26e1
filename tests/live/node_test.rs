//! node's own runner: what it makes of the cases, and what the gate does.
//!
//! Deliberately absent: its JUnit report by hand; `tests/live/junit.rs` has that.

use crate::cases::{Cases, Comes, check};

#[test]
fn every_case_of_node_s_runner_comes_to_what_it_is() {
    check(&Cases {
        folder: "node-test",
        name: "node",
        is_installed: false,
        cases: &[
            ("pass", Comes::ToPass),
            ("fail", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("flaky", Comes::Unseen),
            ("focused", Comes::ToFail("TEST_FAILED FOCUSED EXIT_NONZERO")),
            ("unhandled", Comes::ToFail("SUITE_ERROR EXIT_NONZERO WARNING")),
            ("exit", Comes::ToFail("FILE_AS_TEST ZERO_TESTS")),
            ("hang", Comes::ToFail("TIMED_OUT")),
            ("skipped", Comes::ToFail("SKIPPED_TESTS")),
            ("warning", Comes::ToFail("WARNING")),
            ("no-match", Comes::ToFail("ZERO_TESTS")),
            ("pass-by-tap", Comes::ToPass),
            ("fail-by-tap", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("exit-by-tap", Comes::ToFail("FILE_AS_TEST ZERO_TESTS FLAKY_UNOBSERVABLE")),
        ],
    });
}

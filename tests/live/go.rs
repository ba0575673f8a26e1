//! `go test`: what it makes of the cases, and what the gate does.
//!
//! Deliberately absent: modules from a network.

use crate::cases::{Cases, Comes, check};

#[test]
fn every_case_of_go_comes_to_what_it_is() {
    check(&Cases {
        folder: "go",
        name: "go",
        is_installed: false,
        cases: &[
            ("pass", Comes::ToPass),
            ("fail", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("flaky", Comes::ToFail("TEST_FAILED TEST_FLAKY EXIT_NONZERO")),
            ("broken", Comes::ToFail("SUITE_ERROR ZERO_TESTS EXIT_NONZERO")),
            ("unhandled", Comes::ToFail("TEST_FAILED EXIT_NONZERO WARNING")),
            ("exit", Comes::ToFail("TEST_FAILED EXIT_NONZERO WARNING")),
            ("syscall-exit", Comes::ToFail("TEST_FAILED REPORT_DISAGREES")),
            ("swallow", Comes::ToFail("TEST_FAILED REPORT_DISAGREES")),
            ("hang", Comes::ToFail("TIMED_OUT")),
            ("skipped", Comes::ToFail("SKIPPED_TESTS")),
            ("warning", Comes::ToFail("WARNING")),
            ("no-match", Comes::ToFail("ZERO_TESTS WARNING")),
            ("cached", Comes::ToFail("CACHED_RESULT")),
        ],
    });
}

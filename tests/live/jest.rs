//! jest: what it makes of the cases, and what the gate does.
//!
//! Deliberately absent: projects of many packages.

use crate::cases::{Cases, Comes, check};

#[test]
fn every_case_of_jest_comes_to_what_it_is() {
    check(&Cases {
        folder: "jest",
        name: "jest",
        is_installed: true,
        cases: &[
            ("pass", Comes::ToPass),
            ("fail", Comes::ToFail("TEST_FAILED EXIT_NONZERO")),
            ("flaky", Comes::ToFail("TEST_FLAKY")),
            ("focused", Comes::ToFail("FOCUSED SKIPPED_TESTS")),
            ("unhandled", Comes::ToFail("EXIT_NONZERO REPORT_MISSING")),
            ("exit", Comes::ToFail("REPORT_MISSING")),
            ("hang", Comes::ToFail("TIMED_OUT WARNING")),
            ("skipped", Comes::ToFail("SKIPPED_TESTS")),
            ("warning", Comes::ToFail("WARNING")),
            ("no-match", Comes::ToFail("ZERO_TESTS")),
        ],
    });
}

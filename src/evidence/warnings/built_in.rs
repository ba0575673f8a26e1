//! The warnings that everybody gets: those that mean failure, and those that are only counted.
//!
//! Each text was read in its runner's source or provoked with the runner. A bare "warning" is deliberately absent: most lines that
//! hold it are noise.

/// A kind of line that means failure.
pub(super) struct Failing {
    /// What it is called where it is said how often it was seen.
    pub(super) name: &'static str,
    /// Matches anywhere in a line. No part of it can match a line's end, so that many lines can be searched at once.
    pub(super) pattern: &'static str,
    /// Lines as their programs write them, colour codes left out.
    #[cfg(test)]
    pub(super) seen: &'static [&'static str],
}

/// A kind of line that forbids nothing and is counted.
pub(super) struct Counted {
    /// The same.
    pub(super) name: &'static str,
    /// The same.
    pub(super) pattern: &'static str,
    #[cfg(test)]
    pub(super) seen: &'static [&'static str],
}

macro_rules! lists {
    ($kind:ident: $($name:literal, $pattern:literal, [$($seen:literal),* $(,)?];)*) => {
        &[$($kind {
            name: $name,
            pattern: $pattern,
            #[cfg(test)]
            seen: &[$($seen),*],
        }),*]
    };
}

pub(super) const FAILING: &[Failing] = lists! { Failing:
    // node's lib/internal/process/promises.js; Chromium's console and deno say "Uncaught (in promise)", vitest's reporter and many a
    // handler copied from node's documentation "Unhandled Rejection".
    "unhandled rejection", r"UnhandledPromiseRejection|ERR_UNHANDLED_REJECTION|Unhandled (?:[Pp]romise )?[Rr]ejection|Uncaught \(in promise\)", [
        "(node:7) UnhandledPromiseRejectionWarning: Error: declined",
        "UnhandledPromiseRejection: This error originated either by throwing inside of an async function without a catch block",
        "  code: 'ERR_UNHANDLED_REJECTION'",
        "⎯⎯⎯⎯ Unhandled Rejection ⎯⎯⎯⎯⎯",
        "Unhandled Rejection at: Promise {",
        "Uncaught (in promise) TypeError: Failed to fetch",
    ];
    // vitest's reporter, the summary above such errors.
    "unhandled error", r"caught \d+ unhandled errors? during the test run|⎯ Unhandled Errors? ⎯", [
        "Vitest caught 1 unhandled error during the test run.",
        "⎯⎯⎯⎯⎯⎯ Unhandled Errors ⎯⎯⎯⎯⎯⎯",
    ];
    // node's lib/internal/test_runner/harness.js, about an error that came when its test had passed.
    "activity after a test's end", r"generated asynchronous activity after the test ended|asynchronous activity was created after the test ended", [
        r#"Error: Test "pays" at pay.test.js:2:1 generated asynchronous activity after the test ended. This activity created the error "Error: late""#,
    ];
    // node's lib/events.js.
    "MaxListenersExceededWarning", r"MaxListenersExceededWarning", [
        "(node:7) MaxListenersExceededWarning: Possible EventEmitter memory leak detected. 11 x listeners added to [Socket]. MaxListeners is 10.",
    ];
    // @jest/core's runJest.js and cli; vitest's closing of its servers and pools.
    "did not exit", r"did not exit .{1,40} after the test run has completed|Tests closed successfully but something prevents|close timed out after \d+ms", [
        "Jest did not exit one second after the test run has completed.",
        "Tests closed successfully but something prevents the main process from exiting",
        "Tests closed successfully but something prevents Vite server from exiting",
        "close timed out after 10000ms",
    ];
    // jest-worker's parent and @jest/core.
    "force exited", r"has been force exited|Force exiting Jest", [
        "A worker process has failed to exit gracefully and has been force exited. This is likely caused by tests leaking due to improper teardown.",
        "Force exiting Jest: Have you considered using `--detectOpenHandles` to detect async operations that kept running after all tests finished?",
    ];
    // @jest/core's collectHandles.js.
    "open handles", r"has detected the following \d+ open handles? potentially keeping", [
        "Jest has detected the following 1 open handle potentially keeping Jest from exiting:",
        "Jest has detected the following 2 open handles potentially keeping Jest from exiting:",
    ];
    // jest-runner's runTest.js and jest-runtime.
    "work after the tests' end", r"Cannot log after tests are done|the Jest environment (?:after it )?has been torn down", [
        "  ●  Cannot log after tests are done. Did you forget to wait for something async in your test?",
        "ReferenceError: You are trying to `import` a file after the Jest environment has been torn down. From pay.test.js.",
        "ReferenceError: You are trying to access a property or method of the Jest environment after it has been torn down.",
    ];
    // react-reconciler.
    "not wrapped in act(...)", r"not wrapped in act\(", [
        "Warning: An update to Cart inside a test was not wrapped in act(...).",
    ];
    // pytest's _pytest/warning_types.py.
    "pytest's warning", r"Pytest(?:UnhandledThreadException|UnraisableException|ReturnNotNone)Warning", [
        "  /shop/test_pay.py:3: PytestReturnNotNoneWarning: Expected None, but test_pay.py::test_pay returned True",
        "PytestUnhandledThreadExceptionWarning: Exception in thread Thread-1 (charge)",
        "PytestUnraisableExceptionWarning: Exception ignored in: <function Cart.__del__ at 0x7f>",
    ];
    // go's src/testing/testing.go and src/cmd/go/internal/test/test.go.
    "no tests to run", r"testing: warning: no tests to run|\[no tests to run\]", [
        "testing: warning: no tests to run",
        "ok  \texample.org/shop\t0.003s [no tests to run]",
    ];
    // pnpm's filter-workspace-packages, which ends with 0 then; vitest.
    "No projects matched", r"No projects matched the filter|No projects found in", [
        "No projects matched the filters in \"/shop\"",
        "No projects found in \"/shop\"",
    ];
    // Rust's library/std/src/panicking.rs; go's src/runtime/panic.go, and its fatal errors.
    "panic", r"thread '.{0,200}'(?: \(\d+\))? panicked at |^[ \t]*panic: |^[ \t]*fatal error: (?:all goroutines are asleep|concurrent map |stack overflow|out of memory)", [
        "thread 'tests::charges' panicked at src/pay.rs:7:5:",
        "thread 'main' (4711) panicked at src/main.rs:2:5:",
        "panic: runtime error: index out of range [3] with length 3",
        "fatal error: all goroutines are asleep - deadlock!",
        "fatal error: concurrent map writes",
    ];
    // glibc's strsignal as shells print it; go's runtime; cargo and npm name the signal.
    "segmentation fault", r"Segmentation fault|segmentation violation|\bSIGSEGV\b", [
        "sh: line 1: 4711 Segmentation fault      (core dumped) node pay.js",
        "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48b1a3]",
        "npm error signal SIGSEGV",
    ];
    // v8's src/api/api.cc, node's worker threads, the Java virtual machine.
    "heap out of memory", r"heap out of memory|ERR_WORKER_OUT_OF_MEMORY|java\.lang\.OutOfMemoryError", [
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "Error [ERR_WORKER_OUT_OF_MEMORY]: Worker terminated due to reaching memory limit: JS heap out of memory",
        "java.lang.OutOfMemoryError: Java heap space",
    ];
};

pub(super) const COUNTED: &[Counted] = lists! { Counted:
    // node, python.
    "deprecation warning", r"DeprecationWarning|FutureWarning", [
        "(node:7) [DEP0005] DeprecationWarning: Buffer() is deprecated due to security and usability issues.",
        "test_pay.py:3: PendingDeprecationWarning: old",
        "test_pay.py:3: FutureWarning: soon",
    ];
    "experimental warning", r"ExperimentalWarning", [
        "(node:7) ExperimentalWarning: SQLite is an experimental feature and might change at any time",
    ];
    // npm up to 9 writes it large; pnpm sets it off with blanks.
    "warning of a package manager", r"^npm (?:warn|WARN) |^[ \t]*WARN  ", [
        "npm warn deprecated glob@7.2.3: Glob versions prior to v9 are no longer supported",
        "npm WARN config global",
        " WARN  deprecated glob@7.2.3",
    ];
    // rustc and cargo; gcc, clang and javac behind a place; tsc and MSBuild with a number.
    "warning of a compiler", r"^warning(?:\[\w+\])?: |: warning: |: warning \w+: ", [
        "warning: unused variable: `amount`",
        "pay.c:3:7: warning: unused variable 'amount' [-Wunused-variable]",
        "Pay.cs(3,7): warning CS0168: The variable 'amount' is declared but never used",
    ];
};

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    #[test]
    fn every_line_that_a_program_writes_matches_its_own_pattern() {
        let failing = FAILING.iter().map(|entry| (entry.name, entry.pattern, entry.seen));
        let counted = COUNTED.iter().map(|entry| (entry.name, entry.pattern, entry.seen));
        for (name, pattern, seen) in failing.chain(counted) {
            let pattern = Regex::new(pattern).unwrap();
            assert!(!seen.is_empty(), "{name} was never seen");
            for line in seen {
                assert!(pattern.is_match(line), "{name}: {line}");
            }
        }
    }

    #[test]
    fn what_is_counted_does_not_fail_and_every_day_s_words_do_neither() {
        let failing = FAILING.iter().map(|entry| Regex::new(entry.pattern).unwrap()).collect::<Vec<_>>();
        let plain = [
            "  ✔ warns when a card is about to expire",
            "  ✔ does not panic: it refunds",
            "  ✔ refuses a rejection that nobody handled",
            "WARN card declined, retrying",
            "0 warnings, 0 errors",
            "?   \texample.org/shop\t[no test files]",
            "test panics_on_overflow - should panic ... ok",
        ];
        for line in plain.iter().chain(COUNTED.iter().flat_map(|entry| entry.seen)) {
            let found = failing.iter().find(|pattern| pattern.is_match(line));
            assert!(found.is_none(), "{line}: {found:?}");
        }
    }
}

//! The shop's test runner: a few lines of sh that read the tree they stand in, write a report and leave a mark outside the repository.

/// The policy of the shop. `SUITE_RUNS` names the file in which the runner leaves its marks; passed on, not written here, so that ids are stable.
pub const SHOP_POLICY: &str = r#"version = 1

[repository]
id = "b1946ac92492d234"

[gate]
branches = ["main", "release/*"]
tags = ["v*"]

[proof]
require_terminal = false
timeout = "30s"
env = { pass = ["SUITE_RUNS"] }

[suites.full]
run = ["sh", "suite.sh", "full", "src"]
report = "mocha-json"
default = true

[suites.payment]
run = ["sh", "suite.sh", "payment", "src/payments"]
report = "mocha-json"
paths = ["src/payments/**"]

[suites.booking]
run = ["sh", "suite.sh", "booking", "src/bookings"]
report = "mocha-json"
paths = ["src/bookings/**"]

[suites.guardrail]
run = ["sh", "suite.sh", "guardrail", "src/guardrails"]
report = "mocha-json"
paths = ["src/guardrails/**"]
policy = ["*"]
"#;

/// A policy with one suite, `suite.sh`, of which nothing is read but its exit code: for tests that write that script themselves.
pub const SCRIPT_POLICY: &str = r#"version = 1

[repository]
id = "b1946ac92492d234"

[gate]
branches = ["main"]

[proof]
require_terminal = false
timeout = "60s"

[suites.full]
run = ["sh", "suite.sh"]
report = "exit-code"
flaky = "unobservable"
default = true
"#;

/// The runner. A file below the suite's folder that holds `BUG` makes it fail, `FLAKY` makes it pass on the second attempt;
/// a tracked file `suite-exit` gives the exit code, `suite-sleep` the seconds it takes, `suite-prints` what it prints.
pub const SUITE: &str = r#"#!/bin/sh
# usage: suite.sh NAME FOLDER
echo "$1" >>"$SUITE_RUNS"
[ -f suite-sleep ] && sleep "$(cat suite-sleep)"
[ -f suite-prints ] && cat suite-prints
passes=1 failures=0 retry=0
grep -rqs FLAKY "$2" && retry=1
grep -rqs BUG "$2" && passes=0 failures=1
case="{\"title\":\"works\",\"fullTitle\":\"$1 works\",\"file\":\"test/$1.spec.js\",\"duration\":1,\"currentRetry\":$retry,\"err\":"
if [ "$failures" = 1 ]; then
	case="$case{\"message\":\"found a BUG\",\"stack\":\"Error: found a BUG\"}}"
	passed= failed=$case
else
	case="$case{}}"
	passed=$case failed=
fi
cat >"$PROOF_REPORT" <<END
{
  "stats": {"suites": 1, "tests": 1, "passes": $passes, "pending": 0, "failures": $failures,
            "start": "2023-11-14T22:13:20.000Z", "end": "2023-11-14T22:13:21.000Z", "duration": 1000},
  "tests": [$case],
  "pending": [],
  "failures": [$failed],
  "passes": [$passed]
}
END
[ -f suite-exit ] && exit "$(cat suite-exit)"
exit "$failures"
"#;

#!/bin/sh
# The shop's test runner: runs the named suites and reports what it saw as JUnit XML.
# usage: sh tests/run.sh SUITE...

cases='' count=0 failures=0

# expect TITLE EXPECTED ACTUAL
expect() {
	count=$((count + 1))
	cases="$cases
  <testcase classname=\"$suite\" name=\"$1\">"
	if [ "$2" != "$3" ]; then
		failures=$((failures + 1))
		cases="$cases<failure message=\"expected $2, got $3\"/>"
		echo "not ok - $suite: $1: expected $2, got $3"
	else
		echo "ok - $suite: $1"
	fi
	cases="$cases</testcase>"
}

for suite; do
	. "tests/$suite.sh"
done

cat >"${PROOF_REPORT:-/dev/null}" <<END
<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="shop" tests="$count" failures="$failures">$cases
</testsuite>
END
[ "$failures" -eq 0 ]

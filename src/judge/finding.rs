//! The facts that forbid PASS, each with a stable code.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stable name of a reason to refuse. The words are a promise: they stand in records and in people's scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The suite ended with another code than 0, whatever its report says.
    ExitNonzero,
    /// The runner did not know an option or a script, and wrote no report.
    CommandUsage,
    /// The deadline passed.
    TimedOut,
    /// The suite was ended by a signal.
    Killed,
    /// Something that the suite started was still running at its end.
    LeftoverProcesses,
    /// No report lies where it was asked for.
    ReportMissing,
    /// The report is blank.
    ReportEmpty,
    /// The report is truncated, has trailing bytes, a DTD, a wrong root, or is too deep or too large.
    ReportMalformed,
    /// The report was made before the run.
    ReportStale,
    /// The report contradicts itself or the exit code.
    ReportDisagrees,
    /// A test failed, also one that is said to be skipped, or has a status that nobody knows.
    TestFailed,
    /// A file, a hook or the collection of tests failed.
    SuiteError,
    /// A test passed only after a failed attempt.
    TestFlaky,
    /// The adapter cannot see retries and the suite does not accept that.
    FlakyUnobservable,
    /// No test was executed.
    ZeroTests,
    /// Fewer tests were executed than the suite's `min_tests`.
    TooFewTests,
    /// A test was executed that the suite's filter does not match.
    FilterNotApplied,
    /// Tests were skipped that are not on the suite's list.
    SkippedTests,
    /// A focused test hides the others.
    Focused,
    /// A test was declared and never ran.
    NotRun,
    /// A file was reported as if it were a test.
    FileAsTest,
    /// A line that means failure.
    Warning,
    /// The runner showed an older result.
    CachedResult,
    /// A required artifact is absent or empty.
    ArtifactMissing,
    /// An artifact holds what it must not, or lacks what it must hold.
    ArtifactUnexpected,
    /// Tracked files of the workspace differ after the suite.
    TreeChanged,
    /// The user's repository was touched while the proof ran.
    RepositoryTouched,
    /// A file of the tree holds a pointer in place of its content.
    PointerLeft,
    /// The same inputs gave PASS and FAIL. No finding of a run: the gate's answer over records.
    FlakyHistory,
}

impl Code {
    /// The code as it is printed and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::ExitNonzero => "EXIT_NONZERO",
            Code::CommandUsage => "COMMAND_USAGE",
            Code::TimedOut => "TIMED_OUT",
            Code::Killed => "KILLED",
            Code::LeftoverProcesses => "LEFTOVER_PROCESSES",
            Code::ReportMissing => "REPORT_MISSING",
            Code::ReportEmpty => "REPORT_EMPTY",
            Code::ReportMalformed => "REPORT_MALFORMED",
            Code::ReportStale => "REPORT_STALE",
            Code::ReportDisagrees => "REPORT_DISAGREES",
            Code::TestFailed => "TEST_FAILED",
            Code::SuiteError => "SUITE_ERROR",
            Code::TestFlaky => "TEST_FLAKY",
            Code::FlakyUnobservable => "FLAKY_UNOBSERVABLE",
            Code::ZeroTests => "ZERO_TESTS",
            Code::TooFewTests => "TOO_FEW_TESTS",
            Code::FilterNotApplied => "FILTER_NOT_APPLIED",
            Code::SkippedTests => "SKIPPED_TESTS",
            Code::Focused => "FOCUSED",
            Code::NotRun => "NOT_RUN",
            Code::FileAsTest => "FILE_AS_TEST",
            Code::Warning => "WARNING",
            Code::CachedResult => "CACHED_RESULT",
            Code::ArtifactMissing => "ARTIFACT_MISSING",
            Code::ArtifactUnexpected => "ARTIFACT_UNEXPECTED",
            Code::TreeChanged => "TREE_CHANGED",
            Code::RepositoryTouched => "REPOSITORY_TOUCHED",
            Code::PointerLeft => "POINTER_LEFT",
            Code::FlakyHistory => "FLAKY_HISTORY",
        }
    }

    /// The place in a verdict, the most telling first: what a person can mend at once stands before what it led to.
    /// `EXIT_NONZERO` says least of what a report says better, and more than a report that is not there.
    pub(super) fn rank(self) -> u8 {
        match self {
            Code::TestFailed => 0,
            Code::SuiteError => 1,
            Code::TestFlaky => 2,
            Code::TimedOut => 3,
            Code::Killed => 4,
            Code::CommandUsage => 5,
            Code::FileAsTest => 6,
            Code::Focused => 7,
            Code::FilterNotApplied => 8,
            Code::ZeroTests => 9,
            Code::TooFewTests => 10,
            Code::NotRun => 11,
            Code::SkippedTests => 12,
            Code::CachedResult => 13,
            Code::ReportDisagrees => 14,
            Code::ExitNonzero => 15,
            Code::ReportMalformed => 16,
            Code::ReportStale => 17,
            Code::ReportEmpty => 18,
            Code::ReportMissing => 19,
            Code::Warning => 20,
            Code::ArtifactMissing => 21,
            Code::ArtifactUnexpected => 22,
            Code::TreeChanged => 23,
            Code::RepositoryTouched => 24,
            Code::LeftoverProcesses => 25,
            Code::FlakyUnobservable => 26,
            Code::PointerLeft => 27,
            Code::FlakyHistory => 28,
        }
    }

    /// Whether the code can come from the machine rather than from the tree: a PASS on the same inputs does not contradict it.
    pub fn may_be_outside(self) -> bool {
        matches!(self, Code::TimedOut | Code::Killed | Code::LeftoverProcesses | Code::RepositoryTouched)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One fact in the evidence that forbids PASS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What kind of fact.
    pub code: Code,
    /// The test's full title, where the fact is about one. Bytes of a stranger: escaped when shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// What was seen, in one line.
    pub detail: String,
}

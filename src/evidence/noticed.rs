//! What was noticed around a suite's run, beside how it ended and what it reported.

/// Stands in what a line is like for any number of characters.
pub const ANYTHING: char = '\u{fffc}';

/// A fact about a run that its runner did not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// A process that the suite had started was still running at its end. It was ended.
    Leftover {
        /// The program's file name.
        program: String,
        /// Its command line, arguments joined by spaces and cut to a readable length.
        command: String,
    },
    /// A process that the suite had started went on for a moment after its end, and the report was written after that end.
    WroteLate {
        /// The program's file name.
        program: String,
        /// Its command line, arguments joined by spaces and cut to a readable length.
        command: String,
    },
    /// A file of the tree is not what it was before the suite.
    TreeChanged {
        /// Its path in the tree.
        path: String,
        /// What is different about it.
        how: String,
    },
    /// The user's hooks or configuration changed, or a ref appeared there that the workspace has too.
    RepositoryTouched {
        /// What changed.
        what: String,
    },
    /// A file of the tree holds a pointer to content that is stored elsewhere, in place of that content.
    PointerLeft {
        /// Its path in the tree.
        path: String,
    },
    /// A line that means failure.
    Warning {
        /// Where it stood: the log with the line's number, the warnings file, or the report.
        place: String,
        /// The line, without colour codes, cut to a readable length.
        line: String,
        /// The same as it was searched, [`ANYTHING`] in place of what is another in every run or not kept; `None` where no line says it.
        like: Option<String>,
    },
    /// The runner said that it does not know an option or a script.
    Usage {
        /// What it said, and what mends it.
        detail: String,
    },
    /// A tool around the runner showed an older result instead of running the tests.
    Cached {
        /// What it said.
        line: String,
    },
    /// A focused test in a source of the suite, or the runner's refusal of one.
    Focused {
        /// File and line, and what stands there.
        place: String,
    },
    /// An artifact that the suite has to leave is absent or empty.
    ArtifactMissing {
        /// The glob of the policy, and what is missing.
        what: String,
    },
    /// An artifact holds what it must not hold, lacks what it must hold, or differs from its baseline.
    ArtifactUnexpected {
        /// Its path.
        path: String,
        /// What is wrong with it.
        how: String,
    },
    /// Something that forbids nothing and is worth a line in the record.
    Note(String),
}

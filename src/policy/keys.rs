//! The table of every key of the policy file: the one list that reading, `docs/policy.md` and the schema share.
//!
//! What a key does to a comparison is told here in words; `compare` holds the rule itself, and a test holds both together.

/// What a key's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Free text.
    Text,
    /// A path in the repository or below the named folder.
    RelativePath,
    /// `true` or `false`.
    Switch,
    /// A whole number from the given least one.
    Number(u64),
    /// A time such as `90d`, `1h30m` or `240s`.
    Time,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A list of relative paths.
    RelativePaths,
    /// A glob of paths.
    Glob,
    /// A list of path globs.
    Globs,
    /// A list of ref or id globs.
    Names,
    /// A regular expression.
    Pattern,
    /// A list of regular expressions.
    Patterns,
    /// A program and its arguments.
    Command,
    /// A list of commands.
    Commands,
    /// An adapter's name, or a table with `adapter` and `flavor`.
    Report,
    /// A table of texts.
    Settings,
    /// A table whose keys follow in the list.
    Table,
    /// A table of tables by name.
    Named,
    /// A list of tables.
    Tables,
}

/// One key of the policy file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its full name; `*` stands for a suite's name.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// What holds where it is left out; empty where nothing does, `required` where it has to be there.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Which change of it needs no approval. Empty for a table, whose keys have rules of their own.
    pub stronger_when: &'static str,
    /// Whether a proof made under another value counts no more: it is part of the suite definition.
    pub proven: bool,
}

/// The names of adapters.
pub const ADAPTERS: &[&str] = &[
    "mocha-json",
    "playwright-json",
    "vitest-json",
    "jest-json",
    "junit-xml",
    "ctrf",
    "go-json",
    "node-test",
    "tap",
    "exit-code",
];

/// The dialects of JUnit XML.
pub const FLAVORS: &[&str] = &["pytest", "surefire", "nextest"];

const NEVER: &str = "never";
const ADDED: &str = "values are only added";
const REMOVED: &str = "values are only removed";
const SHORTER: &str = "shorter";
const TO_TRUE: &str = "`false` becomes `true`";
const CLAIMED: &str = "values are only added, and none takes a change away from the default suites";

const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    meaning: &'static str,
    stronger_when: &'static str,
) -> Key {
    Key { name, kind, default, meaning, stronger_when, proven: false }
}

const fn proven(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    meaning: &'static str,
    stronger_when: &'static str,
) -> Key {
    Key { name, kind, default, meaning, stronger_when, proven: true }
}

/// Every key, a table before its own.
pub const KEYS: &[Key] = &[
    key("version", Kind::Number(1), "required", "The format of the file: 1.", NEVER),
    key("repository", Kind::Table, "", "Which repository this is.", ""),
    key(
        "repository.id",
        Kind::Text,
        "the smallest root commit",
        "A random name written by `init`. A record counts for one repository only.",
        NEVER,
    ),
    key("gate", Kind::Table, "", "What is gated, and how the hook decides.", ""),
    key(
        "gate.branches",
        Kind::Names,
        "[\"main\", \"master\"]",
        "Remote branch names, without `refs/heads/`, that need a proof.",
        ADDED,
    ),
    key(
        "gate.tags",
        Kind::Names,
        "[\"v*\"]",
        "Tag names, without `refs/tags/`, that need a proof. A tag owes the default suites too.",
        ADDED,
    ),
    key(
        "gate.on_missing",
        Kind::Word(&["run", "refuse"]),
        "\"run\"",
        "Where a proof is missing: run it now, or refuse and name the command.",
        "always: either way nothing leaves without a PASS",
    ),
    key(
        "gate.hold",
        Kind::Time,
        "\"240s\"",
        "How long a proof may take before an ssh connection is given up and the push asked for again.",
        "always: either way nothing leaves without a PASS",
    ),
    key("gate.max_age", Kind::Time, "", "An older PASS counts no more for the subject itself.", "set, or shorter"),
    key("gate.since", Kind::Text, "", "A commit id. Tags and tips reachable from it show as BEFORE.", "taken out"),
    key(
        "gate.min_rules",
        Kind::Number(0),
        "",
        "Records judged by an older version of the judging rules count for nothing.",
        "set, or higher",
    ),
    key(
        "gate.allow_delete",
        Kind::Names,
        "[]",
        "Gated refs that may be deleted: names as above, or full names with `refs/`. Matched exactly, case included.",
        REMOVED,
    ),
    key("gate.allow_move", Kind::Names, "[]", "Gated tags that may be moved. Matched exactly, case included.", REMOVED),
    key("proof", Kind::Table, "", "How every suite is run.", ""),
    proven(
        "proof.prepare",
        Kind::Commands,
        "[]",
        "Commands run in the workspace before any suite. What they leave running is ended after the suites.",
        NEVER,
    ),
    proven(
        "proof.reset",
        Kind::Commands,
        "[]",
        "Commands run before each suite: the database in its known state.",
        NEVER,
    ),
    proven(
        "proof.ready",
        Kind::Commands,
        "[]",
        "Probes before each suite. One that fails is \"no proof\", not FAIL.",
        NEVER,
    ),
    proven("proof.teardown", Kind::Commands, "[]", "Commands run at the end, always.", NEVER),
    proven(
        "proof.identity",
        Kind::Commands,
        "[]",
        "Commands whose output is part of the inputs: versions of tools, say.",
        NEVER,
    ),
    key("proof.jobs", Kind::Number(1), "1", "Lanes. More than one only without `reset`.", "lower"),
    proven("proof.timeout", Kind::Time, "\"15m\"", "How long a suite may take.", SHORTER),
    key("proof.env", Kind::Table, "", "What suites see of the environment beside the fixed allow-list.", ""),
    proven("proof.env.pass", Kind::Texts, "[]", "Names of variables handed on with the value they have.", NEVER),
    proven("proof.env.set", Kind::Settings, "{}", "Variables with a fixed value.", NEVER),
    proven("proof.home", Kind::RelativePaths, "[]", "Files of the real home that suites may see.", NEVER),
    proven("proof.copy", Kind::RelativePaths, "[]", "Untracked files of the work tree that suites may see.", NEVER),
    proven(
        "proof.caches",
        Kind::Word(&["shared", "fresh"]),
        "\"shared\"",
        "Package stores: the user's, or empty ones.",
        "`shared` becomes `fresh`",
    ),
    proven(
        "proof.git",
        Kind::Word(&["tree", "history"]),
        "\"tree\"",
        "What the workspace's own repository holds: one parentless commit, or the real one with its history and tags.",
        NEVER,
    ),
    proven(
        "proof.filters",
        Kind::Texts,
        "[]",
        "Filter drivers that may run at checkout, with the commands of the user's configuration; `lfs` is filled from the local storage.",
        NEVER,
    ),
    proven(
        "proof.workspace",
        Kind::Word(&["fresh", "reuse"]),
        "\"fresh\"",
        "A new folder per proof, or one that is checked clean and used again.",
        "`reuse` becomes `fresh`",
    ),
    proven(
        "proof.target",
        Kind::Text,
        "",
        "A label of what is proven against, such as `local` or `staging`. Recorded.",
        NEVER,
    ),
    key(
        "proof.require_terminal",
        Kind::Switch,
        "true",
        "A proof is only run from a terminal and not where `CI` is set.",
        TO_TRUE,
    ),
    key("kinds", Kind::Table, "", "What a changed path is. The rest is code.", ""),
    key("kinds.schema", Kind::Globs, "[]", "Migrations.", "globs are only added, and no suite has `schema` patterns"),
    key(
        "kinds.config",
        Kind::Globs,
        "[]",
        "Configuration.",
        "globs are only added, and no suite has `config` patterns",
    ),
    key(
        "kinds.policy",
        Kind::Globs,
        "[]",
        "Business policies.",
        "globs are only added, and no suite has `policy` patterns",
    ),
    key(
        "suites",
        Kind::Named,
        "required",
        "The suites by name: letters, digits, `.`, `_` and `-`, at most 64.",
        "suites are only added, and no claim of theirs takes a change away from the default suites",
    ),
    proven(
        "suites.*.run",
        Kind::Command,
        "required",
        "The command. No shell reads it; `{report}` is replaced by the path of the report.",
        NEVER,
    ),
    key("suites.*.paths", Kind::Globs, "[]", "Paths that call for it.", CLAIMED),
    key("suites.*.config", Kind::Names, "[]", "Ids of configuration changes that call for it.", CLAIMED),
    key("suites.*.schema", Kind::Names, "[]", "Ids of schema changes that call for it.", CLAIMED),
    key("suites.*.policy", Kind::Names, "[]", "Ids of policy changes that call for it.", CLAIMED),
    key(
        "suites.*.default",
        Kind::Switch,
        "false",
        "Owed by tags and by changes that no suite claims. Where no suite says so, all are.",
        "no suite stops being a default one",
    ),
    proven(
        "suites.*.report",
        Kind::Report,
        "required",
        "How its report is read: an adapter's name, or a table.",
        NEVER,
    ),
    proven("suites.*.report.adapter", Kind::Word(ADAPTERS), "required", "The adapter.", NEVER),
    proven(
        "suites.*.report.flavor",
        Kind::Word(FLAVORS),
        "",
        "A dialect of `junit-xml` that says what its marks of a second attempt mean.",
        NEVER,
    ),
    proven(
        "suites.*.flaky",
        Kind::Word(&["unobservable"]),
        "",
        "The team accepts that the adapter cannot see retries. Recorded.",
        "taken out",
    ),
    proven(
        "suites.*.min_tests",
        Kind::Number(1),
        "1",
        "Fewer executed tests are a finding. Not for `exit-code`.",
        "higher",
    ),
    proven("suites.*.allow_skipped", Kind::Tables, "[]", "Tests that may be skipped.", REMOVED),
    proven(
        "suites.*.allow_skipped.test",
        Kind::Pattern,
        "required",
        "Matches anywhere in a test's full title.",
        REMOVED,
    ),
    proven("suites.*.allow_skipped.reason", Kind::Text, "required", "Why.", "always: it is for readers"),
    proven(
        "suites.*.allow_leftover",
        Kind::Tables,
        "[]",
        "Programs that may be left running; they are ended.",
        REMOVED,
    ),
    proven(
        "suites.*.allow_leftover.program",
        Kind::Pattern,
        "required",
        "Matches anywhere in the program's file name or its command line.",
        REMOVED,
    ),
    proven("suites.*.allow_leftover.reason", Kind::Text, "required", "Why.", "always: it is for readers"),
    proven("suites.*.timeout", Kind::Time, "`[proof] timeout`", "How long this suite may take.", SHORTER),
    key("suites.*.exclusive", Kind::Switch, "false", "Runs alone.", TO_TRUE),
    proven("suites.*.artifacts", Kind::Tables, "[]", "What it must leave.", "rules are only added, or ask for more"),
    proven("suites.*.artifacts.paths", Kind::Glob, "required", "The files.", NEVER),
    proven(
        "suites.*.artifacts.at_least",
        Kind::Number(0),
        "1",
        "How many there have to be that are not empty.",
        "higher",
    ),
    proven("suites.*.artifacts.require", Kind::Patterns, "[]", "Each must match some line of every file.", ADDED),
    proven("suites.*.artifacts.forbid", Kind::Patterns, "[]", "None may match any line.", ADDED),
    proven(
        "suites.*.artifacts.baseline",
        Kind::RelativePath,
        "",
        "A folder of the tree with pictures that have to be the same, under the same names.",
        NEVER,
    ),
    key("suites.*.env", Kind::Table, "", "Added to `[proof] env`; a value set here wins.", ""),
    proven("suites.*.env.pass", Kind::Texts, "[]", "Names of variables handed on with the value they have.", NEVER),
    proven("suites.*.env.set", Kind::Settings, "{}", "Variables with a fixed value.", NEVER),
    proven("suites.*.sources", Kind::Globs, "[]", "Sources scanned for focused tests (`.only`).", ADDED),
    key("warnings", Kind::Table, "", "Lines of output that are findings.", ""),
    proven("warnings.fail", Kind::Patterns, "[]", "Added to the built-in list.", ADDED),
    proven("warnings.allow", Kind::Tables, "[]", "Exceptions.", REMOVED),
    proven("warnings.allow.pattern", Kind::Pattern, "required", "Matches anywhere in a line.", REMOVED),
    proven("warnings.allow.reason", Kind::Text, "required", "Why.", "always: it is for readers"),
    key("changelog", Kind::Table, "", "The Operations Changelog.", ""),
    key("changelog.path", Kind::RelativePath, "\"OPERATIONS_CHANGELOG.md\"", "Where it lies: a `.md` file.", NEVER),
    key(
        "changelog.require",
        Kind::Switch,
        "false",
        "A push also needs in it the lines of the records that it rests on.",
        TO_TRUE,
    ),
    key("records", Kind::Table, "", "How verdicts are kept.", ""),
    key(
        "records.sign",
        Kind::Word(&["never", "auto", "required"]),
        "\"auto\"",
        "Signed with the user's own git signing set-up: never, where it is set up, or always, and then only signed records count.",
        "further right in `never`, `auto`, `required`",
    ),
    key(
        "records.share",
        Kind::Word(&["never", "try", "required"]),
        "\"try\"",
        "The log is pushed along: never, if it can be, or the push is refused.",
        "further right in `never`, `try`, `required`",
    ),
    key("evidence", Kind::Table, "", "Where evidence is kept.", ""),
    key("evidence.keep", Kind::Time, "\"180d\"", "How long.", "longer"),
    key(
        "evidence.folder",
        Kind::RelativePath,
        "the git directory",
        "A folder to keep it below. Not supported yet: no proof is made where it is set.",
        NEVER,
    ),
    key("monitor", Kind::Table, "", "What `monitor` watches after a change.", "added"),
    key("monitor.for", Kind::Time, "\"15m\"", "How long.", "longer"),
    key("monitor.every", Kind::Time, "\"30s\"", "How often.", SHORTER),
    key("monitor.checks", Kind::Commands, "required", "What is run.", ADDED),
];

/// The names of the keys of one table, `suites.*.env` say; the top's own for an empty name.
pub(super) fn of(table: &str) -> Vec<&'static str> {
    let below = |key: &Key| match key.name.rsplit_once('.') {
        Some((parent, own)) => (parent == table).then_some(own),
        None => table.is_empty().then_some(key.name),
    };
    KEYS.iter().filter_map(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_table_are_its_own_only() {
        assert_eq!(of("proof.env"), ["pass", "set"]);
        assert_eq!(of("warnings"), ["fail", "allow"]);
        assert!(of("").contains(&"version") && !of("").contains(&"branches"));
    }

    #[test]
    fn no_key_is_named_twice() {
        let names: std::collections::BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
    }
}

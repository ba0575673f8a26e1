//! The lists of patterns, compiled: what fails, what is allowed, what is counted.

use std::fmt;
use std::sync::{Arc, LazyLock};

use bstr::ByteSlice as _;
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::built_in::{COUNTED, FAILING};
use super::cached::{HINTS, is_cached};
use crate::policy::Warnings;

/// Twice what a policy's pattern may take: for bytes one compiles a little larger than for text.
const SIZE_OF_ONE: usize = 2 << 20;

/// What a set of patterns and its searching may take. Larger ones are searched one by one.
const SIZE_OF_ALL: usize = 2 << 20;

/// Which lines of output are warnings, and which of them are allowed. Cheap to clone.
#[derive(Clone)]
pub struct WarningLists {
    built_in: &'static BuiltIn,
    own: Arc<Own>,
}

/// The built-in lists, compiled once.
struct BuiltIn {
    /// Both as one pattern, with what tells of a cache, that searches many lines at once. Finds the start of whatever one of them could match.
    search: Regex,
    failing: RegexSet,
    counted: RegexSet,
}

/// What a policy adds.
struct Own {
    failing: Set,
    allowed: Set,
    policy: Warnings,
}

static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(|| {
    let failing = || FAILING.iter().map(|entry| entry.pattern);
    let counted = || COUNTED.iter().map(|entry| entry.pattern);
    let any =
        failing().chain(counted()).chain(HINTS).map(|pattern| format!("(?:{pattern})")).collect::<Vec<_>>().join("|");
    // A carriage return starts a line anew too.
    let search = RegexBuilder::new(&any).multi_line(true).crlf(true).build();
    let why = "the built-in patterns compile";
    BuiltIn {
        search: search.expect(why),
        failing: RegexSet::new(failing()).expect(why),
        counted: RegexSet::new(counted()).expect(why),
    }
});

/// What a line is, as far as patterns tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A tool showed an older result of tests; no policy allows that.
    Cached,
    /// It means failure: the place in the built-in list.
    BuiltIn(usize),
    /// It means failure: the place in the policy's `fail`.
    Own(usize),
    /// It would, but the policy allows it: the place in its `allow`.
    Allowed(usize),
    /// It is counted: the place in that list.
    Counted(usize),
}

impl Default for WarningLists {
    /// The built-in lists alone.
    fn default() -> Self {
        WarningLists::of(&Warnings::default())
    }
}

impl WarningLists {
    /// The built-in lists and what a policy adds.
    pub fn of(policy: &Warnings) -> Self {
        let own = Own {
            failing: Set::new(policy.fail.iter().map(String::as_str)),
            allowed: Set::new(policy.allow.iter().map(|allow| allow.pattern.as_str())),
            policy: policy.clone(),
        };
        WarningLists { built_in: &BUILT_IN, own: Arc::new(own) }
    }

    /// Whether the policy adds patterns of its own, which can only be held against one line after the other.
    pub(super) fn has_own(&self) -> bool {
        !self.own.failing.patterns.is_empty()
    }

    /// Whether one of the policy's own patterns matches a line.
    pub(super) fn is_own(&self, line: &[u8]) -> bool {
        self.own.failing.first(line).is_some()
    }

    /// Where the next text stands, from `at` on, that one of the built-in lists could match within its line.
    pub(super) fn next(&self, lines: &[u8], at: usize) -> Option<usize> {
        self.built_in.search.find_at(lines, at).map(|found| found.start())
    }

    /// What a line is; of several things the worst.
    pub(super) fn kind(&self, line: &[u8]) -> Option<Kind> {
        if is_cached(&line.to_str_lossy()) {
            return Some(Kind::Cached);
        }
        let built_in = || self.built_in.failing.matches(line).iter().next().map(Kind::BuiltIn);
        match built_in().or_else(|| self.own.failing.first(line).map(Kind::Own)) {
            Some(fails) => Some(self.own.allowed.first(line).map_or(fails, Kind::Allowed)),
            None => self.built_in.counted.matches(line).iter().next().map(Kind::Counted),
        }
    }

    /// Where in a line stands what made it that.
    pub(super) fn place(&self, line: &[u8], kind: Kind) -> usize {
        let pattern = match kind {
            Kind::Cached | Kind::BuiltIn(_) | Kind::Counted(_) => &self.built_in.search,
            Kind::Own(index) => &self.own.failing.patterns[index],
            Kind::Allowed(index) => &self.own.allowed.patterns[index],
        };
        pattern.find(line).map_or(0, |found| found.start())
    }

    /// The words for a kind of line.
    pub(super) fn name(&self, kind: Kind) -> String {
        match kind {
            Kind::Cached => "results from a cache".to_owned(),
            Kind::BuiltIn(index) => FAILING[index].name.to_owned(),
            Kind::Own(index) => format!("'{}'", self.own.policy.fail[index]),
            Kind::Allowed(index) => self.own.policy.allow[index].reason.clone(),
            Kind::Counted(index) => COUNTED[index].name.to_owned(),
        }
    }
}

impl fmt::Debug for WarningLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WarningLists").field(&self.own.policy).finish()
    }
}

/// Patterns of a policy.
struct Set {
    /// All of them at once, unless they are too large for that.
    all: Option<RegexSet>,
    patterns: Vec<Regex>,
}

impl Set {
    fn new<'p>(patterns: impl Iterator<Item = &'p str>) -> Self {
        let patterns: Vec<Regex> = patterns
            .map(|pattern| {
                let built = RegexBuilder::new(pattern)
                    .size_limit(SIZE_OF_ONE)
                    .dfa_size_limit(SIZE_OF_ONE)
                    .nest_limit(100)
                    .build();
                built.expect("the policy was read, and refuses a pattern that does not compile")
            })
            .collect();
        let all = RegexSetBuilder::new(patterns.iter().map(Regex::as_str))
            .size_limit(SIZE_OF_ALL)
            .dfa_size_limit(SIZE_OF_ALL)
            .nest_limit(100)
            .build();
        Set { all: all.ok(), patterns }
    }

    /// The first pattern that matches.
    fn first(&self, line: &[u8]) -> Option<usize> {
        match &self.all {
            _ if self.patterns.is_empty() => None,
            Some(all) if !all.is_match(line) => None,
            Some(all) => all.matches(line).iter().next(),
            None => self.patterns.iter().position(|pattern| pattern.is_match(line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::AllowWarning;

    #[test]
    fn patterns_that_are_too_large_together_still_match_one_by_one() {
        let large = |first: char| format!("{first}[\\w\\s]{{40}}x");
        let fail: Vec<String> = ('a'..='z').map(large).collect();
        let lists = WarningLists::of(&Warnings { fail, allow: Vec::new() });
        assert!(lists.own.failing.all.is_none(), "they fit together: the test is of no use");
        let line = format!("q{}x", "é".repeat(40));
        assert_eq!(lists.kind(line.as_bytes()), Some(Kind::Own(16)));
    }

    #[test]
    fn of_several_things_a_line_is_the_worst() {
        let allow = vec![AllowWarning { pattern: "Socket".into(), reason: "on purpose".into() }];
        let lists = WarningLists::of(&Warnings { fail: vec!["slow".into()], allow });
        for (line, kind) in [
            ("DeprecationWarning", Some(Kind::Counted(0))),
            ("slow DeprecationWarning", Some(Kind::Own(0))),
            ("slow Segmentation fault", Some(Kind::BuiltIn(13))),
            ("slow Socket", Some(Kind::Allowed(0))),
            ("Socket", None),
        ] {
            assert_eq!(lists.kind(line.as_bytes()), kind, "{line}");
        }
    }
}

//! The numbers that a suite states about itself, against what it holds.
//!
//! They never make a verdict better: a number only counts where it says that something is not shown.

use roxmltree::Node;

use crate::evidence::adapters::Malformed;
use crate::evidence::text::bounded;

/// What the cases below an element add up to.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    /// Every `<testcase>`.
    pub(super) cases: u64,
    /// Marks of failure, of cases and suites; at least one for each case that counts as failed.
    pub(super) failures: u64,
    /// Cases that passed after a failed attempt.
    pub(super) flaky: u64,
    /// Cases with a mark that they were skipped, whatever else they hold.
    pub(super) skipped: u64,
    /// Suites right below the element. Those inside of them are not added up.
    pub(super) suites: u64,
}

impl Seen {
    pub(super) fn add(&mut self, other: Seen) {
        self.cases += other.cases;
        self.failures += other.failures;
        self.flaky += other.flaky;
        self.skipped += other.skipped;
    }
}

/// The attributes of a suite that count something.
pub(super) struct Stated {
    tests: Option<u64>,
    /// Failures and errors: dialects do not agree on which is which.
    failures: Option<u64>,
    flaky: Option<u64>,
    skipped: Option<u64>,
}

impl Stated {
    pub(super) fn of(suite: Node<'_, '_>) -> Result<Self, Malformed> {
        Ok(Stated {
            tests: sum(suite, &["tests"])?,
            failures: sum(suite, &["failures", "errors"])?,
            flaky: sum(suite, &["flakes"])?,
            skipped: sum(suite, &["skipped", "ignored", "disabled"])?,
        })
    }

    /// `own` are the cases right below the suite, `all` those of the suites inside of it as well. A suite's numbers may
    /// count either, or, as node's runner does, what stands right below it: cases and suites.
    pub(super) fn contradictions(&self, suite: &str, own: Seen, all: Seen) -> Vec<String> {
        let suite = if suite.is_empty() { "the report".to_owned() } else { format!("suite '{}'", bounded(suite)) };
        let more = |what: &str, stated: Option<u64>, seen: u64| {
            let stated = stated.filter(|stated| *stated > seen)?;
            Some(format!("{suite} counts {stated} {what}, and shows {seen}"))
        };
        let fewer = self.tests.filter(|stated| {
            // Some count no skipped or todo test.
            let counts = |seen: Seen| (seen.cases.saturating_sub(seen.skipped)..=seen.cases).contains(stated);
            let children = Seen { cases: own.cases + own.suites, ..own };
            *stated < all.cases && ![own, all, children].into_iter().any(counts)
        });
        [
            more("failed", self.failures, all.failures),
            more("flaky", self.flaky, all.flaky),
            more("skipped", self.skipped, all.skipped),
            more("in all", self.tests, all.cases),
            fewer.map(|stated| format!("{suite} counts {stated} in all, and shows {}", all.cases)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The sum of the attributes that are there, `None` where none is.
fn sum(suite: Node<'_, '_>, names: &[&str]) -> Result<Option<u64>, Malformed> {
    let mut sum = None;
    for name in names {
        let Some(value) = suite.attribute(*name) else { continue };
        let number: u32 =
            value.trim().parse().map_err(|_| Malformed::new(format!("{name}=\"{value}\" is not a count")))?;
        *sum.get_or_insert(0) += u64::from(number);
    }
    Ok(sum)
}

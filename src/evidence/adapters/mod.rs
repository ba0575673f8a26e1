//! The readers of reports, one file a format, each with what is known of the runner behind it.
//!
//! A reader sees bytes and gives a [`TestReport`], or says in one line why the bytes are none. It believes a report's
//! bad news and checks its good news: what it does not know is a failure, and what is cut short is refused.

mod ctrf;
mod go_json;
mod jest_json;
mod jest_shape;
mod junit_xml;
mod mocha_json;
mod node;
mod node_test;
mod playwright_json;
mod tap;
mod vitest_json;

use std::path::Path;

use super::recipe::Recipe;
use super::report::{ReportEvidence, TestReport};
use super::text;
use crate::judge::Code;
use crate::policy::{Adapter, Flavor, Report};

/// What is known of one format of report, and of the runner that writes it. Each adapter's file holds one of these.
struct Format {
    /// Reads the bytes of a report. Pure, and never panics whatever they are.
    parse: fn(&[u8], Option<Flavor>, Hear<'_>) -> Parsed,
    /// What makes the runner behind an argv write its report to a file.
    recipe: fn(&[String], &Path) -> Recipe,
    /// The runner's options that choose tests by their titles.
    filter: FilterOptions,
    /// Whether a test that passed only after a failed attempt can be told from one that passed at once.
    retries: fn(Option<Flavor>) -> Retries,
    /// What the runner lets nobody see, beside retries.
    unseen: Option<&'static str>,
}

/// Takes what tests printed, as far as the report holds it: any number of lines at once.
type Hear<'a> = &'a mut dyn FnMut(&str);

/// The options by which a runner chooses tests by their titles. Each takes a value, as `--option value` or `--option=value`; one of a
/// single letter also as `-gvalue`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterOptions {
    /// A regular expression that the title has to match.
    pub pattern: &'static [&'static str],
    /// A text that the title has to hold.
    pub text: &'static [&'static str],
    /// A regular expression that the title must not match.
    pub without: &'static [&'static str],
    /// Options without a value that turn `pattern` and `text` round.
    pub invert: &'static [&'static str],
}

/// Whether an adapter's reports show retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retries {
    /// They do, or the runner has none.
    Seen,
    /// They do not: a flaky test looks like one that passed.
    Unseen,
}

/// Why bytes are no report of the format.
#[derive(Debug)]
struct Malformed(String);

impl Malformed {
    fn new(detail: impl std::fmt::Display) -> Self {
        Malformed(text::headline(&detail.to_string()))
    }
}

/// More tests than this are no report of a suite, and would take gigabytes to hold.
pub(super) const MAX_CASES: usize = 1_000_000;

/// What the adapters give: the report, or why there is none.
type Parsed = Result<TestReport, Malformed>;

/// The format of an adapter; none where no report is read.
fn format(adapter: Adapter) -> Option<&'static Format> {
    match adapter {
        Adapter::MochaJson => Some(&mocha_json::FORMAT),
        Adapter::JunitXml => Some(&junit_xml::FORMAT),
        Adapter::NodeTest => Some(&node_test::FORMAT),
        Adapter::PlaywrightJson => Some(&playwright_json::FORMAT),
        Adapter::VitestJson => Some(&vitest_json::FORMAT),
        Adapter::JestJson => Some(&jest_json::FORMAT),
        Adapter::Ctrf => Some(&ctrf::FORMAT),
        Adapter::GoJson => Some(&go_json::FORMAT),
        Adapter::Tap => Some(&tap::FORMAT),
        Adapter::ExitCode => None,
    }
}

/// Reads the bytes of a report, and gives what it holds of the tests' output to `hear`. Never panics whatever the bytes are.
pub fn parse_report(report: Report, bytes: &[u8], hear: Hear<'_>) -> ReportEvidence {
    let Some(format) = format(report.adapter) else {
        return ReportEvidence::NotAsked;
    };
    let bytes = without_mark(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        let detail = if bytes.is_empty() { "the report is empty" } else { "the report is blank" };
        return ReportEvidence::Unusable { code: Code::ReportEmpty, detail: detail.to_owned() };
    }
    match (format.parse)(bytes, report.flavor, hear) {
        Ok(report) if report.cases.len() > MAX_CASES => {
            ReportEvidence::malformed(format!("the report holds more than {MAX_CASES} tests"))
        }
        Ok(report) => ReportEvidence::Read(report),
        Err(Malformed(detail)) => ReportEvidence::malformed(detail),
    }
}

/// Some tools write a byte order mark in front of UTF-8. In XML it says more than the declaration, so there it stays.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").filter(|rest| !rest.starts_with(b"<")).unwrap_or(bytes)
}

/// What makes the runner behind `argv` write `report` to `report_file`, and where it is one on node, node its warnings beside that.
pub fn recipe(report: Report, argv: &[String], report_file: &Path) -> Recipe {
    let mut recipe = format(report.adapter).map(|format| (format.recipe)(argv, report_file)).unwrap_or_default();
    if recipe.variables.iter().any(|(name, _)| name == node::OPTIONS) {
        node::note_warnings(&mut recipe, report_file);
    }
    recipe
}

/// The options of the runner behind an adapter that choose tests by their titles.
pub fn filter_options(adapter: Adapter) -> FilterOptions {
    format(adapter).map(|format| format.filter).unwrap_or_default()
}

/// Whether retries show in such a report. An exit code alone never shows any; who chooses that adapter by its name knows.
pub fn retries(report: Report) -> Retries {
    format(report.adapter).map_or(Retries::Unseen, |format| (format.retries)(report.flavor))
}

/// What a run read by this adapter cannot show, whatever happened; a record says so. Retries are told by [`retries`].
pub fn unseen(adapter: Adapter) -> Option<&'static str> {
    match format(adapter) {
        Some(format) => format.unseen,
        None => Some("tests: how many there were, and which were retried, skipped or failed"),
    }
}

/// A recipe of nothing: the report's path comes to the runner by `{report}` in argv, or by `PROOF_REPORT`.
fn by_argv(_: &[String], _: &Path) -> Recipe {
    Recipe::default()
}

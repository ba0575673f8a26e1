//! TAP, the Test Anything Protocol, versions 12 to 14: mocha, node, vitest, Perl, bats, pg_prove and many more write it.
//!
//! Nothing but its plan tells a whole report from one that is cut, so none is believed without. A test that holds others is a group: what
//! counts are the tests in it, and the group only where it failed and none of them did. `not ok` is a failure whatever stands behind
//! it, `# todo` and `# SKIP` too. Lines that are no TAP are what tests printed; if they look like TAP they count.
//!
//! Sources: the specifications of versions 13 and 14 at testanything.org, and what the runners above write.

mod line;

use std::path::Path;

use self::line::{Directive, Line, Point};
use super::{FilterOptions, Format, Hear, Malformed, Parsed, Retries, node};
use crate::evidence::recipe::{Recipe, ReportFrom};
use crate::evidence::report::{Outcome, SuiteError, TestCase, TestReport};
use crate::evidence::text::{bounded, headline};

pub(super) const FORMAT: Format = Format {
    parse: |bytes, _, hear| parse(bytes, hear),
    recipe,
    // Whose report it is does not show.
    filter: FilterOptions { pattern: &[], text: &[], without: &[], invert: &[] },
    retries: |_| Retries::Unseen,
    unseen: None,
};

/// Tests inside of tests.
const MAX_DEPTH: usize = 32;

/// The report is what the command prints, unless it is told where to write it.
fn recipe(argv: &[String], _: &Path) -> Recipe {
    let is_told = argv.iter().any(|argument| argument.contains("{report}"));
    Recipe { from: if is_told { ReportFrom::File } else { ReportFrom::Stdout }, ..Recipe::default() }
}

fn parse(bytes: &[u8], hear: Hear<'_>) -> Parsed {
    if bytes.contains(&0) {
        return Err(Malformed::new("not TAP: it holds a byte of value 0"));
    }
    let Some(whole) = bytes.strip_suffix(b"\n") else {
        return Err(Malformed::new("the last line does not end"));
    };
    let mut reader = Reader::new();
    for (number, line) in (1_u64..).zip(whole.split(|byte| *byte == b'\n')) {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        reader.line(&line, hear).map_err(|Malformed(why)| Malformed::new(format!("line {number}: {why}")))?;
    }
    reader.end()
}

struct Reader {
    report: TestReport,
    /// The tests of the report itself, then those of the groups around the current line.
    levels: Vec<Level>,
    /// A test whose line opens a brace: a group if what follows stands deeper.
    opened: Option<Point>,
    /// The block of details that the current line stands in.
    block: Option<Block>,
    /// What a line that is no test may explain: the case that failed last.
    unexplained: Option<usize>,
    /// How deep a block of details must stand to belong to the test above.
    point_indent: Option<usize>,
    is_bailed_out: bool,
    /// Lines of tests and groups that failed.
    failures: u64,
    /// How many the runner counts, behind its last test.
    stated_failures: u64,
}

/// Tests beside each other.
#[derive(Default)]
struct Level {
    plan: Option<u64>,
    count: u64,
    /// The first of the report's cases that stands in it.
    first_case: usize,
    /// The group that it is, where that stood in front.
    group: Option<Point>,
}

/// Details of a test, in YAML.
struct Block {
    indent: usize,
    /// Whether the next line is a message.
    message_follows: bool,
}

impl Reader {
    fn new() -> Self {
        Reader {
            report: TestReport::default(),
            levels: vec![Level::default()],
            opened: None,
            block: None,
            unexplained: None,
            point_indent: None,
            is_bailed_out: false,
            failures: 0,
            stated_failures: 0,
        }
    }

    fn line(&mut self, text: &str, hear: Hear<'_>) -> Result<(), Malformed> {
        let indent = text.len() - text.trim_start_matches(' ').len();
        let words = text.trim();
        if self.block.is_some() {
            return self.detail(indent, words);
        }
        if words == "---" && self.point_indent.is_some_and(|point| indent > point) {
            self.block = Some(Block { indent, message_follows: false });
            return Ok(());
        }
        if words == "}" && self.closes_a_brace(indent / 4) {
            return self.close_brace();
        }
        // What stands elsewhere is text that was printed, unless it is bad news.
        let line = match indent.is_multiple_of(4) {
            true => Line::of(words)?,
            false => {
                if let Ok(Line::Point(Point { is_ok: false, title, .. })) = Line::of(words) {
                    let title = bounded(&title);
                    self.report
                        .contradictions
                        .push(format!("a test failed at an indentation that no group has: {title}"));
                }
                Line::Other
            }
        };
        match line {
            Line::Failed(count) => {
                if indent == 0 {
                    self.stated_failures = self.stated_failures.saturating_add(count);
                }
                Ok(())
            }
            Line::Comment | Line::Other => {
                let said = words.trim_start_matches('#').trim();
                if !said.starts_with("Subtest:") {
                    hear(said);
                    self.explain(said);
                }
                Ok(())
            }
            Line::Version | Line::Pragma => Ok(()),
            Line::BailOut(reason) => {
                self.is_bailed_out = true;
                let detail =
                    if reason.is_empty() { "Bail out!".to_owned() } else { format!("Bail out! {}", headline(reason)) };
                self.report.errors.push(SuiteError { title: None, file: None, detail });
                Ok(())
            }
            Line::Plan(plan) => {
                self.point_indent = None;
                self.go_to(indent / 4)?;
                let level = self.levels.last_mut().expect("the report's own level stays");
                if level.plan.replace(plan).is_some() {
                    return Err(Malformed::new("a second plan"));
                }
                Ok(())
            }
            Line::Point(point) => {
                self.point_indent = Some(indent);
                self.point(indent / 4, point)
            }
        }
    }

    /// A line within a block of details. A test that printed `---` must not make those after it details.
    fn detail(&mut self, indent: usize, words: &str) -> Result<(), Malformed> {
        let Some(block) = &mut self.block else { return Ok(()) };
        if indent < block.indent && !words.is_empty() {
            return Err(Malformed::new("the details of a test do not end with '...'"));
        }
        if words == "..." && indent == block.indent {
            self.block = None;
            return Ok(());
        }
        let message = match ["message:", "error:"].iter().find_map(|key| words.strip_prefix(key)) {
            Some(message) => message.trim(),
            None if std::mem::take(&mut block.message_follows) => words,
            None => return Ok(()),
        };
        block.message_follows = message.is_empty() || message.starts_with(['|', '>']);
        if !block.message_follows {
            self.explain(message.trim_matches(['\'', '"']));
        }
        Ok(())
    }

    fn explain(&mut self, said: &str) {
        let Some(case) = self.unexplained.and_then(|index| self.report.cases.get_mut(index)) else { return };
        let said = headline(said);
        if case.detail.is_none() && !said.is_empty() {
            case.detail = Some(said);
        }
    }

    /// Makes `depth` the current one: one deeper opens a group, less deep is only for [`point`](Self::point).
    fn go_to(&mut self, depth: usize) -> Result<(), Malformed> {
        let current = self.levels.len() - 1;
        let opened = self.opened.take();
        if depth == current + 1 && depth <= MAX_DEPTH {
            self.levels.push(Level { first_case: self.report.cases.len(), group: opened, ..Level::default() });
            return Ok(());
        }
        if let Some(point) = opened {
            self.leaf(point.with_brace());
        }
        match depth {
            depth if depth == current => Ok(()),
            depth if depth < current => Err(Malformed::new("a group ends without its own line")),
            _ => Err(Malformed::new("it stands deeper than any test")),
        }
    }

    fn point(&mut self, depth: usize, point: Point) -> Result<(), Malformed> {
        let ends_a_group =
            depth + 2 == self.levels.len() && self.levels.last().is_some_and(|level| level.group.is_none());
        let inner = if ends_a_group {
            if let Some(opened) = self.opened.take() {
                self.leaf(opened.with_brace());
            }
            self.levels.pop()
        } else {
            self.go_to(depth)?;
            None
        };
        self.failures += u64::from(!point.is_ok);
        // A count that stands before a test was printed by another one.
        self.stated_failures = 0;
        let level = self.levels.last_mut().expect("the report's own level stays");
        level.count += 1;
        if let Some(number) = point.number.filter(|number| *number != level.count) {
            let due = level.count;
            self.report
                .contradictions
                .push(format!("test {number} stands where {due} is due: {}", bounded(&point.title)));
        }
        match inner {
            Some(inner) => self.group(inner, point),
            None if point.opens_a_brace => {
                self.opened = Some(point);
                Ok(())
            }
            None => {
                self.leaf(point);
                Ok(())
            }
        }
    }

    fn closes_a_brace(&self, depth: usize) -> bool {
        depth + 2 == self.levels.len() && self.levels.last().is_some_and(|level| level.group.is_some())
    }

    fn close_brace(&mut self) -> Result<(), Malformed> {
        if let Some(opened) = self.opened.take() {
            self.leaf(opened.with_brace());
        }
        self.point_indent = None;
        let mut inner = self.levels.pop().expect("a brace closes a level");
        let point = inner.group.take().expect("a brace closes a group");
        self.group(inner, point)
    }

    /// Ends a group: its name goes in front of the tests in it.
    fn group(&mut self, inner: Level, point: Point) -> Result<(), Malformed> {
        self.check_plan(&inner)?;
        let cases = &mut self.report.cases[inner.first_case..];
        for case in &mut *cases {
            case.title = bounded(&format!("{} {}", point.title, case.title));
        }
        let holds_a_failure = cases.iter().any(|case| case.outcome == Outcome::Failed);
        self.unexplained = None;
        if !point.is_ok && !holds_a_failure {
            self.leaf(point);
        }
        Ok(())
    }

    fn leaf(&mut self, point: Point) {
        let outcome = match (point.is_ok, point.directive) {
            (false, _) => Outcome::Failed,
            (true, None) => Outcome::Passed,
            // What is still to be done is not relied on, though it ran.
            (true, Some(Directive::Skip | Directive::Todo)) => Outcome::Skipped,
        };
        self.unexplained = (outcome == Outcome::Failed).then_some(self.report.cases.len());
        let detail = (!point.reason.is_empty()).then(|| headline(&point.reason));
        self.report.cases.push(TestCase { title: bounded(&point.title), identity: 0, file: None, outcome, detail });
    }

    fn check_plan(&mut self, level: &Level) -> Result<(), Malformed> {
        let Level { plan, count, .. } = *level;
        match plan {
            _ if self.is_bailed_out => {}
            None => return Err(Malformed::new("there is no plan, so nothing tells whether tests are missing")),
            Some(plan) if count < plan => {
                return Err(Malformed::new(format!("the plan says {plan} tests, {count} are there")));
            }
            Some(plan) if count > plan => {
                self.report.contradictions.push(format!("the plan says {plan} tests, {count} are there"));
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn end(mut self) -> Parsed {
        if self.block.is_some() {
            return Err(Malformed::new("the report ends within the details of a test"));
        }
        if (self.opened.is_some() || self.levels.len() > 1) && !self.is_bailed_out {
            return Err(Malformed::new("the report ends within a group of tests"));
        }
        let level = self.levels.swap_remove(0);
        self.check_plan(&level)?;
        if self.stated_failures > self.failures {
            let Reader { stated_failures, failures, .. } = self;
            self.report
                .contradictions
                .push(format!("the runner counts {stated_failures} failed, the report shows {failures}"));
        }
        for case in &mut self.report.cases {
            case.identity = TestCase::identity_of(&case.title);
        }
        node::split_off_files(&mut self.report);
        Ok(self.report)
    }
}

#[cfg(test)]
mod tests;

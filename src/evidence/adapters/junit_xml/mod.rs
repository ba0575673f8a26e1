//! JUnit XML in all its dialects: surefire, Gradle, pytest, nextest, node, Playwright, vitest, jest, PHPUnit, RSpec, .NET.
//!
//! There is no standard. What all dialects share is read from cases and their marks; what a suite states in numbers is
//! only compared with them. Retries show in the dialects that mark them; the others hide them, and no reader can see it.

pub(super) mod document;
mod marks;
mod stated;
mod words;

use std::collections::HashMap;

use roxmltree::{Document, Node};

use self::marks::{Marks, what_it_says};
use self::stated::{Seen, Stated};
pub(super) use self::words::is_source;
use self::words::{Mark, hidden_in, is_file_of_tests};
use super::{FilterOptions, Format, Hear, Malformed, Parsed, Retries, by_argv};
use crate::evidence::report::{Outcome, SuiteError, TestCase, TestReport};
use crate::evidence::text::bounded;
use crate::policy::Flavor;

pub(super) const FORMAT: Format = Format {
    parse,
    recipe: by_argv,
    // Whose report it is does not show.
    filter: FilterOptions { pattern: &[], text: &[], without: &[], invert: &[] },
    retries: |flavor| match flavor {
        Some(Flavor::Pytest | Flavor::Surefire | Flavor::Nextest) => Retries::Seen,
        None => Retries::Unseen,
    },
    unseen: None,
};

fn parse(bytes: &[u8], flavor: Option<Flavor>, hear: Hear<'_>) -> Parsed {
    let text = document::decode(bytes)?;
    let document = document::document(&text)?;
    let mut report = read(&document)?;
    printed(&document).for_each(hear);
    match flavor {
        Some(Flavor::Pytest) => mark_reruns(&mut report.cases),
        // Both write a mark for each failed attempt, which is read whatever the flavor.
        Some(Flavor::Surefire | Flavor::Nextest) | None => {}
    }
    Ok(report)
}

/// What all dialects share.
pub(super) fn read(document: &Document<'_>) -> Parsed {
    let root = document.root_element();
    let mut reader = Reader::default();
    match root.tag_name().name() {
        "testsuites" | "testsuite" => reader.suite(root, &mut Vec::new())?,
        other => return Err(Malformed::new(format!("the root is <{other}>, not <testsuites> or <testsuite>"))),
    };
    Ok(reader.report)
}

/// What tests printed, as far as the report holds it, of cases and suites alike.
pub(super) fn printed<'a>(document: &'a Document<'_>) -> impl Iterator<Item = &'a str> {
    let elements = document.descendants().filter(|node| matches!(node.tag_name().name(), "system-out" | "system-err"));
    elements.flat_map(|element| element.children()).filter_map(|child| child.is_text().then(|| child.text())?)
}

#[derive(Default)]
struct Reader {
    report: TestReport,
}

impl Reader {
    /// Reads a suite with all that is in it. `path` holds the suites around it.
    fn suite(&mut self, suite: Node<'_, '_>, path: &mut Vec<Suite>) -> Result<Seen, Malformed> {
        let stated = Stated::of(suite)?;
        path.push(Suite::of(suite));
        let mut own = Seen::default();
        let mut below = Seen::default();
        for child in suite.children().filter(Node::is_element) {
            match child.tag_name().name() {
                "testsuite" | "testsuites" => {
                    own.suites += 1;
                    below.add(self.suite(child, path)?);
                }
                "testcase" => own.add(self.case(child, path)),
                // node's runner wraps the root test so where a hook of the whole file failed.
                "undefined" => {
                    let mut wrapped = self.suite(child, path)?;
                    if wrapped.failures == 0 {
                        wrapped.failures = 1;
                        self.error(None, None, "unknown <undefined>".to_owned());
                    }
                    below.add(wrapped);
                }
                name => match Mark::of(name) {
                    Mark::Nothing | Mark::Skipped => {
                        if let Some(hidden) = hidden_in(child) {
                            own.failures += 1;
                            let title = suite.attribute("name").map(str::to_owned);
                            self.error(title, attribute(suite, "file"), format!("<{hidden}> in <{name}>"));
                        }
                    }
                    Mark::Failed | Mark::AttemptFailed | Mark::Unknown => {
                        own.failures += 1;
                        let title = suite.attribute("name").map(str::to_owned);
                        let detail = format!("<{name}> {}", what_it_says(child, ""));
                        self.error(title, attribute(suite, "file"), detail.trim_end().to_owned());
                    }
                },
            }
        }
        path.pop();
        let mut all = own;
        all.add(below);
        self.report.contradictions.extend(stated.contradictions(suite.attribute("name").unwrap_or_default(), own, all));
        Ok(all)
    }

    fn case(&mut self, case: Node<'_, '_>, path: &[Suite]) -> Seen {
        let marks = Marks::of(case);
        let outcome = marks.outcome();
        let detail = Some(marks.detail).filter(|detail| !detail.is_empty());
        let name = case.attribute("name").unwrap_or_default();
        let class = case.attribute("classname").unwrap_or_default();
        let file = attribute(case, "file").or_else(|| is_source(class).then(|| bounded(class)));
        let seen = Seen {
            cases: 1,
            failures: marks.failures,
            flaky: u64::from(outcome == Outcome::Flaky),
            skipped: u64::from(marks.skipped),
            suites: 0,
        };
        if is_file_of_tests(name, file.as_deref()) {
            match outcome {
                Outcome::Failed | Outcome::Flaky => {
                    self.error(Some(name.to_owned()), None, detail.unwrap_or_else(|| "the file failed".to_owned()));
                }
                Outcome::Passed | Outcome::Skipped | Outcome::NotRun => self.report.files_as_tests.push(bounded(name)),
            }
            return seen;
        }
        self.report.cases.push(TestCase {
            title: bounded(&full_title(name, class, path)),
            identity: TestCase::identity_of((path, class, name, case.attribute("file"))),
            file,
            outcome,
            detail,
        });
        seen
    }

    fn error(&mut self, title: Option<String>, file: Option<String>, detail: String) {
        let title = title.filter(|title| !title.is_empty()).map(|title| bounded(&title));
        self.report.errors.push(SuiteError { title, file, detail });
    }
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).filter(|value| !value.is_empty()).map(bounded)
}

/// A suite around a test.
#[derive(Hash)]
struct Suite {
    name: String,
    /// The machine, or the browser or project where a runner puts that there.
    host: String,
}

impl Suite {
    fn of(suite: Node<'_, '_>) -> Self {
        Suite {
            name: attribute(suite, "name").unwrap_or_default(),
            host: attribute(suite, "hostname").unwrap_or_default(),
        }
    }
}

/// The class or the groups, then the name, as far as they say more than the name does.
fn full_title(name: &str, class: &str, path: &[Suite]) -> String {
    let groups: Vec<&str> = match class.trim() {
        // node's runner writes the same class for every test; its groups are the suites.
        "test" => path.iter().skip(1).map(|suite| suite.name.as_str()).collect(),
        file if is_source(file) => Vec::new(),
        class => vec![class],
    };
    let group = groups.join(" ");
    let name = name.trim();
    let says_it_too = name.strip_prefix(&group).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    if group.is_empty() || says_it_too { name.to_owned() } else { format!("{group} {name}") }
}

/// pytest gives each test an id of its own, so a case that stands twice was run again because it failed.
fn mark_reruns(cases: &mut [TestCase]) {
    let mut times: HashMap<u64, u64> = HashMap::new();
    for case in cases.iter() {
        *times.entry(case.identity).or_default() += 1;
    }
    for case in cases {
        let times = times[&case.identity];
        if case.outcome == Outcome::Passed && times > 1 {
            case.outcome = Outcome::Flaky;
            case.detail = Some(format!("it was run {times} times"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cases: &str) -> TestReport {
        let text = format!("<testsuites><testsuite name='payment'>{cases}</testsuite></testsuites>");
        parse(text.as_bytes(), None, &mut |_| {}).unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
    }

    fn outcome(case: &str) -> Outcome {
        read(case).cases[0].outcome
    }

    fn contradictions(text: &str) -> usize {
        parse(text.as_bytes(), None, &mut |_| {})
            .unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
            .contradictions
            .len()
    }

    #[test]
    fn the_worst_mark_of_a_case_counts() {
        assert_eq!(outcome("<testcase name='a'/>"), Outcome::Passed);
        assert_eq!(outcome("<testcase name='a'><skipped/></testcase>"), Outcome::Skipped);
        assert_eq!(outcome("<testcase name='a'><skipped/><failure/></testcase>"), Outcome::Failed);
        assert_eq!(outcome("<testcase name='a'><flakyError/></testcase>"), Outcome::Flaky);
        assert_eq!(outcome("<testcase name='a'><flakyError/><skipped/></testcase>"), Outcome::Flaky);
        assert_eq!(outcome("<testcase name='a'><rerunFailure/><error/></testcase>"), Outcome::Failed);
        assert_eq!(outcome("<testcase name='a' status='passed'><failure/></testcase>"), Outcome::Failed);
        assert_eq!(outcome("<testcase name='a' disabled='1'><failure/></testcase>"), Outcome::Failed);
        assert_eq!(outcome("<testcase name='a' failure='x'/>"), Outcome::Failed);
    }

    #[test]
    fn a_word_that_nobody_knows_is_a_failure() {
        assert_eq!(outcome("<testcase name='a' status='wobbly'/>"), Outcome::Failed);
        assert_eq!(outcome("<testcase name='a' result='fail'/>"), Outcome::Failed);
        assert_eq!(outcome("<testcase name='a'><Failure/></testcase>"), Outcome::Failed);
        assert_eq!(outcome("<testcase name='a'><testcase name='b'><failure/></testcase></testcase>"), Outcome::Failed);
        assert_eq!(read("<package><testcase name='a'><failure/></testcase></package>").errors.len(), 1);
    }

    #[test]
    fn a_failure_counts_wherever_it_stands() {
        for place in ["properties", "system-out", "system-err", "attachments"] {
            assert_eq!(
                outcome(&format!("<testcase name='a'><{place}><failure/></{place}></testcase>")),
                Outcome::Failed
            );
            let of_suite = format!("<testcase name='a'/><{place}><testcase name='b'><failure/></testcase></{place}>");
            assert_eq!(read(&of_suite).errors[0].detail, format!("<testcase> in <{place}>"));
        }
        let plain = "<properties><property name='a' value='b'/></properties><system-out>&lt;failure/></system-out>";
        assert_eq!(outcome(&format!("<testcase name='a'>{plain}</testcase>")), Outcome::Passed);
        assert_eq!(outcome("<testcase name='a' success='False'/>"), Outcome::Failed);
    }

    #[test]
    fn a_failed_attempt_without_words_is_said_without_a_colon() {
        let case = read("<testcase name='a'><flakyError/></testcase>").cases.remove(0);
        assert_eq!(case.detail.as_deref(), Some("passed on attempt 2"));
    }

    #[test]
    fn a_failure_of_a_suite_is_kept() {
        let report = read("<testcase name='a'/><error message='did not stop'/>");
        assert_eq!(report.errors[0].detail, "<error> did not stop");
        assert_eq!(report.errors[0].title.as_deref(), Some("payment"));
    }

    #[test]
    fn numbers_that_hide_something_are_contradictions() {
        for stated in ["failures='1'", "errors='1'", "skipped='1'", "flakes='1'", "tests='2'", "tests='0'"] {
            assert_eq!(contradictions(&format!("<testsuite {stated}><testcase name='a'/></testsuite>")), 1, "{stated}");
        }
        assert_eq!(contradictions("<testsuite tests='1' failures='0'><testcase name='a'/></testsuite>"), 0);
        let todo = "<testcase name='a'/><testcase name='b'><skipped/></testcase>";
        assert_eq!(
            contradictions(&format!("<testsuite tests='1'>{todo}</testsuite>")),
            0,
            "some do not count todo tests"
        );
    }

    #[test]
    fn a_suite_may_count_its_own_tests_or_all_below_it() {
        let nested = |tests| {
            let inner = "<testsuite tests='1'><testcase name='b'/></testsuite>";
            contradictions(&format!("<testsuite tests='{tests}'><testcase name='a'/>{inner}</testsuite>"))
        };
        assert_eq!((nested(1), nested(2), nested(3), nested(0)), (0, 0, 1, 1));
    }

    #[test]
    fn a_suite_may_count_the_suites_right_below_it() {
        let pair = "<testcase name='a'/><testcase name='b'/>";
        let nested = |tests| {
            format!(
                "<testsuite tests='{tests}'><testcase name='c'/><testsuite tests='2'>{pair}</testsuite></testsuite>"
            )
        };
        assert_eq!((contradictions(&nested(2)), contradictions(&nested(0))), (0, 1), "c and the suite, or nothing");
    }

    #[test]
    fn a_number_that_is_none_is_malformed() {
        for value in ["-1", "x", "", "1.5", "99999999999999999999"] {
            assert!(
                parse(format!("<testsuite failures='{value}'/>").as_bytes(), None, &mut |_| {}).is_err(),
                "{value}"
            );
        }
    }

    #[test]
    fn only_a_report_s_root_is_accepted() {
        for text in ["<html/>", "<testcase name='a'/>", "<testsuites/><testsuites/>", "<testsuites>", "text"] {
            assert!(parse(text.as_bytes(), None, &mut |_| {}).is_err(), "{text}");
        }
        assert!(parse(b"\xef\xbb\xbf<testsuites/>\n<!-- done -->\n", None, &mut |_| {}).is_ok());
    }

    #[test]
    fn a_title_says_its_group_once() {
        let title = |case: &str| read(case).cases[0].title.clone();
        assert_eq!(title("<testcase name='charges' classname='com.acme.Pay'/>"), "com.acme.Pay charges");
        assert_eq!(title("<testcase name='pay charges' classname='pay charges'/>"), "pay charges");
        assert_eq!(title("<testcase name='pays' classname='pay'/>"), "pay pays");
        assert_eq!(title("<testcase name='charges' classname='test'/>"), "payment charges");
        assert_eq!(title("<testcase name='charges' classname='t/pay.test.js'/>"), "charges");
    }

    #[test]
    fn a_file_is_no_test() {
        let report = read("<testcase name='/shop/t/empty.test.js' classname='test'/>");
        assert_eq!((report.cases.len(), report.files_as_tests.len()), (0, 1));
        let failed = read("<testcase name='t/load.test.js' classname='t/load.test.js'><failure/></testcase>");
        assert_eq!((failed.cases.len(), failed.errors.len()), (0, 1));
    }
}

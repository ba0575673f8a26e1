//! node's own test runner, by its `junit` reporter.
//!
//! The reporter writes a test that holds others as a suite and drops that test's own failure; only the summary at the end, which it
//! writes as comments, counts it. So no report is believed without its summary.
//!
//! What the runner hides: with `node --test`, a file that calls `process.exit(0)` after its first results were sent to the runner
//! counts as passed, and what it had left is nowhere. Before that, and with `node FILE`, it shows.

use std::path::Path;

use roxmltree::{Document, Node};

use super::junit_xml::{self, document};
use super::{FilterOptions, Format, Hear, Malformed, Parsed, Retries, node};
use crate::evidence::recipe::Recipe;
use crate::evidence::report::{Outcome, SuiteError, TestReport};
use crate::evidence::text::{bounded, headline};

pub(super) const FORMAT: Format = Format {
    parse: |bytes, _, hear| parse(bytes, hear),
    recipe,
    filter: FilterOptions {
        pattern: &["--test-name-pattern"],
        text: &[],
        without: &["--test-skip-pattern"],
        invert: &[],
    },
    // The runner has none.
    retries: |_| Retries::Seen,
    unseen: Some("tests that process.exit(0) cut off after the first results of their file were sent"),
};

/// `NODE_OPTIONS` reaches the runner through any script; the processes that it starts for the files take their own reporter instead.
/// node pairs reporters and destinations in the order in which they stand, first those of the variable: what the command line names
/// of either is left to it. One that only a script names cannot be seen, and node refuses the odd number.
fn recipe(argv: &[String], report_file: &Path) -> Recipe {
    let names = |option: &str| {
        argv.iter()
            .any(|argument| argument.strip_prefix(option).is_some_and(|rest| matches!(rest.get(..1), None | Some("="))))
    };
    let destination = node::quoted(&format!("--test-reporter-destination={}", report_file.display()));
    let mut options = format!("--test-reporter=junit {destination}");
    if !names("--test-reporter") {
        options += " --test-reporter=spec";
    }
    if !names("--test-reporter-destination") {
        options += " --test-reporter-destination=stdout";
    }
    Recipe { variables: vec![(node::OPTIONS.to_owned(), options), node::strict()], ..Recipe::default() }
}

fn parse(bytes: &[u8], hear: Hear<'_>) -> Parsed {
    let text = document::decode(bytes)?;
    let document = document::document(&text)?;
    let mut report = junit_xml::read(&document)?;
    junit_xml::printed(&document).for_each(&mut *hear);
    let summary = Summary::of(&document, &mut |comment| {
        let said = comment.text().unwrap_or_default().replace("&#45;", "-");
        hear(said.trim());
        read_diagnostic(&said, comment, &mut report);
    });
    node::split_off_files(&mut report);
    for case in &mut report.cases {
        // node's word for "without a reason".
        case.detail.take_if(|detail| case.outcome == Outcome::Skipped && detail == "true");
    }
    let left_out = report.cases.iter().filter(|case| case.detail.as_deref() == Some("'only' option not set")).count();
    if left_out > 0 {
        report.focused.push(format!("{left_out} left out because another is marked 'only'"));
    }
    report.contradictions.extend(summary?.contradictions(&document, &report));
    Ok(report)
}

/// What a test, or the runner itself, remarked beside the results.
fn read_diagnostic(said: &str, comment: Node<'_, '_>, report: &mut TestReport) {
    if said.contains("generated asynchronous activity after the test ended") {
        report.errors.push(SuiteError { title: None, file: None, detail: headline(said) });
    } else if said.contains("'only' and 'runOnly' require the --test-only") {
        let test = comment.prev_sibling_element().and_then(|test| test.attribute("name")).unwrap_or("a test");
        report.focused.push(format!("{} is marked 'only', which node did not heed", bounded(test)));
    }
}

/// The runner's own numbers. It counts a test that holds others as a test, and a group that holds none as a group; its report shows
/// the one as a group and the other as a test.
struct Summary {
    tests: u64,
    suites: u64,
    pass: u64,
    /// Failed or cancelled.
    failed: u64,
}

impl Summary {
    /// Reads the comments of a report. What is none of the summary's goes to `other`.
    fn of(document: &Document<'_>, other: &mut dyn FnMut(Node<'_, '_>)) -> Result<Self, Malformed> {
        let [mut tests, mut suites, mut pass, mut fail, mut cancelled] = [None; 5];
        for comment in document.descendants().filter(Node::is_comment) {
            let words = comment.text().unwrap_or_default().trim().split_once(' ');
            let slot = match words.map(|(word, _)| word) {
                Some("tests") => &mut tests,
                Some("suites") => &mut suites,
                Some("pass") => &mut pass,
                Some("fail") => &mut fail,
                Some("cancelled") => &mut cancelled,
                Some(_) | None => {
                    other(comment);
                    continue;
                }
            };
            match words.and_then(|(_, number)| number.parse::<u32>().ok()) {
                // A test may remark "pass 7" too. The summary comes last.
                Some(number) => *slot = Some(u64::from(number)),
                None => other(comment),
            }
        }
        let needed = |count: Option<u64>, name: &str| {
            count.ok_or_else(|| {
                Malformed::new(format!("not a report of node's runner: its summary does not count '{name}'"))
            })
        };
        Ok(Summary {
            tests: needed(tests, "tests")?,
            // Versions before 18.17 have no line for it, and count groups as tests.
            suites: suites.unwrap_or_default(),
            pass: needed(pass, "pass")?,
            failed: needed(fail, "fail")? + needed(cancelled, "cancelled")?,
        })
    }

    fn contradictions(&self, document: &Document<'_>, report: &TestReport) -> Vec<String> {
        let Summary { tests, suites, pass, failed } = *self;
        let with = |outcome| report.cases.iter().filter(|case| case.outcome == outcome).count() as u64;
        let shown =
            document.descendants().filter(|node| matches!(node.tag_name().name(), "testcase" | "testsuite")).count();
        let shows_no_failure = with(Outcome::Failed) == 0 && report.errors.is_empty();
        let hidden = (failed > 0 && shows_no_failure).then(|| {
            format!(
                "the summary counts {failed} failed, the report shows none: a test that holds others failed by itself"
            )
        });
        let empty = with(Outcome::Passed).checked_sub(pass).filter(|more| *more > 0).map(|more| {
            format!("{more} shown as passed that the summary does not count: a group without a test is none")
        });
        let missing = (tests + suites > shown as u64)
            .then(|| format!("the summary counts {tests} tests and {suites} groups, the report shows {shown} of both"));
        [hidden, empty, missing].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report of `body` whose summary counts `[tests, suites, pass, fail, cancelled]`.
    fn text(body: &str, [tests, suites, pass, fail, cancelled]: [u64; 5]) -> String {
        let summary = format!(
            "<!-- tests {tests} --><!-- suites {suites} --><!-- pass {pass} --><!-- fail {fail} --><!-- cancelled {cancelled} -->"
        );
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites>{body}{summary}</testsuites>")
    }

    fn read(body: &str, counts: [u64; 5]) -> TestReport {
        parse(text(body, counts).as_bytes(), &mut |_| {}).unwrap_or_else(|Malformed(detail)| panic!("{detail}"))
    }

    fn argv(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    fn options(words: &str, report_file: &str) -> String {
        recipe(&argv(words), Path::new(report_file)).variables[0].1.clone()
    }

    #[test]
    fn the_runner_writes_the_report_beside_what_it_shows() {
        assert_eq!(
            options("pnpm run test", "/run/report"),
            "--test-reporter=junit --test-reporter-destination=/run/report --test-reporter=spec --test-reporter-destination=stdout"
        );
        assert_eq!(recipe(&argv("node --test"), Path::new("/run/report")).variables[1], node::strict());
    }

    #[test]
    fn reporters_of_the_command_line_keep_their_destinations() {
        let ours = "--test-reporter=junit --test-reporter-destination=/run/report";
        let named = "node --test --test-reporter=dot";
        assert_eq!(options(named, "/run/report"), format!("{ours} --test-reporter-destination=stdout"));
        let both = "node --test --test-reporter dot --test-reporter-destination stderr";
        assert_eq!(options(both, "/run/report"), ours);
    }

    #[test]
    fn a_blank_in_the_report_s_path_stays_in_one_word() {
        assert!(
            options("node --test", "/my \"run\"/report")
                .contains(r#" "--test-reporter-destination=/my \"run\"/report" "#)
        );
    }

    #[test]
    fn node_s_word_for_no_reason_is_none() {
        let skipped = |message: &str| {
            let body = format!("<testcase name='a'><skipped type='skipped' message='{message}'/></testcase>");
            read(&body, [1, 0, 0, 0, 0]).cases.remove(0).detail
        };
        assert_eq!(skipped("true"), None);
        assert_eq!(skipped("no bank").as_deref(), Some("no bank"));
    }

    #[test]
    fn a_test_that_fails_beside_the_tests_in_it_is_seen_by_the_summary() {
        let body =
            "<testsuite name='outer' tests='1' failures='0'><testcase name='inner' classname='test'/></testsuite>";
        assert_eq!(read(body, [2, 0, 2, 0, 0]).contradictions.len(), 0);
        assert_eq!(read(body, [2, 0, 1, 1, 0]).contradictions.len(), 1);
        assert_eq!(read(body, [2, 0, 1, 0, 1]).contradictions.len(), 1);
        let failing = body
            .replace("/></testsuite>", "><failure/></testcase></testsuite>")
            .replace("failures='0'", "failures='1'");
        assert_eq!(read(&failing, [2, 0, 0, 2, 0]).contradictions.len(), 0, "a group fails with what is in it");
    }

    #[test]
    fn a_group_without_a_test_is_no_test() {
        let report = read("<testcase name='nothing in it' classname='test'/>", [0, 1, 0, 0, 0]);
        assert_eq!(report.contradictions.len(), 1);
    }

    #[test]
    fn what_the_report_leaves_out_is_seen_by_the_summary() {
        assert_eq!(read("<testcase name='a' classname='test'/>", [2, 0, 2, 0, 0]).contradictions.len(), 1);
    }

    #[test]
    fn a_report_without_its_summary_is_refused() {
        let refusal = |text: &str| parse(text.as_bytes(), &mut |_| {}).err().map(|Malformed(detail)| detail);
        let whole = text("<testcase name='a' classname='test'/>", [1, 0, 1, 0, 0]);
        for part in ["<!-- tests 1 -->", "<!-- pass 1 -->", "<!-- fail 0 -->", "<!-- cancelled 0 -->"] {
            assert!(refusal(&whole.replace(part, "")).is_some_and(|detail| detail.contains("summary")), "{part}");
        }
        assert!(refusal(&whole.replace("<!-- suites 0 -->", "")).is_none(), "older versions do not count them");
    }

    #[test]
    fn a_test_cannot_speak_for_the_summary() {
        let body = "<testcase name='a' classname='test'/><!-- fail 0 --><!-- pass many -->";
        assert_eq!(read(body, [1, 0, 0, 1, 0]).contradictions.len(), 2);
    }

    #[test]
    fn a_file_is_no_test() {
        for name in ["/shop/t/empty.test.js", "t/empty.test.mts"] {
            let report = read(&format!("<testcase name='{name}' classname='test'/>"), [1, 0, 1, 0, 0]);
            assert_eq!((report.cases.len(), report.files_as_tests.as_slice()), (0, &[name.to_owned()][..]));
            let report = read(&format!("<testcase name='{name}' classname='test' failure='x'/>"), [1, 0, 0, 1, 0]);
            assert_eq!((report.cases.len(), report.errors.len(), report.contradictions.len()), (0, 1, 0));
        }
        assert_eq!(read("<testcase name='reads a/b.js' classname='test'/>", [1, 0, 1, 0, 0]).cases.len(), 1);
    }

    #[test]
    fn focus_shows_whether_node_heeds_it_or_not() {
        let unheeded = "<testcase name='a' classname='test'/><!-- 'only' and 'runOnly' require the &#45;&#45;test-only command-line option. -->";
        assert_eq!(read(unheeded, [1, 0, 1, 0, 0]).focused, ["a is marked 'only', which node did not heed"]);
        let heeded = "<testcase name='a' classname='test'/><testcase name='b' classname='test'>\
                      <skipped type='skipped' message=\"'only' option not set\"/></testcase>";
        assert_eq!(read(heeded, [2, 0, 1, 0, 0]).focused, ["1 left out because another is marked 'only'"]);
    }

    #[test]
    fn an_error_after_a_test_s_end_is_kept() {
        let body = "<testcase name='a' classname='test'/><!-- Error: Test \"a\" at a.js:2:1 generated asynchronous activity after the test ended. -->";
        assert!(read(body, [1, 0, 1, 0, 0]).errors[0].detail.starts_with("Error: Test \"a\""));
    }

    #[test]
    fn a_failed_hook_of_the_whole_file_is_an_error() {
        let body = "<testcase name='a' classname='test'/><undefined name='root'><testcase name='/t/a.test.js' classname='test' failure='hook'/></undefined>";
        let report = read(body, [1, 0, 1, 0, 0]);
        assert_eq!((report.cases.len(), report.errors.len()), (1, 1));
        assert_eq!(read("<undefined/>", [0, 0, 0, 0, 0]).errors.len(), 1);
    }

    #[test]
    fn what_tests_remarked_is_heard() {
        let mut heard = Vec::new();
        let body = "<testcase name='a' classname='test'/><!-- a double &#45;&#45; dash -->";
        parse(text(body, [1, 0, 1, 0, 0]).as_bytes(), &mut |line| heard.push(line.to_owned())).unwrap();
        assert_eq!(heard, ["a double -- dash"]);
    }
}

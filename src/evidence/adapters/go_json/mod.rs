//! The events of `go test -json`, one JSON object a line.
//!
//! A test has to begin and to end, and so has its package: what lacks its end did not pass. Lines that are no events are what build
//! tools print; they are taken before the first event and after the last, and in between only where they tell of a failed build. A
//! report that is cut exactly between two packages looks like one of fewer packages; there the exit code has to tell.
//!
//! Names of tests hold those around them, with slashes. `-run` compares each part by itself; a title is the package, a blank, and that
//! name. `-skip` is not compared: it leaves a group in whose tests it takes out.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Deserialize;

use super::{FilterOptions, Format, Hear, Malformed, Parsed, Retries};
use crate::evidence::recipe::{Recipe, ReportFrom};
use crate::evidence::report::{Outcome, SuiteError, TestCase, TestReport};
use crate::evidence::text::{bounded, headline};

pub(super) const FORMAT: Format = Format {
    parse: |bytes, _, hear| parse(bytes, hear),
    recipe,
    filter: FilterOptions { pattern: &["-run", "--run", "-test.run"], text: &[], without: &[], invert: &[] },
    // go itself never runs a test again. `-count` does, and each time shows.
    retries: |_| Retries::Seen,
    unseen: None,
};

/// `-json` goes where the flags of `go test` may stand, which is in front of `-args`; a script has to hold it itself. `GOFLAGS` reaches go through any script, and a
/// `-count` on a command line wins over it.
fn recipe(argv: &[String], _: &Path) -> Recipe {
    if argv.iter().any(|argument| argument.contains("{report}")) {
        return Recipe::default();
    }
    let at = argv.iter().position(|argument| matches!(argument.as_str(), "-args" | "--args"));
    let has_json = argv[..at.unwrap_or(argv.len())].iter().any(|argument| {
        let argument = argument.trim_start_matches('-');
        argument == "json" || argument.starts_with("json=")
    });
    let is_go = argv.first().is_some_and(|program| Path::new(program).file_name().is_some_and(|name| name == "go"));
    let is_go_test = is_go && argv.get(1).is_some_and(|command| command == "test");
    let args = if is_go_test && !has_json { vec!["-json".to_owned()] } else { Vec::new() };
    // What go remembers of an earlier run is no run.
    let variables = vec![("GOFLAGS".to_owned(), "-count=1".to_owned())];
    Recipe { variables, args, at, from: ReportFrom::Stdout, ..Recipe::default() }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: Action,
    package: Option<String>,
    test: Option<String>,
    output: Option<String>,
    /// Of builds, which have no package.
    import_path: Option<String>,
    /// Of a package that failed because of a build that was told of before.
    failed_build: Option<String>,
}

/// What happened. The list is closed: an action that nobody knows makes the report unreadable.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    Start,
    Run,
    Pause,
    Cont,
    Pass,
    Bench,
    Fail,
    Output,
    Skip,
    Attr,
    Artifacts,
    BuildOutput,
    BuildFail,
}

fn parse(bytes: &[u8], hear: Hear<'_>) -> Parsed {
    let mut reader = Reader::default();
    // What stood between events and is none, until the next event shows that it did.
    let mut stray = None;
    for (number, line) in (1_u64..).zip(bytes.split(|byte| *byte == b'\n')) {
        let line = line.trim_ascii();
        if line.starts_with(b"{") {
            let event: Event = serde_json::from_slice(line)
                .map_err(|error| Malformed::new(format!("line {number} is no event of go test: {error}")))?;
            if let Some(stray) = stray {
                return Err(Malformed::new(format!("line {stray}, between the events of go test, is none")));
            }
            reader.event(event, hear).map_err(|Malformed(why)| Malformed::new(format!("line {number}: {why}")))?;
        } else if !line.is_empty() {
            if line.contains(&0) {
                return Err(Malformed::new(format!("line {number} is no text")));
            }
            let text = String::from_utf8_lossy(line);
            hear(&text);
            match text.strip_prefix("FAIL") {
                Some(rest) => reader.failed_without_events(rest),
                None if !reader.packages.is_empty() => stray = stray.or(Some(number)),
                None => {}
            }
        }
    }
    reader.end()
}

#[derive(Default)]
struct Reader {
    report: TestReport,
    packages: BTreeMap<String, Package>,
    /// Builds that failed, by import path.
    failed_builds: HashSet<String>,
    /// The first words of each build's output.
    build_words: BTreeMap<String, String>,
}

/// What is known of a package until it ends.
#[derive(Default)]
struct Package {
    is_over: bool,
    /// Tests that have begun and not ended, by name.
    open: BTreeMap<String, Open>,
    /// Every test that began.
    began: HashSet<String>,
    /// Whether a test of it failed.
    has_failed: bool,
    /// The first words outside of tests.
    said: Option<String>,
    /// Whether the test program said that it came to its end.
    came_to_its_end: bool,
    /// Whether go said that the test program was run.
    was_run: bool,
}

/// A test that runs.
#[derive(Default)]
struct Open {
    /// Its first words.
    said: Option<String>,
    /// Whether a test in it failed.
    holds_a_failure: bool,
    /// How it ended, by the line that go prints of it.
    printed: Option<Outcome>,
    /// Whether go took the whole test program for ended while it ran.
    ended_the_program: bool,
}

impl Reader {
    fn event(&mut self, event: Event, hear: Hear<'_>) -> Result<(), Malformed> {
        let Event { action, package, test, output, import_path, failed_build } = event;
        match action {
            Action::BuildOutput => {
                let output = output.unwrap_or_default();
                hear(&output);
                let words = self.build_words.entry(import_path.unwrap_or_default()).or_default();
                if words.is_empty() && !output.starts_with('#') {
                    *words = headline(&output);
                }
                return Ok(());
            }
            Action::BuildFail => {
                let path = import_path.unwrap_or_default();
                let said = self.build_words.get(&path).cloned().unwrap_or_default();
                self.error(&path, format!("did not build: {said}").trim_end_matches([':', ' ']).to_owned());
                self.failed_builds.insert(path);
                return Ok(());
            }
            Action::Start | Action::Run | Action::Pause | Action::Cont | Action::Pass | Action::Bench => {}
            Action::Fail | Action::Output | Action::Skip | Action::Attr | Action::Artifacts => {}
        }
        let name =
            package.filter(|name| !name.is_empty()).ok_or_else(|| Malformed::new("an event without a package"))?;
        let output = output.unwrap_or_default();
        if !output.is_empty() && !is_of_the_runner(&output) {
            hear(&output);
        }
        let mut package = self.packages.remove(&name).unwrap_or_default();
        if package.is_over {
            // The same package again, in a second run of go.
            package = Package::default();
        }
        match test.filter(|test| !test.is_empty()) {
            Some(test) => self.of_test(&name, &mut package, &test, action, &output),
            None => self.of_package(&name, &mut package, action, &output, failed_build),
        }
        self.packages.insert(name, package);
        Ok(())
    }

    fn of_test(&mut self, name: &str, package: &mut Package, test: &str, action: Action, output: &str) {
        let outcome = match action {
            Action::Run => {
                package.began.insert(test.to_owned());
                if package.open.insert(test.to_owned(), Open::default()).is_some() {
                    self.report.contradictions.push(format!("{} began twice at once", bounded(test)));
                }
                return;
            }
            Action::Output => {
                if is_of_the_runner(output) {
                    if let (Some(open), Some(printed)) = (package.open.get_mut(test), printed_end(output, test)) {
                        open.printed = Some(printed);
                    }
                    return;
                }
                let ended_the_program = output.starts_with(&format!("ok  \t{name}\t"));
                if let Some(open) = package.open.get_mut(test) {
                    open.ended_the_program |= ended_the_program;
                    open.said = open.said.take().or_else(|| words(output));
                }
                return;
            }
            Action::Start | Action::Pause | Action::Cont | Action::Attr | Action::Artifacts => return,
            Action::BuildOutput | Action::BuildFail => return,
            Action::Pass | Action::Bench => Outcome::Passed,
            Action::Fail => Outcome::Failed,
            Action::Skip => Outcome::Skipped,
        };
        match package.open.remove(test) {
            Some(open) if open.ended_the_program && outcome == Outcome::Passed => {
                package.is_over = true;
                self.unended(name, test, open);
            }
            Some(open) => {
                if outcome != Outcome::Failed && open.printed.is_some_and(|printed| printed != outcome) {
                    self.report.contradictions.push(format!("{} ended in another way than go printed", bounded(test)));
                }
                self.ended(name, package, test, outcome, open);
            }
            None if outcome == Outcome::Failed => self.ended(name, package, test, outcome, Open::default()),
            // Before go 1.20 a benchmark's output is given to the test before it, which so ends twice.
            None if package.began.contains(test) || is_benchmark(test) => {}
            None => self.report.contradictions.push(format!("{} ended and had not begun", bounded(test))),
        }
    }

    fn ended(&mut self, name: &str, package: &mut Package, test: &str, outcome: Outcome, open: Open) {
        if outcome == Outcome::Failed {
            package.has_failed = true;
            for (end, _) in test.match_indices('/') {
                if let Some(around) = package.open.get_mut(&test[..end]) {
                    around.holds_a_failure = true;
                }
            }
        } else if is_benchmark(test) {
            // It measures, and says nothing about right or wrong.
            return;
        }
        let detail = match outcome {
            Outcome::Failed => open.said.or_else(|| open.holds_a_failure.then(|| "a test in it failed".to_owned())),
            Outcome::Skipped => open.said,
            Outcome::Passed | Outcome::Flaky | Outcome::NotRun => None,
        };
        self.case(name, test, outcome, detail);
    }

    /// A test whose program went away under it.
    fn unended(&mut self, name: &str, test: &str, open: Open) {
        let said = open.said.filter(|said| !said.starts_with("ok "));
        let detail = said.unwrap_or_else(|| "it began and did not end: the test program ended in it".to_owned());
        self.case(name, test, Outcome::Failed, Some(detail));
    }

    fn case(&mut self, package: &str, test: &str, outcome: Outcome, detail: Option<String>) {
        self.report.cases.push(TestCase {
            title: bounded(&format!("{package} {test}")),
            identity: TestCase::identity_of((package, test)),
            file: None,
            outcome,
            detail,
        });
    }

    fn of_package(
        &mut self,
        name: &str,
        package: &mut Package,
        action: Action,
        output: &str,
        failed_build: Option<String>,
    ) {
        match action {
            Action::Output => {
                package.came_to_its_end |= output.ends_with("PASS\n") || output == "FAIL\n";
                if output.starts_with("ok  \t") {
                    package.was_run = true;
                    if output.contains("\t(cached)") {
                        self.report.cached.push(bounded(name));
                    }
                }
                package.said = package.said.take().or_else(|| words(output));
            }
            Action::Pass | Action::Skip | Action::Fail => {
                package.is_over = true;
                let has_open = package.open.keys().any(|test| !is_benchmark(test));
                let is_failure = matches!(action, Action::Fail);
                for (test, open) in std::mem::take(&mut package.open) {
                    // A benchmark has no event for its end.
                    if !is_benchmark(&test) || is_failure {
                        self.unended(name, &test, open);
                    }
                }
                let is_told =
                    package.has_failed || has_open || failed_build.is_some_and(|it| self.failed_builds.contains(&it));
                if is_failure && !is_told {
                    let said = package.said.take().unwrap_or_else(|| "it failed beside its tests".to_owned());
                    self.error(name, said);
                } else if !is_failure && package.was_run && !package.came_to_its_end && !has_open {
                    self.error(name, "the test program ended before it had come to its end".to_owned());
                }
            }
            Action::Start | Action::Run | Action::Pause | Action::Cont | Action::Bench => {}
            Action::Attr | Action::Artifacts | Action::BuildOutput | Action::BuildFail => {}
        }
    }

    /// Before go 1.24 a package that does not build has one line of text: `FAIL`, its name, why.
    fn failed_without_events(&mut self, rest: &str) {
        let (package, why) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        if matches!(why, "[build failed]" | "[setup failed]") {
            self.failed_builds.insert(package.to_owned());
        }
        self.error(package, if why.is_empty() { "it failed".to_owned() } else { headline(why) });
    }

    fn error(&mut self, package: &str, detail: String) {
        let title = (!package.is_empty()).then(|| bounded(package));
        self.report.errors.push(SuiteError { title, file: None, detail });
    }

    fn end(self) -> Parsed {
        if let Some((name, _)) = self.packages.iter().find(|(_, package)| !package.is_over) {
            return Err(Malformed::new(format!("the report ends before the package {name} does")));
        }
        if self.packages.is_empty() && self.failed_builds.is_empty() {
            return Err(Malformed::new("there is no event of go test; does the command say '-json'?"));
        }
        Ok(self.report)
    }
}

/// Lines that go writes around what a test prints.
fn is_of_the_runner(output: &str) -> bool {
    output.starts_with("=== ") || output.trim_start().starts_with("--- ")
}

/// How a test ended, by `--- FAIL: Test (0.00s)`.
fn printed_end(output: &str, test: &str) -> Option<Outcome> {
    let (word, rest) = output.trim_start().strip_prefix("--- ")?.split_once(": ")?;
    rest.strip_prefix(test)?.strip_prefix(" (")?;
    match word {
        "PASS" => Some(Outcome::Passed),
        "FAIL" => Some(Outcome::Failed),
        "SKIP" => Some(Outcome::Skipped),
        _ => None,
    }
}

fn words(output: &str) -> Option<String> {
    Some(headline(output)).filter(|words| !words.is_empty())
}

fn is_benchmark(test: &str) -> bool {
    test.starts_with("Benchmark")
}

#[cfg(test)]
mod tests;

//! What tools around a runner say when they show an older result of a suite's tests instead of running them.

use std::sync::LazyLock;

use regex::Regex;

/// What every such line holds, for a search of many lines at once.
pub(super) const HINTS: [&str; 4] = [
    r": cache hit\b",
    r"\[(?:local cache|remote cache|existing outputs match the cache)",
    r" (?:UP-TO-DATE|FROM-CACHE)$",
    r"\(cached\) PASSED",
];

/// Whether a line says that a task of tests was not run, because an older result of it was at hand. That a build came from a cache is
/// no matter.
pub(super) fn is_cached(line: &str) -> bool {
    // A task is one of tests by its name: `test`, `test:e2e`, `e2e`, `integrationTest`; `testClasses` and `compileTestJava` build them.
    static LINES: LazyLock<[Regex; 4]> = LazyLock::new(|| {
        [
            // turbo: `web:test:e2e: cache hit, replaying logs 0a1b`; https://turborepo.dev/docs/crafting-your-repository/caching
            r"^(?<task>[^\s#]*[:#]\S+): cache hit\b",
            // nx: `✔  nx run web:test  [local cache]`, `[existing outputs match the cache, left as is]`; https://nx.dev/concepts/how-caching-works
            r"nx run (?<task>\S+)\s+\[(local cache|remote cache|existing outputs match the cache)",
            // Gradle: `> Task :web:test UP-TO-DATE`; https://docs.gradle.org/current/userguide/controlling_task_execution.html
            r"^> Task (?<task>\S+) (UP-TO-DATE|FROM-CACHE)$",
            // bazel: `//web:pay_test   (cached) PASSED in 0.3s`; https://bazel.build/docs/user-manual
            r"^(?<task>//\S+)\s+\(cached\) PASSED",
        ]
        .map(|line| Regex::new(line).expect("the words are constant"))
    });
    static OF_TESTS: LazyLock<Regex> = LazyLock::new(|| {
        let name = r"(^|[:#/_.-])(?i:tests?|e2e|specs?)($|[:_.-])|Test$";
        Regex::new(name).expect("the words are constant")
    });
    let [.., bazel] = &*LINES;
    // bazel prints that line of tests alone.
    bazel.is_match(line)
        || LINES.iter().any(|words| words.captures(line).is_some_and(|caught| OF_TESTS.is_match(&caught["task"])))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::evidence::{Noticed, OwnWords, WarningLists};

    fn noticed(output: &str) -> Vec<Noticed> {
        let mut listener = WarningLists::default().listen();
        listener.output(output.as_bytes());
        listener.report(output);
        listener.finish(Path::new("/"), OwnWords::default())
    }

    #[test]
    fn a_result_from_a_cache_is_one_of_tests_and_not_of_builds() {
        for line in [
            "web:test: cache hit, replaying logs 0a1b2c",
            "web:test:e2e: cache hit, suppressing logs 0a1b2c",
            "\u{1b}[36m@shop/web#test:unit: cache hit (outputs already on disk), replaying logs 1\u{1b}[0m",
            "   ✔  nx run web:test  [local cache]",
            "   ✔  nx run web:e2e:ci  [existing outputs match the cache, left as is]",
            "> Task :test UP-TO-DATE",
            "> Task :web:integrationTest FROM-CACHE",
            "//pay:charge_test      (cached) PASSED in 0.1s",
        ] {
            assert!(matches!(noticed(line).as_slice(), [Noticed::Cached { .. }]), "{line}: {:?}", noticed(line));
        }
        for line in [
            "web:build: cache hit, replaying logs 0a1b2c",
            "web:test: cache miss, executing 0a1b2c",
            "   ✔  nx run web:build  [local cache]",
            "> Task :compileTestJava UP-TO-DATE",
            "> Task :testClasses UP-TO-DATE",
            "> Task :test",
            "//pay:charge_test      PASSED in 0.1s",
            "the test: cache hit is counted",
        ] {
            assert_eq!(noticed(line), [], "{line}");
        }
    }

    #[test]
    fn it_is_found_in_the_middle_of_a_long_log() {
        let lines = "it charges once\n".repeat(10_000);
        let line = "web:test: cache hit, replaying logs 0a1b2c";
        for end in ["\n", "\r\n"] {
            let noticed = noticed(&format!("{lines}{line}{end}{lines}"));
            assert_eq!(noticed, [Noticed::Cached { line: line.to_owned() }]);
        }
    }
}

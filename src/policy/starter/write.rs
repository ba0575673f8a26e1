//! Writes the starter's text: TOML with a comment wherever a person has to know something.

use super::Files;
use super::project::{Project, Reading, find};

/// A first policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Starter {
    /// The text of `.proofrc.toml`.
    pub text: String,
    /// What its reader should know or mend, one sentence each.
    pub notes: Vec<String>,
}

/// Folders that mean something to a shop, with the word that its tests carry in their titles.
const AREAS: &[(&str, &str, &[&str])] = &[
    ("payment", "payment", &["src/payments", "src/payment", "app/payments", "lib/payments"]),
    ("booking", "booking", &["src/bookings", "src/booking", "src/calendar", "app/bookings", "lib/bookings"]),
    ("guardrail", "guardrail|kill.*switch", &["src/guardrails", "src/guardrail", "app/guardrails", "lib/guardrails"]),
];

/// Folders of each kind of change.
const KINDS: &[(&str, &[&str])] = &[
    ("schema", &["migrations", "db/migrate", "db/migrations", "prisma/migrations"]),
    ("config", &["config"]),
    ("policy", &["policies"]),
];

/// Writes a policy for what the files show. `id` is the repository's random name, `since` the commit that the gate begins at.
pub fn write(files: &impl Files, id: &str, since: Option<&str>) -> Starter {
    let mut notes = Vec::new();
    let project = find(files);
    match &project {
        Some(project) => notes.push(format!("found {}", project.what)),
        None => notes
            .push("found no test runner: put the command into [suites.full]; until then every proof is FAIL".into()),
    }
    let mut text = head(id, since);
    if let Some(project) = &project {
        text.push_str(&proof(project));
    }
    let kinds = kinds(files);
    text.push_str(&kinds);
    text.push_str(&full(project.as_ref()));
    if let Some(project) = project.filter(|project| !project.filter.is_empty()) {
        for (name, word, folders) in AREAS {
            let folders: Vec<&str> = folders.iter().copied().filter(|folder| files.has_folder(folder)).collect();
            if !folders.is_empty() {
                text.push_str(&area(&project, name, word, &folders, files));
                notes.push(format!("[suites.{name}] runs the tests whose title matches '{word}': check that they do"));
            }
        }
    }
    Starter { text, notes }
}

fn head(id: &str, since: Option<&str>) -> String {
    let since = since.map_or(String::new(), |since| {
        format!("since    = {}  # what is reachable from it is from before the gate\n", quoted(since))
    });
    format!(
        "# Which pushes need a proof, and how it is made. Every key: docs/policy.md of proof-gate.\n\
         version = 1\n\n\
         [repository]\n\
         id = {}  # a record counts for this repository only\n\n\
         [gate]\n\
         branches = [\"main\", \"master\", \"release/*\"]\n\
         tags     = [\"v*\"]\n{since}",
        quoted(id)
    )
}

fn proof(project: &Project) -> String {
    let mut text = String::from("\n[proof]\n");
    if !project.prepare.is_empty() {
        text.push_str(&format!("prepare  = {}  # once, in the clean checkout\n", lists(&project.prepare)));
    }
    text.push_str(
        "# reset  = [[\"pnpm\", \"run\", \"db:reset\"]]  # before each suite: the database in its known state\n",
    );
    text.push_str(&format!("identity = {}  # their output is part of what was proven\n", lists(&project.identity)));
    text.push_str("timeout  = \"15m\"\n");
    text.push_str("# env    = { pass = [\"DATABASE_URL\"] }  # suites see nothing else of your environment\n");
    text
}

fn kinds(files: &impl Files) -> String {
    let mut lines = String::new();
    for (kind, folders) in KINDS {
        let mut globs: Vec<String> =
            folders.iter().filter(|name| files.has_folder(name)).map(|name| format!("{name}/**")).collect();
        if *kind == "config" && files.has_file(".env.example") {
            globs.push(".env.example".into());
        }
        if !globs.is_empty() {
            lines.push_str(&format!("{kind} = {}\n", list(&globs)));
        }
    }
    if lines.is_empty() { lines } else { format!("\n[kinds]  # what a changed path is; the rest is code\n{lines}") }
}

fn full(project: Option<&Project>) -> String {
    let Some(project) = project else {
        return "\n[suites.full]\n\
                run     = [\"false\"]  # put your test command here: a program and its arguments\n\
                report  = \"exit-code\"\n\
                flaky   = \"unobservable\"\n\
                default = true\n"
            .into();
    };
    format!(
        "\n[suites.full]\nrun     = {}\n{}default = true  # owed by tags, and by changes that no other suite claims\n",
        list(&project.run),
        report(project.reading)
    )
}

fn report(reading: Reading) -> &'static str {
    match reading {
        Reading::Mocha => "report  = \"mocha-json\"\n",
        Reading::Playwright => {
            "# The gate puts --reporter at the end of the command: it has to come to Playwright.\n\
             report  = \"playwright-json\"\n"
        }
        Reading::Vitest => {
            "# The gate puts --reporter at the end of the command: it has to come to vitest.\n\
             report  = \"vitest-json\"\n"
        }
        Reading::Jest => {
            "# Needs jest 29.2 or later. The gate puts --json at the end of the command: it has to come to jest.\n\
             report  = \"jest-json\"\n"
        }
        Reading::NodeTest => "report  = \"node-test\"  # the gate tells node by NODE_OPTIONS how to report\n",
        Reading::Go => "report  = \"go-json\"  # the gate adds -json\n",
        Reading::JunitOfPytest => "report  = { adapter = \"junit-xml\", flavor = \"pytest\" }\n",
        Reading::Junit => {
            "report  = \"junit-xml\"\n\
             flaky   = \"unobservable\"  # its report does not show retries: keep them switched off\n"
        }
        Reading::ExitCode => {
            "# The exit code alone cannot show retried, skipped or missing tests. Better: a runner that writes JUnit XML\n\
             # to {report}, with report = \"junit-xml\".\n\
             report  = \"exit-code\"\n\
             flaky   = \"unobservable\"\n"
        }
    }
}

fn area(project: &Project, name: &str, word: &str, folders: &[&str], files: &impl Files) -> String {
    let run = [project.run.clone(), project.filter.clone(), vec![word.to_owned()]].concat();
    let mut globs: Vec<String> = folders.iter().map(|folder| format!("{folder}/**")).collect();
    if files.has_folder("migrations") {
        globs.push(format!("migrations/*{name}*"));
    }
    let policy = if name == "guardrail" { "policy  = [\"*\"]  # every policy change\n" } else { "" };
    format!(
        "\n[suites.{name}]\nrun     = {}\npaths   = {}\n{policy}{}",
        list(&run),
        list(&globs),
        report(project.reading)
    )
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", "))
}

fn lists(commands: &[Vec<String>]) -> String {
    format!("[{}]", commands.iter().map(|command| list(command)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::policy::{Adapter, Policy, parse};

    struct Tree(BTreeMap<&'static str, &'static str>);

    impl Files for Tree {
        fn read(&self, path: &str) -> Option<String> {
            self.0.get(path).map(|text| (*text).to_owned())
        }

        fn has_folder(&self, path: &str) -> bool {
            self.0.keys().any(|file| file.starts_with(&format!("{path}/")))
        }
    }

    /// The starter of a tree, which has to be a policy that works as it is.
    fn starter(files: &[(&'static str, &'static str)]) -> Policy {
        let starter = write(&Tree(files.iter().copied().collect()), "b1946ac92492d234", None);
        let policy = parse(starter.text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{}", starter.text));
        assert_eq!(policy.not_yet(), [], "{}", starter.text);
        assert_eq!(policy.default_suites(), ["full"]);
        // What a report cannot show is said, and what it can show is asked for.
        let full = &policy.suites["full"];
        let is_blind =
            full.report.flavor.is_none() && matches!(full.report.adapter, Adapter::JunitXml | Adapter::ExitCode);
        assert_eq!(full.flaky_unobservable, is_blind, "{}", starter.text);
        assert_eq!(policy.repository.id.as_deref(), Some("b1946ac92492d234"));
        policy
    }

    const MOCHA: &str = r#"{"scripts": {"test": "mocha --recursive"}, "devDependencies": {"mocha": "^11"}}"#;

    #[test]
    fn a_shop_with_pnpm_and_mocha_gets_a_suite_per_folder() {
        let policy = starter(&[
            ("package.json", MOCHA),
            ("pnpm-lock.yaml", ""),
            ("src/payments/a.js", ""),
            ("src/guardrails/a.js", ""),
            ("migrations/1.sql", ""),
            ("policies/refunds.md", ""),
        ]);
        assert_eq!(policy.suites.keys().collect::<Vec<_>>(), ["full", "guardrail", "payment"]);
        assert_eq!(policy.suites["payment"].run, ["pnpm", "run", "test", "--grep", "payment"]);
        assert_eq!(policy.suites["payment"].report.adapter, Adapter::MochaJson);
        assert_eq!(policy.claims("migrations/7_payment.sql".into())[0].suite, "payment");
        assert_eq!(policy.claims("policies/refunds.md".into())[0].suite, "guardrail");
    }

    #[test]
    fn only_npm_gets_two_dashes_before_the_filter() {
        for (lockfile, run) in [
            ("package-lock.json", &["npm", "run", "test", "--", "--grep", "payment"][..]),
            ("yarn.lock", &["yarn", "run", "test", "--grep", "payment"]),
            ("bun.lock", &["bun", "run", "test", "--grep", "payment"]),
        ] {
            let policy = starter(&[("package.json", MOCHA), (lockfile, ""), ("src/payments/a.js", "")]);
            assert_eq!(policy.suites["payment"].run, run);
            assert!(!policy.suites["full"].run.contains(&"--".to_owned()));
        }
    }

    #[test]
    fn every_kind_of_project_gets_a_policy_that_works_today() {
        for (file, text, first, adapter) in [
            ("package.json", r#"{"scripts": {"test": "vitest run"}}"#, "npm", Adapter::VitestJson),
            ("package.json", r#"{"scripts": {"test": "jest"}}"#, "npm", Adapter::JestJson),
            ("package.json", r#"{"scripts": {"test": "eslint . && jest --ci"}}"#, "npm", Adapter::JestJson),
            // What is put at the end would not come to the runner.
            ("package.json", r#"{"scripts": {"test": "jest && echo done"}}"#, "npm", Adapter::ExitCode),
            ("package.json", r#"{"scripts": {"test": "vitest run | tee log"}}"#, "npm", Adapter::ExitCode),
            ("package.json", r#"{"scripts": {"test": "playwright test"}}"#, "npm", Adapter::PlaywrightJson),
            ("package.json", r#"{"devDependencies": {"@playwright/test": "1"}}"#, "npx", Adapter::PlaywrightJson),
            ("package.json", r#"{"scripts": {"test": "node --test && echo done"}}"#, "npm", Adapter::NodeTest),
            ("package.json", r#"{"scripts": {"test": "node --test --test-reporter=tap"}}"#, "npm", Adapter::ExitCode),
            ("Cargo.toml", "", "cargo", Adapter::ExitCode),
            ("go.mod", "", "go", Adapter::GoJson),
            ("pyproject.toml", "[tool.pytest.ini_options]", "python3", Adapter::JunitXml),
            ("pom.xml", "", "mvn", Adapter::ExitCode),
            ("build.gradle", "", "gradle", Adapter::ExitCode),
            ("phpunit.xml", "", "vendor/bin/phpunit", Adapter::JunitXml),
            (".rspec", "", "bundle", Adapter::ExitCode),
        ] {
            let full = &starter(&[(file, text)]).suites["full"];
            assert_eq!((full.run[0].as_str(), full.report.adapter), (first, adapter), "{file} {text}");
        }
    }

    #[test]
    fn where_no_runner_is_found_the_starter_fails_until_somebody_names_one() {
        for files in [&[][..], &[("package.json", "{")], &[("package.json", "{}")]] {
            assert_eq!(starter(files).suites["full"].run, ["false"]);
        }
    }
}

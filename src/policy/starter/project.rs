//! Finds out how a project is installed and tested.
//!
//! Nothing is run; versions of tools are left to the proof.

use serde_json::Value;

use super::Files;

/// How a project's tests are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Project {
    /// What it was taken for, `mocha by pnpm`.
    pub(super) what: String,
    pub(super) prepare: Vec<Vec<String>>,
    pub(super) identity: Vec<Vec<String>>,
    /// The command of the whole suite.
    pub(super) run: Vec<String>,
    pub(super) reading: Reading,
    /// What filters by title, appended to `run` with a pattern. Empty where nothing does.
    pub(super) filter: Vec<String>,
}

/// How the result can be read today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Mocha,
    Playwright,
    Vitest,
    Jest,
    NodeTest,
    Go,
    Junit,
    JunitOfPytest,
    /// With what a better reading needs.
    ExitCode,
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Takes the first kind of project that the files show.
pub(super) fn find(files: &impl Files) -> Option<Project> {
    node(files).or_else(|| other(files))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manager {
    Pnpm,
    Npm,
    Yarn,
    Bun,
}

impl Manager {
    fn find(files: &impl Files, package: &Value) -> Self {
        let named = package["packageManager"].as_str().and_then(|name| name.split('@').next());
        match named {
            Some("pnpm") => return Manager::Pnpm,
            Some("npm") => return Manager::Npm,
            Some("yarn") => return Manager::Yarn,
            Some("bun") => return Manager::Bun,
            Some(_) | None => {}
        }
        let lockfiles = [
            ("pnpm-lock.yaml", Manager::Pnpm),
            ("yarn.lock", Manager::Yarn),
            ("bun.lock", Manager::Bun),
            ("package-lock.json", Manager::Npm),
        ];
        lockfiles.into_iter().find(|(file, _)| files.has_file(file)).map_or(Manager::Npm, |(_, manager)| manager)
    }

    fn name(self) -> &'static str {
        match self {
            Manager::Pnpm => "pnpm",
            Manager::Npm => "npm",
            Manager::Yarn => "yarn",
            Manager::Bun => "bun",
        }
    }

    fn install(self, files: &impl Files) -> Vec<String> {
        match self {
            Manager::Pnpm => argv(&["pnpm", "install", "--frozen-lockfile", "--prefer-offline"]),
            Manager::Npm if files.has_file("package-lock.json") => argv(&["npm", "ci", "--prefer-offline"]),
            Manager::Npm => argv(&["npm", "install", "--prefer-offline", "--no-package-lock"]),
            Manager::Yarn if files.has_file(".yarnrc.yml") => argv(&["yarn", "install", "--immutable"]),
            Manager::Yarn => argv(&["yarn", "install", "--frozen-lockfile", "--prefer-offline"]),
            Manager::Bun => argv(&["bun", "install", "--frozen-lockfile"]),
        }
    }

    /// Runs a script so that further arguments reach the program behind it: npm keeps them for itself without `--`, and
    /// newer pnpm hands a `--` on.
    fn script(self, script: &str) -> Vec<String> {
        match self {
            Manager::Pnpm | Manager::Yarn | Manager::Bun => argv(&[self.name(), "run", script]),
            Manager::Npm => argv(&["npm", "run", script, "--"]),
        }
    }

    fn program(self, program: &str) -> Vec<String> {
        match self {
            Manager::Pnpm => argv(&["pnpm", "exec", program]),
            Manager::Npm => argv(&["npx", "--no-install", program]),
            Manager::Yarn => argv(&["yarn", "run", program]),
            Manager::Bun => argv(&["bun", "run", program]),
        }
    }
}

fn node(files: &impl Files) -> Option<Project> {
    let package: Value = serde_json::from_str(&files.read("package.json")?).ok()?;
    let manager = Manager::find(files, &package);
    let script = package["scripts"]["test"].as_str().filter(|script| !script.contains("no test specified"));
    let depends =
        |name: &str| package["devDependencies"][name].is_string() || package["dependencies"][name].is_string();
    let is_runner = |name: &&str| match script {
        // What the gate puts at the end of the command comes to the last program of a script; mocha gets it from its environment.
        Some(script) if *name == "mocha" => has_word(script, name),
        Some(script) => has_word(script.rsplit(['&', '|', ';']).next().unwrap_or(script), name),
        None => depends(if *name == "playwright" { "@playwright/test" } else { name }),
    };
    // A script that hides its runner behind another program is read by what is installed, but only for mocha, which is
    // told by its environment how to report.
    let runner = ["mocha", "vitest", "jest", "playwright"].into_iter().find(is_runner);
    let runner = runner.or_else(|| script.is_some_and(is_node_test).then_some("node --test"));
    let runner = runner.or_else(|| (depends("mocha") && !depends("vitest") && !depends("jest")).then_some("mocha"));
    let base = match (script, runner) {
        (Some(_), _) => manager.script("test"),
        (None, Some(runner)) => manager.program(runner),
        (None, None) => return None,
    };
    // Without further arguments npm's `--` says nothing.
    let plain = || base.iter().filter(|word| *word != "--").cloned().collect::<Vec<_>>();
    let (run, reading, filter) = match runner {
        Some("mocha") => {
            (plain(), Reading::Mocha, base[plain().len()..].iter().cloned().chain(argv(&["--grep"])).collect())
        }
        Some("vitest") => (plain(), Reading::Vitest, Vec::new()),
        Some("jest") => (plain(), Reading::Jest, Vec::new()),
        Some("playwright") if script.is_none() => {
            ([plain(), argv(&["test"])].concat(), Reading::Playwright, Vec::new())
        }
        Some("playwright") => (plain(), Reading::Playwright, Vec::new()),
        Some("node --test") => (plain(), Reading::NodeTest, Vec::new()),
        Some(_) | None => (plain(), Reading::ExitCode, Vec::new()),
    };
    Some(Project {
        what: format!("{} by {}", runner.unwrap_or("the script `test`"), manager.name()),
        prepare: vec![manager.install(files)],
        identity: vec![argv(&["node", "--version"]), argv(&[manager.name(), "--version"])],
        run,
        reading,
        filter,
    })
}

fn has_word(script: &str, name: &str) -> bool {
    script.split_whitespace().any(|word| word == name)
}

/// Whether node's own runner can be told by `NODE_OPTIONS` how to report: a reporter without a destination keeps it from that.
fn is_node_test(script: &str) -> bool {
    let is_reporter_alone = script.contains("--test-reporter") && !script.contains("--test-reporter-destination");
    has_word(script, "node") && has_word(script, "--test") && !is_reporter_alone
}

fn other(files: &impl Files) -> Option<Project> {
    let holds = |file: &str, word: &str| files.read(file).is_some_and(|text| text.contains(word));
    let project = |what: &str, run: &[&str], reading, identity: &[&str]| {
        let identity = vec![argv(identity)];
        Some(Project { what: what.into(), prepare: Vec::new(), identity, run: argv(run), reading, filter: Vec::new() })
    };
    let python =
        holds("pyproject.toml", "pytest") || holds("setup.cfg", "pytest") || holds("requirements.txt", "pytest");
    if files.has_file("Cargo.toml") {
        project("cargo", &["cargo", "test", "--locked"], Reading::ExitCode, &["rustc", "--version"])
    } else if files.has_file("go.mod") {
        // -count=1: a cached result is no run.
        project("go", &["go", "test", "-count=1", "./..."], Reading::Go, &["go", "version"])
    } else if python || files.has_file("pytest.ini") || files.has_file("conftest.py") {
        let run = ["python3", "-m", "pytest", "--junitxml={report}"];
        project("pytest", &run, Reading::JunitOfPytest, &["python3", "--version"])
    } else if files.has_file("pom.xml") {
        let maven = if files.has_file("mvnw") { "./mvnw" } else { "mvn" };
        project("maven", &[maven, "--batch-mode", "test"], Reading::ExitCode, &[maven, "--version"])
    } else if files.has_file("build.gradle") || files.has_file("build.gradle.kts") {
        let gradle = if files.has_file("gradlew") { "./gradlew" } else { "gradle" };
        project("gradle", &[gradle, "--no-daemon", "test", "--rerun-tasks"], Reading::ExitCode, &[gradle, "--version"])
    } else if files.has_file("phpunit.xml") || files.has_file("phpunit.xml.dist") {
        project("phpunit", &["vendor/bin/phpunit", "--log-junit", "{report}"], Reading::Junit, &["php", "--version"])
    } else if files.has_file(".rspec") || holds("Gemfile", "rspec") {
        project("rspec", &["bundle", "exec", "rspec"], Reading::ExitCode, &["ruby", "--version"])
    } else {
        None
    }
}

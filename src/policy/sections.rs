//! Reads a policy file: bytes to text, text to tables, tables to a [`Policy`].
//!
//! Checks that need more than one key are here. Nothing is guessed: what is not understood is an error with its place.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::error::{Fault, PolicyError};
use super::reader::{Table, Value, nearest};
use super::types::{
    Adapter, AllowLeftover, AllowSkipped, AllowWarning, Artifact, Caches, Changelog, Environment, EvidenceSection,
    Flavor, Gate, GitView, Kinds, Monitor, OnMissing, Policy, Proof, Records, Report, RepositorySection, Share, Sign,
    Suite, Warnings, WorkspaceMode,
};
use super::{keys, values};

/// The largest file that is read.
const LARGEST: usize = 1 << 20;
/// The most suites.
const MOST_SUITES: usize = 200;
/// The format that this program writes.
const VERSION: u64 = 1;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// Reads a policy file. Its keys, their defaults and bounds are told in `docs/policy.md`.
///
/// # Errors
///
/// The first thing that is wrong with it, with line and column. There is no lenient reading.
pub fn parse(bytes: &[u8]) -> Result<Policy, PolicyError> {
    let text = decode(bytes)?;
    read(text).map_err(|fault| fault.locate(text))
}

fn decode(bytes: &[u8]) -> Result<&str, PolicyError> {
    let refuse = |line, column, message: String, hint: &str| {
        Err(PolicyError { line, column, message, hint: Some(hint.to_owned()) })
    };
    if bytes.len() > LARGEST {
        let message = format!("the file has {} bytes, at most {LARGEST} are read", bytes.len());
        return refuse(1, 1, message, "a policy names suites; it holds no data");
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return refuse(1, 1, "the file begins with a byte order mark".into(), "save it as UTF-8 without one");
    }
    if bytes.starts_with(b"\xFF\xFE")
        || bytes.starts_with(b"\xFE\xFF")
        || bytes.get(1) == Some(&0)
        || bytes.first() == Some(&0)
    {
        return refuse(1, 1, "the file is UTF-16, not UTF-8".into(), "save it as UTF-8");
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let end = before.len();
            let fault = Fault::at(end..end, "the file is not UTF-8 from here on").hint("save it as UTF-8");
            Err(fault.locate(&before))
        }
    }
}

fn read(text: &str) -> Result<Policy, Fault> {
    let file = DeTable::parse(text).map_err(|error| {
        let message = match error.message() {
            message if message.contains("recurs") => "nested too deep".to_owned(),
            message => message.replace('\n', ", "),
        };
        Fault::at(error.span().unwrap_or(0..0), message)
    })?;
    // Before all else, so that a newer format is not taken for a mistake.
    if let Some(version) = file.get_ref().get("version") {
        check_version(version)?;
    }
    let top = Table::top(&file)?;
    let version = top.required("version").map_err(|fault| fault.hint("begin the file with `version = 1`"))?;
    let version = version.small_number(1, 1)?;
    let policy = Policy {
        version,
        repository: section(&top, "repository", repository)?.unwrap_or_default(),
        gate: gate(top.maybe("gate", Value::table)?.as_ref())?,
        proof: proof(top.maybe("proof", Value::table)?.as_ref())?,
        kinds: section(&top, "kinds", kinds)?.unwrap_or_default(),
        suites: suites(&top)?,
        warnings: section(&top, "warnings", warnings)?.unwrap_or_default(),
        changelog: changelog(top.maybe("changelog", Value::table)?.as_ref())?,
        records: section(&top, "records", records)?.unwrap_or(Records { sign: Sign::Auto, share: Share::Try }),
        evidence: evidence(top.maybe("evidence", Value::table)?.as_ref())?,
        monitor: section(&top, "monitor", monitor)?,
        compiled: super::Compiled::default(),
    };
    Ok(policy)
}

fn check_version(version: &toml::Spanned<DeValue<'_>>) -> Result<(), Fault> {
    let DeValue::Integer(number) = version.get_ref() else {
        return Err(Fault::at(version.span(), "version must be a whole number").hint("write `version = 1`"));
    };
    match u64::from_str_radix(number.as_str(), number.radix()) {
        Ok(VERSION) => Ok(()),
        Ok(newer) if newer > VERSION => {
            let message = format!("version {newer} was written for a newer proof-gate; this one reads {VERSION}");
            Err(Fault::at(version.span(), message).hint("install a newer proof-gate"))
        }
        Ok(_) | Err(_) => {
            Err(Fault::at(version.span(), format!("there is no version {number}")).hint("write `version = 1`"))
        }
    }
}

fn section<T>(top: &Table<'_>, key: &str, read: impl Fn(&Table<'_>) -> Result<T, Fault>) -> Result<Option<T>, Fault> {
    top.maybe(key, |value| read(&value.table()?))
}

/// Reads a key of a table that may be absent as a whole.
fn key<'a, T>(
    table: Option<&Table<'a>>,
    key: &str,
    default: T,
    read: impl FnOnce(&Value<'a>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    match table {
        Some(table) => table.or(key, default, read),
        None => Ok(default),
    }
}

fn some<'a, T>(
    read: impl FnOnce(&Value<'a>) -> Result<T, Fault>,
) -> impl FnOnce(&Value<'a>) -> Result<Option<T>, Fault> {
    |value| read(value).map(Some)
}

fn repository(table: &Table<'_>) -> Result<RepositorySection, Fault> {
    let id = table.maybe("id", |value| {
        let id = value.text()?;
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if !plain || id.len() > 64 {
            return Err(value.fault("must be at most 64 letters, digits, '.', '_' or '-'"));
        }
        Ok(id)
    })?;
    Ok(RepositorySection { id })
}

fn gate(table: Option<&Table<'_>>) -> Result<Gate, Fault> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    Ok(Gate {
        branches: key(table, "branches", names(&["main", "master"]), Value::refs)?,
        tags: key(table, "tags", names(&["v*"]), Value::refs)?,
        on_missing: key(table, "on_missing", OnMissing::Run, |value| {
            value.word(&[("run", OnMissing::Run), ("refuse", OnMissing::Refuse)])
        })?,
        hold: key(table, "hold", Duration::from_secs(4 * MINUTE), Value::time)?,
        max_age: key(table, "max_age", None, some(Value::time))?,
        since: key(table, "since", None, some(commit_id))?,
        min_rules: key(table, "min_rules", None, some(|value: &Value<'_>| value.small_number(0, u32::MAX)))?,
        allow_delete: key(table, "allow_delete", Vec::new(), Value::exact_refs)?,
        allow_move: key(table, "allow_move", Vec::new(), Value::exact_refs)?,
    })
}

fn commit_id(value: &Value<'_>) -> Result<String, Fault> {
    let id = value.text()?;
    if matches!(id.len(), 40 | 64) && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        Ok(id)
    } else {
        Err(value.fault("must be a whole commit id").hint("`git rev-parse HEAD` prints one"))
    }
}

fn proof(table: Option<&Table<'_>>) -> Result<Proof, Fault> {
    let commands = |name| key(table, name, Vec::new(), Value::commands);
    let proof = Proof {
        prepare: commands("prepare")?,
        reset: commands("reset")?,
        ready: commands("ready")?,
        teardown: commands("teardown")?,
        identity: commands("identity")?,
        jobs: key(table, "jobs", 1, |value| value.small_number(1, 256))?,
        timeout: key(table, "timeout", Duration::from_secs(15 * MINUTE), Value::time)?,
        env: key(table, "env", Environment::default(), Value::environment)?,
        home: key(table, "home", Vec::new(), Value::relative_paths)?,
        copy: key(table, "copy", Vec::new(), Value::relative_paths)?,
        caches: key(table, "caches", Caches::Shared, |value| {
            value.word(&[("shared", Caches::Shared), ("fresh", Caches::Fresh)])
        })?,
        git: key(table, "git", GitView::Tree, |value| {
            value.word(&[("tree", GitView::Tree), ("history", GitView::History)])
        })?,
        filters: key(table, "filters", Vec::new(), Value::texts)?,
        workspace: key(table, "workspace", WorkspaceMode::Fresh, |value| {
            value.word(&[("fresh", WorkspaceMode::Fresh), ("reuse", WorkspaceMode::Reuse)])
        })?,
        target: key(table, "target", None, some(Value::text))?,
        require_terminal: key(table, "require_terminal", true, Value::switch)?,
    };
    if let Some(jobs) = table.and_then(|table| table.optional("jobs"))
        && proof.jobs > 1
        && !proof.reset.is_empty()
    {
        let hint = "one state of the database serves one suite at a time: take `jobs` or `reset` out";
        return Err(jobs.fault("must be 1 where there is a `reset`").hint(hint));
    }
    Ok(proof)
}

fn kinds(table: &Table<'_>) -> Result<Kinds, Fault> {
    Ok(Kinds {
        schema: table.or("schema", Vec::new(), Value::globs)?,
        config: table.or("config", Vec::new(), Value::globs)?,
        policy: table.or("policy", Vec::new(), Value::globs)?,
    })
}

fn suites(top: &Table<'_>) -> Result<BTreeMap<String, Suite>, Fault> {
    let hint = "add [suites.full] with `run` and `report`";
    let value = top.required("suites").map_err(|_| Fault::at(0..0, "the file has no suite").hint(hint))?;
    let entries = value.entries()?;
    if entries.is_empty() {
        return Err(value.fault("has no suite").hint(hint));
    }
    if entries.len() > MOST_SUITES {
        return Err(value.fault(format!("has {} suites, at most {MOST_SUITES} are read", entries.len())));
    }
    let mut suites = BTreeMap::new();
    for (name, span, value) in entries {
        values::suite_name(&name).map_err(|why| Fault::at(span, format!("the suite's name '{name}' {why}")))?;
        suites.insert(name, suite(&value.table()?)?);
    }
    Ok(suites)
}

fn suite(table: &Table<'_>) -> Result<Suite, Fault> {
    let run = table.required("run")?.command()?;
    let report = report(&table.required("report").map_err(|fault| {
        fault.hint(format!("name the adapter that reads its report: {}", keys::ADAPTERS.join(", ")))
    })?)?;
    let min_tests = table.optional("min_tests");
    if let (Some(value), Adapter::ExitCode) = (&min_tests, report.adapter) {
        return Err(value.fault("means nothing with `exit-code`, which sees no tests").hint("take it out"));
    }
    Ok(Suite {
        run,
        paths: table.or("paths", Vec::new(), Value::globs)?,
        config: table.or("config", Vec::new(), Value::ids)?,
        schema: table.or("schema", Vec::new(), Value::ids)?,
        policy: table.or("policy", Vec::new(), Value::ids)?,
        default: table.or("default", false, Value::switch)?,
        report,
        flaky_unobservable: table.or("flaky", false, |value| value.word(&[("unobservable", true)]))?,
        min_tests: min_tests.map_or(Ok(1), |value| value.number(1, u64::from(u32::MAX)))?,
        allow_skipped: table.or("allow_skipped", Vec::new(), |value| {
            exceptions(value, "test", |test, reason| AllowSkipped { test, reason })
        })?,
        allow_leftover: table.or("allow_leftover", Vec::new(), |value| {
            exceptions(value, "program", |program, reason| AllowLeftover { program, reason })
        })?,
        timeout: table.maybe("timeout", Value::time)?,
        exclusive: table.or("exclusive", false, Value::switch)?,
        artifacts: table.or("artifacts", Vec::new(), |value| value.list("a list of tables", artifact))?,
        env: table.or("env", Environment::default(), Value::environment)?,
        sources: table.or("sources", Vec::new(), Value::globs)?,
    })
}

/// A list of exceptions: each a pattern and a reason.
fn exceptions<T>(value: &Value<'_>, pattern: &str, make: impl Fn(String, String) -> T) -> Result<Vec<T>, Fault> {
    value.list("a list of tables", |value| {
        let table = value.table()?;
        Ok(make(table.required(pattern)?.pattern()?, table.required("reason")?.text()?))
    })
}

fn report(value: &Value<'_>) -> Result<Report, Fault> {
    let adapter = |value: &Value<'_>| value.word(ADAPTERS);
    if let DeValue::String(_) = value.value.get_ref() {
        return Ok(Report { adapter: adapter(value)?, flavor: None });
    }
    let DeValue::Table(_) = value.value.get_ref() else {
        return Err(value.wanted("an adapter's name or a table").hint(nearest("", keys::ADAPTERS)));
    };
    let table = value.table()?;
    let adapter = adapter(&table.required("adapter")?)?;
    let flavor = table.maybe("flavor", |value| match adapter {
        Adapter::JunitXml => value.word(FLAVORS),
        _ => Err(value.fault("is only for `junit-xml`").hint("take it out")),
    })?;
    Ok(Report { adapter, flavor })
}

/// The adapters' names and what they mean.
pub(super) const ADAPTERS: &[(&str, Adapter)] = &[
    ("mocha-json", Adapter::MochaJson),
    ("playwright-json", Adapter::PlaywrightJson),
    ("vitest-json", Adapter::VitestJson),
    ("jest-json", Adapter::JestJson),
    ("junit-xml", Adapter::JunitXml),
    ("ctrf", Adapter::Ctrf),
    ("go-json", Adapter::GoJson),
    ("node-test", Adapter::NodeTest),
    ("tap", Adapter::Tap),
    ("exit-code", Adapter::ExitCode),
];

const FLAVORS: &[(&str, Flavor)] =
    &[("pytest", Flavor::Pytest), ("surefire", Flavor::Surefire), ("nextest", Flavor::Nextest)];

fn artifact(value: &Value<'_>) -> Result<Artifact, Fault> {
    let table = value.table()?;
    Ok(Artifact {
        paths: table.required("paths")?.glob()?,
        at_least: table.or("at_least", 1, |value| value.number(0, u64::from(u32::MAX)))?,
        require: table.or("require", Vec::new(), Value::patterns)?,
        forbid: table.or("forbid", Vec::new(), Value::patterns)?,
        baseline: table.maybe("baseline", Value::relative_path)?,
    })
}

fn warnings(table: &Table<'_>) -> Result<Warnings, Fault> {
    Ok(Warnings {
        fail: table.or("fail", Vec::new(), Value::patterns)?,
        allow: table.or("allow", Vec::new(), |value| {
            exceptions(value, "pattern", |pattern, reason| AllowWarning { pattern, reason })
        })?,
    })
}

fn changelog(table: Option<&Table<'_>>) -> Result<Changelog, Fault> {
    let path = key(table, "path", "OPERATIONS_CHANGELOG.md".to_owned(), |value| {
        let path = value.relative_path()?;
        if path.ends_with(".md") { Ok(path) } else { Err(value.fault("must name a `.md` file")) }
    })?;
    Ok(Changelog { path, require: key(table, "require", false, Value::switch)? })
}

fn records(table: &Table<'_>) -> Result<Records, Fault> {
    Ok(Records {
        sign: table.or("sign", Sign::Auto, |value| {
            value.word(&[("auto", Sign::Auto), ("required", Sign::Required), ("never", Sign::Never)])
        })?,
        share: table.or("share", Share::Try, |value| {
            value.word(&[("try", Share::Try), ("required", Share::Required), ("never", Share::Never)])
        })?,
    })
}

fn evidence(table: Option<&Table<'_>>) -> Result<EvidenceSection, Fault> {
    Ok(EvidenceSection {
        keep: key(table, "keep", Duration::from_secs(180 * DAY), Value::time)?,
        folder: key(table, "folder", None, some(Value::relative_path))?,
    })
}

fn monitor(table: &Table<'_>) -> Result<Monitor, Fault> {
    let checks = table.required("checks")?;
    let commands = checks.commands()?;
    if commands.is_empty() {
        return Err(checks.fault("names no check").hint("take [monitor] out, or name one"));
    }
    Ok(Monitor {
        duration: table.or("for", Duration::from_secs(15 * MINUTE), Value::time)?,
        every: table.or("every", Duration::from_secs(30), Value::time)?,
        checks: commands,
    })
}

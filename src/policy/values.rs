//! Reads single values: texts, numbers, times, commands, globs, patterns, paths, names.
//!
//! Every check that a value can be given by itself is here; checks that need two keys are in `sections`.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::RegexBuilder;
use toml::de::DeValue;

use super::error::Fault;
use super::globs::{self, Syntax};
use super::reader::{Value, nearest};
use super::types::{Argv, Environment};

/// The longest time that is read: ten years.
const LONGEST: u64 = 3650 * 24 * 60 * 60;
/// The memory that a compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;
/// The longest pattern that is read.
const PATTERN_LENGTH: usize = 4096;

/// Variables that the gate sets itself, so that a policy cannot.
const RESERVED: &[&str] = &["HOME", "PATH", "TMPDIR", "TMP", "TEMP", "PWD", "CI"];
const RESERVED_PREFIXES: &[&str] = &["GIT_", "PROOF_", "XDG_"];

impl Value<'_> {
    pub(super) fn switch(&self) -> Result<bool, Fault> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.wanted("true or false")),
        }
    }

    /// Any string, an empty one too.
    fn string(&self) -> Result<String, Fault> {
        match self.value.get_ref() {
            DeValue::String(text) if text.contains('\0') => Err(self.fault("holds a NUL byte")),
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(self.wanted("a string")),
        }
    }

    /// A string that says something.
    pub(super) fn text(&self) -> Result<String, Fault> {
        let text = self.string()?;
        if text.trim().is_empty() { Err(self.fault("is empty")) } else { Ok(text) }
    }

    pub(super) fn texts(&self) -> Result<Vec<String>, Fault> {
        self.list("a list of strings", Value::text)
    }

    pub(super) fn number(&self, least: u64, most: u64) -> Result<u64, Fault> {
        let DeValue::Integer(number) = self.value.get_ref() else { return Err(self.wanted("a whole number")) };
        let value = u64::from_str_radix(number.as_str(), number.radix()).ok();
        let value = value.filter(|value| (least..=most).contains(value));
        value.ok_or_else(|| self.fault(format!("must be from {least} to {most}, not {number}")))
    }

    pub(super) fn small_number(&self, least: u32, most: u32) -> Result<u32, Fault> {
        let value = self.number(u64::from(least), u64::from(most))?;
        Ok(u32::try_from(value).expect("the number is within the bounds of a u32"))
    }

    pub(super) fn time(&self) -> Result<Duration, Fault> {
        let hint = "write a time as \"240s\", \"15m\", \"1h30m\" or \"90d\"";
        let DeValue::String(text) = self.value.get_ref() else {
            return Err(self.wanted("a time").hint(hint));
        };
        time(text).map_err(|why| self.fault(format!("'{text}' is no time: {why}")).hint(hint))
    }

    /// One of a few words, each with what it means.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Fault> {
        let text = self.text()?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*meaning);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Err(self.fault(format!("must be one of {}, not '{text}'", known.join(", "))).hint(nearest(&text, &known)))
    }

    pub(super) fn command(&self) -> Result<Argv, Fault> {
        if let DeValue::String(text) = self.value.get_ref() {
            let parts: Vec<String> = text.split_whitespace().map(|part| format!("\"{part}\"")).collect();
            let hint = format!("no shell reads it: write a list, [{}]", parts.join(", "));
            return Err(self.wanted("a list of a program and its arguments").hint(hint));
        }
        let command = self.list("a list of a program and its arguments", Value::string)?;
        match command.first() {
            None => Err(self.fault("names no program").hint("write the program and its arguments as a list")),
            Some(program) if program.trim().is_empty() => Err(self.fault("names a program with an empty name")),
            Some(_) => Ok(command),
        }
    }

    pub(super) fn commands(&self) -> Result<Vec<Argv>, Fault> {
        let what = "a list of commands";
        self.list(what, |value| match value.value.get_ref() {
            DeValue::String(_) => {
                Err(value.fault("must be a list of commands, each a list").hint("write [[\"program\", \"argument\"]]"))
            }
            _ => value.command(),
        })
    }

    fn glob_as(&self, syntax: Syntax) -> Result<String, Fault> {
        let glob = self.string()?;
        match globs::check(&glob, syntax) {
            Ok(()) => Ok(glob),
            Err((message, hint)) => {
                let fault = Fault::at(self.value.span(), format!("{}: {message}", self.name));
                Err(match hint {
                    Some(hint) => fault.hint(hint),
                    None => fault,
                })
            }
        }
    }

    pub(super) fn glob(&self) -> Result<String, Fault> {
        self.glob_as(Syntax::Path)
    }

    pub(super) fn globs(&self) -> Result<Vec<String>, Fault> {
        self.list("a list of globs", Value::glob)
    }

    pub(super) fn refs(&self) -> Result<Vec<String>, Fault> {
        self.list("a list of ref names or globs", |value| value.glob_as(Syntax::Ref))
    }

    pub(super) fn exact_refs(&self) -> Result<Vec<String>, Fault> {
        self.list("a list of ref names or globs", |value| value.glob_as(Syntax::ExactRef))
    }

    pub(super) fn ids(&self) -> Result<Vec<String>, Fault> {
        self.list("a list of ids or globs", |value| value.glob_as(Syntax::Id))
    }

    pub(super) fn pattern(&self) -> Result<String, Fault> {
        let pattern = self.text()?;
        if pattern.len() > PATTERN_LENGTH {
            return Err(
                self.fault(format!("is a pattern of {} bytes, at most {PATTERN_LENGTH} are read", pattern.len()))
            );
        }
        let built =
            RegexBuilder::new(&pattern).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).nest_limit(100).build();
        match built {
            Ok(_) => Ok(pattern),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(self.fault("is a pattern that grows too large").hint("use smaller counts in {…}"))
            }
            Err(error) => {
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                let fault = self.fault(format!("is no pattern: {why}"));
                Err(if text.contains("look-around") || text.contains("backreferences") {
                    fault.hint("patterns run in linear time, so they know no look-around and no backreferences")
                } else {
                    fault
                })
            }
        }
    }

    pub(super) fn patterns(&self) -> Result<Vec<String>, Fault> {
        self.list("a list of patterns", Value::pattern)
    }

    /// A path that stays below the folder it is meant in.
    pub(super) fn relative_path(&self) -> Result<String, Fault> {
        let path = self.text()?;
        if path.starts_with('/') || path.starts_with('~') {
            return Err(self.fault(format!("'{path}' is an absolute path")).hint("write it relative to its folder"));
        }
        let mut parts = path.strip_suffix('/').unwrap_or(&path).split('/');
        match parts.find(|part| matches!(*part, "" | "." | "..")) {
            Some(part) => {
                let fault = self.fault(format!("'{path}' has the part '{part}'"));
                Err(fault.hint("write the plain path, without '.', '..' or '//'"))
            }
            None => Ok(path),
        }
    }

    pub(super) fn relative_paths(&self) -> Result<Vec<String>, Fault> {
        self.list("a list of relative paths", Value::relative_path)
    }

    pub(super) fn environment(&self) -> Result<Environment, Fault> {
        let table = self.table()?;
        let pass = table.or("pass", Vec::new(), |value| {
            value.list("a list of variable names", |value| {
                let name = value.text()?;
                variable_name(&name).map_err(|why| value.fault(why))?;
                Ok(name)
            })
        })?;
        let mut set = BTreeMap::new();
        if let Some(value) = table.optional("set") {
            for (name, span, value) in value.entries()? {
                variable_name(&name).map_err(|why| Fault::at(span.clone(), format!("env.set {why}")))?;
                if pass.contains(&name) {
                    return Err(Fault::at(span, format!("variable '{name}' is both passed and set")));
                }
                set.insert(name, value.string()?);
            }
        }
        Ok(Environment { pass, set })
    }
}

/// Why a variable cannot be named by a policy.
fn variable_name(name: &str) -> Result<(), String> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !plain || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!("'{name}' is no name of a variable"));
    }
    if RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(format!("'{name}' is set by proof-gate itself"));
    }
    Ok(())
}

/// Why a suite cannot have a name.
pub(super) fn suite_name(name: &str) -> Result<(), &'static str> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    match () {
        () if name.is_empty() => Err("is empty"),
        () if name.len() > 64 => Err("is longer than 64 letters"),
        () if !plain => Err("holds something else than letters, digits, '.', '_' and '-'"),
        () if name.starts_with(['.', '-']) => Err("begins with '.' or '-'"),
        () => Ok(()),
    }
}

const UNITS: &[(char, u64)] = &[('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads `1h30m`: whole numbers with units from large to small.
fn time(text: &str) -> Result<Duration, &'static str> {
    let (mut rest, mut units, mut seconds) = (text, UNITS, 0_u64);
    if rest.is_empty() {
        return Err("it is empty");
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or("a unit (s, m, h, d) is missing")?;
        let number: u64 = rest[..digits].parse().map_err(|_| "a whole number has to stand before each unit")?;
        let unit = rest[digits..].chars().next().ok_or("a unit (s, m, h, d) is missing")?;
        let position = units.iter().position(|(known, _)| *known == unit);
        let position = position.ok_or("the units are d, h, m and s, each once and in this order")?;
        let part = number.checked_mul(units[position].1).ok_or("it is too long")?;
        seconds = seconds.checked_add(part).ok_or("it is too long")?;
        units = &units[position + 1..];
        rest = &rest[digits + unit.len_utf8()..];
    }
    match seconds {
        0 => Err("it must be longer than nothing"),
        1..=LONGEST => Ok(Duration::from_secs(seconds)),
        _ => Err("it is longer than ten years"),
    }
}

/// Writes a time as `time` reads it.
pub(super) fn time_text(time: Duration) -> String {
    let mut seconds = time.as_secs();
    let mut text = String::new();
    for (unit, length) in UNITS {
        if seconds >= *length {
            text.push_str(&format!("{}{unit}", seconds / length));
            seconds %= length;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_the_same() {
        for (text, seconds) in [("240s", 240), ("15m", 900), ("1h30m", 5400), ("90d", 7_776_000), ("1d1h1m1s", 90_061)]
        {
            let read = time(text).expect("the time is good");
            assert_eq!(read.as_secs(), seconds, "{text}");
            assert_eq!(time(&time_text(read)), Ok(read));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "5", "m", "5 m", "-5m", "5M", "1.5h", "30m1h", "5m5m", "0s", "99999999999999999999s", "4000d", "5µ"]
        {
            assert!(time(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_time_up_to_ten_years_round_trips(seconds in 1..=LONGEST) {
            let length = Duration::from_secs(seconds);
            proptest::prop_assert_eq!(time(&time_text(length)), Ok(length));
        }
    }
}

//! What a repeated run is run under: another time zone, locale, umask and number of processors, from a fixed table.
//!
//! Deliberately absent: chance. A run with the same number is varied in the same way every time.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::thread::available_parallelism;
use std::time::Duration;

use super::Cancel;
use super::log::Masks;
use super::process::{self, Afterwards, Job, Surroundings};
use crate::caller::Caller;
use crate::policy::Environment;

/// One row of the table.
struct Row {
    /// A zone of the tz database that is far from UTC or off the full hour.
    time_zone: &'static str,
    locale: &'static str,
    umask: u32,
    cpus: u32,
}

/// What the second run is run under, the third, and so on; then from the start again. `docs/proofs.md` has it too.
const TABLE: [Row; 4] = [
    // A day ahead of America; an `i` whose capital has a dot; files that nobody else may read.
    Row { time_zone: "Pacific/Kiritimati", locale: "tr_TR.UTF-8", umask: 0o077, cpus: 1 },
    // Half an hour off, with summer time; a decimal comma; files that the group may write.
    Row { time_zone: "America/St_Johns", locale: "de_DE.UTF-8", umask: 0o002, cpus: 2 },
    // A quarter of an hour off; other calendars and wide characters.
    Row { time_zone: "Asia/Kathmandu", locale: "ja_JP.UTF-8", umask: 0o022, cpus: 1 },
    // A day behind; other digits.
    Row { time_zone: "Pacific/Pago_Pago", locale: "ar_EG.UTF-8", umask: 0o027, cpus: 2 },
];

/// The locale that every system has, and that is not the usual `C.UTF-8`: for one that is not installed.
const PLAIN_LOCALE: &str = "C";

/// How long `locale -a` may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one run of a suite is run under, beside what every run sees. The default varies nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variation {
    time_zone: Option<&'static str>,
    locale: Option<&'static str>,
    umask: Option<u32>,
    cpus: Option<u32>,
}

impl Variation {
    /// That of a run, counted from 0; the first varies nothing. A variable that the policy sets or passes stays as the policy wants it.
    pub fn of_run(run: u32, locales: &Locales, policy: [&Environment; 2]) -> Self {
        let Some(place) = run.checked_sub(1) else { return Variation::default() };
        let row = &TABLE[place as usize % TABLE.len()];
        let names = || policy.iter().flat_map(|environment| environment.pass.iter().chain(environment.set.keys()));
        let is_pinned = |is_it: fn(&str) -> bool| names().any(|name| is_it(name));
        let locale = if locales.have(row.locale) { row.locale } else { PLAIN_LOCALE };
        Variation {
            time_zone: (!is_pinned(|name| name == "TZ")).then_some(row.time_zone),
            locale: (!is_pinned(|name| name.starts_with("LANG") || name.starts_with("LC_"))).then_some(locale),
            umask: Some(row.umask),
            cpus: cpus_here(row.cpus),
        }
    }

    /// Whether nothing is varied.
    pub fn is_plain(&self) -> bool {
        *self == Variation::default()
    }

    /// The variables that it sets.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.time_zone.map(|zone| ("TZ", zone)).into_iter().chain(self.locale.map(|locale| ("LC_ALL", locale)))
    }

    /// What the supervisor sets before it starts the suite.
    pub(super) fn surroundings(&self) -> Surroundings {
        Surroundings { umask: self.umask, cpus: self.cpus }
    }
}

/// `TZ=Pacific/Kiritimati, LC_ALL=C, umask 077, 1 CPU`; `plain` where nothing is varied.
impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables = self.variables().map(|(name, value)| format!("{name}={value}"));
        let umask = self.umask.map(|umask| format!("umask {umask:03o}"));
        let cpus = self.cpus.map(|cpus| format!("{cpus} CPU{}", if cpus == 1 { "" } else { "s" }));
        let words: Vec<String> = variables.chain(umask).chain(cpus).collect();
        f.write_str(if words.is_empty() { "plain" } else { "" })?;
        f.write_str(&words.join(", "))
    }
}

/// How many processors it will be: not more than there are, and not varied where the system has no way to say so.
fn cpus_here(wanted: u32) -> Option<u32> {
    let there = available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX));
    cfg!(target_os = "linux").then_some(wanted.min(there))
}

/// The locales that are installed here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locales(BTreeSet<String>);

impl Locales {
    /// Those that `locale -a` lists; none where there is no such program, or it does not answer.
    pub fn installed(caller: &Caller, cancel: &Cancel) -> Self {
        Self::listed(caller, cancel).map(|list| Self::read(&list)).unwrap_or_default()
    }

    fn listed(caller: &Caller, cancel: &Cancel) -> Option<String> {
        let path = caller.variable("PATH")?;
        let program = which::which_in_global("locale", Some(path)).ok()?.find(|program| program.is_absolute())?;
        let folder = tempfile::tempdir().ok()?;
        let log = folder.path().join("log");
        let job = Job {
            supervisor: &caller.program,
            program: &program,
            argv: &["locale".to_owned(), "-a".to_owned()],
            folder: folder.path(),
            variables: &[("PATH".into(), path.to_owned())].into(),
            timeout: PATIENCE,
            grace: process::GRACE,
            log: &log,
            masks: &Masks::default(),
            copy: None,
            warnings: None,
            afterwards: Afterwards::End,
            surroundings: Surroundings::default(),
        };
        process::run(&job, cancel, &mut |_, _| {}).ok()?;
        fs::read(&log).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// One name a line. Systems spell `UTF-8` in several ways.
    fn read(list: &str) -> Self {
        Locales(list.lines().map(normal).collect())
    }

    fn have(&self, locale: &str) -> bool {
        self.0.contains(&normal(locale))
    }
}

fn normal(locale: &str) -> String {
    locale.trim().to_ascii_lowercase().replace("utf-8", "utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_run(run: u32, set: &[&str]) -> Variation {
        let set = set.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let policy = Environment { pass: Vec::new(), set };
        Variation::of_run(run, &Locales::read("C\nPOSIX\nde_DE.utf8\n"), [&policy, &Environment::default()])
    }

    #[test]
    fn the_first_run_is_plain_and_the_table_begins_anew_behind_its_end() {
        assert!(of_run(0, &[]).is_plain());
        assert_eq!(of_run(0, &[]).to_string(), "plain");
        assert_eq!(of_run(1, &[]), of_run(5, &[]));
        let all: BTreeSet<String> = (0..100).map(|run| of_run(run, &[]).to_string()).collect();
        assert_eq!(all.len(), 1 + TABLE.len());
    }

    #[test]
    fn a_locale_that_is_not_installed_is_c_in_its_place() {
        assert!(of_run(1, &[]).to_string().starts_with("TZ=Pacific/Kiritimati, LC_ALL=C, umask 077, 1 CPU"));
        assert!(of_run(2, &[]).to_string().contains("LC_ALL=de_DE.UTF-8, umask 002"));
    }

    #[test]
    fn what_the_policy_pins_is_not_varied() {
        let names = |set: &[&str]| of_run(1, set).variables().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&[]), ["TZ", "LC_ALL"]);
        assert_eq!(names(&["TZ"]), ["LC_ALL"]);
        for name in ["LANG", "LC_ALL", "LC_CTYPE", "LANGUAGE"] {
            assert_eq!(names(&[name]), ["TZ"], "{name}");
        }
        assert_eq!(of_run(1, &["TZ", "LANG"]).surroundings().umask, Some(0o077));
    }
}

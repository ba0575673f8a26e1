//! The checklist of a proof: what the runbook asks for, each point ticked from the record and its evidence. Pure.
//!
//! Deliberately absent: a tick that nothing bears out. What was not looked at says so, and what the policy does not ask for is neither
//! ticked nor missing.

use super::facts::{About, Asked, Facts, Held, Item, Owed, Standing, State};
use crate::judge::Code;
use crate::records::{EvidenceFile, SuiteEntry};

/// The points, in the runbook's order.
pub fn items(facts: &Facts<'_>) -> Vec<Item> {
    let mut items = vec![changes(facts), suites(facts)];
    items.extend(facts.owed.iter().map(|owed| verdict(facts, owed)));
    items.extend(approvals(facts));
    items.push(commit(facts));
    items.push(if facts.resets > 0 {
        let commands = if facts.resets == 1 { "command" } else { "commands" };
        item(
            About::Database,
            State::Done,
            format!("put into its known state before each suite ({} {commands})", facts.resets),
        )
    } else {
        item(About::Database, State::NotAsked, "not configured: [proof] reset".to_owned())
    });
    items.extend(flaky(facts));
    items.extend(warnings(facts));
    for (suite, host) in facts.entries() {
        items.extend(kept(facts, suite, host));
    }
    items.extend(recorded(facts));
    items.push(item(
        About::Changelog,
        State::NotLooked,
        "not looked at: this version does not read the Operations Changelog; its line is yours to write".to_owned(),
    ));
    items
}

fn item(about: About, state: State, what: String) -> Item {
    Item { about, suite: None, state, what, next: None }
}

impl Item {
    fn of(mut self, suite: &str) -> Self {
        self.suite = Some(suite.to_owned());
        self
    }

    fn then(mut self, next: String) -> Self {
        self.next = Some(next);
        self
    }
}

fn changes(facts: &Facts<'_>) -> Item {
    let verdict = facts.verdict;
    if verdict.bases.is_empty() {
        return item(About::Changes, State::Done, "everything: no earlier commit is established".to_owned());
    }
    let count = verdict.changes.count;
    let bases: Vec<String> = verdict.bases.iter().map(|base| base.short()).collect();
    let what = format!("{count} path{} since {}", if count == 1 { "" } else { "s" }, bases.join(" "));
    let kinds = facts.kinds.iter().flatten().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>();
    item(About::Changes, State::Done, if kinds.is_empty() { what } else { format!("{what}: {}", kinds.join(", ")) })
}

fn suites(facts: &Facts<'_>) -> Item {
    let names: Vec<&str> = facts.owed.iter().map(|owed| owed.suite.as_str()).collect();
    match names.as_slice() {
        [] => {
            item(About::Suites, State::Missing, "none: the commit owes no suite, and that cannot be right".to_owned())
                .then(format!("proof-gate plan {}", facts.commit))
        }
        names => item(About::Suites, State::Done, names.join(" ")),
    }
}

fn verdict(facts: &Facts<'_>, owed: &Owed) -> Item {
    let of = |state, what: String| item(About::Verdict, state, what).of(&owed.suite);
    match &owed.held {
        Held::Pass(record) if *record == facts.record => of(State::Done, "PASS".to_owned()),
        Held::Pass(record) => of(State::Done, format!("PASS, recorded as {record}")),
        Held::Fail(record, code) => {
            of(State::Missing, format!("FAIL {code}")).then(format!("proof-gate show {record}"))
        }
        Held::Contradicted(record) => of(State::Missing, "FLAKY_HISTORY: PASS and FAIL on the same inputs".to_owned())
            .then(format!("proof-gate resolve {record} --suite {} --cause TEXT", owed.suite)),
        Held::Nothing => of(State::Missing, "nothing is recorded that counts".to_owned())
            .then(format!("proof-gate run {} --suite {}", facts.commit, owed.suite)),
    }
}

fn approvals(facts: &Facts<'_>) -> Option<Item> {
    if facts.approvals.is_empty() {
        return None;
    }
    Some(if facts.approvals.iter().all(|approved| *approved) {
        item(About::Approval, State::Done, "the change to a weaker policy is approved".to_owned())
    } else {
        item(About::Approval, State::Missing, "the policy got weaker, and nobody approved that".to_owned())
            .then(format!("proof-gate approve-policy {} -m WHY", facts.commit))
    })
}

fn commit(facts: &Facts<'_>) -> Item {
    let clean = "in a clean checkout, every file compared";
    let what = if facts.is_of_commit {
        format!("exactly {}, {clean}", facts.commit)
    } else {
        format!("exactly the files of {}, {clean}; recorded for another commit with the same", facts.commit)
    };
    item(About::Commit, State::Done, what)
}

/// The owed suites whose entry is so.
fn suites_where<'a>(facts: &'a Facts<'_>, is_so: fn(&SuiteEntry) -> bool) -> Vec<&'a str> {
    facts.entries().map(|(entry, _)| entry).filter(|entry| is_so(entry)).map(|entry| entry.name.as_str()).collect()
}

fn has(entry: &SuiteEntry, codes: &[Code]) -> bool {
    entry.findings.iter().any(|finding| codes.contains(&finding.code))
}

/// Where to see what is wrong with a suite.
fn show_of(facts: &Facts<'_>, suite: Option<&&str>) -> String {
    let of_suite = facts.owed.iter().find(|owed| Some(&owed.suite.as_str()) == suite);
    let record = of_suite.and_then(|owed| match &owed.held {
        Held::Pass(record) | Held::Fail(record, _) | Held::Contradicted(record) => Some(record),
        Held::Nothing => None,
    });
    format!("proof-gate show {}", record.unwrap_or(&facts.record))
}

/// One point for what was seen, and one for what cannot be.
fn flaky(facts: &Facts<'_>) -> Vec<Item> {
    let flaky = suites_where(facts, |entry| has(entry, &[Code::TestFlaky, Code::FlakyUnobservable]));
    let hides = |name: &str| facts.configured.iter().any(|(known, suite)| known == name && suite.hides_retries);
    let blind: Vec<&str> = suites_where(facts, |_| true).into_iter().filter(|name| hides(name)).collect();
    let mut items = Vec::new();
    if !flaky.is_empty() {
        let next = show_of(facts, flaky.first());
        items.push(item(About::Flaky, State::Missing, format!("in {}", flaky.join(" "))).then(next));
    } else if blind.len() < facts.entries().count() {
        items.push(item(About::Flaky, State::Done, "none".to_owned()));
    }
    if !blind.is_empty() {
        let what = format!("not to be seen in {}: what is read there does not show retries", blind.join(" "));
        items.push(item(About::Flaky, State::NotAsked, what));
    }
    items
}

fn warnings(facts: &Facts<'_>) -> Option<Item> {
    facts.entries().next()?;
    let warned = suites_where(facts, |entry| has(entry, &[Code::Warning]));
    Some(if warned.is_empty() {
        item(About::Warnings, State::Done, "none that means failure".to_owned())
    } else {
        let next = show_of(facts, warned.first());
        item(About::Warnings, State::Missing, format!("in {}", warned.join(" "))).then(next)
    })
}

/// A file's name below its suite's folder, `evidence/<run>/<suite>/`.
fn below_suite(file: &EvidenceFile) -> &str {
    file.name.splitn(4, '/').nth(3).unwrap_or(&file.name)
}

/// What the gate itself puts there.
const LOG: &str = "log";
const REPORT: &str = "report";
/// The list of a suite's artifacts: what it holds is among the evidence as long as it is what was recorded.
const LIST: &str = "artifacts.json";

/// Log, report, trace logs and pictures of one suite.
fn kept(facts: &Facts<'_>, suite: &SuiteEntry, host: &str) -> Vec<Item> {
    let files = |about, of: &[&(EvidenceFile, Standing)]| files(facts, about, (suite, host), of);
    let folders: Vec<&str> = suite.evidence.iter().filter_map(|list| list.name.strip_suffix(LIST)).collect();
    let named = |file: &EvidenceFile| {
        suite.evidence.iter().any(|known| known.name == file.name)
            || folders.iter().any(|folder| file.name.starts_with(folder))
    };
    let of_suite = || facts.evidence.iter().filter(|(file, _)| named(file));
    let own = |name: &str| of_suite().filter(|(file, _)| below_suite(file) == name).collect::<Vec<_>>();
    let is_artifact = |file: &EvidenceFile| ![LOG, REPORT, LIST].contains(&below_suite(file));
    // An empty file counts for nothing, and a list that is not what was recorded for whatever it held.
    let artifacts = |is_meant: fn(&str, &str) -> bool| {
        let is_meant = |file: &EvidenceFile| file.size > 0 && is_meant(below_suite(file), &file.media_type);
        let is_lost =
            |(file, standing): &(EvidenceFile, Standing)| below_suite(file) == LIST && *standing != Standing::Intact;
        of_suite().filter(|of| is_lost(of) || (is_artifact(&of.0) && is_meant(&of.0))).collect::<Vec<_>>()
    };
    let configured = facts.configured.iter().find(|(name, _)| *name == suite.name).map(|(_, configured)| *configured);
    let configured = configured.unwrap_or_default();
    let mut items = vec![files(About::Log, &own(LOG))];
    items.push(if suite.adapter == "exit-code" {
        item(About::Report, State::NotAsked, "not configured: only its exit code is read".to_owned()).of(&suite.name)
    } else {
        files(About::Report, &own(REPORT))
    });
    let (logs, pictures) = (artifacts(is_log), artifacts(is_picture));
    items.push(if configured.logs == Asked::AtWill && logs.is_empty() {
        let ask = format!("let [suites.{}] leave one, and ask for it with at_least = 1", suite.name);
        item(About::TraceLogs, State::Missing, "none was kept".to_owned()).of(&suite.name).then(ask)
    } else if configured.logs != Asked::Never {
        files(About::TraceLogs, &logs)
    } else {
        let (name, rule) = (&suite.name, "{ paths = \"logs/*.log\" }");
        let declare = match configured.artifacts {
            true => format!("add {rule} to the artifacts of [suites.{name}]"),
            false => format!("add artifacts = [{rule}] to [suites.{name}]"),
        };
        item(About::TraceLogs, State::Missing, "not configured".to_owned()).of(&suite.name).then(declare)
    });
    items.push(match configured.pictures {
        Asked::Never => item(About::Pictures, State::NotAsked, "not configured".to_owned()).of(&suite.name),
        Asked::AtWill if pictures.is_empty() => {
            item(About::Pictures, State::NotAsked, "none was left, and none has to be".to_owned()).of(&suite.name)
        }
        Asked::AtWill | Asked::Always => files(About::Pictures, &pictures),
    });
    items
}

/// Files of which there has to be one at least, all as they were recorded.
fn files(
    facts: &Facts<'_>,
    about: About,
    (suite, host): (&SuiteEntry, &str),
    files: &[&(EvidenceFile, Standing)],
) -> Item {
    let again = || format!("proof-gate run {} --suite {}", facts.commit, suite.name);
    let missing = |what: String| item(about, State::Missing, what).of(&suite.name).then(again());
    let that = |wanted: Standing| files.iter().filter(|(_, standing)| *standing == wanted).count();
    let (altered, gone) = (that(Standing::Altered), that(Standing::Gone));
    match files.len() {
        0 => missing("none was kept".to_owned()),
        _ if altered > 0 => missing(format!("{} no longer what was recorded", are(altered, files.len()))),
        _ if gone > 0 => {
            missing(format!("{} not here: removed, or only on {host}, where it was made", are(gone, files.len())))
        }
        1 => item(about, State::Done, "kept, unaltered".to_owned()).of(&suite.name),
        count => item(about, State::Done, format!("{count} kept, unaltered")).of(&suite.name),
    }
}

/// `1 of 3 is`, `2 of 3 are`, and `is` of one.
fn are(some: usize, all: usize) -> String {
    match (some, all) {
        (1, 1) => "is".to_owned(),
        (1, _) => format!("1 of {all} is"),
        _ => format!("{some} of {all} are"),
    }
}

pub(super) fn is_log(name: &str, media_type: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["log", "trace", ".har"].iter().any(|word| name.contains(word)) && !is_picture(&name, media_type)
}

pub(super) fn is_picture(name: &str, media_type: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let by_type = media_type.starts_with("image/") || media_type.starts_with("video/");
    by_type || [".png", ".jpg", ".jpeg", ".webp", ".gif", ".webm", ".mp4"].iter().any(|end| name.ends_with(end))
}

fn recorded(facts: &Facts<'_>) -> [Item; 2] {
    let who = &facts.predicate.who;
    let word = facts.verdict.verdict.as_str();
    let at = facts.predicate.finished.strftime("%Y-%m-%d %H:%M:%S UTC");
    let what = format!("{} as {word} by {} <{}>, {at}", facts.record, who.name, who.email);
    let by_hand = match (facts.predicate.terminal, facts.asks_for_terminal) {
        (true, _) => item(About::ByHand, State::Done, "somebody was at a terminal".to_owned()),
        (false, true) => item(About::ByHand, State::Missing, "nobody was at a terminal".to_owned())
            .then(format!("proof-gate run {}", facts.commit)),
        (false, false) => item(
            About::ByHand,
            State::NotAsked,
            "nobody was at a terminal, and the policy does not ask for that".to_owned(),
        ),
    };
    [item(About::Recorded, State::Done, what), by_hand]
}

/// Whether nothing that the runbook asks for is missing.
pub fn is_whole(items: &[Item]) -> bool {
    items.iter().all(|item| item.state != State::Missing)
}

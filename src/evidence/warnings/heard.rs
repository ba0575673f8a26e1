//! What was heard in one stream: of each kind the first lines, and how many there were.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use bstr::ByteSlice as _;
use regex::Regex;

use super::lists::{Kind, WarningLists};
use super::own_words::OwnWords;
use crate::evidence::text::{bounded, short};
use crate::evidence::{ANYTHING, Noticed};
use crate::url::without_user_info;

/// Lines of one kind that are kept.
const KEPT: usize = 20;

/// Characters of a line in front of what was found that are shown; where there are more, it is shown from there on.
const SHOWN_BEFORE: usize = 200;

/// Bytes of a line behind that which are looked at.
const LONGEST: usize = 4096;

/// Where a line stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On standard output or error; the log numbers its lines so.
    Log,
    /// In the file that node's processes write their warnings to.
    WarningsFile,
    /// In the report, which holds what tests printed.
    Report,
}

/// What was heard in one stream.
#[derive(Debug, Default)]
pub(super) struct Heard {
    kinds: BTreeMap<Kind, Tally>,
}

/// How often a kind was heard.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    last_line: u64,
    first: Vec<Kept>,
}

/// A line that is kept.
#[derive(Debug)]
struct Kept {
    number: u64,
    /// As it is shown.
    line: String,
    /// As it was searched; see [`Noticed::Warning`].
    like: String,
}

impl Heard {
    /// Notes a line. One that comes in steps counts once for each kind. `line` gives it, and where in it something was found.
    pub(super) fn note<'l>(
        &mut self,
        kind: Kind,
        number: u64,
        is_more_of_a_line: bool,
        line: impl FnOnce() -> (&'l [u8], usize),
    ) {
        let tally = self.kinds.entry(kind).or_default();
        if is_more_of_a_line && tally.last_line == number {
            return;
        }
        tally.count += 1;
        tally.last_line = number;
        if tally.first.len() < KEPT {
            let (line, place) = line();
            let (line, like) = shown(line, place);
            tally.first.push(Kept { number, line, like });
        }
    }

    /// As the judge takes it: every kept line that means failure, those of a cache first, and one note for each other kind. Paths below
    /// `folder` are made relative to it.
    pub(super) fn noticed(
        self,
        lists: &WarningLists,
        place: Place,
        folder: &Path,
        words: OwnWords<'_>,
    ) -> Vec<Noticed> {
        let warns = |words: &str| matches!(lists.kind(words.as_bytes()), Some(Kind::BuiltIn(_) | Kind::Own(_)));
        // A pattern of the policy means the line as it is.
        let says_nothing = |kind: Kind, line: &str| {
            let is_built_in = matches!(kind, Kind::BuiltIn(_)) && !lists.is_own(line.as_bytes());
            is_built_in && place == Place::Log && words.are(line, warns)
        };
        let own = |line: &str| match named(folder) {
            Some(folder) => line.replace(&format!("{folder}/"), ""),
            None => line.to_owned(),
        };
        // The folder around it is another in every proof.
        let like = |line: &str| match folder.parent().and_then(named) {
            Some(around) => line.replace(around, &ANYTHING.to_string()),
            None => line.to_owned(),
        };
        let (mut cached, mut warnings, mut more, mut notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (kind, tally) in self.kinds {
            let Tally { count, first, .. } = tally;
            let name = lists.name(kind);
            match kind {
                // Tools print such a line; what a test printed into its report is none.
                Kind::Cached if place == Place::Log => {
                    cached.extend(first.into_iter().map(|kept| Noticed::Cached { line: own(&kept.line) }));
                }
                Kind::Cached => {}
                Kind::BuiltIn(_) | Kind::Own(_) => {
                    let left_out = count - first.len() as u64;
                    let first = first.into_iter().filter(|kept| !says_nothing(kind, &kept.line));
                    warnings.extend(first.map(|kept| (kept.number, own(&kept.line), like(&kept.like))));
                    if left_out > 0 {
                        let line = format!("and {left_out} more lines of the same kind: {name}");
                        more.push(Noticed::Warning { place: place.without_number().to_owned(), line, like: None });
                    }
                }
                Kind::Allowed(_) | Kind::Counted(_) => {
                    let (line, place) = (own(&first[0].line), place.words(first[0].number));
                    let times = if count == 1 { String::new() } else { format!(", {count} times, the first") };
                    notes.push(Noticed::Note(match kind {
                        Kind::Allowed(_) => format!("allowed warning ({name}){times}: {line} ({place})"),
                        Kind::Cached | Kind::BuiltIn(_) | Kind::Own(_) | Kind::Counted(_) => {
                            format!("{name}{times}: {line} ({place})")
                        }
                    }));
                }
            }
        }
        warnings.sort_by_key(|(number, ..)| *number);
        let warnings = warnings.into_iter().map(|(number, line, like)| Noticed::Warning {
            place: place.words(number),
            line,
            like: Some(like),
        });
        cached.into_iter().chain(warnings).chain(more).chain(notes).collect()
    }
}

impl Place {
    pub(super) fn without_number(self) -> &'static str {
        match self {
            Place::Log => "log",
            Place::WarningsFile => "warnings file",
            Place::Report => "report",
        }
    }

    fn words(self, number: u64) -> String {
        match self {
            Place::Log => format!("log:{number}"),
            Place::WarningsFile | Place::Report => self.without_number().to_owned(),
        }
    }
}

/// A line as it is shown: bounded, and without what differs from run to run by nature, the number of a process. And what it is like.
fn shown(line: &[u8], place: usize) -> (String, String) {
    static PROCESS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\((node|bun|deno):\d+\)").expect("the pattern is constant"));
    let is_far = line[..place.min(line.len())].chars().nth(SHOWN_BEFORE).is_some();
    let from = if is_far { &line[place..] } else { line };
    let text = from[..from.len().min(LONGEST)].to_str_lossy();
    let like = PROCESS.replace_all(&text, format!("($1:{ANYTHING})"));
    let mut like = match without_user_info(&like) {
        cut if cut == like => like.into_owned(),
        cut => cut.replace("://", &format!("://{ANYTHING}")),
    };
    if is_far {
        like.insert(0, ANYTHING);
    }
    if from.len() > LONGEST {
        like.push(ANYTHING);
    }
    let text = PROCESS.replace_all(text.trim(), "($1)");
    (short(&bounded(&if is_far { format!("…{text}") } else { text.into_owned() })), like)
}

/// A folder's path as lines hold it; none where it is no folder of its own.
fn named(folder: &Path) -> Option<&str> {
    folder.to_str().map(|folder| folder.trim_end_matches('/')).filter(|folder| !folder.trim_matches('/').is_empty())
}

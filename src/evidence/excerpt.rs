//! Where in a log something stands that a finding tells of, and the lines around it.
//!
//! A finding's words and a log's differ in what surrounds them (colours, quotes, arrows between groups, escapes), so only letters and
//! digits are compared, word by word. Every text is read once for all findings, and nothing of it is kept but the lines shown.
//!
//! Deliberately absent: files; and escaping, which is the reporter's duty.

use std::borrow::Cow;

use bstr::ByteSlice as _;

mod json;

pub use json::{Told, told};

/// Lines shown in front of the one that is meant.
const BEFORE: usize = 2;
/// Lines shown behind it: what went wrong mostly stands there.
const AFTER: usize = 6;
/// Lines shown of the end.
const END: usize = 8;
/// Characters of a line that are shown. A longer one was not written for people, and is shown from where the words are.
const MAX_SHOWN: usize = 160;
/// Characters that are shown in front of the words then.
const LEAD: usize = 20;
/// Characters of a detail that are looked for: the beginning of a long one is telling, and its end may have been cut off.
const MAX_DETAIL: usize = 80;
/// How far behind a test's name its failure may stand to be told from that of another test.
const REACH: usize = 6;

/// Which file is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A log, whose first line is its command.
    Log,
    /// A report.
    Report,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    title: Option<String>,
    /// The last part of a title whose parts are told apart.
    name: Option<String>,
    detail: Option<String>,
    line: Option<usize>,
    /// Whether the words have to be a certain test's: what went wrong may be the same in another.
    is_of_test: bool,
}

impl Wanted {
    /// A test by its full title, with the first line of what went wrong as far as it comes from the run.
    pub fn test(title: &str, detail: Option<&str>) -> Self {
        let name = [" > ", " › ", "::"].iter().find_map(|between| title.rsplit_once(between)).map(|(_, name)| name);
        Wanted {
            title: words(title),
            name: name.and_then(words),
            detail: detail.and_then(detail_words),
            line: None,
            is_of_test: true,
        }
    }

    /// Words that were printed, as in `warning: unused (log:12)` or `(log:12, run 2)`: what stands in brackets at the end is where.
    pub fn printed(detail: &str) -> Self {
        let place = detail.strip_suffix(')').and_then(|detail| detail.rsplit_once("(log:"));
        let line = place.and_then(|(_, place)| place.split(',').next()?.parse().ok());
        Wanted { detail: detail_words(detail), line, ..Wanted::default() }
    }
}

/// How sure it is that a line is the one that is meant; the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The words that were printed stand in the line that was named.
    Named,
    /// What went wrong, near the test's name.
    DetailNearName,
    /// The test's full title.
    Title,
    /// What went wrong.
    Detail,
    /// The last part of the test's title.
    Name,
}

/// For each that is wanted the line where it stands most surely, counted from 1; of several such the last, for runners list their tests first and
/// explain what failed at the end. The command of a log is passed over.
pub fn locate(text: &[u8], source: Source, wanted: &[Wanted]) -> Vec<Option<(Rank, usize)>> {
    let mut found: Vec<Option<(Rank, usize)>> = vec![None; wanted.len()];
    let mut named_at: Vec<Option<usize>> = vec![None; wanted.len()];
    let mut before = String::new();
    let first = match source {
        Source::Log => 1,
        Source::Report => 0,
    };
    for (number, line) in (1..).zip(text.lines()).skip(first) {
        let line = padded(&plain(line));
        // A title may go over two lines: a group, and below it the test.
        let both = format!("{before}{}", line.trim_start());
        for ((wanted, found), named_at) in wanted.iter().zip(&mut found).zip(&mut named_at) {
            let has =
                |line: &str, words: &Option<String>| words.as_ref().is_some_and(|words| line.contains(words.as_str()));
            let has_title = has(&line, &wanted.title) || (has(&both, &wanted.title) && !has(&before, &wanted.title));
            if has_title || has(&line, &wanted.name) {
                *named_at = Some(number);
            }
            let is_near = || named_at.is_some_and(|at| number - at <= REACH);
            let rank = match (has(&line, &wanted.detail), has_title) {
                (true, _) if wanted.line == Some(number) => Some(Rank::Named),
                (true, _) if is_near() => Some(Rank::DetailNearName),
                (_, true) => Some(Rank::Title),
                (true, false) if !wanted.is_of_test => Some(Rank::Detail),
                (_, false) => has(&line, &wanted.name).then_some(Rank::Name),
            };
            if let Some(rank) = rank
                && found.is_none_or(|(best, _)| rank <= best)
            {
                *found = Some((rank, number));
            }
        }
        before = line;
    }
    found
}

/// From which byte on the line with this number is to be shown, so that what is wanted can be seen: 0 but for a long one.
pub fn column(text: &[u8], line: usize, wanted: &Wanted) -> usize {
    let line = visible(text.lines().nth(line.saturating_sub(1)).unwrap_or_default());
    if line.chars().nth(MAX_SHOWN).is_none() {
        return 0;
    }
    let words = padded(&line);
    let of_test = [&wanted.title, &wanted.name].into_iter().flatten().find_map(|name| words.rfind(name.as_str()));
    let of_detail = wanted.detail.as_ref().and_then(|detail| {
        let from = of_test.unwrap_or(0);
        words[from..].find(detail.as_str()).map(|at| from + at).or_else(|| words.rfind(detail.as_str()))
    });
    let Some(found) = of_detail.or(of_test) else { return 0 };
    // Each word has a blank in front, and so has what was found.
    let start = start_of_word(&line, words[..found].matches(' ').count());
    match line[..start].char_indices().rev().nth(LEAD - 1) {
        Some((lead, _, _)) if line[..start].chars().nth(MAX_SHOWN / 2).is_some() => lead,
        _ => 0,
    }
}

/// The line with this number, from this byte on, and those around it.
pub fn around(text: &[u8], line: usize, column: usize) -> Vec<(usize, Vec<u8>)> {
    let first = line.saturating_sub(BEFORE).max(1);
    let lines = (1..).zip(text.lines()).skip(first - 1).take(line + AFTER + 1 - first);
    let lines = lines.map(|(number, text)| (number, shown(text, if number == line { column } else { 0 })));
    without_blank_ends(lines.collect(), line)
}

/// The last lines that say something; nothing of a log that holds only its command.
pub fn end(text: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let text = text.trim_end();
    let count = text.lines().count();
    (1..)
        .zip(text.lines())
        .skip((count.saturating_sub(END)).max(1))
        .map(|(number, line)| (number, shown(line, 0)))
        .collect()
}

fn without_blank_ends(mut lines: Vec<(usize, Vec<u8>)>, meant: usize) -> Vec<(usize, Vec<u8>)> {
    let is_blank = |(number, line): &(usize, Vec<u8>)| *number != meant && line.trim().is_empty();
    while lines.last().is_some_and(is_blank) {
        lines.pop();
    }
    let blank = lines.iter().take_while(|line| is_blank(line)).count();
    lines.split_off(blank)
}

/// A line from this byte on as it would look on a screen, but for what the reporter escapes: no tabs, and no more than can be read.
fn shown(line: &[u8], column: usize) -> Vec<u8> {
    let line = visible(line);
    let from = line.get(column..).unwrap_or_default();
    let end = from.char_indices().nth(MAX_SHOWN).map(|(end, _, _)| end);
    let line = from[..end.unwrap_or(from.len())].replace("\t", "    ");
    let cut = |is_cut| if is_cut { "…" } else { "" }.as_bytes();
    [cut(column > 0), line.trim_end(), cut(end.is_some())].concat()
}

/// A line without colours, and where it overwrote itself its last.
fn visible(line: &[u8]) -> Vec<u8> {
    let line = plain(line);
    line.trim_end_with(|end| end == '\r').rsplit_str("\r").next().unwrap_or_default().to_vec()
}

/// Where the word with this number begins, counted from 0.
fn start_of_word(line: &[u8], number: usize) -> usize {
    let mut is_word = false;
    let starts = line.char_indices().filter(|(_, _, character)| {
        let was_word = std::mem::replace(&mut is_word, character.is_alphanumeric());
        is_word && !was_word
    });
    let mut starts = starts.map(|(start, _, _)| start);
    starts.nth(number).unwrap_or(0)
}

/// A line without colours.
fn plain(line: &[u8]) -> Cow<'_, [u8]> {
    match line.to_str() {
        Ok(text) if text.contains('\u{1b}') => Cow::Owned(console::strip_ansi_codes(text).into_owned().into_bytes()),
        Ok(_) | Err(_) => Cow::Borrowed(line),
    }
}

/// ` payment charges once `: the words of a line, each between blanks.
fn padded(line: &[u8]) -> String {
    let mut words = String::from(" ");
    for character in line.chars() {
        if character.is_alphanumeric() {
            words.push(character);
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

/// The same of what is looked for; nothing where that would be found everywhere.
fn words(text: &str) -> Option<String> {
    let words = padded(text.as_bytes());
    (words.len() > 4).then_some(words)
}

/// A detail without the place that stands behind it in brackets.
fn detail_words(detail: &str) -> Option<String> {
    let place = detail.strip_suffix(')').and_then(|detail| detail.rsplit_once(" ("));
    let detail = place.map_or(detail, |(detail, _)| detail).trim_end_matches('…');
    match detail.char_indices().nth(MAX_DETAIL) {
        Some((end, _)) => words(detail[..end].rsplit_once(' ').map_or(&detail[..end], |(whole, _)| whole)),
        None => words(detail),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOG: &str = "[\"mocha\",\"--grep\",\"payment charges once\"]\n\
        \n\
        \u{20} payment\n\
        \u{20}   \u{1b}[32m✔\u{1b}[0m charges once (again)\n\
        \u{20}   1) charges once\n\
        \n\
        \u{20} 1) payment\n\
        \u{20}      charges once:\n\
        \n\
        \u{20}     \u{1b}[31mAssertionError: expected 1 to equal 2\u{1b}[0m\n\
        \t at charge (card.js:4)\n\
        \n\
        (node:12) MaxListenersExceededWarning: too many\n";

    fn found(log: &str, wanted: Wanted) -> Option<(Rank, usize)> {
        locate(log.as_bytes(), Source::Log, &[wanted])[0]
    }

    #[test]
    fn what_went_wrong_is_found_below_the_name_of_its_test() {
        let wanted = Wanted::test("payment charges once", Some("AssertionError: expected 1 to equal 2 (test/card.js)"));
        assert_eq!(found(LOG, wanted), Some((Rank::DetailNearName, 10)));
    }

    #[test]
    fn what_went_wrong_elsewhere_is_not_taken_for_this_test_s() {
        let detail = Some("AssertionError: expected 1 to equal 2");
        assert_eq!(found(LOG, Wanted::test("payment refunds twice", detail)), None);
        assert_eq!(found(LOG, Wanted::test("", detail)), None);
    }

    #[test]
    fn a_title_goes_over_two_lines_and_the_command_is_passed_over() {
        assert_eq!(found(LOG, Wanted::test("payment charges once", None)), Some((Rank::Title, 8)));
        assert_eq!(found(LOG, Wanted::test("payment > charges once", Some("never printed"))), Some((Rank::Title, 8)));
        assert_eq!(found("[\"x\",\"payment charges\"]\n", Wanted::test("payment charges", None)), None);
    }

    #[test]
    fn separators_and_quotes_do_not_matter_and_parts_of_words_do() {
        let log = "argv\n ● payment › \"charges\" once\n";
        assert_eq!(found(log, Wanted::test("payment charges once", None)), Some((Rank::Title, 2)));
        assert_eq!(found("argv\nrepayment charges once\n", Wanted::test("payment charges once", None)), None);
        assert_eq!(found("argv\n  x charges once\n", Wanted::test("a.js > charges once", None)), Some((Rank::Name, 2)));
    }

    #[test]
    fn a_warning_is_found_by_its_words_and_its_number_tells_it_from_others() {
        let warning = "MaxListenersExceededWarning: too many (log:13)";
        assert_eq!(found(LOG, Wanted::printed(warning)), Some((Rank::Named, 13)));
        assert_eq!(found(LOG, Wanted::printed(&warning.replace("13", "13, run 2"))), Some((Rank::Named, 13)));
        // Of a long log the middle is missing, and numbers are off.
        assert_eq!(found(LOG, Wanted::printed(&warning.replace("13", "900"))), Some((Rank::Detail, 13)));
    }

    #[test]
    fn an_excerpt_is_short_numbered_and_plain() {
        let lines = around(LOG.as_bytes(), 10, 0);
        let text: Vec<String> =
            lines.iter().map(|(number, line)| format!("{number} {}", String::from_utf8_lossy(line))).collect();
        assert_eq!(
            text,
            [
                "8        charges once:",
                "9 ",
                "10       AssertionError: expected 1 to equal 2",
                "11      at charge (card.js:4)",
                "12 ",
                "13 (node:12) MaxListenersExceededWarning: too many"
            ]
        );
        assert_eq!(around(LOG.as_bytes(), 1, 0)[0].0, 1);
        assert_eq!(around(b"", 7, 0), []);
    }

    #[test]
    fn the_end_of_a_log_is_its_last_lines_and_not_its_command() {
        assert_eq!(end(b"argv\n\n\n"), []);
        assert_eq!(end(b"argv\nno such file\n\n"), [(2, b"no such file".to_vec())]);
        let long = format!("argv\n{}", "x\n".repeat(100));
        assert_eq!((end(long.as_bytes()).len(), end(long.as_bytes())[0].0), (END, 94));
    }

    #[test]
    fn long_lines_and_lines_that_overwrite_themselves_are_cut() {
        let cut = shown(&b"x".repeat(100_000), 0);
        assert_eq!(cut.len(), MAX_SHOWN + "…".len());
        assert_eq!(shown(b"10 %\r 100 %\rdone\r", 0), b"done");
    }

    #[test]
    fn a_report_of_one_long_line_is_shown_where_the_words_are() {
        let case = |name: &str, what: &str| format!("{{\"title\":\"ü {name}\",\"error\":\"Error: {what}\"}},");
        let report =
            [case("adds up", "none").repeat(900), case("charges once", "no money"), case("ends", "x").repeat(90)];
        let report = format!("[{}]", report.concat());
        let excerpt = |wanted: Wanted| {
            let (rank, line) = locate(report.as_bytes(), Source::Report, std::slice::from_ref(&wanted))[0].unwrap();
            let lines = around(report.as_bytes(), line, column(report.as_bytes(), line, &wanted));
            (rank, String::from_utf8(lines[0].1.clone()).unwrap())
        };
        let (rank, line) = excerpt(Wanted::test("charges once", Some("Error: no money (card.js)")));
        assert_eq!(rank, Rank::DetailNearName);
        assert!(line.starts_with("…rges once\",\"error\":\"Error: no money\"},") && line.ends_with('…'), "{line}");
        let (rank, line) = excerpt(Wanted::test("charges once", Some("nonesuch")));
        assert_eq!(rank, Rank::Title);
        assert!(line.starts_with("… none\"},{\"title\":\"ü charges once"), "{line}");
        // What stands at the beginning is shown from there.
        assert!(excerpt(Wanted::printed("title ü adds up error Error none title")).1.starts_with("[{\"title"));
        assert_eq!(column(b"short charges once", 1, &Wanted::test("charges once", None)), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_give_lines_that_are_there(
            text in any::<Vec<u8>>(), title in ".*", detail in ".*", line in 0usize..20
        ) {
            for wanted in [Wanted::test(&title, Some(&detail)), Wanted::printed(&detail)] {
                let wanted = [wanted];
                for (source, first) in [(Source::Log, 2), (Source::Report, 1)] {
                    for (_, line) in locate(&text, source, &wanted).into_iter().flatten() {
                        prop_assert!(line >= first && line <= text.lines().count());
                    }
                }
                let column = column(&text, line, &wanted[0]);
                prop_assert!(around(&text, line, column).len() <= BEFORE + 1 + AFTER);
            }
            prop_assert!(end(&text).len() <= END);
        }

        #[test]
        fn a_line_that_was_printed_is_found(
            before in prop::collection::vec("[a-z ]{0,20}", 0..20), title in "[A-Z]{5,9} [A-Z]{5,9}"
        ) {
            let log = format!("argv\n{}\n{title}\n", before.join("\n"));
            let found = found(&log, Wanted::test(&title, None));
            prop_assert_eq!(found, Some((Rank::Title, log.lines().count())));
        }
    }
}

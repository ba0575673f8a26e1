//! Folds a line for a terminal: between words, with a hanging indent.
//!
//! Commands stay in one piece, so that they can be copied. Nothing is cut but a line that says itself how many rows it may take.
//!
//! Deliberately absent: what a row says.

use super::line::{Breaks, Piece, Tone};

/// Nothing is folded narrower than this: a terminal that says so is mistaken.
const NARROWEST: usize = 20;

/// A hanging indent that leaves less than half of the width for text is none.
fn hanging(text: &str, width: usize) -> usize {
    let leading = text.len() - text.trim_start_matches(' ').len();
    // `  next:    words`: below the words. Deep lines have no label.
    let label = text[leading..].find("  ").filter(|end| leading < 8 && leading + end < 16);
    let indent = match label {
        Some(end) => {
            let after = leading + end;
            after + (text[after..].len() - text[after..].trim_start_matches(' ').len())
        }
        None if leading == 0 => text.find(": ").filter(|end| *end < 8).map_or(2, |end| end + 2),
        None => leading + 2,
    };
    indent.min(width / 2)
}

/// The rows that a line takes on a terminal `width` columns wide; one where it fits.
pub(super) fn rows(pieces: &[Piece], width: usize, at_most: Option<usize>) -> Vec<Vec<Piece>> {
    let width = width.max(NARROWEST);
    let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    if console::measure_text_width(text.trim_end_matches(' ')) <= width {
        return vec![pieces.to_vec()];
    }
    let long_words = if at_most.is_some() { LongWords::AreBroken } else { LongWords::StayWhole };
    let indent = hanging(&text, width);
    let mut rows = Rows { rows: vec![Vec::new()], column: 0, start: 0, width, indent, long_words };
    let mut word = Vec::new();
    for piece in pieces {
        let parts: Vec<&str> = match piece.breaks {
            Breaks::Nowhere => vec![&piece.text],
            Breaks::BetweenWords => split(&piece.text).collect(),
        };
        for part in parts {
            if piece.breaks == Breaks::BetweenWords && part.starts_with(' ') {
                rows.word(&std::mem::take(&mut word));
                rows.blanks(piece.tone, part);
            } else {
                // Where two pieces touch, the word goes on.
                word.push((piece.tone, part));
            }
        }
    }
    rows.word(&word);
    let Some(at_most) = at_most else { return rows.rows };
    let mut rows = rows.rows;
    if rows.len() > at_most {
        rows.truncate(at_most);
        rows.iter_mut().last().into_iter().for_each(|row| end_with_ellipsis(row, width));
    }
    rows
}

/// Says that more would stand here.
fn end_with_ellipsis(row: &mut Vec<Piece>, width: usize) {
    let columns = |row: &[Piece]| row.iter().map(|piece| console::measure_text_width(&piece.text)).sum::<usize>();
    while let Some(last) = row.last_mut() {
        last.text.truncate(last.text.trim_end_matches(' ').len());
        if last.text.is_empty() {
            row.pop();
        } else if columns(row) >= width
            && let Some(last) = row.last_mut()
        {
            last.text.pop();
        } else {
            break;
        }
    }
    row.push(Piece { tone: Tone::Plain, text: "…".to_owned(), breaks: Breaks::Nowhere });
}

/// Runs of blanks, and what stands between them.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first_is_blank = rest.chars().next()? == ' ';
        let end = rest.find(|character| (character == ' ') != first_is_blank).unwrap_or(rest.len());
        let (word, later) = rest.split_at(end);
        rest = later;
        Some(word)
    })
}

/// What becomes of a word that no row can hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LongWords {
    /// The terminal breaks it, and it can be copied: a path mostly.
    StayWhole,
    AreBroken,
}

struct Rows {
    rows: Vec<Vec<Piece>>,
    column: usize,
    /// Where the text of this row starts.
    start: usize,
    width: usize,
    indent: usize,
    long_words: LongWords,
}

impl Rows {
    fn blanks(&mut self, tone: Tone, blanks: &str) {
        // Blanks at a fold are the fold.
        if self.column > self.start || self.rows.len() == 1 {
            self.push(tone, blanks, blanks.len());
        }
    }

    fn word(&mut self, word: &[(Tone, &str)]) {
        let wide: usize = word.iter().map(|(_, part)| console::measure_text_width(part)).sum();
        let is_broken = self.long_words == LongWords::AreBroken && self.indent + wide > self.width;
        if self.column + wide > self.width && !is_broken && self.column > self.start.max(self.indent) {
            self.new_row();
        }
        for (tone, part) in word {
            if is_broken {
                self.break_up(*tone, part);
            } else {
                self.push(*tone, part, console::measure_text_width(part));
            }
        }
    }

    fn break_up(&mut self, tone: Tone, word: &str) {
        for character in word.chars() {
            let text = character.to_string();
            let wide = console::measure_text_width(&text);
            if self.column + wide > self.width {
                self.new_row();
            }
            self.push(tone, &text, wide);
        }
    }

    fn new_row(&mut self) {
        self.rows.push(Vec::new());
        self.column = 0;
        self.push(Tone::Plain, &" ".repeat(self.indent), self.indent);
        self.start = self.indent;
    }

    fn push(&mut self, tone: Tone, text: &str, wide: usize) {
        let row = self.rows.last_mut().expect("there is always a row");
        match row.last_mut() {
            Some(last) if last.tone == tone => last.text.push_str(text),
            Some(_) | None => row.push(Piece { tone, text: text.to_owned(), breaks: Breaks::BetweenWords }),
        }
        self.column += wide;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Line;

    fn check(line: &Line, width: usize, expected: &[&str]) {
        let rows = line.render_folded(false, width);
        assert_eq!(rows.split('\n').collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_fits_stays_in_one_row() {
        check(&Line::new().text("  next:    proof-gate run"), 25, &["  next:    proof-gate run"]);
    }

    #[test]
    fn further_rows_stand_below_the_text_of_the_first() {
        let line = Line::new().text("  note     a proof of it was killed: payment");
        check(&line, 30, &["  note     a proof of it was", "           killed: payment"]);
        let line = Line::new().text("           payment  TEST_FAILED  charges a card twice");
        check(&line, 40, &["           payment  TEST_FAILED  charges", "             a card twice"]);
        check(&Line::new().text("hint:  one two three four"), 20, &["hint:  one two three", "       four"]);
    }

    #[test]
    fn what_may_be_copied_stays_whole() {
        let line = || Line::new().text("  next:    ").whole("proof-gate run 3f2a91c --suite payment").text("  and why");
        check(&line(), 30, &["  next:    proof-gate run 3f2a91c --suite payment", "           and why"]);
        let long = "x".repeat(40);
        check(&Line::new().text("a ").data(&long).text(" b"), 30, &[&format!("a {long}"), "  b"]);
        let rows = [format!("a {}", "x".repeat(28)), format!("  {}", "x".repeat(12))];
        check(&Line::new().text("a ").data(&long).at_most(2), 30, &rows.each_ref().map(String::as_str));
    }

    #[test]
    fn no_row_ends_where_two_pieces_touch() {
        let line = Line::new().text("one two three <").data("four").text("> five");
        check(&line, 20, &["one two three <four>", "  five"]);
        check(
            &Line::new().text("one two three four <").data("five").text(">"),
            20,
            &["one two three four", "  <five>"],
        );
    }

    #[test]
    fn a_line_that_may_take_two_rows_says_that_there_is_more() {
        let line = Line::new().text("one two three four five six seven eight nine ten").at_most(2);
        check(&line, 20, &["one two three four", "  five six seven…"]);
        check(&Line::new().text("one two three four five six").at_most(1), 20, &["one two three four…"]);
    }

    #[test]
    fn wide_characters_count_twice_and_a_mad_width_is_none() {
        let line = Line::new().data("支払い 予約 停止 返金 確認 取消");
        check(&line, 20, &["支払い 予約 停止", "  返金 確認 取消"]);
        check(&line, 0, &["支払い 予約 停止", "  返金 確認 取消"]);
    }
}

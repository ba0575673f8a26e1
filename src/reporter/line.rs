//! A line of talk: constant words and escaped data, so that nothing from a repository or a test reaches the screen raw.

use std::fmt;

use super::escape::shown;
use super::fold;

/// How a word is meant. Colour only underlines what the word says already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As any text.
    Plain,
    /// Good: PASS, ok.
    Good,
    /// Bad: FAIL, refused.
    Bad,
    /// Neither: no proof, before.
    Doubt,
    /// Less important.
    Dim,
    /// A heading or name.
    Strong,
}

/// Some words of a line.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) tone: Tone,
    pub(super) text: String,
    pub(super) breaks: Breaks,
}

/// Where a piece may be broken when its line is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaks {
    /// Between its words.
    BetweenWords,
    /// Nowhere: it is there to be copied.
    Nowhere,
}

/// One line in pieces.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pieces: Vec<Piece>,
    at_most: Option<usize>,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Line::default()
    }

    /// Adds constant words.
    pub fn text(self, words: &'static str) -> Self {
        self.piece(Tone::Plain, words.to_owned())
    }

    /// Adds a constant word with a tone.
    pub fn tone(self, tone: Tone, word: &'static str) -> Self {
        self.piece(tone, word.to_owned())
    }

    /// Adds data, escaped.
    pub fn data(self, bytes: impl AsRef<[u8]>) -> Self {
        self.piece(Tone::Plain, shown(bytes))
    }

    /// Adds data with a tone, escaped.
    pub fn data_in(self, tone: Tone, bytes: impl AsRef<[u8]>) -> Self {
        self.piece(tone, shown(bytes))
    }

    /// Adds a command or a path that somebody may copy, escaped. It stays in one piece where the line is folded.
    pub fn whole(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.pieces.push(Piece { tone: Tone::Plain, text: shown(bytes), breaks: Breaks::Nowhere });
        self
    }

    /// Adds blanks until the line is `column` wide, and one at least where anything stands before.
    pub fn to(self, column: usize) -> Self {
        let width = self.width();
        let blanks = if width == 0 { column } else { column.saturating_sub(width).max(1) };
        self.piece(Tone::Plain, " ".repeat(blanks))
    }

    /// Adds another line's pieces.
    pub fn then(mut self, other: Line) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// Where it is folded, it takes so many rows at most and says that there is more.
    pub fn at_most(mut self, rows: usize) -> Self {
        self.at_most = Some(rows);
        self
    }

    fn piece(mut self, tone: Tone, text: String) -> Self {
        self.pieces.push(Piece { tone, text, breaks: Breaks::BetweenWords });
        self
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        // What was escaped holds no character that moves the cursor, so that each of ASCII takes one column.
        let width = |text: &str| if text.is_ascii() { text.len() } else { console::measure_text_width(text) };
        self.pieces.iter().map(|piece| width(&piece.text)).sum()
    }

    /// The line as it is written, in one row.
    pub(super) fn render(&self, colored: bool) -> String {
        render(&self.pieces, colored)
    }

    /// The line as it is written on a terminal of this width: folded between words, each further row below the text of the first.
    pub(super) fn render_folded(&self, colored: bool, width: usize) -> String {
        let rows = fold::rows(&self.pieces, width, self.at_most);
        let rows: Vec<String> = rows.iter().map(|row| render(row, colored)).collect();
        rows.join("\n")
    }
}

/// Without colour, in one row.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

fn render(pieces: &[Piece], colored: bool) -> String {
    let mut out = String::new();
    for piece in pieces {
        let style = console::Style::new().force_styling(colored);
        let style = match piece.tone {
            Tone::Plain => None,
            Tone::Good => Some(style.green()),
            Tone::Bad => Some(style.red().bold()),
            Tone::Doubt => Some(style.yellow()),
            Tone::Dim => Some(style.dim()),
            Tone::Strong => Some(style.bold()),
        };
        match style.filter(|_| colored) {
            Some(style) => out.push_str(&style.apply_to(&piece.text).to_string()),
            None => out.push_str(&piece.text),
        }
    }
    out.truncate(out.trim_end_matches(' ').len());
    out
}

//! A line of talk: constant words and escaped data, so that nothing from a repository or a test reaches the screen raw.

use super::escape::shown;

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

/// One line in pieces.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pieces: Vec<(Tone, String)>,
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

    fn piece(mut self, tone: Tone, text: String) -> Self {
        self.pieces.push((tone, text));
        self
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| console::measure_text_width(text)).sum()
    }

    /// The line as it is written.
    pub(super) fn render(&self, colored: bool) -> String {
        let mut out = String::new();
        for (tone, text) in &self.pieces {
            let style = console::Style::new().force_styling(colored);
            let style = match tone {
                Tone::Plain => {
                    out.push_str(text);
                    continue;
                }
                Tone::Good => style.green(),
                Tone::Bad => style.red().bold(),
                Tone::Doubt => style.yellow(),
                Tone::Dim => style.dim(),
                Tone::Strong => style.bold(),
            };
            if colored {
                out.push_str(&style.apply_to(text).to_string());
            } else {
                out.push_str(text);
            }
        }
        out.truncate(out.trim_end_matches(' ').len());
        out
    }
}

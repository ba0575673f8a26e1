//! The only place that prints. stderr is talk, stdout is data; escaping lives here. Decides nothing.

mod ask;
mod escape;
mod fold;
mod line;
mod live;
mod words;

use std::io::Write as _;

use console::Term;
pub use escape::{Shown, shown, text};
pub use line::{Line, Tone};
pub use live::Running;
pub use words::{ago, clock, span, time_zone};

use crate::caller::Caller;
use crate::error::{Context as _, Error, Exit, Result};

/// `--color`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set; elsewhere with `CLICOLOR_FORCE`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Prints talk and data.
pub struct Reporter {
    colored_talk: bool,
    colored_data: bool,
    live: Option<live::Live>,
    heartbeats: live::Heartbeats,
    is_interrupted: bool,
}

impl Reporter {
    /// A reporter for this process's standard output and error.
    pub fn new(caller: &Caller, color: Color) -> Self {
        let (talk, data) = (Term::stderr(), Term::stdout());
        let wants = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if caller.variable("NO_COLOR").is_some() => false,
            Color::Auto if caller.variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            Color::Auto => is_terminal && caller.variable("TERM").is_none_or(|term| term != "dumb"),
        };
        let is_live = talk.is_term() && caller.variable("TERM").is_some_and(|term| term != "dumb");
        Reporter {
            colored_talk: wants(talk.is_term()),
            colored_data: wants(data.is_term()),
            live: is_live.then(live::Live::on_stderr),
            heartbeats: live::Heartbeats::new(),
            is_interrupted: false,
        }
    }

    /// A reporter for when nothing is known of the terminal: no colour, no live line.
    pub fn plain() -> Self {
        Reporter {
            colored_talk: false,
            colored_data: false,
            live: None,
            heartbeats: live::Heartbeats::new(),
            is_interrupted: false,
        }
    }

    /// One line of talk, on stderr; folded where that is a terminal and it does not fit.
    pub fn say(&self, line: &Line) {
        let text = rendered(line, self.colored_talk, columns(&Term::stderr()));
        let write = || {
            // Nobody may be listening any more; that changes no decision.
            drop(writeln!(std::io::stderr(), "{text}"));
        };
        match &self.live {
            Some(live) => live.suspend(write),
            None => write(),
        }
    }

    /// Several lines of talk.
    pub fn say_all(&self, lines: &[Line]) {
        for line in lines {
            self.say(line);
        }
    }

    /// An error with its next steps.
    pub fn error(&self, error: &Error) {
        self.say(&Line::new().tone(Tone::Bad, "error").text(": ").data(&error.message));
        for hint in &error.hints {
            self.say(&Line::new().tone(Tone::Dim, "hint").text(":  ").data(hint));
        }
        for line in &error.to_copy {
            self.say(&Line::new().text(line));
        }
    }

    /// Lines of data, on stdout; folded as talk is. A reader that went away is no error.
    pub fn data(&self, lines: &[Line]) -> Result<()> {
        let mut out = String::new();
        let columns = columns(&Term::stdout());
        for line in lines {
            out.push_str(&rendered(line, self.colored_data, columns));
            out.push('\n');
        }
        write_out(out.as_bytes())
    }

    /// Data as it is, on stdout: a schema, a completion script.
    pub fn raw(&self, text: &[u8]) -> Result<()> {
        write_out(text)
    }

    /// One JSON document, on stdout.
    pub fn json(&self, document: &impl serde::Serialize) -> Result<()> {
        let mut text = serde_json::to_string_pretty(document).context("cannot write JSON")?;
        text.push('\n');
        write_out(text.as_bytes())
    }
}

/// How wide a terminal is, where it is one.
fn columns(place: &Term) -> Option<usize> {
    place.size_checked().map(|(_, columns)| usize::from(columns))
}

/// Elsewhere than on a terminal a line is one line, for those who search in it.
fn rendered(line: &Line, colored: bool, columns: Option<usize>) -> String {
    match columns {
        Some(columns) => line.render_folded(colored, columns),
        None => line.render(colored),
    }
}

fn write_out(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(format!("cannot write to standard output: {error}")).ending(Exit::NoProof))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

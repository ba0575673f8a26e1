//! A question on the terminal, for commands that set something up.
//!
//! Deliberately absent: any question in the gate itself. Where nobody can answer, a command says which option to give.

use std::io::{BufRead as _, IsTerminal as _};

use console::Term;

use super::{Line, Reporter};
use crate::error::{Context as _, Result};

impl Reporter {
    /// Whether somebody reads what is said and can answer.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && Term::stderr().is_term()
    }

    /// Asks, and gives back the line that is typed, without blanks around it; `None` where the input ended.
    pub fn ask(&self, question: &Line) -> Result<Option<String>> {
        self.say(question);
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
        Ok((read > 0).then(|| answer.trim().to_owned()))
    }
}

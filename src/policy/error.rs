//! What is wrong with a policy file, and where.
//!
//! One error at a time: the first that a reader of the file would meet in the table being read.

use std::fmt;
use std::ops::Range;

use crate::error::Error;

/// A fault in a policy file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, a fragment.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl PolicyError {
    /// The error as a user is told it; `source` says which file was read, `.proofrc.toml of 3f2a91c` say.
    pub fn into_error(self, source: impl fmt::Display) -> Error {
        let error = Error::new(format!("cannot read {source} at {self}"));
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// A fault at a byte range, before lines are counted.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    span: Range<usize>,
    message: String,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Fault { span, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Counts lines and columns. `text` is what the span was measured in.
    pub(super) fn locate(self, text: &str) -> PolicyError {
        let before = text.get(..self.span.start.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        PolicyError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: self.message,
            hint: self.hint,
        }
    }
}

//! What was found: what it is, why it matters, and how it is mended.

use schemars::JsonSchema;
use serde::Serialize;

use crate::url::without_user_info;

/// How much a finding weighs. The worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A push that needs a proof can go out without one.
    OpensTheGate,
    /// No proof can be made, or no push gets anywhere.
    NoProof,
    /// Good to know; everything works.
    Note,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// What is to be seen: a clause. It may hold bytes from outside, which the reporter escapes, and no user part of a URL.
    pub what: String,
    /// What follows from it: a sentence.
    pub why: String,
    /// Commands for sh, to be run in this order, in the work tree that is named or where the doctor was called.
    pub mend: Vec<String>,
    /// What to do where no command can, or what to know before the commands are run.
    pub advice: Option<String>,
    /// Whether it is only that a look cannot tell, so that a push that was refused makes it a note.
    pub is_doubt: bool,
}

impl Finding {
    /// Something through which a push goes out unproven.
    pub fn open(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Severity::OpensTheGate, what, why)
    }

    /// Something that keeps proofs from being made.
    pub fn no_proof(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Severity::NoProof, what, why)
    }

    /// Something that is good to know.
    pub fn note(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Severity::Note, what, why)
    }

    /// Something of which a look cannot tell whether a push goes out unproven.
    pub fn doubt(what: impl Into<String>, why: impl Into<String>) -> Self {
        Finding { is_doubt: true, ..Self::open(what, why) }
    }

    fn new(severity: Severity, what: impl Into<String>, why: impl Into<String>) -> Self {
        let what = without_user_info(&what.into()).into_owned();
        Finding { severity, what, why: why.into(), mend: Vec::new(), advice: None, is_doubt: false }
    }

    /// The same with one more command.
    pub fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend.push(command.into());
        self
    }

    /// The same with words beside the commands.
    pub fn advise(mut self, words: impl Into<String>) -> Self {
        self.advice = Some(words.into());
        self
    }
}

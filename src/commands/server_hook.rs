//! `hook pre-receive` and `hook post-receive`: what was pushed is read, the hook that stood there hears it first, then the server's check.
//!
//! Deliberately absent: any write. git keeps what arrives apart until pre-receive has ended with 0, and no ref may move meanwhile.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Read as _};

use super::receive::{post_receive, pre_receive};
use crate::caller::Caller;
use crate::error::{Context as _, Error, Exit, Result};
use crate::git::Repository;
use crate::hooks::{self, Hook, KeptOutcome};
use crate::reporter::{Line, Reporter};

/// A server's hook: the kept hook first, then what it is there for.
pub fn receive(caller: &Caller, hook: Hook, args: &[OsString], reporter: &mut Reporter) -> Result<Exit> {
    if let Some(reply) = hooks::self_test_reply(args) {
        return Err(reply);
    }
    let input = input()?;
    let repository = Repository::open(caller)?;
    match (hooks::run_kept(&repository, caller, hook, args, &input), hook.can_refuse()) {
        (Ok(KeptOutcome::None | KeptOutcome::Passed), _) => {}
        (Ok(KeptOutcome::Refused { code, path }), true) => {
            return Err(Error::new(format!("{}: {} ended with {code}", hooks::REFUSED_BY_KEPT, path.display()))
                .ending(Exit::Refused)
                .hint("what it printed above says why; proof-gate itself has not looked yet"));
        }
        // The refs are moved already: what is left to do is done all the same.
        (Ok(KeptOutcome::Refused { code, path }), false) => {
            let path = path.display().to_string();
            reporter.say(
                &Line::new().data(path).text(", the hook that stood here before, ended with ").data(code.to_string()),
            );
        }
        (Err(error), true) => return Err(error),
        (Err(error), false) => reporter.error(&error),
    }
    match hook {
        Hook::PrePush | Hook::PreReceive => pre_receive(caller, &input, reporter),
        Hook::PostReceive => post_receive(caller, &input),
    }
}

/// Standard input to its end.
pub(super) fn input() -> Result<Vec<u8>> {
    if std::io::stdin().is_terminal() {
        // It would wait for a person to type what git hands on.
        return Err(Error::new("cannot read what was pushed: standard input is a terminal")
            .hint("git starts this hook when a push arrives; a script in between must hand git's input on"));
    }
    let mut input = Vec::new();
    std::io::stdin().lock().read_to_end(&mut input).context("cannot read what was pushed")?;
    Ok(input)
}

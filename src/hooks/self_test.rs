//! Proof by a run that a hook fires: git starts it, it starts the program, and the program refuses with the word it was given.
//!
//! Deliberately absent: a way to be misused. The answer to a self-test is always a refusal, whatever is pushed.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::hook::Hook;
use crate::error::{Context as _, Error, Exit, Result};
use crate::git::Repository;

/// Stands where git puts the remote's name, or nothing at all. A remote of this very name could only be refused.
const REMOTE: &str = "--self-test";

/// The program's side: the refusal that answers a self-test; `None` where the arguments are those of a push.
///
/// To be asked before standard input is read and before a kept hook is run.
pub fn self_test_reply(args: &[OsString]) -> Option<Error> {
    let [remote, rest @ ..] = args else { return None };
    (remote == REMOTE).then(|| {
        let word = rest.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        Error::new(reply(&word))
    })
}

fn reply(word: &str) -> String {
    format!("self-test {word}: nothing is let through")
}

/// The other side: has git run the hook, and tells why it does not fire if it does not. Only for a hook that is ours to the byte.
pub fn fire(repository: &Repository, hook: Hook) -> Result<()> {
    let mut word = [0; 16];
    getrandom::fill(&mut word).context("cannot draw a random word for the self-test")?;
    let word: String = word.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut output = repository.fire(hook.name(), &[REMOTE, &word])?;
    for _ in 0..3 {
        let answered = String::from_utf8_lossy(&output.stderr).contains(&reply(&word));
        if answered && output.status.code() == Some(Exit::NoProof as i32) {
            return Ok(());
        }
        // A process forked elsewhere may for a moment hold the new file open ("Text file busy"); what is wrong for good stays wrong.
        std::thread::sleep(std::time::Duration::from_millis(50));
        output = repository.fire(hook.name(), &[REMOTE, &word])?;
    }
    let said = if output.stderr.is_empty() { String::new() } else { format!("{}; ", output.complaint()) };
    Err(Error::new(format!("cannot make the hook fire: {}: {said}{}", hook.name(), output.ending()))
        .hint("a file system mounted noexec, a missing /bin/sh, or a program that does not start: mend it, then install again"))
}

/// Whether two paths lead to one program, or to copies of it.
pub fn is_same_program(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let length = |path: &Path| fs::metadata(path).map(|metadata| metadata.len()).ok();
    let bytes = |path: &Path| fs::read(path).ok();
    real(one).zip(real(other)).is_some_and(|(one, other)| one == other)
        || length(one).zip(length(other)).is_some_and(|(one, other)| one == other)
            && bytes(one).zip(bytes(other)).is_some_and(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_test_is_always_refused() {
        for args in [&["--self-test"][..], &["--self-test", "abc"], &["--self-test", "abc", "more"]] {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            assert_eq!(self_test_reply(&args).expect("this is a self-test").exit, Exit::NoProof);
        }
    }

    #[test]
    fn a_push_is_no_self_test() {
        for args in [&[][..], &["origin", "--self-test"], &["self-test", "abc"], &["--self-test2", "abc"]] {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            assert!(self_test_reply(&args).is_none(), "{args:?}");
        }
    }
}

//! proof-gate: a git gate that lets a protected branch or a release tag leave only with a recorded PASS of exactly what is pushed.
//!
//! The data flows one way, one type per step:
//!
//! ```text
//! stdin ─select→ [RefUpdate] ─→ [Subject] ─→ Base ─→ [Change] ─→ Plan ─→ [Obligation]
//!       ─records→ which hold a PASS │ which are missing
//!       ─prove→ Run ─evidence→ Evidence ─judge→ Verdict ─records→ Recorded ─gate→ Decision ─→ Exit
//! ```

pub mod caller;
pub mod child;
pub mod cli;
pub mod commands;
pub mod digest;
pub mod doctor;
pub mod error;
pub mod evidence;
pub mod gate;
pub mod git;
pub mod hooks;
pub mod judge;
pub mod policy;
pub mod prove;
pub mod records;
pub mod reporter;
pub mod runbook;
pub mod select;
pub mod threads;
pub mod url;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser as _;

use caller::Caller;
use cli::Cli;
use error::{Context as _, Exit};
use reporter::Reporter;

/// The whole program: reads the command line, does what it says, and ends with a documented exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            drop(error.print());
            return code(if error.use_stderr() { Exit::Usage } else { Exit::Allowed });
        }
    };
    let caller = match Caller::from_process() {
        Ok(caller) => caller,
        Err(error) => {
            Reporter::plain().error(&error);
            return code(error.exit);
        }
    };
    let mut reporter = Reporter::new(&caller, cli.color);
    let too_large = Arc::new(AtomicBool::new(false));
    let done = outlive_file_size_limits(&too_large).and_then(|()| commands::dispatch(cli, &caller, &mut reporter));
    match done {
        Ok(exit) => code(exit),
        Err(mut error) => {
            if too_large.load(Ordering::Relaxed) {
                error = error
                    .hint("a file reached the limit of file sizes here: raise it with 'ulimit -f', then run again");
            }
            reporter.error(&error);
            code(error.exit)
        }
    }
}

/// A write beyond `ulimit -f` shall fail like one on a full disk, and be told like one: SIGXFSZ would end the process without a word. The
/// flag says that it came.
///
/// Handled, not ignored: programs that are started here inherit what is ignored, and suites are to run as they would by hand.
fn outlive_file_size_limits(too_large: &Arc<AtomicBool>) -> error::Result<()> {
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::clone(too_large))
        .map(drop)
        .context("cannot listen for signals")
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit as u8)
}

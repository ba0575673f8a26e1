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
pub mod select;
pub mod threads;
pub mod url;

use std::process::ExitCode;

use clap::Parser as _;

use caller::Caller;
use cli::Cli;
use error::Exit;
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
    match commands::dispatch(cli, &caller, &mut reporter) {
        Ok(exit) => code(exit),
        Err(error) => {
            reporter.error(&error);
            code(error.exit)
        }
    }
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit as u8)
}

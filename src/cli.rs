//! The command line: what can be said, and how it ends.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

mod args;

pub use args::{
    ApprovePolicy, Audit, Checklist, Doctor, Explain, Gc, Install, Json, Judge, PlanArgs, Push, Resolve, Run,
    ScenarioArgs, ScenarioName, Show, SyncArgs, Uninstall, Verify,
};

use crate::reporter::Color;

const EXIT_CODES: &str = "\
Exit codes:
  0   allowed, or PASS
  1   refused, or FAIL
  2   no proof could be made, or the gate cannot decide (refuses too)
  3   install conflict, or init over an existing file
  64  wrong use";

/// Lets a protected branch or a release tag leave only with a recorded PASS of exactly what is pushed.
#[derive(Debug, Parser)]
#[command(name = "proof-gate", version, after_help = EXIT_CODES, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// When to colour: auto, always or never
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// One command each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a starter .proofrc.toml from what the repository holds
    #[command(
        after_help = "Looks at the package manager, the test runner, the scripts and the folders. Never overwrites a file."
    )]
    Init,
    /// Write the pre-push hook, or a server's hooks, chain what stands there, and prove that they fire
    Install(Install),
    /// Take the hooks out again, byte for byte as before; records stay
    Uninstall(Uninstall),
    /// Find what would leave the gate open or a proof impossible, each with its mend
    Doctor(Doctor),
    /// Show what changed, which suites it calls for, and why; runs nothing
    Plan(PlanArgs),
    /// Prove a commit and record the verdict
    #[command(
        after_help = "Runs every suite of the plan afresh, whatever is recorded, in a clean checkout of exactly REV, and records the verdict.\n\
                      --repeat runs every suite several times and judges all its runs together: one that differs is a FAIL.\n\
                      --draft runs the work tree as it is and records nothing: for setting up."
    )]
    Run(Run),
    /// Prove what would be pushed, then push it in one atomic push
    Push(Push),
    /// Show the last verdict per tag and per gated branch
    #[command(
        after_help = "PASS: all that it owes holds a PASS.  FAIL: a suite that it owes has a FAIL.  NONE: nothing is recorded of it.\n\
                      STALE: the last verdict for this ref is of another commit: the ref has moved since, and what it points at now is not proven.\n\
                      BEFORE: from before the gate."
    )]
    Status(Json),
    /// Show one record and its evidence
    Show(Show),
    /// Tick the runbook's points from a record and its evidence; ends with 1 where something is missing
    Checklist(Checklist),
    /// Show the way from a ref to its verdict: base, paths, rules, suites, records
    Explain(Explain),
    /// Check that what is recorded bears out a PASS; runs nothing
    #[command(
        after_help = "For deploy scripts, required checks and servers: ends with 0 only where all that REV owes holds a recorded PASS.\n\
                      Where '[records] sign = \"required\"', or with --signed, only records of allowed signers count: those of\n\
                      proofs.allowedSigners, else of gpg.ssh.allowedSignersFile, as of now."
    )]
    Verify(Verify),
    /// Find what got round the gate: gated tags and branch tips of a remote that hold no PASS; runs nothing
    #[command(
        after_help = "Ends with 1 where there is a finding. Fetches the logs and what it needs of the refs; none of your own refs moves.\n\
                      REMOTE is git's default where it is not given; in a repository without remotes its own refs are looked at."
    )]
    Audit(Audit),
    /// Say what the gate makes of a report file; runs and records nothing
    Judge(Judge),
    /// Document why a FAIL came from outside the inputs, so that a fresh run is judged on its own
    Resolve(Resolve),
    /// Record a change of the policy file with its reason, so that its own suites judge it from then on
    ApprovePolicy(ApprovePolicy),
    /// Exchange records with a remote: fetch the logs that are there, push what they lack
    #[command(
        after_help = "Without REMOTE it is the one of the current branch, else the only one, else origin. A push shares\n\
                      records by itself. Ends with 1 where this clone's own log was not taken."
    )]
    Sync(SyncArgs),
    /// Remove evidence past its retention, and what dead runs left; records stay
    #[command(
        after_help = "Evidence is kept for '[evidence] keep' after its proof, 180 days by default; what no record names goes after a day.\n\
                      Records are never touched: 'proof-gate show' says of a file that it is not here. Waits for a proof that runs."
    )]
    Gc(Gc),
    /// Check, show or describe the policy file
    #[command(subcommand)]
    Config(Config),
    /// Print a completion script
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one page a command into a folder
    Man {
        /// The folder
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// What the hooks call
    #[command(subcommand, hide = true)]
    Hook(Hook),
    /// Watch over one program; started by the gate only
    #[command(hide = true)]
    Supervise,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Read the policy file and say what is wrong with it
    Check {
        /// The file; the one at the top of the work tree where it is not given
        file: Option<PathBuf>,
    },
    /// Print the policy with every default filled in
    Show {
        /// The file; the one at the top of the work tree where it is not given
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of the policy file
    Schema,
}

/// `hook`
#[derive(Debug, Subcommand)]
pub enum Hook {
    /// git's pre-push hook
    PrePush {
        /// What git gives the hook: the remote's name and its URL
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// git's pre-receive hook
    PreReceive {
        /// git gives the hook none
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// git's post-receive hook
    PostReceive {
        /// git gives the hook none
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

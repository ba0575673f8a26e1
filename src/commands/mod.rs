//! One thin file per command: gather inputs, call the steps, hand what came of it to the reporter.

pub mod allowing;
mod approve_policy;
pub mod assess;
pub mod audit;
pub mod checklist;
pub mod config;
pub mod doctor;
mod evidence_files;
pub mod explain;
pub mod gc;
pub mod ground;
mod hook_line;
pub mod init;
pub mod install;
mod install_server;
pub mod judge;
pub mod judging;
mod killed;
mod known;
pub mod output;
pub mod output_trust;
mod past;
pub mod plan;
pub mod pre_push;
mod proof_words;
pub mod proving;
pub mod push;
pub mod receive;
mod refusal;
mod repeats;
pub mod resolve;
pub mod run;
mod server_hook;
mod sharing;
pub mod show;
mod show_suite;
mod statement;
pub mod status;
mod status_bytes;
mod status_kept;
mod status_row;
pub mod sync;
pub mod verify;
mod watch;
mod way_on;
mod weighing;

use std::path::Path;

use clap::CommandFactory as _;

use crate::caller::Caller;
use crate::cli::{self, Cli, Command};
use crate::error::{Context as _, Exit, Result};
use crate::git::Repository;
use crate::hooks::Hook;
use crate::policy;
use crate::prove::supervise::supervise;
use crate::reporter::Reporter;

/// Does what the command line says.
pub fn dispatch(cli: Cli, caller: &Caller, reporter: &mut Reporter) -> Result<Exit> {
    let open = || Repository::open(caller);
    match cli.command {
        Command::Hook(cli::Hook::PrePush { args }) => pre_push::pre_push(caller, &args, reporter),
        Command::Hook(cli::Hook::PreReceive { args }) => {
            server_hook::receive(caller, Hook::PreReceive, &args, reporter)
        }
        Command::Hook(cli::Hook::PostReceive { args }) => {
            server_hook::receive(caller, Hook::PostReceive, &args, reporter)
        }
        Command::Supervise => supervise().map(|()| Exit::Allowed),
        Command::Init => init::run(&open()?, reporter),
        Command::Install(args) => install::install(&open()?, caller, &args, reporter),
        Command::Uninstall(args) => install::uninstall(&open()?, &args, reporter),
        Command::Doctor(args) => doctor::doctor(caller, &open()?, &args, reporter),
        Command::Plan(args) => plan::plan(caller, &open()?, &args, reporter),
        Command::Run(args) => run::run(caller, &open()?, &args, reporter),
        Command::Push(args) => push::push(caller, &open()?, &args, reporter),
        Command::Status(args) => status::status(caller, &open()?, args.json, reporter),
        Command::Show(args) => show::show(caller, &open()?, &args, reporter),
        Command::Checklist(args) => checklist::checklist(caller, &open()?, &args, reporter),
        Command::Explain(args) => explain::explain(caller, &open()?, &args, reporter),
        Command::Verify(args) if args.pre_receive => receive::pre_receive(caller, &server_hook::input()?, reporter),
        Command::Verify(args) => verify::verify(caller, &open()?, &args, reporter),
        Command::Audit(args) => audit::audit(caller, &open()?, &args, reporter),
        Command::Judge(args) => judge::judge(&args, reporter),
        Command::Resolve(args) => resolve::resolve(caller, &open()?, &args, reporter),
        Command::ApprovePolicy(args) => approve_policy::approve(caller, &open()?, &args, reporter),
        Command::Sync(args) => sync::sync(caller, &open()?, &args, reporter),
        Command::Gc(args) => gc::gc(caller, &open()?, &args, reporter),
        Command::Config(args) => config::run(caller, &args, reporter),
        Command::Completions { shell } => completions(shell, reporter),
        Command::Man { folder } => man(folder.as_deref(), reporter),
    }
}

fn completions(shell: clap_complete::Shell, reporter: &Reporter) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "proof-gate", &mut script);
    reporter.raw(&script)?;
    Ok(Exit::Allowed)
}

fn man(folder: Option<&Path>, reporter: &Reporter) -> Result<Exit> {
    match folder {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).context("cannot write the manual page")?;
            reporter.raw(&page)?;
        }
        Some(folder) => {
            std::fs::create_dir_all(folder).context(format!("cannot make {}", folder.display()))?;
            clap_mangen::generate_to(Cli::command(), folder)
                .context(format!("cannot write into {}", folder.display()))?;
        }
    }
    Ok(Exit::Allowed)
}

/// The bytes of the policy file that stands in the work tree, where one does.
fn policy_in_work_tree(repository: &Repository) -> Result<Option<Vec<u8>>> {
    let Some(work_tree) = repository.work_tree() else { return Ok(None) };
    match std::fs::read(work_tree.join(policy::FILE)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(crate::error::Error::new(format!("cannot read {}: {error}", policy::FILE))),
    }
}

//! The command line as a user meets it: help, exit codes, scripts for shells, and the words of a push.
//!
//! Deliberately absent: whether a decision is right. Here it is said, clearly and in the right place.

use std::fs;
use std::process::Command;

use clap::CommandFactory as _;
use proof_gate::cli::Cli;

use crate::support::{Fingerprint, Sandbox};

#[test]
fn help_of_every_command() {
    let sandbox = Sandbox::new();
    let mut text = String::new();
    for path in commands() {
        let args: Vec<&str> = path.split(' ').filter(|word| !word.is_empty()).chain(["--help"]).collect();
        let ran = sandbox.proof_gate(&args).ends_with(0);
        assert_eq!(ran.stderr, "", "{path}");
        text.push_str(&format!("==== proof-gate {}\n{}\n", args.join(" "), ran.stdout));
    }
    insta::assert_snapshot!("help", text);
}

#[test]
fn help_names_every_exit_code_and_fits_a_screen() {
    let help = Sandbox::new().proof_gate(&["--help"]).ends_with(0).stdout;
    for code in ["  0 ", "  1 ", "  2 ", "  3 ", "  64 "] {
        assert!(help.lines().any(|line| line.starts_with(code)), "{code}");
    }
    let widest = help.lines().map(str::len).max().unwrap();
    assert!(widest <= 100, "{widest}");
    assert!(!help.contains("  hook"), "what only hooks call is hidden:\n{help}");
}

#[test]
fn every_sentence_of_help_begins_large_and_ends_without_a_full_stop() {
    fn look(command: &clap::Command) {
        let name = command.get_name();
        check(name, &command.get_about().expect("a command says what it does").to_string());
        for argument in command.get_arguments() {
            let id = argument.get_id();
            let help = argument.get_help().unwrap_or_else(|| panic!("{name} {id} says nothing")).to_string();
            check(&format!("{name} {id}"), &help);
        }
        command.get_subcommands().for_each(look);
    }
    fn check(of: &str, sentence: &str) {
        assert!(!sentence.ends_with('.') && !sentence.contains('\n'), "{of}: {sentence}");
        assert!(sentence.starts_with(char::is_uppercase) || sentence.starts_with("git"), "{of}: {sentence}");
    }
    look(&Cli::command());
}

#[test]
fn wrong_use_ends_with_64_and_touches_nothing() {
    let sandbox = Sandbox::new();
    let before = Fingerprint::of(&sandbox);
    for args in [
        &[][..],
        &["no-such-command"],
        &["plan", "--no-such-flag"],
        &["config"],
        &["judge", "report.json"],
        &["run", "--scenario", "migration"],
        &["run", "--skip"],
        &["push", "--force"],
        &["push", "--no-verify"],
    ] {
        let ran = sandbox.proof_gate(args).ends_with(64);
        assert_eq!(ran.stdout, "", "{args:?}");
        assert!(ran.stderr.contains("Usage:"), "{args:?}: {}", ran.stderr);
    }
    assert_eq!(Fingerprint::of(&sandbox), before);
}

#[test]
fn the_version_is_data() {
    let ran = Sandbox::new().proof_gate(&["--version"]).ends_with(0);
    assert_eq!(ran.stdout, format!("proof-gate {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(ran.stderr, "");
}

#[test]
fn completions_name_every_command_and_bash_reads_its_own() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = sandbox.proof_gate(&["completions", shell]).ends_with(0).stdout;
        for command in commands() {
            let word = command.split(' ').next_back().unwrap();
            assert!(script.contains(word), "{shell}: {command}");
        }
        if shell == "bash" {
            let file = sandbox.root().join("completions");
            fs::write(&file, script).unwrap();
            let output = Command::new("bash").arg("-n").arg(&file).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        }
    }
}

#[test]
fn the_manual_is_one_page_or_a_page_a_command() {
    let sandbox = Sandbox::new();
    sandbox.proof_gate(&["man"]).ends_with(0).says(".TH proof-gate 1").says("approve\\-policy");
    sandbox.proof_gate(&["man", "../pages"]).ends_with(0);
    for page in ["proof-gate.1", "proof-gate-run.1", "proof-gate-config-check.1"] {
        assert!(sandbox.root().join("pages").join(page).exists(), "{page}");
    }
}

#[test]
fn a_folder_that_is_gone_is_named() {
    let sandbox = Sandbox::new();
    let program = env!("CARGO_BIN_EXE_proof-gate");
    let script = format!("mkdir ../gone && cd ../gone && rmdir ../gone && exec '{program}' status");
    sandbox.git(&["-c", &format!("alias.gone=!{script}"), "gone"]).ends_with(2).says("cannot tell the current folder");
}

#[test]
fn words_of_a_first_push() {
    let sandbox = Sandbox::new();
    sandbox.install();
    snapshot("push_allowed", &sandbox.push(&["--quiet", "origin", "main"]).ends_with(0).stderr);
    snapshot("push_allowed_again", &sandbox.push(&["--quiet", "origin", "main:release/1"]).ends_with(0).stderr);
}

#[test]
fn words_of_a_refused_push() {
    let sandbox = pushed();
    sandbox.write("src/payments/charge.js", "BUG\n");
    sandbox.commit("Charge twice");
    snapshot("push_refused", &sandbox.push(&["--quiet", "origin", "main"]).ends_with(1).stderr);
    sandbox.git_ok(&["branch", "old", "HEAD^"]);
    let both = sandbox.push(&["--quiet", "origin", "main", "old:release/1"]).ends_with(1).stderr;
    snapshot("push_refused_one_of_two", &both);
    for line in both.lines() {
        assert!(line.len() <= 80 || line.contains("TEST_FAILED"), "too wide: {line}");
    }
}

#[test]
fn words_of_a_push_without_a_proof() {
    let sandbox = pushed();
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&policy.replace("[gate]\n", "[gate]\non_missing = \"refuse\"\n"));
    sandbox.write("src/payments/charge.js", "charge once\n");
    sandbox.commit("Refuse what is not proven");
    snapshot("push_no_proof", &sandbox.push(&["--quiet", "origin", "main"]).ends_with(1).stderr);
    sandbox.with_terminal_required();
    sandbox.commit("Prove by hand");
    snapshot("push_no_terminal", &sandbox.push(&["--quiet", "origin", "main"]).ends_with(1).stderr);
}

#[test]
fn words_of_a_push_that_needs_more_than_a_proof() {
    let sandbox = pushed();
    snapshot("push_deletion", &sandbox.push(&["--quiet", "origin", ":main"]).ends_with(1).stderr);
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&policy.replace("\"release/*\"", ""));
    sandbox.commit("Gate less");
    snapshot("push_weaker_policy", &sandbox.push(&["--quiet", "origin", "main"]).ends_with(1).stderr);
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let mut sandbox = pushed();
    let status =
        |sandbox: &Sandbox, args: &[&str]| sandbox.proof_gate(&[&["status"], args].concat()).ends_with(0).stdout;
    assert!(!status(&sandbox, &[]).contains('\u{1b}'));
    assert!(status(&sandbox, &["--color", "always"]).contains('\u{1b}'));
    sandbox.set("CLICOLOR_FORCE", "1");
    assert!(status(&sandbox, &[]).contains('\u{1b}'));
    sandbox.set("NO_COLOR", "1");
    assert!(!status(&sandbox, &[]).contains('\u{1b}'));
    let shown = sandbox.proof_gate_in_terminal(&["status"]).ends_with(0).stdout;
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn hostile_names_come_out_escaped() {
    let sandbox = pushed();
    // git forbids control characters in refs, but not those that reorder or hide what is shown.
    let branch = "release/\u{202e}niam\u{200b}";
    sandbox.write("src/payments/\u{1b}[2J\nproof-gate: push allowed", "one\n");
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    sandbox.write("suite.sh", suite.replace("$1 works", "$1 \\\\u001b[2J\\\\n  ok  \\\\u202e works"));
    sandbox.write("src/payments/charge.js", "BUG\n");
    sandbox.commit("Hostile \u{1b}[31m names");
    let said = sandbox.push(&["--quiet", "origin", &format!("main:refs/heads/{branch}")]).ends_with(1).stderr;
    let ours: Vec<&str> = said.lines().filter(|line| !line.starts_with("error: failed to push")).collect();
    assert!(said.contains("refs/heads/release/\\u{202e}niam\\u{200b}"), "{said}");
    assert!(said.contains("\\e[2J") && said.contains("TEST_FAILED"), "{said}");
    for args in [&["plan"][..], &["explain"], &["show"], &["status"]] {
        let ran = sandbox.proof_gate(args).ends_with(0);
        harmless(&ran.stdout);
        harmless(&ran.stderr);
        assert!(!ran.stdout.lines().any(|line| line.starts_with("proof-gate: push allowed")), "{}", ran.stdout);
    }
    harmless(&ours.join("\n"));
    sandbox.proof_gate(&["plan"]).says("\\e[2J\\nproof-gate: push allowed");
}

#[track_caller]
fn harmless(text: &str) {
    let bad =
        |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}');
    assert_eq!(text.chars().find(bad), None, "{text}");
}

/// Every command that help shows, with those below it: `config check`. The empty one is the program itself.
fn commands() -> Vec<String> {
    fn below(command: &clap::Command, path: &str, all: &mut Vec<String>) {
        all.push(path.to_owned());
        for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            below(command, format!("{path} {}", command.get_name()).trim(), all);
        }
    }
    let mut all = Vec::new();
    below(&Cli::command(), "", &mut all);
    assert!(all.len() > 15, "{all:?}");
    all
}

/// A shop with its hook, whose main branch is proven and pushed.
fn pushed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.install();
    sandbox.push(&["--quiet", "origin", "main"]).ends_with(0);
    sandbox
}

/// Compares words with a stored snapshot, but for ids and times.
fn snapshot(name: &str, text: &str) {
    insta::with_settings!({filters => vec![
        (r"\b[0-9a-f]{7,64}\b", "[id]"),
        (r"\b[0-9]+(\.[0-9]+)?(ms|s)\b", "[time]"),
        (r"\b[0-2][0-9]:[0-5][0-9]\b", "[clock]"),
    ]}, { insta::assert_snapshot!(name, text); });
}

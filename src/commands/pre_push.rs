//! `hook pre-push`: the gate itself.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Read as _};

use super::ground::Ground;
use super::killed;
use super::refusal;
use super::repeats::Repeat;
use super::sharing::{self, Destination};
use super::weighing::{Weighed, Weight, owing};
use crate::caller::Caller;
use crate::error::{Context as _, Error, Exit, Result};
use crate::gate::{self, GatedUpdate};
use crate::git::Repository;
use crate::hooks::{self, Hook, KeptOutcome, SeenPolicy};
use crate::policy::{OnMissing, Policy, Share};
use crate::prove::supervise::close_inherited;
use crate::prove::{Cancel, Parent};
use crate::records::Answer;
use crate::reporter::Reporter;
use crate::select::{self, Anchors, PolicyReader, RefUpdate, Subject};

/// The hook: the kept hook first, then every update, then the decision.
pub fn pre_push(caller: &Caller, args: &[OsString], reporter: &mut Reporter) -> Result<Exit> {
    if let Some(reply) = hooks::self_test_reply(args) {
        return Err(reply);
    }
    let parent = Parent::now();
    close_inherited();
    if std::io::stdin().is_terminal() {
        // It would wait for a person to type what git pushes.
        return Err(Error::new("cannot read what git pushes: standard input is a terminal")
            .hint("a hook manager in between must hand git's input on: in lefthook 'use_stdin: true'"));
    }
    let mut input = Vec::new();
    std::io::stdin().lock().read_to_end(&mut input).context("cannot read what git pushes")?;
    let [remote, url] = args else {
        return Err(Error::new("cannot tell where git pushes to: the hook got no remote and URL")
            .hint("a hook manager in between must pass the hook's arguments on"));
    };
    let (remote_name, url_given) = (remote.clone(), url.clone());
    let remote = remote.to_string_lossy().into_owned();
    let url = url.to_string_lossy().into_owned();
    let repository = Repository::open(caller)?;
    match hooks::run_kept(&repository, caller, Hook::PrePush, args, &input)? {
        KeptOutcome::None | KeptOutcome::Passed => {}
        KeptOutcome::Refused { code, path } => {
            return Err(Error::new(format!("{}: {} ended with {code}", hooks::REFUSED_BY_KEPT, path.display()))
                .ending(Exit::Refused)
                .hint("what it printed above says why; proof-gate itself has not looked yet"));
        }
    }
    let updates = select::parse_updates(&input)?;
    let carried = sharing::logs_among(&updates);
    let to = Destination { remote: remote_name, url: url_given, folder: caller.directory.clone(), carried };
    let reader = PolicyReader::new(&repository);
    let anchors = {
        let installed = SeenPolicy::read(&repository)?;
        Anchors::read(&reader, Some(&remote), installed)?
    };
    let mut gated = Vec::new();
    for update in updates {
        if select::is_gated(&reader, &update, &anchors)? {
            gated.push(update);
        }
    }
    if gated.is_empty() {
        return Ok(Exit::Allowed);
    }
    let ground = Ground::with(caller, &repository, reader, anchors)?;
    Gate { ground, reporter, url: Some(url), to: vec![to], parent: Some(parent), says: Says::Here }.pass(&gated)
}

/// The gate over gated updates: looks up, proves what is missing, decides, says so.
pub struct Gate<'a, 'r> {
    /// What it rests on.
    pub ground: Ground<'a>,
    /// Where it talks.
    pub reporter: &'r mut Reporter,
    /// The URL that is pushed to, where the connection is open meanwhile.
    pub url: Option<String>,
    /// Where records are shared with: what is pushed to.
    pub to: Vec<Destination>,
    /// Whose death ends a proof: git's, of which this is the hook.
    pub parent: Option<Parent>,
    /// Who says what may go.
    pub says: Says,
}

/// Who says which updates may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// This gate.
    Here,
    /// The hook, which looks again when git pushes.
    TheHook,
}

impl Gate<'_, '_> {
    /// Decides over the updates, proving what is missing.
    pub fn pass(mut self, updates: &[RefUpdate]) -> Result<Exit> {
        refusal::ignored_records(self.reporter, &self.ground);
        killed::record_before_look_up(&mut self.ground, self.reporter)?;
        let mut weighed = self.ground.weigh(updates)?;
        let mut held_open = std::time::Duration::ZERO;
        let mut pins = Vec::new();
        let shares = sharing::asked_for(&weighed) != Share::Never;
        if outcome(&weighed) == gate::Outcome::Missing && shares {
            sharing::fetch(&self.ground, self.reporter, &self.to, self.parent);
            self.go_on_unless_interrupted()?;
            self.ground.refresh()?;
            weighed = self.ground.weigh(updates)?;
        }
        let refuses = |policy: &Policy| policy.gate.on_missing == OnMissing::Refuse;
        let is_refused_unproven = owing(&weighed).any(|(_, assessment)| refuses(&assessment.policy.policy));
        if outcome(&weighed) == gate::Outcome::Missing && !is_refused_unproven {
            // A proof takes its time; what is pushed has to be here still when it is over, whoever tidies up meanwhile.
            for (_, assessment) in owing(&weighed) {
                let Subject { commit, tag, .. } = &assessment.subject;
                let repository = self.ground.repository;
                let pin = repository.pin(tag.unwrap_or(commit.id));
                pins.push(pin.map_err(|error| super::proving::no_proof(error, repository))?);
            }
            let begun = std::time::Instant::now();
            for index in 0..weighed.len() {
                if !self.prove(&weighed[index])? {
                    continue;
                }
                self.go_on_unless_interrupted()?;
                self.ground.refresh()?;
                weighed = self.ground.weigh(updates)?;
                if outcome(&weighed) == gate::Outcome::Refused {
                    break;
                }
            }
            held_open = begun.elapsed();
        }
        let gated = gate_input(&weighed);
        let decision = gate::decide(&gated);
        let asked_for = sharing::asked_for(&weighed);
        if asked_for != Share::Never {
            let failed = sharing::push(&self.ground, self.reporter, &self.to, self.parent);
            if !failed.is_empty() {
                self.go_on_unless_interrupted()?;
            }
            match (asked_for, failed.first()) {
                (Share::Required, Some(first)) if decision.outcome() == gate::Outcome::Allowed => {
                    return Err(sharing::refusal(first));
                }
                _ => sharing::note_failed(self.reporter, &failed),
            }
        }
        if decision.outcome() != gate::Outcome::Allowed {
            refusal::refused(self.reporter, &self.ground, &weighed, &decision);
            return Ok(Exit::Refused);
        }
        match self.says {
            Says::Here => refusal::allowed(self.reporter, &self.ground, &weighed),
            Says::TheHook => {}
        }
        for (_, assessment) in owing(&weighed) {
            if assessment.origin == select::Origin::Subject {
                SeenPolicy::write(self.ground.repository, &assessment.policy.bytes)?;
            }
        }
        let hold = owing(&weighed).map(|(_, assessment)| assessment.policy.policy.gate.hold).min();
        if let (Some(url), Some(hold)) = (&self.url, hold)
            && is_ssh(url)
            && held_open > hold
        {
            refusal::held(self.reporter);
            return Ok(Exit::Refused);
        }
        if held_open > std::time::Duration::ZERO {
            self.go_on_unless_interrupted()?;
        }
        Ok(Exit::Allowed)
    }

    /// Since the first proof a signal no longer ends this process by itself. Who asked to stop does not want the push, proven or not.
    fn go_on_unless_interrupted(&self) -> Result<()> {
        if Cancel::on_signals()?.or_without(self.parent).is_raised() {
            return Err(Error::new("interrupted: nothing is pushed")
                .hint("what was proven is recorded; the next push finds it"));
        }
        Ok(())
    }

    /// Proves what an update is missing; whether anything was run.
    fn prove(&mut self, weighed: &Weighed) -> Result<bool> {
        let Weight::Owes(assessment) = &weighed.weight else { return Ok(false) };
        let missing: Vec<String> = assessment
            .owed
            .iter()
            .filter(|owed| matches!(owed.answer, Answer::Nothing))
            .map(|owed| owed.suite.clone())
            .collect();
        if missing.is_empty() {
            return Ok(false);
        }
        let order = super::proving::Order {
            assessment,
            suites: missing,
            gated_ref: Some(weighed.update.remote_ref.clone()),
            target: None,
            parent: self.parent,
            only_if_missing: true,
            repeat: Repeat::Once,
        };
        super::proving::prove(&mut self.ground, self.reporter, &order)?;
        Ok(true)
    }
}

fn gate_input(weighed: &[Weighed]) -> Vec<GatedUpdate<'_>> {
    weighed.iter().map(Weighed::gated).collect()
}

fn outcome(weighed: &[Weighed]) -> gate::Outcome {
    gate::decide(&gate_input(weighed)).outcome()
}

/// Whether a push URL goes over ssh: `ssh://`, `git+ssh://`, or `host:path` with no slash before the colon.
fn is_ssh(url: &str) -> bool {
    match url.split_once("://") {
        Some((scheme, _)) => scheme.eq_ignore_ascii_case("ssh") || scheme.to_ascii_lowercase().ends_with("+ssh"),
        None => url.split_once(':').is_some_and(|(host, _)| !host.is_empty() && !host.contains('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::is_ssh;

    #[test]
    fn ssh_urls_are_known_in_all_their_forms() {
        for url in
            ["ssh://git@example.org/shop.git", "git@example.org:shop.git", "git+ssh://example.org/x", "example:shop"]
        {
            assert!(is_ssh(url), "{url}");
        }
        for url in ["https://example.org/shop.git", "/srv/git/shop.git", "./a:b", "file:///srv/shop.git", "../shop"] {
            assert!(!is_ssh(url), "{url}");
        }
    }
}

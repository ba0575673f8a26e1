//! `verify --pre-receive` and `hook pre-receive`: the server's check of what somebody pushes; `hook post-receive`: what was accepted.
//!
//! Runs no suite, writes no ref, and believes nothing that the client says: refs are read here, logs are checked before they count.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BString, ByteSlice as _};
use jiff::Timestamp;

use super::ground::{Ground, Judgement};
use super::refusal;
use super::weighing::{Weighed, owing};
use crate::caller::Caller;
use crate::error::{Error, Exit, Result};
use crate::gate::{self, GatedUpdate, Obstacle};
use crate::git::{Oid, Peeled, Repository};
use crate::hooks::SeenPolicy;
use crate::records::{Acceptance, Arrival, LOGS, Logs, Place, Refused, Role, Trust, arrived, check_arrivals};
use crate::reporter::{Line, Reporter, Tone};
use crate::select::{self, Action, Anchors, Found, PolicyReader, RefUpdate};

/// Where everything of the gate's own lies among the refs.
const OWN: &str = "refs/proof/";
/// Refs below `refs/proof/` that a refusal names, at most.
const MAX_REFUSED: usize = 8;

/// One line that git gives a receiving hook: `<old> <new> <ref>`.
struct Told {
    old: Option<Oid>,
    new: Option<Oid>,
    name: BString,
}

/// The check of everything that is pushed: all of it is let in, or nothing.
pub fn pre_receive(caller: &Caller, input: &[u8], reporter: &mut Reporter) -> Result<Exit> {
    let mut told = parse(input)?;
    if caller.variable("GIT_NAMESPACE").is_some_and(|name| !name.is_empty()) {
        return Err(Error::new("cannot check what is pushed: it goes to a namespace, and refs are read without one")
            .hint("serve each repository by a path of its own: git help gitnamespaces"));
    }
    let repository = Repository::open_receiving(caller)?;
    read_old(&repository, &mut told)?;
    let (own, others): (Vec<Told>, Vec<Told>) = told.into_iter().partition(|told| told.name.starts_with_str(OWN));
    let mut arrivals = Vec::new();
    for Told { old, new, name } in own {
        arrivals.push(Arrival { name, old, new });
    }
    if !arrivals.is_empty() {
        let trust = Trust::new(&repository, Place::Server);
        trust.verifier_for(Role::Verdict)?;
        let refused = check_arrivals(&repository, &trust, &arrivals)?;
        if !refused.is_empty() {
            say_refused(reporter, &refused);
            return Ok(Exit::Refused);
        }
    }
    let reader = PolicyReader::new(&repository);
    let anchors = Anchors::of_server(&reader, SeenPolicy::read(&repository)?)?;
    let gated = gated(&repository, &reader, &anchors, &others)?;
    if gated.is_empty() {
        return Ok(Exit::Allowed);
    }
    let logs = arrivals.into_iter().map(|arrival| (arrival.name.to_str_lossy().into_owned(), arrival.new)).collect();
    let judgement = Judgement::of_server(&repository, Logs::with(logs))?;
    let ground = Ground::judged_at(caller, &repository, reader, anchors, judgement)?;
    // Named even where everything is owed for another reason: without a list nothing will ever pass.
    ground.records.trust().verifier_for(Role::Verdict)?;
    let weighed = ground.weigh(&gated)?;
    decide(&ground, &weighed, reporter)
}

fn decide(ground: &Ground<'_>, weighed: &[Weighed], reporter: &Reporter) -> Result<Exit> {
    let inputs: Vec<GatedUpdate<'_>> = weighed.iter().map(Weighed::gated).collect();
    let decision = gate::decide(&inputs);
    if decision.outcome() == gate::Outcome::Allowed {
        refusal::allowed(reporter, ground, weighed);
        return Ok(Exit::Allowed);
    }
    refusal::refused(reporter, ground, weighed, &decision);
    let obstacles = || decision.refs.iter().flat_map(|decision| decision.obstacles());
    let is_discounted = owing(weighed).any(|(_, assessment)| !refusal::discounted(ground, assessment).is_empty());
    if is_discounted {
        reporter.say(&Line::new().text("  then:    sign with a key on this server's list (proofs.allowedSigners; here: git config user.signingkey),"));
        reporter.say(&Line::new().text("           prove it again, and ").whole("proof-gate push"));
    } else if obstacles().any(|obstacle| matches!(obstacle, Obstacle::Missing(_))) {
        let line = Line::new().text("  then:    ").whole("proof-gate push").to(44);
        reporter.say(&line.text(" brings the records along; so does 'git push' through the hook"));
    }
    if obstacles().any(|obstacle| matches!(obstacle, Obstacle::NotApproved)) {
        reporter.say(
            &Line::new().text("  then:    by somebody on this server's list of policy signers (proofs.policySigners)"),
        );
    }
    Ok(Exit::Refused)
}

/// Reads where each ref ends. What the client says of it must be the same: git moves a ref only from there, so what is checked here is
/// what happens, whatever else is pushed meanwhile. For the same reason a ref moves once in a push.
fn read_old(repository: &Repository, told: &mut [Told]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for Told { old, name, .. } in told {
        if !seen.insert(name.clone()) {
            return Err(Error::new(format!("cannot check what is pushed: {name} stands in it twice"))
                .hint("push it once, to where it is to end"));
        }
        let here = repository.find_ref(&*name)?;
        if *old != here {
            let says = |id: Option<Oid>| id.map_or_else(|| "nowhere".to_owned(), |id| id.short());
            return Err(Error::new(format!(
                "cannot check what is pushed: {name} ends at {} here, and the push takes it to end at {}",
                says(here),
                says(*old)
            ))
            .hint("somebody else pushed meanwhile: git fetch, then push again"));
        }
    }
    Ok(())
}

/// What is noted once a push was accepted: which records somebody who counts had signed when they arrived. It stays so.
pub fn post_receive(caller: &Caller, input: &[u8]) -> Result<Exit> {
    let told = parse(input)?;
    let repository = Repository::open(caller)?;
    see_policies(&repository, &told)?;
    let is_log = |told: &&Told| told.name.starts_with_str(LOGS);
    let tips: Vec<Oid> = told.iter().filter(is_log).filter_map(|told| told.new).collect();
    if tips.is_empty() {
        return Ok(Exit::Allowed);
    }
    let moved: BTreeSet<&BString> = told.iter().filter(is_log).map(|told| &told.name).collect();
    let mut known: Vec<Oid> = told.iter().filter(is_log).filter_map(|told| told.old).collect();
    known.extend(repository.list_refs(LOGS)?.into_iter().filter(|(name, _)| !moved.contains(name)).map(|(_, tip)| tip));
    let trust = Trust::new(&repository, Place::Server);
    let time = Timestamp::now();
    let mut accepted = Vec::new();
    for arrived in arrived(&repository, &tips, &known)? {
        let signed = trust.signed(arrived.record, Role::of(&arrived.statement))?;
        if let Some(principal) = signed.principal() {
            let writer = arrived.statement.predicate().writer;
            accepted.push(Acceptance { record: arrived.record, time, writer, principal: principal.to_owned() });
        }
    }
    Acceptance::note(&repository, &accepted)?;
    Ok(Exit::Allowed)
}

/// The noted policy moves on with each update of a ref that it gates, as all of these were let in. The first is the default branch's.
fn see_policies(repository: &Repository, told: &[Told]) -> Result<()> {
    let reader = PolicyReader::new(repository);
    let see = |id: Oid| {
        let Peeled::Commit { commit, .. } = repository.peel(id)? else { return Ok(()) };
        match reader.of_commit(&commit)? {
            Found::Readable(file) => SeenPolicy::write(repository, &file.bytes),
            Found::Absent | Found::Unreadable(_) => Ok(()),
        }
    };
    let Some((_, bytes)) = SeenPolicy::read(repository)? else {
        return repository.find_ref("HEAD")?.map_or(Ok(()), see);
    };
    // One that cannot be read gates nothing more; whoever keeps the server notes another.
    let Ok(noted) = select::parse(bytes) else { return Ok(()) };
    let gated = told.iter().filter(|told| noted.policy.gates(told.name.as_bstr()));
    gated.filter_map(|told| told.new).try_for_each(see)
}

/// The updates of gated refs, by every name that a ref has here: a symbolic ref moves with the one that it leads to.
fn gated(
    repository: &Repository,
    reader: &PolicyReader<'_>,
    anchors: &Anchors,
    told: &[Told],
) -> Result<Vec<RefUpdate>> {
    let symbolic: BTreeMap<BString, BString> = repository.symbolic_refs()?.into_iter().collect();
    let mut gated = Vec::new();
    for Told { old, new, name } in told {
        let target = symbolic.get(name).unwrap_or(name);
        let mut names = BTreeSet::from([name, target]);
        names.extend(symbolic.iter().filter(|(_, end)| *end == target).map(|(alias, _)| alias));
        for name in names {
            let action = new.map_or(Action::Delete, Action::Set);
            let update = RefUpdate { remote_ref: name.clone(), old: *old, action };
            if select::is_gated(reader, &update, anchors)? {
                gated.push(update);
            }
        }
    }
    gated.dedup();
    Ok(gated)
}

fn say_refused(reporter: &Reporter, refused: &[Refused]) {
    reporter.say(&Line::new().text("proof-gate: ").tone(Tone::Bad, "push refused").text(", because of its records"));
    for Refused { name, why, hint } in refused.iter().take(MAX_REFUSED) {
        reporter.say(&Line::new().text("  ").tone(Tone::Bad, "refused").text("  ").data(name).text("  ").data(why));
        reporter.say(&Line::new().text("  next:    ").data(hint));
    }
    if refused.len() > MAX_REFUSED {
        let more = (refused.len() - MAX_REFUSED).to_string();
        reporter.say(&Line::new().text("           and ").data(more).text(" more"));
    }
}

/// Reads all that git gives a receiving hook. One line that cannot be read refuses the whole push.
fn parse(input: &[u8]) -> Result<Vec<Told>> {
    let unreadable = |line: usize| {
        Error::new(format!("cannot read line {line} of what is pushed"))
            .hint("the hook expects what git gives pre-receive; a hook in between may have changed it")
    };
    let mut told = Vec::new();
    let whole = match input.strip_suffix(b"\n") {
        Some(whole) => whole,
        None if input.is_empty() => return Ok(told),
        None => return Err(unreadable(input.lines().count())),
    };
    for (at, line) in whole.split(|byte| *byte == b'\n').enumerate() {
        let mut fields = line.splitn(3, |byte| *byte == b' ');
        let (Some(old), Some(new), Some(name)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(unreadable(at + 1));
        };
        let id = |hex: &[u8]| -> Result<Option<Oid>> {
            let is_zero = matches!(hex.len(), 40 | 64) && hex.iter().all(|byte| *byte == b'0');
            if is_zero { Ok(None) } else { Oid::from_hex(hex).map(Some).ok_or_else(|| unreadable(at + 1)) }
        };
        if !name.starts_with(b"refs/") {
            return Err(unreadable(at + 1));
        }
        told.push(Told { old: id(old)?, new: id(new)?, name: name.into() });
    }
    Ok(told)
}

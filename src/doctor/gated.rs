//! The policy: whether it can be read, whether it is committed, and whether it gates anything.

use bstr::{BString, ByteSlice as _};

use super::{Finding, Outcome, Patient, of_anchors};
use crate::error::{Context as _, Result};
use crate::hooks::SeenPolicy;
use crate::policy::{self, FILE};

/// Whether the policy file is there, can be read, can be met, and is what `HEAD` holds.
pub fn policy_file(patient: &Patient<'_>) -> Result<Outcome> {
    let Some(bytes) = patient.policy_bytes()? else {
        let what = format!("there is no {FILE}");
        let why = "Without a policy every push is refused, because nothing says what needs a proof.";
        let finding = Finding::no_proof(what, why);
        return Ok(vec![match patient.policy_of_head()? {
            Some(_) => finding.mend(format!("git restore --source=HEAD --staged --worktree {FILE}")),
            None => finding
                .mend("proof-gate init")
                .mend(format!("git add {FILE}"))
                .mend("git commit -m 'Gate what is pushed'"),
        }]
        .into());
    };
    let policy = match policy::parse(&bytes) {
        Ok(policy) => policy,
        Err(error) => {
            let error = error.into_error(FILE);
            let hints = error.hints.join("; ");
            let why = "A push of a commit with this file is refused, and so is every proof of it.";
            let advice = if hints.is_empty() { "mend the file".to_owned() } else { hints };
            return Ok(vec![
                Finding::no_proof(error.message, why).advise(format!("{advice}; then: proof-gate config check")),
            ]
            .into());
        }
    };
    let mut found = Vec::new();
    for missing in policy.not_yet() {
        let what = format!("{FILE} asks for what is not supported yet: {}", missing.key);
        let why = format!("No proof is made without it: {}.", missing.why);
        found.push(Finding::no_proof(what, why).advise("take the key out"));
    }
    let is_in_head = patient.policy_of_head()?;
    if is_in_head.as_ref() != Some(&bytes) {
        let how = if is_in_head.is_some() { "differs from the one that is committed" } else { "is not committed" };
        let why = "A push is judged by what its commit holds, not by the work tree.";
        let commit = format!("git commit -m 'Gate what is pushed' -- {FILE}");
        found.push(Finding::note(format!("{FILE} {how}"), why).mend(format!("git add {FILE}")).mend(commit));
    }
    Ok(found.into())
}

/// Whether anything is gated, and whether that is what is there.
pub fn refs(patient: &Patient<'_>) -> Result<Outcome> {
    let anchors = patient.anchors()?;
    let own = patient.policy()?;
    let policies: Vec<&policy::Policy> = of_anchors(&anchors).map(|file| &file.policy).chain(&own).collect();
    if policies.is_empty() {
        return Ok(Outcome::NotLooked("there is no policy that can be read"));
    }
    if policies.iter().all(|policy| policy.gate.branches.is_empty() && policy.gate.tags.is_empty()) {
        let what = format!("[gate] in {FILE} names neither branches nor tags");
        let finding = Finding::open(what, "No push needs a proof.");
        return Ok(vec![finding.advise("name them, as in: branches = [\"main\"], tags = [\"v*\"]")].into());
    }
    let gates = |name: &[u8]| policies.iter().any(|policy| policy.gates(name.as_bstr()));
    let mut found = Vec::new();
    let branches = remote_branches(patient)?;
    let names_branches = policies.iter().any(|policy| !policy.gate.branches.is_empty());
    if names_branches && !branches.is_empty() && !branches.iter().any(|(_, branch)| gates(branch)) {
        let names: Vec<String> = branches.iter().take(5).map(|(_, name)| short(name)).collect();
        let what = format!("[gate] branches matches no branch of a remote as last fetched ({})", names.join(", "));
        let why = "A push to any of them needs no proof.";
        let names_tags = policies.iter().any(|policy| !policy.gate.tags.is_empty());
        // Where no tag is named either, nothing that is there is gated.
        let finding = if names_tags { Finding::note(what, why) } else { Finding::open(what, why) };
        found.push(finding.advise("compare the names"));
    }
    for (remote, branch) in default_branches(patient)? {
        if !gates(&branch) {
            let what = format!("the default branch of {remote} is not gated: {}", short(&branch));
            let why = "A push to it needs no proof.";
            found.push(Finding::note(what, why).advise(format!("add it to [gate] branches in {FILE}")));
        }
    }
    Ok(found.into())
}

fn short(name: &BString) -> String {
    name.strip_prefix(b"refs/heads/").unwrap_or(name).to_str_lossy().into_owned()
}

/// Branches of the remotes as last fetched, each as the remote's own ref.
fn remote_branches(patient: &Patient<'_>) -> Result<Vec<(String, BString)>> {
    let refs = patient.repository.list_refs("refs/remotes/")?;
    let branch = |(name, _): &(BString, _)| {
        let (remote, branch) = name.strip_prefix(b"refs/remotes/")?.split_once_str("/")?;
        let full = BString::from([b"refs/heads/", branch].concat());
        (branch != b"HEAD").then(|| (remote.to_str_lossy().into_owned(), full))
    };
    Ok(refs.iter().filter_map(branch).collect())
}

/// The default branch of each remote, where it is known.
fn default_branches(patient: &Patient<'_>) -> Result<Vec<(String, BString)>> {
    let format = "--format=%(refname)%00%(symref)";
    let listed = patient.repository.command().args(["for-each-ref", format, "refs/remotes/*/HEAD"]).run()?;
    let mut found = Vec::new();
    for line in listed.lines() {
        let (name, target) = line.split_once_str("\0").context("cannot read git's list of refs")?;
        let remote = name.strip_prefix(b"refs/remotes/").and_then(|name| name.strip_suffix(b"/HEAD")).unwrap_or(name);
        let prefix = [b"refs/remotes/", remote, b"/"].concat();
        if let Some(branch) = target.strip_prefix(&prefix[..]) {
            found.push((remote.to_str_lossy().into_owned(), [b"refs/heads/", branch].concat().into()));
        }
    }
    Ok(found)
}

/// Whether a policy is known that does not come with what is pushed.
pub fn anchor(patient: &Patient<'_>) -> Result<Outcome> {
    if SeenPolicy::read(patient.repository)?.is_some() {
        return Ok(Outcome::Fine);
    }
    let own = patient.repository.own_dir();
    if own.exists() && !own.is_dir() {
        return Ok(Outcome::NotLooked("there is no folder to note it in"));
    }
    let what = "the policy that install saw is not noted";
    Ok(vec![
        if patient.anchors()?.default_branch.is_some() {
            Finding::note(what, "What is gated rests on the remote's default branch as last fetched alone.")
        } else {
            Finding::open(what, "What is gated depends on the pushed commit alone: one with a weaker policy goes out.")
        }
        .mend("proof-gate install"),
    ]
    .into())
}

/// Whether the policy names the repository.
pub fn repository_id(patient: &Patient<'_>) -> Result<Outcome> {
    let Some(policy) = patient.policy()? else {
        return Ok(Outcome::NotLooked("there is no policy that can be read"));
    };
    if policy.repository.id.is_some() {
        return Ok(Outcome::Fine);
    }
    let what = format!("[repository] id is missing in {FILE}");
    let advice = "add: [repository] id = \"...\", a random text that no other repository has";
    Ok(vec![if patient.repository.is_shallow() {
        Finding::no_proof(what, "The first commit would stand for it, and a shallow clone does not have that.")
            .advise(advice)
            .mend("git fetch --unshallow")
    } else {
        Finding::note(what, "The first commit stands for it, so a fork shares its records' keys.").advise(advice)
    }]
    .into())
}

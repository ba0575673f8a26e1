//! Settings of a server, by which a push would come in unchecked, or none at all.
//!
//! Deliberately absent: the check of what arrives.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bstr::ByteSlice as _;

use super::settings::is_true;
use super::{Finding, Outcome, Patient, shell};
use crate::error::Result;
use crate::git::{Setting, Signers};
use crate::hooks::SeenPolicy;

/// The settings that name a list of signers, the option of `install --server` that sets each, and what follows where nobody is named.
const LISTS: [(&str, &str, &str); 2] = [
    ("proofs.allowedSigners", "--allowed-signers", "Nobody's records count, so every push of a gated ref is refused."),
    (
        "proofs.policySigners",
        "--policy-signers",
        "Nobody may approve a weaker policy, so every push of one is refused.",
    ),
];

/// Whether the lists of signers are set, can be read, name somebody, and are not for everybody to write.
pub fn signers(patient: &Patient<'_>) -> Result<Outcome> {
    let settings = patient.repository.signature_settings()?;
    let mut found = Vec::new();
    for (name, option, why) in LISTS {
        let advice = format!("proof-gate install --server {option} FILE, with a line for each signer in FILE");
        let Some(file) = settings.path(&name.to_ascii_lowercase()) else {
            found.push(Finding::no_proof(format!("{name} is not set"), why).advise(advice));
            continue;
        };
        match Signers::read(&file) {
            Err(error) => {
                found.push(Finding::no_proof(error.message, why).advise(format!("mend that file; or {advice}")))
            }
            Ok(signers) if signers.names_nobody() => {
                let what = format!("nobody is named in the allowed signers {}", file.display());
                found.push(Finding::no_proof(what, why).advise(format!("mend that file; or {advice}")));
            }
            Ok(_) => found.extend(for_everybody(&file)),
        }
    }
    // One file may serve as both.
    found.dedup();
    Ok(found.into())
}

fn for_everybody(file: &Path) -> Option<Finding> {
    let mode = fs::metadata(file).ok()?.permissions().mode();
    let what = format!("everybody may write the allowed signers {}", file.display());
    let why = "Whoever has an account here can add a key, and sign with it.";
    (mode & 0o002 != 0).then(|| Finding::open(what, why).mend(format!("chmod o-w {}", shell::path(file))))
}

/// Whether git looks at the objects themselves.
pub fn objects(patient: &Patient<'_>) -> Result<Outcome> {
    let last = |names: &str| Ok(patient.repository.settings(names)?.pop());
    let setting: Option<Setting> = match last(r"^receive\.fsckobjects$")? {
        Some(own) => Some(own),
        None => last(r"^transfer\.fsckobjects$")?,
    };
    if setting.as_ref().is_some_and(|setting| is_true(&setting.value)) {
        return Ok(Outcome::Fine);
    }
    let what = match setting {
        Some(setting) => format!("{} is {}", setting.name, setting.value),
        None => "receive.fsckObjects is not set".to_owned(),
    };
    let why = "git takes in damaged objects, which two programs may read as two different trees.";
    let mend = "git config --local --replace-all receive.fsckObjects true";
    Ok(vec![Finding::open(what, why).mend(mend)].into())
}

/// A name below which records arrive.
const LOG: &[u8] = b"refs/proof/log/0123456789abcdef";

/// Whether git hides the logs from those who push or fetch.
pub fn hidden_refs(patient: &Patient<'_>) -> Result<Outcome> {
    let mut found = Vec::new();
    for (side, why) in [
        ("receive", "git refuses every push of records, so nothing that needs one comes in."),
        ("uploadpack", "Nobody can fetch the records of others, and what they proved is proven again."),
    ] {
        let settings = patient.repository.settings(&format!(r"^(transfer|{side})\.hiderefs$"))?;
        // git asks the last one first; `!` shows again what others hide.
        let Some(hiding) = settings.iter().rev().find(|setting| covers(&setting.value)) else { continue };
        if hiding.value.starts_with(b"!") {
            continue;
        }
        let what = format!("{} hides refs/proof: {}", hiding.name, hiding.value);
        // Under the same name, or it would stand in a section in front of the one that hides.
        let mend = format!("git config --local --add {} '!refs/proof'", shell::word(&hiding.name));
        found.push(Finding::no_proof(what, why).mend(mend));
    }
    Ok(found.into())
}

/// Whether a value of `hideRefs` is about the logs. `^` in front: the name before a namespace is taken off.
fn covers(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"!").unwrap_or(value);
    let name = value.strip_prefix(b"^").unwrap_or(value).trim_end_with(|c| c == '/');
    LOG.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Whether the policy of `HEAD` was seen.
pub fn anchor(patient: &Patient<'_>) -> Result<Outcome> {
    if SeenPolicy::read(patient.repository)?.is_some() {
        return Ok(Outcome::Fine);
    }
    let Some(_) = patient.policy_of_head()? else {
        return Ok(Outcome::NotLooked("HEAD has no policy that could be noted"));
    };
    let why = "What is gated rests on the policy of HEAD alone.";
    Ok(vec![Finding::note("the policy that install saw is not noted", why).mend("proof-gate install --server")].into())
}

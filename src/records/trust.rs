//! Whose records count: read from signatures, by the lists of those who may sign, and from what was accepted before.
//!
//! Deliberately absent: deciding when signatures are asked for; a policy says so, or the server.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::accepted::Accepted;
use super::statement::{Body, Statement};
use super::writer::WriterId;
use crate::digest::Digest;
use crate::error::Result;
use crate::git::{NotSigned, Oid, Repository, SignatureSettings, Signed, Signers, Verifier, is_unsigned, no_list};

/// Where a clone names its signers: the setting that git itself reads.
const CLIENT: &str = "gpg.ssh.allowedSignersFile";

/// Which records count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signatures {
    /// Any that are in the logs.
    #[default]
    Any,
    /// Those signed by somebody who may sign such a record.
    Required,
}

/// What is asked of every record that is to count, beside what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// Entries judged by older rules are none, PASS or FAIL.
    pub min_rules: u32,
    /// Whether it has to be signed.
    pub signatures: Signatures,
}

/// What may be signed by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Verdicts.
    Verdict,
    /// Approvals of a policy.
    Policy,
    /// Causes of a FAIL.
    Resolve,
}

impl Role {
    /// The role that a record asks of its signer.
    pub fn of(statement: &Statement) -> Role {
        match &statement.predicate.body {
            Body::Verdict(_) => Role::Verdict,
            Body::Policy(_) => Role::Policy,
            Body::Resolve(_) => Role::Resolve,
        }
    }
}

/// Where a clone's records are judged: by its user's lists, or as a server does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// A clone: `gpg.ssh.allowedSignersFile` serves where the gate's own settings are not set.
    #[default]
    Clone,
    /// A server: its own lists alone, and nobody may approve a policy where none is named.
    Server,
}

/// Who signed what.
pub struct Trust<'a> {
    repository: &'a Repository,
    place: Place,
    settings: OnceCell<SignatureSettings>,
    verifiers: RefCell<HashMap<Role, Option<Rc<Verifier>>>>,
    accepted: OnceCell<Accepted>,
    found: RefCell<HashMap<Oid, Signed>>,
}

impl<'a> Trust<'a> {
    /// Reads nothing yet.
    pub fn new(repository: &'a Repository, place: Place) -> Self {
        Trust {
            repository,
            place,
            settings: OnceCell::new(),
            verifiers: RefCell::default(),
            accepted: OnceCell::new(),
            found: RefCell::default(),
        }
    }

    /// Whether a record counts under these demands.
    pub fn counts(&self, id: Oid, role: Role, signatures: Signatures) -> Result<bool> {
        match signatures {
            Signatures::Any => Ok(true),
            Signatures::Required => Ok(self.signed(id, role)?.principal().is_some()),
        }
    }

    /// Who signed a record. An error where no list says whose signature counts.
    pub fn signed(&self, id: Oid, role: Role) -> Result<Signed> {
        match self.look(id, role)? {
            Some(signed) => Ok(signed),
            None => Err(no_list(self.setting_to_name(role))),
        }
    }

    /// The same for showing: `None` where it bears a signature and no list says whose count.
    pub fn look(&self, id: Oid, role: Role) -> Result<Option<Signed>> {
        if let Some(found) = self.found.borrow().get(&id) {
            return Ok(Some(found.clone()));
        }
        if let Some(principal) = self.accepted()?.principal(id) {
            return Ok(Some(Signed::By { principal: principal.to_owned() }));
        }
        let (_, commit) = self.repository.checked_object(id)?;
        let signed = match self.verifier(role)? {
            Some(verifier) => verifier.check(&commit)?,
            None if is_unsigned(&commit) => Signed::Not(NotSigned::Missing),
            // Everybody else's list is looked for elsewhere; this one's absence is an answer.
            None if self.place == Place::Server && role == Role::Policy => {
                Signed::Not(NotSigned::NobodyMay(self.setting_to_name(role)))
            }
            None => return Ok(None),
        };
        self.found.borrow_mut().insert(id, signed.clone());
        Ok(Some(signed))
    }

    /// Who had signed the records of a log that were accepted.
    pub(super) fn accepted_writer(&self, writer: WriterId) -> Result<Option<String>> {
        Ok(self.accepted()?.principal_of(writer).map(str::to_owned))
    }

    /// Everything that decides whose records count, as one digest; none where nobody is listed.
    pub fn digest(&self) -> Result<Option<Digest>> {
        let mut lists = Vec::new();
        for role in [Role::Verdict, Role::Policy, Role::Resolve] {
            lists.push(self.verifier(role)?.map(|verifier| verifier.list()).unwrap_or_default());
        }
        let is_nobody = lists.iter().all(Vec::is_empty);
        Ok((!is_nobody).then(|| Digest::of_fields(lists.iter().map(Vec::as_slice))))
    }

    /// Whose records of this role count, as of now; an error where no list says so.
    pub fn verifier_for(&self, role: Role) -> Result<Rc<Verifier>> {
        self.verifier(role)?.ok_or_else(|| no_list(self.setting_to_name(role)))
    }

    fn verifier(&self, role: Role) -> Result<Option<Rc<Verifier>>> {
        if let Some(known) = self.verifiers.borrow().get(&role) {
            return Ok(known.clone());
        }
        let settings = self.settings()?;
        let file = self.settings_of(role).iter().find_map(|name| settings.path(&name.to_ascii_lowercase()));
        let verifier = match file {
            Some(file) => Some(Rc::new(Verifier::new(self.repository, settings, Signers::read(&file)?)?)),
            None => None,
        };
        self.verifiers.borrow_mut().insert(role, verifier.clone());
        Ok(verifier)
    }

    /// The settings that name a role's list; the first that is set holds.
    fn settings_of(&self, role: Role) -> &'static [&'static str] {
        match (self.place, role) {
            (Place::Server, Role::Verdict) => &["proofs.allowedSigners"],
            // Where none is named, nobody may let a policy get weaker.
            (Place::Server, Role::Policy) => &["proofs.policySigners"],
            (Place::Server, Role::Resolve) => &["proofs.resolveSigners", "proofs.allowedSigners"],
            (Place::Clone, Role::Verdict) => &["proofs.allowedSigners", CLIENT],
            (Place::Clone, Role::Policy) => &["proofs.policySigners", "proofs.allowedSigners", CLIENT],
            (Place::Clone, Role::Resolve) => &["proofs.resolveSigners", "proofs.allowedSigners", CLIENT],
        }
    }

    /// The setting to name where none of them is set.
    fn setting_to_name(&self, role: Role) -> &'static str {
        match self.place {
            Place::Server => self.settings_of(role)[0],
            Place::Clone => CLIENT,
        }
    }

    fn settings(&self) -> Result<&SignatureSettings> {
        match self.settings.get() {
            Some(settings) => Ok(settings),
            None => {
                let settings = self.repository.signature_settings()?;
                Ok(self.settings.get_or_init(|| settings))
            }
        }
    }

    fn accepted(&self) -> Result<&Accepted> {
        match self.accepted.get() {
            Some(accepted) => Ok(accepted),
            None => {
                let accepted = Accepted::read(self.repository)?;
                Ok(self.accepted.get_or_init(|| accepted))
            }
        }
    }
}

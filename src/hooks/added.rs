//! Settings that `install` adds to a repository's own configuration, beside what stands there, so that `uninstall` can take exactly them
//! out again.
//!
//! Deliberately absent: changing a line that somebody else wrote. Of several values git takes the last, and that is the one added.

use bstr::ByteSlice as _;

use super::installed::{Note, NotedSetting};
use super::snapshot::Text;
use crate::error::{Error, Exit, Result};
use crate::git::Repository;

/// A setting as it is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// `receive.fsckObjects`
    pub name: &'static str,
    /// Its value.
    pub value: Vec<u8>,
}

/// What has to be done for one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    added: Added,
    /// The values in the repository's own configuration.
    standing: Vec<Vec<u8>>,
    /// What an earlier install added.
    noted: Option<NotedSetting>,
    holds: bool,
}

impl Addition {
    /// Looks at what stands there.
    pub fn plan(repository: &Repository, note: &Note, added: &Added) -> Result<Self> {
        let standing = repository.own_values(added.name)?;
        let noted = note.settings.iter().find(|noted| noted.name == added.name).cloned();
        let noted = noted.filter(|noted| standing.contains(&noted.value.0));
        let holds = repository.value(added.name)?.is_some_and(|value| value == added.value);
        Ok(Addition { added: added.clone(), standing, noted, holds })
    }

    pub(super) fn line(&self) -> String {
        let value = self.added.value.as_bstr();
        match self.holds {
            true => format!("{} is {value}, as it should", self.added.name),
            false => format!("set {} to {value}", self.added.name),
        }
    }

    pub(super) fn note(&self, note: &mut Note) {
        if self.holds {
            return;
        }
        let Added { name, value } = self.added.clone();
        let is_ours = |value: &&Vec<u8>| self.noted.as_ref().is_some_and(|noted| noted.value.0 == **value);
        let before = self.standing.iter().filter(|value| !is_ours(value)).cloned().map(Text).collect();
        note.settings.retain(|noted| noted.name != name);
        note.settings.push(NotedSetting { name: name.to_owned(), value: Text(value), before });
    }

    pub(super) fn make(&self, repository: &Repository) -> Result<()> {
        if self.holds {
            return Ok(());
        }
        let Added { name, value } = &self.added;
        if let Some(noted) = &self.noted {
            repository.remove_value(name, &noted.value.0)?;
        }
        repository.add_value(name, value)?;
        match repository.value(name)? {
            Some(now) if now == *value => Ok(()),
            _ => Err(Error::new(format!("cannot set {name}: another value stands behind it"))
                .ending(Exit::Conflict)
                .hint(format!("git config --show-origin --get-all {name}"))),
        }
    }

    pub(super) fn undo(&self, repository: &Repository) -> Result<()> {
        let Added { name, value } = &self.added;
        let now = repository.own_values(name)?;
        if now.contains(value) && now != self.standing {
            repository.remove_value(name, value)?;
        }
        match &self.noted {
            Some(noted) if !now.contains(&noted.value.0) => repository.add_value(name, &noted.value.0),
            Some(_) | None => Ok(()),
        }
    }
}

/// Takes out what was added. What somebody else changed since is left, and said.
pub fn take_out(repository: &Repository, noted: &NotedSetting) -> Result<String> {
    let NotedSetting { name, value, before } = noted;
    let before: Vec<Vec<u8>> = before.iter().map(|value| value.0.clone()).collect();
    let standing = repository.own_values(name)?;
    if standing == before {
        // Cut short, an earlier uninstall has taken it out, or an install has not come to it.
        return Ok(format!("{name} is as it was"));
    }
    if before.contains(&value.0) || standing != [before.as_slice(), std::slice::from_ref(&value.0)].concat() {
        let standing: Vec<String> = standing.iter().map(|value| value.to_str_lossy().into_owned()).collect();
        let standing = if standing.is_empty() { "nothing".to_owned() } else { standing.join(", ") };
        return Ok(format!("left {name}, which was changed since: {standing}"));
    }
    repository.remove_value(name, &value.0)?;
    Ok(match repository.value(name)? {
        None => format!("removed {name}"),
        Some(now) => format!("removed {name}, which is {} again", now.to_str_lossy()),
    })
}

//! The predicate as it stands in JSON, where the body lies below the name of its kind.
//!
//! Deliberately absent: everything that other modules work with; they know `Predicate` only.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::statement::{Body, FORMAT, Person, PolicyApproval, Predicate, Resolution, VerdictBody};
use super::writer::WriterId;
use crate::git::Oid;

/// The predicate as it stands in JSON: the body below the name of its kind.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    /// The format; a greater number is a newer one, of which nothing else is read.
    #[schemars(extend("const" = 1))]
    format: u64,
    /// What is said; the member of this name holds it.
    kind: Kind,
    /// The log it stands in.
    writer: WriterId,
    /// The record before it in that log; absent in its first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Oid>,
    /// The repository's id.
    repository: String,
    /// Who made it, by their own account; who signed it says the signature.
    who: Person,
    /// Whether a terminal was there: human-run.
    terminal: bool,
    /// The machine's name.
    host: String,
    /// The version of the program.
    tool: String,
    /// When the work began.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    started: Timestamp,
    /// When it ended.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    finished: Timestamp,
    /// Suites were run and judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verdict: Option<Box<VerdictBody>>,
    /// A FAIL was explained from outside its inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolve: Option<Resolution>,
    /// A change of the policy file was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyApproval>,
}

#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Suites were run and judged.
    Verdict,
    /// A FAIL was explained.
    Resolve,
    /// A policy change was approved.
    Policy,
}

impl From<Predicate> for Wire {
    fn from(predicate: Predicate) -> Wire {
        let (kind, verdict, resolve, policy) = match predicate.body {
            Body::Verdict(verdict) => (Kind::Verdict, Some(verdict), None, None),
            Body::Resolve(resolve) => (Kind::Resolve, None, Some(resolve), None),
            Body::Policy(policy) => (Kind::Policy, None, None, Some(policy)),
        };
        Wire {
            format: FORMAT,
            kind,
            writer: predicate.writer,
            previous: predicate.previous,
            repository: predicate.repository,
            who: predicate.who,
            terminal: predicate.terminal,
            host: predicate.host,
            tool: predicate.tool,
            started: predicate.started,
            finished: predicate.finished,
            verdict,
            resolve,
            policy,
        }
    }
}

impl TryFrom<Wire> for Predicate {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        if wire.format != FORMAT {
            return Err("it is in no known format");
        }
        let body = match (wire.kind, wire.verdict, wire.resolve, wire.policy) {
            (Kind::Verdict, Some(verdict), None, None) => Body::Verdict(verdict),
            (Kind::Resolve, None, Some(resolve), None) => Body::Resolve(resolve),
            (Kind::Policy, None, None, Some(policy)) => Body::Policy(policy),
            (Kind::Verdict | Kind::Resolve | Kind::Policy, ..) => return Err("its body is not of its kind"),
        };
        Ok(Predicate {
            writer: wire.writer,
            previous: wire.previous,
            repository: wire.repository,
            who: wire.who,
            terminal: wire.terminal,
            host: wire.host,
            tool: wire.tool,
            started: wire.started,
            finished: wire.finished,
            body,
        })
    }
}

/// Times as RFC 3339 in UTC, ending in `Z`.
pub(super) mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in super::super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

//! Object ids of either hash.

use std::borrow::Cow;
use std::fmt;

use gix::ObjectId;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The id of a git object: 20 bytes (SHA-1) or 32 bytes (SHA-256). Never the zero id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(ObjectId);

impl Oid {
    /// Reads 40 or 64 hexadecimal digits; `None` for anything else and for the zero id.
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        if !hex.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        ObjectId::from_hex(hex).ok().and_then(Self::from_gix)
    }

    /// Takes 20 or 32 bytes; `None` for anything else and for the zero id.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        ObjectId::try_from(bytes).ok().and_then(Self::from_gix)
    }

    /// The same id as gix has it; `None` for the zero id.
    pub(super) fn from_gix(id: ObjectId) -> Option<Self> {
        (!id.is_null()).then_some(Oid(id))
    }

    /// The id as gix takes it.
    pub(super) fn as_gix(&self) -> &gix::oid {
        &self.0
    }

    /// The raw bytes, 20 or 32 of them.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The first seven digits, for people.
    pub fn short(&self) -> String {
        self.0.to_hex_with_len(7).to_string()
    }
}

impl JsonSchema for Oid {
    fn schema_name() -> Cow<'static, str> {
        "Oid".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A git object's id", "type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$" })
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_hex().fmt(f)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> String {
        oid.to_string()
    }
}

impl TryFrom<String> for Oid {
    type Error = String;

    fn try_from(hex: String) -> Result<Self, String> {
        Oid::from_hex(hex.as_bytes()).ok_or_else(|| format!("'{hex}' is no object id"))
    }
}

impl std::str::FromStr for Oid {
    type Err = String;

    fn from_str(hex: &str) -> Result<Self, String> {
        Oid::try_from(hex.to_owned())
    }
}

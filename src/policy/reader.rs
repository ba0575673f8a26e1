//! Walks the file's tables: every key is asked for by name, and what nobody asks for is an error.
//!
//! What a value must be is in `values`; which keys there are is in `keys`.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Fault;
use super::keys;

/// The most values that a list or table may have.
const MOST: usize = 1_000;

/// A table of the file.
#[derive(Debug)]
pub(super) struct Table<'a> {
    table: &'a DeTable<'a>,
    /// As the keys' table names it, `suites.*`.
    generic: String,
    /// As the file has it, `suites.payment`.
    name: String,
    span: Range<usize>,
}

/// A value of the file, with the name that errors give it.
#[derive(Debug)]
pub(super) struct Value<'a> {
    pub(super) value: &'a Spanned<DeValue<'a>>,
    pub(super) name: String,
    generic: String,
}

impl<'a> Table<'a> {
    /// The whole file.
    pub(super) fn top(table: &'a Spanned<DeTable<'a>>) -> Result<Self, Fault> {
        Self::open(table.get_ref(), String::new(), String::new(), 0..0)
    }

    fn open(table: &'a DeTable<'a>, generic: String, name: String, span: Range<usize>) -> Result<Self, Fault> {
        let known = keys::of(&generic);
        let unknown = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            None => Ok(Table { table, generic, name, span }),
            Some(key) => {
                let place = if name.is_empty() { String::new() } else { format!(" in [{name}]") };
                let fault = Fault::at(key.span(), format!("unknown key '{}'{place}", key.get_ref()));
                Err(fault.hint(nearest(key.get_ref(), &known)))
            }
        }
    }

    fn below(&self, key: &str) -> (String, String) {
        let join = |prefix: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        (join(&self.generic), join(&self.name))
    }

    /// A key's value, where the file has it.
    pub(super) fn optional(&self, key: &str) -> Option<Value<'a>> {
        let (generic, name) = self.below(key);
        debug_assert!(keys::KEYS.iter().any(|key| key.name == generic), "'{generic}' is in the table of keys");
        let (_, value) = self.table.iter().find(|(found, _)| found.get_ref() == key)?;
        Some(Value { value, name, generic })
    }

    /// A key's value, or the error that it is missing.
    pub(super) fn required(&self, key: &str) -> Result<Value<'a>, Fault> {
        let missing = || match self.name.is_empty() {
            true => Fault::at(self.span.clone(), format!("missing '{key}'")),
            false => Fault::at(self.span.clone(), format!("missing '{key}' in [{}]", self.name)),
        };
        self.optional(key).ok_or_else(missing)
    }

    /// Reads a key where the file has it, else the default.
    pub(super) fn or<T>(
        &self,
        key: &str,
        default: T,
        read: impl FnOnce(&Value<'a>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.optional(key).map_or(Ok(default), |value| read(&value))
    }

    /// Reads a key where the file has it.
    pub(super) fn maybe<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Value<'a>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.optional(key).map(|value| read(&value)).transpose()
    }
}

impl<'a> Value<'a> {
    /// A fault at this value.
    pub(super) fn fault(&self, message: impl std::fmt::Display) -> Fault {
        Fault::at(self.value.span(), format!("{} {message}", self.name))
    }

    /// The fault that this value is of the wrong type.
    pub(super) fn wanted(&self, what: &str) -> Fault {
        self.fault(format!("must be {what}, not {}", type_name(self.value.get_ref())))
    }

    /// The value as a table whose keys are in the table of keys.
    pub(super) fn table(&self) -> Result<Table<'a>, Fault> {
        match self.value.get_ref() {
            DeValue::Table(table) => Table::open(table, self.generic.clone(), self.name.clone(), self.value.span()),
            _ => Err(self.wanted("a table")),
        }
    }

    /// The entries of a table whose keys are free: each with the key's place, in the order of the file.
    pub(super) fn entries(&self) -> Result<Vec<(String, Range<usize>, Value<'a>)>, Fault> {
        let DeValue::Table(table) = self.value.get_ref() else { return Err(self.wanted("a table")) };
        self.bounded(table.len())?;
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&'a Spanned<toml::de::DeString<'a>>, &'a Spanned<DeValue<'a>>)| {
            let name = format!("{}.{}", self.name, key.get_ref());
            (key.get_ref().to_string(), key.span(), Value { value, name, generic: format!("{}.*", self.generic) })
        };
        Ok(entries.into_iter().map(entry).collect())
    }

    /// The values of a list.
    pub(super) fn list<T>(&self, what: &str, read: impl Fn(&Value<'a>) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        let DeValue::Array(array) = self.value.get_ref() else { return Err(self.wanted(what)) };
        self.bounded(array.len())?;
        let item = |value| Value { value, name: self.name.clone(), generic: self.generic.clone() };
        array.iter().map(|value| read(&item(value))).collect()
    }

    fn bounded(&self, count: usize) -> Result<(), Fault> {
        if count > MOST {
            return Err(self.fault(format!("has {count} values, at most {MOST} are read")));
        }
        Ok(())
    }
}

/// What a reader would call the value.
fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The hint for a word that is none of those known.
pub(super) fn nearest(word: &str, known: &[&str]) -> String {
    let distance = |candidate: &&&str| strsim::damerau_levenshtein(word, candidate);
    match known.iter().min_by_key(distance).filter(|best| strsim::normalized_damerau_levenshtein(word, best) >= 0.5) {
        Some(best) => format!("did you mean '{best}'?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

//! The rows of `status` as bytes: each field with its length where that differs, texts that many rows share once.
//!
//! Deliberately absent: checksums and versions, see `status_kept`; whose bytes are none of these rows gets none.

use std::collections::HashMap;
use std::rc::Rc;

use bstr::{BStr, BString, ByteSlice as _};

use super::status_row::{Named, Row, State};
use crate::git::Oid;

/// A ref, where it points, and its row; none where it is not gated.
pub(super) struct KeptRow {
    pub name: BString,
    pub id: Oid,
    pub row: Option<Row>,
}

const STATES: [State; 5] = [State::Pass, State::Fail, State::None, State::Stale, State::Before];
/// In place of a state, where a ref is not gated.
const NOT_GATED: u8 = 0xff;
/// In place of a signer's text, where nobody who counts signed.
const UNSIGNED: u32 = u32::MAX;

/// The bytes of these rows.
pub(super) fn encode<'a>(rows: impl Iterator<Item = &'a KeptRow>) -> Vec<u8> {
    let (mut body, mut texts, mut known) = (Vec::new(), Vec::new(), HashMap::new());
    let mut number_of = |text: &str| {
        *known.entry(text.to_owned()).or_insert_with(|| {
            push(&mut texts, text.as_bytes());
            u32::try_from(texts.len()).unwrap_or(u32::MAX) - 4 - u32::try_from(text.len()).unwrap_or(0)
        })
    };
    for kept in rows {
        push(&mut body, &kept.name);
        push(&mut body, kept.id.as_bytes());
        let Some(row) = &kept.row else {
            body.push(NOT_GATED);
            continue;
        };
        body.extend(STATES.iter().position(|state| *state == row.state).and_then(|at| u8::try_from(at).ok()));
        push(&mut body, row.commit.as_ref().map_or(&[], |commit| commit.as_bytes()));
        body.extend(row.time.to_le_bytes());
        body.extend(number_of(&row.suites).to_le_bytes());
        push(&mut body, row.record.as_ref().map_or(&[], |record| record.id.as_bytes()));
        if let Some(record) = &row.record {
            body.extend(record.finished.0.to_le_bytes());
            body.extend(record.finished.1.to_le_bytes());
            body.extend(number_of(&record.by).to_le_bytes());
            body.extend(record.signer.as_ref().map_or(UNSIGNED, |signer| number_of(signer)).to_le_bytes());
            body.push(u8::from(record.human_run));
        }
    }
    let mut bytes = Vec::new();
    push(&mut bytes, &texts);
    bytes.extend(body);
    bytes
}

/// The rows that these bytes are of, in their order.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<KeptRow>> {
    let mut rest = Rest(bytes);
    let texts = rest.field()?;
    let mut known: HashMap<u32, Rc<str>> = HashMap::new();
    let mut text_at = |at: u32| {
        if let Some(text) = known.get(&at) {
            return Some(Rc::clone(text));
        }
        let text: Rc<str> = Rest(texts.get(at as usize..)?).field()?.to_str().ok()?.into();
        known.insert(at, Rc::clone(&text));
        Some(text)
    };
    let mut rows = Vec::new();
    while !rest.0.is_empty() {
        let (name, id) = (BStr::new(rest.field()?).to_owned(), Oid::from_bytes(rest.field()?)?);
        let state = u8::from_le_bytes(rest.array()?);
        let row = if state == NOT_GATED {
            None
        } else {
            Some(Row {
                state: *STATES.get(usize::from(state))?,
                commit: rest.id()?,
                time: i64::from_le_bytes(rest.array()?),
                suites: text_at(u32::from_le_bytes(rest.array()?))?,
                record: match rest.id()? {
                    None => None,
                    Some(id) => Some(Named {
                        id,
                        finished: (i64::from_le_bytes(rest.array()?), i32::from_le_bytes(rest.array()?)),
                        by: text_at(u32::from_le_bytes(rest.array()?))?,
                        signer: match u32::from_le_bytes(rest.array()?) {
                            UNSIGNED => None,
                            at => Some(text_at(at)?),
                        },
                        human_run: rest.array::<1>()? == [1],
                    }),
                },
            })
        };
        rows.push(KeptRow { name, id, row });
    }
    Some(rows)
}

fn push(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(field);
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(length as usize)
    }

    /// An id, or a field of no bytes in its place.
    fn id(&mut self) -> Option<Option<Oid>> {
        match self.field()? {
            [] => Some(None),
            bytes => Oid::from_bytes(bytes).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<KeptRow> {
        let id = |digit: u8| Oid::from_bytes(&[digit; 20]).unwrap();
        let by: Rc<str> = "ana@example.org".into();
        let signer = Some(Rc::clone(&by));
        let record = Named { id: id(3), finished: (1_700_000_000, 5), by, signer, human_run: true };
        let unsigned = Named { signer: None, ..record.clone() };
        let row =
            |state, suites: &str, record| Row { commit: Some(id(2)), time: -1, state, suites: suites.into(), record };
        let kept = |name: &str, row| KeptRow { name: name.into(), id: id(1), row };
        vec![
            kept("refs/heads/docs", None),
            kept("refs/tags/v1", Some(row(State::Pass, "full payment", Some(record.clone())))),
            kept("refs/tags/v2", Some(row(State::Before, "", None))),
            kept("refs/tags/v3", Some(Row { commit: None, ..row(State::Stale, "full payment", Some(unsigned)) })),
        ]
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let decoded = decode(&encode(rows().iter())).unwrap();
        assert_eq!(decoded.len(), 4);
        for (kept, expected) in decoded.iter().zip(rows()) {
            assert_eq!((&kept.name, kept.id, &kept.row), (&expected.name, expected.id, &expected.row));
        }
    }

    #[test]
    fn whatever_the_bytes_are_nothing_worse_comes_of_them_than_other_rows() {
        let bytes = encode(rows().iter());
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x55;
            drop((decode(&flipped), decode(&bytes[..at])));
        }
    }
}

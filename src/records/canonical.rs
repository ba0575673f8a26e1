//! The one encoding of a record, and the strict reader: what it reads, encodes to the same bytes again.
//!
//! Deliberately absent: leniency. A second spelling of the same record would be a second record with the same meaning.

use serde::Deserialize;
use thiserror::Error;

use super::sorted;
use super::statement::{Body, FORMAT, PREDICATE_TYPE, STATEMENT_TYPE, Statement, SuiteEntry};
use crate::judge::{Code, Word};

/// No record is longer, in bytes.
pub(super) const MAX_BYTES: usize = 256 * 1024;

/// Why bytes are no record that counts.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// A newer program wrote it.
    #[error("it was written by a newer proof-gate (format {0}, this one knows {FORMAT})")]
    Newer(u64),
    /// It is not what a record looks like.
    #[error("{0}")]
    Malformed(String),
}

/// The bytes of a statement: keys sorted, no spaces, one newline at the end. An error where they are more than 256 KiB.
pub fn encode(statement: &Statement) -> Result<Vec<u8>, Unreadable> {
    let bytes = bytes_of(statement)?;
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable::Malformed(format!("it has {} bytes, more than {MAX_BYTES}", bytes.len())));
    }
    Ok(bytes)
}

/// Reads a statement and checks that it agrees with itself.
pub fn decode(bytes: &[u8]) -> Result<Statement, Unreadable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable::Malformed(format!("it has {} bytes, more than {MAX_BYTES}", bytes.len())));
    }
    // What reads as a statement is of the known format; only what does not is looked at for a newer one.
    let statement: Statement =
        serde_json::from_slice(bytes).map_err(|error| match serde_json::from_slice::<Peek>(bytes) {
            Ok(peek) if peek.predicate.format > FORMAT => Unreadable::Newer(peek.predicate.format),
            Ok(_) | Err(_) => Unreadable::Malformed(error.to_string()),
        })?;
    if bytes_of(&statement)? != bytes {
        return Err(Unreadable::Malformed("it is not in canonical form".to_owned()));
    }
    check(&statement).map_err(|why| Unreadable::Malformed(why.to_owned()))?;
    Ok(statement)
}

fn bytes_of(statement: &Statement) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::with_capacity(4096);
    sorted::write(statement, &mut bytes).map_err(|error| Unreadable::Malformed(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// As much of any format as there must be to tell which it is.
#[derive(Deserialize)]
struct Peek {
    predicate: PeekPredicate,
}

#[derive(Deserialize)]
struct PeekPredicate {
    format: u64,
}

/// What the types cannot say: the record agrees with itself. Holds for every record that is written or read.
pub(super) fn check(statement: &Statement) -> Result<(), &'static str> {
    if statement.kind != STATEMENT_TYPE || statement.predicate_type != PREDICATE_TYPE {
        return Err("it is no statement of proof-gate");
    }
    let Body::Verdict(verdict) = &statement.predicate.body else {
        return Ok(());
    };
    if verdict.suites.is_empty() {
        return Err("it is a verdict over no suite");
    }
    for entry in &verdict.suites {
        let word = if entry.findings.is_empty() { Word::Pass } else { Word::Fail };
        if entry.verdict != word || (entry.findings.is_empty() && entry.findings_left_out > 0) {
            return Err("a suite's verdict is not what its findings say");
        }
        if entry.findings.iter().any(|finding| finding.code == Code::FlakyHistory) {
            return Err("FLAKY_HISTORY is no finding of a run");
        }
        if entry.argv_digest != SuiteEntry::digest_of(&entry.argv) {
            return Err("a suite's command has another digest");
        }
        if entry.runs == 0 {
            return Err("a suite was run no time");
        }
    }
    let all_pass = verdict.suites.iter().all(|entry| entry.verdict == Word::Pass);
    if (verdict.verdict == Word::Pass) != all_pass {
        return Err("the verdict is not what its suites say");
    }
    match &verdict.established {
        Some(_) if verdict.verdict == Word::Fail => Err("a FAIL establishes nothing"),
        Some(established) if established.obligations.is_empty() => Err("nothing owed establishes nothing"),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sandbox::{failing, passing, statement};
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        decode(bytes).expect_err("these bytes are no record").to_string()
    }

    fn text() -> String {
        String::from_utf8(encode(&statement(vec![passing("payment"), failing("booking")])).unwrap()).unwrap()
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_no_longer_the_same_record() {
        let bytes = text().into_bytes();
        let whole = decode(&bytes).unwrap();
        for end in 0..bytes.len() {
            decode(&bytes[..end]).expect_err("a cut record is refused");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                // A flip inside a string or number is another record, with another id; never this one.
                assert!(decode(&flipped).map_or(true, |other| other != whole), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_second_spelling_of_a_record_is_refused() {
        let text = text();
        for (from, to) in [
            (",", ", "),
            ("\n", ""),
            ("\n", "\n\n"),
            ("{", "{ "),
            ("\"_type\"", "\"\\u005ftype\""),
            ("\"terminal\":true", "\"terminal\":true,\"terminal\":true"),
            ("\"runs\":1", "\"runs\":1.0"),
            ("\"runs\":1", "\"runs\":1e0"),
            ("\"kind\":\"verdict\"", "\"kind\":\"verdict\",\"more\":1"),
            ("00Z\"", "00+00:00\""),
            ("\"format\":1,\"host\":\"here\"", "\"host\":\"here\",\"format\":1"),
        ] {
            let other = text.replacen(from, to, 1);
            assert!(other != text, "{from} stands in the record");
            refused(other.as_bytes());
        }
        refused(format!("\u{feff}{text}").as_bytes());
    }

    #[test]
    fn a_newer_format_is_named_and_not_guessed_at() {
        let newer = text().replace("\"format\":1", "\"format\":2,\"mood\":\"bright\"");
        assert_eq!(decode(newer.as_bytes()), Err(Unreadable::Newer(2)));
        assert!(refused(newer.as_bytes()).contains("newer proof-gate"));
        refused(text().replace("\"format\":1", "\"format\":0").as_bytes());
    }

    #[test]
    fn a_verdict_that_its_findings_do_not_bear_out_is_refused() {
        let mut pass_with_finding = failing("booking");
        pass_with_finding.verdict = Word::Pass;
        let mut fail_without = passing("payment");
        fail_without.verdict = Word::Fail;
        let mut other_command = passing("payment");
        other_command.argv.push("--grep=nothing".to_owned());
        for entry in [pass_with_finding, fail_without, other_command] {
            refused(&encode(&statement(vec![entry])).unwrap());
        }
        assert!(refused(&encode(&statement(Vec::new())).unwrap()).contains("no suite"));
        let lie = text().replace("\"verdict\":\"FAIL\"},\"who\"", "\"verdict\":\"PASS\"},\"who\"");
        assert!(lie != text());
        assert!(refused(lie.as_bytes()).contains("its suites"));
    }

    #[test]
    fn a_record_of_more_than_256_kib_is_neither_written_nor_read() {
        let mut long = failing("booking");
        long.findings[0].detail = "x".repeat(MAX_BYTES);
        let long = statement(vec![long]);
        encode(&long).expect_err("too long to write");
        assert!(refused(&bytes_of(&long).unwrap()).contains("more than"));
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_is_read_back_the_same(detail in ".*", host in "\\PC*", runs in 1u32.., size in any::<u64>()) {
            let mut entry = failing("booking");
            entry.findings[0].detail = detail;
            entry.runs = runs;
            entry.evidence[0].size = size;
            let mut statement = statement(vec![entry]);
            statement.predicate.host = host;
            let bytes = encode(&statement).unwrap();
            prop_assert_eq!(decode(&bytes), Ok(statement));
        }

        #[test]
        fn the_reader_never_panics(bytes in any::<Vec<u8>>()) {
            let _ = decode(&bytes);
        }
    }
}

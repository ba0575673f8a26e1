//! The bad policy files of `tests/fixtures/policies`, each with the answer it must get.

use std::path::PathBuf;

use super::{Comparison, compare, parse, to_toml};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/policies")
}

#[test]
fn every_bad_policy_is_refused_at_its_place_and_in_its_words() {
    let expected = std::fs::read_to_string(folder().join("expected.tsv")).expect("the table is there");
    let mut wrong = Vec::new();
    for line in expected.lines() {
        let [name, place, words] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        let bytes = std::fs::read(folder().join("bad").join(name).with_extension("toml")).expect("the file is there");
        match parse(&bytes) {
            Ok(_) => wrong.push(format!("{name}: was read")),
            Err(error) if format!("{}:{}", error.line, error.column) != place || !error.message.contains(words) => {
                wrong.push(format!("{name}: expected {place} …{words}…, not {error}"));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_bad_policy_has_its_expected_answer() {
    let expected = std::fs::read_to_string(folder().join("expected.tsv")).expect("the table is there");
    for entry in std::fs::read_dir(folder().join("bad")).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        assert!(expected.lines().any(|line| line.starts_with(&format!("{name}\t"))), "{name}");
    }
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_refused() {
    let error = parse(format!("version = 1\n#{}\n", "x".repeat(1 << 20)).as_bytes()).expect_err("the file is huge");
    assert!(error.message.contains("at most 1048576 are read"), "{error}");
}

#[test]
fn a_file_with_windows_line_ends_is_read_the_same() {
    let text = std::fs::read_to_string(folder().join("good/everything.toml")).expect("the file is there");
    let unix = parse(text.as_bytes()).expect("the policy is good");
    let windows = parse(text.replace('\n', "\r\n").as_bytes()).expect("line ends do not matter");
    assert_eq!(compare(&unix, &windows), Comparison::Same);
}

#[test]
fn the_policy_written_out_in_full_is_read_as_the_same_policy() {
    let text = std::fs::read_to_string(folder().join("good/everything.toml")).expect("the file is there");
    let smallest = "version = 1\n[suites.a]\nrun = ['x']\nreport = 'exit-code'\n";
    for text in [text.as_str(), smallest] {
        let policy = parse(text.as_bytes()).expect("the policy is good");
        assert_eq!(parse(to_toml(&policy).as_bytes()).as_ref(), Ok(&policy), "{}", to_toml(&policy));
    }
}

#[test]
fn an_error_says_where_and_what_to_write_instead() {
    let bytes = std::fs::read(folder().join("bad/unknown-key.toml")).expect("the file is there");
    let error = parse(&bytes).expect_err("the key is unknown");
    assert_eq!(error.to_string(), "line 6, column 1: unknown key 'path' in [suites.full]");
    assert_eq!(error.hint.as_deref(), Some("did you mean 'paths'?"));
    let error = error.into_error(".proofrc.toml");
    assert_eq!(error.message, "cannot read .proofrc.toml at line 6, column 1: unknown key 'path' in [suites.full]");
}

proptest::proptest! {
    #[test]
    fn whatever_the_bytes_the_reader_answers(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn whatever_stands_in_a_value_the_reader_answers(text in "\\PC{0,60}") {
        let _ = parse(format!("version = 1\n[suites.a]\nrun = ['x']\nreport = 'tap'\npaths = ['{text}']\n").as_bytes());
    }
}

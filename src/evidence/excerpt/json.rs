//! The same in a report that is one JSON document: there it is the text of a string that people read, not the line that it stands in.
//!
//! A text belongs to a test only where it stands in the object that carries the test's title. Where two such objects say different things,
//! none is better than the wrong one.

use bstr::ByteSlice as _;
use serde_json::Value;

use super::{AFTER, Wanted, padded, shown};

/// Bytes of a document that is looked into; a larger one is left to editors.
const MAX_DOCUMENT: usize = 16 * 1024 * 1024;

/// What a report says of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The line of the file where the string stands.
    pub line: usize,
    /// The string's own lines.
    pub text: Vec<Vec<u8>>,
}

/// Bytes of a string that may be a title.
const MAX_TITLE: usize = 1000;

/// The strings that belong to the same object.
type Strings<'a> = Vec<&'a str>;

/// For each test that is wanted what the report says of it; nothing where the text is no JSON document.
pub fn told(text: &[u8], wanted: &[Wanted]) -> Option<Vec<Option<Told>>> {
    if !text.trim_start().starts_with(b"{") || text.len() > MAX_DOCUMENT {
        return None;
    }
    let document: Value = serde_json::from_slice(text).ok()?;
    let mut found: Vec<[Strings<'_>; 2]> = vec![Default::default(); wanted.len()];
    walk(&document, wanted, &mut found);
    let told = |[by_title, by_name]: [Strings<'_>; 2]| {
        let strings = if by_title.is_empty() { by_name } else { by_title };
        let (first, others) = strings.split_first()?;
        others.iter().all(|other| other == first).then(|| read(text, first))
    };
    Some(found.into_iter().map(told).collect())
}

fn walk<'a>(value: &'a Value, wanted: &[Wanted], found: &mut [[Strings<'a>; 2]]) {
    if let Value::Object(members) = value {
        let short = members.values().filter_map(Value::as_str).filter(|text| text.len() <= MAX_TITLE);
        let words: Vec<String> = short.map(|text| padded(text.as_bytes())).collect();
        for (wanted, found) in wanted.iter().zip(found.iter_mut()) {
            let carries = |title: &Option<String>| title.as_ref().is_some_and(|title| words.contains(title));
            let Some(detail) = &wanted.detail else { continue };
            let by = match (carries(&wanted.title), carries(&wanted.name)) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => continue,
            };
            let mut own = Vec::new();
            members.values().for_each(|member| strings(member, &mut own));
            let says = own.into_iter().filter(|text| padded(text.as_bytes()).contains(detail.as_str()));
            found[by].extend(says.max_by_key(|text| text.len()));
        }
    }
    children(value).for_each(|child| walk(child, wanted, found));
}

/// The strings of a value, but not those of other tests in it.
fn strings<'a>(value: &'a Value, into: &mut Strings<'a>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Object(members) if ["title", "fullTitle", "fullName"].iter().any(|key| members.contains_key(*key)) => {}
        _ => children(value).for_each(|child| strings(child, into)),
    }
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => Box::new(members.values()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Box::new(std::iter::empty()),
    }
}

/// The beginning of the string, and where it stands: runners may escape it otherwise, and then it is the document's first line.
fn read(document: &[u8], string: &str) -> Told {
    let at = document.find(Value::from(string).to_string().as_bytes()).unwrap_or(0);
    let lines = string.as_bytes().trim_end().lines().skip_while(|line| line.trim().is_empty());
    Told {
        line: 1 + document[..at].find_iter(b"\n").count(),
        text: lines.take(AFTER + 3).map(|line| shown(line, 0)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOCHA: &str = r#"{
  "tests": [
    {"title": "", "fullTitle": "hostile ", "err": {}},
    {"title": "obj", "fullTitle": "hostile obj", "err": {
      "message": "the object {} was thrown, throw an Error",
      "stack": "Error: the object {} was thrown, throw an Error\n    at x.js:3\n"}}
  ],
  "failures": [
    {"title": "obj", "fullTitle": "hostile obj", "err": {
      "stack": "Error: the object {} was thrown, throw an Error\n    at x.js:3\n"}}
  ]
}"#;

    fn of(text: &str, title: &str, detail: &str) -> Option<Told> {
        told(text.as_bytes(), &[Wanted::test(title, Some(detail))]).unwrap().remove(0)
    }

    #[test]
    fn the_text_of_the_longest_string_that_says_it_is_shown_in_lines() {
        let told = of(MOCHA, "hostile obj", "Error: the object {} was thrown").unwrap();
        assert_eq!(told.line, 6);
        assert_eq!(told.text, [&b"Error: the object {} was thrown, throw an Error"[..], b"    at x.js:3"]);
    }

    #[test]
    fn what_another_test_says_is_not_shown() {
        assert_eq!(of(MOCHA, "hostile", "Error"), None);
        // A group that is called like the test is not the test.
        let groups = r#"{"suites": [{"title": "hostile", "specs": [{"title": "a b", "error": "Error: far"}]}]}"#;
        assert_eq!(of(groups, "hostile", "Error"), None);
        assert_eq!(of(groups, "x.js > a b", "Error: far").unwrap().text, [b"Error: far"]);
        // Two tests of one name that failed otherwise.
        let two = r#"{"x": [{"title": "a b", "m": "Error: 1"}, {"title": "a b", "m": "Error: 2"}]}"#;
        assert_eq!(of(two, "a b", "Error"), None);
    }

    #[test]
    fn what_is_no_document_is_left_to_others() {
        for text in ["", "<testsuite/>", "{\"a\": 1}\n{\"a\": 2}", "[1]"] {
            assert_eq!(told(text.as_bytes(), &[]), None, "{text}");
        }
    }
}

//! Reading what git pushes: the lines that pre-push gets on its standard input.

use bstr::{BStr, BString, ByteSlice as _};

use crate::error::{Error, Result};
use crate::git::Oid;

/// One line of what git pushes. After parsing nobody meets a zero id again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefUpdate {
    /// The full name of the ref over there, as in `refs/heads/main`. It alone decides whether the update is gated.
    pub remote_ref: BString,
    /// What the ref pointed at over there, `None` where it is new.
    pub old: Option<Oid>,
    /// What happens to it.
    pub action: Action,
}

/// What an update does to its ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The ref comes to point at this object (a commit, or a tag object that is not peeled yet).
    Set(Oid),
    /// The ref goes away.
    Delete,
}

/// Reads all of pre-push's standard input. One line that cannot be read refuses the whole push.
///
/// Lines are `<local-ref> <local-oid> <remote-ref> <remote-oid>`, split from the right: the local ref may be any expression with
/// spaces in it (`HEAD@{0 days ago}`), and is `(delete)` for a deletion.
pub fn parse_updates(input: &[u8]) -> Result<Vec<RefUpdate>> {
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let Some(whole) = input.strip_suffix(b"\n") else {
        return Err(unreadable(input.lines().count(), "it is cut short"));
    };
    whole
        .split(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, line)| parse_line(line).map_err(|why| unreadable(index + 1, why)))
        .collect()
}

fn unreadable(line: usize, why: &str) -> Error {
    Error::new(format!("cannot read line {line} of what git pushes: {why}"))
        .hint("the hook expects git's own pre-push input; a hook manager in between may have changed it")
}

fn parse_line(line: &[u8]) -> Result<RefUpdate, &'static str> {
    let mut fields = line.rsplitn(4, |byte| *byte == b' ');
    let mut field = || fields.next().filter(|field| !field.is_empty());
    let old = field().ok_or("it is blank")?;
    let remote_ref = field().ok_or("it has too few fields")?.as_bstr();
    let new = field().ok_or("it has too few fields")?;
    let local = field().ok_or("it has too few fields")?;
    if old.len() != new.len() {
        return Err("its object ids are of different lengths");
    }
    if !is_full_ref_name(remote_ref) {
        return Err("its remote ref is no full ref name");
    }
    let old = parse_id(old)?;
    let action = match parse_id(new)? {
        Some(id) => Action::Set(id),
        None if local == b"(delete)" => Action::Delete,
        None => return Err("it deletes a ref without saying so"),
    };
    Ok(RefUpdate { remote_ref: remote_ref.to_owned(), old, action })
}

/// An object id of 40 or 64 digits; `None` for the zero id.
fn parse_id(hex: &[u8]) -> Result<Option<Oid>, &'static str> {
    if !matches!(hex.len(), 40 | 64) {
        return Err("an object id is neither 40 nor 64 digits long");
    }
    if hex.iter().all(|byte| *byte == b'0') {
        return Ok(None);
    }
    Oid::from_hex(hex).map(Some).ok_or("an object id has a digit that is not hexadecimal")
}

fn is_full_ref_name(name: &BStr) -> bool {
    name.starts_with(b"refs/")
        && !name.ends_with(b"/")
        && !name.iter().any(|byte| matches!(byte, 0..=b' ' | 0x7f | b'~' | b'^' | b':' | b'?' | b'*' | b'[' | b'\\'))
        && !name.contains_str("..")
        && !name.contains_str("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn read(text: &str) -> Result<Vec<RefUpdate>> {
        parse_updates(text.as_bytes())
    }

    #[test]
    fn a_local_expression_may_hold_spaces() {
        let updates = read(&format!("HEAD@{{0 days ago}} {A} refs/tags/v9 {ZERO}\n")).unwrap();
        assert_eq!(updates[0].remote_ref, "refs/tags/v9");
        assert_eq!(updates[0].action, Action::Set(A.parse().unwrap()));
        assert_eq!(updates[0].old, None);
    }

    #[test]
    fn a_deletion_has_no_object() {
        let updates = read(&format!("(delete) {ZERO} refs/heads/main {B}\n")).unwrap();
        assert_eq!(updates[0].action, Action::Delete);
        assert_eq!(updates[0].old, Some(B.parse().unwrap()));
    }

    #[test]
    fn nothing_to_push_is_no_error() {
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn every_line_that_cannot_be_read_refuses_them_all() {
        let good = format!("refs/heads/main {A} refs/heads/main {B}\n");
        for bad in [
            "\n".to_owned(),
            format!("refs/heads/main {A} refs/heads/main\n"),
            format!("refs/heads/main {A} refs/heads/main {B}"),
            format!("refs/heads/main {A} refs/heads/main 22\n"),
            format!("refs/heads/main {A} main {B}\n"),
            format!("refs/heads/main {} refs/heads/main {B}\n", A.replace('1', "G")),
            format!("refs/heads/main {} refs/heads/main {B}\n", B.repeat(2).split_at(64).0),
            format!("refs/heads/main {ZERO} refs/heads/main {B}\n"),
            format!(" {A} refs/heads/main {B}\n"),
            format!("refs/heads/x {A} refs/heads/x\u{1b}[2J {B}\n"),
        ] {
            assert!(read(&bad).is_err(), "{bad:?}");
            assert!(read(&format!("{good}{bad}")).is_err(), "after a good line: {bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = parse_updates(&bytes);
        }

        #[test]
        fn what_git_writes_is_read_back(local in "[ -~]{1,40}", name in "[a-z]{1,9}(/[a-z]{1,9}){0,3}") {
            let updates = read(&format!("{local} {A} refs/heads/{name} {B}\n"));
            let updates = updates.unwrap();
            proptest::prop_assert_eq!(updates[0].remote_ref.to_string(), format!("refs/heads/{name}"));
            proptest::prop_assert_eq!(updates[0].action, Action::Set(A.parse().unwrap()));
        }
    }
}

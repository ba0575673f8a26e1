//! A commit's signature, split from what it signs.
//!
//! Deliberately absent: saying whose it is, see `verification`.

use bstr::ByteSlice as _;

/// Headers that hold a signature: over the payload as repositories of SHA-1 see it, and of SHA-256.
const HEADERS: [&[u8]; 2] = [b"gpgsig", b"gpgsig-sha256"];

/// What a commit's bytes hold of signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// None.
    Missing,
    /// Exactly one.
    One {
        /// What was signed: the commit without its signature.
        payload: Vec<u8>,
        /// The signature in its armour.
        armour: Vec<u8>,
        /// Who can check it.
        kind: Kind,
    },
    /// More than one: nobody can say which is meant.
    Several,
}

/// The kinds of signature that git knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Made by `ssh-keygen -Y sign`.
    Ssh,
    /// Made by OpenPGP.
    OpenPgp,
    /// Made with an X.509 certificate, or by something unknown.
    Other,
}

impl Signature {
    /// Splits the bytes of a commit.
    pub fn of_commit(commit: &[u8]) -> Self {
        let mut payload = Vec::with_capacity(commit.len());
        let mut armour = Vec::new();
        let mut headers = 0;
        let mut inside = false;
        let (head, rest) = commit.split_at(commit.find(b"\n\n").map_or(commit.len(), |end| end + 1));
        for line in head.lines_with_terminator() {
            let value = HEADERS.iter().find_map(|header| line.strip_prefix(*header)?.strip_prefix(b" "));
            let continued = line.strip_prefix(b" ").filter(|_| inside);
            inside = value.is_some() || continued.is_some();
            headers += usize::from(value.is_some());
            match value.or(continued) {
                Some(part) => armour.extend_from_slice(part),
                None => payload.extend_from_slice(line),
            }
        }
        payload.extend_from_slice(rest);
        match headers {
            0 => Signature::Missing,
            1 if armour.find_iter("-----BEGIN").count() <= 1 => {
                let kind = kind_of(&armour);
                Signature::One { payload, armour, kind }
            }
            _ => Signature::Several,
        }
    }
}

fn kind_of(armour: &[u8]) -> Kind {
    let is_whole = |begin: &str, end: &str| armour.starts_with_str(begin) && armour.trim_end().ends_with_str(end);
    if is_whole("-----BEGIN SSH SIGNATURE-----\n", "\n-----END SSH SIGNATURE-----") {
        Kind::Ssh
    } else if is_whole("-----BEGIN PGP SIGNATURE-----\n", "\n-----END PGP SIGNATURE-----") {
        Kind::OpenPgp
    } else {
        Kind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "tree 4b82\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n";
    const SSH: &str = "gpgsig -----BEGIN SSH SIGNATURE-----\n U1NI\n -----END SSH SIGNATURE-----\n";

    fn split(signatures: &str, message: &str) -> Signature {
        Signature::of_commit(format!("{HEAD}{signatures}\n{message}").as_bytes())
    }

    #[test]
    fn what_was_signed_is_the_commit_without_its_signature() {
        let Signature::One { payload, armour, kind } = split(SSH, "gpgsig in the text\n") else { panic!("one") };
        assert_eq!(payload, format!("{HEAD}\ngpgsig in the text\n").as_bytes());
        assert_eq!(armour, b"-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n");
        assert_eq!(kind, Kind::Ssh);
        assert_eq!(split("", SSH), Signature::Missing);
    }

    #[test]
    fn two_signatures_are_none_that_can_be_believed() {
        assert_eq!(split(&SSH.repeat(2), "x"), Signature::Several);
        assert_eq!(split(&format!("{SSH}{}", SSH.replace("gpgsig", "gpgsig-sha256")), "x"), Signature::Several);
        let twice = SSH.replace("gpgsig ", "gpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n ");
        assert_eq!(split(&twice, "x"), Signature::Several);
    }

    #[test]
    fn what_is_cut_or_unknown_is_of_no_kind_that_is_checked() {
        for other in ["gpgsig -----BEGIN SIGNED MESSAGE-----\n x\n -----END SIGNED MESSAGE-----\n", "gpgsig x\n"] {
            assert!(matches!(split(other, "x"), Signature::One { kind: Kind::Other, .. }), "{other}");
        }
        let cut = SSH.replace(" -----END SSH SIGNATURE-----\n", "");
        assert!(matches!(split(&cut, "x"), Signature::One { kind: Kind::Other, .. }));
    }
}

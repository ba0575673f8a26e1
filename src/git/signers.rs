//! Who may sign: a list as `ssh-keygen` reads it (ALLOWED SIGNERS), with lines for OpenPGP keys beside.
//!
//! Deliberately absent: reading the lines for `ssh-keygen`; it does that itself.

use std::path::{Path, PathBuf};

use crate::error::{Context as _, Error, Result};

/// The word in place of a key's type that makes a line one for an OpenPGP key.
const OPENPGP: &str = "openpgp";

/// A list of allowed signers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signers {
    /// The file it was read from.
    pub file: PathBuf,
    /// The lines for `ssh-keygen`, as they stand.
    pub ssh: Vec<u8>,
    /// Principal and fingerprint of each OpenPGP key; the fingerprint in upper-case digits.
    pub openpgp: Vec<(String, String)>,
}

impl Signers {
    /// Reads a list.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file)
            .context(format!("cannot read the allowed signers {}", file.display()))
            .map_err(|error| error.hint("a line each: PRINCIPAL ssh-ed25519 KEY, or PRINCIPAL openpgp FINGERPRINT"))?;
        Self::parse(file, &bytes)
    }

    fn parse(file: &Path, bytes: &[u8]) -> Result<Self> {
        let mut signers = Signers { file: file.to_owned(), ..Signers::default() };
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let text = String::from_utf8_lossy(line);
            let words: Vec<&str> = text.split_whitespace().collect();
            match words[..] {
                [principal, OPENPGP, ref fingerprint @ ..] if !principal.starts_with('#') => {
                    let digits = fingerprint.concat().to_ascii_uppercase();
                    let is_whole = matches!(digits.len(), 40 | 64) && digits.bytes().all(|d| d.is_ascii_hexdigit());
                    if !is_whole {
                        let place = format!("{} at line {}", file.display(), at + 1);
                        return Err(Error::new(format!(
                            "cannot read the allowed signers {place}: no whole fingerprint"
                        ))
                        .hint("gpg --fingerprint prints it: 40 digits, or 64"));
                    }
                    signers.openpgp.push((principal.to_owned(), digits));
                }
                _ => {
                    signers.ssh.extend_from_slice(line);
                    signers.ssh.push(b'\n');
                }
            }
        }
        Ok(signers)
    }

    /// Whether no line is one for a signer: comments, blank lines, a public key without a principal in front.
    pub fn names_nobody(&self) -> bool {
        let is_key = |word: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|start| word.starts_with(start));
        let is_signer = |line: &[u8]| {
            let text = String::from_utf8_lossy(line);
            let mut words = text.split_whitespace();
            // PRINCIPALS [OPTIONS] TYPE KEY
            words.next().is_some_and(|first| !first.starts_with('#')) && words.any(is_key) && words.next().is_some()
        };
        self.openpgp.is_empty() && !self.ssh.split(|byte| *byte == b'\n').any(is_signer)
    }

    /// Whose OpenPGP key has one of these fingerprints.
    pub fn of_openpgp(&self, fingerprints: &[&str]) -> Option<&str> {
        let found = self.openpgp.iter().find(|(_, listed)| fingerprints.iter().any(|one| one == listed));
        found.map(|(principal, _)| principal.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

    fn parse(text: &str) -> Result<Signers> {
        Signers::parse(Path::new("signers"), text.as_bytes())
    }

    #[test]
    fn lines_of_both_kinds_stand_in_one_list() {
        let text = format!("# who\nana@example.org ssh-ed25519 AAAA\nbo@example.org openpgp {FINGERPRINT}\n");
        let signers = parse(&text).unwrap();
        assert_eq!(signers.ssh, b"# who\nana@example.org ssh-ed25519 AAAA\n\n");
        assert_eq!(signers.of_openpgp(&["X", FINGERPRINT]), Some("bo@example.org"));
        assert_eq!(signers.of_openpgp(&["0123456789ABCDEF"]), None);
    }

    #[test]
    fn a_list_without_a_line_for_a_signer_names_nobody() {
        for nobody in [
            "",
            "\n\n",
            "# ana ssh-ed25519 AAAA\n",
            "ana@example.org\n",
            "ssh-ed25519 AAAA ana@example.org\n",
            "ana ssh-rsa\n",
        ] {
            assert!(parse(nobody).unwrap().names_nobody(), "{nobody:?}");
        }
        let openpgp = format!("bo openpgp {FINGERPRINT}\n");
        for somebody in
            ["ana ssh-ed25519 AAAA", "# who\nana namespaces=\"git\" sk-ssh-ed25519@openssh.com AAAA x\n", &openpgp]
        {
            assert!(!parse(somebody).unwrap().names_nobody(), "{somebody:?}");
        }
    }

    #[test]
    fn a_fingerprint_may_be_written_as_gpg_prints_it_but_not_cut() {
        let spaced = "0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567";
        assert_eq!(parse(&format!("bo openpgp {spaced}")).unwrap().openpgp, [("bo".into(), FINGERPRINT.into())]);
        let error = parse("\nbo openpgp 89ABCDEF01234567\n").unwrap_err();
        assert!(error.message.contains("signers at line 2"), "{error}");
    }
}

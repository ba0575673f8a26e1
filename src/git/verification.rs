//! Whose signature a commit bears: asked of `ssh-keygen` and `gpg`, as of now, and read from what programs are meant to read.
//!
//! git's own `verify-commit` is not asked: it takes the time from the commit, which its author chose; it calls an unknown ssh key
//! good, and an OpenPGP key that nobody trusts.
//!
//! Deliberately absent: which records need a signature, and what follows where it is missing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;
use tempfile::NamedTempFile;

use super::signature::{Kind, Signature};
use super::signers::Signers;
use super::unfinished::unfinished_file;
use super::{GitCommand, Program, Repository, SignatureSettings, make_own_dir};
use crate::error::{Context as _, Error, Result};

/// The namespace of git's signatures made by ssh.
const NAMESPACE: &str = "git";

/// Who signed a commit, or why nobody counts as its signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// Somebody on the list.
    By {
        /// Who, as the list names them.
        principal: String,
    },
    /// Nobody who counts.
    Not(NotSigned),
}

/// Why nobody counts as the signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSigned {
    /// There is no signature.
    Missing,
    /// There are several.
    Several,
    /// It is of a kind that is not checked.
    Unchecked,
    /// Its key is not on the list, or not valid now; what is known of the key.
    Stranger(String),
    /// It does not fit what was signed, or was revoked; what the program said.
    Wrong(String),
    /// Nobody may sign such a record here, because this setting is not set.
    NobodyMay(&'static str),
}

impl Signed {
    /// The signer, where one counts.
    pub fn principal(&self) -> Option<&str> {
        match self {
            Signed::By { principal } => Some(principal),
            Signed::Not(_) => None,
        }
    }
}

impl fmt::Display for NotSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotSigned::Missing => f.write_str("it is unsigned"),
            NotSigned::Several => f.write_str("it bears more than one signature"),
            NotSigned::Unchecked => f.write_str("its signature is of a kind that is not checked"),
            NotSigned::Stranger(key) => write!(f, "its signer is not among the allowed signers now ({key})"),
            NotSigned::Wrong(why) => write!(f, "its signature is not valid ({why})"),
            NotSigned::NobodyMay(setting) => write!(f, "nobody may sign it here: {setting} is not set"),
        }
    }
}

/// Whether a commit bears no signature at all.
pub fn is_unsigned(commit: &[u8]) -> bool {
    Signature::of_commit(commit) == Signature::Missing
}

/// Checks signatures against one list.
pub struct Verifier {
    program: Program,
    /// The gate's own folder: programs are started in it, and read from files in it.
    folder: PathBuf,
    signers: Signers,
    ssh_program: String,
    openpgp_program: String,
    revoked: Option<PathBuf>,
    /// The lines for `ssh-keygen`, in a file of its own.
    list: NamedTempFile,
    /// Who may hold an ssh key, by the key's bytes: the same few keys sign many records.
    principals: RefCell<HashMap<Vec<u8>, Vec<String>>>,
}

impl Verifier {
    /// A verifier for a list.
    pub fn new(repository: &Repository, settings: &SignatureSettings, signers: Signers) -> Result<Self> {
        let openpgp = settings.get("gpg.openpgp.program").or_else(|| settings.get("gpg.program")).unwrap_or("gpg");
        let revoked = settings.path("gpg.ssh.revocationfile");
        if let Some(file) = &revoked {
            // ssh-keygen would call every signature bad, and not say why.
            std::fs::read(file)
                .context(format!("cannot read the revoked keys {}", file.display()))
                .map_err(|error| error.hint("put the file there, or: git config --unset gpg.ssh.revocationFile"))?;
        }
        make_own_dir(&repository.own_dir())?;
        let list = written(&repository.own_dir(), &signers.ssh)?;
        Ok(Verifier {
            ssh_program: settings.get("gpg.ssh.program").unwrap_or("ssh-keygen").to_owned(),
            openpgp_program: openpgp.to_owned(),
            revoked,
            program: repository.program().clone(),
            folder: repository.own_dir(),
            signers,
            list,
            principals: RefCell::default(),
        })
    }

    /// Whom it lets count, as bytes to compare.
    pub fn list(&self) -> Vec<u8> {
        let openpgp = self.signers.openpgp.iter().flat_map(|(who, key)| format!("{who} {key}\n").into_bytes());
        let revoked = self.revoked.as_ref().and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
        self.signers.ssh.iter().copied().chain(openpgp).chain(revoked).collect()
    }

    /// Who signed a commit. An error only where that cannot be found out.
    pub fn check(&self, commit: &[u8]) -> Result<Signed> {
        match Signature::of_commit(commit) {
            Signature::Missing => Ok(Signed::Not(NotSigned::Missing)),
            Signature::Several => Ok(Signed::Not(NotSigned::Several)),
            Signature::One { payload, armour, kind: Kind::Ssh } => self.check_ssh(payload, &armour),
            Signature::One { payload, armour, kind: Kind::OpenPgp } => self.check_openpgp(payload, &armour),
            Signature::One { kind: Kind::Other, .. } => Ok(Signed::Not(NotSigned::Unchecked)),
        }
    }

    fn check_ssh(&self, payload: Vec<u8>, armour: &[u8]) -> Result<Signed> {
        let Some(key) = key_of(armour) else {
            return Ok(Signed::Not(NotSigned::Wrong("it cannot be read".to_owned())));
        };
        let signature = written(&self.folder, armour)?;
        let known = self.principals.borrow().get(&key).cloned();
        let principals = match known {
            Some(principals) => principals,
            None => {
                let asked = self.ssh_keygen("find-principals", &signature)?.output()?;
                let listed = if asked.status.success() { asked.stdout } else { b"".into() };
                let found: Vec<String> = listed.lines().map(|line| line.to_str_lossy().into_owned()).collect();
                self.principals.borrow_mut().insert(key.clone(), found.clone());
                found
            }
        };
        let mut why = None;
        for principal in principals.iter().filter(|principal| !principal.is_empty()) {
            let mut verify = self.ssh_keygen("verify", &signature)?.args(["-n", NAMESPACE, "-I", principal]);
            if let Some(revoked) = &self.revoked {
                verify = verify.arg("-r").arg(revoked);
            }
            let verified = verify.stdin(payload.clone()).output()?;
            if verified.status.success() {
                return Ok(Signed::By { principal: principal.clone() });
            }
            why = Some(verified.complaint());
        }
        Ok(Signed::Not(match why {
            Some(why) => NotSigned::Wrong(why),
            None => NotSigned::Stranger(fingerprint(&key)),
        }))
    }

    fn ssh_keygen(&self, what: &str, signature: &NamedTempFile) -> Result<GitCommand> {
        let program = self.program.signature_program(&self.ssh_program, &self.folder)?;
        Ok(program.args(["-Y", what, "-f"]).arg(self.list.path()).arg("-s").arg(signature.path()))
    }

    fn check_openpgp(&self, payload: Vec<u8>, armour: &[u8]) -> Result<Signed> {
        let signature = written(&self.folder, armour)?;
        let gpg = self.program.signature_program(&self.openpgp_program, &self.folder)?;
        let gpg = gpg.args(["--batch", "--no-tty", "--no-auto-key-retrieve", "--status-fd=1", "--verify"]);
        let verified = gpg.arg(signature.path()).arg("-").stdin(payload).output()?;
        Ok(match OpenPgp::read(&verified.stdout.to_str_lossy()) {
            OpenPgp::Good(keys) => {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                match self.signers.of_openpgp(&keys) {
                    Some(principal) => Signed::By { principal: principal.to_owned() },
                    None => Signed::Not(NotSigned::Stranger(keys.last().copied().unwrap_or_default().to_owned())),
                }
            }
            OpenPgp::Several => Signed::Not(NotSigned::Several),
            OpenPgp::NoKey(key) => Signed::Not(NotSigned::Stranger(format!("{key}, not in gpg's keyring"))),
            OpenPgp::Bad(why) => Signed::Not(NotSigned::Wrong(why)),
        })
    }
}

/// What gpg's status lines come to (`doc/DETAILS` of GnuPG).
#[derive(Debug, PartialEq, Eq)]
enum OpenPgp {
    /// Exactly one good signature; the fingerprints of its key and of the key's primary key.
    Good(Vec<String>),
    /// More than one signature.
    Several,
    /// Its key is unknown to gpg.
    NoKey(String),
    /// Anything else.
    Bad(String),
}

impl OpenPgp {
    fn read(status: &str) -> Self {
        let lines: Vec<Vec<&str>> = status
            .lines()
            .filter_map(|line| line.strip_prefix("[GNUPG:] "))
            .map(|line| line.split(' ').collect())
            .collect();
        let of = |keyword: &str| lines.iter().filter(|words| words[0] == keyword).collect::<Vec<_>>();
        if of("NEWSIG").len() > 1 || of("VALIDSIG").len() > 1 || of("GOODSIG").len() > 1 {
            return OpenPgp::Several;
        }
        for bad in ["BADSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "NODATA", "UNEXPECTED", "FAILURE"] {
            if !of(bad).is_empty() {
                return OpenPgp::Bad(format!("gpg says {bad}"));
            }
        }
        if let Some(words) = of("NO_PUBKEY").first() {
            return OpenPgp::NoKey(words.get(1).copied().unwrap_or_default().to_owned());
        }
        match (&of("GOODSIG")[..], &of("VALIDSIG")[..], of("ERRSIG").is_empty()) {
            ([_], [valid], true) => {
                let keys = [valid.get(1), valid.get(10)].into_iter().flatten();
                OpenPgp::Good(keys.map(|key| key.to_ascii_uppercase()).collect())
            }
            _ => OpenPgp::Bad("gpg does not call it good".to_owned()),
        }
    }
}

/// A file of the gate's own with these bytes, there as long as what is given back.
fn written(folder: &Path, bytes: &[u8]) -> Result<NamedTempFile> {
    let what = "cannot write a file for checking a signature";
    let mut file = unfinished_file(folder).context(what)?;
    file.write_all(bytes).and_then(|()| file.flush()).context(what)?;
    Ok(file)
}

/// The public key in an ssh signature: `SSHSIG`, a version, then the key with its length (PROTOCOL.sshsig of OpenSSH).
fn key_of(armour: &[u8]) -> Option<Vec<u8>> {
    let lines = armour.lines().filter(|line| !line.starts_with(b"-----"));
    let text: Vec<u8> = lines.flatten().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = data_encoding::BASE64.decode(&text).ok()?;
    let rest = bytes.strip_prefix(b"SSHSIG\0\0\0\x01")?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?).map(<[u8]>::to_vec)
}

/// `SHA256:…`, as `ssh-keygen -l` prints it.
fn fingerprint(key: &[u8]) -> String {
    use sha2::Digest as _;
    format!("SHA256:{}", data_encoding::BASE64_NOPAD.encode(&sha2::Sha256::digest(key)))
}

/// The error where signatures are asked for and no list says whose count.
pub fn no_list(setting: &str) -> Error {
    Error::new(format!("cannot tell whose records count: signatures are required, and {setting} is not set"))
        .hint(format!("git config {setting} FILE"))
        .hint("FILE has a line for each signer: PRINCIPAL ssh-ed25519 KEY, or PRINCIPAL openpgp FINGERPRINT")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 89AB Ana\n\
        [GNUPG:] VALIDSIG aa 2026-01-01 1 0 4 0 22 10 00 BB\n[GNUPG:] TRUST_UNDEFINED 0 pgp\n";

    #[test]
    fn one_good_signature_gives_the_fingerprints_of_both_keys() {
        assert_eq!(OpenPgp::read(GOOD), OpenPgp::Good(vec!["AA".into(), "BB".into()]));
    }

    #[test]
    fn what_is_not_exactly_one_good_signature_is_none() {
        assert_eq!(OpenPgp::read(&GOOD.repeat(2)), OpenPgp::Several);
        assert_eq!(OpenPgp::read(&format!("[GNUPG:] NEWSIG\n{GOOD}")), OpenPgp::Several);
        for worse in ["BADSIG 89AB Ana", "EXPSIG 89AB Ana", "EXPKEYSIG 89AB Ana", "REVKEYSIG 89AB Ana", "NODATA 4"] {
            let status = format!("{GOOD}[GNUPG:] {worse}\n");
            assert!(matches!(OpenPgp::read(&status), OpenPgp::Bad(_)), "{worse}");
        }
        for without in ["GOODSIG", "VALIDSIG"] {
            let cut: String =
                GOOD.lines().filter(|line| !line.contains(without)).map(|line| format!("{line}\n")).collect();
            assert!(matches!(OpenPgp::read(&cut), OpenPgp::Bad(_)), "without {without}");
        }
        assert!(matches!(OpenPgp::read(&GOOD.replace("[GNUPG:] ", "gpg: ")), OpenPgp::Bad(_)));
        let unknown = "[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG 89AB 22 10 00 1 9 -\n[GNUPG:] NO_PUBKEY 89AB\n";
        assert_eq!(OpenPgp::read(unknown), OpenPgp::NoKey("89AB".into()));
    }

    #[test]
    fn the_key_of_an_ssh_signature_is_read_within_its_bounds() {
        let armour = |bytes: &[u8]| {
            format!(
                "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----",
                data_encoding::BASE64.encode(bytes)
            )
        };
        assert_eq!(key_of(armour(b"SSHSIG\0\0\0\x01\0\0\0\x03keyrest").as_bytes()), Some(b"key".to_vec()));
        for wrong in [&b"SSHSIG\0\0\0\x02\0\0\0\x03key"[..], b"SSHSIG\0\0\0\x01\xff\xff\xff\xffkey", b"", b"SSHSIG"] {
            assert_eq!(key_of(armour(wrong).as_bytes()), None);
        }
    }
}

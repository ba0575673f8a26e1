//! OpenPGP keys in a keyring of their own, and their public halves in one of the server. Whatever that starts ends with them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Server;

/// A keyring with secret keys for the shop, and one with the public halves for the server.
pub struct Keyring {
    home: PathBuf,
    servers: PathBuf,
}

impl Keyring {
    /// Empty ones. From now on the shop's git signs with what is made here.
    pub fn new(server: &mut Server) -> Self {
        use std::os::unix::fs::DirBuilderExt as _;
        let homes = ["gnupg", "server-home/gnupg"].map(|name| server.root().join(name));
        for home in &homes {
            std::fs::DirBuilder::new().mode(0o700).create(home).unwrap();
        }
        let [home, servers] = homes;
        server.set("GNUPGHOME", home.to_str().unwrap());
        Keyring { home, servers }
    }

    /// Makes somebody a key that may sign, and gives back its fingerprint. The server's keyring knows it.
    pub fn key(&self, name: &str) -> String {
        self.key_with(name, &[], "never")
    }

    /// The same with options of gpg and a time at which it expires.
    pub fn key_with(&self, name: &str, options: &[&str], expires: &str) -> String {
        let user = format!("{name} <{name}@example.org>");
        let made = [options, &["--passphrase", "", "--quick-gen-key", &user, "ed25519", "sign", expires]].concat();
        gpg(&self.home, &made, b"");
        let listed = gpg(&self.home, &["--with-colons", "--list-secret-keys", &format!("{name}@example.org")], b"");
        let listed = String::from_utf8(listed).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr:")).expect("gpg names the key");
        let fingerprint = line.split(':').nth(9).unwrap().to_owned();
        self.publish();
        fingerprint
    }

    /// Revokes a key, there too.
    pub fn revoke(&self, fingerprint: &str) {
        let certificate = self.home.join(format!("openpgp-revocs.d/{fingerprint}.rev"));
        // gpg writes a colon in front, against an import by mistake.
        let text = std::fs::read_to_string(certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
        gpg(&self.home, &["--import"], text.as_bytes());
        self.publish();
    }

    /// A signature without armour.
    pub fn signature(&self, key: &str, payload: &[u8]) -> Vec<u8> {
        gpg(&self.home, &["--local-user", key, "--detach-sign"], payload)
    }

    /// These bytes in the armour of one signature.
    pub fn armoured(&self, signature: &[u8]) -> String {
        let text = String::from_utf8(gpg(&self.home, &["--enarmor"], signature)).unwrap();
        let text = text.replace("PGP ARMORED FILE", "PGP SIGNATURE");
        text.lines().filter(|line| !line.starts_with("Comment:")).map(|line| format!("{line}\n")).collect()
    }

    fn publish(&self) {
        let public = gpg(&self.home, &["--export"], b"");
        gpg(&self.servers, &["--import"], &public);
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for home in [&self.home, &self.servers] {
            let ended = Command::new("gpgconf").env("GNUPGHOME", home).args(["--kill", "all"]).status();
            assert!(ended.is_ok_and(|status| status.success()) || std::thread::panicking(), "gpg-agent does not end");
        }
    }
}

#[track_caller]
fn gpg(home: &Path, args: &[&str], stdin: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut gpg = Command::new("gpg");
    gpg.env("GNUPGHOME", home).args(["--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback"]).args(args);
    let mut gpg = gpg.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    gpg.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = gpg.wait_with_output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

//! Programs that keep keys: an ssh-agent and a GnuPG home, each ended with the test that started it.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::Sandbox;

/// An ssh-agent.
pub struct Agent(Child);

impl Agent {
    /// Starts one; from now on the sandbox's commands find it.
    pub fn start(sandbox: &mut Sandbox) -> Self {
        let socket = sandbox.root().join("agent");
        let mut agent = sandbox.command("ssh-agent");
        let child = agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let agent = Agent(child);
        let began = Instant::now();
        while !socket.exists() {
            assert!(began.elapsed() < Duration::from_secs(20), "ssh-agent does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        sandbox.set("SSH_AUTH_SOCK", socket.to_str().unwrap());
        agent
    }

    /// One that holds a key of `keys`, whose file is gone.
    pub fn holding(sandbox: &mut Sandbox, name: &str) -> Self {
        let agent = Agent::start(sandbox);
        sandbox.sh(&format!("ssh-add -q ../keys/{name} && rm ../keys/{name}")).ends_with(0);
        agent
    }

    /// Unlocks a key for it.
    pub fn add(&self, sandbox: &Sandbox, key: &Path, passphrase: &str) {
        sandbox.write_executable("askpass", format!("#!/bin/sh\necho '{passphrase}'\n"));
        let askpass = sandbox.root().join("askpass");
        let (askpass, key) = (askpass.display(), key.display());
        let add = format!("SSH_ASKPASS='{askpass}' SSH_ASKPASS_REQUIRE=force ssh-add -q '{key}' </dev/null");
        sandbox.sh(&add).ends_with(0);
    }

    /// Lets it forget all keys.
    pub fn forget(&self, sandbox: &Sandbox) {
        sandbox.sh("ssh-add -q -D").ends_with(0);
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().expect("the agent is there");
        self.0.wait().expect("the agent ends");
    }
}

/// A GnuPG home of its own.
pub struct Gpg {
    home: PathBuf,
}

impl Gpg {
    /// A home without keys; from now on the sandbox's commands use it. Its path is short: GnuPG's sockets lie in it.
    pub fn new(sandbox: &mut Sandbox) -> Self {
        let home = sandbox.root().join("g");
        std::fs::create_dir(&home).unwrap();
        std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        sandbox.set("GNUPGHOME", home.to_str().unwrap());
        Gpg { home }
    }

    /// A new key without a passphrase; gives back its fingerprint.
    pub fn key(&self, sandbox: &Sandbox, who: &str) -> String {
        let make = format!("gpg --batch --quiet --passphrase '' --quick-gen-key '{who}' ed25519 sign never");
        sandbox.sh(&make).ends_with(0);
        let listed = sandbox.sh(&format!("gpg --batch --with-colons --list-keys '={who}'")).ends_with(0).stdout;
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let kill = ["--homedir", self.home.to_str().unwrap_or_default(), "--kill", "all"];
        let _ = std::process::Command::new("gpgconf").args(kill).status();
    }
}

//! A server: the sandbox's bare remote with the hooks of `proof-gate`, lists of signers, and a home that is not the pusher's.
//!
//! The shop stands one proven commit ahead of it: `main` there is proven and accepted, `main` here has a PASS of its own that was
//! not pushed yet. It is built once a process; each test gets a copy.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use super::{Layout, Ran, SHOP_POLICY, Sandbox};

/// What a push of every log says.
pub const LOGS: &str = "refs/proof/log/*:refs/proof/log/*";

/// Those who have an ssh key: all but Mallory may sign verdicts, Lea alone approves policies.
const PEOPLE: [&str; 4] = ["ana", "bo", "lea", "mallory"];

/// A sandbox whose remote checks what is pushed to it.
pub struct Server(Sandbox);

impl Deref for Server {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.0
    }
}

impl Server {
    /// The shop with a proven commit that its server does not have yet.
    pub fn new() -> Self {
        static PREPARED: OnceLock<Vec<u8>> = OnceLock::new();
        Server::unpacked(PREPARED.get_or_init(|| Server::prepared(Layout::Plain, SHOP_POLICY).pack()))
    }

    /// The same with objects of SHA-256.
    pub fn with_sha256() -> Self {
        Server::prepared(Layout::Sha256, SHOP_POLICY)
    }

    /// The same under another policy.
    pub fn with_policy_of(policy: &str) -> Self {
        Server::prepared(Layout::Plain, policy)
    }

    /// A shop with a proven commit, and a server to which nothing was pushed.
    pub fn untouched(layout: Layout, policy: &str) -> Self {
        let server = Server(Sandbox::with(layout));
        fs::create_dir(server.root().join("keys")).unwrap();
        fs::create_dir(server.root().join("server-home")).unwrap();
        for name in PEOPLE {
            server.key(name);
        }
        server.list("signers", &["ana", "bo", "lea"]);
        server.list("policy-signers", &["lea"]);
        server.signs_as("ana");
        server.git_ok(&["config", "--global", "gpg.format", "ssh"]);
        server.install_hooks();
        server.with_policy(policy);
        server.commit("Take this policy");
        server.proof_gate(&["run"]).ends_with(0);
        server
    }

    fn prepared(layout: Layout, policy: &str) -> Self {
        let server = Server::untouched(layout, policy);
        server.push_logs();
        server.takes(&["main"]);
        server.commit_file("src/payments/charge.js", "charge better\n");
        server.proof_gate(&["run"]).ends_with(0);
        server
    }

    fn unpacked(packed: &[u8]) -> Self {
        let server = Server(Sandbox::unpack(packed));
        server.signs_as("ana");
        // A copied clone would begin a log of its own.
        let git_dir = server.git_dir();
        let (writer, found) = (git_dir.join("proof-gate/writer"), fs::metadata(&git_dir).unwrap());
        let text = fs::read_to_string(&writer).unwrap();
        let [header, id, .., signed_as] = text.lines().collect::<Vec<_>>()[..] else { panic!("a writer:\n{text}") };
        let path: String =
            Sha256::digest(git_dir.as_os_str().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let place = format!("{}\n{}\n{path}", found.dev(), found.ino());
        fs::write(&writer, format!("{header}\n{id}\n{place}\n{signed_as}\n")).unwrap();
        server
    }

    /// What a server is given by whoever keeps it. Nothing else here knows how that is done.
    fn install_hooks(&self) {
        let install = "install --server --allowed-signers ../signers --policy-signers ../policy-signers";
        self.sh(&format!("cd ../remote.git && proof-gate {install}")).ends_with(0);
        // Told from the repository, so that a copy has lists of its own.
        for (setting, list) in [("proofs.allowedSigners", "signers"), ("proofs.policySigners", "policy-signers")] {
            self.server_git(&["config", setting, &format!("../{list}")]).ends_with(0);
        }
        // Nothing of the pusher's but PATH reaches the hooks, as over ssh.
        let receive = "#!/bin/sh\nroot=$(cd \"${0%/*}\" && pwd)\n\
                       export HOME=\"$root/server-home\" GNUPGHOME=\"$root/server-home/gnupg\"\n\
                       export GIT_CONFIG_GLOBAL=\"$root/server-home/.gitconfig\"\nunset SSH_AUTH_SOCK\n\
                       exec git receive-pack \"$@\"\n";
        self.write_executable("receive-pack", receive);
    }

    /// The bare repository.
    pub fn folder(&self) -> PathBuf {
        self.root().join("remote.git")
    }

    /// git in the bare repository.
    pub fn server_git(&self, args: &[&str]) -> Ran {
        self.git_in(&self.folder(), args)
    }

    /// Makes somebody an ssh key, and gives back its public half.
    pub fn key(&self, name: &str) -> String {
        let mail = format!("{name}@example.org");
        let file = format!("../keys/{name}");
        let made =
            self.command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", &mail, "-f", &file]).status();
        assert!(made.unwrap().success());
        self.public_key(name)
    }

    /// The public half of somebody's ssh key.
    pub fn public_key(&self, name: &str) -> String {
        let line = fs::read_to_string(self.root().join(format!("keys/{name}.pub"))).unwrap();
        line.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// Writes a list of signers with these people's ssh keys.
    pub fn list(&self, list: &str, names: &[&str]) {
        let line = |name: &&str| format!("{name}@example.org {}\n", self.public_key(name));
        self.write_list(list, &names.iter().map(line).collect::<String>());
    }

    /// Writes a list of signers.
    pub fn write_list(&self, list: &str, lines: &str) {
        fs::write(self.root().join(list), lines).unwrap();
    }

    /// From now on git signs with this one's ssh key.
    pub fn signs_as(&self, name: &str) {
        let key = self.root().join("keys").join(name);
        self.git_ok(&["config", "--global", "user.signingkey", key.to_str().unwrap()]);
    }

    /// The next record begins a log of its own, as those of another person in a clone of theirs do.
    pub fn begins_a_log(&self) {
        fs::remove_file(self.git_dir().join("proof-gate/writer")).unwrap();
    }

    /// A push to the server from any clone of it, past the hooks of that clone.
    pub fn push(&self, args: &[&str]) -> Ran {
        self.push_as(&[], args)
    }

    /// The same with settings of git, or with other words before `push`.
    pub fn push_as(&self, before: &[&str], args: &[&str]) -> Ran {
        let receive = format!("--receive-pack={}", self.root().join("receive-pack").display());
        let to: &[&str] = if args.contains(&"origin") { &[] } else { &["origin"] };
        let options: Vec<&str> = args.iter().copied().filter(|arg| arg.starts_with("--")).collect();
        let refs = args.iter().filter(|arg| !arg.starts_with("--")).map(|arg| full(arg)).collect::<Vec<_>>();
        let refs: Vec<&str> = refs.iter().map(String::as_str).collect();
        let said = self.git(&[before, &["push", "--no-verify", &receive], &options[..], to, &refs[..]].concat());
        let without_prefix = |said: String| {
            let lines = said.lines().map(|line| line.strip_prefix("remote: ").unwrap_or(line).trim_end());
            lines.collect::<Vec<_>>().join("\n")
        };
        Ran { stderr: without_prefix(said.stderr), ..said }
    }

    /// Pushes every log of the shop. It has to go.
    #[track_caller]
    pub fn push_logs(&self) -> Ran {
        self.takes(&[LOGS])
    }

    /// A push that has to go.
    #[track_caller]
    pub fn takes(&self, args: &[&str]) -> Ran {
        self.push(args).ends_with(0)
    }

    /// A push that the server has to refuse as a whole, in these words: nothing changed there.
    #[track_caller]
    pub fn refuses(&self, args: &[&str], words: &[&str]) -> Ran {
        self.refuses_by(|| self.push(args), words)
    }

    /// The same for a push that is made in a way of its own.
    #[track_caller]
    pub fn refuses_by(&self, push: impl FnOnce() -> Ran, words: &[&str]) -> Ran {
        let before = self.state();
        let mut ran = push();
        assert_ne!(ran.code, 0, "it went:\n{}", ran.stderr);
        assert!(ran.stderr.contains("pre-receive hook declined"), "not the gate refused it:\n{}", ran.stderr);
        for words in words {
            ran = ran.says(words);
        }
        assert_eq!(self.state(), before, "{}", ran.stderr);
        ran
    }

    /// What an attacker must not have changed: every ref, and what was noted as accepted.
    pub fn state(&self) -> String {
        let refs =
            self.server_git(&["for-each-ref", "--format=%(refname) %(objectname) %(symref)"]).ends_with(0).stdout;
        let head = fs::read_to_string(self.folder().join("HEAD")).unwrap();
        format!("{refs}{head}{}", self.accepted())
    }

    /// What was noted as accepted.
    pub fn accepted(&self) -> String {
        fs::read_to_string(self.folder().join("proof-gate/accepted")).unwrap_or_default()
    }

    /// The only log of the shop: its ref and where it ends.
    pub fn log(&self) -> (String, String) {
        let logs = self.git_ok(&["for-each-ref", "--format=%(refname) %(objectname)", "refs/proof/log/"]);
        let [log] = logs.lines().collect::<Vec<_>>()[..] else { panic!("not one log but:\n{logs}") };
        let (name, tip) = log.split_once(' ').unwrap();
        (name.to_owned(), tip.to_owned())
    }

    /// The hook by itself, with these lines on its standard input, as git would start it for a push without new objects.
    pub fn pre_receive_with(&self, lines: &str) -> Ran {
        fs::write(self.root().join("lines"), lines).unwrap();
        let mut hook = self.command("hooks/pre-receive");
        hook.current_dir(self.folder()).env("GIT_DIR", ".").stdin(fs::File::open(self.root().join("lines")).unwrap());
        let output = hook.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A refspec whose other side is a branch unless it says what it is: git guesses only where this side is a branch or a tag.
fn full(refspec: &str) -> String {
    match refspec.rsplit_once(':') {
        Some((here, there)) if !there.starts_with("refs/") => format!("{here}:refs/heads/{there}"),
        Some(_) | None => refspec.to_owned(),
    }
}

//! A shop that is gated and proven, and what a refusal must look like.

use std::fs;

use super::{Fingerprint, Ran, SHOP_POLICY, Sandbox};

/// What a refusal may say of one ref, at most.
const LINES_A_REF: usize = 12;

/// The shop's policy with a line more in `[gate]`.
pub fn policy_with_gate(line: &str) -> String {
    SHOP_POLICY.replace("[gate]\n", &format!("[gate]\n{line}\n"))
}

impl Sandbox {
    /// A shop whose hook is installed and whose `main` was proven and pushed.
    pub fn proven() -> Self {
        let sandbox = Sandbox::new();
        sandbox.install_and_prove();
        sandbox
    }

    /// The same with a line more in the policy's `[gate]`.
    pub fn proven_with_gate(line: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.with_policy(&policy_with_gate(line));
        sandbox.commit("Change the gate");
        sandbox.install_and_prove();
        sandbox
    }

    /// The same with a change of `src/payments` that was not pushed yet.
    pub fn proven_and_changed() -> Self {
        let sandbox = Sandbox::proven();
        sandbox.commit_file("src/payments/charge.js", "charge twice");
        sandbox
    }

    /// Installs the hook, pushes `main` through it, and forgets which suites that ran.
    #[track_caller]
    pub fn install_and_prove(&self) {
        self.install();
        self.push(&["origin", "main"]).ends_with(0);
        self.forget_suites_run();
    }

    /// From now on `suites_run` starts anew.
    pub fn forget_suites_run(&self) {
        drop(fs::remove_file(self.root().join("suite-runs")));
    }

    /// The suites that a command made run, sorted.
    pub fn suites_of(&self, command: impl FnOnce() -> Ran) -> (Ran, Vec<String>) {
        self.forget_suites_run();
        let ran = command();
        let mut suites = self.suites_run();
        suites.sort();
        (ran, suites)
    }

    /// A push that has to go: these suites ran for it, in any order, and the repository is as it was.
    #[track_caller]
    pub fn pushes(&self, args: &[&str], suites: &[&str]) -> Ran {
        self.pushes_by(|| self.push(args), suites)
    }

    /// The same for a push that is started in a way of its own.
    #[track_caller]
    pub fn pushes_by(&self, push: impl FnOnce() -> Ran, suites: &[&str]) -> Ran {
        let before = UserState::of(self);
        let (ran, run) = self.suites_of(push);
        let ran = ran.ends_with(0);
        assert_eq!(run, suites, "{}", ran.stderr);
        before.still_stands(self);
        ran
    }

    /// A push that has to be refused in so many refs: these suites ran for it, in any order, and nothing changed here or there.
    #[track_caller]
    pub fn is_refused(&self, args: &[&str], suites: &[&str]) -> Refusal {
        self.is_refused_by(|| self.push(args), suites)
    }

    /// The same for a push that is started in a way of its own.
    #[track_caller]
    pub fn is_refused_by(&self, push: impl FnOnce() -> Ran, suites: &[&str]) -> Refusal {
        let before = (Fingerprint::of(self), self.remote_refs());
        let (ran, run) = self.suites_of(push);
        let ran = ran.ends_with(1);
        assert_eq!(run, suites, "{}", ran.stderr);
        assert_eq!((Fingerprint::of(self), self.remote_refs()), before, "{}", ran.stderr);
        let refusal = Refusal::read(ran);
        refusal.run_whys(self);
        refusal
    }

    /// A push that cannot be decided: no suite ran, no record was made, and nothing changed here or there.
    #[track_caller]
    pub fn is_not_decided(&self, args: &[&str]) -> Ran {
        let state = || (Fingerprint::of(self), self.remote_refs(), self.records());
        let before = state();
        let (ran, run) = self.suites_of(|| self.push(args));
        let ran = ran.ends_with(1).says("error: failed to push");
        assert!(run.is_empty(), "{run:?}\n{}", ran.stderr);
        assert_eq!(state(), before, "{}", ran.stderr);
        ran
    }

    /// The log's records, one line each.
    pub fn records(&self) -> String {
        self.git_ok(&["log", "--format=%H %s", "--glob=refs/proof/log/*"])
    }

    /// Every ref of the remote but the records.
    pub fn remote_refs(&self) -> String {
        let refs = self.git_in(&self.root().join("remote.git"), &["for-each-ref", "--exclude=refs/proof/"]);
        refs.ends_with(0).stdout
    }

    /// Changes a file, commits it, gives back the commit's id.
    #[track_caller]
    pub fn commit_file(&self, path: &str, bytes: &str) -> String {
        self.write(path, bytes);
        self.commit(&format!("Change {}", path.escape_debug()))
    }

    /// The id that a revision names.
    #[track_caller]
    pub fn id(&self, revision: &str) -> String {
        self.git_ok(&["rev-parse", "--verify", revision]).trim_end().to_owned()
    }

    /// The hook as git would call it, with these lines on its standard input.
    pub fn hook_with(&self, lines: &str) -> Ran {
        self.write_executable("lines", lines);
        self.sh("proof-gate hook pre-push origin ../remote.git <../lines")
    }

    /// A line of the hook's standard input.
    pub fn line(&self, revision: &str, remote_ref: &str) -> String {
        format!("{revision} {} {remote_ref} {}\n", self.id(revision), "0".repeat(40))
    }
}

/// Everything of the user's but the remote-tracking refs, which a push that goes moves by itself.
struct UserState(Fingerprint);

impl UserState {
    fn of(sandbox: &Sandbox) -> Self {
        UserState(Fingerprint::of(sandbox).without("refs/remotes/"))
    }

    #[track_caller]
    fn still_stands(&self, sandbox: &Sandbox) {
        assert_eq!(Fingerprint::of(sandbox).without("refs/remotes/"), self.0);
    }
}

/// A refusal as the user reads it: short, with what, why and the next command.
#[derive(Debug)]
pub struct Refusal {
    text: String,
    next: Vec<String>,
}

impl Refusal {
    /// Reads it from what a push said, and demands its form.
    #[track_caller]
    pub fn read(ran: Ran) -> Self {
        let said = as_read(&format!("{}{}", ran.stdout, ran.stderr));
        let start = said.find("proof-gate: push refused").unwrap_or_else(|| panic!("no refusal:\n{said}"));
        let own: Vec<&str> = said[start..].lines().take_while(|line| !line.contains("error: failed to push")).collect();
        let refs = own.iter().filter(|line| line.starts_with("  ok ") || line.starts_with("  refused ")).count();
        assert!(own.len() <= 1 + LINES_A_REF * refs, "too long for {refs} refs:\n{said}");
        let next =
            own.iter().filter_map(|line| line.strip_prefix("  next:")).map(|line| line.trim().to_owned()).collect();
        Refusal { text: own.join("\n"), next }
    }

    /// Demands these words.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.text.contains(words), "nobody says '{words}':\n{}", self.text);
        self
    }

    /// Runs the next command exactly as it was printed.
    #[track_caller]
    pub fn run_next(&self, sandbox: &Sandbox) -> Ran {
        let [next] = self.next.as_slice() else { panic!("not one next command:\n{}", self.text) };
        run(sandbox, next)
    }

    /// Runs the command that stands behind these words.
    #[track_caller]
    pub fn run_after(&self, words: &str, sandbox: &Sandbox) -> Ran {
        let (_, said) = self.text.split_once(words).unwrap_or_else(|| panic!("nobody says '{words}':\n{}", self.text));
        run(sandbox, said.lines().next().unwrap_or_default())
    }

    /// Runs the commands that explain why, as they were printed.
    #[track_caller]
    fn run_whys(&self, sandbox: &Sandbox) {
        for why in self.text.lines().filter_map(|line| line.strip_prefix("  why:")) {
            run(sandbox, why.trim()).ends_with(0);
        }
    }
}

/// Runs a command out of a refusal. What stands behind a wide gap explains it.
#[track_caller]
fn run(sandbox: &Sandbox, said: &str) -> Ran {
    let command = said.split("  ").next().unwrap_or_default();
    assert!(command.starts_with("proof-gate "), "no command of ours: {said}");
    sandbox.sh(command)
}

/// What is left to read of a terminal's output: what stands behind the last return to a line's start.
fn as_read(said: &str) -> String {
    let shown =
        |line: &str| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().replace("\u{1b}[2K", "");
    let lines: Vec<String> = said.split('\n').map(shown).collect();
    lines.join("\n")
}

//! A repository `shop/` and its bare remote `remote.git` in a folder of their own, with nothing of the machine but PATH.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::runner::{SHOP_POLICY, SUITE};
use super::terminal;

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Demands an exit code, and shows everything where it is another one.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Demands that one of the outputs says this.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        let said =
            [&self.stdout, &self.stderr].into_iter().any(|said| said.contains(words) || flat(said).contains(words));
        assert!(said, "nobody says '{words}'\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// What was said on one line and without colour: a terminal folds and paints.
fn flat(said: &str) -> String {
    console::strip_ansi_codes(said).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What kind of repositories the sandbox makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// SHA-1, refs in files, one work tree.
    #[default]
    Plain,
    /// SHA-256 objects on both sides.
    Sha256,
    /// Refs in a reftable on both sides.
    Reftable,
    /// A bare repository whose only work tree, `shop/`, is a linked one.
    Linked,
}

/// The folder, removed at the end.
pub struct Sandbox {
    folder: tempfile::TempDir,
    root: PathBuf,
    shop: PathBuf,
    seconds: Cell<u64>,
    variables: BTreeMap<OsString, OsString>,
}

impl Sandbox {
    /// A shop with the runner, a policy and one commit, that was never pushed.
    pub fn new() -> Self {
        Self::with(Layout::Plain)
    }

    /// The same in another layout.
    pub fn with(layout: Layout) -> Self {
        let sandbox = Sandbox::empty();
        for name in ["home", "cache", "tmp"] {
            fs::create_dir(sandbox.root.join(name)).unwrap();
        }
        // git's own tidying in the background would come and go under a fingerprint; the tests that are about it start it themselves.
        let config = "[user]\n\tname = Ana Example\n\temail = ana@example.org\n[init]\n\tdefaultBranch = main\n\
                      [maintenance]\n\tauto = false\n[gc]\n\tauto = 0\n";
        fs::write(sandbox.root.join("home/.gitconfig"), config).unwrap();
        sandbox.make_repositories(layout);
        sandbox.write("suite.sh", SUITE);
        sandbox.with_policy(SHOP_POLICY);
        sandbox.write("src/payments/charge.js", "charge\n");
        sandbox.write("src/bookings/book.js", "book\n");
        sandbox.write("src/guardrails/stop.js", "stop\n");
        sandbox.write("README.md", "A shop.\n");
        sandbox.commit("Open the shop");
        sandbox
    }

    /// A folder that nothing lies in, and the environment of everything that is started there.
    pub(super) fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("sandbox-").tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_proof-gate"));
        let path = std::env::var_os("PATH").expect("PATH is set");
        let path = [program.parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&path));
        let variables: BTreeMap<OsString, OsString> = [
            ("PATH".into(), std::env::join_paths(path).unwrap()),
            ("HOME".into(), root.join("home").into()),
            ("XDG_CACHE_HOME".into(), root.join("cache").into()),
            ("TMPDIR".into(), root.join("tmp").into()),
            ("SUITE_RUNS".into(), root.join("suite-runs").into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("GIT_CONFIG_GLOBAL".into(), root.join("home/.gitconfig").into()),
            ("LC_ALL".into(), "C".into()),
            ("TERM".into(), "xterm".into()),
        ]
        .into();
        let shop = root.join("shop");
        Sandbox { folder, root, shop, seconds: Cell::new(1_700_000_000), variables }
    }

    /// Everything in the folder as one archive, to lay it out again elsewhere.
    pub(super) fn pack(&self) -> Vec<u8> {
        let packed = self.command("tar").args(["-C", "..", "-cf", "-", "."]).output().unwrap();
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
        packed.stdout
    }

    /// A folder of its own with what was packed in another one. Commits go on an hour later.
    pub(super) fn unpack(packed: &[u8]) -> Self {
        let sandbox = Sandbox::empty();
        let mut tar = Command::new("tar");
        let mut tar = tar.arg("-C").arg(&sandbox.root).args(["-xf", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        tar.stdin.take().unwrap().write_all(packed).unwrap();
        assert!(tar.wait().unwrap().success());
        sandbox.seconds.set(sandbox.seconds.get() + 3600);
        sandbox
    }

    fn make_repositories(&self, layout: Layout) {
        let format: &[&str] = match layout {
            Layout::Plain | Layout::Linked => &[],
            Layout::Sha256 => &["--object-format=sha256"],
            Layout::Reftable => &["--ref-format=reftable"],
        };
        let init = |more: &[&str]| {
            let args = [&["init", "--quiet", "--template="], format, more].concat();
            self.git_in(&self.root, &args).ends_with(0);
        };
        init(&["--bare", "remote.git"]);
        match layout {
            Layout::Plain | Layout::Sha256 | Layout::Reftable => init(&["shop"]),
            Layout::Linked => {
                init(&["--bare", "shop.git"]);
                let folder = self.root.join("shop.git");
                self.git_in(&folder, &["worktree", "add", "--quiet", "--orphan", "-b", "main", "../shop"]).ends_with(0);
            }
        }
        self.git_ok(&["remote", "add", "origin", "../remote.git"]);
    }

    /// The folder that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The work tree.
    pub fn shop(&self) -> PathBuf {
        self.shop.clone()
    }

    /// From now on another folder below the root is the shop: a clone, a linked work tree, the same one moved.
    pub fn work_in(&mut self, folder: impl AsRef<Path>) {
        self.shop = self.root.join(folder);
    }

    /// The work tree's own git directory.
    pub fn git_dir(&self) -> PathBuf {
        self.path_of("--absolute-git-dir")
    }

    /// The git directory that all work trees share.
    pub fn common_dir(&self) -> PathBuf {
        self.path_of("--git-common-dir")
    }

    /// A path that git knows, whatever bytes it holds.
    fn path_of(&self, what: &str) -> PathBuf {
        let asked = self.command("git").args(["rev-parse", "--path-format=absolute", what]).output().unwrap();
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        let line = asked.stdout.strip_suffix(b"\n").expect("git ends its answer");
        PathBuf::from(OsStr::from_bytes(line))
    }

    /// Sets a variable for every command from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.into(), value.into());
    }

    /// Takes a variable from every command from now on.
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(OsStr::new(name));
    }

    /// git in the shop.
    pub fn git(&self, args: &[&str]) -> Ran {
        self.git_in(&self.shop(), args)
    }

    /// git in another folder of the sandbox.
    pub fn git_in(&self, folder: &Path, args: &[&str]) -> Ran {
        let mut variables = self.variables.clone();
        // What a push records has its own time; everything else is dated, one minute apart, so that ids are stable.
        if !args.contains(&"push") {
            let date: OsString = format!("{} +0000", self.seconds.get()).into();
            variables.insert("GIT_AUTHOR_DATE".into(), date.clone());
            variables.insert("GIT_COMMITTER_DATE".into(), date);
        }
        run(Path::new("git"), args, folder, &variables)
    }

    /// A script of sh in the shop.
    pub fn sh(&self, script: &str) -> Ran {
        run(Path::new("sh"), &["-c", script], &self.shop(), &self.variables)
    }

    /// git in the shop, which must succeed; gives back its standard output.
    #[track_caller]
    pub fn git_ok(&self, args: &[&str]) -> String {
        self.git(args).ends_with(0).stdout
    }

    /// Writes a file of the work tree, with the folders above it.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.shop().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes an executable file anywhere below the root.
    pub fn write_executable(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Removes a file of the work tree.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.shop().join(path)).unwrap();
    }

    /// Commits everything in the work tree, a minute after the commit before, and gives back the id.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.seconds.set(self.seconds.get() + 60);
        self.git_ok(&["add", "--all"]);
        self.git_ok(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git_ok(&["rev-parse", "HEAD"]).trim_end().to_owned()
    }

    /// Writes the policy file.
    pub fn with_policy(&self, policy: &str) {
        self.write(".proofrc.toml", policy);
    }

    /// The shop's policy, but proofs need a terminal.
    pub fn with_terminal_required(&self) {
        self.with_policy(&SHOP_POLICY.replace("require_terminal = false", "require_terminal = true"));
    }

    /// The suites that ran until now, in order.
    pub fn suites_run(&self) -> Vec<String> {
        let marks = fs::read_to_string(self.root.join("suite-runs")).unwrap_or_default();
        marks.lines().map(str::to_owned).collect()
    }

    /// `git push` in the shop.
    pub fn push(&self, args: &[&str]) -> Ran {
        self.git(&[&["push"], args].concat())
    }

    /// `git push` in the shop, in a terminal of its own.
    pub fn push_in_terminal(&self, args: &[&str]) -> Ran {
        terminal::run(Path::new("git"), &[&["push"], args].concat(), &self.shop(), &self.variables)
    }

    /// A command in the shop on a terminal so many columns wide: its `stdout` is the screen as it stands in the end.
    pub fn on_screen(&self, columns: u16, program: &str, args: &[&str]) -> Ran {
        let program = if program == "proof-gate" { env!("CARGO_BIN_EXE_proof-gate") } else { program };
        let ran = terminal::run_as_wide_as(columns, Path::new(program), args, &self.shop(), &self.variables);
        Ran { stdout: terminal::screen(columns, &ran.stdout), ..ran }
    }

    /// The program in the shop.
    pub fn proof_gate(&self, args: &[&str]) -> Ran {
        run(Path::new(env!("CARGO_BIN_EXE_proof-gate")), args, &self.shop(), &self.variables)
    }

    /// The program in the shop, in a terminal of its own.
    pub fn proof_gate_in_terminal(&self, args: &[&str]) -> Ran {
        terminal::run(Path::new(env!("CARGO_BIN_EXE_proof-gate")), args, &self.shop(), &self.variables)
    }

    /// A program in the shop with somebody at its keyboard.
    pub fn session(&self, program: &str, args: &[&str]) -> terminal::Session {
        terminal::Session::start(Path::new(program), args, &self.shop(), &self.variables)
    }

    /// Any program in the shop, in a terminal of its own.
    pub fn in_terminal(&self, program: &str, args: &[&str]) -> Ran {
        terminal::run(Path::new(program), args, &self.shop(), &self.variables)
    }

    /// A command with the sandbox's environment in the shop that a topic starts and ends by itself.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.shop()).env_clear().envs(&self.variables).stdin(Stdio::null());
        command
    }

    /// Installs the hooks.
    #[track_caller]
    pub fn install(&self) {
        self.proof_gate(&["install"]).ends_with(0);
    }

    /// What a ref of the remote points at.
    pub fn remote_ref(&self, name: &str) -> Option<String> {
        let ran = self.git_in(&self.root.join("remote.git"), &["rev-parse", "--verify", "--quiet", name]);
        (ran.code == 0).then(|| ran.stdout.trim_end().to_owned())
    }

    /// Where the shop's pre-push hook lies, in the folder that all its work trees share.
    pub fn hook(&self) -> PathBuf {
        self.common_dir().join("hooks/pre-push")
    }

    /// Keeps the folder after the test, to look into it.
    pub fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.root.clone()
    }
}

fn run(program: &Path, args: &[&str], folder: &Path, variables: &BTreeMap<OsString, OsString>) -> Ran {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env_clear().envs(variables).stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

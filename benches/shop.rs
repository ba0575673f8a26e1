//! What the gate adds to the proof of one suite of a real application, against the same commands by hand; writes `docs/performance-proof.md`.
//!
//! ```text
//! sh tests/live/setup.sh
//! cargo bench --bench shop
//! ```
//!
//! Deliberately absent: any pass or fail. Without pnpm it says what is missing, times nothing and leaves the page as it is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use anyhow::{Context as _, Result, ensure};

/// The program as it is shipped.
const PROGRAM: &str = env!("CARGO_BIN_EXE_proof-gate");

/// How often everything is done, after a first time that does not count.
const ROUNDS: usize = 9;

/// The commands of the policy of `tests/fixtures/shop`, in the order in which a proof of its payment suite runs them.
const IDENTITY: &[&[&str]] = &[&["node", "--version"], &["pnpm", "--version"]];
const PREPARE: &[&[&str]] = &[&["pnpm", "install", "--frozen-lockfile", "--prefer-offline"]];
const RESET_AND_READY: &[&[&str]] = &[&["node", "scripts/db-reset.js"], &["node", "scripts/db-ready.js"]];
const SUITE: &[&[&str]] = &[&["pnpm", "run", "test", "--grep", "payment"]];

/// What one round took, or the medians of all.
#[derive(Clone, Copy)]
struct Times {
    /// `proof-gate run --suite payment`, from its start to the recorded PASS.
    proof: Duration,
    identity: Duration,
    prepare: Duration,
    reset_and_ready: Duration,
    suite: Duration,
}

impl Times {
    /// Everything around the suite itself, but for `prepare`: what that takes is the package manager's.
    fn around(&self) -> Duration {
        self.proof.saturating_sub(self.prepare + self.suite)
    }

    /// What of it is the gate's own work: the rest are commands that the policy asks for.
    fn own(&self) -> Duration {
        self.around().saturating_sub(self.identity + self.reset_and_ready)
    }
}

fn main() -> Result<()> {
    let Some(pnpm) = folder_of_pnpm() else {
        let said = b"pnpm is not there, nothing was timed: run  sh tests/live/setup.sh\n";
        return io::stdout().lock().write_all(said).context("cannot write to standard output");
    };
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let shop = Shop::make(folder.path(), &pnpm)?;
    let rounds: Vec<Times> = (0..=ROUNDS).map(|nth| shop.round(nth)).collect::<Result<_>>()?;
    let page = page(&rounds[1..], &shop)?;
    io::stdout().lock().write_all(page.as_bytes()).context("cannot write to standard output")?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance-proof.md");
    fs::write(&file, page).with_context(|| format!("cannot write {}", file.display()))
}

/// Where the live tests keep their tools, else where PATH has pnpm.
fn folder_of_pnpm() -> Option<PathBuf> {
    let live = live_tools().map(|folder| folder.join("tools/node_modules/.bin"));
    let in_path = || Some(which::which("pnpm").ok()?.parent()?.to_owned());
    live.filter(|folder| folder.join("pnpm").is_file()).or_else(in_path)
}

/// As `tests/live/setup.sh` says.
fn live_tools() -> Option<PathBuf> {
    let below = |name: &str, rest: &str| env::var_os(name).map(|folder| PathBuf::from(folder).join(rest));
    let named = env::var_os("PROOF_GATE_LIVE").map(PathBuf::from);
    named.or_else(|| below("XDG_CACHE_HOME", "proof-gate-live")).or_else(|| below("HOME", ".cache/proof-gate-live"))
}

/// The shop in a repository of its own, with nothing of the machine but PATH and the store of packages.
struct Shop {
    folder: PathBuf,
    variables: BTreeMap<OsString, OsString>,
}

impl Shop {
    fn make(folder: &Path, pnpm: &Path) -> Result<Self> {
        let folder = fs::canonicalize(folder).context("cannot find the temporary folder")?;
        let path = env::var_os("PATH").context("PATH is not set")?;
        let path = env::join_paths([pnpm.to_owned()].into_iter().chain(env::split_paths(&path)))?;
        let mut variables = BTreeMap::from([
            ("PATH".into(), path),
            ("HOME".into(), folder.join("home").into()),
            ("XDG_CACHE_HOME".into(), folder.join("cache").into()),
            ("TMPDIR".into(), folder.join("tmp").into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("CI".into(), "1".into()),
            ("NODE_ENV".into(), "test".into()),
        ]);
        for (name, below) in [("pnpm_config_store_dir", "pnpm-store"), ("pnpm_config_cache_dir", "pnpm-cache")] {
            if let Some(store) = live_tools().map(|folder| folder.join(below)).filter(|store| store.is_dir()) {
                variables.insert(name.into(), store.into());
            }
        }
        let shop = Shop { folder, variables };
        for name in ["home", "cache", "tmp"] {
            fs::create_dir(shop.folder.join(name)).context("cannot make a folder")?;
        }
        let identity = "[user]\n\tname = Ana Example\n\temail = ana@example.org\n[init]\n\tdefaultBranch = main\n";
        fs::write(shop.folder.join("home/.gitconfig"), identity).context("cannot write a file")?;
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
        copy(&fixture, &shop.folder.join("shop"))?;
        let policy = shop.folder.join("shop/.proofrc.toml");
        let text = fs::read_to_string(&policy).context("cannot read the shop's policy")?;
        let without_terminal = text.replace("[proof]\n", "[proof]\nrequire_terminal = false\n");
        fs::write(&policy, without_terminal).context("cannot write the shop's policy")?;
        for args in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "-m", "Open the shop"]] {
            shop.run("shop", &[&[&["git"], args].concat()])?;
        }
        Ok(shop)
    }

    /// The proof, and beside it the same commands by hand in a fresh clone.
    fn round(&self, nth: usize) -> Result<Times> {
        let clone = format!("clone-{nth}");
        self.run(".", &[&["git", "clone", "--quiet", "--no-hardlinks", "shop", &clone]])?;
        let times = Times {
            identity: self.run(&clone, IDENTITY)?,
            prepare: self.run(&clone, PREPARE)?,
            reset_and_ready: self.run(&clone, RESET_AND_READY)?,
            suite: self.run(&clone, SUITE)?,
            proof: self.run("shop", &[&[PROGRAM, "run", "--suite", "payment"]])?,
        };
        fs::remove_dir_all(self.folder.join(&clone)).context("cannot remove the clone")?;
        Ok(times)
    }

    /// Runs commands to a good end and tells how long they took together.
    fn run(&self, below: &str, commands: &[&[&str]]) -> Result<Duration> {
        let begun = Instant::now();
        for command in commands {
            let (program, args) = command.split_first().context("a command has a program")?;
            let output = self.command(program, below).args(args).output();
            let output = output.with_context(|| format!("cannot start {program}"))?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{} failed:\n{said}", command.join(" "));
        }
        Ok(begun.elapsed())
    }

    fn command(&self, program: &str, below: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.join(below)).env_clear().envs(&self.variables).stdin(Stdio::null());
        command
    }

    fn version_of(&self, program: &str) -> Result<String> {
        let output = self.command(program, ".").arg("--version").output();
        let output = output.with_context(|| format!("cannot start {program}"))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Everything but what `pnpm install` put there, where somebody worked in the fixture itself.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry.context("cannot read a folder")?;
        let target = to.join(entry.file_name());
        if entry.file_type().context("cannot read a folder")?.is_file() {
            fs::copy(entry.path(), target).context("cannot copy a file")?;
        } else if entry.file_name() != "node_modules" {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn page(rounds: &[Times], shop: &Shop) -> Result<String> {
    let median = |what: fn(&Times) -> Duration| {
        let mut times: Vec<_> = rounds.iter().map(what).collect();
        times.sort();
        format!("{} ms", times[times.len() / 2].as_millis())
    };
    let around = median(Times::around);
    let reached = around.trim_end_matches(" ms").parse::<u64>().context("a time is a number")? <= 500;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = thread::available_parallelism().context("cannot count the cores")?;
    Ok(format!(
        "# What a proof costs\n\n\
         `cargo bench --bench shop` proves the payment suite of the application in `tests/fixtures/shop`, which pnpm installs and mocha\n\
         tests, and writes this page. Beside each proof it runs the policy's commands by hand in a fresh clone. Medians of {ROUNDS} rounds;\n\
         differences are taken within a round. It judges nothing: no test depends on a time.\n\n\
         | what | time |\n| --- | --- |\n\
         | the whole proof, from the start of `proof-gate run --suite payment` to the recorded PASS | {proof} |\n\
         | by hand: `prepare`, which is `pnpm install` from a filled store | {prepare} |\n\
         | by hand: the suite, `pnpm run test --grep payment` | {suite} |\n\
         | **around the suite**: the proof without these two; the goal is ≤ 500 ms, {word} | **{around}** |\n\
         | of that by hand: `reset` and `ready` | {reset_and_ready} |\n\
         | of that by hand: `identity`, which tells the versions of node and pnpm | {identity} |\n\
         | of that the gate's own: checkout, hashing before and after, judging, the record | {own} |\n\n\
         Measured on {today}: {cores} cores, {system} {kernel}, {git}, node {node}, pnpm {pnpm}, proof-gate {version} as released.\n",
        word = if reached { "reached" } else { "**missed**" },
        proof = median(|times| times.proof),
        prepare = median(|times| times.prepare),
        suite = median(|times| times.suite),
        reset_and_ready = median(|times| times.reset_and_ready),
        identity = median(|times| times.identity),
        own = median(Times::own),
        today = jiff::Zoned::now().date(),
        system = env::consts::OS,
        kernel = kernel.trim(),
        git = shop.version_of("git")?,
        node = shop.version_of("node")?,
        pnpm = shop.version_of("pnpm")?,
        version = env!("CARGO_PKG_VERSION"),
    ))
}

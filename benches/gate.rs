//! What the gate costs, each figure against a peer that is timed side by side in the same run; writes `docs/performance.md`.
//!
//! ```text
//! cargo bench --bench gate                  # all, and writes the page
//! cargo bench --bench gate -- workspace     # only what is named: ungated proven memory changed workspace start
//! ```
//!
//! Deliberately absent: any pass or fail. Times are of one machine on one day; a benchmark is no test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use anyhow::{Context as _, Result, ensure};
use proof_gate::caller::Caller;
use proof_gate::git::{Oid, Repository};
use proof_gate::policy;
use proof_gate::prove::{Cancel, Executor as _, Local, Request, Source};

/// The program as it is shipped.
const PROGRAM: &str = env!("CARGO_BIN_EXE_proof-gate");

/// The suite proves nothing and takes no time: what is timed is the gate.
const POLICY: &str = r#"version = 1

[repository]
id = "b1946ac92492d234"

[gate]
branches = ["main", "release/*"]
tags = ["v*"]

[proof]
require_terminal = false

[suites.full]
run = ["true"]
report = "exit-code"
flaky = "unobservable"
default = true

[suites.payment]
run = ["true"]
report = "exit-code"
flaky = "unobservable"
paths = ["src/payments/**"]
"#;

/// Folders of the large repository, and files in each.
const FOLDERS: usize = 500;
const FILES: usize = 100;

/// Takes one figure.
type Measure = fn(&Bench) -> Result<Figure>;

/// A line of the table.
struct Figure {
    what: &'static str,
    peer: &'static str,
    measured: String,
    goal: &'static str,
    reached: bool,
}

/// The median times of two things done in turns.
struct SideBySide {
    ours: Duration,
    peer: Duration,
}

impl SideBySide {
    /// Does both in turns, after some rounds that do not count.
    fn time(
        rounds: usize,
        mut ours: impl FnMut(usize) -> Result<()>,
        mut peer: impl FnMut(usize) -> Result<()>,
    ) -> Result<Self> {
        const WARM_UP: usize = 5;
        let (mut our_times, mut peer_times) = (Vec::new(), Vec::new());
        for round in 0..rounds + WARM_UP {
            let begun = Instant::now();
            peer(round)?;
            let between = Instant::now();
            ours(round)?;
            if round >= WARM_UP {
                peer_times.push(between - begun);
                our_times.push(between.elapsed());
            }
        }
        Ok(SideBySide { ours: median(our_times), peer: median(peer_times) })
    }

    fn ratio(&self) -> f64 {
        self.ours.as_secs_f64() / self.peer.as_secs_f64()
    }

    fn within(&self, what: &'static str, peer: &'static str, goal: &'static str, limit: f64) -> Figure {
        let measured = format!("{:.1} ms against {:.1} ms: {:.2} ×", ms(self.ours), ms(self.peer), self.ratio());
        Figure { what, peer, measured, goal, reached: self.ratio() <= limit }
    }
}

fn main() -> Result<()> {
    let named: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let bench = Bench::new(folder.path())?;
    let all: [(&str, Measure); 6] = [
        ("ungated", ungated_push),
        ("proven", proven_push),
        ("memory", memory),
        ("changed", changed_paths),
        ("workspace", workspace),
        ("start", start),
    ];
    let wanted = all.iter().filter(|(name, _)| named.is_empty() || named.iter().any(|wanted| wanted == name));
    let figures: Vec<Figure> = wanted.map(|(_, measure)| measure(&bench)).collect::<Result<_>>()?;
    let table = table(&figures);
    io::stdout().lock().write_all(table.as_bytes()).context("cannot write to standard output")?;
    if !named.is_empty() {
        return Ok(());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    fs::write(&file, page(&table, &bench)?).with_context(|| format!("cannot write {}", file.display()))
}

/// What the hook adds to a push that it does not gate.
fn ungated_push(bench: &Bench) -> Result<Figure> {
    let times = SideBySide::time(
        60,
        |round| bench.push("gated", &format!("feature-{round}")),
        |round| bench.push("plain", &format!("feature-{round}")),
    )?;
    let added = ms(times.ours) - ms(times.peer);
    Ok(Figure {
        what: "push of a branch that is not gated",
        peer: "the same push without a hook",
        measured: format!("{:.1} ms against {:.1} ms: {added:+.1} ms", ms(times.ours), ms(times.peer)),
        goal: "≤ +8 ms",
        reached: added <= 8.0,
    })
}

/// A push of a gated branch whose commit holds a recorded PASS.
fn proven_push(bench: &Bench) -> Result<Figure> {
    let times = SideBySide::time(
        60,
        |round| bench.push("gated", &format!("release/{round}")),
        |round| bench.push("plain", &format!("release/{round}")),
    )?;
    Ok(times.within("push of a gated branch with a recorded PASS", "the same push without a hook", "≤ 1.4 ×", 1.4))
}

/// The most memory that the hook takes over a recorded PASS.
fn memory(bench: &Bench) -> Result<Figure> {
    let head = bench.git("gated", &["rev-parse", "HEAD"])?;
    let line = format!("refs/heads/main {head} refs/heads/release/memory {}\n", "0".repeat(head.len()));
    let mut most = 0;
    for _ in 0..5 {
        let mut hook = bench.command(PROGRAM, "gated");
        hook.args(["hook", "pre-push", "origin", "../gated.git"]).stdin(Stdio::piped());
        let mut hook = hook.spawn().context("cannot start the program")?;
        hook.stdin.take().context("the hook reads a pipe")?.write_all(line.as_bytes()).context("cannot write to it")?;
        most = most.max(peak_of(hook)?);
    }
    let mib = most as f64 / 1024.0;
    Ok(Figure {
        what: "memory of the hook over a recorded PASS",
        peer: "–",
        measured: format!("{mib:.1} MiB at most"),
        goal: "≤ 20 MiB",
        reached: mib <= 20.0,
    })
}

/// The peak of a process's resident memory in KiB, as last seen before it ended.
fn peak_of(mut child: Child) -> Result<u64> {
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    while child.try_wait().context("cannot wait for the program")?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let seen = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = peak.max(seen.and_then(|kib| kib.parse().ok()).unwrap_or(0));
        thread::sleep(Duration::from_micros(50));
    }
    ensure!(child.wait().context("cannot wait for the program")?.success(), "the hook refused");
    ensure!(peak > 0, "this system does not tell a process's memory");
    Ok(peak)
}

/// The paths in which two commits of a large repository differ: as the gate asks, opening the repository included.
fn changed_paths(bench: &Bench) -> Result<Figure> {
    bench.import_large()?;
    let tree = |revision: &str| bench.git("large", &["rev-parse", &format!("{revision}^{{tree}}")]);
    let (old, new) = (tree("main~1")?, tree("main")?);
    let id = |hex: &str| Oid::from_hex(hex.as_bytes()).context("git gives whole ids");
    let (old_id, new_id) = (id(&old)?, id(&new)?);
    let caller = Caller {
        variables: bench.variables.clone(),
        directory: bench.folder.join("large"),
        program: PathBuf::from(PROGRAM),
    };
    let times = SideBySide::time(
        40,
        |_| {
            let repository = Repository::open(&caller)?;
            let changed = repository.changed_paths(Some(old_id), Some(new_id))?;
            ensure!(changed.len() == FOLDERS, "{} paths differ", changed.len());
            Ok(())
        },
        |_| bench.quiet("git", "large", &["diff-tree", "-r", "-z", "--no-renames", "--name-status", &old, &new]),
    )?;
    let what = "changed paths, 50,000 files in 500 folders, one file changed in each";
    Ok(times.within(what, "`git diff-tree -r --no-renames`", "≤ 1.2 ×", 1.2))
}

/// A fresh workspace of a large tree: repository and workspace in memory, so that no disk is timed.
fn workspace(_bench: &Bench) -> Result<Figure> {
    const ROUNDS: usize = 7;
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.context("cannot make a temporary folder")?;
    let bench = Bench::new(folder.path())?;
    bench.import_shop()?;
    let tree = bench.git("shop", &["rev-parse", "main^{tree}"])?;
    let tree = Oid::from_hex(tree.as_bytes()).context("git gives whole ids")?;
    let caller = Caller {
        variables: bench.variables.clone(),
        directory: bench.folder.join("shop"),
        program: PathBuf::from(PROGRAM),
    };
    let repository = Repository::open(&caller)?;
    let policy = policy::parse(POLICY.as_bytes()).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let request = Request {
        repository: &repository,
        caller: &caller,
        source: Source::Tree(tree),
        proof: &policy.proof,
        suites: &[],
        evidence_dir: bench.folder.join("evidence"),
    };
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        bench.quiet("git", "shop", &["worktree", "add", "--quiet", "--detach", "../worktree", "main"])?;
        peers.push(begun.elapsed());
        bench.quiet("git", "shop", &["worktree", "remove", "--force", "../worktree"])?;
        let begun = Instant::now();
        let mut engine = Local::new(&request)?;
        engine.preflight(&request.source, &mut |_| {}, &Cancel::never())?;
        ours.push(begun.elapsed());
        // Removing it is not timed, on either side.
        drop(engine);
    }
    let times = SideBySide { ours: median(ours), peer: median(peers) };
    let what = "fresh workspace, 57,000 files of about 1 KiB, hashed against the tree";
    Ok(times.within(what, "`git worktree add`", "≤ 0.7 ×", 0.7))
}

/// The start of the program.
fn start(bench: &Bench) -> Result<Figure> {
    let times = SideBySide::time(
        200,
        |_| bench.quiet(PROGRAM, "plain", &["--version"]),
        |_| bench.quiet("git", "plain", &["--version"]),
    )?;
    Ok(times.within("`proof-gate --version`", "`git --version`", "≤ 2 ×", 2.0))
}

/// Two like repositories with a remote each, one with the hook and a recorded PASS; nothing of the machine but PATH.
struct Bench {
    folder: PathBuf,
    variables: BTreeMap<OsString, OsString>,
}

impl Bench {
    fn new(folder: &Path) -> Result<Self> {
        let folder = fs::canonicalize(folder).context("cannot find the temporary folder")?;
        let variables = [
            ("PATH", env::var_os("PATH").context("PATH is not set")?),
            ("HOME", folder.join("home").into()),
            ("XDG_CACHE_HOME", folder.join("cache").into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_AUTHOR_DATE", "1700000000 +0000".into()),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let bench = Bench { folder, variables };
        let identity = "[user]\n\tname = Ana Example\n\temail = ana@example.org\n[init]\n\tdefaultBranch = main\n";
        bench.write("home/.gitconfig", identity)?;
        for name in ["plain", "gated"] {
            bench.write(&format!("{name}/.proofrc.toml"), POLICY)?;
            bench.write(&format!("{name}/src/payments/charge.js"), "charge\n")?;
            let remote = format!("../{name}.git");
            bench.git(name, &["init", "--quiet", "--bare", &remote])?;
            bench.git(name, &["init", "--quiet"])?;
            bench.git(name, &["remote", "add", "origin", &remote])?;
            bench.git(name, &["add", "--all"])?;
            bench.git(name, &["commit", "--quiet", "--message", "Open the shop"])?;
        }
        bench.quiet(PROGRAM, "gated", &["install"])?;
        for name in ["plain", "gated"] {
            bench.push(name, "main")?;
        }
        Ok(bench)
    }

    /// A repository of many files in one pack, and a commit that changes one file in each folder.
    fn import_large(&self) -> Result<()> {
        let mut stream = String::from("blob\nmark :1\ndata 4\nold\n\nblob\nmark :2\ndata 4\nnew\n\n");
        for (mark, message, files) in [(1, "Many", FILES), (2, "Change", 1)] {
            let author = "committer Ana Example <ana@example.org> 1700000000 +0000";
            write!(stream, "commit refs/heads/main\n{author}\ndata {}\n{message}\n", message.len())?;
            for folder in 0..FOLDERS {
                for file in 0..files {
                    writeln!(stream, "M 100644 :{mark} packages/{folder}/src/{file}.js")?;
                }
            }
            stream.push('\n');
        }
        self.write("import", &stream)?;
        fs::create_dir(self.folder.join("large")).context("cannot make a folder")?;
        self.git("large", &["init", "--quiet"])?;
        let import = fs::File::open(self.folder.join("import")).context("cannot read the stream")?;
        let ended = self.command("git", "large").args(["fast-import", "--quiet"]).stdin(import).status();
        ensure!(ended.context("cannot start git")?.success(), "git fast-import failed");
        Ok(())
    }

    /// A repository of as many files as a large product has, no two alike, in one pack.
    fn import_shop(&self) -> Result<()> {
        const FOLDERS: usize = 570;
        let author = "committer Ana Example <ana@example.org> 1700000000 +0000";
        let mut stream = format!("commit refs/heads/main\n{author}\ndata 4\nMany\n");
        for folder in 0..FOLDERS {
            for file in 0..100 {
                let mut text = String::new();
                for line in 0..(folder + file) % 40 + 10 {
                    writeln!(text, "export const price{line} = {};", (folder * 100 + file) * line)?;
                }
                writeln!(stream, "M 100644 inline packages/{folder}/src/{file}.js\ndata {}\n{text}", text.len())?;
            }
        }
        self.write("import", &stream)?;
        fs::create_dir(self.folder.join("shop")).context("cannot make a folder")?;
        self.git("shop", &["init", "--quiet"])?;
        let import = fs::File::open(self.folder.join("import")).context("cannot read the stream")?;
        let ended = self.command("git", "shop").args(["fast-import", "--quiet"]).stdin(import).status();
        ensure!(ended.context("cannot start git")?.success(), "git fast-import failed");
        self.quiet("git", "shop", &["repack", "-a", "-d", "--quiet"])
    }

    /// Pushes the commit to a branch.
    fn push(&self, repository: &str, branch: &str) -> Result<()> {
        self.quiet("git", repository, &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")])
    }

    /// Runs git to a good end and gives back what it printed.
    fn git(&self, repository: &str, args: &[&str]) -> Result<String> {
        let output =
            self.command("git", repository).args(args).stdout(Stdio::piped()).output().context("cannot start git")?;
        ensure!(output.status.success(), "git {} failed", args.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Runs a program to a good end.
    fn quiet(&self, program: &str, repository: &str, args: &[&str]) -> Result<()> {
        let ended = self.command(program, repository).args(args).status();
        let ended = ended.with_context(|| format!("cannot start {program}"))?;
        ensure!(ended.success(), "{program} {} failed", args.join(" "));
        Ok(())
    }

    fn command(&self, program: &str, repository: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.join(repository)).env_clear().envs(&self.variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        let folder = path.parent().context("every file lies in a folder")?;
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).context("cannot write a file")
    }
}

fn table(figures: &[Figure]) -> String {
    let mut table = String::from("| what | against | measured | goal | |\n| --- | --- | --- | --- | --- |\n");
    for Figure { what, peer, measured, goal, reached } in figures {
        let word = if *reached { "reached" } else { "**missed**" };
        table.push_str(&format!("| {what} | {peer} | {measured} | {goal} | {word} |\n"));
    }
    table
}

fn page(table: &str, bench: &Bench) -> Result<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = thread::available_parallelism().context("cannot count the cores")?;
    let git = bench.git("plain", &["--version"])?;
    let (system, kernel, today) = (env::consts::OS, kernel.trim(), jiff::Zoned::now().date());
    Ok(format!(
        "# Performance\n\n\
         `cargo bench` times the gate and writes this page. Each figure is taken side by side with its peer, in turns within one\n\
         run, so that a busy machine slows both; the times are medians. It judges nothing: no test depends on a time.\n\n\
         {table}\n\
         Measured on {today}: {cores} cores, {system} {kernel}, {git}, proof-gate {version} as released.\n\n\
         {NOTES}",
        version = env!("CARGO_PKG_VERSION"),
    ))
}

const NOTES: &str = "\
## How it is measured

- **Pushes** go to a new branch of a bare repository on the same disk, from two like repositories, one of which has the hook.
  The push includes git's own work on both sides; over a network the hook's part is the same and the push takes longer.
- **Memory** is the peak of the resident memory as the kernel tells it while the process lives, the program's own pages
  included; git children are processes of their own.
- **Fresh workspace** is everything up to the first command of a proof: checkout, every file read back and hashed against the
  tree, and a repository for the suites. Both sides lie in memory where there is a file system for it. A work tree of git's is
  neither checked nor cut off from the user's repository.
- **Changed paths** opens the repository and compares two trees within this process. Opening asks the git program one question,
  so that the time of a process start is on both sides.

## Where the hook's time goes

Of every push: the start of the program, one git child that says which repository is meant (so that git's own refusals stand),
the policies of the pushed commit, of the remote's known branches and of the last allowed push, each different one read once.
Of a gated push: the ends of all logs, the index of the records, and each record that the answer relies on, read back from git.
Nothing is written by a push that finds what is recorded and under the policy that was seen last.
";

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

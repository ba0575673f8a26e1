//! What a hundred thousand records cost, each figure against a peer in the same run; writes `docs/performance-records.md`.
//!
//! ```text
//! cargo bench --bench records                      # all sizes, and writes the page
//! cargo bench --bench records -- 1000              # only that many records
//! cargo bench --bench records -- make FOLDER 1000  # makes such a repository and measures nothing
//! ```
//!
//! Deliberately absent: any pass or fail. Times are of one machine on one day; a benchmark is no test.

mod made;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use anyhow::{Context as _, Result, ensure};
use made::{Made, PROGRAM, Packs};
use proof_gate::git::Repository;
use proof_gate::records::{Draft, Log, Records, Signing};

/// How many records, from the least to what is promised.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Records that each have a pack of their own, as they come.
const UNPACKED: usize = 1_000;

/// The median times of one thing and of its peer, done in turns.
#[derive(Clone, Copy)]
struct Beside {
    ours: Duration,
    peer: Duration,
}

impl Beside {
    fn time(
        rounds: usize,
        mut ours: impl FnMut(usize) -> Result<Duration>,
        mut peer: impl FnMut(usize) -> Result<()>,
    ) -> Result<Self> {
        let (mut our_times, mut peer_times) = (Vec::new(), Vec::new());
        for round in 0..=rounds {
            let begun = Instant::now();
            peer(round)?;
            let took = begun.elapsed();
            let own = ours(round)?;
            // The first does not count.
            if round > 0 || rounds == 1 {
                peer_times.push(took);
                our_times.push(own);
            }
        }
        Ok(Beside { ours: median(our_times), peer: median(peer_times) })
    }

    fn words(&self) -> String {
        let ratio = self.ours.as_secs_f64() / self.peer.as_secs_f64();
        format!("{} / {} = {ratio:.2} ×", ms(self.ours), ms(self.peer))
    }
}

/// What was measured over one number of records.
struct Column {
    records: String,
    cells: Vec<String>,
}

/// The lines of the table: what, against what, and the goal.
const LINES: [(&str, &str, &str); 6] = [
    ("hook over a tag with a recorded PASS", "`git push` of the tag without a hook", "does not grow"),
    ("`status` of all tags again", "`git for-each-ref refs/tags`", "≤ 2 ×, ≤ 50 ms"),
    ("`status` of all tags for the first time", "`git for-each-ref refs/tags`", "–"),
    ("index from nothing", "`git rev-list` of the logs", "≤ 4 ×"),
    ("append, unsigned", "`git commit-tree -S` alone", "does not grow"),
    ("append, signed with an ssh key", "`git commit-tree -S` alone", "≤ 2 ×, does not grow"),
];

fn main() -> Result<()> {
    let named: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let [make, folder, records] = &named[..]
        && make == "make"
    {
        Made::new(Path::new(folder), records.parse().context("a number of records")?, Packs::One)?;
        return Ok(());
    }
    let sizes: Vec<usize> = named.iter().filter_map(|size| size.parse().ok()).collect();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut columns = Vec::new();
    for size in if sizes.is_empty() { SIZES.to_vec() } else { sizes.clone() } {
        let made = Made::new(folder.path(), size, Packs::One)?;
        columns.push(Column { records: size.to_string(), cells: measure(&made)? });
        fs::remove_dir_all(&made.folder).context("cannot remove a folder")?;
    }
    if sizes.is_empty() {
        let made = Made::new(folder.path(), UNPACKED, Packs::Each)?;
        columns.push(Column { records: format!("{UNPACKED} unpacked"), cells: measure(&made)? });
    }
    let table = table(&columns);
    io::stdout().lock().write_all(table.as_bytes()).context("cannot write to standard output")?;
    if !sizes.is_empty() {
        return Ok(());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance-records.md");
    fs::write(&file, page(&table)?).with_context(|| format!("cannot write {}", file.display()))
}

fn measure(made: &Made) -> Result<Vec<String>> {
    let key = make_key(made)?;
    let from_nothing = from_nothing(made)?;
    let cold = status(made, 1, true)?;
    let warm = status(made, 9, false)?;
    let hook = hook(made)?;
    let unsigned = append(made, &key)?.words();
    let signed = signed_append(made, &key)?;
    Ok(vec![hook.words(), warm.words(), cold.words(), from_nothing.words(), unsigned, signed])
}

/// The hook for the push of a tag that holds a recorded PASS.
fn hook(made: &Made) -> Result<Beside> {
    let tags = made.git(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/tags"])?;
    let tags: Vec<&str> = tags.lines().collect();
    made.git(&["init", "--quiet", "--bare", "../remote.git"])?;
    made.git(&["push", "--quiet", "--no-verify", "../remote.git", "main"])?;
    let ours = |round: usize| {
        let (id, name) = tags[round * 37 % tags.len()].split_once(' ').context("a name follows the id")?;
        let line = format!("{name} {id} {name} {}\n", "0".repeat(id.len()));
        let mut command = made.command(PROGRAM);
        command.args(["hook", "pre-push", "origin", "../remote.git"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut hook = command.spawn().context("cannot start the program")?;
        hook.stdin.take().context("the hook reads a pipe")?.write_all(line.as_bytes()).context("cannot write to it")?;
        let ended = hook.wait_with_output().context("cannot wait for the hook")?;
        ensure!(ended.status.success(), "the hook refused: {}", String::from_utf8_lossy(&ended.stderr));
        Ok(begun.elapsed())
    };
    let push = |round: usize| {
        let (_, name) = tags[round * 37 % tags.len()].split_once(' ').context("a name follows the id")?;
        made.quiet("git", &["push", "--quiet", "--no-verify", "../remote.git", name])
    };
    Beside::time(20, ours, push)
}

fn status(made: &Made, rounds: usize, cold: bool) -> Result<Beside> {
    let ours = |_| {
        if cold {
            drop(fs::remove_file(made.folder.join("shop/.git/proof-gate/status")));
        }
        let begun = Instant::now();
        made.quiet(PROGRAM, &["status"])?;
        Ok(begun.elapsed())
    };
    Beside::time(rounds, ours, |_| made.quiet("git", &["for-each-ref", "refs/tags"]))
}

/// All logs read without an index, which is then written.
fn from_nothing(made: &Made) -> Result<Beside> {
    let own = made.folder.join("shop/.git/proof-gate");
    let ours = |_| {
        drop(fs::remove_dir_all(&own));
        let begun = Instant::now();
        let repository = Repository::open(&made.caller())?;
        let records = Records::load(&repository)?;
        let took = begun.elapsed();
        ensure!(records.problems().is_empty(), "{:?}", records.problems().first());
        Ok(took)
    };
    Beside::time(2, ours, |_| made.quiet("git", &["rev-list", "--glob=refs/proof/log"]))
}

/// One record more, as the program appends it, beside a signed commit of git's.
fn append(made: &Made, key: &Path) -> Result<Beside> {
    let predicate = made.model.predicate();
    let ours = |_| {
        let draft = Draft {
            subject: made.model.subject().clone(),
            repository: predicate.repository.clone(),
            terminal: true,
            host: predicate.host.clone(),
            tool: predicate.tool.clone(),
            started: predicate.started,
            finished: jiff::Timestamp::now(),
            body: predicate.body.clone(),
        };
        let begun = Instant::now();
        let repository = Repository::open(&made.caller())?;
        Log::open(&repository, Signing::WhereSetUp)?.append(draft)?;
        Ok(begun.elapsed())
    };
    let signing = format!("user.signingKey={}", key.display());
    let tree = made.git(&["rev-parse", "main^{tree}"])?;
    let peer = |_| {
        made.quiet(
            "git",
            &["-c", "gpg.format=ssh", "-c", &signing, "commit-tree", "-S", "-p", "main", "-m", "x", &tree],
        )
    };
    Beside::time(20, ours, peer)
}

/// The same with signing, where the program signs: its record must then carry a signature.
fn signed_append(made: &Made, key: &Path) -> Result<String> {
    for (name, value) in [("gpg.format", "ssh"), ("user.signingKey", &key.display().to_string())] {
        made.git(&["config", name, value])?;
    }
    let times = append(made, key)?;
    let newest =
        made.git(&["for-each-ref", "--sort=-committerdate", "--count=1", "--format=%(refname)", "refs/proof/log"])?;
    let commit = made.git(&["cat-file", "commit", &newest])?;
    for name in ["gpg.format", "user.signingKey"] {
        made.git(&["config", "--unset", name])?;
    }
    if commit.contains("\ngpgsig ") { Ok(times.words()) } else { Ok("not signed yet".to_owned()) }
}

fn make_key(made: &Made) -> Result<PathBuf> {
    let key = made.folder.join("key");
    let file = key.display().to_string();
    made.quiet("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &file])?;
    Ok(key)
}

fn table(columns: &[Column]) -> String {
    let mut table = String::from("| what | against | goal |");
    for column in columns {
        table.push_str(&format!(" {} records |", column.records));
    }
    table.push_str(&format!("\n|{}\n", " --- |".repeat(3 + columns.len())));
    for (at, (what, peer, goal)) in LINES.iter().enumerate() {
        let cells: Vec<&str> = columns.iter().map(|column| column.cells[at].as_str()).collect();
        table.push_str(&format!("| {what} | {peer} | {goal} | {} |\n", cells.join(" | ")));
    }
    table
}

fn page(table: &str) -> Result<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = thread::available_parallelism().context("cannot count the cores")?;
    let git = std::process::Command::new("git").arg("--version").output().context("cannot start git")?.stdout;
    let (git, kernel) = (String::from_utf8_lossy(&git).trim().to_owned(), kernel.trim());
    let (system, today, version) = (env::consts::OS, jiff::Zoned::now().date(), env!("CARGO_PKG_VERSION"));
    Ok(format!(
        "# What many records cost\n\n\
         `cargo bench --bench records` makes repositories with logs of 20 writers that stand on each other, a commit for each record\n\
         and a tag for every tenth commit, and writes this page. Each figure is taken beside its peer, in turns within one run; times are\n\
         medians, ours / the peer's. It judges nothing: no test depends on a time.\n\n\
         {table}\n\
         Measured on {today}: {cores} cores, {system} {kernel}, {git}, proof-gate {version} as released.\n\n\
         {NOTES}"
    ))
}

const NOTES: &str = "\
- **Hook** is the program as git starts it for the push of one tag, beside the whole push.
- **From nothing** reads every record's commit, tree and file, hashes them, and compares each record with its canonical form; git's
  walk reads commits only. Where git has written a commit-graph, as `git gc` does, it reads not even those.
- **Append** is the whole of it, opening the repository included: durable, read back, and the index brought up to the record before.
- **Unpacked** means a pack for each record, as they come; `git gc` makes one pack of them.
";

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

//! A shop with the gate in front of its remote: a first push, a bug that is refused, its mend, a release.
//!
//! ```text
//! cargo run --release --example demo [FOLDER]
//! ```
//!
//! Everything is made in FOLDER, a fresh one below the temporary folder unless named, and stays there to be played with.
//! This same file is the `proof-gate` of that folder: copied there under that name it runs the library's whole program, as
//! `src/main.rs` does. Deliberately absent: anything outside FOLDER, and any setting of the user's own git.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs, io};

use anyhow::{Context as _, Result, bail, ensure};
use console::style;

/// The files of the shop, and where they go.
const SHOP: &[(&str, &str)] = &[
    (".proofrc.toml", include_str!("demo/proofrc.toml")),
    ("src/bookings/reserve.sh", include_str!("demo/src/bookings/reserve.sh")),
    ("src/guardrails/kill_switch.sh", include_str!("demo/src/guardrails/kill_switch.sh")),
    ("src/payments/refund.sh", include_str!("demo/src/payments/refund.sh")),
    ("tests/booking.sh", include_str!("demo/tests/booking.sh")),
    ("tests/guardrail.sh", include_str!("demo/tests/guardrail.sh")),
    ("tests/payment.sh", include_str!("demo/tests/payment.sh")),
    ("tests/run.sh", include_str!("demo/tests/run.sh")),
];

/// What the developer of this story does to a file, laid beside the repository.
const EDITS: &[(&str, &str)] =
    &[("bug.sh", include_str!("demo/edits/bug.sh")), ("mend.sh", include_str!("demo/edits/mend.sh"))];

/// Settings of the shop alone, so that neither a missing identity nor the user's own signing or hooks change the story.
const SETTINGS: &[(&str, &str)] = &[
    ("user.name", "Ana Example"),
    ("user.email", "ana@example.org"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("tag.forceSignAnnotated", "false"),
    ("core.pager", "cat"),
    ("advice.detachedHead", "false"),
];

fn main() -> ExitCode {
    let called = env::args_os().next().map(PathBuf::from).unwrap_or_default();
    if called.file_name().is_some_and(|name| name == "proof-gate") {
        return proof_gate::run();
    }
    let mut arguments = env::args_os().skip(1);
    match tell(arguments.next().map(PathBuf::from)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn tell(folder: Option<PathBuf>) -> Result<()> {
    let shop = Shop::open(folder)?;

    say("A shop with payments, bookings and guardrails, and a remote it deploys from.")?;
    say("Its .proofrc.toml says which changes call for which suite:")?;
    shop.run("grep -E '^\\[suites|^(run|paths|default) ' .proofrc.toml", 0)?;

    chapter("1. Put the gate in front of the remote")?;
    shop.run("proof-gate install", 0)?;

    chapter("2. The first push: nothing is proven yet, so every suite is run")?;
    shop.run("git push origin main", 0)?;

    chapter("3. A bug: the developer forgets what was refunded before")?;
    shop.run("cp ../edits/bug.sh src/payments/refund.sh", 0)?;
    shop.run("git commit --quiet --all --message 'Make refunds simpler'", 0)?;
    shop.run("git show --format= --unified=0 | tail -n 2", 0)?;
    shop.run("git push origin main", 1)?;

    chapter("4. The mend: only the suite of the payments is owed, and it passes")?;
    shop.run("cp ../edits/mend.sh src/payments/refund.sh", 0)?;
    shop.run("git commit --quiet --all --message 'Refund only what is left'", 0)?;
    shop.run("git push origin main", 0)?;

    chapter("5. A release: a tag owes the default suites too, whatever changed")?;
    shop.run("git tag v1.0.0", 0)?;
    shop.run("git push origin v1.0.0", 0)?;

    chapter("6. What is proven, and why")?;
    shop.run("proof-gate status", 0)?;
    shop.run("proof-gate explain v1.0.0", 0)?;

    chapter("Now you")?;
    let folder = quoted(&shop.folder);
    say("The shop stays where it is. To go on in it:")?;
    say("")?;
    say(&format!("  cd {folder}/shop"))?;
    say(&format!("  PATH={folder}/bin:$PATH"))?;
    say("")?;
    for (command, what) in [
        ("proof-gate show HEAD~1", "what the bug did, and its log"),
        ("git push origin HEAD~1:main --force", "send it all the same: still refused"),
        ("git push origin HEAD:refs/tags/v1.0.1", "a second tag: proven already"),
        ("git log --all --oneline -- record.json", "the records: commits in git"),
    ] {
        say(&format!("  {command:<38}  {what}"))?;
    }
    say("")?;
    say(&format!("and to be rid of it: rm -rf {folder}"))
}

/// The folder of the demonstration, with the shop in it as its work tree.
struct Shop {
    folder: PathBuf,
    path: std::ffi::OsString,
}

impl Shop {
    /// Makes the folder, the program, the remote and a shop with one commit.
    fn open(named: Option<PathBuf>) -> Result<Self> {
        let folder = make_folder(named)?;
        let bin = folder.join("bin");
        let path = env::var_os("PATH").context("PATH is not set")?;
        let path = env::join_paths([bin.clone()].into_iter().chain(env::split_paths(&path)))
            .context("cannot put the folder into PATH")?;
        let shop = Shop { folder, path };
        for (name, text) in SHOP {
            write(&shop.folder.join("shop").join(name), text)?;
        }
        for (name, text) in EDITS {
            write(&shop.folder.join("edits").join(name), text)?;
        }
        fs::create_dir_all(&bin).context("cannot make bin/")?;
        let this = env::current_exe().context("cannot tell where this program lies")?;
        fs::copy(this, bin.join("proof-gate")).context("cannot copy the program into bin/")?;
        shop.git(&["init", "--quiet", "--template=", "--bare", "--initial-branch=main", "../remote.git"])?;
        shop.git(&["init", "--quiet", "--template=", "--initial-branch=main"])?;
        for (name, value) in SETTINGS {
            shop.git(&["config", name, value])?;
        }
        let hooks = shop.folder.join("shop/.git/hooks");
        shop.git(&["config", "core.hooksPath", hooks.to_str().context("the folder's path is not UTF-8")?])?;
        shop.git(&["remote", "add", "origin", "../remote.git"])?;
        shop.git(&["add", "--all"])?;
        shop.git(&["commit", "--quiet", "--message", "Open the shop"])?;
        Ok(shop)
    }

    /// Shows a command, runs it in the shop, shows what it says, and demands the exit code of the story.
    fn run(&self, command: &str, expected: i32) -> Result<()> {
        say("")?;
        say(&style(format!("$ {command}")).bold().to_string())?;
        let (mut reader, writer) = io::pipe().context("cannot make a pipe")?;
        let mut sh = self.command("sh");
        sh.args(["-c", command]).stdout(writer.try_clone().context("cannot make a pipe")?).stderr(writer);
        let mut child = sh.spawn().context("cannot start sh")?;
        // The command holds the pipe's other end too; its end would never be seen.
        drop(sh);
        let mut bytes = [0; 4096];
        loop {
            let count = reader.read(&mut bytes).context("cannot read what the command says")?;
            if count == 0 {
                break;
            }
            say_bytes(&bytes[..count])?;
        }
        let code = child.wait().context("cannot wait for the command")?.code();
        ensure!(code == Some(expected), "'{command}' should end with {expected}, and ended with {code:?}");
        Ok(())
    }

    /// Runs git in the shop without a word.
    fn git(&self, args: &[&str]) -> Result<()> {
        let output = self.command("git").args(args).output().context("cannot start git; is it installed?")?;
        if !output.status.success() {
            bail!("git {} failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    /// A command in the shop; coloured where this program's own output is.
    fn command(&self, program: &str) -> Command {
        let mut command = apart(program);
        if console::colors_enabled() {
            command.env("CLICOLOR_FORCE", "1");
        }
        command.current_dir(self.folder.join("shop")).env("PATH", &self.path);
        command
    }
}

/// A command that sees none of the user's git settings and reads nothing.
fn apart(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
    command
}

/// The named folder, which must be new or empty, or a fresh one; never inside somebody's repository.
fn make_folder(named: Option<PathBuf>) -> Result<PathBuf> {
    let place = std::path::absolute(named.clone().unwrap_or_else(env::temp_dir)).context("cannot tell the folder")?;
    let standing = place.ancestors().find(|folder| folder.is_dir()).context("no folder stands there")?;
    let asked = apart("git").current_dir(standing).args(["rev-parse", "--git-dir"]).output();
    let is_in_a_repository = asked.context("cannot start git; is it installed?")?.status.success();
    ensure!(!is_in_a_repository, "{} lies in a git repository; name another folder", place.display());
    let folder = match named {
        Some(folder) => {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            let mut held = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
            ensure!(held.next().is_none(), "{} is not empty; name a new folder", folder.display());
            folder
        }
        None => {
            let made = tempfile::Builder::new().prefix("proof-gate-demo-").tempdir();
            made.context("cannot make a temporary folder")?.keep()
        }
    };
    fs::canonicalize(&folder).with_context(|| format!("cannot find {}", folder.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("every file lies in a folder")?)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// A path as a word of sh.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c));
    if is_plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn chapter(heading: &str) -> Result<()> {
    say("")?;
    say("")?;
    say(&style(heading).bold().underlined().to_string())
}

fn say(line: &str) -> Result<()> {
    say_bytes(format!("{line}\n").as_bytes())
}

/// A reader that went away ends the story; what was made stays.
fn say_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).context("cannot write to standard output")
}

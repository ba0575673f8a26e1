//! A PostgreSQL server of the test's own: its data and its socket in a temporary folder, no port, ended with the test.
//!
//! Deliberately absent: any server that runs already. The test stops and starts this one.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server, and its folder, which goes with it.
pub struct Postgres {
    folder: tempfile::TempDir,
    programs: PathBuf,
    /// Whose the server is: it refuses to be root's.
    owner: Option<(u32, u32)>,
    server: Option<Child>,
}

impl Postgres {
    /// A running server with an empty database `shop`.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir().unwrap();
        let owner = geteuid().is_root().then(|| (id_of_postgres("-u"), id_of_postgres("-g")));
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let mut postgres = Postgres { folder, programs: programs(), owner, server: None };
        let initdb =
            ["--pgdata=data", "--auth=trust", "--username=shop", "--encoding=UTF8", "--no-locale", "--no-sync"];
        postgres.succeeds("initdb", &initdb);
        postgres.start_again();
        postgres.succeeds("createdb", &["shop"]);
        postgres
    }

    /// Starts the stopped server on the data that it left.
    pub fn start_again(&mut self) {
        let socket = self.folder.path().to_str().unwrap();
        let args = ["-D", "data", "-F", "-k", socket, "-c", "listen_addresses="];
        self.server = Some(self.command("postgres").args(args).spawn().unwrap());
        let begun = Instant::now();
        while !self.command("pg_isready").arg("--quiet").status().unwrap().success() {
            assert!(begun.elapsed() < PATIENCE, "the server does not answer: {}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server at once; whoever is connected is cut off.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            kill_process(Pid::from_child(&server), Signal::INT).unwrap();
            server.wait().unwrap();
        }
    }

    /// What the shop is given as `DATABASE_URL`.
    pub fn url(&self) -> String {
        format!("postgresql://shop@localhost/shop?host={}", self.folder().display())
    }

    /// The folder that holds the socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    #[track_caller]
    fn succeeds(&self, program: &str, args: &[&str]) {
        let status = self.command(program).args(args).status().unwrap();
        assert!(status.success(), "{program} failed: {}", self.log());
    }

    /// A program of the server's, as its owner, in its folder.
    fn command(&self, program: &str) -> Command {
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path()).env_clear().env("LC_ALL", "C").env("PATH", &self.programs);
        command.env("PGHOST", self.folder.path()).env("PGUSER", "shop");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the server's programs lie: where Debian puts them, the newest version, or beside what `initdb` in PATH leads to.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let newest =
        versions.map(|entry| entry.path()).filter(|folder| folder.join("bin/initdb").is_file()).max_by_key(version);
    let beside_initdb = || Some(fs::canonicalize(which::which("initdb").ok()?).ok()?.parent()?.to_owned());
    let found = newest.map(|folder| folder.join("bin")).or_else(beside_initdb);
    found.expect("the server of PostgreSQL is missing: run  sh tests/live/setup.sh")
}

fn id_of_postgres(which: &str) -> u32 {
    let output = Command::new("id").args([which, "postgres"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("the server's package makes a user 'postgres'")
}

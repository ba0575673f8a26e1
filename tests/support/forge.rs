//! A forger of records: anything that git's plumbing can make, signed by whoever is asked.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use super::Sandbox;

/// The writer of logs that are forged from nothing.
pub const WRITER: &str = "00000000000000aa";

/// Who signs what is forged.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// Nobody.
    Nobody,
    /// Whoever holds this ssh key of the sandbox.
    Ssh(&'a str),
    /// Whoever holds this openpgp key.
    OpenPgp(&'a str),
    /// As these settings of git say.
    Settings(&'a [&'a str]),
}

/// Makes objects in the shop.
#[derive(Clone, Copy)]
pub struct Forge<'a>(pub &'a Sandbox);

impl Forge<'_> {
    /// An object of any bytes.
    #[track_caller]
    pub fn object(self, kind: &str, bytes: impl AsRef<[u8]>) -> String {
        self.git(&["hash-object", "-t", kind, "-w", "--stdin", "--literally"], bytes.as_ref())
    }

    /// An object's bytes.
    pub fn bytes(self, id: &str, kind: &str) -> Vec<u8> {
        let read = self.0.command("git").args(["cat-file", kind, id]).output().unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        read.stdout
    }

    /// A commit's text.
    pub fn text(self, commit: &str) -> String {
        String::from_utf8(self.bytes(commit, "commit")).unwrap()
    }

    /// A tree of lines as `git mktree` reads them: mode, kind, id, a tab, name.
    #[track_caller]
    pub fn tree(self, lines: &str) -> String {
        self.git(&["mktree", "--missing"], lines.as_bytes())
    }

    /// The tree of a record with these bytes.
    pub fn record_tree(self, json: impl AsRef<[u8]>) -> String {
        self.tree(&format!("100644 blob {}\trecord.json\n", self.object("blob", json)))
    }

    /// A commit.
    #[track_caller]
    pub fn commit(self, tree: &str, parents: &[&str], by: By<'_>) -> String {
        let (settings, format): (Vec<String>, &str) = match by {
            By::Nobody => (Vec::new(), ""),
            By::Ssh(name) => {
                (vec![format!("user.signingkey={}", self.0.root().join("keys").join(name).display())], "gpg.format=ssh")
            }
            By::OpenPgp(key) => (vec![format!("user.signingkey={key}")], "gpg.format=openpgp"),
            By::Settings(settings) => (settings.iter().map(|setting| (*setting).to_owned()).collect(), "x.y=z"),
        };
        let settings: Vec<&str> = settings.iter().flat_map(|setting| ["-c", setting.as_str()]).collect();
        let signed: &[&str] = if format.is_empty() { &[] } else { &["-S"] };
        let format: &[&str] = if format.is_empty() { &[] } else { &["-c", format] };
        let parents: Vec<&str> = parents.iter().flat_map(|parent| ["-p", parent]).collect();
        let args = [&settings, format, &["commit-tree"], signed, &parents[..], &["-m", "PASS", tree]].concat();
        self.git(&args, b"")
    }

    /// A record.
    #[track_caller]
    pub fn record(self, statement: &Value, parents: &[&str], by: By<'_>) -> String {
        self.commit(&self.record_tree(canonical(statement)), parents, by)
    }

    /// What a record says.
    pub fn statement(self, record: &str) -> Value {
        serde_json::from_slice(&self.bytes(&format!("{record}:record.json"), "blob")).unwrap()
    }

    /// Where the shop's only log ends.
    pub fn newest(self) -> String {
        let logs = self.0.git_ok(&["for-each-ref", "--format=%(objectname)", "refs/proof/log/"]);
        logs.lines().next().expect("the shop has a log").to_owned()
    }

    /// What the shop's newest record says, as the first of a log of its own.
    pub fn first_of_its_own(self) -> Value {
        let mut statement = self.statement(&self.newest());
        statement["predicate"]["writer"] = WRITER.into();
        statement["predicate"].as_object_mut().unwrap().remove("previous");
        statement
    }

    /// From now on this is the shop's only log.
    pub fn only_log(self, writer: &str, tip: &str) {
        for name in self.0.git_ok(&["for-each-ref", "--format=%(refname)", "refs/proof/"]).lines() {
            self.0.git_ok(&["update-ref", "-d", name]);
        }
        // Not by `update-ref`: it would refuse what is no commit.
        let file = self.0.git_dir().join("refs/proof/log").join(writer);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("{tip}\n")).unwrap();
    }

    /// The shop's newest record once more, changed and signed by somebody, in a log of its own instead of the shop's.
    #[track_caller]
    pub fn instead(self, by: By<'_>, change: impl FnOnce(&mut Value)) -> String {
        let mut statement = self.first_of_its_own();
        change(&mut statement);
        let record = self.record(&statement, &[], by);
        self.only_log(WRITER, &record);
        record
    }

    #[track_caller]
    fn git(self, args: &[&str], stdin: &[u8]) -> String {
        let mut git = self.0.command("git");
        // A forger dates a commit as it suits.
        let date = "1700000000 +0000";
        git.args(args).env("GIT_AUTHOR_DATE", date).env("GIT_COMMITTER_DATE", date);
        let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        git.stdin.take().unwrap().write_all(stdin).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

/// A statement in the one form that counts.
pub fn canonical(statement: &Value) -> String {
    fn write(value: &Value, text: &mut String) {
        let list = |open, close, parts: Vec<String>| format!("{open}{}{close}", parts.join(","));
        let of = |value: &Value| {
            let mut text = String::new();
            write(value, &mut text);
            text
        };
        text.push_str(&match value {
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                let parts = members.iter().map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), of(value)));
                list('{', '}', parts.collect())
            }
            Value::Array(values) => list('[', ']', values.iter().map(of).collect()),
            other => other.to_string(),
        });
    }
    let mut text = String::new();
    write(statement, &mut text);
    text + "\n"
}

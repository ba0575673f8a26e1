//! Proof by a push that the gate is closed: git pushes to a throw-away remote, through whatever hook stands, and proof-gate must refuse.
//!
//! What is pushed is the deletion of a gated ref: it has to be refused whatever is recorded, so no suite can be started for it, nothing of
//! the user's goes to the remote, and whether it went through is to be seen there. Deliberately absent: any word by which the gate could
//! tell this push from another.

use std::path::PathBuf;
use std::time::Duration;

use bstr::{BString, ByteSlice as _};

use super::{Finding, Patient, of_anchors, standing_in};
use crate::caller::Caller;
use crate::error::{Context as _, Error, Exit, Result};
use crate::gate::WOULD_BE_DELETED;
use crate::git::{Output, Within};
use crate::hooks::REFUSED_BY_KEPT;
use crate::policy::Policy;
use crate::reporter::shown;

/// How a push ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// proof-gate refused it.
    Refused,
    /// proof-gate was asked, and the hook that stood there before refused it first.
    RefusedByKept,
    /// It went through.
    WentThrough,
    /// It was refused, and not in proof-gate's words; these are git's.
    RefusedByOther(String),
    /// It had to be killed.
    Hung(String),
}

impl Ending {
    /// Its word in the JSON document.
    pub fn as_str(&self) -> &'static str {
        match self {
            Ending::Refused => "refused",
            Ending::RefusedByKept => "refused_by_kept_hook",
            Ending::WentThrough => "went_through",
            Ending::RefusedByOther(_) => "refused_by_other",
            Ending::Hung(_) => "hung",
        }
    }
}

/// A push that was tried.
#[derive(Clone, Debug)]
pub struct Fired {
    /// The work tree, or bare repository, that it was started in.
    pub folder: PathBuf,
    /// The ref whose deletion was pushed.
    pub name: String,
    /// How it ended.
    pub ending: Ending,
}

impl Fired {
    /// What is wrong; `None` where proof-gate refused.
    pub fn finding(&self) -> Option<Finding> {
        let (folder, name) = (self.folder.display(), &self.name);
        Some(match &self.ending {
            Ending::Refused => return None,
            Ending::RefusedByKept => Finding::note(
                format!("pushed from {folder}: the hook that stood there before refused first"),
                "proof-gate was asked; its own answer was not needed.",
            ),
            Ending::WentThrough => Finding::open(
                format!("pushed from {folder}: the deletion of {name}, which is gated, went through"),
                "The gate is open: nobody refused.",
            )
            .advise("mend what else is open here; where nothing is: proof-gate install --force"),
            Ending::RefusedByOther(words) => Finding::open(
                format!("pushed from {folder}: refused, and not by proof-gate: {words}"),
                "Nothing says that proof-gate would have refused.",
            )
            .advise("mend what refuses, then fire again"),
            Ending::Hung(words) => Finding::no_proof(
                format!("pushed from {folder}: the push did not end and was killed: {words}"),
                "A hook whose interpreter is missing, or one that waits for something, keeps every push waiting.",
            )
            .advise("a slow hook beside the gate may need longer: --timeout"),
        })
    }
}

/// Pushes from every work tree. `limit` is the time that each push has.
pub fn fire(patient: &Patient<'_>, limit: Duration, is_to_stop: &dyn Fn() -> bool) -> Result<Vec<Fired>> {
    let name = gated_name(patient)?;
    let here = patient.repository.work_tree().unwrap_or(patient.repository.git_dir()).to_path_buf();
    let others = patient.other_worktrees()?.into_iter().map(|(folder, _)| folder);
    let callers = others.map(|folder| (standing_in(patient.caller, &folder), folder));
    let mut fired = Vec::new();
    for (caller, folder) in [(patient.caller.clone(), here)].into_iter().chain(callers) {
        let remote = Remote::make(patient, &name)?;
        let ending = remote.push(patient, &caller, &name, limit, is_to_stop)?;
        fired.push(Fired { folder, name: name.clone(), ending });
    }
    Ok(fired)
}

/// A ref that the anchors gate and that may not be deleted.
fn gated_name(patient: &Patient<'_>) -> Result<String> {
    let anchors = patient.anchors()?;
    let policies: Vec<&Policy> = of_anchors(&anchors).map(|file| &file.policy).collect();
    let must_be_refused = |name: &String| {
        let name = name.as_bytes().as_bstr();
        policies.iter().any(|policy| policy.gates(name)) && !policies.iter().all(|policy| policy.allows_delete(name))
    };
    let names = policies.iter().flat_map(|policy| {
        let branches = policy.gate.branches.iter().map(|glob| format!("refs/heads/{}", example(glob)));
        branches.chain(policy.gate.tags.iter().map(|glob| format!("refs/tags/{}", example(glob))))
    });
    names.into_iter().find(must_be_refused).ok_or_else(|| {
        Error::new("cannot fire: no policy beside the pushed commit's own gates a ref that may not be deleted")
            .hint("proof-gate install notes the policy; 'proof-gate doctor' looks at it")
    })
}

/// A name that a glob matches, in the usual cases; whether it does is asked of the glob.
fn example(glob: &str) -> String {
    let mut name = String::new();
    let mut rest = glob.chars().peekable();
    while let Some(sign) = rest.next() {
        match sign {
            '*' => {
                while rest.next_if_eq(&'*').is_some() {}
                name.push_str("fired");
            }
            '?' => name.push('1'),
            '[' => {
                name.extend(rest.next());
                rest.by_ref().find(|sign| *sign == ']');
            }
            '{' => {
                let choices: String = rest.by_ref().take_while(|sign| *sign != '}').collect();
                name.push_str(&example(choices.split(',').next().unwrap_or_default()));
            }
            sign => name.push(sign),
        }
    }
    name
}

/// A bare repository with one commit, which is nobody's. Leaving scope removes it.
struct Remote {
    _folder: tempfile::TempDir,
    path: PathBuf,
    refs: BString,
}

impl Remote {
    fn make(patient: &Patient<'_>, name: &str) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("proof-gate-fire-").tempdir().context("cannot make a throw-away remote")?;
        let path = folder.path().join("remote.git");
        let program = patient.repository.program();
        let format = format!("--object-format={}", patient.repository.object_format().as_str());
        let init = ["init", "--quiet", "--bare", "--template=", "--initial-branch=fired", &format];
        program.command(folder.path()).args(init).arg(&path).run()?;
        let git = || program.command(&path).env("GIT_DIR", &path);
        // What the user's configuration says of servers must not answer in the hook's place.
        for (setting, value) in [("core.hooksPath", "/dev/null"), ("receive.denyDeletes", "false")] {
            git().args(["config", setting, value]).run()?;
        }
        let tree = git().args(["hash-object", "-t", "tree", "-w", "--stdin"]).stdin("").run()?;
        let mut commit = git().args(["commit-tree", "-m", "thrown away", &tree.trim().to_str_lossy()]);
        for who in ["AUTHOR", "COMMITTER"] {
            commit = commit.env(format!("GIT_{who}_NAME"), "proof-gate").env(format!("GIT_{who}_EMAIL"), "");
        }
        let commit = commit.run()?;
        git().args(["update-ref", name, &commit.trim().to_str_lossy()]).run()?;
        let mut remote = Remote { _folder: folder, path, refs: BString::default() };
        remote.refs = remote.list(patient)?;
        Ok(remote)
    }

    fn list(&self, patient: &Patient<'_>) -> Result<BString> {
        patient.repository.program().command(&self.path).env("GIT_DIR", &self.path).arg("for-each-ref").run()
    }

    fn push(
        &self,
        patient: &Patient<'_>,
        caller: &Caller,
        name: &str,
        limit: Duration,
        is_to_stop: &dyn Fn() -> bool,
    ) -> Result<Ending> {
        let git = patient.repository.program().as_typed(caller);
        // Settings that would push more, or that a local remote does not know.
        let git =
            git.args(["-c", "push.recurseSubmodules=no", "-c", "push.followTags=false", "-c", "push.pushOption="]);
        let git = git.args(["push", "--no-signed"]).arg(&self.path).arg(format!(":{name}"));
        let said = match git.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").within(limit, is_to_stop)? {
            Within::Ended(output) => output,
            Within::TimedOut(stderr) => {
                return Ok(Ending::Hung(
                    stderr.lines().next_back().unwrap_or(b"it said nothing").to_str_lossy().into_owned(),
                ));
            }
            Within::Stopped => return Err(Error::new("interrupted: the gate was not tried").ending(Exit::NoProof)),
        };
        Ok(if said.status.success() || self.list(patient)? != self.refs {
            Ending::WentThrough
        } else if is_ours(&said, name) {
            Ending::Refused
        } else if said.stderr.contains_str(REFUSED_BY_KEPT) {
            Ending::RefusedByKept
        } else {
            Ending::RefusedByOther(said.complaint())
        })
    }
}

/// Whether a line is proof-gate's refusal of this very deletion. A hook manager may put something before or behind it.
fn is_ours(said: &Output, name: &str) -> bool {
    let name = shown(name);
    let is_refusal = |line: &[u8]| [name.as_str(), WOULD_BE_DELETED].iter().all(|words| line.contains_str(words));
    said.stderr.lines().chain(said.stdout.lines()).any(is_refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_has_an_example_that_it_matches() {
        for glob in ["main", "release/*", "v[0-9]*", "{stable,next}/**", "v?.*", "a/**/b"] {
            let text =
                format!("version = 1\n[gate]\nbranches = ['{glob}']\n[suites.a]\nrun = ['a']\nreport = 'exit-code'\n");
            let policy = crate::policy::parse(text.as_bytes()).unwrap();
            let name = format!("refs/heads/{}", example(glob));
            assert!(policy.gates(name.as_bytes().as_bstr()), "{glob}: {name}");
        }
    }
}

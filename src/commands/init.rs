//! `init`: writes a starter policy from what the work tree holds. It never overwrites.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Context, Error, Exit, Result};
use crate::git::Repository;
use crate::policy;
use crate::policy::starter::{self, Files};
use crate::reporter::{Line, Reporter};

/// The largest file of the work tree that is looked into.
const LARGEST: u64 = 1 << 20;

/// What `init` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// The file that was written.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What its reader should know or mend.
    pub notes: Vec<String>,
}

/// `init`, from the command line.
pub fn run(repository: &Repository, reporter: &Reporter) -> Result<Exit> {
    let work_tree = repository.work_tree().ok_or_else(|| {
        Error::new("cannot write a policy: there is no work tree here").hint("go to a work tree: git worktree list")
    })?;
    let mut id = [0; 8];
    getrandom::fill(&mut id).context("cannot draw a random repository id")?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let head = repository.resolve("HEAD").ok().map(|head| head.to_string());
    let made = init(work_tree, &id, head.as_deref())?;
    reporter.say(&Line::new().text("wrote ").data(made.path.display().to_string()));
    for note in &made.notes {
        reporter.say(&Line::new().text("  note:  ").data(note));
    }
    for next in ["look it over; then: proof-gate run --draft", "commit it; then: proof-gate install"] {
        reporter.say(&Line::new().text("  next:  ").data(next));
    }
    Ok(Exit::Allowed)
}

struct WorkTree<'a>(&'a Path);

impl Files for WorkTree<'_> {
    fn read(&self, path: &str) -> Option<String> {
        let path = self.0.join(path);
        let metadata = path.metadata().ok()?;
        (metadata.is_file() && metadata.len() <= LARGEST).then(|| std::fs::read_to_string(&path).ok())?
    }

    fn has_folder(&self, path: &str) -> bool {
        self.0.join(path).is_dir()
    }

    fn has_file(&self, path: &str) -> bool {
        self.0.join(path).is_file()
    }
}

/// Writes `.proofrc.toml` at the top of a work tree. `id` is the repository's new random name, `since` a whole commit id.
///
/// # Errors
///
/// [`Exit::Conflict`] where anything of that name stands there, a dangling symlink too.
pub fn init(work_tree: &Path, id: &str, since: Option<&str>) -> Result<Init> {
    let starter = starter::write(&WorkTree(work_tree), id, since);
    policy::parse(starter.text.as_bytes()).map_err(|error| error.into_error("the starter policy"))?;
    let path = work_tree.join(policy::FILE);
    let cannot = || format!("cannot write {}", path.display());
    let mut file = tempfile::Builder::new().prefix(".proofrc.").tempfile_in(work_tree).context(cannot())?;
    file.write_all(starter.text.as_bytes()).context(cannot())?;
    file.as_file().sync_all().context(cannot())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are 0600; this one is meant to be committed and read by everybody.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).context(cannot())?;
    }
    file.persist_noclobber(&path).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(format!("{} is there already", path.display()))
            .ending(Exit::Conflict)
            .hint("`proof-gate config check` reads it; move it away to begin anew"),
        _ => Error::new(format!("{}: {}", cannot(), error.error)),
    })?;
    std::fs::File::open(work_tree).and_then(|folder| folder.sync_all()).context(cannot())?;
    Ok(Init { path, text: starter.text, notes: starter.notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_writes_a_policy_that_is_read_back_and_never_overwrites_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("go.mod"), "module shop\n").expect("the folder can be written");
        let since = "3f2a91c0000000000000000000000000000000aa";
        let done = init(folder.path(), "b1946ac92492d234", Some(since)).expect("nothing is in the way");
        let written = std::fs::read(&done.path).expect("the file is there");
        assert_eq!(written, done.text.as_bytes());
        assert_eq!(policy::parse(&written).expect("it is good").gate.since.as_deref(), Some(since));

        let error = init(folder.path(), "0000000000000000", None).expect_err("a policy stands there");
        assert_eq!(error.exit, Exit::Conflict);
        assert_eq!(std::fs::read(&done.path).expect("the file is there"), written);
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder is there").count(), 2, "nothing is left over");
    }

    #[test]
    fn init_leaves_a_dangling_symlink_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::os::unix::fs::symlink("/nowhere/else", folder.path().join(policy::FILE)).expect("a symlink can be made");
        assert_eq!(init(folder.path(), "b1946ac92492d234", None).expect_err("it stands there").exit, Exit::Conflict);
    }
}

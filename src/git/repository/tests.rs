use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A folder with a `git` that leaves a mark for each start beside the real one's answer.
struct Counting {
    folder: tempfile::TempDir,
}

impl Counting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("git");
        let real = which::which("git").unwrap();
        let counting = format!("#!/bin/sh\necho >>\"${{0%/*}}/starts\"\nexec '{}' \"$@\"\n", real.display());
        fs::write(&program, counting).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Counting { folder }
    }

    fn open(&self, directory: &Path) -> Result<Repository> {
        let path = std::env::join_paths([self.folder.path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        let variables = BTreeMap::from([("PATH".into(), path), ("HOME".into(), self.folder.path().into())]);
        Repository::open(&Caller { variables, directory: directory.to_owned(), program: PathBuf::new() })
    }

    fn starts(&self) -> usize {
        fs::read_to_string(self.folder.path().join("starts")).unwrap_or_default().lines().count()
    }
}

#[test]
fn every_place_of_a_repository_is_opened_with_one_question_to_git() {
    check("shop", "", |repository, top| {
        assert_eq!(repository.work_tree(), Some(top));
        assert_eq!(repository.git_dir(), top.join(".git"));
    });
    check("shop", "a/b", |repository, top| assert_eq!(repository.work_tree(), Some(top)));
    check("shop", ".git/refs", |repository, top| {
        assert_eq!(repository.work_tree(), None);
        assert_eq!(repository.common_dir(), top.join(".git"));
    });

    fn check(name: &str, below: &str, expected: impl Fn(&Repository, &Path)) {
        let git = Counting::new();
        let top = fs::canonicalize(git.folder.path()).unwrap().join(name);
        git2::Repository::init(&top).unwrap();
        fs::create_dir_all(top.join(below)).unwrap();
        expected(&git.open(&top.join(below)).unwrap(), &top);
        assert_eq!(git.starts(), 1);
    }
}

#[test]
fn a_bare_repository_has_no_work_tree() {
    let git = Counting::new();
    let top = fs::canonicalize(git.folder.path()).unwrap().join("shop.git");
    git2::Repository::init_bare(&top).unwrap();
    let repository = git.open(&top).unwrap();
    assert_eq!((repository.git_dir(), repository.work_tree()), (top.as_path(), None));
    assert_eq!(git.starts(), 1);
}

#[test]
fn a_path_may_hold_a_newline() {
    let git = Counting::new();
    let top = fs::canonicalize(git.folder.path()).unwrap().join("two\nlines");
    git2::Repository::init(&top).unwrap();
    let repository = git.open(&top).unwrap();
    assert_eq!((repository.git_dir(), repository.work_tree()), (top.join(".git").as_path(), Some(top.as_path())));
    let in_git_dir = git.open(&top.join(".git")).unwrap();
    assert_eq!((in_git_dir.git_dir(), in_git_dir.work_tree()), (top.join(".git").as_path(), None));
}

#[test]
fn what_git_refuses_to_open_is_not_opened() {
    let git = Counting::new();
    assert!(git.open(git.folder.path()).err().unwrap().message.contains("not a git repository"));
}

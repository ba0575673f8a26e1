//! Refs: every name under which something becomes a protected branch or a release, and every object that a name can come to mean.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::support::{Forge, LOGS, Ran, SHOP_POLICY, Server};

#[test]
fn an_unproven_branch_gets_nowhere_and_a_proven_one_does() {
    let server = Server::new();
    server.push_logs();
    server.commit_file("src/payments/charge.js", "BUG\n");
    for to in ["main", "main:release/new", "main:refs/tags/v9", "main:refs/tags/v-annotated"] {
        let ran = server.refuses(&[to], &["push refused (1 of 1 ref)", "no proof", "payment", "next: proof-gate run"]);
        assert!(ran.stderr.contains("brings the records along"), "{}", ran.stderr);
    }
    // All or nothing, whatever stands beside it.
    server.refuses(&["main~:release/new", "main:scratch", "main"], &["push refused (1 of 2 refs)", "ok "]);
    server.takes(&["main~:release/new", "main:scratch", "main~:main", "main~2:refs/tags/v9"]);
}

#[test]
fn a_tag_is_not_moved_after_its_pass() {
    let server = Server::new();
    server.takes(&["--atomic", LOGS, "main"]);
    for (name, old) in [("v1", "main~"), ("v2", "main~"), ("v3", "main~")] {
        server.git_ok(&["tag", name, old]);
        server.takes(&[name]);
    }
    let moved = "the tag would be moved, and it is gated";
    // To another proven commit, to an annotated tag of the same commit, away and back.
    server.refuses(&["--force", "main:refs/tags/v1"], &[moved, "allow_move"]);
    server.git_ok(&["tag", "--annotate", "-m", "x", "same", "v2"]);
    server.refuses(&["--force", "same:refs/tags/v2"], &[moved]);
    server.refuses(&[":refs/tags/v3"], &["it would be deleted, and it is gated", "allow_delete"]);
    server.refuses(&["main:scratch", ":refs/tags/v3"], &["it would be deleted"]);
    server.refuses(&[":refs/heads/main"], &["it would be deleted"]);
    server.takes(&["main~:refs/tags/v4", "main:scratch"]);
    server.takes(&[":refs/heads/scratch"]);
}

#[test]
fn a_name_that_is_no_utf8_is_a_name_like_any_other() {
    let server = Server::new();
    server.takes(&["--atomic", LOGS, "main"]);
    let push = |revision: &str, name: &[u8]| -> Ran {
        let mut git = server.command("git");
        let receive = format!("--receive-pack={}", server.root().join("receive-pack").display());
        git.args(["push", "--force", &receive, "origin"]);
        let output = git.arg(OsStr::from_bytes(&[revision.as_bytes(), b":", name].concat())).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace("remote: ", "");
        Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    };
    push("main~", b"refs/tags/v\xff").ends_with(0);
    server.refuses_by(|| push("main", b"refs/tags/v\xff"), &["the tag would be moved"]);
    server.refuses_by(|| push("", b"refs/tags/v\xff"), &["it would be deleted"]);
    push("main", b"refs/heads/release/\xff").ends_with(0);
    // Back to what was proven for a deployment: a rollback, there too.
    server.refuses_by(|| push("main~", b"refs/heads/release/\xff"), &["no proof", "full"]);
    server.commit_file("src/payments/charge.js", "BUG\n");
    server.refuses_by(|| push("main", b"refs/heads/release/\xff"), &["no proof", "payment"]);
    server.refuses_by(|| push("main", b"refs/tags/v\xfe"), &["no proof", "payment"]);
}

#[test]
fn a_gated_name_means_a_commit_whatever_stands_in_between() {
    let server = Server::new();
    server.push_logs();
    let forge = Forge(&server);
    server.commit_file("src/payments/charge.js", "BUG\n");
    let tag_of = |id: &str, kind: &str| {
        let text =
            format!("object {id}\ntype {kind}\ntag v9\ntagger Ana Example <ana@example.org> 1700000000 +0000\n\nx\n");
        forge.object("tag", text)
    };
    let chain = |commit: &str, length: usize| {
        let first = tag_of(&server.id(commit), "commit");
        (1..length).fold(first, |tag, _| tag_of(&tag, "tag"))
    };
    let to = |id: &str| format!("{id}:refs/tags/v9");
    server.refuses(&[&to(&chain("main", 1))], &["no proof", "payment"]);
    server.refuses(&[&to(&chain("main", 15))], &["no proof", "payment"]);
    server.refuses(&[&to(&chain("main~", 40))], &["more than 16 tags of tags"]);
    for (name, kind) in [("HEAD~:README.md", "blob"), ("HEAD~^{tree}", "tree")] {
        let id = server.id(name);
        server.refuses(&[&to(&id)], &[&format!("it names a {kind}, and only a commit can be checked out and proven")]);
        server.refuses(&[&to(&tag_of(&id, kind))], &[&format!("it names a {kind}")]);
    }
    server.takes(&[&to(&chain("main~2", 15))]);
}

#[test]
fn a_symbolic_ref_is_gated_by_all_of_its_names() {
    let server = Server::new();
    server.push_logs();
    let link = |name: &str, target: &str| drop(server.server_git(&["symbolic-ref", name, target]).ends_with(0));
    link("refs/heads/release/live", "refs/heads/work");
    link("refs/heads/release/indirect", "refs/heads/release/live");
    link("refs/tags/v-live", "refs/heads/tagged");
    link("refs/heads/alias", "refs/heads/main");
    server.commit_file("src/payments/charge.js", "BUG\n");
    // The target does not exist yet, and is gated for the name that leads to it.
    server.refuses(
        &["main:work"],
        &["refused  refs/heads/release/live", "refused  refs/heads/release/indirect", "payment"],
    );
    server.refuses(&["main:refs/heads/release/live"], &["no proof", "payment"]);
    server.refuses(&["main:tagged"], &["refused  refs/tags/v-live"]);
    server.refuses(&["main:alias"], &["refused  refs/heads/main", "payment"]);
    server.takes(&["main~:work", "main~2:tagged"]);
    server.refuses(&["main:work"], &["refused  refs/heads/release/live"]);
    server.refuses(&[":work"], &["refs/heads/release/live", "it would be deleted"]);
    server.refuses(&["main:tagged"], &["refs/tags/v-live", "the tag would be moved"]);
    server.takes(&["main~:alias"]);
    assert_eq!(server.remote_ref("refs/heads/main"), Some(server.id("main~")));
}

#[test]
fn objects_that_stand_in_for_others_stand_for_nothing_here() {
    let server = Server::new();
    server.push_logs();
    let (proven, unproven) = (server.id("main"), server.commit_file("src/payments/charge.js", "BUG\n"));
    // Both ways round, so that whoever looks through a replace ref sees a proven commit or a proven tree.
    let trees = [&unproven, &proven].map(|commit| server.id(&format!("{commit}^{{tree}}")));
    server.takes(&[&format!("{proven}:refs/replace/{unproven}")]);
    server.takes(&[&format!("{}:refs/replace/{}", trees[1], trees[0])]);
    server.refuses(&["main"], &["no proof", "payment"]);
    // Nor do a graft or a cut history of the server's own make it owe less.
    std::fs::create_dir_all(server.folder().join("info")).unwrap();
    std::fs::write(server.folder().join("info/grafts"), format!("{unproven} {proven}\n")).unwrap();
    server.refuses(&["main"], &["no proof", "payment"]);
    std::fs::remove_file(server.folder().join("info/grafts")).unwrap();
    std::fs::write(server.folder().join("shallow"), format!("{}\n", server.id("main~2"))).unwrap();
    server.refuses(&["main"], &["no proof", "payment"]);
    std::fs::remove_file(server.folder().join("shallow")).unwrap();
    server.takes(&["main~:main"]);
}

#[test]
fn objects_that_are_there_already_are_no_proof_of_anything() {
    let server = Server::new();
    server.push_logs();
    server.commit_file("src/payments/charge.js", "BUG\n");
    // Brought by a branch that is not gated, and once more by an object store beside the server's.
    server.takes(&["main:scratch"]);
    server.refuses(&["main"], &["no proof", "payment"]);
    server.takes(&[":scratch"]);
    let objects = server.git_dir().join("objects");
    std::fs::write(server.folder().join("objects/info/alternates"), format!("{}\n", objects.display())).unwrap();
    server.commit_file("src/payments/charge.js", "BUG BUG\n");
    server.refuses(&["main"], &["no proof", "payment"]);
    server.takes(&["main~2:main"]);
}

#[test]
fn what_a_pusher_can_say_to_a_server_changes_nothing() {
    let mut server = Server::new();
    server.push_logs();
    server.server_git(&["config", "receive.advertisePushOptions", "true"]).ends_with(0);
    server.commit_file("src/payments/charge.js", "BUG\n");
    for option in ["proof-gate=off", "ci.skip", "GIT_DIR=/nowhere"] {
        server.refuses(&[&format!("--push-option={option}"), "main"], &["no proof", "payment"]);
    }
    for (name, value) in [
        ("GIT_NO_REPLACE_OBJECTS", "0"),
        ("GIT_GRAFT_FILE", "/nowhere"),
        ("GIT_REPLACE_REF_BASE", "refs/heads/"),
        ("GIT_SHALLOW_FILE", "/dev/null"),
        ("GIT_CEILING_DIRECTORIES", "/"),
        ("PROOF_GATE_SKIP", "1"),
        ("CI", "1"),
        ("TZ", "Nowhere/Nothing"),
        ("LANG", "tr_TR.UTF-8"),
    ] {
        server.set(name, value);
        server.refuses(&["main"], &["no proof", "payment"]);
        server.unset(name);
    }
    server.set("GIT_NAMESPACE", "elsewhere");
    server.refuses(&["main"], &["it goes to a namespace, and refs are read without one"]);
    server.unset("GIT_NAMESPACE");
    server.takes(&["--push-option=x", "main~:main"]);
}

#[test]
fn a_tree_that_git_would_read_otherwise_is_no_way_round_the_policy() {
    let server = Server::new();
    server.push_logs();
    let forge = Forge(&server);
    let weak = forge.object("blob", SHOP_POLICY.replace("[\"main\", \"release/*\"]", "[]"));
    let entries = server.git_ok(&["ls-tree", "HEAD"]);
    let others: String =
        entries.lines().filter(|line| !line.contains(".proofrc")).map(|line| format!("{line}\n")).collect();
    let push = |lines: &str| {
        let tree = forge.tree(&format!("{lines}{others}"));
        format!("{}:main", forge.commit(&tree, &[&server.id("HEAD")], crate::support::By::Nobody))
    };
    for mode in ["120000 blob", "160000 commit"] {
        let id = if mode.ends_with("commit") { server.id("HEAD") } else { weak.clone() };
        server.refuses(&[&push(&format!("{mode} {id}\t.proofrc.toml\n"))], &["it is no regular file"]);
    }
    let folder = forge.tree(&format!("100644 blob {weak}\tx\n"));
    server.refuses(&[&push(&format!("040000 tree {folder}\t.proofrc.toml\n"))], &["it is no regular file"]);
    server.refuses(&[&push(&format!("100644 blob {weak}\t.Proofrc.toml\n"))], &["no proof"]);
    server.refuses(&[&push(&format!("100755 blob {weak}\t.proofrc.toml\n"))], &["gate.branches"]);
    server.takes(&["main"]);
}

//! Pushes of unusual shape: many refs, none of the history, another hash, everything at once, or not by git's own client.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Instant;

use crate::support::{Forge, LOGS, Layout, SHOP_POLICY, Server};

const BOTH: [&str; 3] = ["--atomic", LOGS, "main"];
const MANY: usize = 3_000;

#[test]
fn three_thousand_refs_are_judged_in_one_push_in_bounded_time() {
    let server = Server::new();
    server.push_logs();
    let main = server.id("main");
    let lines: String = (0..MANY).map(|number| format!("create refs/heads/release/{number} {main}\n")).collect();
    std::fs::write(server.root().join("refs"), lines).unwrap();
    server.sh("git update-ref --stdin <../refs").ends_with(0);
    let began = Instant::now();
    server.takes(&["refs/heads/release/*:refs/heads/release/*"]);
    let taken = began.elapsed();
    assert!(taken.as_secs() < 60, "{taken:?}");
    // One of a hundred is moved to what is not proven: none of them moves.
    let unproven = server.commit_file("src/payments/charge.js", "BUG\n");
    let some: Vec<String> = (2900..MANY).map(|number| number.to_string()).collect();
    let to = |commit: &str, number: &String| format!("{commit}:refs/heads/release/{number}");
    let mut moves: Vec<String> = some.iter().map(|number| to(&main, number)).collect();
    moves[7] = to(&unproven, &some[7]);
    moves.push(to(&main, &"new".to_owned()));
    let moves: Vec<&str> = moves.iter().map(String::as_str).collect();
    server.refuses(&moves, &["refused  refs/heads/release/2907 ", "payment"]);
    let gone: Vec<String> = some.iter().map(|number| to("", number)).collect();
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    server.refuses(&gone, &["push refused (100 of 100 refs)", "it would be deleted"]);
}

#[test]
fn the_first_push_to_an_empty_server_owes_everything() {
    let server = Server::untouched(Layout::Plain, SHOP_POLICY);
    server.refuses(&["main"], &["no proof  booking full guardrail payment", "no base"]);
    server.refuses(&["main:release/1"], &["no proof  booking full guardrail payment"]);
    server.refuses(&["main:refs/tags/v1"], &["no proof"]);
    // Without any policy nobody can say what is gated.
    server.git_ok(&["checkout", "--quiet", "--orphan", "bare"]);
    server.remove(".proofrc.toml");
    server.commit("No policy");
    server.refuses(&["bare:anything"], &["no policy", "proof-gate init"]);
    server.takes(&BOTH);
    server.takes(&["bare:anything"]);
}

#[test]
fn a_repository_of_sha256_is_guarded_as_any_other() {
    let server = Server::with_sha256();
    let honest = server.log().1;
    assert_eq!(honest.len(), 64);
    let (writer, forge) = (server.log().0.rsplit_once('/').unwrap().1.to_owned(), Forge(&server));
    server.refuses(&["main"], &["no proof  payment"]);
    forge.instead(crate::support::By::Ssh("mallory"), |_| {});
    server.refuses(&BOTH, &["no proof  payment", "its signer is not among the allowed signers now"]);
    forge.only_log(&writer, &honest);
    server.takes(&BOTH);
    server.refuses(&[&format!(":refs/proof/log/{writer}")], &["a log is never deleted"]);
    assert!(server.accepted().contains(&honest));
}

#[test]
fn a_shallow_clone_may_push_what_is_proven_and_nothing_else() {
    let mut server = Server::new();
    server.takes(&BOTH);
    let url = format!("file://{}", server.folder().display());
    server.git_in(server.root(), &["clone", "--quiet", "--depth=1", &url, "clone"]).ends_with(0);
    server.work_in("clone");
    assert!(server.git_dir().join("shallow").exists());
    server.commit_file("src/bookings/book.js", "BUG\n");
    server.refuses(&["main"], &["no proof  booking"]);
    server.write("src/bookings/book.js", "book better\n");
    let commit = server.commit("Mend the bookings");
    server.refuses(&["main"], &["no proof  booking"]);
    // It has no base in sight, so it proves everything; the server sees more, and owes less.
    server.proof_gate(&["run"]).ends_with(0);
    server.takes(&BOTH);
    assert_eq!(server.remote_ref("refs/heads/main"), Some(commit));
    assert!(!server.folder().join("shallow").exists());
}

#[test]
fn a_server_that_takes_shallow_history_is_not_fooled_by_it() {
    let mut server = Server::new();
    server.takes(&BOTH);
    server.server_git(&["config", "receive.shallowUpdate", "true"]).ends_with(0);
    let other = server.root().join("other");
    server.git_in(server.root(), &["clone", "--quiet", "shop", "other"]).ends_with(0);
    server.git_in(&other, &["checkout", "--quiet", "--orphan", "fresh"]).ends_with(0);
    for message in ["One", "Two"] {
        server.git_in(&other, &["commit", "--quiet", "--allow-empty", "-m", message]).ends_with(0);
    }
    let url = format!("file://{}", other.display());
    server.git_in(server.root(), &["clone", "--quiet", "--depth=1", &url, "cut"]).ends_with(0);
    server.work_in("cut");
    let receive = format!("file://{}", server.folder().display());
    server.git_ok(&["remote", "set-url", "origin", &receive]);
    let state = server.state();
    // Whether git or the gate: nothing whose history is not there comes to a gated name.
    let ran = server.push(&["--force", "HEAD:main"]);
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(server.state(), state, "{}", ran.stderr);
    server.work_in("shop");
    server.commit_file("src/payments/charge.js", "BUG\n");
    server.refuses(&["main"], &["no proof  payment"]);
}

#[test]
fn log_and_branch_come_together_or_not_at_all() {
    let server = Server::new();
    let main = server.id("main");
    server.refuses(&["main"], &["no proof  payment"]);
    server.takes(&BOTH);
    assert_eq!(server.remote_ref("refs/heads/main"), Some(main));
    assert_eq!(server.remote_ref(&server.log().0), Some(server.log().1));
    // A log that is in order does not come where the branch beside it is not, with --atomic or without.
    server.commit_file("src/payments/charge.js", "BUG\n");
    server.proof_gate(&["run"]).ends_with(1);
    server.refuses(&BOTH, &["FAIL", "payment  TEST_FAILED"]);
    server.refuses(&[LOGS, "main"], &["FAIL", "payment  TEST_FAILED"]);
    server.push_logs();
    server.refuses(&["main"], &["FAIL"]);
}

#[test]
fn a_client_of_ones_own_moves_no_ref_twice_and_from_nowhere_else() {
    let server = Server::new();
    server.takes(&BOTH);
    let (main, old, zero) = (server.id("main"), server.id("main~"), "0".repeat(40));
    let (log, tip) = server.log();
    let before = server.id(&format!("{tip}^"));
    // Each would end at something that a push by itself may not lead to: a tag that was moved, a log that was cut.
    let tag = "refs/tags/v1";
    for commands in [
        vec![format!("{zero} {old} {tag}"), format!("{old} {main} {tag}")],
        vec![format!("{zero} {old} {tag}"), format!("{zero} {main} {tag}")],
        vec![format!("{tip} {tip} {log}"), format!("{tip} {before} {log}")],
        vec![format!("{before} {tip} {log}")],
        vec![format!("{main} {old} {tag}")],
    ] {
        let state = server.state();
        let said = send(&server, &commands);
        assert_eq!(server.state(), state, "{commands:?}\n{said}");
        assert!(said.contains("declined"), "{commands:?}\n{said}");
    }
    let said = send(&server, &[format!("{zero} {old} {tag}")]);
    assert_eq!(server.remote_ref(tag), Some(old), "{said}");
}

/// Sends these commands to the server as a client would, with a pack that is empty.
fn send(server: &Server, commands: &[String]) -> String {
    let mut bytes = Vec::new();
    for (at, command) in commands.iter().enumerate() {
        let capabilities = if at == 0 { "\0 report-status" } else { "" };
        let line = format!("{command}{capabilities}");
        bytes.extend(format!("{:04x}{line}", line.len() + 4).bytes());
    }
    bytes.extend(b"0000");
    let mut pack = server.command("git");
    bytes.extend(pack.args(["pack-objects", "--quiet", "--stdout"]).output().unwrap().stdout);
    let mut git = server.command(server.root().join("receive-pack").to_str().unwrap());
    let mut git =
        git.arg(server.folder()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(git.stdin.take().unwrap().write_all(&bytes));
    let output = git.wait_with_output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

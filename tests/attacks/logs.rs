//! Logs: never deleted, never rewritten, one author each; and no way round that by what a client says or by what else is pushed.

use crate::support::{By, Forge, LOGS, Server, WRITER};

const BOTH: [&str; 3] = ["--atomic", LOGS, "main"];

/// The shop's log: its ref, its writer, its newest record and the one before.
fn log(server: &Server) -> (String, String, String, String) {
    let (name, tip) = server.log();
    let writer = name.rsplit_once('/').unwrap().1.to_owned();
    let before = server.id(&format!("{tip}^"));
    (name, writer, tip, before)
}

#[test]
fn a_log_is_not_deleted_by_name_by_a_mirror_or_by_a_prune() {
    let mut server = Server::new();
    server.takes(&BOTH);
    let (name, ..) = log(&server);
    const NEVER: &str = "a log is never deleted";
    server.refuses(&[&format!(":{name}")], &["because of its records", &name, NEVER, "push branches and tags by name"]);
    server.refuses(&["--delete", &name], &[NEVER]);
    // Not beside something that is in order either.
    server.git_ok(&["branch", "scratch"]);
    server.refuses(&["scratch", &format!(":{name}")], &[NEVER]);
    // A fresh clone has no logs, and a mirror makes the server like the clone.
    server.git_in(server.root(), &["clone", "--quiet", "remote.git", "clone"]).ends_with(0);
    server.work_in("clone");
    server.refuses(&["--mirror"], &[NEVER, &name]);
    server.refuses(&["--prune", "refs/*:refs/*"], &[NEVER, &name]);
    // What a clone may do is push its branches, which leaves the logs alone.
    server.git_ok(&["branch", "other-scratch"]);
    server.takes(&["--all"]);
}

#[test]
fn a_log_is_not_rewritten_by_force() {
    let server = Server::new();
    server.takes(&BOTH);
    let (name, writer, tip, before) = log(&server);
    let forge = Forge(&server);
    let rewritten = "it no longer leads to";
    // Back to an older end.
    server.refuses(&["--force", &format!("{before}:{name}")], &[&name, rewritten, "a log is never rewritten"]);
    // The newest record once more, as if it were another one.
    let mut statement = forge.statement(&tip);
    statement["predicate"]["host"] = "elsewhere".into();
    let other = forge.record(&statement, &[&before], By::Ssh("ana"));
    server.refuses(&["--force", &format!("{other}:{name}")], &[rewritten]);
    // A log begun anew, with and without the old one behind it.
    statement["predicate"].as_object_mut().unwrap().remove("previous");
    let anew = forge.record(&statement, &[], By::Ssh("ana"));
    server.refuses(&["--force", &format!("{anew}:{name}")], &[rewritten]);
    let anew = forge.record(&statement, &[&tip], By::Ssh("ana"));
    server.refuses(&[&format!("{anew}:{name}")], &["has a record of its own log beside the one before"]);
    // And what follows its end goes.
    forge.only_log(&writer, &tip);
    server.proof_gate(&["run", "--suite", "booking"]).ends_with(0);
    server.push_logs();
}

#[test]
fn nothing_but_logs_comes_below_refs_proof() {
    let server = Server::new();
    let (name, _, tip, _) = log(&server);
    const ONLY: &str = "nothing but logs lies below refs/proof/ here";
    for other in [
        "refs/proof/pins/1",
        "refs/proof/remotes/origin/log/00000000000000aa",
        "refs/proof/log/00000000000000AA",
        "refs/proof/log/00000000000000aa/more",
        "refs/proof/log/0000000000000aa",
        "refs/proof/log/ana",
        "refs/proof/logs",
    ] {
        server.refuses(&[&format!("{tip}:{other}")], &["because of its records", other, ONLY, "proof-gate sync"]);
        server.refuses(&["--atomic", &format!("{tip}:{other}"), LOGS, "main"], &[ONLY]);
    }
    server.takes(&[&format!("{tip}:{name}"), "main"]);
}

#[test]
fn a_record_in_the_name_of_another_writer_is_refused() {
    let server = Server::new();
    let (name, writer, tip, _) = log(&server);
    let forge = Forge(&server);
    // Ana's own records under another name, and records that name her log under another one.
    let words = format!("is of the log {writer}, not of this one");
    server.refuses(&[&format!("{tip}:refs/proof/log/{WRITER}")], &[&words, "each clone writes a log of its own"]);
    let mut statement = forge.first_of_its_own();
    statement["predicate"]["writer"] = writer.as_str().into();
    let forged = forge.record(&statement, &[], By::Ssh("bo"));
    server.refuses(&[&format!("{forged}:refs/proof/log/{WRITER}")], &[&words]);
    statement["predicate"]["writer"] = WRITER.into();
    let bos = forge.record(&statement, &[], By::Ssh("bo"));
    server.takes(&[&format!("{bos}:refs/proof/log/{WRITER}"), &format!("{tip}:{name}")]);
}

#[test]
fn a_log_is_not_taken_over_by_a_fast_forward() {
    let server = Server::new();
    server.takes(&BOTH);
    let (name, writer, tip, _) = log(&server);
    let forge = Forge(&server);
    let next = |by: By<'_>| {
        let mut statement = forge.statement(&tip);
        statement["predicate"]["previous"] = tip.as_str().into();
        forge.record(&statement, &[&tip], by)
    };
    // Bo may sign, in a log of his own.
    let words = format!("is signed by bo@example.org, and the log {writer} is that of ana@example.org");
    let to = |record: &str| format!("{record}:{name}");
    server.refuses(&[&to(&next(By::Ssh("bo")))], &[&words, "each clone writes a log of its own"]);
    // Nor behind an unsigned one that was let in, nor behind more of them than are looked through.
    let unsigned = next(By::Nobody);
    let mut end = unsigned.clone();
    for _ in 0..70 {
        let mut statement = forge.statement(&tip);
        statement["predicate"]["previous"] = end.as_str().into();
        end = forge.record(&statement, &[&end], By::Nobody);
    }
    let mut statement = forge.statement(&tip);
    statement["predicate"]["previous"] = end.as_str().into();
    server.refuses(&[&to(&forge.record(&statement, &[&end], By::Ssh("bo")))], &[&words]);
    // Ana goes on.
    server.takes(&[&to(&next(By::Ssh("ana")))]);
}

#[test]
fn a_log_that_comes_whole_has_one_author_too() {
    let server = Server::new();
    let forge = Forge(&server);
    let first = forge.instead(By::Ssh("bo"), |_| {});
    let second = |by: By<'_>| {
        let mut statement = forge.statement(&first);
        statement["predicate"]["previous"] = first.as_str().into();
        forge.only_log(WRITER, &forge.record(&statement, &[&first], by));
    };
    second(By::Ssh("lea"));
    server.refuses(&BOTH, &["is signed by lea@example.org", "is that of bo@example.org"]);
    second(By::Ssh("bo"));
    server.takes(&BOTH);
}

#[test]
fn behind_a_record_stand_records_and_not_too_many() {
    let server = Server::new();
    let (_, writer, tip, before) = log(&server);
    let forge = Forge(&server);
    let with_parents = |parents: &[&str]| {
        let record = forge.record(&forge.first_of_its_own(), parents, By::Ssh("bo"));
        let (name, ana) = (format!("{record}:refs/proof/log/{WRITER}"), format!("{tip}:refs/proof/log/{writer}"));
        [name, ana]
    };
    let refused = |parents: &[&str], words: &str| {
        let [forged, honest] = with_parents(parents);
        server.refuses(&[&forged], &["because of its records", words]);
        server.refuses(&["--atomic", &forged, &honest, "main"], &[words]);
    };
    let code = server.id("HEAD");
    refused(&[&code], "is none: its tree holds something else");
    refused(&[&tip, &code], "has a commit behind it that is no record");
    refused(&[&server.id("HEAD^")], "has a commit behind it that is no record");
    // Of other logs at most 64.
    let writers: Vec<String> = (0..66)
        .map(|number| {
            let mut statement = forge.first_of_its_own();
            statement["predicate"]["writer"] = format!("{number:016x}").into();
            forge.record(&statement, &[], By::Nobody)
        })
        .collect();
    let writers: Vec<&str> = writers.iter().map(String::as_str).collect();
    refused(&writers[..66], "it has 66 parents");
    // The record before must be the first parent, and of its own log no other stands behind.
    let mut statement = forge.statement(&tip);
    statement["predicate"]["host"] = "elsewhere".into();
    let behind = forge.record(&statement, &[writers[0], &before], By::Ssh("ana"));
    server.refuses(&[&format!("{behind}:refs/proof/log/{writer}")], &["is malformed", "is not its first parent"]);
    // One parent twice, as only a forger writes it.
    let twice = forge.text(&forge.record(&forge.first_of_its_own(), &[&tip], By::Nobody));
    let twice = forge.object("commit", twice.replace("author", &format!("parent {tip}\nauthor")));
    server.refuses(&[&format!("{twice}:refs/proof/log/{WRITER}")], &["declined"]);
    let [forged, honest] = with_parents(&[&tip, writers[1]]);
    server.takes(&["--atomic", &forged, &honest, "main"]);
}

#[test]
fn a_fail_is_not_left_out_of_a_log_whose_pass_names_it() {
    let server = Server::new();
    let (name, writer, ..) = log(&server);
    // A FAIL, then a PASS that has it behind it.
    server.write("suite-exit", "3\n");
    server.commit("Fail");
    server.proof_gate(&["run", "--suite", "payment"]).ends_with(1);
    let fail = server.log().1;
    server.remove("suite-exit");
    server.commit("Pass");
    server.proof_gate(&["run"]).ends_with(0);
    let pass = server.log().1;
    let forge = Forge(&server);
    // The PASS beside what stands behind the FAIL: another record, which Ana did not sign.
    let before = server.id(&format!("{fail}^"));
    let text = forge.text(&pass).replace(&format!("parent {fail}"), &format!("parent {before}"));
    let without = forge.object("commit", text);
    server.refuses(&[&format!("{without}:{name}"), "main"], &["is malformed", "is not its first parent"]);
    let text = forge.text(&pass).replace(&format!("parent {fail}\n"), "");
    let without = forge.object("commit", text);
    server.refuses(&["--force", &format!("{without}:{name}"), "main"], &["is malformed", "is not its first parent"]);
    // Without the object of the FAIL git itself sends nothing.
    let loose = server.git_dir().join("objects").join(&fail[..2]).join(&fail[2..]);
    assert!(!loose.exists() || std::fs::remove_file(&loose).is_ok());
    forge.only_log(&writer, &pass);
    server.push_logs();
    assert_eq!(server.remote_ref(&name), Some(pass));
    server.takes(&["main"]);
}

#[test]
fn what_a_client_says_of_the_servers_refs_is_held_against_them() {
    let server = Server::new();
    server.takes(&BOTH);
    let (name, _, tip, before) = log(&server);
    let (main, old) = (server.id("main"), server.id("main^"));
    server.git_ok(&["tag", "v1", &old]);
    server.takes(&["v1"]);
    let zero = "0".repeat(40);
    let refused = |line: &str, words: &str| {
        let state = server.state();
        let ran = server.pre_receive_with(line);
        assert_ne!(ran.code, 0, "{line}");
        ran.says(words);
        assert_eq!(server.state(), state);
    };
    // Each of these would be right if what the client says were so; git then moves the ref once it is.
    refused(&format!("{zero} {main} refs/tags/v1\n"), "refs/tags/v1 ends at");
    refused(&format!("{main} {old} refs/tags/v1\n"), "refs/tags/v1 ends at");
    refused(&format!("{before} {tip} {name}\n"), &format!("{name} ends at"));
    refused(&format!("{main} {zero} refs/heads/release/gone\n"), "ends at nowhere here");
    // A ref that moves twice in one push.
    refused(&format!("{zero} {old} refs/tags/v2\n{zero} {main} refs/tags/v2\n"), "refs/tags/v2 stands in it twice");
    refused(&format!("{zero} {old} refs/tags/v2\n{old} {main} refs/tags/v2\n"), "refs/tags/v2 stands in it twice");
    for line in ["", "\n", "x\n", &format!("{zero} {old} HEAD\n"), &format!("{zero} {old} refs/tags/v2")] {
        let ran = server.pre_receive_with(line);
        assert_eq!(ran.code == 0, line.is_empty(), "{line:?}\n{}", ran.stderr);
    }
    server.pre_receive_with(&format!("{zero} {old} refs/tags/v2\n")).ends_with(0);
    server.pre_receive_with(&format!("{main} {main} refs/heads/main\n")).ends_with(0);
}

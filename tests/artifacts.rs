//! What suites leave: kept, searched, compared, refused where it is no file of theirs, and removed when its time is over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Fingerprint, SCRIPT_POLICY, Sandbox};

/// A shop whose only suite is this script, with these rules for what it leaves.
fn shop(artifacts: &str, script: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&format!("{SCRIPT_POLICY}artifacts = {artifacts}\n"));
    sandbox.write("suite.sh", format!("set -e\n{script}\n"));
    sandbox.commit("Leave something");
    sandbox
}

/// Proves HEAD; the suite's findings as `CODE detail`, which must be the same in the record. The user's repository stays as it was.
#[track_caller]
fn findings(sandbox: &Sandbox) -> Vec<String> {
    let before = Fingerprint::of(sandbox);
    let ran = sandbox.proof_gate(&["run", "--json"]);
    assert_eq!(Fingerprint::of(sandbox), before);
    assert!(ran.code < 2, "stdout:\n{}\nstderr:\n{}", ran.stdout, ran.stderr);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let told = lines(&document["suites"][0]["findings"]);
    assert_eq!(ran.code, i32::from(!told.is_empty()), "{told:?}");
    assert_eq!(lines(&entry(sandbox)["findings"]), told);
    told
}

fn lines(findings: &Value) -> Vec<String> {
    let line = |finding: &Value| {
        format!("{} {}", finding["code"].as_str().unwrap(), finding["detail"].as_str().unwrap_or_default())
    };
    findings.as_array().unwrap().iter().map(line).collect()
}

/// The suite's entry in the newest record.
fn entry(sandbox: &Sandbox) -> Value {
    let shown: Value = serde_json::from_str(&sandbox.proof_gate(&["show", "--json"]).ends_with(0).stdout).unwrap();
    shown.pointer("/statement/predicate/verdict/suites/0").expect("a verdict has suites").clone()
}

/// The evidence that the newest record names: what stands behind the suite's folder, where it lies, its digest, its kind.
fn evidence(sandbox: &Sandbox) -> Vec<(String, PathBuf, String, String)> {
    let entry = entry(sandbox);
    let files = entry["evidence"].as_array().unwrap().iter().map(|file| {
        let text = |key: &str| file[key].as_str().unwrap().to_owned();
        let name = text("name").split_once("/full/").unwrap().1.to_owned();
        let path = sandbox.common_dir().join("proof-gate").join(text("name"));
        (name, path, text("sha256"), text("media_type"))
    });
    files.collect()
}

#[track_caller]
fn check(artifacts: &str, script: &str, expected: &[&str]) -> Sandbox {
    let sandbox = shop(artifacts, script);
    let told = findings(&sandbox);
    let fits = |(told, expected): (&String, &&str)| told.starts_with(*expected);
    assert!(told.len() == expected.len() && told.iter().zip(expected).all(fits), "{told:#?}\nis not\n{expected:#?}");
    sandbox
}

/// A picture of one colour, with one pixel of another.
fn picture(width: u32, height: u32, at: (u32, u32)) -> Vec<u8> {
    let mut picture = image::RgbImage::from_pixel(width, height, image::Rgb([0, 90, 160]));
    picture.put_pixel(at.0, at.1, image::Rgb([250, 250, 250]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn sha256(path: &Path) -> String {
    proof_gate::digest::Digest::of(&fs::read(path).unwrap()).to_string()
}

#[test]
fn a_pass_keeps_what_the_suite_left_under_readable_names_and_by_digest_for_its_owner_only() {
    let sandbox = shop(
        "[{ paths = \"test-results/**\" }, { paths = \"logs/*.log\", require = [\"started\"], forbid = [\"ERROR\"] }]",
        "mkdir -p test-results/home logs; cp shot.png test-results/home/a.png; printf 'PK\\003\\004\\000' >test-results/trace.zip\n\
         echo started >logs/app.log",
    );
    sandbox.write("shot.png", picture(8, 8, (1, 1)));
    sandbox.commit("Have a picture");
    assert_eq!(findings(&sandbox), Vec::<String>::new());
    let kept = evidence(&sandbox);
    let told: Vec<_> = kept.iter().map(|(name, _, _, kind)| (name.as_str(), kind.as_str())).collect();
    assert_eq!(
        told,
        [
            ("log", "text/plain"),
            ("artifacts.json", "application/json"),
            ("artifacts/logs/app.log", "text/plain"),
            ("artifacts/test-results/home/a.png", "image/png"),
            ("artifacts/test-results/trace.zip", "application/zip"),
        ]
    );
    for (name, path, digest, _) in &kept {
        assert_eq!(sha256(path), *digest, "{name}");
        let object = sandbox.common_dir().join("proof-gate/evidence/sha256").join(&digest[..2]).join(&digest[2..]);
        assert_eq!(sha256(&object), *digest, "{name}");
        for file in [path, &object] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        }
        for folder in path.ancestors().take_while(|folder| !folder.ends_with("proof-gate")).skip(1) {
            assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        }
    }
    assert_eq!(fs::read(&kept[3].1).unwrap(), picture(8, 8, (1, 1)));
    let shown = sandbox.proof_gate(&["show"]).ends_with(0).stdout;
    let below = kept[3].1.strip_prefix(sandbox.shop()).unwrap();
    assert!(shown.contains(below.to_str().unwrap()), "{shown}");
}

#[test]
fn fewer_files_than_asked_for_are_missing_and_an_empty_one_or_one_of_the_tree_is_none() {
    check("[{ paths = \"out/*.png\" }]", "true", &["ARTIFACT_MISSING out/*.png: 0 of at least 1"]);
    check(
        "[{ paths = \"out/*\", at_least = 3 }]",
        "mkdir out; echo a >out/a; : >out/b",
        &["ARTIFACT_MISSING out/*: 1 of at least 3, 1 empty"],
    );
    check(
        "[{ paths = \"suite.sh\" }]",
        "true",
        &["ARTIFACT_MISSING suite.sh: 0 of at least 1, 1 from before the suite"],
    );
    check("[{ paths = \"out/*\", at_least = 0, forbid = ['.'] }]", "mkdir out; : >out/errors.log", &[]);
}

#[test]
fn what_prepare_left_is_not_the_suites_until_the_suite_writes_it_anew() {
    let with_prepare = |script: &str| {
        let sandbox = shop("[{ paths = \"out/*\" }]", script);
        let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
        let prepare = "[proof]\nprepare = [[\"sh\", \"-c\", \"mkdir out; echo old >out/a\"]]";
        sandbox.with_policy(&policy.replace("[proof]", prepare));
        sandbox.commit("Prepare");
        sandbox
    };
    assert_eq!(findings(&with_prepare("true"))[0], "ARTIFACT_MISSING out/*: 0 of at least 1, 1 from before the suite");
    assert_eq!(findings(&with_prepare("echo new >out/a")), Vec::<String>::new());
    // The same bytes at the same time as before, to the eye.
    let rewritten = "touch -r out/a stamp; echo old >out/a; touch -r stamp out/a; rm stamp";
    assert_eq!(findings(&with_prepare(rewritten)), Vec::<String>::new());
}

#[test]
fn a_forbidden_line_is_told_with_file_and_number_and_a_required_one_that_is_not_there_too() {
    let rules = "[{ paths = \"logs/*.log\", require = [\"^started$\"], forbid = ['\\bERROR\\b'] }]";
    check(
        rules,
        "mkdir logs; printf 'started\\nall well\\n\\033[31mERROR\\033[0m no money\\n' >logs/a.log; echo started >logs/b.log",
        &["ARTIFACT_UNEXPECTED logs/a.log: line 3 matches '\\bERROR\\b', which is forbidden: ERROR no money"],
    );
    check(
        rules,
        "mkdir logs; echo started >logs/a.log; echo begun >logs/b.log",
        &["ARTIFACT_UNEXPECTED logs/b.log: no line matches '^started$'"],
    );
}

#[test]
fn a_secret_is_judged_and_neither_kept_nor_told() {
    let sandbox = shop("[{ paths = \"*.log\", forbid = ['horse-9'] }]", "echo \"pass: $MYPASS\" >app-$MYPASS.log");
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&policy.replace("[suites.full]", "[suites.full]\nenv = { pass = [\"MYPASS\"] }"));
    sandbox.commit("Pass it");
    let ran = sandbox
        .sh("MYPASS=correct-horse-9 proof-gate run; proof-gate show; proof-gate show --json")
        .says("ARTIFACT_UNEXPECTED");
    let kept = evidence(&sandbox);
    let artifact = kept.iter().find(|(name, ..)| name.starts_with("artifacts/")).unwrap();
    assert_eq!(fs::read_to_string(&artifact.1).unwrap(), "pass: [secret]\n");
    assert_eq!(artifact.0, "artifacts/app-[secret].log");
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("correct-horse-9"), "{text}");
    }
}

#[test]
fn a_finding_names_the_copy_where_masked_names_are_the_same() {
    check(
        "[{ paths = \"out/*\", forbid = ['ERROR'] }]",
        "mkdir out; echo fine >out/password=hunter2secret1; echo ERROR >out/password=hunter2secret2",
        &["ARTIFACT_UNEXPECTED out/password=[secret]~2: line 1 matches 'ERROR'"],
    );
}

#[test]
fn whatever_is_no_file_of_the_suites_own_is_refused_and_never_read() {
    let sandbox = shop(
        "[{ paths = \"out/**\", at_least = 0 }, { paths = \"linked/*\", at_least = 0 }]",
        "mkdir out; ln -s /etc/passwd out/link; ln \"$OUTSIDE/secret\" out/other-name; mkfifo out/pipe; ln -s /etc out/folder; ln -s /etc linked",
    );
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&policy.replace("[suites.full]", "[suites.full]\nenv = { pass = [\"OUTSIDE\"] }"));
    sandbox.commit("Know the place");
    let mut sandbox = sandbox;
    // A hard link needs the file system of the workspace.
    let outside = tempfile::tempdir_in("/var/tmp").unwrap();
    fs::write(outside.path().join("secret"), "hidden words").unwrap();
    sandbox.set("OUTSIDE", outside.path().to_str().unwrap());
    sandbox.set("XDG_CACHE_HOME", outside.path().join("cache").to_str().unwrap());
    let told = findings(&sandbox);
    for (path, what) in [
        ("out/link", "it is a symbolic link"),
        ("out/other-name", "it is another name of a file (a hard link)"),
        ("out/pipe", "it is a pipe"),
        ("out/folder", "it is a symbolic link"),
        ("linked", "it is a link or no folder, and nothing is followed"),
    ] {
        let expected = format!("ARTIFACT_UNEXPECTED {path}: {what}");
        assert!(told.iter().any(|told| told.starts_with(&expected)), "{expected}\n{told:#?}");
    }
    assert_eq!(told.len(), 5, "{told:#?}");
    let names: Vec<String> = evidence(&sandbox).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["log"]);
}

#[test]
fn more_files_than_are_kept_is_a_finding_and_the_record_names_their_list() {
    let sandbox = shop("[{ paths = \"out/*\" }]", "mkdir out; cd out; seq 10000 | while read n; do echo $n >$n; done");
    let told = findings(&sandbox);
    assert!(told[0].ends_with("at most 2000 artifacts are kept of one suite"), "{told:#?}");
    assert!(told.last().unwrap().starts_with("ARTIFACT_UNEXPECTED and 7980 more"), "{told:#?}");
    let kept = evidence(&sandbox);
    assert_eq!(kept.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["log", "artifacts.json"]);
    let list: Value = serde_json::from_slice(&fs::read(&kept[1].1).unwrap()).unwrap();
    assert_eq!(list["format"], "proof-gate.artifacts/1");
    let files = list["files"].as_array().unwrap();
    assert_eq!(files.len(), 2000);
    let first = kept[1].1.with_file_name(files[0]["name"].as_str().unwrap());
    assert_eq!(sha256(&first), files[0]["sha256"].as_str().unwrap());
}

#[test]
fn a_file_too_large_to_keep_is_a_finding_and_takes_no_room() {
    let sandbox = check(
        "[{ paths = \"out/*\" }]",
        "mkdir out; truncate -s 1T out/sparse",
        &["ARTIFACT_UNEXPECTED out/sparse: it has 1099511627776 bytes, and at most"],
    );
    assert_eq!(evidence(&sandbox).len(), 1);
}

#[test]
fn names_of_any_bytes_are_kept_under_names_that_open() {
    let sandbox = check(
        "[{ paths = \"out/**\", at_least = 3 }]",
        "mkdir -p out; echo 1 >\"$(printf 'out/a\\nb')\"; echo 2 >\"$(printf 'out/\\377\\033[31m')\"\n\
         d=$(printf '%0200d' 0); cd out; for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do mkdir $d; cd $d; done; echo 3 >deep",
        &[],
    );
    let kept = evidence(&sandbox);
    assert_eq!(kept.len(), 5);
    for (name, path, digest, _) in kept {
        assert_eq!(sha256(&path), digest, "{name}");
        assert!(!name.contains(['\n', '\x1b']), "{name}");
    }
}

#[test]
fn a_picture_that_differs_from_its_baseline_is_a_finding_and_the_difference_is_drawn() {
    let rule = "[{ paths = \"shots/**/*.png\", baseline = \"tests/screens/\" }]";
    let sandbox = shop(rule, "mkdir -p shots/home; cp now.png shots/home/a.png");
    sandbox.write("tests/screens/home/a.png", picture(40, 30, (1, 2)));
    sandbox.write("now.png", picture(40, 30, (1, 2)));
    sandbox.commit("The same");
    assert_eq!(findings(&sandbox), Vec::<String>::new());
    sandbox.write("now.png", picture(40, 30, (3, 4)));
    sandbox.commit("Another pixel");
    let told = findings(&sandbox);
    assert_eq!(
        told,
        ["ARTIFACT_UNEXPECTED shots/home/a.png: 2 of 1200 pixels differ from the baseline, the first at 1,2 \
          (baseline tests/screens/home/a.png, drawn in differences/shots/home/a.png)"]
    );
    let kept = evidence(&sandbox);
    let drawn = kept.iter().find(|(name, ..)| name == "differences/shots/home/a.png").unwrap();
    assert_eq!(image::load_from_memory(&fs::read(&drawn.1).unwrap()).unwrap().width(), 40);
    sandbox.write("now.png", picture(40, 31, (1, 2)));
    sandbox.commit("Another size");
    assert!(findings(&sandbox)[0].contains("it has 40 x 31 pixels in place of 40 x 30"));
}

#[test]
fn a_picture_without_a_baseline_and_a_baseline_without_a_picture_are_findings() {
    let rule = "[{ paths = \"shots/*.png\", baseline = \"screens\" }]";
    let sandbox = shop(rule, "mkdir shots; cp new.png shots/new.png");
    sandbox.write("new.png", picture(4, 4, (0, 0)));
    sandbox.write("screens/old.png", picture(4, 4, (0, 0)));
    sandbox.commit("Another name");
    assert_eq!(
        findings(&sandbox),
        [
            "ARTIFACT_MISSING shots/old.png: the suite left no such picture, and there is a baseline screens/old.png",
            "ARTIFACT_UNEXPECTED shots/new.png: it has no baseline screens/new.png: look at it, and commit it there if it is right"
        ]
    );
}

#[test]
fn a_suite_that_writes_its_own_baseline_does_not_pass_by_it() {
    let rule = "[{ paths = \"shots/*.png\", baseline = \"screens\" }]";
    let sandbox = shop(rule, "mkdir shots; cp new.png shots/a.png; cp new.png screens/a.png");
    sandbox.write("new.png", picture(4, 4, (0, 0)));
    sandbox.write("screens/a.png", picture(4, 4, (1, 1)));
    sandbox.commit("Update the baseline");
    let told = findings(&sandbox);
    assert!(
        told.iter()
            .any(|told| told.contains("its baseline screens/a.png cannot be read: it was changed in the workspace")),
        "{told:#?}"
    );
    assert!(told.iter().any(|told| told.starts_with("TREE_CHANGED")), "{told:#?}");
}

#[test]
fn what_a_run_that_was_cut_off_did_not_come_to_is_not_missed() {
    let sandbox = shop(
        "[{ paths = \"out/*\", require = [\"done\"], forbid = [\"bad\"] }]",
        "mkdir out; echo bad >out/a; sleep 60",
    );
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&policy.replace("\"60s\"", "\"1s\""));
    sandbox.commit("Hurry");
    let told = findings(&sandbox);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("TIMED_OUT") && told[1].contains("matches 'bad'"), "{told:#?}");
    assert!(evidence(&sandbox).iter().any(|(name, ..)| name == "artifacts/out/a"));
}

#[test]
fn a_push_is_refused_by_what_its_suite_left_and_goes_once_that_is_right() {
    let sandbox = shop("[{ paths = \"logs/*.log\", forbid = [\"ERROR\"] }]", "mkdir logs; echo ERROR >logs/app.log");
    sandbox.install();
    sandbox.push(&["origin", "main"]).ends_with(1).says("ARTIFACT_UNEXPECTED");
    assert_eq!(sandbox.remote_ref("refs/heads/main"), None);
    sandbox.write("suite.sh", "mkdir logs; echo fine >logs/app.log\n");
    sandbox.commit("Mend it");
    sandbox.push(&["origin", "main"]).ends_with(0);
    assert!(sandbox.remote_ref("refs/heads/main").is_some());
}

/// A proven shop whose evidence is older than `keep`, and the folder of its run.
fn shop_with_old_evidence(keep: &str) -> (Sandbox, PathBuf) {
    let sandbox = shop("[{ paths = \"out/*\" }]", "mkdir out; head -c 100000 /dev/zero >out/a; cp out/a out/b");
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&format!("{policy}[evidence]\nkeep = \"{keep}\"\n"));
    sandbox.commit("Keep evidence for a while");
    assert_eq!(findings(&sandbox), Vec::<String>::new());
    let run = evidence(&sandbox)[0].1.ancestors().nth(2).unwrap().to_owned();
    (sandbox, run)
}

#[test]
fn gc_removes_evidence_past_its_retention_and_no_record() {
    let (sandbox, run) = shop_with_old_evidence("1s");
    std::thread::sleep(std::time::Duration::from_millis(1200));
    let before = Fingerprint::of(&sandbox);
    let tried = sandbox.proof_gate(&["gc", "--dry-run"]).ends_with(0).says("would go");
    assert!(run.exists() && tried.stdout.contains("100."), "{}", tried.stdout);
    let removed = sandbox.proof_gate(&["gc"]).ends_with(0);
    assert_eq!(removed.stdout.replace("removed ", "would go"), tried.stdout);
    assert!(!run.exists());
    let contents = run.with_file_name("sha256");
    assert_eq!(fs::read_dir(contents).unwrap().count(), 0, "{}", removed.stdout);
    assert_eq!(Fingerprint::of(&sandbox), before);
    sandbox.proof_gate(&["show"]).ends_with(0).says("PASS").says("not here: removed");
    sandbox.install();
    let (_, suites) = sandbox.suites_of(|| sandbox.push(&["origin", "main"]).ends_with(0));
    assert_eq!(suites, Vec::<String>::new(), "the proof stands without its evidence");
    sandbox.proof_gate(&["gc"]).ends_with(0).says("0 proofs' evidence, 0 bytes");
}

#[test]
fn gc_takes_the_evidence_of_runs_that_the_record_does_not_list_too() {
    let (sandbox, _) = shop_with_old_evidence("1s");
    sandbox.proof_gate(&["run", "--repeat", "12"]).ends_with(0);
    let entry = entry(&sandbox).to_string();
    assert!(entry.contains("/full~2/") && !entry.contains("/full~12/"), "{entry}");
    let all = sandbox.common_dir().join("proof-gate/evidence");
    let folders = || fs::read_dir(&all).unwrap().map(|run| run.unwrap().path());
    assert_eq!(folders().filter(|run| run.join("full~12/log").is_file()).count(), 1);
    std::thread::sleep(std::time::Duration::from_millis(1200));
    sandbox.proof_gate(&["gc"]).ends_with(0).says("2 proofs' evidence");
    assert_eq!(folders().collect::<Vec<_>>(), [all.join("sha256")]);
    assert_eq!(fs::read_dir(all.join("sha256")).unwrap().count(), 0);
}

#[test]
fn gc_leaves_what_is_kept_and_takes_what_no_record_names_after_a_day() {
    let (sandbox, run) = shop_with_old_evidence("1h");
    let lost = run.with_file_name("1600000000000-0123abc-1");
    let young = run.with_file_name("1600000000000-0123abc-2");
    let users = run.with_file_name("incident-7");
    for folder in [&lost, &young, &users] {
        fs::create_dir_all(folder.join("full")).unwrap();
        fs::write(folder.join("full/log"), "words\n").unwrap();
    }
    for folder in [&lost, &users] {
        sandbox.sh(&format!("touch -d '2 days ago' '{}'", folder.display())).ends_with(0);
    }
    sandbox.proof_gate(&["gc"]).ends_with(0).says("evidence of 1600000000000-0123abc-1, of which no record tells");
    assert!(run.exists() && young.exists() && users.exists() && !lost.exists());
    for (name, path, digest, _) in evidence(&sandbox) {
        assert_eq!(sha256(&path), digest, "{name}");
    }
}

#[test]
fn evidence_that_was_altered_is_said_to_be() {
    let (sandbox, run) = shop_with_old_evidence("1h");
    fs::write(run.join("full/artifacts/out/a"), vec![1; 100_000]).unwrap();
    let shown = sandbox.proof_gate(&["show"]).ends_with(0).stdout;
    let altered: Vec<&str> = shown.lines().filter(|line| line.contains("altered")).collect();
    // Two names of one content.
    assert_eq!(altered.len(), 2, "{shown}");
    assert!(altered[0].contains("artifacts/out/a"), "{shown}");
    fs::remove_file(run.join("full/log")).unwrap();
    sandbox.proof_gate(&["show"]).ends_with(0).says("not here");
}

#[test]
fn every_run_of_a_repeated_suite_keeps_what_it_left_and_is_judged_by_it() {
    let sandbox = shop(
        "[{ paths = \"out/*\", forbid = [\"ERROR\"] }]",
        "mkdir out; echo run >>\"$SUITE_RUNS\"; [ \"$(wc -l <\"$SUITE_RUNS\")\" = 2 ] && echo ERROR >out/a || echo fine >out/a",
    );
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&policy.replace("[suites.full]", "[suites.full]\nenv = { pass = [\"SUITE_RUNS\"] }"));
    sandbox.commit("Count the runs");
    sandbox.proof_gate(&["run", "--repeat", "2"]).ends_with(1).says("TEST_FLAKY").says("ARTIFACT_UNEXPECTED");
    let entry = entry(&sandbox);
    let names: Vec<&str> =
        entry["evidence"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    for name in ["/full/artifacts/out/a", "/full~2/artifacts/out/a"] {
        assert!(names.iter().any(|found| found.ends_with(name)), "{name} is not among {names:?}");
    }
}

//! A suite that floods the gate with output: the verdict is right, the log bounded, the gate small.

use std::fs;

use crate::support::{SHOP_POLICY, Sandbox};

/// Memory of the gate, whatever a suite prints, in KiB.
const LIMIT: u64 = 64 << 10;

/// A run whose payment suite prints what a script prints; how it ended and what it said of that, the log, and the most memory that the
/// gate took, in KiB.
fn flooded(script: &str, code: i32, word: &str) -> (Vec<u8>, u64) {
    let sandbox = Sandbox::new();
    sandbox.with_policy(&SHOP_POLICY.replace("timeout = \"30s\"", "timeout = \"300s\""));
    let suite = fs::read_to_string(sandbox.shop().join("suite.sh")).unwrap();
    sandbox.write(
        "suite.sh",
        suite.replacen("passes=1", &format!("[ \"$1\" = payment ] && {{ {script}; }}\npasses=1"), 1),
    );
    sandbox.write("src/payments/charge.js", "charge more\n");
    sandbox.commit("Flood");
    // The gate says for itself how much memory it took at most: GNU time would be one tool more.
    let watch = "proof-gate run --suite payment & gate=$!; most=0; while kill -0 $gate 2>/dev/null; do \
                 now=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$gate/status 2>/dev/null); \
                 [ \"${now:-0}\" -gt $most ] && most=$now; sleep 0.05; done; wait $gate; code=$?; echo $most >../most; exit $code";
    sandbox.sh(watch).ends_with(code).says(word);
    let most = fs::read_to_string(sandbox.root().join("most")).unwrap().trim().parse().unwrap();
    let evidence = sandbox.git_dir().join("proof-gate/evidence");
    // Runs are named by their time; beside them lie the contents by their digests.
    let runs = fs::read_dir(evidence).unwrap().map(|entry| entry.unwrap().path());
    let newest = runs.filter(|path| !path.ends_with("sha256")).max().unwrap();
    (fs::read(newest.join("payment/log")).unwrap(), most)
}

#[track_caller]
fn check(script: &str) -> Vec<u8> {
    check_for(script, 0, "PASS")
}

#[track_caller]
fn check_for(script: &str, code: i32, word: &str) -> Vec<u8> {
    let (log, most) = flooded(script, code, word);
    assert!(log.len() < 20 << 20, "the log holds {} bytes", log.len());
    assert!(most > 0 && most < LIMIT, "the gate took {most} KiB");
    log
}

#[test]
fn a_gigabyte_without_a_line_end() {
    let log = check("head -c 1G /dev/zero | tr '\\0' x");
    assert!(String::from_utf8_lossy(&log).contains("bytes in 0 lines left out here]"));
}

#[test]
fn a_warning_in_the_middle_of_a_gigabyte_without_a_line_end() {
    let half = "head -c 512M /dev/zero | tr '\\0' x";
    let (_, quiet) = flooded("true", 0, "PASS");
    let (_, most) = flooded(&format!("{half}; printf 'MaxListenersExceededWarning: leak'; {half}"), 1, "(log:2)");
    assert!(
        most < quiet + (16 << 10),
        "the gate took {most} KiB where it took {quiet} KiB for a suite that prints little"
    );
}

#[test]
fn nuls_and_bytes_that_are_no_text() {
    check("head -c 64M /dev/zero; head -c 64M /dev/zero | tr '\\0' '\\377'");
}

#[test]
fn ten_million_lines() {
    let log = check("yes line | head -n 10000000");
    assert!(log.ends_with(b"line\n"));
}

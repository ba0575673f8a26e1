//! Files that a filter or an attribute changes: suites see what the commit means, or nothing is proven.

use std::fs;

use sha2::{Digest as _, Sha256};

use crate::support::{Fingerprint, Sandbox};

const NAMED: &str = "filters = [\"loud\"]\n";
const LFS: &str = "filters = [\"lfs\"]\n";

/// A shop with a file that the filter `loud` writes in capitals. git itself does not run it: the tests set it up afterwards.
fn loud(proof: &str) -> Sandbox {
    let sandbox = Sandbox::looking(proof, "cat sign.txt >\"$SEEN\"");
    sandbox.write("sign.txt", "open\n");
    sandbox.write(".gitattributes", "sign.txt filter=loud\n");
    sandbox.commit("Hang out a sign");
    sandbox
}

fn set_up(sandbox: &Sandbox, smudge: &str, clean: &str) {
    sandbox.git_ok(&["config", "--global", "filter.loud.smudge", smudge]);
    sandbox.git_ok(&["config", "--global", "filter.loud.clean", clean]);
}

#[test]
fn a_filter_that_the_policy_names_runs_with_the_users_commands() {
    let sandbox = loud(NAMED);
    set_up(&sandbox, "tr a-z A-Z", "tr A-Z a-z");
    let before = Fingerprint::of(&sandbox);
    assert_eq!(sandbox.looked(), "OPEN\n");
    assert_eq!(Fingerprint::of(&sandbox), before);
}

#[test]
fn what_a_filter_wrote_is_brought_back_before_the_next_suite() {
    let sandbox = Sandbox::looking(NAMED, "cat sign.txt >>\"$SEEN\"; echo gone >sign.txt");
    sandbox.write("sign.txt", "open\n");
    sandbox.write(".gitattributes", "sign.txt filter=loud\n");
    let policy = fs::read_to_string(sandbox.shop().join(".proofrc.toml")).unwrap();
    sandbox.with_policy(&format!("{policy}{}", policy[policy.find("[suites").unwrap()..].replace("full", "again")));
    sandbox.commit("Hang out a sign");
    set_up(&sandbox, "tr a-z A-Z", "tr A-Z a-z");
    sandbox.proof_gate(&["run"]);
    assert_eq!(fs::read_to_string(sandbox.root().join("seen")).unwrap(), "OPEN\nOPEN\n");
}

#[test]
fn a_filter_whose_way_back_leads_elsewhere_is_no_proof() {
    let sandbox = loud(NAMED);
    set_up(&sandbox, "tr a-z A-Z", "cat");
    sandbox.is_no_proof().says("sign.txt").says("does not lead back to what the commit holds");
}

#[test]
fn a_filter_that_fails_or_is_not_set_up_is_no_proof() {
    let sandbox = loud(NAMED);
    sandbox.is_no_proof().says("its filter 'loud' is not set up here").says("git config filter.loud.smudge");
    set_up(&sandbox, "false", "cat");
    sandbox.is_no_proof().says("cannot check out files that a filter or attribute changes");
}

#[test]
fn a_filter_that_the_policy_does_not_name_is_left_and_noted() {
    let sandbox = loud("");
    set_up(&sandbox, "tr a-z A-Z", "tr A-Z a-z");
    sandbox.proof_gate(&["run"]).ends_with(0).says("sign.txt: the filter 'loud' was not run");
    assert_eq!(sandbox.looked(), "open\n");
}

#[test]
fn line_ends_and_encodings_that_attributes_ask_for_are_written_and_held() {
    let script = "od -An -c till.txt wide.txt id.txt >\"$SEEN\"; git status --porcelain >>\"$SEEN\"";
    let sandbox = Sandbox::looking("", script);
    sandbox.write(
        ".gitattributes",
        "till.txt text eol=crlf\nwide.txt text working-tree-encoding=UTF-16LE\nid.txt ident\n",
    );
    sandbox.write("till.txt", "a\r\nb\r\n");
    sandbox.write("wide.txt", "w\0\n\0");
    sandbox.write("id.txt", "$Id$");
    sandbox.commit("Ask for line ends");
    let id = sandbox.id("HEAD:id.txt");
    let seen: String = sandbox.looked().split_whitespace().collect();
    assert_eq!(seen, format!("a\\r\\nb\\r\\nw\\0\\n\\0$Id:{id}$"));
}

// Large files.

/// A pointer to this content.
fn pointer(content: &str) -> (String, String) {
    let oid: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    (format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n", content.len()), oid)
}

/// A shop with a pointer in its tree, and with its content in the storage if that is said.
fn with_large_file(proof: &str, attributes: &str, stored: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::looking(proof, "cat hall.png >\"$SEEN\"");
    let (text, oid) = pointer("the hall");
    sandbox.write("hall.png", text);
    sandbox.write(".gitattributes", attributes);
    sandbox.commit("Show the hall");
    if let Some(content) = stored {
        let folder = sandbox.git_dir().join("lfs/objects").join(&oid[..2]).join(&oid[2..4]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(oid), content).unwrap();
    }
    sandbox
}

const LFS_ATTRIBUTES: &str = "*.png filter=lfs diff=lfs merge=lfs -text\n";

#[test]
fn a_large_file_is_filled_from_the_users_storage_without_any_program_of_its_own() {
    let sandbox = with_large_file(LFS, LFS_ATTRIBUTES, Some("the hall"));
    // A download would be a start of this.
    sandbox.git_ok(&["config", "--global", "filter.lfs.process", "false"]);
    assert_eq!(sandbox.looked(), "the hall");
}

#[test]
fn the_users_storage_may_lie_elsewhere() {
    let sandbox = with_large_file(LFS, LFS_ATTRIBUTES, Some("the hall"));
    fs::rename(sandbox.git_dir().join("lfs"), sandbox.root().join("storage")).unwrap();
    sandbox.is_no_proof().says("hall.png").says("git lfs fetch");
    sandbox.git_ok(&["config", "lfs.storage", sandbox.root().join("storage").to_str().unwrap()]);
    assert_eq!(sandbox.looked(), "the hall");
}

#[test]
fn a_large_file_that_is_not_here_or_damaged_is_no_proof() {
    let sandbox = with_large_file(LFS, LFS_ATTRIBUTES, None);
    sandbox.is_no_proof().says("cannot check out hall.png: its content is in LFS and not here").says("git lfs fetch");
    let sandbox = with_large_file(LFS, LFS_ATTRIBUTES, Some("the hell"));
    sandbox.is_no_proof().says("hall.png: its content in LFS is damaged");
}

#[test]
fn a_pointer_that_nobody_fills_is_a_finding_whatever_its_attributes_say() {
    for attributes in [LFS_ATTRIBUTES, ""] {
        let sandbox = with_large_file("", attributes, Some("the hall"));
        let ran = sandbox.proof_gate(&["run"]).ends_with(1);
        ran.says("POINTER_LEFT").says("hall.png holds a pointer in place of its content");
    }
}

#[test]
fn a_pointer_that_is_content_of_its_own_is_noted_once_lfs_is_named() {
    let sandbox = with_large_file(LFS, "", None);
    assert!(sandbox.looked().starts_with("version https://git-lfs"));
    sandbox.proof_gate(&["run"]).ends_with(0).says("hall.png is an LFS pointer that no attribute gives to LFS");
}

#[test]
fn what_only_looks_like_a_pointer_is_content() {
    let sandbox = Sandbox::looking("", "cat hall.png >\"$SEEN\"");
    sandbox.write("hall.png", "version https://git-lfs.github.com/spec/v1\nand so on\n");
    sandbox.commit("Quote the first line of a pointer");
    assert!(sandbox.looked().ends_with("and so on\n"));
}

//! The text of a hook: a few lines of sh that start the program or refuse.
//!
//! Deliberately absent: anything that decides. The shim must be right without ever being updated.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

use super::hook::Hook;

/// Where the program's path goes.
const PLACE: &str = "@PROGRAM@";

/// Every version of every hook has this in its second line, with its name behind.
const MARK: &str = "# proof-gate hook: ";

/// The hook that starts `program`.
pub fn render(hook: Hook, program: &Path) -> Vec<u8> {
    let (before, after) = hook.text().split_once(PLACE).expect("the hook's text has a place for the program");
    [before.as_bytes(), &quote(program.as_os_str().as_bytes()), after.as_bytes()].concat()
}

/// Whether a file was written by this program as this hook, in whichever version.
pub fn is_ours(hook: Hook, bytes: &[u8]) -> bool {
    let mark = format!("{MARK}{} ", hook.name());
    bytes.split(|byte| *byte == b'\n').nth(1).is_some_and(|line| line.starts_with(mark.as_bytes()))
}

/// How a hook that bears our mark stands to what would be written now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// To the byte, but for the program, which is this one.
    Whole(PathBuf),
    /// The same with comments, blank lines, or lines behind its end, which sh never comes to.
    Annotated(PathBuf),
    /// The beginning of it.
    CutShort,
    /// Anything else: changed by hand, or of another version.
    Changed,
}

/// Compares a hook with what would be written now.
pub fn compare(hook: Hook, bytes: &[u8]) -> Text {
    let (head, _) = hook.text().split_once(PLACE).expect("the hook's text has a place for the program");
    let ends_in_program = bytes.strip_prefix(head.as_bytes()).is_some_and(|rest| !rest.contains_str("'\n"));
    if ends_in_program || head.as_bytes().starts_with(bytes) {
        return Text::CutShort;
    }
    let Some(program) = program_of(hook, bytes) else { return Text::Changed };
    let now = render(hook, &program);
    if bytes == now {
        Text::Whole(program)
    } else if now.starts_with(bytes) {
        Text::CutShort
    } else if bytes.starts_with(b"#!/bin/sh\n") && read_by_sh(bytes) == read_by_sh(&now) {
        Text::Annotated(program)
    } else {
        Text::Changed
    }
}

/// The program that a hook of ours names.
fn program_of(hook: Hook, bytes: &[u8]) -> Option<PathBuf> {
    let (head, _) = hook.text().split_once(PLACE)?;
    let assignment = head.lines().last()?;
    let at = bytes.find(assignment)? + assignment.len();
    let mut rest = bytes[at..].strip_prefix(b"'")?;
    let mut program = Vec::new();
    loop {
        let (part, behind) = rest.split_once_str("'")?;
        program.extend_from_slice(part);
        match behind.strip_prefix(br"\''") {
            Some(more) => {
                program.push(b'\'');
                rest = more;
            }
            None => return Some(OsString::from_vec(program).into()),
        }
    }
}

/// The lines that sh reads: neither blank nor comments, up to the brace at which it ends. A comment behind a line that goes on is kept.
fn read_by_sh(bytes: &[u8]) -> Vec<&[u8]> {
    let mut read: Vec<&[u8]> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let goes_on = read.last().is_some_and(|last| last.ends_with(b"\\"));
        let says = line.trim_ascii_start();
        if goes_on || !(says.is_empty() || says.starts_with(b"#")) {
            read.push(line);
        }
        if line == b"}" {
            break;
        }
    }
    read
}

/// A word of sh that stands for exactly these bytes.
fn quote(bytes: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in bytes {
        match byte {
            b'\'' => quoted.extend_from_slice(br"'\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::hooks::testing::{executable, run};

    #[test]
    fn every_hook_is_short_plain_sh_that_ends_in_a_refusal() {
        for hook in Hook::ALL {
            let text = hook.text();
            assert!(text.starts_with("#!/bin/sh\n"));
            assert!(text.ends_with("\texit 1\n}\n"));
            assert!(text.lines().count() < 25);
            assert!(!text.contains('\r'));
            assert!(text.contains(&format!("exec \"$program\" hook {} \"$@\"\n", hook.name())));
            for other in Hook::ALL {
                assert_eq!(is_ours(other, &render(hook, Path::new("/bin/true"))), other == hook);
            }
            assert!(!is_ours(hook, b"#!/bin/sh\nexit 0\n"));
        }
    }

    #[test]
    fn a_hook_is_compared_with_what_would_be_written_now() {
        let program = Path::new("/opt/it's\nhere/proof-gate");
        for hook in Hook::ALL {
            let whole = render(hook, program);
            let text = String::from_utf8(whole.clone()).unwrap();
            let check = |text: &str, expected: &Text| assert_eq!(&compare(hook, text.as_bytes()), expected, "{text}");
            check(&text, &Text::Whole(program.to_owned()));
            check(&format!("{text}\n# ours\nexit 0\n"), &Text::Annotated(program.to_owned()));
            check(&text.replace("{\n", "{\n\n\t# kept by the team\n"), &Text::Annotated(program.to_owned()));
            for changed in [
                text.replace("{\n", "exit 0\n{\n"),
                text.replace("exit 1", "exit 0"),
                text.replace("/bin/sh", "/bin/bash"),
                text.replace("\\\n", "\\\n# in the midst of a list\n"),
                text.replace(&format!("hook: {} 1", hook.name()), "hook: 9").replace("exec", "eval"),
            ] {
                check(&changed, &Text::Changed);
            }
            for length in 0..whole.len() {
                assert_eq!(compare(hook, &whole[..length]), Text::CutShort, "{length}");
            }
        }
    }

    #[test]
    fn sh_reads_every_hook_without_complaint() {
        let folder = tempfile::tempdir().unwrap();
        for hook in Hook::ALL {
            let whole = render(hook, Path::new("/opt/it's here/proof-gate"));
            let file = executable(&folder.path().join(hook.name()), &whole);
            let (code, output) = run(Path::new("/bin/sh"), &[OsStr::new("-n"), file.as_os_str()], &[]);
            assert_eq!((code, output.as_str()), (0, ""));
        }
    }

    #[test]
    fn the_program_is_found_under_the_strangest_path() {
        let folder = tempfile::tempdir().unwrap();
        let strange = folder.path().join("it's \"a\" $(exit 9) `x` \\ &|;*\nnew line");
        std::fs::create_dir(&strange).unwrap();
        let program = executable(&strange.join("proof-gate"), b"#!/bin/sh\necho \"ran $*\"\nexit 7\n");
        check(&program, &[], 7, "ran hook pre-push origin ../r.git\n");
    }

    #[test]
    fn without_the_program_the_push_is_refused_and_the_mend_is_named() {
        for (hook, hint) in
            [(Hook::PrePush, "hint: install proof-gate again"), (Hook::PreReceive, "install proof-gate there")]
        {
            let (code, output) = fire(&render(hook, Path::new("/nowhere/proof-gate")), &[("PATH", "/nowhere")]);
            assert_eq!(code, 1);
            assert!(output.contains("push refused"), "{output}");
            assert!(output.contains(hint), "{output}");
        }
    }

    #[test]
    fn without_the_program_the_hook_that_stood_there_still_hears_what_was_received() {
        let folder = tempfile::tempdir().unwrap();
        let hook = executable(&folder.path().join("post-receive"), &render(Hook::PostReceive, Path::new("/nowhere")));
        for kept in ["post-receive.before-proof-gate", "before-proof-gate/post-receive"] {
            let kept = folder.path().join(kept);
            std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
            executable(&kept, b"echo \"heard $*\"\n");
            let (code, output) = run(&hook, &[OsStr::new("one"), OsStr::new("two words")], &[("PATH", "/nowhere")]);
            assert!(code == 0 && output.contains("heard one two words\n"), "{code}: {output}");
            std::fs::set_permissions(&kept, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
            assert_eq!(run(&hook, &[], &[("PATH", "/nowhere")]).0, 1, "git did not run it either");
        }
    }

    #[test]
    fn a_program_that_moved_is_found_in_the_path_and_in_the_home() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join(".cargo/bin");
        std::fs::create_dir_all(&bin).unwrap();
        executable(&bin.join("proof-gate"), b"#!/bin/sh\necho moved\nexit 5\n");
        let home = folder.path().to_str().unwrap();
        check(Path::new("/nowhere/proof-gate"), &[("PATH", "/nowhere"), ("HOME", home)], 5, "moved\n");
        check(Path::new("/nowhere/proof-gate"), &[("PATH", bin.to_str().unwrap())], 5, "moved\n");
    }

    #[test]
    fn a_program_that_is_a_folder_or_cannot_run_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("not-executable");
        std::fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
        let damaged = executable(&folder.path().join("damaged"), b"#!/nowhere/sh\n");
        for hook in Hook::ALL {
            for program in [folder.path(), &file] {
                assert_eq!(fire(&render(hook, program), &[("PATH", "/nowhere")]).0, 1);
            }
            assert_ne!(fire(&render(hook, &damaged), &[]).0, 0);
        }
    }

    #[test]
    fn the_hook_cut_short_within_its_braces_never_passes() {
        for hook in Hook::ALL {
            let whole = render(hook, Path::new("/bin/true"));
            let body = whole.windows(2).position(|two| two == b"{\n").unwrap();
            for length in (body + 2..whole.len() - 1).step_by(7) {
                let (code, output) = fire(&whole[..length], &[]);
                assert_ne!(code, 0, "cut at {length}: {output}");
            }
        }
    }

    fn check(program: &Path, variables: &[(&str, &str)], code: i32, output: &str) {
        assert_eq!(fire(&render(Hook::PrePush, program), variables), (code, output.to_owned()));
    }

    /// Runs a hook with these bytes as git does: its own file, the arguments of a push.
    fn fire(hook: &[u8], variables: &[(&str, &str)]) -> (i32, String) {
        let folder = tempfile::tempdir().unwrap();
        let hook = executable(&folder.path().join("pre-push"), hook);
        run(&hook, &[OsStr::new("origin"), OsStr::new("../r.git")], variables)
    }
}

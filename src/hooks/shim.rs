//! The text of the hook: a few lines of sh that start the program or refuse.
//!
//! Deliberately absent: anything that decides. The shim must be right without ever being updated.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use bstr::ByteSlice as _;

/// The hook as it is written, but for the program's path.
const PRE_PUSH: &str = include_str!("../../hooks/pre-push");

/// Where the program's path goes.
const PLACE: &str = "@PROGRAM@";

/// Every version of the hook has had this in its second line.
const MARK: &[u8] = b"# proof-gate hook: pre-push ";

/// The hook that starts `program`.
pub fn render(program: &Path) -> Vec<u8> {
    let (before, after) = PRE_PUSH.split_once(PLACE).expect("the hook's text has a place for the program");
    [before.as_bytes(), &quote(program.as_os_str().as_bytes()), after.as_bytes()].concat()
}

/// Whether a hook was written by this program, in whichever version.
pub fn is_ours(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').nth(1).is_some_and(|line| line.starts_with(MARK))
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
pub fn compare(bytes: &[u8]) -> Text {
    let (head, _) = PRE_PUSH.split_once(PLACE).expect("the hook's text has a place for the program");
    let ends_in_program = bytes.strip_prefix(head.as_bytes()).is_some_and(|rest| !rest.contains_str("'\n"));
    if ends_in_program || head.as_bytes().starts_with(bytes) {
        return Text::CutShort;
    }
    let Some(program) = program_of(bytes) else { return Text::Changed };
    let now = render(&program);
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
fn program_of(bytes: &[u8]) -> Option<PathBuf> {
    let (head, _) = PRE_PUSH.split_once(PLACE)?;
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
    fn the_hook_is_short_plain_sh() {
        assert!(PRE_PUSH.starts_with("#!/bin/sh\n"));
        assert!(PRE_PUSH.ends_with("\texit 1\n}\n"));
        assert!(PRE_PUSH.lines().count() < 25);
        assert!(!PRE_PUSH.contains('\r'));
        assert!(is_ours(&render(Path::new("/bin/true"))));
        assert!(!is_ours(b"#!/bin/sh\nexit 0\n"));
    }

    #[test]
    fn a_hook_is_compared_with_what_would_be_written_now() {
        let program = Path::new("/opt/it's\nhere/proof-gate");
        let whole = render(program);
        let text = String::from_utf8(whole.clone()).unwrap();
        check(&text, &Text::Whole(program.to_owned()));
        check(&format!("{text}\n# ours\nexit 0\n"), &Text::Annotated(program.to_owned()));
        check(&text.replace("{\n", "{\n\n\t# kept by the team\n"), &Text::Annotated(program.to_owned()));
        for changed in [
            text.replace("{\n", "exit 0\n{\n"),
            text.replace("exit 1", "exit 0"),
            text.replace("/bin/sh", "/bin/bash"),
            text.replace("\\\n", "\\\n# in the midst of a list\n"),
            text.replace("pre-push 1", "pre-push 9").replace("exec", "eval"),
        ] {
            check(&changed, &Text::Changed);
        }
        for length in 0..whole.len() {
            assert_eq!(compare(&whole[..length]), Text::CutShort, "{length}");
        }

        fn check(text: &str, expected: &Text) {
            assert_eq!(&compare(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn sh_reads_the_hook_without_complaint() {
        let folder = tempfile::tempdir().unwrap();
        let hook = executable(&folder.path().join("pre-push"), &render(Path::new("/opt/it's here/proof-gate")));
        let (code, output) = run(Path::new("/bin/sh"), &[OsStr::new("-n"), hook.as_os_str()], &[]);
        assert_eq!((code, output.as_str()), (0, ""));
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
        let (code, output) = fire(&render(Path::new("/nowhere/proof-gate")), &[("PATH", "/nowhere")]);
        assert_eq!(code, 1);
        assert!(output.contains("push refused"), "{output}");
        assert!(output.contains("hint: install proof-gate again"), "{output}");
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
        for program in [folder.path().to_owned(), {
            let file = folder.path().join("not-executable");
            std::fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
            file
        }] {
            assert_eq!(fire(&render(&program), &[("PATH", "/nowhere")]).0, 1);
        }
        let damaged = executable(&folder.path().join("damaged"), b"#!/nowhere/sh\n");
        assert_ne!(fire(&render(&damaged), &[]).0, 0);
    }

    #[test]
    fn the_hook_cut_short_within_its_braces_never_passes() {
        let program = PathBuf::from("/bin/true");
        let whole = render(&program);
        let body = whole.windows(2).position(|two| two == b"{\n").unwrap();
        for length in (body + 2..whole.len() - 1).step_by(7) {
            let (code, output) = fire(&whole[..length], &[]);
            assert_ne!(code, 0, "cut at {length}: {output}");
        }
    }

    fn check(program: &Path, variables: &[(&str, &str)], code: i32, output: &str) {
        assert_eq!(fire(&render(program), variables), (code, output.to_owned()));
    }

    /// Runs a hook with these bytes as git does: its own file, the arguments of a push.
    fn fire(hook: &[u8], variables: &[(&str, &str)]) -> (i32, String) {
        let folder = tempfile::tempdir().unwrap();
        let hook = executable(&folder.path().join("pre-push"), hook);
        run(&hook, &[OsStr::new("origin"), OsStr::new("../r.git")], variables)
    }
}

//! A command in a mount namespace of its own: what is mounted for it nobody else sees, and it is gone when the command ends.
//!
//! Deliberately absent: a way round. Where no namespace may be made the test fails and says what it needs.

use std::sync::OnceLock;

use super::{Ran, Sandbox};

/// How a script ends whose file systems could not be mounted. No program of the tests ends so.
const NOT_MOUNTED: i32 = 97;

/// How much is left of a file system before a command starts.
#[derive(Clone, Copy, Debug)]
pub enum Left {
    /// So many KiB, with files to spare.
    Kib(u32),
    /// So many files that can still be made, with bytes to spare.
    Files(u32),
}

impl Sandbox {
    /// A script of sh in the shop, after other lines of sh have mounted what it is to meet.
    #[track_caller]
    pub fn confined(&self, mounts: &str, script: &str) -> Ran {
        let whole = format!("trap 'exit {NOT_MOUNTED}' EXIT; set -e\n{mounts}\nset +e; trap - EXIT\n{script}");
        let output = self.command("unshare").args(namespace()).args(["sh", "-c", &whole]).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let ran =
            Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(ran.code != NOT_MOUNTED && !ran.stderr.starts_with("unshare:"), "{NEEDS}: {}", ran.stderr);
        ran
    }

    /// A script of sh in the shop, whose git directory lies on a file system of its own that is nearly full.
    /// What the script leaves there is there afterwards.
    #[track_caller]
    pub fn with_full_git_dir(&self, left: Left, script: &str) -> Ran {
        let fill = match left {
            Left::Kib(kib) => format!(
                "free=$(df -k --output=avail .git | tail -1); head -c $(((free - {kib}) * 1024)) /dev/zero >.git/filler/0"
            ),
            Left::Files(files) => format!(
                "free=$(df --output=iavail .git | tail -1)\n\
                 while [ $free -gt {files} ]; do free=$((free - 1)); : >.git/filler/$free; done"
            ),
        };
        self.confined(
            &format!(
                "mkdir ../small; mount -t tmpfs -o size=4m,nr_inodes=300,mode=0755 tmpfs ../small; cp -a .git/. ../small/\n\
                 mount --bind ../small .git; mkdir .git/filler; {fill}"
            ),
            &format!(
                "({script}); code=$?; rm -r .git/filler; umount -l .git; find .git -mindepth 1 -delete; cp -a ../small/. .git/\n\
                 umount -l ../small; rmdir ../small; exit $code"
            ),
        )
    }
}

const NEEDS: &str = "this test mounts file systems in a namespace of its own: it needs root with CAP_SYS_ADMIN, or user namespaces \
                     (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)";

/// The options of `unshare` by which this user may mount.
fn namespace() -> &'static [&'static str] {
    static NAMESPACE: OnceLock<&[&str]> = OnceLock::new();
    NAMESPACE.get_or_init(|| {
        let direct: &[&str] = &["--mount"];
        let tried = std::process::Command::new("unshare").args(direct).arg("true").output();
        if tried.is_ok_and(|tried| tried.status.success()) { direct } else { &["--user", "--map-root-user", "--mount"] }
    })
}

//! A shop whose one suite is a script of the test's own, which notes what it sees beside the repository.

use std::fs;

use crate::support::{Ran, SCRIPT_POLICY, Sandbox};

impl Sandbox {
    /// A shop whose suite is this script, with lines more in `[proof]`; what it writes to `$SEEN` is read by [`looked`](Self::looked). The
    /// hook is not installed and nothing is committed.
    pub(super) fn looking(proof: &str, script: &str) -> Self {
        let mut sandbox = Sandbox::new();
        let seen = sandbox.root().join("seen");
        sandbox.set("SEEN", seen.to_str().unwrap());
        let proof = format!("[proof]\nenv = {{ pass = [\"SEEN\"] }}\n{proof}");
        sandbox.with_policy(&SCRIPT_POLICY.replace("[proof]\n", &proof));
        sandbox.write("suite.sh", format!("set -e\n{script}\n"));
        sandbox
    }

    /// Proves `HEAD` and gives back what the suite saw.
    #[track_caller]
    pub(super) fn looked(&self) -> String {
        self.proof_gate(&["run"]).ends_with(0);
        fs::read_to_string(self.root().join("seen")).unwrap()
    }

    /// No proof can be made of `HEAD`, and no suite ran.
    #[track_caller]
    pub(super) fn is_no_proof(&self) -> Ran {
        let ran = self.proof_gate(&["run"]).ends_with(2);
        assert!(!self.root().join("seen").exists(), "{}", ran.stderr);
        ran
    }
}

//! Making evidence: a clean workspace, the suites' processes, their logs and reports. Knows no verdict.

pub mod process;

//! What a suite's run told: its report, and the warnings in all that it printed.

use std::path::Path;

use super::super::{SuiteJob, SuiteRun};
use crate::evidence::{Listener, OwnWords, WARNINGS_FILE};

/// Reads the report, which lies at `report`, and the file of node's warnings in the folder that the suite knew, as they came: before
/// secrets are masked in them. `heard` listened to the output.
pub(super) fn note(run: &mut SuiteRun, suite: &SuiteJob, report: &Path, folder: &Path, heard: Option<Listener>) {
    let mut heard = heard.unwrap_or_else(|| suite.warnings.listen());
    let told = (suite.read)(report, run.started_system, &mut |lines| heard.report(lines));
    run.told = told.relative_to(&run.folder);
    heard.read_warnings(&folder.join(WARNINGS_FILE));
    let own = OwnWords::new(&run.argv, &run.told);
    let noticed = heard.finish(&run.folder, own);
    run.noticed.extend(noticed);
}

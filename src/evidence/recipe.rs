//! How a suite's command is made to write its report to the file that the gate reads.
//!
//! Nothing is run here, and no script is opened: a recipe is variables, arguments and files, made from the suite's argv alone. What each runner
//! needs stands with the reader of its reports.

use std::path::Path;

/// The name of the file beside the report that node loads to note its warnings.
pub const NODE_PRELOAD: &str = "warnings.cjs";

/// What is added to a suite's command so that it writes the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// Environment variables. One that is set already is kept in front, with a blank between.
    pub variables: Vec<(String, String)>,
    /// Arguments to put into argv.
    pub args: Vec<String>,
    /// How many words of argv stand before them; none where all do.
    pub at: Option<usize>,
    /// Files to lay beside the report before the run: names and contents.
    pub beside: Vec<(&'static str, &'static str)>,
    /// Where the report comes from.
    pub from: ReportFrom,
}

impl Recipe {
    /// `argv` with the arguments in their place.
    pub fn complete(&self, argv: &[String]) -> Vec<String> {
        let (before, behind) = argv.split_at(self.at.unwrap_or(argv.len()).min(argv.len()));
        [before, &self.args, behind].concat()
    }
}

/// Where a report comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportFrom {
    /// The runner writes the file.
    #[default]
    File,
    /// What the command prints on its standard output is the report.
    Stdout,
}

/// `argv` with `{report}` replaced by the report's path, wherever it stands.
pub fn fill_in(argv: &[String], report_file: &Path) -> Vec<String> {
    argv.iter().map(|argument| argument.replace("{report}", &report_file.to_string_lossy())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_s_path_is_filled_in_wherever_it_is_asked_for() {
        let argv = ["pytest", "--junitxml={report}", "{report}"].map(str::to_owned);
        assert_eq!(fill_in(&argv, Path::new("/run/report")), ["pytest", "--junitxml=/run/report", "/run/report"]);
    }
}

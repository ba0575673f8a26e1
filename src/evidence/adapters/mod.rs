//! The readers of reports, one file a format.
//!
//! An adapter sees bytes and gives a [`TestReport`], or says in one line why the bytes are none. It believes a report's
//! bad news and checks its good news: what it does not know is a failure, and what is cut short is refused.

mod junit_xml;
mod mocha_json;

use super::report::{ReportEvidence, TestReport};
use super::text;
use crate::judge::Code;
use crate::policy::{Adapter, Report};

/// Why bytes are no report of the format.
struct Malformed(String);

impl Malformed {
    fn new(detail: impl std::fmt::Display) -> Self {
        Malformed(text::headline(&detail.to_string()))
    }
}

/// Reads the bytes of a report. Pure, and never panics whatever the bytes are.
pub fn parse_report(report: Report, bytes: &[u8]) -> ReportEvidence {
    let parsed = match report.adapter {
        Adapter::ExitCode => return ReportEvidence::NotAsked,
        _ if is_blank(bytes) => {
            let detail = if bytes.is_empty() { "the report is empty" } else { "the report is blank" };
            return ReportEvidence::Unusable { code: Code::ReportEmpty, detail: detail.to_owned() };
        }
        Adapter::MochaJson => mocha_json::parse(bytes),
        Adapter::JunitXml => junit_xml::parse(bytes, report.flavor),
        Adapter::PlaywrightJson
        | Adapter::VitestJson
        | Adapter::JestJson
        | Adapter::Ctrf
        | Adapter::GoJson
        | Adapter::NodeTest
        | Adapter::Tap => Err(Malformed("this version of proof-gate has no reader for the suite's report".to_owned())),
    };
    match parsed {
        Ok(report) => ReportEvidence::Read(report),
        Err(Malformed(detail)) => ReportEvidence::malformed(detail),
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

/// What the adapters give: the report, or why there is none.
type Parsed = Result<TestReport, Malformed>;

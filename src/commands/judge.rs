//! `judge`: what the gate makes of a report file. Runs and records nothing.

use super::judging::count_words;
use super::output::JudgeOutput;
use super::refusal::finding_line;
use crate::cli;
use crate::error::{Context as _, Error, Exit, Result};
use crate::evidence;
use crate::judge::{self, Word};
use crate::policy::{Adapter, Report};
use crate::reporter::{Line, Reporter, Tone};

/// Judges a report file.
pub fn judge(args: &cli::Judge, reporter: &Reporter) -> Result<Exit> {
    if args.flavor.is_some() && args.adapter != Adapter::JunitXml {
        return Err(Error::new("cannot use --flavor: only junit-xml has dialects").ending(Exit::Usage));
    }
    let metadata = std::fs::metadata(&args.file).map_err(|error| {
        Error::new(format!("cannot read {}: {error}", args.file.display()))
            .hint("name a report file; 'proof-gate show' names those that proofs have left")
    })?;
    if !metadata.is_file() {
        return Err(Error::new(format!("cannot read {}: it is no regular file", args.file.display())));
    }
    if metadata.len() > evidence::MAX_REPORT_BYTES {
        return Err(Error::new(format!("cannot read {}: it is larger than a report may be", args.file.display())));
    }
    let bytes = std::fs::read(&args.file).context(format!("cannot read {}", args.file.display()))?;
    let judged = judge::judge_file(&bytes, Report { adapter: args.adapter, flavor: args.flavor }, args.exit);
    let word = judged.verdict.word();
    if args.json {
        reporter.json(&JudgeOutput {
            format: "proof-gate.judge/1",
            adapter: args.adapter.as_str(),
            verdict: word,
            counts: judged.counts,
            findings: judged.verdict.findings().into_iter().cloned().collect(),
            notes: judged.notes,
        })?;
    } else {
        let tone = if word == Word::Pass { Tone::Good } else { Tone::Bad };
        let mut lines = vec![Line::new().tone(tone, word.as_str()).text("  ").data(count_words(&judged.counts))];
        lines
            .extend(judged.verdict.findings().into_iter().map(|finding| finding_line(Line::new().text("  "), finding)));
        lines.extend(judged.notes.iter().map(|note| Line::new().text("  note  ").data(note)));
        reporter.data(&lines)?;
    }
    Ok(if word == Word::Pass { Exit::Allowed } else { Exit::Refused })
}

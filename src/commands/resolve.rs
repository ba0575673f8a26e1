//! `resolve`: documents why a FAIL came from outside the inputs.

use jiff::Timestamp;

use super::assess::{Standing, Wanted};
use super::ground::{Ground, signing};
use super::statement;
use crate::caller::Caller;
use crate::cli;
use crate::error::{Error, Exit, Result};
use crate::git::Repository;
use crate::records::{Body, Log, Resolution};
use crate::reporter::{Line, Reporter};

/// Records a cause for each suite that is meant.
pub fn resolve(caller: &Caller, repository: &Repository, args: &cli::Resolve, reporter: &Reporter) -> Result<Exit> {
    let cause = args.cause.trim();
    if cause.is_empty() {
        return Err(Error::new("cannot resolve: the cause is blank")
            .ending(Exit::Usage)
            .hint("say what outside the inputs failed"));
    }
    let ground = Ground::read(caller, repository)?;
    let failed = ground.records.by_prefix(&args.record)?;
    let suites = ground.records.resolvable(failed.id(), args.suite.as_deref())?;
    let commit = failed.statement().subject().digest.git_commit;
    let (subject, is_tag) = ground.find(&commit.to_string())?;
    let assessment = ground.assess(subject, Wanted::deploy(is_tag, Standing::Ignored))?;
    let log = Log::open(repository, signing(&assessment.policy.policy))?;
    for suite in suites {
        let now = Timestamp::now();
        let body = Body::Resolve(Resolution { record: failed.id(), suite: suite.clone(), cause: cause.to_owned() });
        let recorded =
            log.append(statement::draft(&ground, &assessment, crate::prove::has_terminal(), now, now, body)?)?;
        let line =
            Line::new().text("proof-gate: recorded as ").data(recorded.id().short()).text(": the FAIL of ").data(suite);
        reporter.say(&line.text(" in ").data(failed.id().short()).text(" is explained"));
    }
    let next = Line::new().text("  next:    proof-gate run ").data(commit.short());
    reporter.say(&next.text("  (runs it three times; the PASS before does not count)"));
    Ok(Exit::Allowed)
}

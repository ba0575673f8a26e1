//! `approve-policy`: records a change of the policy file with its reason.

use jiff::Timestamp;

use super::assess::{Standing, Wanted};
use super::ground::{Ground, signing};
use super::{plan, statement};
use crate::caller::Caller;
use crate::cli;
use crate::error::{Error, Exit, Result};
use crate::git::Repository;
use crate::records::{Body, Log, PolicyApproval, Signatures, Signing};
use crate::reporter::{Line, Reporter};

/// Approves what a revision's policy weakens.
pub fn approve(
    caller: &Caller,
    repository: &Repository,
    args: &cli::ApprovePolicy,
    reporter: &Reporter,
) -> Result<Exit> {
    let why = args.message.trim();
    if why.is_empty() {
        return Err(Error::new("cannot approve: the reason is blank")
            .ending(Exit::Usage)
            .hint("-m says why the change is right"));
    }
    let ground = Ground::read(caller, repository)?;
    let (subject, is_tag) = ground.find(&args.rev)?;
    let mut wanted = Wanted::deploy(is_tag, Standing::Ignored);
    if let Some(revision) = &args.replacing {
        wanted.replaced = Some(ground.find(revision)?.0.commit);
    }
    let assessment = ground.assess(subject, wanted)?;
    let open: Vec<_> =
        assessment.approvals.iter().filter(|(_, approved)| !approved).map(|(needed, _)| needed).collect();
    if open.is_empty() {
        let said = if assessment.approvals.is_empty() {
            ": its policy needs no approval"
        } else {
            ": its policy is approved already"
        };
        reporter.say(
            &Line::new()
                .text("proof-gate: nothing to approve in ")
                .data(assessment.subject.commit.id.short())
                .text(said),
        );
        return Ok(Exit::Allowed);
    }
    reporter.say_all(&plan::approvals(&ground, &assessment)?);
    // Where one of the two policies wants it signed, an approval that is not would count for nothing.
    let signing = match ground.signatures_of_approvals(&assessment.policy, &assessment.compared) {
        Signatures::Required => Signing::Always,
        Signatures::Any => signing(&assessment.policy.policy),
    };
    let log = Log::open(repository, signing)?;
    for needed in open {
        let now = Timestamp::now();
        let body = Body::Policy(PolicyApproval { from: needed.from, to: needed.to, why: why.to_owned() });
        let recorded =
            log.append(statement::draft(&ground, &assessment, crate::prove::has_terminal(), now, now, body)?)?;
        reporter.say(
            &Line::new().text("proof-gate: approval recorded as ").data(recorded.id().short()).text(": ").data(why),
        );
    }
    Ok(Exit::Allowed)
}

//! One line where a hook was taken away or would not fire, for every command after which a push is to be expected.

use crate::caller::Caller;
use crate::error::Result;
use crate::git::Repository;
use crate::hooks::{self, Effect, Hook, Look};
use crate::reporter::{Line, Reporter, Tone};

/// Says it, unless the gate is asked, and tells what a push would meet. What keeps from looking is said too, and is no error: what was
/// to be done is done.
pub fn say(caller: &Caller, repository: &Repository, reporter: &Reporter) -> Effect {
    let line = Line::new();
    let (effect, line) = match first_trouble(caller, repository) {
        Ok(None) => return Effect::Gated,
        Ok(Some((hook, effect, trouble))) => {
            let line = match (effect, hook) {
                (Effect::Gated, _) => return effect,
                (Effect::Open, Hook::PrePush) => {
                    line.tone(Tone::Bad, "not gated").text(": ").text(trouble).text("; pushes go out unproven")
                }
                (Effect::Open, Hook::PreReceive) => {
                    line.tone(Tone::Bad, "not gated").text(": ").text(trouble).text("; pushes come in unchecked")
                }
                (Effect::Open, Hook::PostReceive) => line
                    .tone(Tone::Doubt, "not noted")
                    .text(": ")
                    .text(trouble)
                    .text("; nobody notes what was received"),
                (Effect::Unknown, _) => line.tone(Tone::Doubt, "perhaps not gated").text(": ").text(trouble),
                (Effect::Stuck, Hook::PrePush) => line.tone(Tone::Bad, "no push goes out").text(": ").text(trouble),
                (Effect::Stuck, _) => line.tone(Tone::Bad, "no push comes in").text(": ").text(trouble),
            };
            (effect, line)
        }
        Err(error) => (Effect::Unknown, line.tone(Tone::Doubt, "perhaps not gated").text(": ").data(&error.message)),
    };
    reporter.say(&line.text(". Mend: proof-gate doctor"));
    effect
}

/// The first hook with which something is wrong, of those that are to be expected here.
fn first_trouble(caller: &Caller, repository: &Repository) -> Result<Option<(Hook, Effect, &'static str)>> {
    for hook in hooks::sides(repository)?.into_iter().flat_map(hooks::Side::hooks) {
        let look = hooks::look(repository, *hook)?;
        if let Some((effect, trouble)) = trouble(caller, repository, &look) {
            return Ok(Some((*hook, effect, trouble)));
        }
    }
    Ok(None)
}

/// What is wrong with the hook. One that is ours and starts another program than this one is asked, which takes a run of it.
fn trouble(caller: &Caller, repository: &Repository, look: &Look) -> Option<(Effect, &'static str)> {
    if let Some(trouble) = look.state.trouble() {
        return Some((look.state.effect(), trouble));
    }
    let named = look.program.as_ref().filter(|named| hooks::is_runnable(named))?;
    let answers = hooks::is_same_program(named, &caller.program) || hooks::fire(repository, look.which).is_ok();
    (!answers).then_some((Effect::Open, "the program that the hook starts does not answer as proof-gate"))
}

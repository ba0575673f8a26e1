//! One line where the hook was taken away or would not fire, for every command after which a push is to be expected.

use crate::caller::Caller;
use crate::git::Repository;
use crate::hooks::{self, Effect, Look};
use crate::reporter::{Line, Reporter, Tone};

/// Says it, unless the gate is asked, and tells what a push would meet. What keeps from looking is said too, and is no error: what was
/// to be done is done.
pub fn say(caller: &Caller, repository: &Repository, reporter: &Reporter) -> Effect {
    let line = Line::new();
    let (effect, line) = match hooks::look(repository) {
        Ok(look) => {
            let Some((effect, trouble)) = trouble(caller, repository, &look) else { return Effect::Gated };
            let line = match effect {
                Effect::Gated => return effect,
                Effect::Open => {
                    line.tone(Tone::Bad, "not gated").text(": ").text(trouble).text("; pushes go out unproven")
                }
                Effect::Unknown => line.tone(Tone::Doubt, "perhaps not gated").text(": ").text(trouble),
                Effect::Stuck => line.tone(Tone::Bad, "no push goes out").text(": ").text(trouble),
            };
            (effect, line)
        }
        Err(error) => (Effect::Unknown, line.tone(Tone::Doubt, "perhaps not gated").text(": ").data(&error.message)),
    };
    reporter.say(&line.text(". Mend: proof-gate doctor"));
    effect
}

/// What is wrong with the hook. One that is ours and starts another program than this one is asked, which takes a run of it.
fn trouble(caller: &Caller, repository: &Repository, look: &Look) -> Option<(Effect, &'static str)> {
    if let Some(trouble) = look.state.trouble() {
        return Some((look.state.effect(), trouble));
    }
    let named = look.program.as_ref().filter(|named| hooks::is_runnable(named))?;
    let answers = hooks::is_same_program(named, &caller.program) || hooks::fire(repository).is_ok();
    (!answers).then_some((Effect::Open, "the program that the hook starts does not answer as proof-gate"))
}

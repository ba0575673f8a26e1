//! One line where the hook was taken away or would not fire, for every command after which a push is to be expected.

use crate::git::Repository;
use crate::hooks::{self, Effect};
use crate::reporter::{Line, Reporter, Tone};

/// Says it, unless the gate is asked. What keeps from looking is said too, and is no error: what was to be done is done.
pub fn say(repository: &Repository, reporter: &Reporter) {
    let line = Line::new();
    let line = match hooks::state(repository) {
        Ok(state) => {
            let Some(trouble) = state.trouble() else { return };
            match state.effect() {
                Effect::Gated => return,
                Effect::Open => {
                    line.tone(Tone::Bad, "not gated").text(": ").text(trouble).text("; pushes go out unproven")
                }
                Effect::Unknown => line.tone(Tone::Doubt, "perhaps not gated").text(": ").text(trouble),
                Effect::Stuck => line.tone(Tone::Bad, "no push goes out").text(": ").text(trouble),
            }
        }
        Err(error) => line.tone(Tone::Doubt, "perhaps not gated").text(": ").data(&error.message),
    };
    reporter.say(&line.text(". Mend: proof-gate doctor"));
}

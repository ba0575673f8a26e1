//! One line where the hook was taken away or would not fire, for every command after which a push is to be expected.

use crate::error::Result;
use crate::git::Repository;
use crate::hooks::{self, Effect};
use crate::reporter::{Line, Reporter, Tone};

/// Says it, unless the gate is asked.
pub fn say(repository: &Repository, reporter: &Reporter) -> Result<()> {
    let state = hooks::state(repository)?;
    let Some(trouble) = state.trouble() else { return Ok(()) };
    let line = Line::new();
    let line = match state.effect() {
        Effect::Gated => return Ok(()),
        Effect::Open => line.tone(Tone::Bad, "not gated").text(": ").text(trouble).text("; pushes go out unproven"),
        Effect::Unknown => line.tone(Tone::Doubt, "perhaps not gated").text(": ").text(trouble),
        Effect::Stuck => line.tone(Tone::Bad, "no push goes out").text(": ").text(trouble),
    };
    reporter.say(&line.text(". Mend: proof-gate doctor"));
    Ok(())
}

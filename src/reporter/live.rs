//! What is running now: one live line on a terminal, plain lines with a heartbeat elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Reporter;
use super::escape::shown;
use super::line::{Line, Tone};
use super::words::span;

/// Without a terminal a line says this often that a suite is still running.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// When the last sign of life was given.
#[derive(Debug, Default)]
pub(super) struct Heartbeat {
    last: Duration,
}

pub(super) fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template("{wide_msg}").expect("the template is constant"));
    bar
}

/// A suite while it runs.
pub struct Running<'a> {
    /// The suite's name, or the step's.
    pub name: &'a str,
    /// Since it was started.
    pub elapsed: Duration,
    /// How long it took the last time.
    pub last_time: Option<Duration>,
    /// The last line that it printed.
    pub last_line: &'a [u8],
}

impl Reporter {
    /// A suite or step starts: a line where there is no terminal.
    pub fn started(&mut self, name: &str, last_time: Option<Duration>) {
        self.heartbeat.last = Duration::ZERO;
        if self.live.is_some() {
            return self.running(&Running { name, elapsed: Duration::ZERO, last_time, last_line: b"" });
        }
        let line = Line::new().text("  running  ").data_in(Tone::Strong, name);
        self.say(&match last_time {
            Some(last) => line.text("  last time ").data(span(last)),
            None => line,
        });
    }

    /// A command beside the suites starts: shown on the live line only.
    pub fn step(&mut self, what: &str, command: &str) {
        if let Some(bar) = &self.live {
            bar.set_message(format!("  {what}  {}", shown(command)));
            bar.tick();
        }
    }

    /// A suite is running.
    pub fn running(&mut self, running: &Running<'_>) {
        let Some(bar) = &self.live else {
            if running.elapsed.saturating_sub(self.heartbeat.last) >= HEARTBEAT {
                self.heartbeat.last = running.elapsed;
                let line = Line::new().text("  running  ").data_in(Tone::Strong, running.name).text("  ");
                self.say(&line.data(span(running.elapsed)).text(" so far"));
            }
            return;
        };
        let mut message = format!("  running  {}  {}", shown(running.name), span(running.elapsed));
        if let Some(last) = running.last_time {
            message.push_str(&format!(" (last time {})", span(last)));
        }
        if !running.last_line.is_empty() {
            message.push_str("  ");
            message.push_str(&shown(running.last_line));
        }
        bar.set_message(message);
        bar.tick();
    }

    /// Nothing is running any more: the live line goes away.
    pub fn settled(&mut self) {
        if let Some(bar) = &self.live {
            bar.set_message("");
            bar.finish_and_clear();
            self.live = Some(super::live::bar());
        }
    }
}

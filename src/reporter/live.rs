//! What is running now: a live line for each suite on a terminal, plain lines with a heartbeat elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Reporter;
use super::escape::shown;
use super::line::{Line, Tone};
use super::words::span;

/// Without a terminal a line says this often that a suite is still running.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The last sign of life of each suite, by its own time.
pub(super) type Heartbeats = BTreeMap<String, Duration>;

/// The live lines of a terminal, in the order in which they came.
pub(super) struct Live {
    all: MultiProgress,
    suites: Vec<(String, ProgressBar)>,
    /// The command beside the suites that was started last.
    step: Option<ProgressBar>,
}

impl Live {
    pub(super) fn on_stderr() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Live { all, suites: Vec::new(), step: None }
    }

    /// Writes while no live line is in the way; the next sign of life draws them again.
    ///
    /// Not `MultiProgress::suspend`: that panics where the terminal has gone away meanwhile.
    pub(super) fn suspend(&self, write: impl FnOnce()) {
        drop(self.all.clear());
        write();
    }

    fn bar(&self) -> ProgressBar {
        let style = ProgressStyle::with_template("{wide_msg}").expect("the template is constant");
        self.all.add(ProgressBar::no_length().with_style(style))
    }

    fn suite(&mut self, name: &str) -> &ProgressBar {
        let place = self.suites.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.suites.push((name.to_owned(), self.bar()));
            self.suites.len() - 1
        });
        &self.suites[place].1
    }

    fn remove(&mut self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.all.remove(bar);
    }

    fn suite_ended(&mut self, name: &str) {
        if let Some(place) = self.suites.iter().position(|(known, _)| known == name) {
            let (_, bar) = self.suites.remove(place);
            self.remove(&bar);
        }
    }

    fn clear_step(&mut self) {
        if let Some(bar) = self.step.take() {
            self.remove(&bar);
        }
    }
}

/// A suite while it runs.
pub struct Running<'a> {
    /// The suite's name.
    pub name: &'a str,
    /// Since it was started.
    pub elapsed: Duration,
    /// How long it took the last time.
    pub last_time: Option<Duration>,
    /// The last line that it printed.
    pub last_line: &'a [u8],
}

impl Reporter {
    /// A suite starts: a line where there is no terminal.
    pub fn started(&mut self, name: &str, last_time: Option<Duration>) {
        if let Some(live) = &mut self.live {
            live.clear_step();
            return self.running(&Running { name, elapsed: Duration::ZERO, last_time, last_line: b"" });
        }
        self.heartbeats.insert(name.to_owned(), Duration::ZERO);
        let line = Line::new().text("  running  ").data_in(Tone::Strong, name);
        self.say(&match last_time {
            Some(last) => line.text("  last time ").data(span(last)),
            None => line,
        });
    }

    /// A command beside the suites starts: shown on the live line only.
    pub fn step(&mut self, what: &str, command: &str) {
        if let Some(live) = &mut self.live {
            let bar = match live.step.take() {
                Some(bar) => bar,
                None => live.bar(),
            };
            bar.set_message(format!("  {what:<9}{}", shown(command)));
            bar.tick();
            live.step = Some(bar);
        }
    }

    /// A suite is running.
    pub fn running(&mut self, running: &Running<'_>) {
        let Some(live) = &mut self.live else {
            let last = self.heartbeats.entry(running.name.to_owned()).or_default();
            if running.elapsed.saturating_sub(*last) >= HEARTBEAT {
                *last = running.elapsed;
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
        let bar = live.suite(running.name);
        bar.set_message(message);
        bar.tick();
    }

    /// A suite is running no more: its live line goes away.
    pub fn ended(&mut self, name: &str) {
        self.heartbeats.remove(name);
        if let Some(live) = &mut self.live {
            live.suite_ended(name);
        }
    }

    /// The user asked to stop. Said once; from then on nothing is drawn: the screen may be somebody else's already, a shell's whose git died.
    pub fn interrupted(&mut self) {
        if !self.is_interrupted {
            self.is_interrupted = true;
            self.settled();
            self.live = None;
            self.say(&Line::new().text("interrupted: ending the suites"));
        }
    }

    /// Nothing is running any more: every live line goes away.
    pub fn settled(&mut self) {
        self.heartbeats.clear();
        if let Some(live) = &mut self.live {
            live.clear_step();
            while let Some((name, _)) = live.suites.last().cloned() {
                live.suite_ended(&name);
            }
        }
    }
}

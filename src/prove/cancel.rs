//! Whether the user asked to stop. Polled by whatever waits; it stops nothing by itself.

use std::array;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, getppid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::error::{Context as _, Result};

/// The signals that ask to stop. They are counted apart: on one Ctrl-C git dies, and who started git may then send a TERM.
const SIGNALS: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Who asks beside the signals: this program itself, and a parent that is gone.
const OWN: usize = SIGNALS.len();
const PARENT: usize = OWN + 1;
const SOURCES: usize = PARENT + 1;

/// How long what runs may take to end once the parent is gone: on Ctrl-C git dies at once, and nobody can ask a second time.
pub(super) const GRACE_WITHOUT_PARENT: Duration = Duration::from_secs(1);

/// A wish to stop, from a signal, a dead parent or the program itself. Clones share it.
#[derive(Clone, Debug)]
pub struct Cancel {
    sources: Arc<[Source; SOURCES]>,
    parent: Option<Parent>,
    forgiven: [usize; SOURCES],
}

#[derive(Debug, Default)]
struct Source {
    raised: Arc<AtomicBool>,
    seen: AtomicUsize,
    first: OnceLock<Instant>,
}

/// The process that started this one: git, for its hook.
///
/// Its death is looked for, not signalled by the kernel: `PR_SET_PDEATHSIG` fires when the *thread* ends that started the hook, and hook
/// managers end threads while their hooks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent(Option<Pid>);

impl Parent {
    /// Whoever it is now.
    pub fn now() -> Self {
        Parent(getppid())
    }

    fn is_gone(self) -> bool {
        getppid() != self.0
    }
}

impl Cancel {
    /// Hears INT, TERM, HUP and QUIT from now on; they no longer end the process by themselves.
    ///
    /// The process has one such wish: who asks for it again hears what was asked before, too.
    pub fn on_signals() -> Result<Self> {
        static HEARD: OnceLock<Cancel> = OnceLock::new();
        if let Some(heard) = HEARD.get() {
            return Ok(heard.clone());
        }
        let cancel = Self::never();
        for (signal, source) in SIGNALS.into_iter().zip(cancel.sources.iter()) {
            signal_hook::flag::register(signal, Arc::clone(&source.raised)).context("cannot listen for signals")?;
        }
        Ok(HEARD.get_or_init(|| cancel).clone())
    }

    /// Hears no signal; only [`raise`](Self::raise) sets it.
    pub fn never() -> Self {
        Cancel { sources: Arc::new(array::from_fn(|_| Source::default())), parent: None, forgiven: [0; SOURCES] }
    }

    /// The same, and the parent's death is a wish to stop too.
    pub fn or_without(self, parent: Option<Parent>) -> Self {
        Cancel { parent, ..self }
    }

    /// Asks to stop.
    pub fn raise(&self) {
        self.sources[OWN].raised.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked to stop.
    pub fn is_raised(&self) -> bool {
        self.unforgiven().any(|count| count > 0)
    }

    /// Whether somebody asked again after the first time was heard, in the same way, or the parent is gone for a moment already: nothing is
    /// waited for any more.
    pub fn is_urgent(&self) -> bool {
        let mut unforgiven = self.unforgiven();
        unforgiven.any(|count| count > 1) || self.forgiven[PARENT] == 0 && self.is_orphaned_for(GRACE_WITHOUT_PARENT)
    }

    /// Whether the parent is gone, so that nobody can ask again.
    pub fn is_orphaned(&self) -> bool {
        self.is_orphaned_for(Duration::ZERO)
    }

    fn is_orphaned_for(&self, time: Duration) -> bool {
        self.counts()[PARENT] > 0 && self.sources[PARENT].first.get().is_some_and(|first| first.elapsed() >= time)
    }

    /// The same wish without what was asked until now: what has to be done at the end goes on until somebody asks again.
    pub fn forgiving(&self) -> Self {
        Cancel { forgiven: self.counts(), ..self.clone() }
    }

    fn unforgiven(&self) -> impl Iterator<Item = usize> {
        self.counts().into_iter().zip(self.forgiven).map(|(count, forgiven)| count - forgiven)
    }

    fn counts(&self) -> [usize; SOURCES] {
        let parent = &self.sources[PARENT];
        if self.parent.is_some_and(Parent::is_gone) && parent.seen.load(Ordering::SeqCst) == 0 {
            parent.raised.store(true, Ordering::SeqCst);
        }
        array::from_fn(|index| {
            let source = &self.sources[index];
            if source.raised.swap(false, Ordering::SeqCst) {
                source.first.get_or_init(Instant::now);
                source.seen.fetch_add(1, Ordering::SeqCst);
            }
            source.seen.load(Ordering::SeqCst)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_to_stop_stays_and_is_urgent_the_second_time() {
        let cancel = Cancel::never();
        assert!(!cancel.is_raised());
        cancel.clone().raise();
        assert!(cancel.is_raised() && cancel.is_raised() && !cancel.is_urgent());
        cancel.raise();
        assert!(cancel.is_urgent());
    }

    #[test]
    fn what_has_to_be_done_at_the_end_goes_on_until_asked_again() {
        let cancel = Cancel::never();
        cancel.raise();
        let forgiving = cancel.forgiving();
        assert!(cancel.is_raised() && !forgiving.is_raised());
        cancel.raise();
        assert!(forgiving.is_raised());
    }

    #[test]
    fn two_ways_to_ask_once_are_not_urgent_and_a_dead_parent_asks_once() {
        let cancel = Cancel::never().or_without(Some(Parent(Pid::from_raw(i32::MAX))));
        assert!(cancel.is_raised() && !cancel.is_urgent());
        cancel.sources[0].raised.store(true, Ordering::SeqCst);
        assert!(cancel.is_raised() && !cancel.is_urgent());
        assert!(!cancel.forgiving().is_raised());
        assert!(!Cancel::never().or_without(Some(Parent::now())).is_raised());
    }

    #[test]
    fn without_a_parent_nothing_is_waited_for_long_but_what_has_to_be_done_at_the_end() {
        let cancel = Cancel::never().or_without(Some(Parent(Pid::from_raw(i32::MAX))));
        assert!(cancel.is_orphaned() && !cancel.is_urgent());
        std::thread::sleep(GRACE_WITHOUT_PARENT);
        assert!(cancel.is_urgent() && !cancel.forgiving().is_urgent());
        assert!(!Cancel::never().is_orphaned());
    }
}

//! Whether the user asked to stop. Polled by whatever waits; it stops nothing by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::{Context as _, Result};

/// A wish to stop, from a signal or from the program itself. Clones share it.
#[derive(Clone, Debug)]
pub struct Cancel {
    raised: Arc<AtomicBool>,
    seen: Arc<AtomicUsize>,
    forgiven: usize,
}

impl Cancel {
    /// Hears INT, TERM, HUP and QUIT from now on; they no longer end the process by themselves.
    pub fn on_signals() -> Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
        let cancel = Self::never();
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            signal_hook::flag::register(signal, Arc::clone(&cancel.raised)).context("cannot listen for signals")?;
        }
        Ok(cancel)
    }

    /// Hears no signal; only [`raise`](Self::raise) sets it.
    pub fn never() -> Self {
        Cancel { raised: Arc::default(), seen: Arc::default(), forgiven: 0 }
    }

    /// Asks to stop.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked to stop.
    pub fn is_raised(&self) -> bool {
        self.count() > self.forgiven
    }

    /// Whether somebody asked again after the first time was heard: nothing is waited for any more.
    pub fn is_urgent(&self) -> bool {
        self.count() > self.forgiven + 1
    }

    /// The same wish without what was asked until now: what has to be done at the end goes on until somebody asks again.
    pub fn forgiving(&self) -> Self {
        Cancel { forgiven: self.count(), ..self.clone() }
    }

    fn count(&self) -> usize {
        if self.raised.swap(false, Ordering::SeqCst) {
            self.seen.fetch_add(1, Ordering::SeqCst);
        }
        self.seen.load(Ordering::SeqCst)
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
}

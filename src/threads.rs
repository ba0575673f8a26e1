//! Work shared out over the processor's cores: one piece over many items, or two at once.
//!
//! Deliberately absent: a pool that lives on. Threads are started for a piece of work and are gone when it is done.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::error::Result;

/// The least that a thread takes at once: taking must cost nothing beside the work.
const AT_LEAST: usize = 64;

/// The most. Neighbours in a list of paths lie in one folder, and threads that make files in one folder wait for each other, so a share
/// is large; but all cores have to be busy to the end.
const AT_MOST: usize = 2048;

/// Shares for each thread, where there is enough.
const SHARES: usize = 8;

/// More threads than this only wait for each other in the file system.
const MAX_THREADS: usize = 8;

/// Does `work` on every item and gives back what came of each, in the items' order; each thread has a state of its own from `begin`.
///
/// The first error ends the work; of several, that of the earliest item is told.
pub fn share_out<T: Sync, S, R: Send>(
    items: &[T],
    begin: impl Fn() -> Result<S> + Sync,
    work: impl Fn(&mut S, &T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(MAX_THREADS).min(items.len().div_ceil(AT_LEAST)).max(1);
    let at_once = (items.len() / (threads * SHARES)).clamp(AT_LEAST, AT_MOST);
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let run = || {
        let mut state = begin().map_err(|error| (0, error))?;
        let mut done = Vec::new();
        loop {
            let from = next.fetch_add(at_once, Ordering::Relaxed);
            if from >= items.len() || failed.load(Ordering::Relaxed) {
                return Ok(done);
            }
            let mut results = Vec::with_capacity(at_once);
            for (offset, item) in items[from..items.len().min(from + at_once)].iter().enumerate() {
                match work(&mut state, item) {
                    Ok(result) => results.push(result),
                    Err(error) => {
                        failed.store(true, Ordering::Relaxed);
                        return Err((from + offset, error));
                    }
                }
            }
            done.push((from, results));
        }
    };
    let ended: Vec<_> = thread::scope(|scope| {
        // Where the system gives no thread more, those that are there do it all.
        let others: Vec<_> =
            (1..threads).filter_map(|_| thread::Builder::new().spawn_scoped(scope, run).ok()).collect();
        let own = run();
        let others =
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        std::iter::once(own).chain(others).collect()
    });
    let mut done = Vec::new();
    let mut first: Option<(usize, crate::error::Error)> = None;
    for end in ended {
        match end {
            Ok(results) => done.extend(results),
            Err(error) if first.as_ref().is_none_or(|first| error.0 < first.0) => first = Some(error),
            Err(_) => {}
        }
    }
    if let Some((_, error)) = first {
        return Err(error);
    }
    done.sort_by_key(|(from, _)| *from);
    Ok(done.into_iter().flat_map(|(_, results)| results).collect())
}

/// Does two pieces of work at once. Where both fail, what happened here is told.
pub fn both<A, B: Send>(here: impl FnOnce() -> Result<A>, beside: impl FnOnce() -> Result<B> + Send) -> Result<(A, B)> {
    let waiting = Mutex::new(Some(beside));
    let take = || waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (here, beside) = thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, || take().map(|beside| beside()));
        let here = here();
        // Where the system gave no thread, one thing is done after the other.
        let beside = match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => take().map(|beside| beside()),
        };
        (here, beside.expect("it is taken once, where it is done"))
    });
    Ok((here?, beside?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn every_item_is_done_once_and_the_answers_keep_the_order() {
        for count in [0, 1, AT_LEAST, 10 * AT_LEAST + 3, 100 * AT_MOST] {
            let items: Vec<usize> = (0..count).collect();
            let doubled = share_out(&items, || Ok(()), |(), item| Ok(item * 2)).unwrap();
            assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_failure_is_the_failure_of_the_whole() {
        let items: Vec<usize> = (0..1000).collect();
        let work = |(): &mut (), item: &usize| if *item == 700 { Err(Error::new("item 700")) } else { Ok(()) };
        assert_eq!(share_out(&items, || Ok(()), work).unwrap_err().message, "item 700");
        let begin = || Err::<(), _>(Error::new("no state"));
        assert_eq!(share_out(&items, begin, |(), _| Ok(())).unwrap_err().message, "no state");
    }

    #[test]
    fn of_two_pieces_of_work_both_have_to_succeed() {
        let fails = |what: &'static str| move || Err::<(), _>(Error::new(what));
        assert_eq!(both(|| Ok(1), || Ok("two")).unwrap(), (1, "two"));
        assert_eq!(both(|| Ok(1), fails("beside")).unwrap_err().message, "beside");
        assert_eq!(both(fails("here"), fails("beside")).unwrap_err().message, "here");
    }
}

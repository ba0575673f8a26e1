//! The same for many things on all cores, answers in the order of the questions.

use std::thread;

/// Fewer things than this are not worth another thread.
const SHARE: usize = 256;

/// Asks `answer` about every item.
pub(super) fn map<T: Sync, A: Send>(items: &[T], answer: impl Fn(&T) -> A + Sync) -> Vec<A> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(SHARE);
    if items.len() <= share {
        return items.iter().map(answer).collect();
    }
    let answer = &answer;
    thread::scope(|scope| {
        let shares: Vec<_> = items
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(answer).collect::<Vec<A>>()))
            .collect();
        let answers = shares.into_iter().map(|share| match share.join() {
            Ok(answers) => answers,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        answers.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_questions() {
        for count in [0, 1, SHARE, 10 * SHARE + 7] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(map(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
    }
}

//! Which suite runs next: the longest first, and one that wants to be alone when nothing else runs.
//!
//! Deliberately absent: lanes and threads. They ask, and come back with what they did.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Job, Outcome};

/// What a lane does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Run the job with this index.
    Run(usize),
    /// Nothing now: another lane's suite has to end first.
    Wait,
    /// Nothing any more.
    Over,
}

/// The suites that are still to be run.
#[derive(Debug)]
pub(super) struct Agenda {
    together: VecDeque<usize>,
    alone: VecDeque<usize>,
    running: usize,
    somebody_is_alone: bool,
    blocked: Option<Outcome>,
}

impl Agenda {
    /// All jobs, the longest first by the time they took before; what never ran may take longest.
    pub(super) fn of(jobs: &[Job<'_>]) -> Self {
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(jobs[*index].suite.last_time.unwrap_or(Duration::MAX)));
        let (alone, together) = order.into_iter().partition(|index| jobs[*index].suite.exclusive);
        Agenda { together, alone, running: 0, somebody_is_alone: false, blocked: None }
    }

    /// How many lanes can have something to do at once, at most `wanted`.
    pub(super) fn lanes(&self, wanted: u32) -> usize {
        (wanted as usize).min(self.together.len()).max(1)
    }

    /// Takes the next job.
    pub(super) fn next(&mut self) -> Next {
        if self.blocked.is_some() || (self.together.is_empty() && self.alone.is_empty()) {
            return Next::Over;
        }
        if self.somebody_is_alone {
            return Next::Wait;
        }
        if let Some(index) = self.together.pop_front() {
            self.running += 1;
            return Next::Run(index);
        }
        if self.running > 0 {
            return Next::Wait;
        }
        let index = self.alone.pop_front().expect("something is left, and it wants to be alone");
        (self.running, self.somebody_is_alone) = (1, true);
        Next::Run(index)
    }

    /// A job has ended.
    pub(super) fn ended(&mut self, outcome: &Outcome) {
        self.running -= 1;
        self.somebody_is_alone = false;
        match outcome {
            Outcome::Exited { .. } | Outcome::Signalled { .. } | Outcome::TimedOut => {}
            Outcome::Cancelled | Outcome::Infra { .. } => self.block(outcome.clone()),
        }
    }

    /// No further job is handed out. The first reason counts.
    pub(super) fn block(&mut self, outcome: Outcome) {
        self.blocked.get_or_insert(outcome);
    }

    /// Why jobs were left over, where they were.
    pub(super) fn into_blocked(self) -> Option<Outcome> {
        self.blocked
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::policy::Environment;
    use crate::prove::{Invocation, Shard, SuiteJob, Variation};

    fn suite(name: &str, seconds: Option<u64>, exclusive: bool) -> SuiteJob {
        SuiteJob {
            name: name.to_owned(),
            suite: name.to_owned(),
            variation: Variation::default(),
            argv: vec!["true".to_owned()],
            timeout: Duration::from_secs(60),
            environment: Environment::default(),
            read: Box::new(|_, _, _| crate::evidence::ReportEvidence::NotAsked),
            warnings: crate::evidence::WarningLists::default(),
            recipe: Box::new(|_| Invocation::default()),
            last_time: seconds.map(Duration::from_secs),
            exclusive,
            artifacts: Vec::new(),
        }
    }

    fn agenda(suites: &[SuiteJob]) -> Agenda {
        let job = |suite| Job { suite, shard: Shard::WHOLE, outputs: PathBuf::new() };
        Agenda::of(&suites.iter().map(job).collect::<Vec<_>>())
    }

    const GOOD: Outcome = Outcome::Exited { code: 0 };

    #[test]
    fn the_longest_comes_first_and_what_never_ran_before_all() {
        let mut agenda =
            agenda(&[suite("short", Some(1), false), suite("new", None, false), suite("long", Some(9), false)]);
        assert_eq!(agenda.lanes(2), 2);
        assert_eq!([agenda.next(), agenda.next(), agenda.next()], [Next::Run(1), Next::Run(2), Next::Run(0)]);
        assert_eq!(agenda.next(), Next::Over);
    }

    #[test]
    fn a_suite_that_wants_to_be_alone_waits_for_the_others_and_they_for_it() {
        let mut agenda = agenda(&[suite("alone", None, true), suite("a", None, false), suite("too", None, true)]);
        assert_eq!(agenda.lanes(8), 1);
        assert_eq!((agenda.next(), agenda.next()), (Next::Run(1), Next::Wait));
        agenda.ended(&GOOD);
        assert_eq!((agenda.next(), agenda.next()), (Next::Run(0), Next::Wait));
        agenda.ended(&GOOD);
        assert_eq!((agenda.next(), agenda.next()), (Next::Run(2), Next::Over));
    }

    #[test]
    fn a_failure_beside_the_suites_ends_the_handing_out_and_a_failing_suite_does_not() {
        let mut agenda = agenda(&[suite("a", None, false), suite("b", None, false), suite("c", None, false)]);
        agenda.next();
        agenda.ended(&Outcome::Exited { code: 1 });
        assert_eq!(agenda.next(), Next::Run(1));
        agenda.ended(&Outcome::Cancelled);
        assert_eq!(agenda.next(), Next::Over);
        assert_eq!(agenda.into_blocked(), Some(Outcome::Cancelled));
    }
}

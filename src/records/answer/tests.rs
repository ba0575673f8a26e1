use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::sandbox::{environment, oid};
use super::*;

/// A made-up log: each record has a position, what it says, and the positions it stands on.
#[derive(Clone, Debug)]
enum Act {
    Pass { inputs: u8, runs: u32 },
    Fail { inputs: u8, code: Code },
    Resolve { of: usize },
}

#[derive(Clone, Debug)]
struct World {
    acts: Vec<(Act, BTreeSet<usize>)>,
}

fn id(at: usize) -> Oid {
    oid(&format!("{:040x}", at + 1))
}

/// Numbers 0 to 3: two versions of node on each of two systems.
fn inputs(number: u8) -> EnvironmentIdentity {
    let mut inputs = environment(u64::from(number % 2));
    if number >= 2 {
        inputs.system = "macos".to_owned();
    }
    inputs
}

impl World {
    /// Everything that stood in the log when a record was written.
    fn before(&self, at: usize) -> BTreeSet<usize> {
        let parents = &self.acts[at].1;
        parents.iter().flat_map(|parent| self.before(*parent)).chain(parents.iter().copied()).collect()
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |at: usize, word, number, codes: Vec<Code>, runs| Entry {
            record: id(at),
            suite: "payment".to_owned(),
            word,
            codes,
            environment: inputs(number),
            scenario: Scenario::Deploy,
            finished: Timestamp::UNIX_EPOCH,
            rules: 1,
            runs,
        };
        let entries = self.acts.iter().enumerate().rev().filter_map(|(at, (act, _))| match act {
            Act::Pass { inputs, runs } => Some(entry(at, Word::Pass, *inputs, Vec::new(), *runs)),
            Act::Fail { inputs, code } => Some(entry(at, Word::Fail, *inputs, vec![*code], 1)),
            Act::Resolve { .. } => None,
        });
        entries.collect()
    }

    fn resolves(&self) -> Vec<Resolve> {
        let resolves = self.acts.iter().enumerate().filter_map(|(at, (act, _))| match act {
            Act::Resolve { of } => Some(Resolve { record: id(at), fail: id(*of), suite: "payment".to_owned() }),
            Act::Pass { .. } | Act::Fail { .. } => None,
        });
        resolves.collect()
    }

    fn ruling(&self) -> Ruling {
        let place = |oid: Oid| (0..self.acts.len()).find(|at| id(*at) == oid).unwrap();
        rule(&self.entries(), &self.resolves(), &terms(), |a, b| self.before(place(b)).contains(&place(a)))
    }

    /// The rule once more, in the words of the documentation, one FAIL after the other.
    fn model(&self) -> &'static str {
        let all = || 0..self.acts.len();
        let resolves_of =
            |fail: usize| all().filter(move |at| matches!(&self.acts[*at].0, Act::Resolve { of } if *of == fail));
        let (mut flaky, mut standing, mut any_pass) = (false, false, false);
        for at in all() {
            match &self.acts[at].0 {
                Act::Resolve { .. } => {}
                Act::Pass { .. } => any_pass = true,
                Act::Fail { inputs: here, code } => {
                    let outside =
                        ["TIMED_OUT", "KILLED", "LEFTOVER_PROCESSES", "REPOSITORY_TOUCHED"].contains(&code.as_str());
                    let mut ended = false;
                    for other in all() {
                        let Act::Pass { inputs: there, runs } = &self.acts[other].0 else { continue };
                        flaky |= here == there && !outside && resolves_of(at).next().is_none();
                        let before = self.before(other);
                        if before.contains(&at) {
                            let other_inputs_of_one_system = here != there && here / 2 == there / 2;
                            let explained = *runs >= 3 && resolves_of(at).any(|resolve| before.contains(&resolve));
                            ended |= other_inputs_of_one_system || (here == there && outside) || explained;
                        }
                    }
                    standing |= !ended;
                }
            }
        }
        match (flaky, standing, any_pass) {
            (true, _, _) => "flaky",
            (false, true, _) => "fail",
            (false, false, true) => "pass",
            (false, false, false) => "nothing",
        }
    }
}

fn terms() -> Terms {
    Terms { scenario: Scenario::Deploy, after: Vec::new(), now: Timestamp::UNIX_EPOCH, max_age: None, min_rules: 1 }
}

fn word(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Pass(_) => "pass",
        Ruling::Fail(_, Why::Standing) => "fail",
        Ruling::Fail(_, Why::FlakyHistory(_)) => "flaky",
        Ruling::Nothing => "nothing",
    }
}

/// Up to nine records by up to three writers that see each other's logs now and then.
fn worlds() -> impl Strategy<Value = World> {
    let act = (0u8..6, 0u8..4, any::<prop::sample::Index>(), prop::bool::ANY);
    let record = (act, 0usize..3, prop::bool::weighted(0.4));
    prop::collection::vec(record, 0..9).prop_map(|records| {
        let mut acts: Vec<(Act, BTreeSet<usize>)> = Vec::new();
        let mut tips = [None; 3];
        for (at, ((sort, inputs, of, often), writer, merges)) in records.into_iter().enumerate() {
            let fails: Vec<usize> = (0..at).filter(|at| matches!(acts[*at].0, Act::Fail { .. })).collect();
            let act = match sort {
                0 | 1 => Act::Pass { inputs, runs: if often { 3 } else { 1 } },
                2 => Act::Fail { inputs, code: Code::TimedOut },
                3 | 4 => Act::Fail { inputs, code: Code::TestFailed },
                _ if fails.is_empty() => Act::Pass { inputs, runs: 3 },
                _ => Act::Resolve { of: fails[of.index(fails.len())] },
            };
            let parents =
                if merges { tips.iter().flatten().copied().collect() } else { tips[writer].into_iter().collect() };
            acts.push((act, parents));
            tips[writer] = Some(at);
        }
        World { acts }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rule_answers_as_the_documentation_says(world in worlds()) {
        prop_assert_eq!(word(world.ruling()), world.model());
    }

    #[test]
    fn one_more_pass_makes_no_answer_worse_but_by_contradiction(world in worlds(), number in 0u8..4, runs in 1u32..4, apart in any::<bool>()) {
        let rank = |world: &World| match world.ruling() {
            Ruling::Pass(_) => 2,
            Ruling::Nothing => 1,
            Ruling::Fail(..) => 0,
        };
        let contradicts = world.acts.iter().any(|(act, _)| matches!(act, Act::Fail { inputs, code: Code::TestFailed } if *inputs == number));
        let parents = if apart { BTreeSet::new() } else { (0..world.acts.len()).collect() };
        let mut more = world.clone();
        more.acts.push((Act::Pass { inputs: number, runs }, parents));
        prop_assert!(rank(&more) >= rank(&world) || contradicts);
    }

    #[test]
    fn the_order_of_the_entries_changes_no_word(world in worlds()) {
        let place = |oid: Oid| (0..world.acts.len()).find(|at| id(*at) == oid).unwrap();
        let mut entries = world.entries();
        entries.reverse();
        let reversed = rule(&entries, &world.resolves(), &terms(), |a, b| world.before(place(b)).contains(&place(a)));
        prop_assert_eq!(word(reversed), word(world.ruling()));
    }

    #[test]
    fn a_pass_is_answered_only_where_no_fail_is_left_standing(world in worlds()) {
        if let Ruling::Pass(at) = world.ruling() {
            prop_assert_eq!(world.entries()[at].word, Word::Pass);
        }
    }
}

/// A line of records, each on the one before.
fn line(acts: &[Act]) -> World {
    let acts = acts.iter().cloned().enumerate().map(|(at, act)| (act, at.checked_sub(1).into_iter().collect()));
    World { acts: acts.collect() }
}

fn check(acts: &[Act], expected: &str) {
    assert_eq!(word(line(acts).ruling()), expected, "{acts:?}");
}

const PASS: Act = Act::Pass { inputs: 0, runs: 1 };
const FAIL: Act = Act::Fail { inputs: 0, code: Code::TestFailed };
const SLOW: Act = Act::Fail { inputs: 0, code: Code::TimedOut };

#[test]
fn pass_and_fail_on_the_same_inputs_are_flaky_in_whichever_order_they_came() {
    check(&[], "nothing");
    check(&[PASS], "pass");
    check(&[FAIL], "fail");
    check(&[PASS, FAIL], "flaky");
    check(&[FAIL, PASS], "flaky");
    check(&[FAIL, PASS, PASS, PASS], "flaky");
}

#[test]
fn a_fail_that_may_come_from_the_machine_is_ended_by_a_later_pass_only() {
    check(&[SLOW, PASS], "pass");
    check(&[PASS, SLOW], "fail");
    check(&[PASS, SLOW, PASS], "pass");
}

#[test]
fn a_fail_is_ended_on_other_inputs_of_its_own_system_only() {
    check(&[FAIL, Act::Pass { inputs: 1, runs: 1 }], "pass");
    check(&[Act::Pass { inputs: 1, runs: 1 }, FAIL], "fail");
    check(&[FAIL, Act::Pass { inputs: 2, runs: 1 }], "fail");
    check(&[FAIL, Act::Pass { inputs: 1, runs: 1 }, FAIL], "fail");
}

#[test]
fn a_resolved_fail_is_ended_by_a_pass_of_three_runs_made_afterwards() {
    let resolve = || Act::Resolve { of: 0 };
    let thrice = || Act::Pass { inputs: 0, runs: 3 };
    check(&[FAIL, resolve()], "fail");
    check(&[FAIL, thrice(), resolve()], "fail");
    check(&[FAIL, resolve(), PASS], "fail");
    check(&[FAIL, resolve(), thrice()], "pass");
    check(&[FAIL, resolve(), thrice(), FAIL], "flaky");
    check(&[FAIL, PASS, resolve(), thrice()], "pass");
}

#[test]
fn a_resolved_fail_asks_for_repeats_until_it_is_ended() {
    let asks = |acts: &[Act]| {
        let world = line(acts);
        let place = |oid: Oid| (0..world.acts.len()).find(|at| id(*at) == oid).unwrap();
        needs_repeats(&world.entries(), &world.resolves(), 1, |a, b| world.before(place(b)).contains(&place(a)))
    };
    let resolve = || Act::Resolve { of: 0 };
    assert!(!asks(&[FAIL]));
    assert!(asks(&[FAIL, resolve()]));
    assert!(asks(&[FAIL, resolve(), PASS]));
    assert!(!asks(&[FAIL, resolve(), Act::Pass { inputs: 0, runs: 3 }]));
}

/// One PASS, asked for on other terms.
fn check_terms(change: impl FnOnce(&mut Terms, &mut Entry), expected: &str) {
    let (mut terms, mut entry) = (terms(), line(&[PASS]).entries().remove(0));
    change(&mut terms, &mut entry);
    assert_eq!(word(rule(&[entry], &[], &terms, |a, _| a == id(7))), expected);
}

#[test]
fn a_scenario_takes_only_a_pass_made_for_it_and_its_id_but_deploy_takes_any() {
    let migration = |id: &str| Scenario::Migration { id: id.to_owned() };
    check_terms(|terms, _| terms.scenario = migration("0042"), "nothing");
    check_terms(|_, entry| entry.scenario = migration("0042"), "pass");
    check_terms(|terms, entry| (terms.scenario, entry.scenario) = (migration("0042"), migration("0042")), "pass");
    check_terms(|terms, entry| (terms.scenario, entry.scenario) = (migration("0042"), migration("0043")), "nothing");
    let policy = Scenario::Policy { id: "0042".to_owned() };
    check_terms(|terms, entry| (terms.scenario, entry.scenario) = (migration("0042"), policy), "nothing");
}

#[test]
fn a_rollback_takes_only_a_pass_made_after_what_it_replaces() {
    check_terms(|terms, _| terms.after = vec![id(7)], "pass");
    check_terms(|terms, _| terms.after = vec![id(7), id(8)], "nothing");
}

#[test]
fn an_old_pass_and_one_of_unknown_age_are_none_where_age_counts() {
    let day = SignedDuration::from_hours(24);
    let aged = |days: i32| {
        move |terms: &mut Terms, _: &mut Entry| {
            terms.now += day * days;
            terms.max_age = Some(day * 90);
        }
    };
    check_terms(aged(90), "pass");
    check_terms(aged(91), "nothing");
    check_terms(aged(-1), "pass");
    check_terms(aged(-2), "nothing");
}

#[test]
fn what_older_rules_judged_counts_neither_as_pass_nor_as_fail() {
    check_terms(|terms, _| terms.min_rules = 2, "nothing");
    check_terms(
        |terms, entry| (terms.min_rules, entry.word, entry.codes) = (2, Word::Fail, vec![Code::TestFailed]),
        "nothing",
    );
}

#[test]
fn a_resolve_of_another_suite_explains_nothing() {
    let world = line(&[FAIL, Act::Resolve { of: 0 }, Act::Pass { inputs: 0, runs: 3 }]);
    let mut resolves = world.resolves();
    resolves[0].suite = "booking".to_owned();
    assert_eq!(word(rule(&world.entries(), &resolves, &terms(), |a, b| a < b)), "flaky");
}

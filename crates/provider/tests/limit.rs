//! Limits: what one node lets through, and what several let through together.

use std::num::NonZeroU32;

use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::limit::{Ask, Limit, Meter, Step, Stretch, Verdict};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

fn after_millis(millis: i64) -> Timestamp {
    Timestamp::from_millis(at(0).as_millis() + millis)
}

fn limit(requests: u32, seconds: u64) -> Limit {
    Limit { requests: NonZeroU32::new(requests).unwrap(), window: Seconds(seconds) }
}

/// The shared line, as the database keeps it; and how often it was asked.
#[derive(Default)]
struct Line {
    used: Option<i64>,
    asked: u32,
}

impl Line {
    fn take(&mut self, ask: Ask) -> Stretch {
        self.asked += 1;
        let free = |used: i64| used <= ask.from || used == ask.mine || used > ask.absurd;
        let (from, until) = match self.used {
            Some(used) if !free(used) && used > ask.latest => return Stretch::Full { until: used },
            Some(used) if !free(used) => {
                let room = (ask.whole - used) / ask.interval * ask.interval;
                (used, used + ask.length.min(room))
            }
            _ => (ask.from, ask.to),
        };
        self.used = Some(until);
        Stretch::Taken { from, until }
    }
}

fn count(meter: &mut Meter, line: &mut Line, limit: Limit, now: Timestamp) -> Verdict {
    match meter.shared(limit, now) {
        Step::Decided(verdict) => verdict,
        Step::Ask(ask) => {
            let stretch = line.take(ask);
            meter.settle(limit, stretch, now)
        }
    }
}

#[test]
fn a_window_is_spent_at_once_and_grows_back_evenly() {
    let (limit, mut meter) = (Limit::per_minute(3), Meter::default());
    assert_eq!(meter.alone(limit, at(0)), Verdict::Allowed { remaining: 2, reset: at(20) });
    assert_eq!(meter.alone(limit, at(0)), Verdict::Allowed { remaining: 1, reset: at(40) });
    assert_eq!(meter.alone(limit, at(0)), Verdict::Allowed { remaining: 0, reset: at(60) });
    assert_eq!(meter.alone(limit, at(0)), Verdict::Limited { retry_after: Seconds(20), reset: at(60) });
    assert_eq!(meter.alone(limit, at(19)), Verdict::Limited { retry_after: Seconds(1), reset: at(60) });
    assert!(meter.alone(limit, at(20)).is_allowed());
    assert!(!meter.alone(limit, at(20)).is_allowed());
}

#[test]
fn refused_requests_do_not_lengthen_the_wait() {
    let (limit, mut meter) = (Limit::per_minute(1), Meter::default());
    assert!(meter.alone(limit, at(0)).is_allowed());
    for second in 0..59 {
        assert!(!meter.alone(limit, at(second)).is_allowed());
    }
    assert!(meter.alone(limit, at(60)).is_allowed());
}

#[test]
fn a_clock_that_jumps_back_locks_nobody_out_for_longer_than_a_window() {
    let (limit, mut meter) = (Limit::per_minute(2), Meter::default());
    assert!(meter.alone(limit, at(86_400)).is_allowed());
    let Verdict::Limited { retry_after, .. } = meter.alone(limit, at(0)) else {
        panic!("the window counts as spent")
    };
    assert!(retry_after <= Seconds(60));
    assert!(meter.alone(limit, at(60)).is_allowed());
}

#[test]
fn hostile_limits_and_clocks_do_not_panic() {
    let one = NonZeroU32::MIN;
    let limits = [
        Limit::per_minute(0),
        Limit { requests: one, window: Seconds(0) },
        Limit { requests: one, window: Seconds(u64::MAX) },
        Limit { requests: NonZeroU32::MAX, window: Seconds(1) },
    ];
    for limit in limits {
        let (mut alone, mut shared) = (Meter::default(), Meter::default());
        for now in [i64::MIN, -1, 0, i64::MAX, 0] {
            let now = Timestamp::from_millis(now);
            let _ = alone.alone(limit, now);
            for stretch in [
                Stretch::Full { until: i64::MAX },
                Stretch::Taken { from: i64::MIN, until: i64::MAX },
                Stretch::Taken { from: i64::MAX, until: i64::MIN },
            ] {
                let _ = shared.shared(limit, now);
                let _ = shared.settle(limit, stretch, now);
            }
        }
    }
}

/// A pattern of pauses in milliseconds that repeats nothing soon.
fn pauses() -> impl Iterator<Item = i64> {
    let mut state: u64 = 7;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let draw = (state >> 33) % 100;
        Some(if draw < 80 {
            0
        } else if draw < 98 {
            i64::try_from(draw).unwrap()
        } else {
            9_000
        })
    })
}

#[test]
fn one_node_that_shares_says_exactly_what_one_that_does_not_says() {
    for limit in [limit(1, 60), limit(7, 60), limit(16, 1), limit(100, 60), limit(999, 10), limit(10_000, 1)]
    {
        let (mut alone, mut shared, mut line) = (Meter::default(), Meter::default(), Line::default());
        let mut now = at(0).as_millis();
        for pause in pauses().take(20_000) {
            now += pause;
            let moment = Timestamp::from_millis(now);
            let expected = alone.alone(limit, moment);
            assert_eq!(count(&mut shared, &mut line, limit, moment), expected, "{limit:?} at {now}");
        }
    }
}

/// Requests of `nodes` nodes in turn: the moments at which one was let through.
fn let_through(nodes: usize, limit: Limit, steps: impl Iterator<Item = i64>) -> Vec<i64> {
    let (mut meters, mut line) = (vec![Meter::default(); nodes], Line::default());
    let (mut now, mut moments) = (at(0).as_millis(), Vec::new());
    for (turn, pause) in steps.enumerate() {
        now += pause;
        if count(&mut meters[turn % nodes], &mut line, limit, Timestamp::from_millis(now)).is_allowed() {
            moments.push(now);
        }
    }
    moments
}

#[test]
fn nodes_together_let_through_a_burst_of_exactly_the_limit() {
    for nodes in [1, 2, 3, 16, 50] {
        for limit in [limit(1, 60), limit(7, 60), limit(10, 60), limit(100, 60), limit(1_600, 60)] {
            let wanted = limit.requests.get() as usize;
            let burst = std::iter::repeat_n(0, 4 * nodes * wanted + nodes);
            assert_eq!(let_through(nodes, limit, burst).len(), wanted, "{nodes} nodes, {limit:?}");
        }
    }
}

#[test]
fn no_window_of_any_number_of_nodes_has_more_than_twice_the_limit() {
    for nodes in [1, 2, 3, 20] {
        for limit in [limit(5, 10), limit(40, 10), limit(333, 10)] {
            let moments = let_through(nodes, limit, pauses().take(30_000));
            let most = 2 * limit.requests.get() as usize;
            let mut first = 0;
            for last in 0..moments.len() {
                while moments[last] - moments[first] >= 10_000 {
                    first += 1;
                }
                assert!(last - first < most, "{nodes} nodes, {limit:?}: {} in a window", last - first + 1);
            }
        }
    }
}

#[test]
fn nodes_that_are_asked_without_a_pause_keep_up_with_the_limit() {
    for nodes in [2, 3] {
        let limit = limit(100, 10);
        // Ten windows of a request each ten milliseconds: ten times what is allowed.
        let moments = let_through(nodes, limit, std::iter::repeat_n(10, 10_000));
        assert!((1_099..=1_100).contains(&moments.len()), "{nodes} nodes: {}", moments.len());
    }
}

#[test]
fn a_large_limit_is_asked_for_seldom_and_a_refused_caller_hardly_ever() {
    let (limit, mut meter, mut line) = (limit(1_600, 60), Meter::default(), Line::default());
    for _ in 0..1_600 {
        assert!(count(&mut meter, &mut line, limit, at(0)).is_allowed());
    }
    assert_eq!(line.asked, 16);
    let mut other = Meter::default();
    for _ in 0..1_000 {
        assert!(!count(&mut meter, &mut line, limit, at(0)).is_allowed());
        assert!(!count(&mut other, &mut line, limit, at(0)).is_allowed());
    }
    assert_eq!(line.asked, 17, "the other node asks once, and both know");
}

#[test]
fn what_a_node_does_not_use_passes_with_the_time() {
    let (limit, mut one, mut two, mut line) =
        (limit(160, 160), Meter::default(), Meter::default(), Line::default());
    assert!(count(&mut one, &mut line, limit, at(0)).is_allowed());
    let spent = |meter: &mut Meter, line: &mut Line, now| {
        (0..1_000).filter(|_| count(meter, line, limit, now).is_allowed()).count()
    };
    assert_eq!(spent(&mut two, &mut line, at(0)), 150, "nine are held by the other");
    assert_eq!(spent(&mut two, &mut line, at(10)), 10);
    assert_eq!(spent(&mut one, &mut line, at(10)), 0, "they are not there a second time");
}

#[test]
fn a_node_hears_how_far_the_others_are_and_says_so() {
    let (limit, mut one, mut two, mut line) =
        (limit(4, 60), Meter::default(), Meter::default(), Line::default());
    let mut said = Vec::new();
    for _ in 0..2 {
        said.push(count(&mut one, &mut line, limit, at(0)));
        said.push(count(&mut two, &mut line, limit, at(0)));
    }
    let remaining: Vec<_> = said
        .iter()
        .map(|verdict| match verdict {
            Verdict::Allowed { remaining, .. } => *remaining,
            Verdict::Limited { .. } => panic!("four are allowed"),
        })
        .collect();
    assert_eq!(remaining, [3, 2, 1, 0]);
    let refused = Verdict::Limited { retry_after: Seconds(15), reset: at(60) };
    assert_eq!(count(&mut one, &mut line, limit, at(0)), refused);
    assert_eq!(count(&mut two, &mut line, limit, at(0)), refused);
}

#[test]
fn a_line_that_lies_absurdly_far_ahead_is_forgotten_and_one_of_a_fast_clock_is_not() {
    let limit = limit(4, 60);
    let mut ahead = Line { used: Some(at(119).as_millis() * 1_000), asked: 0 };
    assert!(
        !count(&mut Meter::default(), &mut ahead, limit, at(0)).is_allowed(),
        "a clock that is a minute ahead"
    );
    let mut absurd = Line { used: Some(at(121).as_millis() * 1_000), asked: 0 };
    let mut meter = Meter::default();
    let spent = (0..100).filter(|_| count(&mut meter, &mut absurd, limit, at(0)).is_allowed()).count();
    assert_eq!(spent, 4, "everybody's clock jumped back");
}

#[test]
fn a_clock_that_jumps_back_makes_a_node_ask_again() {
    let (limit, mut one, mut two, mut line) =
        (limit(160, 160), Meter::default(), Meter::default(), Line::default());
    assert!(count(&mut one, &mut line, limit, at(10_000)).is_allowed());
    let mut spent = 0;
    for _ in 0..1_000 {
        for meter in [&mut one, &mut two] {
            spent += usize::from(count(meter, &mut line, limit, at(0)).is_allowed());
        }
    }
    assert!((150..=160).contains(&spent), "{spent}");
    let ends = after_millis(161_000);
    assert!(count(&mut one, &mut line, limit, ends).is_allowed(), "a window later all is well");
}

#[test]
fn a_node_that_counted_alone_brings_its_count_along() {
    let (limit, mut meter, mut line) = (limit(10, 60), Meter::default(), Line::default());
    for _ in 0..10 {
        assert!(meter.alone(limit, at(0)).is_allowed());
    }
    assert!(!count(&mut meter, &mut line, limit, at(0)).is_allowed(), "the window is spent");
    assert!(count(&mut meter, &mut line, limit, at(6)).is_allowed());
    let mut other = Meter::default();
    assert!(!count(&mut other, &mut line, limit, at(6)).is_allowed(), "the others hear of it");
}

//! Limits on the rate of requests, kept in this process: the generic cell rate algorithm, one number a key.
//!
//! The table has a fixed size, so a flood of new keys costs no memory; it can push cold keys out, which forgives
//! them. Each limit has a table of its own, so no key of one limit can meet a key of another.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use ayb_protocol::time::{Seconds, Timestamp};
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle, EntryAction, EntryResult};

use crate::entropy::Entropy;

/// How many requests a window of time allows. All of them may come at once; they grow back evenly.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit {
    /// Requests in a window.
    pub requests: NonZeroU32,
    /// Length of the window; zero counts as one second.
    pub window: Seconds,
}

impl Limit {
    /// `requests` in a minute; zero counts as one, because a limit that allows nothing is a switch, not a limit.
    pub const fn per_minute(requests: u32) -> Self {
        let requests = match NonZeroU32::new(requests) {
            Some(requests) => requests,
            None => NonZeroU32::MIN,
        };
        Self { requests, window: Seconds(60) }
    }

    fn window_micros(self) -> i64 {
        self.window.as_millis().clamp(1_000, MAX_WINDOW_MILLIS).saturating_mul(1_000)
    }

    fn interval_micros(self) -> i64 {
        (self.window_micros() / i64::from(self.requests.get())).max(1)
    }
}

/// Ten years: keeps the arithmetic far from its ends.
const MAX_WINDOW_MILLIS: i64 = 315_360_000_000;

/// The answer of a limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Go on.
    Allowed {
        /// How many more may come at once.
        remaining: u32,
        /// When the whole window is free again.
        reset: Timestamp,
    },
    /// Refuse, and say when to come back.
    Limited {
        /// How long until one request is allowed again, at least a second.
        retry_after: Seconds,
        /// When the whole window is free again.
        reset: Timestamp,
    },
}

impl Verdict {
    /// Whether the request may go on.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// Counts requests by key against one [`Limit`].
#[derive(Debug)]
pub struct Throttle {
    limit: Limit,
    hasher: RandomState,
    arrivals: Cache<u64, i64, UnitWeighter, RandomState>,
}

impl Throttle {
    /// A limit that remembers up to about `keys` callers.
    pub fn new(limit: Limit, keys: usize, entropy: &Entropy) -> Self {
        let keys = keys.max(1);
        let lifecycle = DefaultLifecycle::default();
        let arrivals = Cache::with(keys, keys as u64, UnitWeighter, entropy.hasher(), lifecycle);
        Self { limit, hasher: entropy.hasher(), arrivals }
    }

    /// The limit that is kept.
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    /// Counts a request of `key` at `now`. The key is kept only as a keyed hash; still, pass identifiers or hashes,
    /// never a secret.
    pub fn check(&self, key: impl Hash, now: Timestamp) -> Verdict {
        self.count(self.hasher.hash_one(key), self.limit, now)
    }

    /// Counts a request of a key that has a limit of its own.
    pub fn check_against(&self, key: impl Hash, limit: Limit, now: Timestamp) -> Verdict {
        self.count(self.hasher.hash_one(key), limit, now)
    }

    /// Counts a request from `address` at `now`; all addresses of an IPv6 /64 are one caller.
    pub fn check_address(&self, address: IpAddr, now: Timestamp) -> Verdict {
        self.check(caller_network(address), now)
    }

    fn count(&self, key: u64, limit: Limit, now: Timestamp) -> Verdict {
        let now = now.as_millis().saturating_mul(1_000);
        let mut verdict = None;
        let entry = self.arrivals.entry(&key, None, |_, arrival| {
            let (next, answer) = limit.admit(*arrival, now);
            *arrival = next;
            verdict = Some(answer);
            EntryAction::Retain(())
        });
        if let EntryResult::Vacant(place) = entry {
            let (next, answer) = limit.admit(now, now);
            // A place that was taken in the meantime is one request that goes uncounted.
            let _ = place.insert(next);
            verdict = Some(answer);
        }
        verdict.unwrap_or_else(|| limit.admit(now, now).1)
    }
}

impl Limit {
    /// The rule: `arrival` is the moment at which the caller's window is whole again, in microseconds.
    fn admit(self, arrival: i64, now: i64) -> (i64, Verdict) {
        let (window, interval) = (self.window_micros(), self.interval_micros());
        // No honest arrival lies further ahead than the window: a clock that jumped back must not lock callers out.
        let arrival = arrival.clamp(now, now.saturating_add(window));
        let next = arrival.saturating_add(interval);
        let room = now.saturating_add(window).saturating_sub(next);
        if room < 0 {
            let retry_after = Seconds(ceil_seconds(room.saturating_neg()).max(1));
            return (arrival, Verdict::Limited { retry_after, reset: moment(arrival) });
        }
        let remaining = u32::try_from(room / interval).unwrap_or(u32::MAX);
        (next, Verdict::Allowed { remaining, reset: moment(next) })
    }
}

fn ceil_seconds(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000)
}

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_millis(micros.div_euclid(1_000))
}

/// The network that counts as one caller: an IPv4 address, or the /64 of an IPv6 address, which is what one
/// subscriber gets. An IPv4 address written as IPv6 is the IPv4 address.
pub fn caller_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(limit: Limit, keys: usize) -> Throttle {
        Throttle::new(limit, keys, &Entropy::open().unwrap())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds)
    }

    #[test]
    fn a_window_is_spent_at_once_and_grows_back_evenly() {
        let throttle = throttle(Limit::per_minute(3), 100);
        assert_eq!(throttle.check("a", at(0)), Verdict::Allowed { remaining: 2, reset: at(20) });
        assert_eq!(throttle.check("a", at(0)), Verdict::Allowed { remaining: 1, reset: at(40) });
        assert_eq!(throttle.check("a", at(0)), Verdict::Allowed { remaining: 0, reset: at(60) });
        assert_eq!(throttle.check("a", at(0)), Verdict::Limited { retry_after: Seconds(20), reset: at(60) });
        assert_eq!(throttle.check("a", at(19)), Verdict::Limited { retry_after: Seconds(1), reset: at(60) });
        assert!(throttle.check("a", at(20)).is_allowed());
        assert!(!throttle.check("a", at(20)).is_allowed());
        assert!(throttle.check("b", at(0)).is_allowed(), "another key has its own window");
    }

    #[test]
    fn refused_requests_do_not_lengthen_the_wait() {
        let throttle = throttle(Limit::per_minute(1), 100);
        assert!(throttle.check("a", at(0)).is_allowed());
        for second in 0..59 {
            assert!(!throttle.check("a", at(second)).is_allowed());
        }
        assert!(throttle.check("a", at(60)).is_allowed());
    }

    #[test]
    fn a_clock_that_jumps_back_locks_nobody_out_for_longer_than_a_window() {
        let throttle = throttle(Limit::per_minute(2), 100);
        assert!(throttle.check("a", at(86_400)).is_allowed());
        let Verdict::Limited { retry_after, .. } = throttle.check("a", at(0)) else {
            panic!("the window counts as spent")
        };
        assert!(retry_after <= Seconds(60));
        assert!(throttle.check("a", at(60)).is_allowed());
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
            let throttle = throttle(limit, 0);
            for now in [i64::MIN, -1, 0, i64::MAX, 0] {
                let _ = throttle.check("a", Timestamp::from_millis(now));
            }
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_window() {
        let cases = [
            ("2001:db8::1", "2001:db8::ffff:0:0:2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("192.0.2.1", "192.0.2.2", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
        ];
        for (one, other, same) in cases {
            let (one, other) = (caller_network(one.parse().unwrap()), caller_network(other.parse().unwrap()));
            assert_eq!(one == other, same, "{one} {other}");
        }
    }

    #[test]
    fn a_million_keys_take_no_more_memory_than_the_table_has() {
        let throttle = throttle(Limit::per_minute(10), 10_000);
        for key in 0..1_000_000_u32 {
            let _ = throttle.check(key, at(0));
        }
        assert!(throttle.arrivals.len() <= 10_000, "{} keys", throttle.arrivals.len());
        let memory = throttle.arrivals.memory_used();
        assert!(memory.entries + memory.map < 4 << 20, "{} bytes", memory.entries + memory.map);
    }

    #[test]
    fn threads_cannot_spend_more_than_the_window() {
        let throttle = std::sync::Arc::new(throttle(Limit::per_minute(1_000), 100));
        throttle.check("a", at(0));
        let spend = |throttle: std::sync::Arc<Throttle>| {
            move || (0..500).filter(|_| throttle.check("a", at(0)).is_allowed()).count()
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(spend(throttle.clone()))).collect();
        let allowed: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(allowed, 999);
    }
}

//! Counts requests against a [`Limit`]: in this process, and where other servers work on the same database, together
//! with them.
//!
//! The table has a fixed size, so a flood of new keys costs no memory; it can push cold keys out, which forgives
//! them. Each limit has a table of its own, so no key of one limit can meet a key of another.

mod line;

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use ayb_protocol::time::Timestamp;
use ayb_provider::limit::{Limit, Meter, Step, Verdict};
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle, EntryAction, EntryResult};

use crate::entropy::Entropy;

pub use line::{Line, Others, Who};

/// Counts requests by key. Clones share the count.
#[derive(Clone, Debug)]
pub struct Throttle(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    limit: Limit,
    hasher: RandomState,
    meters: Cache<u64, Meter, UnitWeighter, RandomState>,
    /// What is shared with other servers, if there can be any.
    line: Option<Line>,
}

impl Throttle {
    /// A limit that remembers up to about `keys` callers, and is kept with other servers along `line`.
    pub fn new(limit: Limit, keys: usize, entropy: &Entropy, line: Option<Line>) -> Self {
        let keys = keys.max(1);
        let lifecycle = DefaultLifecycle::default();
        let meters = Cache::with(keys, keys as u64, UnitWeighter, entropy.hasher(), lifecycle);
        Self(Arc::new(Parts { limit, hasher: entropy.hasher(), meters, line }))
    }

    /// The limit that is kept.
    pub fn limit(&self) -> Limit {
        self.0.limit
    }

    /// Counts a request of `key` at `now`. The key is kept only as a keyed hash; still, pass identifiers or hashes,
    /// never a secret.
    pub async fn check(&self, key: &[u8], now: Timestamp) -> Verdict {
        self.check_against(key, self.0.limit, now).await
    }

    /// Counts a request from `address` at `now`; all addresses of an IPv6 /64 are one caller.
    pub async fn check_address(&self, address: IpAddr, now: Timestamp) -> Verdict {
        match caller_network(address) {
            IpAddr::V4(address) => self.check(&address.octets(), now).await,
            IpAddr::V6(address) => self.check(&address.octets(), now).await,
        }
    }

    /// Counts a request of a key that has a limit of its own.
    pub async fn check_against(&self, key: &[u8], limit: Limit, now: Timestamp) -> Verdict {
        let slot = self.0.hasher.hash_one(key);
        if self.0.line.is_none() {
            return self.0.alone(slot, limit, now);
        }
        if let Step::Decided(verdict) = self.0.shared(slot, limit, now) {
            return verdict;
        }
        // Beside the request: what is taken for a caller who goes away must not be lost.
        let (parts, key) = (Arc::clone(&self.0), key.to_vec());
        let asked = tokio::spawn(async move { parts.ask(slot, &key, limit, now).await });
        asked.await.unwrap_or_else(|_| self.0.alone(slot, limit, now))
    }
}

impl Parts {
    /// Asks for another part of the line, once for all requests of a key that wait for it.
    async fn ask(&self, slot: u64, key: &[u8], limit: Limit, now: Timestamp) -> Verdict {
        let Some(line) = &self.line else { return self.alone(slot, limit, now) };
        let Some(_turn) = line.turn(slot, now).await else { return self.alone(slot, limit, now) };
        let ask = match self.shared(slot, limit, now) {
            // Whoever had the turn before brought enough.
            Step::Decided(verdict) => return verdict,
            Step::Ask(ask) => ask,
        };
        match line.take(key, &ask, now).await {
            Some(stretch) => self.with(slot, |meter| meter.settle(limit, stretch, now)),
            None => self.alone(slot, limit, now),
        }
    }

    fn alone(&self, slot: u64, limit: Limit, now: Timestamp) -> Verdict {
        self.with(slot, |meter| meter.alone(limit, now))
    }

    fn shared(&self, slot: u64, limit: Limit, now: Timestamp) -> Step {
        self.with(slot, |meter| meter.shared(limit, now))
    }

    fn with<T>(&self, slot: u64, work: impl Fn(&mut Meter) -> T) -> T {
        let entry = self.meters.entry(&slot, None, |_, meter| EntryAction::Retain(work(meter)));
        match entry {
            EntryResult::Retained(answer) => answer,
            EntryResult::Vacant(place) => {
                let mut meter = Meter::default();
                let answer = work(&mut meter);
                // A place that was taken in the meantime is one request that goes uncounted.
                let _ = place.insert(meter);
                answer
            }
            // Neither is asked for; both would mean that nothing is known of the key.
            EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => {
                work(&mut Meter::default())
            }
        }
    }
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
        Throttle::new(limit, keys, &Entropy::open().unwrap(), None)
    }

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_700_000_000)
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

    #[tokio::test]
    async fn each_key_has_a_window_of_its_own() {
        let throttle = throttle(Limit::per_minute(1), 100);
        assert!(throttle.check(b"a", now()).await.is_allowed());
        assert!(!throttle.check(b"a", now()).await.is_allowed());
        assert!(throttle.check(b"b", now()).await.is_allowed());
    }

    #[tokio::test]
    async fn a_million_keys_take_no_more_memory_than_the_table_has() {
        let throttle = throttle(Limit::per_minute(10), 10_000);
        for key in 0..1_000_000_u32 {
            let _ = throttle.check(&key.to_be_bytes(), now()).await;
        }
        let meters = &throttle.0.meters;
        assert!(meters.len() <= 10_000, "{} keys", meters.len());
        let memory = meters.memory_used();
        assert!(memory.entries + memory.map < 4 << 20, "{} bytes", memory.entries + memory.map);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn threads_cannot_spend_more_than_the_window() {
        let throttle = throttle(Limit::per_minute(1_000), 100);
        let _ = throttle.check(b"a", now()).await;
        let spenders: Vec<_> = (0..4)
            .map(|_| {
                let throttle = throttle.clone();
                tokio::spawn(async move {
                    let mut allowed = 0;
                    for _ in 0..500 {
                        allowed += u32::from(throttle.check(b"a", now()).await.is_allowed());
                    }
                    allowed
                })
            })
            .collect();
        let mut allowed = 0;
        for spender in spenders {
            allowed += spender.await.unwrap();
        }
        assert_eq!(allowed, 999);
    }
}

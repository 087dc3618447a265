//! Limits on the rate of requests: the generic cell rate algorithm, and how several nodes keep one limit together.
//!
//! A key (an address, a client, an app) has a line of time. Each request that is let through takes an interval of it,
//! and nobody takes what lies further ahead than a window. One node alone needs one number for that: the moment up to
//! which the line is used. Several nodes share that number through the database and take stretches of the line from
//! it, each long enough for a number of requests. Stretches never overlap, so all nodes together let through what one
//! would; what a node does not use of a stretch passes with the time.

use std::num::NonZeroU32;

use ayb_protocol::time::{Seconds, Timestamp};

/// How many requests a window of time allows. All of them may come at once; they grow back evenly.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit {
    /// Requests in a window.
    pub requests: NonZeroU32,
    /// Length of the window; zero counts as one second.
    pub window: Seconds,
}

/// Ten years: keeps the arithmetic far from its ends.
const MAX_WINDOW_MILLIS: i64 = 315_360_000_000;
/// A stretch is this part of the window: so much one node can hold unused while another one asks.
const STRETCHES: u32 = 16;

impl Limit {
    /// `requests` in a minute; zero counts as one, because a limit that allows nothing is a switch, not a limit.
    pub const fn per_minute(requests: u32) -> Self {
        let requests = match NonZeroU32::new(requests) {
            Some(requests) => requests,
            None => NonZeroU32::MIN,
        };
        Self { requests, window: Seconds(60) }
    }

    /// Requests that one stretch is taken for: one where the limit is small.
    pub fn batch(self) -> u32 {
        (self.requests.get() / STRETCHES).max(1)
    }

    fn window_micros(self) -> i64 {
        self.window.as_millis().clamp(1_000, MAX_WINDOW_MILLIS).saturating_mul(1_000)
    }

    fn interval_micros(self) -> i64 {
        (self.window_micros() / i64::from(self.requests.get())).max(1)
    }

    fn refusal(self, used: i64, now: i64) -> Verdict {
        let free = used.saturating_add(self.interval_micros()).saturating_sub(self.window_micros());
        let wait = ceil_seconds(free.saturating_sub(now)).max(1);
        Verdict::Limited { retry_after: Seconds(wait), reset: moment(used) }
    }
}

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

/// What one node knows of one key. Times are microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Meter {
    /// The line is used up to here, as far as this node knows.
    used: i64,
    /// The end of the stretch that this node took last.
    until: i64,
}

impl Default for Meter {
    /// A key of which nothing is known.
    fn default() -> Self {
        Self { used: i64::MIN, until: i64::MIN }
    }
}

/// What a node does about a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// It knows the answer.
    Decided(Verdict),
    /// It needs another stretch first.
    Ask(Ask),
}

/// A stretch that a node would like. Times are microseconds since the Unix epoch, lengths are microseconds. The line is
/// shared, and `used` is how far it is used by all nodes:
///
/// - `used` is at most `from`, or equals `mine`, or lies after `absurd`, or there is none: the node gets `from..to`;
/// - it is at most `latest`: the node gets what follows it, `length` long, or the intervals of it that fit before
///   `whole`. A part of an interval would help nobody and be missed;
/// - otherwise the node gets nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ask {
    /// Requests that the stretch is for.
    pub requests: u32,
    /// Where the node would go on.
    pub from: i64,
    /// How far it would like to go from there.
    pub to: i64,
    /// The end of the stretch that the node took last. Nobody took anything after it if the line is used up to there.
    pub mine: i64,
    /// How much it would like after what somebody else has taken.
    pub length: i64,
    /// What one request takes.
    pub interval: i64,
    /// Nobody takes anything beyond this: a window from now.
    pub whole: i64,
    /// The last moment at which one request still fits before `whole`.
    pub latest: i64,
    /// No clock that is right leads beyond this: two windows from now.
    pub absurd: i64,
}

/// What a node got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stretch {
    /// This part of the line is the node's alone.
    Taken {
        /// Its beginning.
        from: i64,
        /// Its end.
        until: i64,
    },
    /// The line is used up to here, and not one request fits.
    Full {
        /// How far it is used.
        until: i64,
    },
}

impl Meter {
    /// Counts a request on this node alone, as if there was no other.
    pub fn alone(&mut self, limit: Limit, now: Timestamp) -> Verdict {
        let (now, window, interval) = (micros(now), limit.window_micros(), limit.interval_micros());
        let (used, whole) = (self.position(limit, now), now.saturating_add(window));
        let next = used.saturating_add(interval);
        if next > whole {
            self.used = used;
            return limit.refusal(used, now);
        }
        self.used = next;
        let remaining = u32::try_from((whole - next) / interval).unwrap_or(u32::MAX);
        Verdict::Allowed { remaining, reset: moment(next) }
    }

    /// Counts a request against the stretch that this node has, or says which one it needs.
    pub fn shared(&mut self, limit: Limit, now: Timestamp) -> Step {
        let at = micros(now);
        let (window, interval) = (limit.window_micros(), limit.interval_micros());
        let (from, whole) = (self.position(limit, at), at.saturating_add(window));
        let next = from.saturating_add(interval);
        // A stretch that leads beyond the window is from before the clock jumped back, and tells nothing any more.
        let holds = self.until <= whole && next <= self.until;
        if next > whole || holds {
            return Step::Decided(self.alone(limit, now));
        }
        let requests = limit.batch();
        let length = interval.saturating_mul(i64::from(requests));
        let room = whole.saturating_sub(from) / interval * interval;
        Step::Ask(Ask {
            requests,
            from,
            to: from.saturating_add(length.min(room)),
            mine: self.until.max(from),
            length,
            interval,
            whole,
            latest: whole.saturating_sub(interval),
            absurd: whole.saturating_add(window),
        })
    }

    /// Takes over what the node got, and counts the request for which it asked.
    pub fn settle(&mut self, limit: Limit, stretch: Stretch, now: Timestamp) -> Verdict {
        match stretch {
            Stretch::Taken { from, until } => {
                (self.used, self.until) = (self.used.max(from), until);
                self.alone(limit, now)
            }
            Stretch::Full { until } => {
                (self.used, self.until) = (self.used.max(until), until);
                let now = micros(now);
                limit.refusal(self.position(limit, now), now)
            }
        }
    }

    /// No honest use lies further ahead than the window: a clock that jumped back must not lock callers out.
    fn position(self, limit: Limit, now: i64) -> i64 {
        self.used.clamp(now, now.saturating_add(limit.window_micros()))
    }
}

fn micros(time: Timestamp) -> i64 {
    time.as_millis().saturating_mul(1_000)
}

fn ceil_seconds(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000)
}

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_millis(micros.div_euclid(1_000))
}

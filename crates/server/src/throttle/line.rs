//! How a limit is kept together with other servers: parts of a shared line are taken through the database, few enough
//! that a flood of callers is no flood of writes.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ayb_protocol::jose::MacKey;
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::limit::{Ask, Limit, Meter, Stretch};
use ayb_store::{LIMITS_KEPT, LimitKey, Store};
use tokio::sync::MutexGuard;
use tokio::time::timeout;

/// The longest that a request waits for the other servers before it is counted here alone.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long nothing is asked after the database did not answer.
const PAUSE: Seconds = Seconds(1);
/// Requests of one limit that ask at the same time.
const TURNS: usize = 64;
/// How often rows that count nothing any more are looked for, and how long after their end that may be.
const FORGOTTEN_AFTER: Seconds = Seconds(LIMITS_KEPT.0 + 10);

/// The way to the other servers on the same database.
#[derive(Clone)]
pub struct Others {
    store: Store,
    key: MacKey,
    reach: Arc<Reach>,
}

impl Others {
    /// The others on this database; none where there can be none. All servers hold the same `key`.
    pub fn on(store: &Store, key: MacKey) -> Option<Self> {
        store.shares_limits().then(|| Self { store: store.clone(), key, reach: Arc::default() })
    }

    /// The line of the limit with this name.
    pub fn line(&self, name: &'static str, who: Who) -> Line {
        let newcomers = match who {
            Who::Proven => None,
            Who::Anybody { keys, window } => Some(Newcomers::new(keys, window)),
        };
        let turns = (0..TURNS).map(|_| tokio::sync::Mutex::new(())).collect();
        Line { others: self.clone(), name, newcomers, turns }
    }
}

/// Who is counted by a limit.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    /// Those who proved to be somebody whom the database knows: as many as there are rows of them.
    Proven,
    /// Whoever comes: as many as there are addresses.
    Anybody {
        /// Rows that they may fill through this server.
        keys: usize,
        /// How long a row lives: the window.
        window: Seconds,
    },
}

/// What a limit shares with other servers.
pub struct Line {
    others: Others,
    name: &'static str,
    newcomers: Option<Newcomers>,
    turns: Vec<tokio::sync::Mutex<()>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({})", self.name)
    }
}

impl Line {
    /// Waits until nobody else with this key asks. None when this server is to count alone.
    pub(super) async fn turn(&self, slot: u64, now: Timestamp) -> Option<MutexGuard<'_, ()>> {
        if self.others.reach.is_paused(now) {
            return None;
        }
        let turn = usize::try_from(slot % TURNS as u64).ok().and_then(|turn| self.turns.get(turn))?;
        timeout(PATIENCE, turn.lock()).await.ok()
    }

    /// Takes a part of the line of `key`. None when this server is to count alone.
    pub(super) async fn take(&self, key: &[u8], ask: &Ask, now: Timestamp) -> Option<Stretch> {
        if !self.newcomers.as_ref().is_none_or(|newcomers| newcomers.one_more(now)) {
            return None;
        }
        let Others { store, reach, .. } = &self.others;
        if !reach.may_ask(now) {
            return None;
        }
        let taken = timeout(PATIENCE, store.take_stretch(self.name_of(key), ask)).await;
        let cause = match taken {
            Ok(Ok(stretch)) => {
                reach.answered();
                return Some(stretch);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        reach.failed(&cause, now);
        None
    }

    /// What the table may know of a key: addresses are so few that a hash without a secret would show them.
    fn name_of(&self, key: &[u8]) -> LimitKey {
        let code = self.others.key.sign([self.name.as_bytes(), &[0], key]);
        let mut name = [0; 16];
        name.copy_from_slice(&code[..16]);
        LimitKey(name)
    }
}

/// How many writes those who proved nothing may cause in a second. A row lives for a window and a little, so this
/// bounds the rows as well; what is over is counted by this server alone.
#[derive(Debug)]
struct Newcomers {
    limit: Limit,
    meter: Mutex<Meter>,
}

impl Newcomers {
    fn new(keys: usize, window: Seconds) -> Self {
        let life = window.0.saturating_add(FORGOTTEN_AFTER.0).max(1);
        let a_second = u32::try_from(keys as u64 / life).unwrap_or(u32::MAX);
        let requests = NonZeroU32::new(a_second).unwrap_or(NonZeroU32::MIN);
        Self { limit: Limit { requests, window: Seconds(1) }, meter: Mutex::default() }
    }

    fn one_more(&self, now: Timestamp) -> bool {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.alone(self.limit, now).is_allowed()
    }
}

/// Whether the database answers. While it does not, one request in a while tries; all others are counted at once.
#[derive(Debug, Default)]
struct Reach(Mutex<Option<Timestamp>>);

impl Reach {
    /// Until when nothing is asked. A moment that lies too far ahead is from before the clock jumped back.
    fn is_paused(&self, now: Timestamp) -> bool {
        self.next().is_some_and(|next| now < next && next <= now.plus(PAUSE))
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        if self.is_paused(now) {
            return false;
        }
        let mut next = self.next();
        if next.is_some() {
            *next = Some(now.plus(PAUSE));
        }
        true
    }

    fn answered(&self) {
        if self.next().take().is_some() {
            tracing::info!("limits are kept together with the other servers again");
        }
    }

    fn failed(&self, cause: &str, now: Timestamp) {
        if self.next().replace(now.plus(PAUSE)).is_none() {
            tracing::warn!(cause, "until the database answers, this server counts limits alone");
        }
    }

    fn next(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + seconds)
    }

    #[test]
    fn a_database_that_does_not_answer_is_asked_once_in_a_while() {
        let reach = Reach::default();
        assert!(reach.may_ask(at(0)) && reach.may_ask(at(0)));
        reach.failed("gone", at(0));
        assert!(reach.is_paused(at(0)) && !reach.may_ask(at(0)));
        assert!(reach.may_ask(at(1)), "one tries");
        assert!(!reach.may_ask(at(1)), "and nobody else meanwhile");
        reach.answered();
        assert!(reach.may_ask(at(1)) && !reach.is_paused(at(1)));
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_make_the_pause_longer() {
        let reach = Reach::default();
        reach.failed("gone", at(3_600));
        assert!(reach.may_ask(at(0)));
    }

    #[test]
    fn newcomers_fill_no_more_rows_than_a_server_remembers() {
        for window in [Seconds(1), Seconds(60), Seconds(3_600), Seconds(1_000_000)] {
            let newcomers = Newcomers::new(65_536, window);
            let life = (window.0 + FORGOTTEN_AFTER.0).min(5_000);
            let written = (0..life).map(|second| {
                let now = at(i64::try_from(second).unwrap());
                (0..1_000).filter(|_| newcomers.one_more(now)).count()
            });
            let written: usize = written.sum();
            assert!(written <= 65_536 + 1_000, "{window:?}: {written}");
            assert!(written > 0);
        }
    }
}

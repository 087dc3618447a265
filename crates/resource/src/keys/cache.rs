//! The keys of one issuer, fetched when they are needed: once for all who ask at the same time, seldom for names of keys
//! that strangers invent, and kept in use while the issuer does not answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ayb_protocol::jose::VerifyingKeys;
use ayb_protocol::jose::jwt::JwtError;
use ayb_protocol::time::{Seconds, Timestamp};
use tokio::sync::watch;

use super::source::{Located, Reading};
use super::{CachePolicy, Source};
use crate::error::{KeysError, TokenError};
use crate::fetch::FetchError;

/// How far a time that was written down may lie in the future: clocks of threads differ a little. A larger gap means that
/// the clock was set back, and what was written down is worth nothing.
const CLOCK_SLIP: Seconds = Seconds(60);

/// The cache. Clones share it.
#[derive(Clone)]
pub(crate) struct KeyCache(Arc<Shared>);

struct Shared {
    source: Source,
    policy: CachePolicy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    located: Option<Located>,
    /// When the last fetch began.
    tried_at: Option<Timestamp>,
    /// Why the last fetch failed; nothing when it did not.
    failure: Option<KeysError>,
    /// Ends when the fetch that runs has ended.
    running: Option<watch::Receiver<()>>,
}

/// Keys that were fetched.
#[derive(Clone)]
struct Held {
    keys: Arc<VerifyingKeys>,
    read_at: Timestamp,
    fresh_until: Timestamp,
    usable_until: Timestamp,
}

/// What is known at one moment.
struct View {
    /// Keys that may be used without asking.
    fresh: Option<Arc<VerifyingKeys>>,
    /// Keys that may be used when asking does not help, the fresh ones among them.
    usable: Option<Arc<VerifyingKeys>>,
    /// Why the last fetch failed; nothing when it did not.
    failure: Option<KeysError>,
    /// Whether that was just now. A failure of this morning says nothing about the next fetch.
    is_failing: bool,
}

impl KeyCache {
    pub(crate) fn new(source: Source, policy: CachePolicy) -> Self {
        Self(Arc::new(Shared { source, policy, state: Mutex::default() }))
    }

    /// Runs a check with the keys that count at `now`. `check` may run several times, with newer keys, as long as it says
    /// that it knows no key; first without any when there are no fresh ones, so that what is no token causes no fetch.
    pub(crate) async fn check<T>(
        &self,
        now: Timestamp,
        check: impl Fn(&VerifyingKeys) -> Result<T, JwtError>,
    ) -> Result<T, TokenError> {
        let before = self.view(now);
        let answer = check(before.fresh.as_deref().unwrap_or(&VerifyingKeys::default()));
        if !matches!(answer, Err(JwtError::UnknownKey)) {
            return Ok(answer?);
        }
        let running = self.renew(now);
        // The last fetch failed, so this one may hang until its time is over: nobody waits whom the old keys can serve.
        if let (None, Some(stale), true) = (&before.fresh, &before.usable, before.is_failing) {
            let answer = check(stale);
            if !matches!(answer, Err(JwtError::UnknownKey)) {
                return Ok(answer?);
            }
        }
        if let Some(mut running) = running {
            // It ends with an error: nothing is ever sent.
            let _ended = running.changed().await;
        }
        let after = self.view(now);
        let Some(keys) = after.usable else {
            return Err(after.failure.unwrap_or(KeysError::Interrupted).into());
        };
        match (check(&keys), after.failure) {
            // The issuer may have told about this key, had it been reached.
            (Err(JwtError::UnknownKey), Some(failure)) => Err(failure.into()),
            (answer, _) => Ok(answer?),
        }
    }

    fn view(&self, now: Timestamp) -> View {
        let state = self.0.lock();
        let held = state.held.as_ref().filter(|held| held.read_at <= now.plus(CLOCK_SLIP));
        let until = |end: fn(&Held) -> Timestamp| {
            held.filter(|held| now < end(held)).map(|held| Arc::clone(&held.keys))
        };
        View {
            fresh: until(|held| held.fresh_until),
            usable: until(|held| held.usable_until),
            failure: state.failure,
            is_failing: state.failure.is_some() && state.tried_within(self.0.policy.least, now),
        }
    }

    /// Joins the fetch that runs, or begins one; nothing while it is too early for another one. The fetch is a task of its
    /// own: a caller who goes away ends nothing, and cannot make the next caller begin again.
    fn renew(&self, now: Timestamp) -> Option<watch::Receiver<()>> {
        let mut state = self.0.lock();
        if let Some(running) = state.running.as_ref().filter(|running| running.has_changed().is_ok()) {
            return Some(running.clone());
        }
        let pause = if state.failure.is_some() { self.0.policy.retry_pause } else { self.0.policy.cool_down };
        if state.tried_within(pause, now) {
            return None;
        }
        let (alive, running) = watch::channel(());
        state.tried_at = Some(now);
        state.running = Some(running.clone());
        // Taken: if this fetch fails, the next one asks the metadata again, for the keys may have moved.
        let known = state.located.take();
        let outcome = Err(KeysError::Interrupted);
        let fetch = Running { shared: Arc::clone(&self.0), now, outcome, _alive: alive };
        tokio::spawn(fetch.run(known));
        Some(running)
    }
}

impl State {
    /// Whether the last fetch began less than this ago; a clock that was set back does not make it longer.
    fn tried_within(&self, gap: Seconds, now: Timestamp) -> bool {
        self.tried_at.is_some_and(|tried| now < tried.plus(gap) && tried < now.plus(gap))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One fetch. However it ends, by panic too, its outcome is written down before those who wait go on.
struct Running {
    shared: Arc<Shared>,
    now: Timestamp,
    outcome: Result<Reading, KeysError>,
    /// Dropped after [`Running::drop`] ran.
    _alive: watch::Sender<()>,
}

impl Running {
    async fn run(mut self, known: Option<Located>) {
        let shared = Arc::clone(&self.shared);
        let reading = shared.source.read(known, &shared.policy, self.now);
        let timed = tokio::time::timeout(shared.policy.timeout, reading).await;
        self.outcome = timed.unwrap_or(Err(KeysError::Fetch(FetchError::TimedOut)));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (policy, issuer) = (&self.shared.policy, &self.shared.source.issuer);
        let mut state = self.shared.lock();
        let outcome = std::mem::replace(&mut self.outcome, Err(KeysError::Interrupted));
        match outcome {
            Ok(reading) => {
                let fresh_until = self.now.plus(policy.lifetime(reading.max_age));
                state.held = Some(Held {
                    keys: Arc::new(reading.keys),
                    read_at: self.now,
                    fresh_until,
                    usable_until: fresh_until.plus(policy.stale_if_error),
                });
                state.located = reading.located;
                state.failure = None;
                tracing::debug!(issuer, "the keys of the issuer were fetched");
            }
            Err(error) => {
                state.failure = Some(error);
                tracing::warn!(issuer, %error, "the keys of the issuer could not be fetched");
            }
        }
    }
}

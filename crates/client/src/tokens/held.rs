//! What is in memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use ayb_protocol::time::Timestamp;

use super::manager::Managed;
use crate::config::RefreshStrategy;
use crate::core::Core;
use crate::types::{AccessToken, Fingerprint, TokenSet};

/// Tokens in memory, with an end by each clock: whichever comes first counts.
pub(super) struct Held {
    pub(super) set: TokenSet,
    /// What is handed out.
    pub(super) token: AccessToken,
    pub(super) ends_monotonic: Option<Duration>,
    /// The storage could not take them yet; what it still has instead.
    pub(super) unsaved_over: Option<Fingerprint>,
    /// By which part of itself the time of renewal is put forward, up to a tenth: not all processes are to come at once.
    jitter: f64,
}

impl Held {
    pub(super) fn new(set: TokenSet, core: &Core, unsaved_over: Option<Fingerprint>) -> Self {
        let left = |end: Timestamp| {
            let left = end.as_millis().saturating_sub(core.now().as_millis());
            core.time.monotonic() + Duration::from_millis(u64::try_from(left).unwrap_or_default())
        };
        let jitter = core.random.fraction() / 10.0;
        let token = AccessToken::new(&set, Arc::clone(&core.time));
        Self { ends_monotonic: set.expires_at.map(left), set, token, unsaved_over, jitter }
    }

    /// How long the access token still counts: by the wall clock, or by the other one if that is less, so a wall clock that is
    /// set back does not bring a token back to life. Nothing means without an end.
    fn left(&self, core: &Core) -> Option<Duration> {
        let end = self.set.expires_at?;
        let by_wall =
            u64::try_from(end.as_millis().saturating_sub(core.now().as_millis())).unwrap_or_default();
        let by_monotonic = self.ends_monotonic?.saturating_sub(core.time.monotonic());
        Some(by_monotonic.min(Duration::from_millis(by_wall)))
    }

    pub(super) fn counts(&self, core: &Core) -> bool {
        counts(self.left(core))
    }

    /// Whether the token counts and it is not time to renew it.
    pub(super) fn is_fresh(&self, managed: &Managed) -> bool {
        let left = self.left(&managed.core);
        counts(left) && !self.is_due_with(left, managed)
    }

    /// Whether it is time to renew. Never in the first half of the token's life: a provider whose tokens live for a minute
    /// would be asked without end.
    pub(super) fn is_due(&self, managed: &Managed) -> bool {
        self.is_due_with(self.left(&managed.core), managed)
    }

    fn is_due_with(&self, left: Option<Duration>, managed: &Managed) -> bool {
        let core = &managed.core;
        let Some(left) = left else { return false };
        if !managed.can_renew(&self.set) {
            return left.is_zero();
        }
        let threshold = Duration::from_secs(core.config.refresh_threshold_secs);
        let threshold =
            threshold.saturating_add(Duration::from_secs_f64(threshold.as_secs_f64() * self.jitter));
        let life = self.set.issued_at.zip(self.set.expires_at);
        let life = life.map(|(from, to)| to.as_millis().saturating_sub(from.as_millis()));
        let half = life.and_then(|life| u64::try_from(life / 2).ok()).map(Duration::from_millis);
        match core.config.strategy() {
            RefreshStrategy::OnDemand => left.is_zero(),
            RefreshStrategy::Manual => false,
            RefreshStrategy::Proactive | RefreshStrategy::Background => {
                left <= half.map_or(threshold, |half| threshold.min(half))
            }
        }
    }
}

fn counts(left: Option<Duration>) -> bool {
    left.is_none_or(|left| !left.is_zero())
}

/// How often a sign-in or a sign-out has replaced what was in memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Generation(u64);

/// The tokens in memory. Reading takes no lock; whoever brings tokens that were read or asked for earlier says in which
/// generation that was, and comes too late after a sign-in or a sign-out.
pub(super) struct Memory {
    held: ArcSwapOption<Held>,
    generation: Mutex<Generation>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { held: ArcSwapOption::empty(), generation: Mutex::new(Generation(0)) }
    }
}

impl Memory {
    pub(super) fn load(&self) -> Option<Arc<Held>> {
        self.held.load_full()
    }

    /// For a short look, which shares nothing with other threads.
    pub(super) fn peek(&self) -> Guard<Option<Arc<Held>>> {
        self.held.load()
    }

    pub(super) fn generation(&self) -> Generation {
        *self.generation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a sign-in or a sign-out leaves; all who began before come too late from now on.
    pub(super) fn replace(&self, held: Option<Held>) {
        let mut generation = self.generation.lock().unwrap_or_else(PoisonError::into_inner);
        generation.0 = generation.0.wrapping_add(1);
        self.held.store(held.map(Arc::new));
    }

    /// What a refresh leaves. False when it comes too late; nothing was changed then.
    pub(super) fn put(&self, held: Option<Held>, began: Generation) -> bool {
        let generation = self.generation.lock().unwrap_or_else(PoisonError::into_inner);
        let in_time = *generation == began;
        if in_time {
            self.held.store(held.map(Arc::new));
        }
        in_time
    }

    /// Takes what was read if there is nothing in memory, and returns what is in memory then. Nothing when it comes too late.
    pub(super) fn fill(&self, held: Held, began: Generation) -> Option<Arc<Held>> {
        let generation = self.generation.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newer) = self.held.load_full() {
            return Some(newer);
        }
        let held = (*generation == began).then(|| Arc::new(held))?;
        self.held.store(Some(Arc::clone(&held)));
        Some(held)
    }
}

//! The refresh transaction.
//!
//! A task of its own takes the lock of the storage, reads again, sends, stores what came, publishes it, and lets go. Nobody who
//! waits for it can end it. What was stored is wiped after one thing only: the provider says `invalid_grant`, and a second look
//! shows that nobody else has renewed meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ayb_primitives::logging::Level;
use ayb_primitives::tracing::Span;

use super::held::{Generation, Held};
use super::manager::Managed;
use super::storage::TokenStorage;
use crate::core::Core;
use crate::error::{OAuth2Error, StorageError, TokenError};
use crate::telemetry::Metric;
use crate::types::{Fingerprint, TokenResponse, TokenSet};

/// How long the lock of somebody else is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// How many milliseconds a failed refresh of tokens that still count is not tried again.
const REST: u64 = 10_000;

/// Pauses between attempts to store what cannot be had again.
const SAVE_PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];

/// Pauses between looks at a storage without a lock for all processes, for what the one that was faster is about to store.
const LOOK_PAUSES: [Duration; 4] = [Duration::from_millis(250); 4];

/// What a transaction brought.
#[derive(Clone)]
pub(super) struct Renewal {
    pub(super) set: TokenSet,
    /// The answer, if this process sent the request.
    response: Option<TokenResponse>,
}

impl Renewal {
    /// The answer; made up from the tokens when another process got it.
    pub(super) fn into_response(self, core: &Core) -> TokenResponse {
        let now = core.now();
        self.response.unwrap_or_else(|| TokenResponse {
            access_token: self.set.access_token,
            token_type: self.set.token_type,
            expires_in: self.set.expires_at.map(|end| end.seconds_since(now).0),
            refresh_token: self.set.refresh_token,
            scope: self.set.scope,
            id_token: self.set.id_token,
            dpop_jkt: self.set.dpop_jkt,
            extra: self.set.extra,
            deviations: Vec::new(),
        })
    }
}

/// A storage, and the spans of what is done with it until this is dropped.
pub(super) struct Traced {
    pub(super) storage: Arc<dyn TokenStorage>,
    _step: Option<Box<dyn Span>>,
    _span: Arc<dyn Span>,
}

impl Managed {
    pub(super) fn can_renew(&self, set: &TokenSet) -> bool {
        self.own.is_some() || set.refresh_token.is_some()
    }

    /// Whether these tokens do not count any more, and asking for the token does not renew them.
    pub(super) fn has_ended(&self, held: &Held) -> bool {
        let is_renewed = held.is_due(self) && self.can_renew(&held.set);
        !(held.counts(&self.core) || is_renewed)
    }

    /// Joins the transaction that is under way, or begins one.
    pub(super) async fn renew(self: &Arc<Self>, forced: bool) -> Result<Renewal, OAuth2Error> {
        let managed = Arc::clone(self);
        let mut begins = false;
        let begin = || {
            begins = true;
            async move { managed.transaction(forced).await }
        };
        let done = self.flight.run(begin).await;
        if !begins {
            self.core.count(Metric::RefreshesShared, &[]);
        }
        done.unwrap_or_else(|| Err(StorageError::ReadFailed("the refresh was interrupted".to_owned()).into()))
    }

    /// Begins one if none is under way, for tokens that still count.
    pub(super) fn renew_meanwhile(self: &Arc<Self>) {
        if self.rests() {
            return;
        }
        let managed = Arc::clone(self);
        self.flight.start(|| async move {
            let done = managed.transaction(false).await;
            if done.is_err() {
                managed.rests_until.store(managed.millis().saturating_add(REST), Ordering::Relaxed);
            }
            done
        });
    }

    /// Whether the last refresh of tokens that still count failed just now.
    fn rests(&self) -> bool {
        self.millis() < self.rests_until.load(Ordering::Relaxed)
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.core.time.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether all that is in memory can be had again from the storage.
    pub(super) fn is_idle(&self) -> bool {
        let is_saved = self.memory.load().is_none_or(|held| held.unsaved_over.is_none());
        is_saved && !self.rests()
    }

    pub(super) fn expired(&self) -> OAuth2Error {
        self.core.count(Metric::TokensExpired, &[("type", "access")]);
        self.core.log(
            Level::Warn,
            "the access token has expired and cannot be renewed",
            "refresh_token",
            &[],
        );
        TokenError::ExpiredToken.into()
    }

    /// The storage inside a span. One that shows no steps of its own is one step.
    pub(super) fn traced(&self, name: &'static str, step: &'static str) -> Traced {
        let span: Arc<dyn Span> = Arc::from(self.core.tracer.span(name));
        let steps = self.core.storage.traced(&span);
        let whole = steps.is_none().then(|| span.child(step));
        let storage = steps.unwrap_or_else(|| Arc::clone(&self.core.storage));
        Traced { storage, _step: whole, _span: span }
    }

    pub(super) async fn read(&self) -> Result<Option<TokenSet>, OAuth2Error> {
        self.traced("oauth2.token_retrieval", "oauth2.read").storage.retrieve(&self.key).await
    }

    /// Shows tokens to all. False when somebody signed in or out since; they stay unseen then.
    pub(super) fn publish(
        &self,
        set: &TokenSet,
        unsaved_over: Option<Fingerprint>,
        began: Generation,
    ) -> bool {
        let held = Held::new(set.clone(), &self.core, unsaved_over);
        let in_time = self.memory.put(Some(held), began);
        if in_time {
            self.gauge(Some(set));
        }
        in_time
    }

    /// What there is, for the metrics.
    pub(super) fn gauge(&self, set: Option<&TokenSet>) {
        let has = |token: bool| f64::from(u8::from(token));
        let has_refresh = has(set.is_some_and(|set| set.refresh_token.is_some()));
        self.core.metrics.gauge(Metric::TokensActive.as_str(), &[("type", "access")], has(set.is_some()));
        self.core.metrics.gauge(Metric::TokensActive.as_str(), &[("type", "refresh")], has_refresh);
    }

    async fn transaction(&self, forced: bool) -> Result<Renewal, OAuth2Error> {
        let before = self.memory.load();
        let asked = self.core.time.monotonic();
        let lock = self.core.storage.lock(&self.key, PATIENCE).await;
        let waited = self.core.time.monotonic().saturating_sub(asked).as_secs_f64();
        self.core.metrics.observe(Metric::RefreshLockWait.as_str(), &[], waited);
        let _lock = lock?;
        let began = self.memory.generation();
        if let Some(scopes) = &self.own {
            return self.ask_anew(before.as_deref(), scopes, forced, began).await;
        }
        let (stored, is_in_storage) = self.begin_with(began).await?;
        if let Some(renewal) = self.renewed_by_others(before.as_deref(), &stored, forced, began) {
            return Ok(renewal);
        }
        if stored.refresh_token.is_none() {
            return Err(self.expired());
        }
        // A refresh token that never changed before might this time: rotation is assumed until the contrary is known.
        match self.core.refresh(&stored, true).await {
            Ok(response) => self.keep(&stored, is_in_storage, response, began).await,
            Err(OAuth2Error::Token(error)) if error.is_dead_grant() => self.dead(&stored, error, began).await,
            Err(error) => Err(error),
        }
    }

    /// Tokens of the program itself: others may have asked meanwhile; nothing is lost if they cannot be stored.
    async fn ask_anew(
        &self,
        before: Option<&Held>,
        scopes: &[String],
        forced: bool,
        began: Generation,
    ) -> Result<Renewal, OAuth2Error> {
        if let Some(stored) = self.read().await?
            && self.core.holds_key(stored.dpop_jkt.as_deref()).is_ok()
            && let Some(renewal) = self.renewed_by_others(before, &stored, forced, began)
        {
            return Ok(renewal);
        }
        let response = self.core.own_token(Some(scopes)).await?;
        let set = TokenSet { refresh_token: None, ..TokenSet::from_response(&response, self.core.now()) };
        if let Err(error) = self.core.storage.store(&self.key, &set).await {
            let why = error.to_string();
            self.core.log(
                Level::Warn,
                "the new token could not be stored",
                "client_credentials",
                &[("why", &why)],
            );
        }
        // Too late after a sign-out: whoever asked has the token, and nobody after.
        let _in_time = self.publish(&set, None, began);
        Ok(Renewal { set, response: Some(response) })
    }

    /// The tokens to begin with, and the fingerprint of what the storage has. What could not be stored last time is stored first:
    /// no other process may use the refresh token before it.
    async fn begin_with(&self, began: Generation) -> Result<(TokenSet, Fingerprint), OAuth2Error> {
        if let Some((held, over)) =
            self.memory.load().and_then(|held| Some((Arc::clone(&held), held.unsaved_over?)))
        {
            let saved = self.core.storage.compare_and_store(&self.key, Some(over), &held.set).await;
            match saved {
                Ok(()) => {
                    self.publish(&held.set, None, began);
                    return Ok((held.set.clone(), held.set.fingerprint()));
                }
                // A new sign-in, or a sign-out.
                Err(OAuth2Error::Storage(StorageError::Conflict)) => {}
                Err(_) => return Ok((held.set.clone(), over)),
            }
        }
        let Some(stored) = self.read().await? else {
            // Somebody signed out.
            self.memory.put(None, began);
            return Err(TokenError::NoTokens.into());
        };
        let fingerprint = stored.fingerprint();
        Ok((stored, fingerprint))
    }

    /// What is stored is not what this process knew: another one was faster.
    fn renewed_by_others(
        &self,
        before: Option<&Held>,
        stored: &TokenSet,
        forced: bool,
        began: Generation,
    ) -> Option<Renewal> {
        let fresh = |held: &Held| held.counts(&self.core) && !held.is_due(self);
        let known = before.filter(|before| before.set.fingerprint() == stored.fingerprint());
        let is_enough = match known {
            // By the end that memory knows: a wall clock that was set back must not count anew.
            Some(known) => !forced && fresh(known),
            None => (before.is_some() || !forced) && fresh(&Held::new(stored.clone(), &self.core, None)),
        };
        is_enough.then(|| {
            if known.is_none() {
                self.publish(stored, None, began);
            }
            Renewal { set: stored.clone(), response: None }
        })
    }

    /// Stores before anybody sees it. The old refresh token may be dead already, so giving up is the last resort: the tokens are
    /// kept in memory then, and stored before the next refresh.
    async fn keep(
        &self,
        old: &TokenSet,
        over: Fingerprint,
        response: TokenResponse,
        began: Generation,
    ) -> Result<Renewal, OAuth2Error> {
        let set = old.renewed_by(&response, self.core.now());
        let mut pauses = SAVE_PAUSES.into_iter();
        loop {
            let traced = self.traced("oauth2.token_storage", "oauth2.write");
            let saved = traced.storage.compare_and_store(&self.key, Some(over), &set).await;
            drop(traced);
            let error = match saved {
                Ok(()) if self.publish(&set, None, began) => {
                    return Ok(Renewal { set, response: Some(response) });
                }
                Ok(()) | Err(OAuth2Error::Storage(StorageError::Conflict)) => {
                    return self.yield_to_others(began).await;
                }
                Err(error) => error,
            };
            let why = error.to_string();
            self.core.log(
                Level::Error,
                "the new tokens could not be stored",
                "refresh_token",
                &[("why", &why)],
            );
            match pauses.next() {
                Some(pause) => self.core.time.sleep(pause).await,
                None if self.publish(&set, Some(over), began) => {
                    return Ok(Renewal { set, response: Some(response) });
                }
                None => return self.yield_to_others(began).await,
            }
        }
    }

    /// Somebody stored tokens without the lock: a new sign-in, which counts more than a renewal of the old one. After a sign-out
    /// nothing is kept.
    async fn yield_to_others(&self, began: Generation) -> Result<Renewal, OAuth2Error> {
        match self.read().await? {
            Some(theirs) => {
                self.publish(&theirs, None, began);
                Ok(Renewal { set: theirs, response: None })
            }
            None => {
                self.memory.put(None, began);
                self.core.log(Level::Warn, "somebody signed out during the refresh", "refresh_token", &[]);
                Err(TokenError::NoTokens.into())
            }
        }
    }

    /// Without a lock that excludes them, another process may have used the refresh token just now, and not have stored yet what it
    /// got for it.
    async fn await_others(&self, sent: &TokenSet) -> Result<(), OAuth2Error> {
        if self.core.storage.capabilities().locks_across_processes {
            return Ok(());
        }
        for pause in LOOK_PAUSES {
            self.core.time.sleep(pause).await;
            if self.read().await?.is_none_or(|stored| stored.fingerprint() != sent.fingerprint()) {
                break;
            }
        }
        Ok(())
    }

    /// The provider says that the refresh token is dead. If it is still the one that is stored, it is wiped.
    async fn dead(
        &self,
        sent: &TokenSet,
        error: TokenError,
        began: Generation,
    ) -> Result<Renewal, OAuth2Error> {
        self.await_others(sent).await?;
        match self.core.storage.compare_and_delete(&self.key, sent.fingerprint()).await {
            Ok(()) => {}
            Err(OAuth2Error::Storage(StorageError::Conflict)) => {
                if let Some(theirs) = self.read().await? {
                    self.publish(&theirs, None, began);
                    return Ok(Renewal { set: theirs, response: None });
                }
            }
            Err(failed) => return Err(failed),
        }
        self.memory.put(None, began);
        self.core.count(Metric::TokensExpired, &[("type", "refresh")]);
        self.core.log(Level::Warn, "the provider says that the refresh token is dead", "refresh_token", &[]);
        Err(error.into())
    }
}

//! Tokens that stay fresh.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use ayb_primitives::errors::IntegrationError as _;
use ayb_primitives::logging::Level;

use super::held::{Held, Memory};
use super::refresh::{PATIENCE, Renewal};
use super::storage::StorageGuard;
use crate::coalesce::Flight;
use crate::core::Core;
use crate::error::{OAuth2Error, TokenError};
use crate::telemetry::Metric;
use crate::types::{AccessToken, TokenResponse, TokenSet};

/// Keeps the tokens of one key and renews them.
#[async_trait]
pub trait TokenManager: Send + Sync {
    /// An access token that counts, renewed if need be. However many ask at once, there is one refresh, and none of them can
    /// break it off by going away.
    async fn get_access_token(&self) -> Result<AccessToken, OAuth2Error>;

    /// What is stored, as it is.
    async fn get_current_tokens(&self) -> Result<Option<TokenSet>, OAuth2Error>;

    /// Renews now.
    async fn refresh(&self) -> Result<TokenResponse, OAuth2Error>;

    /// Keeps tokens of a sign-in that just succeeded.
    async fn store_tokens(&self, tokens: TokenSet) -> Result<(), OAuth2Error>;

    /// Forgets them. They go on counting at the provider: see [`crate::TokenRevocation::revoke_all`].
    async fn clear_tokens(&self) -> Result<(), OAuth2Error>;

    /// Whether there are any.
    async fn has_tokens(&self) -> Result<bool, OAuth2Error>;

    /// Whether the access token has ended, or there is none.
    async fn is_access_token_expired(&self) -> Result<bool, OAuth2Error>;

    /// Whether it can be renewed.
    async fn has_refresh_token(&self) -> Result<bool, OAuth2Error>;
}

/// The manager of one key. Clones share everything.
#[derive(Clone)]
pub struct TokenManagerImpl(pub(super) Arc<Managed>);

pub(super) struct Managed {
    pub(super) core: Arc<Core>,
    pub(super) key: String,
    pub(super) memory: Memory,
    /// The scopes of the program's own tokens, when these are such tokens: they are asked for anew instead of being refreshed.
    pub(super) own: Option<Vec<String>>,
    pub(super) flight: Flight<Result<Renewal, OAuth2Error>>,
    /// Milliseconds of the monotonic clock before which no refresh is begun for tokens that still count: the last one failed.
    pub(super) rests_until: AtomicU64,
}

impl Managed {
    /// The token in memory, when there is nothing to be done but to hand it out: no lock, one look at the clocks.
    fn fresh_token(&self) -> Option<AccessToken> {
        let held = self.memory.peek();
        let held = held.as_ref()?;
        let is_ours = self.core.holds_key(held.set.dpop_jkt.as_deref()).is_ok();
        (is_ours && held.is_fresh(self)).then(|| {
            self.core.count(Metric::TokenCacheHits, &[]);
            held.token.clone()
        })
    }
}

impl TokenManagerImpl {
    /// The manager of a key; `own` has the scopes if the tokens are the program's own.
    pub(crate) fn new(core: Arc<Core>, key: String, own: Option<Vec<String>>) -> Self {
        Self(Arc::new(Managed {
            core,
            key,
            own,
            memory: Memory::default(),
            flight: Flight::default(),
            rests_until: AtomicU64::new(0),
        }))
    }

    /// What is in memory, or else what is stored.
    async fn current(&self) -> Result<Arc<Held>, OAuth2Error> {
        loop {
            if let Some(held) = self.0.memory.load() {
                return Ok(held);
            }
            let generation = self.0.memory.generation();
            match self.0.read().await? {
                Some(stored) => {
                    // Not if somebody signed out, or in, since: then what was read is read again.
                    if let Some(held) = self.0.memory.fill(Held::new(stored, &self.0.core, None), generation)
                    {
                        self.0.gauge(Some(&held.set));
                        return Ok(held);
                    }
                }
                None if self.0.own.is_some() => {
                    let renewal = self.0.renew(false).await?;
                    return Ok(Arc::new(Held::new(renewal.set, &self.0.core, None)));
                }
                None => return Err(TokenError::NoTokens.into()),
            }
        }
    }

    /// Another process may have stored newer tokens since: a second look before these are given up.
    async fn read_again(&self, held: Arc<Held>) -> Result<Arc<Held>, OAuth2Error> {
        let generation = self.0.memory.generation();
        // What could not be stored is newer than what is.
        if held.unsaved_over.is_some() {
            return Ok(held);
        }
        match self.0.read().await? {
            Some(stored) if stored.fingerprint() != held.set.fingerprint() => {
                // Too late after a sign-in or a sign-out: then it is the new memory that counts.
                self.0.publish(&stored, None, generation);
                self.current().await
            }
            _ => Ok(held),
        }
    }

    /// Whether nobody has this manager but one map, no refresh is under way, and nothing is lost without it.
    pub(crate) fn is_idle(&self) -> bool {
        // A refresh that is under way has a share in it.
        Arc::strong_count(&self.0) == 1 && self.0.is_idle()
    }

    #[cfg(test)]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Waits for the refresh that is under way, if there is one.
    pub(crate) async fn settle(&self) {
        self.0.flight.settle().await;
    }

    /// Keeps a refresh, and a sign-in or sign-out of somebody else, from beginning until the guard is dropped. Nothing when whoever
    /// has the lock keeps it too long: a person's decision is carried out all the same, and a refresh that ends after it finds
    /// that its tokens are not there any more.
    pub(crate) async fn lock(&self) -> Option<StorageGuard> {
        match self.0.core.storage.lock(&self.0.key, PATIENCE).await {
            Ok(guard) => Some(guard),
            Err(error) => {
                let why = [("why", error.error_code())];
                self.0.core.log(
                    Level::Warn,
                    "the lock of the tokens could not be had",
                    "token_storage",
                    &why,
                );
                None
            }
        }
    }

    /// Forgets the tokens, from the storage first: what is in memory then cannot be read again. For who has the lock.
    pub(crate) async fn forget(&self) -> Result<(), OAuth2Error> {
        let deleted = self.0.core.storage.delete(&self.0.key).await;
        self.0.memory.replace(None);
        self.0.gauge(None);
        deleted
    }

    /// A task that renews whenever it is time, until it is dropped; for [`crate::RefreshStrategy::Background`]. It must be spawned by
    /// the caller, who knows when to end it.
    pub async fn keep_fresh(self) {
        loop {
            let pause = match self.current().await {
                Ok(held) if held.is_due(&self.0) => match self.0.renew(false).await {
                    Ok(_) => Duration::from_secs(1),
                    Err(_) => Duration::from_secs(30),
                },
                Ok(_) => Duration::from_secs(5),
                Err(_) => Duration::from_secs(30),
            };
            self.0.core.time.sleep(pause).await;
        }
    }
}

#[async_trait]
impl TokenManager for TokenManagerImpl {
    async fn get_access_token(&self) -> Result<AccessToken, OAuth2Error> {
        let managed = &self.0;
        if let Some(token) = managed.fresh_token() {
            return Ok(token);
        }
        let held = self.current().await?;
        let held = if managed.has_ended(&held) { self.read_again(held).await? } else { held };
        let token = |set: &TokenSet| AccessToken::new(set, Arc::clone(&managed.core.time));
        if let Err(foreign) = managed.core.holds_key(held.set.dpop_jkt.as_deref()) {
            // The program's own tokens are asked for anew; a person's are bound to a key that is somewhere else, or lost.
            return match managed.own {
                Some(_) => Ok(token(&managed.renew(false).await?.set)),
                None => Err(foreign.into()),
            };
        }
        let counts = held.counts(&managed.core);
        if !held.is_due(managed) {
            if !counts {
                return Err(managed.expired());
            }
            managed.core.count(Metric::TokenCacheHits, &[]);
            return Ok(held.token.clone());
        }
        if counts {
            // It still counts, so nobody waits and a failure displaces nothing.
            managed.renew_meanwhile();
            return Ok(held.token.clone());
        }
        if !managed.can_renew(&held.set) {
            return Err(managed.expired());
        }
        let renewal = managed.renew(false).await?;
        // Another process with another key may have been faster.
        managed.core.holds_key(renewal.set.dpop_jkt.as_deref())?;
        Ok(token(&renewal.set))
    }

    async fn get_current_tokens(&self) -> Result<Option<TokenSet>, OAuth2Error> {
        match self.0.memory.load() {
            // Newer than what is stored.
            Some(held) if held.unsaved_over.is_some() => Ok(Some(held.set.clone())),
            _ => self.0.read().await,
        }
    }

    async fn refresh(&self) -> Result<TokenResponse, OAuth2Error> {
        self.current().await?;
        Ok(self.0.renew(true).await?.into_response(&self.0.core))
    }

    async fn store_tokens(&self, tokens: TokenSet) -> Result<(), OAuth2Error> {
        let _lock = self.lock().await;
        let traced = self.0.traced("oauth2.token_storage", "oauth2.write");
        traced.storage.store(&self.0.key, &tokens).await?;
        drop(traced);
        self.0.gauge(Some(&tokens));
        self.0.memory.replace(Some(Held::new(tokens, &self.0.core, None)));
        Ok(())
    }

    async fn clear_tokens(&self) -> Result<(), OAuth2Error> {
        let _lock = self.lock().await;
        self.forget().await
    }

    async fn has_tokens(&self) -> Result<bool, OAuth2Error> {
        Ok(self.get_current_tokens().await?.is_some())
    }

    async fn is_access_token_expired(&self) -> Result<bool, OAuth2Error> {
        match self.current().await {
            Ok(held) if held.counts(&self.0.core) => Ok(false),
            Ok(held) => Ok(!self.read_again(held).await?.counts(&self.0.core)),
            Err(OAuth2Error::Token(TokenError::NoTokens)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn has_refresh_token(&self) -> Result<bool, OAuth2Error> {
        Ok(self.get_current_tokens().await?.is_some_and(|set| set.refresh_token.is_some()))
    }
}

//! From an issuer to its keys: metadata (RFC 8414, OpenID Connect Discovery 1.0), then the JWK Set (RFC 7517 §5).

use std::sync::Arc;

use ayb_protocol::jose::{KeySet, VerifyingKeys};
use ayb_protocol::time::{Seconds, Timestamp};
use serde::Deserialize;
use url::Url;

use super::CachePolicy;
use crate::address::{Plain, appended, inserted};
use crate::error::KeysError;
use crate::fetch::{Document, Fetch, FetchError, MAX_DOCUMENT};

/// Where the keys of one issuer come from.
pub(crate) struct Source {
    /// The issuer, letter by letter.
    pub(crate) issuer: String,
    /// The same as an address.
    pub(crate) address: Url,
    /// The address of the keys, when it was given and need not be looked for.
    pub(crate) jwks_uri: Option<Url>,
    pub(crate) plain: Plain,
    pub(crate) fetch: Arc<dyn Fetch>,
}

/// Where the keys are, as the metadata said.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    jwks_uri: Url,
    fresh_until: Timestamp,
}

/// Keys that were just read.
pub(crate) struct Reading {
    pub(crate) keys: VerifyingKeys,
    pub(crate) max_age: Option<Seconds>,
    pub(crate) located: Option<Located>,
}

/// The members of the metadata that are acted on. serde refuses a member that occurs twice.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    /// Reads the keys, and the metadata before them unless what it said is known and still fresh.
    pub(crate) async fn read(
        &self,
        known: Option<Located>,
        policy: &CachePolicy,
        now: Timestamp,
    ) -> Result<Reading, KeysError> {
        if let Some(jwks_uri) = &self.jwks_uri {
            return self.keys(jwks_uri, None).await;
        }
        let located = match known {
            Some(known) if now < known.fresh_until => known,
            _ => self.locate(policy, now).await?,
        };
        self.keys(&located.jwks_uri.clone(), Some(located)).await
    }

    async fn keys(&self, jwks_uri: &Url, located: Option<Located>) -> Result<Reading, KeysError> {
        let document = self.get(jwks_uri).await?;
        let set = KeySet::parse(&document.body).map_err(|_| KeysError::KeySet)?;
        for reason in set.refused() {
            tracing::debug!(issuer = self.issuer, %reason, "a key of the issuer is left out");
        }
        Ok(Reading { keys: VerifyingKeys::from_key_set(&set), max_age: document.max_age, located })
    }

    /// RFC 9068 §4 leaves it open by which of the two documents an issuer describes itself; RFC 8414 is asked first.
    async fn locate(&self, policy: &CachePolicy, now: Timestamp) -> Result<Located, KeysError> {
        let first = inserted(&self.address, "oauth-authorization-server");
        let second = appended(&self.address, "openid-configuration");
        let error = match self.metadata(&first, policy, now).await {
            Ok(located) => return Ok(located),
            Err(error @ KeysError::Fetch(FetchError::Connection | FetchError::TimedOut)) => {
                return Err(error);
            }
            Err(error) => error,
        };
        let found = self.metadata(&second, policy, now).await;
        // A document that is there and wrong says more than one that is not there.
        found.map_err(|other| if matches!(error, KeysError::Fetch(_)) { other } else { error })
    }

    async fn metadata(&self, at: &Url, policy: &CachePolicy, now: Timestamp) -> Result<Located, KeysError> {
        let document = self.get(at).await?;
        let said: Metadata = serde_json::from_slice(&document.body).map_err(|_| KeysError::Metadata)?;
        // RFC 8414 §3.3: identical, or the document must not be used.
        if said.issuer != self.issuer {
            return Err(KeysError::Issuer);
        }
        // An issuer on https cannot lead to http, also not to this machine's own.
        let keeps_scheme = |uri: &Url| uri.scheme() == "https" || uri.scheme() == self.address.scheme();
        let jwks_uri = Url::parse(&said.jwks_uri).ok();
        let jwks_uri = jwks_uri.filter(|uri| keeps_scheme(uri) && self.plain.allows(uri));
        let jwks_uri = jwks_uri.ok_or(KeysError::Address)?;
        let fresh_until = now.plus(policy.lifetime(document.max_age));
        Ok(Located { jwks_uri, fresh_until })
    }

    /// The limit holds for every client, not only for ours.
    async fn get(&self, address: &Url) -> Result<Document, KeysError> {
        let document = self.fetch.get(address).await?;
        if document.body.len() > MAX_DOCUMENT {
            return Err(FetchError::TooLarge.into());
        }
        Ok(document)
    }
}

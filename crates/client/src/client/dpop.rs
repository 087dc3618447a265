//! Proofs of possession for the caller: another key, the headers of a request to a resource, the nonce of its answer.

use std::sync::Arc;

use url::Url;
use zeroize::Zeroizing;

use super::OAuth2;
use crate::core::Core;
use crate::dpop::{DpopKey, asks_for_nonce};
use crate::error::OAuth2Error;
use crate::types::AccessToken;

impl OAuth2 {
    /// The same client with a key of one session. Limits, breakers, known keys and nonces are shared; tokens are not: give each
    /// session its own [`crate::TokenStorageKey`].
    ///
    /// # Errors
    /// [`crate::error::ConfigurationError::Invalid`] when the provider does not take the key's algorithm.
    pub fn with_dpop_key(&self, key: DpopKey) -> Result<Self, OAuth2Error> {
        let mut core = Core::clone(&self.0.core);
        core.config.dpop = Some(key);
        core.config.check_dpop()?;
        Ok(Self::on(Arc::new(core)))
    }

    /// The headers of one request to a resource: `Authorization`, and `DPoP` when the token is bound to a key (RFC 9449 §7). Make
    /// them anew for every attempt, and give the answer's `DPoP-Nonce` to [`OAuth2::remember_nonce`]. `method` is the HTTP method in
    /// upper case.
    ///
    /// # Errors
    /// [`crate::error::TokenError::OtherKey`] for a token that is bound to another key than this client's.
    pub fn authorize_request(
        &self,
        method: &str,
        url: &Url,
        token: &AccessToken,
    ) -> Result<Vec<(&'static str, Zeroizing<String>)>, OAuth2Error> {
        self.0.core.authorization(method, url, token.secret(), token.dpop_jkt.as_deref())
    }

    /// Takes the header `DPoP-Nonce` of an answer from `url`, whatever its status: the next proof for that origin carries it
    /// (RFC 9449 §8.2).
    pub fn remember_nonce(&self, url: &Url, nonce: &str) {
        self.0.core.nonces.remember(url, nonce);
    }

    /// Whether an answer asks for the same request again, once, with the nonce that it brought: a 401 whose `WWW-Authenticate`
    /// says `use_dpop_nonce` (RFC 9449 §9).
    pub fn wants_nonce(status: u16, www_authenticate: Option<&str>) -> bool {
        status == 401 && www_authenticate.is_some_and(asks_for_nonce)
    }
}

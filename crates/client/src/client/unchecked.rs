//! For callers that keep and compare the state of a sign-in themselves.

use url::Url;

use super::OAuth2;
use crate::error::OAuth2Error;
use crate::pending::PendingAuthorization;
use crate::types::{PkceVerifier, TokenResponse};

impl OAuth2 {
    /// Exchanges a code of which this client knows nothing: **the caller** has compared the state with the one that it gave to
    /// this very browser, in constant time and once, has seen that the sign-in is not too old, and that this provider answered
    /// (RFC 9207). Whoever leaves that out lets anybody push a sign-in onto somebody else. [`OAuth2::start`] and
    /// [`OAuth2::finish`] do all of it.
    ///
    /// What can be checked still is: with a nonce there must be an ID token that has it, and without one an ID token that does
    /// not pass is left out. `max_age` is for the caller to compare with `auth_time`. The verifier is none only where the
    /// request had no challenge.
    ///
    /// # Errors
    /// As [`OAuth2::finish`] after its checks.
    pub async fn exchange_code_unchecked(
        &self,
        code: &str,
        redirect_uri: &Url,
        pkce_verifier: Option<&PkceVerifier>,
        nonce: Option<&str>,
    ) -> Result<TokenResponse, OAuth2Error> {
        let core = &self.0.core;
        let pending = PendingAuthorization {
            state: String::new(),
            nonce: nonce.map(str::to_owned),
            verifier: pkce_verifier.cloned(),
            redirect_uri: redirect_uri.clone(),
            issuer: core.config.provider.issuer.clone(),
            client_id: core.config.credentials.client_id.clone(),
            token_endpoint: core.config.provider.token_endpoint.clone(),
            scopes: Vec::new(),
            max_age: None,
            dpop_jkt: core.thumbprint().map(str::to_owned),
            created_at: core.now(),
        };
        core.redeem("authorization_code", code, &pending).await
    }
}

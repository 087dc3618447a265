//! Refresh (RFC 6749 §6): the request alone. Storing, locking and waiting is the token manager's.

use std::sync::Arc;

use ayb_protocol::jose::jwt::Claims;
use ayb_protocol::jose::{base64url, jws};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::token::Grant;
use crate::core::Core;
use crate::error::{OAuth2Error, TokenError, ValidationError};
use crate::id_token::Expected;
use crate::resilience::Kind;
use crate::telemetry::Metric;
use crate::types::{TokenResponse, TokenSet};

impl Core {
    /// Asks for new tokens. `rotates` says whether the refresh token is known to be replaced with every use.
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        set: &TokenSet,
        rotates: bool,
    ) -> Result<TokenResponse, OAuth2Error> {
        let Some(refresh_token) = &set.refresh_token else { return Err(TokenError::ExpiredToken.into()) };
        // RFC 9449 §5: a public client's refresh token is good with its key only, and a wrong proof may cost it.
        self.holds_key(set.dpop_jkt.as_deref())?;
        let kind = if rotates { Kind::RotatingRefresh } else { Kind::Refresh };
        let operation = self.begin("refresh_token", set.scope.as_deref());
        // A session that began without a key goes on without one where the server does not bind it now.
        let grant = Grant { may_be_unbound: set.dpop_jkt.is_none(), ..Grant::new(kind, "refresh_token") };
        let grant = grant.add("refresh_token", refresh_token.expose_secret());
        let result = match self.request_tokens(&operation, "oauth2.token_refresh", grant).await {
            Ok(response) => self.checked(set, response).await,
            Err(error) => Err(error),
        };
        self.end(operation, Metric::TokenRefreshes, Some(Metric::TokenRefreshDuration), result)
    }

    /// The refresh token may be spent by now, so an ID token that cannot be checked, whatever the reason, costs no more than
    /// itself. One that was checked and is about somebody else is an attack, or a server that mixes people up.
    async fn checked(
        self: &Arc<Self>,
        set: &TokenSet,
        mut response: TokenResponse,
    ) -> Result<TokenResponse, OAuth2Error> {
        match self.same_person(set, &response).await {
            Ok(()) => {}
            Err(error @ OAuth2Error::Validation(ValidationError::SubjectMismatch)) => return Err(error),
            Err(error) => self.leave_id_token_out("refresh_token", &mut response, &error),
        }
        Ok(response)
    }

    /// A new ID token must be about the same person (OpenID Connect Core §12.2).
    async fn same_person(
        self: &Arc<Self>,
        set: &TokenSet,
        response: &TokenResponse,
    ) -> Result<(), OAuth2Error> {
        let (Some(new), true) = (&response.id_token, self.config.id_token.is_checked()) else {
            return Ok(());
        };
        let expected =
            Expected { access_token: Some(response.access_token.expose_secret()), ..Expected::default() };
        let claims = self.verify_id_token(new.expose_secret(), &expected).await?;
        let Some(old) = &set.id_token else { return Ok(()) };
        Ok(follows(&said_before(old.expose_secret())?, claims.claims())?)
    }
}

/// The claims of an ID token that was checked when it came; by now it may have ended, and its key be gone.
fn said_before(token: &str) -> Result<Map<String, Value>, ValidationError> {
    let parts = jws::split(token, jws::MAX_LENGTH).map_err(|_| ValidationError::InvalidTokenFormat)?;
    let payload = base64url::decode(parts.payload).map_err(|_| ValidationError::InvalidTokenFormat)?;
    serde_json::from_slice(&payload).map_err(|_| ValidationError::InvalidTokenFormat)
}

/// What of a new ID token has to be as in the one before (OpenID Connect Core §12.2). A nonce need not come again.
fn follows(before: &Map<String, Value>, new: &Claims) -> Result<(), ValidationError> {
    let is_same = |name: &str| before.get(name) == new.get(name);
    // Only both together name a person.
    if !(is_same("iss") && is_same("sub")) {
        return Err(ValidationError::SubjectMismatch);
    }
    let mut audiences = [audience(before.get("aud")), new.audience()];
    audiences.iter_mut().for_each(|names| names.sort_unstable());
    if audiences[0] != audiences[1] || !is_same("azp") {
        return Err(ValidationError::InvalidAudience);
    }
    let differs = |name: &str| before.contains_key(name) && new.get(name).is_some() && !is_same(name);
    if differs("auth_time") {
        let reason = "auth_time is not the one of the sign-in".to_owned();
        return Err(ValidationError::InvalidJwt { reason });
    }
    if differs("nonce") { Err(ValidationError::NonceMismatch) } else { Ok(()) }
}

/// One text counts as a list of one.
fn audience(claim: Option<&Value>) -> Vec<&str> {
    match claim {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name],
        _ => Vec::new(),
    }
}

//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4).

use std::sync::Arc;

use ayb_protocol::jose::jwt::{Claims, ExpectedType};
use serde_json::Value;

use crate::core::Core;
use crate::error::{OAuth2Error, ValidationError};

/// What says that it is a logout.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A logout token that was checked. It names a person, a session, or both.
#[derive(Clone, Debug, PartialEq)]
pub struct LogoutTokenClaims(Claims);

impl LogoutTokenClaims {
    /// The person, all of whose sessions end when no session is named.
    pub fn subject(&self) -> Option<&str> {
        self.0.subject()
    }

    /// The session.
    pub fn session(&self) -> Option<&str> {
        self.0.text("sid")
    }

    /// The name of this token, to recognise a second one.
    pub fn token_id(&self) -> &str {
        self.0.token_id().unwrap_or_default()
    }
}

impl Core {
    pub(crate) async fn verify_logout_token(
        self: &Arc<Self>,
        token: &str,
    ) -> Result<LogoutTokenClaims, OAuth2Error> {
        // §2.4 recommends the type; a token with another one, an ID token for instance, is not taken for a logout.
        let claims = self.verify_signed(token, ExpectedType::IsOrAbsent("logout+jwt".into())).await?;
        let invalid = |reason: &str| Err(ValidationError::InvalidJwt { reason: reason.to_owned() }.into());
        let is_logout =
            claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object);
        if !is_logout {
            return invalid("it is no logout");
        }
        // §2.6: a nonce is what tells an ID token.
        if claims.get("nonce").is_some() {
            return invalid("a logout token has no nonce");
        }
        if claims.subject().is_none() && claims.text("sid").is_none() {
            return invalid("it names neither a person nor a session");
        }
        if claims.token_id().is_none_or(str::is_empty) {
            return invalid("jti is missing");
        }
        match claims.issued_at() {
            Some(issued) if issued <= self.now().plus(self.config.id_token.leeway) => {
                Ok(LogoutTokenClaims(claims))
            }
            _ => invalid("iat is missing or in the future"),
        }
    }
}

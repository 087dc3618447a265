//! An access token that was verified.

use std::fmt;
use std::sync::Arc;

use ayb_protocol::jose::jwt::{Claims, JwtError};
use ayb_protocol::time::{Seconds, Timestamp};
use serde_json::Value;

use crate::error::TokenError;

/// A JWT access token (RFC 9068) whose signature, issuer, audience and times were checked. Only
/// [`Verifier`](crate::Verifier) makes one. Clones share their content.
#[derive(Clone)]
pub struct AccessToken(Arc<Content>);

struct Content {
    claims: Claims,
    subject: String,
    client_id: String,
    token_id: String,
    issued_at: Timestamp,
    expires_at: Timestamp,
    scope: String,
}

impl AccessToken {
    /// Checks what RFC 9068 §2.2 asks for beyond what every JWT needs.
    pub(crate) fn from_claims(claims: Claims, now: Timestamp, leeway: Seconds) -> Result<Self, TokenError> {
        if claims.get("cnf").is_some() {
            return Err(TokenError::Bound);
        }
        let subject = required(&claims, "sub")?;
        let client_id = required(&claims, "client_id")?;
        let token_id = required(&claims, "jti")?;
        let expires_at = claims.expires_at().ok_or(JwtError::Claim("exp"))?;
        let issued_at = claims.issued_at().ok_or(JwtError::Claim("iat"))?;
        if issued_at > now.plus(leeway) {
            return Err(JwtError::NotYetValid.into());
        }
        let scope = match claims.get("scope") {
            None => String::new(),
            Some(Value::String(scope)) => scope.clone(),
            Some(_) => return Err(JwtError::Claim("scope").into()),
        };
        let content = Content { claims, subject, client_id, token_id, issued_at, expires_at, scope };
        Ok(Self(Arc::new(content)))
    }

    /// `sub`: the person, or the client when it speaks for itself.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// `client_id`: the client that the token was given to (RFC 8693 §4.3).
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// Whether the client speaks for itself, as ayb says it: the subject is the client. Other issuers have their own
    /// ways.
    pub fn is_client_alone(&self) -> bool {
        self.0.subject == self.0.client_id
    }

    /// `jti`: the name of this one token.
    pub fn token_id(&self) -> &str {
        &self.0.token_id
    }

    /// `iat`: when the token was made.
    pub fn issued_at(&self) -> Timestamp {
        self.0.issued_at
    }

    /// `exp`: when the token ends. Nothing ends it earlier here: a revocation is known to the issuer only.
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// The words of `scope` (RFC 8693 §4.2); none when the token has no such claim.
    pub fn scope(&self) -> impl Iterator<Item = &str> {
        self.0.scope.split(' ').filter(|word| !word.is_empty())
    }

    /// Whether `scope` holds this word, letter by letter.
    pub fn has_scope(&self, word: &str) -> bool {
        self.scope().any(|held| held == word)
    }

    /// All claims, as the issuer wrote them.
    pub fn claims(&self) -> &Claims {
        &self.0.claims
    }
}

/// Names only: the values are about people.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessToken").field(&self.0.claims).finish()
    }
}

/// A claim that must be there and say something.
fn required(claims: &Claims, name: &'static str) -> Result<String, JwtError> {
    claims.text(name).filter(|text| !text.is_empty()).map(str::to_owned).ok_or(JwtError::Claim(name))
}

//! What a server says about a token.

use std::collections::HashMap;

use ayb_protocol::answer::IntrospectionAnswer;
use serde_json::Value;

use crate::error::{IntrospectionError, OAuth2Error};

/// What a server says about a token (RFC 7662 §2.2). `active: false` is an answer, not an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntrospectionResponse {
    /// Whether the token counts.
    pub active: bool,
    /// Its scope.
    pub scope: Option<String>,
    /// To which client it was issued.
    pub client_id: Option<String>,
    /// A name of its owner, for people.
    pub username: Option<String>,
    /// How it is used.
    pub token_type: Option<String>,
    /// When it ends, in seconds since the epoch.
    pub exp: Option<i64>,
    /// When it was issued, in seconds since the epoch.
    pub iat: Option<i64>,
    /// When it begins, in seconds since the epoch.
    pub nbf: Option<i64>,
    /// Whom it is about.
    pub sub: Option<String>,
    /// For whom it is: the first of `audience`.
    pub aud: Option<String>,
    /// For whom it is, all of them.
    pub audience: Vec<String>,
    /// Who made it.
    pub iss: Option<String>,
    /// Its name.
    pub jti: Option<String>,
    /// Whatever else came.
    pub extra: HashMap<String, Value>,
}

impl IntrospectionResponse {
    /// For those to whom a token that does not count is an error.
    ///
    /// # Errors
    /// [`IntrospectionError::TokenInactive`].
    pub fn require_active(self) -> Result<Self, OAuth2Error> {
        if self.active { Ok(self) } else { Err(IntrospectionError::TokenInactive.into()) }
    }
}

impl From<IntrospectionAnswer> for IntrospectionResponse {
    fn from(answer: IntrospectionAnswer) -> Self {
        let audience = answer.aud.unwrap_or_default();
        Self {
            active: answer.active,
            scope: answer.scope,
            client_id: answer.client_id,
            username: answer.username,
            token_type: answer.token_type,
            exp: answer.exp,
            iat: answer.iat,
            nbf: answer.nbf,
            sub: answer.sub,
            aud: audience.first().cloned(),
            audience,
            iss: answer.iss,
            jti: answer.jti,
            extra: answer.extra.into_iter().collect(),
        }
    }
}

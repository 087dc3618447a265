//! Tokens. Their values are in wiped memory, appear in no `Debug`, and the types have no `Serialize`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ayb_primitives::types::TimeProvider;
use ayb_protocol::answer::{Deviation, TokenAnswer};
use ayb_protocol::time::{Seconds, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use zeroize::Zeroizing;

#[cfg(any(feature = "reqwest", feature = "tower"))]
use crate::error::{OAuth2Error, ValidationError};

/// What the token endpoint answered.
#[derive(Clone)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: SecretString,
    /// How it is used, usually `Bearer`.
    pub token_type: String,
    /// How long it lives, in seconds from the answer on.
    pub expires_in: Option<u64>,
    /// The refresh token.
    pub refresh_token: Option<SecretString>,
    /// The granted scope; nothing if it is the one that was asked for.
    pub scope: Option<String>,
    /// The ID token. It was checked unless the policy says otherwise. Where one that does not pass is no reason to lose the
    /// other tokens, which is so for a refresh, a token exchange and whatever did not ask for `openid`, it is left out.
    pub id_token: Option<SecretString>,
    /// The thumbprint of the key that the access token is bound to (RFC 9449), and a public client's refresh token too.
    pub dpop_jkt: Option<String>,
    /// Whatever else came. It may hold secrets and is not printed.
    pub extra: HashMap<String, Value>,
    /// In which ways the answer was not as it should be.
    pub deviations: Vec<Deviation>,
}

impl TokenResponse {
    pub(crate) fn from_answer(answer: TokenAnswer, deviations: Vec<Deviation>) -> Self {
        let secret = |text: Zeroizing<String>| SecretString::from(text.as_str());
        Self {
            access_token: secret(answer.access_token),
            token_type: answer.token_type,
            expires_in: answer.expires_in,
            refresh_token: answer.refresh_token.map(secret),
            scope: answer.scope,
            id_token: answer.id_token.map(secret),
            dpop_jkt: None,
            extra: answer.extra.into_iter().collect(),
            deviations,
        }
    }
}

/// Names only: the values may be secrets.
fn names(extra: &HashMap<String, Value>) -> Vec<&str> {
    let mut names: Vec<_> = extra.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("token_type", &self.token_type)
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .field("has_refresh_token", &self.refresh_token.is_some())
            .field("has_id_token", &self.id_token.is_some())
            .field("extra", &names(&self.extra))
            .finish_non_exhaustive()
    }
}

/// Tokens as they are kept.
#[derive(Clone)]
pub struct TokenSet {
    /// The access token.
    pub access_token: SecretString,
    /// How it is used, usually `Bearer`.
    pub token_type: String,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
    /// The refresh token.
    pub refresh_token: Option<SecretString>,
    /// When the refresh token ends, if the provider says.
    pub refresh_token_expires_at: Option<Timestamp>,
    /// The granted scope.
    pub scope: Option<String>,
    /// The ID token.
    pub id_token: Option<SecretString>,
    /// When the tokens were issued by our clock; half of their life is counted from here.
    pub issued_at: Option<Timestamp>,
    /// The thumbprint of the key that the tokens are bound to (RFC 9449). They are never used with another one.
    pub dpop_jkt: Option<String>,
    /// Whatever else came.
    pub extra: HashMap<String, Value>,
}

impl TokenSet {
    /// Tokens that were issued at `now`.
    pub fn from_response(response: &TokenResponse, now: Timestamp) -> Self {
        let later = |seconds: u64| now.plus(Seconds(seconds));
        let refresh_lifetime = ["refresh_token_expires_in", "refresh_expires_in"];
        let refresh_lifetime = refresh_lifetime.iter().find_map(|name| response.extra.get(*name)?.as_u64());
        Self {
            access_token: response.access_token.clone(),
            token_type: response.token_type.clone(),
            expires_at: response.expires_in.map(later),
            refresh_token: response.refresh_token.clone(),
            refresh_token_expires_at: refresh_lifetime.filter(|seconds| *seconds > 0).map(later),
            scope: response.scope.clone(),
            id_token: response.id_token.clone(),
            issued_at: Some(now),
            dpop_jkt: response.dpop_jkt.clone(),
            extra: response.extra.clone(),
        }
    }

    /// The tokens after a refresh: what the answer does not repeat stays (RFC 6749 §6).
    #[must_use]
    pub fn renewed_by(&self, response: &TokenResponse, now: Timestamp) -> Self {
        let new = Self::from_response(response, now);
        Self {
            refresh_token_expires_at: match new.refresh_token {
                Some(_) => new.refresh_token_expires_at,
                None => new.refresh_token_expires_at.or(self.refresh_token_expires_at),
            },
            refresh_token: new.refresh_token.or_else(|| self.refresh_token.clone()),
            scope: new.scope.or_else(|| self.scope.clone()),
            id_token: new.id_token.or_else(|| self.id_token.clone()),
            ..new
        }
    }

    /// What two sets differ in when one follows the other: a hash of both tokens, fit to be shown.
    pub fn fingerprint(&self) -> Fingerprint {
        let refresh = self.refresh_token.as_ref().map_or("", |token| token.expose_secret());
        let text = Zeroizing::new(format!("{}\n{refresh}", self.access_token.expose_secret()));
        let hash = ayb_protocol::jose::sha256(text.as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        Fingerprint(short)
    }

    /// Whether the access token has ended at `now`. Without an end it has not.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// The granted words.
    pub fn scopes(&self) -> Vec<String> {
        self.scope.iter().flat_map(|scope| scope.split_whitespace()).map(str::to_owned).collect()
    }
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSet")
            .field("token_type", &self.token_type)
            .field("expires_at", &self.expires_at)
            .field("scope", &self.scope)
            .field("has_refresh_token", &self.refresh_token.is_some())
            .field("has_id_token", &self.id_token.is_some())
            .field("extra", &names(&self.extra))
            .finish_non_exhaustive()
    }
}

/// Tells one set of tokens from the next, without anything of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub struct Fingerprint([u8; 16]);

/// An access token, ready for use.
#[derive(Clone)]
pub struct AccessToken {
    shared: Arc<Shared>,
    /// How it is used, usually `Bearer`.
    pub token_type: String,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What it allows.
    pub scopes: Vec<String>,
    /// The thumbprint of the key that it is bound to: a request with it needs a proof, see [`crate::OAuth2::authorize_request`].
    pub dpop_jkt: Option<String>,
}

/// What all who ask have one of: a copy of the token for each would have to be wiped for each, and two things to share would
/// cost processors twice what one does.
struct Shared {
    value: SecretString,
    time: Arc<dyn TimeProvider>,
}

impl AccessToken {
    pub(crate) fn new(set: &TokenSet, time: Arc<dyn TimeProvider>) -> Self {
        Self {
            shared: Arc::new(Shared { value: set.access_token.clone(), time }),
            token_type: set.token_type.clone(),
            expires_at: set.expires_at,
            scopes: set.scopes(),
            dpop_jkt: set.dpop_jkt.clone(),
        }
    }

    /// The value itself.
    pub fn secret(&self) -> &str {
        self.shared.value.expose_secret()
    }

    /// Whether it has ended. Without an end it has not.
    pub fn is_expired(&self) -> bool {
        self.expires_at.is_some_and(|end| end <= now(&*self.shared.time))
    }

    /// How long it still lives; nothing when it has ended or has no end.
    pub fn expires_in(&self) -> Option<Duration> {
        let left = self.expires_at?.as_millis().saturating_sub(now(&*self.shared.time).as_millis());
        u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_millis)
    }

    /// The value of the header `Authorization` (RFC 6750 §2.1) as a plain text. The whole token is in it: it shows in every log
    /// and every `Debug` that it gets into, and is not wiped when it is dropped. [`AccessToken::to_header_value`] is better where
    /// headers are those of the crate `http`.
    pub fn authorization_header(&self) -> String {
        // Servers write the type in every case; resources are known that only take this one.
        let known = ["Bearer", "DPoP"].into_iter().find(|name| self.token_type.eq_ignore_ascii_case(name));
        let scheme = known.unwrap_or(&self.token_type);
        format!("{scheme} {}", self.secret())
    }

    /// The same as a header that is marked as sensitive: its `Debug` shows nothing, and HTTP/2 keeps it out of the tables of
    /// its compression (RFC 7541 §7.1.3). With the feature `reqwest` or `tower`.
    ///
    /// # Errors
    /// [`ValidationError::InvalidTokenFormat`] when the token has bytes that no header can have.
    #[cfg(any(feature = "reqwest", feature = "tower"))]
    pub fn to_header_value(&self) -> Result<http::HeaderValue, OAuth2Error> {
        let text = Zeroizing::new(self.authorization_header());
        let mut value =
            http::HeaderValue::from_str(&text).map_err(|_| ValidationError::InvalidTokenFormat)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("value", &"[REDACTED]")
            .field("token_type", &self.token_type)
            .field("expires_at", &self.expires_at)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// The wall clock as a point in time.
pub(crate) fn now(time: &dyn TimeProvider) -> Timestamp {
    Timestamp::from_millis(i64::try_from(time.unix_time().as_millis()).unwrap_or(i64::MAX))
}

//! The form in which tokens are written. It is the only way out of [`TokenSet`] into text, and it is asked for by name.

use std::collections::HashMap;
use std::fmt;

use ayb_protocol::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::TokenSet;

/// A set of tokens in clear, for custom storages: encrypt it before it goes anywhere. The names of its members are the same in
/// every language.
#[derive(Serialize, Deserialize)]
pub struct StoredTokenSet {
    /// The form; 1.
    version: u8,
    access_token: String,
    token_type: String,
    /// Milliseconds since the epoch, as all times.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<Timestamp>,
    /// The thumbprint of the key that the tokens are bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpop_jkt: Option<String>,
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    extra: HashMap<String, Value>,
}

/// The form that is written and read.
const VERSION: u8 = 1;

impl TokenSet {
    /// The set in clear.
    pub fn to_stored(&self) -> StoredTokenSet {
        let text = |secret: &SecretString| secret.expose_secret().to_owned();
        StoredTokenSet {
            version: VERSION,
            access_token: text(&self.access_token),
            token_type: self.token_type.clone(),
            expires_at: self.expires_at,
            refresh_token: self.refresh_token.as_ref().map(text),
            refresh_token_expires_at: self.refresh_token_expires_at,
            scope: self.scope.clone(),
            id_token: self.id_token.as_ref().map(text),
            issued_at: self.issued_at,
            dpop_jkt: self.dpop_jkt.clone(),
            extra: self.extra.clone(),
        }
    }

    /// The set again; nothing when it was written by a later version.
    pub fn from_stored(mut stored: StoredTokenSet) -> Option<Self> {
        use std::mem::take;
        (stored.version == VERSION).then(|| Self {
            access_token: take(&mut stored.access_token).into(),
            token_type: take(&mut stored.token_type),
            expires_at: stored.expires_at,
            refresh_token: stored.refresh_token.take().map(Into::into),
            refresh_token_expires_at: stored.refresh_token_expires_at,
            scope: stored.scope.take(),
            id_token: stored.id_token.take().map(Into::into),
            issued_at: stored.issued_at,
            dpop_jkt: stored.dpop_jkt.take(),
            extra: take(&mut stored.extra),
        })
    }
}

impl Drop for StoredTokenSet {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.access_token.zeroize();
        self.refresh_token.zeroize();
        self.id_token.zeroize();
    }
}

impl fmt::Debug for StoredTokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredTokenSet([REDACTED])")
    }
}

//! A client that registers itself (RFC 7591, RFC 7592).

use std::fmt;
use std::sync::Arc;

use ayb_protocol::jose::{KeySet, SigningKey};
use ayb_protocol::time::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::config::ClientCredentials;
use crate::error::ConfigurationError;

/// What a client says about itself (RFC 7591 §2). What is left out, the server decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// Where the browser may come back to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<Url>,
    /// How the client proves itself: a name of OpenID Connect Core §9. `client_secret_basic` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<String>,
    /// Grants; `authorization_code` alone when absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_types: Vec<String>,
    /// Response types; `code` alone when absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types: Vec<String>,
    /// The name that people see. In other languages: `client_name#fr` in `extra` (RFC 7591 §2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// A page about the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<Url>,
    /// Its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<Url>,
    /// Scope words that it may ask for, with spaces between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whom to write to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Its terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<Url>,
    /// What it does with data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<Url>,
    /// Where its public keys are. Never together with `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Url>,
    /// Its public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<KeySet>,
    /// Which software it is, the same in all installations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// Which version of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// A JWT in which somebody whom the server trusts vouches for what it says (RFC 7591 §2.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_statement: Option<String>,
    /// `web` or `native` (OpenID Connect Dynamic Client Registration 1.0 §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    /// Where the browser may come back to after a sign-out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<Url>,
    /// Where logout tokens go (OpenID Connect Back-Channel Logout 1.0 §2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<Url>,
    /// Whether it never asks for tokens without a proof of possession (RFC 9449 §5.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens: Option<bool>,
    /// With which algorithm answers of introspection are signed for it (RFC 9701 §6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<String>,
    /// Anything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ClientMetadata {
    /// A program that signs people in and comes back to these addresses.
    pub fn new(redirect_uris: impl IntoIterator<Item = Url>) -> Self {
        Self { redirect_uris: redirect_uris.into_iter().collect(), ..Self::default() }
    }

    /// Chooses how the client proves itself.
    #[must_use]
    pub fn auth_method(mut self, method: crate::ClientAuthMethod) -> Self {
        self.token_endpoint_auth_method = method.as_str().map(str::to_owned);
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigurationError> {
        // RFC 7591 §2.
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(ConfigurationError::Invalid("`jwks` and `jwks_uri` exclude each other"));
        }
        Ok(())
    }
}

/// A registration that is asked for.
#[derive(Clone)]
pub struct ClientRegistration {
    /// What the client says about itself.
    pub metadata: ClientMetadata,
    /// What the server's operator gave out for registering (RFC 7591 §3).
    pub initial_access_token: Option<SecretString>,
    /// The client's key, for `private_key_jwt`; its public half is registered as `jwks`, unless other keys are named.
    pub key: Option<Arc<SigningKey>>,
}

impl ClientRegistration {
    /// Without a token and without a key.
    pub const fn new(metadata: ClientMetadata) -> Self {
        Self { metadata, initial_access_token: None, key: None }
    }

    /// With an initial access token.
    #[must_use]
    pub fn initial_access_token(mut self, token: impl Into<SecretString>) -> Self {
        self.initial_access_token = Some(token.into());
        self
    }

    /// With a key, with which the client proves itself.
    #[must_use]
    pub fn key(mut self, key: SigningKey) -> Self {
        self.metadata.token_endpoint_auth_method = Some("private_key_jwt".to_owned());
        self.key = Some(Arc::new(key));
        self
    }
}

/// A client that is registered. Whoever loses it cannot change the registration any more, so keep all of it, as safely as a secret.
#[derive(Clone)]
pub struct RegisteredClient {
    /// Name and secret, ready to be used.
    pub credentials: ClientCredentials,
    /// Since when it has its name.
    pub issued_at: Option<Timestamp>,
    /// When its secret ends; nothing when it does not.
    pub secret_expires_at: Option<Timestamp>,
    /// With which the registration is read, changed and deleted (RFC 7592 §3). Every answer may replace it.
    pub registration_access_token: Option<SecretString>,
    /// Where that is done.
    pub registration_client_uri: Option<Url>,
    /// What is registered, which may be other than what was asked for.
    pub metadata: ClientMetadata,
}

impl fmt::Debug for RegisteredClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredClient")
            .field("credentials", &self.credentials)
            .field("secret_expires_at", &self.secret_expires_at)
            .field(
                "registration_client_uri",
                &self.registration_client_uri.as_ref().map(crate::http::without_query),
            )
            .finish_non_exhaustive()
    }
}

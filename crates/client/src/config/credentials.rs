//! Who the client is, and how it proves it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};

use super::signer::JwsSigner;
use crate::error::ConfigurationError;
use crate::{Endpoint, OAuth2Error};

/// How the client proves itself (OpenID Connect Core §9): the names on the wire.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub enum ClientAuthMethod {
    /// As the provider lists it, `client_secret_basic` before the rest (RFC 8414 §2); nothing without a secret and a key.
    #[default]
    Auto,
    /// Name and secret in the body.
    ClientSecretPost,
    /// Name and secret in the `Authorization` header.
    ClientSecretBasic,
    /// The same without the form encoding of RFC 6749 §2.3.1, for servers that do not undo it. It matters for names and secrets
    /// with other signs than letters, digits, `-`, `.`, `_` and `*` only.
    ClientSecretBasicRaw,
    /// A JWT that is authenticated with the secret.
    ClientSecretJwt,
    /// A JWT that is signed with a private key.
    PrivateKeyJwt,
    /// A certificate of the connection, from an authority that the provider trusts (RFC 8705 §2.1). The transport has to present
    /// it: bring a [`crate::HttpTransport`] that does. Here only the name is sent, so without one the provider refuses. A provider
    /// with `mtls_endpoint_aliases` (RFC 8705 §5) needs those as its endpoints in [`crate::ProviderConfig`].
    TlsClientAuth,
    /// The same with a certificate that the client made itself and registered by its key (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
    /// Only the name: a public client.
    None,
}

impl ClientAuthMethod {
    /// The method of a name; nothing for one that this crate does not speak.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::ClientSecretPost,
            Self::ClientSecretBasic,
            Self::ClientSecretJwt,
            Self::PrivateKeyJwt,
            Self::TlsClientAuth,
            Self::SelfSignedTlsClientAuth,
            Self::None,
        ];
        all.into_iter().find(|method| method.as_str() == Some(name))
    }

    /// The name on the wire; nothing for [`ClientAuthMethod::Auto`].
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::ClientSecretPost => Some("client_secret_post"),
            Self::ClientSecretBasic | Self::ClientSecretBasicRaw => Some("client_secret_basic"),
            Self::ClientSecretJwt => Some("client_secret_jwt"),
            Self::PrivateKeyJwt => Some("private_key_jwt"),
            Self::TlsClientAuth => Some("tls_client_auth"),
            Self::SelfSignedTlsClientAuth => Some("self_signed_tls_client_auth"),
            Self::None => Some("none"),
        }
    }
}

/// Another way to prove itself, such as an attestation. For a key in a vault, [`JwsSigner`] is enough.
#[async_trait]
pub trait ClientAuthenticator: Send + Sync + 'static {
    /// Parameters for the body of one request to `endpoint`. It is asked anew for every attempt.
    ///
    /// # Errors
    /// Whatever keeps it from proving.
    async fn authenticate(&self, endpoint: Endpoint) -> Result<Vec<(String, SecretString)>, OAuth2Error>;
}

/// Who the client is, and how it proves it.
#[derive(Clone)]
pub struct ClientCredentials {
    /// Its name at the provider.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Option<SecretString>,
    /// How it proves itself.
    pub auth_method: ClientAuthMethod,
    /// Its key, for `private_key_jwt`; it may be outside the process.
    pub key: Option<Arc<dyn JwsSigner>>,
    /// Another way, which goes before all others.
    pub authenticator: Option<Arc<dyn ClientAuthenticator>>,
}

/// The other name of the specification for the same thing.
pub type OAuth2Credentials = ClientCredentials;

impl ClientCredentials {
    /// A client without a secret: a program on a person's machine, in a browser, on a phone.
    pub fn public(client_id: impl Into<String>) -> Self {
        let auth_method = ClientAuthMethod::None;
        Self { client_id: client_id.into(), client_secret: None, auth_method, key: None, authenticator: None }
    }

    /// A client with a secret, which is sent as the provider asks for it.
    pub fn with_secret(client_id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        let auth_method = ClientAuthMethod::Auto;
        Self { client_secret: Some(secret.into()), auth_method, ..Self::public(client_id) }
    }

    /// A client with a private key: a [`crate::SigningKey`], or one that is kept elsewhere.
    pub fn with_key(client_id: impl Into<String>, key: impl JwsSigner) -> Self {
        let auth_method = ClientAuthMethod::PrivateKeyJwt;
        Self { key: Some(Arc::new(key)), auth_method, ..Self::public(client_id) }
    }

    /// Chooses the method.
    #[must_use]
    pub fn method(mut self, method: ClientAuthMethod) -> Self {
        self.auth_method = method;
        self
    }

    pub(crate) fn expose_secret(&self) -> Result<&str, OAuth2Error> {
        let secret = self.client_secret.as_ref().map(SecretString::expose_secret);
        secret.ok_or_else(|| ConfigurationError::MissingClientSecret.into())
    }

    /// Whether a server can know that a request comes from this client.
    pub(crate) fn is_public(&self) -> bool {
        let by_certificate = [ClientAuthMethod::TlsClientAuth, ClientAuthMethod::SelfSignedTlsClientAuth];
        let is_proven = self.key.is_some() || self.authenticator.is_some();
        self.client_secret.is_none() && !is_proven && !by_certificate.contains(&self.auth_method)
    }

    /// The method that is used with a provider that lists these.
    pub(crate) fn method_for(&self, listed: Option<&[String]>) -> ClientAuthMethod {
        if self.auth_method != ClientAuthMethod::Auto {
            return self.auth_method;
        }
        let lists = |method: ClientAuthMethod| {
            let name = method.as_str();
            listed.is_none_or(|listed| listed.iter().any(|entry| Some(entry.as_str()) == name))
        };
        if self.key.is_some() {
            ClientAuthMethod::PrivateKeyJwt
        } else if self.client_secret.is_none() {
            ClientAuthMethod::None
        } else if lists(ClientAuthMethod::ClientSecretBasic) || !lists(ClientAuthMethod::ClientSecretPost) {
            ClientAuthMethod::ClientSecretBasic
        } else {
            ClientAuthMethod::ClientSecretPost
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigurationError> {
        if self.client_id.is_empty() {
            return Err(ConfigurationError::MissingClientId);
        }
        if self.client_id.len() > 256 {
            return Err(ConfigurationError::Invalid("client_id is longer than 256 characters"));
        }
        if self.authenticator.is_some() {
            return Ok(());
        }
        if self.key.as_ref().is_some_and(|key| key.algorithm().is_hmac()) {
            return Err(ConfigurationError::Invalid(
                "`private_key_jwt` needs an algorithm with a private key",
            ));
        }
        let (has_secret, has_key) = (self.client_secret.is_some(), self.key.is_some());
        match self.auth_method {
            ClientAuthMethod::ClientSecretPost
            | ClientAuthMethod::ClientSecretBasic
            | ClientAuthMethod::ClientSecretBasicRaw
            | ClientAuthMethod::ClientSecretJwt
                if !has_secret =>
            {
                Err(ConfigurationError::MissingClientSecret)
            }
            ClientAuthMethod::PrivateKeyJwt if !has_key => Err(ConfigurationError::MissingPrivateKey),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redacted = |is_there: bool| if is_there { "[REDACTED]" } else { "none" };
        f.debug_struct("ClientCredentials")
            .field("client_id", &self.client_id)
            .field("client_secret", &redacted(self.client_secret.is_some()))
            .field("auth_method", &self.auth_method)
            .field("key", &redacted(self.key.is_some()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_not_printed_and_the_name_is() {
        let shown = format!("{:?}", ClientCredentials::with_secret("app", "canary"));
        assert!(shown.contains("app") && shown.contains("[REDACTED]") && !shown.contains("canary"));
    }

    #[test]
    fn every_name_on_the_wire_is_read_and_a_certificate_makes_no_public_client() {
        use ClientAuthMethod::{SelfSignedTlsClientAuth, TlsClientAuth};
        let names =
            ["client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt", "none"];
        for name in names.into_iter().chain(["tls_client_auth", "self_signed_tls_client_auth"]) {
            assert_eq!(ClientAuthMethod::parse(name).and_then(ClientAuthMethod::as_str), Some(name));
        }
        for method in [TlsClientAuth, SelfSignedTlsClientAuth] {
            let client = ClientCredentials::public("app").method(method);
            assert!(!client.is_public() && client.check().is_ok(), "{method:?}");
        }
        assert!(ClientCredentials::public("app").is_public());
    }

    struct Shared;

    #[async_trait]
    impl JwsSigner for Shared {
        fn algorithm(&self) -> ayb_protocol::jose::Algorithm {
            ayb_protocol::jose::Algorithm::HS256
        }

        fn key_id(&self) -> Option<&str> {
            None
        }

        async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, OAuth2Error> {
            Ok(input.to_vec())
        }
    }

    #[test]
    fn a_secret_that_both_know_is_no_private_key() {
        let client = ClientCredentials::with_key("app", Shared);
        assert!(matches!(client.check(), Err(ConfigurationError::Invalid(_))));
    }

    #[test]
    fn the_method_follows_the_provider_and_basic_comes_first() {
        let client = ClientCredentials::with_secret("app", "s");
        let listed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let method = |names: &[&str]| client.method_for(Some(&listed(names)));
        assert_eq!(client.method_for(None), ClientAuthMethod::ClientSecretBasic);
        assert_eq!(
            method(&["client_secret_post", "client_secret_basic"]),
            ClientAuthMethod::ClientSecretBasic
        );
        assert_eq!(method(&["client_secret_post"]), ClientAuthMethod::ClientSecretPost);
        assert_eq!(method(&["private_key_jwt"]), ClientAuthMethod::ClientSecretBasic);
        assert_eq!(ClientCredentials::public("a").method_for(None), ClientAuthMethod::None);
    }

    #[test]
    fn a_method_without_what_it_needs_is_refused() {
        use ConfigurationError::{MissingClientId, MissingClientSecret, MissingPrivateKey};
        let public = ClientCredentials::public("app");
        let table = [
            (public.clone().method(ClientAuthMethod::ClientSecretBasicRaw), MissingClientSecret),
            (ClientCredentials::public(""), MissingClientId),
            (public.clone().method(ClientAuthMethod::ClientSecretBasic), MissingClientSecret),
            (public.clone().method(ClientAuthMethod::ClientSecretPost), MissingClientSecret),
            (public.clone().method(ClientAuthMethod::ClientSecretJwt), MissingClientSecret),
            (public.clone().method(ClientAuthMethod::PrivateKeyJwt), MissingPrivateKey),
        ];
        for (credentials, expected) in table {
            assert_eq!(credentials.check(), Err(expected));
        }
        assert!(public.check().is_ok());
    }
}

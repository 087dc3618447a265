//! Clients: the programs that ask for tokens.

use ayb_protocol::ids::{AppId, ClientId};
use ayb_protocol::jose::Algorithm;
use ayb_protocol::redirect_uri::RegisteredRedirectUri;
use ayb_protocol::scope::RegisteredScopes;
use ayb_protocol::secret::{ClientSecret, SecretHash};
use ayb_protocol::time::{Seconds, Timestamp};
use uuid::Uuid;

/// A client as stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientRecord {
    /// The row's identifier.
    pub id: Uuid,
    /// The app that it belongs to.
    pub app_id: AppId,
    /// Its public name.
    pub client_id: ClientId,
    /// Whether it can keep a secret, and the secret's hash.
    pub kind: ClientKind,
    /// What its owner may change.
    pub settings: ClientSettings,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was revoked; a revoked client can do nothing, and its tokens are dead.
    pub revoked_at: Option<Timestamp>,
    /// Counts the changes of this record, from 1: whoever decides with it can say which state they saw.
    pub version: u64,
    /// Browser origins that its app names, see [`AppRecord::allowed_origins`](crate::app::AppRecord::allowed_origins);
    /// read with the record, changed with the app.
    pub app_allowed_origins: Vec<String>,
}

/// The client types of RFC 6749 §2.1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClientKind {
    /// It keeps a secret.
    Confidential {
        /// SHA-256 of the secret.
        secret: SecretHash<ClientSecret>,
        /// The secret before it, where its owner wanted both to work for a while.
        previous: Option<PreviousSecret>,
    },
    /// It cannot keep a secret.
    Public,
}

/// A secret that was replaced and still works, so that a client of many processes can change over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PreviousSecret {
    /// SHA-256 of the secret.
    pub hash: SecretHash<ClientSecret>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// The longest time for which a replaced secret may still work: a week.
pub const MAX_SECRET_OVERLAP: Seconds = Seconds(7 * 24 * 3600);

impl ClientKind {
    /// A confidential client with one secret.
    pub const fn confidential(secret: SecretHash<ClientSecret>) -> Self {
        Self::Confidential { secret, previous: None }
    }

    /// The word in tables and JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Confidential { .. } => "confidential",
            Self::Public => "public",
        }
    }
}

/// What a client's owner chooses. Only [`crate::register`] makes it from input.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientSettings {
    /// Shown on the consent page.
    pub name: String,
    /// Where answers may go.
    pub redirect_uris: Vec<RegisteredRedirectUri>,
    /// What it may ask for.
    pub scopes: RegisteredScopes,
    /// Browser origins that may read its answers; empty means the server's own setting.
    pub allowed_origins: Vec<String>,
    /// Where a logout may lead.
    pub post_logout_redirect_uris: Vec<RegisteredRedirectUri>,
    /// The form of its access tokens.
    pub token_format: TokenFormat,
    /// The algorithm of its ID tokens and JWT access tokens.
    pub signing_alg: SigningAlg,
    /// The `aud` of its JWT access tokens; its own `client_id` when not set.
    pub audience: Option<String>,
    /// Whether the code grant gives it refresh tokens.
    pub refresh_tokens: bool,
    /// For how long a lost refresh answer may be asked for again; zero means never.
    pub refresh_grace: Seconds,
}

/// The form of access tokens.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TokenFormat {
    /// A random string that only this server understands.
    #[default]
    Opaque,
    /// A signed token that others can check by themselves (RFC 9068).
    Jwt,
}

impl TokenFormat {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::Jwt => "jwt",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Opaque, Self::Jwt].into_iter().find(|format| format.as_str() == word)
    }
}

/// The algorithms that this server signs with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash, Ord, PartialOrd)]
pub enum SigningAlg {
    /// RSA, which OpenID Connect Core §15.1 asks every provider to offer.
    #[default]
    RS256,
    /// ECDSA on P-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl SigningAlg {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// The algorithm in JOSE terms.
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::ES256 => Algorithm::ES256,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }

    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == word)
    }
}

impl ClientRecord {
    /// The `aud` of its JWT access tokens.
    pub fn audience(&self) -> &str {
        self.settings.audience.as_deref().unwrap_or(self.client_id.as_str())
    }
}

//! Revocation (RFC 7009): what a request kills.

use crate::bearer::{Bearer, classify};
use crate::client_auth::AuthenticatedClient;
use ayb_protocol::ids::{ClientId, GrantId};
use ayb_protocol::secret::{Access, Refresh, Secret, SecretHash};
use uuid::Uuid;

/// What a token string says about where its row is.
#[derive(Debug)]
pub enum Revocable {
    /// An opaque access token.
    Opaque(Secret<Access>),
    /// A JWT access token.
    Jwt {
        /// The row that it names.
        row: Uuid,
        /// The hash of the whole string.
        hash: SecretHash<Access>,
    },
    /// A refresh token.
    Refresh(Secret<Refresh>),
    /// Nothing of ours. The answer is 200 all the same (RFC 7009 §2.2).
    Unknown,
}

/// Tells by form what is to be revoked.
pub fn classify_token(text: &str) -> Revocable {
    if let Some(refresh) = Secret::parse(text) {
        return Revocable::Refresh(refresh);
    }
    match classify(text) {
        Bearer::Opaque(secret) => Revocable::Opaque(secret),
        Bearer::Jwt { row, hash, .. } => Revocable::Jwt { row, hash },
        Bearer::ApiKey(_) | Bearer::Session | Bearer::Unusable => Revocable::Unknown,
    }
}

/// The facts about a token that was found by its row.
#[derive(Clone, Debug)]
pub struct FoundToken {
    /// The row.
    pub id: Uuid,
    /// The stored hash.
    pub hash: SecretHash<()>,
    /// Whose token it is.
    pub client_id: ClientId,
    /// Its grant.
    pub grant_id: GrantId,
    /// Whether it is a refresh token.
    pub is_refresh: bool,
}

/// What a revocation request kills.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Revocation {
    /// This access token.
    Token(Uuid),
    /// Everything of this grant.
    Grant(GrantId),
    /// Nothing: unknown, or another client's token, which stays alive. The answer does not tell the difference
    /// (`docs/decisions/0004-revocation-answers.md`).
    Nothing,
}

/// Decides what dies.
pub fn revoke(
    found: Option<&FoundToken>,
    presented_hash: SecretHash<()>,
    client: &AuthenticatedClient,
) -> Revocation {
    let Some(found) = found else { return Revocation::Nothing };
    let same = found.hash == presented_hash;
    if !same || found.client_id != client.record().client_id {
        return Revocation::Nothing;
    }
    if found.is_refresh { Revocation::Grant(found.grant_id) } else { Revocation::Token(found.id) }
}

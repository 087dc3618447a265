//! Tokens for a client itself (RFC 6749 §4.4): no person, no refresh token.

use super::{FreshToken, TokenRecord};
use crate::client::ClientKind;
use crate::client_auth::AuthenticatedClient;
use crate::policy::Policy;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::GrantId;
use ayb_protocol::message::token::ClientCredentialsRequest;
use ayb_protocol::scope::IdentityScope;
use ayb_protocol::secret::Access;
use ayb_protocol::time::Timestamp;

/// The access token to store.
///
/// # Errors
/// `unauthorized_client` for a public client (RFC 6749 §4.4); `invalid_scope` for a scope that is not registered, or
/// that is about a person.
pub fn issue(
    client: &AuthenticatedClient,
    ask: &ClientCredentialsRequest,
    fresh: FreshToken<Access>,
    grant_id: GrantId,
    policy: &Policy,
    now: Timestamp,
) -> Result<TokenRecord<Access>, Refusal> {
    let client = client.record();
    if matches!(client.kind, ClientKind::Public) {
        let text = "A public client cannot use client_credentials.";
        return Err(Refusal::new(ErrorCode::UnauthorizedClient, text));
    }
    if IdentityScope::ALL.into_iter().any(|word| ask.scope.has(word)) {
        let text = "client_credentials has no person behind it: ask for readonly, readwrite or *.";
        return Err(Refusal::new(ErrorCode::InvalidScope, text));
    }
    let scope = ask.scope.narrow(&client.settings.scopes, false)?;
    Ok(TokenRecord {
        id: fresh.id,
        hash: fresh.hash,
        client_id: client.client_id.clone(),
        user_id: None,
        scope,
        tables: ask.tables.clone(),
        grant_id,
        expires_at: now.plus(policy.access_token),
        revoked_at: None,
        created_at: now,
    })
}

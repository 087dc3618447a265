//! Client authentication (RFC 6749 §2.3). The proof that it happened is a type with one maker.

use std::sync::Arc;

use crate::client::{ClientKind, ClientRecord};
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::message::client_auth::{ClientProof, Credentials};
use ayb_protocol::secret::{ClientSecret, SecretHash};
use ayb_protocol::time::Timestamp;

/// A client that has proved who it is; for a public client, one that exists and said its name. Only [`verify`]
/// makes it.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Arc<ClientRecord>);

impl AuthenticatedClient {
    /// The client's record.
    pub fn record(&self) -> &ClientRecord {
        &self.0
    }
}

const FAILED: Refusal = Refusal::new(ErrorCode::InvalidClient, "Client authentication failed.");

/// Checks `credentials` against the client that the store found under their `client_id`: against its secret, and against
/// the one before while that still works.
///
/// # Errors
/// `invalid_client`, with one text for every reason: unknown, revoked, wrong secret, a missing secret, or a secret
/// from a client that has none.
pub fn verify(
    credentials: &Credentials,
    found: Option<Arc<ClientRecord>>,
    now: Timestamp,
) -> Result<AuthenticatedClient, Refusal> {
    let Some(client) = found else {
        return Err(FAILED.detail("unknown client"));
    };
    if client.client_id.as_str() != credentials.client_id {
        return Err(FAILED.detail("another client was loaded"));
    }
    if client.revoked_at.is_some() {
        return Err(FAILED.detail("revoked client"));
    }
    match (&client.kind, &credentials.proof) {
        (ClientKind::Public, ClientProof::None) => Ok(AuthenticatedClient(client)),
        (ClientKind::Public, _) => Err(FAILED.detail("a public client sent a secret")),
        (ClientKind::Confidential { .. }, ClientProof::None) => Err(FAILED.detail("the secret is missing")),
        (
            ClientKind::Confidential { secret, previous },
            ClientProof::Basic(sent) | ClientProof::Post(sent),
        ) => {
            let sent = SecretHash::<ClientSecret>::of(sent);
            let still = previous.is_some_and(|previous| previous.hash == sent && now < previous.expires_at);
            if *secret != sent && !still {
                return Err(FAILED.detail("wrong secret"));
            }
            Ok(AuthenticatedClient(client))
        }
    }
}

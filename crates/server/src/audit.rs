//! The trail of what matters for security: who did what to whom, in the table and in the log. It holds no secret.

use ayb_protocol::ids::{ClientId, GrantId, UserId};
use ayb_protocol::time::Timestamp;
use ayb_provider::client::ClientRecord;
use ayb_provider::revoke::Revocation;
use ayb_store::AuditEntry;
use ayb_store::Store;

use crate::background::Background;
use crate::entropy::Entropy;
use crate::http::client_ip::ClientIp;

/// Notes events. Writing happens beside the request: a trail that is full or slow must not stop a sign-in, and what is
/// not written is in the log.
pub struct Audit {
    store: Store,
    entropy: Entropy,
    background: Background,
}

/// What an event is about.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Who did it: `admin`, or a person's identifier.
    pub actor: Option<String>,
    /// To which client.
    pub client_id: Option<ClientId>,
    /// To which person.
    pub user_id: Option<UserId>,
    /// From which address.
    pub ip: Option<String>,
    /// What else is known, as JSON.
    pub detail: Option<serde_json::Value>,
}

impl Subject {
    /// A person who does something to their own account.
    pub fn own(user: UserId, caller: ClientIp) -> Self {
        Self {
            actor: Some(user.to_string()),
            user_id: Some(user),
            ip: Some(caller.to_string()),
            ..Self::default()
        }
    }

    /// Adds what else is known.
    #[must_use]
    pub fn detail(self, detail: serde_json::Value) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

impl Audit {
    /// A trail in `store`.
    pub fn new(store: Store, entropy: Entropy, background: Background) -> Self {
        Self { store, entropy, background }
    }

    /// Notes an event.
    pub fn note(&self, event: &'static str, subject: Subject, now: Timestamp) {
        let client_id = subject.client_id.as_ref().map(ClientId::as_str);
        let user_id = subject.user_id.map(|user| user.to_string());
        tracing::info!(event, client_id, user_id, "audit");
        let Ok(id) = self.entropy.uuid_v7(now) else { return };
        let entry = AuditEntry {
            id,
            at: now,
            event: event.to_owned(),
            actor: subject.actor,
            client_id: subject.client_id.map(|id| id.to_string()),
            user_id: subject.user_id,
            ip: subject.ip,
            detail: subject.detail,
        };
        let store = self.store.clone();
        self.background.spawn(async move {
            if let Err(error) = store.append_audit(&entry).await {
                tracing::warn!(%error, event, "an audit entry was not written");
            }
        });
    }

    /// A client has revoked an access token, or a refresh token and with it its grant.
    pub fn revoked(&self, client: &ClientRecord, what: &Revocation, now: Timestamp) {
        let subject = match what {
            Revocation::Token(id) => about(client, serde_json::json!({"token_id": id.to_string()})),
            Revocation::Grant(grant) => about_grant(client, *grant),
            Revocation::Nothing => return,
        };
        self.note("token_revoked", subject, now);
    }

    /// A code was used twice: somebody else has seen it.
    pub fn code_replayed(&self, client: &ClientRecord, grant: GrantId, now: Timestamp) {
        self.note("code_replayed", about_grant(client, grant), now);
    }

    /// A refresh token was used twice: somebody else has a copy.
    pub fn refresh_replayed(&self, client: &ClientRecord, grant: GrantId, now: Timestamp) {
        self.note("refresh_token_replayed", about_grant(client, grant), now);
    }
}

fn about_grant(client: &ClientRecord, grant: GrantId) -> Subject {
    about(client, serde_json::json!({"grant_id": grant.to_string()}))
}

fn about(client: &ClientRecord, detail: serde_json::Value) -> Subject {
    Subject { client_id: Some(client.client_id.clone()), detail: Some(detail), ..Subject::default() }
}

//! Grants: what the token endpoint answers, one file for each grant type, and the records they are about.

pub mod client_credentials;
pub mod code;
pub mod refresh;

use crate::policy::Policy;
use ayb_protocol::claims::ClaimsRequest;
use ayb_protocol::ids::{ClientId, GrantId, SessionId, UserId};
use ayb_protocol::pkce::CodeChallenge;
use ayb_protocol::redirect_uri::RedirectUri;
use ayb_protocol::scope::GrantedScope;
use ayb_protocol::secret::{Access, Code, Refresh, SecretHash};
use ayb_protocol::tables::AllowedTables;
use ayb_protocol::time::Timestamp;
use uuid::Uuid;

/// An authorization code as stored. The challenge is not optional: there is no code without PKCE.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodeRecord {
    /// The row's identifier.
    pub id: Uuid,
    /// SHA-256 of the code.
    pub hash: SecretHash<Code>,
    /// The client that may redeem it.
    pub client_id: ClientId,
    /// The person that agreed.
    pub user_id: UserId,
    /// Where it was sent; must be said again when it is redeemed.
    pub redirect_uri: RedirectUri,
    /// What was granted.
    pub scope: GrantedScope,
    /// On which tables.
    pub tables: AllowedTables,
    /// The PKCE challenge.
    pub challenge: CodeChallenge,
    /// The request's `state`.
    pub state: String,
    /// The request's `nonce`.
    pub nonce: Option<String>,
    /// Single claims asked for.
    pub claims: ClaimsRequest,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// How the person signed in.
    pub amr: Vec<String>,
    /// The browser session in which it happened.
    pub session_id: Option<SessionId>,
    /// The grant that redeeming it opens, and that a replay revokes.
    pub grant_id: GrantId,
    /// When it dies unused.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    pub used_at: Option<Timestamp>,
    /// When it was issued.
    pub created_at: Timestamp,
}

/// One authorization as stored: the tokens that stem from it live as long as it does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantRecord {
    /// Its identifier.
    pub id: GrantId,
    /// The client.
    pub client_id: ClientId,
    /// The person.
    pub user_id: UserId,
    /// The browser session in which it was given.
    pub session_id: Option<SessionId>,
    /// What was granted.
    pub scope: GrantedScope,
    /// On which tables.
    pub tables: AllowedTables,
    /// Single claims asked for.
    pub claims: ClaimsRequest,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// How the person signed in.
    pub amr: Vec<String>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A token as stored; `K` is [`Access`] or [`Refresh`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenRecord<K> {
    /// The row's identifier.
    pub id: Uuid,
    /// SHA-256 of the token.
    pub hash: SecretHash<K>,
    /// The client that it was issued to.
    pub client_id: ClientId,
    /// The person, if there is one.
    pub user_id: Option<UserId>,
    /// What it allows.
    pub scope: GrantedScope,
    /// On which tables.
    pub tables: AllowedTables,
    /// The grant that it belongs to.
    pub grant_id: GrantId,
    /// When it dies.
    pub expires_at: Timestamp,
    /// When it was revoked or rotated away.
    pub revoked_at: Option<Timestamp>,
    /// When it was issued.
    pub created_at: Timestamp,
}

/// A pair of tokens to store: what one answer of the token endpoint hands out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuance {
    /// The access token.
    pub access: TokenRecord<Access>,
    /// The refresh token, if there is one.
    pub refresh: Option<TokenRecord<Refresh>>,
}

/// A grant and the tokens that one answer of the token endpoint hands out for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The grant: new for a code, known for a refresh.
    pub grant: GrantRecord,
    /// The tokens to store.
    pub issuance: Issuance,
    /// For the ID token: the `nonce` of the authorization request; a refresh has none (OpenID Connect Core §12.2).
    pub nonce: Option<String>,
}

/// Where a fresh secret's row will be, and the secret's hash. The secret itself stays in the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FreshToken<K> {
    /// The row's identifier.
    pub id: Uuid,
    /// The secret's hash.
    pub hash: SecretHash<K>,
}

/// What the server draws before it asks for a decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FreshPair {
    /// For the access token.
    pub access: FreshToken<Access>,
    /// For the refresh token, used when one is issued.
    pub refresh: FreshToken<Refresh>,
}

impl TokenRecord<Access> {
    /// The same row for another token string: a JWT can be signed only when everything else about it is known.
    #[must_use]
    pub fn with_hash(self, hash: SecretHash<Access>) -> Self {
        Self { hash, ..self }
    }
}

impl GrantRecord {
    /// The tokens of one answer. The refresh token carries the whole grant; the access token may carry less.
    fn issue(
        &self,
        scope: GrantedScope,
        fresh: &FreshPair,
        refresh: bool,
        policy: &Policy,
        now: Timestamp,
    ) -> Issuance {
        Issuance {
            access: self.token(&fresh.access, scope, now.plus(policy.access_token), now),
            refresh: refresh
                .then(|| self.token(&fresh.refresh, self.scope, now.plus(policy.refresh_token), now)),
        }
    }

    fn token<K>(
        &self,
        fresh: &FreshToken<K>,
        scope: GrantedScope,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> TokenRecord<K> {
        TokenRecord {
            id: fresh.id,
            hash: fresh.hash,
            client_id: self.client_id.clone(),
            user_id: Some(self.user_id),
            scope,
            tables: self.tables.clone(),
            grant_id: self.id,
            expires_at,
            revoked_at: None,
            created_at: now,
        }
    }
}

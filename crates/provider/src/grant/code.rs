//! Redeeming an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6).

use super::{Answer, CodeRecord, FreshPair, GrantRecord};
use crate::client_auth::AuthenticatedClient;
use crate::policy::Policy;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::GrantId;
use ayb_protocol::pkce::CodeVerifier;
use ayb_protocol::secret::{Code, SecretHash};
use ayb_protocol::time::Timestamp;

/// What the store finds where the code points.
#[derive(Clone, Debug)]
pub struct FoundCode {
    /// The code.
    pub code: CodeRecord,
    /// Whether the person may still use their account.
    pub user_active: bool,
}

/// What the client presents.
#[derive(Debug)]
pub struct CodeAsk {
    /// The hash of the code that was sent.
    pub hash: SecretHash<Code>,
    /// The redirect URI that was sent.
    pub redirect_uri: String,
    /// The PKCE verifier that was sent.
    pub verifier: CodeVerifier,
}

/// What becomes of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Redemption {
    /// Mark the code used, open the grant, store the tokens.
    Issue(Box<Answer>),
    /// The code was redeemed before: revoke what it led to (RFC 6749 §4.1.2), and refuse.
    Replay {
        /// The grant to revoke.
        revoke: GrantId,
    },
    /// Refuse, and leave the code as it is.
    Refuse(Refusal),
}

impl Redemption {
    /// The decision when the string of the access token may be missing: at the look before, nothing was going to be issued,
    /// so no JWT was signed. Nothing is answered without one, and the code is not spent.
    #[must_use]
    pub fn only_if(self, signed: bool) -> Self {
        match self {
            Self::Issue(_) if !signed => {
                let text = "The account was changed at this moment; send the request again.";
                Self::Refuse(Refusal::new(ErrorCode::InvalidGrant, text))
            }
            decision => decision,
        }
    }
}

/// Decides about a code. A refusal leaves it usable: a mistake of the client (or a stranger's guess) does not spend
/// the code of the client that it was issued to.
pub fn redeem(
    found: Option<&FoundCode>,
    ask: &CodeAsk,
    client: &AuthenticatedClient,
    fresh: &FreshPair,
    policy: &Policy,
    now: Timestamp,
) -> Redemption {
    let refuse = |detail: &str| {
        let text = "The authorization code is invalid, expired, used, or was issued to another client.";
        Redemption::Refuse(Refusal::new(ErrorCode::InvalidGrant, text).detail(detail))
    };
    let Some(FoundCode { code, user_active }) = found else { return refuse("unknown code") };
    if code.hash != ask.hash {
        return refuse("unknown code");
    }
    if code.client_id != client.record().client_id {
        return refuse("code of another client");
    }
    if code.used_at.is_some() {
        return Redemption::Replay { revoke: code.grant_id };
    }
    if now >= code.expires_at {
        return refuse("expired code");
    }
    if code.redirect_uri.as_str() != ask.redirect_uri {
        return refuse("redirect_uri differs");
    }
    if !code.challenge.matches(&ask.verifier) {
        return refuse("wrong code_verifier");
    }
    if !user_active {
        return refuse("the account is disabled");
    }
    let grant = open(code, now);
    let issuance = grant.issue(code.scope, fresh, client.record().settings.refresh_tokens, policy, now);
    Redemption::Issue(Box::new(Answer { grant, issuance, nonce: code.nonce.clone() }))
}

/// The grant that a code opens.
pub fn open(code: &CodeRecord, now: Timestamp) -> GrantRecord {
    GrantRecord {
        id: code.grant_id,
        client_id: code.client_id.clone(),
        user_id: code.user_id,
        session_id: code.session_id,
        scope: code.scope,
        tables: code.tables.clone(),
        claims: code.claims.clone(),
        auth_time: code.auth_time,
        amr: code.amr.clone(),
        created_at: now,
        revoked_at: None,
    }
}

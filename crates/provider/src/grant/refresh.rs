//! Refreshing (RFC 6749 §6) with rotation and reuse detection (RFC 9700 §4.14.2).

use super::{Answer, FreshPair, GrantRecord, TokenRecord};
use crate::client_auth::AuthenticatedClient;
use crate::policy::Policy;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::GrantId;
use ayb_protocol::scope::{GrantedScope, RegisteredScopes, Scope};
use ayb_protocol::secret::{Access, Refresh, SecretHash};
use ayb_protocol::time::{Seconds, Timestamp};
use uuid::Uuid;

/// What the store finds where the refresh token points.
#[derive(Clone, Debug)]
pub struct FoundRefresh {
    /// The token.
    pub token: TokenRecord<Refresh>,
    /// Its grant.
    pub grant: GrantRecord,
    /// Whether the person may still use their account.
    pub user_active: bool,
    /// The pair that replaced the token, when it was rotated away.
    pub successor: Option<Successor>,
}

/// The pair that replaced a refresh token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Successor {
    /// The refresh token's row.
    pub refresh: Uuid,
    /// The access token's row.
    pub access: TokenRecord<Access>,
    /// Neither of the two was ever used or revoked, as far as the store can prove.
    pub unused: bool,
}

/// What the client presents.
#[derive(Clone, Debug)]
pub struct RefreshAsk {
    /// The hash of the token that was sent.
    pub hash: SecretHash<Refresh>,
    /// The smaller scope that was asked for, or why it cannot be read.
    pub scope: Result<Option<Scope>, Refusal>,
}

/// An answer that is said again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Repeat {
    /// The grant.
    pub grant: GrantRecord,
    /// The access token as first issued, with the hash of the repeated string.
    pub access: TokenRecord<Access>,
}

/// What becomes of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rotation {
    /// Retire the token, store its successor; the new refresh token is always there.
    Issue(Box<Answer>),
    /// The answer was lost and its pair is provably unused: say it again, changing nothing but the access token's
    /// hash (a JWT signed again may differ).
    Repeat(Box<Repeat>),
    /// Another request rotated the token since the server prepared its answer: prepare again.
    Again,
    /// The token was used before: revoke the grant, and refuse.
    Replay {
        /// The grant to revoke.
        revoke: GrantId,
    },
    /// Refuse, and leave everything as it is.
    Refuse(Refusal),
}

impl Rotation {
    /// The decision when the string of the access token may be missing: at the look before, nothing was going to be issued,
    /// so no JWT was signed. Nothing is answered without one.
    #[must_use]
    pub fn only_if(self, signed: bool) -> Self {
        match self {
            Self::Issue(_) | Self::Repeat(_) if !signed => Self::Again,
            decision => decision,
        }
    }
}

/// Decides about a refresh token. Another client's request is refused and costs the owner nothing. A replay is one
/// whatever else is wrong with the request: asking for too much must not hide it.
pub fn rotate(
    found: Option<&FoundRefresh>,
    ask: &RefreshAsk,
    client: &AuthenticatedClient,
    fresh: &FreshPair,
    policy: &Policy,
    now: Timestamp,
) -> Rotation {
    let Some(found) = found.filter(|found| found.token.hash == ask.hash) else {
        return refuse("unknown refresh token");
    };
    if found.token.client_id != client.record().client_id {
        return refuse("refresh token of another client");
    }
    if found.grant.revoked_at.is_some() {
        return refuse("revoked grant");
    }
    let lost = found.successor.as_ref().filter(|_| may_repeat(found, client, now));
    if found.token.revoked_at.is_some() && lost.is_none() {
        return Rotation::Replay { revoke: found.grant.id };
    }
    if !found.user_active {
        return refuse("the account is disabled");
    }
    if lost.is_none() && now >= found.token.expires_at {
        return refuse("expired refresh token");
    }
    let settings = &client.record().settings;
    if !settings.refresh_tokens {
        let text = "This client gets no refresh tokens any more.";
        return Rotation::Refuse(Refusal::new(ErrorCode::UnauthorizedClient, text));
    }
    let scope = match narrow(&found.grant, ask, &settings.scopes) {
        Ok(scope) => scope,
        Err(refusal) => return Rotation::Refuse(refusal),
    };
    if let Some(successor) = lost {
        return repeat(found, successor, scope, fresh);
    }
    let issuance = found.grant.issue(scope, fresh, true, policy, now);
    Rotation::Issue(Box::new(Answer { grant: found.grant.clone(), issuance, nonce: None }))
}

fn refuse(detail: &str) -> Rotation {
    let text = "The refresh token is invalid, expired, revoked, or was issued to another client.";
    Rotation::Refuse(Refusal::new(ErrorCode::InvalidGrant, text).detail(detail))
}

/// The scope of the new access token: of what was granted, what the client is still registered for.
///
/// # Errors
/// `invalid_scope` when more is asked than that, when nothing is left, or when it cannot be read.
pub fn narrow(
    grant: &GrantRecord,
    ask: &RefreshAsk,
    registered: &RegisteredScopes,
) -> Result<GrantedScope, Refusal> {
    let asked = ask.scope.clone()?;
    let text = "This client is no longer registered for anything that was granted.";
    let left = grant.scope.within(registered).ok_or(Refusal::new(ErrorCode::InvalidScope, text))?;
    asked.map_or(Ok(left), |scope| left.narrow(scope))
}

/// Whether a second use of `found` may be a lost answer rather than a theft.
pub fn may_repeat(found: &FoundRefresh, client: &AuthenticatedClient, now: Timestamp) -> bool {
    let grace = client.record().settings.refresh_grace;
    // Zero means never, even for a server whose clock is behind the one that wrote `revoked_at`.
    let in_time =
        grace > Seconds(0) && found.token.revoked_at.is_some_and(|rotated_at| now < rotated_at.plus(grace));
    in_time && found.successor.as_ref().is_some_and(|successor| successor.unused)
}

fn repeat(found: &FoundRefresh, successor: &Successor, scope: GrantedScope, fresh: &FreshPair) -> Rotation {
    if successor.access.scope != scope {
        let text = "The refresh token was used with another scope.";
        return Rotation::Refuse(Refusal::new(ErrorCode::InvalidGrant, text));
    }
    if (fresh.refresh.id, fresh.access.id) != (successor.refresh, successor.access.id) {
        return Rotation::Again;
    }
    let access = TokenRecord { hash: fresh.access.hash, ..successor.access.clone() };
    Rotation::Repeat(Box::new(Repeat { grant: found.grant.clone(), access }))
}

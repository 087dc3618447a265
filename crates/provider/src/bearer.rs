//! Bearer credentials: which kind a string is, and whether the token behind it is alive (RFC 6750).
//!
//! Kinds never stand in for each other: the prefix decides first, the `typ` of a JWT second.

use crate::app::RateLimit;
use crate::caller::Person;
use crate::grant::TokenRecord;
use ayb_protocol::access_token;
use ayb_protocol::claims::ClaimsRequest;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::ids::AppId;
use ayb_protocol::jose::jwt::Unverified;
use ayb_protocol::secret::{Access, ApiKey, Kind, Secret, SecretHash};
use ayb_protocol::time::Timestamp;
use uuid::Uuid;

/// The `typ` of the JWTs that stand for a session of the account API.
pub const SESSION_TYPE: &str = "ayb-session+jwt";

/// What a bearer string claims to be.
#[derive(Debug)]
pub enum Bearer {
    /// An opaque access token, well-formed.
    Opaque(Secret<Access>),
    /// A JWT access token; `jti` names its row.
    Jwt {
        /// The row that it names.
        row: Uuid,
        /// The hash of the whole string.
        hash: SecretHash<Access>,
        /// Whom it says it is for: to be believed when the hash is that of the row, because the server wrote it.
        audience: Option<String>,
    },
    /// An API key, well-formed.
    ApiKey(Secret<ApiKey>),
    /// A session JWT, not verified yet.
    Session,
    /// Something that never opens the API: a refresh token, a malformed token, noise.
    Unusable,
}

/// Tells the kinds apart by form alone; nothing is proven.
pub fn classify(text: &str) -> Bearer {
    if text.starts_with(Access::PREFIX) {
        return Secret::parse(text).map_or(Bearer::Unusable, Bearer::Opaque);
    }
    if text.starts_with(ApiKey::PREFIX) {
        // Every other prefix of ours begins like this one, and is followed by what no API key holds.
        return Secret::parse(text).map_or(Bearer::Unusable, Bearer::ApiKey);
    }
    let Ok(token) = Unverified::parse(text) else { return Bearer::Unusable };
    match token.header().typ.as_deref() {
        Some(typ) if typ.eq_ignore_ascii_case(SESSION_TYPE) => Bearer::Session,
        Some(typ) if typ.eq_ignore_ascii_case(access_token::TYPE) => {
            let row = token.text("jti").and_then(|jti| Uuid::try_parse(jti).ok());
            let audience = token.text("aud").map(str::to_owned);
            row.map_or(Bearer::Unusable, |row| Bearer::Jwt { row, hash: SecretHash::of(text), audience })
        }
        _ => Bearer::Unusable,
    }
}

/// What the store finds about an access token, in one read.
#[derive(Clone, Debug)]
pub struct FoundAccess {
    /// The token.
    pub token: TokenRecord<Access>,
    /// Whether its client was revoked.
    pub client_revoked: bool,
    /// Whether its grant was revoked.
    pub grant_revoked: bool,
    /// Single claims that the authorization request asked for.
    pub claims: ClaimsRequest,
    /// The address of the person, if there is one.
    pub user_email: Option<String>,
    /// Whether the person may still use their account; true when there is none.
    pub user_active: bool,
    /// The app of the client.
    pub app_id: AppId,
    /// What the app's credentials may do together.
    pub rate_limit: RateLimit,
    /// Browser origins that may read answers to this client; empty means the server's setting.
    pub allowed_origins: Vec<String>,
    /// The same of the client's app.
    pub app_allowed_origins: Vec<String>,
    /// The first use of this token must be recorded, because a lost refresh answer may be repeated until then.
    pub record_first_use: bool,
}

/// An access token that is alive. Only [`check`] makes it.
#[derive(Clone, Debug)]
pub struct LiveToken {
    found: FoundAccess,
    for_us: bool,
}

impl LiveToken {
    /// Takes in whom the token says it is for (RFC 9068 §4): this server by its issuer, or nobody else but its client,
    /// which is what a client without an audience of its own has.
    #[must_use]
    pub fn with_audience(self, audience: Option<&str>, issuer: &str) -> Self {
        let ours = [issuer, self.found.token.client_id.as_str()];
        Self { for_us: audience.is_some_and(|audience| ours.contains(&audience)), ..self }
    }

    /// Whether it is for this server. A token for another API opens no table here, or that API could use it here for
    /// itself.
    pub fn is_for_us(&self) -> bool {
        self.for_us
    }

    /// The token.
    pub fn token(&self) -> &TokenRecord<Access> {
        &self.found.token
    }

    /// The person, if there is one.
    pub fn person(&self) -> Option<Person<'_>> {
        Some(Person { id: self.found.token.user_id?, email: self.found.user_email.as_deref()? })
    }

    /// What else is known.
    pub fn found(&self) -> &FoundAccess {
        &self.found
    }
}

/// Checks the token whose hash is `hash` against what was found where it points.
///
/// # Errors
/// `invalid_token`, with one text for every reason (RFC 6750 §3.1).
pub fn check(
    hash: &SecretHash<Access>,
    found: Option<FoundAccess>,
    now: Timestamp,
) -> Result<LiveToken, Refusal> {
    const DEAD: Refusal =
        Refusal::new(ErrorCode::InvalidToken, "The access token is invalid, expired or revoked.");
    let Some(found) = found.filter(|found| found.token.hash == *hash) else {
        return Err(DEAD.detail("unknown token"));
    };
    let reasons = [
        (found.token.revoked_at.is_some(), "revoked token"),
        (found.grant_revoked, "revoked grant"),
        (found.client_revoked, "revoked client"),
        (!found.user_active, "disabled account"),
        (now >= found.token.expires_at, "expired token"),
    ];
    if let Some((_, reason)) = reasons.into_iter().find(|(dead, _)| *dead) {
        return Err(DEAD.detail(reason));
    }
    Ok(LiveToken { found, for_us: true })
}

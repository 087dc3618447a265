//! JWT access tokens (RFC 9068).

use serde::Serialize;

/// The `typ` of a JWT access token (RFC 9068 §2.1).
pub const TYPE: &str = "at+jwt";

/// The claims of a JWT access token (RFC 9068 §2.2).
#[derive(Clone, Debug, Serialize)]
pub struct AccessTokenClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The person, or the client when there is no person (RFC 9068 §2.2).
    pub sub: String,
    /// Whom the token is for.
    pub aud: &'a str,
    /// The client that asked for it.
    pub client_id: &'a str,
    /// What it allows.
    pub scope: String,
    /// Time of issue, seconds since the epoch.
    pub iat: i64,
    /// Expiry, seconds since the epoch.
    pub exp: i64,
    /// The token's own identifier: the identifier of its row.
    pub jti: String,
    /// When the person signed in (RFC 9068 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The tables that it is limited to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_tables: Option<Vec<String>>,
}

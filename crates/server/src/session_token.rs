//! Session tokens: short-lived HS256 JWTs for the account API. They are checked against their session each time, so a
//! session that ends takes them with it.

use ayb_protocol::ids::{SessionId, UserId};
use ayb_protocol::jose::jwt::{ExpectedType, Verifier};
use ayb_protocol::jose::{Algorithm, SigningError, jwt};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::bearer::SESSION_TYPE;
use serde::Serialize;

use crate::app::App;

/// What a session token says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionClaims {
    /// Whose session.
    pub user: UserId,
    /// Which session.
    pub session: SessionId,
}

#[derive(Serialize)]
struct Members<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
}

/// Signs a session token.
///
/// # Errors
/// When signing fails.
pub fn sign(
    app: &App,
    claims: SessionClaims,
    lifetime: Seconds,
    now: Timestamp,
) -> Result<String, SigningError> {
    let members = Members {
        iss: app.issuer(),
        aud: app.issuer(),
        sub: claims.user.to_string(),
        sid: claims.session.to_string(),
        iat: now.as_seconds(),
        exp: now.plus(lifetime).as_seconds(),
    };
    jwt::sign_hmac(&app.session_key, SESSION_TYPE, &members)
}

/// Reads a session token; `None` unless signature, kind, issuer, audience and lifetime are right.
pub fn verify(app: &App, token: &str, now: Timestamp) -> Option<SessionClaims> {
    let verifier = Verifier::new([Algorithm::HS256], ExpectedType::Is(SESSION_TYPE.into()))
        .with_issuer(app.issuer())
        .with_audience(app.issuer());
    let claims = verifier.verify_hmac(token, &app.session_key, now).ok()?;
    let session = SessionId::parse(claims.text("sid")?)?;
    Some(SessionClaims { user: UserId::parse(claims.subject()?)?, session })
}

//! The strings of one token answer: drawn before the decision, because the store keeps their hashes.

use axum::Json;
use axum::response::Response;
use ayb_protocol::access_token::{self, AccessTokenClaims};
use ayb_protocol::jose::jwt;
use ayb_protocol::message::token::TokenResponse;
use ayb_protocol::secret::{Access, Refresh, RowKey, Secret, SecretHash};
use ayb_protocol::time::Timestamp;
use ayb_provider::client::{ClientRecord, TokenFormat};
use ayb_provider::grant::{FreshPair, FreshToken, GrantRecord, TokenRecord};
use zeroize::Zeroizing;

use crate::app::App;
use crate::http::headers::no_store;
use crate::mint::Mint;
use crate::oauth::error::{OAuthError, internal};

/// The strings of one answer, and what rules and store see of them.
pub struct Drawn {
    /// The access token.
    pub access: DrawnAccess,
    /// The refresh token, used when one is issued.
    pub refresh: Secret<Refresh>,
    fresh_refresh: FreshToken<Refresh>,
}

/// An access token, and what rules and store see of it.
pub struct DrawnAccess {
    /// The string; empty while a JWT is not signed.
    pub text: Zeroizing<String>,
    /// Row and hash.
    pub fresh: FreshToken<Access>,
}

/// Where the bytes of a pair come from.
pub enum Source<'a> {
    /// Randomness.
    Random,
    /// The refresh token that is replaced, for clients that may ask for a lost answer again.
    Successor(&'a Secret<Refresh>),
}

/// The rows of a pair: new ones, or those of an answer that is said again.
#[derive(Clone, Copy)]
pub struct Rows {
    /// Of the access token.
    pub access: RowKey,
    /// Of the refresh token.
    pub refresh: RowKey,
    /// The whole identifier of the access token's row, when it exists already.
    pub known_access: Option<uuid::Uuid>,
}

impl Rows {
    /// New rows.
    pub fn new(mint: &Mint, now: Timestamp) -> Self {
        Self { access: mint.row(now), refresh: mint.row(now), known_access: None }
    }
}

/// Draws a pair. A JWT is left unsigned: [`DrawnAccess::sign`] does that when the claims are known.
///
/// # Errors
/// When there is no randomness.
pub fn draw(mint: &Mint, format: TokenFormat, source: &Source<'_>, rows: Rows) -> Result<Drawn, OAuthError> {
    let refresh: Secret<Refresh> = match source {
        Source::Random => mint.located(rows.refresh)?,
        Source::Successor(old) => mint.successor(old, rows.refresh),
    };
    let fresh_refresh = Mint::fresh(rows.refresh, &refresh);
    Ok(Drawn { access: draw_access(mint, format, source, rows)?, refresh, fresh_refresh })
}

fn draw_access(
    mint: &Mint,
    format: TokenFormat,
    source: &Source<'_>,
    rows: Rows,
) -> Result<DrawnAccess, OAuthError> {
    if format == TokenFormat::Jwt {
        let id = rows.known_access.map_or_else(|| mint.jwt_row(rows.access), Ok)?;
        return Ok(DrawnAccess { text: Zeroizing::default(), fresh: Mint::unsigned(id) });
    }
    let secret: Secret<Access> = match source {
        Source::Random => mint.located(rows.access)?,
        Source::Successor(old) => mint.successor(old, rows.access),
    };
    let fresh = Mint::fresh(rows.access, &secret);
    Ok(DrawnAccess { text: secret.into_text(), fresh })
}

impl Drawn {
    /// Rows and hashes.
    pub fn fresh(&self) -> FreshPair {
        FreshPair { access: self.access.fresh, refresh: self.fresh_refresh }
    }
}

impl DrawnAccess {
    /// Draws the access token of a client that gets no other.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn alone(mint: &Mint, format: TokenFormat, now: Timestamp) -> Result<Self, OAuthError> {
        let row = mint.row(now);
        draw_access(mint, format, &Source::Random, Rows { access: row, refresh: row, known_access: None })
    }

    /// Whether the string is there: a JWT once it is signed, an opaque one from the beginning.
    pub fn is_signed(&self) -> bool {
        !self.text.is_empty()
    }

    /// Signs the JWT of `record` (RFC 9068) and takes its hash over. Everything in `record` but the hash is final.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(
        &mut self,
        app: &App,
        client: &ClientRecord,
        record: &TokenRecord<Access>,
        auth_time: Option<Timestamp>,
    ) -> Result<(), OAuthError> {
        self.text = sign_access(app, client, record, auth_time)?;
        self.fresh = FreshToken { hash: SecretHash::of(&self.text), ..self.fresh };
        Ok(())
    }
}

/// Signs a JWT access token.
///
/// # Errors
/// When the key cannot sign.
pub fn sign_access(
    app: &App,
    client: &ClientRecord,
    record: &TokenRecord<Access>,
    auth_time: Option<Timestamp>,
) -> Result<Zeroizing<String>, OAuthError> {
    let sub = record.user_id.map_or_else(|| client.client_id.to_string(), |user| user.to_string());
    let claims = AccessTokenClaims {
        iss: app.issuer(),
        sub,
        aud: client.audience(),
        client_id: client.client_id.as_str(),
        scope: record.scope.to_string(),
        iat: record.created_at.as_seconds(),
        exp: record.expires_at.as_seconds(),
        jti: record.id.to_string(),
        auth_time: auth_time.map(Timestamp::as_seconds),
        allowed_tables: record.tables.to_stored(),
    };
    let ring = app.keys.ring();
    let key = ring.active(client.settings.signing_alg).ok_or_else(|| internal("there is no signing key"))?;
    jwt::sign(key, access_token::TYPE, &claims)
        .map(Zeroizing::new)
        .map_err(|error| internal(error.to_string()))
}

/// The answer for a token without a person.
pub fn machine_answer(record: &TokenRecord<Access>, access: &str, now: Timestamp) -> Response {
    no_store(Json(TokenResponse {
        access_token: access,
        token_type: "Bearer",
        expires_in: record.expires_at.seconds_since(now).0,
        refresh_token: None,
        scope: record.scope.to_string(),
        id_token: None,
    }))
}

/// What is answered for a grant.
pub struct Reply<'a> {
    /// The grant.
    pub grant: &'a GrantRecord,
    /// The access token that was stored.
    pub access: &'a TokenRecord<Access>,
    /// For the ID token.
    pub nonce: Option<&'a str>,
    /// The refresh token, when one was stored.
    pub refresh: Option<&'a Secret<Refresh>>,
}

/// The answer for a grant: the pair that was stored, and an ID token where the scope asks for one.
///
/// # Errors
/// When the ID token cannot be made; the code or refresh token is spent by then, which is the safe side.
pub async fn grant_answer(
    app: &App,
    client: &ClientRecord,
    access_token: &str,
    reply: &Reply<'_>,
    now: Timestamp,
) -> Result<Response, OAuthError> {
    let id_token = super::id_token::make(app, client, reply, access_token, now).await?;
    Ok(no_store(Json(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: reply.access.expires_at.seconds_since(now).0,
        refresh_token: reply.refresh.map(Secret::expose),
        scope: reply.access.scope.to_string(),
        id_token: id_token.as_ref().map(|token| token.as_str()),
    })))
}

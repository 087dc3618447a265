//! Making the ID token of an answer (OpenID Connect Core §2, §3.1.3.3, §12.2).

use std::collections::BTreeSet;

use ayb_protocol::claims::{UserClaim, asks_about_person, user_claims};
use ayb_protocol::id_token::{IdTokenClaims, at_hash};
use ayb_protocol::ids::UserId;
use ayb_protocol::jose::jwt;
use ayb_protocol::scope::{IdentityScope, Scope};
use ayb_protocol::time::Timestamp;
use ayb_provider::client::ClientRecord;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::app::App;
use crate::oauth::error::{OAuthError, internal};
use crate::oauth::issue::Reply;

/// What `scope` opens of a person, and what `single` names.
///
/// # Errors
/// When the person cannot be loaded.
pub async fn about_person(
    app: &App,
    user: UserId,
    scope: &Scope,
    single: &BTreeSet<UserClaim>,
) -> Result<Map<String, Value>, OAuthError> {
    if !asks_about_person(scope, single) {
        return Ok(Map::new());
    }
    let user = app.store.user(user).await?.ok_or_else(|| internal("the account is gone"))?;
    Ok(user_claims(&user.profile(), scope, single))
}

/// The ID token, when the grant has `openid`.
///
/// # Errors
/// When the person cannot be loaded, or the key cannot sign.
pub async fn make(
    app: &App,
    client: &ClientRecord,
    reply: &Reply<'_>,
    access_token: &str,
    now: Timestamp,
) -> Result<Option<Zeroizing<String>>, OAuthError> {
    let grant = reply.grant;
    let scope = reply.access.scope;
    if !scope.scope().has(IdentityScope::Openid) {
        return Ok(None);
    }
    let user = about_person(app, grant.user_id, scope.scope(), &grant.claims.id_token).await?;
    let alg = client.settings.signing_alg;
    let claims = IdTokenClaims {
        iss: app.issuer(),
        sub: grant.user_id.to_string(),
        aud: client.client_id.as_str(),
        exp: now.plus(app.policy.id_token).as_seconds(),
        iat: now.as_seconds(),
        auth_time: grant.auth_time.as_seconds(),
        nonce: reply.nonce,
        amr: &grant.amr,
        at_hash: at_hash(alg.algorithm(), access_token),
        sid: grant.session_id.map(|session| session.to_string()),
        user,
    };
    let ring = app.keys.ring();
    let key = ring.active(alg).ok_or_else(|| internal("there is no signing key"))?;
    let token = jwt::sign(key, "JWT", &claims).map_err(|error| internal(error.to_string()))?;
    Ok(Some(Zeroizing::new(token)))
}

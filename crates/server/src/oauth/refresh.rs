//! `grant_type=refresh_token`: rotation, and the repetition of a lost answer for clients that may ask for it.

use axum::response::Response;
use ayb_protocol::error::{ErrorCode, Refusal};
use ayb_protocol::message::token::RefreshRequest;
use ayb_protocol::secret::{Access, Refresh, RowKey, Secret};
use ayb_protocol::time::{Seconds, Timestamp};
use ayb_provider::client::TokenFormat;
use ayb_provider::client_auth::AuthenticatedClient;
use ayb_provider::grant::refresh::{self, FoundRefresh, RefreshAsk, Rotation};
use ayb_provider::grant::{Answer, GrantRecord, TokenRecord};
use uuid::Uuid;

use crate::app::App;
use crate::oauth::error::OAuthError;
use crate::oauth::issue::{Drawn, Reply, Rows, Source, draw, grant_answer};

/// How often a request prepares anew because another one rotated the same token meanwhile.
const ATTEMPTS: usize = 3;

/// Rotates a refresh token; `None` when the client is no longer what it was.
///
/// # Errors
/// What the request is refused with.
pub async fn rotate(
    app: &App,
    client: &AuthenticatedClient,
    request: &RefreshRequest,
    now: Timestamp,
) -> Result<Option<Response>, OAuthError> {
    let Some(old) = &request.token else {
        return Err(Refusal::new(ErrorCode::InvalidGrant, "The refresh token is not valid.").into());
    };
    let (id, hash) = old.locate(app.mint.mask());
    let ask = RefreshAsk { hash, scope: request.scope.clone() };
    for _ in 0..ATTEMPTS {
        let (drawn, seen) = prepare(app, client, old, id, &ask, now).await?;
        let rule = rule(ask.clone(), client.clone(), &drawn, app.policy.clone(), now);
        let Some(decision) = app.store.rotate_refresh(id, client.record(), now, seen, rule).await? else {
            return Ok(None);
        };
        match decision {
            Rotation::Issue(answer) => {
                let Answer { grant, issuance, .. } = &*answer;
                return respond(app, client, &drawn, grant, &issuance.access, now).await.map(Some);
            }
            Rotation::Repeat(repeat) => {
                return respond(app, client, &drawn, &repeat.grant, &repeat.access, now).await.map(Some);
            }
            Rotation::Again => {}
            Rotation::Replay { revoke } => {
                app.audit.refresh_replayed(client.record(), revoke, now);
                let text = "The refresh token was used before; its grant is revoked.";
                return Err(Refusal::new(ErrorCode::InvalidGrant, text).into());
            }
            Rotation::Refuse(refusal) => return Err(refusal.into()),
        }
    }
    Err(OAuthError::too_many(Seconds(1)))
}

async fn respond(
    app: &App,
    client: &AuthenticatedClient,
    drawn: &Drawn,
    grant: &GrantRecord,
    access: &TokenRecord<Access>,
    now: Timestamp,
) -> Result<Response, OAuthError> {
    let reply = Reply { grant, access, nonce: None, refresh: Some(&drawn.refresh) };
    grant_answer(app, client.record(), &drawn.access.text, &reply, now).await
}

fn rule(
    ask: RefreshAsk,
    client: AuthenticatedClient,
    drawn: &Drawn,
    policy: ayb_provider::policy::Policy,
    now: Timestamp,
) -> impl Fn(Option<&FoundRefresh>) -> Rotation + Send + Sync + 'static {
    let (fresh, signed) = (drawn.fresh(), drawn.access.is_signed());
    move |found| refresh::rotate(found, &ask, &client, &fresh, &policy, now).only_if(signed)
}

/// Draws the new pair. Only a JWT, which must be signed before the transaction, and a client with a grace need a look
/// at the token first, and then what was seen.
async fn prepare(
    app: &App,
    client: &AuthenticatedClient,
    old: &Secret<Refresh>,
    id: Uuid,
    ask: &RefreshAsk,
    now: Timestamp,
) -> Result<(Drawn, Option<FoundRefresh>), OAuthError> {
    let settings = &client.record().settings;
    let has_grace = settings.refresh_grace > Seconds(0);
    let source = if has_grace { Source::Successor(old) } else { Source::Random };
    if !has_grace && settings.token_format == TokenFormat::Opaque {
        return Ok((draw(&app.mint, settings.token_format, &source, Rows::new(&app.mint, now))?, None));
    }
    let found = app.store.peek_refresh(id).await?;
    let rows = rows(app, found.as_ref(), has_grace, now);
    let mut drawn = draw(&app.mint, settings.token_format, &source, rows)?;
    if settings.token_format == TokenFormat::Jwt {
        sign_ahead(app, client, found.as_ref(), ask, &mut drawn, now)?;
    }
    Ok((drawn, found))
}

/// New rows, or those of the pair that replaced the token already.
fn rows(app: &App, found: Option<&FoundRefresh>, has_grace: bool, now: Timestamp) -> Rows {
    match found.and_then(|found| found.successor.as_ref()).filter(|_| has_grace) {
        Some(successor) => Rows {
            access: RowKey::from_row_id(successor.access.id),
            refresh: RowKey::from_row_id(successor.refresh),
            known_access: Some(successor.access.id),
        },
        None => Rows::new(&app.mint, now),
    }
}

fn sign_ahead(
    app: &App,
    client: &AuthenticatedClient,
    found: Option<&FoundRefresh>,
    ask: &RefreshAsk,
    drawn: &mut Drawn,
    now: Timestamp,
) -> Result<(), OAuthError> {
    let (access, auth_time) = match refresh::rotate(found, ask, client, &drawn.fresh(), &app.policy, now) {
        Rotation::Issue(answer) => (answer.issuance.access, answer.grant.auth_time),
        Rotation::Repeat(repeat) => (repeat.access, repeat.grant.auth_time),
        _ => return Ok(()),
    };
    drawn.access.sign(app, client.record(), &access, Some(auth_time))
}
